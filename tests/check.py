# SPDX-License-Identifier: MIT
"""Runs test programs, reads the TAP that they print, and adds up. It knows no test.

    check.py part NAME [--wrap COMMAND] [--seconds N] PROGRAM... [-- PROGRAM ARGUMENT...]...
        Runs each program, and prints the results of all of them as one TAP stream. If a program fails, all else that it printed follows as
        comments. A program that dies, hangs, prints no plan, or has another number of results than its plan is a failure. Without `--`, every
        word is a program; `--` starts one with arguments.
    check.py all MAKE PART...
        For every part runs `MAKE built-PART`, then `MAKE check-PART BUILT=1`. Two parts run at a time, but only one of them builds. Of a part's
        output it shows all but the results that are ok. It ends with a line for each part, what failed in it, and the sum of all.
"""
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM_SECONDS = 500  # decides only when to give up on a program that hangs
PART_SECONDS = 2700
RESULT = re.compile(r"(not )?ok\b *\d* *-? *(.*?) *((?<!\\)# *(?i:SKIP)\b *(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)$")


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + f", {self.skipped} skipped" if self.skipped else text


class Result:
    """One line of results. Before SKIP, `not ok` is no failure."""

    def __init__(self, match):
        self.name, self.skip = match[2], match[4]
        self.ok = not match[1] or self.skip is not None

    def numbered(self, number, label=""):
        skip = "" if self.skip is None else f" # SKIP {self.skip}".rstrip()
        return f"{'' if self.ok else 'not '}ok {number} - {label}{self.name}{skip}"


def results_of(lines):
    """[Result, or None for a line that is none]"""
    return [match and Result(match) for match in map(RESULT.match, lines)]


def judge(status, output):
    """The counts of a run, and what is wrong with the run itself: "" if nothing is. A wrong run counts as one failure more."""
    lines = output.splitlines()
    results = [result for result in results_of(lines) if result]
    plans = [int(match[1]) for match in map(PLAN.match, lines) if match]
    counts = Counts(skipped=sum(result.skip is not None for result in results), failed=sum(not result.ok for result in results))
    counts.passed = len(results) - counts.skipped - counts.failed
    why = ""
    if status is None:
        why = "hangs, ended"
    elif len(plans) != 1:
        why = f"{'several plans' if plans else 'no plan: it did not come to its end'}, exit status {status}"
    elif plans[0] != len(results) or not results:
        why = f"{len(results)} results of {plans[0]} planned, exit status {status}"
    elif status and not counts.failed:
        why = f"exit status {status}"
    counts.failed += bool(why)
    return counts, why


def end(child, own_group):
    """Ends a child, and with own_group what it started too; gives it time to remove what it made."""
    send = os.killpg if own_group else os.kill
    send(child.pid, signal.SIGTERM)
    try:
        child.wait(timeout=15)
    except subprocess.TimeoutExpired:
        send(child.pid, signal.SIGKILL)
        child.wait()


def run(command, seconds, env=None, own_group=True):
    """Runs a command; returns (exit status or None if it hung, all output)."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env,
                                 start_new_session=own_group)
        try:
            status = child.wait(timeout=seconds)
        except BaseException as error:
            end(child, own_group)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            status = None
        out.seek(0)
        return status, out.read().decode("utf-8", "replace")


# ---- a part ----

def programs_of(words):
    """[["a"], ["b"], ["c", "x", "y"]] of ["a", "b", "--", "c", "x", "y"]."""
    if "--" not in words:
        return [[word] for word in words]
    first = words.index("--")
    programs = [[word] for word in words[:first]]
    for word in words[first:]:
        if word == "--":
            programs.append([])
        else:
            programs[-1].append(word)
    return [program for program in programs if program]


def label_of(program):
    """A short name: a program with its folder, without the interpreter, options and many arguments."""
    named = program[1:] if os.path.basename(program[0]).startswith("python") else program
    words = [os.path.basename(word) for word in named[1:] if len(named) < 4 and not word.startswith("-")]
    return " ".join(["/".join(named[0].split("/")[-2:]), *words])


def part(name, words):
    wrap, seconds = [], PROGRAM_SECONDS
    while words and words[0] in ("--wrap", "--seconds"):
        if words[0] == "--wrap":
            wrap = shlex.split(words[1])
        else:
            seconds = int(words[1])
        words = words[2:]
    total, number = Counts(), 0
    for program in programs_of(words):
        began, label = time.monotonic(), label_of(program)
        status, output = run(wrap + program, seconds)
        counts, why = judge(status, output)
        lines = output.splitlines()
        for line, result in zip(lines, results_of(lines)):
            if result:
                number += 1
                print(result.numbered(number, label + ": "))
            elif counts.failed and line.strip() and not PLAN.match(line):
                print(line if line.startswith("#") else f"# {line}")
        if why:
            number += 1
            print(f"not ok {number} - {label}: {why}\n# {' '.join(wrap + program)[:400]}")
        print(f"# {label}: {counts} ({time.monotonic() - began:.1f} s)", flush=True)
        total.add(counts)
    print(f"1..{number}\n# {name}: {total if number else 'no programs found'}")
    return 0 if number and not total.failed else 1


# ---- all parts ----

def without_jobs(flags):
    """MAKEFLAGS without the parent's job slots, which cannot be handed through."""
    return " ".join(word for word in flags.split(" ") if not word.startswith(("-j", "--jobserver")))


def run_part(make, name, building):
    env = dict(os.environ, MAKEFLAGS=without_jobs(os.environ.get("MAKEFLAGS", "")))
    began = time.monotonic()

    def goal(*words):
        # In our own group, so that an interrupt from the terminal reaches it.
        return run([make, "--no-print-directory", *words], PART_SECONDS, env, own_group=False)

    # What one part builds another may need. Were both to build it, one would read what the other has written in part.
    with building:
        status, output = goal("built-" + name, f"-j{os.cpu_count() or 1}")
    if status == 0:
        status, output = goal("check-" + name, "BUILT=1")
    return name, output, *judge(status, output), time.monotonic() - began


def show(name, output, why, seconds):
    """Prints what is not plainly ok; returns the lines of what failed."""
    print(f"== {name} ({seconds:.0f} s)")
    lines = output.splitlines()
    for line, result in zip(lines, results_of(lines)):
        if not (PLAN.match(line) or result and result.ok and result.skip is None):
            print(line)
    if why:
        print(f"not ok - {name}: {why}")
    sys.stdout.flush()
    failed = [result.name for result in results_of(lines) if result and not result.ok] + [why] * bool(why)
    return [f"    not ok - {one}" for one in failed]


def all_parts(make, names):
    total, summary, began = Counts(), {}, time.monotonic()
    workers, building = min(2, os.cpu_count() or 1), threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_part, make, name, building) for name in names]):
            name, output, counts, why, seconds = done.result()
            failed = show(name, output, why, seconds)
            summary[name] = "\n".join([f"{name}: {counts} ({seconds:.0f} s)", *failed])
            total.add(counts)
    print(f"== all parts ({time.monotonic() - began:.0f} s)")
    print(*(summary[name] for name in names), total, sep="\n")
    return 1 if total.failed else 0


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what runs is ended too
    if len(sys.argv) >= 3 and sys.argv[1] == "part":
        return part(sys.argv[2], sys.argv[3:])
    if len(sys.argv) >= 4 and sys.argv[1] == "all":
        return all_parts(sys.argv[2], sys.argv[3:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
