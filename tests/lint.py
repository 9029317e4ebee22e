"""Compiles every source with gcc and clang, warnings being errors, and runs clang-tidy and cppcheck over what ships. Knows the sources by
their folders only. POPCL_CPPFLAGS and TEST_CPPFLAGS give the include folders; what stands over lwIP needs its source (tests/source.sh), and is read
with the settings of tests/lwip. Ends with `lint: N passed, N failed`.
"""
import concurrent.futures
import glob
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WARNINGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -O2".split()
WARNINGS_CXX = "-x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only".split()
SHIPPED = ["src/*/*.c", "src/tools/*/*.c", "port/*/*.c", "examples/*.c"]
TESTS = ["tests/*/*.c", "tests/port/*/*.c"]
HEADERS = ["include/*.h", "port/*/popcl_*.h"]
LWIP_SETTINGS = [], ["-DLWIP_IPV6=1"], ["-DLWIP_IPV6=1", "-DLWIP_IPV4=0"], ["-DLWIP_DNS=0"], ["-DLWIP_IPV6=1", "-DLWIP_DNS=0"]
BUILD = os.environ.get("B", "build")


def files(patterns):
    return sorted(path for pattern in patterns for path in glob.glob(pattern))


def lwip():
    """The include folders of what stands over lwIP."""
    done = subprocess.run(["sh", "tests/source.sh", "lwip", BUILD], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    return ["-Iport/lwip", "-Itests/lwip", "-isystem", done.stdout.strip() + "/src/include"]


def jobs():
    """(what, command, its input) for every check."""
    include = shlex.split(os.environ.get("POPCL_CPPFLAGS", "-Iinclude -Iport/posix"))
    tests, over_lwip = shlex.split(os.environ.get("TEST_CPPFLAGS", "")), lwip()

    def includes(path):
        """The include folders for a file, and whether lwIP has threads for it."""
        where = include + (tests if path.startswith("tests/") else [])
        if path.startswith(("tests/port/", "port/TEMPLATE/")):
            where = ["-Itests/port"] + where
        if "/lwip" in path:
            suite = ["-Itests/port/lwip"] if path.startswith("tests/port/") else []
            where = suite + over_lwip + where + [f"-DNO_SYS={0 if 'sockets' in path else 1}"]
        return where

    for path in files(SHIPPED) + files(TESTS):
        where = includes(path)
        for compiler in ("gcc", "clang"):
            for more in LWIP_SETTINGS if path == "port/lwip/raw.c" else ([],):
                yield f"{compiler} {path} {' '.join(more)}", [compiler, *WARNINGS, *more, *where, "-c", path, "-o", "/dev/null"], ""
    for path in files(HEADERS):  # each stands alone, in C and in C++
        program = f'#include "{os.path.basename(path)}"\nextern int nothing;\n'
        yield f"gcc {path}", ["gcc", *WARNINGS, *includes(path), "-fsyntax-only", "-x", "c", "-"], program
        yield f"clang++ {path}", ["clang", *WARNINGS_CXX, *includes(path), "-"], program
    for path in files(SHIPPED):
        yield f"clang-tidy {path}", ["clang-tidy", "--quiet", "--warnings-as-errors=*", path, "--", "-std=c99", *includes(path)], ""
    yield "cppcheck", ["cppcheck", "--quiet", "--std=c99", "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1",
                       "--suppress=missingIncludeSystem", "--suppressions-list=tests/cppcheck.txt",
                       *[word for word in include if word.startswith("-I")], "src", "port", *files(["examples/*.c"])], ""


def run(job):
    what, command, program = job
    try:
        done = subprocess.run(command, input=program, capture_output=True, text=True)
    except FileNotFoundError:
        return what, 127, f"{command[0]} is not installed: make deps"
    return what, done.returncode, (done.stdout + done.stderr).strip()


def main():
    os.chdir(ROOT)
    failed = passed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for what, status, output in pool.map(run, jobs()):
            if status:
                failed += 1
                print(f"--- {what}\n{output}")
            else:
                passed += 1
    print(f"lint: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
