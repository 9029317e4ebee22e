# SPDX-License-Identifier: MIT
"""The command on a real terminal (tmux): the bar, a change of the terminal's width, Ctrl-C, and the question for a password."""
import itertools
import os
import re
import shlex
import subprocess
import time
import unittest

import command
from hostile import Hang, Hostile, Pause, message

NUMBERS = itertools.count(1)
WAITS = 60  # seconds for something that has to appear
HALF = b"+OK\r\n" + b"half of the message\r\n" * 40


class Terminal:
    """A terminal of its own with one program in it. `screen` is its text now; `keys` types."""

    def __init__(self, place, words, columns=80, environment=()):
        self.socket = str(place.root / f"tmux{next(NUMBERS)}")
        variables = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(place.root / "home"), "XDG_STATE_HOME": str(place.state),
                     "LC_ALL": "C.UTF-8", **dict(environment)}
        self.variables = {**variables, "TERM": "screen"}
        inside = [f"{name}={value}" for name, value in variables.items()]
        run = f"trap : INT; cd {shlex.quote(str(place.root))}; env {' '.join(map(shlex.quote, inside))} {shlex.join(words)}; echo \"exit $?\"; sleep 600"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", "20", "sh", "-c", run)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *words], env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                              timeout=WAITS).stdout.decode()

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def until(self, pattern):
        end = time.monotonic() + WAITS
        while time.monotonic() < end:
            text = self.screen()
            if found := re.search(pattern, text):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{pattern} does not come:\n{text}")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns):
        self.tmux("resize-window", "-x", str(columns))

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], env=self.variables, stderr=subprocess.DEVNULL, check=False, timeout=WAITS)


class OnATerminal(unittest.TestCase):
    def setUp(self):
        self.place = command.Place()
        self.addCleanup(self.place.remove)

    def terminal(self, words, **how):
        terminal = Terminal(self.place, words, **how)
        self.addCleanup(terminal.close)
        return terminal

    def fetch(self, server, *options, **how):
        return self.terminal([command.POPCL, *self.place.arguments(server.port, options)], **how)

    def test_a_command_that_wants_the_terminal(self):
        """[--pipe] Such a command would wait for ever: it is killed at once, and that is said."""
        with Hostile() as server:
            words = [command.POPCL, "127.0.0.1", "-p", str(server.port), "-a", str(self.place.auth_file), "--pipe", "read -r line < /dev/tty"]
            # as from a shell of a person: tmux has these two ignored, and then a read of the terminal fails
            reset = "import os, signal, sys; [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGTTIN, signal.SIGTTOU)]; os.execv(sys.argv[1], sys.argv[1:])"
            terminal = self.terminal(["python3", "-c", reset, *words, "--timeout", "600"], columns=160)
            terminal.until(r"the command of --pipe was killed after signal \d+ stopped it")
            terminal.until("exit 75")
        self.assertEqual(len(server.messages), 3)

    def test_the_bar_follows_the_width(self):
        """At each draw the bar has the width that the terminal has then."""
        mail = [message(n, 3000) for n in range(1, 4)]
        slow = [HALF, *([b"one more line of text\r\n", Pause(0.1)] * 600)]
        with Hostile(messages=mail, replies={"RETR 2": slow}) as server:
            terminal = self.fetch(server)
            terminal.until(r"(?m)^\[█+[▏▎▍▌▋▊▉█]? *\] \d+%  1 of 3 messages  [\d.]+ of [\d.]+ KB")
            terminal.resize(30)
            line = terminal.until(r"(?m)^\d+%  1 of 3 messages *$|^\[[█▏▎▍▌▋▊▉ ]*\] \d+%  1 of 3 messages *$").group()
            self.assertLess(len(line.rstrip()), 30)
            terminal.resize(120)
            line = terminal.until(r"(?m)^\[█+.*1 of 3 messages  [\d.]+ of [\d.]+ KB  [\d:]+ left  [\d.]+ KB/s").group()
            self.assertLess(len(line), 120)
            terminal.keys("C-c")
            terminal.until("exit 130")
            self.assertEqual(len(self.place.names()), 1)

    def test_the_bar_leaves_nothing(self):
        """After the end the screen has the count, and no half of a bar."""
        with Hostile() as server:
            screen = self.fetch(server)
            screen.until("exit 0")
            lines = [line for line in screen.screen().splitlines() if line]
        self.assertEqual(lines[-2:], ["3 messages downloaded.", "exit 0"])
        self.assertNotIn("%", "".join(lines))

    def test_without_block_characters(self):
        """A locale that is not UTF-8 gets a bar of ASCII."""
        with Hostile(replies={"RETR 3": [HALF, Hang()]}) as server:
            terminal = self.fetch(server, environment={"LC_ALL": "C"}.items(), columns=100)
            terminal.until(r"(?m)^\[#+ *\] \d+%  2 of 3 messages")
            self.assertTrue(terminal.screen().isascii())
            terminal.keys("C-c")
            terminal.until("exit 130")

    def test_ctrl_c(self):
        """The first Ctrl-C stores what came whole and says how to go on; the record knows it."""
        with Hostile(replies={"RETR 3": [HALF, Hang()]}) as server:
            terminal = self.fetch(server, "-n")
            terminal.until("2 of 3 messages")
            terminal.keys("C-c")
            terminal.until("exit 130")
            self.assertRegex(terminal.screen(), r"(?m)^popcl: 127\.0\.0\.1:\d+: stopped by a signal; run again for the rest$")
            self.assertEqual(len(self.place.names()), 2)
            server.replies.clear()
            self.assertEqual(self.place.run(server.port, "-n").count, 1)

    def test_dumb_and_other_choices(self):
        """TERM=dumb gets no bar, but --progress decides. NO_COLOR changes nothing: the bar has no colour."""
        with Hostile(replies={"RETR 3": [HALF, Hang()]}) as server:
            for term, options, expected in (("dumb", (), False), ("screen", ("--progress", "none"), False), ("screen", ("-q",), False),
                                            ("screen", (), True), ("screen", ("-v", "--progress", "bar"), True)):
                with self.subTest(term=term, options=options):
                    before = len(server.commands)
                    terminal = self.fetch(server, *options, environment={"TERM": term, "NO_COLOR": "1"}.items())
                    if expected:
                        terminal.until(r"2 of 3 messages")
                    while "RETR 3" not in server.commands[before:]:
                        time.sleep(0.05)
                    time.sleep(0.4)  # a bar would have come
                    self.assertEqual("2 of 3 messages" in terminal.screen(), expected, terminal.screen())
                    terminal.keys("C-c")
                    terminal.until("exit 130")
                    terminal.close()

    def test_lines_for_a_log(self):
        """A whole line every 5 seconds, also while the server stalls; none from a run that is soon over."""
        with Hostile(replies={"RETR 3": [b"+OK\r\n" + b"x" * 2046 + b"\r\n", Pause(11), b".\r\n"]}) as server:
            result = self.place.run(server.port, "--progress", "plain")
            lines = [line for line in result.err.splitlines() if " of 3 messages" in line]
            self.assertIn(len(lines), (2, 3), result)
            for line in lines:
                self.assertRegex(line, r"^popcl: 2 of 3 messages, 2\.\d of 2\.\d KB|^popcl: 2 of 3 messages, 2\.\d of 0\.\d KB")
            server.replies.clear()
            self.assertNotIn(" of 3 messages", self.place.run(server.port, "--progress", "plain").err)

    def test_a_password_is_not_shown(self):
        """The question is on the terminal, the answer is not; what is typed reaches the server."""
        with Hostile() as server:
            terminal = self.terminal([command.POPCL, "127.0.0.1", "-p", str(server.port), "-u", "user", "--auth", "user", "-o", str(self.place.out)])
            terminal.until(r"(?i)password")
            terminal.keys("-l", "secret")
            terminal.keys("Enter")
            terminal.until("exit 0")
            self.assertNotIn("secret", terminal.screen())
            self.assertIn("PASS secret", server.commands)
            self.assertEqual(len(self.place.names()), 3)

    def test_ctrl_c_at_the_question(self):
        """The terminal echoes again afterwards."""
        with Hostile() as server:
            terminal = self.terminal([command.POPCL, "127.0.0.1", "-p", str(server.port), "-u", "user", "--auth", "user", "-o", str(self.place.out)])
            terminal.until(r"(?i)password")
            terminal.keys("-l", "half")
            terminal.keys("C-c")
            terminal.until("exit 130")
            self.assertNotIn("half", terminal.screen())
            terminal.keys("-l", "seen again")
            terminal.until("seen again")
            self.assertEqual(server.commands, [])


if __name__ == "__main__":
    unittest.main()
