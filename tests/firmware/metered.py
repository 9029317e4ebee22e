# SPDX-License-Identifier: MIT
"""Runs a firmware image in QEMU against a server in this process, with the plugin that counts (meter.c), and adds up what it says, by poll and
phase. Instructions of idle turns, in which the main loop takes no frame and moves no octet, are left out: how many there are depends on how
long the server takes, and a device sleeps in them."""
import os
import pathlib
import subprocess
import sys

import firmware_image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
import image  # noqa: E402
import pki  # noqa: E402
from hostile import Hostile  # noqa: E402

PHASES = ["boot", "address", "idle", "connect", "handshake", "session", "body", "state"]  # examples/firmware/startup.h
MODULES = 16  # of meter.c
NAME, USER, PASSWORD = "mail.example.org", "user", "a-secret-password"
BODY = 1280 * 78  # octets of the message: whole lines
SECONDS = 300     # says only when to give up
QEMU = ["qemu-system-arm", "-M", "lm3s6965evb", "-nographic", "-serial", "null", "-monitor", "none", "-icount", "shift=4",
        "-nic", "user,id=n0,model=stellaris", "-object", "filter-dump,id=dump,netdev=n0,file=frames,maxlen=96"]


class Certificates:
    """A root of P-256, and a server's certificate right under it."""

    def __init__(self, popcl_ta, folder):
        self.pki = pki.Pki()
        root = self.pki.root(key="P-256")
        self.server = root.issue("mail", san=[NAME], key="P-256")
        self.anchors = folder / "anchors.c"
        subprocess.run([popcl_ta, "gen", "-q", "-o", self.anchors, root.file], check=True)

    def context(self, ciphers):
        context = self.server.context()
        context.options &= ~0x00400000  # OP_CIPHER_SERVER_PREFERENCE, which Python sets: Dovecot takes what the client likes best
        context.set_ciphers(ciphers)
        return context


class Phase:
    """The sum of all times that a phase was entered in one poll."""

    def __init__(self):
        self.stack, self.instructions = 0, [0] * MODULES

    def add(self, stack, counts):
        self.stack = max(self.stack, stack)
        self.instructions = [so_far + number - idle for so_far, number, idle in zip(self.instructions, counts[::2], counts[1::2])]

    def total(self):
        return sum(self.instructions)


def polls_of(path):
    """[{phase: Phase}]: what comes before the first poll, and then each poll."""
    result = [{}]
    for line in path.read_text(encoding="ascii").splitlines():
        number, stack, _, _, *counts = map(int, line.split())
        if PHASES[number] == "connect":
            result.append({})
        result[-1].setdefault(PHASES[number], Phase()).add(stack, counts)
    return result


def plugin():
    out = firmware_image.FOLDER / "meter.so"
    flags = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -O2 -fPIC -shared -fvisibility=hidden".split()
    image.run([os.environ.get("CC", "gcc"), *flags, str(HERE / "meter.c"), "-o", str(out)])
    return out.resolve()


def describe(made, path):
    """What the plugin has to know of an image."""
    symbols = made.symbols()
    lines = [f"range {start:x} {start + octets:x} {firmware_image.MODULES.index(module)}" for start, octets, module in made.code()]
    lines += [f"stack {symbols['stack_low']:x} {symbols['stack_top']:x}", f"phases {symbols['phases_reached']:x} {len(PHASES)}"]
    if "sys_check_timeouts" in symbols:  # with -flto no function is whole any more, and no turn counts as idle
        lines.append(f"turn {symbols['sys_check_timeouts']:x}")
        lines += [f"work {symbols[name]:x}" for name in ("eth_poll", "popcl_recv_ack", "popcl_send_ack", "popcl_fetch_start")]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def message(octets=BODY):
    """A message of so many octets, in lines of 78."""
    lines = (bytes(97 + (line + column) % 26 for column in range(76)) + b"\r\n" for line in range(octets // 78 + 1))
    return b"".join(lines)[:octets - 2] + b"\r\n"


def boot(made, folder, meter, port, settings):
    """Runs the image to its end against a server at this port, in this new folder. Returns what the firmware said, or raises CalledProcessError."""
    folder.mkdir()
    describe(made, folder / "image")
    words = ["host=10.0.2.2", f"port={port}", f"user={USER}", f"pass={PASSWORD}", f"name={NAME}", "every=100", "new=1", "state=state", "out=.", *settings]
    command = [*QEMU, "-kernel", str(pathlib.Path(made.path).resolve()), "-plugin", f"file={meter},image=image,out=phases",
               "-semihosting-config", "enable=on,target=native," + ",".join(f"arg={word}" for word in ["popcl", *words])]
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise image.Missing("qemu-system-arm is not installed: make deps") from None
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout


def run(made, folder, meter, context, more=()):
    """Three polls: the first fetches the message, the others find nothing new, and behind the second a session is written that it resumed. Returns
    (polls, what the firmware said)."""
    with Hostile(messages=[message()], context=context, user=USER, password=PASSWORD) as server:
        said = boot(made, folder, meter, server.port, ["security=tls", "polls=3", *more])
    fetched = folder / "1-1.eml"
    if not fetched.exists() or fetched.read_bytes() != message():
        raise subprocess.CalledProcessError(0, "the firmware", said + "the message did not come whole\n")
    return polls_of(folder / "phases"), said
