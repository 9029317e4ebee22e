# SPDX-License-Identifier: MIT
"""The same boards on a TAP device, in a network namespace of the test's own: the kernel's TCP sends without the delay that QEMU's user network
has, which is where a board runs out of buffers. Needs root and /dev/net/tun."""
import ctypes
import fcntl
import os
import socket
import struct
import unittest

from case import KB, FirmwareCase, body
from wire import Wire

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, IFF_UP = 0x8914, 0x8916, 0x891C, 0x1
RUNS = 20
LOSSY_SECONDS = 45  # for a run at 5 % loss: the slowest of 148 took 9.8, on two processors with five programs


def why_not():
    """Why there can be no TAP here, or ''."""
    if os.geteuid() != 0:
        return "a network namespace with a TAP device needs root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    return ""


def enter_namespace():
    """This process, and what it starts from now on, has a network of its own, with nothing but loopback; it goes with the last of them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _configure("lo", "127.0.0.1", "255.0.0.0")


def tap(name, address):
    """A file descriptor of a new TAP device with this address (of a /24)."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    _configure(name, address, "255.255.255.0")
    return fd


def _configure(name, address, mask):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, mask)):
            fcntl.ioctl(s, request, struct.pack("16sHH4s8x", name.encode(), socket.AF_INET, 0, socket.inet_aton(value)))
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), IFF_UP))


class TapWire:
    """In a Wire's place: nothing between the board and the kernel."""

    crashed, strays, up_tcp, down_tcp, counts = None, (), b"", b"", {"wants too much": 0}

    def __init__(self, fd):
        self.fds = [fd]

    def options(self):
        return ["-netdev", f"tap,id=n0,fd={self.fds[0]}"]

    def start(self):
        os.close(self.fds[0])

    def end(self):
        pass


class LossyTapWire(Wire):
    """A Wire before a TAP device."""

    def __init__(self, fd, **options):
        super().__init__(**options)
        self.tap = fd
        self.fds = [*self.fds, fd]

    def options(self):
        return super().options(f"tap,id=n0,fd={self.tap}")

    def start(self):
        os.close(self.tap)
        super().start()


@unittest.skipIf(why_not(), why_not())
class Tap:
    """With each port, and the smallest record buffer: every frame of 536 octets or so holds a whole buffer of the pool."""

    dovecot_hosts = ["0.0.0.0"]  # of the namespace
    slow = True
    runs = RUNS

    @classmethod
    def setUpClass(cls):
        enter_namespace()
        super().setUpClass()

    def test_no_run_without_delay_and_with_fragments_of_512_octets_stalls(self):
        expected = self.deliver(body(100 * KB, 1), body(3 * KB, 2))
        for run in range(self.runs):
            with self.board(TapWire(tap("tap0", Wire.HOST)), out=f"out{run}") as board:
                outcome = self.outcome(board)
            self.assertEqual((outcome.errors, self.octets_in(f"out{run}")), ([None], expected), outcome)

    def test_5_percent_lost(self):
        """Without TCP's timestamps some of these runs are idle for a minute and more: the server's wait doubles with every loss."""
        expected = self.deliver(body(30 * KB, 1), body(3 * KB, 2))
        for seed in range(3, 8):
            wire = LossyTapWire(tap("tap0", Wire.HOST), lose=0.05, seed=seed)
            with self.subTest(seed=seed), self.board(wire, out=f"out{seed}") as board:
                outcome = self.outcome(board, dying=1, seconds=LOSSY_SECONDS)  # the last word may be lost
                self.assertGreater(wire.counts["lost"], 2)
                self.assertEqual((outcome.errors, self.octets_in(f"out{seed}")), ([None], expected), outcome)

    def board(self, wire=None, **changes):
        (self.folder / changes.get("out", "out")).mkdir(exist_ok=True)
        return super().board(wire, **changes)

    def octets_in(self, name):
        return [path.read_bytes() for path in sorted((self.folder / name).iterdir())]


class Tap_raw(Tap, FirmwareCase):
    """The main loop."""
    image_name = "raw-512"


class Tap_sockets(Tap, FirmwareCase):
    """The task."""
    image_name = "sockets-512"
    runs = 5
