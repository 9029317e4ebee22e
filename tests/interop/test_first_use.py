# SPDX-License-Identifier: MIT
"""Trust on first use of the library (popcl_tofu.h), by the program login: when a key is stored, and that no password is sent to a server whose key
is not known. [I1 R64 R68]"""
import hashlib
import pathlib
import shutil
import tempfile
import unittest

import pki
from dovecot import Dovecot
from hostile import Hostile
from login import DEVICE, Login

SCRAM = "auth_mechanisms = plain login scram-sha-1 scram-sha-256"
USER, PASSWORD = "harbour-master", "the tide table"


def own(name="itself"):
    return pki.shared().make(name, None, san=["nobody.example"])


class FirstUse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Dovecot({USER: PASSWORD}, SCRAM, own()).__enter__()
        cls.addClassCleanup(cls.server.stop)
        cls.server.account(USER).deliver([b"Subject: one\n\n1\n"])
        cls.other = Dovecot({USER: PASSWORD}, SCRAM, own("another")).__enter__()
        cls.addClassCleanup(cls.other.stop)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-first-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "key"

    def login(self, port, file=None, password=PASSWORD, way="tls", **options):
        return Login(port, USER, password=password, tofu=file or self.file, **{way: "-"}, **options)

    def judge(self, run, result, stored, mechanism=None):
        self.assertEqual((run.result, run.stored), (result, stored), run)
        if mechanism:
            self.assertEqual(run.mechanism, mechanism, run)

    def pin(self, certificate):
        return bytes.fromhex(certificate.pin.partition(":")[2])

    def test_first_then_the_rest(self):
        """SCRAM on first use, also if a password would do; afterwards what the server prefers. Over both kinds of TLS, and with 541 octets."""
        for way, port in (("tls", self.server.tls_port), ("stls", self.server.port)):
            for small in ({}, DEVICE):
                with self.subTest(way=way, small=small):
                    self.judge(self.login(port, way=way, **small), "OK", 1, "scram-sha-256")
                    self.assertEqual(self.file.read_bytes(), self.pin(own()))
                    self.judge(self.login(port, way=way, **small), "OK", 0, "user")
                    self.file.unlink()

    def test_a_chain(self):
        """The server sends its issuer too. The key that is stored is the server's own, so that the next session succeeds."""
        shown = pki.shared().root("A private root").issue("an issuer", ca=True).issue("with an issuer", san=["nobody.example"])
        with Dovecot({USER: PASSWORD}, SCRAM, shown) as server:
            server.account(USER).deliver([b"Subject: one\n\n1\n"])
            for small in ({}, DEVICE):
                with self.subTest(small=small):
                    self.judge(self.login(server.tls_port, **small), "OK", 1, "scram-sha-256")
                    self.assertEqual(self.file.read_bytes(), self.pin(shown))
                    self.judge(self.login(server.tls_port, **small), "OK", 0, "user")
                    self.file.unlink()

    def test_another_key(self):
        self.file.write_bytes(self.pin(own()))
        self.judge(self.login(self.other.tls_port), "ERR_CERT_PIN", 0)
        self.assertEqual(self.file.read_bytes(), self.pin(own()))

    def test_nothing_is_stored_without_a_login(self):
        self.judge(self.login(self.server.tls_port, password="another one"), "ERR_DIGEST_REFUSED", 0)
        self.assertFalse(self.file.exists())

    def test_store_fails(self):
        nowhere = self.folder / "nowhere" / "key"
        for _ in range(2):  # a first use each time
            self.judge(self.login(self.server.tls_port, nowhere), "OK", -1, "scram-sha-256")

    def hostile(self, **replies):
        server = Hostile(context=own().context(), user=USER, password=PASSWORD, replies=replies)
        self.addCleanup(server.__exit__)
        return server

    def assertNoPassword(self, server):
        self.assertFalse({"USER", "PASS", "APOP"} & set(server.verbs()), server.commands)
        self.assertNotIn(PASSWORD.encode(), server.received)

    def test_server_without_scram(self):
        """Nothing of a password is sent, except with the flag that has a name of its own. With a known key any mechanism will do."""
        server = self.hostile()
        self.judge(self.login(server.port), "ERR_NO_MECHANISM", 0)
        self.assertNoPassword(server)
        self.assertFalse(self.file.exists())
        self.judge(self.login(server.port, first_use="any"), "OK", 1, "user")
        self.judge(self.login(server.port), "OK", 0, "user")

    def test_server_that_does_not_know_the_password(self):
        """It says +OK to the proof, and cannot prove that it knows the password: it is not believed, and its key is not stored."""
        nonce = b"cj1hYmMscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng=="  # r=abc: not even ours
        for name, answer in {"at once": b"+OK\r\n", "odd challenge": b"+ " + nonce + b"\r\n", "empty": b"+ \r\n"}.items():
            with self.subTest(name):
                server = self.hostile(CAPA=b"+OK\r\nSASL SCRAM-SHA-256\r\n.\r\n", AUTH=answer)
                run = self.login(server.port)
                self.assertNotEqual(run.result, "OK", run)
                self.assertEqual(run.stored, 0, run)
                self.assertNoPassword(server)
                self.assertFalse(self.file.exists())

    def test_mechanisms_that_are_left(self):
        """Of those that were asked for, SCRAM alone; if none is left, there is no session."""
        self.judge(self.login(self.server.tls_port, auth="user,scram-sha-1"), "OK", 1, "scram-sha-1")
        self.file.unlink()
        for names in ("user", "plain,login", "cram-md5,apop"):
            with self.subTest(names):
                server = self.hostile()
                self.judge(self.login(server.port, auth=names), "ERR_NO_MECHANISM", 0)
                self.assertEqual(server.sessions, [])

    def test_known_key_is_of_the_key_alone(self):
        """A renewed certificate of the same key is the same server."""
        self.judge(self.login(self.server.tls_port), "OK", 1)
        spki = pki.shared().openssl("pkey", "-in", own().key_file, "-pubout", "-outform", "DER")
        self.assertEqual(self.file.read_bytes(), hashlib.sha256(spki).digest())


if __name__ == "__main__":
    unittest.main()
