#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the manual pages (docs/man) against the programs and the headers. Each option of --help is in the page of its program, with the same
letter and the same words, and the reverse. Each public function is in popcl(3) or popcl_posix(3), and the reverse. `mandoc -Tlint` finds nothing.

B names the folder of the build (default: build). Without mandoc its part is left out, and named. Prints TAP.
"""
import os
import pathlib
import re
import shutil
import subprocess

from results import Results

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/man"
BUILD = ROOT / os.environ.get("B", "build")
HEADERS = {"popcl.3": ["include"], "popcl_posix.3": ["port/posix", "src/host"]}


def options_of_help(program, word):
    """{long name: letter or ""}"""
    text = subprocess.run([BUILD / program, word], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  (?:-(\w), |    )--([\w-]+)", text, re.M)
    return {name: letter for letter, name in rows}


def options_of_page(page):
    rows = re.findall(r"^\.It (?:Fl (\w) , )?Fl -([\w-]+)", (PAGES / page).read_text(), re.M)
    return {name: letter for letter, name in rows}


def differences(first, second, here, there):
    out = [f"{here} has {one}, {there} does not" for one in sorted(set(first) - set(second))]
    out += [f"{there} has {one}, {here} does not" for one in sorted(set(second) - set(first))]
    return out


def judge_options(program, word):
    helped, paged = options_of_help(program, word), options_of_page(f"{program}.1")
    out = differences(helped, paged, f"{program} {word}", f"docs/man/{program}.1")
    out += [f"--{name}: the letters are {helped[name]!r} and {paged[name]!r}" for name in helped if paged.get(name, helped[name]) != helped[name]]
    return out if helped else [f"{program} {word} shows no option"]


SECTIONS = {"see how the login works": "see login", "see trusted authorities": "see trust"}  # titles of --help=all, and of popcl(1)


def only_words(text):
    """A description without its layout: words in lower case, no marks of a sentence."""
    for escape, mark in (("\\(lq", ""), ("\\(rq", ""), ("\\(aq", "'"), ("\\(ti", "~"), ("\\(ha", "^"), ("\\&", ""), ("\\", ""), ("`", "")):
        text = text.replace(escape, mark)
    text = re.sub(r"[.,;:]+(?=\s|$)", "", " ".join(text.split())).lower()
    for of_help, of_page in SECTIONS.items():
        text = text.replace(of_help, of_page)
    return text


def descriptions_of_help(program, word):
    """{long name: words}"""
    text = subprocess.run([BUILD / program, word], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^(?=  (?:-\w, |    )--([\w-]+))(?:.{25} |.*\n {26})(\S.*\n(?: {26}.*\n)*)", text.partition("\nExamples")[0], re.M)
    return {name: only_words(words) for name, words in rows}


def descriptions_of_page(page):
    rows = re.findall(r"^\.It (?:Fl \w , )?Fl -([\w-]+).*\n((?:[^.].*\n)*)", (PAGES / page).read_text(), re.M)
    return {name: only_words(words) for name, words in rows}


def judge_descriptions(program, word):
    helped, paged = descriptions_of_help(program, word), descriptions_of_page(f"{program}.1")
    return [f"--{name}: {program} {word} and docs/man/{program}.1 differ:\n{words}\n{paged.get(name)}"
            for name, words in helped.items() if paged.get(name) != words]


def functions_of_headers(folders):
    text = "".join(header.read_text() for folder in folders for header in sorted((ROOT / folder).glob("popcl*.h")))
    text = re.sub(r"^#.*$", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S), flags=re.M)
    return re.findall(r"^[A-Za-z_][\w \*]*?\**(popcl_\w+)\([^;{]*\)\s*;", text, re.M)


def judge_functions(page):
    named = re.findall(r"^\.It Fn (\w+)", (PAGES / page).read_text(), re.M)
    return differences(functions_of_headers(HEADERS[page]), named, "a public header", f"docs/man/{page}")


def lint(page):
    done = subprocess.run(["mandoc", "-Tlint", PAGES / page], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        ours = re.search(r"referenced manual not found: Xr (\S+) (\d)", line)  # it is looked for on this machine
        if not ours or not (PAGES / f"{ours[1]}.{ours[2]}").exists():
            yield line.replace(str(ROOT) + "/", "")


def main():
    results = Results()
    for program, word in (("popcl", "--help=all"), ("popcl-ta", "--help")):
        results.add(f"{program}(1) has the options of {program} {word}", "\n".join(judge_options(program, word)))
        results.add(f"{program}(1) describes them as {program} {word} does", "\n".join(judge_descriptions(program, word)))
    for page in HEADERS:
        results.add(f"{page} has the public functions", "\n".join(judge_functions(page)))
    for page in sorted(path.name for path in PAGES.iterdir()):
        if shutil.which("mandoc"):
            results.add(f"mandoc takes {page}", "\n".join(lint(page)))
        else:
            results.add(f"mandoc takes {page}", skip="mandoc is not installed")
    return results.end()


if __name__ == "__main__":
    raise SystemExit(main())
