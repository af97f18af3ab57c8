#!/usr/bin/env python3
"""Round trip and throughput of execnet's socket gateway on loopback.

    links_execnet.py TRIPS BYTES

Prints the median of TRIPS round trips of 64 bytes in microseconds, and the MB/s
at which BYTES come from there in pieces of 64 KiB. For link_speed.cc.
"""

import socket
import statistics
import subprocess
import sys
import time

import execnet

ANSWER = """
for _ in range(channel.receive()):
    channel.send(channel.receive())
piece = bytes(1 << 16)
for _ in range(channel.receive()):
    channel.send(piece)
"""


def main():
    trips, size = int(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "execnet.script.socketserver", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    group = execnet.Group()
    try:
        while True:
            try:
                gateway = group.makegateway(f"socket=127.0.0.1:{port}")
                break
            except (ConnectionRefusedError, execnet.HostNotFound):
                assert server.poll() is None
                time.sleep(0.02)
        channel = gateway.remote_exec(ANSWER)
        channel.send(trips)
        times = []
        for _ in range(trips):
            begin = time.perf_counter()
            channel.send(b"x" * 64)
            channel.receive()
            times.append(time.perf_counter() - begin)
        pieces = size >> 16
        begin = time.perf_counter()
        channel.send(pieces)
        for _ in range(pieces):
            channel.receive()
        seconds = time.perf_counter() - begin
        print(statistics.median(times) * 1e6, (pieces << 16) / 1e6 / seconds)
    finally:
        server.kill()
        server.wait()
        group.terminate(timeout=1)


if __name__ == "__main__":
    main()
