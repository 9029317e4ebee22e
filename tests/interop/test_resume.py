# SPDX-License-Identifier: MIT
"""--resume FILE: sessions of TLS that last from one run to the next, with Dovecot, OpenSSL and GnuTLS, and what the file must be like."""
import datetime
import os
import stat

import command
import gnutls
import mailboxes
import pki
from hostile import Hostile
from test_tls import WAYS, TlsTest
from tlscase import PASSWORD, USER, right_server, root

LENGTH = 234             # octets of the file, and
SECRET = slice(90, 138)  # where in it the master secret stands


class ResumeTest(TlsTest):
    """With a Dovecot whose login processes live on, and with them their sessions."""

    more = "service pop3-login {\n  service_count = 0\n  process_limit = 1\n}"

    def run_resume(self, place, way="-T", *options, **more):
        return self.run_tls(place, way, "--resume", str(self.file(place)), *options, **more)

    @staticmethod
    def file(place):
        return place.root / "session"

    def kept(self, messages=(), way="-T"):
        """An account, and a place that has a session for it."""
        account, place = self.mailbox(list(messages))
        self.run_resume(place, way)
        self.assertTrue(self.file(place).exists())
        return account, place

    def assertResumed(self, result, resumed=True):
        self.assertEqual(", resumed\n" in result.err, resumed, result)

    def assertGone(self, place, result):
        self.assertFalse(self.file(place).exists(), result)
        self.assertNothingLeft(place)

    def assertNothingLeft(self, place):
        self.assertEqual([path.name for path in place.root.iterdir() if path.name.startswith(".session.")], [])


class Keeping(ResumeTest):
    """A server that remembers."""

    def test_resumed(self):
        """[D47 I1] A run resumes the session of the one before, by both ways: the same mail, nothing in clear, and the file stays as it
        is."""
        messages = mailboxes.sample_messages()
        for way in WAYS:
            with self.subTest(way=way):
                _, place = self.mailbox(messages)
                full, short = self.relay(way), self.relay(way)
                first = self.run_resume(place, way, "-v", port=full.port)
                self.assertResumed(first, False)
                status = self.file(place).stat()
                self.assertEqual((stat.S_IMODE(status.st_mode), status.st_size), (0o600, LENGTH))
                octets = self.file(place).read_bytes()
                # Another port is another account: the relay's. So the third run is to the second's.
                self.assertResumed(self.run_resume(place, way, "-v", port=short.port), False)
                self.assertNotEqual(self.file(place).read_bytes(), octets)
                octets = self.file(place).read_bytes()
                third = self.run_resume(place, way, "-v", port=short.port)
                self.assertResumed(third)
                self.assertEqual(self.file(place).read_bytes(), octets)
                self.assertEqual(third.count, len(messages))
                self.assertSameMessages(place, map(mailboxes.delivered, messages))
                self.assertNothingInClear(short, place, third)
                self.assertNothingLeft(place)

    def test_less_on_the_wire(self):
        """A resumed handshake is shorter both ways."""
        for way in WAYS:
            with self.subTest(way=way):
                _, place = self.mailbox([])
                relay = self.relay(way)
                self.run_resume(place, way, port=relay.port)
                up, down = relay.up, relay.down
                self.assertResumed(self.run_resume(place, way, "-v", port=relay.port))
                self.assertLess(relay.up - up, up)
                self.assertLess(relay.down - down, down - 400)

    def test_many_in_a_row(self):
        """[I-6] Polls that find nothing."""
        _, place = self.kept()
        for _ in range(30):
            self.assertResumed(self.run_resume(place, "-T", "-v", "-n"))

    def test_bound(self):
        """[D47] To another user, by another way, under another name, with other trust or records, it is not offered, and it is gone."""
        other, stranger = self.server.account(), pki.shared().root("A stranger")
        for what, options, more in (("user", (), {}), ("host", (), {"host": "127.0.0.1"}), ("name", ("--tls-name", "127.0.0.1"), {}),
                                    ("records", ("--mfln", "512"), {}), ("buffer", ("--iobuf", "4421"), {}), ("trust", (), {"ca": lambda: stranger}),
                                    ("way to log in, which is none of TLS's business", ("--auth", "user"), {})):
            with self.subTest(what=what):
                _, place = self.kept(mailboxes.many(1))
                before = self.file(place).read_bytes()
                if what == "user":
                    place.auth(other.name, other.password)
                result = self.run_resume(place, "-T", "-v", *options, code=79 if what == "trust" else 0, **more)
                self.assertResumed(result, what.startswith("way"))
                if what == "trust":
                    self.assertGone(place, result)
                else:
                    self.assertEqual(self.file(place).read_bytes() == before, what.startswith("way"))

    def test_clock(self):
        """A day later, or before it was made, it is not offered; a clock that is not set keeps none."""
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        _, place = self.mailbox([])
        for now, resumed in (("12:00:00", False), ("12:00:00", True), ("23:59:59", True), ("11:59:59", False), ("12:00:00", True)):
            result = self.run_resume(place, "-T", "-v", "--now", f"{today}T{now}Z")
            self.assertResumed(result, resumed)

    def test_secret(self):
        """[I9 L6] The session's key is in the file and nowhere else: not in a trace, not in what is said."""
        _, place = self.kept(mailboxes.many(2))
        trace = place.root / "trace"
        result = self.run_resume(place, "-T", "-v", f"--trace={trace}")
        self.assertResumed(result)
        secret = self.file(place).read_bytes()[SECRET]
        self.assertNotEqual(secret, bytes(48))
        for text in (trace.read_bytes(), result.err.encode(), result.out.encode()):
            self.assertNotIn(secret[:8], text)
            self.assertNotIn(secret[:8].hex().encode(), text.lower())
        for folder, _, names in os.walk(place.root):
            for name in names:
                if name != "session":
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertNotIn(secret[:16], file.read(), name)

    def test_login_refused(self):
        """[E6] A refused login: no file, and the one that was there is gone."""
        account, place = self.kept()
        place.auth(account.name, "not the password")
        self.assertGone(place, self.run_resume(place, code=77))
        self.assertGone(place, self.run_resume(place, code=77))

    def test_no_connection(self):
        """[A2] Where nothing answers, nothing is in doubt."""
        _, place = self.kept()
        relay = self.relay()
        self.assertResumed(self.run_resume(place, "-T", "-v", port=relay.port), False)
        before = self.file(place).read_bytes()
        relay.__exit__()
        self.run_resume(place, "-T", port=relay.port, code=69)
        self.assertEqual(self.file(place).read_bytes(), before)

    def test_check_and_list(self):
        """--check and --list keep and use it as a fetch does."""
        account, place = self.kept(mailboxes.many(1))
        for options, code in ((("--check",), 1), (("--list",), 0)):
            self.assertResumed(self.run_resume(place, "-T", "-v", *options, code=code))
        account.deliver(mailboxes.many(1))
        self.assertResumed(self.run_resume(place, "-T", "-v", "--check"))

    def test_at_once(self):
        """Eight runs with one file at one time: each fetches, and what is left is a session."""
        messages = mailboxes.many(3)
        _, place = self.kept(messages)
        for _ in range(4):
            runs = []
            for n in range(8):
                args = place.arguments(self.server.tls_port, ("-T", "-c", str(root().file), "--resume", str(self.file(place)),
                                                              *(("--iobuf", "4421") if n % 2 else ())), "localhost", out=place.root / f"out{n}")
                place.environment["XDG_STATE_HOME"] = str(place.root / f"state{n}")  # the record's lock would let one after the other run
                runs.append((place.start(args), args))
            for process, args in runs:
                result = place.finish(process, args)
                self.assertEqual((result.code, result.count, result.err), (0, 3, ""), result)
            self.assertEqual(self.file(place).stat().st_size, LENGTH)
            self.assertNothingLeft(place)
        both = [", resumed\n" in self.run_resume(place, "-T", "-v", *options).err for options in ((), ("--iobuf", "4421"), ("--iobuf", "4421"))]
        self.assertTrue(both[2])


class File(ResumeTest):
    """What the file may be."""

    def test_damaged(self):
        """Damaged is said, put aside and counts as none: the mail comes, and there is a new session."""
        account, place = self.kept(mailboxes.many(1))
        good = self.file(place).read_bytes()
        flipped = bytearray(good)
        flipped[100] ^= 1
        for what, octets in {"a bit": bytes(flipped), "cut": good[:-1], "one octet": b"P", "more": good + b"\n", "zeros": bytes(LENGTH),
                             "another file": b"x" * 100_000}.items():
            for quiet in ((), ("-q",)):
                with self.subTest(what=what):
                    self.write(place, octets)
                    result = self.run_resume(place, "-T", *quiet)
                    self.assertEqual(result.count, 1)
                    if not quiet:
                        self.assertIn("is damaged and kept as .damaged: it counts as none", result.err)
                    self.assertEqual((place.root / "session.damaged").read_bytes(), octets)
                    self.assertResumed(self.run_resume(place, "-T", "-v"))
        self.write(place, b"")
        self.assertEqual(self.run_resume(place).err, "")  # as mktemp made it
        self.assertResumed(self.run_resume(place, "-T", "-v"))
        self.assertEqual(self.count(account), 1)

    def write(self, place, octets, mode=0o600):
        file = self.file(place)
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_CREAT | os.O_WRONLY, mode), "wb") as out:
            out.write(octets)
        file.chmod(mode)

    def refused(self, place, path, code, says):
        relay = self.relay()
        result = place.run(relay.port, "-T", "-c", str(root().file), "--resume", str(path), server="localhost", code=code)
        self.assertIn(says, result.err)
        self.assertEqual(relay.sent, b"", result)

    def test_refused(self):
        """Open to others, another's, no ordinary file, or one that is used for something else: refused before any connection, and unchanged."""
        _, place = self.kept(mailboxes.many(1))
        good = self.file(place).read_bytes()
        for mode in (0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610, 0o601):
            with self.subTest(mode=oct(mode)):
                self.write(place, good, mode)
                self.refused(place, self.file(place), 78, "is open to others")
                self.assertEqual(self.file(place).read_bytes(), good)
        if os.geteuid() == 0:
            self.write(place, good)
            os.chown(self.file(place), 12345, 12345)
            self.refused(place, self.file(place), 78, "belongs to another user")
        folder, fifo, link = (place.root / name for name in ("folder", "fifo", "link"))
        folder.mkdir()
        os.mkfifo(fifo, 0o600)
        link.symlink_to(self.file(place))
        for path, code, says in ((folder, 78, "no ordinary file"), (fifo, 78, "no ordinary file"), (link, 78, "it is a link"),
                                 ("/dev/null", (73, 78), "the file of --resume, /dev/null,"), (place.auth_file, 78, "is that of another option"),
                                 (place.root / "missing" / "session", 73, "cannot be created"), (f"{place.root}/", 73, "cannot be created"),
                                 (place.root / ("x" * 256), 73, "cannot be created")):
            with self.subTest(path=path):
                self.refused(place, path, code, says)
        self.assertIn(place.password, place.auth_file.read_text())
        place.run(1, "--resume", str(self.file(place)), code=64)  # in clear text there is nothing to resume
        place.run(1, "-T", "--resume", str(folder / "x"), f"--trace={folder / 'x'}", code=64)

    def test_unwritable(self):
        """A directory that may not be written: refused before any connection."""
        account = self.server.account()
        place = self.place(account, owner=65534 if os.geteuid() == 0 else None)
        authority = place.root / "authority"
        authority.write_bytes(root().file.read_bytes())
        folder = place.root / "folder"
        folder.mkdir(mode=0o555)
        relay = self.relay()
        result = place.run(relay.port, "-T", "-c", str(authority), "--resume", str(folder / "session"), server="localhost", code=73)
        self.assertIn("cannot be created", result.err)
        self.assertEqual(relay.sent, b"", result)

    def test_full_disk(self):
        """A limit on the size of files that only the session's file meets: a warning, the mail is there, and no piece of it is left."""
        _, place = self.mailbox([b"x\n"])
        place.wrapper = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]
        result = self.run_resume(place, "-T", "--list")
        place.wrapper = []
        self.assertIn("the TLS session cannot be kept in", result.err)
        self.assertGone(place, result)


class Forgetting(TlsTest):
    """Dovecot as it is installed: each connection has a process of its own, which takes its sessions along."""

    def test_full_each_time(self):
        """A session that the server has forgotten is offered in vain: a full handshake, a new session, the same mail."""
        messages = mailboxes.many(3)
        for way in WAYS:
            with self.subTest(way=way):
                _, place = self.mailbox(messages)
                file = place.root / "session"
                seen = set()
                for _ in range(3):
                    result = self.run_tls(place, way, "-v", "--resume", str(file))
                    self.assertNotIn("resumed", result.err)
                    self.assertEqual(result.count, 3)
                    seen.add(file.read_bytes())
                self.assertEqual(len(seen), 3)


class Others(ResumeTest):
    """Servers on other libraries."""

    def twice(self, context, clear=None):
        """What two runs say; the same context is the server's memory."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        results = []
        with Hostile(context=context, clear=clear, user=USER, password=PASSWORD) as server:
            for _ in range(2):
                results.append(place.run(server.port, "-T" if clear is None else "-S", "-c", str(root().file), "-v", "--resume",
                                         str(place.root / "session"), server="localhost"))
                self.assertEqual(results[-1].count, 3)
        return results

    def test_openssl(self):
        """OpenSSL, by the session's number; it is not asked for a ticket."""
        for clear in (None, {}):
            context = right_server().context()
            first, second = self.twice(context, clear)
            self.assertResumed(first, False)
            self.assertResumed(second)
            self.assertEqual(context.session_stats()["hits"], 1)

    def test_gnutls(self):
        """GnuTLS without a data base: it resumes nothing, and nothing is amiss."""
        for result in self.twice(gnutls.Context(right_server())):
            self.assertResumed(result, False)
