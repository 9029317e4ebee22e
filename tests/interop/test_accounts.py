# SPDX-License-Identifier: MIT
"""Several accounts in a file (--config), runs again and again (--poll), little output (-q), and completion by the shells."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import command
import pki
from hostile import Hang, Hostile, message

REFUSED = {"PASS": b"-ERR [AUTH] no\r\n"}


class AccountsTest(unittest.TestCase):
    def place(self):
        place = command.Place()
        self.addCleanup(place.remove)
        self.file = place.root / "accounts"
        return place

    def server(self, **more):
        server = Hostile(**more)
        self.addCleanup(server.__exit__)
        return server

    def section(self, place, name, server, *lines):
        return "\n".join([f"[{name}]", f"server = 127.0.0.1:{server.port}", f"auth-file = {place.auth_file}", f"output = {place.root / name}",
                          *lines, ""])

    def write(self, text, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)

    def run_config(self, place, *options, code=0):
        args = ["--config", str(self.file), *options]
        result = place.finish(place.start(args), args)
        self.assertEqual(result.code, code, result)
        return result


class Several(AccountsTest):
    def test_all_or_some(self):
        place, one, two = self.place(), self.server(), self.server(messages=[message(1)])
        self.write("# my mail\n\n" + self.section(place, "work", one, "new = yes", "delete = no") + "\n" + self.section(place, "home", two))
        result = self.run_config(place)
        self.assertEqual(result.out, "work: 3 new messages downloaded.\nhome: 1 message downloaded.\n")
        self.assertTrue(all(re.match("(work|home): popcl: ", line) for line in result.err.splitlines()), result)
        self.assertEqual(len(os.listdir(place.root / "work")), 3)
        self.assertEqual(self.run_config(place, "home").out, "home: 1 message downloaded.\n")
        self.assertEqual(self.run_config(place, "work", "-q").out, "")
        self.assertEqual((len(one.sessions), len(two.sessions)), (2, 2))
        self.assertIn("[home]", self.run_config(place, "hone", code=64).err)
        self.assertEqual((len(one.sessions), len(two.sessions)), (2, 2))

    def test_one_that_fails_does_not_stop_the_others(self):
        place, bad, good = self.place(), self.server(replies=REFUSED), self.server()
        late = self.server(replies={"STAT": b"-ERR [IN-USE] later\r\n", "PASS": b"-ERR [IN-USE] later\r\n"})
        for order in ((bad, good, late), (late, good, bad), (good, bad, late)):
            self.write("".join(self.section(place, f"a{server.port}", server) for server in order))
            result = self.run_config(place, code=77)
            self.assertIn(f"a{good.port}: 3 messages downloaded.\n", result.out)
            self.assertIn(f"a{bad.port}: popcl: ", result.err)
        self.write("".join(self.section(place, f"b{server.port}", server) for server in (good, late)))
        self.run_config(place, code=75)

    def test_check_finds_new_mail_in_any(self):
        place, empty, full = self.place(), self.server(messages=[]), self.server()
        self.write(self.section(place, "a", empty, "check = yes"))
        self.run_config(place, code=1)
        self.write(self.section(place, "a", full, "check = yes") + self.section(place, "b", empty, "check = yes"))
        self.run_config(place, code=0)

    def test_options_for_all_and_a_section_with_its_own(self):
        place, server = self.place(), self.server()
        trace = place.root / "trace"
        self.write(self.section(place, "a", server, "quiet = yes") + self.section(place, "b", server, "timeout = 9"))
        result = self.run_config(place, "-v", "--timeout", "5", f"--trace={trace}")
        self.assertIn("b: popcl: connected to", result.err)
        self.assertNotIn("a: popcl: connected to", result.err)
        self.assertEqual(trace.read_text().count("C: QUIT"), 2)  # the second run did not remove the first
        self.assertNotIn(place.password, trace.read_text())
        trace.unlink()
        self.write(self.section(place, "a", server, "verbose = no", "json = no", "trace = no"))
        result = self.run_config(place, "-v", "--json", f"--trace={trace}")
        self.assertNotIn("a: popcl: connected to", result.err)
        self.assertEqual((result.out, trace.exists()), ("a: 3 messages downloaded.\n", False))
        self.write(self.section(place, "a", server, f"trace = {place.root / 'own'}") + self.section(place, "b", server))
        (place.root / "own").write_text("old text")
        self.run_config(place, f"--trace={trace}")
        for file in (trace, place.root / "own"):
            self.assertEqual(file.read_text().count("C: QUIT"), 1)
            self.assertNotIn("old text", file.read_text())

    def test_a_value_for_all(self):
        place, server = self.place(), self.server()
        self.write(self.section(place, "a", server) + self.section(place, "b", server, "progress = none", "timeout = 9"))
        options = ("--progress", "bar", "--timeout", "5", "--connect-timeout=6", "--max-time", "50", "--json")
        for name, has_bar in (("a", True), ("b", False)):
            process = place.start(["--config", str(self.file), *options, name])
            err = process.communicate(timeout=60)[1]
            self.assertEqual((process.returncode, "0 of 3 messages" in str(err)), (0, has_bar), err)

    def test_a_section_that_is_almost_too_long(self):
        place, server = self.place(), self.server()
        self.write(self.section(place, "a", server, *(f"uidl = u{i}" for i in range(57))))  # 60 lines
        self.run_config(place, "-qq", "--progress", "none", "--json", "--timeout", "5", "--connect-timeout", "5", "--max-time", "50",
                        f"--trace={place.root / 'trace'}")
        self.write("\n" + self.section(place, "a", server, *("new = yes" for _ in range(68))))
        self.assertIn("line 2, section [a]: the section has too many lines", self.run_config(place, "-v", code=78).err)

    def test_a_signal_ends_all(self):
        place = self.place()
        slow, never = self.server(replies={"STAT": [Hang()], "CAPA": [Hang()], "USER": [Hang()]}), self.server()
        self.write(self.section(place, "a", slow) + self.section(place, "b", never))
        args = ["--config", str(self.file)]
        process = place.start(args)
        while not slow.commands:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(place.finish(process, args).code, 130)
        self.assertEqual(never.sessions, [])

    def test_lines_that_are_refused(self):
        """[E13 L1] The error has file, line and section, and nothing of a value. Nothing is connected."""
        place, server = self.place(), self.server()
        good = self.section(place, "good", server)
        rows = [("x", 1, None, "has no ="), ("a = b", 1, None, "before the first"), ("[a", 1, None, "lacks its ]"), ("[]", 1, None, "name of a section"),
                ("[a b]", 1, None, "name of a section"), (good + "[good]", 5, None, "already"), (good + "new = 1", 5, "good", "yes nor no"),
                (good + "nwe = yes", 5, "good", "no key nwe"), (good + "timout = 5", 5, "good", "no key timout"),
                (good + "password = s3cret", 5, "good", "has a password"), (good + " token=s3cret", 5, "good", "has a password"),
                (good + "p_s3cret = yes", 5, "good", "the key is unknown"), (good + "port = s3cret", 5, "good", "-p wants"),
                (good + "config = x", 5, "good", "command line only"), (good + "poll = 5", 5, "good", "command line only"),
                (good + "help = yes", 5, "good", "command line only"), (good + "limit =", 5, "good", "empty value"),
                (good + "server = other", 1, "good", "more than one server"), (good + "limit = 1\nlimit = 2", 6, "good", "given twice"),
                (good + "tls = yes\nstls = yes", 1, "good", "exclude each other"), ("[a]\nserver = h\noutput = o\n", 1, "a", "login is missing"),
                ("[a]\nauth-file = f\noutput = o\n", 1, "a", "server is missing"), (good + "x\0y = 1", 5, "good", "NUL"), ("", 1, None, "no section"),
                (good + "state = ~/s3cret", 5, "good", "popcl replaces no ~"), (good + "state = s3cret # x", 5, "good", "a # comes after"),
                (good + 'state = "s3cret"', 5, "good", "in quotes"), (good + "host = h", 5, "good", "no key host"),
                (good + "limit = 1\n" * 80, 73, "good", "too many lines"), ("# only this\n", 1, None, "no section")]
        for text, line, section, words in rows:
            with self.subTest(text[-40:]):
                self.write(text)
                result = self.run_config(place, code=78)
                where = f"{self.file}, line {line}" + (f", section [{section}]: " if section else ": ")
                self.assertIn(where, result.err)
                self.assertIn(words, result.err)
                self.assertNotIn("s3cret", result.err)
                self.assertIn("popcl: what to try: ", result.err)
        self.assertEqual(server.sessions, [])

    def test_a_server_is_no_option(self):
        place = self.place()
        for name in ("--version", "--help", "--config=x", "-qd", "--"):
            with self.subTest(name=name):
                self.write(f"[a]\nserver = {name}\nauth-file = {place.auth_file}\noutput = {place.out}\n")
                self.assertIn("line 2, section [a]: the server begins with -", self.run_config(place, code=78).err)

    def test_forms_that_are_taken(self):
        place, server = self.place(), self.server()
        text = "\ufeff" + self.section(place, "a.b_c@d+e-1", server).replace(" = ", "=\t").replace("\n", "  \r\n") + "netrc = no\r\n \t\r\n\t# x"
        self.write(text, 0o644)
        self.assertIn("a.b_c@d+e-1: 3 messages downloaded.\n", self.run_config(place).out)

    def test_no_trace_goes_into_it(self):
        place, server = self.place(), self.server()
        text = self.section(place, "a", server, f"trace = {self.file}")
        self.write(text)
        self.assertIn("the file of another option", self.run_config(place, code=73).err)
        self.assertEqual(self.file.read_text(), text)

    def test_whose_file_it_is(self):
        """Others could have a command run in the user's name."""
        place, server = self.place(), self.server()
        text = self.section(place, "a", server)
        for mode in (0o620, 0o602, 0o666):
            self.write(text, mode)
            self.assertIn("others may write the file of --config", self.run_config(place, code=78).err)
        if os.getuid() == 0:
            self.write(text)
            os.chown(self.file, 65534, 65534)
            self.assertIn("belongs to another user", self.run_config(place, code=78).err)
        self.file.unlink()
        self.run_config(place, code=66)
        os.mkfifo(self.file)
        self.run_config(place, code=78)
        self.file.unlink()
        self.file.mkdir()
        self.run_config(place, code=78)
        self.file.rmdir()
        self.write(text + "#" * 70000)
        self.assertIn("larger than 64 KB", self.run_config(place, code=78).err)
        self.assertEqual(server.sessions, [])


class Again(AccountsTest):
    def poll(self, place, args, until):
        process = place.start(args)
        end = time.monotonic() + command.HANGS
        while not until() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        return process

    def stop(self, place, process, args):
        process.send_signal(signal.SIGTERM)
        return place.finish(process, args)

    @staticmethod
    def descriptors(process):
        """How many are open. The process cannot be dumped, so only root may look."""
        return len(os.listdir(f"/proc/{process.pid}/fd")) if os.getuid() == 0 else 0

    def test_new_mail_arrives(self):
        place, server = self.place(), self.server(messages=[message(1)])
        args = place.arguments(server.port, ["-n", "-q", "--poll", "1"])
        process = self.poll(place, args, lambda: server.commands[-1:] == ["QUIT"])
        server.messages.append(message(2))
        server.uids.append("uid2")
        while len(place.names()) < 2 or server.commands[-1] != "QUIT":
            time.sleep(0.02)
        sessions = len(server.sessions)
        while len(server.sessions) < sessions + 2:  # nothing is new in these
            time.sleep(0.02)
        result = self.stop(place, process, args)
        self.assertEqual(result.code, 143, result)
        self.assertEqual(result.out, "1 new message downloaded.\n" * 2)
        self.assertEqual(place.contents(), sorted([message(1), message(2)]))
        self.assertEqual([verb for verb in server.verbs() if verb == "RETR"], ["RETR"] * 2)

    def test_it_does_not_grow(self):
        place, server = self.place(), self.server()
        args = place.arguments(server.port, ["-q", "--poll", "1"])
        process = self.poll(place, args, lambda: len(server.sessions) > 2)
        before, files = command.own_memory(process.pid), self.descriptors(process)
        while len(server.sessions) < 7:
            time.sleep(0.05)
        time.sleep(0.3)  # it sleeps
        self.assertLessEqual(command.own_memory(process.pid), before + 65536)
        self.assertLessEqual(self.descriptors(process), files)
        self.assertEqual(self.stop(place, process, args).code, 143)

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_it_leaks_nothing(self):
        place, server = self.place(), self.server(context=pki.shared().root().issue("polled", san=pki.LOCAL).context())
        place.wrapper = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]
        args = place.arguments(server.port, ["-T", "-c", str(pki.shared().root().file), "-q", "--poll", "1"], "localhost")
        process = self.poll(place, args, lambda: sum(verb == "QUIT" for verb in server.verbs()) > 1)
        self.assertEqual(self.stop(place, process, args).code, 143)

    def test_a_refused_login_is_not_repeated(self):
        """[R51] Too many refused logins may lock the account."""
        place, server = self.place(), self.server(replies=REFUSED)
        result = place.run(server.port, "--poll", "1", code=77)
        self.assertEqual(len(server.sessions), 1, result)

    def test_one_account_is_left_out(self):
        place, bad, good = self.place(), self.server(replies=REFUSED), self.server()
        self.write(self.section(place, "bad", bad) + self.section(place, "good", good))
        args = ["--config", str(self.file), "--poll", "1"]
        process = self.poll(place, args, lambda: len(good.sessions) > 2)
        self.assertEqual(self.stop(place, process, args).code, 143)
        self.assertEqual(len(bad.sessions), 1)

    def test_failures_make_it_slower(self):
        place, server = self.place(), self.server(replies={"PASS": b"-ERR [IN-USE] later\r\n"})
        args = place.arguments(server.port, ["-q", "--poll", "1"])
        process = self.poll(place, args, lambda: len(server.sessions) > 1)
        second = time.monotonic()
        while len(server.sessions) < 3:
            time.sleep(0.02)
        self.assertGreater(time.monotonic() - second, 3)  # 4 seconds; without back-off one
        self.assertEqual(self.stop(place, process, args).code, 143)

    def test_the_servers_delay_between_logins(self):
        """[R47] After a refusal for its sake the next login comes only when the delay is over."""
        place, server = self.place(), self.server(replies={"CAPA": b"+OK\r\nUSER\r\nUIDL\r\nLOGIN-DELAY 4\r\n.\r\n",
                                                           "PASS": b"-ERR [LOGIN-DELAY] too soon\r\n"})
        args = place.arguments(server.port, ["-q", "--poll", "1"])
        process = self.poll(place, args, lambda: "QUIT" in server.verbs() or len(server.sessions) > 1)
        first = time.monotonic()
        while len(server.sessions) < 2 and process.poll() is None:
            time.sleep(0.02)
        self.assertGreater(time.monotonic() - first, 2.5)  # by back-off alone it would be 2 seconds
        self.assertEqual(self.stop(place, process, args).code, 143)

    def test_sections_that_cannot_be_repeated(self):
        """The rules of --poll beside --config too: a run wipes the secret, and --forget once is enough."""
        place, server = self.place(), self.server()
        for line, words in (("auth-file = -", "-a names a pipe"), ("check = yes", "--poll and --check"), ("info = yes", "--poll and --info"),
                            ("forget = all", "--poll and --forget"), ("record = yes", "--poll and --record")):
            with self.subTest(line=line):
                text = self.section(place, "a", server, line)
                if line.startswith("auth-file"):
                    text = text.replace(f"auth-file = {place.auth_file}\n", "")
                self.write(text)
                self.assertIn(words, self.run_config(place, "--poll", "1", code=78).err)
        self.assertEqual(server.sessions, [])

    def test_what_is_wrong_here_ends_it(self):
        place, server = self.place(), self.server()
        place.auth_file.unlink()
        place.run(server.port, "--poll", "1", code=66)
        self.assertEqual(server.sessions, [])


class LittleOutput(AccountsTest):
    def test_only_what_matters(self):
        """-q and -qq for cron: a mail is sent for whatever is printed."""
        rows = [("-q", 3, {}, 0, "3 messages downloaded.\n", False), ("-q", 0, {}, 0, "", False), ("-qq", 3, {}, 0, "", False),
                ("-q", 3, {"RETR 2": b"-ERR no\r\n"}, 75, "2 messages downloaded.\n", True),
                ("-qq", 3, {"RETR 2": b"-ERR no\r\n"}, 75, "2 messages downloaded.\n", True),
                ("-qq", 3, REFUSED, 77, "", True), ("-qq", 0, {}, 0, "", False)]
        for option, count, replies, code, out, has_errors in rows:
            with self.subTest(option=option, count=count, replies=replies):
                server = self.server(messages=[message(n + 1) for n in range(count)], replies=replies)
                result = self.place().run(server.port, option, code=(code, 76) if code == 75 else code)
                self.assertEqual(result.out, out, result)
                self.assertEqual(result.err != "", has_errors, result)

    def test_a_listing_is_what_was_asked_for(self):
        server = self.server()
        self.assertEqual(len(self.place().run(server.port, "-qq", "--list").out.splitlines()), 3)


class ManyCertificates(AccountsTest):
    def test_each_authority_counts(self):
        roots = [pki.shared().root(f"Root number {n}") for n in range(3)]
        folder = pki.shared().directory("many", [roots[2]])
        for root in roots:
            server = self.server(context=root.issue("one of many", san=pki.LOCAL).context())
            self.place().run(server.port, "-T", "-c", str(roots[0].file), "-C", str(folder), "-c", str(roots[1].file), server="localhost")
        self.place().run(server.port, "-T", "-c", str(roots[0].file), "-c", str(roots[1].file), server="localhost", code=79)


class Completion(unittest.TestCase):
    def script(self, shell):
        return subprocess.run([command.POPCL, "--completion", shell], capture_output=True, text=True, check=True).stdout

    def complete(self, *words):
        line = " ".join(f"'{word}'" for word in words)
        program = self.script("bash") + f"\nCOMP_WORDS=(popcl {line}); COMP_CWORD={len(words)}; _popcl; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, cwd=command.REPOSITORY)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("--ti"), ["--timeout"])
        self.assertEqual(self.complete("host", "--max"), ["--max-time", "--max-size"])
        self.assertEqual(self.complete("-c", "README"), ["README.md"])
        self.assertEqual(self.complete("--trace", "=", "README"), ["README.md"])
        self.assertEqual(self.complete("-C", "src/to"), ["src/tools"])
        self.assertEqual(self.complete("-p", "1"), [])
        self.assertEqual(self.complete("--frob"), [])

    def test_the_other_shells_take_their_script(self):
        for shell in ("zsh", "fish"):
            with self.subTest(shell):
                if not shutil.which(shell):
                    self.skipTest(f"{shell} is not installed")
                done = subprocess.run([shell, "-n"], input=self.script(shell), capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        program = self.script("fish") + "\ncomplete -C 'popcl --ti'\n"
        done = subprocess.run(["fish", "--no-config", "-c", program], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split("\t")[0].strip(), "--timeout")


if __name__ == "__main__":
    unittest.main()
