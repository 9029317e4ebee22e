# SPDX-License-Identifier: MIT
"""Figures and defaults that stand in sentences, each with its source: a macro of a header, a table of docs/SIZING.md or docs/structs.txt, the
table of errors, the tests. docs.py compares them, and writes them anew with --write. A sentence that is not found any more is an error too.

    PROSE: (file, pattern, value)   each group of the pattern must read as the value says: a text, or a tuple of them
    CHAINS: (file, pattern)         its group is the number of certificate chains, which tests/x509check/run.py alone knows
"""
import functools
import pathlib
import re
import sys
import unittest

import features

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
MS_A_DAY, MS_A_MINUTE = 86_400_000, 60_000


@functools.lru_cache(maxsize=None)
def text(name):
    return (ROOT / name).read_text()


# ---- sources ----

def macro(name, *arguments, file=None):
    """The number that a macro stands for; other macros in it count too."""
    headers = [file] if file else [str(path.relative_to(ROOT)) for path in sorted((ROOT / "include").glob("*.h"))]
    for header in headers:
        found = re.search(rf"^\s*#define {name}(?:\(([^)]*)\))?\s+((?:[^\n]*\\\n)*[^\n]*)", text(header), re.M)
        if found:
            break
    else:
        raise KeyError(name)
    body = re.sub(r"/\*.*?(?:\*/|$)", "", found[2].replace("\\\n", " "), flags=re.S)
    body = re.sub(r"\+\s*0u \* sizeof\(char\[.*\]\)", "", body)  # what only refuses a wrong argument
    for parameter, argument in zip((found[1] or "").replace(" ", "").split(","), arguments):
        body = re.sub(rf"\b{parameter}\b", str(argument), body)
    body = re.sub(r"\b([A-Z]\w+)\b", lambda other: str(macro(other[1], file=file)), body)
    return eval(re.sub(r"\b(\d+)u\b", r"\1", body).replace("/", "//"), {"__builtins__": {}})  # pylint: disable=eval-used


def members(header, struct):
    """The names of the functions in a struct of them."""
    body = re.search(rf"typedef struct {struct} {{(.*?)^}}", text(header), re.S | re.M)[1]
    return re.findall(r"\(\*(\w+)\)\(", re.sub(r"/\*.*?\*/", "", body, flags=re.S))


def literal(file, pattern):
    """A number in a source: the group of the pattern."""
    return int(re.search(pattern, text(file), re.M)[1])


def cases(modules):
    """The number of tests in modules of tests/interop; each row of a table is one."""
    sys.path.insert(0, str(ROOT / "tests/interop"))
    loader = unittest.TestLoader()
    count = loader.loadTestsFromNames(modules).countTestCases()
    if loader.errors:
        raise ImportError(loader.errors[0])
    return count


def kills():
    """How often the command is killed at random, if no run ends before its kill."""
    source = text("tests/interop/test_dovecot.py")
    options, each = re.search(r"def test_killed_at_any_moment.*?for options in \(([^\n]*)\):\n.*?in range\((\d+)\):", source, re.S).groups()
    by_time = re.search(r"def test_killed_at_random_times.*?in range\((\d+)\):", source, re.S)[1]
    return len(re.findall(r"\(", options)) * int(each) + int(by_time) + literal("tests/interop/test_record.py", r'"POPCL_KILLS", "(\d+)"')


def trials():
    """Random sessions, transcripts, and cases of odd or hostile servers: what README counts."""
    transcripts = sum(len(re.findall(r"^# ", path.read_text(), re.M)) for path in (ROOT / "tests/transcripts").glob("*.txt"))
    sessions = literal("tests/sim/test_random.c", r"^static uint64_t .*sessions = (\d+);")
    return tuple(f"{count:,}" for count in (sessions, transcripts, cases(["test_hostile", "test_stls"])))


def speed():
    """What `make bench` wants, in parts of curl's processor time: in clear text, over TLS."""
    return re.search(r"^WANTED, WANTED_TLS = ([\d.]+), ([\d.]+)", text("tests/bench/bench.py"), re.M).groups()


def sizeof(name):
    """On a Cortex-M3."""
    return int(re.search(rf"^{name} +(\d+)", text("docs/structs.txt"), re.M)[1])


def lent():
    """Bytes of the X.509 context that a plan may have after the handshake, on a Cortex-M3."""
    return int(re.search(r"^ *(\d+)  of popcl_guard for a plan", text("docs/structs.txt"), re.M)[1])


def rows(figures, begin="| `"):
    """The rows of a table that `make update-figures` writes into docs/SIZING.md, as lists of texts: those that begin so."""
    table = re.search(rf"<!-- figures: {figures} -->\n(.*?)<!-- end -->", text("docs/SIZING.md"), re.S)[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith(begin) or "Cortex" in line]


def number(cell):
    return float(re.sub(r"[^\d.]", "", cell))


def column(figures, name, place):
    return [number(row[place]) for row in rows(figures) if row[0] == f"`{name}`" and re.search(r"\d", row[place])]


def kb(octets):
    return f"{octets / 1024:.1f}"


def on_m3(profile):
    return [row for row in rows("handshake") if row[0] == f"`{profile}`" and row[1] == "Cortex-M3"]


def costs(profile):
    """RAM, painted stack, code, instructions: what README shows of a profile."""
    millions = next(number(row[4]) for row in on_m3(profile) if row[2:4] == ["P-256 under P-256", "POP3S"])
    return (kb(column("ram", profile, 5)[0]), kb(max(number(row[8]) for row in on_m3(profile))), f"{column('flash', profile, 4)[0] / 1024:.0f}",
            f"{millions:.0f}")


def firmware(name):
    """Flash of an image by module: popcl's core, auth and tls, BearSSL, lwIP, port, driver, firmware, anchors, C library, all."""
    return [int(number(cell)) for cell in next(row for row in rows("firmware-flash") if row[0] == f"`{name}`")[1:]]


def firmware_others():
    """lwIP, and BearSSL with each of two profiles."""
    return kb(firmware("small")[4]), kb(firmware("small")[3]), kb(firmware("public")[3])


def firmware_left():
    """The targets of flash without lwIP and BearSSL, from the least."""
    targets = {profile: number(next(row[1] for row in rows("firmware-targets", "| flash") if row[0] == f"flash, IPv4, DHCP, DNS, `{profile}`"))
               for profile in ("public", "small")}
    return tuple(kb(target - sum(firmware(profile)[3:5])) for profile, target in targets.items())


def calls(place):
    """The deepest stack of a job's calls, by a column of the table of calls."""
    others = re.compile("`popcl_(run|seen_|resume_)")
    return max(number(row[place]) for row in rows("calls") if re.search(r"\d", row[place]) and not others.match(row[0]))


def profile_row(profile, *places):
    """Some of costs, in the order of a table."""
    return tuple(costs(profile)[place] for place in places)


def run_stack(place):
    """The stack of popcl_run, by a column of the table of calls."""
    return next(row[place] for row in rows("calls") if row[0] == "`popcl_run`")


def longest_step(profile):
    """The longest step of a handshake with any chain, in millions of instructions."""
    return f"{max(number(row[7]) for row in on_m3(profile)):.1f}"


WORKED_STACK, WORKED_MHZ = 432, 72  # what docs/FIRMWARE.md adds to the stack of popcl_run, and the clock that it calculates with


def worked_seconds(cycles):
    """The longest step of `pinned` and of `public` in seconds, with so many cycles an instruction."""
    return tuple(f"{float(longest_step(profile)) * cycles / WORKED_MHZ:.1f}" for profile in ("pinned", "public"))


def missed():
    """How much more code than wanted, from the least to the most, in KB."""
    octets = [number(row[6]) for row in rows("flash") if "missed" in row[6]]
    return f"{min(octets) / 1024:.0f}", f"{max(octets) / 1024:.0f}"


@functools.lru_cache(maxsize=None)
def error_rows():
    joined = re.sub(r'"\s*\\?\n\s*"', "", text("include/popcl_errors.h")).replace("\\\n", " ")
    return re.findall(r'X\(\d+, (\w+), (\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\)', joined)


def column_kb(place):
    """KB of a column of the errors' sentences."""
    return f"{sum(len(row[place]) + 1 for row in error_rows()) / 1024:.0f}"


def sentences():
    """KB of all the errors' sentences."""
    return f"{sum(len(one) + 1 for row in error_rows() for one in row[2:]) / 1024:.0f}"


def names():
    return kb(sum(len(row[0]) + 1 for row in error_rows()))


def clear_code():
    """Octets of flash of a device that fetches in clear text and remembers UIDs, BearSSL's included."""
    return number(next(row[3] for row in rows("clear") if row[0] == "Cortex-M3"))


def clear_ram():
    """Bytes of RAM of the same: job, least record buffer, least plan, and a set of UIDs that is empty."""
    plan = macro("POPCL_PLAN_ENTRY", macro("POPCL_UID_MAX"))  # POPCL_PLAN_MIN
    return sizeof("popcl_fetch") + macro("POPCL_IOBUF_MIN") + plan + sizeof("popcl_seen")


def summed(begin):
    """A sum of docs/size.txt, of the row that begins so."""
    octets = re.search(rf"^ *(\d+)  {begin}", text("docs/size.txt"), re.M)[1]
    return f"{int(octets):,}"


def odd_uids():
    """Flash of the names for UIDs that break the rules in a clear-text build: all of it, and popcl's own file."""
    own = next(row[1] for row in rows("parts", "| popcl: core/uid.c"))
    return next(row[4] for row in rows("clear") if row[0] == "Cortex-M3"), own


def refused_hours():
    """The longest pause of the firmware after refused logins, in hours: what backoff.c computes."""
    ms, most = macro("BACKOFF_REFUSED_MS", file=BACKOFF + ".h"), macro("DAY_MS", file=BACKOFF + ".c")
    for _ in range(macro("DOUBLINGS", file=BACKOFF + ".c")):
        ms = ms * 2 if ms <= most / 2 else ms
    return str(ms // (60 * MS_A_MINUTE))


# ---- sentences ----

def max_time():
    """The command's default of --max-time."""
    hours = int(re.search(r"o->total_ms = (\d+);", text(OPTIONS))[1]) // (60 * MS_A_MINUTE)
    return "a day" if hours == 24 else f"{hours} hours"


BACKOFF = "examples/firmware/backoff"
OPTIONS = "src/tools/popcl/options.c"
OPTION_TABLE = "src/tools/popcl/optiontable.c"
PROSE = [
    ("README.md", r"each message to remember takes (\d+)\s+bytes", lambda: str(macro("POPCL_SEEN_ENTRY"))),
    ("README.md", r"([\d,]+) random sessions, ([\d,]+) scripted ones, ([\d,]+) cases of odd or hostile servers", trials),
    ("README.md", r"up to (\d+) random kills", lambda: str(kills())),
    ("README.md", r"at most ([\d.]+) of curl's processor time for the same message, and at most ([\d.]+) over TLS", speed),
    ("README.md", r"record buffer of (\d+) bytes", lambda: str(macro("POPCL_IOBUF_SIZE", 512))),
    ("docs/COMMANDS.md", r"`--iobuf (\d+) --mfln", lambda: str(macro("POPCL_IOBUF_SIZE", 512))),
    ("README.md", r"\"already fetched\" in (\d+) bytes a message", lambda: str(macro("POPCL_SEEN_ENTRY"))),
    ("README.md", r"code is (\d+) to (\d+) KB more", missed),
    ("docs/DESIGN.md", r"([\d.]+) KB of the context are not needed", lambda: kb(lent())),
    ("docs/DESIGN.md", r"The link is a table of\s+(\w+) functions", lambda: WORDS[len(members("src/core/link.h", "popcl_link_ops"))]),
    ("docs/DESIGN.md", r"(\w+) functions\s+\(`popcl_tls_layer`: ([\w, ]+)\)",
     lambda: (WORDS[len(members("src/core/link.h", "popcl_tls_layer"))], ", ".join(members("src/core/link.h", "popcl_tls_layer")))),
    ("docs/DESIGN.md", r"a job is\s+(\d+)\s+bytes on a\s+Cortex-M3", lambda: str(sizeof("popcl_fetch"))),
    ("docs/DESIGN.md", r"code exceeds its\s+target by\s+(\d+)\s+to\s+(\d+)\s+KB", missed),
    ("docs/DESIGN.md", r"the names take\s+([\d,]+)\s+bytes of\s+flash, of\s+which\s+(\d+)\s+are", odd_uids),
    ("docs/DESIGN.md", r"CBC\s+suite,\s+so\s+(\d+)\s+bytes\s+are enough", lambda: str(macro("POPCL_IOBUF_SIZE", 512))),
    ("docs/DESIGN.md", r"code of framing, .* \| [\d,]+ \| ([\d,]+) \|", lambda: summed("wire")),
    ("docs/DESIGN.md", r"the same with fetch, .* \| [\d,]+ \| ([\d,]+) \|", lambda: summed("the same with fetch")),
    ("docs/DESIGN.md", r"RAM of a job \| \d+ \| (\d+) \|", lambda: str(sizeof("popcl_fetch"))),
    ("docs/FEATURES.md", r"Of (\d+) wishes popcl fulfils (\d+) and refuses (\d+). Of the (\d+) of daily use it fulfils (\d+) and refuses (\d+)",
     lambda: tuple(map(str, features.counts()))),
    ("docs/PROTOCOL.md", r"pause_ms, by default (\d+) minutes", lambda: str(macro("POPCL_PAUSE_MS") // MS_A_MINUTE)),
    ("docs/PORTING.md", r"`POPCL_IOBUF_MIN` \((\d+)\) or more; TLS: `POPCL_IOBUF_SIZE\(512\)` \((\d+)\)",
     lambda: (str(macro("POPCL_IOBUF_MIN")), str(macro("POPCL_IOBUF_SIZE", 512)))),
    ("docs/PORTING.md", r"`POPCL_PLAN_MIN_APOP` \((\d+)\)", lambda: str(macro("POPCL_PLAN_MIN_APOP"))),
    ("docs/PORTING.md", r"`popcl_resume_save`, (\d+) bytes", lambda: str(macro("POPCL_RESUME_LEN"))),
    ("docs/PORTING.md", r"\| stack \| with TLS ([\d.]+) KB painted, at most ([\d.]+) KB by call graph; in clear text ([\d.]+) and ([\d.]+) KB",
     lambda: (kb(calls(2)), kb(calls(1)), kb(calls(4)), kb(calls(3)))),
    ("docs/SIZING.md", r"`popcl_err_what`\s+(\d+)\s+KB,\s+`popcl_err_cause`\s+(\d+),\s+`popcl_err_advice`\s+(\d+);\s+`popcl_err_name`\s+(\d+\.\d+)",
     lambda: (column_kb(2), column_kb(3), column_kb(4), names())),
    ("docs/SIZING.md", r"names of its errors\s+\(([\d.]+) KB\)", names),
    ("docs/SIZING.md", r"buffer\s+of\s+([\d,]+)\s+bytes\s+\(`POPCL_IOBUF_SIZE\(16384\)`\)", lambda: f"{macro('POPCL_IOBUF_SIZE', 16384):,}"),
    ("docs/SIZING.md", r"uses the\s+([\d,]+)\s+bytes\s+of the X.509 context", lambda: f"{lent():,}"),
    ("include/popcl_fetch.h", r"free after the handshake, some ([\d.]+) KB", lambda: kb(lent())),
    ("docs/SIZING.md", r"Each account takes (\d+)\s+bytes of RAM", lambda: str(sizeof("popcl_resumable"))),
    ("docs/SIZING.md", r"lwIP takes ([\d.]+) KB, and BearSSL ([\d.]+) KB with `small` or ([\d.]+) KB", firmware_others),
    ("docs/SIZING.md", r"The\s+targets\s+left\s+([\d.]+)\s+to\s+([\d.]+)\s+KB\s+for\s+popcl,\s+port", firmware_left),
    ("docs/SIZING.md", r"popcl takes ([\d.]+) to ([\d.]+) KB with", lambda: tuple(kb(sum(firmware(profile)[:3])) for profile in ("small", "public"))),
    ("docs/SIZING.md", r"Port, driver and\s+firmware\s+take\s+([\d.]+) KB", lambda: kb(sum(firmware("public")[5:8]))),
    ("docs/SIZING.md", r"With `small`\s+it adds\s+([\d.]+) KB", lambda: kb(firmware("small, IPv6")[-1] - firmware("small")[-1])),
    ("docs/SECURITY.md", r"command's default for it, --max-time, is (a day|\d+ hours)", max_time),
    (OPTION_TABLE, r"end the whole run after S seconds; default: (a day|\d+ hours)", max_time),
    (OPTION_TABLE, r"give up after S seconds without progress; default (\d+)", lambda: str(macro("POPCL_IDLE_MS") // 1000)),
    (OPTION_TABLE, r"give up connecting after S seconds; default (\d+)", lambda: str(macro("POPCL_CONNECT_MS") // 1000)),
    ("src/core/err_name.c", r"prints no sentence links ([\d.]+) KB", names),
    ("examples/firmware/README.md", r"their sentences would cost (\d+) KB", sentences),
    ("examples/firmware/README.md", r"Milliseconds between two polls: default ([\d,]+)",
     lambda: f"{macro('DEFAULT_EVERY_MS', file='examples/firmware/settings.c'):,}"),
    ("examples/firmware/README.md", r"doubles it, (\w+) times", lambda: WORDS[macro("DOUBLINGS", file=BACKOFF + ".c")]),
    ("examples/firmware/README.md", r"the next ones double up to (\d+) hours", refused_hours),
    ("docs/FIRMWARE.md", r"`popcl_run`, the deepest chain of calls \| ([\d,]+) \|", lambda: run_stack(1)),
    ("docs/FIRMWARE.md", r"\*\*sum\*\* \| ([\d,]+) \|", lambda: f"{number(run_stack(1)) + WORKED_STACK:,.0f}"),
    ("docs/FIRMWARE.md", r"times 1.5 cycles, at 72 MHz \| ([\d.]+) s \| ([\d.]+) s", lambda: worked_seconds(1.5)),
    ("docs/FIRMWARE.md", r"times 2 for waits of the flash \| ([\d.]+) s \| ([\d.]+) s", lambda: worked_seconds(3)),
    ("docs/FIRMWARE.md", r"image in QEMU takes ([\d,]+) bytes", lambda: rows("firmware-targets", "| painted stack |")[0][2]),
    ("docs/FIRMWARE.md", r"In clear text the first row is ([\d,]+)", lambda: run_stack(3)),
    ("docs/FIRMWARE.md", r"longest step, million instructions \| ([\d.]+) \| ([\d.]+) \|", lambda: (longest_step("pinned"), longest_step("public"))),
    ("docs/FIRMWARE.md", r"public CA: (\d+) million instructions for a handshake \| (\d+) KB \| ([\d.]+) KB", lambda: profile_row("public", 3, 2, 0)),
    ("docs/FIRMWARE.md", r"if flash is dearer than time: (\d+) million \| (\d+) KB \| ([\d.]+) KB", lambda: profile_row("small", 3, 2, 0)),
    ("docs/FIRMWARE.md", r"your own CA, P-256 alone \| (\d+) KB \| ([\d.]+) KB", lambda: profile_row("ecdsa", 2, 0)),
    ("docs/FIRMWARE.md", r"its price\]\(#the-price-of-pinned\) first \| (\d+) KB \| ([\d.]+) KB", lambda: profile_row("pinned", 2, 0)),
    ("docs/FIRMWARE.md", r"in a cabinet for example \| (\d+) KB \| ([\d.]+) KB", lambda: (f"{clear_code() / 1024:.0f}", kb(clear_ram()))),
    ("docs/FIRMWARE.md", r"The names take (\d+) KB of flash, the sentences (\d+) KB", lambda: (f"{float(names()):.0f}", sentences())),
    ("docs/FIRMWARE.md", r"\| LOGIN \| an hour, doubled to (\d+) \|", refused_hours),
    ("ROADMAP.md", r"code is (\d+) to (\d+) KB above its targets", missed),
    ("docs/RELIABILITY.md", r"The first pause is an hour, then up to (\d+) hours", refused_hours),
    ("include/popcl.h", r"2\^30 ms: about (\d+) days", lambda: str(macro("POPCL_MS_MAX") // MS_A_DAY)),
]


CHAINS = ("README.md", r"([\d,]+) certificate chains")


def differs(place, wanted):
    """What is wrong with the figure at (file, pattern), or ""."""
    found = re.search(place[1], text(place[0]))
    if not found:
        return f"{place[0]}: no sentence is like {place[1]!r} (tests/prose.py)"
    return "" if found[1] == wanted else f"{place[0]} has {found[1]}, and {wanted} is right"


def corrected(name, octets, problems):
    """The text of a file with every figure as its source has it; problems gets what is not found."""
    for file, pattern, value in PROSE:
        if file != name:
            continue
        wanted = value()
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        if not re.search(pattern, octets):
            problems.append(f"{name}: no sentence is like {pattern!r} (tests/prose.py)")
        octets = re.sub(pattern, lambda found, wanted=wanted: _with(found, wanted), octets)
    return octets


def _with(found, wanted):
    whole, start = found[0], found.start()
    for place in range(len(wanted), 0, -1):
        if found[place].lower() != wanted[place - 1].lower():
            whole = whole[:found.start(place) - start] + wanted[place - 1] + whole[found.end(place) - start:]
    return whole

