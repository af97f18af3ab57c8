#!/usr/bin/env python3
"""How near the optimum dist's and xdist's schedules are.

Suites of tests that sleep, log-normally distributed, in several orders. Measured
is the span from the start of the first test to the end of the last, as the tests
themselves note it, in units of the least it could be: max(sum / workers, longest),
where a worker counts from its first test on. So neither start-up nor the number of
CPUs counts; `wall` is the whole command. They are run in turn. See bench/README.md.
"""

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import far

FILES = 30
FAR_WORKERS = 2  # More would wait for this machine's CPUs, not for the line.
XDIST = ["python3", "-m", "pytest", "-q", "-p", "xdist", "-p", "no:cacheprovider"]
XDIST_MODES = ("load", "loadfile")  # Debian's 3.1 has no worksteal.
TEST = """
import os, time, pytest
FACTOR = float(os.environ.get("FACTOR", "1"))

@pytest.mark.parametrize("seconds", {durations})
def test_it(seconds):
    begin = time.monotonic()
    time.sleep(seconds * FACTOR)
    with open(os.environ["SPANS"], "a") as file:
        file.write("%s %f %f\\n" % (os.environ["PYTEST_XDIST_WORKER"], begin, time.monotonic()))
"""


def draw(tests, total, seed):
    """Durations of a log-normal distribution, sigma 1, that sum up to `total`."""
    source = random.Random(seed)
    drawn = [source.lognormvariate(0, 1) for _ in range(tests)]
    return [seconds * total / sum(drawn) for seconds in drawn]


def write_suite(folder, durations):
    os.makedirs(folder)
    with open(os.path.join(folder, "pytest.ini"), "w") as file:
        file.write("[pytest]\n")
    size = -(-len(durations) // FILES)
    for i in range(FILES):
        part = [round(seconds, 4) for seconds in durations[i * size:(i + 1) * size]]
        with open(os.path.join(folder, f"test_{i:02}.py"), "w") as file:
            file.write(TEST.format(durations=part))


def measure(command, folder, env):
    """Of a run: the seconds from its first test's beginning to its last one's
    end, by how much workers began later than the first, added up, those of the
    whole command, and the number of tests."""
    spans = os.path.join(folder, "spans.txt")
    start = time.monotonic()
    ran = subprocess.run(command, cwd=folder, env={**env, "SPANS": spans},
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wall = time.monotonic() - start
    if ran.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}")
    with open(spans) as file:
        lines = [line.split() for line in file]
    os.unlink(spans)
    first = {}
    for worker, begin, _ in lines:
        first[worker] = min(float(begin), first.get(worker, math.inf))
    begin = min(first.values())
    late = sum(each - begin for each in first.values())
    span = max(float(end) for _, _, end in lines) - begin
    return span, late, wall, len(lines)


def commands(dist, workers, modes):
    """(name, argv, whether it may know durations)"""
    for mode in modes:
        if mode in XDIST_MODES:
            yield f"xdist {mode}", [*XDIST, f"-n{workers}", f"--dist={mode}"], False
    for mode in modes:
        here = [dist, "-q", "-n", str(workers), f"--dist={mode}"]
        yield f"dist {mode}", here + ["--no-history"], False
        yield f"dist {mode}, history", here, True


def compare(title, durations, bound_of, listed, runs, env, top):
    folder = os.path.join(top, title.replace(" ", "-").replace(",", ""))
    write_suite(folder, durations)
    rows = {name: [] for name, *_ in listed}
    for name, argv, knows in listed:
        if knows:
            measure(argv, folder, env)  # Learns.
    for _ in range(runs):
        for name, argv, _ in listed:
            span, late, wall, count = measure(argv, folder, env)
            assert count == len(durations), (name, count)
            rows[name].append((span / bound_of(late), wall))
    for name, figures in rows.items():
        ratios, walls = zip(*figures)
        print(f"{title:18} {name:24} {statistics.median(ratios):6.2f}  "
              f"{min(ratios):.2f}-{max(ratios):.2f}  {statistics.median(walls):6.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", default="bazel-bin/cli/dist", metavar="PATH")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--total", type=float, default=160, metavar="SECONDS",
                        help="sum of all durations")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="WORD", default="",
                        help="of: random, slow first, slow last, by file, two slow, far")
    parser.add_argument("--proxy", metavar="PATH",
                        help="//bench:delay_proxy; without it nothing is measured over a long line")
    parser.add_argument("--far-tests", type=int, default=4000)
    options = parser.parse_args()
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    dist = os.path.abspath(options.dist)
    top = tempfile.mkdtemp(prefix="dist_makespan_")
    env = {"HOME": top, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin",
           "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    shuffled = draw(options.tests, options.total, options.seed)
    total, workers = sum(shuffled), options.workers

    def bound_of(late, longest=max(shuffled)):
        return max((total + late) / workers, longest)

    print(f"{options.tests} tests in {FILES} files, sum {sum(shuffled):.0f} s, longest "
          f"{max(shuffled):.2f} s, {workers} workers: bound {bound_of(0):.2f} s; "
          f"{options.runs} runs, load {os.getloadavg()[0]:.1f} at the start")
    print(f"{'order':18} {'command':24} x bound (min-max)  wall s")
    try:
        load = list(commands(dist, options.workers, ["load", "worksteal"]))
        for title, durations in (("random", shuffled), ("slow first", sorted(shuffled)[::-1]),
                                 ("slow last", sorted(shuffled))):
            if options.only not in title:
                continue
            compare(title, durations, bound_of, load, options.runs, env, top)
        size = -(-options.tests // FILES)
        files = [sum(shuffled[i:i + size]) for i in range(0, options.tests, size)]
        by_file = list(commands(dist, options.workers, ["loadfile"]))
        if options.only in "random, by file":
            compare("random, by file", shuffled, lambda late: bound_of(late, max(files)), by_file,
                    options.runs, env, top)
        if options.only in "random, two slow":
            compare_speeds(dist, shuffled, options.runs, env, top)
        if options.only in "far" and options.proxy:
            compare_lines(dist, options, env, top)
    finally:
        shutil.rmtree(top)


def far_rate(dist, knows, line, tests, host, folder, env):
    """Tests a second over that line while a worker runs them: each counts from its
    first one on. How soon that comes is another matter (//bench:connect)."""
    tx = (f"{FAR_WORKERS}*ssh=-F {host.config} {line}//chdir={folder}"
          f"//env:SPANS={folder}/spans.txt")
    argv = [dist, "-q", "--no-sync", *([] if knows else ["--no-history"]), "--tx", tx]
    span, late, _, count = measure(argv, folder, env)
    assert count == tests, (line, count)
    return count / (span - late / FAR_WORKERS)


def compare_lines(dist, options, env, top):
    """2 ms tests, over a line with a round trip of 100 ms and over none, in turn."""
    tests = options.far_tests
    folder = os.path.join(top, "far")
    write_suite(folder, [0.002] * tests)
    host = far.FarHost(os.path.join(top, "ssh"), os.path.abspath(options.proxy), 50)
    print(f"\n{tests} tests of 2 ms, {FAR_WORKERS} workers over ssh; tests a second without and with "
          f"100 ms of round trip, medians of {options.runs}, and of the ratios of neighbours")
    try:
        for knows in (False, True):
            args = (tests, host, folder, env)
            if knows:
                for line in ("near", "far"):
                    far_rate(dist, knows, line, *args)  # Learns.
            pairs = []
            for i in range(options.runs):
                lines = ("near", "far") if i % 2 == 0 else ("far", "near")
                rates = {line: far_rate(dist, knows, line, *args) for line in lines}
                pairs.append((rates["near"], rates["far"]))
            ratios = [away / near for near, away in pairs]
            near, away = (statistics.median(rates) for rates in zip(*pairs))
            print(f"{'history' if knows else 'no history':10} {near:7.0f} {away:7.0f}  ratio "
                  f"{statistics.median(ratios):.2f}  {min(ratios):.2f}-{max(ratios):.2f}", flush=True)
    finally:
        host.stop()


def compare_speeds(dist, durations, runs, env, top):
    """Two workers three times as slow as six others."""
    slow, fast = ["--tx", "2*popen//env:FACTOR=3"], ["--tx", "6*popen"]
    def bound_of(late):  # Roughly: that of the slow ones counts less.
        return max((sum(durations) + late) / (6 + 2 / 3), max(durations))

    listed = [("xdist load", [*XDIST, "--dist=load", *slow, *fast], False),
              ("dist load", [dist, "-q", "--no-history", *slow, *fast], False),
              ("dist load, history", [dist, "-q", *slow, *fast], True)]
    compare("random, two slow", durations, bound_of, listed, runs, env, top)


if __name__ == "__main__":
    main()
