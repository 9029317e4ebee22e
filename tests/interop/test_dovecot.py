# SPDX-License-Identifier: MIT
"""The command against Dovecot, a real POP3 server: what arrives is compared octet by octet with what a bare socket gets (oracle.py).

Each class has a Dovecot of its own, each test an account of its own."""
import collections
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

import command
import mailboxes
import oracle
from dovecot import Dovecot, has_ipv6
from relay import Relay

OWN_LIMIT, CODE_LIMIT = 384 * 1024, 512 * 1024  # of popcl itself; the C library and the loader add some 1.7 MB
SAME = 1.1  # the kernel maps the C library's pages by the dozen, not the same in each run; and a small message touches one page of the buffers
LARGE_MB = 200


class DovecotTest(unittest.TestCase):
    """`self.server` is a Dovecot that all tests of the class share."""

    named = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Dovecot(cls.named).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def mailbox(self, messages, name=None):
        """An account with these messages, and a place whose auth file fits it."""
        account = self.server.account(name)
        account.deliver(messages)
        return account, self.place(account)

    def place(self, account, **options):
        place = command.Place(account.name, account.password, **options)
        self.addCleanup(place.remove)
        return place

    def run_popcl(self, place, *options, **more):
        return place.run(self.server.port, *options, **more)

    def relay(self):
        relay = Relay(self.server.port)
        self.addCleanup(relay.__exit__)
        return relay

    def count(self, account):
        return oracle.count(self.server.port, account)

    def assertSameMessages(self, place, messages):
        """The files hold exactly these octets, each as often as it occurs."""
        files, wanted = collections.Counter(place.contents()), collections.Counter(messages)
        if files != wanted:
            short = [octets[:60] for octets in (wanted - files)]
            more = [octets[:60] for octets in (files - wanted)]
            self.fail(f"missing: {short}\ntoo many, or different: {more}")


class Fetching(DovecotTest):
    """The sample mailbox, all kinds of messages, in the three kinds of run."""

    def setUp(self):
        self.messages = mailboxes.sample_messages()
        self.delivered = [mailboxes.delivered(message) for message in self.messages]

    def test_the_oracle_and_the_rule_agree(self):
        """[F22] What Dovecot sends on a bare socket is what mailboxes.delivered says: the base of all tests here."""
        account, _ = self.mailbox(self.messages)
        for (title, _), sent, said in zip(mailboxes.sample(), oracle.fetch_all(self.server.port, account), self.delivered):
            self.assertEqual(sent, said, title)

    def test_keep(self):
        """[F22 R16 R17 R21 R22 B10 B11 B31 G7] Byte-exact files, one line on stdout, exit 0, and the mailbox stays as it was."""
        account, place = self.mailbox(self.messages)
        relay = self.relay()
        result = place.run(relay.port)
        self.assertEqual(result.out, f"{len(self.messages)} messages downloaded.\n")
        self.assertSameMessages(place, self.delivered)
        self.assertEqual(self.count(account), len(self.messages))
        self.assertFalse([c for c in relay.commands if c.startswith(("DELE", "RSET"))])
        self.assertEqual(relay.commands[-1], "QUIT")

    def test_keep_twice(self):
        """A second full run changes and loses nothing: the same names, the same octets, not one file more."""
        _, place = self.mailbox(self.messages)
        self.run_popcl(place)
        before = {name: (place.out / name).stat().st_mtime_ns for name in place.names()}
        self.assertEqual(self.run_popcl(place).count, len(self.messages))
        self.assertEqual(place.names(), sorted(before))
        self.assertSameMessages(place, self.delivered)

    def test_delete(self):
        """[R25 I3 I4] -d: the mailbox is empty, and everything is here."""
        account, place = self.mailbox(self.messages)
        self.assertEqual(self.run_popcl(place, "-d").count, len(self.messages))
        self.assertSameMessages(place, self.delivered)
        self.assertEqual((self.count(account), len(account)), (0, 0))
        self.assertEqual(self.run_popcl(place, "-d").out, "0 messages downloaded.\n")

    def test_new_only(self):
        """[R34] -n: everything once; then nothing, at the price of one listing; then what came since."""
        account, place = self.mailbox(self.messages)
        self.assertEqual(self.run_popcl(place, "-n").out, f"{len(self.messages)} new messages downloaded.\n")
        self.assertEqual(self.run_popcl(place, "-n").out, "0 new messages downloaded.\n")
        account.deliver([b"Subject: late\n\nnew\n"])
        self.assertEqual(self.run_popcl(place, "-n").out, "1 new message downloaded.\n")
        self.assertSameMessages(place, [*self.delivered, b"Subject: late\r\n\r\nnew\r\n"])

    def test_keep_then_new_only(self):
        """Every run notes what it fetched: -n after a run without it finds nothing new."""
        account, place = self.mailbox(self.messages)
        self.run_popcl(place)
        self.assertEqual(self.run_popcl(place, "-n").out, "0 new messages downloaded.\n")
        account.deliver([b"Subject: late\n\nnew\n"])
        self.assertEqual(self.run_popcl(place, "-nd").out, "1 new message downloaded.\n")
        self.assertEqual(self.count(account), len(self.messages))  # -d deletes what this run stored, and nothing else

    def test_new_only_and_delete(self):
        """-n -d: new messages are fetched and deleted, the others stay."""
        account, place = self.mailbox(self.messages)
        self.assertEqual(self.run_popcl(place, "-n", "-d").count, len(self.messages))
        self.assertEqual(self.count(account), 0)
        self.assertSameMessages(place, self.delivered)

    def test_no_state_directory(self):
        """The state of -n stands in .popcl of -o where there is no home: two runs find it."""
        _, place = self.mailbox(self.messages[:3])
        place.wrapper = ["env", "-u", "XDG_STATE_HOME", "-u", "HOME"]
        self.run_popcl(place, "-n")
        self.assertEqual(self.run_popcl(place, "-n").out, "0 new messages downloaded.\n")
        self.assertTrue((place.out / ".popcl").is_dir())

    def test_empty_mailbox(self):
        """[B34] No message: exit 0, in every kind of run."""
        _, place = self.mailbox([])
        for options, said in (((), "0 messages"), (("-n",), "0 new messages"), (("-d",), "0 messages")):
            self.assertEqual(self.run_popcl(place, *options).out, f"{said} downloaded.\n")

    def test_one_message(self):
        """The count line's singular."""
        _, place = self.mailbox([b"Subject: one\n\n.\n"])
        self.assertEqual(self.run_popcl(place).out, "1 message downloaded.\n")

    def test_two_accounts_in_one_directory(self):
        """[F8] Accounts whose UIDs may be equal, into one -o: every message is there."""
        (one, place), (two, other) = self.mailbox(self.messages), self.mailbox([m + b"other\n" for m in self.messages])
        self.run_popcl(place)
        other.run(self.server.port, out=place.out)
        self.assertSameMessages(place, oracle.fetch_all(self.server.port, one) + oracle.fetch_all(self.server.port, two))

    def test_umask_of_zero(self):
        """[F21] With umask 0 files are 0600 (names() looks) and the directory is 0700."""
        _, place = self.mailbox(self.messages[:3])
        place.umask = 0
        self.run_popcl(place, "-n")
        self.assertEqual(len(place.names()), 3)
        self.assertEqual(place.out.stat().st_mode & 0o777, 0o700)
        for folder, _, files in os.walk(place.state / "popcl"):
            for name in files:
                self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o077, 0, name)

    def test_umask_that_takes_all(self):
        """With umask 777 the directories that a run makes can be entered, by the next run too."""
        _, place = self.mailbox(self.messages[:3])
        place.umask = 0o777
        for _ in range(2):
            self.run_popcl(place, "-n")
            self.assertEqual(len(place.names()), 3)
            self.assertEqual(place.out.stat().st_mode & 0o777, 0o700)
            self.assertEqual((place.state / "popcl").stat().st_mode & 0o777, 0o700)

    def test_max_size(self):
        """[B42] --max-size: what is larger stays on the server, also with -d, and the run says so."""
        account, place = self.mailbox(self.messages)
        limit = 5000
        small = [message for message in self.delivered if len(message) <= limit]
        result = self.run_popcl(place, "-d", "--max-size", str(limit))
        self.assertEqual(result.count, len(small))
        self.assertSameMessages(place, small)
        self.assertEqual(self.count(account), len(self.messages) - len(small))

    def test_limit(self):
        """--limit: so many messages and no more; run after run gets the rest."""
        account, place = self.mailbox(self.messages[:7])
        for count, left in ((3, 4), (3, 1), (1, 0)):
            self.assertEqual(self.run_popcl(place, "-n", "-d", "--limit", "3").count, count)
            self.assertEqual(self.count(account), left)
        self.assertSameMessages(place, self.delivered[:7])

    def test_list(self):
        """--list: a line a message, number, size and UID, and nothing is fetched or noted."""
        account, place = self.mailbox(self.messages)
        with oracle.Oracle(self.server.port) as server:
            server.login(account.name, account.password)
            sizes = [line.split()[1] for line in server.listing("LIST")]
            uids = [line.split()[1] for line in server.listing("UIDL")]
            server.command("QUIT")
        result = self.run_popcl(place, "--list")
        self.assertEqual(result.out, "".join(f"{n} {size} {uid}\n" for n, (size, uid) in enumerate(zip(sizes, uids), 1)))
        self.assertEqual(place.names(), [])
        self.assertEqual(self.run_popcl(place, "-n").count, len(self.messages))

    def test_check(self):
        """--check: silent; 0 if something is new, 1 if nothing is."""
        account, place = self.mailbox(self.messages[:2])
        self.assertEqual(self.run_popcl(place, "--check").out, "")
        self.run_popcl(place)
        self.assertEqual(self.run_popcl(place, "--check", code=1).out, "")
        account.deliver([b"Subject: late\n\nnew\n"])
        self.assertEqual(self.run_popcl(place, "--check").out, "")
        self.assertEqual(len(place.names()), 2)


class OnTheWire(DovecotTest):
    """What a run costs in octets."""

    def test_nothing_new_costs_one_listing(self):
        """-n with nothing new: one UIDL and a small fixed dialogue, not one octet of a message, and no LIST."""
        account, place = self.mailbox(mailboxes.many(400))
        relay = self.relay()
        self.assertEqual(place.run(relay.port, "-n").count, 400)
        with oracle.Oracle(self.server.port) as server:
            server.login(account.name, account.password)
            listing = sum(len(line) + 2 for line in server.listing("UIDL"))
            server.command("QUIT")
        up, down, commands = relay.up, relay.down, len(relay.commands)
        self.assertEqual(place.run(relay.port, "-n").out, "0 new messages downloaded.\n")
        dialogue = relay.commands[commands:]
        self.assertLessEqual(relay.down - down, listing + 700, dialogue)
        self.assertLessEqual(relay.up - up, 200, dialogue)
        self.assertEqual(dialogue.count("UIDL"), 1)
        self.assertFalse([c for c in dialogue if c.split()[0] in ("RETR", "TOP", "LIST", "DELE")], dialogue)

    def test_round_trips(self):
        """A run that keeps asks for each message once, for one listing, and once more for STAT: no reply is missing."""
        _, place = self.mailbox(mailboxes.many(20))
        relay = self.relay()
        place.run(relay.port)
        verbs = collections.Counter(c.split()[0] for c in relay.commands)
        self.assertEqual((verbs["RETR"], verbs["STAT"], verbs["QUIT"]), (20, 2, 1))
        self.assertEqual((verbs["UIDL"], verbs["LIST"]), (1, 1))
        self.assertLessEqual(len(relay.commands), 20 + 8, relay.commands)


class LoggingIn(DovecotTest):
    """User name and password."""

    named = {"spaces": "pass  word with spaces ", "umlaut": "pässwörd \u20ac", "marks": "%n%s$(id)`id`\\\"'"}

    def test_bad_password(self):
        """[E6] 77, nothing stored, nothing on stdout, one attempt."""
        account, place = self.mailbox([b"Subject: x\n\n"])
        place.auth(account.name, "not the password")
        for mechanism in ("user", "apop", "plain", "auto"):
            relay = self.relay()
            result = place.run(relay.port, "--auth", mechanism, code=77)
            self.assertEqual((result.out, place.names()), ("", []))
            self.assertEqual(len([c for c in relay.commands if c.startswith(("PASS", "APOP", "AUTH"))]), 1)

    def test_unknown_user(self):
        """[E6] A user that does not exist: 77 too."""
        _, place = self.mailbox([])
        place.auth("nobody-here", "secret")
        self.run_popcl(place, code=77)

    def test_apop(self):
        """[R36] Dovecot offers APOP: it is used, and the password does not travel."""
        for options in ((), ("--auth", "auto"), ("--auth", "apop")):
            _, place = self.mailbox([b"Subject: x\n\n"])
            relay = self.relay()
            self.assertEqual(place.run(relay.port, *options).count, 1)
            verbs = [c.split()[0] for c in relay.commands]
            self.assertIn("APOP", verbs)
            self.assertFalse([c for c in relay.commands if place.password in c or c.startswith("PASS")])

    def test_user_and_pass(self):
        """--auth user: USER and PASS, although APOP is offered."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        relay = self.relay()
        self.assertEqual(place.run(relay.port, "--auth", "user").count, 1)
        self.assertNotIn("APOP", [c.split()[0] for c in relay.commands])

    def test_odd_credentials(self):
        """[E9 R7] Spaces and octets above 127 in a password, with both mechanisms."""
        for name in self.named:
            _, place = self.mailbox([b"Subject: x\n\n"], name)
            for mechanism in ("user", "apop", "plain"):
                with self.subTest(name=name, mechanism=mechanism):
                    self.assertEqual(self.run_popcl(place, "--auth", mechanism).count, 1)

    def test_addresses(self):
        """[A4 L3] The server as IPv4 literal, IPv6 literal and name."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        for server in ("127.0.0.1", "localhost", *(("::1",) if has_ipv6() else ())):
            with self.subTest(server=server):
                self.assertEqual(self.run_popcl(place, server=server).count, 1)


class Many(DovecotTest):
    """3,000 messages."""

    def test_three_thousand(self):
        """[Q13 B36] All of them, octet by octet; then -n finds none; then -n -d the new ones; then -d empties the mailbox."""
        messages = mailboxes.many(3000)
        account, place = self.mailbox(messages)
        self.assertEqual(self.run_popcl(place).out, "3000 messages downloaded.\n")
        self.assertSameMessages(place, map(mailboxes.delivered, messages))
        self.assertEqual(self.run_popcl(place, "-n").out, "0 new messages downloaded.\n")
        account.deliver(mailboxes.many(3))
        self.assertEqual(self.run_popcl(place, "-n", "-d").out, "3 new messages downloaded.\n")
        self.assertEqual(self.count(account), 3000)

    def test_three_thousand_new_and_deleted(self):
        """[Q13 B36 R25] -n -d on 3,000 messages: all here, none there."""
        messages = mailboxes.many(3000)
        account, place = self.mailbox(messages)
        self.assertEqual(self.run_popcl(place, "-n", "-d").out, "3000 new messages downloaded.\n")
        self.assertSameMessages(place, map(mailboxes.delivered, messages))
        self.assertEqual((self.count(account), len(account)), (0, 0))


class Memory(DovecotTest):
    """The size of a message, and of a mailbox, is not the size of the program."""

    def peak(self, messages, *options, memory=command.peak_memory):
        """The peak memory of the command, read while the server holds back its answer to QUIT, when all work is done."""
        account, place = self.mailbox(messages)
        relay = self.relay()
        started = threading.Event()
        peaks = []

        def look():
            started.wait()
            peaks.append(memory(process.pid))
        relay.before("QUIT", look)
        args = place.arguments(relay.port, options)
        process = place.start(args)
        started.set()
        result = place.finish(process, args)
        self.assertEqual(result.code, 0, result)
        return peaks[0], place, account

    def test_200_mb_in_the_memory_of_1_kb(self):
        """[B30 R22] Memory for a message of 200 MB: that of one of 1 KB, and of popcl's own at most 384 KB, beside 512 KB of code."""
        pairs = []

        def look(pid):
            pairs.append((command.own_memory(pid), command.program_size(pid)))
            return command.peak_memory(pid)
        small, _, _ = self.peak([mailboxes.mail(1, "small", "x" * 800 + "\n")], memory=look)
        large, place, _ = self.peak([mailboxes.large(LARGE_MB)], memory=look)
        print(f"    peak resident memory: {small // 1024} KB for a message of 1 KB, {large // 1024} KB for one of {LARGE_MB} MB; "
              f"popcl's own: {pairs[0][0] // 1024} and {pairs[1][0] // 1024} KB, and {pairs[1][1] // 1024} KB of code", flush=True)
        self.compare_large(place)
        self.assertLessEqual(pairs[1][0], OWN_LIMIT)
        self.assertTrue(0 < pairs[1][1] <= CODE_LIMIT)
        self.assertLessEqual(large, small * SAME)

    def compare_large(self, place):
        """The file against the rule, piece by piece."""
        name, = place.names()
        with open(place.out / name, "rb") as file:
            for piece in mailboxes.large(LARGE_MB):
                wanted = mailboxes.delivered(piece)
                self.assertTrue(file.read(len(wanted)) == wanted, "the file differs from the message")
            self.assertEqual(file.read(1), b"")

    def test_2000_messages_in_the_memory_of_a_few(self):
        """What is remembered of a message is small: a few octets each, for names and state."""
        few, _, _ = self.peak(mailboxes.many(3), "-n", memory=command.own_memory)
        lot, _, _ = self.peak(mailboxes.many(2000), "-n", memory=command.own_memory)
        print(f"    peak memory without files: {few // 1024} KB for 3 messages, {lot // 1024} KB for 2000", flush=True)
        self.assertLessEqual(lot - few, 2000 * 100 + 128 * 1024)


class Interrupted(DovecotTest):
    """Signals, kills, and two runs at one time."""

    def test_a_signal_inside_a_message(self):
        """[L4] TERM and INT in the middle of a message: it is not there, also not in part; what came before is, and is deleted with -d."""
        messages = [*mailboxes.many(5), b"Subject: big\n\n" + b"0123456789abcde\n" * 200_000, *mailboxes.many(2)]
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(signal=number):
                account, place = self.mailbox(messages)
                relay = self.relay()
                relay.after(1_500_000, lambda number=number: self.strike(number))
                args = place.arguments(relay.port, ("-d",))
                self.process = place.start(args)
                result = place.finish(self.process, args)
                self.assertEqual(result.code, code, result)
                self.assertEqual(result.count, 5, result)
                self.assertSameMessages(place, map(mailboxes.delivered, messages[:5]))
                self.assertEqual(self.count(account), 3, result)
                self.assertEqual(self.run_popcl(place, "-d").count, 3)
                self.assertSameMessages(place, map(mailboxes.delivered, messages))

    def strike(self, number):
        self.process.send_signal(number)
        time.sleep(0.3)

    def test_killed_at_any_moment(self):
        """[F18 G1 G2 G3] kill -9 after a random number of octets, again and again: nothing partial has a final name, and after one
        complete run nothing is lost."""
        rule = random.Random(7)
        for options in (("-d",), ("-n", "-d"), ("-n",)):
            with self.subTest(options=options):
                messages = [b"Subject: %d\n\n" % n + b"line %d of something\n" % n * rule.choice((1, 40, 4000)) for n in range(60)]
                wanted = {mailboxes.delivered(message) for message in messages}
                account, place = self.mailbox(messages)
                for _ in range(14):
                    relay = self.relay()
                    relay.after(rule.randrange(100, sum(map(len, messages)) // 6), lambda: self.process.kill())
                    args = place.arguments(relay.port, options)
                    self.process = place.start(args)
                    place.finish(self.process, args)
                    if place.out.is_dir():
                        self.whole(place, wanted)
                    if self.count(account) == 0:
                        break
                self.run_popcl(place, *options)
                place.names()  # nothing temporary is left by now
                self.assertEqual(set(place.contents()), wanted)
                self.assertEqual(self.count(account), 0 if "-d" in options else len(messages))

    def whole(self, place, wanted):
        """Every file with a final name is a whole message."""
        for name in os.listdir(place.out):
            if command.FILE_NAME.fullmatch(name):
                self.assertIn((place.out / name).read_bytes(), wanted, f"{name} is no whole message")

    def test_killed_at_random_times(self):
        """[F18] The same by the clock, so that kills fall between octets too: while files are synced, linked, and the state is saved."""
        rule = random.Random(11)
        messages = mailboxes.many(150)
        wanted = {mailboxes.delivered(message) for message in messages}
        account, place = self.mailbox(messages)
        for _ in range(25):
            args = place.arguments(self.server.port, ("-n", "-d"))
            process = place.start(args)
            try:
                process.wait(rule.uniform(0.005, 0.12))
            except subprocess.TimeoutExpired:
                process.kill()
            place.finish(process, args)
            if place.out.is_dir():
                self.whole(place, wanted)
        self.run_popcl(place, "-n", "-d")
        place.names()
        self.assertEqual(set(place.contents()), wanted)
        self.assertEqual(self.count(account), 0)

    def test_two_runs_at_once(self):
        """[F20] Two runs of one account, and of two accounts, in one directory: nothing is overwritten, nothing lost."""
        for same in (True, False):
            with self.subTest(one_account=same):
                messages = mailboxes.many(300)
                account, place = self.mailbox(messages)
                other = place if same else self.mailbox([m + b"other\n" for m in messages])[1]
                runs = [(p, args, p.start(args)) for p, args in
                        ((p, p.arguments(self.server.port, out=place.out)) for p in (place, other))]
                for p, args, process in runs:
                    result = p.finish(process, args)
                    self.assertEqual((result.code, result.count), (0, 300), result)
                wanted = {mailboxes.delivered(m) for m in messages}
                wanted |= set() if same else {mailboxes.delivered(m + b"other\n") for m in messages}
                self.assertEqual(set(place.contents()), wanted)


class Places(DovecotTest):
    """Output directory, state, and the rights on them."""

    def ordinary(self, messages):
        """A place of an ordinary user, where the tests run as root: to root no directory is read-only."""
        account = self.server.account()
        account.deliver(messages)
        return account, self.place(account, owner=65534 if os.geteuid() == 0 else None)

    def test_output_directory_is_made(self):
        """[F13] A missing output directory is made, 0700."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        self.run_popcl(place)
        self.assertEqual(place.out.stat().st_mode & 0o777, 0o700)

    def test_output_directory_is_a_file(self):
        """[F13] A file in its place: 73, before any connection."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        place.out.write_text("not a directory")
        relay = self.relay()
        self.assertEqual(place.run(relay.port, code=73).out, "")
        self.assertEqual((place.out.read_text(), relay.commands), ("not a directory", []))

    def test_output_directory_without_parent(self):
        """[F13] Its parent is missing: 73, and nothing is made."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        self.run_popcl(place, code=73, out=place.root / "no" / "such" / "out")
        self.assertFalse((place.root / "no").exists())

    def test_output_directory_is_read_only(self):
        """[F13] Not writable: 73, before any connection."""
        account, place = self.ordinary([b"Subject: x\n\n"])
        place.out.mkdir()
        if place.owner is not None:
            os.chown(place.out, place.owner, place.owner)
        place.out.chmod(0o500)
        relay = self.relay()
        place.run(relay.port, "-d", code=73)
        self.assertEqual(relay.commands, [])
        place.out.chmod(0o700)
        self.assertEqual(self.run_popcl(place, "-d").count, 1)
        self.assertEqual(self.count(account), 0)

    def test_auth_file_in_danger(self):
        """[E12] Readable by others: one warning. Writable by others: refused, 78. A directory: 78. Missing: 66."""
        _, place = self.mailbox([b"Subject: x\n\n"])
        place.auth_file.chmod(0o644)
        result = self.run_popcl(place)
        self.assertEqual(result.err.count("chmod 600"), 1, result)
        place.auth_file.chmod(0o622)
        self.run_popcl(place, code=78)
        place.auth_file.unlink()
        self.run_popcl(place, code=66)
        place.auth_file.mkdir()
        self.run_popcl(place, code=78)

    def test_damaged_state(self):
        """A damaged state: said, kept aside, and the run goes on as if it were empty: a second download, never a loss."""
        messages = mailboxes.many(4)
        for damage in (lambda octets: octets[:len(octets) // 2], lambda octets: b"", lambda octets: b"nonsense\n" * 100,
                       lambda octets: bytes([octets[0] ^ 1]) + octets[1:], lambda octets: octets[:-1] + bytes([octets[-1] ^ 0x80]),
                       lambda octets: octets + octets):
            account, place = self.mailbox(messages)
            self.run_popcl(place, "-n")
            files = [path for path in place.state.rglob("*") if path.is_file() and path.stat().st_size]
            self.assertTrue(files, "no state was saved")
            for path in files:
                path.write_bytes(damage(path.read_bytes()))
            result = self.run_popcl(place, "-n")
            self.assertEqual(result.count, 4)
            self.assertRegex(result.err, "damaged")
            self.assertEqual(self.run_popcl(place, "-n").count, 0)
            self.assertSameMessages(place, map(mailboxes.delivered, messages))
            self.assertEqual(self.count(account), 4)

    def test_state_cannot_be_written(self):
        """The state's directory is a file: an error that says so, and no message is lost by -d."""
        account, place = self.mailbox(mailboxes.many(3))
        shutil.rmtree(place.state)
        place.state.write_text("")
        args = place.arguments(self.server.port, ("-n", "-d"))
        result = place.finish(place.start(args), args)
        self.assertIn(result.code, (73, 74), result)
        here = len(place.names()) if place.out.exists() else 0
        self.assertEqual(here + self.count(account), 3, result)

    def test_names_that_are_taken(self):
        """[F12] A directory, a link and a file stand where messages want to be: none is followed, replaced or lost."""
        messages = mailboxes.many(4)
        account, place = self.mailbox(messages)
        self.run_popcl(place)
        names = place.names()
        shutil.rmtree(place.out)
        place.out.mkdir(mode=0o700)
        victim = place.root / "victim"
        victim.write_text("untouched")
        (place.out / names[0]).mkdir()
        (place.out / names[1]).symlink_to(victim)
        (place.out / names[2]).write_text("another's")
        self.assertEqual(self.run_popcl(place).count, 4)
        self.assertEqual(victim.read_text(), "untouched")
        self.assertEqual((place.out / names[2]).read_text(), "another's")
        self.assertTrue((place.out / names[0]).is_dir())
        self.assertTrue((place.out / names[1]).is_symlink())
        found = {path.read_bytes() for path in place.out.iterdir() if path.is_file() and not path.is_symlink()}
        self.assertLessEqual(set(map(mailboxes.delivered, messages)), found)

    def test_full_disk(self):
        """[F14 F16] No space for a file: 74, nothing deleted, no temporary left. (A limit on file sizes stands in for a full disk.)"""
        account, place = self.mailbox([*mailboxes.many(2), b"Subject: big\n\n" + b"x" * 70 * 1000 + b"\n", *mailboxes.many(1)])
        place.wrapper = ["prlimit", "--fsize=40000", "--"]
        if not shutil.which("prlimit"):
            self.skipTest("no prlimit here")
        args = place.arguments(self.server.port, ("-d",))
        result = place.finish(place.start(args), args)
        self.assertEqual(result.code, 74, result)
        self.assertTrue(all(len(octets) < 40000 for octets in place.contents()))
        self.assertEqual(len(place.names()) + self.count(account), 4, result)

    def test_stdout_is_closed(self):
        """Nobody reads the count line: messages are stored all the same, and the exit code says 74."""
        _, place = self.mailbox(mailboxes.many(2))
        args = place.arguments(self.server.port)
        place.wrapper = ["sh", "-c", 'exec "$0" "$@" >/dev/full']
        result = place.finish(place.start(args), args)
        self.assertEqual(result.code, 74, result)
        self.assertEqual(len(place.names()), 2)


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Valgrind(DovecotTest):
    """Whole sessions under valgrind."""

    def test_sessions(self):
        """[I6] No invalid access, no use of undefined memory, no leak: a -n -d session with the sample mailbox, and failing ones."""
        messages = mailboxes.sample_messages()
        account, place = self.mailbox(messages)
        log = place.root / "valgrind"
        place.wrapper = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all",
                         "--errors-for-leak-kinds=all", f"--log-file={log}"]
        try:
            self.run_popcl(place, "-n", "--limit", "5")
            self.run_popcl(place, "-n", "-d")
            self.assertSameMessages(place, map(mailboxes.delivered, messages))
            self.assertEqual(self.count(account), 5)
            self.run_popcl(place, "-d", "--max-size", "100", "--trace")
            place.auth(account.name, "not-the-password")
            self.run_popcl(place, code=77)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{log.read_text(errors='replace')[:4000] if log.exists() else ''}") from None


if __name__ == "__main__":
    unittest.main()
