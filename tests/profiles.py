# SPDX-License-Identifier: MIT
"""Draws docs/profiles.svg: the questions that lead to a profile of TLS, from the top down, each with its answer at the right. Flash and RAM come from
docs/SIZING.md. docs.py compares the picture, and writes it anew with --write."""
import pathlib
import sys

import prose

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "firmware"))
from picture import Drawing  # noqa: E402  pylint: disable=wrong-import-position

# The two lines of a question, the answer if it is yes, what the answer has, and its colour.
QUESTIONS = [
    (("Does the system bring a TLS of its own,", "or must it be TLS 1.3?"), "POPCL_TLS_BELOW", "its TLS, its memory, its rules", "g"),
    (("Does a public authority vouch for the server,", "and is there flash for a fast handshake?"), "public", "RSA, P-256 (fast), P-384", "a"),
    (("Does a public authority vouch for the server?", ""), "small", "the same servers, slower", "b"),
    (("The server is yours. Is there a clock, and flash", "for an authority of your own?"), "ecdsa", "your own CA, P-256 alone", "c"),
]
LAST = ("pinned", "one key, no name, no dates", "d")
QUESTION, ANSWER, HIGH, STEP = (10, 350), (450, 440), 54, 82  # place and width; height of a box, and from one to the next


def has(profile, what):
    if profile.isupper():
        return what
    ram, _, flash, _ = prose.costs(profile)
    return f"{what}: {flash} KB of flash, {ram} KB of RAM"


def box(drawing, place, y, lines, kind):
    x, width = place
    drawing.shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="6" class="{kind}" fill-opacity="0.2"/>')
    lines = [line for line in lines if line]
    for at, line in enumerate(lines):
        drawing.text(x + 12, y + (22 if len(lines) > 1 else 32) + 19 * at, line, "h" if kind != "e" and at == 0 else "")


def answer(drawing, y, profile, what, kind):
    box(drawing, ANSWER, y, (profile, has(profile, what)), kind)


def line(drawing, x, y, width, height):
    drawing.shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="g"/>')


def draw():
    drawing, end = Drawing(), QUESTION[0] + QUESTION[1]
    for lines, profile, what, kind in QUESTIONS:
        y = drawing.y
        box(drawing, QUESTION, y, lines, "e")
        line(drawing, end, y + HIGH // 2, ANSWER[0] - end, 2)
        drawing.text((end + ANSWER[0]) / 2, y + HIGH // 2 - 6, "yes", "n", "middle")
        answer(drawing, y, profile, what, kind)
        line(drawing, QUESTION[0] + 40, y + HIGH, 2, STEP - HIGH)
        drawing.text(QUESTION[0] + 50, y + HIGH + 18, "no", "n")
        drawing.y += STEP
    line(drawing, QUESTION[0] + 40, drawing.y, 2, HIGH // 2)
    line(drawing, QUESTION[0] + 40, drawing.y + HIGH // 2, ANSWER[0] - QUESTION[0] - 40, 2)
    answer(drawing, drawing.y, *LAST)
    drawing.y += HIGH
    return drawing.svg("Which profile of TLS: questions from the top down")
