# SPDX-License-Identifier: MIT
"""Draws docs/memory.svg: all RAM of a device with 64 KB, a bar for each way to build it. Whole images come from docs/firmware.json; the other bars are
such an image with the storage, the record buffer and the plan of their own, from docs/SIZING.md and the headers."""
import functools
import json

import prose
from pictures.drawing import BAR, GAP, WIDTH, Drawing
from pictures.firmware import RAM, parts_of

DEVICE = 64 * 1024
LEFT, RIGHT, STEP = 175, 120, 8192
NAMES = {"a": "stack", "d": "TLS storage", "c": "record buffer", "g": "job, plan", "f": "connection, ring", "b": "lwIP", "e": "firmware"}
# The bars: their name, the image, and what differs in it.
BARS = [
    ("clear text *", "public, 512", lambda: {"TLS storage": 0, "record buffer": prose.macro("POPCL_IOBUF_MIN"), "plan": least_plan()}),
    ("pinned, 512 *", "public, 512", lambda: profile("pinned")),
    ("ecdsa, 512 *", "public, 512", lambda: profile("ecdsa")),
    ("small, 512 *", "public, 512", lambda: profile("small")),
    ("public, 512", "public, 512", dict),
    ("public, 4,096", "public", dict),
    ("the same, resumption", "public, resumption", dict),
    ("the same, IPv6", "public, IPv6", dict),
    ("the same, two tasks", "public, sockets", dict),
    ("public, 16,384 *", "public", lambda: {"record buffer": prose.macro("POPCL_IOBUF_SIZE", 16384)}),
]
NOTE = ("Names: the profile, and the octets of text in a record. Bars without * are whole images of examples/firmware, for a Cortex-M3 with lwIP. Bars with * are "
        "such an image with storage, record buffer and plan of that profile. Of the 8,192 bytes of stack some 5,000 are used.")


def least_plan():
    return prose.macro("POPCL_PLAN_ENTRY", prose.macro("POPCL_UID_MAX"))


def profile(name):
    """The parts of a profile's own."""
    storage, buffer, plan = (prose.column("ram", name, place)[0] for place in (2, 3, 4))
    return {"TLS storage": int(storage), "record buffer": int(buffer), "plan": int(plan)}


@functools.lru_cache(maxsize=None)
def images():
    return json.loads(prose.text("docs/firmware.json"))["ram"]


def bars():
    """(name, {part: bytes}) of each bar."""
    for name, image, changed in BARS:
        whole = images()[image]
        rest = whole["all"] - sum(octets for part, octets in whole.items() if part != "all")  # between objects
        yield name, {**{part: octets for part, octets in whole.items() if part != "all"}, "firmware": whole["firmware"] + rest, **changed()}


def draw():
    drawing, scale = Drawing(), (WIDTH - LEFT - RIGHT) / DEVICE
    drawing.heading("RAM of a device with 64 KB", NOTE)
    drawing.legend(LEFT, NAMES)
    drawing.y += 4
    end = drawing.y + len(BARS) * (BAR + GAP)
    for octets in range(0, DEVICE + 1, STEP):
        x = LEFT + octets * scale
        drawing.path((x, drawing.y - 4), (x, end), kind="line" if octets == DEVICE else "grid")
        drawing.text(x, end + 14, f"{octets // 1024} KB", "n", "middle")
    for name, parts in bars():
        total = sum(parts.values())
        drawing.bar(LEFT, name, parts_of(parts, RAM), f"{total:,}; {prose.kb(DEVICE - total)} KB free", scale)
    drawing.y += 16
    return drawing.svg("RAM of a device with 64 KB, by profile and size of records")
