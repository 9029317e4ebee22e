# SPDX-License-Identifier: MIT
"""What a board does so that one thing that is wrong does not keep mail from arriving, and so that it harms nobody: a message that always breaks
its session comes last and alone [Q17]; a login that is refused is not tried like a network that fails; a cable that was pulled and is put back
makes DHCP ask; time goes on after 49 days."""
import json
import socket
import time

import images
from board import poll_of
from case import KB, PATIENT_MS, FirmwareCase, body
from hostile import Close, Hang, Hostile, Reset
from wire import Wire

POISON = b"Subject: poison\r\n\r\nThis one never arrives.\r\n"
HOUR_MS = 3_600_000
WRAP_S = (1 << 32) // 1000  # after so many seconds a counter of milliseconds begins anew
BREAKS = {
    "in the middle": [b"+OK\r\nSubject: poi", Close()],
    "at once": [Reset()],
    "at its end, without the dot": [b"+OK\r\n" + POISON, Hang()],
    "with a reply that is none": b"OK\r\n",
}


class OfMessages(dict):
    """Replies to RETR by what is in the message, whatever its number is."""

    def __init__(self, server, breaks):
        super().__init__()
        self.server, self.breaks = server, breaks

    def get(self, key, otherwise=None):
        verb, _, number = key.partition(" ")
        if verb == "RETR" and number and self.server.messages[int(number) - 1] == POISON:
            return self.breaks
        return super().get(key, otherwise)


class PoisonServer(Hostile):
    USER, PASSWORD = "harbour-master", "the-tide-table"

    def __init__(self, messages, breaks):
        super().__init__(messages, user=self.USER, password=self.PASSWORD, context=images.certificate("server").context())
        self.replies = OfMessages(self, breaks)

    def asked(self):
        """By session: what was asked for, deleted and whether it ended in order."""
        return [[word for word in session if word.split(" ")[0] in ("RETR", "DELE", "QUIT")] for session in self.sessions]


class PoisonMessage:
    def polls(self, server, polls, status, **changes):
        self.secrets = [server.USER, server.PASSWORD]
        settings = {"port": server.port, "user": server.USER, "pass_": server.PASSWORD, "idle": PATIENT_MS, "every": 50, "state": "flash", **changes}
        with self.board(polls=polls, **settings) as board:
            return self.outcome(board, status, dying=1)

    @staticmethod
    def mail(poison_at, number):
        return [POISON if n == poison_at else body(300 + n, n) for n in range(1, number + 1)]

    def test_comes_last_and_alone_however_it_breaks(self):
        for how, breaks in BREAKS.items():
            with self.subTest(how), PoisonServer(self.mail(poison_at=2, number=4), breaks) as server:
                outcome = self.polls(server, polls=4, status=1, new=1, delete=1, state=None, out=None)
                self.assertEqual(server.asked(), [["RETR 1", "DELE 1", "RETR 2"],
                                                  ["DELE 1", "RETR 3", "DELE 3", "RETR 4", "DELE 4", "QUIT"],
                                                  ["RETR 1"], ["RETR 1"]], outcome)
                self.assertEqual(server.messages, [POISON])

    def test_all_others_are_stored(self):
        mail = self.mail(poison_at=1, number=12)
        with PoisonServer(mail, BREAKS["in the middle"]) as server:
            outcome = self.polls(server, polls=3, status=1, new=1, delete=1)
        self.assertEqual(sorted(self.files().values()), sorted(mail[1:]), outcome)
        self.assertEqual([error is None for error in outcome.errors], [False, True, False], outcome)


class PoisonMessage_raw(PoisonMessage, FirmwareCase):
    """The main loop."""
    image_name = "raw"

    def test_a_reset_does_not_forget_it_and_new_mail_comes_first(self):
        with PoisonServer(self.mail(poison_at=1, number=2), BREAKS["in the middle"]) as server:
            self.polls(server, polls=1, status=1, new=1)
            self.polls(server, polls=1, status=0, new=1)
            server.messages.append(body(400, 3))
            server.uids.append("uid3")
            self.polls(server, polls=1, status=0, new=1)
            self.polls(server, polls=1, status=1, new=1)
            self.assertEqual(server.asked(), [["RETR 1"], ["RETR 2", "QUIT"], ["RETR 3", "QUIT"], ["RETR 1"]])

    def test_a_board_that_remembers_nothing_fetches_the_others_in_between(self):
        with PoisonServer(self.mail(poison_at=1, number=3), BREAKS["in the middle"]) as server:
            self.polls(server, polls=5, status=1, state=None)
            others = ["RETR 2", "RETR 3", "QUIT"]
            self.assertEqual(server.asked(), [["RETR 1"], others, ["RETR 1"], others, ["RETR 1"]])

    def test_quit_without_an_answer_keeps_none_out(self):
        """The others come again, as nobody knows whether they were deleted; the last one has its turn in between."""
        with PoisonServer(self.mail(poison_at=1, number=2), BREAKS["in the middle"]) as server:
            server.replies["QUIT"] = [Close()]
            self.polls(server, polls=4, status=1, new=1, delete=1)
            other = ["RETR 2", "DELE 2", "QUIT"]
            self.assertEqual(server.asked()[:3], [["RETR 1"], other, ["RETR 1"]])

    def test_one_that_broke_by_chance_arrives(self):
        mail = self.mail(poison_at=1, number=3)
        with PoisonServer(mail, BREAKS["in the middle"]) as server:
            self.polls(server, polls=2, status=0, new=1, delete=1)
            server.replies.breaks = None  # from here on the server gives it
            self.polls(server, polls=1, status=0, new=1, delete=1)
            self.assertEqual(server.messages, [])
        self.assertEqual(sorted(self.files().values()), sorted(mail))

    def test_new_mail_does_not_wait_longer_for_it(self):
        """A poll that failed in nothing but a last message makes no pause longer."""
        with PoisonServer([POISON], BREAKS["in the middle"]) as server:
            outcome = self.polls(server, polls=8, status=1, new=1)
        self.assertEqual(len(outcome.errors), 8)
        self.assertLessEqual(max(poll.next_ms for poll in outcome.polls), 50 * 9 // 8, outcome)


class PoisonMessage_sockets(PoisonMessage, FirmwareCase):
    """The task."""
    image_name = "sockets"


class Login(FirmwareCase):
    """What waiting does not mend is not tried again soon."""

    def test_a_refused_login_waits_an_hour(self):
        self.secrets.append("not-the-password")
        with self.board(pass_="not-the-password", polls=0, every=40) as board:
            poll = poll_of(board.wait_for("poll 1: failed, POPCL_ERR_AUTH"))
            self.assertGreaterEqual(poll.next_ms, HOUR_MS * 7 // 8)
            time.sleep(1)  # some twenty pauses of a network that fails
            board.kill()
        self.assertNotIn("poll 2", board.said)

    def test_a_network_that_failed_before_does_not_make_it_longer(self):
        """And the other way round: of either kind the first pause is the first."""
        names = {images.NAME: [[], [], [Wire.HOST]]}
        self.secrets.append("not-the-password")
        with self.board(Wire(names=names), host=images.NAME, pass_="not-the-password", polls=0, every=40) as board:
            poll = poll_of(board.wait_for("poll 3: failed, POPCL_ERR_AUTH"))
            board.kill()
        self.assertLessEqual(poll.next_ms, HOUR_MS * 9 // 8)


class Uptime(FirmwareCase):
    def test_time_goes_on_after_49_days(self):
        """The board believes that it has been up for almost so long, and goes past it. The certificate would then be 49 days too new."""
        expected = self.deliver(body(700))
        up = WRAP_S - 6
        with self.board(up=up, utc=int(time.time()) - up, polls=4, every=3000) as board:  # three pauses are 7.8 s or more
            outcome = self.outcome(board)
        self.assertEqual((outcome.errors, self.stored(poll=4)), ([None] * 4, expected), outcome)


class Cable:
    """With a controller that sees the cable."""

    def link(self, on):
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "qmp"))
            lines = monitor.makefile("rw")
            for command in ({"execute": "qmp_capabilities"}, {"execute": "set_link", "arguments": {"name": "n0", "up": on}}):
                lines.write(json.dumps(command) + "\n")
                lines.flush()
                while "return" not in (said := json.loads(lines.readline())):
                    self.assertNotIn("error", said)

    def dhcp_board(self, wire, **changes):
        return self.board(wire, ip=None, gw=None, dns=None, qemu=("-qmp", "unix:qmp,server=on,wait=off"), **changes)

    def test_put_back_and_dhcp_asks(self):
        wire = Wire()
        with self.dhcp_board(wire, polls=0, every=100) as board:
            board.wait_for("poll 1: ok")
            for time_ in (1, 2):
                self.link(False)
                board.wait_for("link down", times=time_)
                before, polls = wire.counts["dhcp"], len([line for line in board.lines if line.startswith("poll ")])
                wire.refusals = time_ - 1  # in the second network the old address is not good
                self.link(True)
                board.wait_for("link up", times=time_)
                while not board.wait_for(f"poll {(polls := polls + 1)}:").startswith(f"poll {polls}: ok"):
                    pass
                self.assertGreater(wire.counts["dhcp"], before)
                self.assertEqual(wire.refusals, 0)
            board.kill()

    def test_out_at_the_start(self):
        """No poll fails for it: the board waits."""
        wire = Wire()
        with self.dhcp_board(wire, polls=1, every=100) as board:
            board.wait_for("popcl on ")
            self.link(False)
            board.wait_for("link down")
            time.sleep(0.5)
            self.assertNotIn("failed", board.said)
            self.link(True)
            outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [None], outcome)


class Cable_an385(Cable, FirmwareCase):
    """The main loop."""
    image_name = "an385"


class Cable_sockets(Cable, FirmwareCase):
    """The task."""
    image_name = "sockets-an505"


class CableUnseen(FirmwareCase):
    def test_a_server_that_cannot_be_reached_makes_dhcp_ask(self):
        """A controller without a PHY that tells: the cable may have been pulled, and be in another network now."""
        expected = self.deliver(body(2 * KB))
        wire = Wire(names={images.NAME: [[], [Wire.HOST]]})
        with self.board(wire, host=images.NAME, ip=None, gw=None, dns=None, polls=2, every=300) as board:
            outcome = self.outcome(board)
        self.assertEqual((outcome.errors, self.stored(poll=2)), (["POPCL_ERR_RESOLVE", None], expected), outcome)
        self.assertGreaterEqual(wire.counts["dhcp"], 3)  # DISCOVER, REQUEST, and REQUEST once more
