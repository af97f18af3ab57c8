#!/usr/bin/env python3
"""What running tests through dist, xdist and plain pytest costs.

Generates suites of empty tests, so that all that is measured is the runner,
and runs the commands in turn (A B C A B C ...), once to warm up and then
--runs times. Prints medians. See bench/README.md for what the columns mean.
"""

import argparse
import collections
import ctypes
import os
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TESTS_A_FILE = 100
PR_SET_CHILD_SUBREAPER = 36
TICK = os.sysconf("SC_CLK_TCK")

# Of one run: seconds, and bytes for rss.
Cost = collections.namedtuple("Cost", "wall cpu own_cpu rss orphans")
Command = collections.namedtuple("Command", "name argv")


def commands(dist, workers, bare):
    """What is compared, for each number of workers."""
    pytest = ["python3", "-m", "pytest"]
    xdist = [*pytest, "-p", "xdist"] if bare else pytest
    found = [Command("pytest", pytest)]
    for n in workers:
        found.append(Command(f"xdist -n{n}", [*xdist, f"-n{n}"]))
    for n in workers if dist else ():
        found.append(Command(f"dist -n {n}", [dist, "-n", str(n)]))
    return found


def make_suite(folder, size):
    """`size` empty tests, TESTS_A_FILE in a file."""
    os.makedirs(folder)
    with open(os.path.join(folder, "pytest.ini"), "w") as file:
        file.write("[pytest]\n")
    for start in range(0, size, TESTS_A_FILE):
        path = os.path.join(folder, f"test_{start // TESTS_A_FILE:04}.py")
        with open(path, "w") as file:
            for i in range(start, min(start + TESTS_A_FILE, size)):
                file.write(f"def test_{i:06}():\n    pass\n\n\n")
    return folder


def clean_environment(home, bare):
    """No variable that changes what Python or pytest do, but for `bare`."""
    env = {
        "HOME": home,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": home,
    }
    if bare:
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return env


def plugins(env):
    """The names of the installed plugins: they are a part of what each costs."""
    code = ("from importlib.metadata import entry_points\n"
            "print(*sorted({e.name for e in entry_points(group='pytest11')}))")
    listed = subprocess.run(["python3", "-c", code], env=env, text=True,
                            capture_output=True).stdout.strip()
    return listed or "none"


def peak_rss(pid):
    """VmHWM in bytes: of this process alone. None once it is a zombie."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = re.search(r"^VmHWM:\s*(\d+) kB", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def own_cpu(pid):
    """User and system time of the process itself, without its children."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def reap_orphans(deadline=10):
    """CPU time and number of the processes that outlived the command.

    They come to us because we are a subreaper.
    """
    cpu, count, end = 0.0, 0, time.monotonic() + deadline
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, count
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
            count += 1
        elif time.monotonic() > end:
            raise RuntimeError(f"left processes that run {deadline} s later")
        else:
            time.sleep(0.005)


def measure(argv, folder, env, output):
    """Runs a command in `folder`; its Cost and exit status."""
    started = time.monotonic()
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                             stdout=output, stderr=subprocess.STDOUT)
    pidfd = os.pidfd_open(child.pid)
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    rss = 0
    while True:
        rss = peak_rss(child.pid) or rss
        if ended.poll(20):
            break
    wall = time.monotonic() - started
    own = own_cpu(child.pid)  # It is a zombie now: not reaped yet.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    os.close(pidfd)
    orphan_cpu, orphans = reap_orphans()
    cpu = usage.ru_utime + usage.ru_stime + orphan_cpu
    return Cost(wall, cpu, own, rss, orphans), child.returncode


def run_once(command, folder, size, env):
    """The Cost of a run in which all tests passed."""
    with tempfile.TemporaryFile() as output:
        cost, status = measure(command.argv, folder, env, output)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    last = next(iter(reversed(text.strip().splitlines())), "")
    if status != 0 or not re.search(rf"\b{size} passed\b", last):
        raise RuntimeError(f"{' '.join(command.argv)}: exit status {status}, "
                           f"not {size} passed:\n{text[-2000:]}")
    return cost


def median(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


HEADER = (f"{'tests':>6}  {'command':<12}{'wall s':>8}{'(min-max)':>14}{'cpu s':>8}"
          f"{'own cpu':>9}{'rss MiB':>9}{'wall/pytest':>13}{'wall/xdist':>12}"
          f"{'cpu/xdist':>11}")


def ratio(of, to, width):
    return f"{of / to:{width}.2f}" if to else " " * (width - 1) + "-"


def print_table(size, results):
    """Results: {name: [Cost]}."""
    pytest = results.get("pytest")
    for name, costs in results.items():
        peer = re.sub(r"^dist -n ", "xdist -n", name)
        xdist = results.get(peer) if peer != "pytest" else None
        wall, cpu = median(costs, "wall"), median(costs, "cpu")
        walls = [cost.wall for cost in costs]
        spread = f"{min(walls):.2f}-{max(walls):.2f}"
        print(f"{size:>6}  {name:<12}{wall:8.2f}{spread:>14}{cpu:8.2f}"
              f"{median(costs, 'own_cpu'):9.2f}{median(costs, 'rss') / 2**20:9.1f}"
              + ratio(wall, median(pytest, "wall") if pytest else 0, 13)
              + ratio(wall, median(xdist, "wall") if xdist else 0, 12)
              + ratio(cpu, median(xdist, "cpu") if xdist else 0, 11))
        orphans = max(cost.orphans for cost in costs)
        if orphans:
            print(f"        {name}: {orphans} processes outlived it (counted in cpu)")
    sys.stdout.flush()


def run_size(size, runs, chosen, folder, env):
    results = {command.name: [] for command in chosen}
    for turn in range(runs + 1):
        for command in chosen:
            cost = run_once(command, folder, size, env)
            if turn > 0:  # The first one warms up.
                results[command.name].append(cost)
    print_table(size, results)


def default_dist():
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        workspace = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
    return os.path.normpath(os.path.join(workspace, "bazel-bin/cli/dist"))


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", default="1,2000,20000",
                        type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--workers", type=lambda text: [int(n) for n in text.split(",")],
                        help="default: 2, and for one test also 16")
    parser.add_argument("--bare", action="store_true",
                        help="without the plugins that happen to be installed")
    parser.add_argument("--dist", default=default_dist(), metavar="PATH")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="only commands whose name matches, as 'pytest|dist'")
    args = parser.parse_args(argv)
    # Relative to where `bazel run` was called.
    here = os.environ.get("BUILD_WORKING_DIRECTORY", os.getcwd())
    args.dist = os.path.join(here, args.dist)
    if not os.access(args.dist, os.X_OK):
        print(f"no dist at {args.dist}: comparing the others alone\n"
              "help: ./bazelw build //cli:dist, or --dist PATH", file=sys.stderr)
        args.dist = None
    return args


def main(argv):
    args = parse_arguments(argv)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = tempfile.mkdtemp(prefix="dist-bench-")
    env = clean_environment(folder, args.bare)
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} CPUs, load {load:.1f} at the start; "
          f"medians of {args.runs} runs")
    print(f"pytest plugins: {'none but xdist' if args.bare else plugins(env)}")
    print(HEADER)
    try:
        for size in args.sizes:
            workers = args.workers or ([2, 16] if size == 1 else [2])
            chosen = [command for command in commands(args.dist, workers, args.bare)
                      if re.search(args.only, command.name)]
            suite = make_suite(os.path.join(folder, f"suite{size}"), size)
            run_size(size, args.runs, chosen, suite, env)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
