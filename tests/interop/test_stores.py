# SPDX-License-Identifier: MIT
"""Where the command puts messages besides a directory: Maildir, mbox, a command for each message, standard output. What is stored is undone
by the rules of its form, and compared octet by octet with what the server sent."""
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

class WithDovecot(StoreTest):
    """[F22] Byte-exact once the form is undone; -n is implied; -d deletes what is stored."""

    @classmethod
    def setUpClass(cls):
        cls.server = Dovecot().__enter__()
        cls.addClassCleanup(cls.server.stop)

    def mailbox(self, messages=None):
        account = self.server.account()
        account.deliver(mailboxes.sample_messages() if messages is None else messages)
        place = self.place(user=account.name, password=account.password)
        self.sent = [octets for octets in oracle.fetch_all(self.server.port, account)]
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
            self.assertEqual((code, undone(out, self)), (0, list(map(lf, self.sent))))
            self.assertIn(f"popcl: {len(self.sent)} messages downloaded.\n", err)
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
        place.run(self.server.port, "--all", "--eol", "crlf", out=None) if place.maildir() else None
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


def stream(place, port, *options):
    """A run with -o -. Returns exit code, standard output's octets, and the text of standard error."""
    process = place.start(place.arguments(port, options))
    out, err = process.communicate(timeout=command.HANGS)
    return process.returncode, out, err.decode()


if __name__ == "__main__":
    unittest.main()
