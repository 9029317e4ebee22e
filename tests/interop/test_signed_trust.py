# SPDX-License-Identifier: MIT
"""The command with --ta-blob: a signed set that popcl-ta made is the trust of a session, and nothing else is. What is wrong with the set, its
signers or its product ends the run before any connection."""
import hashlib
import subprocess
import unittest

import command
import pki
import test_ta
import test_ta_blob
from hostile import Hostile
from test_ta import openssl
from tlscase import PASSWORD, USER, assert_no_secret, right_server, root

MADE = ("--scope", "mail", "--sequence", "3")


class SignedTrust(unittest.TestCase):
    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)
        self.folder = self.place.root
        for name in ("one", "two"):
            key = openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1")
            (self.folder / f"{name}.key").write_bytes(key)
            (self.folder / f"{name}.pub").write_bytes(openssl("pkey", "-pubout", stdin=key))
        (self.folder / "both.pub").write_bytes((self.folder / "one.pub").read_bytes() + (self.folder / "two.pub").read_bytes())
        self.set = self.folder / "set.ptb"

    def make(self, *words, key="one", inputs=None):
        """A set in self.set, of the root of right_server() unless told otherwise."""
        inputs = [root().file] if inputs is None else inputs
        done = subprocess.run([test_ta.TA, "gen", "-q", *map(str, inputs), "--format", "blob", "-o", self.set,
                                       "--key", self.folder / f"{key}.key", *map(str, words), *([] if "--scope" in words else MADE)],
                                      capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def talk(self, *options, code=0, key="both.pub", scope="mail", certificate=None, connects=True):
        """A run against a server with this certificate (default: one in order)."""
        with Hostile(context=(certificate or right_server()).context(), user=USER, password=PASSWORD) as server:
            result = self.place.run(server.port, "-T", "--ta-blob", str(self.set), "--ta-key", str(self.folder / key), "--ta-scope", scope,
                                    *map(str, options), code=code, server="localhost")
            assert_no_secret(self, server, result)
            if code:
                self.assertEqual(server.handshakes, 0, result)
            if not connects:
                self.assertEqual(server.sessions, [], result)
            return result

    def test_anchors(self):
        self.make()
        result = self.talk("-v")
        self.assertIn("signed set of trust: number 3, of ", result.err)
        self.assertIn("trust anchors: 1; pinned keys: 0; denied keys: 0", result.err)
        self.make(inputs=[pki.shared().root("A stranger").file])
        self.talk(code=79)
        for key in ("RSA-2048", "P-384"):
            other = pki.shared().root(f"Root of {key}", key=key)
            self.make(inputs=[root().file, other.file])
            self.talk(certificate=other.issue("server", san=pki.LOCAL))

    def test_pins_and_denied_keys(self):
        server = right_server()
        self.make("--pin", server.pin)
        self.talk()
        self.make("--pin", "ab" * 32)
        self.talk(code=79)
        self.talk("--pin", server.pin)  # those of the command count too
        self.make("--pin", f"{server.pin}:2020-01-01:2020-12-31")
        self.talk(code=79)
        self.make("--pin", server.pin, inputs=[])
        self.assertIn("the pinned key alone decides", self.talk("-v").err)
        self.make("--deny", server.pin[7:])
        self.assertIn("key", self.talk(code=79).err)
        self.make("--deny", server.pin[7:], "--pin", "ab" * 32, inputs=[])
        self.talk(code=79)

    def test_what_is_not_taken(self):  # [H29]
        def refused(said, code=79, **how):
            result = self.talk(code=code, connects=False, **how)
            self.assertIn(said, result.err)
            self.assertRegex(result.err, r"likely cause: \S")

        self.make()
        octets = self.set.read_bytes()
        refused("is for another product than --ta-scope", scope="other")
        refused("has a wrong signature", key="two.pub")
        refused("this is a private key", key="one.key")
        refused("there is no public key in it", key="set.ptb")
        refused("nothing.pub", code=66, key="nothing.pub")
        self.make("--key-number", 1)
        refused("has no signer that is accepted", key="one.pub")
        refused("has a wrong signature")
        self.make("--key-number", 1, key="two")
        self.talk()
        for at, said in ((3, "is damaged, or no signed set"), (11, "has a wrong signature"), (63, "needs a newer popcl"), (120, "has a wrong signature"),
                         (len(octets) - 1, "is damaged"), (180, "is damaged")):
            self.set.write_bytes(octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1:])
            refused(said)
        for cut in (0, 3, 167, 168, len(octets) - 1):
            self.set.write_bytes(octets[:cut])
            refused("is damaged, or no signed set")
        self.set.write_bytes(octets[:104] + bytes(64) + octets[168:])
        refused("is not signed")
        self.set.write_bytes(octets[:104] + b"\1" + bytes(63) + octets[168:])
        refused("has a wrong signature")
        # An anchor whose key is no point: nothing could be trusted by it.
        row, entry = octets[168:204], octets[204:]
        place = 12 if entry[0] != 1 else 12 + int.from_bytes(entry[4:6], "big") - 1  # the form of the point, or the last octet of the modulus
        odd = entry[:place] + bytes((entry[place] ^ 1,)) + entry[place + 1:]
        rest = row[:8] + hashlib.sha256(odd).digest()[:16] + row[24:] + odd
        self.set.write_bytes(test_ta_blob.forge(octets, self.folder / "one.key", rows=((1, 0, 0), rest)))
        refused("has no trust anchor that can be used")
        self.set.write_bytes(octets + b"\xff" * 100)  # as in flash
        self.talk()
        self.set.unlink()
        refused("set.ptb", code=66)
        self.set.mkdir()
        refused("set.ptb", code=66)

    def test_advice(self):
        """It names nothing that --ta-blob excludes."""
        def advice(err):
            return err.partition("what to try: ")[2]

        self.make(inputs=[pki.shared().root("A stranger").file])
        said = self.talk(code=79).err
        self.assertIn("comes from no trusted authority", said)
        self.assertIn("get a newer set for --ta-blob", advice(said))
        self.assertNotIn("-c", advice(said))
        self.make()
        said = self.talk(code=79, certificate=root().issue("no name", san=[])).err
        self.assertIn("names no host", said)
        self.assertIn("a set for --ta-blob that has the server's key", advice(said))
        self.assertNotIn(" -c ", advice(said))
        said = self.talk("--ta-key", self.folder / "one.pub", code=64, connects=False).err
        self.assertIn("--ta-key is given twice", said)
        self.assertIn("put all keys into one file, in the order of their numbers", said)

    def test_denied_keys_alone(self):  # [H29]
        """Such a set trusts nothing, except with a pin of the command."""
        self.make("--deny", "ab" * 32)
        octets = self.set.read_bytes()
        self.set.write_bytes(test_ta_blob.forge(octets, self.folder / "one.key", rows=((0, 0, 1), octets[204:240])))
        self.assertIn("neither trust anchors nor pins", self.talk(code=79, connects=False).err)
        self.talk("--pin", right_server().pin)

    def test_withdrawn(self):  # [H29]
        self.make()
        self.set.write_bytes(test_ta_blob.forge(self.set.read_bytes(), self.folder / "one.key", floor=4))
        self.assertIn("is withdrawn", self.talk(code=79, connects=False).err)
        self.set.write_bytes(test_ta_blob.forge(self.set.read_bytes(), self.folder / "one.key", floor=3, retired=1))
        self.assertIn("has no signer that is accepted", self.talk(code=79, connects=False).err)

    def test_times(self):
        """A clock before the signing counts as not set; a stale set is used, and a warning says so."""
        self.make("--made", "2026-06-01", "--stale", "2026-06-11")
        result = self.talk("--now", "2026-05-31T23:59:59Z", code=79)
        self.assertIn("clock is not set: it shows 2026-05-31T23:59:59Z, and the set of --ta-blob was made on 2026-06-01T00:00:00Z\n", result.err)
        future = pki.shared().root("A root for long", start=-300, end=4000)
        self.make("--made", "2026-06-01", "--stale", "2100-01-01", inputs=[root().file])
        self.assertNotIn("successor", self.talk().err)
        self.make("--made", "2026-06-01", "--stale", "2026-06-11", inputs=[root().file, future.file])
        self.assertIn("should have a successor since 2026-06-11T00:00:00Z", self.talk().err)

    def test_a_kept_session_is_bound_to_the_set(self):  # [D47]
        with Hostile(context=right_server().context(), user=USER, password=PASSWORD) as server:
            def resumed():
                return ", resumed\n" in self.place.run(
                    server.port, "-T", "-v", "--resume", "session", "--ta-blob", str(self.set), "--ta-key", str(self.folder / "both.pub"),
                    "--ta-scope", "mail", server="localhost").err

            self.make("--made", "2026-06-01")
            self.assertEqual([resumed() for _ in range(3)], [False, True, True])
            self.make("--made", "2026-06-02", "--key-number", 1, key="two", inputs=[root().file, pki.shared().root("Another root").file])
            self.assertEqual([resumed() for _ in range(2)], [False, True])

    def test_the_trace_is_not_put_into_its_files(self):
        self.make()
        octets = self.set.read_bytes()
        self.talk(f"--trace={self.set}", code=73, connects=False)
        self.talk(f"--trace={self.folder / 'both.pub'}", code=73, connects=False)
        self.assertEqual(self.set.read_bytes(), octets)


if __name__ == "__main__":
    unittest.main()
