# SPDX-License-Identifier: MIT
"""Runs what README.md and tests/README.md tell people to run, so that it works as it stands there. Reads these pages, the examples, and
tests/interop/dovecot.py. The map of tests/README.md must have every file and folder of tests/. CONTRIBUTING.md is read too: each file that it names
must be there, with NAME for a name that its reader gives.

A fenced block ```sh is run where a comment on the line before it says how, and is an error without one:
    <!-- run -->          in a copy of the repository, built: so it may install, build or clean
    <!-- run: server -->  the same with a file `auth`, and a Dovecot that answers as pop.example.org, its certificate's CA being the system's: the name
                          is replaced by address and port
    <!-- shown -->        not run: it needs another machine, or is what runs this very test; but each `make TARGET` in it must exist
docs/RECIPES.md has comments of its own, and servers for them: recipes.py runs it.
A block ```c of docs/PORTING.md and docs/FIRMWARE.md after <!-- compiled --> is compiled as it stands there, with warnings as errors. In docs/FIRMWARE.md
every block of C or commands needs a comment; <!-- not run: REASON --> is one too. Its commands after <!-- run --> are run in an empty folder. Its table of classes must have each popcl_class once.
build/ is on the path. A block ```c with a main must be one of examples/*.c, octet by octet, and examples/minimal.c must be there. The terminal
sessions, on the first screen and of typical errors, must be what tests/interop/session.py makes. The table of exit codes in docs/COMMANDS.md must have those of --help=all,
and those of report.h.
Prints TAP.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import recipes
from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.dirname(os.path.abspath(os.environ.get("POPCL", os.path.join(ROOT, "build", "popcl"))))
PAGES = ("README.md", "CONTRIBUTING.md", "tests/README.md")
SECONDS = 300
NOT_COPIED = {"san", "cov", "window", "fuzz", "arm", "firmware", "servers"}  # of build/: no command needs them
HOW = {"<!-- run -->": "run", "<!-- run: server -->": "server", "<!-- shown -->": "shown", "<!-- compiled -->": "compiled"}
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.M | re.S)


NOT_RUN = re.compile(r"<!-- not run: \S.* -->")


def blocks(text):
    """(language, body, line number, how it is to be run or None)."""
    for match in BLOCK.finditer(text):
        before = text[: match.start()].rstrip("\n").rsplit("\n", 1)[-1].strip()
        how = "not run" if NOT_RUN.fullmatch(before) else HOW.get(before)
        yield match.group(1), match.group(2), text.count("\n", 0, match.start()) + 1, how


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


def run_in_empty_folder(script):
    with tempfile.TemporaryDirectory(prefix="popcl-readme-") as folder:
        return shell(script, folder, {**environment(folder), "PATH": BUILD + os.pathsep + os.environ["PATH"]})


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


def only_shown(script, _folder):
    targets = set()
    for name in ("Makefile", "tests/figures.mk"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as text:
            targets |= set(" ".join(re.findall(r"^([a-z][a-z0-9 -]*):", text.read(), re.M)).split())
    wanted = [word for line in re.findall(r"\bmake((?: +[\w=./:$-]+)*)", script) for word in line.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
    missing = sorted(set(wanted) - targets)
    return f"no such make target: {', '.join(missing)}" if missing else ""


RUN = {"run": run_in_copy, "server": run_with_server, "shown": only_shown, "not run": lambda _script, _folder: ""}


def check_shell(body, how):
    if how is None:
        return "no comment says how to run it: see tests/readme.py"
    with tempfile.TemporaryDirectory(prefix="popcl-readme-") as folder:
        return RUN[how](body, folder)


def check_c(body):
    for path in glob.glob(os.path.join(ROOT, "examples", "*.c")):
        with open(path, encoding="utf-8") as text:
            if text.read() == body:
                return ""
    return "is none of examples/*.c"


def check_compiled(body):
    """Its headers are popcl's, those of examples/firmware, and those of Mbed TLS as far as it names popcl_mbedtls.h."""
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_FILE_OFFSET_BITS=64", "-Iinclude", "-Iport/posix", "-Iport/mbedtls",
               "-Iexamples/firmware", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, cwd=ROOT, input=body, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def text_of(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as text:
        return text.read()


def check_page_compiles(page):
    """Each block of C that says so; a page without one is an error."""
    compiled = [(body, line) for _, body, line, how in blocks(text_of(page)) if how == "compiled"]
    for body, line in compiled:
        yield f"{page}:{line}: compiles", check_compiled(body)
    yield f"{page} has a fragment that is compiled", "" if compiled else "it does not"


def check_firmware_page():
    """That each block of docs/FIRMWARE.md is compiled, works or has a reason, and that its table of classes has each popcl_class once."""
    page = "docs/FIRMWARE.md"
    for language, body, line, how in blocks(text_of(page)):
        if (language, how) == ("sh", "run"):
            yield f"{page}:{line}: commands", run_in_empty_folder(body)
        elif language in ("c", "sh") and how != "not run" and (language, how) != ("c", "compiled"):
            yield f"{page}:{line}: a block", "no comment says if it is compiled or not run: see tests/readme.py"
    table = text_of(page).partition("| POPCL_CLASS_ |")[2].partition("\n\n")[0]
    shown = sorted(re.findall(r"^\| ([A-Z]+) \|", table, re.M))
    known = sorted(re.findall(r"^    POPCL_CLASS_([A-Z]+)\b", text_of("include/popcl_errors.h"), re.M))
    yield f"{page} has each class of results", "" if shown == known else f"it has {shown}, and popcl_errors.h has {known}"


def check_sessions():
    sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
    import session
    shown = session.shown()
    for comment, made in session.blocks().items():
        yield (f"README.md shows the session after {comment} that tests/interop/session.py makes",
               "" if shown[comment] == made else f"run: make update-readme\nit should be\n{made}")


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


def checks():
    for page in PAGES:
        for language, body, line, how in blocks(text_of(page)):
            if language in ("sh", "bash", "console"):
                yield f"{page}:{line}: {how or 'commands'}", check_shell(body, how)
            elif language == "c" and re.search(r"\bmain\(", body):
                yield f"{page}:{line}: program", check_c(body)
    for page in ("docs/PORTING.md", "docs/FIRMWARE.md"):
        yield from check_page_compiles(page)
    yield from check_firmware_page()
    yield "README.md shows examples/minimal.c", "" if text_of("examples/minimal.c") in text_of("README.md") else "it does not"
    yield from recipes.checks(BUILD)
    yield from check_sessions()
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
