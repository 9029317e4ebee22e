# SPDX-License-Identifier: MIT
"""What all pictures of docs/ share: colours, texts, boxes, arrows, bars and legends, as plain SVG with a style sheet that follows the reader's light or
dark. It knows no picture. A text that does not fit its box is an error, since the reader's font may be as wide as the widest here."""
from html import escape

WIDTH = 900
BAR, GAP = 18, 8
ROW = 17  # height of a line in a box
SIZES = {"": 13, "h": 16.5, "n": 12, "m": 11}  # of each kind of text, bold ones as wide as they are
# Widths of characters as parts of the size, in a font that is among the widest: those that are not here, and those of a fixed width.
WIDTHS = [("ijlI.,:;'|! ", 0.33), ("frt-()/[]`", 0.42), ("_EFJLPST", 0.6), ("mwMW", 0.95), ("ABCDGHKNOQRUVXYZ+=<>%&", 0.73)]
OTHER, FIXED = 0.63, 0.61
STYLE = """  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .h { font-size: 15px; font-weight: 600 }
  .n { font-size: 12px; fill: #57606a }
  .m { font: 11px ui-monospace, monospace }
  .back { fill: #ffffff }
  .edge { fill: none; stroke: #57606a; stroke-width: 1.5 }
  .tip { fill: #57606a }
  .grid { stroke: #8c959f; stroke-opacity: .35 }
  .line { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .a { fill: #0969da } .b { fill: #1a7f37 } .c { fill: #bc4c00 } .d { fill: #8250df } .e { fill: #bf8700 } .f { fill: #bf3989 } .g { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .n { fill: #9ea7b3 } .back { fill: #0d1117 } .line { stroke: #ffffff }
    .edge { stroke: #9ea7b3 } .tip { fill: #9ea7b3 }
    .a { fill: #58a6ff } .b { fill: #3fb950 } .c { fill: #f0883e } .d { fill: #bc8cff } .e { fill: #e3b341 } .f { fill: #f778ba } .g { fill: #8b949e }
  }"""


def wide(text, kind=""):
    """How much room a text may take."""
    if kind == "m":
        return SIZES[kind] * FIXED * len(text)
    return SIZES[kind] * sum(next((width for some, width in WIDTHS if one in some), OTHER) for one in text)


def wrapped(words, width, kind="n", between=" "):
    """Lines of words, each at most so wide."""
    lines = [""]
    for word in words:
        longer = lines[-1] + between + word if lines[-1] else word
        if lines[-1] and wide(longer, kind) > width:
            lines[-1] += between.rstrip()
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class Drawing:
    """Shapes from the top down; `y` is where the next goes."""

    def __init__(self, width=WIDTH):
        self.shapes, self.y, self.width = [], 10, width

    def shape(self, text, title=""):
        """A shape without its end, `<rect ... `; the title is shown when the shape is pointed at."""
        name = text.split(None, 1)[0][1:]
        self.shapes.append(f"{text.rstrip()}><title>{escape(title)}</title></{name}>" if title else f"{text.rstrip()}/>")

    def text(self, x, y, text, kind="", anchor="start"):
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def rect(self, place, kind, title="", more=""):
        """place: x, y, width, height."""
        x, y, width, height = (f"{number:g}" for number in place)
        self.shape(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{kind}"{more}', title)

    def box(self, place, lines, kind, title=""):
        """A tinted box with lines of text, each (text, kind of text), in its middle from the top down."""
        x, y, width, height = place
        self.rect(place, kind, title, ' rx="6" fill-opacity="0.2"')
        at = y + (height - ROW * len(lines)) / 2 + 13
        for text, of in lines:
            if wide(text, of) > width - 12 or ROW * len(lines) > height:
                raise ValueError(f"no room for {text!r}: {place}")
            self.text(x + 10, at, text, of)
            at += ROW

    def arrow(self, *points, kind="edge", title=""):
        """A line over these points, with a tip at its end."""
        (x0, y0), (x, y) = points[-2:]
        length = max(abs(x - x0), abs(y - y0)) or 1
        dx, dy = (x - x0) / length, (y - y0) / length
        self.path(*points[:-1], (x - 5 * dx, y - 5 * dy), kind=kind, title=title)
        corners = [(x, y), (x - 8 * dx - 4 * dy, y - 8 * dy + 4 * dx), (x - 8 * dx + 4 * dy, y - 8 * dy - 4 * dx)]
        self.shape('<polygon class="tip" points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in corners) + '"')

    def path(self, *points, kind="edge", title=""):
        self.shape(f'<polyline class="{kind}" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"', title)

    def heading(self, text, note):
        self.y += 26
        self.text(10, self.y, text, "h")
        self.note(note)
        self.y += 11

    def note(self, text):
        """A paragraph of small text, over the whole width."""
        for line in wrapped(text.split(), self.width - 20):
            self.y += ROW
            self.text(10, self.y, line, "n")

    def legend(self, left, names):
        """names: a colour, and what has it. Those that find no room go into a further line."""
        x = left
        for kind, name in names.items():
            if x > left and x + 15 + wide(name, "n") > self.width:
                x, self.y = left, self.y + 18
            self.rect((x, self.y, 11, 11), kind)
            self.text(x + 15, self.y + 10, name, "n")
            x += 27 + wide(name, "n")
        self.y += 20

    def bar(self, left, name, parts, number, scale, limit=None):
        """parts: (amount, kind, title). limit: what is wanted at most, a dashed line."""
        self.text(left - 8, self.y + 14, name, "", "end")
        x = left
        for amount, kind, title in parts:
            self.shape(f'<rect x="{x:.1f}" y="{self.y}" width="{amount * scale:.1f}" height="{BAR}" class="{kind}"', title)
            x += amount * scale
        if limit is not None:
            at = left + limit * scale
            self.shape(f'<line x1="{at:.1f}" y1="{self.y - 3}" x2="{at:.1f}" y2="{self.y + BAR + 3}" class="line"', f"wanted: at most {limit:,}")
            x = at if x < at < x + 8 + 8 * len(number) else x
        self.text(x + 6, self.y + 14, number, "n")
        self.y += BAR + GAP

    def svg(self, title):
        height = self.y + 10
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:g}" width="{self.width}" height="{height:g}" role="img">\n'
                f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>\n"
                f'<rect class="back" width="{self.width}" height="{height:g}" rx="6"/>\n' + "\n".join(self.shapes) + "\n</svg>\n")
