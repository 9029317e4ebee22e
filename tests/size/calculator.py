# SPDX-License-Identifier: MIT
"""What a choice of popcl's parts costs: docs/size.json, and docs/size.html, the page that computes it for its reader.

    calculator.py write    links and measures, and writes both
    calculator.py page     writes both anew without a compiler: what is measured comes from docs/size.json

A part is linked only if a program names it, with all that the part reaches. So an image of two parts is the union of the images of both, and the
pieces of all images, each with the parts that reach it, give the size of every combination. Pieces that the same parts reach are one row of
docs/size.json. Each part is linked once, and the sum of its rows has to be what was linked.
"""
import concurrent.futures
import json
import os
import re
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import image  # noqa: E402
import prose  # noqa: E402
import size  # noqa: E402
import sizing  # noqa: E402
from cores import CPUS, DETAILED  # noqa: E402

FIGURES, PAGE, TEMPLATE = "docs/size.json", "docs/size.html", "tests/size/calculator.html"
# Of login: the name of the mechanism, that of its least plan, and who has to give TLS: nobody, popcl or the transport, the transport alone.
MECHS = {
    "plain": ("PLAIN", "SASL", "nobody"),
    "login": ("LOGIN", "SASL", "nobody"),
    "cram_md5": ("CRAM-MD5", "CRAM", "nobody"),
    "scram_sha_1": ("SCRAM-SHA-1", "SCRAM", "nobody"),
    "scram_sha_256": ("SCRAM-SHA-256", "SCRAM", "nobody"),
    "scram_sha_1_plus": ("SCRAM-SHA-1-PLUS", "SCRAM_PLUS", "anybody"),
    "scram_sha_256_plus": ("SCRAM-SHA-256-PLUS", "SCRAM_PLUS", "anybody"),
    "xoauth2": ("XOAUTH2", "SASL", "anybody"),
    "oauthbearer": ("OAUTHBEARER", "SASL", "anybody"),
    "external": ("EXTERNAL", "SASL", "transport"),
}
TEXTS = ["name", "what", "cause", "advice"]
CLEAR = ["-DCLEAR_ONLY"]
# The parts by their names in the page, and the macros of fetch.c that name them. Resumption is measured beside each profile.
PARTS = {**{profile: [] for profile in sizing.PROFILES}, "resume": ["-DRESUME=1"], "seen": [*CLEAR, "-DSEEN=1"],
         **{mech: [*CLEAR, f"-DMECHS=&popcl_mech_{mech},"] for mech in MECHS}, **{text: [*CLEAR, f"-D{text.upper()}"] for text in TEXTS}}
APOP = {"without": ("-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0"), "with": ("-DPOPCL_WITH_APOP=1", "-DPOPCL_WITH_UTF8=0")}
UTF8 = ("-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=1")
OWNERS = ("popcl", "BearSSL", "libc")
FRAGMENTS = (512, 1024, 2048, 4096, 16384)  # of POPCL_IOBUF_SIZE
SESSION = [f"`popcl_{call}`" for call in ("connected", "send_ack", "recv_ack", "tick", "resume", "fetch_start")]  # the calls of every job
# Bytes by which a sum may differ from what was linked. Padding depends on the neighbours of a piece, and on RV32 the linker makes calls shorter that
# do not go far.
OFF = 160


def cores():
    """Names of the cores whose images have a file for each octet, which -flto does not leave."""
    return [name for name, core in CPUS.items() if "-flto" not in core.flags]


# ---- flash ----

def pieces(made):
    return {piece: octets for piece, octets in made.pieces.items() if piece[0] in OWNERS}


def runs():
    """(part, profile, macros) of every image with a part."""
    for part, more in PARTS.items():
        profiles = sizing.PROFILES if part == "resume" else [part] if part in sizing.PROFILES else sizing.PROFILES[:1]
        yield from ((part, profile, more) for profile in profiles)


def measured(folder, core, settings):
    """The pieces of the image without a part, and [(part, profile, pieces)] of those with one."""
    def one(profile, more):
        return pieces(image.fetch_image(folder, profile, core, more, settings))

    base = one(sizing.PROFILES[0], CLEAR)  # alone, since it compiles the library
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        work = [(part, profile, pool.submit(one, profile, more)) for part, profile, more in runs()]
        return base, [(part, profile, done.result()) for part, profile, done in work]


def rows(base, made):
    """[[bits of the parts that reach the pieces, octets of popcl, of BearSSL, of the C library]]; without bits: those that are always linked."""
    reach, octets = {}, {piece: [count] for piece, count in base.items()}
    for part in PARTS:
        images = [image for name, _, image in made if name == part]
        reach[part] = set.intersection(*map(set, images)) - set(base)
        for one in images:
            for piece, count in one.items():
                octets.setdefault(piece, []).append(count)
    sums = {}
    for piece, counts in octets.items():
        bits = sum(1 << place for place, part in enumerate(PARTS) if piece in reach[part])
        sums.setdefault(bits, [0, 0, 0])[OWNERS.index(piece[0])] += statistics.mean(counts)
    return [[bits, *map(round, counts)] for bits, counts in sorted(sums.items())]


def total(table, parts):
    """What the page computes: octets of popcl, BearSSL and the C library, with these parts."""
    bits = sum(1 << place for place, part in enumerate(PARTS) if part in parts)
    return sum(sum(counts) for reached, *counts in table if not reached or reached & bits)


def flash(folder, core):
    """The rows without and with APOP, and what UTF8 and LANG add to an image."""
    made = {}
    for apop, settings in APOP.items():
        base, images = measured(folder, core, settings)
        made[apop] = rows(base, images)
        for part, profile, one in [("", "", base), *images]:
            found, computed = sum(one.values()), total(made[apop], {part, profile} if part in (*sizing.PROFILES, "resume") else {part})
            if abs(found - computed) > OFF:
                raise ValueError(f"{core}, {part} {profile}: {found} octets are linked, and the sum of the rows is {computed}")
    utf8 = pieces(image.fetch_image(folder, sizing.PROFILES[0], core, CLEAR, UTF8))
    return {**made, "utf8": sum(utf8.values()) - total(made["without"], [])}


# ---- RAM and stack ----

def structs(folder, core):
    """Bytes of the objects that a session needs."""
    names = ["popcl_fetch", "popcl_flight", "popcl_resumable", "popcl_seen", "popcl_anchor", "popcl_trust"]
    types = [f"struct {name}" for name in names] + [f"popcl_tls_{profile}_storage" for profile in sizing.PROFILES]
    octets = size.sizes_of([*types, size.LENT], CPUS[core].gcc(), folder)
    return dict(zip([*names, *sizing.PROFILES, "lent"], octets))


def number(cell):
    return int(prose.number(cell))


def block(name):
    """The rows of a table of docs/SIZING.md, without its head."""
    return list(map(sizing.cells, sizing.block_of(prose.text(sizing.PAGE), name)[2:]))


def stacks():
    """{core: {what was painted: [octets, its words]}}, from docs/SIZING.md. Of a profile it is the deepest of all its runs."""
    painted = {}
    for profile, core, chain, how, *_, octets in block("handshake"):
        painted.setdefault(core, {}).setdefault(profile.strip("`"), []).append([number(octets), f"a handshake, {how}, {chain}"])
    for mech, core, *_, octets in block("steps"):
        painted.setdefault(core, {}).setdefault(mech, []).append([number(octets), f"the steps of {mech}"])
    for place, core in enumerate(DETAILED, 1):  # four columns a core, and the last has what was painted in clear text
        cells = {row[0].strip("`"): row[4 * place] for row in block("calls") if row[0] in SESSION and len(row) > 4 * place}
        if any(cells.values()):
            painted[core]["clear"] = [[number(cell), f"{call} in clear text"] for call, cell in cells.items() if cell]
    return {core: {what: max(found) for what, found in of.items()} for core, of in painted.items() if core in cores()}


def rest():
    """Bytes of flash and RAM that examples/firmware takes with lwIP beside popcl's part, from docs/firmware.json."""
    made = json.loads(prose.text("docs/firmware.json"))
    code = {name: octets for name, octets in made["flash"]["public"].items() if name in ("firmware", "driver", "port", "lwIP")}
    room = made["ram"]["public"]
    return {"flash": sum(code.values()), "ram": room["all"] - sum(room[name] for name in ("stack", "record buffer", "TLS storage", "job"))}


def suites():
    """{profile: the names of its cipher suites, in its order}, from src/tls."""
    def source(name):
        return prose.text(f"src/tls/{name}.c")

    lists = {name: [suite.replace("_", "-") for suite in re.findall(r"BR_TLS_(\w+)", body)]
             for name, body in re.findall(r"(popcl_tls_suites_\w+)\[\] = \{(.*?)\};", source("profile"), re.S)}
    return {profile: lists[re.search(r"\.suites = (\w+),", source("profile_" + profile))[1]] for profile in sizing.PROFILES}


# ---- the two files ----

def path(name):
    return os.path.join(size.ROOT, name)


def read(measured_parts):
    """docs/size.json: what was measured, and what the page needs of other files."""
    linked = set(re.findall(r"&popcl_mech_(\w+),", prose.text("src/auth/mechs_all.c"))) - {"user", "apop"}
    if linked != set(MECHS):
        raise ValueError(f"src/auth/mechs_all.c and MECHS of tests/size/calculator.py differ: {', '.join(linked ^ set(MECHS))}")
    return {
        **{name: measured_parts[name] for name in ("compilers", "flags")},
        "parts": list(PARTS),
        "suites": suites(),
        "mechs": [{"part": part, "name": name, "plan": prose.macro("POPCL_PLAN_MIN_" + plan), "tls": tls} for part, (name, plan, tls) in MECHS.items()],
        "apop_plan": prose.macro("POPCL_PLAN_MIN_APOP"),
        "buffers": [prose.macro("POPCL_IOBUF_MIN"), *[prose.macro("POPCL_IOBUF_SIZE", octets) for octets in FRAGMENTS], prose.macro("POPCL_IOBUF_DUPLEX")],
        "fragments": list(FRAGMENTS),
        "entry": prose.macro("POPCL_PLAN_ENTRY", 0),
        "uid": prose.macro("POPCL_UID_MAX"),
        "pin": prose.macro("POPCL_PIN_LEN"),
        "seen": prose.macro("POPCL_SEEN_ENTRY"),
        "rest": rest(),
        "stack": stacks(),
        **{name: measured_parts[name] for name in ("structs", "flash")},
    }


def figures(folder):
    """What takes a compiler."""
    return {"compilers": {core: CPUS[core].version() for core in cores()}, "flags": " ".join(image.OPTIMIZED),
            "structs": {core: structs(folder, core) for core in cores()}, "flash": {core: flash(folder, core) for core in cores()}}


def committed():
    return json.loads(prose.text(FIGURES))


def files(measured_parts):
    """{path: the text that docs/size.json and docs/size.html have to have}."""
    made = read(measured_parts)
    text = json.dumps(made, indent=1, ensure_ascii=False)  # with a line for each row of numbers
    text = re.sub(r"\[[\d\s,]*\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text) + "\n"
    inside = json.dumps(made, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    inside = re.sub(r"(?<=[\]}]),", ",\n", inside)  # lines of a length that people, and lintian, take for source
    return {path(FIGURES): text, path(PAGE): prose.text(TEMPLATE).replace("{/* docs/size.json */}", inside)}


def stale(folder, made):
    """(rule, complaint or "") of docs/size.json against images of sizing.py, which have a profile alone."""
    old = committed()
    for (profile, core), one in made.items():
        if core in old["flash"]:
            found, shown = sum(pieces(one).values()), total(old["flash"][core]["without"], {profile})
            yield f"{FIGURES}: flash, {profile}, {core}", f"{shown} is now {found}: make update-figures" if abs(found - shown) > 0.02 * found else ""
    for core in sorted({core for _, core in made} & set(old["structs"])):
        changed = [f"{name} {old['structs'][core].get(name)} is now {octets}" for name, octets in structs(folder, core).items() if old["structs"][core].get(name) != octets]
        yield f"{FIGURES}: RAM, {core}", "; ".join(changed) + ": make update-figures" if changed else ""


def put(measured_parts):
    for name, text in files(measured_parts).items():
        with open(name, "w", encoding="utf-8") as out:
            out.write(text)
        print(f"{os.path.relpath(name, size.ROOT)} written")
    return 0


def write():
    with tempfile.TemporaryDirectory() as folder:
        return put(figures(folder))


def write_page():
    return put(committed())


if __name__ == "__main__":
    sys.exit(sizing.main({"write": write, "page": write_page}, __doc__))
