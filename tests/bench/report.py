# SPDX-License-Identifier: MIT
"""The results of bench.py as text, as Markdown in docs/PERFORMANCE.md, and as a plot in docs/performance.svg. Measures nothing."""
import math
import pathlib
import re

from pictures.drawing import Drawing

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, PLOT = ROOT / "docs/PERFORMANCE.md", ROOT / "docs/performance.svg"
COUNT_SLACK = 0.5  # round trips are measured by time, too


def met(row, at):
    """Whether the target is met; None if there is no figure or no target."""
    figure, wanted = row["figures"][at], row["wanted"][at]
    if figure is None or wanted is None:
        return None
    return figure <= wanted + (COUNT_SLACK if "round trips" in row["title"] else 0)


def number(value, unit):
    if value is None:
        return ""
    if unit == "x":
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def pairs(row):
    """The figures and the targets as texts, clear text / TLS."""
    unit = row["unit"]
    texts = []
    for values in (row["figures"], row["wanted"]):
        texts.append(" / ".join(number(value, unit) for value, wanted in zip(values, row["wanted"]) if wanted is not None))
    return texts


def verdict(row):
    words = {True: "met", False: "missed", None: "not measured"}
    found = [words[met(row, at)] for at in range(2) if row["wanted"][at] is not None]
    return found[0] if len(set(found)) == 1 else " / ".join(found)


def full_title(row):
    return row["title"] + (f", against {row['against']}" if row["against"] else "")


def row_text(row):
    figures, wanted = pairs(row)
    return f"{full_title(row)}: {figures} (wanted: at most {wanted}): {verdict(row)}"


def table_text(table):
    cells = [table["head"], *table["lines"]]
    widths = [max(len(line[at]) for line in cells) for at in range(len(table["head"]))]
    lines = ["  " + "  ".join(cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths))) for line in cells]
    return "\n".join([table["title"], *lines, *(f"  not in it: {note}" for note in table["notes"])])


def sums(result):
    verdicts = [met(row, at) for row in result["rows"] for at in range(2) if row["wanted"][at] is not None]
    return verdicts.count(True), verdicts.count(False), verdicts.count(None)


def summary_text(result):
    good, bad, none = sums(result)
    missing = "".join(f"\n  {line}" for line in result["missing"])
    return "\n".join([f"{result['machine']}; {', '.join(result['versions'])}; {result['suite']}{missing}",
                      *("  " + row_text(row) for row in result["rows"]),
                      f"{good} targets met, {bad} missed, {none} not measured, in {result['seconds']} s"])


# ---- Markdown ----

def markdown(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "|".join("---" if at == 0 else "---:" for at in range(len(head))) + "|",
                      *("| " + " | ".join(line) + " |" for line in lines)])


def targets(result):
    return markdown(["figure", "against", "popcl", "target", "", "rounds"],
                    [[row["title"], row["against"] or "", *pairs(row), verdict(row), str(row["runs"])] for row in result["rows"]])


def misses(result):
    good, bad, _ = sums(result)
    lines = [f"This run met {good} targets and missed {bad}:", ""]
    for row in result["rows"]:
        parts = [("clear text", "TLS")[at] for at in range(2) if met(row, at) is False]
        if parts:
            lines.append(f"- {full_title(row)} ({', '.join(parts)})")
    return "\n".join(lines)


def conditions(result):
    lines = [f"- Machine: {result['machine']}.", f"- Peers: {', '.join(result['versions'])}.", f"- TLS: {result['suite']}.",
             f"- Duration: {math.ceil(result['seconds'] / 60)} minutes."]
    return "\n".join(lines + [f"- {line}." for line in result["missing"]])


def details(result):
    return "\n\n".join(f"**{table['title']}**\n\n" + markdown(table["head"], table["lines"]) + "".join(f"\n\nNot in it: `{note}`" for note in table["notes"])
                       for table in result["tables"])


# ---- the plot ----

LEFT, RIGHT, TOP, LINE = 640, 970, 40, 30
LEAST, MOST = 0.1, 1000.0


def place(part):
    """The x of a figure that is this part of its target."""
    inside = min(max(part, LEAST), MOST)
    return LEFT + (RIGHT - LEFT) * math.log(inside / LEAST) / math.log(MOST / LEAST)


def svg(result):
    """A bar for each figure, as a part of its target: one that ends left of the line meets it."""
    rows = [row for row in result["rows"] if any(met(row, at) is not None for at in range(2))]
    drawing, bottom = Drawing(RIGHT + 30), TOP + LINE * len(rows)
    drawing.text(10, 20, "figure / target; upper bar: clear text, lower bar: TLS; left of the line: met")
    for part in (0.1, 0.2, 0.5, 1, 2, 5, 10, 100, 1000):
        x = place(part)
        drawing.path((x, TOP - 8), (x, bottom), kind="edge" if part == 1 else "grid")
        drawing.text(x, bottom + 16, f"{part:g}", "n", "middle")
    for at, row in enumerate(rows):
        y = TOP + LINE * at
        figures, wanted = pairs(row)
        drawing.text(10, y + 9, full_title(row))
        drawing.text(10, y + 23, f"{figures}, target {wanted}", "n")
        for which in range(2):
            if met(row, which) is not None:
                end = place(row["figures"][which] / row["wanted"][which])
                drawing.shape(f'<rect class="{"b" if met(row, which) else "c"}" x="{LEFT}" y="{y + 10 * which}" width="{max(end - LEFT, 1):.1f}" height="8"')
    drawing.y = bottom + 30
    return drawing.svg("Each figure of popcl as a part of its target; clear text above, TLS below")


def write(result):
    """The tables of the page, between its marks, and the plot."""
    text = PAGE.read_text()
    for name, made in (("conditions", conditions), ("targets", targets), ("misses", misses), ("details", details)):
        text, found = re.subn(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", lambda marks, made=made: marks[1] + made(result) + "\n" + marks[2], text,
                              flags=re.S)
        if found != 1:
            raise SystemExit(f"{PAGE.name}: there is no place for {name}")
    PAGE.write_text(text)
    PLOT.write_text(svg(result))
