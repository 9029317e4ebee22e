# SPDX-License-Identifier: MIT
"""popcl-ta: what it reads is what openssl reads, what it writes compiles and is the same every time, and a client with its output compiled in
trusts every kind of root. It stands beside the command, in the folder of POPCL."""
import base64
import hashlib
import os
import pathlib
import re
import resource
import shutil
import signal
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

import command
import pki
from hostile import Hostile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TA = pathlib.Path(os.environ.get("POPCL", REPOSITORY / "build" / "popcl")).resolve().parent / "popcl-ta"
SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # Debian's ca-certificates
BEARSSL = os.environ.get("BEARSSL_INC") or "/usr/include/bearssl"
HANGS = 120
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow"]
BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.S)


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=True).stdout


def forbid_large_files():
    """In a child: a write beyond 1000 octets fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


# ---- DER, as far as tests need it ----

def element(der, at=0):
    """(tag, where its inside begins, where it ends)."""
    length, inside = der[at + 1], at + 2
    if length >= 0x80:
        inside += length - 0x80
        length = int.from_bytes(der[at + 2:inside], "big")
    return der[at], inside, inside + length


def children(der, at):
    _, inside, end = element(der, at)
    while inside < end:
        yield inside
        inside = element(der, inside)[2]


def subject_of(der):
    """The Name, whole."""
    tbs = element(der)[1]
    fields = [at for at in children(der, tbs) if der[at] != 0xA0]
    return der[fields[4]:element(der, fields[4])[2]]


# ---- what popcl-ta wrote ----

def entry(octets):
    """The parts of an anchor's entry, as include/popcl_tls.h has them."""
    kind, flags, path_len, e_len, key_len, since, until, names_len = struct.unpack(">BBBBHHHH", octets[:12])
    if len(octets) != 12 + key_len + e_len + names_len:
        raise ValueError("lengths do not add up")
    key, e, names = octets[12:12 + key_len], octets[12 + key_len:12 + key_len + e_len], octets[12 + key_len + e_len:]
    bases = []
    while names:
        bases.append(names[1:1 + names[0]].decode())
        names = names[1 + names[0]:]
    return {"kind": kind, "flags": flags, "path_len": path_len, "days": (since, until), "n": key if kind == 1 else None, "e": e or None,
            "q": key if kind != 1 else None, "bases": bases}

class Written:
    """The C output, read back: anchors by their fingerprint."""

    def __init__(self, text):
        self.text = text
        arrays = {name: bytes(int(octet, 16) for octet in re.findall(r"0x(..)", body))
                  for name, body in re.findall(r"unsigned char (\w+)\[\][^=]*= \{(.*?)\};", text, re.S)}
        self.anchors = {}
        heads = re.findall(r"/\* (\d+): (.*)\n \*    notAfter (\S+), (.*), (\d+) octets\n \*    SHA-256 (\w{64}) \*/", text)
        for number, subject, not_after, key, size, fingerprint in heads:
            self.anchors[fingerprint] = {"number": int(number), "subject": subject, "not_after": not_after, "key": key, "size": int(size),
                                         **entry(arrays[f"ca_entry_{number}"])}
        for (octets, number), anchor in zip(re.findall(r"\{\{(.*?)\}, ca_entry_(\d+), sizeof ca_entry_\2\},\n", text), self.anchors.values(), strict=True):
            if int(number) != anchor["number"]:
                raise ValueError("the table has another order")
            anchor["name"] = bytes(int(octet, 16) for octet in octets.split(","))
        self.floor = int(re.search(r"(\d+), /\* clock_floor_s \*/", text).group(1))
        self.sequence = int(re.search(r"(\d+)u, /\* sequence \*/", text).group(1))
        self.octets = int(re.search(r"anchors: \d+, (\d+) octets", text).group(1))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-ta-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.folder)], check=True)

    def ta(self, *words, code=0, stdin=b"", program=TA, **how):
        """Standard output of a run that ends with this exit code; self.err is what it said."""
        done = subprocess.run([program, *map(str, words)], input=stdin, capture_output=True, timeout=HANGS, cwd=self.folder, **how)
        self.err = done.stderr.decode("ascii")  # nothing else is ever said
        self.assertEqual(done.returncode, code, f"popcl-ta {' '.join(map(str, words))}\n{self.err}")
        return done.stdout

    def gen(self, *words, **how):
        return Written(self.ta("gen", *words, **how).decode("ascii"))

    def file(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def compile(self, name, *flags):
        compilers = [["gcc", f"-std={std}"] for std in ("c99", "c11", "c17")] + [["clang", "-std=c99"], ["clang", "-x", "c++", "-std=c++20"],
                                                                               ["g++", "-x", "c++", "-std=c++11"]]
        compilers += [["arm-none-eabi-gcc", "--specs=picolibc.specs", f"-mcpu={cpu}", "-mthumb", "-Os", "-std=c99"]
                      for cpu in ("cortex-m0plus", "cortex-m3")]
        for compiler in compilers:
            with self.subTest(" ".join(compiler)):
                done = subprocess.run([*compiler, *WARNINGS, *flags, f"-I{REPOSITORY}/include", "-isystem", BEARSSL, "-c", name, "-o", "out.o"],
                                      cwd=self.folder, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                yield compiler

    def no_output(self):
        """Nothing under the name, and nothing left of the try."""
        left = [name for name in os.listdir(self.folder) if "out.c" in name]
        self.assertEqual(left, [])


class Bundle(Case):
    """Debian's bundle, against openssl."""

    @classmethod
    def setUpClass(cls):
        if not SYSTEM_BUNDLE.exists():
            raise unittest.SkipTest(f"{SYSTEM_BUNDLE} is not there (Debian: ca-certificates)")
        cls.blocks = BLOCK.findall(SYSTEM_BUNDLE.read_bytes())

    def test_every_root_is_kept_or_refused_with_a_reason(self):  # [H21]
        written = self.gen(SYSTEM_BUNDLE)
        self.assertGreater(len(self.blocks), 100)
        counts = re.search(r"(\d+) certificates: (\d+) kept((?:, \d+ [a-z ]+)*)\n", self.err)
        others = sum(int(n) for n in re.findall(r"\d+", counts.group(3)))
        self.assertEqual(int(counts.group(1)), len(self.blocks))
        self.assertEqual(int(counts.group(2)) + others, len(self.blocks))
        self.assertEqual(int(counts.group(2)), len(written.anchors))
        lines = re.findall(r":(\d+): (kept|refused|merged): (.*)", self.err)
        self.assertEqual(len(lines), len(self.blocks))
        for _, verb, text in lines:
            self.assertEqual(": " in text.split(", until ")[1], verb != "kept", "a reason stands where it was not kept")

    def test_name_key_dates_and_fingerprint_are_openssl_s(self):  # [H21]
        written, newest, seen = self.gen(SYSTEM_BUNDLE, "--keep-expired"), 0, 0
        for block in self.blocks:
            shown = openssl("x509", "-noout", "-fingerprint", "-sha256", "-dates", "-modulus", "-text", stdin=block).decode()
            fingerprint = re.search(r"Fingerprint=(\S+)", shown).group(1).replace(":", "").lower()
            if fingerprint not in written.anchors:
                self.assertIn("merged", self.err)
                continue
            seen += 1
            anchor = written.anchors[fingerprint]
            ends = {when: int(ssl.cert_time_to_seconds(re.search(f"not{when}=(.*)", shown).group(1))) for when in ("Before", "After")}
            newest = max(newest, ends["Before"])
            with self.subTest(anchor["subject"]):
                subject = subject_of(base64.b64decode(b"".join(block.split(b"\n")[1:-2])))
                self.assertEqual(anchor["name"], hashlib.sha256(subject).digest()[:8])
                self.assertEqual((anchor["flags"], anchor["bases"]), (1, []))
                self.assertEqual(anchor["days"], (ends["Before"] // 86400, ends["After"] // 86400))
                self.assertEqual(anchor["not_after"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends["After"])))
                modulus = re.search(r"Modulus=([0-9A-F]+)\n", shown)
                if modulus:
                    self.assertEqual(anchor["n"].hex().upper(), modulus.group(1))
                    self.assertEqual(int.from_bytes(anchor["e"], "big"), int(re.search(r"Exponent: (\d+)", shown).group(1)))
                    self.assertEqual(anchor["key"], f"RSA {len(modulus.group(1)) * 4}")
                else:
                    spki = openssl("pkey", "-pubin", "-outform", "DER", stdin=openssl("x509", "-noout", "-pubkey", stdin=block))
                    self.assertTrue(spki.endswith(anchor["q"]))
                    self.assertEqual(anchor["key"], re.search(r"NIST CURVE: (P-\d+)", shown).group(1))
                    self.assertEqual(anchor["kind"], {"P-256": 23, "P-384": 24, "P-521": 25}[anchor["key"]])
                path = re.search(r"pathlen:(\d+)", shown)
                merged = "same anchor" in self.err  # a merged one gives the longest path
                if path and not merged or not path:
                    self.assertEqual(anchor["path_len"], int(path.group(1)) if path else 255)
        self.assertEqual(seen, len(written.anchors))
        self.assertEqual(written.floor, newest)
        self.assertEqual(written.octets, sum(anchor["size"] for anchor in written.anchors.values()))

    def test_the_same_certificates_give_the_same_file(self):  # [H20]
        want = self.ta("gen", SYSTEM_BUNDLE)
        self.assertEqual(self.ta("gen", SYSTEM_BUNDLE), want)
        self.assertEqual(self.ta("gen", "-", stdin=b"# turned round\r\n" + b"".join(reversed(self.blocks)).replace(b"\n", b"\r\n")), want)
        store = self.folder / "store"
        (store / "below").mkdir(parents=True)
        (store / "README").write_text("no certificate\n")
        for number, block in enumerate(self.blocks):
            (store / f"{number}.der").write_bytes(ssl.PEM_cert_to_DER_cert(block.decode()))
        self.assertEqual(self.ta("gen", store), want)
        self.assertEqual(self.ta("gen", "--format", "pem", SYSTEM_BUNDLE, "-o", "again.pem"), b"")
        self.assertEqual(self.ta("gen", "again.pem"), want)

    def test_dates_that_are_equal(self):
        """Of two authorities that begin and end together the same one is named, whichever came first."""
        twins = [pki.shared().root(name).file for name in ("Twin A", "Twin B", "Twin C")]  # in one second, as a rule
        self.assertEqual(self.ta("gen", *twins), self.ta("gen", *reversed(twins)))

    def test_it_compiles_without_a_warning(self):  # [H20]
        self.ta("gen", SYSTEM_BUNDLE, "--format", "c+h", "--prefix", "my_roots", "-o", "roots.c")
        self.assertIn("extern const popcl_trust my_roots_trust;", (self.folder / "roots.h").read_text())
        for compiler in self.compile("roots.c"):
            if not compiler[0].startswith("arm"):
                continue
            sizes = subprocess.run(["arm-none-eabi-size", "-A", "out.o"], cwd=self.folder, capture_output=True, text=True, check=True).stdout
            found = {name: int(size) for name, size in re.findall(r"^(\.\w+)\s+(\d+)", sizes, re.M)}
            self.assertEqual(found[".data"] + found[".bss"], 0, "all of it stays in flash")
            octets = int(re.search(r"(\d+) octets on a 32-bit machine\n$", self.err).group(1))
            self.assertLess(abs(found[".rodata"] - octets), 64, "and is as large as was said")

    def test_sections(self):
        self.ta("gen", SYSTEM_BUNDLE, "--section", ".flash2", "--max-certs", "5", "-o", "roots.c")
        for _ in self.compile("roots.c"):
            self.assertIn(".flash2", subprocess.run(["objdump", "-h", "out.o"], cwd=self.folder, capture_output=True, text=True, check=False).stdout)
        self.ta("gen", SYSTEM_BUNDLE, "--section", "__attribute__((aligned(4)))", "--pins", "-o", "pins.c")
        for _ in self.compile("pins.c"):
            pass

    def test_limits(self):
        for limit in (300, 4096, 20000):
            written = self.gen(SYSTEM_BUNDLE, "--max-bytes", limit)
            self.assertTrue(0 < written.octets <= limit)
            self.assertEqual(written.octets, sum(anchor["size"] for anchor in written.anchors.values()))
        self.assertIn("over the limit", self.err)
        self.assertEqual(len(self.gen(SYSTEM_BUNDLE, "--max-certs", 7).anchors), 7)
        self.ta("gen", SYSTEM_BUNDLE, "--max-bytes", 50, "-o", "out.c", code=65)
        self.no_output()

    def test_selection(self):
        everything = self.gen(SYSTEM_BUNDLE).anchors
        some = self.gen(SYSTEM_BUNDLE, "--org", "internet SECURITY research").anchors
        self.assertEqual(set(some), {f for f, anchor in everything.items() if "O=Internet Security Research Group" in anchor["subject"]})
        self.assertTrue(some)
        one = sorted(some)[0]
        colons = ":".join(one[i:i + 2] for i in range(0, 64, 2)).upper()
        self.assertEqual(set(self.gen(SYSTEM_BUNDLE, "--sha256", colons).anchors), {one})
        self.assertEqual(set(self.gen(SYSTEM_BUNDLE, "--sha256", one, "--siblings").anchors), set(some))
        self.assertEqual(set(self.gen(SYSTEM_BUNDLE, "--exclude", f"sha256={one}").anchors), set(everything) - {one})
        elliptic = self.gen(SYSTEM_BUNDLE, "--key", "ec").anchors
        self.assertEqual(set(elliptic), {f for f, anchor in everything.items() if anchor["q"]})
        self.assertEqual(set(self.gen(SYSTEM_BUNDLE, "--key=rsa").anchors), set(everything) - set(elliptic))
        self.file("filter", b"# mine\r\n\r\n org=Internet Security\r\ncn=no such name\n")
        self.assertEqual(set(self.gen(SYSTEM_BUNDLE, "--filter", "filter").anchors), set(some))
        self.assertIn('note: no certificate matches "no such name"', self.err)
        self.ta("gen", SYSTEM_BUNDLE, "--cn", "no such name", "-o", "out.c", code=65)
        self.file("filter", b"org=x\nogr=Internet Security\n")
        self.ta("gen", SYSTEM_BUNDLE, "--filter", "filter", code=65)
        self.assertIn("filter:2: ", self.err)
        self.file("filter", b"org=x\nsha256=12\n")
        self.ta("gen", SYSTEM_BUNDLE, "--filter", "filter", code=65)
        self.assertIn("filter:2: ", self.err)
        for nothing in (b"", b"# org=Internet Security\n\n"):
            self.file("filter", nothing)
            self.ta("gen", SYSTEM_BUNDLE, "--filter", "filter", "-o", "out.c", code=65)
            self.assertIn("filter holds no pattern", self.err)
        self.no_output()

    def test_verify(self):
        self.ta("gen", SYSTEM_BUNDLE, "-o", "out.c")
        before = (self.folder / "out.c").read_bytes()
        self.ta("gen", SYSTEM_BUNDLE, "--verify", "out.c")
        self.ta("gen", SYSTEM_BUNDLE, "--prefix", "other", "--verify", "out.c", code=1)
        self.ta("gen", "-", "--verify", "out.c", stdin=b"".join(self.blocks[:-1]), code=1)
        self.file("cut.c", before[:-1])
        self.ta("gen", SYSTEM_BUNDLE, "--verify", "cut.c", code=1)
        self.ta("gen", SYSTEM_BUNDLE, "--verify", "nothing.c", code=66)
        self.assertEqual((self.folder / "out.c").read_bytes(), before)
        both = ["gen", SYSTEM_BUNDLE, "--format", "c+h"]
        self.ta(*both, "-o", "two.c")
        self.ta(*both, "--verify", "two.c")
        self.file("two.h", b"/* old */\n")
        self.ta(*both, "--verify", "two.c", code=1)
        self.assertIn("two.h is not", self.err)
        self.ta(*both, "--verify", "two.h", code=64)

    def test_list(self):
        shown = self.ta("list", SYSTEM_BUNDLE).decode("ascii")
        for block in self.blocks:
            self.assertIn(f"SHA-256 {hashlib.sha256(ssl.PEM_cert_to_DER_cert(block.decode())).hexdigest()}\n", shown)
        spki = openssl("pkey", "-pubin", "-outform", "DER", stdin=openssl("x509", "-noout", "-pubkey", stdin=self.blocks[0]))
        pin = openssl("dgst", "-sha256", "-r", stdin=spki).split()[0].decode()
        self.assertIn(f"pin     {pin}\n", shown)


class Judged(Case):
    """Certificates made for the purpose, and files that are none."""

    @classmethod
    def setUpClass(cls):
        cls.pki = pki.shared()
        cls.root = cls.pki.root("One root")

    def refused(self, certificate, sentence, *options):
        self.ta("gen", certificate.file, "-o", "out.c", *options, code=65)
        self.assertIn(sentence, self.err)
        self.no_output()

    def test_what_cannot_be_an_anchor(self):  # [H11 H12 H13 H14 H15]
        root, usual = self.pki.root, pki.CA_EXTENSIONS
        self.refused(self.root.issue("leaf", san=["localhost"]), "no authority")
        self.assertEqual(len(self.gen(self.root.issue("leaf", san=["localhost"]).file, "--allow-leaf").anchors), 1)
        self.refused(root("weak", key="RSA-1024"), "shorter than 2048")
        self.refused(root("names", more=["nameConstraints=excluded;DNS:example.org"]), "nameConstraints")
        self.refused(root("policies", more=["policyConstraints=requireExplicitPolicy:0"]), "policies")
        self.refused(root("odd", more=["1.2.3.4=critical,ASN1:NULL"]), "critical extension")
        self.refused(root("mail", more=["extendedKeyUsage=emailProtection"]), "TLS servers")
        self.refused(root("usage", extensions=[usual[0], "keyUsage=digitalSignature"]), "key usage")
        expired = root("old", start=-90, end=-1)
        self.refused(expired, "has expired")
        self.assertEqual(len(self.gen(expired.file, "--keep-expired").anchors), 1)
        self.assertEqual(len(self.gen(expired.file, "--now", pki.days_from_now(-9).strftime("%Y-%m-%dT%H:%M:%SZ")).anchors), 1)
        future = root("future", start=30, end=300)
        self.assertEqual(len(self.gen(future.file, "-q").anchors), 1)
        self.assertIn("warning: CN=future is not valid before", self.err)
        self.refused(self.root, "sooner", "--min-days", "366")
        self.assertEqual(len(self.gen(self.root.file, "--min-days", "300").anchors), 1)

    def test_limits_to_names(self):  # [H13]
        limited = self.pki.root("limited", more=["nameConstraints=critical,permitted;DNS:.gr,permitted;DNS:example.org"])
        (anchor,) = self.gen(limited.file).anchors.values()
        self.assertEqual((anchor["flags"], anchor["bases"]), (3, [".gr", "example.org"]))
        self.assertIn(", only for .gr or example.org\n", self.ta("list", limited.file).decode())

    def test_sequence(self):
        self.assertEqual(self.gen(self.root.file).sequence, 0)
        for number in (0, 1, 2**32 - 1):
            written = self.gen(self.root.file, "--sequence", number)
            self.assertEqual(written.sequence, number)
            self.assertIn(f" * sequence: {number} */\n", written.text)
        for wrong in ("-1", "x", "", str(2**32), "1x"):
            self.ta("gen", self.root.file, f"--sequence={wrong}", code=64)
        self.ta("list", self.root.file, "--sequence", "1", code=64)

    def test_a_curve_by_its_parameters(self):  # [H15]
        """It is passed over like any key that is not supported: no damage, and no error beside a root that can be used."""
        key = openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit")
        self.file("key", key)
        odd = openssl("req", "-x509", "-new", "-key", str(self.folder / "key"), "-subj", "/CN=odd", "-addext", "basicConstraints=CA:TRUE")
        self.file("both.pem", odd + self.root.file.read_bytes())
        self.assertEqual(len(self.gen("both.pem").anchors), 1)
        self.assertIn("of a kind that BearSSL does not have", self.err)

    def test_keys_that_bearssl_lacks(self):  # [H15]
        for options in (["ed25519"], ["ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"]):
            key = openssl("genpkey", "-algorithm", *options)
            self.file("key", key)
            self.file("odd.pem", openssl("req", "-x509", "-new", "-key", str(self.folder / "key"), "-subj", "/CN=odd",
                                         "-addext", "basicConstraints=CA:TRUE"))
            self.ta("gen", "odd.pem", "-o", "out.c", code=65)
            self.assertIn("of a kind that BearSSL does not have", self.err)
        self.no_output()

    def test_damaged_files(self):  # [H1 H2 H4 H5]
        pem = self.root.file.read_bytes()
        lines = pem.splitlines(keepends=True)
        for text, said in ((b"", "there is no certificate in"), (b"hello\n", "there is no certificate in"),
                           (b"x\n" + b"".join(lines[:-1]), ":2: damaged: CERTIFICATE: the block that begins here has no END line"),
                           (pem + lines[0] + b"".join(lines[2:]), "damaged"),
                           (b"".join([*lines[:3], b"AA*A\n", *lines[3:]]), ":4: damaged: CERTIFICATE: here stands something else than base64")):
            self.file("bad.pem", text)
            self.ta("gen", "bad.pem", "-o", "out.c", code=65)
            self.assertIn(said, self.err)
            self.no_output()
        self.file("bad.pem", pem + b"".join(lines[:-1]))
        self.ta("gen", "bad.pem", "-q", "-o", "out.c", code=65)  # a good one before it helps nothing
        self.no_output()
        self.assertIn("SHA-256", self.ta("list", "bad.pem", code=65).decode())

    def test_der_cut_at_every_octet(self):  # [H7 H18]
        der = self.root.der()
        self.file("whole.der", der)
        self.assertEqual(len(self.gen("whole.der").anchors), 1)
        for cut in range(0, len(der), command.STRIDE):
            self.ta("gen", "-", "-o", "out.c", stdin=der[:cut], code=65)
        self.ta("gen", "-", "-o", "out.c", stdin=der + b"\0", code=65)
        self.no_output()

    def test_other_blocks(self):  # [H6]
        key, crl = self.root.key_file.read_bytes(), b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
        trusted = openssl("x509", "-trustout", stdin=self.root.issue("other", ca=True).file.read_bytes())
        self.file("all.pem", b"\xef\xbb\xbfcomment\r\n" + key + crl + trusted + self.root.file.read_bytes().replace(b"\n", b"\r\n  "))
        for format_ in ("c", "pem", "h"):
            out = self.ta("gen", "all.pem", "--format", format_)
            secret = base64.b64decode(b"".join(key.split(b"\n")[1:-2])).split(b"\x04\x20")[1][:32]  # the number; the rest of the file is public
            for said in (out, self.err.encode()):
                octets = bytes(int(octet, 16) for octet in re.findall(rb"\b0x([0-9A-Fa-f]{2})\b", said))
                self.assertFalse(any(secret[i:i + 4] in octets for i in range(29)), "a key is never given out")
                self.assertNotIn(key.split(b"\n")[1][:40], said)
        self.assertIn("a key is passed over", self.err)
        self.assertIn("TRUSTED CERTIFICATE is passed over", self.err)
        self.assertIn("1 certificate: 1 kept, 3 other blocks", self.err)

    def test_ten_thousand(self):  # [H19]
        self.file("key", openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        der = openssl("req", "-x509", "-new", "-key", str(self.folder / "key"), "-subj", "/O=One organization/CN=One root", "-outform", "DER",
                      "-addext", "basicConstraints=critical,CA:TRUE")
        at = der.rindex(b"One root")  # the subject's: nobody verifies the signature of a root

        def bundle(count):
            return b"".join(ssl.DER_cert_to_PEM_cert(der[:at] + b"%08d" % n + der[at + 8:]).encode() for n in range(count))

        def seconds(count, *options):
            path = self.file(f"{count}.pem", bundle(count))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            out = self.ta("gen", path, "-q", *options)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.assertEqual(len(re.findall(rb"SHA-256", out)), count)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        small, large = seconds(1000), seconds(10000)
        self.assertLess(large, max(0.2, small) * 30, "ten times as many take about ten times as long")
        siblings = seconds(10000, "--siblings", "--cn", "00000000")
        self.assertLess(siblings, max(0.2, large) * 3, "and so do those of one organization")
        self.file("twice.pem", bundle(5000) * 2)
        self.assertEqual(len(self.gen("twice.pem").anchors), 5000)
        self.assertIn("10000 certificates: 5000 kept, 5000 repeated", self.err)

    def test_families(self):  # [H28]
        """As with Let's Encrypt: the new root has another organization, and the old one certifies it."""
        old, new, third = (self.pki.root(f"{name} root") for name in ("Old", "New", "Third"))
        request = openssl("req", "-new", "-key", str(new.key_file), "-subj", "/CN=New root")
        self.file("extensions", b"basicConstraints=critical,CA:TRUE\n")
        cross = openssl("x509", "-req", "-CA", str(old.file), "-CAkey", str(old.key_file), "-CAcreateserial", "-CAserial", str(self.folder / "serial"),
                        "-days", "9", "-extfile", str(self.folder / "extensions"), stdin=request)
        below = old.issue("Authority below", ca=True)
        self.file("all.pem", b"".join(one.file.read_bytes() for one in (old, new, third, below)) + cross)

        def names(*options):
            return sorted(anchor["subject"] for anchor in self.gen("all.pem", *options).anchors.values())

        self.assertEqual(names("--cn", "Old root"), ["CN=Old root"])
        self.assertEqual(names("--cn", "Old root", "--siblings"), ["CN=New root", "CN=Old root"])
        self.assertEqual(names("--cn", "New root", "--siblings"), ["CN=New root"])  # the other way would add trust
        prints = [hashlib.sha256(one.der()).hexdigest() for one in (new, third, old)]
        self.file("filter", f"# one operator\nfamily={prints[0]}, {prints[1].upper()}\ncn=Old root\n".encode())
        self.assertEqual(names("--filter", "filter"), ["CN=Old root"])
        self.assertEqual(names("--filter", "filter", "--siblings"), ["CN=New root", "CN=Old root", "CN=Third root"])
        self.file("filter", f"family={prints[1]},{prints[2]}\n".encode())
        self.assertEqual(names("--filter", "filter", "--siblings", "--cn", "Third"), ["CN=New root", "CN=Old root", "CN=Third root"])
        self.ta("gen", "all.pem", "--filter", "filter", "--siblings", code=65)
        self.assertIn("filter holds no pattern", self.err)
        self.file("filter", f"cn=x\nfamily={prints[1]}\n".encode())
        self.ta("gen", "all.pem", "--filter", "filter", "--siblings", code=65)
        self.assertIn("filter:2: this is no pattern", self.err)

    def test_pins(self):
        servers = [self.root.issue(f"server {number}", san=["localhost"]) for number in (1, 2)]
        self.file("both.pem", b"".join(server.file.read_bytes() for server in servers))
        text = self.ta("gen", "both.pem", "--pins", "--prefix", "mine").decode("ascii")
        body = re.search(r"mine_pins\[\]\[POPCL_PIN_LEN\] = \{(.*?)\n\};", text, re.S).group(1)
        pins = {"sha256:" + "".join(re.findall("0x(..)", pin)).lower() for pin in body.split("},") if "0x" in pin}
        self.assertEqual(pins, {server.pin for server in servers})
        self.assertIn("    mine_pins, 2,\n", text)
        self.assertNotIn("mine_anchors", text)

    def test_a_servers_own_certificate(self):  # [D22 D50]
        """--allow-leaf: the hash of one without a subjectAltName, by which a device knows the certificate whose common name counts."""
        make = pki.shared().make
        own, authority = make("localhost", None), pki.shared().root("mail.example", key="P-384", digest="sha384")
        self.file("all.pem", b"".join(one.file.read_bytes() for one in (own, authority, self.root, make("named.example", None, san=["named.example"]))))
        self.ta("gen", "all.pem", "--allow-leaf", "--prefix", "mine", "-o", "mine.c")
        text = (self.folder / "mine.c").read_text()
        body = re.search(r"mine_own_certs\[\]\[POPCL_OWN_CERT_LEN\] = \{(.*?)\n\};", text, re.S).group(1)
        hashes = {"".join(re.findall("0x(..)", one)).lower() for one in body.split("},") if "0x" in one}
        self.assertEqual(hashes, {hashlib.sha256(own.der()).hexdigest(), hashlib.sha384(authority.der()).hexdigest()[:64]})
        self.assertIn("    mine_own_certs, 2,\n", text)
        for _ in self.compile("mine.c"):
            pass
        self.assertEqual(self.ta("gen", "all.pem", "--allow-leaf", "--prefix", "mine", "--verify", "mine.c"), b"")
        self.assertNotIn(b"ca_own_certs", self.ta("gen", authority.file))
        self.assertNotIn(b"ca_own_certs", self.ta("gen", self.root.file, "--allow-leaf"))
        self.assertNotIn(b"ca_own_certs", self.ta("gen", own.file, "--pins"))

    def test_usage(self):
        root = self.root.file
        for words in ([], ["gen"], ["make", root], ["gen", root, "--format", "json"], ["gen", root, "--format", "bin"], ["gen", root, "--key", "dsa"],
                      ["gen", root, "--max-bytes", "0"], ["gen", root, "--max-certs", "x"], ["gen", root, "--prefix", "9a"],
                      ["gen", root, "--prefix", "a-b"],
                      ["gen", root, "--prefix", "popcl"], ["gen", root, "--prefix", "popcl_posix"],
                      ["gen", root, "--sha256", "12"], ["gen", root, "--now", "soon"], ["gen", root, "--min-days", "-1"], ["gen", root, "--nothing"],
                      ["gen", root, "-x"], ["gen", root, "--org"], ["gen", root, "--org", ""], ["gen", root, "-o", "out.c", "--verify", "out.c"],
                      ["gen", root, "--format", "c+h"], ["gen", root, "--format", "c+h", "-o", 'out.c"\n.c'], ["list", root, "-o", "out.c"], ["list", root, "--format", "blob"], ["diff", root], ["sign", root], ["keys"], ["for-host", "localhost"], ["gen", ""],
                      ["gen", root, "--section", ".x;y"], ["gen", root, "--section", "a{"], ["gen", root, "--quiet=1"], ["gen", root, "-q", "-q"]):
            self.assertEqual(self.ta(*words, code=64), b"")
            self.assertRegex(self.err, r"^popcl-ta: .*\n(popcl-ta: what to try: .*\n)?$")
        for word, text in (("--fromat=pem", "no option --fromat\n.*nearest one is --format;"), ("--sb=s3cret", "no option --sb\n"),
                           ("--key_s3cret", "no such long option\n")):
            self.ta("gen", root, word, code=64)
            self.assertRegex(self.err, text)
            self.assertNotIn("s3cret", self.err)
        self.no_output()
        self.assertIn(b"popcl-ta gen", self.ta("--help"))
        self.assertTrue(all(len(line) <= 80 for line in self.ta("-h").splitlines()))
        self.assertRegex(self.ta("--version"), rb"^popcl-ta \d+\.\d+")

    def test_missing_input(self):
        self.ta("gen", "nothing.pem", "-o", "out.c", code=66)
        self.ta("gen", self.root.file, "nothing.pem", "-o", "out.c", code=66)
        self.ta("gen", self.root.file, "--filter", "nothing", "-o", "out.c", code=66)
        (self.folder / "empty").mkdir()
        self.ta("gen", "empty", "-o", "out.c", code=65)
        for command in (["gen", "-o", "out.c"], ["list"]):
            self.ta(*command, self.root.key_file, code=65)
            self.assertRegex(self.err, "there is no certificate in .*key")
        self.no_output()

    def test_an_empty_subject(self):
        root = openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-days", "9",
                       "-subj", "/", "-addext", "basicConstraints=critical,CA:TRUE")
        self.ta("gen", "-", "-o", "out.c", code=65, stdin=root)
        self.assertRegex(self.err, r": refused: \(P-256, until \d{4}-\d\d-\d\d\): its subject is empty\n")

    def test_names_cannot_leave_their_comment(self):
        for name in ("*/ int evil; /*", "a\\", "??/", "/*", "//", "line\u2028break \u00e4"):
            root = self.pki.root(name.replace("\\", "\\\\").replace("/", "\\/"))
            self.ta("gen", root.file, "-o", "out.c")
            text = (self.folder / "out.c").read_bytes()
            self.assertTrue(text.isascii())
            self.assertNotRegex(re.sub(rb"/\*.*?\*/", b"", text, flags=re.S), rb"evil")
            done = subprocess.run(["gcc", "-std=c99", *WARNINGS, f"-I{REPOSITORY}/include", "-isystem", BEARSSL, "-fsyntax-only", "out.c"],
                                  cwd=self.folder, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Output(Case):
    """A file appears whole, or not at all."""

    @classmethod
    def setUpClass(cls):
        cls.root = pki.shared().root("One root")

    def test_failures_leave_the_old_file(self):  # [H20]
        self.file("out.c", b"old")
        self.ta("gen", self.root.file, "-o", "none/out.c", code=73)
        self.ta("gen", self.root.file, "-o", self.folder, code=73)
        self.ta("gen", self.root.file, "-o", "out.c", code=74, preexec_fn=forbid_large_files)
        self.assertEqual(os.listdir(self.folder), ["out.c"])
        self.assertEqual((self.folder / "out.c").read_bytes(), b"old")
        self.ta("gen", self.root.file, "--format", "c+h", "-o", "out.c", code=74, preexec_fn=forbid_large_files)
        self.assertEqual(os.listdir(self.folder), ["out.c"])

    def test_a_folder_that_cannot_be_written(self):  # [H20]
        closed = self.folder / "closed"
        closed.mkdir()
        rights = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        closed.chmod(0o555)
        os.chmod(self.folder, 0o755)
        program = shutil.copy(TA, self.folder)  # where this one stands another user may not come
        self.ta("gen", "-", "-o", "closed/out.c", code=73, stdin=self.root.file.read_bytes(), program=program, **rights)
        self.assertEqual(os.listdir(closed), [])

    def test_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TA, "gen", self.root.file], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 74)
        self.ta("gen", self.root.file, "-o", "/dev/null")
        self.assertFalse(pathlib.Path("/dev/null").is_file())

    def test_mode_and_links(self):
        self.ta("gen", self.root.file, "-o", "out.c", umask=0o027)
        self.assertEqual((self.folder / "out.c").stat().st_mode & 0o777, 0o640)
        (self.folder / "out.c").chmod(0o604)
        (self.folder / "link.c").symlink_to("out.c")
        self.file("out.c", b"old")
        self.ta("gen", self.root.file, "-o", "link.c")
        self.assertTrue((self.folder / "link.c").is_symlink())
        self.assertIn(b"ca_trust", (self.folder / "out.c").read_bytes())
        self.assertEqual((self.folder / "out.c").stat().st_mode & 0o777, 0o604)
        (self.folder / "astray.c").symlink_to("nowhere.c")
        self.ta("gen", self.root.file, "-o", "astray.c", code=73)
        self.assertTrue((self.folder / "astray.c").is_symlink(), "no link is replaced")

    def test_standard_output_by_its_other_name(self):
        with open(self.file("log", b"before\n"), "ab") as log:
            subprocess.run([TA, "gen", self.root.file, "-q", "-o", "/dev/stdout"], stdout=log, check=True)
        self.assertEqual((self.folder / "log").read_bytes(), b"before\n" + self.ta("gen", self.root.file))

    def test_the_longest_name(self):
        self.ta("gen", self.root.file, "-o", "n" * 253 + ".c")
        self.assertEqual([len(name) for name in os.listdir(self.folder)], [255])

    def test_killed_at_any_time(self):  # [H20 L9]
        der = self.root.der()
        at = der.rindex(b"One root")
        bundle = b"".join(ssl.DER_cert_to_PEM_cert(der[:at] + b"%08d" % n + der[at + 8:]).encode() for n in range(1500))
        self.file("many.pem", bundle)
        whole = self.ta("gen", "many.pem", "-q")
        began = time.monotonic()
        self.ta("gen", "many.pem", "-q", "-o", "out.c")
        took = time.monotonic() - began
        for number in (signal.SIGKILL, signal.SIGTERM):
            for step in range(12):
                self.file("out.c", b"old")
                child = subprocess.Popen([TA, "gen", "many.pem", "-q", "-o", "out.c"], cwd=self.folder, stderr=subprocess.DEVNULL)
                time.sleep(took * step / 10)
                child.send_signal(number)
                child.wait()
                self.assertIn((self.folder / "out.c").read_bytes(), (b"old", whole))
                left = [name for name in os.listdir(self.folder) if name.startswith(".")]
                if number == signal.SIGTERM:
                    self.assertEqual(left, [])
            self.ta("gen", "many.pem", "-q", "-o", "out.c")
            self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [], "what kills left is tidied")


class CompiledIn(Case):
    """make CA_BUNDLE=file: the command trusts what is in it, and nothing else."""

    slow = True

    def setUp(self):
        super().setUp()
        # What was built already, with its times: make compiles only what another bundle changes. With other flags it compiles all.
        for name in ("flags", "sources", "libpopcl.a", "popcl-ta", "obj/src", "obj/port"):
            built, copy = TA.parent / name, self.folder / "b" / name
            if built.is_dir():
                shutil.copytree(built, copy)
            elif built.exists():
                copy.parent.mkdir(exist_ok=True)
                shutil.copy2(built, copy)

    def make(self, *words, code=0):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
        done = subprocess.run(["make", "--no-print-directory", "-j2", f"B={self.folder}/b", *words, f"{self.folder}/b/popcl"],
                              cwd=REPOSITORY, capture_output=True, text=True, timeout=400, env=clean)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def fetch(self, server, code, *options):
        """Whether it logged in, with no anchors but those compiled in."""
        with Hostile(context=server.context(), messages=[]) as host:
            self.file("auth", b"username = user\npassword = secret\n").chmod(0o600)
            done = subprocess.run([self.folder / "b" / "popcl", "localhost", "-4", "-p", str(host.port), "-T", "-a", "auth", "-o", "out", *options],
                                  cwd=self.folder, capture_output=True, text=True, timeout=HANGS, stdin=subprocess.DEVNULL,
                                  env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "SSL_CERT_FILE": str(self.other.file)})
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual("PASS secret" in host.commands, code == 0)

    def test_a_handshake_for_each_kind_of_root(self):  # [H20 H21]
        kinds = ("RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521")
        roots = [pki.shared().root(f"Root {kind}", key=kind) for kind in kinds]
        self.other = pki.shared().root("Other root")
        self.file("it's roots.pem", b"".join(root.file.read_bytes() for root in roots))
        self.make(f"CA_BUNDLE={self.folder}/it's roots.pem")
        for kind, root in zip(kinds, roots):
            with self.subTest(kind):
                self.fetch(root.issue("server", san=pki.LOCAL), 0)
                self.fetch(root.issue("between", ca=True).issue("server", san=pki.LOCAL), 0)
        self.fetch(self.other.issue("server", san=pki.LOCAL), 79)  # what is compiled in comes before SSL_CERT_FILE
        self.fetch(self.other.issue("server", san=pki.LOCAL), 0, "-c", str(self.other.file))  # and after -c
        self.fetch(roots[0].issue("server", san=pki.LOCAL), 79, "-c", str(self.other.file))
        # Another content of the same file; then none: what was compiled in is gone.
        self.file("it's roots.pem", roots[3].file.read_bytes())
        self.make(f"CA_BUNDLE={self.folder}/it's roots.pem")
        self.fetch(roots[3].issue("server", san=pki.LOCAL), 0)
        self.fetch(roots[0].issue("server", san=pki.LOCAL), 79)
        self.assertNotIn("CC ", self.make(f"CA_BUNDLE={self.folder}/it's roots.pem"))
        self.make()
        self.fetch(roots[3].issue("server", san=pki.LOCAL), 79)
        self.fetch(self.other.issue("server", san=pki.LOCAL), 0)
        # A file that is none ends the build, and says why.
        self.file("it's roots.pem", b"hello\n")
        self.assertIn("there is no certificate in", self.make(f"CA_BUNDLE={self.folder}/it's roots.pem", code=2))
        self.assertIn("there is no such file", self.make(f"CA_BUNDLE={self.folder}/nothing.pem", code=2))


if __name__ == "__main__":
    unittest.main()
