# SPDX-License-Identifier: MIT
"""TLS sessions that are resumed: across polls, across a reset, and never where anything is different from what the session was made under."""
import itertools
import json
import socket
import time

import images
from case import KB, FirmwareCase, body
from dovecot import Dovecot
from relay import Relay
from wire import Wire

# Dovecot remembers sessions while one login process serves all.
REMEMBERS = "service pop3-login {\n  service_count = 0\n  process_min_avail = 1\n  process_limit = 1\n}\n"
POLLS = 300
INTERRUPT_OCTETS = 64


def offered_sessions(octets):
    """The length of the session id in each ClientHello that these octets of TLS begin with (RFC 5246, 7.4.1.2); one connection or several.

    An encrypted Finished has the same record type, and any first octet. So the length inside the message must agree with the record's."""
    lengths, at = [], 0
    while (at := octets.find(b"\x16\x03", at)) >= 0:
        record = int.from_bytes(octets[at + 3:at + 5], "big")
        if octets[at + 5:at + 9] == b"\x01" + (record - 4).to_bytes(3, "big", signed=True) and len(octets) > at + 43:
            lengths.append(octets[at + 43])
        at += 5 + record
    return lengths


class ResumeCase(FirmwareCase):
    """One image with RESUME=1, and a Dovecot that remembers."""

    image_name = "resume"
    dovecot_more = REMEMBERS

    def settings(self, **changes):
        return super().settings(**{"resume": 1, "state": "flash", **changes})

    def resumed(self, image=None, **changes):
        """Whether each poll of a run was resumed."""
        with self.board(image=image, **changes) as board:
            outcome = self.outcome(board)
        self.assertEqual(set(outcome.errors), {None}, outcome)
        return [poll.resumed for poll in outcome.polls]


class AcrossPolls:
    """What every image can that keeps sessions."""

    def test_across_polls_and_a_reset(self):
        self.deliver(body(300))
        self.assertEqual(self.resumed(polls=3), [False, True, True])
        self.assertEqual(self.resumed(polls=2), [True, True])


class ResumedByTasks(AcrossPolls, ResumeCase):
    """The task image."""

    image_name = "resume-sockets"


class Resumed(AcrossPolls, ResumeCase):
    """When they are, and when not."""

    def test_without_the_setting_nothing_is_kept(self):
        self.assertEqual(self.resumed(polls=2, resume=None), [False, False])
        self.assertEqual(self.resumed(), [False])

    def test_not_where_anything_is_different(self):
        """[D47]"""
        other = self.dovecot.account()
        self.secrets += [other.name, other.password]
        changes = {
            "user": {"user": other.name, "pass_": other.password},
            "host": {"host": images.NAME},
            "certificate's name": {"name": images.NAME},
            "port": {"port": self.dovecot.port, "security": "stls"},
            "anchors": {"image": images.image("resume-both")},
            "clock unknown": {"utc": "unknown"},
            "a day later": {"utc": int(time.time()) + 25 * 3600},
        }
        for what, change in changes.items():
            with self.subTest(what):
                self.assertEqual(self.resumed(polls=2), [False, True])
                change = dict(change)
                with self.board(wire=self.named_wire(), image=change.pop("image", None), **change) as board:
                    outcome = self.outcome(board, status=1 if what == "clock unknown" else 0)
                self.assertNotIn(True, [poll.resumed for poll in outcome.polls], outcome)
                self.assertFalse([length for length in offered_sessions(bytes(board.wire.up_tcp)) if length], outcome)
                (self.folder / "flash").unlink()

    @staticmethod
    def named_wire():
        return Wire(names={images.NAME: [Wire.HOST]})

    def test_damaged_state(self):
        self.assertEqual(self.resumed(polls=2), [False, True])
        flash = self.folder / "flash"
        flash.write_bytes(bytes(octet ^ 0x55 for octet in flash.read_bytes()))
        self.assertEqual(self.resumed(polls=2), [False, True])


class Kept(ResumeCase):
    """Where the session's key is, and where it is not."""

    KEY = slice(90, 138)  # in what popcl_resume_save writes
    RAM, RAM_OCTETS = 0x20000000, 64 * KB

    def key_in_flash(self):
        flash = (self.folder / "flash").read_bytes()
        forms = {flash[at:at + 234][self.KEY] for at in range(len(flash)) if flash.startswith(b"PRS1", at)}
        self.assertEqual(len(forms), 1)
        return forms.pop()

    def ram(self, monitor):
        """The board's, as a debugger would see it now."""
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(str(monitor))
            with qmp.makefile("rw") as talk:
                for command in ({"execute": "qmp_capabilities"},
                                {"execute": "pmemsave", "arguments": {"val": self.RAM, "size": self.RAM_OCTETS, "filename": "ram"}}):
                    talk.write(json.dumps(command) + "\n")
                    talk.flush()
                    while "return" not in (answer := json.loads(talk.readline())):
                        self.assertNotIn("error", answer)
        return (self.folder / "ram").read_bytes()

    def test_the_key_is_in_one_place(self):
        """[I9] Between two polls only the session has it: no copy of what goes to the flash is left on the stack."""
        monitor = self.folder / "monitor"
        with self.board(polls=3, every=3_000, qemu=("-qmp", f"unix:{monitor},server=on,wait=off")) as board:
            rams = []
            for poll in (1, 2):  # a new session; one that was resumed, and is written
                board.wait_for(f"poll {poll}: ok")
                rams.append(self.ram(monitor))
        key = self.key_in_flash()
        for ram in rams:
            self.assertEqual([ram.count(key[at:at + 8]) for at in range(0, len(key), 8)], [1] * 6)


class Balancer(Relay):
    """The n-th connection goes to the n-th of these ports, and so on from the first."""

    def __init__(self, ports):
        self._ports = itertools.cycle(ports)
        super().__init__(None)

    @property
    def _target(self):
        return "127.0.0.1", next(self._ports)

    @_target.setter
    def _target(self, _):
        pass


class Forgotten(ResumeCase):
    """A Dovecot as it is installed: each connection has a process of its own, which takes its sessions along."""

    dovecot_more = ""

    def flash_after(self, polls, resumed, **changes):
        """What a new flash holds after a run."""
        (self.folder / "flash").unlink(missing_ok=True)
        self.assertEqual(self.resumed(polls=polls, every=20, **changes), resumed)
        return (self.folder / "flash").read_bytes()

    def test_what_the_server_does_not_resume_wears_no_flash(self):
        few, many = (self.flash_after(polls, [False] * polls) for polls in (2, 6))
        self.assertNotIn(b"PRS1", few)
        self.assertEqual(self.writes(few), self.writes(many))

    def test_nor_do_two_servers_that_take_turns(self):
        user, password, writes = "harbour-master", "the-tide-table", []
        servers = [Dovecot({user: password}, REMEMBERS, images.certificate("server")) for _ in range(2)]
        self.secrets += [user, password]
        with servers[0], servers[1]:
            for server in servers:
                server.account(user)
            for rounds in (1, 3):
                with Balancer([server.tls_port for server in servers for _ in range(2)]) as relay:
                    flash = self.flash_after(4 * rounds, [False, True] * 2 * rounds, port=relay.port, user=user, pass_=password)
                writes.append(self.writes(flash))
        self.assertEqual(writes[0], writes[1])

    @staticmethod
    def writes(flash):
        """How often it was written: the number in front of a slot counts."""
        return max(int.from_bytes(flash[at:at + 4], "little") for at in (0, len(flash) // 2))


class Long(FirmwareCase):
    """Hundreds of polls in a row."""

    image_name = "resume"
    dovecot_more = REMEMBERS
    slow = True

    def test_300_resumed_polls_without_growth(self):
        """Stack and pools are after 300 polls where they were after 10, and all but the first poll are resumed. How deep the stack was at most
        depends on where an interrupt came, too."""
        self.deliver(body(300))
        ends = []
        for polls in (10, POLLS):
            with self.board(resume=1, polls=polls, every=1, out=None) as board:
                outcome = self.outcome(board)
            self.assertEqual([(poll.error, poll.messages, poll.resumed) for poll in outcome.polls],
                             [(None, 1, number > 0) for number in range(polls)], outcome)
            ends.append(outcome.end)
        few, many = ends
        self.assertEqual([many[name][-1] for name in ("pbufs", "heap", "pcbs")], [few[name][-1] for name in ("pbufs", "heap", "pcbs")])
        self.assertLessEqual(many["pbufs"][0], few["pbufs"][0])
        self.assertLessEqual(many["stack"][0], few["stack"][0] + INTERRUPT_OCTETS)
