# SPDX-License-Identifier: MIT
"""The examples against Dovecot: what they print is what they say they print. They stand beside the command, in examples/ of its folder."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import command
import mailboxes
import pki
from dovecot import Dovecot

EXAMPLES = pathlib.Path(command.POPCL).resolve().parent / "examples"
HANGS = 60


def messages_of(out):
    """The messages that an example printed, each behind a line with its number and UID."""
    return re.split(rb"^--- \d+ \S*\n", out, flags=re.M)[1:]


class Examples(unittest.TestCase):
    """Each fetches or counts the sample mailbox with the few KB that it has."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.server = Dovecot(certificate=cls.certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.messages = mailboxes.sample_messages()
        self.account = self.server.account()
        self.account.deliver(self.messages)
        self.octets = sum(len(mailboxes.delivered(message)) for message in self.messages)

    def run_example(self, name, password=None, code=0, port=None, more=()):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write((password or self.account.password) + "\n")
            file.flush()
            words = [EXAMPLES / name, "127.0.0.1", str(port or self.server.port), self.account.name]
            with open(file.name if name == "count" else os.devnull, "rb") as given:
                done = subprocess.run(words if name == "count" else [*words, file.name, *more], stdin=given, capture_output=True,
                                      timeout=HANGS)
        self.assertEqual(done.returncode, code, done)
        return done.stdout, done.stderr

    def test_minimal(self):
        """Every message in order, octet by octet, behind a line with its number and UID."""
        self.check_messages(self.run_example("minimal")[0])

    def test_pop3s(self):
        """The same over POP3S and over STLS, with the certificate checked."""
        root = str(self.certificate.issuer.file)
        self.check_messages(self.run_example("pop3s", port=self.server.tls_port, more=[root])[0])
        self.check_messages(self.run_example("pop3s", more=[root, "-S"])[0])

    def test_pop3s_with_a_wrong_authority(self):
        """Refused before the password is used: not even a wrong one is."""
        other = str(pki.shared().root("another").file)
        out, err = self.run_example("pop3s", "wrong", 1, self.server.tls_port, [other])
        self.assertEqual(out, b"")
        self.assertRegex(err, rb"^pop3s: the server's certificate comes from no trusted authority: .*; .*\n$")

    def check_messages(self, out):
        for number, message in enumerate(self.messages, 1):
            head = re.match(rb"--- %d \S+\n" % number, out)
            self.assertTrue(head, out[:80])
            out = out[head.end():]
            self.assertTrue(out.startswith(mailboxes.delivered(message)), f"message {number} differs")
            out = out[len(mailboxes.delivered(message)):]
        self.assertEqual(out, b"")

    def test_minimal_with_a_wrong_password(self):
        """What failed, why, what to try; and nothing on standard output."""
        out, err = self.run_example("minimal", "wrong", 1)
        self.assertEqual(out, b"")
        self.assertRegex(err, rb"^minimal: the server refuses the .*: .*; .*\n$")

    def test_count(self):
        """As STAT says."""
        out, _ = self.run_example("count")
        self.assertRegex(out, rb"^%d messages\n$" % len(self.messages))

    def test_count_with_a_wrong_password(self):
        """The response code's own result."""
        _, err = self.run_example("count", "wrong", 1)
        self.assertIn(b"refuses user name and password", err)

    def test_superloop(self):
        """A sink that takes 64 octets a turn loses none, with a plan that holds a part of the mailbox only."""
        out, _ = self.run_example("superloop")
        self.assertRegex(out, rb"\n%d messages, %d octets, in \d+ turns: done\n$" % (len(self.messages), self.octets))
