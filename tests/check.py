"""Runs test programs and adds up what they say. It knows no test; programs tell their counts in their last lines.

    check.py part NAME [--wrap COMMAND] [--seconds N] PROGRAM [-- PROGRAM ARGUMENT...]...
        Runs each program, shows the output of those that fail, and ends with `NAME: N passed, N failed`. Counts are cmocka's own, or a
        last line `N passed, N failed[, N skipped]`. A program that dies, hangs or says no counts is a failure. Without `--`, every word is
        a program; `--` starts one with arguments.
    check.py all MAKE PART...
        Runs `MAKE check-PART` for every part, two at a time, shows their output whole, and ends with a line a part and the sum of all.
"""
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM_SECONDS = 500  # says only when to give up on a program that hangs
PART_SECONDS = 1500
SKIP = re.compile(r"\bSKIP(PED)?\b", re.I)
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
CMOCKA = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test"),
    "failed": re.compile(r"^\[  FAILED  \] (\d+) test"),
    "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test"),
}


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


def cmocka_counts(lines):
    found = {}
    for line in lines:
        for name, pattern in CMOCKA.items():
            match = pattern.match(line)
            if match:
                found[name] = found.get(name, 0) + int(match.group(1))
    return Counts(**found) if found else None


def counts_of(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    match = COUNTS.match(lines[-1]) if lines else None
    if match:
        return Counts(int(match.group(1)), int(match.group(2)), int(match.group(3) or 0))
    return cmocka_counts(lines)


def judge(status, output):
    """The counts of one program and, if it failed, why."""
    counts = counts_of(output) or Counts()
    if status is None:
        counts.failed += 1
        return counts, "hangs, ended"
    if counts.passed + counts.failed + counts.skipped == 0:
        counts.failed = 1
        return counts, f"says no counts, exit status {status}"
    if status != 0 and counts.failed == 0:
        counts.failed = 1
        return counts, f"exit status {status}"
    return counts, "failed" if counts.failed else ""


def skips(output):
    """The lines that say what was skipped, and why: the reason stands there or in the indented line behind."""
    lines = output.splitlines()
    for line, behind in zip(lines, lines[1:] + [""]):
        if SKIP.search(line) and not COUNTS.match(line.strip()) and not re.search(r"test\(s\)", line, re.I):
            yield "    " + line.strip() + (f": {behind.strip()}" if behind.startswith("    ") and not SKIP.search(behind) else "")


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


def part(name, words):
    wrap, seconds = [], PROGRAM_SECONDS
    while words and words[0] in ("--wrap", "--seconds"):
        if words[0] == "--wrap":
            wrap = shlex.split(words[1])
        else:
            seconds = int(words[1])
        words = words[2:]
    programs, total = programs_of(words), Counts()
    if not programs:
        print(f"{name}: no programs found")
        total.failed = 1
    for program in programs:
        began = time.monotonic()
        status, output = run(wrap + program, seconds)
        counts, why = judge(status, output)
        named = program[1:] if os.path.basename(program[0]).startswith("python") else program
        label = os.path.basename(named[0]) + "".join(" " + os.path.basename(word) for word in named[1:] if len(named) < 3)
        if why:
            print(f"--- {' '.join(wrap + program)[:400]}\n{output.rstrip()}\n--- {label}: {why}")
        print(f"    {label}: {counts} ({time.monotonic() - began:.1f} s)", flush=True)
        if counts.skipped and not why:
            print("\n".join(dict.fromkeys(skips(output))), flush=True)
        total.add(counts)
    print(f"{name}: {total}")
    return 1 if total.failed else 0


def without_jobs(flags):
    """MAKEFLAGS without the parent's job slots, which cannot be handed through."""
    return " ".join(word for word in flags.split(" ") if not word.startswith(("-j", "--jobserver")))


def run_part(make, name):
    env = dict(os.environ, MAKEFLAGS=without_jobs(os.environ.get("MAKEFLAGS", "")))
    began = time.monotonic()
    # In our own group, so that an interrupt from the terminal reaches it.
    status, output = run([make, "--no-print-directory", "check-" + name], PART_SECONDS, env, own_group=False)
    counts, pattern = None, re.compile("^" + re.escape(name) + r": (\d+ passed.*)$")
    for line in output.splitlines():
        match = pattern.match(line)
        if match:
            counts = counts_of(match.group(1))
    if counts is None:
        counts = Counts(failed=1)
        output += f"\n{name}: came to no end, exit status {status}"
    elif status != 0 and counts.failed == 0:
        counts.failed = 1
        output += f"\n{name}: exit status {status}"
    return name, counts, output, time.monotonic() - began


def all_parts(make, names):
    total, results, began = Counts(), {}, time.monotonic()
    workers = min(2, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_part, make, name) for name in names]):
            name, counts, output, seconds = done.result()
            results[name] = counts
            print(f"== {name} ({seconds:.0f} s)\n{output.rstrip()}", flush=True)
    print(f"== all parts ({time.monotonic() - began:.0f} s)")
    for name in names:
        print(f"{name}: {results[name]}")
        total.add(results[name])
    print(total)
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
