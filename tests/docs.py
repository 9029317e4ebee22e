#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the documents true: docs/ERRORS.md is made from include/popcl_errors.h, and the last column of the tables of docs/PROTOCOL.md and
docs/SECURITY.md, the tests of each rule, from the ids in square brackets that stand in the tests. The list in include/popcl_fetch.h of the calls that
may call back is made from tests/sim/calls.def.

docs/RELIABILITY.md has its tests written by hand: each test that a row names has to be there. Figures and defaults in sentences have their sources
in prose.py, the table of sizes in sizes.py, and pictures/ draws the pictures. size/calculator.py makes docs/size.html from docs/size.json, and those
parts of docs/size.json that are not measured. features.py compares docs/FEATURES.md with the table of options, blocks.py counts the fenced blocks of
all documents, and language.py the words that make the text hard to read.

The committed page of errors is also the record of their numbers: a number that changed, or whose error is gone, is a problem, and --write
leaves that page as it is.

usage: docs.py            checks, and fails on what is out of date, on a rule whose function is gone, and on one without a test that does not say so
       docs.py --write    brings all of it up to date
Prints TAP.
"""
import pathlib
import re
import sys
import textwrap

import blocks
import features
import language
import prose
import sizes
from pictures import fate, firmware, layering, memory, profiles, session
from results import Results

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/size"))
import calculator  # noqa: E402  pylint: disable=wrong-import-position

ID = r"(?:[A-Z]\d{1,2}|I-\d{1,2})"
ROW = re.compile(rf"^\| ({ID}) \|(.*)\|$")
NAMED = re.compile(rf"\[({ID}(?:[ ,]+{ID})*)\]")
CLASSES = {"DONE": 0, "USAGE": 64, "HOST": 68, "UNAVAILABLE": 69, "DISK": 74, "LATER": 75, "PROTOCOL": 76, "LOGIN": 77, "CONFIG": 78,
           "CERT": 79, "TLS": 80, "STOPPED": "130, 143"}
PICTURES = {"docs/fate.svg": fate.draw, "docs/firmware.svg": firmware.draw, "docs/layers.svg": layering.draw, "docs/memory.svg": memory.draw,
            "docs/profiles.svg": profiles.draw, "docs/session.svg": session.draw}


def errors_page(committed, problems):
    """docs/ERRORS.md from the rows X(NUMBER, NAME, CLASS, "what", "cause", "advice"); the committed page if a number is not what it was."""
    text = re.sub(r'"\s*\\?\n\s*"', "", (ROOT / "include/popcl_errors.h").read_text()).replace("\\\n", " ")
    rows = re.findall(r'X\((\d+), (\w+), (\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\)', text)
    numbers = {name: number for number, name, *_ in rows}
    changed = [f"popcl_errors.h: ERRORS.md has {name} as number {number}, which never changes: now it is {numbers.get(name, 'gone')}"
               for number, name in re.findall(r"^\| (\d+) \| (\w+) \|", committed, re.M) if numbers.get(name) != number]
    if len(set(numbers.values())) < len(rows):
        changed.append("popcl_errors.h: two rows have one number, or one name")
    problems.extend(changed)
    if changed:
        return committed
    out = ["# Every result", "",
           "`make update-docs` makes this page from [popcl_errors.h](../include/popcl_errors.h). A number never changes.",
           "`exit` is the exit code of the command.", "",
           "| number | POPCL_ | failure | likely cause | advice | class | exit |", "|---:|---|---|---|---|---|---|"]
    out += [f"| {number} | {name} | {what} | {cause} | {advice} | {class_} | {CLASSES[class_]} |" for number, name, class_, what, cause, advice in rows]
    return "\n".join(out) + "\n"


def calls_back():
    """The lines of popcl_fetch.h that say which call may call which callback, from the rows CALL(name, ..., "callbacks")."""
    table = (ROOT / "tests/sim/calls.def").read_text()
    lists = dict(re.findall(r'#define (\w+) "([^"]*)"', table))
    rows = {}
    for name, macro, words in re.findall(r'^CALL\((\w+),.*,\s*(?:(\w+)|"([^"]*)")\)$', table, re.M):
        rows.setdefault(re.sub("_(more|at_once)$", "", name), lists[macro] if macro else words)
    groups = {"": ["start", "the queries"]}
    for name, words in rows.items():
        groups.setdefault(words, []).append(name)
    groups["trace"].append("popcl_lwip_raw_start")
    groups[lists["ANY"]] += ["popcl_run", "popcl_lwip_raw_poll"]
    out = []
    for words, names in groups.items():
        told = {"": "nothing", lists["ANY"]: "all callbacks"}.get(words, ", ".join(words.split()).replace("release", "secret (release)"))
        names = textwrap.wrap(", ".join(names), 40)
        out += [f" *     {left:42}{told if left is names[0] else ''}".rstrip() for left in names]
    return "\n".join(out) + " */"


def calls_header(problems):
    """popcl_fetch.h with that list."""
    text = (ROOT / "include/popcl_fetch.h").read_text()
    new, n = re.subn(r"(Which calls may call back:\n)(?: \*     .*\n)*? \*     .* \*/\n", lambda found: found.group(1) + calls_back() + "\n", text)
    if n != 1:
        problems.append("include/popcl_fetch.h: it has no list of the calls that may call back")
    return new


def named_ids():
    """Which test files name which id."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in (".c", ".h", ".txt", ".py") or path.name in ("docs.py", "ids.txt"):
            continue
        for bracket in NAMED.finditer(path.read_text(errors="replace")):
            for one in re.findall(ID, bracket.group(1)):
                found.setdefault(one, set()).add(str(path.relative_to(ROOT / "tests")))
    return found


def names_in_source():
    """Every identifier of the product's sources, to see that a function named in a table is still there."""
    words = set()
    for folder in ("src", "port", "include", "examples"):
        for path in [path for kind in ("*.[ch]", "*.inc") for path in (ROOT / folder).rglob(kind)]:
            words |= set(re.findall(r"\w+", path.read_text()))
            words.add(path.name)
    return words


def misplaced(where):
    """(name, its files) for each name of `one`, `two` (file, file) that none of these files has."""
    for names, files in re.findall(r"((?:`\w+`(?:, )?)+) \(([^()]+\.\w+)\)", where):
        paths = [ROOT / file for file in files.split(", ")]
        words = set().union(*(re.findall(r"\w+", path.read_text()) for path in paths if path.is_file()))
        yield from ((name, files) for name in re.findall(r"`(\w+)`", names) if name not in words)


def table_page(path, tests, words, problems):
    """The page with its last column brought up to date; problems gets what only a person can mend."""
    lines = []
    for line in path.read_text().splitlines():
        row = ROW.match(line)
        if row:
            cells = [c.strip() for c in row.group(2).split("|")]
            if len(cells) != 3:
                problems.append(f"{path.name}: {row.group(1)}: a row has four columns: id, rule, where, tests")
                lines.append(line)
                continue
            rule, where, _ = cells
            for name in re.findall(r"`(\w+)`", where):
                if name not in words:
                    problems.append(f"{path.name}: {row.group(1)}: `{name}` is nowhere in the sources")
            problems += [f"{path.name}: {row.group(1)}: `{name}` is not in {files}" for name, files in misplaced(where)]
            files = sorted(tests.get(row.group(1), ()))
            if not files and "not yet" not in where:
                problems.append(f"{path.name}: {row.group(1)} has no test, and does not say that it is not covered yet")
            line = f"| {row.group(1)} | {rule} | {where} | {', '.join(files)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def is_test(name, tests):
    """Whether a name is a file's, `file: what stands in it`, `module.Class.test`, or one that stands in some test."""
    file, _, inside = name.partition(": ")
    if file in tests:
        return inside in tests[file]
    module, *words = name.split(".")
    if words:
        return any(all(word in text for word in words) for other, text in tests.items() if pathlib.Path(other).stem == module)
    return not inside and any(name in text for other, text in tests.items() if other != "docs.py")


def reliability(path, problems):
    """Every row of docs/RELIABILITY.md names, between backticks, tests that exist: a file below tests/, or a name that stands in one."""
    tests = {str(file.relative_to(ROOT / "tests")): file.read_text(errors="replace") for file in (ROOT / "tests").rglob("*")
             if file.suffix in (".c", ".h", ".txt", ".py", ".sh")}
    rows = [row for row in path.read_text().splitlines() if row.startswith("| ") and not row.startswith("| kind |")]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        names = re.findall(r"`([^`]+)`", cells[-1])
        if len(cells) != 4 or not names:
            problems.append(f"{path.name}: a row has four columns, and its last one names a test: {row[:60]}")
        problems.extend(f"{path.name}: no test is called `{name}`" for name in names if not is_test(name.removeprefix("tests/"), tests))
    return len(rows)


def together(pages, problems):
    """The pages with the figures of prose.py and the table of sizes.py put right, and those that have nothing but such figures."""
    made = {path: prose.corrected(str(path.relative_to(ROOT)), text, problems) for path, text in pages}
    others = {name for name, _, _ in prose.PROSE} - {str(path.relative_to(ROOT)) for path in made}
    made.update({ROOT / name: prose.corrected(name, prose.text(name), problems) for name in sorted(others)})
    made[ROOT / "README.md"] = sizes.corrected(made[ROOT / "README.md"], problems)
    return list(made.items())


def main(argv):
    if argv not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    problems, results = [], Results()
    tests, words = named_ids(), names_in_source()
    errors = ROOT / "docs/ERRORS.md"
    pages = [(errors, errors_page(errors.read_text(), problems)), (ROOT / "include/popcl_fetch.h", calls_header(problems))]
    for name in ("PROTOCOL.md", "SECURITY.md"):
        path = ROOT / "docs" / name
        if path.exists():
            pages.append((path, table_page(path, tests, words, problems)))
        else:
            problems.append(f"docs/{name} is missing")
    if not reliability(ROOT / "docs/RELIABILITY.md", problems):
        problems.append("docs/RELIABILITY.md has no row")
    count = ROOT / blocks.PAGE
    pages.append((count, blocks.with_table(count.read_text(), blocks.pages())))
    pages = [*together(pages, problems), *((ROOT / name, draw()) for name, draw in PICTURES.items()),
             *((pathlib.Path(path), text) for path, text in calculator.files(calculator.committed()).items())]
    for path, text in pages:
        if argv:
            path.write_text(text)
        right = path.exists() and path.read_text() == text
        results.add(f"{path.relative_to(ROOT)} is up to date", "" if right else "run: make update-docs")
    results.add("every rule has its function and its test, and each row of docs/RELIABILITY.md its tests", "\n".join(problems))
    results.add_all(fate.checks())
    results.add_all(features.checks())
    results.add_all(blocks.checks())
    results.add_all(language.checks())
    return results.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
