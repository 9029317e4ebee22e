"""A board that deletes what it stored, and remembers UIDs. Whether the server deleted is known by its answer to QUIT alone, and the UID of what is
gone may be given to the next message (RFC 1939, 7): in doubt a message comes twice, and none is deleted that was not stored before."""
import images
from case import FirmwareCase
from hostile import Close
from test_boards import Once


class Deletion(FirmwareCase):
    """new=1, delete=1, over POP3S; the server's replies are given once."""

    USER, PASSWORD = "harbour-master", "the-tide-table"

    def polls(self, server, status=0, **changes):
        """A run to its end. Returns what was said in each session that logged in, but the login and the listing."""
        self.secrets = [self.USER, self.PASSWORD]
        with self.board(port=server.port, user=self.USER, pass_=self.PASSWORD, new=1, delete=1, state="flash", **changes) as board:
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

    def test_a_refused_dele_is_tried_again_without_fetching(self):
        with self.server({"DELE 1": b"-ERR read-only\r\n"}) as server:
            first, second = self.polls(server, polls=2)
        self.assertEqual(first, ["RETR 1", "DELE 1", "RETR 2", "DELE 2", "QUIT"])
        self.assertEqual(second[:1], ["DELE 1"])
        self.assertNotIn("RETR 1", second)

    def test_after_a_reset_nothing_is_deleted_unread(self):
        """The board that comes up does not know how the session before it ended."""
        with self.server({"RETR 2": [b"+OK\r\nSubject: tw", Close()]}) as server:
            self.polls(server, status=1, polls=1)
            _, second = self.polls(server, polls=1)
        self.assertEqual(second, ["RETR 1", "DELE 1", "RETR 2", "DELE 2", "QUIT"])
