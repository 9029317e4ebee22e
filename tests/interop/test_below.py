# SPDX-License-Identifier: MIT
"""TLS of the transport (POPCL_TLS_BELOW): the example over Mbed TLS, which speaks TLS 1.2, and a transport over OpenSSL that speaks TLS 1.3
alone. Both stand below the build folder, if their libraries are here; a test of one that is not is skipped."""
import hashlib
import os
import pathlib
import subprocess
import tempfile
import unittest

import command
import mailboxes
import pki
from dovecot import Dovecot
from hostile import Close, EndTls, Hostile
from relay import Relay
from test_examples import messages_of
from tlscase import PASSWORD, USER

BUILD = pathlib.Path(command.POPCL).resolve().parent
MBEDTLS, OPENSSL = BUILD / "examples" / "mbedtls", BUILD / "below" / "openssl"
HANGS = 60
UNTRUSTED, OTHER_NAME, EXPIRED = "comes from no trusted authority", "is for another name", "a certificate has expired"


def root():
    return pki.shared().root()


def server_for(*names, **options):
    return root().issue("below", san=names, **options)


def run(program, port, user=USER, password=PASSWORD, ca=root, host="localhost", more=(), code=1, env=None):
    """The standard output, in octets, and the standard error. The password comes from a file."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(password + "\n")
        file.flush()
        done = subprocess.run([program, host, str(port), user, file.name, str(ca().file), *more], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=HANGS, env={**os.environ, **(env or {})})
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode} instead of {code}: {done}")
    return done.stdout, done.stderr.decode()


class Transport:
    """What holds for each of the two. `program`: its place."""

    program = None

    def setUp(self):
        if not self.program.exists():
            self.skipTest(f"{self.program.name} was not built: its library is missing")

    def refused(self, why, certificate=None, code=1, **options):
        """A server that would take the user's password is refused before it hears a command. [I1]"""
        context = (certificate or server_for("localhost")).context()
        with Hostile(context=context, user=USER, password=PASSWORD) as server:
            out, err = run(self.program, server.port, code=code, **options)
        self.assertEqual(out, b"")
        self.assertIn(why, err)
        self.assertEqual(server.commands, [])
        self.assertEqual(server.received, b"")
        self.assertNotIn(USER.encode(), server.wire)

    def test_messages(self):
        """Every octet of a mailbox, with the least record buffer or some KB."""
        messages = mailboxes.sample_messages()
        with Dovecot(certificate=server_for("localhost"), more=self.settings) as server, Relay(server.tls_port, keep=True) as relay:
            account = server.account()
            account.deliver(messages)
            out, _ = run(self.program, relay.port, account.name, account.password, code=0)
            self.assertNotIn(account.name.encode(), relay.sent)
        self.assertEqual(messages_of(out), [mailboxes.delivered(message) for message in messages])

    def test_wrong_name(self):
        """[T3] A chain that is in order, for another host."""
        self.refused(OTHER_NAME, server_for("other.example"))

    def test_dot_at_the_end(self):
        """A host name may end in a dot, and no certificate has it."""
        with Hostile(context=server_for("localhost").context(), user=USER, password=PASSWORD) as server:
            run(self.program, server.port, host="localhost.", code=0)
        self.refused(OTHER_NAME, server_for("other.example"), host="localhost.")

    def test_untrusted_chain(self):
        """[T3] The right name, by an authority that is not trusted."""
        self.refused(UNTRUSTED, ca=lambda: pki.shared().root("another"))

    def test_self_signed(self):
        """[T3] The right name, by nobody."""
        self.refused(UNTRUSTED, pki.shared().make("localhost", None, san=["localhost"]))

    def test_expired(self):
        """[T3] Yesterday's certificate."""
        self.refused(EXPIRED, server_for("localhost", end=-1))

    def test_no_tls(self):
        """[T3] A server that speaks clear text at once, and one that ends the connection."""
        for greeting, why in ((b"+OK ready\r\n", "breaks the TLS protocol"), ([Close()], "TLS")):
            with self.subTest(greeting=greeting), Hostile(replies={"greeting": greeting}) as server:
                out, err = run(self.program, server.port)
            self.assertEqual(out, b"")
            self.assertIn(why, err)
            self.assertEqual([word for word in server.commands if word.startswith(("USER", "PASS", "AUTH", "APOP"))], [])
            self.assertNotIn(USER.encode(), server.wire)

    def test_cut_message(self):
        """[T6] TCP ends inside a message, with close_notify or without it: the message is dropped."""
        context = server_for("localhost").context()
        for steps in ([Close()], [EndTls(), Close()]):
            half = [b"+OK\r\nSubject: half", *steps]
            with self.subTest(steps=steps), Hostile(context=context, user=USER, password=PASSWORD, replies={"RETR 2": half}) as server:
                out, err = run(self.program, server.port)
                self.assertIn("inside a message", err)
                self.assertIn(b"--- cut", out)
                self.assertNotIn("QUIT", server.verbs())

    def test_nothing_of_src_tls(self):
        """No function of src/tls and no TLS of BearSSL is in the program."""
        objects = [str(path) for path in sorted((BUILD / "obj" / "src" / "tls").glob("*.o"))]
        own = defined(*objects)
        self.assertIn("popcl_tls_link", own)
        self.assertEqual(sorted(own & defined(self.program)), [])
        self.assertEqual([name for name in sorted(defined(self.program)) if name.startswith(("br_ssl", "br_x509", "br_ec"))], [])


def defined(*files):
    """The names that these files define, local ones left out."""
    done = subprocess.run(["nm", "-g", "--defined-only", *files], capture_output=True, text=True, check=True)
    return {line.split()[2] for line in done.stdout.splitlines() if len(line.split()) == 3}


class MbedTls(Transport, unittest.TestCase):
    """examples/mbedtls.c."""

    program = MBEDTLS
    settings = ""

    def test_tls13_alone(self):
        """Mbed TLS 2.28 is a client of TLS 1.2: such a server is refused, and nothing is tried in another way."""
        with Dovecot(certificate=server_for("localhost"), more="ssl_min_protocol = TLSv1.3") as server:
            out, err = run(self.program, server.tls_port)
        self.assertEqual(out, b"")
        self.assertIn("TLS", err)

    def test_verification_left_out(self):
        """[T1] A program that sets Mbed TLS up with no verification, or with an optional one, gets no session: with a good server neither."""
        none, optional, required = "0", "1", "2"
        for verify, certificate, code in ((none, server_for("localhost"), 1), (none, server_for("other.example"), 1),
                                          (optional, server_for("localhost"), 1), (optional, server_for("other.example"), 1),
                                          (required, server_for("localhost"), 0)):
            with self.subTest(verify=verify, name=certificate.name), \
                    Hostile(context=certificate.context(), user=USER, password=PASSWORD) as server:
                out, err = run(BUILD / "below" / "mbedtls_mistakes", server.port, code=code, env={"VERIFY": verify})
                self.assertEqual(bool(server.commands), code == 0)
                self.assertEqual("the transport does not vouch for TLS" in err, code == 1)
                self.assertEqual(bool(out), code == 0)

    def test_limits(self):
        """A handshake that the port below keeps from its end, in simulated time."""
        done = subprocess.run([BUILD / "below" / "mbedtls_limits"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANGS)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class OpenSsl(Transport, unittest.TestCase):
    """tests/below/openssl.c, with servers that have TLS 1.3 alone."""

    program = OPENSSL
    settings = "ssl_min_protocol = TLSv1.3"

    def test_address(self):
        """[T3] An address as host: a certificate for it, and one for a name."""
        self.refused(OTHER_NAME, host="127.0.0.1")
        with Hostile(context=server_for("127.0.0.1").context(), user=USER, password=PASSWORD) as server:
            run(self.program, server.port, host="127.0.0.1", code=0)

    def test_not_secured(self):
        """[T1] The handshake is good, and the transport still does not vouch for it: no command is sent."""
        self.refused("ERR_NOT_SECURED", more=["lies"])

    def test_end_point(self):
        """[T5] The hash that login mechanisms bind to is that of the certificate (RFC 5929, 4.1)."""
        for digest in ("sha256", "sha384", "sha512"):
            certificate = root().issue(f"end point {digest}", san=["localhost"], digest=digest)
            with self.subTest(digest=digest), Hostile(context=certificate.context(), user=USER, password=PASSWORD) as server:
                out, _ = run(self.program, server.port, code=0, more=["end"])
            self.assertEqual(out.split(b"\n")[-2].decode(), hashlib.new(digest, certificate.der()).hexdigest())


if __name__ == "__main__":
    unittest.main()
