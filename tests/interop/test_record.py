# SPDX-License-Identifier: MIT
"""What the command remembers from run to run, and what it owes to that: no message is deleted unfetched on too little evidence, none is
fetched a second time, and none that breaks its session keeps the others from arriving."""
import contextlib
import hashlib
import os
import pathlib
import random
import re
import signal
import time
import unittest

import command
from hostile import Close, Connection, Drip, Hang, Hostile, Pause, Repeat, Reset, message

NO_UIDL = {"UIDL": b"-ERR what?\r\n"}
QUIT_CUT = {"QUIT": [Close()]}
SHORT = ("--timeout", "2")
EVERY_MODE = ((), ("-n",), ("-d",), ("-n", "-d"))


class Scripted(Hostile):
    """A server that answers by what a command is about: `script(connection, line, uid)` gives the reply, or None for the right one. `uid`
    is that of the message that the command names, or None."""

    def __init__(self, script, **server):
        self.script = script
        super().__init__(**server)

    def connection(self, client, commands):
        return ScriptedConnection(self, client, commands)

    def uid_of(self, connection, line):
        number = line.partition(" ")[2].partition(" ")[0]
        return connection.uids.get(int(number)) if number.isdigit() else None


class ScriptedConnection(Connection):
    def _reply_to(self, line):
        given = self.server.script(self, line, self.server.uid_of(self, line))
        right = super()._reply_to(line) if given is None or callable(given) else given
        return given(right) if callable(given) else right


def later(seconds, reply):
    return [Pause(seconds), *(reply if isinstance(reply, list) else [reply])]


def quit_is_lost_but_done(connection, line, uid):
    """The server removes what was marked, and closes without a word."""
    if line != "QUIT":
        return None
    connection._remove()
    return [Close()]


class RecordTest(unittest.TestCase):
    def place(self, **options):
        place = command.Place(**options)
        self.addCleanup(place.remove)
        return place

    def record_files(self, place):
        return sorted(path for path in (place.state / "popcl").iterdir()) if (place.state / "popcl").is_dir() else []

    def retrieved(self, server, since=0):
        return [c for c in server.commands[since:] if c.startswith("RETR")]

    def flaky(self, options, rng, keeps=0):
        """Runs with these options store each message once, although the server resets now and then. In the end it has the newest `keeps` messages."""
        mail = [message(n, 3 + n % 7) for n in range(1, 41)]
        whole = []

        def script(connection, line, uid):
            if rng.random() >= 0.06:
                if line.startswith("RETR"):
                    whole.append(uid)
                return None
            cut = rng.random()
            return lambda right: self.cut_off(right, cut)

        place = self.place()
        with Scripted(script, messages=mail, out=place.out) as server:
            for run in range(150):
                result = place.run(server.port, *options, code=(0, 75))
                self.assertLessEqual(len(set(place.contents())), 40)
                if result.code == 0 and (not keeps or len(server.messages) == keeps):  # a run deletes by place only what an earlier one stored
                    break
            else:
                self.fail("it did not come to rest")
            self.assertEqual((server.messages, server.violations), (mail[len(mail) - keeps:], []))
            self.assertEqual(sorted(whole), sorted(set(whole)), "a message that came whole was fetched again")
        self.assertEqual(place.contents(), sorted(mail))

    @staticmethod
    def cut_off(right, cut):
        octets = right if isinstance(right, bytes) else b"".join(step for step in right if isinstance(step, bytes))
        return [octets[:int(len(octets) * cut * 0.9)] or Pause(0), Reset()]


# ---- evidence ----

class Evidence(RecordTest):
    """[G14] DELE without fetching: by a UID and LIST's size that are both unchanged, or not at all."""

    def stored_but_not_confirmed(self, place, server, *options):
        """The run whose QUIT got no answer, although the server did remove everything."""
        server.script = quit_is_lost_but_done
        place.run(server.port, "-d", *options, code=75)
        server.script = lambda *_: None

    def new_message_arrives(self, first, second, uids, replies, *options):
        place = self.place()
        with Scripted(None, messages=[first], uids=[uids[0]], replies=replies, out=place.out) as server:
            self.stored_but_not_confirmed(place, server, *options)
            self.assertEqual(server.messages, [])
            server.messages, server.uids = [second], [uids[1]]
            result = place.run(server.port, "-d", *options)
            self.assertEqual(server.violations, [], result)
            self.assertEqual(server.messages, [], result)
        self.assertEqual(set(place.contents()), {first, second}, result)

    def test_equal_headers_without_uidl(self):
        """[G14 Q6 B46] A new message whose header is like that of a stored one is fetched, whatever its size is."""
        plain = b"From: sensor@example.org\r\nSubject: state\r\n\r\n"
        dated = b"Date: Sat, 01 Jan 2000 00:00:00 +0000\r\n" + plain
        named = b"Message-ID: <always@the.same>\r\n" + plain
        for head in (plain, dated, named):
            for body in (b"20.6 C\r\n", b"ALARM, 99 C\r\n"):
                for options in ((), ("-n",)):
                    with self.subTest(head=head, body=body, options=options):
                        self.new_message_arrives(head + b"20.5 C\r\n", head + body, ("a", "b"), NO_UIDL, *options)

    def test_top_without_end(self):
        """[Q6 G14] TOP that gives one line and no blank line names nothing: all messages have that line."""
        head = b"Return-Path: <list@example.org>\r\n"
        top = {**NO_UIDL, "TOP": b"+OK\r\n" + head + b".\r\n"}
        for options in ((), ("-n",)):
            self.new_message_arrives(head + message(1), head + message(2), ("a", "b"), top, *options)
        place = self.place()
        with Hostile(messages=[head + message(1)], replies=top) as server:
            place.run(server.port, "-n")
            server.messages.append(head + message(2))
            server.uids.append("b")
            place.run(server.port, "-n")
        self.assertEqual(set(place.contents()), {head + message(1), head + message(2)})

    def test_uids_that_are_numbers(self):
        """[Q18 G14] A server whose UIDs are the messages' numbers gives the new message 1 the UID of the old one, even with its size."""
        for options in ((), ("-n",)):
            self.new_message_arrives(message(1), message(2), ("1", "1"), {}, *options)
            place = self.place()
            with Hostile(messages=[message(1)], uids=["1"]) as server:
                place.run(server.port, *options)
                server.messages = [message(2)]
                place.run(server.port, "-n")
            self.assertEqual(set(place.contents()), {message(1), message(2)})

    def test_uid_that_is_given_again(self):
        """[R34 G14] Once a deletion is confirmed, the server may give its UID to another message (RFC 1939, 7), even of the same size:
        -n fetches that one."""
        for second in (message(2), message(3, lines=9)):
            for options in (("-n",), ("-n", "-d")):
                with self.subTest(size=len(second), options=options):
                    place = self.place()
                    with Hostile(messages=[message(1)], uids=["a"], out=place.out) as server:
                        place.run(server.port, "-n", "-d")
                        server.messages, server.uids = [second], ["a"]
                        result = place.run(server.port, *options)
                        self.assertEqual((result.count, server.violations), (1, []), result)
                        self.assertEqual(place.run(server.port, *options).count, 0)
                    self.assertEqual(place.contents(), sorted([message(1), second]))

    def test_uid_that_was_away(self):
        """[G14] QUIT was done, and its answer lost; then a listing without the message, or none in
        an empty maildrop; then its UID, with the same size, for another."""
        for between in ([message(5)], []):
            for options in ((), ("-n",)):
                place = self.place()
                with Scripted(None, messages=[message(1)], uids=["a"], out=place.out) as server:
                    self.stored_but_not_confirmed(place, server, *options)
                    server.messages, server.uids = between, ["b"] * len(between)
                    place.run(server.port, "-d", *options)
                    server.messages, server.uids = [message(2)], ["a"]
                    result = place.run(server.port, "-d", *options)
                    self.assertEqual(server.violations, [], result)
                self.assertEqual(place.contents(), sorted([message(1), message(2), *between]), result)

    def test_quit_that_deletes_nothing(self):
        """[G14] A server that confirms deletions and makes none: the message is fetched again, and stands there once."""
        place = self.place()

        def script(connection, line, uid):
            connection.deleted = []

        with Scripted(script, messages=[message(1)]) as server:
            for _ in range(3):
                place.run(server.port, "-n", "-d")
        self.assertEqual(place.contents(), [message(1)])

    def test_uid_that_breaks_the_rules(self):
        """[Q7 B48 G14] A UID over 70 octets, or with a space, names a message for -n; nothing is deleted unfetched by it."""
        for uid in ("x" * 100, "two words"):
            self.new_message_arrives(message(1), message(2), (uid, uid), {})
            place = self.place()
            with Hostile(messages=[message(1), message(2)], uids=[uid, "good"]) as server:
                self.assertEqual(place.run(server.port, "-n").count, 2)
                self.assertEqual(place.run(server.port, "-n").count, 0)

    def test_uid_used_again_with_another_size(self):
        """[B51 R35 G14] A server that gives a new message the UID of one that is gone."""
        for options in ((), ("-n",)):
            self.new_message_arrives(message(1), message(2, 40), ("same", "same"), {}, *options)

    def test_size_that_cannot_be_read(self):
        """[G14 B43] Where LIST gives no size, in the first session or in the second, the UID alone is too little."""
        for first, second in ((b"1 -5", b"1 -5"), (b"1 -5", None), (None, b"1 ?")):
            place = self.place()
            listing = lambda size: {"LIST": b"+OK\r\n" + size + b"\r\n.\r\n"} if size else {}
            with Hostile(messages=[message(1)], replies={**QUIT_CUT, **listing(first)}, out=place.out) as server:
                place.run(server.port, "-d", code=75)
                server.replies = listing(second)
                place.run(server.port, "-d")
                self.assertEqual(len(self.retrieved(server)), 2)
                self.assertEqual((server.messages, server.violations), ([], []))
            self.assertEqual(place.contents(), [message(1)])  # the store knows equal octets

    def test_one_uid_named_twice(self):
        """[B50 G14] Two messages of one UID: neither is deleted on the word of an earlier session, when one of them is new."""
        place = self.place()
        with Hostile(messages=[message(1)], uids=["same"], replies=QUIT_CUT, out=place.out) as server:
            place.run(server.port, "-d", code=75)
            server.replies = {}
            server.messages.append(message(2))
            server.uids.append("same")
            place.run(server.port, "-d")
            self.assertEqual((server.messages, server.violations), ([], []))
        self.assertEqual(set(place.contents()), {message(1), message(2)})

    def test_new_only_without_uidl_compares_sizes(self):
        """[B46 R32 G14] -n without UIDL: same header, other size: fetched. The same header twice in one listing: fetched in doubt."""
        place = self.place()
        head = b"Message-ID: <always@the.same>\r\nSubject: state\r\n\r\n"
        with Hostile(messages=[head + b"20.5 C\r\n"], replies=NO_UIDL) as server:
            self.assertEqual(place.run(server.port, "-n").count, 1)
            self.assertEqual(place.run(server.port, "-n").count, 0)
            server.messages.append(head + b"ALARM, 99 C\r\n")
            server.uids.append("b")
            place.run(server.port, "-n")
            server.messages = [head + b"20.5 C\r\n", head + b"20.7 C\r\n"]
            place.run(server.port, "-n")
        self.assertEqual(set(place.contents()), {head + t + b"\r\n" for t in (b"20.5 C", b"ALARM, 99 C", b"20.7 C")})

    def test_one_message_without_uid(self):
        """[B47 G14] A line of UIDL without UID: -n tells the message by header and size, and so comes to rest."""
        place = self.place()
        with Hostile(replies={"UIDL": b"+OK\r\n1 uid1\r\n2\r\n3 uid3\r\n.\r\n"}) as server:
            self.assertEqual(place.run(server.port, "-n").count, 3)
            place.run(server.port, "-n")  # now its size is known too
            for _ in range(3):
                self.assertEqual(place.run(server.port, "-n").count, 0)
            server.messages[1] = message(2, 50)
            self.assertEqual(place.run(server.port, "-n").count, 1)
        self.assertEqual(set(place.contents()), {message(1), message(2), message(2, 50), message(3)})

    def test_headers_that_tell_nothing(self):
        """[B46 G14] Without Message-ID, Received and Date a header is no name: each body is fetched, though sizes are equal."""
        place = self.place()
        mail = [b"From: sensor@x\r\nSubject: state\r\n\r\n2%d.5 C\r\n" % n for n in range(3)]
        with Hostile(messages=mail[:1], replies=NO_UIDL) as server:
            for one in mail:
                server.messages = [one]
                place.run(server.port, "-n")
        self.assertEqual(place.contents(), sorted(mail))


# ---- each once ----

class EachOnce(RecordTest):
    """[G11] What a -d run stored is fetched once, whatever becomes of QUIT."""

    def test_seven_quits_without_an_answer(self):
        """[G11 Q4 B59] Seven in a row, and then one: a single RETR a message. Also where LIST's sizes are never right."""
        inexact = b"+OK\r\n1 1024\r\n2 0\r\n3 1\r\n.\r\n"
        for replies in ({}, {"LIST": inexact}):
            for options in (("-d",), ("-n", "-d")):
                for lost in ([Close()], [Reset()], b"-ERR not removed\r\n"):
                    with self.subTest(replies=replies, options=options, lost=lost):
                        place = self.place()
                        with Hostile(replies={**replies, "QUIT": lost}, out=place.out) as server:
                            for run in range(7):
                                result = place.run(server.port, *options, code=75)
                                self.assertEqual(result.count, 0 if run else 3)
                            server.replies = replies
                            self.assertEqual(place.run(server.port, *options).count, 0)
                            self.assertEqual(sorted(self.retrieved(server)), ["RETR 1", "RETR 2", "RETR 3"])
                            self.assertEqual((server.messages, server.violations), ([], []))
                        self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_a_server_that_resets_now_and_then(self):
        """[G11 Q17 A13] 40 messages, and 6 of 100 commands end in a reset, before the reply or inside it: each message is here once at the
        end, the maildrop is empty, and no message that was stored is fetched again."""
        for options in (("-d",), ("-n", "-d")):
            for seed in (1, 2):
                with self.subTest(options=options, seed=seed):
                    self.flaky(options, random.Random(seed))

    def test_uidl_refused_once(self):
        """[B46 Q17] An account that is known by UIDs waits where UIDL is refused: nothing is fetched a second time, under another name."""
        for options in EVERY_MODE:
            with self.subTest(options=options):
                place = self.place()
                with Hostile(replies=QUIT_CUT, out=place.out) as server:
                    place.run(server.port, *options, code=75 if "-d" in options else 0)
                    server.replies = NO_UIDL
                    before = len(server.commands)
                    result = place.run(server.port, *options, code=75)
                    self.assertFalse({"RETR", "TOP", "DELE"} & {c.split()[0] for c in server.commands[before:]}, result)
                    server.replies = {}
                    place.run(server.port, *options)
                    self.assertEqual(server.violations, [])
                self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_uidl_refused_for_good(self):
        """[B46] After three such runs in a row mail arrives all the same, under the names of headers, and that is said."""
        place = self.place()
        with Hostile() as server:
            place.run(server.port, "-n")
            server.replies = NO_UIDL
            server.messages.append(message(4))
            server.uids.append("uid4")
            for _ in range(3):
                place.run(server.port, "-n", code=75)
            self.assertIn("no UIDs", place.run(server.port, "-n").err)
            self.assertEqual(place.run(server.port, "-n").count, 0)
        self.assertEqual(set(place.contents()), {message(n) for n in (1, 2, 3, 4)})

    def test_empty_body(self):
        """[Q19] LIST gives octets, RETR none: stored, told (75), not deleted, and fetched again until it has something in it."""
        for options in EVERY_MODE:
            for replies in ({}, NO_UIDL) if "-d" in options or "-n" in options else ({},):
                with self.subTest(options=options, replies=replies):
                    place = self.place()
                    empty = lambda connection, line, uid: b"+OK\r\n.\r\n" if line.startswith("RETR") and uid == "uid2" else None
                    with Scripted(empty, replies=replies) as server:
                        for _ in range(2):
                            place.run(server.port, *options, code=75)
                        self.assertIn(message(2), server.messages)
                        server.script = lambda *_: None
                        place.run(server.port, *options)
                    self.assertIn(message(2), place.contents())


class Answered(RecordTest):
    """[A12 Q11] An answer to QUIT that nothing depends on."""

    def test_quit_is_lost(self):
        """[A12 Q11 I4] Nothing was marked and every message is stored: 0, and -v tells."""
        for lost in ([Close()], [Reset()], [Hang()], b"-ERR no\r\n", [b"+OK by", Close()]):
            for options in ((), ("-n",), ("--list",), ("--check",)):
                with self.subTest(lost=lost, options=options):
                    place = self.place()
                    with Hostile(replies={"QUIT": lost}) as server:
                        result = place.run(server.port, "-v", *SHORT, *options)
                        self.assertRegex(result.err, "QUIT|did not remove")

    def test_what_is_missing_still_counts(self):
        """[A12 B54 B59] With a deletion pending, or a message that was not stored, it is 75."""
        for replies, options in (({}, ("-d",)), ({"RETR 2": b"-ERR not now\r\n"}, ())):
            with Hostile(replies={**QUIT_CUT, **replies}) as server:
                self.place().run(server.port, *options, code=75)

    def test_nothing_to_delete(self):
        """[A12] -d on an empty maildrop, or where all that is new was marked by nobody."""
        with Hostile(messages=[], replies=QUIT_CUT) as server:
            self.place().run(server.port, "-d")


# ---- one bad message ----

def poison(how):
    """RETR of the message "bad" always ends like this."""
    return lambda connection, line, uid: how if line.startswith("RETR") and uid == "bad" else None


class Poison(RecordTest):
    """[Q17] One message at which the session breaks every time."""

    HOW = {"a reset inside the body": [b"+OK\r\nSubject: x\r\n\r\nhalf", Reset()],
           "a reset in place of the reply": [Reset()],
           "the end inside the body": [b"+OK\r\nSubject: x\r\n", Close()],
           "no line end before the dot": [b"+OK\r\nSubject: x\r\n\r\nno line end.\r\n", Hang()],
           "silence": [Hang()],
           "a reset after a refusal": [b"-ERR cannot open it\r\n", Reset()],
           "the end after a refusal": [b"-ERR cannot open it\r\n", Close()]}

    def maildrop(self, count=40, at=20):
        mail = [message(n) for n in range(1, count + 1)]
        return mail, [f"uid{n}" if n != at else "bad" for n in range(1, count + 1)], mail[at - 1]

    def run_poisoned(self, how, options, replies=(), code=75):
        mail, uids, bad = self.maildrop()
        place = self.place()
        asked = []  # the sessions that asked for the bad one

        def script(connection, line, uid):
            if line.startswith("RETR") and uid == "bad":
                asked.append(connection.commands)
            return poison(how)(connection, line, uid)

        with Scripted(script, messages=mail, uids=uids, replies=dict(replies), out=place.out) as server:
            result = place.run(server.port, *SHORT, *options, code=code)
            self.assertEqual(place.contents(), sorted(m for m in mail if m != bad), result)
            self.assertEqual(result.count, 39, result)
            self.assertLessEqual(len(server.sessions), 3)
            self.assertEqual(len(asked), 2, "met, and then tried alone")
            self.assertIs(asked[-1], server.sessions[-1])
            self.assertEqual([c.split()[0] for c in asked[-1] if c.split()[0] in ("RETR", "DELE")], ["RETR"])
            if "-d" in options:
                self.assertEqual(server.messages, [bad], "the other 39 are deleted in the first run")
            # the next run: what is new comes first, and the bad one alone
            server.messages.append(message(99))
            server.uids.append("new")
            sessions = len(server.sessions)
            result = place.run(server.port, *SHORT, *options, code=75)
            self.assertIn(message(99), place.contents(), result)
            self.assertTrue(any(c.startswith("RETR") for c in server.sessions[sessions]))
            self.assertIs(asked[-1], server.sessions[-1])
            self.assertEqual(len([c for c in asked[-1] if c.startswith(("RETR", "DELE"))]), 1)
            # then it heals
            server.script = lambda *_: None
            result = place.run(server.port, *SHORT, *options)
            self.assertEqual(server.violations, [], result)
            if "-d" in options:
                self.assertEqual(server.messages, [], result)
        self.assertEqual(place.contents(), sorted([*mail, message(99)]), result)

    def test_one_of_forty(self):
        """[Q17] The other 39 are stored (and deleted with -d) in the first run; the bad one is tried alone and last; later it heals."""
        for name, how in self.HOW.items():
            for options in EVERY_MODE if "reset" in name else (("-n", "-d"),):
                with self.subTest(name, options=options):
                    self.run_poisoned(how, options)

    def test_one_of_forty_and_quit_is_never_answered(self):
        """[Q17 G11] The bad one is tried whether or not QUIT was answered."""
        mail, uids, bad = self.maildrop(8, 3)
        place = self.place()
        how = self.HOW["a reset inside the body"]
        with Scripted(poison(how), messages=mail, uids=uids, replies=QUIT_CUT, out=place.out) as server:
            place.run(server.port, "-n", "-d", code=75)
            self.assertEqual(place.contents(), sorted(m for m in mail if m != bad))
            self.assertEqual([c for c in server.sessions[-1] if c.startswith(("RETR", "DELE"))], ["RETR 3"])
            server.script = lambda *_: None
            place.run(server.port, "-n", "-d", code=75)
            self.assertEqual(server.violations, [])
        self.assertEqual(place.contents(), sorted(mail))

    def test_alone_and_refused_behind_a_quit_without_answer(self):
        """[Q17 A12] QUIT's answer is missing, which matters to nobody; then the last one is refused, or its session ends in UIDL: the
        run has not got every message."""
        mail, uids, _ = self.maildrop(3, 2)
        for refusal in ("RETR 2", "UIDL"):
            for options in ((), ("-n",)):
                with self.subTest(refusal, options=options):
                    place = self.place()
                    with Scripted(poison([b"+OK\r\nhalf", Reset()]), messages=mail, uids=uids) as server:

                        def breaks_once(connection, line, uid):
                            """The first run meets the bad one, and may not connect again."""
                            if line.startswith("PASS") and len(server.sessions) > 1:
                                return b"-ERR [IN-USE] wait\r\n"
                            return b"+OK\r\n" if line.startswith("PASS") else poison([Reset()])(connection, line, uid)

                        server.script = breaks_once
                        place.run(server.port, *options, code=75)
                        first = len(server.sessions)

                        def then(connection, line, uid):
                            if line == "QUIT":
                                return [Close()]
                            if line == refusal and len(server.sessions) > first + 1:
                                return [Reset()] if line == "UIDL" else b"-ERR [SYS/TEMP] not now\r\n"
                            return None

                        server.script = then
                        result = place.run(server.port, *options, code=75)
                        self.assertEqual(len(server.sessions), first + 2, result)
                        self.assertNotIn(mail[1], place.contents())

    def test_alone_under_another_name(self):
        """[Q17] UIDL is refused, but for the session that tries one message alone: that one has another name there, and is not found."""
        mail, uids, _ = self.maildrop(3, 2)
        place = self.place()
        given = []  # the sessions in which UIDL is answered

        def script(connection, line, uid):
            if line == "UIDL" and len(connection.server.sessions) not in given:
                return b"-ERR not now\r\n"
            return poison([Reset()])(connection, line, uid)

        with Scripted(script, messages=mail, uids=uids) as server:
            place.run(server.port, code=75)
            given.append(len(server.sessions) + 2)
            result = place.run(server.port, code=75)
            self.assertEqual((len(server.sessions), result.count), (given[0], 2), result)
            server.script = lambda *_: None
            place.run(server.port)
        self.assertLessEqual(set(mail), set(place.contents()))

    def test_alone_and_nothing_else_is_wanted(self):
        """[Q17] Where nothing else is wanted it is tried in the first connection: a server may want time between logins."""
        mail, uids, _ = self.maildrop(3, 2)
        for options in (("-n",), ("-n", "-d")):
            place = self.place()
            with Scripted(poison([b"+OK\r\nhalf", Reset()]), messages=mail, uids=uids) as server:
                place.run(server.port, *options, code=75)
                sessions = len(server.sessions)
                place.run(server.port, *options, code=75)
                self.assertEqual(len(server.sessions) - sessions, 1)
                self.assertEqual(len([c for c in server.sessions[-1] if c.startswith("RETR")]), 1)

    def test_several_have_their_turn(self):
        """[Q17] Of five bad ones each is tried in some run: the one with the fewest tries first. Three connections a run at most."""
        place = self.place()
        mail = [message(n) for n in range(1, 11)]
        tried = set()

        def script(connection, line, uid):
            if not line.startswith("RETR") or uid not in {f"uid{n}" for n in range(2, 7)}:
                return None
            tried.add(uid)
            return [b"+OK\r\nhalf", Reset()]

        with Scripted(script, messages=mail, out=place.out) as server:
            for _ in range(3):
                sessions = len(server.sessions)
                place.run(server.port, "-n", "-d", code=75)
                self.assertLessEqual(len(server.sessions) - sessions, 3)
            self.assertEqual(place.contents(), sorted(m for n, m in enumerate(mail, 1) if n not in range(2, 7)))
            tried.clear()
            for _ in range(3):
                place.run(server.port, "-n", "-d", code=75)
            self.assertEqual(len(tried), 5)
            server.script = lambda *_: None
            for _ in range(2):
                result = place.run(server.port, "-n", "-d", code=(0, 75))
            self.assertEqual((result.code, server.messages), (0, []))
        self.assertEqual(place.contents(), sorted(mail))

    def test_without_uidl(self):
        """[Q17 B46] The same where messages are named by their headers."""
        mail, uids, bad = self.maildrop(8, 3)
        for options in EVERY_MODE:
            with self.subTest(options=options):
                place = self.place()
                with Scripted(poison([b"+OK\r\nhalf", Reset()]), messages=mail, uids=uids, replies=NO_UIDL, out=place.out) as server:
                    result = place.run(server.port, *options, code=75)
                    self.assertEqual(set(place.contents()), {m for m in mail if m != bad}, result)
                    self.assertEqual(result.count, 7, result)
                    server.script = lambda *_: None
                    place.run(server.port, *options)
                    self.assertEqual(server.violations, [])
                self.assertEqual(set(place.contents()), set(mail))

    def test_without_uidl_and_top(self):
        """[Q17 B46] Nothing names a message before it is there: the bad one is known by its number, for this run."""
        mail, uids, bad = self.maildrop(8, 3)
        nothing = {**NO_UIDL, "TOP": b"-ERR what?\r\n", "CAPA": b"+OK\r\nUSER\r\n.\r\n"}
        for options in ((), ("-d",)):
            place = self.place()
            with Scripted(poison([b"+OK\r\nhalf", Reset()]), messages=mail, uids=uids, replies=nothing, out=place.out) as server:
                for _ in range(2):
                    result = place.run(server.port, *options, code=75)
                    self.assertEqual(set(place.contents()), {m for m in mail if m != bad}, result)
                self.assertEqual(server.messages, [bad] if options else mail)
                server.script = lambda *_: None
                place.run(server.port, *options)
                self.assertEqual(server.violations, [])
            self.assertEqual(set(place.contents()), set(mail))

    def test_without_uidl_the_header_breaks_the_session(self):
        """[Q17 B46] TOP of one message always resets: the others arrive all the same."""
        mail, uids, bad = self.maildrop(8, 3)
        top = lambda connection, line, uid: [Reset()] if line.startswith("TOP") and uid == "bad" else None
        for options in (("-n",), ("-n", "-d")):
            place = self.place()
            with Scripted(top, messages=mail, uids=uids, replies=NO_UIDL, out=place.out) as server:
                for _ in range(2):
                    result = place.run(server.port, *options, code=75)
                    self.assertEqual(set(place.contents()), {m for m in mail if m != bad}, result)
                server.script = lambda *_: None
                place.run(server.port, *options)
                self.assertEqual(server.violations, [])
            self.assertEqual(set(place.contents()), set(mail))

    def test_too_large_and_without_end(self):
        """[Q17 B42] A message that is larger than LIST says, over --max-size, and never ends: skipped, and no other one waits for it."""
        mail, uids, bad = self.maildrop(6, 3)
        endless = poison([b"+OK\r\nSubject: x\r\n\r\n", b"x" * 5000, Hang()])
        for options in EVERY_MODE:
            place = self.place()
            with Scripted(endless, messages=mail, uids=uids, out=place.out) as server:
                for _ in range(2):
                    result = place.run(server.port, *SHORT, "--max-size", "2000", *options, code=(0, 75))
                    self.assertEqual(place.contents(), sorted(m for m in mail if m != bad), result)
                self.assertIn(bad, server.messages)
                if "-n" in options:  # it is remembered as too large
                    before = len(server.commands)
                    place.run(server.port, *SHORT, "--max-size", "2000", *options, code=(0, 75))
                    self.assertEqual(self.retrieved(server, before), [])

    def test_too_large_and_flows_until_the_time_is_up(self):
        """[Q17 B42] With a deletion pending the rest is read for as long as there is time. The next run does not begin with it again."""
        mail, uids, bad = self.maildrop(6, 3)
        endless = poison([b"+OK\r\nSubject: x\r\n\r\n", Repeat(b"x" * 70 + b"\r\n")])
        place = self.place()
        with Scripted(endless, messages=mail, uids=uids, out=place.out) as server:
            place.run(server.port, "--max-time", "4", "--max-size", "2000", "-d", code=75)
            result = place.run(server.port, "--max-time", "30", "--max-size", "2000", "-d")
            self.assertEqual((place.contents(), server.messages), (sorted(m for m in mail if m != bad), [bad]), result)
            self.assertIn("larger than --max-size", result.err)

    def test_a_further_connection_is_refused(self):
        """[Q17 R46 E7] IN-USE, LOGIN-DELAY, a closed door or a "wrong password": the rest is left for the next run, 75, one count line."""
        for refusal in (b"-ERR [IN-USE] locked\r\n", b"-ERR [LOGIN-DELAY] wait\r\n", b"-ERR wrong password\r\n", [Close()]):
            with self.subTest(refusal=refusal):
                place = self.place()
                mail, uids, bad = self.maildrop(4, 2)

                def script(connection, line, uid):
                    if line.startswith("PASS") and len(connection.server.sessions) > 1:
                        return refusal
                    return poison([b"+OK\r\nhalf", Reset()])(connection, line, uid)

                with Scripted(script, messages=mail, uids=uids, out=place.out) as server:
                    result = place.run(server.port, "-n", "-d", code=75)
                    self.assertEqual((len(server.sessions), result.count), (2, 1))
                    server.script = poison([b"+OK\r\nhalf", Reset()])
                    server.sessions.clear()
                    result = place.run(server.port, "-n", "-d", code=75)
                    self.assertEqual((result.count, server.messages), (2, [bad]))

    def test_a_further_connection_without_a_store(self):
        """--list and --check have no directory to open again: a server that closes at the CAPA after the login is asked once more without it."""
        for action in ("--check", "--list"):
            place = self.place()
            script = lambda connection, line, uid: [Close()] if line == "CAPA" else None
            with Scripted(script, messages=[b"Subject: x\r\n\r\nx\r\n"], uids=["a"]) as server:
                place.run(server.port, action, "--auth", "user", code=0)
                self.assertIn("UIDL", server.commands)

    def test_utf8_and_lang(self):
        """[R90 R91] Both are sent before the login if they are offered, and mail for UTF-8 clients only names the option."""
        capa = {"offers": b"UTF8\r\nLANG\r\n"}

        def script(connection, line, uid):
            if line == "CAPA":
                return b"+OK\r\nUSER\r\nUIDL\r\n%s.\r\n" % capa["offers"]
            if line.startswith("RETR") and "UTF8" not in connection.server.commands:
                return b"-ERR [UTF8] not for you\r\n"
            return b"+OK\r\n" if line.startswith(("UTF8", "LANG")) else None

        with Scripted(script, messages=[b"Subject: x\r\n\r\nx\r\n"], uids=["a"]) as server:
            self.assertIn("give --utf8", self.place().run(server.port, code=69).err)
            self.assertNotIn("UTF8", server.commands)
            self.assertEqual(self.place().run(server.port, "--utf8", "--lang", "de").count, 1)
            order = [server.commands.index(word) for word in ("LANG de", "UTF8")]
            self.assertEqual(order, sorted(order))
            self.assertLess(order[1], max(i for i, c in enumerate(server.commands) if c.startswith("USER")))

    def test_a_delay_between_logins(self):
        """[R46 R47] Once the server has refused a login with [LOGIN-DELAY], an early run ends with 75 and does not connect. EXPIRE is told once."""
        state = {"refuses": False, "delay": 300}

        def script(connection, line, uid):
            if line == "CAPA":
                return b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\nEXPIRE 0\r\nLOGIN-DELAY %d\r\n.\r\n" % state["delay"]
            return b"-ERR [LOGIN-DELAY] wait\r\n" if line.startswith("PASS") and state["refuses"] else None

        place = self.place()
        with Scripted(script, messages=[b"Subject: x\r\n\r\nx\r\n"], uids=["a"]) as server:
            first, second = (place.run(server.port, "-n") for _ in range(2))  # an announcement alone makes no run wait
            self.assertEqual((first.count, second.count, len(server.sessions)), (1, 0, 2))
            self.assertIn("EXPIRE 0", first.err)
            self.assertNotIn("EXPIRE 0", second.err)
            state["refuses"] = True
            refused = place.run(server.port, "-n", code=75)
            self.assertIn("wants more time between logins", refused.err)
            early = place.run(server.port, "-n", code=75)
            self.assertEqual(len(server.sessions), 3, early)
            self.assertRegex(early.err, r"its delay between logins lasts for another \d+ s; popcl did not connect")
            other = self.place()  # another account's record is no reason
            other.run(server.port, "-n", code=75)
            self.assertEqual(len(server.sessions), 4)
            state.update(refuses=True, delay=1)
            brief = self.place()
            brief.run(server.port, "-n", code=75)
            state["refuses"] = False
            time.sleep(1.1)
            self.assertEqual(brief.run(server.port, "-n").count, 1)  # the delay is over
            self.assertEqual(brief.run(server.port, "-n").count, 0)

    def test_limits_hold_for_the_whole_run(self):
        """[Q17 I5] --limit and --max-time are those of the run, not of a connection."""
        mail, uids, bad = self.maildrop(8, 3)
        place = self.place()
        with Scripted(poison([b"+OK\r\nhalf", Reset()]), messages=mail, uids=uids) as server:
            self.assertEqual(place.run(server.port, "-n", "--limit", "4", code=(0, 75)).count, 4)
            self.assertEqual(len(self.retrieved(server)), 5)
        place = self.place()
        with Scripted(poison([b"+OK\r\n", Drip(b"x" * 100000, 0.02)]), messages=mail, uids=uids) as server:
            began = time.monotonic()
            place.run(server.port, "-n", "--max-time", "6", "--timeout", "20", code=75)
            self.assertLess(time.monotonic() - began, 60)
            place.run(server.port, "-n", "--max-time", "6", "--timeout", "20", code=75)
            self.assertEqual(place.contents(), sorted(m for m in mail if m != bad))

    def test_a_signal_ends_the_run(self):
        """[L4 Q17] A signal while a body hangs is no fault of the message, and no further connection follows."""
        mail, uids, _ = self.maildrop(4, 2)
        place = self.place()
        with Scripted(poison([b"+OK\r\nhalf", Hang()]), messages=mail, uids=uids) as server:
            args = place.arguments(server.port, ("-n", "--timeout", "100"))
            process = place.start(args)
            wait_until(lambda: any(c.startswith("RETR 2") for c in server.commands))
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            result = place.finish(process, args)
            self.assertEqual((result.code, len(server.sessions)), (143, 1), result)
            server.script = lambda *_: None
            place.run(server.port, "-n")
            self.assertEqual(len(server.sessions), 2)  # it was not put off
        self.assertEqual(place.contents(), sorted(mail))

    def test_progress_and_count_are_one(self):
        """[Q17] One count line, one warning of clear text, however many connections there were."""
        mail, uids, _ = self.maildrop(6, 3)
        with Scripted(poison([Reset()]), messages=mail, uids=uids) as server:
            result = self.place().run(server.port, code=75)
            self.assertEqual(len(server.sessions), 3)
            self.assertEqual((result.out, result.err.count("no encryption")), ("5 messages downloaded.\n", 1))


# ---- the file ----

def account_name(port, user="user", host="127.0.0.1"):
    return hashlib.sha256(f"{user}\0{host}\0{port}".encode()).hexdigest()[:32]


def old_file(uids, key=bytes(range(16))):
    """As version 0.1.0 wrote it: {uid: marks}."""
    octets = b"PSN1" + len(uids).to_bytes(4, "big") + key + bytes(8)
    octets += b"".join(hashlib.sha256(key + uid.encode()).digest()[:8] + bytes([marks]) for uid, marks in uids.items())
    return octets + hashlib.sha256(octets).digest()


class File(RecordTest):
    """Where the record is, what becomes of it, and who may use it."""

    def test_random_kills(self):
        """[F18 G1 G2 G3 L9] kill -9 at any moment of a -n -d run: every message is here once in the end, and nothing lies about.
        POPCL_KILLS says how many (12)."""
        kills = int(os.environ.get("POPCL_KILLS", "12"))
        rng = random.Random(1)
        place = self.place()
        mail = [message(n, 40) for n in range(1, 301)]
        slow = lambda connection, line, uid: (lambda right: later(0.001, right)) if line[:4] in ("RETR", "QUIT") else None
        with Scripted(slow, messages=list(mail), out=place.out) as server:
            began = time.monotonic()
            place.run(server.port, "-n", "--limit", "100")
            each = (time.monotonic() - began) / 100  # a message takes, on this machine
            for kill in range(kills):
                if len(server.messages) < 150:
                    more = [message(1000 * (kill + 1) + n, 40) for n in range(200)]
                    mail += more
                    server.messages += more
                    server.uids += [f"kill{kill}-{n}" for n in range(200)]
                process = place.start(place.arguments(server.port, ("-n", "-d", "--limit", "100")))
                time.sleep(rng.random() * each * 130)
                process.kill()
                process.communicate()
                server.until_over()
            server.script = lambda *_: None
            place.run(server.port, "-d")
            self.assertEqual((server.messages, server.violations), ([], []))
        self.assertEqual(place.contents(), sorted(mail))
        self.assertEqual([path.name for path in self.record_files(place)], [account_name(server.port)])

    def test_damage(self):
        """Cut or changed anywhere, the record counts as none, is kept aside, and that is said: nothing is lost, and nothing deleted unfetched."""
        place = self.place()
        rng = random.Random(2)
        with Hostile(replies=QUIT_CUT, out=place.out) as server:
            place.run(server.port, "-n", "-d", code=75)
            path, = self.record_files(place)
            whole = path.read_bytes()
            for damage in range(12):
                at = rng.randrange(len(whole))
                changed = bytearray(whole)
                changed[at] ^= 1 << rng.randrange(8)
                path.write_bytes(whole[:at] if damage % 2 else bytes(changed))
                result = place.run(server.port, "-n", "-d", code=75)
                self.assertIn("damaged", result.err)
                self.assertEqual(result.count, 3, result)
                self.assertEqual(path.with_name(path.name + ".damaged").exists(), True)
            self.assertEqual(server.violations, [])
        self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_old_form(self):
        """A file of version 0.1.0: what it holds as fetched is not fetched again, what was to be deleted is fetched once more, and it is
        rewritten. 995 and 110 are one account."""
        place = self.place()
        with Hostile(uids=["a", "b", "c"], out=place.out) as server:
            path = place.state / "popcl" / account_name(server.port)
            path.parent.mkdir(mode=0o700)
            path.write_bytes(old_file({"a": 1, "b": 5, "gone": 1}))
            path.chmod(0o600)
            result = place.run(server.port, "-n", "-v")
            self.assertEqual(result.count, 1, result)
            self.assertIn("earlier version", result.err)
            self.assertEqual(path.read_bytes()[:4], b"PRC2")
            self.assertEqual(place.run(server.port, "-n").count, 0)
            result = place.run(server.port, "-n", "-d")
            self.assertEqual(self.retrieved(server), ["RETR 3", "RETR 2"])
            self.assertEqual((server.uids, server.violations), (["a", "c"], []))

    def test_old_form_and_a_session_that_ends_early(self):
        """An old record is looked up by its own hashes until a listing was complete, also when runs end before."""
        place = self.place()
        with Hostile(uids=["a", "b", "c"], out=place.out) as server:
            path = place.state / "popcl" / account_name(server.port)
            path.parent.mkdir(mode=0o700)
            path.write_bytes(old_file({"a": 1, "b": 1}))
            path.chmod(0o600)
            for reply in ([b"+OK\r\n1 a\r\n2", Reset()], b"-ERR [SYS/TEMP] later\r\n", b"+OK\r\n3 c\r\n2 b\r\n1 a\r\n.\r\n"):
                server.replies = {"UIDL": reply}
                place.run(server.port, "-n", code=(0, 75))
            server.replies = {}
            self.assertEqual(place.run(server.port, "-n").count, 0)
            self.assertEqual(self.retrieved(server), ["RETR 3"])

    def test_it_is_named(self):
        """-v names the record; a fall-back to another place is said without it."""
        place = self.place()
        with Hostile() as server:
            self.assertIn(str(place.state / "popcl" / account_name(server.port)), place.run(server.port, "-v").err)
            self.assertNotIn("record", place.run(server.port).err)
            place.environment = {"XDG_STATE_HOME": "", "HOME": "/nonexistent"}
            result = place.run(server.port)
            self.assertIn("HOME", result.err)
            self.assertIn(str(place.out / ".popcl"), result.err)

    def planted(self, place, server, folder_mode, file_mode):
        """A record beside the mail, with everything due: as whoever knows the UIDs could make it."""
        place.environment = {"XDG_STATE_HOME": "", "HOME": "/nonexistent"}
        server.replies = QUIT_CUT
        place.run(server.port, "-d", code=75)
        server.replies = {}
        folder = place.out / ".popcl"
        file, = folder.iterdir()
        file.chmod(file_mode)
        folder.chmod(folder_mode)
        for path in place.out.iterdir():
            if path.is_file():
                path.unlink()  # the mail itself is not here: a deletion unfetched would lose it

    def test_a_record_that_others_may_write(self):
        """[L8] Beside the mail: a directory or a file that others may write is not believed, and that is said. All is fetched."""
        for folder_mode, file_mode in ((0o777, 0o600), (0o770, 0o600), (0o700, 0o666), (0o700, 0o620)):
            with self.subTest(folder=oct(folder_mode), file=oct(file_mode)):
                place = self.place()
                with Hostile(out=place.out) as server:
                    self.planted(place, server, folder_mode, file_mode)
                    result = place.run(server.port, "-d")
                    self.assertEqual((result.count, server.violations), (3, []), result)
                    self.assertRegex(result.err, "not believed|record of fetched messages is in .*popcl-")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be two users")
    def test_two_users_share_a_directory(self):
        """[L8 F20] Two users fetch into one -o: each has a record, and neither believes the other's."""
        first, second = self.place(owner=12345), self.place(owner=12346)
        shared = first.out
        first.root.chmod(0o755)
        shared.mkdir()
        shared.chmod(0o1777)
        with Hostile() as server:
            for place in (first, second):
                place.environment = {"XDG_STATE_HOME": "", "HOME": "/nonexistent"}
            for _ in range(2):
                for place in (first, second):
                    result = place.run(server.port, "-n", out=shared)
            self.assertEqual(len(self.retrieved(server)), 6)
            # the first user plants a record for the second
            server.replies = QUIT_CUT
            first.run(server.port, "-d", out=shared, code=75)
            for path in (shared / ".popcl").iterdir():
                path.chmod(0o644)
            (shared / ".popcl").chmod(0o755)
            (shared / ".popcl-12346" / account_name(server.port)).unlink()
            server.replies = {}
            before = len(server.commands)
            result = second.run(server.port, "-d", out=shared)
            self.assertEqual(len(self.retrieved(server, before)), 3, result)
        self.assertEqual({path.name for path in shared.iterdir() if path.is_dir()}, {".popcl", ".popcl-12346"})

    @contextlib.contextmanager
    def busy(self, place, server):
        """A run that stays inside its first message."""
        server.replies = {"RETR 1": [Hang()]}
        process = place.start(place.arguments(server.port, ("-n", "--timeout", "100")))
        try:
            wait_until(lambda: "RETR 1" in server.commands)
            yield process
        finally:
            process.kill()
            process.communicate()

    def test_two_runs_at_once(self):
        """[L10] The second waits for the first, or ends with 75 and says who has the record. --check and --list do not wait."""
        place = self.place()
        with Hostile() as server:
            with self.busy(place, server) as process:
                result = place.run(server.port, "-n", "--timeout", "1", code=75)
                self.assertIn(f"process {process.pid} ", result.err)
                self.assertEqual(len(server.sessions), 1, "it did not connect")
                place.run(server.port, "--check", "--timeout", "1")
                place.run(server.port, "--list", "--timeout", "1")
                args = place.arguments(server.port, ("-n", "--timeout", "100"))
                waiting = place.start(args)
                time.sleep(0.3)
                self.assertIsNone(waiting.poll())
                server.replies = {}
            result = place.finish(waiting, args)  # the first was killed: its lock is free
            self.assertEqual((result.code, result.count), (0, 3), result)
        self.assertEqual([path.name for path in self.record_files(place)], [account_name(server.port)])

    def test_the_time_of_the_run_ends_the_waiting(self):
        """[L10 L11] --max-time is that of the whole run: it ends the waiting for another one, and the time that was waited counts."""
        place = self.place()
        with Hostile() as server:
            with self.busy(place, server):
                result = place.run(server.port, "-n", "--timeout", "100", "--max-time", "1", code=75)
                self.assertIn("another run", result.err)
                args = place.arguments(server.port, ("-n", "--timeout", "100", "--max-time", "6"))
                waiting = place.start(args)
                time.sleep(3)
                server.replies = {"STAT": [Hang()]}
                began = time.monotonic()
            result = place.finish(waiting, args)
            self.assertEqual(result.code, 75, result)
            self.assertLess(time.monotonic() - began, 5.9, "less than --max-time from the end of the waiting on")

    def test_something_else_in_the_records_place(self):
        """[L8] A link, a directory or a FIFO is neither read nor replaced, and the error says what stands there."""
        for make in (lambda path: path.symlink_to("/dev/null"), pathlib.Path.mkdir, os.mkfifo):
            place = self.place()
            with Hostile() as server:
                (place.state / "popcl").mkdir(mode=0o700)
                make(place.state / "popcl" / account_name(server.port))
                result = place.run(server.port, "-n", code=73)
                self.assertIn("likely cause: a link, a directory or something else stands in the file's place", result.err)
                self.assertEqual(server.sessions, [])

    def test_a_signal_ends_the_waiting(self):
        """[L10 L4] SIGTERM while a run waits for another one."""
        place = self.place()
        with Hostile() as server, self.busy(place, server):
            args = place.arguments(server.port, ("-n", "--timeout", "100"))
            waiting = place.start(args)
            wait_until(lambda: catches(waiting.pid, signal.SIGTERM))
            waiting.send_signal(signal.SIGTERM)
            self.assertEqual(place.finish(waiting, args).code, 143)

    def test_no_lock_possible(self):
        """[L10] Where no lock file can be made the run goes on, and -v tells."""
        place = self.place()
        with Hostile() as server:
            (place.state / "popcl" / (account_name(server.port) + ".lock")).mkdir(parents=True)
            result = place.run(server.port, "-n", "-v")
            self.assertIn("cannot be locked", result.err)
            self.assertEqual(result.count, 3)

    def test_two_runs_fetch_each_once(self):
        """[L10 F20] Two runs with -n at the same time: together they fetch each message once."""
        place = self.place()
        slow = lambda connection, line, uid: (lambda right: later(0.02, right)) if line.startswith("RETR") else None
        with Scripted(slow, messages=[message(n) for n in range(1, 11)]) as server:
            args = place.arguments(server.port, ("-n",))
            processes = [place.start(args) for _ in range(2)]
            results = [place.finish(process, args) for process in processes]
            self.assertEqual(sorted(result.count for result in results), [0, 10])
            self.assertEqual(len(self.retrieved(server)), 10)


def catches(pid, number):
    """Whether a process has a handler for this signal."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return int(re.search(r"SigCgt:\s+(\w+)", status).group(1), 16) >> (number - 1) & 1


def wait_until(holds, seconds=60):
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            raise AssertionError("waited in vain")
        time.sleep(0.005)


if __name__ == "__main__":
    unittest.main()
