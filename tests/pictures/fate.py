# SPDX-License-Identifier: MIT
"""Draws docs/fate.svg: the way of a message from the listing to its last fate, and what leads off that way. Each line of it names a transcript in which
just that happens. The boxes must have all fates of popcl_fetch.h and all states of src/core/plan.h; a line with a fate must have a transcript that
expects that fate, with that reason."""
import functools
import pathlib
import re

from pictures.drawing import ROW, Drawing, wide

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER, PLAN = "include/popcl_fetch.h", "src/core/plan.h"
# The boxes of the way, from the top down: a title (a fate has its name), a line about it, states of the plan, and what leads off the way: what happens;
# the fate that it leads to with its reason, or a text in small letters; what follows; the transcript. A text of its own in the transcript comes last.
WAY = [
    ("listed", "UIDL or LIST names it", "", [
        ("decide answers SKIP", "no fate", "it stays on the server", "uidl-case-counts", "^decide uid 2 skip"),
        ("the plan is full", "no fate", "the next pass, or MORE", "plan-passes-are-counted", "> result MORE"),
    ]),
    ("in the plan", "asked of decide again", "NEW", [
        ("it answers SKIP", "no fate", "it stays on the server", "decide-skips-at-the-size", "^decide size 1 skip"),
        ("LIST does not name it", "no fate", "it counts as passed over", "uidl-names-what-list-does-not", r"\? passed_over 3"),
        ("max_messages is reached", "no fate", "MORE: a later session", "plan-count-limit", "> result MORE"),
        ("LIST gives more than max_size", "NOT_STORED TOO_LARGE", "the session goes on", "sink-message-larger-than-the-limit-by-list"),
        ("it answers DELETE_UNFETCHED", "to be deleted", "DELE, without RETR", "dele-unfetched", "C: DELE"),
    ]),
    ("asked for", "RETR, or TOP, is sent", "WANT_TOP WANT_RETR WANT_BODY ASKED", [
        ("RETR is refused", "NOT_STORED RETR_REFUSED", "the session goes on", "retr-refused-and-the-next-one-comes"),
        ("TOP is not known", "NOT_STORED NO_TOP", "no further message, QUIT", "decide-top-is-not-known-to-the-server"),
        ("the session ends", "NOT_STORED CLOSED", "so for all that wait", "retr-ends-inside-the-status"),
    ]),
    ("in the sink", "begin, data, commit", "", [
        ("begin or data fails", "NOT_STORED SINK", "the rest is read and dropped", "sink-fails-at-octet-1"),
        ("the sink wants to stop", "NOT_STORED SINK", "no further message, QUIT", "sink-wants-to-stop-inside-a-message", "C: QUIT"),
        ("more than drain_max is dropped", "NOT_STORED NOT_DRAINED", "for all that wait; no QUIT", "sink-drain-is-limited"),
        ("more comes than max_size", "NOT_STORED TOO_LARGE", "the rest is read and dropped", "sink-message-larger-than-the-limit-by-what-comes"),
        ("asked for ahead, not of its listed size", "asked for", "again, and alone", "ahead-a-body-of-another-size-is-fetched-again-alone", r"\? shifted 1"),
        ("popcl_stop", "NOT_STORED STOPPED", "the rest is read, QUIT", "stop-inside-a-message"),
        ("the reserve for QUIT begins", "NOT_STORED TIMEOUT_TOTAL", "the rest is read, QUIT", "time-of-the-whole-inside-a-message-keeps-the-marks"),
        ("the connection breaks", "NOT_STORED CLOSED_MESSAGE", "abort; the session is over", "retr-the-connection-ends-inside-a-body"),
        ("commit fails", "NOT_STORED COMMIT", "the session goes on", "sink-commit-fails"),
        ("popcl_fetch_wipe", "no fate", "abort, and nothing more", "wipe-inside-a-message", "! wipe"),
    ]),
    ("staged", "commit returned STAGED", "STAGED", [
        ("sync fails", "NOT_STORED SYNC", "for all that are staged", "sink-sync-fails"),
        ("the connection breaks", "STORED", "sync is called all the same", "sink-what-is-staged-is-synced-when-the-connection-ends"),
    ]),
    ("STORED", "durable: commit 0, or sync", "", [
        ("no deletion is wanted", "no further fate", "it stays on the server", "retr-one-message", "> fate 1 STORED"),
        ("no octet, and LIST gave some", "NOT_MARKED BODY_EMPTY", "no DELE; fetch it again", "dele-never-of-an-empty-body-that-list-gave-octets"),
    ]),
    ("to be deleted", "DELE is sent", "DUE DELE", [
        ("DELE is refused", "NOT_MARKED DELE_REFUSED", "it stays on the server", "dele-refused"),
        ("the session ends before the answer", "NOT_MARKED CLOSED", "it stays on the server", "dele-end-before-its-answer"),
    ]),
    ("MARKED", "the server answered +OK", "OVER", [
        ("the session ends before QUIT", "VOID", "none of the marked is gone", "dele-end-after-its-answer"),
        ("QUIT gets -ERR, or no answer", "UNKNOWN", "nobody knows which are gone", "quit-not-answered"),
    ]),
    ("DELETED", "QUIT got +OK", "", []),
]
NOTE = ("Names of fates are without POPCL_, and reasons without POPCL_ERR_. CLOSED and CLOSED_MESSAGE are examples: the reason is the one that ended the "
        "session. A message is OVER in the plan after its last fate, and after SKIP. Point at a line to see the transcript that shows it.")
COLOURS = {"STORED": "b", "DELETED": "b", "MARKED": "b", "NOT_STORED": "c", "NOT_MARKED": "c", "UNKNOWN": "e", "VOID": "e"}
BOX, WHAT, CHIP, NEXT = 10, 216, 468, 706  # where columns begin
LINE, BETWEEN = 23, 26  # height of a line, and between boxes


def members(header, enum, prefix):
    """The names of an enum, without their prefix."""
    body = re.search(rf"enum {enum} {{(.*?)}}", (ROOT / header).read_text(), re.S)[1]
    return re.findall(rf"\b{prefix}(\w+)", re.sub(r"/\*.*?\*/", "", body, flags=re.S))


@functools.lru_cache(maxsize=None)
def transcripts():
    """{name: the text of the case}."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "tests/transcripts").glob("*.txt")))
    return {part.split(None, 1)[0]: part for part in re.split(r"^# ", text, flags=re.M)[1:]}


def expected(fate, why):
    """What a transcript says of a fate."""
    return rf"^> fate \S+ {fate}" + (f" ERR_{why}$" if why else r"\b(?! ERR_)")


def lines():
    """(box, what happens, fate or "", its reason, what follows, transcript, the pattern that must be in it) of all that leads off the way."""
    for box, _, _, rows in WAY:
        for what, to, then, case, *more in rows:
            fate, _, why = to.partition(" ") if to.split()[0] in COLOURS else ("", "", "")
            yield box, what, fate, why, then, case, more[0] if more else expected(fate, why)


def checks():
    """The results, as (name, what is wrong or "")."""
    shown = {box for box, *_ in WAY if box in COLOURS} | {fate for _, _, fate, *_ in lines() if fate}
    fates, states = members(HEADER, "popcl_fate", "POPCL_"), members(PLAN, "popcl_entry_state", "POPCL_ENTRY_")
    yield f"docs/fate.svg has each fate of {HEADER}", ", ".join(sorted(shown ^ set(fates)))
    drawn = [state for _, _, some, _ in WAY for state in some.split()]
    yield f"docs/fate.svg has each state of {PLAN}, in the order of the header", "" if drawn == states else f"{drawn}, and not {states}"
    for box, what, *_, case, pattern in lines():
        text = transcripts().get(case, "")
        wrong = "no transcript has this name" if not text else "" if re.search(pattern, text, re.M) else f"it does not have {pattern!r}"
        yield f"docs/fate.svg: {box}: {what}: the transcript {case}", wrong


def draw():
    drawing, ends = Drawing(), []
    for column, text in [(WHAT, "what happens"), (CHIP, "leads to"), (NEXT, "and then")]:
        drawing.text(column, drawing.y + 12, text, "h")
    drawing.y += 26
    for box, about, states, rows in WAY:
        texts = [(box, "h"), (about, "n")] + [(part, "m") for part in broken(states)]
        high = max(ROW * len(texts) + 8, LINE * len(rows))
        place = (BOX, drawing.y, WHAT - BOX - 24, high)
        drawing.box(place, texts, COLOURS.get(box, "a"))
        for at, row in enumerate(rows):
            line(drawing, drawing.y + (high - LINE * len(rows)) / 2 + LINE * at, place[0] + place[2], row)
        ends.append((drawing.y, drawing.y + high))
        drawing.y += high + BETWEEN
    drawing.y += 6 - BETWEEN
    drawing.note(NOTE)
    for (_, end), (begin, _) in zip(ends, ends[1:]):
        drawing.arrow((BOX + 90, end), (BOX + 90, begin))
    return drawing.svg("The fate of a message: its way from the listing to its deletion at the left, and what leads off that way")


def broken(states):
    """States of the plan in lines that fit the box."""
    words = states.split()
    return [" ".join(words[at:at + 2]) for at in range(0, len(words), 2)]


def line(drawing, y, left, row):
    """What leads off the way: an arrow, and what it leads to."""
    what, to, then, case, *_ = row
    fate = to.split()[0] if to.split()[0] in COLOURS else ""
    middle = y + LINE / 2
    drawing.path((left, middle), (WHAT - 6, middle), title=case)
    drawing.text(WHAT, middle + 4, what, "n")
    drawing.arrow((WHAT + wide(what, "n") + 4, middle), (CHIP - 4, middle), title=case)
    drawing.box((CHIP, y + 2, NEXT - CHIP - 12, LINE - 4), [(to.replace(" ", ": ", 1) if fate else to, "n")], COLOURS.get(fate, "g"), case)
    drawing.text(NEXT, middle + 4, then, "n")
