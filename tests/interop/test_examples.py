# SPDX-License-Identifier: MIT
"""The examples against Dovecot: what they print is what they say they print. They stand beside the command, in examples/ of its folder."""
import asyncio
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

import command
import mailboxes
import pki
from dovecot import Dovecot

EXAMPLES = pathlib.Path(command.POPCL).resolve().parent / "examples"
HANGS = 60
AT_ONCE = 1000  # sessions
# A getaddrinfo that finds one name only when the file DONE is there.
SLOW_NAME = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(node, "slow.example") == 0) {
        while (access(getenv("DONE"), F_OK)) usleep(10000);
        node = "127.0.0.1";
    }
    if (strcmp(node, "lost.example") == 0) return EAI_NONAME;
    return real(node, service, hints, found);
}
"""
# The wrapper for C++, with a callback that throws.
THROWS = """
#define main other_main
#include "mailbox.cpp"
#undef main
#include <stdexcept>
int main(int, char **argv) {
    std::string password;
    std::getline(std::cin, password);
    Mailbox mailbox(argv[1], static_cast<uint16_t>(std::atoi(argv[2])), argv[3], password);
    try {
        mailbox.fetch([](const std::string &, const std::string &) -> bool { throw std::runtime_error("thrown"); });
    } catch (const std::runtime_error &e) {
        std::cout << e.what() << std::endl;
        mailbox.fetch([](const std::string &, const std::string &) { return false; }); // throws nothing
        return 42;
    }
    return 0;
}
"""


def messages_of(out):
    """The messages that an example printed, each behind a line with its number and UID."""
    return re.split(rb"^--- \d+ \S*\n", out, flags=re.M)[1:]


class Examples(unittest.TestCase):
    """Each fetches or counts the sample mailbox with the few KB that it has."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.server = Dovecot(certificate=cls.certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.messages = mailboxes.sample_messages()
        self.account = self.server.account()
        self.account.deliver(self.messages)
        self.octets = sum(len(mailboxes.delivered(message)) for message in self.messages)

    def run_example(self, name, password=None, code=0, port=None, more=()):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write((password or self.account.password) + "\n")
            file.flush()
            words = [EXAMPLES / name, "127.0.0.1", str(port or self.server.port), self.account.name]
            with open(file.name if name == "count" else os.devnull, "rb") as given:
                done = subprocess.run(words if name == "count" else [*words, file.name, *more], stdin=given, capture_output=True,
                                      timeout=HANGS)
        self.assertEqual(done.returncode, code, done)
        return done.stdout, done.stderr

    def test_minimal(self):
        """Every message in order, octet by octet, behind a line with its number and UID."""
        self.check_messages(self.run_example("minimal")[0])

    def test_pop3s(self):
        """The same over POP3S and over STLS, with the certificate checked."""
        root = str(self.certificate.issuer.file)
        self.check_messages(self.run_example("pop3s", port=self.server.tls_port, more=[root])[0])
        self.check_messages(self.run_example("pop3s", more=[root, "-S"])[0])

    def test_pop3s_with_a_wrong_authority(self):
        """Refused before the password is used: not even a wrong one is."""
        other = str(pki.shared().root("another").file)
        out, err = self.run_example("pop3s", "wrong", 1, self.server.tls_port, [other])
        self.assertEqual(out, b"")
        self.assertRegex(err, rb"^pop3s: the server's certificate comes from no trusted authority: .*; .*\n$")

    def check_messages(self, out):
        for number, message in enumerate(self.messages, 1):
            head = re.match(rb"--- %d \S+\n" % number, out)
            self.assertTrue(head, out[:80])
            out = out[head.end():]
            self.assertTrue(out.startswith(mailboxes.delivered(message)), f"message {number} differs")
            out = out[len(mailboxes.delivered(message)):]
        self.assertEqual(out, b"")

    def test_minimal_with_a_wrong_password(self):
        """What failed, why, what to try; and nothing on standard output."""
        out, err = self.run_example("minimal", "wrong", 1)
        self.assertEqual(out, b"")
        self.assertRegex(err, rb"^minimal: the server refuses the .*: .*; .*\n$")

    def test_count(self):
        """As STAT says."""
        out, _ = self.run_example("count")
        self.assertRegex(out, rb"^%d messages\n$" % len(self.messages))

    def test_count_with_a_wrong_password(self):
        """The response code's own result."""
        _, err = self.run_example("count", "wrong", 1)
        self.assertIn(b"refuses user name and password", err)

    def test_superloop(self):
        """A sink that takes 64 octets a turn loses none, with a plan that holds a part of the mailbox only."""
        out, _ = self.run_example("superloop")
        self.assertRegex(out, rb"\n%d messages, %d octets, in \d+ turns: done\n$" % (len(self.messages), self.octets))

    def run_lamp(self, state, *more):
        return self.run_example("lamp", more=[state, *more])[0]

    def test_lamp(self):
        """On as long as there is a message that was not there when the button was pressed. No message is downloaded, or lost."""
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "state")
            self.assertEqual(self.run_lamp(state), b"on\n")
            self.assertEqual(self.run_lamp(state), b"on\n")
            self.assertEqual(self.run_lamp(state, "off"), b"off\n")
            self.assertEqual(self.run_lamp(state), b"off\n")
            more = mailboxes.mail(1, "One more", "new\n")
            self.account.deliver([more])
            self.assertEqual(self.run_lamp(state), b"on\n")
            self.assertEqual(self.run_lamp(state, "off"), b"off\n")
            self.assertEqual(os.listdir(folder), ["state"])
        self.messages.append(more)
        self.check_messages(self.run_example("minimal")[0])

    def test_lamp_that_cannot_look(self):
        """It is neither on nor off, and the state stays."""
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "state")
            self.run_lamp(state, "off")
            before = pathlib.Path(state).read_bytes()
            out, err = self.run_example("lamp", "wrong", 1, more=[state])
            self.assertEqual((out, pathlib.Path(state).read_bytes()), (b"", before))
            self.assertRegex(err, rb"^lamp: the server refuses ")

    def test_filter(self):
        """Only the mail of the one sender is obeyed, and deleted; what is not in its one form is left alone."""
        boss = "boss@boat.example"
        obeyed = [("From: boss@boat.example", "lamp on"), ("from:\n The Boss <BOSS@boat.example>", "lamp off"), ('From: "B, C" <boss@boat.example>', "door closed"),
                  ("From: boss@boat.example", "dance")]
        others = ["From: other@boat.example", "From: boss@boat.example.org", "From: other@x.example, <boss@boat.example>",
                  'From: "boss@boat.example" <other@x.example>', "From: <boss@boat.example> <other@x.example>", "From: boss@boat.example\nFrom: other@x.example",
                  "X-From: boss@boat.example", "From: other@x.example\n\nFrom: boss@boat.example", f"From: {'x' * 120} <boss@boat.example>", "From:"]
        account = self.server.account()
        account.deliver([f"To: device\n{sender}\nSubject: x\n\n{order}\nmore\n".encode() for sender, order in obeyed])
        account.deliver([f"To: device\n{sender}\nSubject: x\n\nlamp on\n".encode() for sender in others])
        self.account = account
        orders = [order for _, order in obeyed[:3]]
        out, _ = self.run_example("filter", more=[boss])
        self.assertEqual([line.split(": ")[1] for line in out.decode().splitlines()], orders)
        self.assertEqual(self.run_example("filter", more=[boss])[0], b"")
        self.assertEqual(len(messages_of(self.run_example("minimal")[0])), len(others))

    def test_mailbox(self):
        """The wrapper for C++: the messages whole, and what a callback throws comes out of the call."""
        compiler = shutil.which("g++")
        if not compiler:
            self.skipTest("missing: g++")
        root = pathlib.Path(__file__).resolve().parents[2]
        with tempfile.TemporaryDirectory() as folder:
            library, flags = EXAMPLES.parent / "libpopcl.a", [f"-I{root / part}" for part in ("include", "port/posix")]
            build = [compiler, "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_FILE_OFFSET_BITS=64", *flags, root / "examples/mailbox.cpp", library]
            subprocess.run([*build, "-lbearssl", "-pthread", "-o", f"{folder}/mailbox"], check=True)
            words = [f"{folder}/mailbox", "127.0.0.1", str(self.server.port), self.account.name]
            done = subprocess.run(words, input=self.account.password.encode() + b"\n", capture_output=True, timeout=HANGS, check=True)
            with open("/dev/full", "wb") as full:
                failed = subprocess.run(words, input=self.account.password.encode() + b"\n", stdout=full, stderr=subprocess.PIPE, timeout=HANGS, check=False)
            wrong = subprocess.run(words, input=b"wrong\n", capture_output=True, timeout=HANGS, check=False)
            source = pathlib.Path(folder, "throws.cpp")
            source.write_text(THROWS)
            build[build.index(root / "examples/mailbox.cpp")] = source
            subprocess.run([*build, f"-I{root / 'examples'}", "-lbearssl", "-pthread", "-o", f"{folder}/mailbox"], check=True)
            threw = subprocess.run(words, input=self.account.password.encode() + b"\n", capture_output=True, timeout=HANGS, check=False)
        parts = re.split(rb"^--- \S+ \d+\n", done.stdout, flags=re.M)[1:]
        self.assertEqual(parts, [mailboxes.delivered(message) for message in self.messages])
        self.assertEqual((failed.returncode, wrong.returncode, wrong.stdout), (1, 1, b""))
        self.assertIn(b"the server refuses", wrong.stderr)
        self.assertEqual((threw.returncode, threw.stdout), (42, b"thrown\n"))


class Polling(unittest.TestCase):
    """The example that polls, with a Dovecot whose login processes live on, and with them their TLS sessions."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.server = Dovecot(certificate=cls.certificate, more="service pop3-login {\n  service_count = 0\n  process_limit = 1\n}").__enter__()
        cls.addClassCleanup(cls.server.stop)

    def poll(self, account, sessions, password=None, port=None, every=10):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write((password or account.password) + "\n")
            file.flush()
            done = subprocess.run([EXAMPLES / "poll", "127.0.0.1", str(port or self.server.tls_port), account.name, file.name, str(self.certificate.issuer.file),
                                   str(every), str(sessions)], capture_output=True, text=True, timeout=HANGS, check=False)
        return done.returncode, re.findall(r"^(.*); (\d+) new, (\w+) handshake; next in (\d+) ms$", done.stdout, re.M)

    def test_the_next_handshake_is_short_and_no_message_is_new_twice(self):
        account = self.server.account()
        account.deliver(mailboxes.sample_messages())
        code, rows = self.poll(account, 3)
        self.assertEqual((code, [row[1:3] for row in rows]), (0, [(str(len(mailboxes.sample_messages())), "full"), ("0", "short"), ("0", "short")]))
        for row in rows:
            self.assertTrue(8 <= int(row[3]) <= 12, row)

    def test_it_waits_longer_after_failures(self):
        """Doubled each time, an eighth more or less; and an hour after a refused login, so that the account is not locked."""
        account = self.server.account()
        code, rows = self.poll(account, 5, port=1)
        self.assertEqual((code, len(rows)), (1, 5))
        for failures, row in enumerate(rows, 1):
            self.assertTrue(10 * 2**failures * 7 // 8 <= int(row[3]) <= 10 * 2**failures * 9 / 8 + 1, rows)
        code, rows = self.poll(account, 1, password="wrong")
        self.assertEqual(code, 1)
        self.assertGreater(int(rows[0][3]), 3_000_000)


class AtOnce(unittest.TestCase):
    """The example for many sessions, against a server that holds each of them until all are there."""

    async def serve(self, reader, writer):
        self.open += 1
        if self.open == self.expected:
            self.all_there.set()
        answers = {b"CAPA": b"-ERR\r\n", b"STAT": b"+OK 2 28\r\n", b"UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n", b"RETR": b"+OK\r\nFrom: a\r\n\r\nb\r\n.\r\n"}
        writer.write(b"+OK\r\n")
        verb = b""
        while verb != b"QUIT" and (line := await reader.readline()):
            verb = line.split()[0]
            if verb == b"RETR":
                await asyncio.wait_for(self.all_there.wait(), HANGS)
            writer.write(answers.get(verb, b"+OK\r\n"))
            await writer.drain()
        writer.close()
        self.ended += 1
        if self.ended == self.expected and self.done:
            self.done.touch()

    async def fetch(self, lines, expected, done=None, **more):
        self.open, self.ended, self.expected, self.all_there, self.done = 0, 0, expected, asyncio.Event(), done
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=AT_ONCE)
        port = server.sockets[0].getsockname()[1]
        async with server:
            many = await asyncio.create_subprocess_exec(EXAMPLES / "many", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
            given = "".join(line.replace("PORT", str(port)) + "\n" for line in lines).encode()
            out, err = await asyncio.wait_for(many.communicate(given), HANGS)
        return many.returncode, out.decode(), err.decode()

    def test_all_are_open_at_the_same_time(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < AT_ONCE + 100:
            self.skipTest(f"a process may have {hard} open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (AT_ONCE + 100, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        code, out, err = asyncio.run(self.fetch([f"127.0.0.1 PORT user{n} secret" for n in range(AT_ONCE)], AT_ONCE))
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, rf"^{AT_ONCE} sessions, 0 failed; {2 * AT_ONCE} messages, {28 * AT_ONCE} octets; a session: \d+ bytes, \d+ us\n$")
        self.assertLess(int(re.search(r"(\d+) bytes", out).group(1)), 4096)

    def test_a_failure_and_a_slow_name_hold_up_nobody(self):
        """Names are looked up beside the loop; a session that cannot connect fails alone."""
        with tempfile.TemporaryDirectory() as folder:
            source, library = pathlib.Path(folder, "slow.c"), pathlib.Path(folder, "slow.so")
            source.write_text(SLOW_NAME)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            lines = ["slow.example PORT slow secret", "lost.example PORT lost secret", "127.0.0.1 1 refused secret"] + [f"127.0.0.1 PORT user{n} secret" for n in range(20)]
            done = pathlib.Path(folder, "done")  # there when the 20 others have ended
            code, out, err = asyncio.run(self.fetch(lines, 20, done, env={**os.environ, "LD_PRELOAD": str(library), "DONE": str(done)}))
        self.assertEqual(code, 1)
        self.assertRegex(out, r"^23 sessions, 2 failed; 42 messages, ")
        self.assertEqual(len(err.splitlines()), 2)
        self.assertRegex(err, r"(?m)^many: lost at lost\.example: the server's name was not found")
        self.assertRegex(err, r"(?m)^many: refused at 127\.0\.0\.1: no connection")
