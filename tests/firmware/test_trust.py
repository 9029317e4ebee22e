# SPDX-License-Identifier: MIT
"""Trust that is renewed in the field: a device that trusts one authority gets a signed set with its mail, and trusts the next authority from then
on. Whatever is cut off, replayed, forged or damaged, it trusts the old set or the new one, and nothing else.

The generations are like those of Let's Encrypt: X1, which the image knows, is followed by Y, whose certificates come from an intermediate."""
import email.message
import email.policy
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import time
import unittest

import images
from case import FirmwareCase, body

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import blobs  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from wire import Wire, as_reset  # noqa: E402

SLOT = 65536
UNTRUSTED = "POPCL_ERR_CERT_UNTRUSTED"
INSTALLED, REFUSED = "trust: sequence {}", "trust: a new set refused, POPCL_ERR_{}"


def letter(octets, text="The trust of your devices is renewed.\r\n"):
    """A message with an attachment, as a mail program makes it."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "trust@example.org", "device@example.org", "renewed"
    message.set_content(text)
    message.add_attachment(octets, maintype="application", subtype="octet-stream", filename="trust.ptb")
    return message.as_bytes()


class TrustCase(FirmwareCase):
    """Two servers: one of generation X1, and one of Y."""

    image_name = "trust"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        popcl_ta = pathlib.Path(os.environ["POPCL"]).parent / "popcl-ta"
        cls.next = Dovecot(certificate=images.certificate("next"))
        cls.next.__enter__()
        cls.addClassCleanup(cls.next.stop)
        cls.old_root, cls.new_root = (blobs.anchors_of(popcl_ta, images.file(f"{name}.pem")) for name in ("root", "next-root"))

    def setUp(self):
        super().setUp()
        self.flash = self.folder / "trust"
        self.next_account = self.next.account()
        self.secrets += [self.next_account.name, self.next_account.password]

    def settings(self, **changes):
        return super().settings(**{"trust": "trust", **changes})

    def blob(self, sequence=2, key=0, signer=None, **more):
        """A set with both generations."""
        return blobs.blob(self.old_root + self.new_root, images.signer(signer or f"signer{key}"), key=key, sequence=sequence, **more)

    def large_blob(self, sequence):
        """As many anchors as browsers have, with the right ones among them."""
        many = [(random.Random(n).randbytes(8), random.Random(n).randbytes(350)) for n in range(140)]
        return blobs.blob(self.old_root + self.new_root + many, images.signer("signer0"), sequence=sequence)

    def a_poll(self, status=0, **changes):
        with self.board(**changes) as board:
            return self.outcome(board, status)

    def sent(self, *octets, **changes):
        """A poll in which these blobs come, each in a message, from a maildrop of its own."""
        account = self.dovecot.account()
        self.secrets += [account.name, account.password]
        account.deliver([letter(one) for one in octets])
        return self.a_poll(**{"user": account.name, "pass": account.password, **changes})

    def error_of_next(self):
        """What a poll of the server of generation Y ends with; None: with mail."""
        with self.board(port=self.next.tls_port, user=self.next_account.name, **{"pass": self.next_account.password}) as board:
            outcome = board.finish()
        self.assertEqual(outcome.guest_errors, "", outcome)
        return outcome.errors[0]

    def assert_trusts_next(self, trusts=True):
        self.assertEqual(self.error_of_next(), None if trusts else UNTRUSTED)
        self.assertEqual(self.a_poll().errors, [None])  # X1 is in every set

    def assert_refused(self, name, octets, **changes):
        outcome = self.sent(octets, **changes)
        self.assertIn(REFUSED.format(name), outcome.lines, outcome)

    def sequences(self):
        """Of the sets in both slots, in order; an erased one has none."""
        octets = self.flash.read_bytes()
        slots = [octets[at:at + SLOT] for at in (0, SLOT)]
        return [int.from_bytes(slot[8:12], "big") for slot in slots if slot[:4] == b"PTB1"]


class Renewed(TrustCase):
    """It comes, and is used."""

    def test_by_mail(self):
        self.assert_trusts_next(False)
        outcome = self.sent(self.blob())
        self.assertIn(INSTALLED.format(2), outcome.lines, outcome)
        self.assert_trusts_next()

    def test_in_the_run_in_which_it_comes(self):
        """The next poll already uses it."""
        self.account.deliver([letter(self.blob(sequence=9))])
        outcome = self.a_poll(polls=2)
        self.assertEqual(outcome.errors, [None, None], outcome)
        self.assertEqual(outcome.lines.count(INSTALLED.format(9)), 1, outcome)
        self.assertIn(REFUSED.format("BLOB_OLD"), outcome.lines, outcome)  # the message is still there

    def test_as_a_file(self):
        (self.folder / "new.ptb").write_bytes(self.blob())
        outcome = self.a_poll(renew="new.ptb")
        self.assertIn(INSTALLED.format(2), outcome.lines, outcome)
        self.assert_trusts_next()

    def test_a_stale_set_is_reported_once_and_used(self):
        now = int(time.time())
        self.sent(self.blob(stale_s=now + 1000))
        outcome = self.a_poll(polls=2, utc=now + 1001)
        self.assertEqual(outcome.lines.count("trust: sequence 2 needs a successor"), 1, outcome)
        self.assertNotIn("trust: sequence 2 needs a successor", self.a_poll(utc=now + 900).lines)
        self.assert_trusts_next()

    def test_message_is_stored_as_any_other(self):
        expected = self.deliver(letter(self.blob()), body(700))
        with self.board() as board:
            self.outcome(board)
        self.assertEqual(self.stored(), expected)

    def test_slots_take_turns(self):
        for sequence in (2, 3, 4):
            self.sent(self.blob(sequence=sequence))
            self.assertEqual(max(self.sequences()), sequence)
        self.assertEqual(sorted(self.sequences()), [3, 4])
        self.assert_trusts_next()

    def test_a_large_set(self):
        outcome = self.sent(self.large_blob(sequence=5))
        self.assertIn(INSTALLED.format(5), outcome.lines, outcome)
        self.assert_trusts_next()

    def test_next_signer_after_the_first_is_retired(self):
        self.sent(self.blob(sequence=2, key=1, retired=1))
        self.assert_refused("BLOB_KEY", self.blob(sequence=3, key=0))
        self.sent(self.blob(sequence=3, key=1))
        self.assertEqual(max(self.sequences()), 3)


class Refused(TrustCase):
    """It comes, and the old set stays."""

    def setUp(self):
        super().setUp()
        self.sent(blobs.blob(self.old_root, images.signer("signer0"), sequence=5))
        self.before = self.flash.read_bytes()

    def assert_no_trace(self, name, octets):
        """Refused by its header: not even a sector was erased."""
        self.assert_refused(name, octets)
        self.assertEqual(self.flash.read_bytes(), self.before)
        self.assert_trusts_next(False)

    def test_older_or_the_same_again(self):
        for sequence in (0, 4, 5):
            with self.subTest(sequence):
                self.assert_no_trace("BLOB_OLD", self.blob(sequence=sequence))

    def test_another_product(self):
        self.assert_no_trace("BLOB_SCOPE", self.blob(sequence=6, scope="another product"))

    def test_unknown_and_wrong_signers(self):
        self.assert_no_trace("BLOB_KEY", self.blob(sequence=6, key=2, signer="signer0"))
        self.assert_no_trace("BLOB_SIGNATURE", self.blob(sequence=6, key=0, signer="stranger"))
        self.assert_no_trace("BLOB_SIGNATURE", self.blob(sequence=6, key=1, signer="signer0"))

    def test_unknown_features(self):
        self.assert_no_trace("BLOB_FEATURE", self.blob(sequence=6, features=1))

    def test_changed_in_the_head(self):
        octets = self.blob(sequence=6)
        for at in (9, 40, 80, 120, 167):
            with self.subTest(at):
                outcome = self.sent(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:])
                self.assertTrue([line for line in outcome.lines if line.startswith("trust: a new set refused")], outcome)
                self.assertEqual(self.flash.read_bytes(), self.before)
        self.assert_trusts_next(False)

    def test_changed_or_cut_after_the_head(self):
        octets = self.blob(sequence=6)
        for at in (168, 200, len(octets) - 1):
            with self.subTest(changed=at):
                self.assert_refused("BLOB_DAMAGED", octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:])
            with self.subTest(cut=at):
                self.assert_refused("BLOB_DAMAGED", octets[:at])
        self.assert_trusts_next(False)
        self.assertIn(INSTALLED.format(5), self.a_poll().lines)

    def test_a_right_one_after_a_damaged_one(self):
        """In one poll: a message that is fetched once would not come again."""
        octets = self.blob(sequence=6)
        outcome = self.sent(octets[:-1], octets, self.blob(sequence=7))
        self.assertIn(REFUSED.format("BLOB_DAMAGED"), outcome.lines, outcome)
        self.assertIn(INSTALLED.format(6), outcome.lines, outcome)
        self.assertIn(INSTALLED.format(7), outcome.lines, outcome)
        self.assert_trusts_next()

    def test_a_message_that_is_cut_off(self):
        """The line breaks inside the attachment: nothing is installed. The whole message comes in the next poll, and is."""
        self.deliver(letter(self.large_blob(sequence=6)))
        wire = Wire()
        wire.after(30_000, as_reset)
        with self.board(wire, polls=2) as board:
            outcome = self.outcome(board)
        self.assertTrue(outcome.errors[0] and not outcome.errors[1], outcome)
        self.assertEqual(outcome.lines.count(INSTALLED.format(6)), 1, outcome)


class Worn(TrustCase):
    """A right header with a wrong rest, again and again: a slot is erased 16 times a day at most, restarts or not."""

    def test_erasures_of_a_day(self):
        octets = self.blob(sequence=6)
        damaged = octets[:-1] + bytes([octets[-1] ^ 1])
        damages, sinks = REFUSED.format("BLOB_DAMAGED"), REFUSED.format("SINK")
        now = int(time.time()) // 86400 * 86400 + 86400 + 3600  # an hour of tomorrow, so that no midnight comes between

        def lines_of(number, day=0):
            account = self.dovecot.account()
            self.secrets += [account.name, account.password]
            account.deliver([letter(damaged)] * number)
            with self.board(user=account.name, utc=now + day * 86400, **{"pass": account.password}) as board:
                outcome = board.finish()
            self.assertEqual(outcome.guest_errors, "", outcome)
            return [outcome.lines.count(line) for line in (damages, sinks)]

        self.assertEqual(lines_of(10), [10, 0])
        self.assertEqual(lines_of(5), [5, 0])
        self.assertEqual(lines_of(4), [1, 3])
        self.assertEqual(lines_of(3), [1, 2])  # a start leaves one
        self.assertEqual(lines_of(3, day=1), [3, 0])
        self.assertIn(INSTALLED.format(6), self.sent(octets, utc=now + 2 * 86400).lines)


class Pinned(TrustCase):
    """A device that checks no chains."""

    image_name = "trust-pinned"

    def pin(self, name):
        done = subprocess.run(["openssl", "x509", "-in", images.file(f"{name}.pem"), "-noout", "-pubkey"], stdout=subprocess.PIPE, check=True)
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=done.stdout, stdout=subprocess.PIPE, check=True).stdout
        return hashlib.sha256(der).digest(), 0, 65535

    def test_anchors_are_not_installed(self):
        """With them no session could begin: the device would never get a better set."""
        self.assertEqual(self.error_of_next(), "POPCL_ERR_CERT_PIN")
        for more in ({}, {"pins": [self.pin("server")]}):
            self.assert_refused("BLOB_PROFILE", self.blob(sequence=7, **more))
            self.assertEqual(self.sequences(), [])
        self.assert_refused("NO_TRUST", blobs.blob([], images.signer("signer0"), sequence=8, denied=[b"d" * 32]))
        self.assertEqual(self.sequences(), [])
        pins = [self.pin("server"), self.pin("next")]
        outcome = self.sent(blobs.blob([], images.signer("signer0"), sequence=9, pins=pins))
        self.assertIn(INSTALLED.format(9), outcome.lines, outcome)
        self.assertEqual([self.error_of_next(), self.a_poll().errors], [None, [None]])


class PowerCut(TrustCase):
    """The old set or the new one, wherever the power was lost."""

    def test_inside_the_writing(self):
        """The board is killed as soon as the flash has changed, a little later each time."""
        chance = random.Random(2)
        for number in range(4):
            before = self.flash.read_bytes() if self.flash.exists() else b""
            self.account = self.dovecot.account()
            self.secrets += [self.account.name, self.account.password]
            self.account.deliver([letter(self.blob(sequence=2 + number))])
            with self.board(polls=50, every=50) as board:
                give_up = time.monotonic() + 60
                while (self.flash.read_bytes() if self.flash.exists() else b"") == before and time.monotonic() < give_up:
                    pass
                time.sleep(chance.random() * 0.02)
                board.kill()
            self.assertEqual(self.a_poll().errors, [None])
        self.sent(self.blob(sequence=99))
        self.assert_trusts_next()

    def test_a_write_that_stopped_anywhere(self):
        """Of the octets that a run changed only the first k got there."""
        self.sent(blobs.blob(self.old_root, images.signer("signer0"), sequence=5))
        old = self.flash.read_bytes()
        self.sent(self.blob(sequence=6, floor=4))
        new = self.flash.read_bytes()
        changed = [at for at in range(len(new)) if old[at] != new[at]]
        for k in (len(changed) // 2, len(changed) - 1):
            with self.subTest(octets_written=k):
                torn = bytearray(old)
                for at in changed[:k]:
                    torn[at] = new[at]
                self.flash.write_bytes(torn)
                self.assertIn(self.error_of_next(), (None, UNTRUSTED))
                self.sent(self.blob(sequence=7))
                self.assert_trusts_next()


class Damaged(TrustCase):
    """Flash that fails."""

    def damage(self, slot, at=400):
        octets = bytearray(self.flash.read_bytes())
        octets[slot * SLOT + at] ^= 1
        self.flash.write_bytes(octets)

    def test_back_to_the_older_slot(self):
        self.sent(self.blob(sequence=5))
        self.sent(self.blob(sequence=6))
        self.damage(self.sequences().index(6))
        self.assertIn(INSTALLED.format(5), self.a_poll().lines)
        self.assert_trusts_next()

    def test_back_to_what_is_compiled_in(self):
        self.sent(self.blob(sequence=5))
        self.sent(self.blob(sequence=6))
        self.damage(0)
        self.damage(1)
        outcome = self.a_poll()
        self.assertIn("trust: sequence 0, compiled in", outcome.lines, outcome)
        self.assertEqual(outcome.errors, [None], outcome)
        self.assert_trusts_next(False)

    def test_not_back_below_the_floor(self):
        """What is compiled in was called off: rather no mail than a wrong authority."""
        self.sent(self.blob(sequence=5, floor=5))
        self.damage(0)
        self.damage(1)
        outcome = self.a_poll(status=1)
        self.assertIn("trust: nothing is left from sequence 5 on", outcome.lines, outcome)
        self.assertEqual(outcome.errors, ["POPCL_ERR_NO_TRUST"], outcome)
        (self.folder / "new.ptb").write_bytes(self.blob(sequence=6))  # somebody has to come with a file
        self.assertEqual(self.a_poll(renew="new.ptb").errors, [None])

    def test_retired_keys_stay_retired(self):
        """The slot that retired a key is damaged; what the key signs is refused nevertheless."""
        self.sent(self.blob(sequence=5, key=1, retired=1))
        self.damage(0)
        self.damage(1)
        self.assert_refused("BLOB_KEY", self.blob(sequence=6, key=0))


if __name__ == "__main__":
    unittest.main()
