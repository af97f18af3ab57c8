"""Starts the pytest plugin: `PYTHON -c THIS_FILE FD` (docs/plugin-records.md).

The plugin comes through FD, so nothing of `dist` need be installed beside the interpreter. Whatever Python answers to the
name must be able to parse this file, or it could not say that it is too old.
"""
import os
import struct
import sys


def _boot():
    fd = int(sys.argv.pop())  # What stays, ["-c"], is what tests see under xdist.

    def read(size):
        data = b""
        while len(data) < size:
            part = os.read(fd, size - len(data))
            if not part:
                os._exit(1)  # The node is gone.
            data += part
        return data

    if sys.version_info < (3, 7):
        text = '{"reason": "Python %d.%d is older than 3.7"}' % sys.version_info[:2]
        os.write(fd, struct.pack("<IB", len(text) + 1, ord("N")) + text.encode("ascii"))
        return
    if sys.path and sys.path[0] == "":
        sys.path[0] = os.getcwd()  # As `python -m pytest`: a test may chdir.
    source = read(struct.unpack("<I", read(4))[0]).decode("utf-8")
    name = "<dist pytest_plugin>"
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), {"__name__": "dist_pytest_plugin", "fd": fd})


_boot()
