# SPDX-License-Identifier: MIT
"""What `make amalgamate` writes: it compiles for this machine and for a Cortex-M, is as large as the library, and the tests pass on it.

The tests are built once more, with these four files in place of the library and of its headers. Each name says whether a test includes public
headers alone. One that includes a source of popcl cannot be linked, and is skipped. The port suite and the examples run on it too.
"""
import fcntl
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("packaging", "tests/size", "tests")]
import amalgamate  # noqa: E402
import size  # noqa: E402
from consumer import HANGS, shown  # noqa: E402
from cores import M0, M3, OPTIMIZED, RV32  # noqa: E402

B = os.path.relpath(os.environ.get("B", ROOT / "build"), ROOT)
MADE, BUILT = f"{B}/amalgamation", f"{B}/adoption/amalgamation"
FILES = ["popcl.c", "popcl_tls.c"]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-Os", "-ffunction-sections", "-fdata-sections"]
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "Cortex-M3": M3.gcc("-ffreestanding"),
    "Cortex-M0+": M0.gcc("-ffreestanding"),
    "Cortex-M0+ without APOP and UTF8": M0.gcc("-ffreestanding", "-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0"),
    "RV32": RV32.gcc("-ffreestanding"),
}
APART = 64  # bytes by which an image over the four files may be larger than one over the library: order and alignment
SAMPLE = """/* static int in_a_comment; */
#define A_MACRO 1
static const char *const one = "static int in_a_string", two[] = {'{'};
enum first { ALPHA = 1, BETA };
typedef struct second { int member; } third;
static int (*pointer)(int argument) = NULL;
__attribute__((noinline)) static third function(int argument) { int inside = argument; return (third){inside}; }
static struct { int other; } rows[] = {{1}};
int outer(enum first f) { return f; }
"""


INNER = ("src/core/", "src/auth/", "src/tls/", "src/host/", "src/tools/common/", "src/tools/popcl/")
PLACES = ("tests/unit", "tests/sim", "tests/transcripts", "examples/firmware", *INNER)


def run(command, **more):
    """All output of a command that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=HANGS, cwd=ROOT, **more)
    if done.returncode:
        lines = done.stdout.splitlines()
        raise AssertionError("\n".join([f"{' '.join(map(str, command[:6]))} ended with {done.returncode}", *lines[-30:]]))
    return done.stdout


def knows(path, seen):
    """Headers of src that are not public, and sources of it, that a test includes, or a helper of it, or a header."""
    if path in seen:
        return set()
    seen.add(path)
    found = set()
    for name in re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', (ROOT / path).read_text(encoding="utf-8"), re.M):
        places = [os.path.normpath(os.path.join(folder, name)) for folder in (os.path.dirname(path), *PLACES)]
        place = next((place for place in places if (ROOT / place).exists()), None)
        if place and place.startswith("src/"):
            if os.path.basename(place).startswith("popcl_posix"):
                continue  # public
            found.add(place)
        elif place:
            found |= knows(place, seen)
            helper = os.path.splitext(place)[0] + ".c"
            found |= knows(helper, seen) if (ROOT / helper).exists() else set()
    return found


def make(*goals):
    others = [os.path.relpath(path, ROOT) for folder in ("port/posix", "src/host") for path in sorted(glob.glob(f"{ROOT}/{folder}/*.c"))]
    includes = [f"-I{folder}" for folder in (MADE, f"{MADE}/include", "port/posix", "port/mbedtls", "port/quectel", "src/host", "src/tools/common")]
    variables = {
        "B": BUILT,
        "LIB_SRC": " ".join([*(f"{MADE}/{name}" for name in FILES), *others]),
        "POPCL_CPPFLAGS": " ".join(["-D_FILE_OFFSET_BITS=64", *includes, *size.bearssl_include()]),
        "CFLAGS": "-O2",
    }
    return run(["make", "--no-print-directory", f"-j{os.cpu_count()}", *(f"{name}={value}" for name, value in variables.items()), *goals])


class Case(unittest.TestCase):
    """The four files are there; classes run at the same time, and only one makes them."""

    goals = []

    @classmethod
    def setUpClass(cls):
        folder = ROOT / BUILT
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run(["make", "--no-print-directory", "amalgamate", f"B={B}"])
            if cls.goals:
                make(*cls.goals)


class Files(Case):
    """The script, and what it writes."""

    def test_names_of_a_source(self):
        self.assertEqual(amalgamate.names_of(SAMPLE),
                         ({"first", "second"}, {"one", "two", "ALPHA", "BETA", "third", "pointer", "function", "rows"}))

    def test_a_name_gets_a_suffix_outside_comments_and_literals(self):
        made = amalgamate.renamed(SAMPLE + "/* one */ char s[] = \"function\", t = x.one + p->one + one;\n", {"one", "function"}, amalgamate.NAME, "x")
        self.assertEqual(re.findall(r"\w*_x\b", made), ["one_x", "function_x", "one_x"])

    def test_a_tag_gets_a_suffix_after_its_keyword(self):
        made = amalgamate.renamed("enum state { A } s; int n = offsetof(struct t, state);", {"state"}, amalgamate.TAG, "x")
        self.assertEqual(made, "enum state_x { A } s; int n = offsetof(struct t, state);")

    def test_a_macro_before_an_include_is_an_error(self):
        self.assertTrue(list(amalgamate.macros_hit(["a.c"], {"a.c": '#define N 1\n#include "b.h"\n'})))

    def test_a_name_of_two_files_is_found(self):
        texts = {"a.c": "static int line;", "b.c": "void f(int line) { (void)line; }", "c.c": "int g(x *p) { return p->line; }"}
        words = {path: amalgamate.words_of(text) for path, text in texts.items()}
        self.assertEqual(amalgamate.shared("a.c", texts["a.c"], words), [set(), {"line"}])
        del words["b.c"]
        self.assertEqual(amalgamate.shared("a.c", texts["a.c"], words), [set(), set()])

    def test_each_compiles_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            for title, command in COMPILERS.items():
                for name in FILES:
                    with self.subTest(compiler=title, file=name):
                        run([*command, *STRICT, *size.bearssl_include(), "-c", f"{MADE}/{name}", "-o", f"{folder}/one.o"])

    def test_the_headers_are_cpp(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "cpp.cc")
            source.write_text('#include "popcl_tls.h"\n#include "popcl.h"\n#include "popcl_tls.h"\n')
            for standard in ("c++98", "c++20"):
                run(["g++", f"-std={standard}", "-Wall", "-Wextra", "-Werror", f"-I{MADE}", *size.bearssl_include(), "-c", source, "-o", f"{folder}/cpp.o"])

    def test_the_way_in(self):
        """What docs/ADOPTION.md shows."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(ROOT / MADE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.o"))
            shutil.copytree(ROOT / "port", pathlib.Path(folder, "port"))
            shutil.copy(ROOT / "examples/minimal.c", pathlib.Path(folder, "app.c"))
            subprocess.run(["sh", "-ec", shown("one file")], cwd=folder, check=True)
            done = subprocess.run(["./app"], cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr[:14]), (64, "usage: minimal"))

    def test_the_licence_is_in_each(self):
        licence = (ROOT / "LICENSE").read_text().split()
        for path in (ROOT / MADE).glob("popcl*.[ch]"):
            words = [word for word in path.read_text()[:2500].split() if word != "*"]
            self.assertIn(" ".join(licence), " ".join(words), path)

    def test_the_image_is_as_large_as_with_the_library(self):
        """For a Cortex-M3, without BearSSL and the C library: both have the same of these."""
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(ROOT)
            library = image_size(size.sources(), ["-Iinclude"], f"{folder}/library")
            one = image_size([f"{MADE}/{name}" for name in FILES], [f"-I{MADE}", f"-I{MADE}/include"], f"{folder}/one")
        self.assertGreater(one, 10_000)
        self.assertLessEqual(one, library + APART)


def image_size(sources, includes, folder):
    """Bytes of an image of the program tests/size/fetch.c over these sources."""
    os.makedirs(folder)
    objects = []
    for source in [*sources, "tests/size/fetch.c"]:
        objects.append(f"{folder}/{source.replace('/', '_')[:-2]}.o")
        run([*M3.gcc("-ffreestanding"), "-std=c99", "-w", *OPTIMIZED, *includes, *size.bearssl_include(), "-c", source, "-o", objects[-1]])
    run([M3.compiler, *M3.flags, "-nostdlib", "-Wl,--gc-sections,--unresolved-symbols=ignore-all,-e,main", *objects, "-o", f"{folder}/image"])
    return sum(map(int, M3.tool("size", f"{folder}/image").splitlines()[1].split()[:3]))


class Symbols(Case):
    goals = [f"{BUILT}/libpopcl.a"]

    def test_they_are_those_of_the_library(self):
        """No function and no table is lost."""
        with tempfile.TemporaryDirectory() as folder:
            run(["make", "--no-print-directory", f"B={folder}", "CFLAGS=-O0", f"-j{os.cpu_count()}", f"{folder}/libpopcl.a"])
            self.assertEqual(symbols(f"{BUILT}/libpopcl.a"), symbols(f"{folder}/libpopcl.a"))


def symbols(archive):
    found = set(re.findall(r"^\S+ [A-Z] (\S+)$", run(["nm", "-g", "--defined-only", archive]), re.M))
    assert len(found) > 100, archive
    return found


def add_tests(case, sources, command):
    """A test for each program."""
    for source in sources:
        inner = knows(source, set())
        words = command(source)

        def test(self, words=words):
            text = run(words, env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
            self.assertRegex(text, r"(?m)^ok\b")
            self.assertNotRegex(text, r"(?m)^not ok\b")

        if any(path.endswith(".c") and path.startswith(INNER[:3]) for path in inner):
            test = unittest.skip("it includes a source of popcl")(test)
        else:
            case.goals = [*case.goals, words[0]]
        kind = "and inner ones" if inner else "alone"
        name = f"test_{os.path.splitext(os.path.basename(source))[0].removeprefix('test_')} (public headers {kind})"
        setattr(case, name, test)


def tests_in(folder):
    return [os.path.relpath(path, ROOT) for path in sorted(glob.glob(f"{ROOT}/{folder}/test_*.c"))]


def add_cases(name, folder, each):
    """Classes with so many tests each: run.py runs two classes at a time."""
    paths = tests_in(folder)
    for first in range(0, len(paths), each):
        case = type(f"{name}{first // each}", (Case,), {"__module__": __name__, "__doc__": folder})
        globals()[case.__name__] = case
        add_tests(case, paths[first:first + each], lambda source: [f"{BUILT}/{source[:-2]}"])


class Transcripts(Case):
    """tests/transcripts"""


add_tests(Transcripts, ["tests/transcripts/run.c"], lambda source: [f"{BUILT}/{source[:-2]}", "-q", *sorted(glob.glob(f"{ROOT}/tests/transcripts/**/*.txt", recursive=True))])
add_cases("Units", "tests/unit", 8)
add_cases("Sim", "tests/sim", 1)


class Programs(Case):
    goals = ["all"]

    def test_the_port_suite(self):
        text = make("check-port", "PORT=posix")
        self.assertRegex(text, r"(?m)^ok\b")
        self.assertNotRegex(text, r"(?m)^not ok\b")

    def test_the_examples_against_dovecot(self):
        text = run([sys.executable, "tests/interop/run.py", "test_examples"], env={**os.environ, "POPCL": str(ROOT / BUILT / "popcl")})
        self.assertRegex(text, r"(?m)^ok\b")
