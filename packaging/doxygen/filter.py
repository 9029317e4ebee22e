# SPDX-License-Identifier: MIT
"""An input filter of Doxygen: prints a public header, or a document, with what Doxygen wants. The headers have plain comments; here those that
describe a declaration become comments of Doxygen.

    filter.py FILE

- A comment above a declaration is about it, and about each one that follows without a comment and without a blank line. In a struct it is about the
  next member alone; a member without a comment is described by that of the struct.
- A comment after code in its line is about that code, and after a macro also about the macros that follow.
- The first comment after the licence is about the file.
- What a comment calls private is left out, up to the end of its struct, or to the next title.
- Lines that are indented in a comment are code.
- Each row of POPCL_ERROR_TABLE is an enumerator with its sentences.
- In a document, links to other files are text.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"/\*(?P<text>.*?)\*/", re.S)
TITLE = re.compile(r"\s*----")
PRIVATE = re.compile(r"\s*(----\s*)?(From here (on|to [^:]*?) )?private\b", re.I)
NAME = r"\*?\w+(?:\[[^\]]*\])?"
SEVERAL = re.compile(rf"(?P<type> *(?:\w+ )+)(?P<names>{NAME}(?:, {NAME})+);$")
OPEN, CLOSE = "/** @cond PRIVATE */\n", "/** @endcond */\n"


def special(text):
    """Characters that Doxygen would take for commands, with their mark."""
    return re.sub(r"([\\@<>&#%\"])", r"\\\1", text)


def described(text):
    """The text of a comment, in Doxygen's form."""
    out, code = [], False
    for line in text.strip("\n").split("\n"):
        line = re.sub(r"^\s*\* ?", "", line) if out or re.match(r"\s*\* ", line) else line.lstrip()
        indented = bool(re.match(r" {4,}\S", line))
        if indented != code:
            out.append(" * @code{.unparsed}" if indented else " * @endcode")
            code = indented
        out.append(f" * {line[4:]}" if code else f" * {special(line.strip())}".rstrip())
    return "\n".join(out + [" * @endcode"] * code)


def trailing(text):
    return special(" ".join(re.sub(r"^\s*\*? ?", "", line).strip() for line in text.split("\n"))).strip()


def declares(line):
    """Whether a line begins something that can have a description."""
    return bool(re.match(r"\s*(#define \w|[A-Za-z_])", line)) and not re.match(r"\s*extern \"C\"|\s*#(?!define)|\s*(public|private):", line)


def strings(row):
    """The texts of a row, each of one literal or several."""
    return ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part)) for part in re.findall(r'((?:"(?:[^"\\]|\\.)*"\s*\\?\s*)+)', row)]


def errors(text):
    """popcl_err with its enumerators written out."""
    rows = re.findall(r"^    X\((\d+), (\w+), (\w+),(.*?)\)\s*\\?$", text, re.M | re.S)
    made = []
    for number, name, class_, rest in rows:
        what, cause, advice = strings(rest)
        made.append(f"    POPCL_{name} = {number}, /* {'. '.join(part for part in (what, cause and 'Likely cause: ' + cause, advice and 'What to try: ' + advice) if part)}."
                    f" POPCL_CLASS_{class_} */\n")
    made += re.findall(r"^ +POPCL_ERR_COUNT_\b[^\n]*\n", text.replace(" = 0 POPCL_ERROR_TABLE(X)", ""), re.M)
    text = re.sub(r"(typedef enum popcl_err \{\n).*?(?=\} popcl_err;)", lambda found: found[1] + "".join(made), text, flags=re.S)
    return re.sub(r"^#define POPCL_ERROR_TABLE\(X\)[^\n]*\n(?:[^\n]*\\\n)*[^\n]*\n", "/* The rows of all results, for a macro of yours: X(NUMBER, NAME, CLASS, what, cause, advice). */\n"
                  "#define POPCL_ERROR_TABLE(X) X(...)\n", text, flags=re.M)


class Header:
    """Goes through a header, and keeps what it has printed so far."""

    def __init__(self, name, text):
        self.out, self.name = [], name
        self.about = ""  # the comment that the next declaration takes
        self.hidden = ""  # inside of what is private: what ends it
        self.seen_file = False
        self.struct, self.enum = "", False  # the struct or enum that is open
        self.depth, self.continues = 0, False  # of parentheses; whether the last line of code did not end there
        self.lines = re.sub(rf"^( *(?:\w+ )+{NAME}(?:, {NAME})*),\n +(?={NAME}[,;])", r"\1, ", text, flags=re.M).split("\n")
        self.all_private = False  # the title of this part calls the members private

    def convert(self):
        at = 0
        while at < len(self.lines):
            at = self.take(at)
        return "\n".join(self.out) + "\n"

    def take(self, at):
        """One line, with the comment that begins in it. Returns the number of the next one."""
        line = self.lines[at]
        if self.hidden and re.match(self.hidden, line):
            self.out.append(CLOSE.strip())
            self.hidden = ""
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: "_" * len(found[0]), line)
        begin = bare.find("/*")
        if begin < 0 or line.endswith("\\"):
            return self.code(at, line)
        end = at
        while "*/" not in (self.lines[end][begin + 2:] if end == at else self.lines[end]):
            end += 1
        whole = "\n".join(self.lines[at:end + 1])
        before, text = whole[:begin], COMMENT.match(whole, begin)["text"]
        rest = whole[COMMENT.match(whole, begin).end():]
        if before.strip():
            self.declaration(before.rstrip() + rest, trailing(text))
            return end + 1
        self.block(text, self.lines[end + 1] if end + 1 < len(self.lines) else "", before)
        return end + 1

    def block(self, text, following, indent):
        if "SPDX" in text:
            return
        if not self.seen_file:
            self.seen_file = True
            self.out.append(f"/** @file {self.name}\n" + described(re.sub(r"^\s*[\w.]+ - ", "", text)) + "\n */")
        elif PRIVATE.match(text) and not self.hidden:
            self.out.append(OPEN.strip())
            self.hidden = r"\}" if indent else r"/\* ----|#ifdef __cplusplus|#endif$"
        elif TITLE.match(text) or not following.strip():
            self.about = ""
            self.all_private = "members are private" in " ".join(text.split())
        else:
            before_it = self.about.removesuffix("\n */") + "\n *\n" if self.about.endswith("\n */") and not self.used else "/**\n"
            self.about = before_it + described(text) + "\n */"

    def code(self, at, line):
        while line.endswith("\\"):  # a macro of several lines: its comment is at the end
            at += 1
            line += "\n" + self.lines[at]
        if not line.strip():
            self.about = ""
            self.out.append(line)
            return at + 1
        if re.search(r"^#define popcl_\w+ +POPCL_ABI\(", line):  # for the linker: not a name for readers
            return at + 1
        own = COMMENT.search(line) if "\n" in line else None
        if own:
            self.about = "/**\n" + described(own["text"].replace("\\\n", "\n").strip()) + "\n */"
            line = COMMENT.sub("", line)
        self.declaration(line)
        return at + 1

    def declaration(self, line, own=""):
        """A line of code, and the comment of its own. Each of several names has the comment: Doxygen would give it to one alone."""
        names = SEVERAL.match(line)
        about = self.about
        for name in re.findall(NAME, names["names"]) if names else [""]:
            self.about = about if names and not self.used else self.about
            self.one(f"{names['type']}{name};" if names else line, own)

    def one(self, line, own):
        """Only the first line of a declaration takes what was before it."""
        if declares(line) and self.depth == 0 and not self.hidden and not self.continues:
            about = self.about
            if not own and not about and self.struct and not re.match(r"\s*typedef", line):
                about = f"/** See {self.struct}. */"
            if about and not (own and self.used):
                self.out.append(about)
            self.used = True
            if self.struct and not self.enum:
                self.about = ""
            if own and line.startswith("#define"):
                self.about = f"/** {own} */"
        self.out.append(line + (f" /**< {own} */" if own else ""))
        code = re.sub(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/', "", line, flags=re.S)
        self.depth += code.count("(") - code.count(")")
        self.continues = not re.search(r"[;{},:]\s*$", code) if not re.match(r"\s*#", code) else False
        opened = re.match(r"typedef (struct|enum) (\w+) \{$|(class) (\w+) \{$", line)
        if opened:
            self.struct, self.enum = opened[2] or opened[4], opened[1] == "enum"
            if self.all_private or re.search(r"[Pp]rivate except", self.about):
                self.out.append(OPEN.strip())
                self.hidden = r"\}"
            self.about = ""
        elif line.startswith("}"):
            self.out[-1] = re.sub(", .*;", ";", line)  # Doxygen knows one name of a struct
            for name in re.findall(r", (\w+)", line):
                self.out += [f"/** The same as {re.match('} *(.*?)[,;]', line)[1]}. */", f"typedef struct {self.struct} {name};"]
            self.struct, self.about = "", ""

    @property
    def about(self):
        return self._about

    @about.setter
    def about(self, text):
        self._about, self.used = text, False


def document(text):
    """Links to pages that Doxygen does not have become text; its own marks of GitHub are left out."""
    text = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)
    return re.sub(r"^<!-- .* -->\n", "", text, flags=re.M)


def main(name):
    path = pathlib.Path(name)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        sys.stdout.write(document(text))
        return
    sys.stdout.write(Header(path.name, errors(text) if path.name == "popcl_errors.h" else text).convert())


if __name__ == "__main__":
    main(sys.argv[1])
