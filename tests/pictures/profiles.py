# SPDX-License-Identifier: MIT
"""Draws docs/profiles.svg: the questions that lead to a profile of TLS, from the top down, each with its answer at the right. Flash and RAM come from
docs/SIZING.md. docs.py compares the picture, and writes it anew with --write."""
import prose
from pictures.drawing import Drawing

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


def answer(drawing, y, profile, what, kind):
    drawing.box((ANSWER[0], y, ANSWER[1], HIGH), [(profile, "h"), (has(profile, what), "")], kind)


def draw():
    drawing, end, down = Drawing(), QUESTION[0] + QUESTION[1], QUESTION[0] + 40
    for lines, profile, what, kind in QUESTIONS:
        y = drawing.y
        drawing.box((QUESTION[0], y, QUESTION[1], HIGH), [(line, "") for line in lines if line], "e")
        drawing.arrow((end, y + HIGH // 2), (ANSWER[0], y + HIGH // 2))
        drawing.text((end + ANSWER[0]) / 2, y + HIGH // 2 - 6, "yes", "n", "middle")
        answer(drawing, y, profile, what, kind)
        if profile != QUESTIONS[-1][1]:
            drawing.arrow((down, y + HIGH), (down, y + STEP))
        drawing.text(down + 10, y + HIGH + 18, "no", "n")
        drawing.y += STEP
    drawing.arrow((down, drawing.y + HIGH - STEP), (down, drawing.y + HIGH // 2), (ANSWER[0], drawing.y + HIGH // 2))
    answer(drawing, drawing.y, *LAST)
    drawing.y += HIGH
    return drawing.svg("Which profile of TLS: questions from the top down")
