# SPDX-License-Identifier: MIT
"""The table of sizes at the top of README.md: a row a profile, with RAM, stack and instructions, and with flash for each core. The cores are those that
the tables of docs/SIZING.md have: in their column CPU, or in a head such as `code, RV32`. docs.py compares the table, and writes it with --write."""
import re

import prose

MARKS = re.compile(r"(<!-- sizes -->\n).*?(<!-- end -->)", re.S)
PROFILES = {"clear text": "no TLS", "pinned": "one key, no clock", "ecdsa": "your own CA, P-256 alone", "small": "public CAs",
            "public": "the same, faster"}


def by_core(figures, name):
    """{(profile or "", core): number} of what a head is called in a table; a core without a name is the one that all figures are of."""
    head, _, *rows = prose.rows(figures, "|")
    result = {}
    for cells in (dict(zip(head, row)) for row in rows):
        profile = cells.get("profile", "").strip("`")
        for column, cell in cells.items():
            what, _, core = column.partition(", ")
            if what == name:
                result[profile, cells.get("CPU", core)] = prose.number(cell)
    return result


def main_core():
    """The core that figures are of if they name none: the first of the table without TLS."""
    return next(core for _, core in by_core("clear", "code"))


def named(made):
    """The figures with the main core's name."""
    return {(profile, core or main_core()): number for (profile, core), number in made.items()}


def flash():
    """{(profile, core): bytes of code} of both tables."""
    clear = {("clear text", core): octets for (_, core), octets in by_core("clear", "code").items()}
    return {**clear, **named(by_core("flash", "code"))}


def ram():
    """{(profile, core): bytes}: the main core, and each other one on which a profile takes another size."""
    made = {("clear text", main_core()): prose.clear_ram(), **named(by_core("ram", "bytes"))}
    return {(profile, core): octets for (profile, core), octets in made.items()
            if core == main_core() or any(made[other] != made[other[0], main_core()] for other in made if other[1] == core)}


def cores(made):
    return list(dict.fromkeys(core for _, core in made))


def row(profile, ram_of, flash_of):
    stack, millions = (prose.kb(prose.calls(4)), "") if profile == "clear text" else prose.costs(profile)[1::2]
    name = profile if profile == "clear text" else f"`{profile}`"
    octets = [f"{prose.kb(ram_of[profile, core])} KB" if (profile, core) in ram_of else "" for core in cores(ram_of)]
    octets += [f"{flash_of[profile, core] / 1024:.0f} KB" if (profile, core) in flash_of else "" for core in cores(flash_of)]
    return [f"{name}: {PROFILES[profile]}", *octets, f"{stack} KB", f"{millions} million" if millions else ""]


def table():
    ram_of, flash_of = ram(), flash()
    rams = [f"RAM, {core}" for core in cores(ram_of)] if len(cores(ram_of)) > 1 else ["RAM"]
    head = ["profile", *rams, *[f"flash, {core}" for core in cores(flash_of)], "stack", "instructions of a handshake"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, *[row(profile, ram_of, flash_of) for profile in PROFILES]]]
    return "\n".join([lines[0], "|---" + "|---:" * (len(head) - 1) + "|", *lines[1:], ""])


def corrected(text, problems):
    """README.md with that table."""
    if not MARKS.search(text):
        problems.append("README.md: there is no place for the table of sizes")
    unknown = {profile for profile, _ in flash()} - set(PROFILES)
    if unknown:
        problems.append(f"tests/sizes.py: README.md has no words for a profile of docs/SIZING.md: {', '.join(sorted(unknown))}")
    return MARKS.sub(lambda marks: marks[1] + table() + marks[2], text)
