"""Runs the interop tests, a class at a time in a process of its own, two processes at once. Says each test as it ends; the last line is
`N passed, N failed, N skipped`, and the exit code is 0 only if none failed.

    run.py [-C FOLDER] [-j N] [MODULE | MODULE.CLASS | MODULE.CLASS.TEST]...    default: all modules named test_*.py beside this file, or in FOLDER

POPCL names the command under test (default: build/popcl). Knows no test."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

BESIDE = pathlib.Path(__file__).resolve().parent
CLASS_SECONDS = 420  # says only when to give up on a class that hangs


class Unexpected(Exception):
    """The rest of the words of a wrong command line."""


# ---- one class: the child process ----

class Reporter(unittest.TestResult):
    """Writes a line of JSON for each test that ended."""

    def __init__(self, out):
        super().__init__()
        self._out = out
        self._began = {}
        self._failed = set()

    def startTest(self, test):
        super().startTest(test)
        self._began[test.id()] = time.monotonic()

    def _tell(self, test, outcome, text=""):
        seconds = time.monotonic() - self._began.get(test.id(), time.monotonic())
        self._out.write(json.dumps({"test": test.id(), "outcome": outcome, "seconds": seconds, "text": text}) + "\n")
        self._out.flush()

    def addSuccess(self, test):
        if test.id() not in self._failed:
            self._tell(test, "ok")

    def addSkip(self, test, reason):
        self._tell(test, "skipped", reason)

    def addFailure(self, test, err):
        self._fail(test, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(test, f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def _fail(self, test, text):
        first = test.id() not in self._failed
        self._failed.add(test.id())
        self._tell(test, "FAILED" if first else "more", text)


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
    """The sums, and the children that are running."""

    def __init__(self, folder, total):
        self.folder, self.total, self.done = folder, total, 0
        self.sums = {"ok": 0, "FAILED": 0, "skipped": 0}
        self.children = set()
        self.failures = []

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
            self.tell({"test": name, "outcome": "FAILED", "seconds": 0, "text": f"ended with {code} after {seen} of {expected} tests"})

    def until(self, child, lines):
        """The child's lines, with an end for one that hangs."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ended = pool.submit(self.give_up, child)
            yield from lines
            child.wait()
            ended.result()

    @staticmethod
    def give_up(child):
        try:
            child.wait(CLASS_SECONDS)
        except subprocess.TimeoutExpired:
            child.terminate()

    def tell(self, event):
        """Prints one event; returns 1 if it ended a test."""
        outcome, name = event["outcome"], event["test"].replace(".test_", ": ").replace("_", " ")
        if outcome in ("FAILED", "more"):
            self.failures.append(event)
        if outcome == "more":
            return 0
        self.sums[outcome] += 1
        self.done += 1
        print(f"[{self.done:3}/{self.total}] {outcome:7} {event['seconds']:5.1f} s  {name}", flush=True)
        if event["text"]:
            print("    " + event["text"].rstrip().replace("\n", "\n    "), flush=True)
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
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if "POPCL" in os.environ:
        os.environ["POPCL"] = os.path.join(START, os.environ["POPCL"])
    if words[:1] == ["--class"]:
        run_class(words[1], int(words[2]))
        return 0
    processes = 2
    if words[:1] == ["-j"]:
        processes, words = int(words[1]), words[2:]
    import command
    if not os.access(command.POPCL, os.X_OK):
        print(f"{command.POPCL}: no such program; build it first, or name it with POPCL", file=sys.stderr)
        return 2
    jobs = classes_of(words or sorted(path.stem for path in folder.glob("test_*.py")))
    run = Run(folder, sum(count for _, count in jobs))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(processes) as pool:
            try:
                for future in [pool.submit(run.job, *job) for job in jobs]:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                run.end()
                raise
    except KeyboardInterrupt:
        return 130
    failed = sorted({event["test"] for event in run.failures})
    print(f"{time.monotonic() - began:.0f} s" + "".join(f"\nfailed: {name}" for name in failed))
    print(f"{run.sums['ok']} passed, {run.sums['FAILED']} failed, {run.sums['skipped']} skipped")
    return 1 if failed else 0


START = os.getcwd()
if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Unexpected as error:
        sys.exit(f"run.py: {error}")
