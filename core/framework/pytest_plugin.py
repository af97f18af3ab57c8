"""Runs pytest inside a worker process of `dist` and reports to the node (docs/plugin-records.md).

The node sends this file's text through the control socket to pytest_boot.py, which runs it with `fd` in its globals. It needs
Python 3.7 and pytest 6.0, imports nothing else that is not in the standard library, and must stay one file.

Tests live in the same process and may do anything: close, replace and flood descriptors, fork, patch modules. So whatever the
control channel needs is bound here, before the first test is imported, and stays out of sys.modules.
"""
import _socket  # Not `socket`: tests patch that one, and close all instances of its class.
import atexit
import collections
import contextlib
import fcntl
import gc
import io
import json
import os
import re
import select
import shutil
import struct
import sys
import tempfile
import threading
import traceback
import types
import zlib

RECORD_LIMIT = 16 << 20
FIELD_LIMIT = 1 << 20
LIST_CHUNK = 8 << 20
# Higher ones would make the kernel copy a larger descriptor table at every fork.
DESCRIPTOR_CEILING = 4096

HEAD = struct.Struct("<IB")
POSITION = struct.Struct("<I")
STARTED = struct.Struct("<IBI")
DONE = struct.Struct("<IBIIIII")
STARTED_SIZE = 5
DONE_SIZE = 21


# ---------------------------------------------------------------------------------------------------------------------------
# The control channel


def move_high(fd):
    """Moves `fd` out of the way of tests that close or write to the descriptors that they expect to be in use."""
    limit = os.sysconf("SC_OPEN_MAX")  # What ulimit -n says; -1: no limit.
    if limit < 0 or limit > DESCRIPTOR_CEILING:
        limit = DESCRIPTOR_CEILING
    for lowest in (limit - 1, limit - 32, 100, 10):
        if lowest < 10:
            continue
        try:
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
        os.close(fd)
        return moved
    raise OSError("no free descriptor above 9 for the control channel")


class Channel:
    """The records to and from the node. In a forked child it is mute: the socket is its parent's."""

    def __init__(self, fd):
        self._socket = _socket.socket(fileno=move_high(fd))
        self._socket.settimeout(None)  # Whatever setdefaulttimeout() said.
        self._send = self._socket.send
        self._recv = self._socket.recv
        self._exit = os._exit
        poller = select.poll()
        poller.register(self._socket.fileno(), select.POLLIN)
        self.arrived = poller.poll  # arrived(0): whether wait() would not block.
        self._input = bytearray()
        self.pending = b""  # Goes out with the next record: one call per test.
        self.forked = False
        os.register_at_fork(after_in_child=self._mute)

    def _mute(self):
        self.forked = True
        self.pending = b""

    def send(self, kind, payload=b""):
        self.write(HEAD.pack(len(payload) + 1, ord(kind)) + payload)

    def send_json(self, kind, value):
        self.send(kind, encode_json(value))

    def write(self, records):
        """Sends what is pending, then `records`, whole.

        A signal's exception (Ctrl-C, pytest-timeout) may come at any point, but half a record would be the end of the stream:
        it has to wait. list.extend(map()) calls send() and keeps its result with no bytecode between, so that no handler runs
        between the two.
        """
        if self.forked:
            return
        data = self.pending + records
        interruption = None
        sent = []
        while True:
            try:
                while sum(sent) < len(data):
                    sent.extend(map(self._send, (data[sum(sent) :],)))
                self.pending = b""
                break
            except OSError as error:
                self._lost(error)
            except BaseException as error:
                interruption = error
        if interruption is not None:
            raise interruption

    def share(self, descriptors):
        """Hands `descriptors` to the node, beside a record of their own."""
        self.flush()
        rights = struct.pack("%di" % len(descriptors), *descriptors)
        self._socket.sendmsg([HEAD.pack(1, ord("K"))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])

    def flush(self):
        if self.pending:
            self.write(b"")

    def wait(self):
        """The records that have arrived; blocks until there is something."""
        try:
            data = self._recv(65536)
        except OSError as error:
            self._lost(error)
        return self._decode(data)

    def _decode(self, data):
        if self.forked or not data:
            self._exit(1)  # A stray child, or the node is gone and nobody would read the results.
        self._input += data
        records = []
        while len(self._input) >= HEAD.size:
            length, kind = HEAD.unpack_from(self._input)
            if len(self._input) < length + 4:
                break
            records.append((chr(kind), bytes(self._input[5 : length + 4])))
            del self._input[: length + 4]
        return records

    def _lost(self, error):
        """The node is gone, or a test has closed our descriptor: there is nobody to report to."""
        try:
            os.write(2, ("dist: the control channel of this worker is lost: %s\n" % error).encode())
        except OSError:
            pass
        self._exit(1)


def positions(payload):
    return [position for (position,) in POSITION.iter_unpack(payload)]


# ---------------------------------------------------------------------------------------------------------------------------
# Values as JSON


def clean_text(text, limit=FIELD_LIMIT):
    """`text` as an exact str without lone surrogates, of at most `limit` bytes or so: the middle is cut, since a failure's
    first and last lines say most."""
    text = str.__str__(text)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "backslashreplace")
        text = data.decode("utf-8")
    if len(data) <= limit:
        return text
    head = data[: limit // 2].decode("utf-8", "ignore")
    tail = data[len(data) - limit // 2 :].decode("utf-8", "ignore")
    return "%s\n[... dist cut %d bytes here ...]\n%s" % (head, len(data) - limit, tail)


def text_of(value):
    """str(value), also where that raises."""
    try:
        return str(value)
    except Exception as error:
        return "<%s whose str() raised %s>" % (type(value).__name__, type(error).__name__)


def clean(value, limit=FIELD_LIMIT, depth=0):
    """`value` as JSON can carry it. What has no form in JSON becomes its str(): a test's property is no reason to fail."""
    if value is None or value is True or value is False or type(value) is int:
        return value
    if isinstance(value, str):
        return clean_text(value, limit)
    if type(value) is float and value - value == 0:  # Neither inf nor nan.
        return value
    if depth < 50:
        if isinstance(value, dict):
            return {
                clean_text(text_of(key), limit): clean(item, limit, depth + 1)
                for key, item in list(value.items())
            }
        if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
            return [clean(item, limit, depth + 1) for item in list(value)]
    return clean_text(text_of(value), limit)


to_json = json.JSONEncoder(ensure_ascii=False).encode  # Tests replace json.dumps.


def encode_json(value):
    for limit in (FIELD_LIMIT, 1 << 16, 1 << 12, 1 << 8):
        data = to_json(clean(value, limit)).encode("utf-8")
        if len(data) < RECORD_LIMIT:
            return data
    return to_json({"text": "a record of %d bytes was dropped" % len(data)}).encode("utf-8")


def encode_nodeid(nodeid):
    return nodeid.encode("utf-8", "backslashreplace").replace(b"\0", b"\\x00")


# ---------------------------------------------------------------------------------------------------------------------------
# pytest, if there is one


def import_pytest(channel):
    try:
        import pytest
    except Exception as error:
        reason = "cannot import pytest: %s: %s" % (type(error).__name__, error)
    else:
        version = getattr(pytest, "__version__", "0")
        digits = version.split(".")[0]
        if digits.isdigit() and int(digits) >= 6:
            return pytest
        reason = "pytest %s is older than 6.0" % version
    channel.send_json("N", {"reason": reason})
    os._exit(0)


channel = Channel(fd)  # noqa: F821 (pytest_boot.py puts it there)
pytest = import_pytest(channel)

from _pytest._io import TerminalWriter  # noqa: E402
from _pytest.config import ConftestImportFailure, _prepareconfig  # noqa: E402
from _pytest.reports import TestReport  # noqa: E402
from _pytest.runner import CallInfo  # noqa: E402
from _pytest.terminal import TerminalReporter  # noqa: E402
from _pytest.tmpdir import get_user  # noqa: E402
from _pytest.warnings import catch_warnings_for_item, warning_record_to_str  # noqa: E402

try:
    from _pytest.pathlib import bestrelpath
except ImportError:  # pytest 6.0

    def bestrelpath(directory, path):
        return os.path.relpath(str(path), str(directory))


PYTEST_VERSION = tuple(int(part) for part in re.findall("[0-9]+", pytest.__version__)[:2])
Exit = pytest.exit.Exception


class QuietReporter(TerminalReporter):
    """The terminal reporter that other plugins may look up and write to. It prints to nowhere and watches no test.

    pluggy takes only routines for hook implementations, so a None withdraws the inherited one: tests then cost nothing here.
    """

    pytest_collection = None
    pytest_collection_finish = None
    pytest_collectreport = None
    pytest_deselected = None
    pytest_internalerror = None
    pytest_keyboard_interrupt = None
    pytest_report_header = None
    pytest_runtest_logfinish = None
    pytest_runtest_logreport = None
    pytest_runtest_logstart = None
    pytest_runtestloop = None
    pytest_sessionfinish = None
    pytest_terminal_summary = None
    pytest_unconfigure = None
    pytest_warning_recorded = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session):
        """Sets only what write_sep() and the like may use; the header is the coordinator's to print."""
        self._session = session
        self._session_start = self._sessionstarttime = 0.0


class XdistHooks:
    """The hooks of pytest-xdist, so that a conftest.py that implements them loads where xdist is not installed."""

    def pytest_xdist_setupnodes(config, specs):
        pass

    def pytest_xdist_newgateway(gateway):
        pass

    def pytest_xdist_rsyncstart(source, gateways):
        pass

    def pytest_xdist_rsyncfinish(source, gateways):
        pass

    @pytest.hookspec(firstresult=True)
    def pytest_xdist_getremotemodule():
        pass

    def pytest_configure_node(node):
        pass

    def pytest_testnodeready(node):
        pass

    def pytest_testnodedown(node, error):
        pass

    def pytest_xdist_node_collection_finished(node, ids):
        pass

    @pytest.hookspec(firstresult=True)
    def pytest_xdist_make_scheduler(config, log):
        pass

    @pytest.hookspec(firstresult=True)
    def pytest_xdist_auto_num_workers(config):
        pass

    @pytest.hookspec(firstresult=True)
    def pytest_handlecrashitem(crashitem, report, sched):
        pass


class XdistOptions:
    """The options of pytest-xdist that the one at hand lacks: `addopts` of an ini file may name them all."""

    def __init__(self, known):
        self._known = known  # The names that argparse would refuse to take twice.

    def pytest_addoption(self, parser):
        group = parser.getgroup("dist")
        value = dict(action="store", default=None)
        many = dict(action="append", default=[])
        flag = dict(action="store_true", default=False)
        for names, dest, rest in (
            (("-n", "--numprocesses"), "numprocesses", value),
            (("--maxprocesses",), "maxprocesses", value),
            (("--max-worker-restart",), "maxworkerrestart", value),
            (("--ramp",), "ramp", value),
            (("--dist",), "dist", dict(action="store", default="no")),
            (("--tx",), "tx", many),
            (("--px",), "px", many),
            (("-d",), "distload", flag),
            (("--rsyncdir",), "rsyncdir", many),
            (("--rsyncignore",), "rsyncignore", many),
            (("--testrunuid",), "testrunuid", value),
            (("--maxschedchunk",), "maxschedchunk", value),
            (("--loadscope-reorder",), "loadscopereorder", dict(action="store_true", default=True)),
            (("--no-loadscope-reorder",), "loadscopereorder", dict(action="store_false", default=True)),
            (("-f", "--looponfail"), "looponfail", flag),
        ):
            if not any(name in self._known for name in names):
                group._addoption(*names, dest=dest, help="(read by dist)", **rest)
        for name in ("rsyncdirs", "rsyncignore", "looponfailroots"):
            if name not in getattr(parser, "_inidict", {}):
                parser.addini(name, "(read by dist)", type="linelist")


class XdistStandIn:
    """What tests use of pytest-xdist, where it is not installed or is switched off."""

    def pytest_addhooks(self, pluginmanager):
        pluginmanager.add_hookspecs(XdistHooks)

    @pytest.fixture(scope="session")
    def worker_id(self, request):
        """The id of the worker that runs the test: gw0, gw1, ..."""
        return request.config.workerinput["workerid"]

    @pytest.fixture(scope="session")
    def testrun_uid(self, request):
        """The id of the run, the same in all its workers."""
        return request.config.workerinput["testrunuid"]


def worker_basetemp(given, workerinput):
    """As under xdist: a folder for each worker, in one of the run's own.

    Tests rely on the latter: there the workers of a run on a host share files, as xdist's manual proposes for fixtures that
    are to run once.
    """
    base = given or run_basetemp(workerinput.get("testrunuid", ""))
    return base and os.path.join(base, "popen-" + workerinput.get("workerid", "gw0"))


def run_basetemp(uid):
    """A folder of this run on this host beside pytest's own, or None. The last three are kept, and those in use."""
    root = os.environ.get("PYTEST_DEBUG_TEMPROOT") or tempfile.gettempdir()
    root = os.path.join(os.path.realpath(root), "pytest-of-%s" % (get_user() or "unknown"))
    base = os.path.join(root, "dist-%08x-%d" % (zlib.crc32(uid.encode("utf-8", "replace")), os.getppid()))
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
        if os.stat(root).st_uid != os.getuid():
            return None  # pytest says what is wrong with that.
        with contextlib.suppress(FileExistsError):
            os.mkdir(base, 0o700)
            forget_old_runs(root)
        lock = move_high(os.open(base, os.O_RDONLY | os.O_DIRECTORY))
        fcntl.flock(lock, fcntl.LOCK_SH)  # Until this process ends.
    except OSError:
        return None
    return base


def forget_old_runs(root):
    runs = sorted((entry for entry in os.scandir(root) if entry.name.startswith("dist-")), key=lambda e: e.stat().st_mtime)
    for run in runs[:-3]:
        lock = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(run.path, ignore_errors=True)
        except OSError:
            pass  # Its workers live.
        finally:
            os.close(lock)


def never_distribute(options):
    """Sets the options of xdist as its own workers have them."""
    options.dist = "no"
    options.distload = False
    options.loadgroup = False
    options.looponfail = False
    options.maxprocesses = None
    options.numprocesses = None
    options.tx = []
    options.usepdb = False


# ---------------------------------------------------------------------------------------------------------------------------
# Reports


class ReportWriter:
    """Makes the JSON form of pytest's reports, with what only a process that holds the live objects can render."""

    def __init__(self, config, settings):
        self._config = config
        self._option = config.option
        self._color = settings["color"]
        self._columns = settings["columns"]
        self._directory = config.invocation_params.dir

    def test(self, report):
        category, letter, word = self.status(report)
        return self._report(report, category, letter, word)

    def collector(self, report):
        if report.failed:
            return self._report(report, "error", "E", "ERROR")
        return self._report(report, "skipped", "s", "SKIPPED")

    def status(self, report):
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        category, letter, word = status or (report.outcome, report.outcome[:1], report.outcome.upper())
        if isinstance(word, (tuple, list)):  # With markup.
            word = word[0]
        return text_of(category), text_of(letter), text_of(word)

    def _report(self, report, category, letter, word):
        wasxfail = getattr(report, "wasxfail", None)
        location = getattr(report, "location", None) or (None, None, None)
        return {
            "nodeid": encode_nodeid(report.nodeid).decode(),
            "when": getattr(report, "when", None) or "call",
            "outcome": report.outcome,
            "category": category,
            "letter": letter,
            "word": word,
            "longrepr": self._plain(report),
            "block": self._block(report, category),
            "crash": self._crash(report),
            "reason": self._reason(report),
            "wasxfail": None if wasxfail is None else text_of(wasxfail),
            "sections": [[text_of(name), text_of(text)] for name, text in report.sections],
            "properties": [
                [text_of(name), text_of(value)] for name, value in getattr(report, "user_properties", None) or ()
            ],
            "duration": getattr(report, "duration", 0.0),
            "location": [location[0] or "", 0 if location[1] is None else location[1] + 1, location[2] or ""],
        }

    def _plain(self, report):
        longrepr = report.longrepr
        if longrepr is None:
            return ""
        if isinstance(longrepr, tuple):
            return "%s:%s: %s" % longrepr if len(longrepr) == 3 else text_of(longrepr)
        try:
            return report.longreprtext
        except Exception:
            return text_of(longrepr)

    def _crash(self, report):
        longrepr = report.longrepr
        if isinstance(longrepr, tuple) and len(longrepr) == 3:
            path, line, message = longrepr
            # pytest prints no line for what a mark of the whole module skips.
            keywords = getattr(report, "keywords", {})
            if getattr(report, "when", None) == "setup" and "skip" in keywords and "pytestmark" not in keywords:
                line = 0
            return {"path": self._relative(path), "line": line or 0, "message": text_of(message)}
        crash = getattr(longrepr, "reprcrash", None)
        if crash is None:
            return None
        return {"path": text_of(crash.path), "line": crash.lineno or 0, "message": text_of(crash.message)}

    def _relative(self, path):
        try:
            return bestrelpath(self._directory, type(self._directory)(path))
        except Exception:
            return text_of(path)

    def _reason(self, report):
        if hasattr(report, "wasxfail"):
            reason, prefix = text_of(report.wasxfail), "reason: "
        elif report.outcome == "skipped" and isinstance(report.longrepr, tuple):
            reason, prefix = text_of(report.longrepr[-1]), "Skipped: "
            if reason == "Skipped":
                return ""
        else:
            return ""
        return reason[len(prefix) :] if reason.startswith(prefix) else reason

    def _block(self, report, category):
        """What pytest's terminal prints below the report's title."""
        if report.outcome == "skipped" and not getattr(self._option, "xfail_tb", False):
            return ""
        style = getattr(self._option, "tbstyle", "auto")
        if style == "no" and report.outcome != "passed":
            return ""
        line = self._crash_line(report) if style == "line" and category == "failed" else ""
        if line and PYTEST_VERSION < (9, 1):
            return line
        out = io.StringIO()
        writer = TerminalWriter(out)
        writer.hasmarkup = self._color
        writer.fullwidth = self._columns
        writer.code_highlight = getattr(self._option, "code_highlight", "yes") != "no"
        try:
            report.toterminal(writer)
        except Exception:
            writer.line(self._plain(report))
        shown = getattr(self._option, "showcapture", "all")
        for name, text in report.sections if shown != "no" else ():
            if shown != "all" and shown not in name:
                continue
            writer.sep("-", name)
            writer.line(text[:-1] if text[-1:] == "\n" else text)
        return out.getvalue() + line

    def _crash_line(self, report):
        crash = getattr(report.longrepr, "reprcrash", None)
        return (text_of(crash) if crash is not None else text_of(report.longrepr)[:50]) + "\n"

    def log_entry(self, report):
        """The report as pytest-reportlog writes it."""
        return self._config.hook.pytest_report_to_serializable(config=self._config, report=report)


def has_own_statuses(config):
    """Whether a plugin may call a passed test something else than "passed"."""
    known = ("_pytest.", "dist_pytest_plugin")
    for implementation in config.hook.pytest_report_teststatus.get_hookimpls():
        module = getattr(implementation.function, "__module__", None) or ""
        if not module.startswith(known):
            return True
    return False


# ---------------------------------------------------------------------------------------------------------------------------
# The session


class Worker:
    """The pytest plugin proper: obeys the node and tells it what happens."""

    def __init__(self, channel, settings):
        self._channel = channel
        self._settings = settings
        self._report_log = settings["report_log"]
        self._passed_sections = settings["passed_sections"]
        self._config = None
        self._reports = None
        self._deselected = 0
        self.session = None
        self.listed = False
        self.interruption = None  # pytest.exit() or KeyboardInterrupt

        self._queue = collections.deque()  # of (position, lease)
        self._no_more = False
        self._unanswered = None  # Failed tests to be answered for; None: nobody answers.
        self._has_failed = False  # The running test.
        self._ran = set()
        self._properties_at_start = {}

        # Of the test that runs, or ran last.
        self._position = None
        self._item = None
        self._expected = None  # What its teardown left the fixtures ready for.
        self._is_orphan = False  # Its teardown goes on after its D.
        self._durations = {}
        self._properties = 0  # Number of properties already reported.
        self._eager = False  # Passed phases may say more than "passed".
        above = os.environ.get("DIST_ARTIFACTS_DIR")
        self.artifacts = Artifacts(above) if above else None

    # Before there is a session.

    def pytest_addoption(self, parser):
        parser.prog = "pytest"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config):
        """Makes this look like a worker of xdist before the first conftest.py or plugin asks.

        A wrapper, because pytest-cov's implementation comes first of the others.
        """
        config, manager = early_config, early_config.pluginmanager
        self._config = config
        config.workerinput = self._settings["workerinput"]
        config.workeroutput = {}
        never_distribute(config.known_args_namespace)
        known = config if hasattr(config, "_opt2dest") else config._parser  # The latter since pytest 9.1.
        manager.register(XdistOptions(set(known._opt2dest)), "dist-options")
        if not (manager.hasplugin("xdist") or manager.hasplugin("xdist.plugin")):
            manager.register(XdistStandIn(), "dist-xdist")
        if manager.hasplugin("pytest_cov"):
            # The coverage of all workers is combined where they ran. A worker that starts late must not erase the others'
            # files; that is done once, before the run.
            config.known_args_namespace.cov_append = True
            import socket

            config.workerinput.setdefault("cov_master_host", socket.gethostname())
            config.workerinput.setdefault("cov_master_topdir", os.getcwd())
            config.workerinput.setdefault("cov_master_rsync_roots", [])
        yield

    def adopt(self, config):
        """Sets what arguments and ini files may not decide here. Called when both are parsed."""
        option = config.option
        never_distribute(option)
        option.maxfail = self._settings["maxfail"]
        option.continue_on_collection_errors = True
        if self._settings["collect_only"]:
            option.collectonly = True
        base = self._settings["basetemp"] or worker_basetemp(option.basetemp, self._settings["workerinput"])
        if base:
            option.basetemp = base
            os.makedirs(os.path.dirname(os.path.abspath(base)), exist_ok=True)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        if not any(line.startswith("xdist_group") for line in config.getini("markers")):  # pytest-xdist has it since 2.5.
            config.addinivalue_line("markers", "xdist_group(name): run the tests of a group in one process")
        self._reports = ReportWriter(config, self._settings)
        if getattr(config.option, "capture", "") == "no":
            with contextlib.suppress(AttributeError, ValueError):
                sys.stdout.reconfigure(line_buffering=True)  # Who watches tests does so live, as on a terminal.
        loud = config.pluginmanager.get_plugin("terminalreporter")
        if loud is None:
            return
        nowhere = open(os.devnull, "w")
        quiet = QuietReporter(config, nowhere)
        loud._tw = quiet._tw  # Others may have kept it: the logging plugin does.
        config.pluginmanager.unregister(loud)
        config.pluginmanager.register(quiet, "terminalreporter")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session):
        self.session = session
        config = session.config
        self._channel.send_json(
            "H",
            {
                "python": "%d.%d.%d" % sys.version_info[:3],
                "executable": sys.executable or "",
                "platform": sys.platform,
                "pytest": pytest.__version__,
                "pid": os.getpid(),
                "rootdir": str(getattr(config, "rootpath", None) or config.rootdir),
                "inifile": str(getattr(config, "inipath", None) or getattr(config, "inifile", None) or ""),
                "plugins": plugin_versions(config),
                "header": header_lines(config),
            },
        )
        captures = capture_files(config)
        if captures:
            self._channel.share(captures)

    # Collection.

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        """Gives each attempt a folder of its own to keep things in."""
        if self.artifacts is None:
            yield
            return
        self.artifacts.begin(item.nodeid)
        yield
        if not self._channel.forked:
            self.artifacts.end()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collection(self):
        """Without looking for cyclic garbage: there is little, and each full look visits every test collected so far."""
        enabled = gc.isenabled()
        gc.disable()
        yield
        if enabled:
            gc.enable()

    def pytest_collectreport(self, report):
        if self._report_log:
            self._channel.send_json("J", self._reports.log_entry(report))
        if report.outcome != "passed":
            self._channel.send_json("E", self._reports.collector(report))

    def pytest_deselected(self, items):
        self._deselected += len(items)

    def _send_list(self, items):
        ids = [encode_nodeid(item.nodeid) for item in items]
        groups = {}
        for position, item in enumerate(items):
            names = {
                text_of(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
                for mark in item.iter_markers("xdist_group")
            }
            if names:
                groups[position] = "_".join(sorted(names))
        first = 0
        while True:
            end, size = first, 0
            while end < len(ids) and (size == 0 or size + len(ids[end]) < LIST_CHUNK):
                size += len(ids[end]) + 1
                end += 1
            head = {"deselected": self._deselected, "count": end - first, "more": end < len(ids)}
            head["groups"] = {str(at): name for at, name in groups.items() if first <= at < end}
            encoded = encode_json(head)
            self._channel.send("L", POSITION.pack(len(encoded)) + encoded + b"\0".join(ids[first:end]))
            if end == len(ids):
                break
            first = end
        self.listed = True

    # Tests.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self._send_list(session.items)
        if session.config.option.collectonly:
            self._next_test_is_there()  # Never: but who left before `F` would seem to have given up.
            return True
        self._eager = self._report_log or self._passed_sections or has_own_statuses(session.config)
        while self._next_test_is_there():
            self._run_test(session)
        self._tear_down_to(None)
        return True

    def _next_test_is_there(self):
        if self._channel.arrived(0):  # Much cheaper than a recv() that raises.
            self._obey(self._channel.wait())
        while not (self._queue and not self._unanswered) and not self._no_more:
            self._channel.flush()
            self._obey(self._channel.wait())
        return bool(self._queue)

    def _obey(self, records):
        for kind, payload in records:
            if kind == "R":
                lease, *asked = positions(payload)
                if not asked:
                    self._go_on()
                self._queue.extend((position, lease) for position in asked)
            elif kind == "V":
                self._give_back(positions(payload))
            elif kind == "F":
                self._no_more = True
            else:
                raise RuntimeError("dist: the node sent a record of unknown kind %r" % kind)

    def _go_on(self):
        """An R without tests: the first one asks to be asked after each test that failed, the others let go on."""
        if self._unanswered is None:
            self._unanswered = 0
        elif self._unanswered:
            self._unanswered -= 1

    def _give_back(self, asked):
        wanted = collections.Counter(asked)
        kept, given = collections.deque(), []
        for position, lease in reversed(self._queue):
            if wanted[position]:
                wanted[position] -= 1
                given.append(position)
            else:
                kept.appendleft((position, lease))
        self._queue = kept
        self._channel.send("v", b"".join(map(POSITION.pack, given)))

    def _run_test(self, session):
        position, lease = self._queue.popleft()
        item = session.items[position]
        if self._expected is not item:
            self._tear_down_to(item)
        nextitem = self._next_item(session, item)
        self._begin(position, item)
        self._expected = nextitem
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        self._end(position, lease)
        if self._has_failed and self._unanswered is not None:
            self._unanswered += 1
        stop = session.shouldfail or session.shouldstop
        if stop:
            self._channel.flush()
            self._tear_down_to(None)
            raise (session.Failed if session.shouldfail else session.Interrupted)(stop)

    def _next_item(self, session, item):
        """What the fixtures have to stay up for. With nothing queued yet it is the test's own module or class."""
        if not self._queue:
            return None if self._no_more else item.parent
        nextitem = session.items[self._queue[0][0]]
        # Torn down towards itself, a test would keep its own fixtures.
        return item.parent if nextitem is item else nextitem

    def _begin(self, position, item):
        self._position, self._item = position, item
        self._has_failed = False
        self._durations.clear()
        if position in self._ran:
            # What an earlier run of the same test has left in it is not this run's.
            del item._report_sections[:]
            del item.user_properties[self._properties_at_start.get(position, 0) :]
        else:
            self._ran.add(position)
            if item.user_properties:
                self._properties_at_start[position] = len(item.user_properties)
        self._properties = 0
        self._channel.write(STARTED.pack(STARTED_SIZE, 83, position))  # S

    def _end(self, position, lease):
        took = self._durations.get
        self._channel.pending += DONE.pack(
            DONE_SIZE,
            68,  # D
            position,
            lease,
            micros(took("setup", 0.0)),
            micros(took("call", 0.0)),
            micros(took("teardown", 0.0)),
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if self._channel.forked:
            leave_forked_child(report)
        fields = report.__dict__
        if type(report) is TestReport:
            self._durations[fields["when"]] = fields["duration"]
            if (
                fields["outcome"] == "passed"
                and not self._eager
                and len(fields["user_properties"]) == self._properties
                and "wasxfail" not in fields
            ):
                return
        self._tell(report)

    def _tell(self, report):
        if self._report_log:
            self._channel.send_json("J", self._reports.log_entry(report))
        if self._says_more_than_passed(report):
            self._has_failed = self._has_failed or report.outcome == "failed"
            self._properties = len(getattr(report, "user_properties", None) or ())
            told = POSITION.pack(self._position) + encode_json(self._reports.test(report))
            self._channel.send("O" if self._is_orphan else "T", told)

    def _says_more_than_passed(self, report):
        if report.outcome != "passed" or hasattr(report, "wasxfail") or type(report) is not TestReport:
            return True
        if len(report.user_properties or ()) != self._properties:
            return True
        if self._passed_sections and any(name.endswith(report.when) for name, _ in report.sections):
            return True
        expected = ("passed", ".", "PASSED") if report.when == "call" else ("", "", "")
        return self._reports.status(report) != expected

    def _tear_down_to(self, nextitem):
        """Tears down what the last test has left up for a test that did not come.

        pytest would have done it in the teardown phase of that test, so it looks the same, but its D is gone: failures are
        reported as `O`.
        """
        if self._item is None:
            return
        state = self._item.session._setupstate
        standing = list(state.stack)
        if standing == (nextitem.listchain() if nextitem else [])[: len(standing)]:
            return
        item, config = self._item, self._item.config
        arguments = (item, nextitem) if PYTEST_VERSION < (7,) else (nextitem,)
        capture = config.pluginmanager.get_plugin("capturemanager")

        def tear_down():
            failure = None
            with contextlib.ExitStack() as stack:
                if config.pluginmanager.hasplugin("warnings"):
                    ihook = item.ihook
                    stack.enter_context(catch_warnings_for_item(config=config, ihook=ihook, when="runtest", item=item))
                if capture is not None:
                    stack.enter_context(capture.item_capture("teardown", item))
                os.environ["PYTEST_CURRENT_TEST"] = "%s (teardown)" % item.nodeid.replace("\0", "(null)")
                stack.callback(os.environ.pop, "PYTEST_CURRENT_TEST", None)
                try:
                    state.teardown_exact(*arguments)
                except BaseException as error:  # Kept: what passes through item_capture() takes the captured text along.
                    failure = error
            if failure is not None:
                raise failure

        call = CallInfo.from_call(tear_down, when="teardown", reraise=(Exit, KeyboardInterrupt))
        if call.excinfo is not None:
            report = item.ihook.pytest_runtest_makereport(item=item, call=call)
            self._is_orphan = True
            try:
                item.ihook.pytest_runtest_logreport(report=report)
            finally:
                self._is_orphan = False

    # At any time.

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        said = {
            "message": text_of(warning_message.message),
            "category": getattr(warning_message.category, "__name__", "") or "",
            "filename": text_of(warning_message.filename),
            "lineno": warning_message.lineno or 0,
            "when": when,
        }
        if self._report_log:
            self._channel.send_json("J", {"$report_type": "WarningMessage", **said, "location": location})
        self._channel.send_json("W", {**said, "message": warning_text(warning_message), "nodeid": nodeid or ""})

    def pytest_keyboard_interrupt(self, excinfo):
        self.interruption = excinfo.value

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr):
        self._channel.send_json("X", {"text": text_of(excrepr)})
        return True  # Said; pytest need not write it to stderr.


class Artifacts:
    """DIST_ARTIFACTS_DIR: a folder for each attempt to keep things in, named after its test.

    Making and removing one takes longer than an empty test, so a folder is given to one test after another until something is in
    it. The name that it would get is written beside it: what a process that died has left is named by the node.
    """

    NAME_SIZE = 256

    def __init__(self, above):
        self._os = types.SimpleNamespace(**vars(os))  # Tests put other things in the place of what is there.
        self._sub = re.compile(r"[^A-Za-z0-9_.=,\[\]-]+").sub
        self._above = above
        self._folder = os.path.join(above, ".kept-%d" % os.getpid())
        self._note = os.path.join(above, ".name-%d" % os.getpid())
        self._name = ""
        self._made = False

    def begin(self, nodeid):
        self._name = self._sub("_", nodeid)[:200].strip(".") or "_"
        with contextlib.suppress(OSError):
            if not self._made:
                self._make()
            note = self._os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                self._os.write(note, self._name.encode().ljust(self.NAME_SIZE, b"\n"))
            finally:
                self._os.close(note)
        os.environ["DIST_ARTIFACTS_DIR"] = self._folder

    def end(self):
        try:
            if not self._os.listdir(self._folder):
                return
            self._made = False
            self._os.rename(self._folder, self._free_name())
        except OSError:  # The test has removed it, or made it unreadable.
            self._made = False

    def close(self):
        for remove, path in ((os.rmdir, self._folder), (os.unlink, self._note), (os.rmdir, self._above)):
            with contextlib.suppress(OSError):
                remove(path)

    def _make(self):
        for folder in (self._above, self._folder):
            with contextlib.suppress(FileExistsError):
                self._os.mkdir(folder, 0o700)
        self._made = True

    def _free_name(self):
        """Only this process names things there."""
        number = 1
        while True:
            kept = "%s/%s" % (self._above, self._name if number == 1 else "%s-%d" % (self._name, number))
            try:
                self._os.lstat(kept)
            except FileNotFoundError:
                return kept
            number += 1


def rename_sources(source_paths):
    """Names the files in coverage.py's data as they are named where the user is: `coverage combine` runs there.

    Only in data that nobody else is writing, which would find it locked: that of this process and of those that have ended.
    """
    names = [name for name in os.listdir(".") if is_finished_coverage(name)] if source_paths else ()
    if not names:
        return
    import sqlite3

    for name in names:
        with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(sqlite3.connect(name, timeout=5)) as data:
            data.execute("PRAGMA journal_mode = MEMORY")  # pytest dies of a file that goes while it collects the folder.
            for there, here in source_paths:
                prefix = there + "/"
                data.execute(
                    "UPDATE file SET path = ? || substr(path, ?) WHERE substr(path, 1, ?) = ?",
                    (here + "/", len(prefix) + 1, len(prefix), prefix),
                )
            data.commit()


def is_finished_coverage(name):
    """Whether that is a data file of coverage.py, .coverage.HOST.PID.RANDOM, of this process or of one that has ended."""
    match = re.match(r"\.coverage\..+\.(?:pid)?(\d+)\.\w+$", name)
    if not match:
        return False
    pid = int(match.group(1))
    try:
        if pid != os.getpid():
            os.kill(pid, 0)
    except (OSError, OverflowError):
        return True
    return pid == os.getpid()


def warning_text(warning_message):
    """What pytest's terminal prints: place, category and message, the line of source below them."""
    try:
        return warning_record_to_str(warning_message)
    except Exception:  # A message whose str() raises, a formatwarning() that a test has put in.
        return text_of(warning_message.message)


def micros(seconds):
    try:
        return min(max(int(seconds * 1e6), 0), 0xFFFFFFFF)
    except (OverflowError, TypeError, ValueError):  # Some tests patch the clock.
        return 0


def plugin_versions(config):
    versions = []
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        name = "%s-%s" % (distribution.project_name, distribution.version)
        name = name[len("pytest-") :] if name.startswith("pytest-") else name
        if name not in versions:
            versions.append(name)
    return versions


def capture_files(config):
    """The descriptors of the files that pytest captures stdout and stderr in: they are deleted files, so what a test had
    printed would die with this process."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    found = []
    for stream in (getattr(capturing, "out", None), getattr(capturing, "err", None)):
        try:
            found.append(stream.tmpfile.fileno())
        except (AttributeError, OSError, ValueError):
            pass  # Not captured, or in memory (--capture=sys).
    return found


def header_lines(config):
    """What plugins add to pytest's header. The terminal's own lines are not among them."""
    if PYTEST_VERSION >= (7,):
        start = {"start_path": config.invocation_params.dir}
    else:
        import py

        start = {"startdir": py.path.local(str(config.invocation_params.dir))}
    lines = []
    for said in reversed(config.hook.pytest_report_header(config=config, **start)):
        lines.extend([said] if isinstance(said, str) else said or [])
    return [text_of(line) for line in lines]


# ---------------------------------------------------------------------------------------------------------------------------
# The process


def leave_forked_child(report):
    """Ends a child that a test has forked and let run out of the test: the session is its parent's."""
    status = 0 if report.outcome == "passed" else 1
    message = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
    if message.startswith("SystemExit: "):
        code = message[len("SystemExit: ") :]
        status = int(code) & 0xFF if code.isdigit() else 1
    elif message == "SystemExit":
        status = 0
    flush_streams()
    os._exit(status)


def flush_streams():
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass  # Tests close them.


def describe_conftest_failure(error):
    cause = error.excinfo if isinstance(getattr(error, "excinfo", None), tuple) else None
    raised = cause[1] if cause else error.cause
    entries = traceback.extract_tb(raised.__traceback__)
    inner = ("_pytest", "pluggy", "importlib", "<dist ", "<frozen ")
    entries = [entry for entry in entries if not any(word in entry.filename for word in inner)]
    lines = ["ImportError while loading conftest '%s'." % error.path]
    lines += "".join(traceback.format_list(entries)).splitlines()
    lines += "".join(traceback.format_exception_only(type(raised), raised)).splitlines()
    return "\n".join(lines)


def run_session(worker, settings):
    """Runs pytest from its arguments to pytest_unconfigure. Returns (status, reason); never raises."""

    def refuse(text, status):
        channel.send_json("U", {"text": text, "status": int(status)})
        return int(status), text

    config = None
    os.environ["PYTEST_VERSION"] = pytest.__version__  # As pytest.main() since 8.2.
    try:
        try:
            config = _prepareconfig(list(settings["args"]), [worker])
            worker.adopt(config)
            status = int(config.hook.pytest_cmdline_main(config=config) or 0)
        finally:
            if config is not None:
                config._ensure_unconfigure()
    except ConftestImportFailure as error:
        return refuse(describe_conftest_failure(error), pytest.ExitCode.USAGE_ERROR)
    except pytest.UsageError as error:
        return refuse("\n".join(map(text_of, error.args)), pytest.ExitCode.USAGE_ERROR)
    except Exit as error:
        status = pytest.ExitCode.INTERRUPTED if error.returncode is None else error.returncode
        return refuse("Exit: %s" % error.msg, status) if not worker.listed else (int(status), text_of(error.msg))
    except KeyboardInterrupt:
        return int(pytest.ExitCode.INTERRUPTED), "KeyboardInterrupt"
    except ImportError as error:
        if config is None and str(error).startswith("Error importing plugin"):
            return refuse(text_of(error), pytest.ExitCode.USAGE_ERROR)
        channel.send_json("X", {"text": traceback.format_exc()})
        return int(pytest.ExitCode.INTERNAL_ERROR), "internal error"
    except SystemExit as error:
        return refuse("SystemExit: %s" % error.code, error.code if type(error.code) is int and error.code else 3)
    except BaseException:
        channel.send_json("X", {"text": traceback.format_exc()})
        return int(pytest.ExitCode.INTERNAL_ERROR), "internal error"
    interruption = worker.interruption
    if isinstance(interruption, Exit):
        if not worker.listed:
            return refuse("Exit: %s" % interruption.msg, status)
        return status, text_of(interruption.msg)
    if interruption is not None:
        return status, text_of(interruption) or type(interruption).__name__
    if worker.session is None and status == 0:
        return refuse("pytest ended without a session", pytest.ExitCode.USAGE_ERROR)
    return status, ""


def flush_open_files():
    """Writes out files that nobody has closed: the interpreter would, when it takes them apart."""
    kinds = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
    for thing in gc.get_objects():
        if type(thing) in kinds:
            try:
                thing.flush()
            except Exception:
                pass  # Closed, detached, or on a descriptor that is gone.


def leave(status):
    """Ends the process as the interpreter would, but does not take the heap apart object by object."""
    shutdown_threads = getattr(threading, "_shutdown", None)
    run_exit_handlers = getattr(atexit, "_run_exitfuncs", None)
    if shutdown_threads is None or run_exit_handlers is None:
        sys.exit(status)
    try:
        shutdown_threads()
        run_exit_handlers()
    except BaseException:
        traceback.print_exc()
    flush_open_files()
    flush_streams()
    os._exit(status & 0xFF)


def read_settings():
    records = ()
    while not records:
        records = channel.wait()
    (kind, payload), *early = records
    if kind != "C":
        raise RuntimeError("dist: the node's first record is %r" % kind)
    return json.loads(payload.decode("utf-8")), early


def main():
    settings, early = read_settings()
    worker = Worker(channel, settings)
    worker._obey(early)
    started_in = os.getcwd()
    status, reason = run_session(worker, settings)
    if channel.forked:
        flush_streams()
        os._exit(1)
    with contextlib.suppress(OSError):
        os.chdir(started_in)
        rename_sources(settings.get("source_paths"))
    if worker.artifacts is not None:
        worker.artifacts.close()
    session = worker.session
    channel.send_json(
        "Z",
        {
            "exitstatus": status,
            "reason": reason,
            "shouldfail": text_of(getattr(session, "shouldfail", None) or ""),
            "shouldstop": text_of(getattr(session, "shouldstop", None) or ""),
        },
    )
    leave(status)


main()
