# SPDX-License-Identifier: MIT
"""Adds up the counts of gcov for the objects below a build folder. For each source that ships it prints the share of lines that ran, and of
branches that were taken, with the first ones that were not. It fails if a folder of GOALS has less than its shares, and if a function there with
a branch that was never taken has no row in the table of tests/README.md, or a row has no such function.
    cov.py BUILD_FOLDER
"""
import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIPPED = ("src/", "port/")
GOALS = {"src/tls/": (100, 98)}  # percent of lines, of branches
ROW = re.compile(r"\| `(\w+\.c)` \| `(\w+)` \|")
SHOWN = 12


class Source:
    def __init__(self):
        self.lines = {}     # number: count
        self.branches = {}  # (line, which one of that line): count
        self.functions = {}  # line: its function

    def add(self, line):
        number = line["line_number"]
        self.lines[number] = self.lines.get(number, 0) + line["count"]
        self.functions[number] = line.get("function_name", "")
        for which, branch in enumerate(line["branches"]):
            self.branches[number, which] = self.branches.get((number, which), 0) + branch["count"]

    def missed_lines(self):
        return sorted(number for number, count in self.lines.items() if not count)

    def missed_branches(self):
        return sorted(where for where, count in self.branches.items() if not count)


class Share:
    def __init__(self):
        self.hit = self.all = 0

    def add(self, counts):
        self.hit += sum(1 for count in counts.values() if count)
        self.all += len(counts)
        return self

    def percent(self):
        return 100 * self.hit / self.all if self.all else 100.0

    def __str__(self):
        return f"{int(10 * self.percent()) / 10:6.1f} %  {self.hit:>5} of {self.all:>5}"


def notes(folder):
    return [os.path.abspath(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names if name.endswith(".gcno")]


def read(folder):
    """{source: Source}"""
    found = collections.defaultdict(Source)
    for note in notes(folder):
        told = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", note], capture_output=True, text=True)
        for document in told.stdout.splitlines():
            for file in json.loads(document)["files"]:
                path = os.path.normpath(file["file"])
                if path.startswith(SHIPPED):
                    for line in file["lines"]:
                        found[path].add(line)
    return found


def first(numbers):
    return " ".join(map(str, numbers[:SHOWN])) + (" ..." if len(numbers) > SHOWN else "")


def show(title, lines, branches, rest=""):
    print(f"{lines}   {branches}  {title}{rest}")


def reasons():
    """{(file, function)} of the table in tests/README.md"""
    with open("tests/README.md", encoding="utf-8") as file:
        return set(ROW.findall(file.read()))


def judge(folder, goal, sources):
    """What is wrong with the sources of a folder: a list of texts."""
    lines, branches = Share(), Share()
    for source in sources.values():
        lines.add(source.lines)
        branches.add(source.branches)
    show(folder, lines, branches)
    wrong = [f"{folder}: {share.percent():.2f} % of {what}, and the goal is {least} %"
             for share, least, what in ((lines, goal[0], "lines"), (branches, goal[1], "branches")) if share.percent() < least]
    missed = {(os.path.basename(path), source.functions[line]) for path, source in sources.items() for line, _ in source.missed_branches()}
    wrong += [f"{file}, {function}: a branch is never taken. A test takes it, or tests/README.md has the reason" for file, function in sorted(missed - reasons())]
    wrong += [f"tests/README.md has a row about {file}, {function}: every branch there is taken" for file, function in sorted(reasons() - missed)]
    return wrong


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    os.chdir(ROOT)
    found, lines, branches, wrong = read(sys.argv[1]), Share(), Share(), []
    if not found:
        print(f"cov.py: no object with counts below {sys.argv[1]}: was it built with --coverage?", file=sys.stderr)
        return 2
    print("                 lines                branches")
    for path, source in sorted(found.items()):
        rest = f"  {first(source.missed_lines())}" if source.missed_lines() else ""
        apart = sorted({line for line, _ in source.missed_branches() if source.lines[line]})
        show(path, Share().add(source.lines), Share().add(source.branches), rest + (f"  branches: {first(apart)}" if apart else ""))
        lines.add(source.lines)
        branches.add(source.branches)
    for folder, goal in GOALS.items():
        wrong += judge(folder, goal, {path: source for path, source in found.items() if path.startswith(folder)})
    show("all", lines, branches)
    for one in wrong:
        print(f"cov.py: {one}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
