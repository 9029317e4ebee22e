# SPDX-License-Identifier: MIT
"""The command against POP3 servers of five projects, as Debian ships them: Courier, Cyrus, GNU Mailutils and popa3d (servers.py), and Dovecot.

A server that cannot be had is skipped; the reason says what is missing. What a server does with many commands in one segment is tested with a
client of a few lines (`Burst`), and so is the relay's count of commands in a segment, by which popcl is judged."""
import collections
import re
import socket
import unittest

import command
import mailboxes
import oracle
import servers
from dovecot import Dovecot
from relay import Relay

COUNT = 300
AT_ONCE = 50
MANY = 20  # so many commands in one segment show that popcl pipelines


class Burst:
    """A client that sends lines in one segment, then reads the replies."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._rest = b""
        self._line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, *lines):
        self._socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def login(self, account):
        for line in (f"USER {account.name}", f"PASS {account.password}"):
            self.send(line)
            self.reply()

    def reply(self, lines=False):
        """The status, and with `lines` what follows it up to the dot."""
        status = self._line()
        text = []
        while lines and (not text or text[-1] != b".\r\n"):
            text.append(self._line())
        return status, b"".join(line[1:] if line.startswith(b".") else line for line in text[:-1])

    def hears_nothing(self, seconds):
        """Whether the server is silent for so long."""
        self._socket.settimeout(seconds)
        try:
            return not self._rest and not self._socket.recv(1, socket.MSG_PEEK)
        except socket.timeout:
            return True

    def _line(self):
        while b"\n" not in self._rest:
            data = self._socket.recv(1 << 18)
            if not data:
                raise AssertionError(f"the server closed the connection behind {self._rest!r}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"


class OverServer:
    """What each server is tested with; `server` is shared by the tests of a class, each has an account of its own."""

    make = None
    before, after = set(), set()  # capabilities before and after the login, without IMPLEMENTATION; none where CAPA is refused
    unavailable = ""  # why there is no server
    login = ()  # options of the login
    loses_input = False  # whether what comes with PASS is lost

    @classmethod
    def setUpClass(cls):
        try:
            cls.server = cls.make().__enter__()
            cls.addClassCleanup(cls.server.stop)
        except servers.Unavailable as reason:
            cls.unavailable = str(reason)

    def setUp(self):
        if self.unavailable:
            self.skipTest(self.unavailable)

    def mailbox(self, count=COUNT):
        account = self.server.account()
        account.deliver(mailboxes.mixed(count))
        place = command.Place(account.name, account.password)
        self.addCleanup(place.remove)
        return account, place

    def relay(self):
        relay = Relay(self.server.port)
        self.addCleanup(relay.__exit__)
        return relay

    def wanted(self, account):
        """What the server sends on a bare socket, which has to be what was stored, up to what this server is known to change."""
        with oracle.Oracle(self.server.port) as session:
            session.login(account.name, account.password)
            session.listing("UIDL")
            sent = session.messages()
            session.command("QUIT")
        self.assertEqual([self.stored(message) for message in sent],
                         [self.delivered(message) for message in mailboxes.mixed(len(sent))])
        return sent

    delivered = staticmethod(mailboxes.delivered)

    @staticmethod
    def stored(sent):
        return sent

    def same(self, place, messages):
        self.assertEqual(collections.Counter(place.contents()), collections.Counter(messages))

    # ---- the command ----

    def test_keep_then_nothing_new(self):
        """[F22 R34] Each message, octet for octet, and the mailbox stays; the second run fetches none."""
        account, place = self.mailbox()
        wanted = self.wanted(account)
        self.assertEqual(len(wanted), COUNT)
        relay = self.relay()
        self.assertEqual(place.run(relay.port, "-n", *self.login).count, COUNT)
        self.same(place, wanted)
        first = len(relay.commands)
        self.assertEqual(place.run(relay.port, "-n", *self.login).out, "0 new messages downloaded.\n")
        self.assertFalse([line for line in relay.commands[first:] if line.startswith(("RETR", "TOP", "DELE"))])
        self.same(place, wanted)
        self.assertEqual(oracle.count(self.server.port, account), COUNT)

    def test_delete(self):
        """[R25 I3 I4] -d: everything is here, and the mailbox is empty."""
        account, place = self.mailbox()
        self.assertEqual(place.run(self.server.port, "-d", *self.login).count, COUNT)
        self.assertEqual(sorted(map(self.stored, place.contents())), sorted(map(self.delivered, mailboxes.mixed(COUNT))))
        self.assertEqual(oracle.count(self.server.port, account), 0)
        self.assertEqual(place.run(self.server.port, "-d", *self.login).out, "0 messages downloaded.\n")

    def test_wrong_password(self):
        """[E6] 77, one attempt, nothing stored."""
        account, place = self.mailbox(3)
        place.auth(account.name, "not the password")
        relay = self.relay()
        self.assertEqual(place.run(relay.port, *self.login, code=77).out, "")
        self.assertEqual(place.names(), [])
        self.assertEqual(len([line for line in relay.commands if line.startswith(("PASS", "APOP", "AUTH"))]), 1)

    def test_commands_in_one_segment(self):
        """[R49] Where the server offers PIPELINING, many commands go out in one segment; elsewhere never two."""
        account, place = self.mailbox()
        relay = self.relay()
        self.assertEqual(place.run(relay.port, *self.login).count, COUNT)
        self.same(place, self.wanted(account))
        most = relay.most_in_one_segment()
        if "PIPELINING" in self.after:
            self.assertGreaterEqual(most, MANY)
        else:
            self.assertEqual(most, 1)

    # ---- the server, and the relay's count ----

    def test_many_commands_in_one_segment(self):
        """50 RETR in one segment: each is answered, in this order. The relay counts them; one at a time it counts one."""
        account, _ = self.mailbox(AT_ONCE)
        wanted = self.wanted(account)
        for at_once in (AT_ONCE, 1):
            relay = self.relay()
            with Burst(relay.port) as client:
                client.login(account)
                numbers = list(range(1, AT_ONCE + 1))
                got = []
                while numbers:
                    now, numbers = numbers[:at_once], numbers[at_once:]
                    client.send(*(f"RETR {number}" for number in now))
                    got += [client.reply(True)[1] for _ in now]
                self.assertEqual(got, wanted)
                client.send("QUIT")
                client.reply()
            self.assertEqual(relay.most_in_one_segment(), at_once)

    def test_deletions_in_one_segment(self):
        """STAT, UIDL and LIST in one segment; then RETR and DELE by turns, and QUIT behind them: nothing is lost."""
        account, _ = self.mailbox(AT_ONCE)
        wanted = self.wanted(account)
        with Burst(self.server.port) as client:
            client.login(account)
            client.send("STAT", "UIDL", "LIST")
            self.assertEqual(client.reply()[0].split()[:2], [b"+OK", b"%d" % AT_ONCE])
            for _ in ("UIDL", "LIST"):
                self.assertEqual(client.reply(True)[1].count(b"\r\n"), AT_ONCE)
            client.send(*(f"{verb} {number}" for number in range(1, AT_ONCE + 1) for verb in ("RETR", "DELE")), "QUIT")
            got = []
            for _ in wanted:
                got.append(client.reply(True)[1])
                self.assertTrue(client.reply()[0].startswith(b"+OK"))
            self.assertEqual(got, wanted)
            self.assertTrue(client.reply()[0].startswith(b"+OK"))
        self.assertEqual(oracle.count(self.server.port, account), 0)

    def test_commands_behind_the_login(self):
        """STAT in one segment with PASS. Courier reads it before the login and loses it."""
        account, _ = self.mailbox(3)
        with Burst(self.server.port) as client:
            client.send(f"USER {account.name}", f"PASS {account.password}", "STAT")
            self.assertTrue(all(client.reply()[0].startswith(b"+OK") for _ in ("USER", "PASS")))
            if self.loses_input:
                self.assertTrue(client.hears_nothing(1))
            else:
                self.assertEqual(client.reply()[0].split()[:2], [b"+OK", b"3"])
            client.send("QUIT")
            self.assertTrue(client.reply()[0].startswith(b"+OK"))

    def test_capabilities(self):
        """[R42] What docs/PROTOCOL.md says of this server."""
        account, _ = self.mailbox(3)
        with oracle.Oracle(self.server.port) as session:
            before = self.capabilities(session)
            session.login(account.name, account.password)
            self.assertEqual((before, self.capabilities(session)), (self.before, self.after))

    @staticmethod
    def capabilities(session):
        try:
            return {line for line in session.listing("CAPA") if not line.startswith("IMPLEMENTATION")}
        except oracle.OracleError:
            return set()

    def test_sizes(self):
        """LIST's sizes, asked for after UIDL: too small by the line end that the server adds at the end, and right else."""
        self.assertLessEqual(self.differences("UIDL", "LIST"), {0, 2})

    def differences(self, *listings):
        """By how many octets messages are longer than LIST said, in a first session."""
        account, _ = self.mailbox(20)
        with oracle.Oracle(self.server.port) as session:
            session.login(account.name, account.password)
            lines = {listing: session.listing(listing) for listing in listings}
            lengths = [len(session.message(number)) for number in range(1, 21)]
            session.command("QUIT")
        return {length - int(line.split()[1]) for length, line in zip(lengths, lines["LIST"])}


class OverCourier(OverServer, unittest.TestCase):
    make = servers.Courier
    before = after = {"TOP", "USER", "LOGIN-DELAY 10", "PIPELINING", "UIDL", "UTF8 USER"}
    loses_input = True


class OverCyrus(OverServer, unittest.TestCase):
    make = servers.Cyrus
    after = {"EXPIRE NEVER", "LOGIN-DELAY 0", "TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"}
    before = after | {"SASL PLAIN", "USER"}


class OverMailutils(OverServer, unittest.TestCase):
    make = servers.Mailutils
    before = after = {"TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE", "EXPIRENEVER", "USER"}
    login = ("--auth", "user")  # the greeting offers APOP, also to accounts that have no secret for it

    def test_apop_without_a_secret(self):
        """[E5 E6] The login by APOP, which the greeting offers, is refused; nothing else is tried, and the advice has the option that helps."""
        _, place = self.mailbox(1)
        relay = self.relay()
        self.assertIn("--auth user", place.run(relay.port, code=77).err)
        self.assertEqual([line.split()[0] for line in relay.commands if line.startswith(("APOP", "USER", "PASS", "AUTH"))], ["APOP"])

    def test_sizes_before_uidl(self):
        """LIST before UIDL does not count the header X-UIDL, which UIDL adds: about 57 octets a message."""
        self.assertGreater(min(self.differences("LIST", "UIDL")), 50)

    @staticmethod
    def stored(sent):
        return re.sub(rb"(?m)^X-UIDL: [^\r\n]+\r\n", b"", sent, count=1)


class OverPopa3d(OverServer, unittest.TestCase):
    make = servers.Popa3d
    delivered = staticmethod(servers.Popa3d.delivered)

    def test_one_uid_for_several(self):
        """[R35 F8] A UID is made of Date, Message-ID, Received and Delivered-To: messages without them share one. Each is fetched, and once."""
        account, place = self.mailbox(0)
        account.deliver(b"Subject: %d\n\nNumber %d.\n" % (number, number) for number in range(5))
        self.assertEqual(len({line.split()[2] for line in place.run(self.server.port, "--list").out.splitlines()}), 1)
        self.assertEqual(place.run(self.server.port, "-n").count, 5)
        self.same(place, [b"Subject: %d\r\n\r\nNumber %d.\r\n" % (number, number) for number in range(5)])
        self.assertEqual(place.run(self.server.port, "-n").count, 0)


class OverDovecot(OverServer, unittest.TestCase):
    make = Dovecot
    after = {"CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE"}
    before = after | {"USER", "SASL PLAIN LOGIN"}


if __name__ == "__main__":
    unittest.main()
