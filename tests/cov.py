# SPDX-License-Identifier: MIT
"""Adds up what gcov tells of the objects below a build folder, and prints the share of lines that ran for every source that ships.
    cov.py BUILD_FOLDER
"""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIPPED = ("src/", "port/")


def notes(folder):
    return [os.path.abspath(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names if name.endswith(".gcno")]


def lines_of(note):
    """Yields (source, line, count)."""
    said = subprocess.run(["gcov", "--json-format", "--stdout", note], capture_output=True, text=True)
    for document in said.stdout.splitlines():
        for file in json.loads(document)["files"]:
            for line in file["lines"]:
                yield os.path.normpath(file["file"]), line["line_number"], line["count"]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    os.chdir(ROOT)
    counts = {}
    for note in notes(sys.argv[1]):
        for source, line, count in lines_of(note):
            if source.startswith(SHIPPED):
                counts.setdefault(source, {}).setdefault(line, 0)
                counts[source][line] += count
    every = ran = 0
    for source, lines in sorted(counts.items()):
        hit = sum(1 for count in lines.values() if count)
        missed = sorted(line for line, count in lines.items() if not count)
        every, ran = every + len(lines), ran + hit
        print(f"{100 * hit / len(lines):6.1f} %  {hit:>5} of {len(lines):>5}  {source}  {' '.join(map(str, missed[:12]))}{' ...' if len(missed) > 12 else ''}")
    print(f"{100 * ran / max(every, 1):6.1f} %  {ran:>5} of {every:>5}  all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
