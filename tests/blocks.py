# SPDX-License-Identifier: MIT
"""The fenced blocks of every document: each has a comment on the line before it, its mark, which names the test that takes it. This file has the
table of marks, and counts the blocks for tests/README.md; the tests themselves are elsewhere. docs.py takes its results.

A block counts as run, compiled, compared (with the output of a program, or with names that must exist) or not run. A test has to take each block
that has its mark: readme.py, recipes.py and adoption/run.py fail if one of theirs was left out.
"""
import pathlib
import re
import textwrap
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTSIDE = {"build", "out", "bearssl"}  # folders at the top that are no part of the sources
PAGE = "tests/README.md"
WAYS = ("run", "compiled", "compared", "not run")
# Each block of these pages is one of recipes.py: those commands have a home directory and servers.
AT_HOME = ("docs/RECIPES.md", "docs/TRUST.md", "docs/PROVIDERS.md", "docs/COMMANDS.md", "docs/JSON.md", "docs/FIRMWARE.md")
FENCE = re.compile(r"^(?:[ ]*<!--[ ](?P<mark>[^\n]*)[ ]-->\n)?(?P<indent>[ ]*)```(?P<language>[\w+-]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```[ ]*$"
                   r"|^\#\#[ ](?P<title>[^\n]*)$", re.M | re.S | re.X)


class Mark(NamedTuple):
    """What a mark looks like, how its block counts, and the test that takes it."""
    pattern: str
    way: str
    taker: str


RECIPES, README = "tests/recipes.py", "tests/readme.py"
MARKS = [
    # a shell: in a copy of the repository; in a home directory
    Mark(r"run(: server)?", "run", README),
    Mark(r"run: home(, .+)?", "run", RECIPES),
    Mark(r"(run|cron|file: \S+|unit: \S+|accounts)(, .+)?", "run", RECIPES),
    Mark(r"prints|then, .+|json(, .+)?", "compared", RECIPES),
    # C: alone, in the surroundings of this name, or a whole program
    Mark(r"compiled(: [\w ]+)?", "compiled", README),
    Mark(r"examples/\w+\.c", "compiled", README),
    # other texts
    Mark(r"names|synopsis: [\w-]+|failure: \w+", "compared", README),
    Mark(r"session(: errors)?", "compared", README),
    Mark(r"info", "compared", "tests/interop/test_info.py"),
    Mark(r"figures: chains", "compared", "tests/size/sizing.py"),
    Mark(r"tested: .+", "run", "tests/adoption"),
    Mark(r"not run: .+", "not run", README),
]


class Block(NamedTuple):
    page: str
    section: str
    line: int
    language: str
    mark: str
    body: str

    @property
    def name(self):
        return f"{self.page}:{self.line}"

    @property
    def row(self):
        """The row of MARKS, or None. A mark of recipes.py alone counts on its pages only, and there it is recipes.py's."""
        for row in MARKS:
            if re.fullmatch(row.pattern, self.mark) and (row.taker != RECIPES or self.page in AT_HOME or self.mark.startswith("run: home")):
                if not (row.taker == README and row.way == "run" and self.page in AT_HOME):
                    return row
        return None

    @property
    def taker(self):
        return self.row.taker if self.row else ""

    @property
    def way(self):
        """A fragment of C that another test takes is compiled there."""
        return "compiled" if self.mark.startswith("tested: ") and self.language == "c" else self.row.way


def blocks_of(page, text):
    """The blocks of a text, each without the indent of its fence."""
    section = ""
    for found in FENCE.finditer(text):
        if found["title"] is not None:
            section = found["title"]
            continue
        line = text.count("\n", 0, found.start("indent")) + 1
        yield Block(page, section, line, found["language"], found["mark"] or "", textwrap.dedent(found["body"]) if found["indent"] else found["body"])


def pages():
    """Every document, by its name."""
    names = sorted(path.relative_to(ROOT) for path in ROOT.glob("**/*.md"))
    return {str(name): (ROOT / name).read_text(encoding="utf-8") for name in names if name.parts[0] not in OUTSIDE and not name.parts[0].startswith(".")}


def every_block(texts=None):
    return [block for page, text in (pages() if texts is None else texts).items() for block in blocks_of(page, text)]


def wrong_marks(texts):
    """What is wrong with marks, a line each: a block without one, one that no test takes, and fences that do not match."""
    for page, text in texts.items():
        found = list(blocks_of(page, text))
        if len(re.findall(r"^(?:[ >]|[-*+] |\d+\. )*(?:```|~~~)", text, re.M)) != 2 * len(found):
            yield f"{page}: a fence has no partner, another indent, other characters or a mark of Markdown before it"
        for block in found:
            if not block.mark:
                yield f"{block.name}: no comment on the line before the block says how it is tested: see tests/blocks.py"
            elif not block.row:
                yield f"{block.name}: no test takes the mark `{block.mark}` here: see tests/blocks.py"
            elif block.taker not in (README, RECIPES) and not any(f'"{word}"' in source(block.taker) for word in (block.mark, block.mark.split(": ")[-1])):
                yield f"{block.name}: {block.taker} has no \"{block.mark.split(': ')[-1]}\""


def source(taker):
    """The text of a test, or of all tests of a folder."""
    path = ROOT / taker
    return "".join(file.read_text(encoding="utf-8") for file in (sorted(path.glob("*.py")) if path.is_dir() else [path]))


def left_out(taker, names):
    """The blocks with a mark of this test, without those that it took; `names` begin with PAGE:LINE."""
    taken = {re.match(r"[^:]*:\d+", name)[0] for name in names if re.match(r"[^:]*:\d+", name)}
    return [block.name for block in every_block() if block.taker == taker and block.name not in taken]


# ---- the count ----

def table(texts):
    """The lines of the table: each document with blocks, and the sum."""
    rows = {}
    for block in every_block(texts):
        if block.row:
            rows.setdefault(block.page, dict.fromkeys(WAYS, 0))[block.way] += 1
    sums = {way: sum(row[way] for row in rows.values()) for way in WAYS}
    lines = [f"| document | {' | '.join(WAYS)} |", "|---|" + "---:|" * len(WAYS)]
    return lines + [f"| {name} | {' | '.join(str(row[way] or '') for way in WAYS)} |" for name, row in {**rows, "all": sums}.items()]


def with_table(text, texts):
    """The page of the count, brought up to date."""
    return re.sub(r"(<!-- blocks -->\n).*?(?=<!-- end -->)", lambda found: found[1] + "\n".join(table(texts)) + "\n", text, flags=re.S)


def checks():
    """(name, what is wrong or ""). The name has the count."""
    texts = pages()
    count = [line for line in table(texts) if line.startswith("| all |")][0]
    numbers = ", ".join(f"{number.strip() or 0} {way}" for number, way in zip(count.split("|")[2:-1], WAYS))
    yield f"each fenced block of the documents is taken by a test, or has a reason: {numbers}", "\n".join(wrong_marks(texts))
