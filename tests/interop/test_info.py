# SPDX-License-Identifier: MIT
"""popcl --info and --tofu: what the report says of a server with each shape of chain, and of a refused one; that nothing but CAPA, STLS and
QUIT is sent; and whose key a file of --tofu holds. [I1 R64 R68]"""
import os
import re
import signal
import socket
import ssl
import stat
import time
import unittest

import command
import pki
import ports
from dovecot import Dovecot
from hostile import Close, Hang, Hostile

USER, PASSWORD = "harbour-master", "the tide table"
ALLOWED = {"CAPA", "STLS", "QUIT"}


def root():
    return pki.shared().root()


def stranger():
    return pki.shared().root("A stranger")


def intermediate():
    return root().issue("an intermediate", ca=True)


def context_of(certificate, *others):
    """A server that shows the certificate and these others, in this order."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.bundle(*others), certificate.key_file)
    return context


class Shape:
    """A chain: how it is made, and what the report says of it. `anchor`: the subject, None = none vouches."""

    def __init__(self, name, make, code, anchor, *says):
        self.name, self.make, self.code, self.anchor, self.says = name, make, code, anchor, says


def leaf(issuer=root, **how):
    return issuer().issue("a server", **{"san": pki.LOCAL, **how})


SHAPES = (
    Shape("a root signs the server's", lambda: (leaf(),), 0, "CN=Test root", "certificate   1 of 1", "verdict       taken"),
    Shape("an intermediate is sent", lambda: (leaf(intermediate), intermediate()), 0, "CN=Test root", "certificate   2 of 2"),
    Shape("an intermediate is not sent", lambda: (leaf(intermediate),), 79, None, "wanted      CN=an intermediate", "verdict       refused"),
    Shape("a wrong order", lambda: (leaf(intermediate), root(), intermediate()), 0, "CN=Test root", "certificate   3 of 3"),
    Shape("the root is sent too", lambda: (leaf(intermediate), intermediate(), root()), 0, "CN=Test root", "certificate   3 of 3"),
    Shape("one of another root is sent too", lambda: (leaf(), stranger()), 0, "CN=Test root", "subject     CN=A stranger"),
    Shape("expired", lambda: (leaf(start=-60, end=-2),), 79, "CN=Test root", "EXPIRED", "refused: a certificate has expired"),
    Shape("not valid yet", lambda: (leaf(start=2, end=60),), 79, "CN=Test root", "NOT VALID YET"),
    Shape("a wrong name", lambda: (leaf(san=["other.example", "*.example.net"]),), 79, "CN=Test root", "names       other.example, *.example.net"),
    Shape("signs itself", lambda: (pki.shared().make("itself", None, san=pki.LOCAL),), 79, None, "wanted      CN=itself"),
)


class InfoTest(unittest.TestCase):
    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)

    def popcl(self, *options, code=0):
        """Without a login, which --info does not want."""
        args = [str(option) for option in options]
        result = self.place.finish(self.place.start(args), args)
        self.assertEqual(result.code, code, result)
        return result

    def info(self, port, *options, server="localhost", code=0):
        return self.popcl("--info", server, "-p", port, *options, code=code)

    def assertOnlyLooked(self, server, result):
        """Whatever came of it, a login was not tried."""
        self.assertLessEqual(set(server.verbs()), ALLOWED, result)
        self.assertLessEqual(set(server.commands_in_clear), ALLOWED, result)
        self.assertNotIn(USER.encode(), server.received + server.wire, result)


class Chains(InfoTest):
    def judge(self, shape, result):
        for text in shape.says:
            self.assertIn(text, result.out, result)
        found = re.search(r"^anchor        (CN=.*)$", result.out, re.M)
        self.assertEqual(found and found.group(1), shape.anchor, result)
        self.assertEqual("popcl-ta gen " in result.out, shape.anchor is not None, result)

    def test_each_shape(self):
        for shape in SHAPES:
            for way in ("-T", "-S"):
                with self.subTest(shape=shape.name, way=way):
                    clear = None if way == "-T" else {}
                    with Hostile(clear=clear, context=context_of(*shape.make()), user=USER, password=PASSWORD) as server:
                        result = self.info(server.port, way, "-c", root().file, code=shape.code)
                        self.judge(shape, result)
                        self.assertOnlyLooked(server, result)
                        self.assertEqual(len(server.sessions), 1, result)

    def test_a_port_of_its_own(self):
        """Without -T and -S both kinds of port are found out: by the server's first octets, without a wait."""
        for clear, way, said in ((None, "POP3S", ""), ({}, "STLS", "is not for POP3S: trying STLS on port")):
            with self.subTest(way=way), Hostile(clear=clear, context=context_of(leaf()), user=USER, password=PASSWORD) as server:
                result = self.info(server.port, "-c", root().file)
                self.assertIn(f":{server.port}, {way}\n", result.out)
                self.assertIn(said, result.err)
                self.assertOnlyLooked(server, result)

    def test_dovecot(self):
        """A real server: fragments are granted, and what it offers differs before and after STLS."""
        for shape in SHAPES:
            certificates = shape.make()
            shown = pki.Certificate(pki.shared(), "", None, certificates[0].file, certificates[0].key_file)
            shown.chain_file = certificates[0].bundle(*certificates[1:])
            with self.subTest(shape=shape.name), Dovecot({}, "", shown) as server:
                for way, port in (("-T", server.tls_port), ("-S", server.port)):
                    result = self.info(port, way, "-c", root().file, code=shape.code)
                    self.judge(shape, result)
                    self.assertIn("fragments     of 512 octets: granted\n", result.out, result)
                    if shape.code == 0:
                        self.assertRegex(result.out, r"(?m)^capabilities  CAPA, TOP, UIDL, .*SASL PLAIN LOGIN", result)
                    self.assertEqual(bool(re.search(r"^before TLS    .*\bSTLS\b", result.out, re.M)), way == "-S", result)

    def test_the_line_is_right(self):
        """The command that the report gives makes a set with this one anchor, of the size that it names."""
        folder = self.place.root / "a folder's"
        folder.mkdir()
        bundle = folder / "all.pem"
        bundle.write_text(stranger().file.read_text() + root().file.read_text())
        with Hostile(context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-T", "-c", bundle)
        line = re.search(r"^for a device  popcl-ta (.*)$", result.out, re.M).group(1)
        size = re.search(r"^  size        (\d+) bytes", result.out, re.M).group(1)
        args = ["sh", "-c", f"'{command.POPCL}-ta' {line}"]
        self.place.command = "/usr/bin/env"
        made = self.place.start(args)
        _, err = made.communicate(timeout=command.HANGS)
        self.assertEqual(made.returncode, 0, err)
        self.assertIn(f"1 anchor, {size} octets on a 32-bit machine".encode(), err)
        self.assertIn(b"CN=Test root", (self.place.root / "anchors.c").read_bytes())

    def test_many_certificates(self):
        """A server that sends more than popcl keeps: they are counted."""
        with Hostile(context=context_of(leaf(), *[stranger()] * 40), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-T", "-c", root().file)
        self.assertIn("certificate   32 of 41\n", result.out, result)
        self.assertIn("certificates  9 more found no room\n", result.out, result)

    def test_readme(self):
        """The block "info" of README.md is a report of these lines, in this order."""
        with Hostile(context=context_of(leaf(intermediate), intermediate()), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-T", "-c", root().file)
        shown = (command.REPOSITORY / "README.md").read_text().partition("$ popcl --info mail.example.org\n")[2].partition("```")[0]
        labels = [[line[:14] for line in text.splitlines() if line[:12].strip() != "fragments"] for text in (shown, result.out)]
        self.assertEqual(*labels, result)

    def test_verbose_names_the_anchor(self):
        """In a run that fetches, too."""
        with Hostile(context=context_of(leaf(intermediate), intermediate()), user=USER, password=PASSWORD) as server:
            result = self.place.run(server.port, "-T", "-v", "-c", str(root().file), server="localhost")
        self.assertIn(f"popcl: the anchor that vouches: CN=Test root, of {root().file}\n", result.err, result)


class Servers(InfoTest):
    """Servers whose TLS or POP3 is odd."""

    def test_refuses_stls(self):
        with Hostile(clear={"STLS": b"-ERR not here\r\n"}, context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-S", "-c", root().file, code=80)
            self.assertOnlyLooked(server, result)
        self.assertIn('the server said to STLS: "not here"', result.err, result)

    def test_no_capa(self):
        with Hostile(replies={"CAPA": b"-ERR what\r\n"}, clear={"CAPA": b"-ERR what\r\n"}, context=context_of(leaf()), user=USER,
                     password=PASSWORD) as server:
            result = self.info(server.port, "-S", "-c", root().file)
            self.assertOnlyLooked(server, result)
        self.assertNotIn("capabilities", result.out, result)

    def test_odd_words(self):
        """Octets of a server that a terminal must not see, and capabilities that nobody knows. [L6]"""
        with Hostile(replies={"greeting": b"+OK \x1b]0;me\x07 \xff\\\r\n", "CAPA": b"+OK\r\nX-\x1b[31m \x9b\r\n" + b"Y" * 300 + b"\r\n.\r\n"},
                     context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-T", "-c", root().file)
        self.assertIn("greeting      \\x1b]0;me\\x07 \\xff\\\\\n", result.out, result)
        self.assertIn("X-\\x1b[31m \\x9b, " + "Y" * 300 + "\n", result.out, result)

    def test_goes_away(self):
        """After the greeting: the report has what came, and the error has its three parts."""
        with Hostile(replies={"CAPA": [Close()]}, context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            result = self.info(server.port, "-T", "-c", root().file, code=75)
        self.assertIn("anchor        CN=Test root\n", result.out, result)

    def test_signal(self):
        """While the server says nothing: the run ends at once, with the signal's code."""
        with Hostile(replies={"greeting": [Hang()]}, context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            args = ["--info", "localhost", "-p", str(server.port), "-T", "-c", str(root().file)]
            process = self.place.start(args)
            while not server.handshakes:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            result = self.place.finish(process, args)
        self.assertEqual(result.code, 143, result)
        self.assertIn("stopped by a signal", result.err, result)

    def test_max_time_is_that_of_all_connections(self):
        """The second connection of --tofu has what the first one left."""
        with Hostile(replies={"greeting": [Hang()]}, context=context_of(leaf()), user=USER, password=PASSWORD) as server:
            began = time.monotonic()
            result = self.info(server.port, "-T", "--tofu", self.place.root / "key", "--max-time", "2", code=75)
        self.assertLess(time.monotonic() - began, 60, result)
        self.assertEqual(len(server.sessions), 2)

    def test_nobody_there(self):
        """Nothing listens: no report, one error."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            result = self.info(taken.getsockname()[1], "-T", server="127.0.0.1", code=69)
        self.assertEqual(result.out, "", result)

    def test_wrong_usage(self):
        for options in (["--info"], ["--info", "localhost", "--list"], ["--info", "localhost", "-d"], ["localhost", "--tofu", "f", "-a", "a", "-o", "o"],
                        *(["--info", "localhost", "--tofu", "f", *more] for more in (["-c", "f"], ["-C", "f"], ["--pin", root().pin]))):
            with self.subTest(options):
                self.popcl(*options, code=64)


@unittest.skipIf(ports.why_not(), ports.why_not())
class Ports(InfoTest):
    """Without -T, -S and -p: 995 first, and STLS on 110 only if nobody answers there."""

    def run_at(self, port, *words, ca=root, code=0):
        result = ports.run(port, leaf(), command.POPCL, "--info", "127.0.0.1", "-c", ca().file, *words)
        self.assertEqual(result["code"], code, result)
        self.assertLessEqual(set(result["commands"]), ALLOWED, result)
        return result

    def test_pop3s(self):
        result = self.run_at(995)
        self.assertIn("server        127.0.0.1:995, POP3S\n", result["out"])
        self.assertEqual(result["commands"], ["CAPA", "QUIT"])

    def test_stls_if_nobody_is_there(self):
        result = self.run_at(110)
        self.assertIn("server        127.0.0.1:110, STLS\n", result["out"])
        self.assertEqual(result["commands"], ["CAPA", "STLS", "CAPA", "QUIT"])
        self.assertIn("127.0.0.1:995 does not answer: trying STLS on port 110", result["err"])

    def test_not_after_a_refusal(self):
        """A certificate that is refused on 995 is the answer: a second connection would not show more."""
        result = self.run_at(995, ca=stranger, code=79)
        self.assertIn("verdict       refused", result["out"])
        self.assertNotIn("110", result["err"])

    def test_not_with_a_choice(self):
        for port, words in ((110, ["-T"]), (995, ["-S"]), (110, ["-p", "995"])):
            with self.subTest(words):
                self.assertEqual(self.run_at(port, *words, code=69)["commands"], [])

    def test_for_host(self):
        for port, words in ((995, []), (110, ["--stls"])):
            result = ports.run(port, leaf(), f"{command.POPCL}-ta", "for-host", "127.0.0.1", "--bundle", root().file, *words)
            self.assertEqual(result["code"], 0, result)
            self.assertLessEqual(set(result["commands"]), ALLOWED)


class FirstUse(InfoTest):
    """--tofu."""

    def setUp(self):
        super().setUp()
        self.file = self.place.root / "key"
        self.own = pki.shared().make("itself", None, san=["nobody.example"])  # a pin looks at no name

    def server(self, certificate=None, **more):
        server = Hostile(context=context_of(certificate or self.own), user=USER, password=PASSWORD, **more)
        self.addCleanup(server.__exit__)
        return server.__enter__()

    def fetch(self, server, code=0):
        return self.place.run(server.port, "-T", "--tofu", str(self.file), server="localhost", code=code)

    def test_store_and_compare(self):
        server = self.server()
        first = self.info(server.port, "-T", "--tofu", self.file)
        self.assertIn(f"stored        {self.own.pin} in {self.file}\n", first.out, first)
        self.assertEqual(self.file.read_text(), f"popcl-tofu-1 localhost {self.own.pin}\n")
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertOnlyLooked(server, first)
        self.assertEqual(len(server.sessions), 2, "the second one proves that the server has the key")
        again = self.info(server.port, "-T", "--tofu", self.file)
        self.assertNotIn("stored", again.out, again)
        self.assertIn(f"verdict       taken: its key is that of {self.file}\n", again.out, again)
        fetched = self.fetch(server)
        self.assertEqual(fetched.count, 3, fetched)

    def test_another_key(self):
        """Refused by every run, with no credential sent; the file stays. [R68]"""
        self.info(self.server().port, "-T", "--tofu", self.file)
        before = self.file.read_bytes()
        other = self.server(leaf())
        for result in (self.info(other.port, "-T", "--tofu", self.file, code=79), self.fetch(other, code=79)):
            self.assertIn(f"it is not the key in {self.file}", result.err, result)
            self.assertOnlyLooked(other, result)
        self.assertEqual(other.handshakes, 0)
        self.assertEqual(self.file.read_bytes(), before)
        self.file.unlink()
        self.info(other.port, "-T", "--tofu", self.file)
        self.assertEqual(self.fetch(other).count, 3)

    def test_a_renewed_certificate(self):
        """Of the same key: taken."""
        self.info(self.server().port, "-T", "--tofu", self.file)
        renewed = pki.shared().folder / "renewed.pem"
        pki.shared().openssl("req", "-new", "-x509", "-key", self.own.key_file, "-subj", "/CN=renewed", "-days", "9", "-out", renewed)
        again = pki.Certificate(pki.shared(), "renewed", None, renewed, self.own.key_file)
        self.assertEqual(self.fetch(self.server(again)).count, 3)

    def test_dates_count(self):
        """As with --pin: a certificate that has expired is not stored."""
        old = pki.shared().make("old", None, start=-60, end=-2)
        server = self.server(old)
        result = self.info(server.port, "-T", "--tofu", self.file, code=79)
        self.assertIn("a certificate has expired", result.err, result)
        self.assertFalse(self.file.exists())

    def test_a_broken_session(self):
        """The key is stored only after a whole session with it, in which the server proved that it has the key."""
        server = self.server(replies={"greeting": [Close()]})
        self.info(server.port, "-T", "--tofu", self.file, code=75)
        self.assertEqual(len(server.sessions), 2)
        self.assertFalse(self.file.exists())

    def test_files(self):
        """79 before any connection: the file is missing, empty, damaged, for another host, or open to others."""
        server = self.server()
        line = f"popcl-tofu-1 localhost {self.own.pin}\n"
        rows = {"missing": None, "empty": "", "cut": line[:-9], "no end": line[:-1], "two": line * 2, "a word": "x\n", "binary": "\0" * 200,
                "long": line + "#" * 5000, "capital": line.replace("popcl", "POPCL"), "other host": line.replace("localhost", "mail.example"),
                "no host": line.replace("localhost ", "")}
        for name, text in rows.items():
            with self.subTest(name):
                if text is not None:
                    self.file.write_text(text)
                result = self.fetch(server, code=79)
                self.assertIn(str(self.file), result.err, result)
                if text is not None:
                    self.info(server.port, "-T", "--tofu", self.file, code=79)
                    self.assertEqual(self.file.read_text(), text, "what a person may want to look at stays")
        self.file.write_text(line)
        os.chmod(self.file, 0o622)
        self.fetch(server, code=79)
        os.chmod(self.file, 0o600)
        link = self.place.root / "link"
        link.symlink_to(self.file)
        self.file, file = link, self.file
        self.fetch(server, code=79)
        self.file = self.place.root / "nowhere" / "key"
        self.info(server.port, "-T", "--tofu", self.file, code=73)
        self.assertEqual(server.sessions, [], "no connection")
        self.file = file
        self.assertEqual(self.fetch(server).count, 3, "the file as such is right")


if __name__ == "__main__":
    unittest.main()
