# SPDX-License-Identifier: MIT
"""Compares docs/FEATURES.md with src/tools/popcl/optiontable.c. Each option in popcl's column must be a row of the table of options, and each row
of that table must be named in this column. COMING has the options that are planned and not built: an option that is built may not be in it.

An answer of popcl has an option or begins with `always:` or `no:`. A no has a reason and something to do instead, in at most MOST_WORDS words. A
piece of code is one word. docs.py runs the checks, and prose.py takes the counts.
"""
import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE, TABLE = "docs/FEATURES.md", "src/tools/popcl/optiontable.c"
COLUMNS = "wish daily mpop fetchmail getmail6 curl popcl".split()
COMING = set()
MOST_WORDS = 20
CODE = re.compile(r"`([^`]+)`")
OPTION = re.compile(r"^--[a-z0-9][a-z0-9-]*|^-[A-Za-z0-9]")


@functools.lru_cache(maxsize=None)
def rows():
    """The rows of the tables about features, as lists of cells."""
    lines = [line for line in (ROOT / PAGE).read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == len(COLUMNS) and row != COLUMNS and set(row[0]) - set("-: ")]


def options(cell):
    """The options of popcl in a cell: `--format maildir` is `--format`, `-qq` is `-q`."""
    return {found[0] for code in CODE.findall(cell) if (found := OPTION.match(code))}


def table():
    """The options that are built, each as the set of its names."""
    found = re.findall(r"\[OPT_\w+\] =\s*\{(NULL|\"[^\"]+\"), ('.'|0),", (ROOT / TABLE).read_text())
    return [set(["--" + long.strip('"')] * (long != "NULL") + ["-" + short.strip("'")] * (short != "0")) for long, short in found]


def answer(cell):
    """What is wrong with the form of an answer, or ""."""
    kind, _, text = cell.partition(": ")
    if kind == "no":
        if "; " not in text:
            return "a no has a reason and something to do instead, with a semicolon between"
        words = len(CODE.sub("CODE", text).split())
        return f"a no has at most {MOST_WORDS} words, and this one {words}" if words > MOST_WORDS else ""
    return "" if kind == "always" or options(cell) else "an answer has an option, or begins with always: or no:"


def counts():
    """Rows, those that popcl has, those that it refuses; the same three of daily use."""
    daily = [row for row in rows() if row[1]]
    refused = [sum(row[-1].startswith("no: ") for row in some) for some in (rows(), daily)]
    return len(rows()), len(rows()) - refused[0], refused[0], len(daily), len(daily) - refused[1], refused[1]


def checks():
    """The results, as (name, what is wrong or "")."""
    answers = [row[-1] for row in rows()]
    named = set().union(*map(options, answers))
    built = table()
    names = set().union(*built)
    lines = [line for line in (ROOT / PAGE).read_text().splitlines() if line.startswith("| ")]
    unread = len(re.findall(r"^ *\[OPT_", (ROOT / TABLE).read_text(), re.M)) - len(built)
    yield f"tests/features.py reads each row of {TABLE}", f"{unread} rows have another form" if unread else ""
    yield f"{PAGE}: a row has 3 or {len(COLUMNS)} columns", "\n".join(line for line in lines if line.count("|") not in (4, len(COLUMNS) + 1))
    yield f"{PAGE}: daily use has its evidence", "\n".join(
        f"{row[0]}: {row[1]}" for row in rows() if row[1] and not all(re.fullmatch(r"[MFGC]|W\d+", mark) for mark in row[1].split()))
    marks = set(re.findall(r"^\| (W\d+) \|", (ROOT / PAGE).read_text(), re.M))
    used = set(re.findall(r"W\d+", " ".join(row[1] for row in rows())))
    yield f"{PAGE}: each wish is explained and used", ", ".join(sorted(marks ^ used))
    yield f"{PAGE}: each answer has its form", "\n".join(f"{row[0]}: {wrong}" for row in rows() if (wrong := answer(row[-1])))
    yield f"{PAGE} names options that popcl has", ", ".join(sorted(named - names - COMING))
    yield f"{PAGE} names each option that popcl has", ", ".join(" ".join(sorted(one)) for one in built if not one & named)
    yield "tests/features.py: COMING has no option that is built", ", ".join(sorted(COMING & names))
    yield f"tests/features.py: {PAGE} names each option of COMING", ", ".join(sorted(COMING - named))
