# SPDX-License-Identifier: MIT
"""Writes popcl as four files: popcl.h and popcl.c have the core and the logins, popcl_tls.h and popcl_tls.c add TLS. A project adds two or
four files to its own, and the folder of BearSSL's headers. Ports are not in them: port/ has one for each system. For ports, include/ has the
other names of public headers, each with one line.

    amalgamate.py FOLDER       writes the files there

A file that has been put in is not put in again. A name that a source has for itself alone, and that another file names too, gets the name of
its source at its end: `step` of pin.c becomes `step_pin`. A macro of a source ends with the source. If any such name is left in two files,
nothing is written.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import sources  # noqa: E402
from names import COMMENTS  # noqa: E402

SEARCHED = ["include", "src/core", "src/auth", "src/tls"]
PARTS = {  # of a part: its public headers, in the order of their includes, and its lists in popcl.cmake
    "popcl": (["popcl_config", "popcl_errors", "popcl_seen", "popcl", "popcl_command", "popcl_auth", "popcl_fetch", "popcl_net"], ["CORE_SOURCES", "AUTH_SOURCES"]),
    "popcl_tls": (["popcl_tls", "popcl_blob", "popcl_tofu"], ["TLS_SOURCES"]),
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"[^\n]*\n', re.M)
SPDX = re.compile(r"\A/\* SPDX-License-Identifier: MIT \*/\n")
DIRECTIVES = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*$", re.M)
DEFINE = re.compile(r"^[ \t]*#[ \t]*(define|undef)[ \t]+(\w+)", re.M)
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|->|\S")
WORD = re.compile(r"[A-Za-z_]\w*\Z")
NOT_NAMES = set("""__attribute__ auto char const double enum extern float inline int long register restrict short signed sizeof static struct
    typedef union unsigned void volatile""".split())


# Inline functions of an inner header that this part has no use for.
QUIET = """
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunused-function"
#endif
"""


class Clash(Exception):
    """What cannot be put into one file."""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def groups(tokens):
    """The declarations of a file: lists of tokens at depth 0, in which a group in brackets is one list."""
    stack, found = [[]], []
    for token in tokens:
        if token in "([{":
            stack.append([token])
        elif token in ")]}":
            group = stack.pop()
            stack[-1].append(group)
        else:
            stack[-1].append(token)
        top = stack[0]
        if len(stack) == 1 and top and (top[-1] == ";" or is_body(top)):
            found.append(top)
            stack[0] = []
    return found


def opens(item, bracket):
    return isinstance(item, list) and item[0] == bracket


def is_body(declaration):
    return opens(declaration[-1], "{") and len(declaration) > 1 and opens(declaration[-2], "(")


def members_of_enum(group):
    """The enumerators in a group {A, B = 1}."""
    return {group[n] for n in range(1, len(group)) if group[n - 1] in ("{", ",") and isinstance(group[n], str) and WORD.match(group[n])}


def declarators(declaration):
    """The names that a declaration declares, beside tags and enumerators."""
    names, last, done = set(), None, False
    for n, item in enumerate(declaration):
        if item == ",":
            last, done = None, False
        elif done:
            continue
        elif isinstance(item, str) and WORD.match(item):
            last = None if item in NOT_NAMES or declaration[max(n - 1, 0)] in ("struct", "union", "enum") else item
        elif opens(item, "(") and declaration[n - 1] != "__attribute__":
            # a function, or (*name)(...): a pointer to one
            pointed = [word for word in item[1:] if isinstance(word, str) and WORD.match(word)]
            names.add(pointed[-1] if len(item) > 1 and item[1] == "*" else last)
            done = True
        elif item in ("=", ";") or opens(item, "["):
            names.add(last)
            done = True
    return names - {None}


def names_of(text):
    """What only this C file may see, without its macros: (tags, other names of file scope)."""
    tags, names = set(), set()
    for declaration in groups(TOKEN.findall(DIRECTIVES.sub(" ", COMMENTS.sub(" ", text)))):
        for n, item in enumerate(declaration[:-1]):
            group = next((next_ for next_ in declaration[n + 1:n + 3] if opens(next_, "{")), None)
            if item in ("struct", "union", "enum") and group:
                tags |= {word for word in declaration[n + 1:n + 2] if isinstance(word, str)}
                names |= members_of_enum(group) if item == "enum" else set()
        if declaration[0] == "typedef" or "static" in declaration:
            names |= declarators(declaration)
    return tags, names


# A tag after its keyword; another name where it is no member.
TAG, NAME = r"\b(?P<before>(?:struct|union|enum)\s+)(?P<word>%s)\b", r"(?<![\w.])(?<!->)(?P<before>)(?P<word>%s)\b"


def words_of(text):
    """(tags, other words) that occur in a C file, outside comments and literals."""
    text = COMMENTS.sub(" ", text)
    return tuple({match.group("word") for match in re.finditer(form % r"[A-Za-z_]\w*", text)} for form in (TAG, NAME))


def renamed(text, names, form, suffix):
    """The text with a suffix at these names, except in comments and literals."""
    if not names:
        return text
    word, parts, end = re.compile(form % "(?:%s)" % "|".join(sorted(names))), [], 0
    for match in re.finditer(rf"{COMMENTS.pattern}|{INCLUDE.pattern}|\Z", text, re.M | re.S):
        parts += [word.sub(rf"\g<before>\g<word>_{suffix}", text[end:match.start()]), match.group()]
        end = match.end()
    return "".join(parts)


def ended_macros(text):
    """#undef for each macro that the text leaves defined."""
    left = {}
    for what, name in DEFINE.findall(COMMENTS.sub(" ", text)):
        left[name] = what == "define"
    lines = [f"#undef {name}\n" for name, defined in left.items() if defined]
    return "".join(lines)


class Amalgam:
    """Text that files are put into, each with what it includes, and each once."""

    def __init__(self, included):
        self.text, self.done, self.included = "", set(included), set(included)
        self.files = []  # (path, text) in order

    def find(self, path, name):
        for folder in [os.path.dirname(path), *SEARCHED]:
            found = os.path.normpath(os.path.join(folder, name))
            if os.path.exists(os.path.join(ROOT, found)):
                return found
        return None  # not ours: a user's settings

    def put(self, path, text=None):
        if path in self.done:
            return
        self.done.add(path)
        text = SPDX.sub("", read(path) if text is None else text)

        def include(match):
            found = self.find(path, match.group(1))
            if found is None:
                return match.group()
            self.put(found)
            return ""

        # What a file includes comes before it, so that its own text stays in one piece.
        text = INCLUDE.sub(include, text)
        self.files.append((path, text))
        self.text += f"\n/* ---- {path} ---- */\n\n{text.strip()}\n"

    def put_source(self, path, text):
        self.put(path, text)
        self.text += ended_macros(text)


def head(name, version, what):
    licence = "".join(f" * {line}".rstrip() + "\n" for line in read("LICENSE").splitlines())
    return (f"/* SPDX-License-Identifier: MIT */\n/* {name} - {what} of popcl {version}, in one file. It is made of the files that it names:\n"
            f" * change those, and run make amalgamate.\n *\n{licence} */\n")


def shared(path, text, words):
    """What a source has for itself alone, and another file names too: (tags, other names)."""
    return [own & set().union(*(of[kind] for other, of in words.items() if other != path)) for kind, own in enumerate(names_of(text))]


def macros_hit(paths, texts):
    """Macros that a header put in later would see: a source includes after it defines."""
    for path in paths:
        text = COMMENTS.sub(lambda match: match.group() if match.group()[0] == '"' else " ", texts[path])
        defines, includes = DEFINE.search(text), [match.start() for match in INCLUDE.finditer(text)]
        if defines and includes and includes[-1] > defines.start():
            yield f"{path}: an include comes after a #define"


def make(part, before, version):
    """(text of the header, text of the source) of a part."""
    headers, lists = PARTS[part]
    header = Amalgam({f"include/{name}.h" for name in before})
    for name in headers:
        header.put(f"include/{name}.h")
    source = Amalgam({f"include/{name}.h" for name in before + headers})
    paths = [path for name in lists for path in sources.lists()[name]]
    inner = [os.path.relpath(path, ROOT) for folder in SEARCHED for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.h")))]
    texts = {path: read(path) for path in inner + paths}
    words = {path: words_of(text) for path, text in texts.items()}
    for path in paths:
        for form, names in zip((TAG, NAME), shared(path, texts[path], words)):
            texts[path] = renamed(texts[path], names, form, os.path.splitext(os.path.basename(path))[0])
        words[path] = words_of(texts[path])
    left = {path: set().union(*shared(path, texts[path], words)) for path in paths}
    wrong = list(macros_hit(paths, texts)) + [f"{path}: {' '.join(sorted(names))}" for path, names in left.items() if names]
    if wrong:
        raise Clash("\n".join(wrong))
    for path in paths:
        source.put_source(path, texts[path])
    needs = '#include "popcl.h"\n' if before else ""
    what = {"popcl": "core and logins", "popcl_tls": "TLS"}[part]
    guard = f"{part.upper()}_IN_ONE_FILE_H"
    return (f"{head(part + '.h', version, 'the interface: ' + what)}#ifndef {guard}\n#define {guard}\n{needs}{header.text}\n#endif\n",
            f'{head(part + ".c", version, what)}#include "{part}.h"\n{QUIET}{source.text}')


def main(argv):
    if len(argv) != 1:
        print("usage: amalgamate.py FOLDER", file=sys.stderr)
        return 64
    version = re.search(r'^#define POPCL_VERSION "(.*)"', read("include/popcl.h"), re.M).group(1)
    before, made = [], {}
    try:
        for part, (headers, _) in PARTS.items():
            made[part + ".h"], made[part + ".c"] = make(part, before, version)
            before = before + headers
    except Clash as clash:
        print(f"amalgamate.py: what cannot be in one file:\n{clash}", file=sys.stderr)
        return 1
    for part, (headers, _) in PARTS.items():
        for name in headers:
            if name != part:
                made[f"include/{name}.h"] = f'/* SPDX-License-Identifier: MIT */\n/* {name} is in {part}.h. */\n#include "../{part}.h"\n'
    os.makedirs(os.path.join(argv[0], "include"), exist_ok=True)
    for name, text in made.items():
        with open(os.path.join(argv[0], name), "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
