# SPDX-License-Identifier: MIT
"""Mail that stays on the server for a while: --delete-after and --keep-newest delete by the record alone, and only what it proves. And the
record as its user sees it: --state, --record, --forget."""
import itertools
import os
import random
import re
import time
import unittest

import dovecot
from hostile import Close, Hostile, Reset, message
from saved import DAY, UNKNOWN, Saved
import test_record
from test_record import NO_UIDL, QUIT_CUT, RecordTest, Scripted, later, old_file, wait_until


def today():
    return int(time.time()) // DAY


class KeepTest(RecordTest):
    def saved(self, place):
        path, = self.record_files(place)
        return Saved(path)

    def deleted(self, server, since=0):
        return [c for c in server.commands[since:] if c.startswith("DELE")]

    def six(self, place, **server):
        return Hostile(messages=[message(n) for n in range(1, 7)], out=place.out, **server)

    def local(self, place, server, *options, code=0):
        """--record and --forget: the account of a server, which must see nothing of it."""
        before = len(server.sessions)
        args = ["127.0.0.1", "-p", str(server.port), "-u", place.user, *options]
        result = place.finish(place.start(args), args)
        self.assertEqual((result.code, len(server.sessions)), (code, before), result)
        return result


# ---- age ----

class DeleteAfter(KeepTest):
    def test_dovecot(self):
        """[G14] What was stored ten days ago goes, and is not fetched again; the rest stays."""
        place = self.place()
        with dovecot.Dovecot() as server:
            account = server.account()
            place.auth(account.name, account.password)
            mail = [message(n) for n in range(1, 6)]
            account.deliver(mail[:3])
            for options in (("-n",), ("-n", "--delete-after", "10")):
                place.run(server.port, *options)
            self.assertEqual(len(account), 3)
            self.saved(place).age(10)
            account.deliver(mail[3:])
            result = place.run(server.port, "-n", "--delete-after", "10")
            self.assertEqual((result.count, len(account)), (2, 2), result)
            self.assertIn("3 messages deleted from the server", result.err)
            result = place.run(server.port, "-n", "--delete-after", "10")
            self.assertEqual((result.count, len(account), result.err.count("deleted")), (0, 2, 0), result)
        self.assertEqual(place.contents(), sorted(mail))

    def test_a_day_too_early(self):
        """The day counts, for runs with -n and without. Midnight must not come between two runs."""
        left = DAY - time.time() % DAY
        time.sleep(left if left < 180 else 0)
        for options in ((), ("-n",)):
            with self.subTest(options=options):
                place = self.place()
                with self.six(place) as server:
                    place.run(server.port, "--delete-after", "7", *options)
                    self.saved(place).age(6)
                    place.run(server.port, "--delete-after", "7", *options)
                    self.assertEqual(len(server.messages), 6)
                    self.saved(place).age(1)
                    before = len(server.commands)
                    result = place.run(server.port, "--delete-after", "7", *options)
                    self.assertEqual((server.messages, server.violations), ([], []), result)
                    self.assertEqual((self.retrieved(server, before), result.count), ([], 0))

    def test_evidence(self):
        """[G14] Another size, another UID, a size that is not known: not deleted unfetched."""
        place = self.place()
        with self.six(place) as server:
            place.run(server.port, "-n", "--delete-after", "7")
            self.saved(place).age(7)
            server.messages[1] = message(2, 50)                     # the same UID
            server.messages[2], server.uids[2] = message(9), "new"  # the same size or another: a new one
            server.replies = {"LIST": b"+OK\r\n" + b"".join(
                b"%d %s\r\n" % (n, b"?" if n == 4 else b"%d" % len(m)) for n, m in enumerate(server.messages, 1)) + b".\r\n"}
            result = place.run(server.port, "-n", "--delete-after", "7")
            self.assertEqual(self.deleted(server), ["DELE 1", "DELE 5", "DELE 6"], result)
            self.assertEqual((server.uids, server.violations), (["uid2", "new", "uid4"], []))
            self.assertEqual(result.count, 1)

    def test_a_uid_twice_and_a_uid_that_was_away(self):
        """[G14 B50] Two messages of one UID; and a UID that two listings name, and one between them does not."""
        place = self.place()
        with self.six(place) as server:
            place.run(server.port, "-n", "--delete-after", "7")
            kept = list(zip(server.messages, server.uids))
            server.messages, server.uids = [list(side) for side in zip(*kept[1:])]
            place.run(server.port, "-n", "--delete-after", "7")
            self.saved(place).age(7)
            server.messages, server.uids = [list(side) for side in zip(*kept)]
            server.messages.append(message(12))
            server.uids.append("uid6")
            place.run(server.port, "-n", "--delete-after", "7")
            self.assertEqual((server.uids, server.violations), (["uid1", "uid6", "uid6"], []))

    def test_quit_without_an_answer(self):
        """[G11] The deletion was not confirmed: the next run makes up for it, and fetches nothing again."""
        for cut in ([Close()], [Reset()], b"-ERR not removed\r\n"):
            place = self.place()
            with self.six(place) as server:
                place.run(server.port, "-n", "--delete-after", "7")
                self.saved(place).age(7)
                server.replies = {"QUIT": cut}
                for _ in range(2):
                    result = place.run(server.port, "-n", "--delete-after", "7", code=75)
                    self.assertIn("the next run with the same options", result.err)
                server.replies = {}
                self.assertEqual(place.run(server.port, "-n").count, 0)
                self.assertEqual(len(server.messages), 6)
                place.run(server.port, "-n", "--delete-after", "7")
                self.assertEqual((server.messages, server.violations), ([], []))
                self.assertEqual(len(self.retrieved(server)), 6)
                server.messages, server.uids = [message(20)], ["uid1"]  # the server may give it again (RFC 1939, 7)
                self.assertEqual(place.run(server.port, "-n", "--delete-after", "7").count, 1)

    def test_the_clock(self):
        """A clock that went back, or jumped ahead: that is reported, and a run at least a day later agrees."""
        for days in (-3, 31):
            with self.subTest(days=days):
                place, believed = self.place(), today() - days
                with self.six(place) as server:
                    place.run(server.port, "-n", "--delete-after", "7")
                    saved = self.saved(place)
                    saved.age(20)
                    saved.about.day = believed
                    for entry in saved.entries:
                        entry.day = min(entry.day, saved.about.day)
                    saved.write()
                    for _ in range(2):
                        result = place.run(server.port, "-n", "--delete-after", "7")
                        self.assertEqual(len(server.messages), 6)
                        self.assertIn("the clock is in doubt", result.err)
                    self.assertIn("clock in doubt since: ", self.local(place, server, "--record").out)
                    saved = self.saved(place)
                    self.assertEqual(saved.about.day, believed)
                    saved.about.size -= DAY
                    saved.write()
                    result = place.run(server.port, "-n", "--delete-after", "7")
                    self.assertNotIn("doubt", result.err)
                    self.assertEqual((server.messages, server.violations), ([], []), result)

    def test_an_old_record(self):
        """A record of version 0.1.0 has no days and no sizes: both count from the first run."""
        place, day = self.place(), today()
        with self.six(place) as server:
            place.run(server.port)
            path, = self.record_files(place)
            path.write_bytes(old_file({uid: 1 for uid in server.uids}))
            for _ in range(2):
                self.assertEqual(place.run(server.port, "-n", "--delete-after", "1").count, 0)
                self.assertEqual(len(server.messages), 6)
            self.assertLessEqual({e.day for e in self.saved(place).entries}, {day, today()})
            self.saved(place).age(1)
            place.run(server.port, "-n", "--delete-after", "1")
            self.assertEqual((server.messages, server.violations), ([], []))
            self.assertEqual(len(self.retrieved(server)), 6)

    def test_a_size_that_was_not_asked_for(self):
        """A run with -n alone asks for no sizes: those messages count from the first run that does."""
        place = self.place()
        with self.six(place) as server:
            place.run(server.port, "-n", "--limit", "1")
            place.run(server.port, "-n")
            saved = self.saved(place)
            self.assertEqual(saved.of("uid6").size, UNKNOWN)
            saved.age(50)
            place.run(server.port, "-n", "--delete-after", "30")
            self.assertEqual(server.uids, ["uid2", "uid3", "uid4", "uid5", "uid6"])
            self.saved(place).age(29)
            place.run(server.port, "-n", "--delete-after", "30")
            self.assertEqual(len(server.uids), 5)
            self.saved(place).age(1)
            place.run(server.port, "-n", "--delete-after", "30")
            self.assertEqual((server.uids, server.violations), ([], []))

    def test_without_uidl(self):
        """[B46] Nothing is deleted, and that is reported once."""
        for uids in (NO_UIDL, {"UIDL": b"+OK\r\n" + b"".join(b"%d %d\r\n" % (n, n) for n in range(1, 7)) + b".\r\n"}):
            place = self.place()
            with self.six(place, replies=uids) as server:
                for options in (("--delete-after", "1"), ("--keep-newest", "1")):
                    for _ in range(3):
                        result = place.run(server.port, "-n", *options)
                        self.assertEqual(result.err.count("nothing is deleted"), 1, result)
                    self.saved(place).age(5)
                self.assertEqual((len(server.messages), self.deleted(server)), (6, []))


# ---- place ----

class KeepNewest(KeepTest):
    def test_dovecot(self):
        place = self.place()
        with dovecot.Dovecot() as server:
            account = server.account()
            place.auth(account.name, account.password)
            mail = [message(n) for n in range(1, 9)]
            account.deliver(mail[:6])
            self.assertEqual(place.run(server.port, "-n", "--keep-newest", "2").count, 6)
            self.assertEqual(len(account), 6)  # nothing that this run stored
            place.run(server.port, "-n", "--keep-newest", "2")
            self.assertEqual(len(account), 2)
            account.deliver(mail[6:])
            self.assertEqual(place.run(server.port, "-n", "--keep-newest", "2").count, 2)
            self.assertEqual(len(account), 2)
        self.assertEqual(place.contents(), sorted(mail))

    def test_the_highest_numbers(self):
        """By number. A message that no run stored stays, whatever its number is."""
        place = self.place()
        with self.six(place, replies={"RETR 2": b"-ERR not now\r\n"}) as server:
            place.run(server.port, "-n", "--keep-newest", "3", code=75)
            for number in (2, 1):  # of the message that is not stored
                server.replies = {f"RETR {number}": b"-ERR not now\r\n"}
                place.run(server.port, "-n", "--keep-newest", "3", code=75)
                self.assertEqual(server.uids, ["uid2", "uid4", "uid5", "uid6"])
            server.replies = {}
            place.run(server.port, "-n", "--keep-newest", "4000000000")
            self.assertEqual((len(server.uids), server.violations), (4, []))

    def test_with_an_age(self):
        """With both options a message must meet both."""
        place = self.place()
        with self.six(place) as server:
            both = ("-n", "--keep-newest", "2", "--delete-after", "7")
            place.run(server.port, *both)
            saved = self.saved(place)
            for uid in ("uid1", "uid3", "uid6"):
                saved.of(uid).day -= 7
            saved.write()
            place.run(server.port, *both)
            self.assertEqual((server.uids, server.violations), (["uid2", "uid4", "uid5", "uid6"], []))

    def test_a_damaged_record(self):
        """All is fetched again, and nothing is deleted on the word of nothing."""
        place = self.place()
        with self.six(place) as server:
            place.run(server.port, "-n", "--keep-newest", "2")
            path, = self.record_files(place)
            path.write_bytes(path.read_bytes()[:-1])
            result = place.run(server.port, "-n", "--keep-newest", "2")
            self.assertEqual((result.count, len(server.messages)), (6, 6), result)

    def test_a_server_that_resets_now_and_then(self):
        """[G11 Q17 A13] 6 of 100 commands end in a reset, before the reply or inside it: in the end each message is here once, the newest are
        on the server, and no message that came whole was fetched again."""
        for seed in (1, 2, 3):
            with self.subTest(seed=seed):
                self.flaky(("-n", "--keep-newest", "5"), random.Random(seed), keeps=5)

    def test_random_kills(self):
        """[F18 G1 G2 G3] kill -9 at any moment: every message is here once in the end, and the newest are still there."""
        rng = random.Random(3)
        place = self.place()
        mail = [message(n, 40) for n in range(1, 101)]
        slow = lambda connection, line, uid: (lambda right: later(0.001, right)) if line[:4] in ("RETR", "QUIT", "DELE") else None
        args = ("-n", "--keep-newest", "10")
        with Scripted(slow, messages=list(mail), out=place.out) as server:
            began = time.monotonic()
            place.run(server.port, *args, "--limit", "20")
            each = (time.monotonic() - began) / 20
            for kill in range(8):
                more = [message(1000 * (kill + 1) + n, 40) for n in range(60)]
                mail += more
                server.messages += more
                server.uids += [f"kill{kill}-{n}" for n in range(60)]
                process = place.start(place.arguments(server.port, args))
                time.sleep(rng.random() * each * 100)
                process.kill()
                process.communicate()
                server.until_over()
            server.script = lambda *_: None
            for _ in range(2):
                place.run(server.port, *args)
            self.assertEqual((server.messages, server.violations), (mail[-10:], []))
        self.assertEqual(place.contents(), sorted(mail))


# ---- accounts ----

class Accounts(KeepTest):
    MODES = (("-n",), ("-d",), ("-n", "-d"), ("-n", "--keep-newest", "1"), ("-n", "--delete-after", "1"))

    def test_two_tunnels(self):
        """[Q18 G14] Two ports of one host, the same user, and UIDs 1..n on both: each maildrop is fetched whole, and nothing is deleted
        unfetched. The UIDs are the messages' numbers, and then not."""
        for shift, options in itertools.product((0, 1), self.MODES):
            with self.subTest(shift=shift, options=options):
                place = self.place()
                uids = [str(n + shift) for n in range(1, 6)]
                first, second = ([message(n, lines) for n in range(1, 6)] for lines in (5, 5 + shift))
                second = [m.replace(b"hostile", b"another") for m in second]
                with Hostile(messages=first, uids=uids, out=place.out) as one, Hostile(messages=second, uids=uids, out=place.out) as two:
                    for _ in range(2):
                        place.run(one.port, *options)
                        place.run(two.port, *options)
                    self.assertEqual((one.violations, two.violations), ([], []))
                    self.assertTrue({f"RETR {n}" for n in range(1, 6)} <= set(one.commands) & set(two.commands))
                self.assertEqual(place.contents(), sorted(first + second))

    def test_two_tunnels_to_dovecot(self):
        """[Q18] The same with two servers whose UIDs are IMAP's: 1, 2, 3 ..."""
        numbers = {"named": {"same": "a password"}, "more": "protocol pop3 {\n  pop3_uidl_format = %u\n}"}
        for options in self.MODES:
            with self.subTest(options=options), dovecot.Dovecot(**numbers) as one, dovecot.Dovecot(**numbers) as two:
                place = self.place(user="same", password="a password")
                mail = {server: [message(100 * at + n) for n in range(1, 6)] for at, server in enumerate((one, two), 1)}
                accounts = {server: server.account("same") for server in mail}
                for server, account in accounts.items():
                    account.deliver(mail[server][:3])
                for server in mail:
                    self.assertEqual(place.run(server.port, *options, server="localhost").count, 3)
                for server, account in accounts.items():
                    account.deliver(mail[server][3:])
                for server in mail:
                    place.run(server.port, *options, server="localhost")
                self.assertEqual(place.contents(), sorted(mail[one] + mail[two]))
                self.assertEqual([len(a) for a in accounts.values()], [0, 0] if "-d" in options else [5, 5], options)

    def test_one_file_for_two_accounts(self):
        """A file of --state is that of one account: the other one is refused before the connection, and the file stays."""
        place = self.place()
        state = place.root / "record"
        with Hostile() as one, Hostile(messages=[message(n) for n in (7, 8, 9)]) as two:
            place.run(one.port, "-n", "--state", str(state))
            before = state.read_bytes()
            result = place.run(two.port, "-n", "--state", str(state), code=78)
            self.assertIn("the record of another account", result.err)
            self.assertEqual((two.sessions, state.read_bytes()), ([], before))
            self.assertEqual(place.run(one.port, "-n", "--state", str(state)).count, 0)
            self.assertEqual(self.record_files(place), [])


# ---- the record as a user sees it ----

class Shown(KeepTest):
    def lines(self, result):
        return dict(line.split(": ") for line in result.out.splitlines() if ": " in line)

    def test_record(self):
        """The states in numbers, the newest day and the last save; with -v a line a message."""
        place, began = self.place(), time.time()
        with self.six(place) as server:
            self.assertEqual(self.lines(self.local(place, server, "--record"))["last save"], "never")
            self.assertEqual(self.record_files(place), [])
            place.run(server.port, "-n", "--limit", "3")
            server.replies = {"RETR 5": b"-ERR no\r\n", **QUIT_CUT}
            place.run(server.port, "-n", "-d", code=75)
            result = self.local(place, server, "--record")
            lines = self.lines(result)
            self.assertEqual([lines[k] for k in ("stored", "deletion due", "refused for size", "failed")], ["3", "2", "0", "1"], result)
            for name in ("newest day", "last save"):
                self.assertIn(lines[name][:10], [time.strftime("%Y-%m-%d", time.gmtime(when)) for when in (began, time.time())], result)
            args = ["127.0.0.1", "-p", str(server.port), "-a", str(place.auth_file), "--record", "-v"]
            full = place.finish(place.start(args), args)
            messages = [line for line in full.out.splitlines() if re.match("[0-9a-f]{16} ", line)]
            self.assertEqual(full.out.splitlines()[:-len(messages)], result.out.splitlines())
            self.assertEqual(len(messages), 6)
            self.assertEqual(sorted(line.split(", ")[1] for line in messages), ["deletion due"] * 2 + ["failed"] + ["stored"] * 3)
            self.assertNotIn("uid", full.out)

    def test_forget(self):
        """A UID is fetched again; one that the record does not have is 1; all is all."""
        place = self.place()
        with self.six(place) as server:
            place.run(server.port, "-n")
            self.assertEqual(self.local(place, server, "--forget", "uid3").out, "1 message forgotten.\n")
            result = self.local(place, server, "--forget", "uid3", code=1)
            self.assertEqual((result.out, result.err.count("no message with this UID")), ("", 1), result)
            self.assertEqual(place.run(server.port, "-n").count, 1)
            self.assertEqual(self.local(place, server, "--forget", "all").out, "6 messages forgotten.\n")
            self.assertEqual(self.local(place, server, "--forget", "all").out, "0 messages forgotten.\n")
            self.assertEqual(place.run(server.port, "-n").count, 6)
        self.assertEqual(len(place.contents()), 6)

    def test_what_is_forgotten_is_not_deleted_unfetched(self):
        place = self.place()
        with self.six(place, replies=QUIT_CUT) as server:
            place.run(server.port, "-n", "-d", code=75)
            self.local(place, server, "--forget", "uid3")
            server.replies = {}
            self.assertEqual(place.run(server.port, "-n", "-d").count, 1)
            self.assertEqual((server.messages, server.violations), ([], []))

    def test_a_run_that_only_looks(self):
        """--list, --check and --record write nothing, and make nothing."""
        place = self.place()
        with self.six(place) as server:
            for action in ("--list", "--check"):
                place.run(server.port, action)
            self.local(place, server, "--record")
            self.assertEqual(list(place.state.iterdir()), [])
            place.run(server.port, "-n")
            saved = self.saved(place)
            saved.age(1)
            saved.about.day -= 1  # a run that writes would set it
            saved.write()
            before = saved.path.read_bytes()
            server.uids[0] = "new"
            for action in ("--list", "--check"):
                place.run(server.port, action, "-n")
            self.local(place, server, "--record", "-v")
            self.assertEqual(saved.path.read_bytes(), before)

    def test_forget_waits_for_a_run(self):
        """[L10] It changes nothing under a run that works with the record."""
        place = self.place()
        with Hostile() as server, test_record.File.busy(self, place, server):
            args = ["127.0.0.1", "-p", str(server.port), "-u", place.user, "--forget", "all", "--timeout", "1"]
            result = place.finish(place.start(args), args)
            self.assertEqual(result.code, 75, result)
            self.assertIn("another run", result.err)

    def test_not_stored_is_not_refused(self):
        """A message that could not be written is tried again by the next run: only --max-size makes a message refused."""
        for large in ((0,), (2,), (5,), range(6)):
            with self.subTest(large=large):
                place = self.place()
                with self.six(place) as server:
                    for at in large:
                        server.messages[at] = message(at + 1, 4000)
                    place.wrapper = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"]
                    place.run(server.port, "-n", code=74)
                    place.wrapper = []
                    lines = self.lines(self.local(place, server, "--record"))
                    self.assertEqual([lines[k] for k in ("stored", "failed", "refused for size", "broke its session")],
                                     [str(6 - len(large)), str(len(large)), "0", "0"])
                    place.run(server.port, "-n", "--max-size", "5k")
                    self.assertEqual(self.lines(self.local(place, server, "--record"))["refused for size"], str(len(large)))
                    place.run(server.port, "-n")
                    self.assertEqual(place.contents(), sorted(server.messages))


class State(KeepTest):
    def test_its_place(self):
        """The directory must exist; a file of another kind, a directory or a link is refused, and stays."""
        place = self.place()
        with Hostile() as server:
            result = place.run(server.port, "-n", "--state", str(place.root / "missing" / "record"), code=73)
            self.assertIn("give --state another file", result.err)
            result = place.run(server.port, "-n", "--state", str(place.auth_file), code=78)
            self.assertIn("is no record", result.err)
            self.assertTrue(place.auth_file.read_text().startswith("username"))
            (place.root / "note").write_text("a\n")  # shorter than any record
            self.assertIn("is no record", place.run(server.port, "-n", "--state", str(place.root / "note"), code=78).err)
            self.assertEqual((place.root / "note").read_text(), "a\n")
            (place.root / "link").symlink_to(place.root / "target")
            for name in ("home", "link"):
                place.run(server.port, "-n", "--state", str(place.root / name), code=73)
            place.run(server.port, "-n", "--state", "here", "--trace=here", code=73)
            self.assertEqual(server.sessions, [])
            self.assertEqual(place.run(server.port, "-n", "--state", "here").count, 3)  # in the working directory
            self.assertEqual(place.run(server.port, "-n", "--state", str(place.root / "here")).count, 0)
            self.assertEqual(len(Saved(place.root / "here").entries), 3)
            self.assertEqual(place.run(server.port, "--check", "--state", "here", code=1).out, "")
            self.assertEqual(self.local(place, server, "--forget", "uid1", "--state", "here").out, "1 message forgotten.\n")

    def test_others_may_write_it(self):
        """[L8] Then it is not believed, and all is fetched."""
        place = self.place()
        state = place.root / "record"
        with Hostile(replies=QUIT_CUT, out=place.out) as server:
            place.run(server.port, "-d", "--state", str(state), code=75)
            server.replies = {}
            state.chmod(0o660)
            result = place.run(server.port, "-d", "--state", str(state))
            self.assertIn("not believed", result.err)
            self.assertEqual((result.count, server.violations), (3, []), result)

    def test_two_runs(self):
        """[L10] The lock is beside the file."""
        place = self.place()
        state = place.root / "record"
        slow = lambda connection, line, uid: (lambda right: later(0.05, right)) if line.startswith("RETR") else None
        with Scripted(slow) as server:
            args = place.arguments(server.port, ("-n", "--state", str(state)))
            processes = [place.start(args) for _ in range(2)]
            wait_until(lambda: os.path.exists(f"{state}.lock"))
            results = [place.finish(process, args) for process in processes]
            self.assertEqual(sorted(result.count for result in results), [0, 3])
        self.assertFalse(os.path.exists(f"{state}.lock"))


if __name__ == "__main__":
    unittest.main()
