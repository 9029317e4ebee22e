# SPDX-License-Identifier: MIT
"""What the command reads and writes, and what becomes of a run when that fails or blocks: the directory of messages, standard output and error,
the trace, the files of -a and --resume, and arguments. Servers are scripted (hostile.py); places are those of command.py."""
import fcntl
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import termios
import threading
import time
import unittest

import command
from hostile import Close, Drip, Hang, Hostile, Step, message, stuffed
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
                place, commands, result = self.run_until(lambda place: os.chmod(place.out, 0o500), "--sync", "each", *options)
                os.chmod(place.out, 0o700)
                self.assertIn("Permission denied", result.err)
                self.assertEqual(place.contents(), sorted(message(n) for n in range(1, 11)))
                deleted = {c for c in commands if c.startswith("DELE")}
                self.assertEqual(deleted, {f"DELE {n}" for n in range(1, 11)} if options else set(), result)

    def test_the_directory_may_not_be_written_while_a_group_waits(self):
        """The group's files cannot get their names: none counts as stored, and none is deleted."""
        for options in ((), ("-d",)):
            with self.subTest(options=options):
                place, commands, result = self.run_until(lambda place: os.chmod(place.out, 0o500), *options)
                os.chmod(place.out, 0o700)
                self.assertIn("Permission denied", result.err)
                left = [name for name in os.listdir(place.out) if not name.startswith(".popcl-")]
                self.assertEqual(left, [])
                self.assertNotIn("DELE", " ".join(commands), result)
                with Hostile(messages=[message(1)]) as server:
                    place.run(server.port, *options)
                self.assertEqual(place.contents(), [message(1)])


class Sync(InAPlace):
    """--sync: messages are durable, and have their names, before they are deleted. One at a time, or in groups."""

    MAIL = 150  # more than two groups

    def run_with(self, *options, wrapper=()):
        place = self.place()
        place.wrapper = list(wrapper)
        mail = [message(n) for n in range(1, self.MAIL + 1)]
        with Hostile(messages=mail, out=place.out) as server:
            place.run(server.port, "-d", *options)
            self.assertEqual(server.violations, [])  # one would be a DELE of a message that is in no file
            self.assertEqual(server.messages, [])
            commands = [c for c in server.commands if c.startswith(("RETR", "DELE"))]
        self.assertEqual(place.contents(), sorted(mail))
        return commands

    def groups(self, commands):
        """How many messages were fetched before each row of deletions."""
        rows = re.findall(r"((?:RETR )+)((?:DELE )+)", "".join(c.split()[0] + " " for c in commands))
        for fetched, deleted in rows:
            self.assertEqual(fetched.count("RETR"), deleted.count("DELE"), commands)
        return [fetched.count("RETR") for fetched, _ in rows]

    def test_each(self):
        self.assertEqual(self.groups(self.run_with("--sync", "each")), [1] * self.MAIL)

    def test_group(self):
        for options in ((), ("--sync=group",)):
            self.assertEqual(self.groups(self.run_with(*options)), [64, 64, self.MAIL - 128])

    def test_few_descriptors(self):
        """The store takes a part of them for a group, and the run succeeds."""
        self.run_with(wrapper=["/bin/sh", "-c", 'ulimit -n 20; exec "$@"', "sh"])

    def test_killed_inside_a_group(self):
        """Nothing of the group is there, nothing was deleted, and the next run fetches all of it."""
        place = self.place()
        mail = [message(n) for n in range(1, MANY + 1)]
        with Hostile(messages=mail, out=place.out) as server:
            reached, go_on = threading.Event(), threading.Event()
            server.replies[f"RETR {MANY}"] = [Do(reached.set), Do(lambda: go_on.wait(command.HANGS))]
            args = place.arguments(server.port, ("-d",))
            process = place.start(args)
            self.assertTrue(reached.wait(command.HANGS))
            process.kill()
            self.assertEqual(place.finish(process, args).code, -signal.SIGKILL)
            go_on.set()
            self.assertEqual([name for name in os.listdir(place.out) if not name.startswith(".popcl-")], [])
            self.assertNotIn("DELE", " ".join(server.commands))
            del server.replies[f"RETR {MANY}"]
            place.run(server.port, "-d")
            self.assertEqual(server.violations, [])
            self.assertEqual(server.messages, [])
        self.assertEqual(place.contents(), sorted(mail))

    def test_a_connection_that_breaks_inside_a_group(self):
        """What came whole is stored."""
        place = self.place()
        mail = [message(n) for n in range(1, MANY + 1)]
        with Hostile(messages=mail) as server:
            server.replies["RETR 11"] = [Close()]
            place.run(server.port, "--limit", "20", code=(0, 75))
        self.assertLessEqual({*mail[:10]}, {*place.contents()})


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


class Blocked(InAPlace):
    """[L11] Standard output, standard error or the trace takes nothing: --max-time and the first signal hold all the same. Only that a run ends
    is tested; a run that did not would go on for as long as its limits, which are ten minutes and more."""

    LINES = 2000  # of the trace, far more than a pipe holds

    def start(self, place, server, *options, **outputs):
        """The command with the given stdout and stderr; both are the test's to read."""
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(place.root / "home"), "LC_ALL": "C", "TERM": "xterm",
                       "XDG_STATE_HOME": str(place.state)}
        outputs = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **outputs}
        process = subprocess.Popen([command.POPCL, *place.arguments(server.port, ("--timeout", "600", *options))], stdin=subprocess.DEVNULL,
                                   env=environment, cwd=place.root, **outputs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def many(self):
        return Hostile(messages=[message(n) for n in range(1, self.LINES // 6)])

    def ends(self, process, codes):
        self.assertIn(process.wait(command.HANGS), codes)

    @staticmethod
    def fill(writer):
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)

    def full_pipe(self):
        """A pipe that takes nothing any more. Returns its ends."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.fill(writer)
        self.addCleanup(os.close, writer)
        return reader, writer

    def stopped_terminal(self):
        """A terminal where Ctrl-S was pressed. Returns its two sides."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        self.addCleanup(termios.tcflow, slave, termios.TCOON)
        termios.tcflow(slave, termios.TCOOFF)
        return master, slave

    def socket(self):
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        return one.fileno(), other.fileno()

    def test_the_end_of_the_time(self):
        """--max-time ends the run where the trace on standard error takes nothing, whatever that is."""
        for what in (self.full_pipe, self.stopped_terminal, self.socket):
            with self.subTest(what=what.__name__), self.many() as server:
                process = self.start(self.place(), server, "--trace", "--max-time", "2", stderr=what()[1])
                self.ends(process, (0, 75))  # 0: the trace was given up, and then all mail came at once

    def test_the_first_signal(self):
        """The first signal ends it, before anything was connected too: a warning is the first thing that is said."""
        for what in (self.full_pipe, self.stopped_terminal, self.socket):
            for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
                with self.subTest(what=what.__name__, signal=number), self.many() as server:
                    process = self.start(self.place(), server, "--trace", stderr=what()[1])
                    time.sleep(0.5)  # until it is blocked, most likely; a signal before that ends it too
                    process.send_signal(number)
                    self.ends(process, (code,))

    def test_a_trace_file_that_is_a_fifo(self):
        """--trace=FIFO with a reader that reads nothing."""
        for options, number, codes in ((("--max-time", "2"), None, (0, 75)), ((), signal.SIGTERM, (143,))):
            with self.subTest(options=options), self.many() as server:
                place = self.place()
                fifo = place.root / "fifo"
                os.mkfifo(fifo, 0o600)
                reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
                self.addCleanup(os.close, reader)
                writer = os.open(fifo, os.O_WRONLY)
                self.fill(writer)
                os.close(writer)
                process = self.start(place, server, f"--trace={fifo}", *options)
                if number:
                    time.sleep(0.5)
                    process.send_signal(number)
                self.ends(process, codes)

    def test_standard_output(self):
        """The count and the listing: their reader takes nothing."""
        for options in ((), ("--list",)):
            for what in (self.full_pipe, self.stopped_terminal):
                for limit, number, codes in ((("--max-time", "2"), None, (74, 75)), ((), signal.SIGTERM, (143,))):
                    with self.subTest(what=what.__name__, options=options, limit=limit), self.many() as server:
                        process = self.start(self.place(), server, *options, *limit, stdout=what()[1])
                        if number:
                            time.sleep(1)
                            process.send_signal(number)
                        self.ends(process, codes)

    def test_progress_waits_for_nothing(self):
        """A stopped terminal gets no progress, and the run goes on to its end."""
        place = self.place()
        _, slave = self.stopped_terminal()
        with self.many() as server:
            process = self.start(place, server, "-q", stderr=slave)
            self.ends(process, (0,))
            self.assertEqual(len(place.names()), len(server.messages))

    def test_a_slow_reader_gets_all(self):
        """A reader that takes its time gets the whole trace."""
        reader, writer = os.pipe()
        with self.many() as server:
            process = self.start(self.place(), server, "--trace", stderr=writer)
            os.close(writer)
            text = b""
            while piece := os.read(reader, 3000):
                text += piece
                time.sleep(0.001)
            os.close(reader)
            self.ends(process, (0,))
        self.assertEqual(text.count(b"C: RETR"), self.LINES // 6 - 1)
        self.assertTrue(text.endswith(b"\n"))

    def test_flags_stay(self):
        """Others share the open file: its flags are as before."""
        reader, writer = os.pipe()
        with self.many() as server:
            process = self.start(self.place(), server, stderr=writer, stdout=writer)
            self.ends(process, (0,))
        self.assertTrue(os.get_blocking(writer))
        os.close(reader)
        os.close(writer)


class Stopping(InAPlace):
    """[L4] Ctrl-C waits only where that has an effect, and says so."""

    WAITS = "finishing the message under way; again to stop at once"

    def stop_inside(self, *options, at=3):
        """Stops a run inside a message of a server that sends no more of it. Returns its result and how long it took to end."""
        place = self.place()
        with Hostile(replies={f"RETR {at}": [b"+OK\r\nhalf", Hang()]}) as server:
            args = place.arguments(server.port, ("--timeout", "600", *options))
            process = place.start(args)
            give_up = time.monotonic() + command.HANGS
            while f"RETR {at}" not in server.commands and time.monotonic() < give_up:
                time.sleep(0.01)
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            result = place.finish(process, args)
            took = time.monotonic() - began
        self.assertEqual(result.code, 130, result)
        return result, took

    def test_nothing_to_gain(self):
        """Without -d the mail that is there stays as it is, and before the first message is stored nothing is deleted: nothing is waited for."""
        for options, at in (((), 3), (("-n",), 3), (("-d",), 1)):
            result, took = self.stop_inside(*options, at=at)
            self.assertNotIn(self.WAITS, result.err)
            self.assertLess(took, 4, "it waited, as a run with -d does for five seconds")

    def test_deletions_to_gain(self):
        """With -d, what is stored is deleted only by QUIT: that is waited for, and said."""
        result, _ = self.stop_inside("-d")
        self.assertIn(self.WAITS, result.err)

    def test_the_message_is_finished(self):
        """With -d and a server that answers: the message under way is read to its end, QUIT is sent, and the deletions are confirmed."""
        place = self.place()
        go_on = threading.Event()
        with Hostile(out=place.out) as server:
            server.replies["RETR 3"] = [b"+OK\r\n", Do(lambda: go_on.wait(command.HANGS)), stuffed(message(3))]
            args = place.arguments(server.port, ("-d", "--timeout", "600"))
            process = place.start(args)
            while "RETR 3" not in server.commands:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
            go_on.set()
            result = place.finish(process, args)
            self.assertEqual(result.code, 130, result)
            self.assertEqual(len(server.messages), 1, result)  # the third
            self.assertEqual(server.violations, [])
        self.assertIn(self.WAITS, result.err)


class Trace(InAPlace):
    """A trace that cannot be written: the mail comes all the same, and the trace is said to be incomplete."""

    def test_a_full_disk(self):
        with Hostile() as server:
            result = self.place().run(server.port, "--trace=/dev/full")
        self.assertEqual(result.count, 3)
        self.assertIn("warning: the trace is not complete: No space left on device", result.err)


class Sums(InAPlace):
    """What is said at the end."""

    def test_larger_than_the_limit(self):
        """[B42] --max-size leaves messages out on purpose: a note and exit 0, in every run, with -n and without."""
        for options in ((), ("-n",), ("-d",), ("-n", "-d")):
            place = self.place()
            with self.subTest(options=options), Hostile(messages=[message(1), message(2, 100), message(3)]) as server:
                for run in (1, 2, 3):
                    result = place.run(server.port, "--max-size", "500", *options)
                    self.assertIn("1 message is larger than --max-size, and left on the server", result.err)
                    self.assertNotIn("what to try", result.err)

    def test_larger_than_the_limit_and_another_failure(self):
        """[L7] The other failure counts, wherever the session breaks."""
        large = [message(1, 100), message(2), message(3)]
        for replies, code in (({"RETR 2": b"-ERR no\r\n"}, 75), ({"RETR 2": [b"+OK\r\nhalf", Close()]}, 75), ({"RETR 3": [Close()]}, 75)):
            with self.subTest(replies=replies), Hostile(messages=large, replies=replies) as server:
                result = self.place().run(server.port, "--max-size", "500", code=code)
                self.assertIn("1 message is larger than --max-size", result.err)
                self.assertNotIn("a message is larger than the limit", result.err)
        with Hostile(messages=large, replies={"QUIT": b"-ERR some are left\r\n"}) as server:
            self.place().run(server.port, "-d", "--max-size", "500", code=75)

    def test_deleted(self):
        """-d says how many were deleted."""
        for count, says in ((1, "1 message deleted from the server"), (3, "3 messages deleted from the server")):
            with Hostile(messages=[message(n) for n in range(count)]) as server:
                self.assertIn(says, self.place().run(server.port, "-d").err)
                self.assertEqual(server.messages, [])
        with Hostile(messages=[]) as server:
            self.assertNotIn("deleted", self.place().run(server.port, "-d").err)

    def test_a_disk_that_takes_no_more(self):
        """[F14] Nothing is said of messages that were never asked for as if they had failed."""
        place = self.place(owner=ANOTHER_USER)
        with Hostile(messages=[message(n) for n in range(1, MANY + 1)]) as server:
            server.replies["RETR 11"] = [Do(lambda: os.chmod(place.out, 0o500)), b"+OK\r\n" + stuffed(message(11))]
            result = place.run(server.port, "-v", "--sync", "each", code=74)
        self.assertNotIn("failed in all", result.err)
        self.assertIn(f"{MANY - 11} more messages were not tried", result.err)
        self.assertEqual(len(re.findall(r"message \d+ is left on the server", result.err)), 1, result)
        self.assertIn("likely cause: the directory cannot be written by this user", result.err)

    def test_the_time_is_over(self):
        """What was stored, and what was under way, counts as tried."""
        mail = [message(n) for n in range(1, 11)]
        with Hostile(messages=mail, replies={"RETR 3": [b"+OK\r\n", Drip(b"x" * 3000, 0.01)]}) as server:
            result = self.place().run(server.port, "-d", "--max-time", "3", code=75)
            tried = len({command for command in server.commands if command.startswith("RETR")})
        self.assertIn(f"{10 - tried} more messages were not tried", result.err)

    def test_progress(self):
        """On a terminal: messages that came whole, of all; octets of all octets. The last line says that all came."""
        place = self.place()
        master, slave = pty.openpty()
        with Hostile(messages=[message(n, 3000) for n in range(1, 9)]) as server:
            total = sum(map(len, server.messages))
            server.replies["RETR 8"] = [Do(lambda: time.sleep(0.3)), b"+OK\r\n" + stuffed(server.messages[7])]
            server.replies["QUIT"] = [Do(lambda: time.sleep(0.3)), b"+OK bye\r\n"]
            args = place.arguments(server.port)
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(place.root), "TERM": "xterm", "XDG_STATE_HOME": str(place.state)}
            process = subprocess.Popen([command.POPCL, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env=environment)
            os.close(slave)
            text = b""
            try:
                while piece := os.read(master, 65536):
                    text += piece
            except OSError:  # the other side is closed
                pass
            os.close(master)
            self.assertEqual(process.wait(command.HANGS), 0)
        shown = re.findall(r"\r\[[# ]*\] \d+%  (\d+) of (\d+) messages  ([\d.]+) of ([\d.]+) KB", text.decode())
        self.assertTrue(shown, text)
        self.assertEqual({(of, size) for _, of, _, size in shown}, {("8", f"{total / 1024:.1f}")})
        for whole, _, octets, _ in shown:
            self.assertLessEqual(int(whole) * (len(message(1, 3000)) - 100) / 1024, float(octets) + 1, shown)
        self.assertTrue(any(int(whole) >= 7 for whole, *_ in shown), shown)


class Sentences(InAPlace):
    """Causes that have a sentence of their own."""

    def test_no_process_for_the_resolver(self):
        """[I-7] fork is refused: that is what the error says."""
        place = self.place(owner=23456 if os.geteuid() == 0 else None)
        if not place.ask_no_name_server("ulimit -u 0 2>/dev/null || ulimit -p 0"):
            self.skipTest("this user may not make namespaces here")
        place.environment = {"ASAN_OPTIONS": "detect_leaks=0"}  # that starts a process too
        result = place.run(110, code=(68, 75), server="pop.example.invalid")
        if result.code == 75:
            self.assertIn("no process could be started to look up the server's name", result.err)
            self.assertIn("ulimit -u", result.err)
        else:
            self.skipTest("this machine does not keep to the limit on processes")

    def test_a_link_local_address(self):
        """[L3] It says nothing without its interface."""
        result = self.place().run(110, code=64, server="fe80::1")
        self.assertIn("link-local address without its interface: fe80::1%eth0", result.err)

    def test_a_number_that_is_too_long(self):
        """[L12] Refused, never cut: no connection to what is left of it."""
        with Hostile() as server:
            for long in (f"127.0.0.1:{server.port}0000000", f"127.0.0.1:0000000{server.port}", f"pop3://127.0.0.1:000000{server.port}/"):
                place = self.place()
                args = [long, "-a", str(place.auth_file), "-o", str(place.out)]
                result = place.finish(place.start(args), args)
                self.assertEqual(result.code, 64, result)
            self.assertEqual(server.sessions, [])

    def test_a_port_of_the_other_kind(self):
        """Said at once, before anything is waited for."""
        place = self.place()
        for options, says in ((("-p", "995"), "port 995 is for POP3S"), (("-p", "110", "-T"), "port 110 begins in clear")):
            args = ["255.255.255.255", "-a", str(place.auth_file), "-o", str(place.out), *options]
            result = place.finish(place.start(args), args)
            self.assertIn(f"popcl: warning: {says}", result.err)
            self.assertNotEqual(result.code, 64, result)

    def test_spaces_in_the_auth_file(self):
        """[E9] A space or a tab that is hardly seen is sent, and told."""
        for password, says in (("secret ", "the password ends in a space or a tab"), ("\tsecret", "the password begins with a space or a tab")):
            with Hostile(password=password) as server:
                self.assertIn(says, self.place(password=password).run(server.port).err)

    def test_a_read_only_place(self):
        """[F13] -o on a file system that is read-only, and in a folder that is closed."""
        place = self.place(owner=ANOTHER_USER)
        closed = place.root / "closed"
        closed.mkdir(mode=0o555)
        result = place.run(1, out=closed / "out", code=73)
        self.assertIn("Permission denied", result.err)
        self.assertIn("correct its owner and mode", result.err)
        result = place.run(1, out=pathlib.Path("/sys/popcl"), code=73)
        if "Read-only file system" in result.err:  # who it is tells whether that, or its mode, is said first
            self.assertIn("the file system was mounted read-only", result.err)


if __name__ == "__main__":
    unittest.main()
