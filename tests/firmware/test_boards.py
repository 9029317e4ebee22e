# SPDX-License-Identifier: MIT
"""Every board, what it does well and what it does when something is wrong: the error has a name on the console, the next poll comes later and
goes on as if nothing had been, and nothing is left behind (case.py judges that after each run)."""
import socket
import time
import unittest

import images
from case import KB, HURRY, PATIENT_MS, PAUSES, FirmwareCase, body
from hostile import Close, Hang, Hostile
from relay import Relay
from wire import NO_SUCH_NAME, SERVER_FAILURE, Wire, as_reset

BOARDS = ("raw", "sockets", "m0", "an385")
YEARS = 365 * 86400


class Once(Hostile):
    """Its replies are given to the first who asks; the next gets what a good server says."""

    def __init__(self, messages, replies, **options):
        super().__init__(messages, **options)
        self.replies = OnceEach(replies)


class OnceEach(dict):
    """What is looked up is gone."""

    def get(self, key, otherwise=None):
        return self.pop(key, otherwise)


class Good:
    """Mail arrives."""

    def test_pop3s_with_dhcp_and_dns_every_octet(self):
        expected = self.deliver(body(1), body(100 * KB), body(KB * KB))
        wire = Wire(names={images.NAME: [Wire.HOST]})
        with self.board(wire, host=images.NAME, ip=None, gw=None, dns=None) as board:
            outcome = self.outcome(board)
        self.assertIn(f"address {Wire.BOARD}", outcome.lines)
        self.assertEqual(outcome.errors, [None], outcome)
        self.assertEqual((outcome.polls[0].messages, outcome.polls[0].octets), (3, sum(map(len, expected))), outcome)
        self.assertEqual([len(octets) for octets in self.stored()], [len(octets) for octets in expected])
        self.assertEqual(self.stored(), expected)

    def test_stls(self):
        expected = self.deliver(body(5 * KB, 1), body(700, 2))
        with self.board(security="stls", port=self.dovecot.port) as board:
            outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [None], outcome)
        self.assertEqual(self.stored(), expected)

    def test_empty_mailbox_again_and_again(self):
        with self.board(polls=3, every=20) as board:
            outcome = self.outcome(board)
        self.assertEqual([(poll.error, poll.messages) for poll in outcome.polls], [(None, 0)] * 3, outcome)


class Refused:
    """The board does not trust, or is not trusted: nothing was sent that the server could use, and the exit status says it."""

    def assert_refused(self, error, login=False, **changes):
        self.deliver(body(700))
        with self.board(**changes) as board:
            outcome = self.outcome(board, status=1)
        self.assertEqual(outcome.errors, [error], outcome)
        self.assertEqual(self.files(), {})
        self.assertEqual(f"user=<{self.account.name}>" in self.dovecot.log(), login)
        return outcome

    def test_wrong_name(self):
        self.assert_refused("POPCL_ERR_CERT_NAME", name="other.example")

    def test_expired_by_the_clock(self):
        self.assert_refused("POPCL_ERR_CERT_EXPIRED", utc=int(time.time()) + 3 * YEARS)

    def test_clock_unset(self):
        self.assert_refused("POPCL_ERR_CLOCK_UNKNOWN", utc="unknown")

    def test_clock_at_the_epoch(self):
        self.assert_refused("POPCL_ERR_CLOCK_NOT_SET", utc=0)

    def test_wrong_password(self):
        self.secrets.append("not the password")
        self.assert_refused("POPCL_ERR_AUTH", login=True, pass_="not-the-password")

    def test_a_word_that_it_does_not_know(self):
        """Its name is said, and not its value: it may be a password with another name."""
        with self.board(passs=self.account.password) as board:
            outcome = board.finish()
        self.assertEqual((outcome.status, outcome.lines[-1]), (2, "settings: passs"), outcome)

    def test_a_value_that_it_does_not_take(self):
        """Nothing else is done in its place: 5s is not 5 ms, ssl not clear text, and an image without resumption does not keep silent about it."""
        for word, value in (("security", "ssl"), ("every", "5s"), ("polls", ""), ("port", 65536), ("new", "yes"), ("delete", 2), ("idle", 10**9),
                            ("ip", "10.0.2"), ("ip", "10.0.2.300/24"), ("ip", "10.0.2.15/33"), ("ip", "10.0.2.15/24/"), ("gw", "router")):
            with self.subTest(f"{word}={value}"), self.board(**{word: value}) as board:
                outcome = board.finish()
                self.assertEqual((outcome.status, outcome.lines[-1]), (2, f"settings: {word}"), outcome)
        with self.board(resume=1) as board:
            outcome = board.finish()
        self.assertEqual((outcome.status, outcome.lines[-1]), (2, "settings: resume, for which this image is not built (RESUME=1)"), outcome)

    def test_no_entropy(self):
        self.assert_refused("POPCL_ERR_SEED", seed="none")

    def test_no_entropy_when_it_connects_again(self):
        """[J8]"""
        expected = self.deliver(body(700))
        with self.board(seed="once", polls=2) as board:
            outcome = self.outcome(board, status=1)
        self.assertEqual(outcome.errors, [None, "POPCL_ERR_SEED"], outcome)
        self.assertEqual(self.stored(poll=1), expected)
        self.assertEqual(board.wire.counts["connections"], 1)


class Troubled:
    """The first poll fails, the next one succeeds."""

    def assert_recovers(self, board, errors, expected):
        outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [*errors, None], outcome)
        self.assertTrue(all(poll.next_ms for poll in outcome.polls[:-1]), outcome)
        self.assertEqual(self.stored(poll=len(errors) + 1), expected)
        return outcome

    def hostile(self, replies, messages):
        self.secrets += ["harbour-master", "the-tide-table"]
        return Once(messages, replies, user="harbour-master", password="the-tide-table",
                    context=images.certificate("server").context())

    def hostile_board(self, server, **changes):
        return self.board(**{"port": server.port, "user": "harbour-master", "pass_": "the-tide-table", "polls": 2, **changes})

    def assert_arrives_last(self, board, error, expected):
        """The session broke in the last message: the others come again, as this board remembers none, and then that one by itself."""
        outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [error, None, None], outcome)
        self.assertEqual((self.stored(poll=2), self.stored(poll=3)), (expected[:-1], expected[-1:]))

    def test_closed_port(self):
        expected = self.deliver(body(700))
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))  # nobody listens, and nobody else takes it
            with self.board(port=place.getsockname()[1], polls=2) as board:
                board.wait_for("poll 1: failed, POPCL_ERR_CONNECT")
                place.listen()
                with Relay(self.dovecot.tls_port, listener=place):
                    self.assert_recovers(board, ["POPCL_ERR_CONNECT"], expected)

    def test_server_that_stalls_in_the_handshake(self):
        messages = [body(700, 1), body(5 * KB, 2)]
        with self.hostile({"greeting": [Hang()]}, messages) as server, self.hostile_board(server, idle=PATIENT_MS) as board:
            self.assert_recovers(board, ["POPCL_ERR_TIMEOUT_GREETING"], messages)

    def test_server_that_stalls_inside_a_message(self):
        messages = [body(700, 1), body(5 * KB, 2)]
        half = [b"+OK\r\nSubject: half\r\n", Hang()]
        with self.hostile({"RETR 2": half}, messages) as server, self.hostile_board(server, idle=PATIENT_MS, polls=3) as board:
            self.assert_arrives_last(board, "POPCL_ERR_TIMEOUT_MESSAGE", messages)

    def test_connection_reset_inside_a_message(self):
        """Nothing that came of a message stands as a whole one."""
        expected = self.deliver(body(700, 1), body(50 * KB, 2))
        wire = Wire()
        wire.after(20_000, as_reset)
        with self.board(wire, polls=3) as board:
            self.assert_arrives_last(board, "POPCL_ERR_NET", expected)
        self.assertEqual(self.stored(poll=1), expected[:1])

    def test_connection_closed_inside_a_message(self):
        messages = [body(700, 1), body(50 * KB, 2)]
        half = [b"+OK\r\n" + messages[1][:20000], Close()]
        with self.hostile({"RETR 2": half}, messages) as server, self.hostile_board(server, polls=3) as board:
            self.assert_arrives_last(board, "POPCL_ERR_CLOSED_MESSAGE", messages)
        self.assertEqual(self.stored(poll=1), messages[:1])

    def test_sink_that_pauses_10000_times(self):
        """Each pause is ten milliseconds of the board's clock, which hurries. So a server may seem slow to it, and is asked again."""
        expected = self.deliver(body(20 * KB, 1), body(100 * KB, 2))
        with self.board(pause=PAUSES, polls=3, every=1, idle=999_999_999, hurry=HURRY) as board:
            outcome = self.outcome(board)
        self.assertLessEqual(set(outcome.errors), {None, "POPCL_ERR_TIMEOUT_QUIT"}, outcome)
        for poll in (1, 2, 3):
            self.assertEqual(self.stored(poll), expected)

    def test_dhcp_late(self):
        expected = self.deliver(body(700))
        wire = Wire(dhcp_deaf=2)
        with self.board(wire, ip=None, gw=None, dns=None) as board:
            outcome = self.outcome(board)
        self.assertGreaterEqual(wire.counts["dhcp"], 4)
        self.assertEqual(outcome.errors[-1], None, outcome)
        self.assertEqual(self.stored(poll=len(outcome.polls)), expected)

    def test_dns_fails_comes_late_and_answers_twice(self):
        expected = self.deliver(body(700))
        wire = Wire(names={images.NAME: [NO_SUCH_NAME, SERVER_FAILURE, (0.7, [Wire.HOST, Wire.HOST])]})
        with self.board(wire, host=images.NAME, polls=3, every=50) as board:
            self.assert_recovers(board, ["POPCL_ERR_RESOLVE", "POPCL_ERR_RESOLVE"], expected)


class Hanging:
    """A program that does not feed the watchdog."""

    def test_is_reset_and_says_where_it_was(self):
        """A millisecond of the board's clock is a thousand instructions here, so that a minute is soon over."""
        with self.board(hang=2, polls=3, every=1, port=1, qemu=("-icount", "shift=10")) as board:
            board.wait_for("poll 1: failed, POPCL_ERR_CONNECT", times=2)
            board.kill()
            self.assertRegex(board.said, r"poll 1: [^\n]*\nwatchdog at [0-9a-f]{8}, called from [0-9a-f]{8}\npopcl on ")
            self.assertNotIn("poll 2", board.said)


class Ipv6(FirmwareCase):
    """An image with IPV6=1."""

    image_name = "ipv6"

    def test_an_address_from_the_router_and_mail_over_it(self):
        """Nobody gives an IPv4 address here."""
        expected = self.deliver(body(700, 1), body(50 * KB, 2))
        with self.board(Wire(dhcp_deaf=1000), host=Wire.HOST6, ip=None, gw=None, dns=None, polls=2, every=50) as board:
            outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [None, None], outcome)
        self.assertEqual((self.stored(poll=1), self.stored(poll=2)), (expected, expected))

    def test_a_name_with_addresses_of_both_kinds(self):
        """Before the router gave an address only one of them can be reached."""
        expected = self.deliver(body(700))
        for answers in ([Wire.HOST], [Wire.HOST6, Wire.HOST]):
            for file in self.files():  # no board writes over what is there
                (self.folder / "out" / file).unlink()
            with self.subTest(answers), self.board(Wire(names={images.NAME: answers}), host=images.NAME, polls=2, every=3000) as board:
                outcome = self.outcome(board)
            self.assertEqual((outcome.errors, self.stored(poll=2)), ([None, None], expected), outcome)


def _classes():
    """Each group on each board, as classes of their own, so that they run side by side."""
    for name in BOARDS:
        for group in (Good, Refused, Troubled, Hanging):
            title = f"{group.__name__}_{name}"
            yield title, type(title, (group, FirmwareCase), {"image_name": name, "__module__": __name__, "__doc__": group.__doc__})
    for name in ("an505", "sockets-m0", "sockets-an505"):
        title = f"Good_{name.replace('-', '_')}"
        yield title, type(title, (Good, FirmwareCase), {"image_name": name, "__module__": __name__, "__doc__": Good.__doc__})


globals().update(_classes())

if __name__ == "__main__":
    unittest.main()
