# SPDX-License-Identifier: MIT
"""Where the command gets user name and password from: a command, a .netrc, a pipe, a person at a terminal, a URL. Each way logs in, fails before
anything is connected, shows no secret to anybody, and leaves no process and no terminal behind it. Servers are scripted (hostile.py)."""
import base64
import fcntl
import os
import pathlib
import pty
import re
import signal
import subprocess
import termios
import time
import unittest

import command
from hostile import Connection, Hostile
from test_command_io import Do
from tlscase import right_server, root

USER, PASSWORD = "harbour-master", "the tide  table"
FEW_S = 0.05  # between two looks
CLEAR = ("--auth", "user")  # sends a password in clear text, by request


def processes(marker):
    """The processes that have this text in their command line; one that has ended has none."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def until(holds):
    """Waits until it holds; returns its value. Only a test that hangs reaches the end."""
    end = time.monotonic() + command.HANGS
    while not (value := holds()):
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(FEW_S)
    return value


class Case(unittest.TestCase):
    """A place and a server for each test. `run` gives the options as they are: no -a, no port."""

    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)
        self.server = Hostile(user=USER, password=PASSWORD)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.at = f"127.0.0.1:{self.server.port}"

    def start(self, *args, stdin=subprocess.DEVNULL, home=None, **more):
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "XDG_STATE_HOME": str(self.place.state),
                       "HOME": str(self.place.root / "home" if home is None else home)}
        more.setdefault("start_new_session", True)  # without a terminal
        process = subprocess.Popen([command.POPCL, *map(str, args), "-o", str(self.place.out)], stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment, cwd=self.place.root, **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process, code, says=""):
        result = self.place.finish(process, [str(arg) for arg in process.args[1:]])
        self.assertEqual(result.code, code, result)
        self.assertIn(says, result.err, result)
        return result

    def run_command(self, *args, code=0, says="", **more):
        before = len(self.server.sessions)
        result = self.end(self.start(*args, **more), code, says)
        if code not in (0, 77):
            self.assertEqual(len(self.server.sessions), before, f"it connected\n{result}")
        elif code == 0:
            self.assertEqual(result.count, 3, result)
        return result

    def logged_in(self):
        """User name and password of the last session."""
        session = self.server.sessions[-1]
        return [line.partition(" ")[2] for line in session if line.startswith(("USER ", "PASS "))]


class Command(Case):
    """--password-command."""

    def ask(self, line, *options, **more):
        return self.run_command(self.at, *CLEAR, "-u", USER, "--password-command", line, *options, **more)

    def test_the_first_line_is_the_password(self):
        """[E9] Octet for octet; the rest of the output and the standard error do not count."""
        for line in (f"echo '{PASSWORD}'", f"printf '%s' '{PASSWORD}'", f"printf '%s\\r\\n' '{PASSWORD}'; echo login: x",
                     f"echo '{PASSWORD}'; head -c 300000 /dev/zero"):
            with self.subTest(line=line):
                self.ask(line)
                self.assertEqual(self.logged_in(), [USER, PASSWORD])
        self.assertIn("unlock me", self.ask(f"echo unlock me >&2; echo '{PASSWORD}'").err)

    def test_over_tls(self):
        """Over TLS, with no word about clear text; SERVER gives the user name."""
        with Hostile(user=USER, password=PASSWORD, context=right_server().context()) as server:
            result = self.end(self.start(f"pop3s://{USER}@localhost:{server.port}", "-c", root().file, "--password-command",
                                         f"echo '{PASSWORD}'"), 0)
            self.assertEqual((result.err, result.count), ("", 3))
            self.assertNotIn(PASSWORD.encode(), server.wire)

    def test_failures(self):
        """[E8 E13] Each is 78, in three parts, and before any connection."""
        for line, says in (("exit 3", "exit code 3"), (f"echo '{PASSWORD}'; false", "exit code 1"), ("no-such-program-at-all", "exit code 127"),
                           (f"echo '{PASSWORD}'; kill -9 $$", "signal 9"), (":", "the password is empty"),
                           (f"echo; echo '{PASSWORD}'", "the password is empty"), ("head -c 16385 /dev/zero | tr '\\0' x", "longer than 16 KB"),
                           (f"printf '{PASSWORD}\\0x\\n'", "a NUL"), (f"printf '{PASSWORD}\\rx\\n'", "a NUL or a CR")):
            with self.subTest(line=line):
                self.ask(line, code=78, says=says)
        self.assertIn("not found", self.ask("no-such-program-at-all", code=78).err)  # the shell's own words
        marker = f"40000.{os.getpid()}"  # and nothing goes on
        for line in (f"sleep {marker} & exit 3", f"sleep {marker} & echo"):
            self.ask(line, code=78)
            until(lambda: not processes(f"sleep\0{marker}"))

    def test_it_is_killed_in_time(self):
        """All of it, also what ignores signals; --max-time counts too."""
        for number, options in enumerate((("--timeout", "1"), ("--max-time", "1"))):
            with self.subTest(options=options):
                marker = f"10000{number}.{os.getpid()}"
                self.ask(f"trap '' TERM INT HUP; sleep {marker} & sleep {marker}; echo x", *options, code=78, says="did not end in time")
                until(lambda: not processes(f"sleep\0{marker}"))

    def test_a_signal_ends_it(self):
        """[L4] The first one, with all that the command started."""
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number=number):
                marker = f"2000{int(number)}.{os.getpid()}"
                process = self.start(self.at, *CLEAR, "-u", USER, "--password-command", f"sleep {marker} & sleep {marker}; echo x")
                until(lambda: len(processes(f"sleep\0{marker}")) == 2)
                process.send_signal(number)
                self.end_quietly(process, code)
                until(lambda: not processes(f"sleep\0{marker}"))
                self.assertEqual(self.server.sessions, [])

    def end_quietly(self, process, code):
        out, err = process.communicate(timeout=command.HANGS)
        self.assertEqual((process.returncode, out), (code, b""), err)

    def test_nobody_else_sees_the_password(self):
        """[E13] It is in no argument and no environment variable of any process, while it is used."""
        seen = []

        def look():
            for folder in pathlib.Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        text = (folder / name).read_bytes()
                    except OSError:
                        continue
                    if str(self.place.root).encode() in text:
                        seen.append((name, text))

        (self.place.root / "secret").write_text(PASSWORD + "\n")
        self.server.replies["STAT"] = [Do(look), b"+OK 3 1000\r\n"]
        self.server.replies["QUIT"] = [Do(look), b"+OK\r\n"]
        self.ask(f"cat {self.place.root}/secret")
        self.assertTrue(any(name == "cmdline" and b"popcl" in text for name, text in seen), seen)
        for name, text in seen:
            self.assertNotIn(PASSWORD.encode(), text, name)

    def test_its_surroundings(self):
        """It has no standard input, no descriptor of popcl or its caller, and SIGPIPE as usual."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        self.ask(f"cat; (: <&{reader}) 2>/dev/null && exit 9; sh -c 'kill -PIPE $$; exit 8' && exit 9; [ $? = 141 ] || exit 7; "
                 f"echo '{PASSWORD}'", pass_fds=[reader])

    def test_the_server_does_not_see_it_twice(self):
        """[E6] A wrong password is 77, and the command is run once."""
        log = self.place.root / "log"
        self.ask(f"echo run >> {log}; echo wrong", code=77)
        self.assertEqual(log.read_text(), "run\n")


class TokenServer(Hostile):
    """Has XOAUTH2 and OAUTHBEARER over TLS, and takes the tokens in `good`; `tokens` are those that came."""

    def __init__(self, good, mechanisms="XOAUTH2 OAUTHBEARER", **more):
        super().__init__(user=USER, password=PASSWORD, context=right_server().context(), **more)
        self.good, self.tokens = good, []
        self.replies["CAPA"] = b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\nSASL " + mechanisms.encode() + b"\r\n.\r\n"

    def connection(self, client, commands):
        return TokenConnection(self, client, commands)


class TokenConnection(Connection):
    def _reply_to(self, line):
        verb, _, rest = line.partition(" ")
        if verb != "AUTH":
            return super()._reply_to(line)
        _, _, response = rest.partition(" ")
        if not response:
            self.send(b"+ \r\n")
            response = self._line()
        text = base64.b64decode(response).decode()
        if USER not in text:
            self.server.violations.append("no user name goes with the token")
        self.server.tokens.append(text.partition("auth=Bearer ")[2].rstrip("\1"))
        if self.server.tokens[-1] in self.server.good:
            return b"+OK\r\n"
        self.send(b"+ " + base64.b64encode(b'{"status":"401"}') + b"\r\n")
        self._line()
        return b"-ERR [AUTH] no, not " + self.server.tokens[-1].encode() + b"\r\n"


class Token(Case):
    """--token-command."""
    OLD, NEW = "ya29.old-token", "ya29.new-token"

    def setUp(self):
        super().setUp()
        self.count = self.place.root / "count"

    def ask(self, server, line, code, *options, says=""):
        """Runs with a command that counts its runs, and prints what `line` does, with the number of the run in $n."""
        self.count.write_text("")
        script = f"echo >> {self.count}; n=$(grep -c '' {self.count}); {line}"
        result = self.end(self.start(f"localhost:{server.port}", "-T", "-c", root().file, "-u", USER, "--token-command", script, "-v", *options),
                          code, says)
        for token in (self.OLD, self.NEW):
            self.assertNotIn(token, result.err)  # [E13]
        return result, len(self.count.read_text())

    def test_a_token(self):
        """Either mechanism, in one connection, and the command runs once. The user name goes with it."""
        for option in ((), ("--auth", "xoauth2"), ("--auth", "oauthbearer")):
            with self.subTest(option=option), TokenServer([self.NEW]) as server:
                result, runs = self.ask(server, f"echo {self.NEW}", 0, *option)
                self.assertEqual((result.count, runs, len(server.sessions), server.tokens), (3, 1, 1, [self.NEW]))
                self.assertEqual(server.violations, [])
                said = next(line for line in server.commands if line.startswith("AUTH")).split(" ")[1]
                self.assertEqual(said, "OAUTHBEARER" if "oauthbearer" in option else "XOAUTH2")
                self.assertFalse({"USER", "PASS"} & set(server.verbs()), server.commands)

    def test_a_long_token(self):
        """Tokens have some thousand octets."""
        token = "x" * 8000
        with TokenServer([token]) as server:
            self.ask(server, "head -c 8000 /dev/zero | tr '\\0' x", 0)
            self.assertEqual(server.tokens, [token])

    def test_an_expired_token(self):
        """[R87] It is refused: the command runs again, and a new connection has the fresh one."""
        for option in ((), ("-d",), ("--list",)):
            with self.subTest(option=option), TokenServer([self.NEW]) as server:
                result, runs = self.ask(server, f"[ $n = 1 ] && echo {self.OLD} || echo {self.NEW}", 0, *option)
                self.assertEqual((runs, len(server.sessions), server.tokens), (2, 2, [self.OLD, self.NEW]), result)
                self.assertIn("getting a fresh one", result.err)
                self.assertEqual(len(server.messages), 0 if option == ("-d",) else 3)

    def test_never_a_third_time(self):
        """[R87 E6] Two refusals are 77."""
        with TokenServer([]) as server:
            result, runs = self.ask(server, f"[ $n = 1 ] && echo {self.OLD} || echo {self.NEW}", 77, says="the server refuses the token")
            self.assertEqual((runs, len(server.sessions), server.tokens), (2, 2, [self.OLD, self.NEW]), result)
            self.assertIn("run the command of --token-command", result.err)

    def test_no_fresh_token(self):
        """The command fails the second time: the refusal is the result, and the failure is a warning."""
        for line in ("exit 4", ":", "sleep 100"):
            with self.subTest(line=line), TokenServer([]) as server:
                result, runs = self.ask(server, f"[ $n = 1 ] && echo {self.OLD} || {line}", 77, "--timeout", "2",
                                        says="warning: there is no fresh token: --token-command:")
                self.assertEqual((runs, len(server.sessions)), (2, 1), result)

    def test_a_signal_while_a_fresh_one_is_made(self):
        """[L4] It ends the run and the command."""
        with TokenServer([]) as server:
            marker = f"30000.{os.getpid()}"
            process = self.start(f"localhost:{server.port}", "-T", "-c", root().file, "-u", USER, "--token-command",
                                 f"[ -e {self.count} ] && sleep {marker}; touch {self.count}; echo {self.OLD}")
            until(lambda: processes(f"sleep\0{marker}"))
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=command.HANGS)
            self.assertEqual((process.returncode, out), (143, b""), err)
            until(lambda: not processes(f"sleep\0{marker}"))

    def test_an_error_after_the_fresh_token(self):
        """What ends the second session counts."""
        with TokenServer([self.NEW], replies={"STAT": b"-ERR broken\r\n", "LIST": b"-ERR broken\r\n", "UIDL": b"-ERR broken\r\n"}) as server:
            result, runs = self.ask(server, f"[ $n = 1 ] && echo {self.OLD} || echo {self.NEW}", 75)
            self.assertEqual(runs, 2, result)
            self.assertNotIn("the server refuses the token: ", result.err.replace("the server refuses the token; getting", ""))

    def test_a_server_without_tokens(self):
        """It never gets the token as a password."""
        with Hostile(user=USER, password=self.NEW, context=right_server().context()) as server:
            _, runs = self.ask(server, f"echo {self.NEW}", 77)
            self.assertLessEqual(len(server.sessions), 2)
            self.assertEqual(runs, len(server.sessions))
            self.assertFalse({"USER", "PASS", "APOP"} & set(server.verbs()), server.commands)

    def test_what_is_no_token(self):
        """[E8 E13] 78 before any connection, and nothing of the output is shown: JSON, a word before the token, a space or a control after it."""
        for output in ('{"access_token": "hidden"}', '{"access_token":"hidden"}', "Bearer hidden", "hidden ", "hidden\\tx", "hidden\\1", "hidd\\303\\244n",
                       "<html>hidden"):
            with self.subTest(output=output):
                result = self.run_command(self.at, "-T", "-u", USER, "--token-command", f"printf '{output}'", code=78,
                                          says="--token-command: the token has a character that no token has")
                self.assertNotIn("hidden", result.err)
                self.assertIn("access_token alone", result.err)
        with TokenServer([self.NEW]) as server:
            self.ask(server, f"[ $n = 1 ] && echo {self.OLD} || echo Bearer {self.NEW}", 77, says="there is no fresh token")

    def test_what_is_refused(self):
        """64 before the command runs: without TLS, without a user name, with a password's mechanism."""
        log = self.place.root / "log"
        run = ("--token-command", f"touch {log}; echo x")
        for args in ((self.at, "-u", USER, *run), (self.at, "-T", *run), (self.at, "-T", "-u", USER, "--auth", "user", *run),
                     (self.at, "-u", USER, "--auth", "xoauth2", *run), (self.at, "-T", "-u", USER, "--auth", "xoauth2"),
                     (self.at, "-T", "-a", self.place.auth_file, "-u", USER, *run)):
            with self.subTest(args=args):
                self.run_command(*args, code=64)
        self.assertFalse(log.exists())
        self.run_command(self.at, "-T", "-u", USER, "--token-command", "false", code=78, says="exit code 1")


class OnATerminal(Case):
    """With a terminal of its own: `self.keys` is the side of the person."""

    def setUp(self):
        super().setUp()
        self.keys, self.screen = pty.openpty()
        self.addCleanup(os.close, self.keys)
        self.addCleanup(os.close, self.screen)
        os.set_blocking(self.keys, False)
        self.shown = b""

    def on_terminal(self, *args, wrapper=(), **more):
        def begin():
            os.setsid()
            fcntl.ioctl(self.screen, termios.TIOCSCTTY, 0)
        if not wrapper:
            return self.start(*args, start_new_session=False, preexec_fn=begin, **more)
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": str(self.place.root / "home"),
                       "XDG_STATE_HOME": str(self.place.state)}
        process = subprocess.Popen([*wrapper, command.POPCL, *map(str, args), "-o", str(self.place.out)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=self.place.root, preexec_fn=begin)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def echoes(self):
        return bool(termios.tcgetattr(self.screen)[3] & termios.ECHO)

    def read_screen(self):
        try:
            self.shown += os.read(self.keys, 65536)
        except (BlockingIOError, OSError):
            pass
        return self.shown

    def await_text(self, text, times=1):
        until(lambda: self.read_screen().count(text) >= times)

    def type(self, text):
        os.write(self.keys, text)


class Prompt(OnATerminal):
    """Nothing but the user name is given: popcl asks for the password."""
    QUESTION = f"Password for {USER}@127.0.0.1: ".encode()

    def ask(self, *options, server=None, **more):
        process = self.on_terminal(server or self.at, *CLEAR, *options, *(() if server else ("-u", USER)), **more)
        self.await_text(b"Password for ")
        until(lambda: not self.echoes())
        return process

    def ends(self, process, code, says=""):
        result = self.end(process, code, says)
        self.assertTrue(self.echoes(), "what is typed is not shown any more")
        self.assertNotIn(PASSWORD.encode(), self.read_screen())
        return result

    def test_it_is_asked(self):
        """[E9 E13] It is not shown, and standard input is not read."""
        process = self.ask(stdin=subprocess.PIPE)
        process.stdin.write(b"another secret\n")
        process.stdin.close()
        process.stdin = None
        self.type(PASSWORD.encode() + b"\n")
        self.assertEqual(self.ends(process, 0).count, 3)
        self.assertEqual(self.logged_in(), [USER, PASSWORD])
        self.assertEqual(self.shown, self.QUESTION + b"\r\n")

    def test_a_name_with_controls(self):
        """[L6] No octet of a user name reaches the terminal that moves it."""
        process = self.ask(server=f"pop://a%1B%5b2J%C3%BC@{self.at}")
        self.type(b"x\n")
        self.ends(process, 77)
        self.assertIn(b"Password for a\\x1b[2J\\xc3\\xbc@127.0.0.1: ", self.shown)
        self.assertNotIn(b"\x1b", self.shown)

    def test_nothing_is_typed(self):
        """[E8] An empty line, or the end of the input: 78."""
        for keys in (b"\n", b"\x04"):
            with self.subTest(keys=keys):
                process = self.ask()
                self.type(keys)
                self.ends(process, 78, "the password is empty")
        process = self.ask("--max-time", "2")
        self.ends(process, 78, "no password was typed in time")
        self.assertEqual(self.server.sessions, [])

    def test_signals(self):
        """[L4] The terminal is as it was after each of them, also after keys that send them, and after two at once."""
        for send, code in ((lambda p: p.send_signal(signal.SIGINT), 130), (lambda p: p.send_signal(signal.SIGTERM), 143),
                           (lambda p: p.send_signal(signal.SIGHUP), 129), (lambda p: self.type(b"half\x03"), 130),
                           (lambda p: (p.send_signal(signal.SIGTERM), p.send_signal(signal.SIGINT)), (130, 143))):
            process = self.ask()
            send(process)
            out, err = process.communicate(timeout=command.HANGS)
            self.assertIn(process.returncode, code if isinstance(code, tuple) else (code,), err)
            self.assertEqual(out, b"")
            self.assertTrue(self.echoes())
        process = self.ask()
        process.send_signal(signal.SIGQUIT)
        process.communicate(timeout=command.HANGS)
        self.assertEqual(process.returncode, -signal.SIGQUIT)
        self.assertTrue(self.echoes())
        self.assertEqual(self.server.sessions, [])

    def test_stopped_and_continued(self):
        """Ctrl-Z gives the terminal back as it was; when the run goes on, it asks again, and what was typed before does not count."""
        process = self.ask(wrapper=["sh", "-m", "-c", '"$@"; stty -a </dev/tty; fg >/dev/null; echo "code $?"', "sh"])
        self.type(b"half")
        time.sleep(0.2)  # the line reaches the terminal; if it does not, the test is easier
        self.type(b"\x1a")
        self.await_text(b"Password for ", times=2)
        until(lambda: not self.echoes())
        self.type(PASSWORD.encode() + b"\n")
        out, err = process.communicate(timeout=command.HANGS)
        self.assertRegex(out.decode(), r"[ ;]echo[ ;]")  # while it was stopped
        self.assertIn("code 0", out.decode(), err)
        self.assertEqual(self.logged_in(), [USER, PASSWORD])
        self.assertTrue(self.echoes())

    def test_without_a_terminal(self):
        """64, with the other ways; standard input is not taken instead."""
        reader, writer = os.pipe()
        os.write(writer, PASSWORD.encode() + b"\n")
        os.close(writer)
        self.addCleanup(os.close, reader)
        result = self.run_command(self.at, *CLEAR, "-u", USER, code=64, says="there is no terminal", stdin=reader)
        for way in ("-a FILE", "--netrc", "--password-command"):
            self.assertIn(way, result.err)
        self.assertEqual(os.read(reader, 100), PASSWORD.encode() + b"\n")

    def test_a_command_may_ask_there(self):
        """A command that reads the terminal gets it, though it has a group of its own; Ctrl-C then ends both."""
        line = "stty -echo </dev/tty; printf 'PIN: ' >/dev/tty; read -r x </dev/tty; stty echo </dev/tty; echo \"$x\""
        process = self.on_terminal(self.at, *CLEAR, "-u", USER, "--password-command", line)
        self.await_text(b"PIN: ")
        self.type(PASSWORD.encode() + b"\n")
        self.assertEqual(self.ends(process, 0).count, 3)
        process = self.on_terminal(self.at, *CLEAR, "-u", USER, "--password-command", "printf 'PIN: ' >/dev/tty; cat </dev/tty")
        self.await_text(b"PIN: ", times=2)
        time.sleep(0.3)  # until it has the terminal, most likely; Ctrl-C before that reaches popcl, which is as good
        self.type(b"\x03")
        process.communicate(timeout=command.HANGS)
        self.assertEqual(process.returncode, 130)


class Netrc(Case):
    """--netrc."""

    def setUp(self):
        super().setUp()
        self.file = self.place.root / "home" / ".netrc"
        self.write(f'machine 127.0.0.1 login {USER} password "{PASSWORD}"\n')

    def write(self, text, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)

    def test_the_default_file_and_another(self):
        self.run_command(self.at, *CLEAR, "--netrc")
        self.assertEqual(self.logged_in(), [USER, PASSWORD])
        other = self.place.root / "other"
        self.file.rename(other)
        self.run_command(self.at, *CLEAR, f"--netrc={other}", "-u", USER)
        self.run_command(f"pop://{USER}@{self.at}", *CLEAR, f"--netrc={other}")
        self.run_command(self.at, *CLEAR, "--netrc", code=66, says="home/.netrc: the netrc file cannot be opened")
        self.run_command(self.at, *CLEAR, "--netrc", code=66, says="HOME", home="")

    def test_several_entries(self):
        self.write("# mine\nmachine 127.0.0.1 login other password wrong\ndefault login x password y\n"
                   f'machine 127.0.0.1 login {USER} password "{PASSWORD}"\n')
        self.run_command(self.at, *CLEAR, "--netrc", "-u", USER)
        self.run_command(self.at, *CLEAR, "--netrc", code=77)
        self.assertEqual(self.logged_in()[0], "other")

    def test_the_server_as_it_was_typed(self):
        """`default` is for no server, and an address is not another name's."""
        self.write(f'machine localhost login {USER} password "{PASSWORD}"\ndefault login {USER} password "{PASSWORD}"\n')
        self.run_command(self.at, *CLEAR, "--netrc", code=78, says=f"{self.file}: the netrc file has no entry for the machine 127.0.0.1")
        self.run_command(f"LocalHost:{self.server.port}", *CLEAR, "--netrc")
        self.run_command(f"localhost.:{self.server.port}", *CLEAR, "--netrc", code=78, says="the machine localhost.")

    def test_who_may_touch_it(self):
        """[E11 E12] As the file of -a."""
        self.file.chmod(0o644)
        self.assertIn(f"others can read the password in {self.file}", self.run_command(self.at, *CLEAR, "--netrc").err)
        self.file.chmod(0o620)
        self.run_command(self.at, *CLEAR, "--netrc", code=78, says="others may write the netrc file")
        if os.geteuid() == 0:
            self.file.chmod(0o600)
            os.chown(self.file, 12345, 12345)
            self.run_command(self.at, *CLEAR, "--netrc", code=78, says="belongs to another user")
        self.file.unlink()
        os.mkfifo(self.file, 0o600)
        self.run_command(self.at, *CLEAR, "--netrc", code=78, says="no ordinary file")

    def test_damage(self):
        """[E8 E13] A line number, and nothing of the text."""
        self.write(f"machine 127.0.0.1\nlogin {USER} password \"{PASSWORD}\n")
        self.run_command(self.at, *CLEAR, "--netrc", code=78, says="line 2 of the netrc file has a quote without its end")

    def test_other_options_leave_it_alone(self):
        """--trace and --resume write into no file with a password."""
        before = self.file.read_bytes()
        for netrc in ("--netrc", f"--netrc={self.file}"):
            self.run_command(self.at, *CLEAR, netrc, f"--trace={self.file}", code=73)
            self.run_command(self.at, "-T", netrc, "--resume", self.file, code=78, says="another option")
        self.assertEqual(self.file.read_bytes(), before)


class Pipes(Case):
    """-a with an open descriptor."""

    def pipe(self, text, stays_open=False):
        """The reading end of a pipe that has this text in it."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.write(writer, text.encode())
        if stays_open:
            self.addCleanup(os.close, writer)
        else:
            os.close(writer)
        return reader

    def test_standard_input_and_numbers(self):
        """[E11] -, /dev/stdin and /dev/fd/N; with a user name from elsewhere one line is enough."""
        text = f"username = {USER}\npassword = {PASSWORD}\n"
        for name, given in (("-", text), ("/dev/stdin", text), ("/dev/fd/{}", text), ("-", f"password = {PASSWORD}")):
            with self.subTest(name=name):
                user, reader = () if given == text else ("-u", USER), self.pipe(given)
                where = {"pass_fds": [reader]} if "{}" in name else {"stdin": reader}
                result = self.run_command(self.at, "-a", name.format(reader), *user, **where)
                self.assertNotIn("others can read", result.err)
                self.assertEqual(self.logged_in(), [USER, PASSWORD])

    def test_it_does_not_end(self):
        """78 after --timeout; a signal ends it at once."""
        text = f"username = {USER}\npassword = {PASSWORD}\n"
        self.run_command(self.at, "-a", "-", "--timeout", "1", code=78, says="standard input: the auth file does not end",
                         stdin=self.pipe(text, stays_open=True))
        process = self.start(self.at, "-a", "-", stdin=self.pipe(text, stays_open=True))
        time.sleep(0.3)  # until it waits, most likely
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=command.HANGS)
        self.assertIn(process.returncode, (143, -signal.SIGTERM), err)  # the latter: before it waited
        self.assertEqual(self.server.sessions, [])

    def test_what_is_refused(self):
        """[E11] A FIFO by its path, nothing, too much, a closed descriptor, a terminal, a folder."""
        fifo = self.place.root / "fifo"
        os.mkfifo(fifo, 0o600)
        self.run_command(self.at, "-a", fifo, code=78, says="no ordinary file")
        self.run_command(self.at, "-a", "-", code=78, says="the auth file is empty")
        self.run_command(self.at, "-a", "/dev/fd/77", code=66, says="the auth file")
        self.run_command(self.at, "-a", "-", code=78, says="larger than 4 KB", stdin=self.pipe("x" * 5000, stays_open=True))
        folder = os.open(self.place.root, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        self.run_command(self.at, "-a", "-", code=78, says="no ordinary file", stdin=folder)
        keys, screen = pty.openpty()
        self.addCleanup(os.close, keys)
        self.addCleanup(os.close, screen)
        self.run_command(self.at, "-a", "-", code=78, says="a terminal, which shows", stdin=screen)

    def test_a_file_as_standard_input(self):
        """[E12] It is judged as a file by its path is."""
        with open(self.place.auth_file) as file:
            self.run_command(self.at, "-a", "-", stdin=file)
        self.place.auth_file.chmod(0o622)
        with open(self.place.auth_file) as file:
            self.run_command(self.at, "-a", "-", code=78, says="others may write", stdin=file)

    def test_two_user_names(self):
        """-u and the file contradict each other: 64."""
        self.run_command(self.at, "-a", self.place.auth_file, "-u", USER)
        self.run_command(self.at, "-a", self.place.auth_file, "-u", "another", code=64, says="another user name")
        self.run_command(f"pop://another@{self.at}", "-a", self.place.auth_file, code=64, says="another user name")


class Urls(Case):
    """[R92] SERVER as a URL of RFC 2384."""

    def test_user_and_mechanism(self):
        """The user name is decoded, and the mechanism is the one that is used."""
        self.server.user = "a@b:c;d %"
        self.run_command(f"POP://a%40b%3ac%3Bd%20%25@{self.at}/", *CLEAR, "--password-command", f"echo '{PASSWORD}'")
        self.assertEqual(self.logged_in(), ["a@b:c;d %", PASSWORD])
        self.run_command(f"pop3://;AUTH=PLAIN@{self.at}", "-a", self.place.auth_file, code=77)  # this server has no AUTH
        self.assertIn("AUTH PLAIN", [line[:10] for line in self.server.sessions[-1]])
        self.assertEqual(self.logged_in(), [])

    def test_apop(self):
        """;AUTH=+APOP hides the password, so that no -T is needed; a server without a stamp gets none."""
        with Hostile(user=USER, password=PASSWORD, stamp="<1.2@hostile.example>") as server:
            process = self.start(f"pop://{USER};AUTH=%2BAPOP@127.0.0.1:{server.port}", "--password-command", f"echo '{PASSWORD}'")
            self.assertEqual(self.end(process, 0).count, 3)
            self.assertNotIn(PASSWORD.encode(), server.wire)
        result = self.end(self.start(f"pop://{USER};AUTH=+APOP@{self.at}", "--password-command", f"echo '{PASSWORD}'"), 77)
        self.assertNotIn(PASSWORD.encode(), self.server.wire, result)

    def test_what_is_refused(self):
        """[L1 E13] 64, before a command runs or anything is connected; a password in a URL is not repeated."""
        log = self.place.root / "log"
        run = ("--password-command", f"touch {log}; echo '{PASSWORD}'")
        for args in ((f"pop://{USER}:hunter2@{self.at}", "-a", self.place.auth_file), (f"pop3s://{USER}:hunter2@{self.at}", *run),
                     (f"pop3s://{USER};AUTH=hunter2@{self.at}", *run), (f"pop3s://hun%00ter2@{self.at}", *run),
                     (f"pop3s://hun%0Ater2@{self.at}", *run), (f"pop3s://{USER}@{self.at}/hunter2", *run),
                     (f"pop3s://{USER}@{self.at}", "-S", *run), (f"pop3s://{USER}@{self.at}", "-u", USER, *run),
                     (f"pop3s://{USER}@{self.at}", "-p", "995", *run), (f"pop://{USER}@{self.at}", *run),
                     (self.at, "-T", "-u", f"{USER}:hunter2", *run), (self.at, "-T", *run), (self.at, "-T", "--netrc", "-u", USER, *run),
                     (self.at, "-T", "-a", self.place.auth_file, "-u", USER, *run), (self.at, "-T", "-u", USER, "--password=hunter2"),
                     (self.at, "--netrc"), (self.at, "-u", USER)):
            with self.subTest(args=args):
                result = self.run_command(*args, code=64)
                self.assertNotRegex(result.err, re.compile("hun.*ter2"))
        self.assertFalse(log.exists())


if __name__ == "__main__":
    unittest.main()
