# SPDX-License-Identifier: MIT
"""Where the command puts messages besides a directory: Maildir, mbox, a command for each message, standard output. What is stored is undone
by the rules of its form, and compared octet by octet with what the server sent."""
import collections
import mailbox
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

import command
import mailboxes
import oracle
from dovecot import Dovecot
from hostile import Close, Hostile, Reset, message, stuffed

FIRST_LINE = re.compile(rb"From \S+ (Sun|Mon|Tue|Wed|Thu|Fri|Sat) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d:\d\d \d{4}\n")
ODD = [b"Subject: odd\r\n\r\nFrom the start\r\n>From quoted\r\n>>From twice\r\n Fro\r\nFro\r\nFrom\r\nfrom small\r\n> From\r\nlone\rCR and \nLF\r\n\r\n",
       b"Return-Path: <alice@example.org>\r\nSubject: a sender\r\n\r\n\r\n\r\n", b"Subject: no body\r\n"]


def lf(octets):
    """[--eol] Only CRLF becomes LF."""
    return octets.replace(b"\r\n", b"\n")


def undone(octets, test):
    """The messages of an mboxrd file, with LF. A part that a kill left is among them."""
    parts = re.split(rb"(?:\A|(?<=\n))(?=From )", octets)
    test.assertEqual(parts[0], b"")
    messages = []
    for part in parts[1:]:
        first = FIRST_LINE.match(part)
        test.assertTrue(first, part[:80])
        body = part[first.end():]
        test.assertTrue(body.endswith(b"\n"), body[-40:])
        messages.append(re.sub(rb"(?m)^>(>*From )", rb"\1", body[:-1]))
    return messages


class StoreTest(unittest.TestCase):
    def place(self, **options):
        place = StorePlace(**options)
        self.addCleanup(place.remove)
        return place


class StorePlace(command.Place):
    """A place whose runs name a store of their own: -o and --format, or --pipe."""

    store = ()

    def arguments(self, port, options=(), server="127.0.0.1", out=None):
        return [server, "-p", str(port), "-a", str(self.auth_file), *self.store, *options]

    def use(self, *store):
        self.store = store
        return self

    def maildir(self):
        return self.use("-o", str(self.out), "--format", "maildir")

    def mbox(self, path=None):
        self.file = path or self.root / "mbox"
        return self.use("-o", str(self.file), "--format", "mbox")

    def pipe(self, text):
        return self.use("--pipe", text)

    def in_maildir(self):
        if os.listdir(self.out / "tmp") or os.listdir(self.out / "cur"):
            raise AssertionError("something is left in tmp or cur")
        return sorted((self.out / "new" / name).read_bytes() for name in os.listdir(self.out / "new"))


# ---- each store against Dovecot ----

class DovecotTest(StoreTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Dovecot().__enter__()
        cls.addClassCleanup(cls.server.stop)


class WithDovecot(DovecotTest):
    """[F22] Byte-exact once the form is undone; -n is implied; -d deletes what is stored."""

    def mailbox(self, messages=None):
        account = self.server.account()
        account.deliver(mailboxes.sample_messages() if messages is None else messages)
        place = self.place(user=account.name, password=account.password)
        self.sent = list(oracle.fetch_all(self.server.port, account))
        return account, place

    def new_once(self, place, *options):
        self.assertEqual(place.run(self.server.port, *options).out, f"{len(self.sent)} new messages downloaded.\n")
        self.assertEqual(place.run(self.server.port, *options).out, "0 new messages downloaded.\n")

    def test_maildir(self):
        _, place = self.mailbox()
        self.new_once(place.maildir())
        self.assertEqual(place.in_maildir(), sorted(map(lf, self.sent)))
        names = os.listdir(place.out / "new")
        self.assertTrue(all(re.fullmatch(r"\d+\.R[0-9a-f]{16}P\d+Q\d+\.[^/:]+", name) for name in names), names)
        modes = {oct((place.out / part).stat().st_mode & 0o777) for part in ("", "tmp", "new", "cur")}
        self.assertEqual(modes, {"0o700"})
        theirs = mailbox.Maildir(place.out)
        self.assertEqual(len(theirs), len(self.sent))

    def test_mbox(self):
        _, place = self.mailbox()
        self.new_once(place.mbox())
        self.assertEqual(undone(place.file.read_bytes(), self), list(map(lf, self.sent)))
        self.assertEqual(place.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(mailbox.mbox(place.file)), len(self.sent))
        self.assertFalse(pathlib.Path(f"{place.file}.lock").exists())

    def test_a_new_place_of_old_mail(self):
        """Whoever changes the store finds out why it stays empty; -q is silent, and a place that is known is too."""
        _, place = self.mailbox()
        place.use("-o", str(place.out)).run(self.server.port)
        first = place.use("-o", str(place.root / "first"), "--format", "maildir").run(self.server.port)
        self.assertIn(f"note: {place.root}/first is new and stays empty: the record has the mail of the server from an earlier run; --all fetches it again\n", first.err)
        self.assertNotIn("stays empty", place.run(self.server.port).err)
        self.assertEqual(place.use("-o", str(place.root / "second"), "--format", "mbox").run(self.server.port, "-q").err, "")
        self.assertIn("without -n it comes again", place.use("-o", str(place.root / "third")).run(self.server.port, "-n").err)

    def test_pipe(self):
        _, place = self.mailbox()
        self.new_once(place.pipe('cat > "$HOME/$$.msg"'))
        stored = sorted(path.read_bytes() for path in (place.root / "home").glob("*.msg"))
        self.assertEqual(stored, sorted(map(lf, self.sent)))

    def test_standard_output(self):
        account, place = self.mailbox()
        place.use("-o", "-")
        for _ in (1, 2):  # nothing is recorded
            code, out, err = stream(place, self.server.port)
            self.assertEqual((code, undone(lf(out), self)), (0, list(map(lf, self.sent))))
            self.assertIn(f"popcl: {len(self.sent)} messages downloaded.\n", err)
            self.assertEqual(out.count(b"\r\n"), out.count(b"\n"))
        code, out, err = stream(place, self.server.port, "--limit", "1")
        self.assertEqual((code, out), (0, self.sent[0]))
        self.assertIn("popcl: 1 message downloaded.\n", err)
        self.assertEqual(oracle.count(self.server.port, account), len(self.sent))

    def test_all(self):
        """--all asks for everything again."""
        _, place = self.mailbox(mailboxes.sample_messages()[:2])
        place.maildir()
        for _ in (1, 2):
            self.assertEqual(place.run(self.server.port, "--all").out, "2 messages downloaded.\n")
        self.assertEqual(place.in_maildir(), sorted(map(lf, self.sent * 2)))

    def test_line_ends(self):
        """--eol is for every store; only the default differs."""
        _, place = self.mailbox(mailboxes.sample_messages()[:3])
        place.maildir().run(self.server.port, "--all", "--eol", "crlf")
        self.assertEqual(place.in_maildir(), sorted(self.sent))
        place.use("-o", str(place.root / "dir"), "--eol", "lf")
        place.run(self.server.port)
        self.assertEqual(sorted(path.read_bytes() for path in (place.root / "dir").iterdir()), sorted(map(lf, self.sent)))
        place.mbox()
        place.run(self.server.port, "--all", "--eol", "crlf")
        text = place.file.read_bytes()
        self.assertEqual(undone(lf(text), self), list(map(lf, self.sent)))
        self.assertEqual(len(re.findall(rb"(?m)^From [^\n]*[^\r]\n", text)), 0)

    def test_delete(self):
        """[R25 I3 I4] -d with each store: all is here, and the mailbox is empty."""
        for store in ("maildir", "mbox", "pipe"):
            with self.subTest(store=store):
                account, place = self.mailbox()
                place.pipe('cat > "$HOME/$$.msg"') if store == "pipe" else getattr(place, store)()
                self.assertEqual(place.run(self.server.port, "-d").count, len(self.sent))
                stored = {"maildir": lambda: place.in_maildir(), "mbox": lambda: sorted(undone(place.file.read_bytes(), self)),
                          "pipe": lambda: sorted(path.read_bytes() for path in (place.root / "home").glob("*.msg"))}[store]()
                self.assertEqual(stored, sorted(map(lf, self.sent)))
                self.assertEqual(oracle.count(self.server.port, account), 0)


class Kept(DovecotTest):
    """[10,000] A large maildrop of small messages, from Dovecot into each store."""

    COUNT = 10000
    PIPED = int(os.environ.get("POPCL_PIPED", "300"))  # a shell for each takes time: 10000 is for a run by hand

    def setUp(self):
        super().setUp()
        self.account = self.server.account()
        self.account.deliver(mailboxes.many(self.COUNT))
        self.sent = collections.Counter(lf(octets) for octets in oracle.fetch_all(self.server.port, self.account))
        self.assertEqual(len(self.sent), self.COUNT)

    def test_ten_thousand(self):
        for store in ("directory", "maildir", "mbox", "pipe", "stream"):
            with self.subTest(store=store):
                place = self.place(user=self.account.name, password=self.account.password)
                stored = collections.Counter(map(lf, getattr(self, store)(place)))
                wanted = self.PIPED if store == "pipe" else self.COUNT
                self.assertEqual((len(stored), stored.total(), stored - self.sent), (wanted, wanted, collections.Counter()))

    def all_new(self, place, *options, count=COUNT):
        self.assertEqual(place.run(self.server.port, "-n", *options).count, count)
        return place

    def directory(self, place):
        place = self.all_new(place.use("-o", str(place.out)))
        return [file.read_bytes() for file in place.out.iterdir()]

    def maildir(self, place):
        return self.all_new(place.maildir()).in_maildir()

    def mbox(self, place):
        return undone(self.all_new(place.mbox()).file.read_bytes(), self)

    def pipe(self, place):
        """CMD is a shell of its own for each message."""
        file = place.root / "all"
        self.all_new(place.pipe(f"cat >>'{file}'; printf '\\0' >>'{file}'"), "--limit", str(self.PIPED), count=self.PIPED)
        return file.read_bytes().split(b"\0")[:-1]

    def stream(self, place):
        code, out, _ = stream(place.use("-o", "-"), self.server.port)
        self.assertEqual(code, 0)
        return undone(lf(out), self)


class ReadByOthers(StoreTest):
    """Mail programs read what is stored."""

    def setUp(self):
        self.messages = [message(n) for n in range(1, 6)] + ODD
        self.place_ = self.place()
        with Hostile(self.messages) as server:
            self.place_.mbox().run(server.port)
            self.place_.maildir().run(server.port, "--all")

    def test_python(self):
        """mailbox of Python knows mboxo, which undoes no quoting."""
        mbox, maildir = mailbox.mbox(self.place_.root / "mbox"), mailbox.Maildir(self.place_.out)
        wanted = [subject(octets) for octets in self.messages]
        self.assertEqual([letter["Subject"] for letter in mbox], wanted)
        self.assertEqual(sorted(letter["Subject"] for letter in maildir), sorted(wanted))
        self.assertIn("alice@example.org", [letter.get_from().split()[0] for letter in mbox])

    def listed(self, path):
        """The subjects that mutt shows."""
        if not shutil.which("mutt"):
            self.skipTest("mutt is not installed")
        (self.place_.root / "muttrc").write_text(
            'set folder=$HOME quit=yes sort=mailbox-order header_cache="" pipe_decode=no pipe_split=no wait_key=no\n'
            'push "<tag-pattern>~A<enter><tag-prefix><pipe-message>cat > $HOME/piped<enter><quit>"\n')
        environment = {"HOME": str(self.place_.root / "home"), "TERM": "xterm", "LC_ALL": "C", "PATH": os.environ["PATH"]}
        subprocess.run(["script", "-qec", f"mutt -R -F {self.place_.root}/muttrc -f {path}", "/dev/null"], env=environment,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=command.HANGS, check=True)
        piped = self.place_.root / "home" / "piped"
        found = re.findall(r"(?m)^Subject: (.*)$", piped.read_text(errors="replace")) if piped.exists() else []
        piped.unlink(missing_ok=True)
        return found

    def test_mutt(self):
        wanted = [subject(octets) for octets in self.messages]
        self.assertEqual(self.listed(self.place_.root / "mbox"), wanted)
        self.assertEqual(sorted(self.listed(self.place_.out)), sorted(wanted))


def subject(octets):
    return re.search(rb"Subject: (.*)\r\n", octets).group(1).decode()


# ---- an mbox that others use ----

class Shared(StoreTest):
    def test_two_runs_at_once(self):
        """Two accounts into one file, one Maildir: every message is there, whole."""
        one, two = [message(n) for n in range(1, 200)], [message(n) for n in range(1000, 1200)]
        with Hostile(one) as first, Hostile(two) as second:
            for store in ("mbox", "maildir"):
                places = [self.place(), self.place()]
                getattr(places[0], store)()
                places[1].use(*places[0].store)
                runs = [(place, args, place.start(args)) for place, server in zip(places, (first, second))
                        for args in [place.arguments(server.port, ("--sync", "each"))]]
                for place, args, process in runs:
                    self.assertEqual(place.finish(process, args).code, 0)
                stored = undone(places[0].file.read_bytes(), self) if store == "mbox" else places[0].in_maildir()
                self.assertEqual(sorted(stored), sorted(map(lf, one + two)))

    def test_a_lock_that_is_left_over(self):
        """It is reported with its age, and removed by nobody but a person."""
        place = self.place().mbox()
        lock = pathlib.Path(f"{place.file}.lock")
        lock.write_text("1\n")
        os.utime(lock, (time.time() - 3600,) * 2)
        with Hostile() as server:
            result = place.run(server.port, "-d", "--timeout", "1", code=75)
            self.assertRegex(result.err, r"its lock file is there, and 36\d\d seconds old")
            self.assertIn(f"rm '{lock}'", result.err)
            self.assertEqual(place.file.read_bytes(), b"")
            self.assertNotIn("DELE", server.verbs())
            lock.unlink()
            self.assertEqual(place.run(server.port).count, 3)
            self.assertEqual(undone(place.file.read_bytes(), self), [lf(message(n)) for n in (1, 2, 3)])

    def test_no_lock_file_possible(self):
        """As in /var/mail: fcntl alone, which is reported."""
        if os.getuid() != 0:
            self.skipTest("a directory that its owner may not write is made by root")
        place = self.place(owner=12345)
        folder = place.root / "spool"
        folder.mkdir(mode=0o755)
        place.mbox(folder / "user").file.touch()
        os.chown(place.file, 12345, 12345)
        with Hostile() as server:
            result = place.run(server.port)
        self.assertIn("is locked with fcntl alone", result.err)
        self.assertEqual(len(undone(place.file.read_bytes(), self)), 3)

    def test_killed_in_the_append(self):
        """[kill -9] What another program appends after it is all there, and so is every message."""
        messages = [b"Subject: %d\r\n\r\n" % n + b"x" * 70 + b"\r\n" + b"y" * 200000 + b"\r\n" for n in range(40)]
        for _ in range(4):
            place = self.place().mbox()
            with Hostile(messages) as server:
                process = place.start(place.arguments(server.port))
                for _ in range(20000):
                    if process.poll() is not None or place.file.exists() and place.file.stat().st_size:
                        break
                    time.sleep(0.0005)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                with open(place.file, "ab") as file:
                    file.write(b"of another program\n")
                before = place.file.read_bytes()
                place.run(server.port)
            after = place.file.read_bytes()
            self.assertEqual(after[:len(before)], before)
            stored = undone(after, self)
            self.assertTrue(set(map(lf, messages)) <= set(stored))


# ---- a command ----

FATES = [  # the command, exit code of popcl, messages stored, a part of the error
    ("cat > /dev/null", 0, 3, None),
    ("true", 0, 3, None),
    ("head -n 1 > /dev/null", 0, 3, None),
    ("exec 0<&-; exit 0", 0, 3, None),
    ("false", 75, 0, "failed with exit code 1"),
    ("exit 75", 75, 0, "failed with exit code 75"),
    ("./no-such-program", 75, 0, "failed with exit code 127"),
    ("exit 126", 75, 0, "failed with exit code 126"),
    ("kill -KILL $$", 75, 0, "was ended by signal 9"),
    ("sleep 60", 75, 0, "did not end in time"),
]


class Pipe(StoreTest):
    def test_fates(self):
        """Everything but 0 leaves the message on the server; after two in a row, or 126 and 127, no further one is fetched."""
        for text, code, stored, words in FATES:
            with self.subTest(command=text), Hostile() as server:
                place = self.place().pipe(text)
                result = place.run(server.port, "-d", "--timeout", "1", code=code)
                self.assertEqual(result.count, stored)
                if words:
                    self.assertIn(words, result.err)
                    self.assertEqual(len([c for c in server.commands if c.startswith("RETR")]), 1 if "12" in words else 2)
                self.assertEqual(len(server.messages), 3 - stored)
                self.assertEqual(server.sessions[-1][-1], "QUIT")
                # nothing is remembered as refused
                place.pipe('cat > "$HOME/$$"')
                self.assertEqual(place.run(server.port, "-d").count, 3 - stored)

    def test_the_time_of_the_run(self):
        """--max-time is the whole run's: a command, and a wait for a lock, do not outlast it by --timeout."""
        waits = self.place().mbox()
        lock = waits.root / "mbox.lock"
        lock.write_text("1\n")
        for place, words in ((self.place().pipe("sleep 50"), "did not end in time"), (waits, "is locked")):
            with self.subTest(words=words), Hostile() as server:
                began = time.monotonic()
                result = place.run(server.port, "--max-time", "2", code=75)
                self.assertLess(time.monotonic() - began, 25)
                self.assertEqual(result.count, 0)
                self.assertIn(words, result.err)
        lock.unlink()
        with Hostile() as server:
            self.assertEqual(waits.run(server.port, "--max-time", "60").count, 3)
            self.assertEqual(self.place().pipe("cat").run(server.port, "--max-time", "60").count, 3)

    def test_one_failure_is_passed_over(self):
        with Hostile() as server:
            place = self.place().pipe("! grep -q 'message 2'")
            result = place.run(server.port, "-d", code=75)
            self.assertEqual(result.count, 2)
            self.assertIn("message 2", result.err)
            self.assertEqual(server.messages, [message(2)])

    def test_cut_at_every_octet(self):
        """For each octet of a message the connection is cut there: the command never ran for it."""
        sent = b"+OK\r\n" + stuffed(b"Subject: cut\r\n\r\n.x\r\n")
        place = self.place()
        ran = place.root / "home" / "ran"
        place.pipe('cat > "$HOME/ran"')
        for cut in range(len(sent)):
            end = Reset() if cut % 2 else Close()
            with Hostile([b"Subject: cut\r\n\r\n.x\r\n"], replies={"RETR 1": [sent[:cut], end]}) as server:
                place.run(server.port, "--all", "-d", code=75)
                self.assertFalse(ran.exists(), sent[:cut])
                self.assertNotIn("DELE", server.verbs())
            shutil.rmtree(place.state)
            place.state.mkdir()
        with Hostile([b"Subject: cut\r\n\r\n.x\r\n"]) as server:
            place.run(server.port)
        self.assertEqual(ran.read_bytes(), b"Subject: cut\n\n.x\n")

    def test_nothing_of_the_server(self):
        """Command line and environment are the user's."""
        with Hostile([message(1)], uids=["$(touch${IFS}uid)"], replies={"greeting": b"+OK GREETING-TEXT\r\n"}) as server:
            place = self.place()
            place.environment["OF_THE_USER"] = "yes"
            place.pipe('env > "$HOME/env"; tr "\\0" " " < /proc/$$/cmdline > "$HOME/line"; ls /proc/$$/fd > "$HOME/fds"; cat > /dev/null')
            place.run(server.port)
        home = place.root / "home"
        text = (home / "env").read_text() + (home / "line").read_text()
        self.assertIn("OF_THE_USER=yes", text)
        for word in ("secret", "touch", "GREETING", "127.0.0.1"):
            self.assertNotIn(word, text)
        self.assertFalse(set((home / "fds").read_text().split()) - {"0", "1", "2", "10", "255"})

    def test_output_of_the_command(self):
        """Standard output stays one line."""
        with Hostile() as server:
            result = self.place().pipe("echo said; cat > /dev/null").run(server.port)
        self.assertEqual(result.out, "3 new messages downloaded.\n")
        self.assertEqual(result.err.count("said\n"), 3)

    def test_second_signal(self):
        """It kills the command too."""
        with Hostile() as server:
            place = self.place().pipe('echo $$ > "$HOME/pid"; sleep 60')
            args = place.arguments(server.port)
            process = place.start(args)
            pid = place.root / "home" / "pid"
            for _ in range(4000):
                if pid.exists() and pid.read_text():
                    break
                time.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(place.finish(process, args).code, 143)
            for _ in range(2000):
                if not pathlib.Path(f"/proc/{pid.read_text().strip()}").exists():
                    return
                time.sleep(0.005)
            self.fail("the command goes on")


# ---- standard output ----

class Stream(StoreTest):
    def test_a_cut_message_is_not_written(self):
        with Hostile(replies={"RETR 2": [b"+OK\r\nSubject: half\r\n\r\nhal", Close()]}) as server:
            code, out, err = stream(self.place().use("-o", "-"), server.port)
        self.assertEqual(code, 75)
        self.assertEqual(sorted(undone(lf(out), self)), [lf(message(n)) for n in (1, 3)])
        self.assertIn("2 messages downloaded.", err)

    def test_a_reader_that_goes_away(self):
        with Hostile([message(n, 3000) for n in range(1, 10)]) as server:
            place = self.place().use("-o", "-")
            process = place.start(place.arguments(server.port))
            process.stdout.close()
            err = process.stderr.read().decode()
            self.assertEqual(process.wait(timeout=command.HANGS), 74)
            process.stderr.close()
        self.assertIn("standard output", err)
        self.assertIn("the program that reads the pipe has ended", err)
        self.assertIn("what to try: look at where the output goes", err)

    def test_usage(self):
        place = self.place().use("-o", "-")
        for options in (("-d",), ("--format", "maildir"), ("--format", "raw")):
            place.run(1, *options, code=64)


# ---- places that cannot be used ----

class Record(StoreTest):
    """The record is one for all stores, and never in the place of the mail."""

    def test_one_for_all(self):
        with Hostile() as server:
            place = self.place().maildir()
            self.assertEqual(place.run(server.port).count, 3)
            self.assertEqual(place.mbox().run(server.port).count, 0)
            self.assertEqual(place.pipe("cat").run(server.port).count, 0)
            code, out, _ = stream(place.use("-o", "-"), server.port, "-n")
            self.assertEqual((code, out), (0, b""))

    def test_no_place(self):
        """Without HOME nothing is put into a Maildir, where it would be a folder; a warning has what to set."""
        with Hostile() as server:
            place = self.place().maildir()
            place.environment.update(HOME="", XDG_STATE_HOME="")
            for _ in (1, 2):
                result = place.run(server.port)
                self.assertEqual(result.count, 3)
                self.assertIn("set HOME or XDG_STATE_HOME, or give --state FILE", result.err)
            self.assertEqual(sorted(os.listdir(place.out)), ["cur", "new", "tmp"])
            result = place.run(server.port, "--state", str(place.root / "record"))
            self.assertNotIn("set HOME", result.err)
            self.assertEqual(place.run(server.port, "--state", str(place.root / "record")).count, 0)


class Refused(StoreTest):
    """[E73] Before any connection, in three parts."""

    def refused(self, place, words, code=73):
        with Hostile() as server:
            result = place.run(server.port, code=code)
            self.assertEqual(server.sessions, [])
        self.assertIn(words, result.err)

    def test_no_maildir(self):
        place = self.place().maildir()
        place.out.mkdir()
        (place.out / "letter").write_text("x")
        self.refused(place, "it is no Maildir")
        self.assertEqual(os.listdir(place.out), ["letter"])

    def test_no_mbox(self):
        place = self.place()
        place.out.mkdir()
        self.refused(place.mbox(place.out), "it is a directory, perhaps a Maildir")
        os.mkfifo(place.root / "fifo")
        self.refused(place.mbox(place.root / "fifo"), "it is a device or a pipe")
        self.refused(place.mbox(place.root / "missing" / "mbox"), "its directory is missing")

    def test_the_file_of_another_option(self):
        """Mail is not appended to it, and neither trace nor record nor session takes the place of mail."""
        place = self.place().mbox()
        old = b"From old Mon Jan  1 00:00:00 2024\n\nprecious\n\n"
        place.file.write_bytes(old)
        place.file.chmod(0o600)
        (place.root / "link").symlink_to(place.file)
        os.link(place.file, place.root / "hard")
        tls = ("-T", "--resume")
        for name, by_name in ((place.file, 64), (place.root / "link", 73), (place.root / "hard", 73)):
            for words, code in (((f"--trace={name}",), 73), (("--state", name), by_name), ((*tls, name), by_name if by_name == 64 else 78)):
                with self.subTest(words=words), Hostile() as server:
                    result = place.run(server.port, *map(str, words), code=code)
                    self.assertEqual(server.sessions, [])
                    self.assertRegex(result.err, "the same file" if code == 64 else "another option|it is a link")
                    self.assertEqual(place.file.read_bytes(), old)
        login = place.auth_file.read_bytes()
        self.refused(place.mbox(place.auth_file), "it is the file of another option")
        self.assertEqual(place.auth_file.read_bytes(), login)
        self.assertFalse((place.root / "auth.lock").exists())
        for words in (("--state", "new"), ("-T", "--resume", "new"), ("-T", "--tofu", "new")):
            with self.subTest(words=words), Hostile() as server:
                result = place.mbox("new").run(server.port, *words, code=64)
                self.assertIn("name the same file", result.err)
                self.assertEqual(server.sessions, [])

    def test_no_temporary_file(self):
        place = self.place().pipe("cat")
        place.environment["TMPDIR"] = str(place.root / "missing")
        self.refused(place, "set TMPDIR")

    def test_full_disk(self):
        """[F14] 74: the message stays on the server, and the file has none of it."""
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        place = self.place().use("-o", "-")
        with Hostile() as server, open("/dev/full", "wb") as full:
            args = place.arguments(server.port)
            process = subprocess.run([place.command, *args], stdout=full, stderr=subprocess.PIPE, timeout=command.HANGS, check=False,
                                     env={"HOME": str(place.root / "home"), "PATH": os.environ["PATH"]})
        self.assertEqual(process.returncode, 74)
        self.assertIn(b"the disk is full", process.stderr)


def stream(place, port, *options):
    """A run with -o -. Returns exit code, standard output's octets, and the text of standard error."""
    process = place.start(place.arguments(port, options))
    out, err = process.communicate(timeout=command.HANGS)
    return process.returncode, out, err.decode()


if __name__ == "__main__":
    unittest.main()
