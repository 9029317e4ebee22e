# SPDX-License-Identifier: MIT
"""Prints results as TAP, the Test Anything Protocol: a line for each result, comments that explain it, and the plan last. A run that breaks
off prints no plan, so it cannot pass. check.py and prove read it."""
import sys
import time
import unittest


class Results:
    def __init__(self):
        self.count = self.failed = 0

    def add(self, name, why="", skip=""):
        """One result. `why` says what is wrong, `skip` why it was not tried; if both are empty, the result is ok."""
        self.count += 1
        self.failed += bool(why)
        directive = f" # SKIP {one_line(skip)}" if skip and not why else ""
        print(f"{'not ok' if why else 'ok'} {self.count} - {one_line(name)}{directive}")
        if why:
            self.say(why)
        sys.stdout.flush()

    def add_all(self, pairs):
        """Results as (name, what is wrong or "")."""
        for name, why in pairs:
            self.add(name, why)

    def say(self, text):
        for line in text.splitlines():
            print(f"# {line}".rstrip(), flush=True)

    def end(self):
        """Prints the plan; returns the exit status."""
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def one_line(text):
    """A name or a reason: `#` would begin a directive there."""
    return " ".join(text.split()).replace("#", "\\#")


class _Tests(unittest.TestResult):
    """unittest's results, each as its test ends. A failed subtest is a result of its own."""

    def __init__(self, results):
        super().__init__()
        self._results, self._wrong = results, []

    def startTest(self, test):
        super().startTest(test)
        self._began, self._wrong, self._skip = time.monotonic(), [], ""

    def addSkip(self, test, reason):
        self._skip = reason

    def addFailure(self, test, err):
        self._wrong.append(self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._wrong.append(f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def stopTest(self, test):
        super().stopTest(test)
        name = test.id().replace(".test_", ": ").replace("_", " ")
        self._results.add(f"{name} ({time.monotonic() - self._began:.1f} s)", "\n".join(self._wrong), self._skip)


def main(module="__main__"):
    """Runs a module's unittest cases, or those that the command line names; returns the exit status."""
    results, loader = Results(), unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(sys.argv[1:], sys.modules[module]) if sys.argv[1:] else loader.loadTestsFromModule(sys.modules[module])
    tests.run(_Tests(results))
    return results.end()
