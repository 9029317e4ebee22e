# SPDX-License-Identifier: MIT
"""What the tests of firmware share: a board with a wire and a folder, and what must hold at the end of every run, whatever the run was for."""
import base64
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import images  # noqa: E402
import mailboxes  # noqa: E402
from board import RUN_SECONDS, Board  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from wire import Wire  # noqa: E402

# Octets of painted stack, TLS with `public` in it. An M0+ saves more registers, and a task's stack holds all of them while it waits.
# A signature on trust that comes by mail is checked below the session that brings it.
STACK_MAX = {"sockets-m0": 5248, "trust": 5248}
STACK_MAX_ELSE = 5120
EVERY_MS = 300    # base interval between polls, where a test does not wait for what grows from it
LEASE_OCTETS = 80  # that DHCP keeps in lwIP's heap while there is an address
KB = 1024
PAUSES = 10_000
PATIENT_MS = 8000  # the limit of a board whose server falls silent: a whole handshake has to fit, on a machine that does other work too
HURRY = 20  # times as fast as it should a board's clock runs, where a test would take minutes


def body(length, number=1):
    """A message of exactly so many octets, which are stored as they are sent. Its lines but the first begin with a dot: Dovecot 2.3 forgets to
    stuff that of a message that begins with one."""
    line = b".%d and some text that fills a line of a message up to its end\r\n" % number
    octets = (b"x" + line * (length // len(line) + 1))[:length]
    return octets[:-2] + b"\r\n" if length > 2 else octets


class FirmwareCase(unittest.TestCase):
    """`image_name`: of images.IMAGES. `certificate_name`: of the certificates there, Dovecot's. A test says `with self.board(...) as board` and ends with self.outcome(board)."""

    image_name = "raw"
    certificate_name = "server"
    dovecot_more = ""
    dovecot_hosts = None
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.image = images.image(cls.image_name)
        cls.dovecot = Dovecot(certificate=images.certificate(cls.certificate_name), more=cls.dovecot_more, hosts=cls.dovecot_hosts)
        cls.dovecot.__enter__()
        cls.addClassCleanup(cls.dovecot.stop)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fwrun"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.account = self.dovecot.account()
        self.secrets = [self.account.name, self.account.password]

    def settings(self, **changes):
        """Those of a good fetch over POP3S with a static address, in a form that `changes` changes; None takes a setting away."""
        given = {"host": Wire.HOST, "port": self.dovecot.tls_port, "security": "tls", "user": self.account.name, "pass": self.account.password,
                 "ip": f"{Wire.BOARD}/24", "gw": Wire.HOST, "dns": Wire.RESOLVER, "polls": 1, "every": EVERY_MS, "out": "out"}
        given.update({name.rstrip("_"): value for name, value in changes.items()})
        return {name: value for name, value in given.items() if value is not None}

    def board(self, wire=None, image=None, qemu=(), **changes):
        (self.folder / "out").mkdir(exist_ok=True)
        return Board(image or self.image, self.settings(**changes), self.folder, wire or Wire(), qemu)

    def files(self):
        """What the board stored, in order: {"1-1.eml": octets}."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / "out").glob("*"))}

    def stored(self, poll=1):
        """The messages of one poll, in order of their numbers."""
        names = sorted((int(name.split("-")[1].split(".")[0]), name) for name in self.files() if name.startswith(f"{poll}-"))
        return [(self.folder / "out" / name).read_bytes() for _, name in names]

    def deliver(self, *messages):
        self.account.deliver(messages)
        return [mailboxes.delivered(message) for message in messages]

    def outcome(self, board, status=0, dying=0, seconds=RUN_SECONDS):
        """The end of a run, judged: its exit status, and all that must hold after every run. `dying`: connections that may not be over yet. [I-1]"""
        outcome = board.finish(seconds)
        self.assertEqual(outcome.status, status, f"{outcome}\n{len(board.wire.down_tcp)} octets of TCP came down\n"
                         f"of Dovecot's log:\n{self.dovecot.log()[-2000:]}")
        self.assertEqual(outcome.guest_errors, "", outcome)
        self.assert_nothing_left(board, outcome, dying)
        self.assert_wire_clean(board.wire, outcome)
        self.assertNotIn(self.account.password, str(outcome))
        return outcome

    def assert_nothing_left(self, board, outcome, dying):
        """No pool and no pcb is in use, and the stack stayed within its bound."""
        self.assertTrue(outcome.end, f"no last line\n{outcome}")
        self.assertLessEqual(outcome.end["stack"][0], STACK_MAX.get(board.image.name, STACK_MAX_ELSE), outcome)
        self.assertEqual(outcome.end["pbufs"][-1], 0, outcome)
        self.assertLessEqual(outcome.end["pcbs"][0], dying, outcome)
        if not dying:
            self.assertLessEqual(outcome.end["heap"][-1], LEASE_OCTETS if "ip" not in board.settings else 0, outcome)

    def assert_wire_clean(self, wire, outcome):
        """No credential in clear, nothing to anybody but our own machine, and TLS alone where it was asked for. No wish for packets that Ethernet
        does not carry."""
        self.assertIsNone(wire.crashed, outcome)
        self.assertEqual(wire.counts["wants too much"], 0, outcome)
        self.assertEqual([frame.hex() for frame in wire.strays], [], outcome)
        for secret in self.secrets:
            for form in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")):
                self.assertNotIn(form, bytes(wire.up_tcp), f"in clear on the wire\n{outcome}")
                self.assertNotIn(form, bytes(wire.down_tcp), f"in clear on the wire\n{outcome}")
