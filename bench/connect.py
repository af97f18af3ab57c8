#!/usr/bin/env python3
"""Time from the start of a command to its first test, on hosts over ssh.

dist and pytest-xdist in turn, over the same sshd on loopback, and `ssh host
true` and a local pytest beside. See bench/README.md.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/support"))
sys.path.insert(0, os.path.abspath("tests/support"))  # Among the runfiles.
import sshd  # noqa: E402

PYTHON = "/usr/bin/python3"
# The first test there is says when it began; all clocks are this machine's.
SUITE = """
import os, time
import pytest

@pytest.mark.parametrize("n", range({tests}))
def test_it(n):
    try:
        file = os.open({first!r}, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return
    os.write(file, b"%.6f" % time.monotonic())
    os.close(file)
"""


class Rig:
    """A server with many addresses, a project, and how to run it there."""

    def __init__(self, folder, dist, proxy, most_hosts):
        self.folder = pathlib.Path(folder)
        self.dist, self.proxy = dist, proxy
        self.world = sshd.SshWorld(folder)
        self.home = pathlib.Path(self.world.home)
        self.server = sshd.Sshd(self.world, "near0", config=(
            f"SetEnv HOME={self.world.home} PATH=/usr/local/bin:/usr/bin:/bin",))
        self.known = f"[127.0.0.1]:{self.server.port} {self.world.read('host_key.pub')}"
        self.world.write("known_hosts", self.known)
        self.most_hosts = most_hosts
        self.proxies = []
        self.name_hosts("near", [self.server.port] * most_hosts)
        self.project = self.folder / "project"
        (self.project / "suite").mkdir(parents=True)
        (self.project / "pytest.ini").write_text("[pytest]\n")
        self.first = str(self.folder / "first")

    def name_hosts(self, prefix, ports):
        for i, port in enumerate(ports):
            self.world.configure(f"Host {prefix}{i}\n  HostName 127.0.0.1\n  Port {port}\n"
                                 f"  HostKeyAlias [127.0.0.1]:{self.server.port}")

    def delay(self, milliseconds):
        """Adds hosts far0, far1, ...: each behind a proxy of its own."""
        ports = []
        for _ in range(self.most_hosts):
            self.proxies.append(subprocess.Popen(
                [self.proxy, "0", str(self.server.port), str(milliseconds)],
                stdout=subprocess.PIPE, text=True))
            ports.append(int(self.proxies[-1].stdout.readline()))
        self.name_hosts("far", ports)

    def stop(self):
        for proxy in self.proxies:
            proxy.kill()
            proxy.wait()
            proxy.stdout.close()
        self.server.stop()

    def forget(self):
        """Makes all caches cold, also those beside the home, where other runs may have put the
        program."""
        for path in self.home.iterdir():
            shutil.rmtree(path)
        for bundle in self.bundles():
            program = bundle.read_bytes()[:1000].split(b"\n")[2].decode()
            for folder in "/var/tmp", "/dev/shm":
                shutil.rmtree(f"{folder}/dist-{os.getuid()}/programs/{program}",
                              ignore_errors=True)

    def bundles(self):
        return (pathlib.Path(self.dist).resolve().parent / "bundles").glob("*.bundle")

    def environment(self):
        return {"HOME": str(self.folder), "PATH": "/usr/local/bin:/usr/bin:/bin",
                "LC_ALL": "C.UTF-8", "XDG_CACHE_HOME": str(self.folder / "here")}

    def ssh(self, host, command="true", stdin=None):
        """Seconds that `ssh host command` takes."""
        began = time.monotonic()
        subprocess.run(["ssh", "-F", self.world.config, host, command], check=True,
                       env=self.environment(), stdin=stdin or subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - began

    def ssh_program(self, host):
        """Seconds that it takes to send the node program, unpack, keep and hash it."""
        bundle, = self.bundles()
        packed = bundle.read_bytes()
        with tempfile.TemporaryFile() as file:
            file.write(packed[packed.index(b"\x1f\x8b"):])
            file.seek(0)
            return self.ssh(host, "gzip -dc | tee program | openssl dgst -sha256", file)

    def run(self, tool, hosts, workers):
        """Seconds until the first test began."""
        tests = 4 * max(len(hosts), 1) * workers
        suite = str(self.project / "suite")
        file = self.project / "suite/test_it.py"
        text = SUITE.format(tests=tests, first=self.first)
        # Not anew for each run: to write it is to change it.
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.first)
        if tool == "dist":
            command = [self.dist, "-q", "-d", "--no-history"]
            spec = "{n}*ssh=-F {config} {host}//python={python}"
        elif tool == "pytest":
            command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            hosts = []
        else:
            command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-d",
                       "--rsyncdir", suite]
            spec = "{n}*ssh={host}//ssh_config={config}//python={python}"
        for host in hosts:
            command += ["--tx", spec.format(n=workers, config=self.world.config,
                                            host=host, python=PYTHON)]
        command.append(suite)
        began = time.monotonic()
        done = subprocess.run(command, cwd=self.project, env=self.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0 or f"{tests} passed" not in done.stdout:
            sys.exit(f"{' '.join(command)}\nexit status {done.returncode}\n{done.stdout}")
        return float(pathlib.Path(self.first).read_text()) - began


def measure(rig, args, line, hosts, workers):
    """{what: seconds of each round}."""
    names = [f"{line}{i}" for i in range(hosts)]
    found = {}

    def note(what, seconds):
        found.setdefault(what, []).append(seconds)
    for _ in range(args.rounds):
        note("ssh", rig.ssh(names[0]))
        note("bytes", rig.ssh_program(names[0]) - found["ssh"][-1])
        note("pytest", rig.run("pytest", [], workers * hosts))
        for tool in "dist", "xdist":
            rig.forget()
            note(tool + " cold", rig.run(tool, names, workers))
            note(tool + " warm", rig.run(tool, names, workers))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    numbers = {"type": lambda text: [int(n) for n in text.split(",")], "metavar": "N,N"}
    parser.add_argument("--hosts", default=[1, 4, 16], **numbers)
    parser.add_argument("--workers", default=[1, 4], help="on each host", **numbers)
    parser.add_argument("--delay", default=[0, 50], help="milliseconds each way; 0: none",
                        **numbers)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dist", default=os.path.abspath("cli/dist"))
    parser.add_argument("--proxy", default=os.path.abspath("bench/delay_proxy"))
    args = parser.parse_args()
    for path in args.dist, args.proxy:
        if not os.access(path, os.X_OK):
            sys.exit(f"connect: no program {path}\nhelp: bazel run //bench:connect")
    # Where a server may read it, whoever logs in.
    with tempfile.TemporaryDirectory(prefix="dist_connect_", dir="/tmp") as folder:
        rig = Rig(folder, args.dist, args.proxy, max(args.hosts))
        try:
            print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs, "
                  f"medians of {args.rounds}; seconds to the first test\n")
            print("| delay ms | hosts | workers each | cache | bound | dist | xdist "
                  "| dist/xdist |\n|---|---|---|---|---|---|---|---|", flush=True)
            for delay in args.delay:
                if delay > 0:
                    rig.delay(delay)
                for hosts in args.hosts:
                    for workers in args.workers:
                        found = measure(rig, args, "far" if delay > 0 else "near",
                                        hosts, workers)
                        middle = {what: statistics.median(all)
                                  for what, all in found.items()}
                        round_trip = 2 * delay / 1000
                        bound = {"warm": middle["ssh"] + 2 * round_trip + middle["pytest"]}
                        bound["cold"] = bound["warm"] + round_trip + middle["bytes"]
                        for cache in "cold", "warm":
                            ours, theirs = middle[f"dist {cache}"], middle[f"xdist {cache}"]
                            print(f"| {delay} | {hosts} | {workers} | {cache} "
                                  f"| {bound[cache]:.2f} | {ours:.2f} | {theirs:.2f} "
                                  f"| {ours / theirs:.2f} |", flush=True)
            print(f"\nload {os.getloadavg()[0]:.1f} at the end")
        finally:
            rig.stop()


if __name__ == "__main__":
    main()
