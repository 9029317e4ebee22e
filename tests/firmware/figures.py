# SPDX-License-Identifier: MIT
"""What the firmware images of examples/firmware cost: flash and RAM by module, instructions and stack by phase, and five fixed sessions
(sessions.py).

    figures.py show            builds the images, runs them in QEMU, prints the tables; all numbers are then in build/firmware.json
    figures.py write           the same, and writes docs/firmware.json, docs/firmware.svg and the tables of docs/SIZING.md
    figures.py check           the same, and holds it against docs/firmware.json; prints TAP

A figure that grew by more than 2 % fails, or by 3 % if it is of a fixed session, and so do tables that docs/firmware.json does not make; docs.py
checks the picture. Instructions are counted by a plugin of QEMU's (meter.c): all of them, in every module; they are not cycles. What needs BearSSL's or
lwIP's source, or QEMU, and cannot have it, is skipped, and says so; where the compiler is not that of docs/firmware.json nothing is compared.
"""
import json
import pathlib
import sys
import tempfile

import firmware_image
import metered
import sessions
from firmware_image import BUILD, MODULES, RAM

import image  # noqa: E402  (tests/size, by firmware_image)
import secrets_of  # noqa: E402
from cores import M3  # noqa: E402
import sizing  # noqa: E402
from pictures import firmware as picture  # noqa: E402  (tests, by sizing)

JSON, SVG = "docs/firmware.json", "docs/firmware.svg"
GROWTH = 0.02
# What a part of a sum may grow besides, since it says little of the whole: octets, instructions.
SLACK = {"flash": 100, "ram": 64, "stack": 64, "instructions": 20_000}
IDLE_STACK = 256  # depends on whether a frame comes between two polls
PARTS = {*MODULES, *RAM, "session", "state", "idle", "connect", "boot and address"}
CHACHA, GCM = "ECDHE+CHACHA20", "ECDHE+AES128+AESGCM"
# What is run, and counted: name, image, cipher, settings. Of polls that find nothing, and of resumed sessions, the last counts.
RUNS = [
    ("small", "small", CHACHA, []),
    ("public", "public", CHACHA, []),
    ("public, 512", "public, 512", CHACHA, []),
    ("public, AES-128-GCM", "public", GCM, []),
    ("public, resumption", "public, resumption", CHACHA, ["resume=1"]),
    ("public, -flto", "public, -flto", CHACHA, []),
]
STACK_PHASES = {"connect": "connecting", "handshake": "handshake", "session": "login, listing, end", "body": "body", "state": "saving the state",
                "idle": "idle"}
# name of the target, what is wanted at most, where it stands in the JSON, how it is written
TARGETS = [
    ("flash, IPv4, DHCP, DNS, `small`", 80 * 1024, ("flash", "small", "all")),
    ("flash, IPv4, DHCP, DNS, `public`", 88 * 1024, ("flash", "public", "all")),
    ("the same with `-flto`, `small`", 80 * 1024, ("flash", "small, -flto", "all")),
    ("the same with `-flto`, `public`", 88 * 1024, ("flash", "public, -flto", "all")),
    ("painted stack with `-flto`", None, ("stack", "public, -flto", "painted")),
    ("instructions, handshake with `-flto`", None, ("instructions", "public, -flto", "handshake")),
    ("flash with IPv6 too, `small`", None, ("flash", "small, IPv6", "all")),
    ("flash with IPv6 too, `public`", None, ("flash", "public, IPv6", "all")),
    ("RAM, 8 KB of stack in it, records of 4,096", 40 * 1024, ("ram", "public", "all")),
    ("RAM, 8 KB of stack in it, records of 512", 28 * 1024, ("ram", "public, 512", "all")),
    ("painted stack", 5 * 1024, ("stack", "public", "painted")),
    ("instructions, handshake with `public`, P-256 under P-256", 70_000_000, ("instructions", "public", "handshake")),
    ("instructions, handshake, resumed", 700_000, ("instructions", "public, resumption", "resumed handshake")),
    ("instructions, an octet of body, records of 4,096", 112, ("instructions", "public", "octet of body")),
    ("instructions, an octet of body, records of 512", 118, ("instructions", "public, 512", "octet of body")),
]


# ---- what is measured ----

def busy(poll, *phases):
    return sum(poll[phase].total() for phase in phases if phase in poll)


def by_module(poll, phase):
    return {name: number for name, number in zip(MODULES, poll[phase].instructions) if number} if phase in poll else {}


def counted(polls, said):
    """The figures of one run. What a message adds to a session, its command and its file too, is shared among its octets."""
    _, first, _, last = polls
    added = busy(first, "session", "body") - busy(last, "session")
    result = {"message": added, "octet of body": round(added / metered.BODY, 1), "boot and address": busy(polls[0], "boot", "address")}
    result["poll that finds nothing"] = busy(last, "connect", "handshake", "session", "state")
    result["handshake"] = busy(first, "connect", "handshake")
    if "poll 3: ok, 0 messages, 0 octets, resumed" in said:
        result["resumed handshake"] = busy(last, "connect", "handshake")
    return {**result, "handshake by module": by_module(first, "handshake"), "body by module": by_module(first, "body")}


def stack_of(polls, said):
    """Deepest by phase, of all polls; and what the firmware itself found painted over."""
    result = {phase: max((poll[phase].stack for poll in polls[1:] if phase in poll), default=0) for phase in STACK_PHASES}
    found = [line.split()[2] for line in said.splitlines() if line.startswith("end: stack ")]
    return {**result, "painted": int(found[-1])}


def measure():
    """({figures}, [(rule, complaint or "")])."""
    firmware_image.FOLDER.mkdir(parents=True, exist_ok=True)
    certificates = metered.Certificates(BUILD / "popcl-ta", firmware_image.FOLDER)
    images = firmware_image.build(certificates.anchors)
    made = {"compiler": M3.version(), "flash": {}, "ram": {}, "instructions": {}, "stack": {}}
    results = []
    for name, one in images.items():
        made["flash"][name], made["ram"][name] = one.flash(), one.ram()
        if "M0" not in name and not one.is_lto:
            results += secrets_of.results(f"firmware {name}", one)
    meter = metered.plugin()
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, of, ciphers, settings) in enumerate(RUNS):
            polls, said = metered.run(images[of], pathlib.Path(folder, str(number)), meter, certificates.context(ciphers), settings)
            made["instructions"][name], made["stack"][name] = counted(polls, said), stack_of(polls, said)
        made["sessions"] = sessions.measure(images[sessions.IMAGE], pathlib.Path(folder), meter, certificates.context(CHACHA))
        changed = firmware_image.build_changed(sessions.IMAGE, certificates.anchors, sessions.PLANTED, sessions.with_loop)
        results += sessions.planted(made["sessions"], changed, pathlib.Path(folder, "planted"), meter)
    with open(BUILD / "firmware.json", "w", encoding="utf-8") as out:
        json.dump(made, out, indent=1)
        out.write("\n")
    return made, results


# ---- the tables ----

def written(number):
    return f"{number:,}"


def at(made, path):
    for key in path:
        made = made.get(key) if made else None
    return made


def target_table(made):
    rows = []
    for name, wanted, path in TARGETS:
        number = at(made, path)
        if number is not None:
            form = "{:,.1f}".format if isinstance(number, float) else written
            limit, verdict = sizing.verdict(number, wanted, form)
            rows.append([name, limit, written(number), verdict])
    return sizing.table(["figure", "at most", "measured", "verdict"], rows)


def sums_table(made, kind, columns):
    """A row an image, a column a module."""
    rows = []
    for name, parts in made[kind].items():
        rows.append([f"`{name}`", *[written(parts[part]) if parts.get(part) else "" for part in columns], written(parts["all"])])
    return sizing.table(["image", *columns, "all"], rows)


def instruction_table(made):
    columns = ["handshake", "resumed handshake", "message", "octet of body", "poll that finds nothing"]
    rows = [[f"`{name}`", *[written(run[key]) if key in run else "" for key in columns]] for name, run in made["instructions"].items()]
    return sizing.table(["run", "handshake", "resumed", f"message of {metered.BODY:,} octets", "an octet of it", "poll that finds nothing"], rows)


def module_table(made):
    rows, columns = [], [("handshake", "handshake by module"), ("body", "body by module")]
    runs = [("public", columns[0]), ("public", columns[1]), ("public, 512", columns[1])]
    for module in MODULES:
        numbers = [made["instructions"][run][key].get(module, 0) for run, (_, key) in runs]
        if any(numbers):
            rows.append([module, *map(written, numbers)])
    return sizing.table(["instructions in", *[f"{what}, `{run}`" for run, (what, _) in runs]], rows)


def stack_table(made):
    rows = [[f"`{name}`", *[written(run[phase]) for phase in STACK_PHASES], written(run["painted"])] for name, run in made["stack"].items()]
    return sizing.table(["run", *STACK_PHASES.values(), "painted, all"], rows)


def session_table(made):
    rows = [[name, *map(written, figures.values())] for name, figures in made["sessions"].items()]
    return sizing.table(["session", *sessions.FIGURES], rows)


def blocks(made):
    return {"firmware-targets": target_table(made),
            "firmware-flash": sums_table(made, "flash", MODULES), "firmware-ram": sums_table(made, "ram", RAM),
            "firmware-instructions": instruction_table(made), "firmware-modules": module_table(made), "firmware-stack": stack_table(made), "firmware-sessions": session_table(made)}


# ---- the page, the picture, the gate ----

def numbers_of(made, before=()):
    """{path: number} of all figures."""
    result = {}
    for key, value in made.items():
        if isinstance(value, dict):
            result.update(numbers_of(value, (*before, key)))
        elif isinstance(value, (int, float)):
            result[(*before, key)] = value
    return result


def committed():
    try:
        with open(JSON, encoding="utf-8") as text:
            return json.load(text)
    except FileNotFoundError:
        return {}


def compare(old, new):
    """Yields (rule, complaint or "") for each figure; those of a few octets or instructions may move."""
    was, now = ({path: number for path, number in numbers_of(made).items() if path[0] != "sessions"} for made in (old, new))
    for path in sorted(set(was) | set(now)):
        name = f"{JSON}: {', '.join(path)}"
        if path not in was or path not in now:
            yield name, f"is {'new' if path in now else 'gone'}: `make update-firmware` writes it"
        else:
            slack = IDLE_STACK if (path[0], path[-1]) == ("stack", "idle") else SLACK[path[0]] if path[-1] in PARTS else 0
            grew = now[path] - was[path] > max(GROWTH * was[path], slack)
            why = f"was {was[path]:,}, is {now[path]:,}, more than 2 % up: if that is right, `make update-firmware` writes it"
            yield name, why if grew else ""


def documents(made):
    """Yields (rule, complaint or "") of what is made from the committed JSON."""
    page = sizing.page_text()
    for name, lines in blocks(made).items():
        yield f"{sizing.PAGE}: {name}", "" if sizing.block_of(page, name) == lines else f"is not what {JSON} makes: make update-firmware"


def show():
    made, results = measure()
    for name, lines in blocks(made).items():
        print(name, *lines, "", sep="\n")
    print(*(f"{rule}: {why}" for rule, why in results if why), sep="\n")
    return 1 if any(why for _, why in results) else 0


def write():
    made, _ = measure()
    with open(JSON, "w", encoding="utf-8") as out:
        json.dump(made, out, indent=1)
        out.write("\n")
    pathlib.Path(SVG).write_text(picture.draw(), encoding="utf-8")
    wrong = sizing.put_blocks(blocks(made))
    print("\n".join(target_table(made)))
    print(f"{JSON}, {SVG} and the tables of {sizing.PAGE} written")
    return wrong


def check():
    results, skipped, old = [], [], committed()
    try:
        new, results = measure()
        if old.get("compiler") in (None, new["compiler"]):
            results += compare(old, new)
            results += sessions.compare(old.get("sessions", {}), new["sessions"])
        else:
            skipped.append((JSON, f"its figures are of another compiler than {new['compiler']}"))
    except image.Missing as why:
        skipped.append((f"{JSON}: its figures, made anew", str(why)))
    if old:
        results += documents(old)
    return sizing.report(results, skipped)


if __name__ == "__main__":
    sys.exit(sizing.main({"show": show, "write": write, "check": check}, __doc__))
