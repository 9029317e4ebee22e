# SPDX-License-Identifier: MIT
"""Which messages a run is for: by number, UID, header and age; and the runs that only look: --list, --top, --dry-run."""
import datetime
import email.utils
import hashlib
import unittest

import command
import dovecot
import mailboxes
from hostile import Close, Hostile, message

MANY = 100000


def dated(number, days, header=b"From: someone@example.org\r\n"):
    """A message whose Date is so many days ago."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    return b"Date: " + email.utils.format_datetime(then).encode() + b"\r\n" + header + message(number)


class SelectionTest(unittest.TestCase):
    def setUp(self):
        self.place = command.Place()
        self.addCleanup(self.place.remove)

    def state(self):
        """The files of the record, with their contents."""
        folder = self.place.state / "popcl"
        return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in folder.iterdir()} if folder.is_dir() else {}

    def asked(self, server, verb):
        return [line for line in server.sessions[-1] if line.startswith(verb)]

    def run_looking(self, server, *options, code=0):
        """A run that prints what it sees: its lines."""
        return self.place.run(server.port, *options, code=code).out.splitlines()


class ByNumberAndUid(SelectionTest):
    def test_numbers(self):
        with Hostile(messages=[message(n) for n in range(1, 11)]) as server:
            result = self.place.run(server.port, "--msg", "2,4-5,9-")
            self.assertEqual(result.count, 5)
            self.assertEqual(self.place.contents(), sorted(message(n) for n in (2, 4, 5, 9, 10)))
            # with -n both must hold: 2 was fetched
            result = self.place.run(server.port, "-n", "--msg", "1-2")
            self.assertEqual((result.count, self.asked(server, "RETR")), (1, ["RETR 1"]))
            # what was not selected is still new
            self.assertEqual(self.place.run(server.port, "-n").count, 4)

    def test_uids(self):
        with Hostile(uids=["a", "b", "c"]) as server:
            self.place.run(server.port, "--uidl", "c", "--uidl", "a")
            self.assertEqual(self.asked(server, "RETR"), ["RETR 1", "RETR 3"])
            result = self.place.run(server.port, "--uidl", "b", "--msg", "3")
            self.assertEqual((result.count, self.asked(server, "RETR")), (0, []))

    def test_uids_that_break_the_rules(self):
        """They are chosen as --list prints them: by a digest."""
        listing = b"+OK\r\n1 caf\xc3\xa9\r\n2 b\r\n3 " + b"x" * 100 + b"\r\n.\r\n"
        with Hostile(replies={"UIDL": listing}) as server:
            lines = self.place.run(server.port, "--list").out.splitlines()
            for line in (lines[0], lines[2]):
                number, _, uid = line.split(" ")
                self.assertTrue(uid.startswith("\\x7f"), uid)
                self.assertEqual(self.place.run(server.port, "--top", "0", "--uidl", uid).out.splitlines()[0], f"==> {number} {uid}")
                self.assertEqual(self.place.run(server.port, "--uidl", uid).count, 1)
                self.assertEqual(self.asked(server, "RETR"), [f"RETR {number}"])

    def test_what_is_not_there(self):
        """It is no failure, and the run says so."""
        with Hostile(uids=["a", "b", "c"]) as server:
            result = self.place.run(server.port, "--uidl", "c", "--uidl", "missing")
            self.assertIn("warning: no message has the UID missing\n", result.err)
            self.assertNotIn("UID c", result.err)
            result = self.place.run(server.port, "--msg", "2,7")
            self.assertEqual(result.count, 1)
            self.assertIn("warning: there is no message 7: the maildrop holds 3\n", result.err)

    def test_a_server_without_uids(self):
        """--uidl is refused with the reason; --msg works."""
        with Hostile(replies={"UIDL": b"-ERR what?\r\n"}) as server:
            result = self.place.run(server.port, "--uidl", "a", code=75)
            self.assertIn("In place of --uidl give --msg", result.err)
            self.assertEqual(self.asked(server, "RETR"), [])
            self.assertEqual(self.place.run(server.port, "--msg", "2").count, 1)
            self.assertEqual(self.place.run(server.port, "-n", "--msg", "2-3").count, 1)
            self.assertEqual(self.asked(server, "TOP"), ["TOP 2 0", "TOP 3 0"])

    def test_only_what_is_selected_is_deleted(self):
        with Hostile(out=self.place.out, uids=["a", "b", "c"]) as server:
            self.place.run(server.port, "-d", "--msg", "2")
            self.assertEqual((server.uids, server.violations), (["a", "c"], []))
            self.place.run(server.port, "-d", "--uidl", "c")
            self.assertEqual((server.uids, server.violations), (["a"], []))

    def test_check(self):
        """It is about the chosen messages alone."""
        with Hostile(uids=["a", "b", "c"]) as server:
            self.place.run(server.port, "--msg", "1-2")
            for options, code in ((("--msg", "1-2"), 1), (("--msg", "3"), 0), (("--uidl", "a", "--uidl", "b"), 1), (("--uidl", "b", "--uidl", "c"), 0)):
                result = self.place.run(server.port, "--check", *options, code=code)
                self.assertNotIn("no message has", result.err)

    def test_a_message_that_broke_a_session(self):
        """One that is not selected is not tried, and does not spoil the result; a selected one is tried."""
        with Hostile(replies={"RETR 2": [b"+OK\r\nhalf", Close()]}) as server:
            self.place.run(server.port, "-n", code=75)
            before = len(server.sessions)
            self.place.run(server.port, "--msg", "3")
            self.assertEqual(len(server.sessions), before + 1)
            server.replies.clear()
            self.assertEqual(self.place.run(server.port, "-n", "--msg", "2").count, 1)
            self.assertEqual(self.place.run(server.port, "-n").count, 0)

    def test_the_record_forgets_nothing(self):
        """A run for some messages does not make the record forget the others."""
        with Hostile() as server:
            self.place.run(server.port, "-n")
            for _ in range(3):
                self.place.run(server.port, "--msg", "1")
            self.assertEqual(self.place.run(server.port, "-n").count, 0)

    def test_a_large_maildrop(self):
        """Of 100,000 messages one is fetched by number or by UID: UIDL once, LIST and RETR for that one, and nothing else waits."""
        one = message(1)
        with Hostile(messages=[one] * MANY, uids=[f"uid{n}" for n in range(1, MANY + 1)]) as server:
            for options in (("--msg", "50000"), ("--uidl", "uid50000"), ("-n", "--uidl", "uid70000", "--msg", "70000-")):
                number = 70000 if "-n" in options else 50000
                self.assertEqual(self.place.run(server.port, *options).count, 1)
                commands = [line for line in server.sessions[-1] if line != "CAPA"]
                self.assertLessEqual(set(commands), {"USER user", "PASS secret", "STAT", "UIDL", f"LIST {number}", f"RETR {number}", "NOOP", "QUIT"})
                self.assertEqual(len(commands), len(set(commands)), commands)
                self.assertLessEqual(server.sessions[-1].count("CAPA"), 2)


class ByHeader(SelectionTest):
    def test_match(self):
        mail = [b"From: Alice <a@example.org>\r\n" + message(1), b"From: bob\r\n" + message(2),
                b"From:\r\n ALICE\r\nX-Kind: alarm\r\n" + message(3), message(4)]
        with Hostile(messages=mail) as server:
            result = self.place.run(server.port, "-n", "--match", "from: alice")
            self.assertEqual((result.count, self.place.contents()), (2, sorted([mail[0], mail[2]])))
            # another condition: the others are still new. What was fetched is not asked for again
            result = self.place.run(server.port, "-n", "--match", "From: bob")
            self.assertEqual((result.count, self.asked(server, "TOP")), (1, ["TOP 2 0", "TOP 4 0"]))
            result = self.place.run(server.port, "--match", "from: alice", "--match", "X-Kind:")
            self.assertEqual(self.asked(server, "RETR"), ["RETR 3"])
            self.assertEqual(self.place.run(server.port, "-n").count, 1)

    def test_only_what_matches_is_deleted(self):
        mail = [b"From: alice\r\n" + message(1), b"From: bob\r\n" + message(2)]
        with Hostile(messages=mail, out=self.place.out) as server:
            self.place.run(server.port, "-d", "--match", "From: alice")
            self.assertEqual((server.messages, server.violations), ([mail[1]], []))

    def test_a_header_that_cannot_be_judged(self):
        """It is fetched: one without an end, and one whose field does not fit."""
        long = b"X-Long: " + b"x" * 100000 + b"\r\n" + message(2)
        with Hostile(messages=[message(1), long], replies={"TOP 1 0": b"+OK\r\nReceived: by x\r\n.\r\n"}) as server:
            self.assertEqual(self.place.run(server.port, "--match", "X-Long: y").count, 2)
            self.assertEqual(self.place.run(server.port, "--match", "X-Short: y", code=0).count, 1)

    def test_a_header_that_is_refused(self):
        """The run says that the message is left; the next one fetches it without its header."""
        with Hostile(messages=[b"From: alice\r\n" + message(1), message(2)], replies={"TOP 1 0": b"-ERR busy\r\n"}) as server:
            self.place.run(server.port, "-n", "--match", "From: alice", code=75)
            self.assertEqual(self.place.run(server.port, "-n", "--match", "From: alice").count, 1)
            self.assertEqual(self.asked(server, "RETR"), ["RETR 1"])

    def test_a_server_without_top(self):
        capabilities = b"+OK\r\nUIDL\r\nUSER\r\n.\r\n"
        with Hostile(replies={"TOP": b"-ERR unknown\r\n", "CAPA": capabilities}) as server:
            result = self.place.run(server.port, "--match", "From: alice", code=69)
            self.assertIn("the server gives no headers", result.err)
            self.assertIn("without -n, --match, --since and --top", result.err)
            self.assertEqual(self.asked(server, "RETR"), [])

    def test_without_uids(self):
        mail = [b"From: alice\r\n" + message(1), b"From: bob\r\n" + message(2)]
        for options in ((), ("-n",)):
            with Hostile(messages=mail, replies={"UIDL": b"-ERR what?\r\n"}) as server:
                self.place.run(server.port, *options, "--match", "From: bob")
                self.assertEqual((self.asked(server, "TOP"), self.asked(server, "RETR")), (["TOP 1 0", "TOP 2 0"], ["RETR 2"]))

    def test_since(self):
        """Older messages are remembered by their day: TOP asks for each once. A longer time asks for what it lets in."""
        mail = [dated(1, 100), dated(2, 20), dated(3, 5), b"Date: yesterday\r\n" + message(4), message(5), dated(6, -10)]
        with Hostile(messages=mail) as server:
            self.assertEqual(self.place.run(server.port, "-n", "--since", "10").count, 4)
            self.assertEqual(self.place.contents(), sorted(mail[2:]))
            self.assertEqual(len(self.asked(server, "TOP")), 6)
            self.assertEqual(self.place.run(server.port, "-n", "--since", "10").count, 0)
            self.assertEqual(self.asked(server, "TOP"), [])
            shown = self.place.run(server.port, "--record").out
            self.assertIn("too old: 2\n", shown)
            self.assertIn("refused for size: 0\n", shown)
            self.assertEqual(self.place.run(server.port, "-n", "--since", "30").count, 1)
            self.assertEqual(self.asked(server, "TOP"), ["TOP 2 0"])
            self.assertEqual(self.place.run(server.port, "-n").count, 1)
            self.assertEqual(self.place.contents(), sorted(mail))

    def test_since_deletes_nothing_older(self):
        mail = [dated(1, 100), dated(2, 1)]
        with Hostile(messages=mail, out=self.place.out) as server:
            self.place.run(server.port, "-d", "--since", "10")
            self.assertEqual((server.messages, server.violations), ([mail[0]], []))


class Looks(SelectionTest):
    """They change nothing: not on the server, not in the output directory, not in the record."""

    def check_nothing_changed(self, server, *options):
        before, names, left = self.state(), self.place.names(), list(server.messages)
        lines = self.run_looking(server, *options)
        self.assertEqual((self.state(), self.place.names(), server.messages), (before, names, left), options)
        self.assertLessEqual({line.split()[0] for line in server.sessions[-1]}, {"CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "TOP", "NOOP", "QUIT"})
        return lines

    def test_before_the_first_run(self):
        with Hostile() as server:
            for options in (("--dry-run",), ("--dry-run", "-n", "-d", "--since", "1"), ("--top", "2"), ("--list", "--match", "Subject: message 2")):
                self.check_nothing_changed(server, *options)
        self.assertFalse(self.place.out.exists())

    def test_dry_run(self):
        """It says what the run does that follows."""
        mail = [message(1), message(2, 200), dated(3, 90), b"From: bob\r\n" + message(4), message(5)]
        with Hostile(messages=mail, out=self.place.out) as server:
            self.place.run(server.port, "-n", "--msg", "1")
            sizes = [len(m) for m in mail]
            options = ("-n", "-d", "--max-size", "1000", "--since", "30", "--limit", "1")
            self.assertEqual(self.check_nothing_changed(server, "--dry-run", *options),
                             [f"skip 1 {sizes[0]} uid1 (fetched before)", f"skip 2 {sizes[1]} uid2 (larger than --max-size)",
                              f"skip 3 {sizes[2]} uid3 (older than --since)", f"fetch+delete 4 {sizes[3]} uid4",
                              f"skip 5 {sizes[4]} uid5 (over --limit)"])
            self.assertEqual(self.place.run(server.port, *options).count, 1)
            self.assertEqual(server.messages, [mail[0], mail[1], mail[2], mail[4]])

    def test_dry_run_of_deletions(self):
        """Stored by a -d run whose QUIT was lost: they would be deleted and not fetched."""
        with Hostile(replies={"QUIT": [Close()]}) as server:
            self.place.run(server.port, "-d", code=75)
            server.replies.clear()
            lines = self.check_nothing_changed(server, "--dry-run", "-d")
            self.assertEqual([line.split(" ")[0] for line in lines], ["delete"] * 3)
            self.assertTrue(all(line.endswith("(stored by an earlier run)") for line in lines))

    def test_dry_run_of_later_deletions(self):
        """--keep-newest, shown and then done."""
        with Hostile(out=self.place.out) as server:
            self.place.run(server.port, "-n")
            self.assertEqual([line.rpartition(" uid")[2] for line in self.check_nothing_changed(server, "--dry-run", "-n", "--keep-newest", "1")],
                             ["1 (fetched before)", "2 (fetched before)", "3 (fetched before)"])
            self.assertEqual([line.split()[0] for line in self.run_looking(server, "--dry-run", "-n", "--keep-newest", "1")], ["delete", "delete", "skip"])
            self.place.run(server.port, "-n", "--keep-newest", "1")
            self.assertEqual((server.uids, server.violations), (["uid3"], []))

    def test_dry_run_without_uids(self):
        with Hostile(replies={"UIDL": b"-ERR what?\r\n"}) as server:
            self.place.run(server.port, "-n", "--msg", "2")
            lines = self.check_nothing_changed(server, "--dry-run", "-n")
            self.assertEqual([line.split(" ")[0] for line in lines], ["fetch", "skip", "fetch"])

    def test_top(self):
        """Headers and lines, readable on any terminal: what could steer one is escaped."""
        mail = [b"Subject: \x1b[2J caf\xc3\xa9\\\r\nX: a\rb\r\n\r\n.one\r\ntwo\r\nthree\r\n", message(2)]
        with Hostile(messages=mail) as server:
            self.assertEqual(self.check_nothing_changed(server, "--top", "2", "--msg", "1"),
                             ["==> 1 uid1", r"Subject: \x1b[2J caf\xc3\xa9" + "\\\\", r"X: a\x0db", "", ".one", "two"])
            self.assertEqual(self.check_nothing_changed(server, "--top", "0", "--limit", "1"),
                             ["==> 1 uid1", r"Subject: \x1b[2J caf\xc3\xa9" + "\\\\", r"X: a\x0db", ""])
            self.place.run(server.port, "-n", "--msg", "1")
            self.assertEqual(self.check_nothing_changed(server, "-n", "--top", "0")[0], "==> 2 uid2")

    def test_list_of_a_selection(self):
        with Hostile() as server:
            self.assertEqual(self.check_nothing_changed(server, "--list", "--msg", "2-"), [f"{n} {len(message(n))} uid{n}" for n in (2, 3)])
            self.assertEqual(self.check_nothing_changed(server, "--list", "--match", "Subject: MESSAGE 3"), [f"3 {len(message(3))} uid3"])


class CatchUp(SelectionTest):
    """The present messages count as fetched: no later run of -n fetches them, none deletes them, and all else is as before."""

    def catch_up(self, server, *options, code=0):
        result = self.place.run(server.port, "--catch-up", *options, code=code)
        self.assertEqual({line.split()[0] for line in server.sessions[-1]} - {"CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "QUIT"}, set())
        return result.out

    def add(self, server, n):
        server.messages.append(message(n))
        server.uids.append(f"uid{n}")

    def test_only_later_mail_is_fetched(self):
        with Hostile(out=self.place.out) as server:
            self.assertEqual(self.catch_up(server), "3 messages count as fetched from now on.\n")
            self.assertEqual(self.catch_up(server), "0 messages count as fetched from now on.\n")
            self.assertEqual(self.place.run(server.port, "--check", code=1).out, "")
            shown = self.place.run(server.port, "--record").out
            self.assertTrue(shown.startswith("stored: 0\n"), shown)
            self.assertIn("\nnever fetched: 3\n", shown)
            self.add(server, 4)
            self.assertEqual(self.place.run(server.port, "-n", "--max-size", "1M").err.count("larger"), 0)
            self.assertEqual(self.place.contents(), [message(4)])
            self.assertEqual([line.partition(" (")[2] for line in self.run_looking(server, "--dry-run", "-n")],
                             ["left out by --catch-up)"] * 3 + ["fetched before)"])

    def test_nothing_is_deleted_unfetched(self):
        for options in (("-n", "-d"), ("-n", "--keep-newest", "1"), ("-n", "--delete-after", "1")):
            with self.subTest(options), Hostile(out=self.place.out) as server:
                self.catch_up(server)
                for _ in range(2):
                    self.place.run(server.port, *options)
                self.assertEqual((server.uids, server.violations), (["uid1", "uid2", "uid3"], []))

    def test_all_asks_for_them(self):
        """A run without -n fetches them, and may delete what it stored."""
        with Hostile(out=self.place.out) as server:
            self.catch_up(server)
            self.assertEqual(self.place.run(server.port, "-d").count, 3)
            self.assertEqual((server.messages, server.violations), ([], []))
            self.assertEqual(self.place.contents(), sorted(message(n) for n in (1, 2, 3)))

    def test_some_of_them(self):
        with Hostile() as server:
            self.assertEqual(self.catch_up(server, "--msg", "1-2"), "2 messages count as fetched from now on.\n")
            self.assertEqual(self.place.run(server.port, "-n").count, 1)
            self.place.run(server.port, "--forget", "uid1")
            self.assertEqual(self.place.run(server.port, "-n").count, 1)
            self.assertEqual(self.place.contents(), sorted(message(n) for n in (1, 3)))

    def test_what_is_stored_stays_stored(self):
        """So it is still deleted for its place."""
        with Hostile(out=self.place.out) as server:
            self.place.run(server.port, "-n", "--msg", "1-2")
            self.assertEqual(self.catch_up(server), "1 message counts as fetched from now on.\n")
            for _ in range(2):  # the first one notes the sizes
                self.place.run(server.port, "-n", "--keep-newest", "1")
            self.assertEqual((server.uids, server.violations), (["uid3"], []))

    def test_without_uids(self):
        """Numbers are no names either: a message would be taken for another one, and never come."""
        for replies, uids in (({"UIDL": b"-ERR what?\r\n"}, None), ({}, ["1", "2", "3"])):
            with self.subTest(uids=uids), Hostile(replies=replies, uids=uids) as server:
                self.place.run(server.port, "--catch-up", code=(69, 75))
                self.assertEqual(self.place.run(server.port, "-n", code=0).count, 3)

    def test_a_listing_that_breaks_off(self):
        """Nothing of it counts: the run fails, and the next -n fetches all."""
        with Hostile(replies={"UIDL": [b"+OK\r\n1 uid1\r\n2 uid2\r\n", Close()]}) as server:
            self.assertEqual(self.catch_up(server, code=75), "")
            server.replies.clear()
            self.assertEqual(self.place.run(server.port, "-n").count, 3)

    def test_without_a_place_for_the_record(self):
        with Hostile() as server:
            args = [word for word in self.place.arguments(server.port, ["--catch-up"]) if word not in ("-o", str(self.place.out))]
            blocked = self.place.root / "blocked"
            blocked.write_text("")
            self.place.environment = {"HOME": str(blocked), "XDG_STATE_HOME": str(blocked)}
            result = self.place.finish(self.place.start(args), args)
            self.assertEqual((result.code, server.sessions), (73, []))


class WithDovecot(SelectionTest):
    def test_a_real_server(self):
        """Dovecot's TOP with lines, its UIDs, and headers that it folds."""
        mail = [mailboxes.mail(n, f"subject {n}", b"line 1\r\nline 2\r\nline 3\r\n") for n in range(1, 6)]
        with dovecot.Dovecot() as server:
            account = server.account()
            account.deliver(mail)
            self.place.auth(account.name, account.password)
            lines = self.run_looking(server, "--top", "2", "--msg", "3")
            self.assertRegex("\n".join(lines), r"(?s)^==> 3 \S+\n.*subject 3.*\n\nline 1\nline 2$")
            uid = lines[0].split(" ")[2]
            self.assertEqual(self.place.run(server.port, "--uidl", uid).count, 1)
            self.assertEqual(self.place.run(server.port, "-n", "--match", "Subject: SUBJECT 5").count, 1)
            self.assertEqual(self.place.run(server.port, "-n").count, 3)


if __name__ == "__main__":
    unittest.main()
