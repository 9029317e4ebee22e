# SPDX-License-Identifier: MIT
"""Real servers that break the rules, rebuilt from public reports: the rest of their mail is fetched, and the odd message too, where it is
there. What only costs a user is taken; what is odd is said with -v. A refused login says what it is about. [Q4 Q6 Q7 Q9 Q14 Q15 Q16 Q18 Q19]"""
import hashlib

from hostile import GREETING, Close, Hang, Hostile, Reset, message
from test_hostile import ALL, LOGIN, SHORT, Case, HostileTest, rows

LONG = ["<" + "a" * 67 + "@x>", "b" * 128, "<" + "c" * 296 + "@x>", "d" * 1500]
SPACED = ["1099 04c1", "1099  04c1", "1100 04c2"]
EIGHT_BIT = ["t\u00f6", "t\u00e4", "\u65e5\u672c"]
CONTROL = ["a\tb", "a\x7f", "\x01"]


def lines(*rows_of_listing):
    return b"+OK\r\n" + b"".join(line + b"\r\n" for line in rows_of_listing) + b".\r\n"


@rows(
    Case("UIDL lines without a UID", "[B47 Q7]", {"UIDL": lines(b"1 one", b"2", b"3 ")}, 0, "-v", stored=ALL, says="the server gives it no UID"),
    Case("UIDL without a single UID, with -d", "[B47 Q18]", {"UIDL": lines(b"1", b"2", b"3")}, 0, "-d", stored=ALL, left=0),
    Case("lines of no message in UIDL", "[B38 B39 R8]", {"UIDL": lines(b"0 zero", b"4 four", b"1 one", b"2 two", b"4000000000 x", b"3 three")}, 0, "-v", "-d",
         stored=ALL, left=0, says="3 lines of the server's listings name no message of this session"),
    Case("lines of no message in LIST", "[B38 B39]", {"LIST": lines(b"0 5", b"1 100", b"2 100", b"3 100", b"4 100")}, 0, "-v", "--max-size", "9000",
         stored=ALL, says="2 lines of the server's listings name no message of this session"),
    Case("very many lines of no message", "[B38 B39]", {"UIDL": lines(*[b"0 x"] * 2000)}, 76, "-d", never=("RETR", "DELE")),
    Case("UIDL names a message that LIST does not", "[B53]", {"LIST": lines(b"1 100", b"3 100")}, 0, "-v", "--max-size", "9000", stored=(1, 3),
         says="1 lines of the server's listings name no message of this session"),
    Case("spaces in front", "[Q6 R9]", {"STAT": b"+OK   3  300\r\n", "UIDL": lines(b"   1 one", b"  2  two ", b"    3 three"),
                                        "LIST": lines(b"  1   100", b"  2 100", b" 3   100 x")}, 0, "-d", "--max-size", "9000", stored=ALL, left=0),
    Case("sizes that are no numbers", "[Q4 B32 B33 B43]",
         {"STAT": b"+OK 3 -1972428639\r\n", "LIST": lines(b"1 -1", b"2 99999999999999999999", b"3 1.5k")}, 0, "-d", "--max-size", "9000", stored=ALL, left=0),
    Case("sizes that are missing", "[Q4 B32]", {"STAT": b"+OK 3\r\n", "LIST": lines(b"1", b"2 ", b"3 x")}, 0, "-d", "--max-size", "9000", stored=ALL, left=0),
    Case("a size that is unknown, and a message over the limit", "[Q4 B42]", {"LIST": lines(b"1 -1", b"2 -1", b"3 -1")}, 0, "-d", "--max-size", "900",
         messages=[message(1), message(2, 100), message(3)], stored=(1, 3), left=1),
    Case("a message that LIST says is far larger", "[Q19 Q4]", {"LIST": lines(b"1 100", b"2 5000", b"3 100")}, 0, "-v", "-d", "--max-size", "9000",
         stored=ALL, left=0, says="message 2: the server's listing says 5000 octets"),
    Case("LIST is refused", "[Q16 R14]", {"LIST": b"-ERR not now\r\n"}, 75, "-d", "--max-size", "9000", never=("RETR", "DELE")),
    Case("STAT is refused with a limit", "[Q16]", {"STAT": b"-ERR login allowed only every 15 minutes\r\n"}, 75, count=None, never=("RETR",),
         says="login allowed only every 15 minutes"),
)
class Listings(HostileTest):
    """Listings that break the rules."""

    def fetched_once(self, uids, digests):
        """A plain run gets every message, -n each once, -d deletes what it stored."""
        messages = [message(n) for n in range(1, len(uids) + 1)]
        with Hostile(messages=messages, uids=uids) as server:
            plain, new, gone = self.place(), self.place(), self.place()
            result = plain.run(server.port, "-v")
            self.assertEqual(plain.contents(), sorted(messages), result)
            self.assertEqual(result.err.count("a digest of it stands in its place"), digests, result)
            self.assertEqual(new.run(server.port, "-n").count, len(uids))
            self.assertEqual(new.run(server.port, "-n").count, 0)
            server.out = gone.out
            gone.run(server.port, "-d")
            self.assertEqual((gone.contents(), server.messages, server.violations), (sorted(messages), [], []))

    def test_long_uids(self):
        """[B48 Q7 R33] UIDs of 71 to 1,500 octets, as of servers that make them from the Message-ID."""
        self.fetched_once([*LONG, "short"], len(LONG))

    def test_uids_with_spaces(self):
        """[B48 Q7] UIDs of two words; those that differ by a space are two."""
        self.fetched_once([*SPACED, "one"], len(SPACED))

    def test_uids_beyond_ascii(self):
        """[B48 B49 Q7] 8-bit octets, tabs and control characters in UIDs."""
        self.fetched_once([*EIGHT_BIT, *CONTROL], len(EIGHT_BIT + CONTROL))

    def test_name_of_an_odd_uid(self):
        """[B48] The name is made from the whole UID: --list shows it."""
        with Hostile(messages=[message(1), message(2)], uids=[LONG[0], LONG[0][:-1] + "!"]) as server:
            shown = self.place().run(server.port, "--list").out
        for uid in (LONG[0], LONG[0][:-1] + "!"):
            self.assertIn("\\x7f" + hashlib.sha256(uid.encode()).hexdigest()[:32], shown)

    def test_a_message_that_comes_after_stat(self):
        """[B39 R8] It is left alone by this session, which succeeds, and fetched by the next."""
        for options in ((), ("-d",), ("-n",), ("-n", "-d", "--max-size", "9000")):
            place = self.place()
            with Hostile(replies={"STAT": b"+OK 2 300\r\n"}) as server:
                self.assertEqual(place.run(server.port, *options).count, 2)
                self.assertNotIn("RETR 3", server.commands)
                server.replies = {}
                self.assertIn(place.run(server.port, *options).count, (1, 3))
            self.assertEqual(set(place.contents()), {message(n) for n in ALL})

    def test_uids_that_are_message_numbers(self):
        """[Q18] They name nothing: headers tell what is new, and a message that moves to an old number is not taken for the old one."""
        numbers = {"UIDL": lines(b"1 1", b"2 2", b"3 3")}
        place, listing = self.place(), self.place()
        with Hostile(replies=numbers, out=place.out) as server:
            self.assertEqual(place.run(server.port, "-n").count, 3)
            self.assertEqual(place.run(server.port, "-n").count, 0)
            self.assertEqual(place.run(server.port, "--check", code=1).out, "")
            shown = listing.run(server.port, "--list").out.splitlines()
            self.assertEqual([len(line.split()) for line in shown], [2, 2, 2], shown)  # number and size, no UID
            server.messages[:] = [message(2), message(3), message(4)]
            self.assertEqual(place.run(server.port, "--check").code, 0)
            self.assertEqual(place.run(server.port, "-n").count, 1)
            place.run(server.port, "-d")
            self.assertEqual((server.messages, server.violations), ([], []))
        self.assertEqual(set(place.contents()), {message(n) for n in (1, 2, 3, 4)})

    def test_empty_body(self):
        """[Q19 R19] LIST gave it octets, RETR none: stored, said, not deleted, and the others are."""
        place = self.place()
        with Hostile(replies={"RETR 2": b"+OK\r\n.\r\n"}, out=place.out) as server:
            result = place.run(server.port, "-d", "--max-size", "9000", code=75)
            self.assertIn("(message 2)", result.err, result)
            self.assertEqual(server.messages, [message(2)])
            self.assertNotIn("DELE 2", server.commands)
        self.assertEqual(place.contents(), sorted([message(1), b"", message(3)]))


def at_capa(name, *steps, options=()):
    return Case(name, "[Q9]", {"CAPA": list(steps)}, 75, *SHORT, *options, never=LOGIN, count=None, says="--no-capa")


@rows(
    at_capa("the server closes at CAPA", Close()),
    at_capa("the server resets at CAPA", Reset()),
    at_capa("the server hangs at CAPA", Hang()),
    at_capa("the server hangs inside CAPA", b"+OK\r\nTOP\r\n", Hang()),
    at_capa("the server closes inside CAPA", b"+OK\r\nTO", Close()),
    Case("the server refuses CAPA and closes", "[Q9 R41]", {"CAPA": [b"-ERR what?\r\n", Close()]}, 75, never=("PASS",), count=None, says="--no-capa"),
    Case("the server closes at CAPA, --no-capa", "[Q9]", {"CAPA": [Close()]}, 0, "--no-capa", stored=ALL, never=("CAPA",)),
    Case("the server closes at CAPA, and nothing depends on it", "[Q9]", {"CAPA": [Close()]}, 0, "--auth", "user", stored=ALL),
)
class Capa(HostileTest):
    """CAPA, which some servers do not survive: the error names the way out."""


def refused(code, says, *texts, verb="PASS"):
    return [Case(f"{verb} {text}", "[Q14 Q15 E6 E7]", {verb: b"-ERR " + text.encode() + b"\r\n"}, code, count=None, never=("STAT",), says=says)
            for text in texts]


@rows(
    *refused(75, "in use by another session", "unable to lock maildrop", "maildrop already locked", "[IN-USE] mailbox already in use by pid 12345",
             "[in-use/x] busy", "Your mailbox is already locked", "Mailbox BUSY", "mailbox in use"),
    *refused(75, "temporary problem", "mail storage services unavailable, wait a few minutes and try again.", "please try later"),
    *refused(77, "the server refuses user name and password", "[AUTH] wrong, wait", "invalid password, try later", "Login failed: locked", "wrong",
             "account locked", "bad credentials, wait 5 seconds", "the lobby is businesslike"),
    *refused(77, "use -T or -S", "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", "encryption required",
             "you must use SSL", "TLS first, please"),
    *refused(77, "use -T or -S", "[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", verb="USER"),
    Case("PASS is answered without a plus", "[R2]", {"PASS": b"Welcome, user\r\n"}, 76, count=None, says='the server said to PASS: "Welcome, user"'),
    Case("USER is answered in another protocol", "[R2]", {"USER": b"250 fine\r\n"}, 76, count=None, never=("PASS",),
         says='the server said to USER: "250 fine"'),
    Case("USER is answered by half a line", "[R2 A8]", {"USER": [b"250 fi", Close()]}, 76, count=None, never=("PASS",),
         says='the server said to USER: "250 fi"'),
    Case("PASS is answered by a line of bare LF", "[B13]", {"PASS": [b"+OK welcome\n", Hang()]}, 76, count=None,
         says='the server said to PASS: "+OK welcome"'),
    Case("PASS is answered by an empty line", "[R2]", {"PASS": b"\r\n"}, 76, count=None, says="the command was PASS"),
)
class Refusals(HostileTest):
    """Logins that fail, and what they are about."""

    def test_password_in_a_reply_that_is_none(self):
        """[E13] A line that is no reply is shown too: without the password."""
        with Hostile(replies={"PASS": b"user Tr0ub4dor&3 is in\r\n"}) as server:
            result = self.place(password="Tr0ub4dor&3").run(server.port, code=76)  # the check is in run
            self.assertIn('"user *** is in"', result.err)


@rows(
    Case("a stamp that is no use, --auth user", "[E5]", {"greeting": GREETING.replace(b"ready", b"<1.2@x>"), "APOP": b"-ERR [AUTH] no\r\n"}, 0,
         "--auth", "user", stored=ALL, never=("APOP",)),
    Case("APOP is refused in clear", "[E5]", {"APOP": b"-ERR [AUTH] no\r\n"}, 77, stamp="<1.2@x.example>", never=("PASS",), count=None,
         says="--auth user"),
    Case("APOP, and the maildrop is locked", "[E5 Q14]", {"APOP": b"-ERR maildrop is locked\r\n"}, 75, stamp="<1.2@x.example>", never=("PASS",), count=None),
)
class Apop(HostileTest):
    """APOP in clear text; test_stls has it in TLS."""
