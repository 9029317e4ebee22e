# SPDX-License-Identifier: MIT
"""The command with servers that offer PIPELINING, and lose a command, answer one twice, or drop the rest of a burst. Replies then answer
other commands. The bodies have equal sizes, so that nothing but the number of replies shows it. No message may be lost, and the record
must remember the server. [R49]"""
import concurrent.futures
import os
import random
import signal
import time
import unittest

import command
from hostile import CAPABILITIES, Close, Connection, Hang, Hostile

PIPELINING = CAPABILITIES.replace(b".\r\n", b"PIPELINING\r\n.\r\n")
SHORT = ("--timeout", "2")
SHIFTED, BROKEN = 64, 4  # runs that send one command at a time after replies that did not match; after a connection that broke


def alike(count):
    """Messages of one size and different texts. Each is longer than any other reply."""
    return [b"Subject: message %03d\r\n\r\n" % n + b"body %03d\r\n" % n * 30 for n in range(1, count + 1)]


class Fault:
    """In the first session, or `always`: the `nth` command that begins with `line` is "lost", or is answered "twice", or is lost with all
    that came with it ("burst"), or is answered and the "rest" of its burst is lost.
    `end`: so many further commands are heard before the connection ends."""

    def __init__(self, kind, line, nth=1, end=None, always=False):
        self.kind, self.line, self.nth, self.end, self.always = kind, line, nth, end, always

    def __str__(self):
        return f"{self.nth}. {self.line!r}: {self.kind}, end {self.end}"


class Ahead(Hostile):
    """`fault`: see above. `sizes`: gives LIST's size of some octets. Bursts are counted for each session."""

    def __init__(self, fault=None, sizes=len, place=None, **server):
        self.fault, self.sizes, self.place = fault, sizes, place
        self.bursts = []
        self.retrieved = []  # UIDs, for each session
        replies = {"CAPA": PIPELINING, **server.pop("replies", {})}
        super().__init__(replies=replies, **server)

    def connection(self, client, commands):
        self.bursts.append(0)
        self.retrieved.append([])
        return AheadConnection(self, client, commands, len(self.bursts) - 1)

    def ahead(self, session):
        return self.bursts[session] > 0


class AheadConnection(Connection):
    def __init__(self, server, client, commands, session):
        super().__init__(server, client, commands)
        self.session, self.seen, self.left = session, 0, None

    def _strikes(self, line):
        fault = self.server.fault
        if fault is None or (self.session and not fault.always) or not line.startswith(fault.line):
            return None
        self.seen += 1
        if self.seen != fault.nth and not fault.always:
            return None
        self.left = fault.end
        return fault.kind

    def _line(self):
        while True:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    return None
            line = super()._line()
            if line is None:
                return None
            self.server.bursts[self.session] += bool(self.rest)
            kind = self._strikes(line)
            self.twice = kind == "twice"
            if kind in ("burst", "rest"):
                self.rest = b""
            if kind not in ("lost", "burst"):
                return line

    def _reply_to(self, line):
        if line.startswith("RETR"):
            self.server.retrieved[self.session].append(self.uids[int(line[5:])])
        reply = super()._reply_to(line)
        steps = reply if isinstance(reply, list) else [reply]
        return steps * 2 if self.twice else steps

    def _judge_deletion(self, argument):
        """A DELE is void without QUIT: see _remove."""

    def _remove(self):
        stored = self.server.place.contents() if self.server.place else []
        for number in self.deleted:
            if self.server.place and self.messages[number] not in stored:
                self.server.violations.append(f"message {number} is gone, and not stored")
        super()._remove()

    def _list(self, argument):
        return self._listing(argument, {n: self.server.sizes(m) for n, m in self.messages.items()})


class AheadTest(unittest.TestCase):
    def place(self, **options):
        place = command.Place(**options)
        self.addCleanup(place.remove)
        return place

    def assert_stored(self, place, messages, context=""):
        self.assertEqual(place.contents(), sorted(messages), context)


# ---- replies that shift ----

class Shift(AheadTest):
    COUNT = 9
    POINTS = (("USER", 1), ("STAT", 1), ("UIDL", 1), ("LIST", 1), ("RETR 1", 1), ("RETR 4", 1), ("RETR 9", 1), ("DELE 1", 1), ("DELE 9", 1),
              ("STAT", 2), ("QUIT", 1))

    def one(self, kind, line, nth, end, options):
        """One run with the fault, and one without."""
        place, messages = command.Place(), alike(self.COUNT)
        context = f"{' '.join(options)}: {Fault(kind, line, nth, end)}"
        try:
            with Ahead(Fault(kind, line, nth, end), messages=messages, place=place) as server:
                first = place.run(server.port, *options, *SHORT, code=(0, 75, 76))
                server.fault = None
                last = place.run(server.port, *options, code=0)
                found = place.contents()
                self.assertEqual(server.violations, [], f"{context}\n{first}\n{last}")
                self.assertEqual([m for m in messages if m not in found], [], f"{context}\n{first}\n{last}")
                self.assertEqual([m for m in found if m not in messages], [], f"{context}\n{first}\n{last}")
                self.assertEqual(server.messages, [] if "-d" in options else messages, context)
                if "-d" not in options:
                    self.assertNotIn("DELE", server.verbs(), context)
        finally:
            place.remove()

    def at_every_point(self, kind, *options):
        cases = [(kind, line, nth, end, options) for line, nth in self.POINTS for end in (None, 0, 2)
                 if "-d" in options or not line.startswith("DELE")]
        with concurrent.futures.ThreadPoolExecutor(max_workers=12) as pool:  # most of the time they wait for a reply
            for future in [pool.submit(self.one, *case) for case in cases]:
                future.result()

    def test_one_command_is_lost(self):
        """[R49 I3] With -n and with -d, and with both."""
        self.at_every_point("lost", "-n")
        self.at_every_point("lost", "-d")
        self.at_every_point("lost", "-n", "-d")

    def test_one_reply_comes_twice(self):
        """[R49 I3] In the same way."""
        self.at_every_point("twice", "-n")
        self.at_every_point("twice", "-d")
        self.at_every_point("twice", "-n", "-d")

    def test_the_rest_of_a_burst_is_lost(self):
        """[R49 I3] In the same way."""
        self.at_every_point("burst", "-n")
        self.at_every_point("burst", "-d")
        self.at_every_point("burst", "-n", "-d")

    def test_a_server_that_hears_only_the_first_command_of_a_burst(self):
        """[R49] In every session. The first run gets all mail, since it goes on with one command at a time."""
        for options in ((), ("-n",), ("-d",)):
            place, messages = self.place(), alike(self.COUNT)
            with Ahead(Fault("rest", "", always=True), messages=messages, place=place) as server:
                place.run(server.port, *options, *SHORT, code=0)
                self.assert_stored(place, messages)
                self.assertEqual(server.violations, [])

    def test_marks_are_void_if_a_reply_is_missing(self):
        """[R49 G2] QUIT does not leave, the next connection does all of it again."""
        for lost in ("RETR 3", "DELE 3", "RETR 9", "DELE 9"):
            place, messages = self.place(), alike(self.COUNT)
            with Ahead(Fault("lost", lost), messages=messages, place=place) as server:
                result = place.run(server.port, "-d", *SHORT, code=0)
                self.assertNotIn("QUIT", server.sessions[0], result)
                if lost.startswith("DELE"):
                    self.assertIn("DELE 9", server.sessions[0], result)
                again = {uid for session in server.retrieved[1:] for uid in session}
                self.assertEqual(len(again), self.COUNT, "each is fetched again")
                self.assertEqual(server.messages, [], result)
                self.assertEqual(server.violations, [], result)


# ---- the record ----

class Remembers(AheadTest):
    def runs_one_at_a_time(self, place, server, most):
        """The runs that follow, until one sends ahead."""
        for n in range(most + 1):
            before = len(server.bursts)
            place.run(server.port, "-n", code=0)
            if any(server.bursts[before:]):
                return n
        return None

    def test_a_server_that_lost_a_command(self):
        """[R49] It looks like a connection that broke. A few runs send one command at a time, then one tries it again."""
        place, messages = self.place(), alike(9)
        with Ahead(Fault("lost", "RETR 3", end=6), messages=messages, place=place) as server:
            result = place.run(server.port, "-n", *SHORT, code=0)
            self.assertEqual([server.ahead(n) for n in range(2)], [True, False], result)
            self.assertEqual(set(messages) - set(place.contents()), set(), result)
            self.assertEqual(self.runs_one_at_a_time(place, server, SHIFTED), BROKEN)

    def test_a_server_whose_replies_did_not_match(self):
        """[R49] A STAT that is lost shows it, since the reply to QUIT stands in its place."""
        place, messages = self.place(), alike(9)
        with Ahead(Fault("lost", "STAT", nth=2), messages=messages, place=place) as server:
            place.run(server.port, "-n", *SHORT, code=0)
            self.assertEqual(self.runs_one_at_a_time(place, server, SHIFTED), SHIFTED)
            self.assert_stored(place, messages)

    def test_a_connection_that_broke(self):
        """[R49] It is fetched again with one command at a time, costs no second copy, and is soon forgotten."""
        for broken in ("RETR 1", "RETR 5", "RETR 9", "QUIT"):
            place, messages = self.place(), alike(9)
            half = {broken: [b"+OK\r\nSubject: half", Close()] if broken != "QUIT" else [Close()]}
            with Ahead(messages=messages, place=place, replies=half) as server:
                place.run(server.port, "-n", *SHORT, code=(0, 75))
                del server.replies[broken]
                place.run(server.port, "-n", code=0)
                self.assert_stored(place, messages, broken)
                count = self.runs_one_at_a_time(place, server, BROKEN)
                self.assertLessEqual(count, BROKEN, broken)
                self.assert_stored(place, messages, broken)

    def test_nothing_of_a_killed_run_is_deleted_unfetched(self):
        """[R49 G1] The record was saved before the kill. The next run fetches all again, and makes no second copy."""
        place, messages = self.place(), alike(120)
        with Ahead(messages=messages, place=place, replies={"RETR 110": [Hang()]}) as server:
            args = place.arguments(server.port, ("-n", "-d", "--sync", "each"))
            process = place.start(args)
            records = place.state / "popcl"
            until = time.monotonic() + command.HANGS
            while time.monotonic() < until and not (len(list(place.out.glob("*"))) >= 109 and records.is_dir() and
                                                    any(path.stat().st_size > 64 for path in records.iterdir())):
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            place.finish(process, args)
            self.assertTrue(server.ahead(0))
            self.assertGreaterEqual(len(place.names()), 109)
            self.assertGreater(max(path.stat().st_size for path in records.iterdir()), 64 * 19, "the record was saved in between")
            server.replies.pop("RETR 110")
            place.run(server.port, "-n", "-d", code=0)
            self.assertEqual(len(set(server.retrieved[-1])), 120, "each one")
            self.assert_stored(place, messages)
            self.assertEqual(server.messages, [])
            self.assertEqual(server.violations, [])

    def test_nothing_of_an_unsure_session_is_deleted_unfetched(self):
        """[R49 G2] Replies are missing at the end of a run that has no further connection: only the next run deletes."""
        place, messages = self.place(), alike(9)
        with Ahead(Fault("lost", "DELE 2"), messages=messages, place=place) as server:
            args = place.arguments(server.port, ("-n", "-d"))
            process = place.start(args)
            until = time.monotonic() + command.HANGS
            while time.monotonic() < until and not (server.sessions and "DELE 9" in server.sessions[0]):
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGTERM)  # it saves its record, and ends
            place.finish(process, args)
            self.assertNotIn("QUIT", server.sessions[0])
            server.fault = None
            place.run(server.port, "-n", "-d", code=0)
            self.assertEqual(len(set(server.retrieved[-1])), 9)
            self.assert_stored(place, messages)
            self.assertEqual(server.messages, [])
            self.assertEqual(server.violations, [])


# ---- sizes ----

class Sizes(AheadTest):
    def mail(self):
        pick = random.Random(12)
        return [b"Subject: %d\r\n\r\n" % n + b"".join(b"x" * pick.randrange(70) + b"\r\n" for _ in range(pick.randrange(40)))
                for n in range(40)]

    def fetched_in_one_run(self, sizes, ahead):
        for options in ((), ("-n",), ("-d",), ("-n", "-d")):
            place, messages = self.place(), self.mail()
            with Ahead(messages=messages, place=place, sizes=sizes) as server:
                result = place.run(server.port, *options, code=0)
                self.assertEqual(result.count, len(messages), result)
                self.assert_stored(place, messages, result)
                self.assertEqual(server.violations, [], result)
                self.assertEqual(server.messages, [] if "-d" in options else messages, result)
                self.assertEqual(len(server.sessions) == 1 and server.ahead(0), True if ahead else len(server.sessions) == 1, result)

    def test_a_line_end_counts_as_one_octet(self):
        """[B71] It is no shift, and costs nothing."""
        self.fetched_in_one_run(lambda m: len(m) - m.count(b"\n"), True)

    def test_a_line_end_counts_as_three_octets(self):
        """[B71] In the same way."""
        self.fetched_in_one_run(lambda m: len(m) + m.count(b"\n"), True)

    def test_sizes_are_random(self):
        """[B71] One command at a time brings all, in the same run."""
        pick = random.Random(7)
        self.fetched_in_one_run(lambda m: pick.randrange(1, 5000), False)

    def test_sizes_are_rounded(self):
        """[B71] In the same way."""
        self.fetched_in_one_run(lambda m: (len(m) + 1023) // 1024 * 1024, False)


# ---- the password ----

class Password(AheadTest):
    """In clear text the password leaves only after USER was accepted, unless CAPA names USER, and not STLS."""

    NO_CLEAR_LOGIN = b"-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.\r\n"

    def capabilities(self, *names):
        return b"+OK\r\n" + b"".join(name + b"\r\n" for name in names) + b".\r\n"

    def refused(self, *names):
        place = self.place()
        with Ahead(replies={"CAPA": self.capabilities(b"TOP", b"UIDL", b"PIPELINING", *names), "USER": self.NO_CLEAR_LOGIN}) as server:
            result = place.run(server.port, code=77)
            self.assertIn("USER", server.verbs(), result)
            return server.received, place.password.encode()

    def test_it_stays_behind_if_user_is_refused(self):
        """[E6 Q14] Three servers that refuse a login in clear text."""
        for names in ((b"STLS", b"SASL"), (b"SASL",), (b"USER", b"STLS"), (b"SASL PLAIN", b"STLS")):
            with self.subTest(names=names):
                received, password = self.refused(*names)
                self.assertNotIn(password, received)
                self.assertNotIn(b"PASS", received)

    def test_it_leaves_with_user_where_capa_names_user_alone(self):
        """[R49] So the test above can fail."""
        received, password = self.refused(b"USER")
        self.assertIn(b"USER user\r\nPASS " + password, received)


if __name__ == "__main__":
    unittest.main()
