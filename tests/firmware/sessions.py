# SPDX-License-Identifier: MIT
"""Five sessions of a device that are always the same, and what each costs: the instructions of the whole image from the begin of connecting to the
next pause, and the round trips of its poll. The server says the same octets each time, so that a growth is one of the code.

Each session is polled ROUNDS times in one run of QEMU. Whether a timer of lwIP's falls into it, and whether a frame comes alone, is an accident:
accidents only add. So the least is the figure. Those of every other poll and of the rest have to be within REPEATS of each other, else there is another
run. A TLS session is a resumed one, so that its messages are not lost beside a full handshake.

Round trips are those of a line that is long: what the device says waits for all octets of the server that it acknowledges, and an answer waits for
its command alone. So eight commands in flight are one round trip, whether the ninth follows the first answer or the last one. The window of TCP is
not in it: bodies that are larger take more. Where many flights follow one another, a frame that comes alone can split one: the least is the figure.
"""
import collections
import select
import socket
import struct
import subprocess

import metered
from firmware_image import MODULES
from hostile import Connection, Hang, Hostile

GROWTH = 0.03
RULE = "a device's session, "
ROUNDS, RUNS_MAX = 6, 3
REPEATS = 0.002
QUIET = 0.04
MANY, SMALL, LARGE = 20, 3 * 1024, 200 * 1024
IMAGE = "public, resumption"
CAPABILITIES = b"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\n.\r\n"

# name: how it is counted; messages and octets: what each of its polls has to fetch.
Session = collections.namedtuple("Session", "name messages octets")
NOTHING_CLEAR = Session("nothing new among 20, in clear", 0, 0)
KEPT_CLEAR = Session("20 messages of 3 KB kept, in clear", MANY, MANY * SMALL)
NOTHING_TLS = Session("nothing new among 20, over TLS", 0, 0)
DELETED_TLS = Session("20 messages of 3 KB deleted, over TLS", MANY, MANY * SMALL)
LARGE_TLS = Session("one message of 200 KB kept, over TLS", 1, LARGE)
SESSIONS = (NOTHING_CLEAR, KEPT_CLEAR, NOTHING_TLS, DELETED_TLS, LARGE_TLS)


Count = collections.namedtuple("Count", "instructions ours round_trips")
FIGURES = ("instructions", "of them popcl's", "round trips")  # of a Count, in docs/firmware.json
OURS = ("popcl core", "popcl auth", "popcl tls", "port")


# ---- the server ----

class Maildrop:
    """`number` messages of `octets` each. Two with another `mark` have no UID in common."""

    def __init__(self, mark, number, octets):
        self.messages = [metered.message(octets)] * number
        self.uids = [f"{mark}-{n:02}" for n in range(number)]


class Teller(Connection):
    """Notes with each of its octets how many of the device's it had read before. Answers leave when the device has been quiet for QUIET seconds, as
    on a long line: it hears none of a flight's answers while it still sends that flight, whatever the machine is busy with."""

    def __init__(self, server, client, commands, maildrop):
        super().__init__(server, client, commands)
        self.messages, self.uids = dict(enumerate(maildrop.messages, 1)), dict(enumerate(maildrop.uids, 1))
        self.heard, self.told_until, self.notes, self.held = 0, 0, [], b""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _receive_raw(self):
        """With TLS one record, so that what follows it does not count as read."""
        if self.held and not select.select([self.socket], [], [], QUIET)[0]:
            held, self.held = self.held, b""
            super().send(held)
        data = self.socket.recv(65536) if self.tls is None else self._record()
        self.heard += len(data)
        return data

    def _record(self):
        data = self.socket.recv(5, socket.MSG_WAITALL)
        return data + self.socket.recv(int.from_bytes(data[3:5], "big"), socket.MSG_WAITALL) if len(data) == 5 else data

    def send(self, octets):
        self.held += octets

    def send_raw(self, octets):
        read = self.heard - (len(self.rest) if self.tls is None else 0)
        self.notes.append((read, self.told_until))
        self.told_until += len(octets)
        super().send_raw(octets)


class Script(Hostile):
    """Has another maildrop for each connection."""

    def __init__(self, maildrops, **more):
        self.maildrops, self.tellers = maildrops, []
        super().__init__(messages=[], replies={"CAPA": CAPABILITIES, "QUIT": [b"+OK\r\n", Hang()]}, user=metered.USER, password=metered.PASSWORD, **more)

    def connection(self, client, commands):
        self.tellers.append(Teller(self, client, commands, self.maildrops[len(self.tellers)]))
        return self.tellers[-1]


# ---- round trips ----

def segments_of(path):
    """{port of the device: [(octets that it had sent with this segment, octets of the server's that it acknowledges)]}, by the frames that passed."""
    octets, at, ports, begins = path.read_bytes(), 24, {}, {}
    while at < len(octets):
        kept = struct.unpack_from("<I", octets, at + 8)[0]
        frame, at = octets[at + 16:at + 16 + kept], at + 16 + kept
        if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
            continue
        segment = 14 + (frame[14] & 15) * 4
        source, to, number, acknowledged = struct.unpack_from("!HHII", frame, segment)
        length = struct.unpack_from("!H", frame, 16)[0] - (segment - 14) - (frame[segment + 12] >> 4) * 4
        if frame[segment + 13] & 2:  # SYN: of the device, and of the server
            begins[source, to] = number + 1
            if frame[segment + 13] & 16 == 0:
                ports[source] = []
        elif source in ports and length > 0:
            said, heard = number + length - begins[source, to], acknowledged - begins[to, source]
            ports[source].append((said & 0xffffffff, heard & 0xffffffff))
    return ports


def round_trips(segments, notes):
    """How many an answer to the last command needs on a long line, connecting included. The first answer of TCP takes one; a greeting that no command
    waits for, the second."""
    answers = []  # (first octet of an answer, round trips until it is there)
    for read, begin in notes:
        known = next((heard for said, heard in segments if said >= read), 0) if read else 0
        answers.append((begin, 1 + max((trips for first, trips in answers if first < known), default=1)))
    return answers[-1][1]


# ---- what is polled and counted ----

def runs(context):
    """[(context, settings, [(session that counts, or None, maildrop)])]: a poll that does not count makes the next ones alike."""
    drops = [Maildrop(f"small{mark}", MANY, SMALL) for mark in range(ROUNDS + 2)]
    large = [(LARGE_TLS if mark else None, Maildrop(f"large{mark}", 1, LARGE)) for mark in range(ROUNDS + 1)]
    return [
        (None, ["security=clear"], [(None, drops[0]), *[(NOTHING_CLEAR, drops[0])] * ROUNDS, *[(KEPT_CLEAR, drop) for drop in drops[1:-1]]]),
        (context, ["security=tls", "resume=1"], [(None, drops[0])] * 2 + [(NOTHING_TLS, drops[0])] * ROUNDS + large),
        (context, ["security=tls", "resume=1", "delete=1"], [(None, drops[0]), (None, drops[1]), *[(DELETED_TLS, drop) for drop in drops[2:]]]),
    ]


def judge(session, said, number, folder, maildrop):
    """Raises AssertionError unless this poll did what it is counted for."""
    wanted = f"poll {number}: ok, {session.messages} messages, {session.octets} octets" + (", resumed" if session.name.endswith("TLS") else "")
    assert wanted in said.splitlines(), f"no line {wanted!r}\n{said}"
    for n, message in enumerate(maildrop.messages[:session.messages], 1):
        assert (folder / f"{number}-{n}.eml").read_bytes() == message, f"message {n} of poll {number} did not come whole"


def counted(made, folder, meter, context, settings, polls):
    """{session: [Count]} of one run."""
    with Script([maildrop for _, maildrop in polls], context=context) as server:
        said = metered.boot(made, folder, meter, server.port, [*settings, f"polls={len(polls)}"])
        tellers = list(server.tellers)
    result, segments = {}, list(segments_of(folder / "frames").values())
    assert len(tellers) == len(segments) == len(polls), f"{len(tellers)} connections\n{said}"
    for number, ((session, maildrop), phases) in enumerate(zip(polls, metered.polls_of(folder / "phases")[1:]), 1):
        if session:
            judge(session, said, number, folder, maildrop)
            by_module = [sum(numbers) for numbers in zip(*(phase.instructions for name, phase in phases.items() if name != "idle"))]
            ours = sum(by_module[MODULES.index(module)] for module in OURS)
            result.setdefault(session, []).append(Count(sum(by_module), ours, round_trips(segments[number - 1], tellers[number - 1].notes)))
    return result


def is_steady(counts):
    """Whether the session, counted twice, costs the same."""
    one, other = (Count(*map(min, zip(*counts[first::2]))) for first in (0, 1))
    return abs(one.instructions - other.instructions) <= REPEATS * one.instructions and one.round_trips == other.round_trips


def figures_of(counts):
    """{name of a figure: number} of the Counts of a session. Raises AssertionError if they do not repeat."""
    assert is_steady(counts), f"the same session again and again: {counts}"
    return dict(zip(FIGURES, map(min, zip(*counts))))


def count_all(made, folder, meter, runs_of):
    """{name of the session: its figures} of some of runs()."""
    result = {}
    folder.mkdir(exist_ok=True)
    for number, (context, settings, polls) in enumerate(runs_of):
        counts = collections.defaultdict(list)
        try:
            for again in range(RUNS_MAX):
                for session, more in counted(made, folder / f"sessions{number}.{again}", meter, context, settings, polls).items():
                    counts[session] += more
                if all(map(is_steady, counts.values())):
                    break
            result.update((session.name, figures_of(found)) for session, found in counts.items())
        except AssertionError as why:
            raise subprocess.CalledProcessError(1, ["the", "firmware", "with", *settings], str(why)) from why
    return result


def measure(made, folder, meter, context):
    """The figures of all sessions."""
    result = count_all(made, folder, meter, runs(context))
    return {session.name: result[session.name] for session in SESSIONS}


# ---- the gate ----

def compare(old, new):
    """Yields (rule, complaint or "") for each figure: fewer is never wrong."""
    for name, figures in new.items():
        for what, now in figures.items():
            was = old.get(name, {}).get(what)
            limit = was if what == "round trips" or was is None else was * (1 + GROWTH)
            grown = "more" if what == "round trips" else f"more than {GROWTH:.0%} up"
            why = "is new" if was is None else f"was {was:,}, is {now:,}, {grown}" if now > limit else ""
            yield f"{RULE}{name}: {what}", why and f"{why}. If that is wanted, `make update-firmware` accepts it"
    for name in old:
        if name not in new:
            yield f"{RULE}{name}", "is gone. If that is wanted, `make update-firmware` accepts it"


# ---- a growth that the gate has to find ----

PLANTED = "examples/firmware/app.c"
SINK = "static int data(void *ctx, const void *p, size_t n) {\n"
LOOP = "    for (volatile unsigned i = 0; i < 500; i++) {}\n"


def with_loop(text):
    assert text.count(SINK) == 1, f"{PLANTED} has no line {SINK!r}"
    return text.replace(SINK, SINK + LOOP)


def planted(old, made, folder, meter):
    """Yields (rule, complaint or ""). `made`: an image with the loop above in its sink, `old`: the figures without. A session with messages has
    grown, and one without has not."""
    new = count_all(made, folder, meter, runs(None)[:1])
    grown = {rule for rule, why in compare({name: old[name] for name in new}, new) if why}
    wanted = {f"{RULE}{KEPT_CLEAR.name}: {FIGURES[0]}"}
    yield f"{RULE}a loop in the sink is found", "" if grown == wanted else f"more than {GROWTH:.0%} up: {sorted(grown)}, of {new}"
