# SPDX-License-Identifier: MIT
"""Rows of tests that ask for TLS, against the hostile server: what test_hostile.Case is for sessions in clear. What must hold in every one of
them, whatever the server does, is checked here: nothing secret in clear, nothing sent twice, no second try without TLS. [I1 C13 R64]"""
import command
import pki
from hostile import HANDSHAKE, Hostile, records
from test_hostile import Case

USER, PASSWORD = "harbour-master", "the tide table"  # long enough not to occur in ciphertext by chance
ALLOWED_IN_CLEAR = {"CAPA", "STLS", "QUIT"}


def root():
    return pki.shared().root()


def right_server():
    """A certificate that is in order."""
    return root().issue("a server", san=pki.LOCAL)


def contents_of(wire):
    """The wire behind STLS, if there was one."""
    return wire.partition(b"STLS\r\n")[2] if wire.startswith((b"CAPA", b"STLS")) else wire


def assert_no_secret(test, server, result, user=USER, password=PASSWORD):
    """No user name and no password in clear, no login outside TLS, and no more connections than a run may make."""
    for secret in (user.encode(), password.encode()):
        test.assertNotIn(secret, server.wire, f"in clear on the wire\n{result}")
    test.assertLessEqual(set(server.commands_in_clear), ALLOWED_IN_CLEAR, result)
    test.assertLessEqual(len(server.sessions), 3, f"too many connections\n{result}")
    if not any(command.startswith(("RETR", "TOP")) for command in server.commands):
        test.assertLessEqual(len(server.sessions), 1, f"a second connection\n{result}")
    test.assertNotIn(password, result.out + result.err, result)  # [C21]
    if not server.handshakes:
        test.assertFalse(set(server.verbs()) - ALLOWED_IN_CLEAR, result)
        test.assertNotIn(user.encode(), server.received, result)


class TlsCase(Case):
    """A row. `clear`: the server's replies before STLS (None: POP3S). `replies`: those in TLS. `code`: one exit code, or several that are
    right. `context`: makes the server's side of TLS. `hello`: whether the client is to begin a handshake (None: either). `ca`: makes the
    authority for -c. `host`: what the command calls the server."""

    def __init__(self, name, ids, clear, code, *options, replies=None, context=lambda: right_server().context(), hello=True, ca=root,
                 host="localhost", **more):
        super().__init__(name, ids, replies or {}, code, *options, **more)
        self.clear, self.context, self.hello, self.ca, self.host = clear, context, hello, ca, host

    def run(self, test):
        place = command.Place(USER, PASSWORD)
        test.addCleanup(place.remove)
        with Hostile(replies=self.replies, clear=self.clear, out=place.out, context=self.context(), user=USER, password=PASSWORD,
                     **self.server) as server:
            every = list(server.messages)
            result = place.run(server.port, "-T" if self.clear is None else "-S", "-c", str(self.ca().file), *self.options, server=self.host,
                               code=self.code)
            self.judge(test, place, server, every, result)
            assert_no_secret(test, server, result)
            if self.hello is not None:
                began = records(contents_of(server.wire))[:1] == [HANDSHAKE]
                test.assertEqual(began, self.hello, f"whether a handshake began: {server.wire[:80]!r}\n{result}")
