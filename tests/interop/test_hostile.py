# SPDX-License-Identifier: MIT
"""The command against servers that break off, hang, lie and attack. Most tests are rows of a table: what the server does in place of one
reply, and what has to come of it. What must hold after every run (no deletion before the message is stored, nothing partial under a final
name, no password shown, three parts in every error) is checked in every row: see command.py and hostile.py. [I3 I7 I8 L7]"""
import base64
import os
import re
import signal
import socket
import time
import unittest

import command
from hostile import CAPABILITIES, GREETING, Close, Drip, Hang, Hostile, Pause, Pieces, Repeat, Reset, message, stuffed

LOGIN = ("USER", "PASS", "APOP", "AUTH")
SHORT = ("--timeout", "2")
EITHER = object()  # a count line of 0, or none: both are right


class Case:
    """A row. `replies`: the server's, in place of the right ones. `code`: the exit code.

    `stored`: numbers of the messages that must be there, and nothing else; None: any of them, whole. `count`: the number in the count line
    (default: as many as stored), None: stdout stays empty. `never`: verbs that the server must not see. `left`: messages on the server
    afterwards (default: all). `says`: stands in stderr."""

    def __init__(self, name, ids, replies, code, *options, stored=(), count=EITHER, never=(), left=None, says="", **server):
        self.name, self.ids, self.replies, self.code, self.options = name, ids, replies, code, options
        self.stored, self.count, self.never, self.left, self.says, self.server = stored, count, never, left, says, server

    def run(self, test):
        place = test.place()
        with Hostile(replies=self.replies, out=place.out, **self.server) as server:
            every = list(server.messages)
            result = place.run(server.port, *self.options, code=self.code)
            self.judge(test, place, server, every, result)

    def judge(self, test, place, server, every, result):
        files = place.contents()
        if self.stored is None:
            test.assertEqual([octets for octets in files if octets not in every], [], f"a file that is no message\n{result}")
        else:
            test.assertEqual(files, sorted(every[n - 1] for n in self.stored), f"other files than expected\n{result}")
        if self.count is EITHER:
            test.assertIn(result.count, {len(files)} | ({None} if not files else set()), result)
        else:
            test.assertEqual(result.count, self.count, result)
        for verb in self.never:
            test.assertNotIn(verb, server.verbs(), result)
        test.assertEqual(len(server.messages), len(every) if self.left is None else self.left, result)
        test.assertIn(self.says, result.err, result)
        test.assertEqual(server.violations, [], result)
        for session in server.sessions:
            test.assertLessEqual(len([c for c in session if c.startswith(("PASS ", "APOP "))]), 1, "one attempt to log in")  # [E6 A9]
        if "-d" not in self.options:
            test.assertNotIn("DELE", server.verbs(), result)  # [G7]


def rows(*cases):
    """Gives a class one test for each row."""
    def decorate(cls):
        for case in cases:
            def test(self, case=case):
                case.run(self)
            test.__doc__ = f"{case.ids} {case.name}"
            name = "test_" + re.sub(r"\W+", "_", case.name)
            if hasattr(cls, name):
                raise ValueError(f"two rows are named {case.name}")
            setattr(cls, name, test)
        return cls
    return decorate


class HostileTest(unittest.TestCase):
    """With a place of its own for each test."""

    def place(self, **options):
        place = command.Place(**options)
        self.addCleanup(place.remove)
        return place


def not_pop3(name, ids, greeting, code=76, *options):
    return Case(name, ids, {"greeting": greeting}, code, *options, never=LOGIN + ("CAPA",), count=None)


@rows(
    not_pop3("silent after connect", "[A5]", [Hang()], 75, *SHORT),
    not_pop3("half a greeting, then silence", "[A5]", [b"+OK rea", Hang()], 75, *SHORT),
    not_pop3("closed before the greeting", "[A7]", [Close()], 75),
    not_pop3("reset before the greeting", "[A13]", [Reset()], 75),
    not_pop3("closed inside the greeting", "[A8]", [b"+OK ready\r", Close()], 75),
    not_pop3("greeting is -ERR", "[R4 B1]", [b"-ERR no more connections\r\n", Close()], 75),
    not_pop3("greeting is -ERR, connection stays open", "[R4 B1]", [b"-ERR go away\r\n", Hang()], 75),
    not_pop3("greeting is -ERR alone", "[R4 R3]", [b"-ERR\r\n", Close()], 75),
    not_pop3("greeting is -ERR IN-USE", "[E7]", [b"-ERR [IN-USE] locked\r\n", Close()], 75),
    not_pop3("greeting is -ERR SYS/TEMP", "[R55]", [b"-ERR [SYS/TEMP] later\r\n", Close()], 75),
    not_pop3("greeting is -ERR SYS/PERM", "[R55]", [b"-ERR [SYS/PERM] never\r\n", Close()], 69),
    not_pop3("greeting is OK", "[B2 R2]", [b"OK ready\r\n", Hang()]),
    not_pop3("greeting is a plus", "[B2 B67]", [b"+\r\n", Hang()]),
    not_pop3("greeting is a challenge", "[B2 B67]", [b"+ \r\n", Hang()]),
    not_pop3("greeting is +OKAY", "[B2]", [b"+OKAY\r\n", Hang()]),
    not_pop3("greeting is a question", "[B2]", [b"+Do you care?\r\n", Hang()]),
    not_pop3("greeting in lower case", "[B3 R2]", [b"+ok ready\r\n", Hang()]),
    not_pop3("greeting is -ERRATIC", "[B2]", [b"-ERRATIC\r\n", Hang()]),
    not_pop3("greeting behind a space", "[B2]", [b" +OK ready\r\n", Hang()]),
    not_pop3("greeting is an empty line", "[B2]", [b"\r\n", Hang()]),
    not_pop3("greeting of SMTP", "[B2]", [b"220 mail.example ESMTP\r\n", Hang()]),
    not_pop3("greeting of HTTP", "[B2]", [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", Close()]),
    not_pop3("greeting of IMAP", "[B2]", [b"* OK IMAP4rev1 ready\r\n", Hang()]),
    not_pop3("greeting of SSH", "[B2]", [b"SSH-2.0-OpenSSH_9.2p1\r\n", Hang()]),
    not_pop3("greeting is a TLS alert", "[B2]", [b"\x15\x03\x01\x00\x02\x02\x46", Close()]),
    not_pop3("greeting ends in a bare LF", "[B13]", [b"+OK ready\n", Hang()]),
    not_pop3("greeting holds NUL", "[B9]", [b"+OK re\0ady\r\n", Hang()]),
    not_pop3("greeting of 513 octets", "[R1 B7]", [b"+OK " + b"x" * 507 + b"\r\n", Hang()]),
    not_pop3("greeting without end", "[B8]", [b"+OK ", Repeat(b"x")]),
    not_pop3("octets without a line end", "[B8]", [Repeat(b"\xff\xfe")]),
    not_pop3("surplus behind the greeting", "[B4 B28]", [GREETING + b"+OK and more\r\n", Hang()]),
    not_pop3("a listing behind the greeting", "[B4]", [GREETING + b"+OK\r\n1 uid1\r\n.\r\n", Hang()]),
    not_pop3("-ERR behind the greeting, then the end", "[B28]", [GREETING + b"-ERR shutting down\r\n", Close()], 75),
    Case("greeting of 512 octets", "[R1]", {"greeting": b"+OK " + b"x" * 506 + b"\r\n"}, 0, stored=(1, 2, 3)),
    Case("greeting is +OK alone", "[R3]", {"greeting": b"+OK\r\n"}, 0, stored=(1, 2, 3)),
    Case("greeting holds a bare CR", "[B14]", {"greeting": b"+OK one\rtwo\r\n"}, 0, stored=(1, 2, 3)),
    Case("greeting in two pieces", "[B13 R18]", {"greeting": [Pieces(GREETING, len(GREETING) - 1)]}, 0, stored=(1, 2, 3)),
)
class Greeting(HostileTest):
    """What answers there: no user name and no password goes to what is not a POP3 server in order."""

    def test_nothing_is_sent_to_what_is_no_pop3_server(self):
        """[B2 R4] Not one octet, not even CAPA or QUIT, goes to a server of another protocol."""
        place = self.place()
        with Hostile(replies={"greeting": [b"220 mail.example ESMTP\r\n", Hang()]}) as server:
            place.run(server.port, code=76)
            self.assertEqual(server.received.replace(b"QUIT\r\n", b""), b"")


def broken_off(how, step):
    """The connection ends in place of each reply, and inside it."""
    return [
        Case(f"{how} at CAPA", "[A8 A13]", {"CAPA": [step()]}, 75, never=LOGIN, count=None),
        Case(f"{how} at USER", "[A9 A13]", {"USER": [step()]}, 75, never=("PASS",), count=None),
        Case(f"{how} inside USER's reply", "[A8 A13]", {"USER": [b"+OK", step()]}, 75, never=("PASS",), count=None),
        Case(f"{how} at PASS", "[A13]", {"PASS": [step()]}, 75, never=("STAT",), count=None),
        Case(f"{how} at STAT", "[A13]", {"STAT": [step()]}, 75, count=None),
        Case(f"{how} inside STAT's reply", "[A8 A13]", {"STAT": [b"+OK 3 20", step()]}, 75, count=None),
        Case(f"{how} at UIDL", "[A13]", {"UIDL": [step()]}, 75, never=("DELE",)),
        Case(f"{how} inside UIDL's listing", "[A8 A13]", {"UIDL": [b"+OK\r\n1 uid1\r\n2 ui", step()]}, 75, "-d", never=("DELE",)),
        Case(f"{how} at RETR 2", "[A10 A13 G7 R26]", {"RETR 2": [step()]}, 75, stored=(1, 3)),
        Case(f"{how} inside message 2", "[A10 A13]", {"RETR 2": [b"+OK\r\n" + message(2)[:20], step()]}, 75, stored=(1, 3)),
        Case(f"{how} inside every body with -d", "[A10 I3]", {"RETR": [b"+OK\r\n" + message(2)[:20], step()]}, 75, "-d", left=3),
        Case(f"{how} before the dot", "[A10 R15]", {"RETR": [b"+OK\r\n" + stuffed(message(2))[:-3], step()]}, 75, "-d", left=3),
        Case(f"{how} inside the terminator", "[A10 R18]", {"RETR": [b"+OK\r\n" + stuffed(message(2))[:-1], step()]}, 75, "-d", left=3),
        Case(f"{how} at DELE 2", "[G2 R26]", {"DELE 2": [step()]}, 75, "-d", left=3, stored=None),
        Case(f"{how} at QUIT", "[A12 I4 Q11]", {"QUIT": [step()]}, 0, stored=(1, 2, 3)),
        Case(f"{how} at QUIT with -d", "[B59 G3 R26]", {"QUIT": [step()]}, 75, "-d", stored=(1, 2, 3), left=3),
        Case(f"{how} inside QUIT's reply", "[A8 I4]", {"QUIT": [b"+OK by", step()]}, 0, stored=(1, 2, 3)),
    ]


@rows(*broken_off("closed", Close), *broken_off("reset", Reset),
      Case("reset right behind QUIT's +OK", "[A13 I4]", {"QUIT": [b"+OK bye\r\n", Reset()]}, 0, stored=(1, 2, 3)),
      Case("reset right behind QUIT's +OK with -d", "[A13 I4 R25]", {"QUIT": [b"+OK bye\r\n", Reset()]}, 0, "-d", stored=(1, 2, 3), left=0),
      Case("-ERR behind PASS, then the end", "[B28]", {"PASS": [b"+OK\r\n-ERR shutting down\r\n", Close()]}, 75),
      Case("-ERR behind STAT, then the end", "[B28]", {"STAT": [b"+OK 3 300\r\n-ERR Disconnected for inactivity.\r\n", Close()]}, 75),
      Case("-ERR behind a message, then the end", "[B28]", {"RETR 1": [b"+OK\r\n" + stuffed(message(1)) + b"-ERR idle\r\n", Close()]}, 75,
           stored=None))
class BrokenOff(HostileTest):
    """The connection ends, in order or by a reset, at every point of a session."""


@rows(
    Case("silent at CAPA", "[Q9 A19]", {"CAPA": [Hang()]}, 75, *SHORT, never=LOGIN, count=None),
    Case("silent at CAPA, --no-capa", "[Q9]", {"CAPA": [Hang()]}, 0, "--no-capa", *SHORT, stored=(1, 2, 3), never=("CAPA",)),
    Case("silent inside CAPA", "[B62]", {"CAPA": [b"+OK\r\nTOP\r\n", Hang()]}, 75, *SHORT, never=LOGIN, count=None),
    Case("silent at USER", "[A19]", {"USER": [Hang()]}, 75, *SHORT, never=("PASS",), count=None),
    Case("silent at PASS", "[A19]", {"PASS": [Hang()]}, 75, *SHORT, count=None),
    Case("silent at STAT", "[A19]", {"STAT": [Hang()]}, 75, *SHORT, count=None),
    Case("silent at UIDL", "[A19]", {"UIDL": [Hang()]}, 75, *SHORT),
    Case("silent inside UIDL", "[A19]", {"UIDL": [b"+OK\r\n1 uid1\r\n", Hang()]}, 75, "-d", *SHORT, never=("DELE",)),
    Case("silent after RETR's +OK", "[B56]", {"RETR 2": [b"+OK\r\n", Hang()]}, 75, *SHORT, stored=(1, 3)),
    Case("silent inside message 2", "[A19 B56]", {"RETR": [b"+OK\r\n" + message(2)[:30], Hang()]}, 75, "-d", *SHORT, left=3),
    Case("no line end before the dot", "[Q5 B29 R20]", {"RETR 3": [b"+OK\r\nSubject: x\r\n\r\nno line end.\r\n", Hang()]}, 75, *SHORT,
         stored=(1, 2)),
    Case("silent at QUIT", "[A22 B59]", {"QUIT": [Hang()]}, 0, *SHORT, stored=(1, 2, 3)),
    Case("silent at QUIT with -d", "[A22 B59 G3]", {"QUIT": [Hang()]}, 75, "-d", *SHORT, stored=(1, 2, 3), left=3),
    Case("stays after QUIT's +OK", "[A22 I4]", {"QUIT": [b"+OK bye\r\n", Hang()]}, 0, *SHORT, stored=(1, 2, 3)),
    Case("a message that drips for ever, --max-time", "[I5]", {"RETR 1": [b"+OK\r\n", Drip(b"x" * 10000, 0.02)]}, 75, "--max-time", "2",
         "--timeout", "20", stored=None),
    Case("a greeting that drips for ever, --max-time", "[I5]", {"greeting": [Drip(b"+OK " + b"x" * 400, 0.05)]}, 75, "--max-time", "2",
         "--timeout", "20", never=LOGIN, count=None),
    Case("a slow but living server", "[A19]",
         {"RETR 1": [b"+OK\r\n", Pause(1), stuffed(message(1))[:9], Pause(1), stuffed(message(1))[9:]],
          "STAT": [Pause(1), b"+OK 3 300\r\n"],
          "UIDL": [b"+OK\r\n1 uid1\r\n", Pause(1), b"2 uid2\r\n3 uid3\r\n.\r\n"]}, 0, "--timeout", "3", stored=(1, 2, 3)),
)
class Silent(HostileTest):
    """The server stops talking: --timeout ends the run, and the error says where. Only that it ends is timed, not when."""


@rows(
    Case("USER is refused", "[E6]", {"USER": b"-ERR no such user\r\n"}, 77, never=("PASS", "STAT"), count=None),
    Case("PASS is refused", "[E6]", {"PASS": b"-ERR wrong\r\n"}, 77, never=("STAT",), count=None),
    Case("PASS is refused, and the server hangs up", "[E6]", {"PASS": [b"-ERR wrong\r\n", Close()]}, 77, count=None),
    Case("AUTH code", "[R55 B68]", {"PASS": b"-ERR [AUTH] wrong\r\n"}, 77, count=None),
    Case("IN-USE code", "[R46 E7]", {"PASS": b"-ERR [IN-USE] locked\r\n"}, 75, count=None),
    Case("IN-USE code in lower case", "[R45]", {"PASS": b"-ERR [in-use] locked\r\n"}, 75, count=None),
    Case("LOGIN-DELAY code", "[R46 E7]", {"PASS": b"-ERR [LOGIN-DELAY] wait\r\n"}, 75, count=None),
    Case("LOGIN-DELAY code at USER", "[R46 E7]", {"USER": b"-ERR [LOGIN-DELAY] wait\r\n"}, 75, never=("PASS",), count=None),
    Case("SYS/TEMP code", "[R55]", {"PASS": b"-ERR [SYS/TEMP] broken\r\n"}, 75, count=None),
    Case("SYS/PERM code", "[R55]", {"PASS": b"-ERR [SYS/PERM] gone\r\n"}, 69, count=None),
    Case("child of a known code", "[R45]", {"PASS": b"-ERR [IN-USE/OTHER] locked\r\n"}, 75, count=None),
    Case("unknown code", "[B68]", {"PASS": b"-ERR [WHATEVER] no\r\n"}, 77, count=None),
    Case("code that does not end", "[B68]", {"PASS": b"-ERR [IN-USE no\r\n"}, 77, count=None),
    Case("code that is not first", "[R45]", {"PASS": b"-ERR sorry [IN-USE]\r\n"}, 77, count=None),
    Case("code without a space before it", "[B2 R45]", {"PASS": b"-ERR[IN-USE]\r\n"}, 76, count=None),
    Case("a challenge outside AUTH", "[B67]", {"USER": b"+ \r\n"}, 76, never=("PASS",), count=None),
    Case("answer to PASS comes early", "[B28]", {"USER": b"+OK\r\n+OK\r\n"}, 76, never=("PASS",), count=None),
    Case("bare LF at USER", "[B13]", {"USER": [b"+OK\n", Hang()]}, 76, never=("PASS",), count=None),
    Case("NUL at PASS", "[B9]", {"PASS": [b"+OK a\0b\r\n", Hang()]}, 76, count=None),
    Case("a line of 600 octets at PASS", "[B7]", {"PASS": [b"+OK " + b"y" * 600 + b"\r\n", Hang()]}, 76, count=None),
    Case("an endless line at PASS", "[B8]", {"PASS": [b"-ERR ", Repeat(b"n")]}, 76, count=None),
)
class Login(HostileTest):
    """Refused logins: each reason has its exit code, there is one attempt, and the password shows up nowhere."""

    def test_password_in_the_servers_reply(self):
        """[E13 L6] A server that repeats the password in its error text does not get it into stderr, nor into a trace."""
        for reply in (b"-ERR bad password 'Tr0ub4dor&3'\r\n", b"-ERR Tr0ub4dor&3\r\n", b"-ERR xTr0ub4dor&3x Tr0ub4dor&3\r\n"):
            for options in ((), ("-v",), ("--trace",), ("-v", "--trace")):
                with self.subTest(reply=reply, options=options), Hostile(replies={"PASS": reply}) as server:
                    self.place(password="Tr0ub4dor&3").run(server.port, *options, code=77)  # the check is in run

    def test_trace_shows_the_dialogue_but_no_secret(self):
        """[E13 L6] --trace shows commands and replies, and no password."""
        for options in ((), ("--auth", "apop"), ("--auth", "plain")):
            place = self.place(password="Tr0ub4dor&3")
            with Hostile(password="Tr0ub4dor&3", stamp="<1.2@hostile.example>", replies={"AUTH": b"+OK\r\n"}) as server:
                lines = place.run(server.port, "--trace", *options).err.splitlines()
                for line in ("C: STAT", "S: +OK", "C: RETR 3", "C: QUIT", "S: +OK bye"):
                    self.assertIn(line, lines)
                self.assertEqual(len([line for line in lines if "***" in line]), 1, lines)

    def test_trace_into_a_file(self):
        """[E13 L6] --trace=FILE: the same, in a file."""
        place = self.place(password="Tr0ub4dor&3")
        with Hostile(password="Tr0ub4dor&3") as server:
            place.run(server.port, f"--trace={place.root}/trace")
        trace = (place.root / "trace").read_text()
        self.assertIn("RETR 3", trace)
        self.assertNotIn("Tr0ub4dor&3", trace)

    def test_escape_sequences_in_the_servers_text(self):
        """[L6 B11] What a server says cannot command the terminal: every run's stderr is searched for control octets."""
        attack = b"\x1b[2J\x1b]0;owned\x07 \x9b31m \x08\x08 \x7f \xe2\x80\xae \xc2\x9b31m caf\xe9"
        for options in ((), ("-v",), ("--trace",)):
            for replies in ({"PASS": b"-ERR " + attack + b"\r\n"}, {"greeting": b"-ERR " + attack + b"\r\n"}):
                with self.subTest(options=options), Hostile(replies=replies) as server:
                    result = self.place().run(server.port, *options, code=75 if "greeting" in replies else 77)
                    self.assertNotIn("\u202e", result.err)
            with Hostile(uids=["a\x1b[2J", "b\x07", "c"]) as server:
                self.place().run(server.port, *options)

    def test_apop_where_offered(self):
        """[R36 E1] With a timestamp in the greeting APOP is used, wherever it stands, and the password stays here."""
        for greeting in (b"+OK <1896.697170952@dbc.example>\r\n", b"+OK hello <1896.697170952@dbc.example> there\r\n"):
            place = self.place()
            with Hostile(stamp="<1896.697170952@dbc.example>", replies={"greeting": greeting}) as server:
                self.assertEqual(place.run(server.port).count, 3)
                self.assertNotIn("PASS", server.verbs())
                self.assertNotIn(b"secret", server.received)

    def test_plain(self):
        """[R71 R75] --auth plain: in one step, or in two if the server wants it so; what it asks for beyond that is cancelled."""
        response = base64.b64encode(b"\0user\0secret").decode()
        with Hostile(replies={"AUTH": b"+OK\r\n"}) as server:
            self.assertEqual(self.place().run(server.port, "--auth", "plain").count, 3)
            self.assertIn(f"AUTH PLAIN {response}", server.commands)
            self.assertFalse({"USER", "PASS"} & set(server.verbs()))
        for challenge in (b"+ \r\n", b"+\r\n", b"+OK\r\n", b"+ go ahead\r\n"):
            password = "x" * 200  # too long for one line
            response = base64.b64encode(b"\0user\0" + password.encode()).decode()
            with self.subTest(challenge=challenge), Hostile(replies={"AUTH": challenge, response: b"+OK\r\n"}) as server:
                self.assertEqual(self.place(password=password).run(server.port, "--auth", "plain").count, 3)
                self.assertIn("AUTH PLAIN", server.commands)
        with Hostile(replies={"AUTH": b"+ who else?\r\n", "*": b"-ERR cancelled\r\n"}) as server:
            result = self.place().run(server.port, "--auth", "plain", code=77)
            self.assertIn("allow another one (--auth)", result.err)
            self.assertEqual(server.commands[-2:], ["*", "QUIT"])

    def test_plain_not_offered(self):
        """[E6] A server without AUTH: another error than that of a wrong password, and no password left."""
        with Hostile(replies={"AUTH": b"-ERR what?\r\n"}) as server:
            result = self.place(password="x" * 200).run(server.port, "--auth", "plain", code=77)
            self.assertIn("the server refuses this login mechanism", result.err)
            self.assertNotIn(b"eHh4", server.received)

    def test_apop_refused(self):
        """[E5] No clear password after a refused APOP; the error names --auth user, which then works."""
        place = self.place()
        with Hostile(stamp="<1@hostile.example>", replies={"APOP": b"-ERR no\r\n"}) as server:
            result = place.run(server.port, code=77)
            self.assertIn("--auth user", result.err)
            self.assertNotIn("PASS", server.verbs())
            self.assertEqual(place.run(server.port, "--auth", "user").count, 3)

    def test_apop_refused_by_hanging_up(self):
        """[Q11 E5] A server that closes on a failed APOP: no clear password."""
        with Hostile(stamp="<1@hostile.example>", replies={"APOP": [Close()]}) as server:
            self.place().run(server.port, code=75)
            self.assertNotIn("PASS", server.verbs())

    def test_apop_asked_for_and_not_offered(self):
        """[E1 E2 R37] --auth apop without a timestamp, or with one that is no message-id: nothing is sent in its place."""
        for greeting in (b"+OK hello\r\n", b"+OK <>\r\n", b"+OK <nodomain>\r\n", b"+OK <a@b\r\n", b"+OK <a b@c>\r\n", b"+OK <a@b\xff>\r\n",
                         b"+OK <a@@b>\r\n"):
            with self.subTest(greeting=greeting), Hostile(stamp="<a@b>", replies={"greeting": greeting}) as server:
                self.place().run(server.port, "--auth", "apop", code=77)
                self.assertFalse({"USER", "PASS", "APOP"} & set(server.verbs()))

    def test_a_timestamp_that_is_none(self):
        """[E2 R37] A greeting with brackets but no message-id gets no digest (CVE-2007-1558)."""
        with Hostile(replies={"greeting": b"+OK <ready>\r\n"}) as server:
            self.assertEqual(self.place().run(server.port).count, 3)
            self.assertNotIn("APOP", server.verbs())

    def test_credentials_as_they_are(self):
        """[E9 R7] Spaces at both ends and inside, and octets above 127, are sent as they stand in the file."""
        for user, password in (("a user", " two  spaces "), ("böx", "pässwörd"), ("u", "%s%n\\\"'$(x)")):
            with self.subTest(password=password), Hostile(user=user, password=password) as server:
                place = self.place(user=user, password=password)
                self.assertEqual(place.run(server.port).count, 3)

    def test_a_password_that_does_not_fit(self):
        """[E10 R40] A command line has 255 octets: longer is refused and not cut, and nothing is connected for it."""
        with Hostile(password="x" * 248) as server:
            self.assertEqual(self.place(password="x" * 248).run(server.port).count, 3)
        with Hostile() as server:
            self.place(password="x" * 249).run(server.port, code=78)
            self.assertNotIn(b"xxx", server.received)


def bad_stat(name, ids, reply):
    return Case(name, ids, {"STAT": [reply, Hang()]}, 76, "-d", *SHORT, never=("DELE", "RETR"), count=None)


def uidl(name, ids, lines, code, *options, **more):
    return Case(name, ids, {"UIDL": b"+OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b".\r\n"}, code, *options, **more)


def sizes(name, ids, lines, code, *options, **more):
    return Case(name, ids, {"LIST": b"+OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b".\r\n"}, code, *options, **more)


ALL = (1, 2, 3)


@rows(
    bad_stat("STAT without numbers", "[B32]", b"+OK\r\n"),
    Case("STAT with one number", "[B32 R9]", {"STAT": b"+OK 3\r\n"}, 0, stored=ALL),
    bad_stat("STAT with words", "[B32]", b"+OK x y\r\n"),
    bad_stat("STAT with a negative count", "[B32]", b"+OK -1 100\r\n"),
    Case("STAT with a negative size", "[B32 Q4]", {"STAT": b"+OK 3 -100\r\n"}, 0, "-v", stored=ALL),
    bad_stat("STAT with a plus", "[B32]", b"+OK +3 100\r\n"),
    bad_stat("STAT in hex", "[B32]", b"+OK 0x3 100\r\n"),
    Case("STAT glued to its unit", "[B32 R9]", {"STAT": b"+OK 3 100octets\r\n"}, 0, stored=ALL),
    bad_stat("STAT above 32 bits", "[B33]", b"+OK 4294967296 100\r\n"),
    Case("STAT of 2^64", "[B33 R9]", {"STAT": b"+OK 3 18446744073709551616\r\n"}, 0, stored=ALL),
    bad_stat("STAT count of 2^64", "[B33]", b"+OK 18446744073709551616 1\r\n"),
    bad_stat("STAT with a bare LF", "[B13]", b"+OK 3 300\n"),
    bad_stat("STAT is a question", "[B2]", b"maybe 3 300\r\n"),
    Case("STAT is refused", "[Q16]", {"STAT": b"-ERR no\r\n"}, 75, count=None),
    Case("STAT with text behind it", "[R9]", {"STAT": b"+OK 3 300 messages, all yours\r\n"}, 0, stored=ALL),
    Case("STAT of zero octets", "[Q4]", {"STAT": b"+OK 3 0\r\n"}, 0, stored=ALL),
    Case("STAT of none", "[B34 R11]", {}, 0, messages=[], count=0, never=("RETR", "DELE")),
    Case("STAT of none, with -d and -n", "[B34]", {}, 0, "-d", "-n", messages=[], count=0, never=("RETR", "DELE")),

    Case("UIDL is refused", "[B46 R32]", {"UIDL": b"-ERR what?\r\n"}, 0, stored=ALL),
    Case("UIDL is refused for now, with -n", "[B46 R45]", {"UIDL": b"-ERR [SYS/TEMP] later\r\n"}, 75, "-n"),
    Case("UIDL is refused, with -d", "[B46 R32]", {"UIDL": b"-ERR what?\r\n"}, 0, "-d", stored=ALL, left=0),
    Case("UIDL is refused, with -n", "[B46 R32]", {"UIDL": b"-ERR what?\r\n"}, 0, "-n", stored=ALL),
    Case("UIDL and TOP are refused, with -n", "[B46 R32]", {"UIDL": b"-ERR what?\r\n", "TOP": b"-ERR what?\r\n", "CAPA": b"+OK\r\nUSER\r\n.\r\n"}, 69, "-n", "-d",
         never=("RETR", "DELE")),
    Case("UIDL and TOP are refused, though CAPA lists TOP, with -n", "[B46 R32]", {"UIDL": b"-ERR what?\r\n", "TOP": b"-ERR what?\r\n"}, 75, "-n", "-d",
         never=("RETR", "DELE")),
    Case("UIDL is not in CAPA", "[Q8]", {"CAPA": b"+OK\r\nUSER\r\n.\r\n"}, 0, "-n", stored=ALL, never=("TOP",)),
    uidl("UID missing", "[B47 Q7]", (b"1 one", b"2", b"3 three"), 0, "-d", stored=ALL, left=0),
    uidl("UID missing behind its space", "[B47 Q7]", (b"1 one", b"2 ", b"3 three"), 0, stored=ALL),
    uidl("UID of 71 octets", "[B48 R33 Q7]", (b"1 one", b"2 " + b"u" * 71, b"3 three"), 0, "-d", stored=ALL, left=0),
    uidl("UID of 300 octets", "[B48]", (b"1 one", b"2 " + b"u" * 300, b"3 three"), 0, "-n", stored=ALL),
    uidl("UID of 70 octets", "[R33]", (b"1 one", b"2 " + b"u" * 70, b"3 " + b"u" * 69 + b"v"), 0, stored=ALL),
    uidl("UID with an octet above 127", "[Q7 R33]", (b"1 one", b"2 tw\xc3\xb6", b"3 three"), 0, stored=ALL),
    uidl("UID with a control character", "[B49]", (b"1 one", b"2 t\x1b[2J", b"3 three"), 0, stored=ALL),
    uidl("UID behind several spaces", "[Q6]", (b"1   one", b"2 two", b"3  three"), 0, stored=ALL),
    uidl("UIDs with slashes and dots", "[B49 F1 F2]", (b"1 ../../x", b"2 /etc/passwd", b"3 .."), 0, stored=ALL),
    uidl("UIDs that are awkward names", "[F1 F6]", (b"1 .", b"2 -rf", b"3 CON"), 0, stored=ALL),
    uidl("UIDs that clean to one name", "[F7]", (b"1 a/b", b"2 a_b", b"3 a\\b"), 0, stored=ALL),
    uidl("UIDs that differ by case", "[F7 R34]", (b"1 abc", b"2 ABC", b"3 aBc"), 0, stored=ALL),
    uidl("UIDs with every mark", "[B49 F2]", (b"1 !\"#$%&'()*+,-./", b"2 :;<=>?@[\\]^_`{|}~", b"3 ~"), 0, stored=ALL),
    uidl("one UID for all", "[B50 R35 F8]", (b"1 same", b"2 same", b"3 same"), 0, stored=ALL),
    uidl("one UID for all, with -d", "[B50 R35]", (b"1 same", b"2 same", b"3 same"), 0, "-d", stored=ALL, left=0),
    uidl("one UID for all, with -n", "[B50 R35]", (b"1 same", b"2 same", b"3 same"), 0, "-n", stored=ALL),
    uidl("message number 0", "[B38 R8]", (b"0 zero", b"1 one", b"2 two", b"3 three"), 0, "-d", stored=ALL, left=0),
    uidl("message number above STAT", "[B39 R8]", (b"1 one", b"2 two", b"3 three", b"4 four"), 0, "-d", stored=ALL, left=0),
    uidl("message number of 2^32", "[B39 B43]", (b"1 one", b"2 two", b"3 three", b"4294967297 four"), 0, "-d", stored=ALL, left=0),
    uidl("message number is a word", "[B32]", (b"1 one", b"two 2"), 76, "-d", never=("DELE",)),
    uidl("a message twice", "[B39]", (b"1 one", b"2 two", b"2 two", b"3 three"), 76, "-d", never=("DELE",)),
    uidl("out of order", "[B40]", (b"3 three", b"1 one", b"2 two"), 0, "-d", stored=ALL, left=0),
    Case("UIDL with a bare LF", "[B13 R23]",
         {"UIDL": [b"+OK\r\n1 one\n2 two\r\n3 three\r\n.\r\n", Hang()]}, 76, "-d", *SHORT, never=("DELE",)),
    Case("UIDL with a line without end", "[B8]", {"UIDL": [b"+OK\r\n1 ", Repeat(b"u")]}, 76, "-d", *SHORT, never=("DELE",)),
    Case("UIDL that does not end", "[B39 B8]",
         {"UIDL": [b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n", Repeat(b"3 c\r\n")]}, 76, *SHORT, never=("DELE",)),
    Case("UIDL in many pieces", "[Q9 A15]", {"UIDL": [Drip(b"+OK\r\n1 one\r\n2 two\r\n3 three\r\n.\r\n")]}, 0, stored=ALL),
    Case("surplus behind UIDL", "[B28]",
         {"UIDL": [b"+OK\r\n1 one\r\n2 two\r\n3 three\r\n.\r\n+OK\r\nFrom: attacker\r\n.\r\n", Hang()]}, 76, "-d", *SHORT,
         never=("DELE", "RETR")),

    sizes("LIST names a message above STAT", "[B39]", (b"1 10", b"2 10", b"3 10", b"4 10"), 0, "--max-size", "9000", stored=ALL, never=("RETR 4",)),
    sizes("LIST lacks a message", "[B53]", (b"1 10", b"3 10"), 0, "--max-size", "9000", "-d", left=1, stored=(1, 3)),
    sizes("LIST size of 2^64", "[B43]", (b"1 10", b"2 18446744073709551616", b"3 10"), 0, "--max-size", "9000", "-d", stored=ALL, left=0),
    sizes("LIST size is a word", "[B32]", (b"1 10", b"2 big", b"3 10"), 0, "--max-size", "9000", "-d", stored=ALL, left=0),
    sizes("LIST with words behind the size", "[R12 B44]", (b"1 10 <one>", b"2 10 octets", b"3 10 "), 0, "--max-size", "9000", stored=ALL),
    sizes("LIST out of order", "[B40]", (b"2 10", b"3 10", b"1 10"), 0, "--max-size", "9000", stored=ALL),
    sizes("LIST sizes too small", "[B41 Q4 R24]", (b"1 0", b"2 1", b"3 2"), 0, "--max-size", "9000", "-d", stored=ALL, left=0),
    sizes("LIST sizes rounded up", "[B41 Q4]", (b"1 1024", b"2 1024", b"3 1024"), 0, "--max-size", "9000", "-d", stored=ALL, left=0),
    sizes("LIST says too large", "[B42]", (b"1 10", b"2 9001", b"3 10"), 0, "--max-size", "9000", "-d", stored=(1, 3), left=1,
          never=("RETR 2",)),
    Case("larger than LIST says, and than the limit", "[B41 B42 G10]",
         {"LIST": b"+OK\r\n1 10\r\n2 10\r\n3 10\r\n.\r\n"}, 0, "--max-size", "900", "-d",
         messages=[message(1), message(2, 100), message(3)], stored=(1, 3), left=1),

    Case("CAPA is refused", "[R41 B60]", {"CAPA": b"-ERR what?\r\n"}, 0, stored=ALL),
    Case("CAPA is empty", "[B61 R11]", {"CAPA": b"+OK\r\n.\r\n"}, 0, stored=ALL),
    Case("CAPA without end", "[B62]", {"CAPA": [b"+OK\r\n", Repeat(b"X-NONSENSE\r\n")]}, 76, never=LOGIN, count=None, says="--no-capa"),
    Case("CAPA with a line of 10 kB", "[B63]", {"CAPA": [b"+OK\r\nX-" + b"Y" * 10000 + b"\r\n.\r\n", Hang()]}, 76, never=LOGIN, count=None),
    Case("CAPA with 80 mechanisms", "[B64 R44]",
         {"CAPA": b"+OK\r\nSASL" + b"".join(b" MECHANISM-%d" % n for n in range(80)) + b" PLAIN\r\n.\r\n"}, 0, stored=ALL),
    Case("CAPA with a dot line in it", "[B25 Q9]", {"CAPA": b"+OK\r\nTOP\r\n.capability\r\n..more\r\nUIDL\r\n.\r\n"}, 0, stored=ALL),
    Case("CAPA in lower case", "[R42 R51]",
         {"CAPA": b"+OK\r\ntop\r\nuidl extra words\r\nimplementation \x1b[2J\r\n.\r\n"}, 0, "-v", stored=ALL),
    Case("CAPA in many pieces", "[Q9 A15]", {"CAPA": [Drip(CAPABILITIES)]}, 0, stored=ALL),

    Case("DELE is refused", "[B57]", {"DELE 2": b"-ERR no\r\n"}, 75, "-d", stored=ALL, left=1),
    Case("QUIT is refused", "[R27 A12]", {"QUIT": b"-ERR some messages were not removed\r\n"}, 0, stored=ALL),
    Case("QUIT is refused with -d", "[B58 R27]", {"QUIT": b"-ERR some messages were not removed\r\n"}, 75, "-d", stored=ALL, left=3),
    Case("QUIT is answered with nonsense", "[I4]", {"QUIT": b"bye\r\n"}, 76, stored=ALL),
)
class Listings(HostileTest):
    """STAT, UIDL, LIST, CAPA, DELE and QUIT with lies in them."""

    def test_less_listed_than_counted(self):
        """[B35 Q1] STAT counts more than UIDL lists (Gmail does that): what is listed is fetched, the rest is not touched."""
        for options in ((), ("-n",), ("-d",)):
            place = self.place()
            with Hostile(replies={"UIDL": b"+OK\r\n1 one\r\n3 three\r\n.\r\n"}, out=place.out) as server:
                every = list(server.messages)
                args = place.arguments(server.port, options)
                result = place.finish(place.start(args), args)
                self.assertIn(result.code, (0, 75), result)
                self.assertEqual(place.contents(), sorted([every[0], every[2]]), result)
                self.assertFalse([c for c in server.commands if c.endswith(" 2")], result)

    def test_without_uidl_message_ids_tell_what_is_new(self):
        """[B46 R32] -n on a server without UIDL: TOP finds the Message-IDs, and no message is fetched twice."""
        place = self.place()
        with Hostile(replies={"UIDL": b"-ERR what?\r\n"}) as server:
            self.assertEqual(place.run(server.port, "-n").count, 3)
            before = len(server.commands)
            self.assertEqual(place.run(server.port, "-n").count, 0)
            self.assertNotIn("RETR", [c[:4] for c in server.commands[before:]])
            server.messages.append(message(4))
            server.uids.append("uid4")
            self.assertEqual(place.run(server.port, "-n").count, 1)
            self.assertEqual(server.verbs().count("RETR"), 4)
        self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3, 4)))

    def test_uids_changed_between_sessions(self):
        """[B51] New UIDs for old messages: they are fetched again, and nothing is lost."""
        place = self.place()
        with Hostile() as server:
            place.run(server.port, "-n")
            server.uids = ["new1", "new2", "new3"]
            place.run(server.port, "-n")
        self.assertEqual(set(place.contents()), {message(n) for n in (1, 2, 3)})

    def test_one_uid_for_all_and_new_only(self):
        """[B50 R35] Messages that share a UID are all fetched by -n, also in a second run after a first that got only some."""
        place = self.place()
        with Hostile(uids=["same"] * 3, replies={"RETR 3": b"-ERR not now\r\n"}) as server:
            place.run(server.port, "-n", code=75)
            self.assertEqual(place.contents(), sorted([message(1), message(2)]))
            server.replies = {}
            place.run(server.port)
            self.assertEqual(set(place.contents()), {message(n) for n in (1, 2, 3)})

    def test_deletion_not_confirmed(self):
        """[B58 B59 G1 G2] What was stored and whose deletion was not confirmed is deleted by the next -d run, and not fetched again."""
        for second in ((), ("-n",)):
            for lost in (b"-ERR not removed\r\n", [Close()]):
                place = self.place()
                with Hostile(replies={"QUIT": lost}, out=place.out) as server:
                    place.run(server.port, "-d", code=75)
                    self.assertEqual(len(server.messages), 3)
                    server.replies = {}
                    result = place.run(server.port, "-d", *second)
                    self.assertEqual(server.messages, [], result)
                    self.assertEqual(server.verbs().count("RETR"), 3, result)
                    self.assertEqual(result.count, 0)
                    self.assertEqual(server.violations, [])
                self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_deletion_not_confirmed_without_uids_and_headers(self):
        """[B46 B59 G14] Where nothing tells which message was stored, the next run fetches again what it then deletes."""
        place = self.place()
        nothing = {"UIDL": b"-ERR what?\r\n", "TOP": b"-ERR what?\r\n", "CAPA": b"-ERR what?\r\n"}
        with Hostile(replies={**nothing, "QUIT": b"-ERR not removed\r\n"}, out=place.out) as server:
            place.run(server.port, "-d", code=75)
            server.replies = nothing
            place.run(server.port, "-d")
            self.assertEqual((server.messages, server.violations), ([], []))
        self.assertEqual(set(place.contents()), {message(n) for n in (1, 2, 3)})

    def test_trace_into_the_auth_file(self):
        """[E13 L6] --trace=FILE with the auth file's name is refused, and leaves it as it is."""
        place = self.place()
        with Hostile() as server:
            before = open(place.auth_file).read()
            place.run(server.port, f"--trace={place.auth_file}", code=73)
            self.assertEqual(open(place.auth_file).read(), before)

    def test_uid_used_again(self):
        """[R35 B51 B59] A server that gives a new message the UID of one that it did delete: the new one is fetched, not taken for the old."""
        for second in ((), ("-n",)):
            place = self.place()
            with Hostile(replies={"QUIT": [Close()]}, out=place.out) as server:
                place.run(server.port, "-d", code=75)
                server.replies = {}
                server.messages[:] = [message(7, 30), message(2), message(3)]
                self.assertEqual(place.run(server.port, "-d", *second).count, 1)
                self.assertEqual((server.messages, server.violations), ([], []))
            self.assertEqual(place.contents(), sorted([message(7, 30), *(message(n) for n in (1, 2, 3))]))

    def test_uid_given_twice_while_a_deletion_is_due(self):
        """[B50 B59] A second message under the UID of one that waits for its deletion, in either order and of any size: both are here at the end."""
        for other in (message(8), message(8, 30)):
            for at in (0, 1):
                place = self.place()
                with Hostile(messages=[message(1)], replies={"QUIT": b"-ERR not removed\r\n"}, out=place.out) as server:
                    place.run(server.port, "-d", code=75)
                    server.replies = {}
                    server.messages.insert(at, other)
                    server.uids[:] = [server.uids[0]] * 2
                    place.run(server.port, "-d")
                    self.assertEqual((server.messages, server.violations), ([], []))
                self.assertEqual(set(place.contents()), {message(1), other})

    def test_renumbered_between_sessions(self):
        """[G8 R13] Numbers mean nothing in the next session: with other messages under the old numbers, the right ones are deleted."""
        place = self.place()
        with Hostile(replies={"QUIT": b"-ERR not removed\r\n"}, out=place.out) as server:
            place.run(server.port, "-d", code=75)
            server.replies = {}
            server.messages.insert(0, message(9))
            server.uids.insert(0, "uid9")
            self.assertEqual(place.run(server.port, "-d").count, 1)
            self.assertEqual(server.violations, [])
            self.assertEqual(server.messages, [])
        self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3, 9)))

    def test_refused_for_its_size_and_then_allowed(self):
        """[B42] A message that was too large is not fetched by -n until the limit is raised; then it is."""
        place = self.place()
        with Hostile(messages=[message(1), message(2, 100), message(3)]) as server:
            every = list(server.messages)
            self.assertEqual(place.run(server.port, "-n", "--max-size", "500").count, 2)
            before = len(server.commands)
            result = place.run(server.port, "-n", "--max-size", "500")
            self.assertEqual(result.count, 0)
            self.assertIn("1 message is larger than --max-size", result.err)
            self.assertNotIn("RETR", [c[:4] for c in server.commands[before:]])
            self.assertEqual(place.run(server.port, "-n").count, 1)
        self.assertEqual(place.contents(), sorted(every))


def body(name, ids, sent, arrives, code=0, *options):
    """`sent` is on the wire between RETR's +OK line and the terminator; `arrives` is what the file must hold."""
    return Case(name, ids, {"RETR 1": b"+OK\r\n" + sent + b".\r\n"}, code, *options, messages=[arrives], stored=(1,))


@rows(
    body("empty", "[B21 B31 R19]", b"", b""),
    body("a lone line end", "[R20]", b"\r\n", b"\r\n"),
    body("dots at line starts", "[R16 R17 B22 B23]", b"..x\r\n...\r\n..\r\n....y\r\n", b".x\r\n..\r\n.\r\n...y\r\n"),
    body("a dot that was not stuffed", "[R16 B24 Q12]",
         b"one\r\n.hidden\r\n.\ttab\r\n. x\r\ntwo\r\n", b"one\r\nhidden\r\n\ttab\r\n x\r\ntwo\r\n"),
    body("LF dot LF", "[B15 R23]", b"a\n.\nb\r\n", b"a\n.\nb\r\n"),
    body("LF dot CRLF", "[B16 R23]", b"a\n.\r\nb\r\n", b"a\n.\r\nb\r\n"),
    body("CRLF dot LF", "[B17 R23]", b"a\r\n.\nb\r\n", b"a\r\n\nb\r\n"),
    body("CR dot CR", "[B18]", b"a\r.\rb\r\n.\rc\r\n", b"a\r.\rb\r\n\rc\r\n"),
    body("CR CR LF before the dot", "[B18]", b"a\r\r\n..\r\r\nb\r\n", b"a\r\r\n.\r\r\nb\r\n"),
    body("bare LF dot lines", "[B26]", b"a\n.b\n..c\n.\n\r\n..d\n.\r\n", b"a\n.b\n..c\n.\n\r\n.d\n.\r\n"),
    body("NUL and every other octet", "[B10 B11 R21]", bytes(range(256)) * 4 + b"\r\n", bytes(range(256)) * 4 + b"\r\n"),
    body("NUL beside dots", "[B10 R21]", b"\0\r\n..\0\r\n\0.\r\n", b"\0\r\n.\0\r\n\0.\r\n"),
    body("-ERR inside", "[B55]", b"-ERR no such message\r\n+OK\r\n", b"-ERR no such message\r\n+OK\r\n"),
    body("a line of 10 MiB", "[B30 R22]", b"L" * (10 << 20) + b"\r\n", b"L" * (10 << 20) + b"\r\n"),
    body("10 MiB of short lines", "[R22]", b"..\r\n" * (10 << 18), b".\r\n" * (10 << 18)),
    body("half a million empty lines", "[R22]", b"\r\n" * 500_000, b"\r\n" * 500_000),

    Case("RETR's size is wrong", "[R24]", {"RETR 2": b"+OK 5 octets\r\n" + stuffed(message(2))}, 0, "-d", stored=ALL, left=0),
    Case("RETR is refused for one of three", "[B54 R14 R30]", {"RETR 2": b"-ERR not today\r\n"}, 75, "-d", stored=(1, 3), left=1),
    Case("RETR is refused for all", "[B54]", {"RETR": b"-ERR not today\r\n"}, 75, "-d", count=0, never=("DELE",)),
    Case("RETR is answered with nonsense", "[B2]", {"RETR 2": [b"What?\r\n", Hang()]}, 76, "-d", *SHORT, stored=(1,), left=3),
    Case("RETR's status ends in a bare LF", "[B13]", {"RETR 2": [b"+OK\n" + stuffed(message(2)), Hang()]}, 76, "-d", *SHORT, stored=(1,),
         left=3),
    Case("RETR's status holds NUL", "[B9]",
         {"RETR 2": [b"+OK\0\r\n" + stuffed(message(2)), Hang()]}, 76, "-d", *SHORT, stored=(1,), left=3),
    Case("RETR's status is 600 octets long", "[B7]", {"RETR 2": [b"+OK " + b"z" * 600 + b"\r\n" + stuffed(message(2)), Hang()]}, 76, "-d",
         *SHORT, stored=(1,), left=3),
    Case("surplus behind a message", "[B28]", {"RETR 3": [b"+OK\r\n" + stuffed(message(3)) + b"+OK\r\n", Hang()]}, 76, *SHORT, stored=None),
    Case("a second terminator", "[B28]", {"RETR 3": [b"+OK\r\n" + stuffed(message(3)) + b".\r\n", Hang()]}, 76, *SHORT, stored=None),
)
class Messages(HostileTest):
    """Bodies: what arrives is what was sent, with one dot less where RFC 1939, 3 says so, however it is cut on its way."""

    def test_every_split(self):
        """[R18 A25 B24] A message with all kinds of dots, cut in two at each of its octets, arrives the same each time."""
        wire = b"+OK\r\n..one\r\n.\rx\r\n..\r\n.unstuffed\r\n\r\n\r\r\n...\r\nz\n.\n.\r\n\r\n.\r\n"
        arrives = b".one\r\n\rx\r\n.\r\nunstuffed\r\n\r\n\r\r\n..\r\nz\n.\n.\r\n\r\n"
        replies = {f"RETR {cut}": [Pieces(wire, cut)] for cut in range(1, len(wire))}
        place = self.place()
        with Hostile(messages=[arrives] * (len(wire) - 1), replies=replies) as server:
            self.assertEqual(place.run(server.port).count, len(wire) - 1)
        self.assertEqual(set(place.contents()), {arrives})
        self.assertEqual(len(place.contents()), len(wire) - 1)

    def test_every_split_in_three(self):
        """[R18 A25] The end of a message, cut in three at every two places."""
        wire = b"+OK\r\na\r\n..\r\n.b\r\n.\r\n"
        arrives = b"a\r\n.\r\nb\r\n"
        cuts = [(one, two) for one in range(5, len(wire)) for two in range(one + 1, len(wire))]
        replies = {f"RETR {n}": [Pieces(wire, *cut)] for n, cut in enumerate(cuts, 1)}
        place = self.place()
        with Hostile(messages=[arrives] * len(cuts), replies=replies) as server:
            self.assertEqual(place.run(server.port).count, len(cuts))
        self.assertEqual(set(place.contents()), {arrives})
        self.assertEqual(len(place.contents()), len(cuts))

    def test_octet_by_octet(self):
        """[A15] A server that sends every octet by itself, in keep, delete and new-only runs."""
        for options, left in (((), 3), (("-d",), 0), (("-n", "--max-size", "9000"), 3)):
            place = self.place()
            with Hostile(drip=True, out=place.out) as server:
                self.assertEqual(place.run(server.port, *options).count, 3)
                self.assertEqual((len(server.messages), server.violations), (left, []))
            self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_same_octets_twice(self):
        """[F8] Two messages with equal octets are two files."""
        place = self.place()
        with Hostile(messages=[message(1), message(1)]) as server:
            self.assertEqual(place.run(server.port).count, 2)
        self.assertEqual(place.contents(), [message(1)] * 2)


class Network(HostileTest):
    """Names, addresses and ports."""

    def test_localhost_on_either_family(self):
        """[A4] localhost has two addresses: a server on only one of them is found."""
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host=host):
                try:
                    server = Hostile(host=host)
                except OSError:
                    self.skipTest("no IPv6 here")
                with server:
                    self.assertEqual(self.place().run(server.port, server="localhost").count, 3)

    def test_address_literals(self):
        """[L3] IPv4 and IPv6 literals."""
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host=host):
                try:
                    server = Hostile(host=host)
                except OSError:
                    self.skipTest("no IPv6 here")
                with server:
                    self.assertEqual(self.place().run(server.port, server=host).count, 3)

    def test_scope_is_said(self):
        """[L3] A scope that is none is not hidden by the error about it."""
        result = self.place().run(110, server="fe80::1%no-such-link", code=68)
        self.assertIn("[fe80::1%no-such-link]:110", result.err)

    def test_family_asked_for(self):
        """[A2] -4 and -6 take addresses of that family only."""
        with Hostile() as server:
            self.assertEqual(self.place().run(server.port, "-4", server="localhost").count, 3)
            self.place().run(server.port, "-6", server="127.0.0.1", code=68)

    def test_nobody_listens(self):
        """[A2] Refused: 69, and nothing is written."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        place = self.place()
        result = place.run(port, code=69)
        self.assertEqual((result.out, place.names()), ("", []))

    def test_name_not_found(self):
        """[A1] A name that does not exist (RFC 6761, 6.4): 68. No name server is asked."""
        place = self.place()
        if not place.ask_no_name_server():
            self.skipTest("this user may not make namespaces here")
        self.assertEqual(place.run(110, "--connect-timeout", "10", server="no-such-host.invalid", code=68).out, "")

    def test_connection_is_not_answered(self):
        """[A3] A listener whose queue is full never answers: the connect timeout ends the run."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            waiting = []
            try:
                for _ in range(8):
                    waiting.append(socket.socket())
                    waiting[-1].setblocking(False)
                    waiting[-1].connect_ex(("127.0.0.1", port))
                time.sleep(0.2)
                self.place().run(port, "--connect-timeout", "1", code=75)
            finally:
                for s in waiting:
                    s.close()

    def test_wrong_usage_connects_nowhere(self):
        """[L1 L2 D27 D28] Usage errors are found before any connection."""
        with Hostile() as server:
            place = self.place()
            good = ["-p", str(server.port), "-a", str(place.auth_file), "-o", str(place.out)]
            for args in (["127.0.0.1", *good, "-T", "-S"], ["127.0.0.1", *good, "-c", "x"], ["127.0.0.1", *good, "-C", "x"], good,
                         ["", *good], [".", *good], ["127.0.0.1", "127.0.0.1", *good], ["host name", *good],
                         ["127.0.0.1", *good, "--no-such-option"],
                         ["127.0.0.1", *good, "--auth", "magic"], ["x" * 256, *good], ["h\u00f6st", *good], ["127.0.0.1", *good[2:], "-p"],
                         *(["127.0.0.1", "-p", port, *good[2:]] for port in ("0", "65536", "-1", "110x", "", "+110", " 110", "0x6e")),
                         ["127.0.0.1", *good, "--timeout", "never"], ["127.0.0.1", *good, "--max-size", "-5"],
                         ["127.0.0.1", *good[:2]], ["127.0.0.1", *good[:4]], []):
                with self.subTest(args=args):
                    result = run_raw(place, args)
                    self.assertEqual((result.code, result.out), (64, ""), result)
            self.assertEqual(server.sessions, [])

    def test_options_in_any_order(self):
        """[L3] Options stand before and after the server, joined too, and -- ends them."""
        with Hostile() as server:
            for build in (lambda p, a, o: ["-p", p, "-a", a, "-o", o, "127.0.0.1"],
                          lambda p, a, o: ["127.0.0.1", f"-p{p}", f"-a{a}", f"-o{o}"],
                          lambda p, a, o: ["-a", a, "127.0.0.1", "-o", o, "-p", p],
                          lambda p, a, o: ["-p", p, "-a", a, "-o", o, "--", "127.0.0.1"]):
                place = self.place()
                result = run_raw(place, build(str(server.port), str(place.auth_file), str(place.out)))
                self.assertEqual((result.code, result.count), (0, 3), result)

    def test_auth_files(self):
        """[E11 E8] Both orders, CRLF, a BOM and no last newline are read; what is no auth file is refused before any connection, 78."""
        place = self.place()
        with Hostile() as server:
            for octets in (b"password = secret\nusername = user\n", b"username = user\r\npassword = secret\r\n",
                           b"\xef\xbb\xbfusername = user\npassword = secret"):
                with self.subTest(octets=octets):
                    place.auth_file.write_bytes(octets)
                    self.assertEqual(place.run(server.port).count, 3)
            sessions = len(server.sessions)
            for octets in (b"", b"\n\n", b"username = user\n", b"password = secret\n", b"user secret\n", b"\x00" * 100,
                           b"username = user\nusername = user\npassword = secret\n",
                           b"username = user\npassword = secret\ncolour = red\n", b"username = user\npassword = sec\0ret\n",
                           b"username = \npassword = secret\n", b"username = user\npassword = " + b"x" * 5000 + b"\n"):
                with self.subTest(octets=octets[:60]):
                    place.auth_file.write_bytes(octets)
                    place.run(server.port, code=78)
            place.auth_file.unlink()
            os.mkfifo(place.auth_file, 0o600)
            place.run(server.port, code=78)
            self.assertEqual(len(server.sessions), sessions)

    def test_tls_that_this_build_lacks_or_the_server(self):
        """[C23] -T and -S never fall back to clear text: no user name and no password is sent to a server without TLS."""
        for option in ("-T", "-S"):
            with self.subTest(option=option), Hostile() as server:
                place = self.place()
                args = place.arguments(server.port, [option, *SHORT])
                result = place.finish(place.start(args), args)
                self.assertNotIn(result.code, (0, 1, 77), result)
                self.assertFalse(set(LOGIN) & set(server.verbs()), result)
                self.assertEqual((result.out, place.names()), ("", []))

    def test_clear_text_is_said(self):
        """[C23] Without -T and -S a warning says that the password travels in clear: once."""
        with Hostile() as server:
            result = self.place().run(server.port)
            self.assertEqual(len([line for line in result.err.splitlines() if re.search("clear|encrypt", line)]), 1, result)


class Large(HostileTest):
    """Many messages, and long waits."""

    def test_new_among_a_hundred_thousand(self):
        """[Q13 B36 R5] -n on 100,003 messages of which 3 are new: one listing is read, three messages are fetched.

        The first run remembers all as too large, so that they need not be downloaded for the test; what it remembers and what it
        has fetched is one state."""
        old = 100_000
        place = self.place()
        tiny, limit = b"Subject: x\r\n", "1000"
        replies = {"LIST": b"+OK\r\n" + b"".join(b"%d 1001\r\n" % n for n in range(1, old + 1)) + b".\r\n"}
        with Hostile(messages=[tiny] * old, replies=replies) as server:
            self.assertEqual(place.run(server.port, "-n", "--max-size", limit).count, 0)
            self.assertNotIn("RETR", server.verbs())
            new = [message(n) for n in (1, 2, 3)]
            server.replies = {}
            server.messages += new
            server.uids += [f"new{n}" for n in (1, 2, 3)]
            before = len(server.commands)
            place.run(server.port, "-n", "--max-size", limit)
        dialogue = server.commands[before:]
        self.assertEqual(len([c for c in dialogue if c == "UIDL"]), 1, dialogue[:20])
        self.assertEqual([c for c in dialogue if c.startswith("RETR")], [f"RETR {old + n}" for n in (1, 2, 3)])
        self.assertEqual(place.contents(), sorted(new))

    def test_signal_while_the_server_hangs(self):
        """[L4 I5] SIGTERM and SIGINT end a run whose server says nothing, at each stage; a second one ends it at once."""
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            for replies, at in (({"greeting": [Hang()]}, ""), ({"PASS": [Hang()]}, "PASS"), ({"UIDL": [Hang()]}, "UIDL"),
                                ({"RETR 2": [b"+OK\r\nhalf", Hang()]}, "RETR 2"), ({"QUIT": [Hang()]}, "QUIT")):
                for times in (1, 2):
                    with self.subTest(signal=number, at=at, times=times), Hostile(replies=replies) as server:
                        place = self.place()
                        args = place.arguments(server.port, SHORT if times == 1 else ("--timeout", "100"))
                        process = place.start(args)
                        wait_until(lambda: server.sessions and (not at or any(c.startswith(at) for c in server.commands)))
                        time.sleep(0.05)
                        for _ in range(times):
                            process.send_signal(number)
                            time.sleep(0.2)
                        result = place.finish(process, args)
                        self.assertIn(result.code, (code, 75) if at == "QUIT" else (code,), result)
                        place.names()


def wait_until(holds, seconds=60):
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            raise AssertionError("waited in vain")
        time.sleep(0.005)


def run_raw(place, args):
    return place.finish(place.start(args), args)


if __name__ == "__main__":
    unittest.main()
