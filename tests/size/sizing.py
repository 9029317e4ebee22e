# SPDX-License-Identifier: MIT
"""The figures of docs/SIZING.md: what a build with TLS takes of flash and RAM, and how many instructions a handshake takes.

    sizing.py show             makes all figures and prints them
    sizing.py write            writes them into docs/SIZING.md, between its marks
    sizing.py check            the rules of size.py and calls.py, and that docs/SIZING.md is right about sizes, as TAP
    sizing.py check-counts     fetches mail over TLS on each core in QEMU, with every profile, and that docs/SIZING.md is right about
                               instructions and stack, as TAP

A figure is right if it is within 2 % of what is made anew; figures of single files and symbols also if they are within 100 octets. Where BearSSL's
source cannot be had, what needs it is skipped, and says so. Where the compiler is not that of the page, nothing is compared.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import calls  # noqa: E402
import chains  # noqa: E402
import image  # noqa: E402
import secrets_of  # noqa: E402
import size  # noqa: E402
from cores import CPUS, DETAILED, MAIN, MEASURED, SMALLER  # noqa: E402
from results import Results  # noqa: E402

PAGE = "docs/SIZING.md"
PROFILES = ["pinned", "ecdsa", "small", "public"]
KB = 1024
NORMAL = [cpu for cpu in MEASURED if cpu not in SMALLER.values()]
BUFFER = 541
PLAN = {"pinned": 82}  # the least, in octets: the others lend what the X.509 context had
CODE_TARGETS = {"pinned": 30 * KB, "small": 46 * KB, "public": 54 * KB}
RAM_TARGETS = {"pinned": 4736, "public": 7936}
HANDSHAKE_TARGETS = {("small", "p256", "tls"): 210_000_000, ("public", "p256", "tls"): 75_000_000, ("public", "p256", "resumed"): 700_000}
# What is fetched in QEMU: profile, chain, security, cipher. The first of a profile is what its targets mean.
RUNS = [
    ("pinned", "p256", "tls", "chacha"),
    ("pinned", "p256", "resumed", "chacha"),
    ("ecdsa", "p256", "tls", "chacha"),
    ("small", "p256", "tls", "chacha"),
    ("small", "p256", "stls", "gcm"),
    ("small", "rsa", "tls", "chacha"),
    ("small", "p384", "tls", "chacha"),
    ("public", "p256", "tls", "chacha"),
    ("public", "p256", "stls", "gcm"),
    ("public", "p256", "resumed", "chacha"),
    ("public", "rsa", "tls", "chacha"),
    ("public", "p384", "tls", "chacha"),
    ("small", "hostile", "tls", "chacha"),
    ("public", "hostile", "tls", "chacha"),
]
RUNS_MORE = [("pinned", "p256", "tls", "chacha"), ("public", "p256", "tls", "chacha"), ("public", "rsa", "tls", "chacha"),
             ("public", "p256", "resumed", "chacha")]
HOW = {"tls": "POP3S", "stls": "STLS", "resumed": "POP3S, resumed"}
CHAIN_NAMES = {"p256": "P-256 under P-256", "rsa": "RSA-2048 under RSA-2048 under RSA-4096", "p384": "P-256 under P-384 under P-384",
               "hostile": "hostile: P-384 under seven P-384 of one name"}
BODY = 1280 * 78  # octets of the message: whole lines
# What is fetched in QEMU for the stack of every call: chain, security, cipher. Painted is the deepest of all runs of a column.
PAINTED = {True: [("p256", "tls", "chacha"), ("p384", "tls", "chacha"), ("rsa", "stls", "gcm")], False: [("p256", "clear", "chacha")]}
PAINT_MARGIN = 64  # octets: count.c cannot tell less
# The blocks of the page, and how many columns name a row.
MECHS = ["plain", "login", "cram_md5", "scram_sha_1", "scram_sha_256", "scram_sha_1_plus", "scram_sha_256_plus", "xoauth2", "oauthbearer"]  # of SASL
BLOCKS = {"logins": 1, "steps": 2, "flash": 2, "clear": 1, "resumption": 1, "ram": 1, "parts": 1, "symbols": 2, "handshake": 4, "data": 3, "calls": 1, "secrets": 1}
SYMBOL_LEAST = 64  # octets: smaller ones are one row
LISTED = {"parts", "symbols"}  # tables of many small figures: a row may come and go, and a figure is right within 100 octets
SEMIHOST = ["--crt0=semihost", "--oslib=semihost"]


# ---- sizes ----

def code(made):
    return made.total("popcl", "BearSSL")


def whole(made):
    return sum(made.octets.values())


def on_each(names):
    """The heads of columns: the names for MAIN, then those for each other core."""
    return [name if cpu == MAIN else f"{name}, {cpu}" for cpu in DETAILED for name in names]


def images(folder):
    return {(profile, cpu): image.fetch_image(folder, profile, cpu) for cpu in MEASURED for profile in PROFILES}


def structs(folder, cpu):
    """sizeof popcl_fetch and of each profile's storage on a core."""
    types = ["struct popcl_fetch"] + [f"popcl_tls_{profile}_storage" for profile in PROFILES]
    return dict(zip(["popcl_fetch", *PROFILES], size.sizes_of(types, CPUS[cpu].gcc(), folder)))


def ram(octets, profile):
    return octets["popcl_fetch"] + octets[profile] + BUFFER + PLAN.get(profile, 0)


def grouped(number):
    return f"{number:,}"


def verdict(number, target, form=grouped):
    """Two cells: what is wanted, and by how much it is met or missed."""
    if target is None:
        return "", ""
    return form(target), f"met, {form(target - number)} below" if number <= target else f"missed by {form(number - target)}"


def table(head, rows):
    """Lines of a table of Markdown; columns of numbers to the right."""
    sides = ["---:" if all(re.match(r"((<= )?[\d,.]+)?$", row[n]) for row in rows) else "---" for n in range(len(head))]
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(sides) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def flash_table(made):
    rows = []
    for cpu in NORMAL:
        for profile in PROFILES:
            one = made[profile, cpu]
            octets = [one.total("popcl"), one.total("BearSSL"), code(one)]
            smallest = grouped(whole(made[profile, SMALLER[cpu]])) if cpu in SMALLER else ""
            rows.append([f"`{profile}`", cpu, *map(grouped, octets), *verdict(code(one), CODE_TARGETS.get(profile) if cpu == MAIN else None),
                         grouped(one.total("libc")), grouped(whole(one)), smallest])
    return table(["profile", "CPU", "popcl", "BearSSL", "code", "at most", "verdict", "C library", "whole image", "whole, smallest"], rows)


def clear_table(folder):
    """An image without TLS, and what of it gives odd UIDs their names: src/core/uid.c, and SHA-256, which nothing else there uses."""
    rows = []
    for cpu in NORMAL:
        made = image.fetch_image(folder, "pinned", cpu, ["-DCLEAR_ONLY", "-DSEEN=100"])
        names = made.octets.get(("popcl", "core/uid.c"), 0)
        rows.append([cpu, *map(grouped, [made.total("popcl"), made.total("BearSSL"), code(made), names + made.total("BearSSL")])])
    return table(["CPU", "popcl", "BearSSL", "code", "of it for UIDs that break the rules"], rows)


def resumption_table(folder, made):
    """What it costs to keep sessions."""
    rows = []
    for profile in PROFILES:
        octets = []
        for cpu in DETAILED:
            without, full = whole(made[profile, cpu]), whole(image.fetch_image(folder, profile, cpu, ["-DRESUME=1"]))
            octets += [without, full, full - without]
        rows.append([f"`{profile}`", *map(grouped, octets)])
    return table(["profile", *on_each(["whole image", "with resumption", "more"])], rows)


def ram_table(octets):
    """octets: {cpu: structs()}."""
    rows = []
    for profile in PROFILES:
        total, others = ram(octets[MAIN], profile), [ram(octets[cpu], profile) for cpu in DETAILED if cpu != MAIN]
        parts = [octets[MAIN]["popcl_fetch"], octets[MAIN][profile], BUFFER, PLAN.get(profile, 0), total]
        rows.append([f"`{profile}`", *map(grouped, parts), *verdict(total, RAM_TARGETS.get(profile)), *map(grouped, others)])
    beside = on_each(["bytes"])[1:]
    return table(["profile", "sizeof(popcl_fetch)", "storage", "record buffer", "plan", "bytes", "at most", "verdict", *beside], rows)


def parts_table(made):
    """Octets of each file in each profile's image."""
    of = [made[profile, cpu].octets for cpu in DETAILED for profile in PROFILES]
    keys = {key for octets in of for key in octets if key[0] in ("popcl", "BearSSL")}
    rows = []
    for key in sorted(keys, key=lambda key: (key[0] == "BearSSL", -max(octets.get(key, 0) for octets in of), key[1])):
        name = key[1] if key[0] == "BearSSL" else "popcl: " + key[1]
        rows.append([name, *[grouped(octets[key]) if key in octets else "" for octets in of]])
    return table(["file", *on_each([f"`{profile}`" for profile in PROFILES])], rows)


def symbols_table(made):
    """Octets of each function and constant in the images for the Cortex-M3 of the profiles that miss their target for chains."""
    profiles = ["small", "public"]
    of = [made[profile, MAIN].pieces for profile in profiles]
    keys = {key for octets in of for key in octets if key[0] in ("popcl", "BearSSL")}
    most = {key: max(octets.get(key, 0) for octets in of) for key in keys}
    rows, few = [], [key for key in keys if most[key] < SYMBOL_LEAST]
    for key in sorted(keys - set(few), key=lambda key: (-most[key], key)):
        rows.append([f"`{key[2]}`", key[1] if key[0] == "BearSSL" else "popcl: " + key[1], *[grouped(octets[key]) if key in octets else "" for octets in of]])
    for whose in ("popcl", "BearSSL"):
        theirs = [key for key in few if key[0] == whose]
        rows.append([f"{len(theirs)} below {SYMBOL_LEAST} bytes", whose, *[grouped(sum(octets.get(key, 0) for key in theirs)) for octets in of]])
    for whose in ("popcl", "BearSSL"):
        rows.append(["sum", whose, *[grouped(made[profile, MAIN].total(whose)) for profile in profiles]])
    rows.append(["sum", "both", *[grouped(code(made[profile, MAIN])) for profile in profiles]])
    rows.append(["above the target", "both", *[grouped(code(made[profile, MAIN]) - CODE_TARGETS[profile]) for profile in profiles]])
    return table(["symbol", "file", *[f"`{profile}`" for profile in profiles]], rows)


def logins_table(folder, made):
    """What each mechanism of SASL adds to an image that has USER/PASS."""
    clear = {cpu: image.fetch_image(folder, "pinned", cpu, ["-DCLEAR_ONLY", "-DSEEN=100"]) for cpu in DETAILED}
    rows = []
    for mech in MECHS:
        needs_tls, cells_of = mech.endswith("plus") or mech in ("xoauth2", "oauthbearer"), []
        for cpu in DETAILED:
            for without, flags in ((clear[cpu], ["-DCLEAR_ONLY", "-DSEEN=100"]), (made["pinned", cpu], [])):
                full = None if flags and needs_tls else image.fetch_image(folder, "pinned", cpu, [*flags, f"-DMECHS=&popcl_mech_{mech},"])
                cells_of.append(grouped(whole(full) - whole(without)) if full else "")
        rows.append([mech.replace("_", "-").upper(), *cells_of])
    return table(["mechanism", *on_each(["in clear text", "in `pinned`"])], rows)


# ---- instructions ----

def steps_table(folder):
    """The instructions of each login by SASL, as tests/size/login.c counts them."""
    rows = []
    for cpu in NORMAL:
        program = image.link(folder, re.sub(r"\W", "", f"login{cpu}"), ["tests/size/login.c"], cpu, link_flags=SEMIHOST)
        done = subprocess.run([*program.core.emulator, "-semihosting-config", "enable=on,target=native", "-kernel", program.path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, program.path, done.stdout)
        for name, plan, total, longest, stack in re.findall(r"^(\S+) (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.M):
            rows.append([name, cpu, grouped(int(plan)), grouped(round(int(total) / 1000)), grouped(round(int(longest) / 1000)), grouped(int(stack))])
    return table(["mechanism", "CPU", "least plan", "thousand instructions", "longest step, thousand", "stack"], rows)


def counting_image(folder, chain_file, profile, cpu):
    return image.link(folder, re.sub(r"\W", "", f"count{profile}{cpu}"), ["tests/size/count.c", "tests/size/peer.c", chain_file], cpu,
                      ["-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0"], [f"-DPROFILE={profile}", "-Itests/size"], SEMIHOST)


def fetch(program, words, more=()):
    """Runs count.c in QEMU; returns ({name: number}, why it failed or "")."""
    arguments = ",".join(f"arg={word}" for word in ["count", *words, str(BODY), *more])
    try:
        done = subprocess.run([*program.core.emulator, "-semihosting-config", f"enable=on,target=native,{arguments}", "-kernel", program.path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    except FileNotFoundError:
        raise image.Missing(f"{program.core.emulator[0]} is not installed: make deps") from None
    except subprocess.TimeoutExpired:
        return {}, "hangs, ended"
    figures = {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", done.stdout, re.M)}
    return figures, f"exit status {done.returncode}: {done.stdout}" if done.returncode else ""


def counts(folder, chain_file):
    """[(profile, chain, security, cipher, cpu, figures, why)] of all runs."""
    programs, result = {}, []
    for cpu in MEASURED:
        for profile, *words in RUNS if cpu in DETAILED else RUNS_MORE:
            if (profile, cpu) not in programs:
                programs[profile, cpu] = counting_image(folder, chain_file, profile, cpu)
            result.append((profile, *words, cpu, *fetch(programs[profile, cpu], words)))
    return result


def millions(number):
    return f"{number / 1e6:.{1 if number >= 1e7 else 2}f}"


def count_table(made):
    rows = []
    for profile, chain, security, cipher, cpu, figures, why in made:
        if why:
            print(f"{profile} {chain} {security} {cipher}, {cpu}: {why}", file=sys.stderr)
            continue
        target = HANDSHAKE_TARGETS.get((profile, chain, security)) if cpu == MAIN else None
        rows.append([f"`{profile}`", cpu, CHAIN_NAMES[chain], HOW[security], millions(figures["handshake"]),
                     *verdict(figures["handshake"], target, millions), millions(figures["handshake_longest"]), grouped(figures["handshake_stack"])])
    return table(["profile", "CPU", "chain", "how", "million instructions", "at most", "verdict", "longest step", "stack"], rows)


def data_table(made):
    rows, seen = [], set()
    for profile, _, _, cipher, cpu, figures, why in made:
        if not why and (profile, cipher, cpu) not in seen:
            seen.add((profile, cipher, cpu))
            rows.append([f"`{profile}`", cpu, {"chacha": "ChaCha20-Poly1305", "gcm": "AES-128-GCM"}[cipher], f"{figures['per_100_octets'] / 100:.1f}",
                         f"{figures['session_longest'] / 1000:.0f}", grouped(figures["session_stack"])])
    return table(["profile", "CPU", "cipher", "instructions an octet", "longest call, thousand", "stack"], rows)


# ---- the stack of every call ----

def painted(program, cpu, runs):
    """({call: the deepest stack of all runs}, [(what, why it failed or "")])."""
    deepest, results = {}, []
    for words in runs:
        figures, why = fetch(program, words, ["calls"])
        results.append((f"every call in QEMU: {' '.join(words)}, {cpu}", why))
        for name, octets in figures.items():
            deepest[name] = max(octets, deepest.get(name, 0))
    return deepest, results


def painted_cell(octets):
    return "" if not octets else f"<= {PAINT_MARGIN}" if octets <= PAINT_MARGIN else grouped(octets)


def calls_table(graphs, paints):
    """Calls with more than the least that is painted; the others are one row. Both arguments: {(cpu, with TLS): {call: ...}}."""
    rows, few = [], []
    for _, name in calls.public_calls():
        octets = {where: graph[name][0] for where, graph in graphs.items()}
        (rows if max(octets.values()) > PAINT_MARGIN else few).append(
            [f"`{name}`", *[cell for where in graphs for cell in (grouped(octets[where]), painted_cell(paints[where].get(name)))]])
    heads = on_each(["`public`: by call graph", "painted", "clear text: by call graph", "painted"])
    return table(["call", *heads], [*rows, [f"each of the other {len(few)}", *[f"<= {PAINT_MARGIN}" for _ in heads]]])


def chain_lines(graphs):
    """The deepest chains, a line a function."""
    lines = ["```"]
    for (cpu, tls), graph in graphs.items():
        octets, chain = max(depth for name, depth in graph.items() if name.startswith("popcl_recv_ack"))
        lines += [f"popcl_recv_ack {'with `public`' if tls else 'in clear text'} on {cpu}: {grouped(octets)}"]
        lines += [f"  {step}" for step in chain]
    return lines + ["```"]


def calls_blocks(folder, chain_file):
    graphs, paints, results = {}, {}, []
    for cpu in DETAILED:
        graph, program = calls.Whole(folder, "public", cpu), counting_image(folder, chain_file, "public", cpu)
        for tls, runs in PAINTED.items():
            graphs[cpu, tls] = calls.depths(graph, tls)[0]
            paints[cpu, tls], part = painted(program, cpu, runs)
            results += part
    for (cpu, tls), graph in graphs.items():
        results += [(f"{cpu}: {name} goes no deeper than its calls, {'with TLS' if tls else 'in clear text'}",
                     f"painted {paints[cpu, tls][name]}, by call graph {octets}" if paints[cpu, tls].get(name, 0) > max(octets, PAINT_MARGIN) else "")
                    for name, (octets, _) in graph.items()]
    return {"calls": calls_table(graphs, paints), "chains": chain_lines(graphs)}, results


# ---- what an image must not have ----

def image_rules(made):
    """Yields (rule, complaint or "") for each image."""
    for (profile, cpu), one in made.items():
        dragged = sorted(name for name in one.symbols() if re.match(r"br_\w*(_default|_init_full\w*)$", name))
        yield f"{profile}, {cpu}: links only what it names", f"has {', '.join(dragged)}" if dragged else ""
        profiles = {name for name in one.symbols() if re.match(r"popcl_tls_(public|small|ecdsa|pinned|host)$", name)}
        other = sorted(profiles - {f"popcl_tls_{profile}"})
        yield f"{profile}, {cpu}: no other profile", f"has {', '.join(other)}" if other else ""
        if cpu in DETAILED:
            yield f"{profile}, {cpu}: instructions of uneven time are found", "" if secrets_of.uneven(one) else "none, and reply.c has some"
            yield from secrets_of.results(f"{profile}, {cpu}", one)


# ---- the page ----

def heading():
    return [f"- {cpu}: `{CPUS[cpu].version()}`, `{' '.join(CPUS[cpu].flags + image.OPTIMIZED)}`" for cpu in DETAILED]


def secrets_table(made):
    rows = secrets_of.table_rows({profile: made[profile, MAIN] for profile in PROFILES})
    return table(["object", "secrets", "in"], rows)


def size_blocks(folder):
    made = images(folder)
    return {"flash": flash_table(made), "clear": clear_table(folder), "resumption": resumption_table(folder, made), "logins": logins_table(folder, made),
            "ram": ram_table({cpu: structs(folder, cpu) for cpu in DETAILED}), "parts": parts_table(made), "symbols": symbols_table(made),
            "secrets": secrets_table(made)}, made


def count_blocks(folder):
    chain_file = os.path.join(folder, "chains.c")
    chains.write(chain_file)
    made = counts(folder, chain_file)
    blocks, results = calls_blocks(folder, chain_file)
    results += [(f"fetches in QEMU: {' '.join(run[:5])}", run[6]) for run in made]
    return {"handshake": count_table(made), "data": data_table(made), "steps": steps_table(folder), **blocks}, results


def marked(name, lines):
    return f"<!-- figures: {name} -->\n" + "\n".join(lines) + "\n<!-- end -->"


def block_of(page, name):
    found = re.search(rf"<!-- figures: {name} -->\n(.*?)\n<!-- end -->", page, re.S)
    return found.group(1).splitlines() if found else []


def cells(line):
    return tuple(cell.strip() for cell in line.strip("|").split("|"))


def differs(old, new, octets):
    """Whether a cell of the page is not true any more: its number is off, or its words are others."""
    if re.match(r"(met|missed)\b", new):
        return old[:3] != new[:3]
    if re.match(r"[\d,.]+$", new) and re.match(r"[\d,.]+$", old):
        was, now = float(old.replace(",", "")), float(new.replace(",", ""))
        return abs(was - now) > max(0.02 * now, octets)
    return old != new


def compare(page, blocks):
    """Yields (rule, complaint or "") for each row of the blocks."""
    for name, lines in blocks.items():
        octets = 100 if name in LISTED else 0
        was = {row[:BLOCKS[name]]: row for row in map(cells, block_of(page, name))}
        for row in map(cells, lines):
            key = row[:BLOCKS[name]]
            if not key[0].strip("-:"):
                continue  # the line below the head
            old = was.get(key)
            if old is None and name in LISTED:
                continue  # a file or a function that was split is no wrong figure
            why = ["there is no such row"] if old is None else [f"{a or 'nothing'} is now {b}" for a, b in zip(old, row) if differs(a, b, octets)]
            yield f"{PAGE}: {name}: {' '.join(key)}", "; ".join(why) + ": make update-figures" if why else ""


def compare_chain(page, lines):
    """(rule, complaint or "") for the functions of the deepest chains. Their stacks are in the tables."""
    was, now = ([re.sub(r": [\d,]+$", "", line) for line in some] for some in (block_of(page, "chains"), lines))
    return f"{PAGE}: the deepest chains", "" if was == now else f"it is now\n{chr(10).join(lines)}\nmake update-figures"


def page_text():
    with open(PAGE, encoding="utf-8") as text:
        return text.read()


def write():
    with tempfile.TemporaryDirectory() as folder:
        blocks = {"compiler": heading(), **size_blocks(folder)[0], **count_blocks(folder)[0]}
    return put_blocks(blocks)


def put_blocks(blocks):
    """Writes tables into the page, between their marks; 1 if one has no place."""
    page = page_text()
    for name, lines in blocks.items():
        page, found = re.subn(rf"<!-- figures: {name} -->\n.*?<!-- end -->", lambda _, name=name, lines=lines: marked(name, lines), page, flags=re.S)
        if not found:
            print(f"{PAGE} has no place for {name}", file=sys.stderr)
            return 1
    with open(PAGE, "w", encoding="utf-8") as text:
        text.write(page)
    print(f"{PAGE} written")
    return 0


def show():
    with tempfile.TemporaryDirectory() as folder:
        for blocks in (size_blocks(folder)[0], count_blocks(folder)[0]):
            for lines in blocks.values():
                print("\n".join(lines) + "\n")
    return 0


# ---- the checks ----

def same_compiler():
    return heading() == block_of(page_text(), "compiler")


def report(pairs, skipped):
    """Prints results, (rule, complaint or ""), and what was skipped, (what, why), as TAP; returns the exit status."""
    results = Results()
    results.add_all(pairs)
    for what, why in skipped:
        results.add(what, skip=why)
    return results.end()


def check():
    import calculator  # which imports this file  # pylint: disable=import-outside-toplevel
    results, skipped = size.check_results(), []
    with tempfile.TemporaryDirectory() as folder:
        try:
            blocks, made = size_blocks(folder)
            results += image_rules(made)
            for cpu in DETAILED:
                results += [(f"{cpu}: {rule}", why) for rule, why in calls.results(calls.Whole(folder, "public", cpu))]
            if same_compiler():
                results += [*compare(page_text(), blocks), *calculator.stale(folder, made)]
            else:
                skipped.append((PAGE, f"its figures are of other compilers than {' and '.join(heading())}"))
        except image.Missing as why:
            skipped.append((f"{PAGE}: figures with TLS", str(why)))
    return report(results, skipped)


def check_counts():
    results, skipped = [], []
    with tempfile.TemporaryDirectory() as folder:
        try:
            blocks, made = count_blocks(folder)
            results += made
            chain = blocks.pop("chains")  # words, not figures
            if same_compiler():
                results += compare(page_text(), blocks)
                results.append(compare_chain(page_text(), chain))
            else:
                skipped.append((PAGE, f"its figures are of other compilers than {' and '.join(heading())}"))
        except image.Missing as why:
            skipped.append((f"{PAGE}: figures with TLS", str(why)))
    return report(results, skipped)


def main(actions, usage):
    """What a program of figures does with its one word: also tests/firmware/figures.py."""
    os.chdir(size.ROOT)
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        print(usage, file=sys.stderr)
        return 2
    try:
        return actions[sys.argv[1]]()
    except image.Missing as why:
        print(why, file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))} failed:\n{error.output}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main({"show": show, "write": write, "check": check, "check-counts": check_counts}, __doc__))
