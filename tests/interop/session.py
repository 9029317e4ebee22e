# SPDX-License-Identifier: MIT
"""The terminal sessions in README.md, that of the first screen and the typical errors: each command with its output, as popcl prints it. Throw-away
Dovecots on loopback play the servers of the command lines: one with POP3S, one without TLS, and one whose certificate is self-signed. In the output
their address and port are replaced, and nothing else. POPCL names the command (default: build/popcl).

usage: session.py            prints the blocks
       session.py --write    writes each into README.md, between its two comments
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
from dovecot import Dovecot, DovecotError  # noqa: E402
from relay import Relay  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
POPCL = os.path.abspath(os.environ.get("POPCL", ROOT / "build" / "popcl"))
README = ROOT / "README.md"
HOST, SERVER, OWN, ACCOUNT = "localhost", "pop.example.org", "nas.example.org", ("you", "secret")
SESSIONS = {  # the comment before a block, and its commands: the server that plays, the line, the exit code that it must have
    "<!-- session -->": [
        ("tls", f"popcl {SERVER} -T -n -a auth -o mail", 0),
        ("clear", f"popcl {SERVER} -S -n -a auth -o mail", 80),
    ],
    "<!-- session: errors -->": [
        ("tls", f"popcl {SERVER} -T -n -a mistyped -o mail", 77),
        ("own", f"popcl {OWN} -T -n -a auth -o mail", 79),
        ("clear", f"popcl {SERVER} -p 110 -T -n -a auth -o mail", 80),
    ],
}
SECONDS = 60


class SessionError(RuntimeError):
    """A command did something else than README.md is to show."""


def _pattern(comment):
    return re.compile(rf"(?<={re.escape(comment)}\n)```\n.*?^```\n(?=<!-- end -->)", re.M | re.S)


def _shown(line, code, port, folder, authority):
    """The command line with its output. The port of the line, or the one that popcl takes by itself, is what the output shows."""
    plain, _, given = line.partition(" -p 110")
    server, shown = line.split()[1], 995 if "-T" in line and not given else 110
    words = shlex.split((plain + given).replace(server, f"{HOST} -p {port}"))[1:]
    env = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(folder / "state"), "SSL_CERT_FILE": str(authority), "SSL_CERT_DIR": ""}
    run = subprocess.run([POPCL, *words], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=SECONDS, check=False)
    if run.returncode != code:
        raise SessionError(f"{line}\nexit code {run.returncode}, and not {code}\n{run.stdout}")
    return f"$ {line}\n" + run.stdout.replace(f"{HOST}:{port}", f"{server}:{shown}")


def _secret(file, name, password):
    file.touch(mode=0o600)
    file.write_text(f"username = {name}\npassword = {password}\n", encoding="ascii")


def blocks():
    """The blocks as README.md must have them, with their fences: {comment: block}. No login may reach the server without TLS."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-session-"))
    authorities, named = pki.Pki(), dict([ACCOUNT])
    try:
        root, own = authorities.root(), authorities.make(OWN, None, san=[HOST])
        with Dovecot(named, certificate=root.issue(san=[HOST])) as tls, Dovecot(named, certificate=own) as alone, \
                Dovecot(named) as clear, Relay(clear.port) as seen:
            tls.account(ACCOUNT[0]).deliver(b"Subject: message %d\n\nhello\n" % n for n in range(3))
            _secret(folder / "auth", *ACCOUNT)
            _secret(folder / "mistyped", ACCOUNT[0], "sceret")
            ports = {"tls": tls.tls_port, "own": alone.tls_port, "clear": seen.port}
            made = {comment: "".join(_shown(line, code, ports[name], folder, root.file) for name, line, code in commands)
                    for comment, commands in SESSIONS.items()}
            if any(re.match("USER|PASS|AUTH|APOP", command) for command in seen.commands) or "STLS" not in seen.commands:
                raise SessionError(f"the server without TLS got {seen.commands}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        authorities.remove()
    return {comment: f"```\n{text}```\n" for comment, text in made.items()}


def shown():
    """The blocks that README.md has: {comment: block}, "" for one that it lacks."""
    text = README.read_text(encoding="utf-8")
    return {comment: found[0] if (found := _pattern(comment).search(text)) else "" for comment in SESSIONS}


def main(argv):
    if argv not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        new = blocks()
    except (SessionError, DovecotError, pki.PkiError, OSError, subprocess.TimeoutExpired) as error:
        print(f"session.py: {error}", file=sys.stderr)
        return 1
    if not argv:
        print("\n".join(new.values()), end="")
        return 0
    missing = [comment for comment, block in shown().items() if not block]
    if missing:
        print(f"session.py: README.md has no block between {missing[0]} and <!-- end -->", file=sys.stderr)
        return 1
    text = README.read_text(encoding="utf-8")
    for comment, block in new.items():
        text = _pattern(comment).sub(lambda _, block=block: block, text)
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
