# SPDX-License-Identifier: MIT
"""A board that sends commands in flights, with servers that offer PIPELINING: fewer round trips, and no mail lost where a server loses a command
or answers twice, where the power is cut inside, and without a write of the flash more. [R49]"""
import pathlib
import shutil
import threading

import images
from case import PATIENT_MS, FirmwareCase
from hostile import CAPABILITIES, Close, Step
from test_ahead import Ahead, AheadConnection, Fault, alike

SHIFTED, BROKEN = 64, 4  # sessions that send one command at a time: ahead.h
SAVE_EVERY = 16  # messages from one write of the state to the next: app.c
COUNT = 9
# Each with the number of commands that the server still hears before it closes; None: it falls silent.
FAULTS = [("lost", "UIDL", 1, 0), ("lost", "RETR 1", 1, 2), ("lost", "RETR 4", 1, 3), ("lost", "RETR 9", 1, None), ("lost", "LIST", 1, 4),
          ("lost", "STAT", 2, 1), ("twice", "RETR 4", 1, None), ("twice", "STAT", 1, None), ("burst", "RETR 3", 1, 0), ("rest", "RETR 5", 1, 1)]
DELETION_FAULTS = [("lost", "DELE 2", 1, None), ("lost", "DELE 9", 1, 0), ("twice", "DELE 3", 1, None), ("lost", "RETR 6", 1, 5)]


class Place:
    """What the boards of a test stored, for Ahead's judgement of a deletion."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def contents(self):
        return [path.read_bytes() for path in self.folder.glob("**/*.eml")]


class CloseAhead(Step):
    """Closes the connection if the client sends ahead, and else answers UIDL."""

    def play(self, connection):
        if not connection.server.ahead(connection.session):
            connection.send(b"+OK\r\n.\r\n")
        return connection.server.ahead(connection.session)


class Counted(AheadConnection):
    """Counts what of the client's comes at once, and calls the server's `at` with each command."""

    def receive(self):
        data = super().receive()
        self.server.flights[self.session] += bool(data)
        return data

    def _line(self):
        line = super()._line()
        if line is not None and self.server.at:
            self.server.at(self.session, line)
        return line


class Server(Ahead):
    USER, PASSWORD = "harbour-master", "the-tide-table"

    def __init__(self, messages, fault=None, at=None, clear=False, **more):
        self.flights, self.at = [], at
        context = None if clear else images.certificate("server").context()
        super().__init__(fault, messages=messages, user=self.USER, password=self.PASSWORD, context=context, **more)

    def connection(self, client, commands):
        super().connection(client, commands)
        self.flights.append(0)
        return Counted(self, client, commands, len(self.flights) - 1)


class FlightsCase(FirmwareCase):
    def setUp(self):
        super().setUp()
        self.secrets = [Server.USER, Server.PASSWORD]
        self.runs = 0

    def a_board(self, server, **changes):
        """Each has a folder of its own for messages, and the flash of those before it."""
        self.runs += 1
        out = self.folder / f"out{self.runs}"
        out.mkdir()
        server.place = server.place or Place(self.folder)
        settings = {"new": 1, "state": "flash", "idle": PATIENT_MS, "every": 20, "out": out.name, **changes}
        return self.board(port=server.port, user=server.USER, pass_=server.PASSWORD, **settings)

    def forget(self):
        """What follows has neither the flash nor the messages of what was before: these are alike."""
        (self.folder / "flash").unlink(missing_ok=True)
        for out in self.folder.glob("out*"):
            shutil.rmtree(out)

    def run_board(self, server, status=0, **changes):
        with self.a_board(server, **changes) as board:
            return self.outcome(board, status, dying=1)

    def assert_all_stored(self, server, messages, context):
        stored = Place(self.folder).contents()
        self.assertEqual([m[:24] for m in messages if m not in stored], [], f"lost\n{context}")
        self.assertEqual([m[:24] for m in stored if m not in messages], [], f"not as the server has it\n{context}")
        self.assertEqual(server.violations, [], context)

    def writes(self):
        """How often the state was written: the number in front of a slot counts."""
        flash = (self.folder / "flash").read_bytes()
        numbers = [int.from_bytes(flash[at:at + 4], "little") for at in (0, len(flash) // 2)]
        return max(number for number in numbers if number != 0xffffffff)


class Flights:
    """By each port."""

    faults, deletion_faults = FAULTS, DELETION_FAULTS

    def test_fewer_round_trips(self):
        """A server that offers PIPELINING hears flights, and one that does not hears one command at a time."""
        flights, messages = {}, alike(16)
        for capabilities in (None, CAPABILITIES):
            self.forget()
            more = {"replies": {"CAPA": capabilities}} if capabilities else {}
            with Server(messages, **more) as server:
                outcome = self.run_board(server, state=None, new=None)
                self.assertEqual(outcome.errors, [None], outcome)
                flights[capabilities] = server.flights[0]
                commands = len(server.commands)
                self.assert_all_stored(server, messages, outcome)
        self.assertEqual(flights[CAPABILITIES], commands)
        self.assertLess(flights[None], commands / 2)

    def test_a_server_that_loses_a_command_or_answers_twice(self):
        """All mail comes, each message under its own UID: else one of them would never come. The next session sends one command at a time."""
        self.each_of(self.faults)

    def test_and_nothing_is_deleted_that_is_not_stored(self):
        """[G2]"""
        self.each_of(self.deletion_faults, delete=1)

    def each_of(self, faults, **changes):
        for fault in faults:
            messages = alike(COUNT)
            self.forget()
            with self.subTest(str(Fault(*fault))), Server(messages, Fault(*fault)) as server:
                outcome = self.run_board(server, polls=3, **changes)
                self.assertEqual([server.ahead(n) for n in range(3)], [True, False, False], outcome)
                self.assert_all_stored(server, messages, outcome)
                self.assertEqual(server.messages, [] if changes else messages, outcome)
                again = [retrieved for retrieved in server.retrieved[1:] if retrieved]
                self.run_board(server, polls=1, **changes)
                self.assertEqual([retrieved for retrieved in server.retrieved[1:] if retrieved], again, "none comes a third time")


class Flights_raw(Flights, FlightsCase):
    """The main loop."""
    image_name = "raw"
    slow = True


class Flights_sockets(Flights, FlightsCase):
    """The task, with the smallest record buffer."""
    image_name = "sockets-512"
    faults, deletion_faults = FAULTS[::4], DELETION_FAULTS[:1]


class AfterAReset(FlightsCase):
    """What the flash knows of it, and how often it is written."""

    def test_the_power_is_cut_inside(self):
        """No message that came before the cut counts: the replies were shifted. The session after it sends one command at a time, if the state was
        written inside this one."""
        for place in (3, SAVE_EVERY + 4, 39):
            self.forget()
            messages, heard, cut = alike(40), threading.Event(), threading.Event()

            def at(session, line, last=f"RETR {place}", heard=heard, cut=cut):
                if (session, line) == (0, last):
                    heard.set()
                    cut.wait()
            with self.subTest(at=f"RETR {place}"), Server(messages, Fault("lost", f"RETR {place - 2}"), at) as server:
                try:
                    with self.a_board(server) as board:
                        self.assertTrue(heard.wait(PATIENT_MS / 1000))
                        self.wait_until_stored(place - 2)
                        board.kill()
                finally:
                    cut.set()
                outcome = self.run_board(server, polls=2)
                self.assertEqual([server.ahead(0), server.ahead(1)], [True, place < SAVE_EVERY], outcome)
                self.assertEqual(len(server.retrieved[1]), len(messages), outcome)
                self.assertEqual(server.retrieved[2], [], outcome)
                self.assert_all_stored(server, messages, outcome)

    def wait_until_stored(self, number):
        """The board has done with so many messages of its run."""
        until = threading.Event()
        for _ in range(100):
            if len(list((self.folder / f"out{self.runs}").glob("*.eml"))) >= number:
                return
            until.wait(0.05)
        self.fail(f"message {number} was not stored")

    def test_a_broken_session_is_remembered_and_forgotten(self):
        """Four polls send one command at a time, also over a reset, and none of them writes the flash."""
        messages = alike(3)
        with Server(messages, replies={"RETR 2": [b"+OK\r\nSubject: half", Close()]}) as server:
            self.run_board(server, 1, polls=1)
            del server.replies["RETR 2"]
            self.assertEqual(self.writes(), 1)
            self.run_board(server, polls=2)
            written = self.writes()
            outcome = self.run_board(server, polls=BROKEN + 1)
            ahead = [server.ahead(n) for n in range(len(server.sessions))]
            self.assertEqual(ahead, [True] + [False] * BROKEN + [True] * 3, outcome)
            self.assertEqual(self.writes(), written)
            self.assert_all_stored(server, messages, outcome)

    def test_a_line_that_often_breaks_wears_no_flash(self):
        """Each session with a window breaks before a message came. Only the first one is written."""
        with Server([], replies={"UIDL": [CloseAhead()]}) as server:
            outcome = self.run_board(server, 1, polls=2 * (BROKEN + 1) + 1)
            ahead = [server.ahead(n) for n in range(len(server.sessions))]
            self.assertEqual(ahead, ([True] + [False] * BROKEN) * 2 + [True], outcome)
            self.assertEqual([error is None for error in outcome.errors], [not one for one in ahead], outcome)
            self.assertEqual(self.writes(), 1)

    def test_a_server_that_shifts_is_remembered(self):
        """Over a reset, for many polls, with one write. In clear text, for many handshakes take their time."""
        messages, self.secrets = alike(COUNT), []
        with Server(messages, Fault("lost", "STAT", nth=2), clear=True) as server:
            self.run_board(server, 1, polls=1, security="clear")
            self.run_board(server, polls=1, security="clear")
            written = self.writes()
            outcome = self.run_board(server, polls=SHIFTED + 1, security="clear")
            ahead = [server.ahead(n) for n in range(len(server.sessions))]
            self.assertEqual(ahead, [True] + [False] * SHIFTED + [True] * 2, outcome)
            self.assertEqual(self.writes(), written)
            self.assert_all_stored(server, messages, outcome)

    def test_flights_wear_the_flash_no_more(self):
        """One write for the first messages and one at the end, however many there are; without flights one more for every 16."""
        writes = {}
        for capabilities in (None, CAPABILITIES):
            self.forget()
            with Server(alike(3 * SAVE_EVERY + 1), replies={"CAPA": capabilities} if capabilities else {}) as server:
                self.run_board(server, polls=3)
                self.assertEqual(server.ahead(0), capabilities is None)
                self.assertEqual([len(retrieved) for retrieved in server.retrieved], [3 * SAVE_EVERY + 1, 0, 0])
                writes[capabilities] = self.writes()
        self.assertEqual(writes, {None: 2, CAPABILITIES: 4})

    def test_a_server_that_hangs_up_at_capa(self):
        """[Q9] A window is the only reason for CAPA: without one the next poll brings the mail."""
        messages = alike(COUNT)
        with Server(messages, replies={"CAPA": [Close()]}) as server:
            outcome = self.run_board(server, polls=3)
        self.assertEqual(outcome.errors, ["POPCL_ERR_CAPA", None, None], outcome)
        self.assert_all_stored(server, messages, outcome)
