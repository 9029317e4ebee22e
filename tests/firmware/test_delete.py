# SPDX-License-Identifier: MIT
"""A board that deletes what it stored, and remembers UIDs. Whether the server deleted is known by its answer to QUIT alone, and the UID of what is
gone may be given to the next message (RFC 1939, 7): in doubt a message comes twice, and none is deleted that was not stored before."""
import images
from case import KB, FirmwareCase, body
from hostile import Close, Step
from test_boards import Once
from wire import Wire


class Arrive(Step):
    """Another message takes the place and the UID of one, for the sessions to come."""

    def __init__(self, place, octets):
        self.place, self.octets = place, octets

    def play(self, connection):
        connection.server.messages[self.place] = self.octets


class Later(Step):
    """What is answered to a command the next time."""

    def __init__(self, command, reply):
        self.command, self.reply = command, reply

    def play(self, connection):
        connection.server.replies[self.command] = self.reply


class Deletion(FirmwareCase):
    """new=1, delete=1, over POP3S; the server's replies are given once."""

    USER, PASSWORD = "harbour-master", "the-tide-table"

    def polls(self, server, status=0, **changes):
        """A run to its end. Returns what was said in each session that logged in, but the login and the listing."""
        self.secrets = [self.USER, self.PASSWORD]
        settings = {"new": 1, "delete": 1, "state": "flash", **changes}
        with self.board(port=server.port, user=self.USER, pass_=self.PASSWORD, **settings) as board:
            self.outcome(board, status, dying=1)
        return [[word for word in session if word.split(" ")[0] in ("RETR", "DELE", "QUIT")] for session in server.sessions]

    def server(self, replies):
        return Once([b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"], replies, user=self.USER, password=self.PASSWORD,
                    context=images.certificate("server").context())

    def test_quit_without_an_answer_and_the_messages_come_again(self):
        with self.server({"QUIT": [Close()]}) as server:
            first, second = self.polls(server, polls=2)
        whole = ["RETR 1", "DELE 1", "RETR 2", "DELE 2", "QUIT"]
        self.assertEqual((first, second), (whole, whole))
        self.assertEqual(sorted(self.files()), ["1-1.eml", "1-2.eml", "2-1.eml", "2-2.eml"])

    def test_a_session_that_ends_before_quit_deleted_nothing_and_what_is_stored_needs_no_fetching(self):
        with self.server({"RETR 2": [b"+OK\r\nSubject: tw", Close()]}) as server:
            first, second = self.polls(server, polls=2)
        self.assertEqual(first, ["RETR 1", "DELE 1", "RETR 2"])
        self.assertEqual(second, ["DELE 1", "RETR 2", "DELE 2", "QUIT"])
        self.assertEqual(sorted(self.files()), ["1-1.eml", "2-2.eml"])

    def test_another_message_with_the_uid_of_one_that_was_stored_is_fetched(self):
        """[G14] A second client deleted it, and the server gave its UID anew. The size tells."""
        with self.server({"RETR 2": [b"+OK\r\nSubject: tw", Arrive(0, b"Subject: anew\r\n\r\nnobody has read this\r\n"), Close()]}) as server:
            first, second = self.polls(server, polls=2)
        self.assertEqual(first, ["RETR 1", "DELE 1", "RETR 2"])
        self.assertEqual(second, ["RETR 1", "DELE 1", "RETR 2", "DELE 2", "QUIT"])

    def test_a_refused_dele_is_tried_again_without_fetching(self):
        with self.server({"DELE 1": b"-ERR read-only\r\n"}) as server:
            first, second = self.polls(server, polls=2)
        self.assertEqual(first, ["RETR 1", "DELE 1", "RETR 2", "DELE 2", "QUIT"])
        self.assertEqual(second[:1], ["DELE 1"])
        self.assertNotIn("RETR 1", second)

    def test_an_empty_body_is_fetched_again_and_not_deleted_before(self):
        """[Q19] LIST gave it octets: the server lost it, or cannot read it today."""
        with self.server({"RETR 1": b"+OK\r\n.\r\n"}) as server:
            first, second = self.polls(server, polls=2)
        self.assertEqual(first, ["RETR 1", "RETR 2", "DELE 2", "QUIT"])
        self.assertEqual(second, ["RETR 1", "DELE 1", "QUIT"])

    def test_an_empty_body_is_not_deleted_where_nothing_is_remembered(self):
        with self.server({"RETR 1": b"+OK\r\n.\r\n"}) as server:
            (first,) = self.polls(server, status=1, polls=1, new=None)
        self.assertEqual(first, ["RETR 1", "RETR 2", "DELE 2", "QUIT"])

    def test_uidl_that_is_refused_for_once_brings_nothing_a_second_time(self):
        """[Q18] The board knows this account by UIDs."""
        with self.server({"UIDL": [Later("UIDL", b"-ERR not now\r\n"), b"+OK\r\n1 one\r\n2 two\r\n.\r\n"]}) as server:
            server.uids = ["one", "two"]
            first, second, third = self.polls(server, polls=3, delete=None)
        self.assertEqual((first, second, third), (["RETR 1", "RETR 2", "QUIT"], ["QUIT"], ["QUIT"]))

    def test_files_of_before_a_reset_stay(self):
        """What was deleted from the server is nowhere else: a poll 1 after the reset stores beside it, and no piece is taken for a message."""
        expected = []
        for number in range(3):
            expected += self.deliver(body(300, number))
            with self.board(delete=1) as board:
                self.outcome(board)
        self.assertEqual(sorted(self.files().values()), sorted(expected))
        self.assertIn("1-1.eml", self.files())

    def test_a_piece_of_a_message_has_not_the_name_of_one(self):
        """The power is cut inside the second of two."""
        expected = self.deliver(body(300, 1), body(40 * KB, 2))
        wire = Wire()
        with self.board(wire) as board:
            wire.after(20 * KB, lambda frame: board.kill())
            board.wait_for_end()
        whole = [octets for name, octets in self.files().items() if name.endswith(".eml")]
        self.assertEqual(whole, expected[:1])

    def test_names_too_long_and_nothing_is_deleted(self):
        """Of a path that does not fit no beginning is taken, which many messages would share."""
        out = "o" * 155
        (self.folder / out).mkdir()
        self.deliver(body(300, 1), body(300, 2))
        with self.board(delete=1, out=out) as board:
            outcome = self.outcome(board, status=1)
        self.assertEqual(outcome.errors, ["POPCL_ERR_SINK"], outcome)
        self.assertEqual(list(self.folder.glob("o*.eml")) + list((self.folder / out).iterdir()), [])
        self.assertEqual(len(self.account), 2)

    def test_what_could_not_be_printed_is_not_deleted(self):
        """A console that takes nothing, where messages go without `out`."""
        self.deliver(body(300, 1))
        board = self.board(delete=1, out=None)
        with open("/dev/full", "wb") as board.console, board:
            outcome = board.finish()
        self.assertEqual((outcome.status, len(self.account)), (1, 1), outcome)

    def test_after_a_reset_nothing_is_deleted_unread(self):
        """The board that comes up does not know how the session before it ended."""
        with self.server({"RETR 2": [b"+OK\r\nSubject: tw", Close()]}) as server:
            self.polls(server, status=1, polls=1)
            _, second, third = self.polls(server, polls=2)
        self.assertEqual(second, ["RETR 1", "DELE 1", "QUIT"])  # the one that broke the session comes last, and is number 1 then
        self.assertEqual(third, ["RETR 1", "DELE 1", "QUIT"])
