# SPDX-License-Identifier: MIT
"""The demonstration behind `make demo`: a throw-away Dovecot on loopback with a sample mailbox and a certificate of a throw-away authority, popcl
run against it as a user would, over POP3S and STLS, and a table of what arrived. Leaves nothing behind. POPCL names the command (default:
build/popcl).

Exits 0 only if what arrived is, octet for octet, what was in the mailbox."""
import collections
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mailboxes  # noqa: E402
import oracle  # noqa: E402
import pki  # noqa: E402
from dovecot import Dovecot, DovecotError  # noqa: E402

POPCL = os.path.abspath(os.environ.get("POPCL", pathlib.Path(__file__).resolve().parents[2] / "build" / "popcl"))
WIDTH = 78


class Failed(Exception):
    """Something is not as it should be; the text says what."""


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"\n== {text}")


def show(folder, port, *options, ca="ca.pem", out="out", code=0):
    """Runs popcl where a reader can see it: the command line, and what it says. It has to end with this exit code."""
    arguments = ["localhost", "-p", str(port), *options, "-c", ca, "-a", "auth", "-o", out]
    say(f"$ build/popcl {shlex.join(arguments)}")
    run = subprocess.run([POPCL, *arguments], cwd=folder, env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                         check=False)
    say(run.stdout.rstrip("\n"))
    if run.returncode != code:
        raise Failed(f"popcl ended with exit code {run.returncode}")


def table(out):
    """One line a file, in the order of arrival."""
    files = sorted(out.iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))
    name_width = min(40, max(len(path.name) for path in files))
    say(f"{'file in out/':{name_width}}  {'octets':>9}  subject")
    for path in files:
        octets = path.read_bytes()
        name = path.name if len(path.name) <= name_width else path.name[:name_width - 3] + "..."
        say(f"{name:{name_width}}  {len(octets):>9,}  {mailboxes.subject(octets) or '(none)'}"[:WIDTH])
    say(f"{len(files)} files, {sum(path.stat().st_size for path in files):,} octets")


def compare(out, messages):
    """Every message once, every octet right; a bare socket that reads the same mailbox is the measure."""
    arrived = collections.Counter(path.read_bytes() for path in out.iterdir())
    if arrived != collections.Counter(messages):
        raise Failed("what arrived is not what the server has")
    say(f"All {len(messages)} compared with what the server sends on a bare socket: equal, octet for octet.")


def make_certificates(folder, authorities):
    """ca.pem and other.pem for a reader to see; returns the server's certificate, which the first of them vouches for."""
    root, other = authorities.root("Throw-away CA"), authorities.root("Another CA")
    shutil.copy(root.file, folder / "ca.pem")
    shutil.copy(other.file, folder / "other.pem")
    return root.issue("mail", san=["localhost"])


def demonstrate(folder, certificate):
    with Dovecot(certificate=certificate) as server:
        account = server.account()
        account.deliver(mailboxes.sample_messages())
        messages = oracle.fetch_all(server.port, account)
        auth = folder / "auth"
        auth.touch(mode=0o600)
        auth.write_text(f"username = {account.name}\npassword = {account.password}\n", encoding="ascii")
        say(f"A throw-away Dovecot listens on localhost, port {server.tls_port} (POP3S) and {server.port} (STLS); its certificate is by a")
        say(f"throw-away CA, ca.pem. Its mailbox holds {len(account)} messages: text, HTML, attachments, lone dots, NUL octets,")
        say("a line of 1 MB, an empty message, ...")
        step("Fetch all over POP3S, the server's certificate checked")
        show(folder, server.tls_port, "-T")
        step("What arrived")
        table(folder / "out")
        compare(folder / "out", messages)
        step("The same over STLS: TLS begins inside the session, before login")
        show(folder, server.port, "-S", out="out2")
        compare(folder / "out2", messages)
        step("Where another CA is trusted, the server is refused before it gets user name or password")
        show(folder, server.tls_port, "-T", ca="other.pem", out="out3", code=79)
        if any((folder / "out3").iterdir()):
            raise Failed("a server that is not trusted gave messages")
        step("Only what is new: nothing, and no message is downloaded to find out")
        show(folder, server.tls_port, "-T", "-n")
        step("One more message comes; fetch what is new, and delete that on the server")
        account.deliver([mailboxes.mail(99, "Fresh from the sea", "Just in.\n")])
        show(folder, server.tls_port, "-T", "-n", "-d")
        left = oracle.count(server.port, account)
        say(f"On the server: {left} messages, as before.")
        if left != len(messages):
            raise Failed("the server has another number of messages than it should")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-demo-"))
    authorities = pki.Pki()
    try:
        demonstrate(folder, make_certificates(folder, authorities))
    except (Failed, DovecotError, pki.PkiError, oracle.OracleError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        authorities.remove()
    say("\nDovecot is stopped, and all that was made is removed: mailbox, certificates, auth file, out/, state.")
    say("Your own mail:  write `auth` (username = ..., password = ..., mode 600), then")
    say("                make run SERVER=pop.example.org ARGS=-T")
    return 0


if __name__ == "__main__":
    sys.exit(main())
