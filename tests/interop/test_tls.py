# SPDX-License-Identifier: MIT
"""The command over TLS against real servers: Dovecot, openssl s_server, GnuTLS. What arrives is compared octet by octet; the wire is recorded
by a relay and searched for what must not travel in clear. [I1]"""
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

import command
import gnutls
import mailboxes
import oracle
import pki
from dovecot import Dovecot, has_ipv6
from hostile import Hostile, message
from relay import Relay
from test_dovecot import DovecotTest
from test_hostile import LOGIN
from tlscase import PASSWORD, USER, assert_no_secret, right_server, root

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]
BUFFERS = (541, 837, 4421, 16709)
WAYS = ("-T", "-S")


class TlsTest(DovecotTest):
    """With a Dovecot that has POP3S and STLS. `certificate` makes what it shows, and may set `more`: further lines of its configuration."""

    more = ""

    @classmethod
    def certificate(cls):
        return right_server()

    @classmethod
    def setUpClass(cls):
        certificate = cls.certificate()
        cls.server = Dovecot(cls.named, cls.more, certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def relay(self, way="-T"):
        relay = Relay(self.server.tls_port if way == "-T" else self.server.port, keep=True)
        self.addCleanup(relay.__exit__)
        return relay

    def run_tls(self, place, way, *options, ca=root, host="localhost", port=None, **more):
        port = port or (self.server.tls_port if way == "-T" else self.server.port)
        return place.run(port, way, "-c", str(ca().file), *options, server=host, **more)

    def assertNothingInClear(self, relay, place, result):
        """Neither name nor password, and no command of a login."""
        for secret in (place.user, place.password, *(f"{verb} " for verb in LOGIN)):
            self.assertNotIn(secret.encode(), relay.sent, result)


class Fetching(TlsTest):
    """The sample mailbox, over POP3S and STLS."""

    def setUp(self):
        self.messages = mailboxes.sample_messages()
        self.delivered = [mailboxes.delivered(message) for message in self.messages]

    def test_keep(self):
        """[F22 I1 R60 R62] Byte-exact files, one line on stdout, nothing on stderr, exit 0; on the wire nothing in clear."""
        for way in WAYS:
            with self.subTest(way=way):
                account, place = self.mailbox(self.messages)
                relay = self.relay(way)
                result = self.run_tls(place, way, port=relay.port)
                self.assertEqual((result.out, result.err), (f"{len(self.messages)} messages downloaded.\n", ""))
                self.assertSameMessages(place, self.delivered)
                self.assertEqual(self.count(account), len(self.messages))
                self.assertNothingInClear(relay, place, result)
                self.assertEqual(self.run_tls(place, way, "-n", port=relay.port).out, "0 new messages downloaded.\n")

    def test_new_only_and_delete(self):
        """[R25 I3 I4] -n -d: all here, none there."""
        for way in WAYS:
            with self.subTest(way=way):
                account, place = self.mailbox(self.messages)
                self.assertEqual(self.run_tls(place, way, "-nd").count, len(self.messages))
                self.assertSameMessages(place, self.delivered)
                self.assertEqual(self.count(account), 0)

    def test_one_state(self):
        """What was fetched over one port is known over the others only as far as the state is keyed by port: no message is lost by it."""
        account, place = self.mailbox(self.messages[:3])
        for way in WAYS:
            self.run_tls(place, way, "-n")
        self.assertEqual(sorted(set(place.contents())), sorted(set(self.delivered[:3])))
        self.assertEqual(self.count(account), 3)

    def test_addresses(self):
        """[D26 R66 R67] By address, where the certificate has it: 127.0.0.1 and ::1, both ways."""
        _, place = self.mailbox(self.messages[:3])
        for host in ("127.0.0.1", *(("::1",) if has_ipv6() else ())):
            for way in WAYS:
                with self.subTest(host=host, way=way):
                    self.assertEqual(self.run_tls(place, way, host=host).count, 3)

    def test_logins(self):
        """[R36 C7 E6] APOP in POP3S, whose greeting is in TLS; USER and PASS; a wrong password."""
        account, place = self.mailbox(self.messages[:2])
        for way in WAYS:
            for options, code in ((("--auth", "user"), 0), (("--auth", "plain"), 0), (("--auth", "apop"), 0 if way == "-T" else 77)):
                with self.subTest(way=way, options=options):
                    self.run_tls(place, way, *options, code=code)
        place.auth(account.name, "not the password")
        for way in WAYS:
            relay = self.relay(way)
            self.assertNothingInClear(relay, place, self.run_tls(place, way, port=relay.port, code=77))

    def test_wrong_ports(self):
        """[C22 R64] -T to the port in clear; -S, and no TLS at all, to the port of POP3S: each its own error, and nothing in clear."""
        _, place = self.mailbox(self.messages[:1])
        clear, tls = self.relay("-S"), self.relay("-T")
        for relay, options, code, says in ((clear, ("-T",), 80, "the server's answer is not TLS"), (tls, ("-S",), 75, "no greeting"),
                                           (tls, (), 75, "no greeting")):
            with self.subTest(options=options):
                trust = ("-c", str(root().file)) if options else ()
                result = place.run(relay.port, *options, *trust, "--timeout", "2", code=code, server="localhost")
                self.assertIn(says, result.err)
                self.assertNothingInClear(relay, place, result)


class Refusing(TlsTest):
    """Dovecot has a certificate for each name that is asked for, and only one of them is in order. Its log says that nobody tried to log in."""

    BAD = {
        "wrong-name.example": ({"san": ["mail.example"]}, "it is for mail.example"),
        "expired.example": ({"san": ["expired.example"], "start": -20, "end": -1}, "has expired"),
        "early.example": ({"san": ["early.example"], "start": 2, "end": 20}, "not valid yet"),
        "cn-only.example": ({}, "names no host"),
        "client.example": ({"san": ["client.example"], "extensions": ("extendedKeyUsage=clientAuth",)}, "not meant for TLS servers"),
        "sha1.example": ({"san": ["sha1.example"], "digest": "sha1"}, "too weak"),
        "rsa1024.example": ({"san": ["rsa1024.example"], "key": "RSA-1024"}, "too weak"),
        "stranger.example": (None, "no trusted authority"),
    }

    @classmethod
    def certificate(cls):
        blocks = ["ssl_cipher_list = DEFAULT@SECLEVEL=0", "auth_verbose = yes"]
        for name, (how, _) in cls.BAD.items():
            shown = root().issue(name, **how) if how is not None else pki.shared().root("A stranger").issue(name, san=[name])
            blocks.append(f"local_name {name} {{\n  ssl_cert = <{shown.chain_file}\n  ssl_key = <{shown.key_file}\n}}")
        cls.more = "\n".join(blocks)
        return right_server()

    def test_refused(self):
        """[D2 D3 D4 D5 D14 D15 D17 D22 R68] 79, the reason, not one octet of a login on the wire, and nobody in Dovecot's log."""
        account, place = self.mailbox(mailboxes.many(1))
        for name, (_, says) in self.BAD.items():
            for way in WAYS:
                with self.subTest(name=name, way=way):
                    relay = self.relay(way)
                    result = self.run_tls(place, way, "--tls-name", name, port=relay.port, code=79)
                    self.assertIn(says, result.err)
                    self.assertEqual((result.out, place.names()), ("", []))
                    self.assertNothingInClear(relay, place, result)
        self.assertNotIn(account.name, self.server.log())
        self.assertEqual(self.run_tls(place, "-T").count, 1)
        self.assertIn(f"Login: user=<{account.name}>", self.server.log())


class Mkcert(TlsTest):
    """Dovecot with a certificate as its own mkcert.sh makes it: self-signed, a common name, no subjectAltName."""

    @classmethod
    def certificate(cls):
        return pki.shared().mkcert("localhost")

    def test_given_or_pinned(self):
        """[D22 D50] With -c the common name is its name, with --pin none is demanded; both ways to TLS, and resumed too."""
        own = self.certificate()
        for way in WAYS:
            for options in (("-c", own.file), ("--pin", own.pin), ("-c", own.file, "--pin", own.pin), ("-c", own.file, "--resume", "session")):
                with self.subTest(way=way, options=options):
                    account, place = self.mailbox(mailboxes.many(2))
                    relay = self.relay(way)
                    words = [str(place.root / word) if word == "session" else str(word) for word in options]
                    result = place.run(relay.port, way, *words, "-d", server="localhost")
                    self.assertEqual((result.count, self.count(account)), (2, 0))
                    self.assertNothingInClear(relay, place, result)

    def test_refused(self):
        """[D3 D22] With -c another name is refused, and so is another certificate of that name; nothing of a login leaves."""
        own, other = self.certificate(), pki.shared().mkcert("localhost", "authority")
        for way in WAYS:
            for options, says in ((("-c", own.file, "--tls-name", "mail.example"), "names no host"), (("-c", other.file), "names no host"),
                                  (("-c", root().file), "names no host"), (("--pin", other.pin), "not one of the pinned keys")):
                with self.subTest(way=way, options=options):
                    _, place = self.mailbox(mailboxes.many(1))
                    relay = self.relay(way)
                    result = place.run(relay.port, way, *map(str, options), server="localhost", code=79)
                    self.assertIn(says, result.err)
                    self.assertNothingInClear(relay, place, result)


class Buffers(TlsTest):
    """1,000 messages through record buffers of every size. The smallest ask for fragments of 512 octets, which Dovecot grants."""

    MESSAGES = mailboxes.many(990) + [b"Subject: %d\n\n" % n + b".line of some length, %d\n" % n * 400 for n in range(10)]

    def fetch(self, size, wrapper=()):
        _, place = self.mailbox(self.MESSAGES)
        place.wrapper = list(wrapper)
        self.assertEqual(self.run_tls(place, "-T", "--iobuf", str(size), seconds=400).count, len(self.MESSAGES))
        self.assertSameMessages(place, map(mailboxes.delivered, self.MESSAGES))

    def test_837(self):
        self.fetch(837)

    def test_4421(self):
        self.fetch(4421)

    def test_16709(self):
        self.fetch(16709)

    def test_long_chain(self):
        """A chain of certificates many times as long as the record buffer, by a server that keeps its records small."""
        issuer = pki.shared().root("RSA root", key="RSA-4096")
        for name in ("one", "two", "three"):
            issuer = issuer.issue(name, ca=True, key="RSA-2048")
        server = issuer.issue("a server", key="RSA-2048", san=[f"host{n}.example" for n in range(200)] + ["localhost"])
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        for clear in (None, {}):
            with Hostile(context=server.context(), clear=clear, user=USER, password=PASSWORD) as peer:
                result = place.run(peer.port, "-T" if clear is None else "-S", "-c", str(issuer.issuers()[-1].file), "--iobuf", "541", "-v",
                                   server="localhost")
                self.assertIn("at most 512 octets were asked for: granted", result.err)
                self.assertEqual(result.count, 3)

    def test_sample(self):
        """The sample mailbox, by STLS, through 541 octets and through the largest."""
        messages = mailboxes.sample_messages()
        for size in (BUFFERS[0], BUFFERS[-1]):
            _, place = self.mailbox(messages)
            self.assertEqual(self.run_tls(place, "-S", "--iobuf", str(size)).count, len(messages))
            self.assertSameMessages(place, map(mailboxes.delivered, messages))

    def test_540(self):
        """[I-3] One octet below the least: refused before any connection."""
        _, place = self.mailbox([])
        relay = self.relay()
        self.run_tls(place, "-T", "--iobuf", "540", port=relay.port, code=64)
        self.assertEqual(relay.sent, b"")


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class Valgrind(TlsTest):
    """Under valgrind."""

    slow = True

    def check(self, iobuf):
        """[I-3 I6] 1,000 messages: no invalid access, nothing undefined used, no leak."""
        log = self.place(self.server.account()).root / "valgrind"
        try:
            Buffers.fetch(self, iobuf, [*VALGRIND, f"--log-file={log}"])
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{log.read_text(errors='replace')[:4000] if log.exists() else ''}") from None

    def test_541(self):
        self.check(541)

    def test_837(self):
        self.check(837)

    def test_4421(self):
        self.check(4421)

    def test_16709(self):
        self.check(16709)

    MESSAGES = Buffers.MESSAGES

    def test_refused(self):
        """[I6 I9] The ways out of a handshake that fails: a certificate, no TLS, a record too large, a signal."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        place.wrapper = VALGRIND
        stranger = pki.shared().root("A stranger")
        with Hostile(context=right_server().context()) as server, Hostile() as plain:
            place.run(server.port, "-T", "-c", str(stranger.file), server="localhost", code=79)
            place.run(server.port, "-T", "-C", str(root().file.parent), "--tls-name", "mail.example", server="localhost", code=79)
            place.run(plain.port, "-T", "-c", str(root().file), server="localhost", code=80)


class Memory(TlsTest):
    """The size of a message is not the size of the program, over TLS either."""

    slow = True
    LARGE_MB = 200
    LIMIT = 3 * 1024 * 1024

    def peak(self, messages):
        """VmHWM of the command, read at its end: it waits for whoever reads its count line."""
        account, place = self.mailbox(messages)
        args = place.arguments(self.server.tls_port, ("-T", "-c", str(root().file)), "localhost")
        peaks = []
        process = place.start(args)

        def look():
            while process.poll() is None:
                try:
                    peaks.append(command.peak_memory(process.pid))
                except (OSError, AttributeError):  # it has ended
                    return
                time.sleep(0.002)
        watch = threading.Thread(target=look)
        watch.start()
        result = place.finish(process, args)
        watch.join()
        self.assertEqual((result.code, result.count), (0, 1), result)
        return max(peaks), place, account

    def test_200_mb_in_the_memory_of_1_kb(self):
        """[B30 R22] Peak memory for a message of 200 MB over TLS: at most 3 MB, and what one of 1 KB needs."""
        small = max(self.peak([mailboxes.mail(1, "small", "x" * 800 + "\n")])[0] for _ in range(3))
        large, place, account = self.peak([mailboxes.large(self.LARGE_MB)])
        name, = place.names()
        size = (place.out / name).stat().st_size
        shutil.rmtree(place.out)
        shutil.rmtree(account.maildir / "cur")
        print(f"    peak resident memory over TLS: {small // 1024} KB for a message of 1 KB, {large // 1024} KB for one of {size >> 20} MB",
              flush=True)
        self.assertGreater(size, self.LARGE_MB * 1_000_000)
        self.assertLessEqual(large, self.LIMIT)
        self.assertLessEqual(large, small * 1.1)


class Interrupted(TlsTest):
    """Signals in the middle of encrypted messages."""

    def test_a_signal_inside_a_message(self):
        """[L4] INT and TERM inside a message: what came before is there, and is deleted; of that one nothing."""
        messages = [*mailboxes.many(5), b"Subject: big\n\n" + b"0123456789abcde\n" * 200_000, *mailboxes.many(2)]
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(signal=number):
                account, place = self.mailbox(messages)
                relay = self.relay()
                args = place.arguments(relay.port, ("-T", "-c", str(root().file), "-d"), "localhost")

                def strike(number=number):
                    process.send_signal(number)
                    time.sleep(0.3)
                relay.after(1_500_000, strike)
                process = place.start(args)
                result = place.finish(process, args)
                self.assertEqual((result.code, result.count), (code, 5), result)
                self.assertSameMessages(place, map(mailboxes.delivered, messages[:5]))
                self.assertEqual(self.count(account), 3, result)

    def test_cut_inside_a_record(self):
        """[A10 D45] The connection ends inside a record of a message: not stored, and the rest comes with the next run."""
        messages = [*mailboxes.many(3), b"Subject: big\n\n" + b"0123456789abcde\n" * 20_000]
        account, place = self.mailbox(messages)
        relay = self.relay()
        relay.after(100_001, relay.__exit__)
        result = self.run_tls(place, "-T", "-d", port=relay.port, code=75)
        self.assertSameMessages(place, map(mailboxes.delivered, messages[:3]))
        self.assertEqual(result.count, 3)
        self.run_tls(place, "-T", "-nd")
        self.assertSameMessages(place, map(mailboxes.delivered, messages))
        self.assertEqual(self.count(account), 0)


class Unlike(unittest.TestCase):
    """A Dovecot whose TLS popcl does not speak. It closes the connection and says no word about it, not even an alert."""

    def test_versions_and_suites(self):
        """[D38 D39] TLS 1.3 alone, CBC alone: 80; the error speaks of the versions that the server allows, and nothing is tried in clear."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        for line in ("ssl_min_protocol = TLSv1.3", "ssl_cipher_list = ECDHE-ECDSA-AES128-SHA256"):
            with self.subTest(line=line), Dovecot(more=line, certificate=right_server()) as server:
                for way, port in (("-T", server.tls_port), ("-S", server.port)):
                    with Relay(port, keep=True) as relay:
                        result = place.run(relay.port, way, "-c", str(root().file), server="localhost", code=80)
                    self.assertIn("the TLS versions that the server allows", result.err)
                    self.assertNotIn(USER.encode(), relay.sent, result)
                    self.assertNotIn(b"USER", relay.sent, result)


# ---- other kinds of servers ----

class Gnutls(unittest.TestCase):
    """GnuTLS grants small fragments, keeps to it in the handshake, and sends full application records."""

    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)

    def talk(self, *options, messages=None, clear=None, code=0):
        with Hostile(context=gnutls.Context(right_server()), messages=messages, clear=clear, user=USER, password=PASSWORD) as server:
            result = self.place.run(server.port, "-T" if clear is None else "-S", "-c", str(root().file), *options, server="localhost", code=code)
            assert_no_secret(self, server, result)
            return result

    def test_small_messages(self):
        """Messages that fit into small records come, both ways, whatever the buffer."""
        for size in BUFFERS:
            for clear in (None, {}):
                with self.subTest(size=size, clear=clear):
                    self.assertEqual(self.talk("--iobuf", size and str(size), clear=clear).count, 3)

    def test_large_records(self):
        """[D43] A full record into a buffer of 541 octets: an error of its own, which names the needed and the available size; 16413 octets
        are enough for any server."""
        messages = [message(1, 3000)]
        result = self.talk("--iobuf", "541", messages=messages, code=80)
        self.assertIn("larger than the record buffer", result.err)
        self.assertRegex(result.err, r"\b541\b")
        needed = [int(number) for number in re.findall(r"\b\d{4,5}\b", result.err)]
        self.assertTrue(any(15_000 < number <= 16_413 for number in needed), result)
        self.assertEqual(self.place.names(), [])
        self.assertEqual(self.talk("--iobuf", "16413", messages=messages).count, 1)
        self.assertEqual(self.place.contents(), messages)

    def test_fragment_length(self):
        """--mfln, with a large buffer: -v says what was asked for, and that it was granted, which here means nothing."""
        for size in ("512", "1024", "2048", "4096"):
            with self.subTest(size=size):
                self.assertIn(f"at most {size} octets were asked for: granted", self.talk("--mfln", size, "-v", messages=[message(1, 500)]).err)
        self.assertIn("no record size was asked for", self.talk("--mfln", "none", "-v").err)


class Program:
    """A TLS server of another project as a child process, which ends with the block."""

    def __init__(self, *words, says, **more):
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        self.said, self._says = b"", says

    def __enter__(self):
        give_up = time.monotonic() + command.HANGS
        while self._says not in self.said and time.monotonic() < give_up and self.process.poll() is None:
            self.said += os.read(self.process.stdout.fileno(), 4096)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class OpensslServer(unittest.TestCase):
    """openssl s_server with a POP3 server of a few lines behind it."""

    LINES = {b"CAPA": b"+OK\r\nUIDL\r\n.\r\n", b"STAT": b"+OK 1 %d\r\n", b"UIDL": b"+OK\r\n1 one\r\n.\r\n", b"LIST": b"+OK\r\n1 %d\r\n.\r\n"}

    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)
        self.message = message(1, 3000)

    def serve(self, process):
        """Answers the lines that the client sends, until QUIT."""
        process.stdin.write(b"+OK ready\r\n")
        process.stdin.flush()
        for line in process.stdout:
            verb = line.split()[0] if line.split() else b""
            reply = self.LINES.get(verb, b"+OK\r\n")
            if verb == b"RETR":
                reply += self.message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
            process.stdin.write(reply % len(self.message) if b"%d" in reply and verb != b"RETR" else reply)
            process.stdin.flush()
            if verb == b"QUIT":
                return

    def fetch(self, *server_options, options=()):
        port = free_port()
        server = right_server()
        words = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", server.file, "-key", server.key_file, "-naccept", "1",
                 *server_options]
        with subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(port)
                threading.Thread(target=self.serve, args=[process], daemon=True).start()
                result = self.place.run(port, "-T", "-c", str(root().file), *options, server="localhost")
            finally:
                process.kill()
        self.assertEqual(result.count, 1)
        self.assertEqual(self.place.contents(), [self.message])

    def test_record_sizes(self):
        """s_server cuts its records as it is told, or as the client asks: in every case the message is whole."""
        for server_options, options in (((), ("--iobuf", "541")), (("-max_send_frag", "512"), ("--iobuf", "16709")), ((), ())):
            with self.subTest(server=server_options, options=options):
                self.fetch("-tls1_2", *server_options, options=options)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    """Until somebody listens there. The listener is not touched: s_server serves one client and ends."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    give_up = time.monotonic() + command.HANGS
    while time.monotonic() < give_up:
        with open("/proc/net/tcp", encoding="ascii") as table:
            if wanted in table.read():
                return
        time.sleep(0.01)
    raise AssertionError(f"nobody listens on port {port}")


@unittest.skipUnless(shutil.which("gnutls-serv"), "gnutls-serv is not installed")
class GnutlsServ(unittest.TestCase):
    """gnutls-serv speaks no POP3, but shakes hands."""

    def test_handshake(self):
        """[A5 D2] With the right authority the handshake is done, through 541 octets too, and the greeting is missed; with another it is 79."""
        place = command.Place(USER, PASSWORD)
        self.addCleanup(place.remove)
        server, port = right_server(), free_port()
        words = ["gnutls-serv", "--echo", "--port", port, "--x509certfile", server.file, "--x509keyfile", server.key_file]
        with Program(*words, says=b"listening on", stdin=subprocess.DEVNULL):
            for ca, options, code, says in ((root(), ("--iobuf", "541"), 75, "no greeting"), (root(), (), 75, "no greeting"),
                                            (pki.shared().root("A stranger"), (), 79, "no trusted authority")):
                with self.subTest(ca=ca.name, options=options):
                    result = place.run(port, "-T", "-c", str(ca.file), "--timeout", "2", *options, server="localhost", code=code)
                    self.assertIn(says, result.err)


if __name__ == "__main__":
    unittest.main()
