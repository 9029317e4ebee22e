# SPDX-License-Identifier: MIT
"""Runs what the documents show, so that it works as it stands there: the blocks that tests/blocks.py gives to this test and to recipes.py, each of
them. Reads the documents, the examples, and tests/interop/dovecot.py. The mark of a block, a comment on the line before it, is one of these:

    <!-- run -->             commands, in a copy of the repository, built: so they may install, build or clean
    <!-- run: server -->     the same with a file `auth`, and a Dovecot that answers as pop.example.org, its certificate's CA being the system's: the
                             name is replaced by address and port
    <!-- compiled -->        C, compiled with warnings as errors; <!-- compiled: NAME --> in the surroundings of that name in SURROUNDINGS
    <!-- examples/X.c -->    that file, octet by octet
    <!-- session -->         what tests/interop/session.py makes
    <!-- failure: X -->      what check.py prints about a test that fails in this way: FAILURES has the ways
    <!-- synopsis: X -->     lines of `X --help`, or its subcommands
    <!-- names -->           a picture or a list: each header, folder and name of popcl's in it is there
    <!-- not run: REASON --> each `make TARGET` in it must exist

build/ is on the path. examples/minimal.c must be in README.md. The table of classes in docs/FIRMWARE.md must have each popcl_class once, the table of exit
codes in docs/COMMANDS.md those of --help=all and of report.h. The map of tests/README.md must have every file and folder of tests/, and each file
that CONTRIBUTING.md names must be there, with NAME for a name that its reader gives.
Prints TAP.
"""
import functools
import glob
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile

import blocks
import recipes
from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.dirname(os.path.abspath(os.environ.get("POPCL", os.path.join(ROOT, "build", "popcl"))))
SECONDS = 300
PUBLIC = ("include/*.h", "port/*/*.h", "src/host/popcl_*.h")
NOT_COPIED = {"san", "cov", "window", "fuzz", "arm", "firmware", "servers"}  # of build/: no command needs them
FETCH = '#include "popcl_fetch.h"\n#include "popcl_tls.h"\nstatic popcl_fetch_config config;\n'
# The code of a reader around a fragment: what comes before it, and after it.
SURROUNDINGS = {
    "TLS": (FETCH + "extern const popcl_trust ca_trust;\nvoid secure(uint64_t now, popcl_seed seed);\nvoid secure(uint64_t now, popcl_seed seed) {\n",
            "config.session.iobuf = iobuf;\n}\n"),
    "login": (FETCH + "void choose(const char *token);\nvoid choose(const char *token) {\n", "}\n"),
    "superloop": ('#include "popcl_fetch.h"\n#include "popcl_net.h"\nstatic popcl_fetch job;\nstatic popcl_fetch_config config;\nstatic volatile int came_up, ended, code;\n'
                  "uint32_t now_ms(void);\nsize_t transport_take(const unsigned char *p, size_t n);\nsize_t transport_give(unsigned char *p, size_t n);\n"
                  "void sleep_until_interrupt_or(uint32_t ms);\nvoid loop(void);\nvoid loop(void) {\nconst unsigned char *out;\nunsigned char *in;\nsize_t n, m;\n", "}\n"),
    "errno": ("#include <errno.h>\n#undef errno\n", "int last(void);\nint last(void) { return errno; }\n"),
}


def shell(script, folder, env):
    try:
        done = subprocess.run(["sh", "-eu", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    return "" if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}{done.stderr}"


def environment(folder):
    home = os.path.join(folder, "home")
    os.mkdir(home)
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_") and name != "MAKEFLAGS"}
    env.update(HOME=home, PATH=os.path.join(folder, "popcl", "build") + os.pathsep + os.environ["PATH"])
    return env


def copy_of_repository(folder):
    """Sources and what was built of them, with their times: nothing is built again. No auth, no out: they are the user's."""
    copy = os.path.join(folder, "popcl")
    shutil.copytree(ROOT, copy, ignore=lambda where, names: {".git", "build", "out", "auth"} & set(names) if where == ROOT else {"__pycache__"})
    shutil.copytree(BUILD, os.path.join(copy, "build"), ignore=lambda where, names: NOT_COPIED & set(names) if where == BUILD else set())
    return copy


def run_in_copy(script, folder):
    return shell(script, copy_of_repository(folder), environment(folder))


def run_with_server(script, folder):
    sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
    import dovecot
    import pki
    copy = copy_of_repository(folder)
    root = pki.shared().root()
    with dovecot.Dovecot(certificate=root.issue("mail", san=["127.0.0.1"])) as server:
        account = server.account()
        account.deliver(b"Subject: message %d\n\nhello\n" % n for n in range(3))
        with open(os.path.join(copy, "auth"), "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"username = {account.name}\npassword = {account.password}\n")
        address = f"127.0.0.1 -p {server.tls_port if '-T' in script else server.port}"
        env = {**environment(folder), "SSL_CERT_FILE": str(root.file), "SSL_CERT_DIR": ""}
        return shell(script.replace("=pop.example.org", f"='{address}'").replace("pop.example.org", address), copy, env)


def check_targets(script):
    """That each target of make is there."""
    targets = set()
    for name in ("Makefile", "tests/figures.mk", "packaging/packages.mk"):
        targets |= set(" ".join(re.findall(r"^([a-z][a-z0-9 -]*):", text_of(name), re.M)).split())
    wanted = [word for line in re.findall(r"\bmake((?: +[\w=./:$-]+)*)", script) for word in line.split() if re.fullmatch(r"[a-z][a-z0-9-]*", word)]
    missing = sorted(set(wanted) - targets)
    return f"no such make target: {', '.join(missing)}" if missing else ""


def check_shell(body, run):
    with tempfile.TemporaryDirectory(prefix="popcl-readme-") as folder:
        return run(body, folder)


def check_same(body, path):
    return "" if os.path.exists(os.path.join(ROOT, path)) and text_of(path) == body else f"is not {path}"


def check_compiled(body, name=""):
    """Its headers are popcl's, those of examples/firmware, and those of Mbed TLS as far as it names popcl_mbedtls.h."""
    if name and name not in SURROUNDINGS:
        return f"readme.py has no surroundings with the name {name}"
    before, after = SURROUNDINGS[name] if name else ("", "")
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_FILE_OFFSET_BITS=64", "-Iinclude", "-Iport/posix", "-Iport/mbedtls",
               "-Iexamples/firmware", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, cwd=ROOT, input=before + body + after, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def check_names(body):
    """A name of popcl's has to be in a public header, and a header, a source and a path has to be there. `*` is for any rest."""
    headers = {os.path.basename(path): path for pattern in PUBLIC for path in glob.glob(pattern, root_dir=ROOT)}
    words = set(re.findall(r"\w+", " ".join(text_of(path) for path in headers.values())))
    wrong = [name for name in re.findall(r"\b(?:popcl|POPCL)_\w+\b(?!\.h)", body) if name not in words]
    wrong += [name for name in re.findall(r"\b\w+\.h\b", body) if name not in headers]
    wrong += [name for name in re.findall(r"\b\w+\.c\b", body) if not glob.glob("src/*/" + name, root_dir=ROOT)]
    paths = [path for line in body.splitlines() for path in re.split(" +", line.split("   ")[0].strip()) if re.fullmatch(r"[a-z_-]+/[\w*/-]+", path)]
    return ", ".join(wrong + [path for path in paths if not any(glob.glob(where + path + end, root_dir=ROOT) for where in ("", "src/") for end in ("", ".c"))])


def check_synopsis(body, program):
    """Lines of --help; or else all the subcommands that it has, and no unknown option."""
    help_text = subprocess.run([os.path.join(BUILD, program), "--help"], capture_output=True, text=True, check=True).stdout
    lines = {line.strip() for line in help_text.splitlines()}
    if set(body.splitlines()) <= lines:
        return ""
    known = sorted(set(re.findall(rf"^  {program} +([a-z-]+) ", help_text, re.M)))
    shown = sorted(word for word in set(re.findall(r"[\w-]+", body)) if re.search(rf"^  {program} +{word} ", help_text, re.M))
    wrong = [f"it has {shown}, and --help has {known}"] if shown != known or not known else []
    wrong += [f"--help has no {word}" for word in re.findall(rf"\b{program} +([a-z-]+)", body) if word not in known]
    return "\n".join(wrong + [f"--help has no {option}" for option in re.findall(r"--[a-z-]+", body) if not re.search(rf"{option}(?![\w-])", help_text)])


def check_failure(body, name):
    """That this is a part of what check.py prints about a test that fails in this way."""
    with tempfile.TemporaryDirectory(prefix="popcl-readme-") as folder:
        words = FAILURES[name](folder)
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "check.py"), "part", "some", "--", *words], cwd=folder, capture_output=True,
                              text=True, timeout=SECONDS, env={**os.environ, "POPCL_TEST": "it_doubles*"})
    return "" if done.returncode == 1 and body in done.stdout else f"it prints\n{done.stdout}{done.stderr}"


def broken(folder, path, right, wrong):
    """A copy of a file with a fault in it."""
    text, copy = text_of(path), os.path.join(folder, path)
    if text.count(right) != 1:
        raise AssertionError(f"{path} has not one {right}")
    os.makedirs(os.path.dirname(copy))
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text.replace(right, wrong))
    return path


def wrong_unit(folder):
    path = broken(folder, "tests/unit/test_backoff.c", "assert_int_equal(least, ms - ms / 8)", "assert_int_equal(least, ms - ms / 8 + 1)")
    os.mkdir(os.path.join(folder, "unit"))
    others = [os.path.join(ROOT, name) for name in ("tests/unit/results.c", "examples/firmware/backoff.c")]
    subprocess.run(["cc", f"-I{ROOT}/include", f"-I{ROOT}/examples/firmware", path, *others, "-lcmocka", "-o", "unit/test_backoff"], cwd=folder, check=True)
    return ["unit/test_backoff"]


def wrong_transcript(folder):
    path = broken(folder, "tests/transcripts/retr.txt", RETRIEVED + "> commit\n", RETRIEVED + "> abort ERR_SINK\n")
    return [os.path.join(BUILD, "tests", "transcripts", "run"), "-c", "retr-one-message", path]


def dying(folder):
    program = os.path.join(folder, "unit", "test_seen")
    os.mkdir(os.path.dirname(program))
    with open(program, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
        file.write("#!/bin/sh\necho 1..18\necho ok 1\nkill -SEGV $$\n")
    return [program]


RETRIEVED = "> begin 1\n> data \"From: a\\r\\n\\r\\nb\\r\\n\"\n"  # where retr-one-message is to differ
FAILURES = {"cmocka": wrong_unit, "transcript": wrong_transcript, "signal": dying}


def text_of(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as text:
        return text.read()


def check_block(block):
    """What is wrong with a block that tests/blocks.py gives to this test, or ""."""
    kind, _, word = block.mark.partition(": ")
    if kind in ("run", "compiled") and block.language != {"run": "sh", "compiled": "c"}[kind]:
        return f"a block of {block.language or 'no language'} cannot be {kind}"
    if kind == "run":
        return check_shell(block.body, run_with_server if word == "server" else run_in_copy)
    if kind == "session":
        made = sessions()[f"<!-- {block.mark} -->"]
        return "" if f"```\n{block.body}```\n" == made else f"run: make update-readme\nit should be\n{made}"
    if block.mark.startswith("examples/"):
        return check_same(block.body, block.mark)
    if kind == "not run":
        return check_targets(block.body)
    return {"compiled": check_compiled, "names": lambda body, _: check_names(body), "synopsis": check_synopsis, "failure": check_failure}[kind](block.body, word)


@functools.lru_cache(maxsize=None)
def sessions():
    sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
    import session
    return session.blocks()


def check_classes():
    """That the table of docs/FIRMWARE.md has each popcl_class once."""
    table = text_of("docs/FIRMWARE.md").partition("| POPCL_CLASS_ |")[2].partition("\n\n")[0]
    shown = sorted(re.findall(r"^\| ([A-Z]+) \|", table, re.M))
    known = sorted(re.findall(r"^    POPCL_CLASS_([A-Z]+)\b", text_of("include/popcl_errors.h"), re.M))
    return "" if shown == known else f"it has {shown}, and popcl_errors.h has {known}"


def codes(text):
    return [int(code) for code in re.findall(r"\d+", text)]


def check_exit_codes():
    """That docs/COMMANDS.md, --help=all and the source have the same codes; what the source adds to a signal is no code of its own."""
    table = text_of("docs/COMMANDS.md").partition("| code | meaning |\n")[2].partition("\n\n")[0]
    shown = codes(" ".join(re.findall(r"^\| (\d[\d, ]*) \|", table, re.M)))
    help_text = subprocess.run([os.path.join(BUILD, "popcl"), "--help=all"], capture_output=True, text=True, check=True).stdout
    listed = help_text.partition("\nExit codes\n")[2].partition("\nExample\n")[0]
    helped = codes(" ".join(re.findall(r"(?:^|  ) *(\d[\d, ]*)  ", listed, re.M)))
    source = codes(" ".join(re.findall(r"^ *CMD_EXIT_\w+ = (\d+),", text_of("src/tools/popcl/report.h"), re.M)))
    wrong = [] if shown == sorted(helped) else [f"docs/COMMANDS.md has {shown}, and --help=all has {sorted(helped)}"]
    if source != [code for code in shown if code < 128]:
        wrong.append(f"docs/COMMANDS.md has {shown}, and report.h has {source}")
    return "\n".join(wrong)


def named_files(text):
    """(file or folder that a page names between backticks or in a link, what is wrong with it or "")."""
    for name in sorted(set(re.findall(r"`([\w.-]+/[\w./-]+)`", text) + re.findall(r"\]\(([\w./-]+)\)", text))):
        pattern = os.path.join(ROOT, re.sub(r"\bNAME\b|(?<=_)NAME\b", "*", name))
        if "NAME" in name and not os.path.splitext(name)[1]:
            pattern = os.path.dirname(pattern)
        yield name, "" if glob.glob(pattern) else "it is not there"


def check_blocks():
    """Each block of this test and of recipes.py. None may be left out: a mark that nobody obeys is a promise without a test."""
    taken = []
    results = [(f"{block.name}: {block.mark}", lambda block=block: check_block(block)) for block in blocks.every_block() if block.taker == blocks.README]
    for name, wrong in itertools.chain(((name, check()) for name, check in results), recipes.checks(BUILD)):
        taken.append(name)
        yield name, wrong
    for taker in (blocks.README, blocks.RECIPES):
        yield f"{taker} took each block with its mark", ", ".join(blocks.left_out(taker, taken))


def checks():
    yield from check_blocks()
    yield "docs/FIRMWARE.md has each class of results", check_classes()
    yield "README.md shows examples/minimal.c", "" if text_of("examples/minimal.c") in text_of("README.md") else "it does not"
    yield "docs/COMMANDS.md has the exit codes of the command", check_exit_codes()
    for name, wrong in named_files(text_of("CONTRIBUTING.md")):
        yield f"CONTRIBUTING.md names {name}", wrong
    known = set(re.findall(r"`([\w./]+)`", text_of("tests/README.md"))) | {"README.md", "__pycache__/"}
    for entry in sorted(os.scandir(os.path.join(ROOT, "tests")), key=lambda one: one.name):
        name = entry.name + "/" * entry.is_dir()
        yield f"tests/README.md names {name}", "" if name in known else "it does not"


def main():
    results = Results()
    results.add_all(checks())
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
