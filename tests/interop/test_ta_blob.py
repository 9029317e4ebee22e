# SPDX-License-Identifier: MIT
"""popcl-ta and signed trust: the blob's layout is read here by a reader of its own, and openssl judges signatures and key files. Also the
commands that read sets back: list, check, diff."""
import base64
import datetime
import hashlib
import os
import re
import struct
import subprocess
import time

import pki
import test_ta
from test_ta import openssl

PRODUCT = ("--scope", "a product", "--made", "2026-08-01", "--now", "2026-08-02")
DAY = datetime.date(1970, 1, 1)


def day(text):
    return (datetime.date.fromisoformat(text) - DAY).days


class Blob:
    """The parts of a blob, as docs/TRUST.md has them. Nothing here looks at popcl's own code."""

    HEADER = struct.Struct(">4sIIIqq16sHHHBBII8s32s64s")

    def __init__(self, octets):
        self.octets = octets
        (magic, length, self.sequence, self.floor, self.made, self.stale, self.scope, anchors, pins, denied, row_len, self.key, self.retired,
         features, zeros, index_hash, self.signature) = self.HEADER.unpack(octets[:168])
        if (magic, length, row_len, features, zeros) != (b"PTB1", len(octets), 36, 0, bytes(8)):
            raise ValueError("no blob")
        end = 168 + 36 * (anchors + pins + denied)
        index = octets[168:end]
        if hashlib.sha256(index).digest() != index_hash:
            raise ValueError("another index")
        rows = [index[at:at + 36] for at in range(0, len(index), 36)]
        self.anchors, at = {}, end
        for row in rows[:anchors]:
            name, digest, offset, entry_len, zeros = struct.unpack(">8s16sIH6s", row)
            entry = octets[offset:offset + entry_len]
            if offset != at or zeros != bytes(6) or hashlib.sha256(entry).digest()[:16] != digest:
                raise ValueError("another entry")
            at += entry_len
            self.anchors[name, digest] = entry
        if at != length or list(self.anchors) != sorted(self.anchors):
            raise ValueError("rows and entries have another order")
        self.pins = [struct.unpack(">32sHH", row) for row in rows[anchors:anchors + pins]]
        self.denied = [row[:32] for row in rows[anchors + pins:]]
        if any(row[32:] != bytes(4) for row in rows[anchors + pins:]):
            raise ValueError("a denied key has more")
        self.signed = b"popcl-trust-blob" + octets[:104]


def der_of(signature):
    """An ECDSA signature of two raw numbers, as openssl reads it."""
    numbers = b""
    for half in (signature[:32], signature[32:]):
        n = int.from_bytes(half, "big")
        octets = n.to_bytes(n.bit_length() // 8 + 1, "big")
        numbers += bytes((2, len(octets))) + octets
    return bytes((0x30, len(numbers))) + numbers


def raw_of(der):
    """The two raw numbers of a signature that openssl wrote."""
    return b"".join(int.from_bytes(der[at:end], "big").to_bytes(32, "big") for _, at, end in
                    (test_ta.element(der, child) for child in list(number_places(der))))


def number_places(der):
    at, end = test_ta.element(der)[1:]
    while at < end:
        yield at
        at = test_ta.element(der, at)[2]


def forge(octets, key, rows=None, **fields):
    """The blob with another floor or other retired keys, or with `rows` (anchors, pins, denied; and all octets after the header),
    signed anew with the key file: popcl-ta makes none of these."""
    head = bytearray(octets[:104])
    places = {"floor": (12, 4), "retired": (56, 4)}
    for name, value in fields.items():
        at, n = places[name]
        head[at:at + n] = value.to_bytes(n, "big")
    rest = octets[168:]
    if rows is not None:
        counts, rest = rows
        head[48:54] = struct.pack(">HHH", *counts)
    head[4:8] = (168 + len(rest)).to_bytes(4, "big")
    index = 36 * sum(struct.unpack(">HHH", head[48:54]))
    head[72:104] = hashlib.sha256(rest[:index]).digest()
    der = openssl("dgst", "-sha256", "-sign", str(key), stdin=b"popcl-trust-blob" + bytes(head))
    return bytes(head) + raw_of(der) + rest


def is_sanitized():
    return b"__asan_init" in test_ta.TA.read_bytes()


def sec1(digits):
    """A file with this private key."""
    return b"-----BEGIN EC PRIVATE KEY-----\n" + openssl("base64", stdin=bytes.fromhex(digits)) + b"-----END EC PRIVATE KEY-----\n"


class Case(test_ta.Case):
    @classmethod
    def setUpClass(cls):
        cls.roots = [pki.shared().root(f"Root {key}", key=key) for key in ("RSA-2048", "P-256", "P-384")]
        cls.certificates = [root.file for root in cls.roots]

    def setUp(self):
        super().setUp()
        for name in ("one", "two"):
            self.file(f"{name}.key", openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1"))
            self.file(f"{name}.pub", openssl("pkey", "-pubout", stdin=(self.folder / f"{name}.key").read_bytes()))

    def blob(self, *words, sequence=7, **how):
        """gen --format blob of the roots."""
        how.setdefault("inputs", self.certificates)
        inputs = how.pop("inputs")
        return self.ta("gen", *inputs, "--format", "blob", *PRODUCT, "--sequence", sequence, *words, **how)

    def judge(self, octets, name="one"):
        """Whether openssl takes the signature."""
        blob = Blob(octets)
        self.file("signature", der_of(blob.signature))
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", f"{name}.pub", "-signature", "signature"], input=blob.signed,
                              cwd=self.folder, capture_output=True)
        return done.returncode == 0


class Made(Case):
    """gen --format blob."""

    def test_the_layout(self):
        hashes = [hashlib.sha256(bytes((n,))).digest() for n in range(4)]
        octets = self.blob("--floor", 3, "--stale", "90", "--retire", 30, "--retire", "4", "--key-number", 31, "--key", "one.key",
                           "--pin", f"sha256:{hashes[0].hex()}", "--pin", f"{hashes[1].hex()}:2026-03-01",
                           "--pin", f"{hashes[2].hex()}::2027-02-28", "--pin", f"{hashes[2].hex()}:1970-01-01:1970-01-02",
                           "--deny", hashes[3].hex().upper())
        blob = Blob(octets)
        made = int(datetime.datetime(2026, 8, 1, tzinfo=datetime.timezone.utc).timestamp())
        self.assertEqual((blob.sequence, blob.floor, blob.made, blob.stale), (7, 3, made, made + 90 * 86400))
        self.assertEqual((blob.key, blob.retired), (31, 1 << 30 | 1 << 4))
        self.assertEqual(blob.scope, hashlib.sha256(b"a product").digest()[:16])
        self.assertEqual(blob.pins, sorted([(hashes[0], 0, 65535), (hashes[1], day("2026-03-01"), 65535), (hashes[2], 0, day("2027-02-28")),
                                            (hashes[2], 0, 1)]))
        self.assertEqual(blob.denied, [hashes[3]])
        self.assertTrue(self.judge(octets))
        self.assertFalse(self.judge(octets, "two"))
        # The anchors are those of the C output: each with the name and the entry of it.
        written = self.gen(*self.certificates)
        self.assertEqual({name: test_ta.entry(entry) for (name, _), entry in blob.anchors.items()},
                         {anchor["name"]: {part: anchor[part] for part in ("kind", "flags", "path_len", "days", "n", "e", "q", "bases")}
                          for anchor in written.anchors.values()})

    def test_the_same_input_gives_the_same_octets(self):  # [H20 H26]
        want = self.blob("--key", "one.key")
        self.assertEqual(self.blob("--key", "one.key", inputs=reversed(self.certificates)), want)
        self.file("pkcs8.key", openssl("pkcs8", "-topk8", "-nocrypt", stdin=(self.folder / "one.key").read_bytes()))
        self.file("params.key", openssl("ecparam", "-name", "prime256v1") + (self.folder / "one.key").read_bytes().replace(b"\n", b"\r\n"))
        for key in ("pkcs8.key", "params.key"):
            self.assertEqual(self.blob("--key", key), want)
        self.assertEqual(self.blob("--key", "one.key", "--key", "rsa").count(b"PTB1"), 1)
        # Of several keys, some signatures have numbers with leading zeros: openssl takes each of them.
        for sequence in range(40):
            self.assertTrue(self.judge(self.blob("--key", "one.key", sequence=sequence)))
        one, two = (self.blob("--key", "one.key", sequence=n) for n in (0, 1))
        self.assertNotEqual(Blob(one).signature, Blob(two).signature)

    def test_pins_of_certificates_and_none(self):
        server = self.roots[0].issue("server", san=["localhost"])
        blob = Blob(self.blob("--pins", inputs=[server.file]))
        self.assertEqual(([pin[0].hex() for pin in blob.pins], blob.anchors), ([server.pin[7:]], {}))
        self.assertEqual(blob.signature, bytes(64))
        self.assertIn("not signed", self.err)
        self.assertIn("popcl-ta: 1 pin, not signed", self.err)
        self.blob("--pin", server.pin, "--pin", "ab" * 32, "--key", "one.key", inputs=[])
        self.assertEqual(self.err, "popcl-ta: 2 pins, signed\n")
        self.blob("--pin", server.pin, "--key", "one.key")
        self.assertIn("popcl-ta: 3 anchors, 1 pin, signed\n", self.err)
        # Two certificates of one key: one pin, and both are named.
        self.file("renewed.pem", openssl("req", "-x509", "-new", "-key", str(server.key_file), "-subj", "/CN=renewed", "-days", "9999"))
        blob = Blob(self.blob("--pins", inputs=[server.file, "renewed.pem"]))
        self.assertEqual([pin[0].hex() for pin in blob.pins], [server.pin[7:]])
        self.assertRegex(self.err, "note: one pin is for CN=renewed and CN=server\n")
        self.assertIn("another certificate of this key is kept: it is the same pin", self.err)
        self.assertEqual(Blob(self.blob("--pins", inputs=["renewed.pem", server.file])).octets, blob.octets)
        self.ta("gen", "--pins", server.file, "renewed.pem", "-o", "out.c")
        self.assertIn("ca_pins, 1,\n", (self.folder / "out.c").read_text())
        self.ta("list", "out.c")
        (self.folder / "out.c").unlink()
        self.blob("--pins", "-q", inputs=[server.file, "renewed.pem"])
        self.assertEqual(self.err, "")
        digest = bytes.fromhex(server.pin[7:])
        text = base64.b64encode(digest).decode()
        for form in (server.pin, server.pin[7:], server.pin[7:].upper(), f"sha256//{text}"):
            for days, want in (("", (0, 65535)), (":2026-01-01", (day("2026-01-01"), 65535)), ("::2027-02-28", (0, day("2027-02-28")))):
                self.assertEqual(Blob(self.blob("--pin", form + days, inputs=[])).pins, [(digest, *want)])
        for form in (text, f"sha256//{text[:-1]}", f"sha256//{text}=", f"sha256//{server.pin[7:]}", f"sha256:{text}", "sha256:", "sha256//", f"sha256/{text}"):
            self.blob("--pin", form, inputs=[], code=64)
            self.assertRegex(self.err, r"--pin wants HEX(.|\n)*sha256//BASE64")
        blob = Blob(self.blob("--pin", server.pin, inputs=[]))
        self.assertEqual((len(blob.pins), blob.anchors), (1, {}))
        self.blob("--pin", server.pin, "--org", "nobody", "-o", "out.c", code=65)
        own = pki.shared().make("localhost", None)
        self.blob("--allow-leaf", inputs=[own.file])
        self.assertIn("a blob has no place for common names", self.err)
        self.no_output()

    def test_a_whole_bundle(self):
        if not test_ta.SYSTEM_BUNDLE.exists():
            self.skipTest(f"{test_ta.SYSTEM_BUNDLE} is not there (Debian: ca-certificates)")
        octets = self.blob("--key", "one.key", "-o", "out.ptb", inputs=[test_ta.SYSTEM_BUNDLE]) or (self.folder / "out.ptb").read_bytes()
        anchors = self.gen(test_ta.SYSTEM_BUNDLE, "--now", "2026-08-02").anchors
        self.assertEqual(len(Blob(octets).anchors), len(anchors))
        self.ta("check", "out.ptb", "--public", "one.pub", "--now", "2026-08-02", "--days", "0")
        self.assertEqual(self.ta("diff", test_ta.SYSTEM_BUNDLE, "out.ptb", "--now", "2026-08-02"), b"")

    def test_limits(self):
        everything = len(self.blob())
        pin = ("--pin", "0" * 64)
        self.assertEqual(len(self.blob("--max-bytes", everything)), everything)
        self.assertEqual(len(self.blob("--max-bytes", everything + 36, *pin)), everything + 36)
        for limit in (everything - 1, everything // 2):
            self.assertTrue(168 < len(self.blob("--max-bytes", limit)) <= limit)
        self.blob("--max-bytes", 60, *pin, "-o", "out.c", code=65)
        self.no_output()

    def test_verify(self):
        self.file("out.ptb", self.blob("--key", "one.key"))
        self.blob("--key", "one.key", "--verify", "out.ptb")
        self.blob("--verify", "out.ptb")  # without a signer, the signature is another's part
        self.blob("--key", "two.key", "--verify", "out.ptb", code=1)
        self.assertIn("out.ptb is not signed by the key in two.key; all else is the same", self.err)
        self.blob("--verify", "out.ptb", sequence=8, code=1)
        self.blob("--verify", "out.ptb", inputs=self.certificates[:2], code=1)
        self.file("out.ptb", self.blob("--key", "one.key")[:-1])
        self.blob("--verify", "out.ptb", code=1)

    def test_verify_checks_a_signature_and_compares_none(self):
        """A command that signs takes another random number each time. Nothing is run."""
        signer = ("--sign-with", "touch ran; openssl dgst -sha256 -sign one.key", "--public", "one.pub")
        octets = self.blob(*signer)
        self.assertNotEqual(self.blob(*signer), octets)
        (self.folder / "ran").unlink()
        for name, content in (("out.ptb", octets), ("key.ptb", self.blob("--key", "one.key"))):
            self.file(name, content)
            for words in (signer, ("--key", "one.key"), ("--public", "one.pub"), ("--key", "one.key", "--public", "one.pub"), ()):
                self.blob(*words, "--verify", name)
            for words, key in ((("--sign-with", "true", "--public", "two.pub"), "two.pub"), (("--public", "two.pub"), "two.pub"), (("--key", "two.key"), "two.key")):
                self.blob(*words, "--verify", name, code=1)
                self.assertIn(f"{name} is not signed by the key in {key}; all else is the same", self.err)
        for at, said in ((110, "is not signed by the key in one.pub"), (20, "octet 20 differs"), (len(octets) - 1, f"octet {len(octets) - 1} differs")):
            self.file("out.ptb", octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1:])
            self.blob(*signer, "--verify", "out.ptb", code=1)
            self.assertIn(said, self.err)
        self.file("out.ptb", self.blob())
        self.blob(*signer, "--verify", "out.ptb", code=1)
        self.file("out.ptb", octets)
        self.blob("--key", "one.key", "--public", "two.pub", "--verify", "out.ptb", code=65)
        self.assertIn("the key in two.pub is not that of one.key", self.err)
        self.blob("--sign-with", "touch ran", "--public", "nothing.pub", "--verify", "out.ptb", code=66)
        self.blob("--sign-with", "touch ran", "--verify", "out.ptb", code=64)
        self.assertFalse((self.folder / "ran").exists())

    def test_usage(self):
        hash_ = "ab" * 32
        for words in (["--floor", "8"], ["--retire", "32"], ["--retire", "0"], ["--retire", "1"], ["--key-number", "32"], ["--prefix", "my"], ["--section", ".x"],
                      ["--stale", "2026-08-01"], ["--stale", "0"], ["--stale", "soon"], ["--pin", hash_[:-1]], ["--pin", hash_ + "0"],
                      ["--pin", f"{hash_}:2026-01-02:2026-01-01"], ["--pin", f"{hash_}:2150-01-01"], ["--pin", f"{hash_}:1969-12-31"],
                      ["--pin", f"{hash_}:2026-01-01:2026-01-01:"], ["--pin", f"{hash_}:x"], ["--deny", "12"], ["--deny", f"{hash_}:2026-01-01"],
                      ["--sign-with", "true"], ["--sign-with", "true", "--public", "one.pub", "--key", "one.key"],
                      ["--key", "one.key", "--key", "two.key"], ["--key", "rsa", "--key", "ec"], ["--public", "one.pub", "--public", "two.pub", "--key", "one.key"],
                      ["--days", "3"], ["--keep-expired", "--min-days", "3"]):
            with self.subTest(words):
                self.assertEqual(self.blob(*words, "-o", "out.c", code=64), b"")
                self.assertIn(words[0], self.err)
        for words in (["--pin", hash_, "--pin", hash_], ["--deny", hash_, "--deny", hash_], ["--pin", hash_, "--deny", hash_],
                      ["--deny", self.roots[1].pin]):
            self.blob(*words, "-o", "out.c", code=65)
        root = self.certificates[0]
        for words in (["gen", root, "--format", "blob", "--sequence", "1"], ["gen", root, "--format", "blob", "--scope", "x"],
                      ["gen", root, "--scope", "x"], ["gen", root, "--pin", hash_], ["gen", root, "--key", "one.key"], ["sign", "x", "--key", "rsa"],
                      ["sign", "x", "--key", "one.key", "--format", "blob"], ["sign", "x", "y", "--key", "one.key"], ["keys", "one.pub", "--format", "pem"],
                      ["keys", "one.pub", "--scope", "x"], ["check", root, "-o", "out.c"], ["diff", root, root, root], ["diff", root, root, "--days", "1"],
                      ["gen", root, "--format", "blob", "--scope", "x", "--sequence", "1", "--made", "2026"],
                      ["gen", "--format", "blob", "--scope", "x", "--sequence", "1"]):
            with self.subTest(words):
                self.ta(*words, code=64)
        for words, said in ((["gen", "--format", "blob", "--scope", "x", "--sequence", "1"], "what to try: .*--pin with the hash"),
                            (["gen"], "what to try: .*for a blob --pin with the hash"), (["list"], "what to try: give a PEM bundle"),
                            (["keys"], "keys wants the file of a public key\n.*what to try: openssl pkey "),
                            (["gen", root, "--format", "blob", "--scope", "x", "--sequence", "1", "--stale", "730d"],
                             "--stale wants a time, or a number of days\n.*what to try: .*--stale 730\n")):
            self.ta(*words, code=64)
            self.assertRegex(self.err, said)
        self.assertIn("needs --public", self.ta("--help").decode())
        self.no_output()


    def test_what_devices_refuse_is_warned_of(self):
        """A set that is made in the future, that nothing can replace, that has no room, or days without a valid pin."""
        words = ("gen", *self.certificates, "--format", "blob", "--scope", "x", "--sequence", "1")
        self.ta(*words, "--now", "2026-08-02", "--made", "2026-08-02T00:00:01Z", "-o", "out.c", code=64)
        self.assertRegex(self.err, r"--made 2026-08-02T00:00:01Z is later than --now, 2026-08-02T00:00:00Z(.|\n)*what to try: ")
        self.ta(*words, "--now", "2026-08-02", "--made", "2026-08-02")
        self.ta(*words, "--made", "2099-01-01", "-o", "out.c", code=64)
        self.assertIn("--made 2099-01-01T00:00:00Z is later than the clock, ", self.err)
        self.no_output()
        before = int(time.time())
        made = Blob(self.ta(*words)).made
        self.assertTrue(before <= made <= int(time.time()), made)
        self.assertNotIn("warning", self.err)
        self.assertEqual(Blob(self.ta(*words[:1], *words[-6:], "--pin", "ab" * 32, "--now", "2099-01-01")).made, day("2099-01-01") * 86400)
        self.assertIn("warning: the blob is made at --now 2099-01-01T00:00:00Z, later than the clock", self.err)
        self.blob(sequence=2**32 - 1)
        self.assertIn("warning: no later set can replace this one: nothing is above --sequence 4294967295", self.err)
        self.blob(sequence=2**32 - 2)
        self.assertNotIn("warning", self.err)

    def test_days_without_a_valid_pin(self):
        one, two, three = ("ab" * 32, "cd" * 32, "ef" * 32)
        for pins, spans in (([one], []), ([f"{one}::2020-01-01"], [("2026-08-01", "")]), ([f"{one}:2026-09-01"], [("2026-08-01", "2026-08-31")]),
                            ([f"{one}::2026-08-01", f"{two}:2026-08-02"], []), ([f"{one}::2026-08-01", f"{two}:2026-08-03"], [("2026-08-02", "2026-08-02")]),
                            ([f"{one}:2026-10-01:2026-10-31", f"{two}::2026-09-15", f"{three}:2026-08-01:2026-08-20"],
                             [("2026-09-16", "2026-09-30"), ("2026-11-01", "")]),
                            ([f"{one}::2026-07-31", f"{two}"], []), ([f"{one}:2149-06-05", f"{two}::2149-06-03"], [("2149-06-04", "2149-06-04")])):
            with self.subTest(pins):
                self.file("b.ptb", self.blob("--key", "one.key", *(word for pin in pins for word in ("--pin", pin))))
                want = ["no pin is valid from " + (f"{since} to {until}: every server is refused on these days" if until else
                                                   f"{since} on: every server is refused from then on") for since, until in spans]
                self.assertEqual(re.findall("warning: (.*)\n", self.err), want)
                for days in (90, 91):  # the last span counts if it begins within them
                    shown = self.ta("check", "b.ptb", "--public", "one.pub", "--now", "2026-08-02", "--days", days, code=1 if pins != [one] else 0)
                    found = [line[7:] for line in shown.decode().splitlines() if " no pin " in line]
                    self.assertEqual(found, [line for line in want if days > 90 or "2026-11-01" not in line])

    def test_large(self):
        """Over 65,520 octets: a device's usual slot is too small."""
        pins = [word for n in range(1815) for word in ("--pin", f"{n:064x}")]
        for count, is_large in ((1815, False), (1816, True)):
            self.file("b.ptb", self.blob(*pins, *(["--pin", "f" * 64] if is_large else []), "--key", "one.key", inputs=[]))
            size = (self.folder / "b.ptb").stat().st_size
            self.assertEqual((size, size > 65520), (168 + 36 * count, is_large))
            for when in ("gen", "check"):
                if when == "check":
                    self.ta("check", "b.ptb", "--public", "one.pub", "--now", "2026-08-02")
                self.assertEqual(f"it has {size} octets: a device needs more than the usual slot" in self.err, is_large, when)
            self.ta("check", "b.ptb", "--max-bytes", size, "--now", "2026-08-02")
            self.assertNotIn("slot", self.err)
            self.assertIn(f"it has {size} octets, over --max-bytes {size - 1}\n",
                          self.ta("check", "b.ptb", "--max-bytes", size - 1, "--now", "2026-08-02", code=1).decode())


class Signed(Case):
    """Keys, commands that sign, and sign. [H26]"""

    def test_a_command(self):
        want = self.blob()
        self.blob("--sign-with", "openssl dgst -sha256 -sign one.key", "--public", "one.pub", "-o", "out.ptb")
        octets = (self.folder / "out.ptb").read_bytes()
        self.assertTrue(self.judge(octets))
        self.assertEqual(octets[:104] + octets[168:], want[:104] + want[168:])
        for command, code, said in (("openssl dgst -sha256 -sign two.key", 65, "not by the key in one.pub"),
                                    ("openssl dgst -sha384 -sign one.key", 65, "not by the key in one.pub"),
                                    ("cat", 65, "no ECDSA signature"), ("true", 65, "wrote 0 octets"), ("cat /dev/zero", 65, "no ECDSA signature"),
                                    ("exit 3", 69, "exit code 3"), ("kill -9 $$", 69, "signal 9"), ("no-such-command-here", 69, "exit code 127"),
                                    ("exec <&-; openssl dgst -sha256 -sign one.key /dev/null", 65, "not by the key")):
            with self.subTest(command):
                if command == "cat /dev/zero":
                    command = "cat /dev/zero 2>&-; true"  # it ends when nobody reads
                self.blob("--sign-with", command, "--public", "one.pub", "-o", "out.c", code=code)
                self.assertIn(said, self.err)
                self.no_output()
        self.file("got", b"")
        self.blob("--sign-with", "tee got | openssl dgst -sha256 -sign one.key", "--public", "one.pub")
        self.assertEqual((self.folder / "got").read_bytes(), b"popcl-trust-blob" + want[:104])
        self.blob("--sign-with", "true", "--public", "nothing.pub", "-o", "out.c", code=66)
        self.file("both.pub", (self.folder / "one.pub").read_bytes() + (self.folder / "two.pub").read_bytes())
        self.blob("--key", "one.key", "--public", "both.pub", "-o", "out.c", code=65)
        self.assertIn("has 2 keys: give the one of the signer", self.err)
        self.no_output()

    def test_sign(self):
        want = self.blob("--key", "one.key")
        self.file("unsigned.ptb", self.blob())
        self.assertEqual(self.ta("sign", "unsigned.ptb", "--key", "one.key"), want)
        self.assertEqual(self.err, "popcl-ta: sequence 7, signed with key 0\n")
        self.ta("sign", "unsigned.ptb", "--key", "one.key", "-q")
        self.assertEqual(self.err, "")
        self.assertEqual(self.ta("sign", "-", "--key", "one.key", "--public", "one.pub", stdin=want), want)
        self.ta("sign", "unsigned.ptb", "--key", "one.key", "-o", "unsigned.ptb")
        self.assertEqual((self.folder / "unsigned.ptb").read_bytes(), want)
        other = self.ta("sign", "unsigned.ptb", "--key-number", "3", "--sign-with", "openssl dgst -sha256 -sign two.key", "--public", "two.pub")
        self.assertEqual(Blob(other).key, 3)
        self.assertTrue(self.judge(other, "two"))
        self.ta("sign", "unsigned.ptb", "--key", "one.key", "--public", "two.pub", "-o", "out.c", code=65)
        self.file("retiring.ptb", self.blob("--retire", "3", "--key-number", "4"))
        self.ta("sign", "retiring.ptb", "--key-number", "3", "--key", "one.key", "-o", "out.c", code=65)
        self.assertIn("retires the key", self.err)
        for damaged in (want[:-1], want[:100], want[:4], want[:200] + b"\xff" + want[201:], want[:54] + b"\x23" + want[55:], want[:63] + b"\1" + want[64:]):
            self.file("damaged.ptb", damaged)
            self.ta("sign", "damaged.ptb", "--key", "one.key", "-o", "out.c", code=65)
        self.ta("sign", self.certificates[0], "--key", "one.key", "-o", "out.c", code=65)
        self.assertIn("is no blob", self.err)
        self.ta("sign", "nothing.ptb", "--key", "one.key", "-o", "out.c", code=66)
        self.no_output()

    def test_numbers_of_other_lengths(self):
        """A private key may be written with zeros before it, or without."""
        for head, number in (("303202010104210000", "00" * 30 + "05"), ("303002010104" "1f", "00" * 30 + "05"), ("30120201010401", "05")):
            self.file("small.key", sec1(head + number + "a00a06082a8648ce3d030107"))
            self.file("small.pub", openssl("pkey", "-pubout", stdin=sec1("30310201010420" + "00" * 31 + "05" + "a00a06082a8648ce3d030107")))
            self.blob("--key", "small.key", "--public", "small.pub")

    def test_key_files(self):
        one = (self.folder / "one.key").read_bytes()
        encrypted = "this key is encrypted"
        keys = {
            "sec1 encrypted": (openssl("ec", "-aes128", "-passout", "pass:x", stdin=one), encrypted),
            "pkcs8 encrypted": (openssl("pkcs8", "-topk8", "-passout", "pass:x", stdin=one), encrypted),
            "rsa": (openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "this key is RSA, and"),
            "rsa old": (openssl("rsa", "-traditional", stdin=openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")), "no EC key"),
            "p-384": (openssl("ecparam", "-genkey", "-noout", "-name", "secp384r1"), "this key is P-384, and trust is signed with P-256"),
            "secp256k1": (openssl("ecparam", "-genkey", "-noout", "-name", "secp256k1"), "this key is secp256k1, and"),
            "secp256k1 pkcs8": (openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "this key is secp256k1, and"),
            "p-384 pkcs8": (openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), "this key is P-384, and"),
            "explicit": (openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"), "by name"),
            "ed25519": (openssl("genpkey", "-algorithm", "ed25519"), "this key is Ed25519, and"),
            "public": ((self.folder / "one.pub").read_bytes(), "there is no private key"),
            "certificate": (self.certificates[0].read_bytes(), "there is no private key"),
            "empty": (b"", "there is no private key"),
            "two": (one + (self.folder / "two.key").read_bytes(), "two private keys"),
            "cut": (one[:-20], "this block is damaged"),
            "changed": (one.replace(b"\n", b"\n*", 1), "this block is damaged"),
            "der": (openssl("ec", "-outform", "DER", stdin=one), "there is no private key"),
            "zero": (sec1("30310201010420" + "00" * 32 + "a00a06082a8648ce3d030107"), "cannot sign"),
            "long": (sec1("303202010104210201" + "00" * 31 + "a00a06082a8648ce3d030107"), "key is damaged"),
            "large": (b"\n" * 70000 + one, "too large"),
        }
        for name, (octets, said) in keys.items():
            with self.subTest(name):
                self.file("bad.key", octets)
                self.blob("--key", "bad.key", "-o", "out.c", code=66 if name == "large" else 65)
                self.assertIn(said, self.err)
                self.assertIn("bad.key", self.err)
                if name not in ("large", "zero"):
                    self.assertRegex(self.err, r"\npopcl-ta: what to try: \S")
                self.no_output()
        self.blob("--key", "nothing.key", "-o", "out.c", code=66)
        self.blob("--key", self.folder, "-o", "out.c", code=66)
        self.no_output()

    def test_a_private_key_is_never_given_out(self):
        text = openssl("ec", "-text", "-noout", stdin=(self.folder / "one.key").read_bytes()).decode()
        number = bytes.fromhex(re.search(r"priv:([\s0-9a-f:]+)pub:", text).group(1).replace(":", "").replace("\n", "").replace(" ", ""))[-32:]
        for out in (self.blob("--key", "one.key"), self.ta("keys", "one.pub")):
            for said in (out, self.err.encode()):
                self.assertFalse(any(number[i:i + 4] in said for i in range(29)))

    def test_keys(self):
        for words, name in (([], "out.c"), (["--format", "c+h"], "two.c"), (["--section", ".keys"], "section.c")):
            self.ta("keys", "one.pub", "two.pub", "--prefix", "my", *words, "-o", name)
            for _ in self.compile(name):
                pass
            text = (self.folder / name).read_text()
            points = [bytes(int(octet, 16) for octet in re.findall("0x(..)", one)) for one in text.split("/* key ")[1:]]
            want = [openssl("pkey", "-pubin", "-outform", "DER", stdin=(self.folder / f"{key}.pub").read_bytes())[-65:] for key in ("one", "two")]
            self.assertEqual(points, want)
        self.assertIn("my_signers_len = 2", (self.folder / "two.h").read_text())
        self.ta("keys", "one.pub", "two.pub", "--prefix", "my", "--format", "c+h", "--verify", "two.c")
        self.ta("keys", "one.pub", "--prefix", "my", "--format", "c+h", "--verify", "two.c", code=1)
        self.ta("keys", "one.pub")
        self.assertIn("with one key alone", self.err)
        self.file("user.c", b'#include "two.h"\nstatic const popcl_blob_policy p = {my_signers, my_signers_len, "x", 0, 0, 0};\n'
                  b"const popcl_blob_policy *user(void);\nconst popcl_blob_policy *user(void) { return &p; }\n")
        for _ in self.compile("user.c"):
            pass
        self.file("out.ptb", self.blob())
        one = (self.folder / "one.pub").read_bytes()
        der = openssl("pkey", "-pubin", "-outform", "DER", stdin=one)
        pem = lambda octets: b"-----BEGIN PUBLIC KEY-----\n" + openssl("base64", stdin=octets) + b"-----END PUBLIC KEY-----\n"
        for octets, said in ((b"", "bad.pub: there is no public key"), ((self.folder / "one.key").read_bytes(), "this is a private key"), (one[:-9], "block is damaged"),
                             (openssl("pkey", "-pubout", stdin=openssl("genpkey", "-algorithm", "ed25519")), "this key is Ed25519, and"),
                             (openssl("pkey", "-pubout", stdin=openssl("ecparam", "-genkey", "-noout", "-name", "secp256k1")), "this key is secp256k1, and"),
                             (pem(b"\x30\x03\x02\x01\x00"), "this key is damaged"),
                             (openssl("ec", "-pubin", "-conv_form", "compressed", "-pubout", stdin=one), "compressed"), (one + one, "here twice"),
                             (openssl("pkey", "-pubout", stdin=self.roots[0].key_file.read_bytes()), "this key is RSA 2048, and trust is signed with P-256"),
                             (openssl("pkey", "-pubout", stdin=self.roots[2].key_file.read_bytes()), "this key is P-384, and"),
                             (pem(der[:-1] + bytes((der[-1] ^ 1,))), "no point of its curve"), (pem(der[:-65] + b"\5" + der[-64:]), "no point of its curve"),
                             (self.certificates[0].read_bytes(), "no public key")):
            self.file("bad.pub", octets)
            for words in (("keys", "bad.pub", "-o", "out2.c"), ("sign", "out.ptb", "--key", "one.key", "--public", "bad.pub", "-o", "out2.c")):
                self.ta(*words, code=65)
                self.assertIn(said, self.err)
                self.assertRegex(self.err, r"\npopcl-ta: what to try: \S")
        many = b"".join(openssl("pkey", "-pubout", stdin=openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1")) for _ in range(33))
        self.file("many.pub", many)
        self.ta("keys", "many.pub", "-o", "out2.c", code=65)
        self.assertIn("over 32 keys", self.err)
        self.assertFalse((self.folder / "out2.c").exists())


class Forgotten(Case):
    """[H26] No memory that is freed has a part of a private key. A library before the C library looks at each block."""

    LOOKER = rb"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void look(void *p) {
    const char *secret = getenv("SECRET");
    static const char found[] = "A SECRET IS FREED\n";
    if (p && secret && memmem(p, malloc_usable_size(p), secret, strlen(secret)) && write(2, found, sizeof found - 1) < 0) _exit(99);
}
void free(void *p) {
    static void (*real)(void *);
    if (!real) real = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    look(p);
    real(p);
}
void *realloc(void *p, size_t n) {
    void *q = malloc(n);
    size_t had = p ? malloc_usable_size(p) : 0;
    if (q && p) memcpy(q, p, had < n ? had : n);
    if (q) free(p);
    return q;
}
"""

    def setUp(self):
        super().setUp()
        if is_sanitized():
            self.skipTest("this build has an allocator of its own")
        self.file("looker.c", self.LOOKER)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", "looker.so", "looker.c", "-ldl"], cwd=self.folder, check=True)

    def run_with(self, secret, *words):
        """The text on standard error, without the finding. Fails if there is one."""
        done = subprocess.run(words, cwd=self.folder, capture_output=True, env={**os.environ, "LD_PRELOAD": str(self.folder / "looker.so"), "SECRET": secret})
        self.assertNotIn(b"A SECRET IS FREED", done.stderr)
        return done

    def test_key_files(self):
        key = (self.folder / "one.key").read_bytes()
        line = key.decode().splitlines()[1][8:40]
        unsigned = self.blob()
        self.file("unsigned.ptb", unsigned)
        certificate = self.certificates[0].read_bytes()
        files = {"good": key, "two": key + (self.folder / "two.key").read_bytes(), "cut": key[:-20], "changed": key.replace(b"\n", b"\n*", 1),
                 "large": key + b"\n" * 70000, "larger": key + b"\n" * 700000, "beside": certificate + key, "none": b"\n" + key.replace(b"EC PRIVATE", b"ODD PRIVATE")}
        command = [str(test_ta.TA)]
        for name, octets in files.items():
            self.file("a.key", octets)
            for words in (["sign", "unsigned.ptb", "--key", "a.key"], ["sign", "unsigned.ptb", "--key", "one.key", "--public", "a.key"],
                          ["gen", "a.key", "-o", "out.c"], ["list", "a.key"], ["check", "a.key"], ["diff", "a.key", "unsigned.ptb"], ["keys", "a.key"],
                          ["gen", *map(str, self.certificates), "--verify", "a.key"]):
                with self.subTest((name, words)):
                    done = self.run_with(line, *command, *words)
                    self.assertIn(done.returncode, (0, 1, 65, 66))
            with self.subTest((name, "popcl")):
                self.file("auth", b"username = a\npassword = b\n")
                (self.folder / "auth").chmod(0o600)
                popcl = [str(test_ta.TA.parent / "popcl"), "127.0.0.1", "-p", "1", "-T", "-a", "auth", "-o", "."]
                for words in (["--ta-blob", "unsigned.ptb", "--ta-key", "a.key", "--ta-scope", "a product"], ["-c", "a.key"]):
                    self.assertNotEqual(self.run_with(line, *popcl, *words).returncode, 0)

    def test_the_looker_finds(self):
        """A program that frees what it read."""
        self.file("frees.c", b"#include <stdlib.h>\n#include <string.h>\nint main(void) { char *p = strdup(getenv(\"SECRET\")); free(p); return 0; }\n")
        subprocess.run(["cc", "-O0", "-fno-builtin", "-o", "frees", "frees.c"], cwd=self.folder, check=True)
        with self.assertRaises(AssertionError):
            self.run_with("a secret of some length", "./frees")

    def test_the_number(self):
        """The octets of the key itself, those without a zero."""
        text = openssl("ec", "-text", "-noout", stdin=(self.folder / "one.key").read_bytes()).decode()
        number = bytes.fromhex(re.search(r"priv:([\s0-9a-f:]+)pub:", text).group(1).replace(":", "").replace("\n", "").replace(" ", ""))[-32:]
        part = max(number.split(b"\0"), key=len)[:16]
        self.file("unsigned.ptb", self.blob())
        for words in (["sign", "unsigned.ptb", "--key", "one.key"], ["sign", "unsigned.ptb", "--key", "one.key", "--public", "two.pub"]):
            self.run_with(part, *map(str, [test_ta.TA, *words]))


class ReadBack(Case):
    """list, check and diff, of each kind of input. [H27]"""

    def setUp(self):
        super().setUp()
        self.file("a.ptb", self.blob("--key", "one.key", "--stale", "2026-12-01", "--pin", "cd" * 32, "--deny", "ef" * 32))
        self.ta("gen", *self.certificates, "-o", "a.c", "--now", "2026-08-02")
        self.file("a.pem", b"".join(file.read_bytes() for file in self.certificates))

    def check(self, *words, code=0, now="2026-08-02"):
        return self.ta("check", *words, "--now", now, code=code).decode("ascii")

    def test_list(self):
        shown = self.ta("list", "a.ptb").decode("ascii")
        octets = (self.folder / "a.ptb").read_bytes()
        for text in (f"blob of {len(octets)} octets, signed with key 0\n", "sequence 7, floor 0", hashlib.sha256(b"a product").hexdigest()[:32],
                     "made 2026-08-01T00:00:00Z, stale from 2026-12-01T00:00:00Z", "anchors: 3, pins: 1, denied keys: 1\n",
                     f"pin {'cd' * 32}, at all times\n", f"denied {'ef' * 32}\n", "RSA 2048, ", "P-256, ", "P-384, "):
            self.assertIn(text, shown)
        for (name, digest), entry in Blob(octets).anchors.items():
            since, until = (str(DAY + datetime.timedelta(days)) for days in test_ta.entry(entry)["days"])
            self.assertRegex(shown, f"name {name.hex()}\n    .*, {since} to {until}, {len(entry)} octets\n    digest {digest.hex()}\n")
        self.assertIn("not signed", self.ta("list", "-", stdin=self.blob()).decode())
        both = self.ta("list", "a.c", "a.pem", "a.ptb").decode("ascii")
        self.assertIn("CN=Root P-384\n    P-384, ", both)
        self.assertIn("pin     " + self.roots[0].pin[7:], both)
        self.assertIn(shown, both)

    def test_check(self):
        keys = ("--public", "one.pub", "--scope", "a product")
        for name in ("a.ptb", "a.c", "a.pem"):
            self.assertEqual(self.check(name), "")
        self.assertEqual(self.check("a.ptb", *keys), "")
        self.assertEqual(self.check("a.ptb", "--public", "one.pub", "--public", "two.pub"), "")
        for words, said in (((*keys, "--days", "130"), "stale on 2026-12-01"), (("--public", "two.pub"), "signature is wrong"),
                            (("--public", "two.pub", "--public", "one.pub"), "signature is wrong"), (("--scope", "another"), "another product")):
            self.assertIn(said, self.check("a.ptb", *words, code=1))
        self.assertIn("becomes stale", self.check("a.ptb", "--days", "130", code=1))
        self.assertIn("has been stale since", self.check("a.ptb", code=1, now="2026-12-01"))
        self.assertIn("made in the future", self.check("a.ptb", code=1, now="2026-07-31T23:59:59Z"))
        self.file("b.ptb", self.blob("--key-number", "5", "--key", "one.key"))
        self.assertIn("names key 5", self.check("b.ptb", "--public", "one.pub", "--public", "two.pub", code=1))
        self.assertEqual(self.check("b.ptb", "--public", "one.pub", code=1),
                         "b.ptb: it names key 5 as its signer, and --public gave keys 0 to 0; it fits key 0 of --public, but the blob has key 5: "
                         "give the key's number (--key-number), or sign it with --key-number 0\n")
        for words, code in (((5, "one.pub"), 0), ((4, "two.pub", "one.pub"), 0), ((4, "one.pub", "two.pub"), 1), ((6, "one.pub"), 1), ((5, "two.pub"), 1), ((31, "one.pub"), 1)):
            with self.subTest(words):
                shown = self.check("b.ptb", "--key-number", words[0], *(word for name in words[1:] for word in ("--public", name)), "--scope", "a product", code=code)
                self.assertEqual(shown == "", code == 0)
                self.assertNotIn("a device refuses", shown)  # the reason has a line of its own
        self.check("b.ptb", "--key-number", "31", "--public", "one.pub", "--public", "two.pub", code=64)
        self.check("b.ptb", "--key-number", "5", code=64)
        self.assertIn("it fits key 1 of --public, but the blob has key 5: ", self.check("b.ptb", "--public", "two.pub", "--public", "one.pub", code=1))
        self.assertIn("it fits key 1 of --public, but the blob has key 0: give the keys in the order of their numbers, or sign it with --key-number 1\n",
                      self.check("a.ptb", "--public", "two.pub", "--public", "one.pub", code=1))
        self.file("b.ptb", self.blob())
        self.assertIn("is not signed", self.check("b.ptb", code=1))
        self.file("b.ptb", (self.folder / "a.ptb").read_bytes() + b"\xff" * 9)
        self.assertIn("9 octets come after its end", self.check("b.ptb", code=1))
        self.check("nothing.ptb", code=66)
        self.check("one.pub", code=65)
        self.check("a.ptb", "--public", "one.key", code=65)

    def test_a_check_without_a_key_says_so(self):
        changed = bytearray((self.folder / "a.ptb").read_bytes())
        changed[11] ^= 1
        self.file("b.ptb", bytes(changed))
        self.assertEqual(self.check("b.ptb"), "")
        self.assertIn("b.ptb: signature not checked: give --public\n", self.err)
        self.check("b.ptb", "--public", "one.pub", code=1)
        self.check("a.ptb", "--public", "one.pub")
        self.assertNotIn("not checked", self.err)
        for name in ("a.c", "a.pem"):
            self.check(name)
            self.assertNotIn("not checked", self.err)
            for option, value in (("--public", "one.pub"), ("--scope", "a product"), ("--max-bytes", "9999")):
                self.assertEqual(self.check("a.ptb", name, option, value, code=64), "")
                self.assertRegex(self.err, f"{option} is for blobs, and {name} is none\n.*what to try: ")

    def test_check_of_dates(self):
        """The last day of an anchor counts: it has expired on the day after."""
        ends = pki.days_from_now(365)
        for name in ("a.c", "a.pem"):
            for days, code in ((300, 0), (400, 1)):
                shown = self.ta("check", name, "--days", days, code=code).decode()
                self.assertEqual(shown.count("expires on"), 3 if code else 0, shown)
        late = (ends + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
        self.assertEqual(self.check("a.c", code=1, now=late).count("it has expired"), 3)
        self.assertEqual(self.check("a.pem", code=1, now=late).count("it has expired"), 3)
        self.file("b.ptb", self.blob("--pin", f"{'ab' * 32}::2026-08-20", "--key", "one.key"))
        self.assertEqual(self.check("b.ptb", "--days", "18"), "")
        self.assertIn(f"pin {'ab' * 32} ends on 2026-08-20", self.check("b.ptb", "--days", "19", code=1))
        for now, said in (("2026-08-20T23:59:59Z", "ends"), ("2026-08-21", "ended")):
            self.assertIn(f"pin {'ab' * 32} {said} on 2026-08-20", self.check("b.ptb", code=1, now=now))
        leaf = self.roots[0].issue("leaf", san=["localhost"])
        self.assertIn("it is no authority", self.check(leaf.file, code=1))
        self.assertEqual(self.check(leaf.file, "--allow-leaf"), "")

    def test_every_octet_and_every_cut_of_a_blob(self):
        """Each is found by check, with the signer's key."""
        octets = self.blob("--key", "one.key", "--pin", "cd" * 32, inputs=self.certificates[1:2])
        for at in range(len(octets)):
            self.file("b.ptb", octets[:at] + bytes((octets[at] ^ 1 << at % 8,)) + octets[at + 1:])
            self.check("b.ptb", "--public", "one.pub", code=1 if at >= 4 else 65)
        for cut in range(0, len(octets), 5):
            self.file("b.ptb", octets[:cut])
            self.check("b.ptb", "--public", "one.pub", code=1 if cut >= 4 else 65)
        self.ta("list", "b.ptb", code=65)
        self.ta("diff", "b.ptb", "a.pem", code=65)

    def test_generated_c_is_read_exactly(self):
        own = pki.shared().make("localhost", None)
        several = {"plain": ["gen", *self.certificates], "named": ["gen", *self.certificates, "--prefix", "my_9", "--sequence", "4294967295"],
                   "section": ["gen", *self.certificates, "--section", ".flash2"],
                   "attribute": ["gen", *self.certificates, "--section", "__attribute__((aligned(4)))"],
                   "pins": ["gen", *self.certificates, "--pins"], "own": ["gen", *self.certificates, own.file, "--allow-leaf"],
                   "evil": ["gen", pki.shared().root("*\\/ a \"b\\\\ ??\\/ {0x00, 1:").file],
                   "bundle": ["gen", test_ta.SYSTEM_BUNDLE, "--keep-expired"]}
        for name, words in several.items():
            with self.subTest(name):
                self.ta(*words, "-o", "b.c")
                shown = self.ta("list", "b.c").decode("ascii")
                self.assertNotIn("absent", shown)
                self.assertEqual("own certificate" in shown, name == "own")
                self.ta(*words, "--format", "c+h", "-o", "b.c")
                self.assertEqual(self.ta("list", "b.c").decode("ascii"), shown)
        lines = (self.folder / "a.c").read_bytes().splitlines(keepends=True)
        for at, line in enumerate(lines):
            if re.match(rb"/\* \d+: | \*    SHA-256 ", line):
                continue  # the subject, and the fingerprint: nothing else in the file depends on them
            for changed in (b"", line + line, line[:-2] + b"\n" if len(line) > 1 else b" \n", line.replace(b"0x0", b"0x1", 1) + b"\n",
                            b"    {\n", b"};\n", b"0x00, " * 700 + b"\n"):
                if changed == line:
                    continue
                self.file("b.c", b"".join([*lines[:at], changed, *lines[at + 1:]]))
                if at > 0:
                    with self.subTest((at, line, changed)):
                        self.assertRegex(self.check("b.c", code=1), r"^b.c: line \d+ is not as")
        self.ta("list", "b.c", code=65)
        self.assertIn("is not as this popcl-ta writes it", self.err)
        self.ta("gen", "a.c", "-o", "out.c", code=65)
        self.ta("gen", "a.ptb", "-o", "out.c", code=65)
        self.assertIn("is no certificate, but a blob", self.err)
        self.no_output()

    def test_sets_that_popcl_ta_does_not_make(self):
        octets, key = self.blob(inputs=self.certificates[1:2]), self.folder / "one.key"
        signed = ("--public", "one.pub")

        def forged(**how):
            self.file("b.ptb", forge(octets, key, **how))
            return self.check("b.ptb", *signed, code=1)

        self.file("b.ptb", forge(octets, key))
        self.assertEqual(self.check("b.ptb", *signed), "")
        self.assertIn("it retires key 0, which signs it", forged(retired=1))
        self.assertIn("retired keys: 0\n", self.ta("list", "b.ptb").decode())
        self.assertIn("too old", forged(floor=8))
        self.assertIn("neither anchors nor pins", forged(rows=((0, 0, 0), b"")))
        row, entry = octets[168:204], octets[204:]
        for changed in (entry[:1] + b"\x80" + entry[2:], b"\x07" + entry[1:], entry[:5] + b"\1" + entry[6:], entry[:10]):
            digest = hashlib.sha256(changed).digest()[:16]
            rest = row[:8] + digest + row[24:28] + len(changed).to_bytes(2, "big") + row[30:] + changed
            self.assertIn("it counts as absent", forged(rows=((1, 0, 0), rest)))
            self.assertIn("of a form that counts as absent", self.ta("list", "b.ptb").decode())
            self.assertRegex(self.ta("diff", "a.ptb", "b.ptb", code=1).decode(), r"\+ name [0-9a-f]{16}: of a form that counts as absent")
        # The same reader as a device has: here are entries that only a laxer one would take.
        limited = entry[:1] + bytes((entry[1] | 2,)) + entry[2:]  # without bases it would permit nothing
        with_e = entry[:3] + b"\3" + entry[4:] + b"\1\0\1"
        free = entry[:10] + b"\0\3" + entry[12:] + b"\2gr"  # bases, and it is not limited
        off = entry[:12] + b"\5" + entry[13:]
        for changed, said in ((limited, "absent"), (with_e, "absent"), (free, "absent"), (off, "its key is weak or damaged: it vouches for nobody")):
            digest = hashlib.sha256(changed).digest()[:16]
            rest = row[:8] + digest + row[24:28] + len(changed).to_bytes(2, "big") + row[30:] + changed
            self.assertIn(said, forged(rows=((1, 0, 0), rest)))
            self.assertIn("a device refuses it: the signed set of trust is of no use to this profile", self.check("b.ptb", *signed, "--scope", "a product", code=1))
            self.assertIn("with a key that popcl does not use" if changed == off else "absent", self.ta("list", "b.ptb").decode())
        both = row + row + entry
        self.assertRegex(forged(rows=((2, 0, 0), both)), "damaged")

    def test_memory_for_generated_c_is_bounded(self):
        """A few times the size of the file, whatever lines it has."""
        text = (self.folder / "a.c").read_bytes()
        head, heads = text[:text.index(b"/* 0: ")], re.search(rb"/\* 0: .*?\*/\n", text, re.S).group()
        million = 1 << 20
        for name, lines in (("heads without an end", b"/* 0: x\n" * million), ("whole heads", heads * (8 * million // len(heads))),
                            ("comments", b"/* \n" * (2 * million)), ("hashes", b"static const unsigned char ca_own_certs[][POPCL_OWN_CERT_LEN] = {\n" + b"    {\n" * million),
                            ("octets", b"0x00, " * million + b"\n")):
            with self.subTest(name):
                self.file("b.c", head + lines + text[len(head):])
                limit = "exec \"$@\"" if is_sanitized() else "ulimit -v 200000 && exec \"$@\""  # KB
                done = subprocess.run(["sh", "-c", limit, "sh", test_ta.TA, "list", "b.c"], cwd=self.folder, capture_output=True, text=True)
                self.assertRegex(done.stderr, r"line \d+ is not as this popcl-ta writes it")
                self.assertEqual(done.returncode, 65)

    def test_limited_anchors_and_dated_pins(self):
        limited = pki.shared().root("limited", more=["nameConstraints=critical,permitted;DNS:.gr,permitted;DNS:example.org"])
        short = pki.shared().root("short", extensions=["basicConstraints=critical,CA:TRUE,pathlen:2"])
        leaf = self.roots[0].issue("leaf", san=["localhost"])
        self.file("b.ptb", self.blob("--allow-leaf", "--retire", "3", "--key-number", "4", inputs=[limited.file, leaf.file, short.file]))
        shown = self.ta("list", "b.ptb").decode()
        for part in (", only for .gr or example.org\n", ", trusted directly\n", ", path length 2\n", "retired keys: 3\n"):
            self.assertIn(part, shown)
        self.file("b.ptb", self.blob("--pin", f"{'cd' * 32}:2026-02-03"))
        self.assertIn(f"pin {'cd' * 32}, from 2026-02-03 on\n", self.ta("list", "b.ptb").decode())
        pins = ("--pin", f"{'cd' * 32}:2026-01-01:2026-12-31")
        self.file("b.ptb", self.blob(*pins, "--deny", "ef" * 32))
        self.assertEqual(self.ta("diff", "a.ptb", "b.ptb", code=1).decode(),
                         f"- pin {'cd' * 32}\n+ pin {'cd' * 32}, 2026-01-01 to 2026-12-31\n"
                         "~ sequence 7 -> 7: a device with OLD refuses NEW: give it a larger --sequence\n"
                         "  stale: 2026-12-01T00:00:00Z (122 days) -> never\n")
        damaged = self.certificates[0].read_bytes()
        self.file("bad.pem", damaged + damaged[:-30])
        self.ta("diff", "a.c", "bad.pem", code=65)
        self.assertIn("has no END line", self.err)
        self.assertIn("has no END line", self.check("bad.pem", code=1))

    def test_diff(self):
        """Of any two kinds of input: the same anchors are no difference."""
        same = ["a.c", "a.pem"]
        for old in same:
            for new in same:
                self.assertEqual(self.ta("diff", old, new, "--now", "2026-08-02"), b"")
        shown = self.ta("diff", "a.pem", "a.ptb", code=1).decode()
        self.assertEqual(shown, f"+ pin {'cd' * 32}\n+ denied {'ef' * 32}\n")
        self.ta("gen", *self.certificates[:2], "-o", "b.c")
        self.assertRegex(self.ta("diff", "a.ptb", "b.c", code=1).decode(), rf"^- name [0-9a-f]{{16}}: P-384, .*\n- pin {'cd' * 32}\n- denied {'ef' * 32}\n  sequence 7 -> 0\n$")
        self.assertRegex(self.ta("diff", "b.c", "a.c", code=1).decode(), r"^\+ CN=Root P-384: P-384, .*\n$")
        octets = bytearray(self.blob("--key", "one.key"))
        blob = Blob(bytes(octets))
        (name, digest), entry = next(iter(blob.anchors.items()))
        at = bytes(octets).index(entry)
        octets[at + 2] = 7  # its path length
        octets[168 + 8:168 + 24] = hashlib.sha256(bytes(octets[at:at + len(entry)])).digest()[:16]
        octets[72:104] = hashlib.sha256(bytes(octets[168:168 + 36 * 3])).digest()
        self.file("b.ptb", bytes(octets))
        self.assertRegex(self.ta("diff", "a.c", "b.ptb", code=1).decode(), r"^~ CN=Root .*, path length 7, digest .*\n  sequence 0 -> 7\n$")
        self.assertRegex(self.check("b.ptb", "--public", "one.pub", code=1), "signature is wrong")
        self.file("c.ptb", self.ta("gen", *self.certificates, "--format", "blob", "--scope", "another", "--made", "2026-08-01", "--sequence", "9", "--retire", "9", "--key-number", "10"))
        shown = self.ta("diff", "a.ptb", "c.ptb", code=1).decode()
        for part in ("~ scope", "~ retired keys: bits 00000000 -> 00000200", "sequence 7 -> 9"):
            self.assertIn(part, shown)
        self.file("d.ptb", self.blob("--pin", "cd" * 32, "--deny", "ef" * 32, sequence=8))
        self.assertIn("  sequence 7 -> 8\n", self.ta("diff", "a.ptb", "d.ptb").decode())

    def test_diff_of_headers(self):
        """Each field of the header; a set that no device would take instead of the other is a difference."""
        words = ("--stale", "2026-12-01", "--pin", "cd" * 32, "--deny", "ef" * 32)
        refused = ": a device with OLD refuses NEW: give it a larger --sequence\n"
        for more, sequence, want in (((), 7, ""), ((), 6, "~ sequence 7 -> 6" + refused), (("--key-number", 1), 7, "~ sequence 7 -> 7" + refused),
                                     ((), 8, "  sequence 7 -> 8\n"), (("--floor", 8), 8, "  sequence 7 -> 8\n~ floor 0 -> 8\n"),
                                     (("--retire", 9, "--key-number", 10), 8, "  sequence 7 -> 8\n~ retired keys: bits 00000000 -> 00000200\n")):
            with self.subTest((more, sequence)):
                self.file("b.ptb", self.blob("--key", "one.key", *words, *more, sequence=sequence))
                self.assertEqual(self.ta("diff", "a.ptb", "b.ptb", code=1 if "~" in want else 0).decode(), want)
        self.file("b.ptb", self.blob(*words[2:], "--floor", 2, "--stale", "90", sequence=8))
        self.file("c.ptb", self.blob(*words[2:], "--floor", 1, sequence=9))
        self.assertEqual(self.ta("diff", "a.ptb", "b.ptb", code=1).decode(), "  sequence 7 -> 8\n~ floor 0 -> 2\n  stale: 2026-12-01T00:00:00Z (122 days) -> "
                         "2026-10-30T00:00:00Z (90 days)\n")
        self.assertEqual(self.ta("diff", "b.ptb", "c.ptb", code=1).decode(), "  sequence 8 -> 9\n~ floor 2 -> 1\n  stale: 2026-10-30T00:00:00Z (90 days) -> never\n")
        for number, want in ((3, "  sequence 3 -> 7\n"), (7, "~ sequence 7 -> 7" + refused), (8, "~ sequence 8 -> 7" + refused)):
            self.ta("gen", *self.certificates, "--sequence", number, "-o", "b.c")
            self.assertEqual(self.ta("diff", "b.c", "a.ptb", code=1).decode(), f"+ pin {'cd' * 32}\n+ denied {'ef' * 32}\n" + want)
