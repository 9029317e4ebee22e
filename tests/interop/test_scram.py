# SPDX-License-Identifier: MIT
"""The command logs in with SCRAM: at Dovecot, and at Cyrus' libsasl2, which compares the channel binding too. Neither has arithmetic of popcl's."""
import base64
import hashlib
import hmac
import unittest

import command
import pki
from cyrus_sasl import CyrusSasl, Unavailable, end_point
from dovecot import Dovecot
from test_dovecot import DovecotTest

SCRAM = ("scram-sha-1", "scram-sha-256")
PLUS = tuple(f"{name}-plus" for name in SCRAM)


class DovecotScram(DovecotTest):
    """[R80 R82] Dovecot with SCRAM, and with passwords of several forms."""

    named = {"spaces": "pass  word with spaces ", "umlaut": "p\u00e4ssw\u00f6rd", "marks": "%n%s$(id)`id`\\\"',=", "ligature": "\ufb01sh"}

    @classmethod
    def setUpClass(cls):
        cls.server = Dovecot(cls.named, more="auth_mechanisms = plain login apop scram-sha-1 scram-sha-256").__enter__()
        cls.addClassCleanup(cls.server.stop)

    def test_passwords(self):
        for name in ("spaces", "umlaut", "marks"):
            _, place = self.mailbox([b"Subject: x\n\n"], name)
            for mechanism in SCRAM:
                with self.subTest(name=name, mechanism=mechanism):
                    relay = self.relay()
                    result = place.run(relay.port, "--auth", mechanism, "-v")
                    self.assertEqual(result.count, 1)
                    self.assertIn(f"logged in with {mechanism.upper()}", result.err)
                    self.assertEqual([c for c in relay.commands if place.password in c or c.startswith("PASS")], [])

    def test_auto_in_clear_text(self):
        """The strongest one that hides the password."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        self.assertIn("logged in with SCRAM-SHA-256", self.run_popcl(place, "-v").err)

    def test_bad_password(self):
        account, place = self.mailbox([b"Subject: x\n\n"])
        place.auth(account.name, "not the password")
        for mechanism in SCRAM:
            self.assertEqual(self.run_popcl(place, "--auth", mechanism, code=77).out, "")

    def test_a_password_in_another_form(self):
        """In clear text nothing weaker follows; the password stays here."""
        _, place = self.mailbox([b"Subject: x\n\n"], "ligature")
        for options in ((), ("--auth", "scram-sha-256")):
            relay = self.relay()
            result = place.run(relay.port, *options, code=78)
            self.assertIn("characters that SCRAM may have to change", result.err)
            self.assertEqual([c.split()[0] for c in relay.commands if c.split()[0] not in ("CAPA", "QUIT")], [])


class DovecotScramAlone(DovecotTest):
    """A server that takes nothing but SCRAM. Its CAPA lists USER all the same."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.server = Dovecot(more="auth_mechanisms = scram-sha-256", certificate=cls.certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def test_auto(self):
        """Over TLS too the password is not sent, as the server would refuse it."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        trust = ("-c", str(self.certificate.issuer.file), "-v")
        for port, options in ((self.server.tls_port, ("-T", *trust)), (self.server.port, ("-S", *trust)), (self.server.port, ("-v",))):
            with self.subTest(options=options):
                result = place.run(port, *options)
                self.assertEqual(result.count, 1)
                self.assertIn("logged in with SCRAM-SHA-256", result.err)


class DovecotHashed(DovecotTest):
    """The server has no password, but only what SCRAM needs: SCRAM logs in, and so does a password over the line."""

    @classmethod
    def setUpClass(cls):
        """As `doveadm pw -s SCRAM-SHA-256` makes it: iterations, salt, StoredKey and ServerKey."""
        salt, count = b"0123456789abcdef", 5000
        salted = hashlib.pbkdf2_hmac("sha256", b"tide table", salt, count)
        stored = hashlib.sha256(hmac.new(salted, b"Client Key", "sha256").digest()).digest()
        server = hmac.new(salted, b"Server Key", "sha256").digest()
        words = ",".join(base64.b64encode(octets).decode() for octets in (salt, stored, server))
        cls.server = Dovecot({"hashed": "tide table"}, more="auth_mechanisms = plain scram-sha-256",
                             stored={"hashed": f"{{SCRAM-SHA-256}}{count},{words}"}).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def test_a_key_in_place_of_the_password(self):
        _, place = self.mailbox([b"Subject: x\n\n"], "hashed")
        place.auth("hashed", "tide table")
        for mechanism in ("scram-sha-256", "plain"):
            self.assertEqual(self.run_popcl(place, "--auth", mechanism).count, 1)


class Cyrus(unittest.TestCase):
    """[R82 R83 R84 R85] libsasl2 over TLS."""

    def serve(self, digest="sha256", flip=None, bound=True, mechanisms=None):
        certificate = pki.shared().root().issue("a server", san=pki.LOCAL, digest=digest)
        binding = bytearray(end_point(certificate, digest))
        if flip is not None:
            binding[flip] ^= 1
        server = CyrusSasl(certificate, bytes(binding) if bound else None, mechanisms)
        try:
            server.__enter__()
        except Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(server.__exit__)
        return server

    def run_popcl(self, server, *options, code=0, password=None, pin=None):
        place = command.Place(server.user, password or server.password)
        self.addCleanup(place.remove)
        trust = ("--pin", pin) if pin else ("-c", str(pki.shared().root().file))
        return place.run(server.port, "-T", "-v", *trust, *options, server="localhost", code=code)

    def test_without_binding(self):
        server = self.serve()
        for mechanism in SCRAM:
            self.assertIn(f"logged in with {mechanism.upper()}", self.run_popcl(server, "--auth", mechanism).err)
        self.run_popcl(server, "--auth", "scram-sha-1", password="another one", code=77)
        self.assertEqual(server.used, [name.upper() for name in SCRAM])

    def test_with_binding(self):
        for digest in ("sha256", "sha384"):
            server = self.serve(digest)
            for mechanism in PLUS:
                with self.subTest(digest=digest, mechanism=mechanism):
                    self.assertIn(f"logged in with {mechanism.upper()}", self.run_popcl(server, "--auth", mechanism).err)
                    self.assertEqual(server.used[-1], mechanism.upper())

    def test_another_certificate_at_the_server(self):
        """One bit of the hash, at each end."""
        for digest, last in (("sha256", 31), ("sha384", 47)):
            for flip in (0, last):
                server = self.serve(digest, flip=flip)
                for mechanism in PLUS:
                    with self.subTest(digest=digest, flip=flip, mechanism=mechanism):
                        self.run_popcl(server, "--auth", mechanism, code=77)
                self.assertEqual(server.used, [])
                self.run_popcl(server, "--auth", "scram-sha-256")  # which does not look at it

    def test_auto_binds_nothing(self):
        """-PLUS in the list does not disturb the others: libsasl2 would refuse the flag y."""
        server = self.serve(mechanisms=["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
        self.assertIn("logged in with SCRAM-SHA-256", self.run_popcl(server, "--auth", "scram-sha-256").err)
        self.assertEqual(server.used, ["SCRAM-SHA-256"])

    def test_with_binding_and_a_pinned_key_alone(self):
        """Then too the command knows the certificate."""
        server = self.serve()
        self.run_popcl(server, "--auth", "scram-sha-256-plus", pin=pki.shared().root().issue("a server", san=pki.LOCAL, digest="sha256").pin)
        self.assertEqual(server.used, ["SCRAM-SHA-256-PLUS"])
