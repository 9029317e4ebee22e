# SPDX-License-Identifier: MIT
"""Draws docs/firmware.svg from the figures of figures.py: flash and RAM of the images by module, the instructions of a handshake and of an octet,
the stack by phase. Plain SVG, with a style sheet that follows the reader's light or dark."""
from html import escape

WIDTH, LEFT, RIGHT, BAR, GAP = 900, 190, 110, 18, 8
# Of the parts, in the order in which they stand in a bar; parts without a colour of their own are drawn together.
FLASH = [("BearSSL", "a"), ("lwIP", "b"), ("popcl core", "c"), ("popcl auth", "c"), ("popcl tls", "d"), ("firmware", "e"), ("driver", "e"),
         ("port", "f"), ("C library", "g"), ("anchors", "g")]
RAM = [("stack", "a"), ("TLS storage", "d"), ("record buffer", "c"), ("job", "g"), ("connection and ring", "f"), ("lwIP's heap and pools", "b"),
       ("lwIP, other", "b"), ("firmware", "e")]
NAMES = {"FLASH": {"a": "BearSSL", "b": "lwIP", "c": "popcl: core, auth", "d": "popcl: tls", "e": "firmware, driver", "f": "port",
                   "g": "C library, anchors"},
         "RAM": {"a": "stack", "b": "lwIP", "c": "record buffer", "d": "TLS storage", "e": "firmware", "f": "connection, ring", "g": "job"}}
STYLE = """  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .h { font-size: 15px; font-weight: 600 }
  .n { font-size: 12px; fill: #57606a }
  .back { fill: #ffffff }
  .line { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
  .a { fill: #0969da } .b { fill: #1a7f37 } .c { fill: #bc4c00 } .d { fill: #8250df } .e { fill: #bf8700 } .f { fill: #bf3989 } .g { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .n { fill: #9ea7b3 } .back { fill: #0d1117 } .line { stroke: #ffffff }
    .a { fill: #58a6ff } .b { fill: #3fb950 } .c { fill: #f0883e } .d { fill: #bc8cff } .e { fill: #e3b341 } .f { fill: #f778ba } .g { fill: #8b949e }
  }"""


class Drawing:
    """Shapes from the top down; `y` is where the next goes."""

    def __init__(self):
        self.shapes, self.y = [], 10

    def text(self, x, y, text, kind="", anchor="start"):
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def heading(self, text, note):
        self.y += 26
        self.text(10, self.y, text, "h")
        self.text(10, self.y + 17, note, "n")
        self.y += 28

    def legend(self, names):
        x = LEFT
        for kind, name in names.items():
            self.shapes.append(f'<rect x="{x:.1f}" y="{self.y}" width="11" height="11" class="{kind}"/>')
            self.text(x + 15, self.y + 10, name, "n")
            x += 27 + 6.6 * len(name)
        self.y += 20

    def bar(self, name, parts, number, scale, limit=None):
        """parts: (octets or instructions, kind, title), which is told when pointed at. limit: what is wanted at most, a dashed line."""
        self.text(LEFT - 8, self.y + 14, name, "", "end")
        x = LEFT
        for amount, kind, title in parts:
            self.shapes.append(f'<rect x="{x:.1f}" y="{self.y}" width="{amount * scale:.1f}" height="{BAR}" class="{kind}">'
                               f"<title>{escape(title)}</title></rect>")
            x += amount * scale
        if limit is not None:
            at = LEFT + limit * scale
            self.shapes.append(f'<line x1="{at:.1f}" y1="{self.y - 3}" x2="{at:.1f}" y2="{self.y + BAR + 3}" class="line">'
                               f"<title>wanted: at most {limit:,}</title></line>")
            x = at if x < at < x + 8 + 8 * len(number) else x
        self.text(x + 6, self.y + 14, number, "n")
        self.y += BAR + GAP

    def svg(self, title):
        height = self.y + 10
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">\n'
                f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>\n"
                f'<rect class="back" width="{WIDTH}" height="{height}" rx="6"/>\n' + "\n".join(self.shapes) + "\n</svg>\n")


def parts_of(sums, order):
    """Octets by kind, and what the linker adds with the last."""
    if len(sums) <= 2:
        return [(sums["all"], "g", f"all together: {sums['all']:,}")]
    return [(sums[name], kind, f"{name}: {sums[name]:,}") for name, kind in order if sums.get(name)]


def sums(drawing, made, order, names, limits):
    scale = (WIDTH - LEFT - RIGHT) / max(*(parts["all"] for parts in made.values()), *limits.values())
    drawing.legend(names)
    for image, parts in made.items():
        drawing.bar(image, parts_of(parts, order), f"{parts['all']:,}", scale, limits.get(image))


def single(drawing, rows, limits, form):
    scale = (WIDTH - LEFT - RIGHT) / max(*(number for _, number, _ in rows), *limits.values())
    for name, number, kind in rows:
        drawing.bar(name, [(number, kind, f"{name}: {number:,}")], form(number), scale, limits.get(name))


def draw(made):
    drawing = Drawing()
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
