"""What the command reads and writes, and what becomes of a run when that fails or blocks: the directory of messages, standard output and error,
the trace, the files of -a and --resume, and arguments. Servers are scripted (hostile.py); places are those of command.py."""
import fcntl
import os
import shutil
import unittest

import command
from hostile import Hostile, Step, message, stuffed
from tlscase import right_server, root

MANY = 40
ANOTHER_USER = 12345 if os.geteuid() == 0 else None  # root may do anything: where that matters, the command runs as somebody else


class Do(Step):
    """Something that happens on this machine at that moment."""

    def __init__(self, what):
        self.what = what

    def play(self, connection):
        self.what()


class InAPlace(unittest.TestCase):
    """With a place of its own for each test."""

    def place(self, **options):
        place = command.Place(**options)
        self.addCleanup(place.remove)
        return place


class StoreFails(InAPlace):
    """[G13] The directory of -o is lost in mid-run: the session ends in order, and nothing more is fetched."""

    def run_until(self, what, *options):
        """Runs over many messages, with `what` done to the place in the middle. Returns place, server, result."""
        place = self.place(owner=ANOTHER_USER)
        mail = [message(n) for n in range(1, MANY + 1)]
        with Hostile(messages=mail) as server:
            server.replies["RETR 11"] = [Do(lambda: what(place)), b"+OK\r\n" + stuffed(mail[10])]
            result = place.run(server.port, *options, code=74)
            commands = list(server.commands)
        self.assertEqual(commands[-1], "QUIT", commands)
        # A command or two may be on the way when the store says no.
        self.assertLess(len([c for c in commands if c.startswith("RETR")]), 15, commands)
        return place, commands, result

    def test_the_directory_is_removed(self):
        for options in ((), ("-d",)):
            with self.subTest(options=options):
                _, _, result = self.run_until(lambda place: shutil.rmtree(place.out), *options)
                self.assertIn("No such file or directory", result.err)

    def test_the_directory_is_removed_and_made_again(self):
        def remove(place):
            shutil.rmtree(place.out)
            place.out.mkdir()
        for options in ((), ("-d",)):
            with self.subTest(options=options):
                self.run_until(remove, *options)

    def test_the_directory_may_not_be_written_any_more(self):
        for options in ((), ("-d",)):
            with self.subTest(options=options):
                place, commands, result = self.run_until(lambda place: os.chmod(place.out, 0o500), *options)
                os.chmod(place.out, 0o700)
                self.assertIn("Permission denied", result.err)
                self.assertEqual(place.contents(), sorted(message(n) for n in range(1, 11)))
                deleted = {c for c in commands if c.startswith("DELE")}
                self.assertEqual(deleted, {f"DELE {n}" for n in range(1, 11)} if options else set(), result)


class ResumeFile(InAPlace):
    """The file of --resume, which holds a secret, is replaced whole."""

    def test_killed_while_it_is_written(self):
        """[L9] What a killed run left of it is removed by the next one; what a run that lives is writing stays."""
        place = self.place()
        folder = place.root / "kept"
        folder.mkdir()
        left, live, other = (folder / f".{name}.{digits}.new" for name, digits in (
            ("session", "0123456789abcdef"), ("session", "fedcba9876543210"), ("another", "0123456789abcdef")))
        for path in (left, live, other):
            path.write_bytes(b"secret")
            path.chmod(0o600)
        with Hostile(context=right_server().context()) as server, open(live, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            place.run(server.port, "-T", "-c", str(root().file), "--resume", str(folder / "session"), server="localhost")
            names = {path.name for path in folder.iterdir()}
        self.assertNotIn(left.name, names)
        self.assertLessEqual({other.name, live.name}, names)


if __name__ == "__main__":
    unittest.main()
