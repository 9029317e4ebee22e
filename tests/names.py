# SPDX-License-Identifier: MIT
"""Counts the functions of src and port that have the name of a function in another file: a breakpoint or a search is to stop in one place.
A file-local name carries what it is of if another file has the same word: `store_finish`, not `finish`. Not counted: `main`, which every
program has, and port/TEMPLATE, which is copied and changed by its user.

Finds also macros and enumerators, of every source, with a name that POSIX gives to limits.h: a C library may include that unasked.

Reads the sources as .clang-format leaves them, and compiles nothing.
usage: names.py [LIMIT]    prints each such name with its files; fails if there are more than LIMIT such functions, or one such macro
Its last line is `names: N of M functions have the name of another`.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXEMPT_NAMES = {"main"}
EXEMPT_FOLDER = "port/TEMPLATE/"
COMMENTS = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
DIRECTIVES = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*$", re.M)
FUNCTION = re.compile(r"^[A-Za-z_][\w \t*]*?[ \t*](\w+)\(([^;{}]*)\)\s*\{", re.M)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
ENUM = re.compile(r"\benum\b[^;{}()]*\{([^}]*)\}")
LIMITS = set("""
    AIO_LISTIO_MAX AIO_MAX AIO_PRIO_DELTA_MAX ARG_MAX ATEXIT_MAX BC_BASE_MAX BC_DIM_MAX BC_SCALE_MAX BC_STRING_MAX CHARCLASS_NAME_MAX CHAR_BIT
    CHAR_MAX CHAR_MIN CHILD_MAX COLL_WEIGHTS_MAX DELAYTIMER_MAX EXPR_NEST_MAX FILESIZEBITS GETENTROPY_MAX HOST_NAME_MAX INT_MAX INT_MIN IOV_MAX
    LINE_MAX LINK_MAX LLONG_MAX LLONG_MIN LOGIN_NAME_MAX LONG_BIT LONG_MAX LONG_MIN MAX_CANON MAX_INPUT MB_LEN_MAX MQ_OPEN_MAX MQ_PRIO_MAX
    NAME_MAX NGROUPS_MAX NL_ARGMAX NL_LANGMAX NL_MSGMAX NL_SETMAX NL_TEXTMAX NSIG_MAX NZERO OPEN_MAX PAGESIZE PAGE_SIZE PATH_MAX PIPE_BUF
    PTHREAD_DESTRUCTOR_ITERATIONS PTHREAD_KEYS_MAX PTHREAD_STACK_MIN PTHREAD_THREADS_MAX RE_DUP_MAX RTSIG_MAX SCHAR_MAX SCHAR_MIN
    SEM_NSEMS_MAX SEM_VALUE_MAX SHRT_MAX SHRT_MIN SIGQUEUE_MAX SSIZE_MAX SS_REPL_MAX STREAM_MAX SYMLINK_MAX SYMLOOP_MAX TIMER_MAX TTY_NAME_MAX
    TZNAME_MAX UCHAR_MAX UINT_MAX ULLONG_MAX ULONG_MAX USHRT_MAX WORD_BIT
""".split())


def functions(text):
    """The names of the functions that a source defines."""
    return {match.group(1) for match in FUNCTION.finditer(DIRECTIVES.sub(" ", COMMENTS.sub(" ", text)))}


def constants(text):
    """The names of its macros and enumerators."""
    text = COMMENTS.sub(" ", text)
    names = set(MACRO.findall(text))
    for match in ENUM.finditer(text):
        names |= set(re.findall(r"(?:^|,)\s*(\w+)", match.group(1)))
    return names


def sources(*folders):
    """(path, text) of each."""
    for folder in folders:
        for path in sorted(glob.glob(f"{folder}/**/*", recursive=True)):
            if path.endswith((".c", ".h", ".inc")) and not path.startswith(EXEMPT_FOLDER):
                with open(path, encoding="utf-8") as text:
                    yield path, text.read()


def main(argv):
    os.chdir(ROOT)
    found, failed = {}, 0
    for path, text in sources("src", "port"):
        for name in functions(text) - EXEMPT_NAMES:
            found.setdefault(name, []).append(path)
    shared = {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}
    for name, paths in shared.items():
        print(f"{name}: {' '.join(paths)}")
    for path, text in sources("include", "src", "port", "examples", "tests"):
        for name in sorted(constants(text) & LIMITS):
            failed = 1
            print(f"{path}: {name} is a name of limits.h")
    count = sum(map(len, shared.values()))
    if argv and count > int(argv[0]):
        failed = 1
        print(f"names: at most {argv[0]} are allowed: put what a function is of before its name")
    print(f"names: {count} of {sum(map(len, found.values()))} functions have the name of another")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
