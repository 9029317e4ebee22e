# SPDX-License-Identifier: MIT
"""Reads packaging/project.mk and the version, and fills templates with them. Knows no system that demands them.

    project.py NAME             prints one value, such as URL or VERSION
    project.py fill IN [OUT]    IN with each @NAME@ replaced; a name without a value is an error
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def values():
    """{"URL": "https://...", "VERSION": "0.1.0", ...}"""
    found = dict(re.findall(r"^(\w+) := (.*)$", (ROOT / "packaging/project.mk").read_text(), re.M))
    found["VERSION"] = re.search(r'^#define POPCL_VERSION "([^"]+)"', (ROOT / "include/popcl.h").read_text(), re.M)[1]
    return found


def fill(text, more=None):
    """The text with @NAME@ replaced. `more` has values beside those of project.mk."""
    known = {**values(), **(more or {})}
    unknown = sorted(set(re.findall(r"@([A-Z][A-Z0-9_]*)@", text)) - set(known))
    if unknown:
        raise SystemExit(f"project.py: no value for {', '.join(unknown)}: packaging/project.mk has {', '.join(known)}")
    return re.sub(r"@([A-Z][A-Z0-9_]*)@", lambda found: known[found[1]], text)


def copies():
    """(file, value) of each other file of the project that has an address or URL of its own: a template must have @NAME@."""
    wanted = {re.sub(r"^\w+://", "", value) for value in values().values() if "://" in value or "@" in value}
    unset = {"example.invalid"}  # also if it is no value any more: then nobody may have it
    for folder in (".", "docs", "include", "src", "port", "examples", "packaging", "zephyr"):
        paths = (ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*")
        for path in sorted(path for path in paths if path.is_file() and path.name not in ("project.mk", "project.py") and "__pycache__" not in path.parts):
            text = path.read_text(errors="replace")
            for one in sorted(one for one in wanted | unset if re.search(rf"(://|@|mailto:|\b){re.escape(one)}\b", text)):
                yield str(path.relative_to(ROOT)), one


def main(words):
    if len(words) == 1 and words[0] in values():
        print(values()[words[0]])
    elif len(words) in (2, 3) and words[0] == "fill":
        text = fill(pathlib.Path(words[1]).read_text())
        pathlib.Path(words[2]).write_text(text) if words[2:] else print(text, end="")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
