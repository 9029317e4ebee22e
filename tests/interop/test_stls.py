# SPDX-License-Identifier: MIT
"""The command, told to use STLS or POP3S, against servers that inject, strip, lie and stall. The whole wire is recorded in every row and
searched: no user name, no password in clear, and nothing that was said before TLS is believed behind it (tlscase.py). [I1 I2]"""
import signal
import time
import unittest

import command
from hostile import (CAPABILITIES, GREETING, Close, Drip, EndTls, Hang, Hostile, Listen, Pause, Pieces, Raw, Repeat, Reset, StartTls,
                     message, records, stuffed)
from relay import Relay
from test_hostile import LOGIN, rows
from tlscase import PASSWORD, USER, TlsCase, assert_no_secret, contents_of, right_server, root

ALL = (1, 2, 3)
SHORT = ("--timeout", "2")
TRANSACTION = ("STAT", "UIDL", "LIST", "RETR", "DELE", "TOP")
OK = b"+OK\r\n"
POP3S = None  # in place of replies in clear
CLOSE_NOTIFY = b"\x15\x03\x03\x00\x02\x01\x00"
WARNING = b"\x15\x03\x03\x00\x02\x01\x5a"  # user_canceled, which ends nothing (RFC 5246, 7.2.2)
HELLO_REQUEST = b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"
SERVER_HELLO = (b"\x16\x03\x03\x00\x31\x02\x00\x00\x2d\x03\x03" + bytes(range(32)) + b"\x00\xc0\x2b\x00\x00\x05\xff\x01\x00\x01\x00")


def ends(name, ids, clear, code=80, *options, hello=False, **more):
    """Over before any login: neither in clear nor in TLS."""
    return TlsCase(name, ids, clear, code, *options, never=LOGIN + TRANSACTION, count=None, hello=hello, **more)


def after_ok(name, ids, *steps, code=80, options=(), **more):
    """STLS is answered by +OK, and then by these steps in place of a handshake."""
    return ends(name, ids, {"STLS": [OK, *steps]}, code, *options, hello=None, **more)


def surplus(name, ids, octets):
    """In the segment of the +OK: found before the handshake, which does not begin (RFC 2595, 4)."""
    return ends(name, ids, {"STLS": [OK + octets, Hang()]}, 80, says="clear-text data came after the answer to STLS")


@rows(
    TlsCase("a well-behaved server", "[R61 R62 R65 C24]", {}, 0, stored=ALL),
    TlsCase("a well-behaved server, octet by octet", "[A15 R61]", {}, 0, stored=ALL, drip=True),
    TlsCase("nothing is pipelined behind STLS", "[C24 R61]", {"STLS": [Listen(0.3), OK, StartTls()]}, 0, stored=ALL),
    TlsCase("the answer to STLS in two pieces", "[R61]", {"STLS": [Pieces(OK, 4), StartTls()]}, 0, stored=ALL),
    TlsCase("the answer to STLS octet by octet", "[R61]", {"STLS": [Drip(OK), StartTls()]}, 0, stored=ALL),
    TlsCase("the answer to STLS with text and a code", "[C10]", {"STLS": [b"+OK [SYS/PERM] go on\r\n", StartTls()]}, 0, stored=ALL),
    TlsCase("deleting", "[I3 R25]", {}, 0, "-d", stored=ALL, left=0),

    ends("STLS is refused", "[C5 R63 B60]", {"STLS": b"-ERR what?\r\n"}, says="the server refuses STLS"),
    ends("STLS is refused, and CAPA", "[C6 R63]", {"CAPA": b"-ERR what?\r\n", "STLS": b"-ERR what?\r\n"}, says="the server refuses STLS"),
    ends("STLS is refused, and not in CAPA", "[C4 R63]", {"CAPA": CAPABILITIES, "STLS": b"-ERR what?\r\n"}),
    ends("STLS is refused by the whole line", "[C5 R63]", {"STLS": [b"-ERR\r\n", Close()]}),
    ends("STLS is refused for ever", "[C9]", {"STLS": b"-ERR [SYS/PERM] never\r\n"}, (69, 80)),
    ends("STLS is refused for now", "[C9]", {"STLS": b"-ERR [SYS/TEMP] later\r\n"}, (75, 80)),
    ends("STLS is answered by a challenge", "[B67]", {"STLS": [b"+ \r\n", Hang()]}, (76, 80)),
    ends("STLS is answered in HTTP", "[B2]", {"STLS": [b"HTTP/1.1 400 Bad Request\r\n\r\n", Hang()]}, (76, 80)),
    ends("STLS is answered with a bare LF", "[B13 R61]", {"STLS": [b"+OK\n", Hang()]}, (76, 80)),
    ends("STLS is answered by a line without end", "[B8]", {"STLS": [b"+OK ", Repeat(b"x")]}, (76, 80)),
    ends("STLS is answered by TLS at once", "[R61]", {"STLS": [SERVER_HELLO, Hang()]}, (76, 80), *SHORT),
    ends("closed at STLS", "[C13 A13]", {"STLS": [Close()]}, (75, 80)),
    ends("reset at STLS", "[C13 A13]", {"STLS": [Reset()]}, (75, 80)),
    ends("silent at STLS", "[A21 I5]", {"STLS": [Hang()]}, (75, 80), *SHORT),
    ends("greeting is -ERR", "[C20 R4]", {"greeting": [b"-ERR go away\r\n", Hang()]}, 75),
    ends("greeting is -ERR, then TLS", "[C20]", {"greeting": [b"-ERR go away\r\n", StartTls()]}, 75, hello=None),
    ends("greeting is no POP3", "[B2]", {"greeting": [b"220 mail.example ESMTP\r\n", Hang()]}, 76),
    ends("greeting is TLS", "[B2]", {"greeting": [SERVER_HELLO, Hang()]}, 76, *SHORT),
    ends("surplus behind the greeting", "[B4 B28]", {"greeting": [GREETING + b"+OK Begin TLS\r\n", Hang()]}, (76, 80)),
    ends("a TLS server that waits for the client", "[A5]", {"greeting": [StartTls()]}, 75, *SHORT),

    surplus("one octet behind the answer", "[C1 R61]", b"+"),
    surplus("an empty line behind the answer", "[C1 R61]", b"\r\n"),
    surplus("the answer to CAPA behind the answer", "[C2 R61]", CAPABILITIES),
    surplus("the answer to a login behind the answer", "[C2 R61]", OK + OK + b"+OK 3 300\r\n"),
    surplus("-ERR behind the answer", "[C2 R61]", b"-ERR TLS is out of order, log in without\r\n"),
    surplus("a ServerHello behind the answer", "[C1 R61]", SERVER_HELLO),
    surplus("a HelloRequest behind the answer", "[C1 R61]", HELLO_REQUEST),
    surplus("close_notify behind the answer", "[C1 R61]", CLOSE_NOTIFY),
    surplus("16 KB behind the answer", "[C1 R61]", b"\r\n" * 8192),

    after_ok("clear text in a later segment", "[C1]", Pause(0.1), b"+OK you are logged in\r\n", Hang()),
    after_ok("the answer to CAPA in a later segment", "[C2]", Pause(0.1), CAPABILITIES, Hang()),
    after_ok("one octet in a later segment", "[C1]", Pause(0.1), b"+", Hang(), options=SHORT),
    after_ok("clear text in a later segment, then TLS", "[C1]", Pause(0.1), OK, StartTls()),
    after_ok("-ERR in place of a ServerHello", "[C12 R64]", b"-ERR no TLS here\r\n", Hang()),
    after_ok("-ERR in place of a ServerHello, then the end", "[C12 R64]", b"-ERR no TLS here\r\n", Close()),
    after_ok("-ERR in place of a ServerHello, with a trace", "[C12 C21]", b"-ERR no TLS here\r\n", Close(), options=("-v", "--trace")),
    after_ok("close_notify in place of a ServerHello", "[C12 R64]", Pause(0.1), CLOSE_NOTIFY, Hang()),
    after_ok("octets of chance in place of a ServerHello", "[R64]", Pause(0.1), bytes(range(1, 200)), Hang()),
    after_ok("closed after +OK", "[C13 R64]", Close()),
    after_ok("reset after +OK", "[C13 R64]", Reset(), code=(75, 80)),
    after_ok("silent after +OK", "[A21 I5]", Hang(), options=SHORT, says="the TLS handshake did not end in time"),
)
class Stls(unittest.TestCase):
    """Up to the handshake."""


@rows(
    TlsCase("a stamp in the clear greeting", "[C7 I2]", {}, 0, stored=ALL, stamp="<1.2@clear.example>", never=("APOP",)),
    ends("a stamp in the clear greeting, APOP wanted", "[C7 I2]", {}, 77, "--auth", "apop", hello=True, stamp="<1.2@clear.example>",
         says="usable timestamp, which APOP needs"),
    TlsCase("AUTH in the clear capabilities", "[C8 I2]",
            {"CAPA": b"+OK\r\nSASL PLAIN LOGIN CRAM-MD5\r\nSTLS\r\n.\r\n", "AUTH": b"+OK\r\nPLAIN\r\n.\r\n"}, 0, stored=ALL, never=("AUTH",)),
    TlsCase("a greeting that says we are logged in", "[C14 I2]",
            {"greeting": b"+OK user successfully logged in, 3 messages\r\n"}, 0, stored=ALL),
    TlsCase("STLS's answer says we are logged in", "[C14 I2]", {"STLS": [b"+OK already logged in\r\n", StartTls()]}, 0, stored=ALL),
    TlsCase("UIDL and TOP only before TLS", "[C15 I2 R62]", {}, 69, "-n",
            replies={"CAPA": b"+OK\r\nUSER\r\n.\r\n", "UIDL": b"-ERR what?\r\n", "TOP": b"-ERR what?\r\n"}, never=("DELE", "RETR")),
    TlsCase("UIDL and TOP only in TLS", "[C15 I2 R62]", {"CAPA": b"+OK\r\nSTLS\r\n.\r\n"}, 0, "-n", stored=ALL),
    TlsCase("capabilities only in TLS", "[C15 R62]", {"CAPA": b"-ERR what?\r\n"}, 0, stored=ALL),
    TlsCase("no capabilities in TLS", "[C15 R41 R62]", {}, 0, stored=ALL, replies={"CAPA": b"-ERR what?\r\n"}),
    TlsCase("a code before TLS is no reason behind it", "[I2]", {"STLS": [b"+OK [IN-USE] locked\r\n", StartTls()]}, 77,
            replies={"PASS": b"-ERR wrong\r\n"}, count=None),
    TlsCase("STLS is offered again in TLS", "[C16 R60]", {}, 0, stored=ALL,
            replies={"CAPA": CAPABILITIES.replace(b".\r\n", b"STLS\r\n.\r\n")}),
    TlsCase("STLS is offered in POP3S", "[C16 R60]", POP3S, 0, stored=ALL, replies={"CAPA": CAPABILITIES.replace(b".\r\n", b"STLS\r\n.\r\n")},
            never=("STLS",)),
    TlsCase("a second greeting in TLS", "[R65]", {"STLS": [OK, StartTls(), GREETING]}, 76, count=None, never=("USER", "PASS"),
            says="the server greeted a second time, after STLS"),
    TlsCase("APOP with a stamp in TLS, where it alone is allowed", "[R36 E1]", POP3S, 0, "--auth", "apop", stored=ALL,
            stamp="<1.2@tls.example>", never=("PASS",)),
    TlsCase("a stamp in TLS", "[E1 E5]", POP3S, 0, stored=ALL, stamp="<1.2@tls.example>", never=("APOP",)),
)
class Before(unittest.TestCase):
    """What was said before TLS does not count behind it."""

    def test_asked_again(self):
        """[R62 R65 C16] After TLS: no greeting, CAPA, and STLS once in the whole session."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        with Hostile(clear={}, context=right_server().context(), user=USER, password=PASSWORD) as server:
            result = place.run(server.port, "-S", "-c", str(root().file), server="localhost")
            self.assertEqual(server.verbs().count("STLS"), 1, result)
            self.assertEqual(server.commands[len(server.commands_in_clear)], "CAPA", result)
            assert_no_secret(self, server, result)

    def test_no_capa_and_the_one_behind_stls(self):
        """[R65] --no-capa does not reach it: a second greeting would answer USER else."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        with Hostile(clear={}, context=right_server().context(), user=USER, password=PASSWORD) as server:
            result = place.run(server.port, "-S", "-c", str(root().file), "--no-capa", "--auth", "user", server="localhost")
            self.assertEqual(server.commands[len(server.commands_in_clear)], "CAPA", result)
            self.assertEqual(server.verbs().count("CAPA"), 1, result)


def inside(name, ids, replies, code, *options, clear=POP3S, **more):
    return TlsCase(name, ids, clear, code, *options, replies=replies, **more)


@rows(
    inside("clear text injected at CAPA", "[C18]", {"CAPA": [Raw(CAPABILITIES), Hang()]}, 80, never=LOGIN, count=None),
    inside("clear text injected at PASS", "[C18]", {"PASS": [Raw(b"+OK\r\n"), Hang()]}, 80, never=TRANSACTION, count=None),
    inside("clear text injected after STLS and TLS", "[C18]", {"CAPA": [Raw(CAPABILITIES), Hang()]}, 80, clear={}, never=LOGIN, count=None),
    inside("clear text injected inside a message", "[C18 I3]",
           {"RETR 2": [OK + message(2)[:20], Raw(stuffed(message(2))[20:] + b"+OK\r\n"), Hang()]}, 80, "-d", stored=(1,), left=3),
    inside("a record in clear inside a message", "[C18 I3]",
           {"RETR 2": [OK + message(2)[:20], Raw(b"\x17\x03\x03\x00\x05.\r\n.\r"), Hang()]}, 80, "-d", stored=(1,), left=3),
    inside("an alert in clear inside a message", "[C18]", {"RETR 2": [OK + message(2)[:20], Raw(CLOSE_NOTIFY), Hang()]}, 80, "-d", stored=(1,),
           left=3),
    inside("close_notify, then clear text at CAPA", "[C19]", {"CAPA": [EndTls(), CAPABILITIES, Hang()]}, (75, 80), never=LOGIN, count=None),
    inside("close_notify, then clear text inside a message", "[C19 I3]",
           {"RETR": [OK + message(2)[:20], EndTls(), stuffed(message(2))[20:] + OK, Hang()]}, (75, 80), "-d", left=3),
    inside("closed inside a message, without close_notify", "[D45 A10]", {"RETR": [OK + message(2)[:20], Close()]}, 75, "-d",
           left=3, says="the connection ended inside a message"),
    inside("closed inside a message, with close_notify", "[D45 A10]", {"RETR": [OK + message(2)[:20], EndTls(), Close()]}, 75, "-d", left=3),
    inside("closed between messages, without close_notify", "[D45]", {"RETR": [Close()]}, 75, "-d", left=3),
    inside("reset inside a message", "[A13 D45]", {"RETR": [OK + message(2)[:20], Reset()]}, 75, "-d", left=3),
    inside("closed after QUIT's +OK, without close_notify", "[D45 I4]", {"QUIT": [OK, Close()]}, 0, "-d", stored=ALL, left=0),
    inside("reset after QUIT's +OK, without close_notify", "[D45 I4]", {"QUIT": [OK, Reset()]}, 0, "-d", stored=ALL, left=0),
    inside("stays after QUIT's +OK", "[A22 I4]", {"QUIT": [OK, Hang()]}, 0, *SHORT, stored=ALL),
    inside("closed at QUIT, without close_notify", "[D45 I4]", {"QUIT": [Close()]}, 75, "-d", stored=ALL, left=3),
    inside("close_notify at QUIT", "[D45 I4]", {"QUIT": [EndTls(), Close()]}, 75, "-d", stored=ALL, left=3),
    inside("close_notify, then a reset, at STAT", "[D46]", {"STAT": [EndTls(), Reset()]}, (75, 80), count=None),
    inside("close_notify behind an answer, then a reset", "[D46]", {"STAT": [b"+OK 3 300\r\n", EndTls(), Reset()]}, (75, 80), *SHORT),
    inside("close_notify behind an answer, and the server stays", "[D46]", {"STAT": [b"+OK 3 300\r\n", EndTls(), Hang()]}, (75, 80), *SHORT),
    inside("silent inside a message", "[A19 B56]", {"RETR": [OK + message(2)[:20], Hang()]}, 75, "-d", *SHORT, left=3),
    inside("half a record, then silence", "[A19]", {"RETR 2": [OK, Raw(b"\x17\x03\x03\x01\x00" + bytes(40)), Hang()]}, 75, *SHORT, stored=(1, 3)),
    inside("surplus in TLS", "[B28]", {"STAT": [b"+OK 3 300\r\n+OK\r\n", Hang()]}, 76, *SHORT, never=("RETR",)),
    inside("wrong password", "[E6 C21]", {"PASS": b"-ERR wrong\r\n"}, 77, "-v", "--trace", never=TRANSACTION, count=None),
    inside("message by message, octet by octet", "[A15 R18]", {}, 0, "-d", stored=ALL, left=0, drip=True),
)
class Inside(unittest.TestCase):
    """In TLS: what comes past it ends the session. [C18 C19 D45]"""


@rows(
    after_ok("a third of the server's first flight, then silence", "[A20 I5]", StartTls(cut=300), Hang(), options=SHORT,
             says="the TLS handshake did not end in time"),
    after_ok("half a ServerHello, then silence", "[A20 I5]", StartTls(cut=40), Hang(), options=SHORT, says="the TLS handshake did not end in time"),
    after_ok("all of the server's first flight, then silence", "[A20 I5]", StartTls(cut=100_000), Hang(), options=SHORT,
             says="the TLS handshake did not end in time"),
    after_ok("half a ServerHello, then the end", "[C13 R64]", StartTls(cut=40), Close(), says="inside the TLS handshake"),
    after_ok("half a ServerHello, then a reset", "[C13 R64]", StartTls(cut=40), Reset(), code=(75, 80)),
    after_ok("a header of a record, then the end", "[C13 R64]", StartTls(cut=5), Close()),
    after_ok("half a certificate, then the end", "[C13 R64]", StartTls(cut=300), Close()),
    after_ok("all of the server's first flight, then the end", "[C13 R64]", StartTls(cut=100_000), Close()),
    after_ok("half a ServerHello, then clear text", "[C18]", StartTls(cut=40), Raw(b"-ERR sorry\r\n" * 100), Close()),
    after_ok("warning alerts for ever", "[D42 I5]", Pause(0.1), Repeat(WARNING), code=(75, 80), options=("--timeout", "2", "--max-time", "3")),
    after_ok("HelloRequests for ever", "[D42 I5]", Pause(0.1), Repeat(HELLO_REQUEST), code=(75, 80), options=("--timeout", "2", "--max-time", "3")),
    after_ok("empty records for ever", "[D42 I5]", Pause(0.1), Repeat(b"\x16\x03\x03\x00\x00"), code=(75, 80),
             options=("--timeout", "2", "--max-time", "3")),
    after_ok("warning alerts that drip", "[D42 I5]", Pause(0.1), Drip(WARNING * 1000, 0.02), code=(75, 80),
             options=("--timeout", "2", "--max-time", "3")),
)
class Handshake(unittest.TestCase):
    """The handshake stalls, or ends early."""

    def test_signals(self):
        """[A20 A21 L4] INT and TERM in a handshake that stalls end the run at once: long before --timeout."""
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for steps in ([OK, Hang()], [OK, StartTls(cut=40), Hang()]):
                with self.subTest(signal=number, steps=steps):
                    self.strike(steps, number, code)

    def strike(self, steps, number, code):
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        with Hostile(clear={"STLS": steps}, context=right_server().context()) as server:
            args = place.arguments(server.port, ("-S", "-c", str(root().file), "--timeout", "600"), "localhost")
            process = place.start(args)
            give_up = time.monotonic() + command.HANGS
            while not contents_of(server.wire) and time.monotonic() < give_up:
                time.sleep(0.01)
            time.sleep(0.1)
            process.send_signal(number)
            result = place.finish(process, args, 30)
            self.assertEqual((result.code, result.out), (code, ""), result)
            assert_no_secret(self, server, result)


class OnTheWay(unittest.TestCase):
    """Somebody between server and client changes one octet, or cuts the connection, anywhere. Whatever comes of it: only whole messages are
    stored, only stored ones are deleted, a changed session is no success, and nothing secret is sent in clear."""

    POP3S_AND_STLS = (None, {})

    def session(self, clear, prepare):
        """A run with -d through a relay that `prepare` made ready. Returns (result, relay)."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        with Hostile(clear=clear, context=right_server().context(), user=USER, password=PASSWORD, out=place.out) as server, \
                Relay(server.port) as relay:
            every = list(server.messages)
            prepare(relay)
            result = place.run(relay.port, "-T" if clear is None else "-S", "-c", str(root().file), "-d", *SHORT, server="localhost",
                               code=range(256))
            files = place.contents()
            self.assertFalse([octets for octets in files if octets not in every], f"a file that is no message\n{result}")
            self.assertTrue(all(octets in files or octets in server.messages for octets in every), f"a message is lost\n{result}")
            self.assertEqual(server.violations, [], result)
            assert_no_secret(self, server, result)
            result.sessions = len(server.sessions)
            return result, relay

    def lengths(self, clear):
        """Octets of an undisturbed session, to the server and from it, up to the answer to QUIT."""
        result, relay = self.session(clear, lambda relay: None)
        self.assertEqual((result.code, result.count), (0, 3), result)
        return relay.up, relay.down

    def test_cut_anywhere(self):
        """[C13 D45 A10 A28 R26] The connection ends after so many octets from the server."""
        for clear in self.POP3S_AND_STLS:
            _, down = self.lengths(clear)
            for cut in range(1, down - 60, 23 * command.STRIDE):
                with self.subTest(clear=clear, cut=cut):
                    result, _ = self.session(clear, lambda relay, cut=cut: relay.after(cut, relay.__exit__))
                    self.assertTrue(result.code in (75, 80) or result.sessions > 1, result)

    def test_changed_anywhere(self):
        """[C18 D10 R64] One octet of the server's, or of the client's, is changed: in TLS no such session is a success. A further one
        may be, where this one was silent or ended."""
        for clear in self.POP3S_AND_STLS:
            up, down = self.lengths(clear)
            in_clear = {"down": 0, "up": 0} if clear is None else {"down": len(GREETING + OK), "up": len(b"STLS\r\n")}
            for way, length in (("down", down - 60), ("up", up - 60)):
                for place in range(in_clear[way], length, 61 * command.STRIDE):
                    with self.subTest(clear=clear, way=way, place=place):
                        result, _ = self.session(clear, lambda relay, way=way, place=place: relay.flip(**{way: place}, bits=0x20))
                        self.assertTrue(result.code != 0 or result.sessions > 1, result)


class Plain(unittest.TestCase):
    """What speaks no TLS."""

    def place(self, user=USER, password=PASSWORD):
        place = command.Place(user, password)
        self.addCleanup(place.remove)
        return place

    def test_pop3s_to_a_plain_server(self):
        """[C22 R64] -T, and a greeting in clear comes: TLS error, nothing in clear, no second try."""
        with Hostile(user=USER, password=PASSWORD) as server:
            result = self.place().run(server.port, "-T", "-c", str(root().file), server="localhost", code=80)
            self.assertIn("the server's answer is not TLS", result.err)
            assert_no_secret(self, server, result)
            self.assertNotIn(None, records(server.wire), server.wire)

    def test_pop3s_to_a_silent_server(self):
        """[A20 I5] -T, and nothing comes."""
        with Hostile(replies={"greeting": [Hang()]}) as server:
            result = self.place().run(server.port, "-T", "-c", str(root().file), *SHORT, server="localhost", code=80)
            self.assertIn("the TLS handshake did not end in time", result.err)
            assert_no_secret(self, server, result)

    def test_clear_to_a_tls_server(self):
        """No TLS asked for, and the server waits for a ClientHello: an error that speaks of -T, and not one octet of a login."""
        with Hostile(context=right_server().context()) as server:
            result = self.place().run(server.port, *SHORT, server="localhost", code=75)
            self.assertIn("-T", result.err)
            assert_no_secret(self, server, result)

    def test_clear_is_said(self):
        """[C23] Without -T and -S the password travels in clear: a warning says so, once; with them there is none."""
        with Hostile() as server:
            result = self.place("user", "secret").run(server.port)
            self.assertEqual(result.err.count("no encryption"), 1, result)
        with Hostile(context=right_server().context()) as server:
            result = self.place("user", "secret").run(server.port, "-T", "-c", str(root().file), server="localhost")
            self.assertEqual(result.err, "")


if __name__ == "__main__":
    unittest.main()
