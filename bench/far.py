"""A host for //bench:makespan, near (an sshd on loopback) and far (the same behind //bench:delay_proxy)."""

import os
import pathlib
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import sshd  # noqa: E402


class FarHost:
    """The hosts `near` and `far` of the ssh configuration `config`."""

    def __init__(self, folder, proxy, milliseconds):
        os.mkdir(folder)
        self._world = sshd.SshWorld(folder)
        home = pathlib.Path(self._world.home)
        self._server = sshd.Sshd(self._world, "near", config=(
            f"SetEnv HOME={home} PATH=/usr/local/bin:/usr/bin:/bin",))
        self._proxy = subprocess.Popen([proxy, "0", str(self._server.port), str(milliseconds)],
                                       stdout=subprocess.PIPE, text=True)
        port = int(self._proxy.stdout.readline())
        self._world.configure(f"Host far\n  HostName 127.0.0.1\n  Port {port}\n"
                              f"  HostKeyAlias [127.0.0.1]:{self._server.port}")

    @property
    def config(self):
        return self._world.config

    def stop(self):
        self._proxy.kill()
        self._proxy.wait()
        self._proxy.stdout.close()
        self._server.stop()
