#!/usr/bin/env python3
"""Round trip and throughput of the kinds of link on loopback.

    links.py --program LINK_SPEED [-m MIB] [-n ROUNDS]

Starts an sshd of its own, and has link_speed.cc measure. See bench/README.md.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
sys.path.insert(0, os.path.abspath("tests/support"))  # Among the runfiles.
import sshd  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="bench/link_speed")
    parser.add_argument("-m", type=int, default=256, help="MiB a round")
    parser.add_argument("-n", type=int, default=5, help="rounds")
    options = parser.parse_args()
    program = os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", ""), options.program)
    if not os.path.exists(program):
        program = options.program  # Of the runfiles.
    execnet = os.path.join(HERE, "links_execnet.py")
    if not os.path.exists(execnet):
        execnet = os.path.abspath("bench/links_execnet.py")  # Likewise.
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(pathlib.Path(folder, "ssh"))
        os.chmod(folder, 0o755)
        world = sshd.SshWorld(pathlib.Path(folder, "ssh"))
        with sshd.Sshd(world, "here"):
            print(f"load {os.getloadavg()[0]:.1f}", flush=True)
            subprocess.run([program, "-m", str(options.m), "-n", str(options.n), "-F",
                            world.config, "-e", execnet, "here"], check=True)
            print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
