# SPDX-License-Identifier: MIT
"""The demonstration behind `make firmware-demo`: an image for a Cortex-M3 with 64 KB of RAM, which trusts a throw-away authority by an anchor that
is compiled in, runs in QEMU, fetches mail over POP3S from a throw-away Dovecot, and prints it on its console. Leaves nothing behind.

Exits with the firmware's exit status: 0 if its poll succeeded. QEMU's user network is the only one; the board finds this machine at 10.0.2.2."""
import shlex
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import firmware_image  # noqa: E402
import images  # noqa: E402
import mailboxes  # noqa: E402
from board import arguments  # noqa: E402
from dovecot import Dovecot, DovecotError  # noqa: E402
from pki import PkiError  # noqa: E402

SHOWN = ("plain text", "dot-stuffed lines", "lone dots")  # of mailboxes.sample()
BOARD_SECONDS = 120  # says only when to give up


def say(text=""):
    print(text, flush=True)


def fetch(image, server, account):
    """The board's life, its console being ours. Returns its exit status."""
    settings = {"host": images.ADDRESS, "port": server.tls_port, "security": "tls", "user": account.name, "pass": account.password, "polls": 1}
    command = [*arguments(image, image.file.parent, settings), "-netdev", "user,id=n0"]
    say(f"$ {shlex.join(command)}\n")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=BOARD_SECONDS, check=False)
    if done.returncode:  # else QEMU has nothing to say but that a timer that is not in use stands still
        say(done.stderr.decode(errors="replace"))
    return done.returncode


def demonstrate():
    say("Building the image: the library, BearSSL, lwIP, a driver, and one trust anchor.")
    with images.Workshop(["raw"]):
        image = images.image("raw")
        subprocess.run(["arm-none-eabi-size", image.file], check=False)
        with Dovecot(certificate=images.certificate("server")) as server:
            account = server.account()
            account.deliver([message for what, message in mailboxes.sample() if what in SHOWN])
            say(f"\nA throw-away Dovecot listens on 127.0.0.1, port {server.tls_port} (POP3S), with {len(account)} messages.")
            status = fetch(image, server, account)
    say(f"\nThe firmware's exit status is {status}. Dovecot is stopped, and mailbox and certificates are removed; the image stays in build/firmware.")
    return status


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return demonstrate()
    except (firmware_image.image.Missing, DovecotError, PkiError, OSError, subprocess.SubprocessError) as error:
        print(f"firmware-demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
