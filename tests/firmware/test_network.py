# SPDX-License-Identifier: MIT
"""A network in trouble: frames lost and overtaken, floods that use up the buffers, an interface that goes down in the middle. Mail arrives octet
by octet, or the poll fails with a name and the next one brings it; no buffer and no pcb is lost on the way."""
import threading

import images
from case import KB, HURRY, PATIENT_MS, FirmwareCase, body
from wire import BROADCAST, Wire, udp_frame

JUNK = [udp_frame(BROADCAST, (Wire.HOST, 4000 + n), ("255.255.255.255", 9), bytes([n]) * 1400) for n in range(40)]


class Network:
    """On one board by each port."""

    def test_frames_lost_and_overtaken(self):
        expected = self.deliver(body(1, 1), body(60 * KB, 2))
        wire = Wire(lose=0.05, swap=0.05, seed=7)
        with self.board(wire) as board:
            outcome = self.outcome(board, dying=1)  # the last word may be lost
        self.assertGreater(wire.counts["lost"], 2)
        self.assertGreater(wire.counts["swapped"], 2)
        self.assertEqual(self.stored(poll=outcome.polls[-1].number), expected)

    def test_no_buffer_for_a_while(self):
        """[A27] Two bursts inside the session find the pool empty. They are dropped and sent again, and the buffers are all back at the end."""
        expected = self.deliver(body(50 * KB, 1))
        with self.board(starve=2) as board:
            outcome = self.outcome(board)
        self.assert_starved(outcome, 2)
        self.assertEqual((outcome.errors, self.stored()), ([None], expected), outcome)

    def test_no_buffer_for_too_long(self):
        """[A27] The poll fails with a name, and a later one brings the mail."""
        expected = self.deliver(body(50 * KB, 1))
        with self.board(starve=4, polls=3, idle=PATIENT_MS) as board:
            outcome = self.outcome(board, dying=1)
        self.assertRegex(outcome.errors[0], "POPCL_ERR_TIMEOUT_")
        self.assert_starved(outcome, 4)
        self.assertEqual((outcome.errors[-1], self.stored(poll=3)), (None, expected), outcome)

    def assert_starved(self, outcome, bursts):
        most, size, now = outcome.end["pbufs"]
        self.assertEqual((most, now), (size, 0), outcome)
        self.assertGreaterEqual(outcome.end["dropped"][0], bursts, outcome)

    def test_flood_of_frames_for_all(self):
        expected = self.deliver(body(200 * KB, 1))
        wire, over = Wire(), threading.Event()

        def flood():
            while not over.wait(0.02):
                wire.inject(JUNK)
        with self.board(wire, polls=2, every=50) as board:
            thread = threading.Thread(target=flood)
            thread.start()
            try:
                board.wait_for("poll 1:")
            finally:
                over.set()
                thread.join()
            outcome = self.outcome(board)
        self.assertEqual(self.stored(poll=2), expected, outcome)

    def test_cable_out_for_a_while(self):
        """Shorter than the idle limit: TCP sends again."""
        expected = self.deliver(body(200 * KB, 1))
        wire = Wire()
        wire.after(50_000, lambda _: self.pull(wire, seconds=1))
        with self.board(wire) as board:
            outcome = self.outcome(board)
        self.assertEqual((outcome.errors, self.stored()), ([None], expected), outcome)

    def test_cable_out_for_too_long(self):
        expected = self.deliver(body(200 * KB, 1))
        wire = Wire()
        wire.after(50_000, lambda _: self.pull(wire))
        with self.board(wire, polls=2, idle=PATIENT_MS) as board:
            board.wait_for("poll 1: failed")
            wire.down = False
            outcome = self.outcome(board, dying=1)  # the old connection's end is still to be sent again, later and later
        self.assertEqual(outcome.errors, ["POPCL_ERR_TIMEOUT_MESSAGE", None], outcome)
        self.assertEqual(self.stored(poll=2), expected, outcome)

    @staticmethod
    def pull(wire, seconds=None):
        wire.down = True
        if seconds:
            threading.Timer(seconds, lambda: setattr(wire, "down", False)).start()

    def test_interface_down_in_the_middle(self):
        """[A26] DHCP takes the address back while a message comes, and lwIP breaks off what was connected from it. The sink is slow enough for
        a minute or two to pass, on a clock that hurries."""
        expected = self.deliver(body(120 * KB, 1))
        wire = Wire(lease_s=120)

        def take_back(frame):
            wire.refusals = 1
            return frame
        wire.after(10_000, take_back)
        with self.board(wire, ip=None, gw=None, dns=None, polls=2, pause=15_000, every=1, idle=999_999_999, hurry=HURRY) as board:
            outcome = self.outcome(board, dying=1)
        self.assertEqual(wire.refusals, 0)
        self.assertEqual(outcome.errors, ["POPCL_ERR_NET", None], outcome)
        self.assertEqual((self.stored(poll=1), self.stored(poll=2)), ([], expected))

class Network_raw(Network, FirmwareCase):
    """The main loop."""
    image_name = "raw"


class Network_sockets(Network, FirmwareCase):
    """The task."""
    image_name = "sockets"


class Backoff(FirmwareCase):
    """What a board does where nothing ever answers."""

    def test_grows_and_has_jitter(self):
        waits = []
        for _ in range(2):
            wire = Wire(names={images.NAME: [Wire.HOST]})
            with self.board(wire, port=1, polls=6, every=40) as board:
                outcome = self.outcome(board, status=1)
            self.assertEqual(outcome.errors, ["POPCL_ERR_CONNECT"] * 6, outcome)
            waits.append([poll.next_ms for poll in outcome.polls[:-1]])
        for run in waits:
            self.assertGreater(run[-1], 4 * run[0], "it does not grow")
        self.assertNotEqual(*waits, "two boards ask in step")
