# SPDX-License-Identifier: MIT
"""Runs the interop tests, a class at a time in a process of its own, two processes at once. Prints TAP, each test as it ends; the exit code is 0
only if none failed.

    run.py [-C FOLDER] [-j N] [-t SECONDS] [MODULE | MODULE.CLASS | MODULE.CLASS.TEST]...    default: all modules named test_*.py beside this file, or in FOLDER

-t says when to give up on a class that hangs. POPCL names the command under test (default: build/popcl). Knows no test."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

BESIDE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BESIDE.parent))
from results import Results  # noqa: E402

CLASS_SECONDS = 420


class Unexpected(Exception):
    """The rest of the words of a wrong command line."""


# ---- one class: the child process ----

class Reporter(unittest.TestResult):
    """Writes a line of JSON for each test that ended."""

    def __init__(self, out):
        super().__init__()
        self._out = out
        self._began = {}
        self._wrong = {}

    def startTest(self, test):
        super().startTest(test)
        self._began[test.id()] = time.monotonic()
        self._skip = ""

    def addFailure(self, test, err):
        self._fail(test, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(test, f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def _fail(self, test, text):
        self._wrong.setdefault(test.id(), []).append(text)
        if test.id() not in self._began:  # what a class or a module needs is not there: no test follows
            self._tell(test)

    def addSkip(self, test, reason):
        self._skip = reason
        if test.id() not in self._began:  # a whole class
            self._tell(test, reason)

    def stopTest(self, test):
        super().stopTest(test)
        self._tell(test, self._skip)

    def _tell(self, test, skip=""):
        seconds = time.monotonic() - self._began.pop(test.id(), time.monotonic())
        why = "\n".join(self._wrong.pop(test.id(), []))
        self._out.write(json.dumps({"test": test.id(), "seconds": seconds, "why": why, "skip": skip}) + "\n")
        self._out.flush()


def run_class(name, descriptor):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that servers and folders are cleaned up
    with open(descriptor, "w", encoding="utf-8") as out:
        unittest.defaultTestLoader.loadTestsFromName(name).run(Reporter(out))


# ---- all of them: the parent ----

def flatten(suite):
    for item in suite:
        yield from flatten(item) if isinstance(item, unittest.TestSuite) else [item]


def classes_of(names):
    """[(name to load, number of tests)], those first that say of themselves that they are slow."""
    jobs = []
    for name in names:
        tests = list(flatten(unittest.defaultTestLoader.loadTestsFromName(name)))
        if unittest.defaultTestLoader.errors:
            raise Unexpected(unittest.defaultTestLoader.errors[0])
        groups = {}
        for test in tests:
            groups.setdefault(type(test), []).append(test)
        for kind, group in groups.items():
            load = name if name.count(".") == 2 else f"{kind.__module__}.{kind.__name__}"
            jobs.append((not getattr(kind, "slow", False), load, len(group)))
    return [(load, count) for _, load, count in sorted(jobs, key=lambda job: job[0])]


class Run:
    """The results, and the children that are running."""

    def __init__(self, folder, seconds):
        self.folder, self.seconds, self.results, self.lock = folder, seconds, Results(), threading.Lock()
        self.children = set()

    def job(self, name, expected):
        read, write = os.pipe()
        with open(read, encoding="utf-8") as lines:
            try:
                child = subprocess.Popen([sys.executable, str(BESIDE / "run.py"), "-C", str(self.folder), "--class", name, str(write)],
                                         pass_fds=[write], cwd=self.folder, stdin=subprocess.DEVNULL)
            finally:
                os.close(write)
            self.children.add(child)
            seen = sum(self.tell(json.loads(line)) for line in self.until(child, lines))
        code = child.wait()
        self.children.discard(child)
        if code != 0 or seen < expected:
            self.tell({"test": name, "seconds": 0, "why": f"ended with {code} after {seen} of {expected} tests", "skip": ""})

    def until(self, child, lines):
        """The child's lines, with an end for one that hangs."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ended = pool.submit(self.give_up, child)
            yield from lines
            child.wait()
            ended.result()

    def give_up(self, child):
        try:
            child.wait(self.seconds)
        except subprocess.TimeoutExpired:
            child.terminate()

    def tell(self, event):
        """Prints one result; returns how many."""
        name = event["test"].replace(".test_", ": ").replace("_", " ")
        with self.lock:
            self.results.add(f"{name} ({event['seconds']:.1f} s)", event["why"], event["skip"])
        return 1

    def end(self):
        for child in list(self.children):
            if child.poll() is None:
                child.terminate()


def main(words):
    folder = BESIDE
    if words[:1] == ["-C"]:
        folder, words = pathlib.Path(words[1]).resolve(), words[2:]
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(BESIDE)]
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    # Who starts the tests in the background, or under nohup, has these ignored; the command inherits that, and would honour it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)
    if "POPCL" in os.environ:
        os.environ["POPCL"] = os.path.join(START, os.environ["POPCL"])
    if words[:1] == ["--class"]:
        run_class(words[1], int(words[2]))
        return 0
    given = {"-j": 2, "-t": CLASS_SECONDS}
    while words[:1] and words[0] in given:
        given[words[0]], words = int(words[1]), words[2:]
    import command
    if not os.access(command.POPCL, os.X_OK):
        print(f"{command.POPCL}: no such program; build it first, or name it with POPCL", file=sys.stderr)
        return 2
    jobs = classes_of(words or sorted(path.stem for path in folder.glob("test_*.py")))
    run = Run(folder, given["-t"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with concurrent.futures.ThreadPoolExecutor(given["-j"]) as pool:
            try:
                for future in [pool.submit(run.job, *job) for job in jobs]:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                run.end()
                raise
    except KeyboardInterrupt:
        return 130
    return run.results.end()


START = os.getcwd()
if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Unexpected as error:
        sys.exit(f"run.py: {error}")
