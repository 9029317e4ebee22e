# SPDX-License-Identifier: MIT
"""The terminal session on the first screen of README.md: each command with its output, as popcl prints it. Throw-away servers on loopback play
pop.example.org: one with POP3S, and one that does not offer STLS. In the output their address and port are replaced, and nothing else. POPCL names
the command (default: build/popcl).

usage: session.py            prints the block
       session.py --write    writes it into README.md, between its two comments
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pki  # noqa: E402
from hostile import Hostile  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
POPCL = os.path.abspath(os.environ.get("POPCL", ROOT / "build" / "popcl"))
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- session -->\n)```\n.*?^```\n(?=<!-- end -->)", re.M | re.S)
HOST, SERVER = "localhost", "pop.example.org"
COMMANDS = [  # a command line, and the exit code that it must have
    (f"popcl {SERVER} -T -n -a auth -o mail", 0),
    (f"popcl {SERVER} -S -n -a auth -o mail", 80),
]
SECONDS = 60


class SessionError(RuntimeError):
    """A command did something else than README.md is to show."""


def _shown(line, code, folder, ports, authority):
    """The command line with its output."""
    shown, port = ports["-T" in line]
    words = shlex.split(line.replace(SERVER, f"{HOST} -p {port}"))[1:]
    env = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(folder / "state"), "SSL_CERT_FILE": str(authority), "SSL_CERT_DIR": ""}
    run = subprocess.run([POPCL, *words], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=SECONDS, check=False)
    if run.returncode != code:
        raise SessionError(f"{line}\nexit code {run.returncode}, and not {code}\n{run.stdout}")
    return f"$ {line}\n" + run.stdout.replace(f"{HOST}:{port}", f"{SERVER}:{shown}")


def block():
    """The block as README.md must have it, with its fences."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-session-"))
    authorities = pki.Pki()
    try:
        root = authorities.root()
        with Hostile(context=root.issue(san=[HOST]).context(), out=folder / "mail") as server, Hostile() as without_stls:
            auth = folder / "auth"
            auth.touch(mode=0o600)
            auth.write_text(f"username = {server.user}\npassword = {server.password}\n", encoding="ascii")
            ports = {True: (995, server.port), False: (110, without_stls.port)}
            text = "".join(_shown(line, code, folder, ports, root.file) for line, code in COMMANDS)
            if server.violations or {"USER", "PASS"} & set(without_stls.verbs()):
                raise SessionError(f"{server.violations}, {without_stls.commands}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        authorities.remove()
    return f"```\n{text}```\n"


def shown():
    """The block that README.md has, or "" without one."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    return found[0] if found else ""


def main(argv):
    if argv not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        new = block()
    except (SessionError, pki.PkiError, OSError, subprocess.TimeoutExpired) as error:
        print(f"session.py: {error}", file=sys.stderr)
        return 1
    if not argv:
        print(new, end="")
        return 0
    if not shown():
        print("session.py: README.md has no block between <!-- session --> and <!-- end -->", file=sys.stderr)
        return 1
    README.write_text(BLOCK.sub(lambda _: new, README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
