# SPDX-License-Identifier: MIT
"""popcl-ta for-host and for-chain: the one anchor that a server of each shape needs, found among all of Debian's, and what is said if there is
none; --preset; and that list shows issuers and how to pin."""
import re
import unittest

import pki
from dovecot import Dovecot
from hostile import Close, Hostile
from test_info import ALLOWED, PASSWORD, SHAPES, USER, context_of, intermediate, leaf, root, stranger
from test_ta import SYSTEM_BUNDLE, TA, Case, Written


class Anchors(Case):
    def setUp(self):
        super().setUp()
        self.bundle = self.file("all of them.pem", SYSTEM_BUNDLE.read_bytes() + root().file.read_bytes())

    def chain(self, *certificates):
        return self.file("chain.pem", b"".join(certificate.file.read_bytes() for certificate in certificates))

    def one(self, octets, subject):
        """The output has this anchor, and no other."""
        made = Written(octets.decode("ascii"))
        self.assertEqual([anchor["subject"] for anchor in made.anchors.values()], [subject])
        return made

    def judge(self, shape, run):
        """`run` makes the set; its standard error has to fit the shape."""
        if shape.anchor is None:
            self.assertEqual(run(65), b"")
            self.assertRegex(self.err, r"(?m)^popcl-ta: no anchor of .* vouches for this chain of \d certificates?$")
            self.assertRegex(self.err, r"(?m)^popcl-ta: likely cause: ")
            self.assertRegex(self.err, r"(?m)^popcl-ta: what to try: ")
            return
        made = self.one(run(0), shape.anchor)
        self.assertIn(f"1 anchor, {made.octets} octets on a 32-bit machine", self.err)
        self.assertEqual("warning: a device refuses this server now" in self.err, shape.code != 0, self.err)
        again = re.search(r"^popcl-ta: the same: popcl-ta (.*)$", self.err, re.M).group(1)
        self.assertEqual(self.ta("-c", f"{TA} {again} -q", program="/bin/sh").decode(), made.text)

    def test_chains(self):
        for shape in SHAPES:
            with self.subTest(shape.name):
                path = self.chain(*shape.make())
                if shape.name == "a wrong name":  # no host is named, so none is wrong
                    self.one(self.ta("for-chain", path, "--bundle", self.bundle), shape.anchor)
                    self.assertNotIn("warning", self.err)
                else:
                    self.judge(shape, lambda code, path=path: self.ta("for-chain", path, "--bundle", self.bundle, code=code))

    def test_hosts(self):
        """Over both kinds of TLS, and no octet of a login. The handshake ends at the certificates, so that nothing but STLS is ever said."""
        for shape in SHAPES:
            for way in ([], ["--stls"]):
                with self.subTest(shape=shape.name, way=way), Hostile(clear={} if way else None, context=context_of(*shape.make()), user=USER,
                                                                      password=PASSWORD) as server:
                    self.judge(shape, lambda code, way=way, port=server.port: self.ta("for-host", f"localhost:{port}", *way, "--bundle", self.bundle, code=code))
                    self.assertLessEqual(set(server.verbs()), ALLOWED)
                    self.assertEqual(len(server.sessions), 1)

    def test_more_than_are_kept(self):
        """The report has the number of certificates that came, and not only of those that find room."""
        with Hostile(context=context_of(leaf(intermediate), *[stranger()] * 40), user=USER, password=PASSWORD) as server:
            self.ta("for-host", f"localhost:{server.port}", "--bundle", self.bundle, code=65)
        self.assertIn("vouches for this chain of 41 certificates\n", self.err)

    def test_dovecot(self):
        with Dovecot({}, "", leaf(intermediate)) as server:
            for words in ([f"localhost:{server.tls_port}"], [f"127.0.0.1:{server.port}", "--stls"]):
                self.one(self.ta("for-host", *words, "--bundle", self.bundle), "CN=Test root")
            self.ta("for-host", f"localhost:{server.tls_port}", "--bundle", self.bundle, "--format", "c+h", "-o", "trust.c", "--prefix", "mine")
            self.assertIn("mine_trust", (self.folder / "trust.h").read_text())
            self.ta("for-host", f"localhost:{server.tls_port}", "--bundle", self.bundle, "--verify", "trust.c", "--format", "c+h", "--prefix", "mine")

    def test_intermediate_in_the_bundle(self):
        """A server that leaves it out: a device then needs the intermediate itself, and is warned of it."""
        both = self.file("both.pem", root().file.read_bytes() + intermediate().file.read_bytes())
        alone = self.chain(leaf(intermediate))
        self.one(self.ta("for-chain", alone, "--bundle", both), "CN=an intermediate")
        self.assertIn("this anchor is an intermediate", self.err)
        whole = self.chain(leaf(intermediate), intermediate())
        self.one(self.ta("for-chain", whole, "--bundle", both), "CN=Test root")
        self.assertNotIn("warning", self.err)

    def test_own_certificate(self):
        """A server's own, which no authority signed: it is its own anchor; with a common name alone too."""
        for own in (pki.shared().make("itself", None, san=pki.LOCAL), pki.shared().mkcert("localhost")):
            made = self.ta("for-chain", own.file, "--bundle", own.file).decode()
            self.assertEqual(len(Written(made).anchors), 1)
            self.assertIn("--allow-leaf", self.err)
            self.assertNotIn("warning", self.err)

    def test_smallest(self):
        """Two roots of one name vouch, by one certificate each: the smaller one is taken."""
        small, large = root(), pki.shared().root("Large root", key="RSA-4096")
        crossed = pki.shared().folder / "crossed.pem"
        ca = intermediate()
        pki.shared().openssl("x509", "-req", "-in", ca.file.with_suffix(".csr"), "-CA", large.file, "-CAkey", large.key_file, "-extfile",
                             ca.file.with_suffix(".ext"), "-extensions", "these", "-days", "9", "-out", crossed)
        chain = self.file("chain.pem", b"".join(file.read_bytes() for file in (leaf(intermediate).file, crossed, ca.file)))
        for order in ((small, large), (large, small)):
            both = self.file("both.pem", b"".join(one.file.read_bytes() for one in order))
            self.one(self.ta("for-chain", chain, "--bundle", both), "CN=Test root")
        self.one(self.ta("for-chain", chain, "--bundle", large.file), "CN=Large root")

    def test_bundle_that_is_a_directory(self):
        folder = self.folder / "a folder"
        folder.mkdir()
        (folder / "all.pem").write_bytes(self.bundle.read_bytes())
        self.one(self.ta("for-chain", self.chain(leaf()), "--bundle", folder), "CN=Test root")
        self.assertIn("popcl-ta gen '/", self.err.replace(str(self.folder), "/").replace("'//", "'/"))

    def test_blob(self):
        path = self.chain(leaf())
        self.ta("for-chain", path, "--bundle", self.bundle, "--format", "blob", "--scope", "x", "--sequence", "1", "-o", "set.ptb")
        self.assertIn("CN=Test root".encode(), self.ta("list", "set.ptb") + self.ta("for-chain", path, "--bundle", self.bundle))

    def test_nothing_there(self):
        self.ta("for-host", "localhost:1", "--bundle", self.bundle, code=69)
        self.assertRegex(self.err, r"(?s)popcl-ta: localhost:1: .*\npopcl-ta: likely cause: .*\npopcl-ta: what to try: ")
        with Hostile(replies={"greeting": [Close()]}, user=USER, password=PASSWORD) as server:
            self.ta("for-host", f"localhost:{server.port}", "--bundle", self.bundle, code=69)
        self.ta("for-chain", "nowhere.pem", "--bundle", self.bundle, code=66)
        self.ta("for-chain", self.chain(leaf()), "--bundle", "nowhere.pem", code=66)
        self.ta("for-chain", self.file("empty.pem", b"text\n"), "--bundle", self.bundle, code=65)
        cut = self.file("cut.pem", leaf().file.read_bytes()[:-60])
        self.ta("for-chain", cut, "--bundle", self.bundle, code=65)
        self.assertEqual(sorted(path.name for path in self.folder.glob("*.c")), [])

    def test_usage(self):
        for words in (["for-host", "--bundle", "b"], ["for-chain", "--bundle", "b"], ["for-host", "h"], ["for-chain", "c"], ["for-host", "h", "i", "--bundle", "b"],
                      ["for-chain", "c", "--stls", "--bundle", "b"], ["for-host", "h", "--bundle", "b", "--org", "x"], ["gen", "b", "--stls"],
                      ["gen", "b", "--bundle", "b"], ["for-host", "h", "--bundle", "b", "--format", "blob"], ["gen", "b", "--preset", "nobody"],
                      ["gen", "b", "--preset", "icloud"], ["keys", "k", "--preset", "gmail"]):
            with self.subTest(words):
                self.ta(*words, code=64)
                self.assertRegex(self.err, r"^popcl-ta: .*\npopcl-ta: what to try: .*\n$")
        for host in ("[::1", "localhost:0", "localhost:65536", "localhost:x", ":995", "[]:1"):
            with self.subTest(host):
                self.ta("for-host", host, "--bundle", self.bundle, code=64)


class Presets(Case):
    def test_all_are_small(self):
        made = self.gen(SYSTEM_BUNDLE, "--preset", "all")
        self.assertLess(made.octets, 10_000)
        names = ("gmail", "microsoft", "yahoo", "aol", "att", "gmx", "webde", "t-online", "yandex", "mailru", "letsencrypt")
        each = [self.gen(SYSTEM_BUNDLE, "--preset", name) for name in names]
        self.assertEqual(set().union(*(one.anchors for one in each)), set(made.anchors))
        self.assertTrue(any("GTS Root R1" in anchor["subject"] for anchor in each[0].anchors.values()))
        self.assertTrue(any("DigiCert Global Root G2" in anchor["subject"] for anchor in each[1].anchors.values()))
        two = self.gen(SYSTEM_BUNDLE, "--preset", "gmx", "--preset", "letsencrypt", "--siblings")
        self.assertEqual(len(two.anchors), 4)

    def test_one_that_is_not_there(self):
        self.ta("gen", root().file, "--preset", "gmail", code=65)
        self.assertIn('no certificate matches "GlobalSign"', self.err)


class Listed(Case):
    def test_issuer_and_pin(self):
        server, ca = leaf(intermediate), intermediate()
        shown = self.ta("list", server.bundle(ca, root())).decode()
        own, middle, top = re.split(r"(?m)^(?=CN=)", shown)[1:]
        self.assertIn("\n    issuer  CN=an intermediate\n", own)
        self.assertIn(f"\n    to pin  popcl --pin {server.pin}; for a device: popcl-ta gen --pins\n", own)
        self.assertIn("\n    issuer  CN=Test root\n", middle)
        self.assertNotIn("issuer", top)
        self.assertNotIn("to pin", middle + top)


if __name__ == "__main__":
    unittest.main()
