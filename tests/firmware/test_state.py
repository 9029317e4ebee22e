# SPDX-License-Identifier: MIT
"""What survives a reset: the set of fetched messages in two flash slots, which are a file here. A reset is the end of one QEMU and the start of
another on the same file; wherever the power was cut, no mail is lost, and what is damaged is said and counts as none."""
import random
import time

from case import KB, FirmwareCase, body
from relay import Relay

DAMAGED = "state: damaged, counts as none"


class State(FirmwareCase):
    """-n over resets."""

    def setUp(self):
        super().setUp()
        self.state = self.folder / "flash"
        self.run_number = 0

    def settings(self, **changes):
        return super().settings(**{"state": "flash", "new": 1, **changes})

    def a_run(self, status=0, **changes):
        """A run to its end, with an `out` of its own; returns the outcome and what it stored, in order."""
        out = self.new_out()
        with self.board(out=out.name, **changes) as board:
            outcome = self.outcome(board, status)
        return outcome, self.octets_in(out)

    def new_out(self):
        self.run_number += 1
        out = self.folder / f"out{self.run_number}"
        out.mkdir()
        return out

    @staticmethod
    def octets_in(out):
        return [path.read_bytes() for path in sorted(out.iterdir())]

    def test_only_what_is_new_after_a_reset(self):
        expected = self.deliver(body(300, 1), body(300, 2), body(300, 3))
        self.assertEqual(self.a_run()[1], expected)
        outcome, stored = self.a_run()
        self.assertEqual((outcome.polls[0].messages, stored), (0, []), outcome)
        late = self.deliver(body(300, 4))
        outcome, stored = self.a_run()
        self.assertEqual(stored, late, outcome)
        self.assertFalse([line for line in outcome.lines if "damaged" in line], outcome)

    def test_new_mail_in_a_later_poll_of_one_run(self):
        self.deliver(body(300, 1))
        with self.board(polls=3, every=400) as board:
            board.wait_for("poll 1: ok, 1 message")
            late = self.deliver(body(300, 2))
            outcome = self.outcome(board)
        self.assertEqual(sum(poll.messages for poll in outcome.polls), 2, outcome)
        self.assertIn(late[0], self.files().values())

    def test_power_cut_inside_a_fetch(self):
        """Each message is whole in the first run's files or comes again in the second's; what the board remembers is whole."""
        for place in (3_000, 14_000, 26_000, 40_000, 52_000):
            with self.subTest(octets_before_the_cut=place):
                self.account, self.state = self.dovecot.account(), self.folder / f"flash{place}"
                expected = self.deliver(*(body(10 * KB, n) for n in range(1, 6)))
                first = self.new_out()
                with Relay(self.dovecot.tls_port) as relay:
                    with self.board(port=relay.port, state=self.state.name, out=first.name) as board:
                        relay.after(place, board.kill)
                        board.wait_for_end()
                before = self.octets_in(first)
                outcome, after = self.a_run(state=self.state.name)
                self.assertFalse([octets for octets in expected if octets not in before and octets not in after], outcome)
                self.assertNotIn(DAMAGED, outcome.lines)
                _, again = self.a_run(state=self.state.name)
                self.assertEqual(again, [])

    def test_power_cut_inside_a_write_of_the_state(self):
        """The cut comes as soon as the file has changed, a little later each time."""
        chance = random.Random(1)
        expected, arrived = [], []
        for number in range(8):
            expected += self.deliver(body(300, number + 1))
            out, before = self.new_out(), self.state_octets()
            with self.board(out=out.name, polls=100, every=20) as board:
                give_up = time.monotonic() + 60
                while self.state_octets() == before and time.monotonic() < give_up:
                    pass
                time.sleep(chance.random() * 0.004)
                board.kill()
            arrived += self.octets_in(out)
        outcome, last = self.a_run()
        self.assertFalse([octets for octets in expected if octets not in arrived + last], outcome)
        self.assertNotIn(DAMAGED, outcome.lines)

    def state_octets(self):
        return self.state.read_bytes() if self.state.exists() else b""

    def test_a_write_that_stopped_anywhere(self):
        """Of the octets that a run changed in the state only the first k got there: what is old counts, or what is new, and nothing else."""
        old_mail = self.deliver(body(300, 1), body(300, 2))
        self.a_run()
        old = self.state_octets()
        new_mail = self.deliver(body(300, 3))
        self.a_run()
        new = self.state_octets()
        self.assertEqual(len(old), len(new))
        changed = [at for at in range(len(new)) if old[at] != new[at]]
        self.assertTrue(changed)
        for k in sorted({0, 1, len(changed) // 3, len(changed) // 2, len(changed) - 1, len(changed)}):
            with self.subTest(octets_written=k):
                torn = bytearray(old)
                for at in changed[:k]:
                    torn[at] = new[at]
                self.state.write_bytes(torn)
                outcome, stored = self.a_run()
                self.assertIn(stored, ([], new_mail), outcome)
                self.assertNotIn(old_mail[0], stored)

    def test_damaged_state_is_said_and_counts_as_none(self):
        expected = self.deliver(body(300, 1), body(300, 2))
        self.a_run()
        good = self.state_octets()
        # Both slots: erased flash is no damage, but every other octet that nobody wrote is.
        damages = {"every octet": bytes(octet ^ 0x55 for octet in good), "a bit in each": self.a_bit_in_each_slot(good)}
        for what, octets in damages.items():
            with self.subTest(what):
                self.state.write_bytes(octets)
                outcome, stored = self.a_run()
                self.assertIn(DAMAGED, outcome.lines, outcome)
                self.assertEqual(stored, expected, outcome)
                outcome, stored = self.a_run()
                self.assertNotIn(DAMAGED, outcome.lines, outcome)
                self.assertEqual(stored, [])

    @staticmethod
    def a_bit_in_each_slot(octets):
        """The state with a bit changed in the middle of what is written in each half."""
        damaged, half = bytearray(octets), len(octets) // 2
        for start in (0, half):
            written = [at for at in range(start, start + half) if octets[at] != 0xff]
            if written:
                damaged[written[len(written) // 2]] ^= 1
        return bytes(damaged)

    def test_a_flash_that_cannot_be_written_is_not_tried_at_each_message(self):
        expected = self.deliver(*(body(300, number) for number in range(40)))
        outcome, stored = self.a_run(state="nowhere/flash")
        self.assertEqual(sorted(stored), sorted(expected))
        self.assertEqual(outcome.lines.count("state: not written"), 3, outcome)  # after 16 and 32, and at the end

    def test_erased_flash_is_no_damage(self):
        expected = self.deliver(body(300, 1))
        self.a_run()
        self.state.write_bytes(b"\xff" * len(self.state_octets()))
        outcome, stored = self.a_run()
        self.assertNotIn(DAMAGED, outcome.lines)
        self.assertEqual(stored, expected)
