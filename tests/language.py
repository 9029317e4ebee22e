#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what makes the text hard to read: sentences over 25 words, words that have a plainer one, lines over 100 columns. It looks at the
comments of public headers, at the texts of options (--help, and errors of the command line), and at the documents. The comments of the other sources
are counted together, a figure for each folder. Each file and each folder has a limit in LIMITS, which falls as the text gets better and never rises;
one without a limit may have none of either.

usage: language.py           prints the counts of each file and folder; fails if one has more than its limit
       language.py FILE...   prints each such place of these files
Prints TAP.
"""
import pathlib
import re
import sys

from results import Results

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ["include/*.h", "port/*/popcl_*.h", "src/host/popcl_*.h"]
HELP = ["src/tools/*/option*.c"]
DOCS = ["README.md", "ROADMAP.md", "SECURITY.md", "docs/*.md", "examples/firmware/README.md"]
CODE = ["include/*.h", "src/**/*.[ch]", "port/**/*.[ch]", "examples/**/*.[ch]", "tests/**/*.[ch]"]
FOLDERS = ["src/core", "src/auth", "src/tls", "src/host", "src/tools", "port", "examples"]
SOURCES = ["**/*.[ch]", "**/*.inc"]
MOST_WORDS, MOST_COLUMNS = 25, 100

# file or folder: (long sentences, words)
LIMITS = {
    "docs/ERRORS.md": (0, 2),
}

# A pattern, and the word to use. `^` is the begin of a sentence, or of a part of one after a colon or semicolon.
WORDS = [(re.compile(pattern, re.I), better) for pattern, better in [
    (r"\bbehind\b", "after"),
    (r"\b(stands?|stood)\b", "is"),
    (r"\b(lies|lie|lay) (in|on|at|there|between|below|above|within|beside)\b", "is"),
    (r"\bbut for\b", "except"),
    (r"\b(whoever|theirs)\b", "the caller, the program, a reader"),
    (r"\b(he|him|his)\b", "the person's part, or they"),
    (r"^(who|what|whose)\b(?!.*\?$)", "a noun"),
    (r"(^|, )where\b(?!.*\?$)", "if"),
    (r"(?<!server )\b(tells?|told|says|said)\b", "returns, reports, prints"),
    (r"\b(is|are) none\b", "there is no"),
    (r"\bmay not\b", "must not, cannot, perhaps does not"),
    (r"\b(an? end in order|ends? in order)\b", "orderly shutdown"),
    (r"\bfor people\b", "human-readable"),
    (r"\boctets? of (the )?(plan|storage|memory|ram|flash|stack|heap|record buffer)\b", "bytes"),
]]


def comments(text):
    """The comments of C, each as one text. Lines indented after their star are examples and tables. A literal is passed over."""
    for block in re.findall(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'|/\*(.*?)\*/""", text, re.S):
        lines = [line for line in block.split("\n") if not re.match(r"\s*\* {4,}\S", line)]
        yield from paragraphs("\n".join(re.sub(r"^\s*\* ?", "", line).strip() for line in lines))


def strings(text):
    """The string literals of C that are text. Lines that begin with two spaces are tables and examples; a word alone is a title."""
    text = re.sub(r"/\*.*?\*/|^#.*?$", " ", text, flags=re.S | re.M)
    for literals in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', text):
        joined = re.sub(r'"\s*"', "", literals)[1:-1].replace("\\n", "\n").replace("\\", "")
        lines = [line for line in joined.split("\n") if not re.match(r"  |\w+$|[A-Z][a-z]+ \w+$", line)]
        yield from paragraphs("\n".join(lines))


def prose(text):
    """The paragraphs, list items and table cells of Markdown."""
    text = re.sub(r"^```.*?^```|^#.*?$|<!--.*?-->|^\|[-:| ]+\|$", "\n\n", text, flags=re.S | re.M)
    text = re.sub(r"^\|(.*)\|$", lambda row: "\n\n" + row[1].replace(" | ", "\n\n") + "\n\n", text, flags=re.M)
    yield from paragraphs(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))


def paragraphs(text):
    return [" ".join(one.split()) for one in re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.) ", "\n" + text) if " " in one.strip()]


def sentences(text):
    """The sentences of a paragraph. A reference in brackets is not counted, and code is one word."""
    text = re.sub(r" ?\((?:RFC|docs/)[^)]*\)", "", re.sub(r"`[^`]*`", "CODE", text))
    return re.split(r"(?<=[.!?])[\"')*]*\s+", text)


def problems(path, read):
    """The file's long sentences, and its words, each as text."""
    text = path.read_text()
    long, words = [], []
    for paragraph in read(text):
        for sentence in sentences(paragraph):
            if sum(bool(re.search(r"\w", word)) for word in sentence.split()) > MOST_WORDS:
                long.append(f"over {MOST_WORDS} words: {sentence}")
            for part in re.split(r"(?<=[;:]) ", sentence):
                words += [f"{found[0].strip(', ')}: better {better}: {part}" for pattern, better in WORDS for found in pattern.finditer(part)]
    return long, words


def files(patterns):
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def sources():
    """The places to count, as (name, files, the reader of their text). A public header is not counted again with its folder."""
    for patterns, read in [(HEADERS, comments), (HELP, strings), (DOCS, prose)]:
        yield from ((str(path.relative_to(ROOT)), [path], read) for path in files(patterns))
    for folder in FOLDERS:
        yield f"comments of {folder}", [path for path in files(f"{folder}/{one}" for one in SOURCES) if path not in files(HEADERS)], comments


def checks():
    """Each file and folder with its counts, as (name, what is wrong or "")."""
    for name, paths, read in sources():
        found = [[f"{path.relative_to(ROOT)}: {line}" for path in paths for line in problems(path, read)[kind]] for kind in (0, 1)]
        counts = tuple(len(one) for one in found)
        limits = LIMITS.get(name.removeprefix("comments of "), (0, 0))
        wrong = [line for one, limit in zip(found, limits) if len(one) > limit for line in one]
        yield f"language of {name}: {counts[0]} long sentences, {counts[1]} words; limits {limits[0]}, {limits[1]}", "\n".join(wrong)
    wide = [f"{path.relative_to(ROOT)}:{at}: over {MOST_COLUMNS} columns" for path in files(CODE)
            for at, line in enumerate(path.read_text().splitlines(), 1) if len(line) > MOST_COLUMNS]
    yield f"no line of C has over {MOST_COLUMNS} columns", "\n".join(wide)


def main(argv):
    if argv:
        for path in (pathlib.Path(name).resolve() for name in argv):
            readers = [prose] if path.suffix == ".md" else [comments] + [strings] * (path in files(HELP))
            for one in (line for read in readers for kind in problems(path, read) for line in kind):
                print(one)
        return 0
    results = Results()
    results.add_all(checks())
    return results.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
