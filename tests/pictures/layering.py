# SPDX-License-Identifier: MIT
"""Draws docs/layers.svg: the layers of popcl with their modules, and what each may include, all of it from the tables of layers.py. An arrow that
follows from others is left out, and the first layer has none, since all may include it."""
import pathlib
import re

import layers
from pictures.drawing import ROW, Drawing, wide, wrapped

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFT, RIGHT, SIDE, BETWEEN = 10, 700, 175, 34  # of the boxes; width of the first layer at their right; from one row of boxes to the next
MOST_LINES = 8  # of modules: a box with more of them has their number
COLOURS = "gabcdef"
NOTES = ["An arrow:", "may include.", "One that follows", "from others is left", "out. All may include", "the public headers."]


def files(pattern):
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))


def place(folder):
    """The box of a folder: all of port/, all of examples/, each other folder alone."""
    return re.sub(r"^(port|examples)\b.*", r"\1", folder)


def owner(name):
    """The box that has a header, by its name without an end; None if it is a public header, or of no folder."""
    for path in files(f"src/**/{name}.h") + files(f"port/*/{name}.h") + files(f"port/*/{name}.inc") + files(f"examples/**/{name}.h"):
        folder, _, _ = path.rpartition("/")
        return layer_of(name) if folder in ("src/core", "src/auth", "src/tls") else place(folder)
    return None


def layer_of(name):
    return next(layer for layer, rows in layers.LAYERS.items() if name in rows)


def includes():
    """{box: the boxes that it may include}, without the first layer: what all may include."""
    first, *others = layers.LAYERS
    result = {layer: {layer_of(name) for allowed in layers.LAYERS[layer].values() for name in allowed.split()} - {layer, first} for layer in others}
    for folder, allowed in layers.FOLDERS.items():
        result.setdefault(place(folder), set()).update(owner(name) for name in allowed.split())
    return {box: below - {box, None} for box, below in result.items()}


def reach(below, box):
    """All that a box may include by others."""
    return below[box].union(*(reach(below, one) for one in below[box]))


def rows_of(below):
    """The boxes in rows from the bottom up, each as high as those above it allow."""
    high = {}
    for box in sorted(below, key=lambda one: len(reach(below, one))):
        high[box] = 1 + max((high[one] for one in below[box]), default=0)
    for box in sorted(below, key=high.get, reverse=True):
        above = [high[one] for one in below if box in below[one]]
        high[box] = min(above) - 1 if above else high[box] if box in layers.LAYERS else max(high.values())
    return [[box for box in below if high[box] == row] for row in range(1, max(high.values()) + 1)]


def names(box):
    """What a box has: its modules, the files of its families, or its folders."""
    if box == "port":
        return [path.split("/")[1] for path in files("port/*/") if "TEMPLATE" not in path]
    if box == "examples":
        return sorted(re.sub(r".*/|\.\w+$", "", path) for path in files("examples/*.c")) + ["firmware"]
    if box not in layers.LAYERS:
        return sorted({re.sub(r".*/|\.\w+$", "", path) for path in files(f"{box}/*.[ch]")})
    modules = list(layers.LAYERS[box])
    folders = {re.sub(r"/[^/]*$", "", path) for name in modules for path in files(f"src/*/{name}.c")}
    return modules + [layers.module_of(path) for family in layers.FAMILIES if family.rpartition("/")[0] in folders for path in files(family)
                      if layers.module_of(path) not in layers.MODULES and box == family_layer(family)]


def family_layer(family):
    """The layer of the module that a family is made for: the first that it may include."""
    return layer_of(layers.FAMILIES[family].split()[0])


def lines(box, width):
    """The texts of a box from its name down, and what goes beside its name."""
    name, _, note = box.partition(": ")
    inside = [(line, "n") for line in wrapped(names(box), width - 24, between=", ")]
    if len(inside) > MOST_LINES:
        inside = [(f"{len(names(box))} modules", "n")]
    below = note and wide(name, "h") + wide(note, "n") > width - 40
    return [(name, "h")] + [(note, "")] * bool(below) + inside, "" if below else note


def height(box, width):
    return ROW * len(lines(box, width)[0]) + 14


def put(drawing, box, at, kind):
    """A box with its texts at its top; at: x, y, width, height."""
    rest, note = lines(box, at[2])
    drawing.box(at, rest + [("", "")] * int((at[3] - 14) / ROW - len(rest)), kind)
    if note:
        drawing.text(at[0] + at[2] - 10, at[1] + 20, note, "n", "end")


def columns(row, rows, below):
    """{box: (x, width)} of a row. A box above that reaches past this row needs room for its arrow at the right."""
    above = {one for other in rows[rows.index(row) + 1:] for one in other}
    under = {one for other in rows[:rows.index(row)] for one in other}
    passed = any(one in under for box in above for one in below[box])
    width = (RIGHT - LEFT + 12) / (len(row) + passed) - 12
    return {box: (LEFT + at * (width + 12), width) for at, box in enumerate(row)}


def draw():
    drawing, below = Drawing(), includes()
    reduced = {box: {one for one in some if not any(one in reach(below, other) for other in some)} for box, some in below.items()}
    rows = rows_of(reduced)
    where, colours = {}, dict(zip(below, (COLOURS * 3)[1:]))
    for row in reversed(rows):
        across = columns(row, rows, reduced)
        high = max(height(box, width) for box, (_, width) in across.items())
        for box, (x, width) in across.items():
            where[box] = (x, drawing.y, width, high)
            put(drawing, box, where[box], colours[box])
        drawing.y += high + BETWEEN
    drawing.y -= BETWEEN
    for box, some in reduced.items():
        for one in sorted(some, key=lambda one: where[one][0]):
            join(drawing, where[box], where[one])
    first = next(iter(layers.LAYERS))
    name, _, note = first.partition(": ")
    side = RIGHT + 15, 10, SIDE, drawing.y - 10
    drawing.rect(side, COLOURS[0], "", ' rx="6" fill-opacity="0.2"')
    texts = [(name, "h"), (note, "n"), ("", ""), *((f"{module}.h", "n") for module in layers.LAYERS[first]), ("", ""), *((note, "") for note in NOTES)]
    for at, (text, kind) in enumerate(texts):
        drawing.text(side[0] + 10, 30 + ROW * at, text, kind)
    return drawing.svg("The layers of popcl from the top down, and what each may include")


def join(drawing, upper, lower):
    """An arrow down from one box to another: straight where both are, else with a bend in the gap above the lower one."""
    left, right = max(upper[0], lower[0]), min(upper[0] + upper[2], lower[0] + lower[2])
    start, end = upper[1] + upper[3], lower[1]
    if right - left > 20:
        drawing.arrow(((left + right) / 2, start), ((left + right) / 2, end))
    else:
        x, to = upper[0] + upper[2] / 2, lower[0] + lower[2] / 2
        drawing.arrow((x, start), (x, end - BETWEEN / 2), (to, end - BETWEEN / 2), (to, end))
