# SPDX-License-Identifier: MIT
"""Draws docs/session.svg: a session from the top down, on the wire at the left, in RAM at the right. It is the case of tests/transcripts/picture.txt, to
which check-transcripts holds the library: commands, replies and what the sink gets are read there. Bytes come from docs/structs.txt and the headers."""
import pathlib
import re

import prose
from pictures.drawing import ROW, Drawing, wide

CASE = pathlib.Path(__file__).resolve().parents[1] / "transcripts/picture.txt"
FRAGMENT = 512  # octets of text in a record: the least record buffer
LISTS = ("CAPA", "UIDL", "RETR")  # commands whose +OK has lines after it
POPCL, SERVER = 50, 330  # where the two ends of the wire are
NOTE = ("Bytes on a Cortex-M3, with the profile `public` and records of 512 octets. The lent part judges certificates in the handshake; after it the state of "
        "the login has it, then the plan. The record buffer has the octets of text that go through it, and a message of any size needs no more.")
# The columns of RAM: name, place, width, colour.
COLUMNS = [("job", 376, 84, "a"), ("TLS", 466, 84, "d"), ("lent part", 556, 96, "e"), ("record buffer", 658, 96, "c"), ("sink, fates", 760, 130, "b")]


# ---- what the transcript has ----

def case():
    """(settings and steps of the case, in order) as lines, without comments and what is looked up after the end."""
    lines = [line for line in CASE.read_text().splitlines() if line and not line.startswith(("#", "?"))]
    first = next(at for at, line in enumerate(lines) if line.startswith("S:"))
    return lines[:first], lines[first:]


def turns(steps):
    """The steps by who acts: ("S" | "C" | "T", their texts, the events that follow), in order."""
    result = []
    for step in steps:
        kind, text = step[0], step[2:].strip() if step[1] != "*" else step[3:]
        if kind == ">":
            result[-1][2].append(text)
        elif result and result[-1][0] == kind and kind != "T" and not result[-1][2]:
            result[-1][1].append(step)
        else:
            result.append((kind, [step], []))
    return result


def octets(step):
    """The octets of a line of the server's or the client's, with its end."""
    if step[1] == "*":
        count, text = step[2:].split(None, 1)
        return int(count) * len(text.encode().decode("unicode_escape"))
    return len(step[3:]) + 2


def replies(steps, asked):
    """What a turn of the server answers to the commands that were asked: a text each. Lines of a list are on one line, a message has its octets."""
    result, at = [], 0
    for command in asked or ["greeting"]:
        status, at = steps[at][3:], at + 1
        lines = []
        if status.startswith("+OK") and command.split()[0] in LISTS:
            end = next(n for n in range(at, len(steps)) if steps[n] == "S: .")
            lines, at = steps[at:end], end + 1
        if command.startswith("RETR"):
            result.append(f"{status}, a message of {sum(map(octets, lines)):,} octets")
        else:
            result.append(" ".join([status, *(line[3:] for line in lines), *["."] * bool(lines)]))
    if at != len(steps):
        raise ValueError(f"{CASE.name}: no command asked for {steps[at]!r}")
    return result


def events(told):
    """What the sink and the caller of fates get, a line each."""
    result, message = [], ""
    for event in told:
        word, *rest = event.split()
        if word == "begin":
            message = rest[0]
        elif word == "commit":
            result.append(f"{message}: begin, commit")
        elif word == "fate":
            result.append(f"{rest[0]}: {rest[1]}")
    return result


# ---- what is in RAM ----

class Memory:
    """What RAM holds, from turn to turn."""

    def __init__(self, settings):
        self.skipped = {found[1] for line in settings if (found := re.match(r"decide uid (\d+) skip", line))}
        self.entries, self.tls, self.lent, self.asked = {}, "", "", []

    def plan(self):
        """What the entries of the plan take."""
        taken = sum(prose.macro("POPCL_PLAN_ENTRY", len(uid)) for uid in self.entries.values())
        return f"plan: {len(self.entries)}|{taken} bytes" if self.entries else ""

    def listing(self, steps):
        for line in steps:
            found = re.fullmatch(r"S: (\d+) (\S+)", line)
            if found and found[1] not in self.skipped:
                self.entries[found[1]] = found[2]

    def turn(self, kind, steps, told):
        """The texts of the columns after a turn, | between lines."""
        if kind == "T":
            self.tls, self.lent = "keys", ""
            return "", "handshake", "certificates", f"{FRAGMENT} a time", ""
        if kind == "C":
            self.asked = [step[3:] for step in steps]
            self.lent = "login" if any(one.startswith("PASS") for one in self.asked) else self.plan()
        elif "UIDL" in self.asked:
            self.listing(steps)
            self.lent = self.plan()
        for event in told:
            if re.match(r"fate \d+ MARKED", event):
                self.entries.pop(event.split()[1])
        moved = sum(map(octets, steps))
        held = f"{moved:,} {'out' if kind == 'C' else 'in'}" + (f",|{FRAGMENT} a time" if moved > FRAGMENT else "")
        flight = f"{len(self.asked)} in flight" if kind == "C" else "answered" if self.asked else ""
        return flight, self.tls, self.lent, held, "|".join(events(told))


# ---- the picture ----

def rows():
    """(kind, texts on the wire, texts of the columns) of each turn."""
    settings, steps = case()
    memory, asked, result = Memory(settings), [], []
    for kind, some, told in turns(steps):
        if kind == "S":
            texts, after = replies(some, asked), []
        elif kind == "C":
            texts = after = [re.sub("^PASS .*", "PASS ***", step[3:]) for step in some]
        else:
            texts, after = ["TLS handshake"], asked
        result.append((kind, texts, memory.turn(kind, some, told)))
        asked = after
    return result + [("", ["popcl_fetch_wipe"], ("zeros", "zeros", "zeros", "zeros", ""))]


def heads(drawing):
    """The names of the columns, with their bytes."""
    guard = prose.lent()
    session = prose.sizeof("popcl_tls_x509_storage") - guard
    taken = [prose.sizeof("popcl_fetch"), session, guard, prose.macro("POPCL_IOBUF_SIZE", FRAGMENT)]
    drawing.text(POPCL, drawing.y + 16, "popcl", "h", "middle")
    drawing.text(SERVER, drawing.y + 16, "server", "h", "middle")
    for (name, x, _, _), bytes_ in zip(COLUMNS, [f"{one:,} bytes" for one in taken] + ["yours"]):
        drawing.text(x, drawing.y + 12, name, "")
        drawing.text(x, drawing.y + 28, bytes_, "n")
    drawing.y += 40


def wire(drawing, kind, texts, high):
    """The arrow of a turn below its texts."""
    for at, text in enumerate(texts):
        if wide(text, "m") > SERVER - POPCL - 10:
            raise ValueError(f"no room for {text!r}")
        drawing.text(POPCL + 6, drawing.y + 12 + ROW * at, text, "m")
    y = drawing.y + high - 7
    if kind in "CT" and kind:
        drawing.arrow((POPCL, y), (SERVER, y))
    if kind in "ST" and kind:
        drawing.arrow((SERVER, y), (POPCL, y))


def draw():
    drawing, made, bounds = Drawing(), rows(), []
    heads(drawing)
    top = drawing.y
    for kind, texts, cells in made:
        high = max(ROW * len(texts) + 12, max(ROW * (cell.count("|") + 1) for cell in cells) + 8)
        wire(drawing, kind, texts, high)
        bounds.append((drawing.y, drawing.y + high))
        drawing.y += high + 2
    for x in (POPCL, SERVER):
        drawing.path((x, top - 8), (x, bounds[-2][1]))
    for place, (_, x, width, kind) in enumerate(COLUMNS):
        begin = 0
        for at in range(1, len(made) + 1):  # turns after which a column holds the same are one box
            text = made[begin][2][place]
            if at == len(made) or made[at][2][place] != text or place in (0, 3):
                if text:
                    drawing.box((x, bounds[begin][0], width, bounds[at - 1][1] - bounds[begin][0]), [(line, "n") for line in text.split("|")], kind)
                begin = at
    drawing.y += 6
    drawing.note(NOTE)
    return drawing.svg("A session on the wire and in RAM, from the greeting to the end")
