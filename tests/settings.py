# SPDX-License-Identifier: MIT
"""Builds the clear-text library, and programs against it, with settings of popcl_config.h in each of the places that a user has for them. A value at
an end of its range compiles, and the next one beyond does not.

CC, POPCL_CPPFLAGS and BEARSSL_LIBS are those of make. Prints TAP.
"""
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPILE = [*shlex.split(os.environ.get("CC", "gcc")), "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
           *["-I" + os.path.join(ROOT, word[2:]) if word.startswith("-I") else word
             for word in shlex.split(os.environ.get("POPCL_CPPFLAGS", "-Iinclude"))]]
LIBS = [os.path.join(ROOT, word) if word.endswith(".a") and not word.startswith("-") else word
        for word in shlex.split(os.environ.get("BEARSSL_LIBS", "-lbearssl"))]
KEEP = 120  # another length of text than the default, and longer than a UID: it changes sizeof(popcl_reply)
OTHER, DEFAULT = 121, 70
HEADER = f"#define POPCL_TEXT_KEEP {KEEP}\n"

# What the library's compiler made of the settings, as an object of the library.
INSIDE = """#include "popcl.h"
extern const size_t reply_octets;
const size_t reply_octets = sizeof(popcl_reply);
"""
PROGRAM = """#include "popcl_command.h"
#include "popcl_fetch.h"
extern const size_t reply_octets;
int main(void) {
    static const popcl_fetch_config nothing;
    static popcl_fetch job;
    static popcl session;
    if (popcl_start(&session, NULL, NULL, NULL, 0) != POPCL_ERR_ARGUMENT) return 2;
    popcl_err e = popcl_fetch_start(&job, &nothing, 0);
    return e == POPCL_ERR_ARGUMENT && POPCL_TEXT_KEEP == WANTED && sizeof(popcl_reply) == reply_octets ? 0 : 1;
}
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def must(folder, command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"settings: {' '.join(command)}\n{done.stderr}")


class Library:
    """The core and the logins, compiled with some settings."""

    def __init__(self, folder, settings):
        self.folder = folder
        sources = [os.path.join(ROOT, path) for path in glob.glob("src/core/*.c") + glob.glob("src/auth/*.c")]
        sources.append(write(os.path.join(folder, "inside.c"), INSIDE))
        must(folder, [*COMPILE, *settings, "-c", *sources])
        must(folder, ["ar", "qcs", "libpopcl.a", *[os.path.basename(path)[:-2] + ".o" for path in sources]])

    def link(self, settings):
        """Why a program with these settings does not link, or does not work, with this library; "" if it does."""
        write(os.path.join(self.folder, "program.c"), PROGRAM)
        command = [*COMPILE, *settings, f"-DWANTED={KEEP}", "program.c", "libpopcl.a", *LIBS, "-o", "program"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            return done.stderr
        status = subprocess.run([os.path.join(self.folder, "program")]).returncode
        return f"exit status {status}" if status else ""


def not_linked(said, keep):
    """Why a linker's message is not that the functions with this POPCL_TEXT_KEEP are missing; "" if it is."""
    missing = [f"{name}_text{keep}" for name in ("popcl_start", "popcl_fetch_start")]
    return "" if all(re.search(rf"undefined .*\b{name}\b", said) for name in missing) else f"no word of {' and '.join(missing)}: {said or 'it links'}"


def compiled(settings, *sources):
    """What the compiler prints about these sources with these settings, as {NAME: value}; "" if they compile."""
    done = subprocess.run([*COMPILE, "-fsyntax-only", *[f"-D{name}={value}" for name, value in settings.items()], *sources], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr or f"exit status {done.returncode}"


def ranges():
    """The settings of popcl_config.h that are numbers, each with its range, (least, most) or None: as the text of its #error has it."""
    header = open("include/popcl_config.h", encoding="utf-8").read()
    defaults = {name: int(value) for name, value in re.findall(r"^#define (POPCL_\w+) +(\d+)$", header, re.M)}
    texts = dict(re.findall(r'#error "(POPCL_\w+) is (.*)"', header))

    def number(text):
        return defaults[text] if text in defaults else eval(text.replace("^", "**"), {"__builtins__": {}})
    return {name: tuple(map(number, texts[name].split(" to "))) if name in texts else None
            for name in defaults if not name.startswith("POPCL_WITH_")}


def range_results():
    """(what must hold, why it does not or "") for the ranges of settings."""
    found = ranges()
    for name, both in found.items():
        wrong = [] if both else ["popcl_config.h has no range for it"]
        for value, fits in zip(both and (both[0], both[1], both[0] - 1, both[1] + 1) or (), (True, True, False, False)):
            said = compiled({name: value}, "src/core/text.c")
            if fits and said:
                wrong.append(f"{value}: {said}")
            elif not fits and f"{name} is " not in said:
                wrong.append(f"{value}: {said or 'it compiles'}")
        yield f"{name} has a range, whose ends compile and no value beyond them", "\n".join(wrong)
    sources = glob.glob("src/core/*.c") + glob.glob("src/auth/*.c")
    for end, what in enumerate(("least", "largest")):
        yield f"the core compiles with the {what} value of each setting", compiled({name: both[end] for name, both in found.items() if both}, *sources)


def results(folder):
    """(what must hold, why it does not or "")."""
    yield from range_results()
    for name in ("named/board.h", "found/popcl_user_config.h", "both/board.h"):
        write(os.path.join(folder, name), HEADER)
    write(os.path.join(folder, "both/popcl_user_config.h"), '#error "POPCL_USER_CONFIG names another"\n')
    named = ['-DPOPCL_USER_CONFIG="board.h"', f"-I{folder}/named"]
    found, both = [f"-I{folder}/found"], [named[0], f"-I{folder}/both"]
    for header, settings in (("that POPCL_USER_CONFIG names", named), ("of the include path", found)):
        library = Library(tempfile.mkdtemp(dir=folder), settings)
        yield f"a header {header}: library and program", library.link(settings)
        yield f"a header {header}, and -D for the program", library.link([f"-DPOPCL_TEXT_KEEP={KEEP}"])
        yield f"a header {header}: POPCL_USER_CONFIG comes before popcl_user_config.h", library.link(both)
        yield f"a header {header}: the program has another value, and does not link", not_linked(library.link([f"-DPOPCL_TEXT_KEEP={OTHER}"]), OTHER)
        yield f"a header {header}: the program has the default, and does not link", not_linked(library.link([]), DEFAULT)


def main():
    os.chdir(ROOT)
    all_of = Results()
    with tempfile.TemporaryDirectory(prefix="popcl-settings-") as folder:
        all_of.add_all(results(folder))
    return all_of.end()


if __name__ == "__main__":
    sys.exit(main())
