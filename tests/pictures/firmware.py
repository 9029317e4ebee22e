# SPDX-License-Identifier: MIT
"""Draws docs/firmware.svg from docs/firmware.json, the figures of tests/firmware/figures.py: flash and RAM of the images by module, the instructions of
a handshake and of an octet, the stack by phase."""
import json
import pathlib

from pictures.drawing import WIDTH, Drawing

JSON = pathlib.Path(__file__).resolve().parents[2] / "docs/firmware.json"
LEFT, RIGHT = 190, 110
# The parts in the order of a bar, each with its colour: one that is not here is an error.
FLASH = [("BearSSL", "a"), ("lwIP", "b"), ("popcl core", "c"), ("popcl auth", "c"), ("popcl tls", "d"), ("firmware", "e"), ("driver", "e"),
         ("port", "f"), ("C library", "g"), ("anchors", "g")]
RAM = [("stack", "a"), ("TLS storage", "d"), ("record buffer", "c"), ("job", "g"), ("plan", "g"), ("connection and ring", "f"),
       ("lwIP's heap and pools", "b"), ("lwIP, other", "b"), ("firmware", "e")]
NAMES = {"FLASH": {"a": "BearSSL", "b": "lwIP", "c": "popcl: core, auth", "d": "popcl: tls", "e": "firmware, driver", "f": "port",
                   "g": "C library, anchors"},
         "RAM": {"a": "stack", "b": "lwIP", "c": "record buffer", "d": "TLS storage", "e": "firmware", "f": "connection, ring", "g": "job"}}


def parts_of(sums, order):
    """(octets, colour, title) of each part, in this order."""
    if len(sums) <= 2:
        return [(sums["all"], "g", f"all together: {sums['all']:,}")]
    unknown = set(sums) - {"all"} - {name for name, _ in order}
    if unknown:
        raise ValueError(f"docs/firmware.json: parts without a colour: {', '.join(sorted(unknown))}")
    return [(sums[name], kind, f"{name}: {sums[name]:,}") for name, kind in order if sums.get(name)]


def sums(drawing, made, order, names, limits):
    scale = (WIDTH - LEFT - RIGHT) / max(*(parts["all"] for parts in made.values()), *limits.values())
    drawing.legend(LEFT, names)
    for image, parts in made.items():
        drawing.bar(LEFT, image, parts_of(parts, order), f"{parts['all']:,}", scale, limits.get(image))


def single(drawing, rows, limits, form):
    scale = (WIDTH - LEFT - RIGHT) / max(*(number for _, number, _ in rows), *limits.values())
    for name, number, kind in rows:
        drawing.bar(LEFT, name, [(number, kind, f"{name}: {number:,}")], form(number), scale, limits.get(name))


def draw():
    drawing, made = Drawing(), json.loads(JSON.read_text())
    drawing.heading("Flash, octets", "Whole images for a Cortex-M3 on lm3s6965evb, where no other board is named. Dashed: what was wanted at most.")
    sums(drawing, made["flash"], FLASH, NAMES["FLASH"], {"small": 81920, "public": 90112, "small, -flto": 81920, "public, -flto": 90112})
    drawing.heading("RAM, octets", "All of it: a stack of 8,192 octets too, of which some 5,000 are used.")
    sums(drawing, made["ram"], RAM, NAMES["RAM"], {"public": 40960, "public, 512": 28672})
    runs = made["instructions"]
    rows = [(name, run["handshake"] / 1e6, "a") for name, run in runs.items() if name in ("small", "public", "public, 512")]
    drawing.heading("Handshake, million instructions", "P-256 under P-256; from the begin of connecting to the greeting. Instructions, not cycles.")
    single(drawing, rows, {"public": 70}, lambda number: f"{number:.1f}")
    resumed = [(name, run["resumed handshake"] / 1e6, "a") for name, run in runs.items() if "resumed handshake" in run]
    if resumed:
        drawing.heading("Resumed handshake, million instructions", "The same, with the session of the poll before.")
        single(drawing, resumed, {resumed[0][0]: 0.7}, lambda number: f"{number:.2f}")
    rows = [(name, run["octet of body"], "b") for name, run in runs.items()]
    drawing.heading("An octet of body, instructions",
                    "From Ethernet frame to sink, all modules; ChaCha20-Poly1305 where no other cipher is named. Not cycles.")
    single(drawing, rows, {"public": 112, "public, 512": 118}, lambda number: f"{number:.1f}")
    stack = made["stack"]["public"]
    drawing.heading("Stack by phase, octets", "The image `public`; all of main's and lwIP's frames in it.")
    single(drawing, [(phase, octets, "d") for phase, octets in stack.items()], {"painted": 5120}, lambda number: f"{number:,}")
    return drawing.svg("What the firmware images cost: flash, RAM, instructions, stack")
