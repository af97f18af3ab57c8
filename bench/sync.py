#!/usr/bin/env python3
"""What it takes to have a tree on another host: dist, rsync, execnet, tar.

Starts an sshd of its own on loopback, with a home for each host, and runs the
tools in turn (A B C A B C ...), --runs times after each kind of change. Every
figure includes the connection. dist is stopped behind the sync by an
interpreter that does not exist there; its time is that until it says that the
last host is synced. See bench/README.md.
"""

import argparse
import os
import pathlib
import random
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "support"))
import sshd  # noqa: E402
import sync_memory  # noqa: E402

KINDS = ["small", "build", "large"]
WHATS = ["cold", "unchanged", "one change", "all over", "touched", "4 hosts, cold"]
HOSTS = {"4 hosts, cold": 4}
TOOLS = ["rsync", "dist", "execnet", "tar"]
EXECNET = """
import execnet, sys
source, config, *hosts = sys.argv[1:]
group = execnet.Group()
sync = execnet.RSync(source, verbose=False)
for host in hosts:
    gateway = group.makegateway(f"ssh=-F {config} {host}//python=/usr/bin/python3")
    channel = gateway.remote_exec("import os; channel.send(os.environ['HOME'])")
    sync.add_target(gateway, channel.receive() + "/execnet", delete=True)
sync.send()
group.terminate(timeout=5)
"""


class Bench:
    def __init__(self, options, delay, folder):
        self.options = options
        self.delay = delay
        self.folder = pathlib.Path(folder)
        self.world = sshd.SshWorld(self.folder / "ssh")
        self.source = self.folder / "source"
        self.trash = self.folder / "trash"
        self.trash.mkdir()
        self.homes = {}
        self.started = []
        self.servers = []
        self.env = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(self.folder / "mine"),
                    "LANG": "C.UTF-8"}
        os.mkdir(self.env["HOME"])

    def cpu(self):
        """Seconds of CPU of all commands that have ended, and of the hosts' ends of them."""
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        there = 0
        for server in self.servers:
            while server.sessions():
                time.sleep(0.005)
            with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
                user, system = file.read().rpartition(")")[2].split()[13:15]
            there += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        return ours.ru_utime + ours.ru_stime, there

    def start_hosts(self, count):
        for number in range(count):
            name = f"host{number}"
            home = self.folder / name
            home.mkdir()
            server = sshd.Sshd(self.world, name, config=[f"SetEnv HOME={home}"])
            self.started.append(server.stop)
            self.servers.append(server)
            self.homes[name] = home
            if self.delay:
                proxy = subprocess.Popen(
                    [self.options.proxy, "0", str(server.port), str(self.delay / 2)],
                    stdout=subprocess.PIPE, text=True)
                self.started.append(proxy.kill)
                port = int(proxy.stdout.readline().split()[-1])
                self.world.configure(f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n"
                                     f"  HostKeyAlias [127.0.0.1]:{server.port}")

    def stop(self):
        for stop in reversed(self.started):
            stop()

    # Each makes the tree on the hosts, all of them at once.

    def ssh(self):
        return f"ssh -F {self.world.config}"

    def rsync(self, hosts):
        return [["rsync", "-a", "--delete", "-e", self.ssh(), f"{self.source}/",
                 f"{host}:{self.homes[host]}/rsync/"] for host in hosts]

    def tar(self, hosts):
        return [["sh", "-c", f"tar -C {self.source} -cf - . | zstd -q -T1 -3 | {self.ssh()} {host} "
                 f"'mkdir -p {self.homes[host]}/tar && cd {self.homes[host]}/tar && "
                 "zstd -qd | tar -xf -'"] for host in hosts]

    def execnet(self, hosts):
        return [["/usr/bin/python3", "-c", EXECNET, str(self.source), self.world.config, *hosts]]

    def dist(self, hosts):
        tx = [word for host in hosts for word in
              ("--tx", f"ssh=-F {self.world.config} {host}//python=/nonexistent")]
        return [[self.options.dist, "-v", "--rsyncdir", ".", "--rootdir", ".", *tx]]

    def forget(self, tool, hosts):
        """As if that tool had never been on the hosts; its program stays.

        Moves: ext4 looks at each file deleted within the last minute before it
        makes a new one, which would cost whoever comes next many times its own.
        """
        for host in hosts:
            paths = [self.homes[host] / tool]
            if tool == "dist":
                paths = [self.homes[host] / ".cache/dist" / name for name in ("trees", "store")]
            for path in paths:
                if path.exists():
                    path.rename(self.trash / f"{len(os.listdir(self.trash))}")

    def check(self, tool, hosts):
        """A tool that does not do the work does not count."""
        wanted = sum(1 for path in self.source.rglob("*") if path.is_file())
        for host in hosts:
            tree = self.homes[host] / tool
            if tool == "dist":
                (tree,) = self.homes[host].glob(".cache/dist/trees/*/0/tree")
            found = sum(1 for path in tree.rglob("*") if path.is_file())
            if found != wanted:
                sys.exit(f"{tool}: {found} of {wanted} files at {host}")

    def run(self, tool, hosts):
        """(seconds, seconds of CPU here, seconds of CPU there)."""
        here, there = self.cpu()
        started = time.monotonic()
        running = [subprocess.Popen(command, cwd=self.source, env=self.env,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)
                   for command in getattr(self, tool)(hosts)]
        seconds = 0
        for process in running:
            said = ""
            for line in process.stdout:
                said += line.decode(errors="replace")
                if b": synced to " in line:
                    seconds = time.monotonic() - started
            wanted = 11 if tool == "dist" else 0
            if process.wait() != wanted:
                sys.exit(f"{tool}: exit status {process.returncode}\n{said}")
        if tool != "dist":
            seconds = time.monotonic() - started
        assert seconds, said
        here_after, there_after = self.cpu()
        return seconds, here_after - here, there_after - there


def make_tree(folder, kind):
    noise = random.Random(1)
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    if kind != "small":
        # As compilers and linkers write it: the same few things again and again,
        # with numbers of their own between them.
        pieces = [noise.randbytes(noise.randrange(8, 60)) for _ in range(1200)]
        with open(folder / "large.bin", "wb") as file:
            while file.tell() < 200_000_000:
                file.write(noise.randbytes(1_000_000) if kind == "large" else b"".join(
                    piece + noise.randbytes(3) for piece in noise.choices(pieces, k=25_000)))
        return
    words = [f"{noise.getrandbits(40):x}" for _ in range(4000)]
    for number in range(5000):
        path = folder / f"package{number // 100}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(" ".join(noise.choices(words, k=920)))


def change(folder, kind, what, number):
    if what == "one change":
        if kind != "small":
            with open(folder / "large.bin", "r+b") as file:
                file.seek(100_000_000)
                file.write(b"%016d" % number)
        else:
            (folder / "package7/module777.py").write_text(f"changed {number}")
    elif what == "all over":
        for path in sorted(folder.rglob("*.py"))[::50]:
            path.write_bytes(path.read_bytes()[:-20] + b"%020d" % number)
    elif what == "touched":
        when = time.time() + number
        for path in folder.rglob("*"):
            if path.is_file():
                os.utime(path, (when, when))


def measure(bench, kind, what, runs):
    hosts = sorted(bench.homes)[: HOSTS.get(what, 1)]
    tools = [tool for tool in bench.options.tools if tool != "tar" or "cold" in what]
    costs = {tool: [] for tool in tools}
    for number in range(1, runs + 1):
        change(bench.source, kind, what, number)
        for tool in tools:
            if number > 1 and tool in bench.options.once:
                continue
            if "cold" in what:
                bench.forget(tool, hosts)
            costs[tool].append(bench.run(tool, hosts))
            bench.check(tool, hosts)
    medians = {tool: [statistics.median(column) for column in zip(*costs[tool])] for tool in tools}
    for tool in tools:
        seconds, here, there = medians[tool]
        walls = [cost[0] for cost in costs[tool]]
        print(f"| {bench.delay:g} | {kind} | {what} | {tool} | {seconds:.2f} | {min(walls):.2f}-{max(walls):.2f} "
              f"| {here:.2f} | {there:.2f} | {seconds / medians[tools[0]][0]:.2f} "
              f"| {(here + there) / sum(medians[tools[0]][1:]):.2f} |", flush=True)
    return {tool: median[1] for tool, median in medians.items()}


def least_cpu(folder, size):
    """Seconds of CPU here to send that many bytes encrypted over TCP on loopback, and nothing else:
    OpenSSL's AES-GCM, from memory that stays in the cache."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        reader = os.fork()
        if reader == 0:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            connection = context.wrap_socket(server.accept()[0], server_side=True)
            room = bytearray(1 << 18)
            while connection.recv_into(room):
                pass
            os._exit(0)
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(socket.create_connection(server.getsockname()),
                                 server_hostname="localhost") as connection:
            piece = os.urandom(1 << 20)
            began = time.process_time()
            for _ in range(size >> 20):
                connection.sendall(piece)
            took = time.process_time() - began
        os.waitpid(reader, 0)
    return took


def measure_kind(options, delay, kind):
    with tempfile.TemporaryDirectory(prefix="dist_bench_") as folder:
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, "ssh"))
        bench = Bench(options, delay, folder)
        try:
            make_tree(bench.source, kind)
            bench.start_hosts(max(HOSTS.get(what, 1) for what in options.whats))
            # From the first run on, dist's program and hashes are there, and
            # the files are in memory; without a cold run, all trees are.
            bench.run("dist", sorted(bench.homes))
            for tool in options.tools:
                if options.whats[0] != "cold" and tool not in ("dist", "tar"):
                    bench.run(tool, sorted(bench.homes)[:1])
            here = {what: measure(bench, kind, what, options.runs) for what in options.whats
                    if what != "all over" or kind == "small"}
        finally:
            bench.stop()
        if "cold" not in here or "4 hosts, cold" not in here:
            return []
        return compare_hosts(folder, kind, delay, here["cold"], here["4 hosts, cold"])


def compare_hosts(folder, kind, delay, one, four):
    """Lines on the CPU that a tool takes here for one host and for four."""
    notes = []
    for tool, cost in one.items():
        if not cost:
            continue
        note = f"{kind}, {delay:g} ms: {tool} takes {four[tool] / cost:.2f} times the CPU here for 4 hosts"
        if kind == "large":
            # What cannot be compressed crosses each link by itself. What is done once for all hosts
            # stays as it is; could the rest be done for the least, this would be left.
            least = statistics.median(least_cpu(folder, 200_000_000) for _ in range(5))
            once = cost - (four[tool] - cost) / 3
            note += (f"; with {least:.2f} s a host, which TLS takes to send it, "
                     f"it were {(once + 4 * least) / (once + least):.2f}")
        notes.append(note)
    return notes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", default=os.path.abspath("bazel-bin/cli/dist"))
    parser.add_argument("--proxy", default=os.path.abspath("bazel-bin/bench/delay_proxy"))
    parser.add_argument("--delay", type=float, nargs="+", default=[0],
                        help="milliseconds that a round trip takes longer")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--whats", nargs="+", default=WHATS, choices=WHATS)
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS,
                        help="the first is what ratios are of")
    parser.add_argument("--once", nargs="*", default=[], choices=TOOLS,
                        help="tools that are run once only: execnet takes minutes")
    parser.add_argument("--memory", type=int, nargs="?", const=100_000, metavar="FILES",
                        help="memory that dist takes for that many files, instead of time")
    options = parser.parse_args()
    if options.memory:
        return sync_memory.measure(options.dist, options.memory)
    started = time.monotonic()
    first = options.tools[0]
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")
    print("| ms | tree | what | tool | wall s | (min-max) | CPU s here | CPU s there "
          f"| wall/{first} | CPU/{first} |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    notes = [note for delay in options.delay for kind in options.kinds
             for note in measure_kind(options, delay, kind)]
    print("", *notes, sep="\n")
    print(f"{time.monotonic() - started:.0f} s, load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
