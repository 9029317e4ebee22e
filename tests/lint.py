# SPDX-License-Identifier: MIT
"""Compiles every source with gcc and clang, warnings being errors, runs clang-tidy and cppcheck over what ships, and holds every source to
.clang-format, to a line that names its licence, and to the names of tests/names.py. Each TLS profile has a number of its own, and git has
no file that a run made. Knows the sources by their folders, and by the names of those that need threads.
POPCL_CPPFLAGS and TEST_CPPFLAGS give the include folders. What is over lwIP needs its source (tests/source.sh): it is read with the settings of
tests/lwip, firmware with its own, and by compilers for its boards. If the source cannot be had, that is skipped. Prints TAP.

    lint.py             all of it
    lint.py format      .clang-format, licences and profiles alone
    lint.py FILE...     compilers and clang-tidy, for these files
"""
import concurrent.futures
import fnmatch
import glob
import os
import re
import shlex
import subprocess
import sys

from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WARNINGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -O2".split()
WRITES, PARSES = ["-o", "/dev/null"], ["-fsyntax-only"]  # gcc finds some only as it optimizes, clang none
# How far clang's analyzer goes into a function when all files are read; for FILE... it goes as far as it does by itself.
SHORT = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=50000")]
WARNINGS_CXX = "-x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only".split()
SHIPPED = ["src/*/*.c", "src/tools/*/*.c", "port/*/*.c", "port/*/*/*.c", "examples/*.c", "examples/firmware/*.c"]
TESTS = ["tests/*/*.c", "tests/port/*/*.c"]
HEADERS = ["include/*.h", "port/*/popcl_*.h", "src/host/popcl_*.h"]
SHARED_NAMES = 20  # functions with the name of one in another file: tests/names.py. Lower it when there are fewer
BUILD = os.environ.get("B", "build")
HOST, BOARD = ("gcc", "clang"), ("arm-none-eabi-gcc", "clang")

OVER_ESP_TLS = ["port/esp-tls/*", "tests/port/esp-tls/*"]  # with the headers of its stub, and lwIP's
OVER_LWIP = [*OVER_ESP_TLS, "port/lwip/*", "tests/lwip/*", "tests/port/lwip*"]
OVER_ZEPHYR = ["port/zephyr/*", "tests/port/zephyr*"]  # with the headers of its stub, in both generations of names
OVER_FREERTOS_TCP = ["port/freertos-tcp/*", "tests/port/freertos-tcp/*"]  # likewise, of V4 and V3
FIRMWARE = ["examples/firmware/*", "tests/firmware/kernel.c"]
THREADS = ["*esp-tls*", "*sockets*", "*/sys_arch.c", "*/kernel.c", "*/main_task.c"]
TARGET = "-mcpu=cortex-m3 -mthumb".split()
FIRMWARE_SETTINGS = "-DRECORD=4096 -DSTATS=1 -DPROFILE=public -DBOARD_ROW=ROW_LM3S6965EVB".split()
# What a file is compiled with beside its folder's settings: once with each of these. clang-tidy takes the last, which has most in it.
TRUST = ['-DSIGNERS="../../tests/unit/blob_signers.h"', '-DTRUST_SCOPE="a product"']
ZEPHYR = ["-DCONFIG_NET_IPV4=1", "-DCONFIG_DNS_RESOLVER=1"]
MORE = {"port/zephyr/*.c": ([], ZEPHYR, [*ZEPHYR, "-DCONFIG_NET_IPV6=1", "-DSTUB_ZEPHYR_NET_", "-DCONFIG_POPCL_TLS_BELOW_DATES=1"]),
        "port/freertos-tcp/*.c": ([], ["-DSTUB_TCP_V3"]), "tests/port/freertos-tcp/*.c": ([], ["-DSTUB_TCP_V3"]),
        "tests/port/zephyr*/*.c": ([], ["-DSTUB_ZEPHYR_NET_"]),
        "port/lwip/[rs]*.c": ([], ["-DLWIP_IPV6=1", "-DLWIP_IPV4=0"], ["-DLWIP_DNS=0"], ["-DLWIP_IPV6=1", "-DLWIP_DNS=0"], ["-DLWIP_IPV6=1"]),
        "examples/firmware/*": (["-DIPV6=0"], ["-DIPV6=1", "-DRESUME", *TRUST]), "tests/firmware/kernel.c": (["-DIPV6=0", "-DDEEP_INTERRUPT=0"],)}


def files(patterns):
    return sorted(path for pattern in patterns for path in glob.glob(pattern))


def among(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def lwip():
    """(the folder of lwIP's headers, ""), or (None, why there are none)."""
    done = subprocess.run(["sh", "tests/source.sh", "lwip", BUILD], capture_output=True, text=True)
    return (None, done.stderr) if done.returncode else (done.stdout.strip() + "/src/include", "")


def picolibc():
    """The folder of its headers, which clang does not know."""
    try:
        done = subprocess.run(["arm-none-eabi-gcc", "--specs=picolibc.specs", "-M", "-x", "c", "-"], input="#include <string.h>\n", capture_output=True,
                              text=True)
    except FileNotFoundError:
        return "."
    return os.path.dirname((re.findall(r"\S+/string\.h", done.stdout) or ["./string.h"])[0])


class Includes:
    """The words that a file's compiler needs."""

    def __init__(self):
        self.popcl = shlex.split(os.environ.get("POPCL_CPPFLAGS", "-Iinclude -Iport/posix -Isrc/host"))
        self.tests = shlex.split(os.environ.get("TEST_CPPFLAGS", ""))
        (self.lwip, self.no_lwip), self.picolibc = lwip(), picolibc()
        self.bearssl = os.environ.get("BEARSSL_INC") or "/usr/include/bearssl"

    def of(self, path, compiler):
        threads = f"-DNO_SYS={0 if among(path, THREADS) else 1}"
        if among(path, FIRMWARE):
            board = ["--specs=picolibc.specs"] if compiler in BOARD[:1] else ["--target=arm-none-eabi", "-isystem", self.picolibc]
            return [*board, *TARGET, "-Iexamples/firmware", "-Iinclude", "-Iport/lwip", "-isystem", self.bearssl, "-isystem", self.lwip,
                    *FIRMWARE_SETTINGS, threads]
        where = self.popcl + (self.tests if path.startswith("tests/") else [])
        if path.startswith("tests/port/") or path.endswith("/under_test.c"):
            where = ["-Itests/port"] + where
        if among(path, OVER_ESP_TLS):
            where = [*where, "-Iport/esp-tls", "-Itests/port/zephyr", "-Itests/port/zephyr-tls", "-isystem", "tests/adoption/esp_idf/stub",
                     "-DLWIP_TIMEVAL_PRIVATE=0", "-DSSIZE_MAX=LONG_MAX"]
        if among(path, OVER_FREERTOS_TCP):
            where = [*where, "-Itests/port/freertos-tcp", "-Iport/freertos-tcp", "-isystem", "tests/port/freertos-tcp/stub"]
        if among(path, ["tests/port/callbacks/*"]):
            where = [*where, "-Iport/callbacks"]
        if among(path, OVER_ZEPHYR):
            where = [*where, "-Itests/port/zephyr", "-Iport/zephyr", "-isystem", "tests/port/zephyr/stub"]
        if among(path, OVER_LWIP):
            suite = ["-Itests/port/lwip"] if path.startswith("tests/port/") else []
            where = [*suite, "-Iport/lwip", "-Itests/lwip", "-isystem", self.lwip, *where, threads]
        return where


def more(path):
    """The settings that a file is compiled with, one after the other."""
    return next((settings for pattern, settings in MORE.items() if fnmatch.fnmatch(path, pattern)), ([],))


def checks(path, includes, tidy=()):
    """(what, command, its input) for every check of a file."""
    if path.endswith(".h"):  # each stands alone, in C, and in C++ if programs of others may include it
        program = f'#include "{path}"\nextern int nothing;\n'
        yield f"gcc {path}", ["gcc", *WARNINGS, *includes.of(path, "gcc"), "-fsyntax-only", "-x", "c", "-"], program
        if not path.startswith("src/tools/"):
            yield f"clang++ {path}", ["clang", *WARNINGS_CXX, *includes.of(path, "clang"), "-"], program
        return
    for compiler in BOARD if among(path, FIRMWARE) else HOST:
        for settings in more(path):
            yield (f"{compiler} {path} {' '.join(settings)}",
                   [compiler, *WARNINGS, *includes.of(path, compiler), *settings, "-c", path, *(PARSES if compiler == "clang" else WRITES)], "")
    if path in files(SHIPPED):
        # A board's registers are where they are.
        allowed = ["--checks=-performance-no-int-to-ptr"] if among(path, FIRMWARE) else []
        yield (f"clang-tidy {path}", ["clang-tidy", "--quiet", "--warnings-as-errors=*", *allowed, *tidy, path, "--", "-std=c99",
                                      *includes.of(path, "clang"), *more(path)[-1]], "")


def cppcheck(words, *what):
    return "cppcheck", ["cppcheck", "--quiet", "--std=c99", "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1",
                        "-UPOPCL_USER_CONFIG",  # it would be tried without a name
                        "--suppress=missingIncludeSystem", "--suppressions-list=tests/cppcheck.txt", *words, *what], ""


FORMAT_VERSION = "14"  # .clang-format's own: another version breaks some lines elsewhere


def is_built(path):
    return path.startswith((BUILD + "/", "build/"))


LICENCE = "SPDX-License-Identifier: MIT"
SOURCES = ["*.c", "*.h", "*.inc", "*.def", "*.ld", "*.py", "*.sh", "*.mk", "Makefile"]


def without_licence():
    """The sources whose first line, or the one after `#!`, does not name the licence."""
    for path in sorted(glob.glob("**/*", recursive=True)):
        if among(os.path.basename(path), SOURCES) and not is_built(path):
            with open(path, encoding="utf-8") as text:
                first = text.readline()
                line = text.readline() if first.startswith("#!") else first
            if LICENCE not in line:
                yield f"{path}: write `{LICENCE}` in its first line"


def profile_numbers(folder="src/tls"):
    """What is wrong with the numbers of the TLS profiles. A kept session belongs to the profile of its number, so that no two may share one."""
    owners = {}
    for path in sorted(glob.glob(f"{folder}/profile_*.c")):
        with open(path, encoding="utf-8") as text:
            numbers = re.findall(r"^\s*\.number = (\w+),", text.read(), re.M)
        if len(numbers) != 1 or not numbers[0].isdecimal() or not 1 <= int(numbers[0]) <= 255:
            yield f"{path}: give its profile one number, `.number = N,`, with N from 1 to 255"
        elif int(numbers[0]) in owners:
            yield f"{path}: {owners[int(numbers[0])]} has the number {numbers[0]} too: take one that no profile ever had"
        else:
            owners[int(numbers[0])] = path


def committed_products(folder="."):
    """Files in git that .gitignore names: an archive of a release would have them. Without git, as in such an archive, there are none."""
    if os.path.exists(os.path.join(folder, ".git")):
        done = subprocess.run(["git", "ls-files", "--cached", "--ignored", "--exclude-standard"], cwd=folder, capture_output=True, text=True)
        yield from (f"{path}: run: git rm --cached {path}" for path in done.stdout.splitlines())
        if done.returncode:
            yield done.stderr


def formatting():
    """One check for each folder of sources: that clang-format would change nothing. Skipped if this version would."""
    try:
        version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        version = f"version {FORMAT_VERSION}"  # the check fails, and says what is missing
    if f"version {FORMAT_VERSION}." not in version and version != f"version {FORMAT_VERSION}":
        yield skip("clang-format of all sources", f"clang-format is not version {FORMAT_VERSION}")
        return
    folders = {}
    for path in glob.glob("**/*.[ch]", recursive=True) + glob.glob("**/*.inc", recursive=True):
        if not is_built(path):
            folders.setdefault(os.path.dirname(path), []).append(path)
    for folder, paths in sorted(folders.items()):
        yield f"clang-format {folder}: run clang-format -i", ["clang-format", "--dry-run", "-Werror", *sorted(paths)], ""


def skip(what, why):
    """A check that cannot be made."""
    return what, None, why


def files_of(paths, includes, tidy=()):
    for path in paths:
        can = includes.lwip or not among(path, OVER_LWIP + FIRMWARE)
        yield from checks(path, includes, tidy) if can else [skip(path, includes.no_lwip)]


def jobs(includes):
    """Every check."""
    yield from formatting()
    yield "names", [sys.executable, "tests/names.py", str(SHARED_NAMES)], ""
    yield from files_of(files(SHIPPED + TESTS + HEADERS), includes, SHORT)
    yield cppcheck([word for word in includes.popcl if word.startswith("-I")], "src", "port", "tests/lwip", "tests/port", *files(["examples/*.c"]))
    yield cppcheck(["-Iinclude", "-Iexamples/firmware", FIRMWARE_SETTINGS[-1], *TRUST, "--force"], "examples/firmware", "tests/firmware")


def run(job):
    """(what, what is wrong or "", why it is skipped or "")"""
    what, command, program = job
    if command is None:
        return what, "", program
    try:
        done = subprocess.run(command, input=program, capture_output=True, text=True)
    except FileNotFoundError:
        return what, f"{command[0]} is not installed: make deps", ""
    output = (done.stdout + done.stderr).strip()
    return what, (output or f"exit status {done.returncode}") if done.returncode else "", ""


def main(words):
    os.chdir(ROOT)
    results = Results()
    if words in ([], ["format"]):
        results.add("each source names its licence", "\n".join(without_licence()))
        results.add("each TLS profile has a number of its own", "\n".join(profile_numbers()))
        results.add("git has no file that .gitignore names", "\n".join(committed_products()))
    if words == ["format"]:
        wanted = formatting()
    else:
        wanted = files_of(words, Includes()) if words else jobs(Includes())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(run, wanted):
            results.add(*result)
    return results.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
