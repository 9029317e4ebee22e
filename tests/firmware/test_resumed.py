"""TLS sessions that are resumed: across polls, across a reset, and never where anything is different from what the session was made under."""
import time

import images
from case import FirmwareCase, body
from wire import Wire

# Dovecot remembers sessions while one login process serves all.
REMEMBERS = "service pop3-login {\n  service_count = 0\n  process_min_avail = 1\n  process_limit = 1\n}\n"
POLLS = 300
INTERRUPT_OCTETS = 64


def offered_sessions(octets):
    """The length of the session id in each ClientHello that these octets of TLS begin with (RFC 5246, 7.4.1.2); one connection or several."""
    lengths, at = [], 0
    while (at := octets.find(b"\x16\x03", at)) >= 0:
        if octets[at + 5:at + 6] == b"\x01" and len(octets) > at + 43:
            lengths.append(octets[at + 43])
        at += 5 + int.from_bytes(octets[at + 3:at + 5], "big")
    return lengths


class Resumed(FirmwareCase):
    """One image with RESUME=1."""

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

    def test_across_polls_and_a_reset(self):
        self.deliver(body(300))
        self.assertEqual(self.resumed(polls=3), [False, True, True])
        self.assertEqual(self.resumed(polls=2), [True, True])

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
