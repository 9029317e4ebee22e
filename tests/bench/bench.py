# SPDX-License-Identifier: MIT
"""What fetching mail costs: popcl beside mpop, curl, fetchmail and getmail, on one machine, in one run, against one server in memory.

    bench.py DIR [--quick] [--only PART,...] [--rounds N] [--also NAME=POPCL]    the tables; results also in build/bench.json (--json FILE)
    bench.py DIR --write                                                         the same, then docs/PERFORMANCE.md and docs/performance.svg
    bench.py DIR --iobuf N,N,...                                                 200 MB to a sink that counts, by size of the record buffer
    bench.py DIR --check                                                         a short run that only fails when popcl is grossly off

DIR holds the programs that the Makefile builds of tests/bench; popcl is beside it. Each row is popcl's figure, as a part of a peer's or as a count,
beside its target. Figures are medians of rounds in which the clients take turns. Processor time is user and system, of the whole process and its
children, as the kernel counts it. Where the kernel samples (CONFIG_TICK_CPU_ACCOUNTING) its split says little about runs this short; the sum is exact.
Ratios are worth reading, seconds are this machine's. Receiving alone varies threefold on a busy machine: look at the spread before believing a small
difference. A peer that is not installed, or that failed, is named in the table. --also adds another popcl to the comparisons, an earlier build, say.
--check prints TAP."""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import clients  # noqa: E402
import report  # noqa: E402
from clients import Bound, Count, Curl, Fetchmail, Getmail, Mpop, Popcl  # noqa: E402
from measure import Meter, Place, at_once, memory_folder  # noqa: E402
from results import Results  # noqa: E402
from servers import SUITE, Broken, Keys, Maildrop, Server  # noqa: E402

KINDS = {
    "base64": "base64 in lines of 76",
    "text": "text, eight dots a line",
    "stuffed": "each line begins with a dot",
    "short": "lines of 1 to 8 octets",
}
WANTED, WANTED_TLS = 0.25, 0.40  # of curl's processor time, for one long message of any kind
MB = 1 << 20
CHECK_MB, CHECK_ROUNDS, CHECK_MESSAGES = 20, 3, 50
GROSSLY_OFF = 1.0  # of curl's processor time: where --check fails
MOST_FILES = 1024  # some peers close every file that they could have open
WALL_RTT_MS = 200


@dataclasses.dataclass
class Scale:
    """How much of everything. `others`: also peers that no row names."""
    rounds: int
    small: int
    tiny: int
    many: int
    listed: int
    bulk_mb: int
    parts: tuple
    others: bool


FULL = Scale(7, 2000, 20000, 5000, 100000, 200,
             ("trips", "wall", "small", "tiny", "instructions", "disk", "null", "kinds", "file", "memory", "calls", "listings"), True)
QUICK = Scale(3, 1000, 5000, 1000, 10000, 64, ("trips", "small", "tiny", "instructions", "disk", "null", "file", "memory", "calls", "listings"), False)


def thousands(number):
    return f"{number:,}"


class Bench:
    """A run: what it needs, and the rows and tables that come of it. Each part is a method that begins with `part_`."""

    def __init__(self, folder, keys, scale, also):
        self.scale, self.meter, self._keys, self._folder = scale, Meter(folder, keys), keys, folder
        self.rows, self.tables, self.missing = [], [], []
        self._popcl, self._also = folder.parent / "popcl", also
        self.few = max(3, scale.rounds // 2)  # rounds of what takes long
        self._peers = {}
        for peer in clients.PEERS:
            if peer.installed():
                self._peers[peer] = peer(peer.program)
            else:
                self.missing.append(f"{peer.package} is not installed")

    # ---- what the parts are made of ----

    def popcl(self, *more, name="popcl"):
        return Popcl(name, self._popcl, *more)

    def everyone(self, *peers):
        """popcl, other builds of it, and those of the peers that are installed."""
        return [self.popcl(), *(Popcl(name, program) for name, program in self._also), *(self._peers[peer] for peer in peers if peer in self._peers)]

    def row(self, title, against, figures, wanted, unit="x", runs=None):
        """A line of the first table. `figures`, `wanted`: in clear text, over TLS; None if there is none."""
        row = {"title": title, "against": against, "unit": unit, "runs": runs or self.scale.rounds,
               "figures": list(figures), "wanted": list(wanted)}
        self.rows.append(row)
        print("  " + report.row_text(row), flush=True)

    def table(self, title, head, lines, notes=()):
        table = {"title": title, "head": head, "lines": lines, "notes": list(notes)}
        self.tables.append(table)
        print("\n" + report.table_text(table) + "\n", flush=True)

    def compare(self, title, those, maildrop, server, place, rounds=None):
        """[figures in clear text, over TLS], with a table of each."""
        both = []
        for tls in (False, True):
            figures, failed = self.meter.compare(those, maildrop, server, place, tls, rounds or self.scale.rounds)
            mine = next(iter(figures.values()))
            self.table(f"{title}, {'TLS' if tls else 'clear text'}", ["client", "CPU s", "least", "most", "popcl / it", "wall s", "KB"],
                       [[name, f"{one['cpu']:.3f}", f"{one['cpu_min']:.3f}", f"{one['cpu_max']:.3f}", f"{mine['cpu'] / one['cpu']:.3f}",
                         f"{one['wall']:.3f}", f"{one['peak_kb']:,.0f}"] for name, one in figures.items()], failed)
            both.append(figures)
        return both

    def ratio(self, title, both, peer, wanted, figure="cpu", name=None, runs=None):
        """The row of popcl's figure beside the peer's, if the peer took part."""
        mine = next(iter(both[0]))
        ratios = [one[mine][figure] / one[peer][figure] if peer in one and one[peer][figure] else None for one in both]
        self.row(title, name or peer, ratios, wanted, runs=runs)

    # ---- the parts ----

    def part_trips(self, place):
        """Round trips."""
        lines = []
        few, many = Maildrop("text", 500, 1000), Maildrop("text", self.scale.many, 1000)

        def count(client, maildrop, server, what):
            both = [self.meter.trips(client, maildrop, server, place, tls) for tls in (False, True)]
            lines.append([client.name, thousands(maildrop.count), what, *(f"{trips:,.1f}" for trips in both)])
            return both

        with Server(self._folder, self._keys) as server:
            both = count(self.popcl(), few, server, "kept")
            self.row("round trips, 500 messages, kept", None, both, (6, 8), "", 1)
            both = count(self.popcl("-d"), few, server, "deleted")
            self.row("round trips, 500 messages, deleted", None, both, (7, 9), "", 1)
            more = server.size(many) // MB
            both = count(self.popcl(), many, server, "kept")
            self.row(f"round trips, {thousands(many.count)} messages, kept", None, both, (6 + more, 8 + more), "", 1)
            count(Count("device", self._folder / "count", clients.DEVICE_BUFFER, clients.DEVICE_WINDOW), few, server, "kept")
            for peer in self._peers if self.scale.others else [Mpop] * (Mpop in self._peers):
                try:
                    count(self._peers[peer], few, server, "kept")
                except Broken as error:
                    lines.append([peer.program, "500", str(error)[:60], "", ""])
        with Server(self._folder, self._keys, "login") as server:
            both = count(self.popcl(), few, server, "PIPELINING only after login")
            self.row("round trips, 500 messages, PIPELINING only after login", None, both, (8, 10), "", 1)
        self.table("Round trips", ["client", "messages", "", "clear text", "TLS"], lines)

    def part_wall(self, place):
        """The time that a delay costs. All clients run at once, because all of them wait."""
        few = Maildrop("text", 500, 1000)
        those = [self.popcl(), Count("device", self._folder / "count", clients.DEVICE_BUFFER, clients.DEVICE_WINDOW), *self.everyone(Mpop)[1:]]
        with Server(self._folder, self._keys) as server:
            walls = at_once([lambda client=client, tls=tls: self.meter.delayed(client, few, server, place, WALL_RTT_MS, tls)["wall"]
                             for tls in (False, True) for client in those])
        both = [dict(zip((client.name for client in those), part)) for part in (walls[:len(those)], walls[len(those):])]
        self.table(f"Wall time of 500 messages at {WALL_RTT_MS} ms", ["client", "clear text s", "TLS s"],
                   [[client.name, *(f"{one[client.name]:.2f}" for one in both)] for client in those])
        if Mpop in self._peers:
            for name, what, wanted in (("popcl", "", 0.45), ("device", ", buffer of 541 bytes, 8 commands in flight", 4.5)):
                self.row(f"wall time at {WALL_RTT_MS} ms, 500 messages{what}", "mpop", [one[name] / one["mpop"] for one in both], (wanted, wanted), runs=1)

    def part_small(self, place):
        """Small messages to files in memory."""
        drop, others = Maildrop("text", self.scale.small, 3000), [Curl, Fetchmail, Getmail] if self.scale.others else [Curl]
        what = f"{thousands(drop.count)} messages of 3 KB to files in memory"
        with Server(self._folder, self._keys) as server:
            self.ratio(f"CPU, {what}", self.compare(f"{what[0].upper()}{what[1:]}", self.everyone(Mpop, *others), drop, server, place), "mpop", (0.70, 0.60))

    def part_tiny(self, place):
        """Very small messages."""
        drop = Maildrop("text", self.scale.tiny, 500)
        what = f"{thousands(drop.count)} tiny messages to files in memory"
        with Server(self._folder, self._keys) as server:
            both = self.compare(what, self.everyone(Mpop, *([Curl] if self.scale.others else [])), drop, server, place, self.few)
        self.ratio(f"CPU, {what}", both, "mpop", (0.70, 0.70), runs=self.few)

    def part_instructions(self, place):
        """User instructions, which a busy machine does not change."""
        if not shutil.which("valgrind"):
            self.missing.append("valgrind is not installed")
            return
        drop = Maildrop("text", self.scale.small, 3000)
        with Server(self._folder, self._keys) as server:
            counts = {client.name: self.meter.instructions(client, drop, server.port, place) for client in self.everyone(Mpop, Curl)}
        self.table(f"User instructions, {thousands(drop.count)} messages of 3 KB, clear text", ["client", "instructions", "a message"],
                   [[name, f"{count:,}", f"{count / drop.count:,.0f}"] for name, count in counts.items()])
        if "mpop" in counts:
            self.row(f"user instructions, {thousands(drop.count)} messages of 3 KB", "mpop", [counts["popcl"] / counts["mpop"], None], (0.30, None), runs=1)

    def part_disk(self, place):
        """Durable files: how well syncs are saved. The disk is that of the build."""
        drop = Maildrop("text", self.scale.small, 3000)
        what = f"{thousands(drop.count)} messages of 3 KB durable on a disk"
        del place
        with Server(self._folder, self._keys) as server, Place(self._folder.parent / "disk") as disk:
            both = self.compare(what, self.everyone(Mpop), drop, server, disk, self.few)
        self.ratio(f"wall time, {what}", both, "mpop", (0.5, 0.5), "wall", "mpop's Maildir", self.few)

    def part_null(self, place):
        """Bulk to a sink that only counts, beside loops that only receive."""
        drop = Maildrop("base64", 4, self.scale.bulk_mb * MB // 4)
        those = [Count("popcl", self._folder / "count"), Bound("unstuff", self._folder / "bound", "unstuff"), Bound("recv", self._folder / "bound", "recv")]
        if Curl in self._peers:
            those.append(Curl(quiet=True))
        with Server(self._folder, self._keys) as server:
            both = self.compare(f"{self.scale.bulk_mb} MB of base64 to a sink that counts", those, drop, server, place)
        self.ratio(f"CPU, {self.scale.bulk_mb} MB to a sink that counts", both, "unstuff", (1.05, 1.05), name="a bare loop")
        self.ratio(f"CPU, {self.scale.bulk_mb} MB to a sink that counts", both, "curl", (WANTED, WANTED_TLS))

    def part_kinds(self, place):
        """The same with other kinds of text, beside curl alone."""
        those = [Count("popcl", self._folder / "count"), *([Curl(quiet=True)] if Curl in self._peers else [])]
        with Server(self._folder, self._keys) as server:
            for kind, what in list(KINDS.items())[1:]:
                drop = Maildrop(kind, 1, self.scale.bulk_mb * MB)
                both = self.compare(f"{self.scale.bulk_mb} MB, {what}, to a sink that counts", those, drop, server, place, self.few)
                self.ratio(f"CPU, {self.scale.bulk_mb} MB to a sink that counts, {what}", both, "curl", (WANTED, WANTED_TLS), runs=self.few)

    def part_file(self, place):
        """Bulk to a file."""
        drop = Maildrop("base64", 1, self.scale.bulk_mb * MB)
        what = f"{self.scale.bulk_mb} MB to a file in memory"
        with Server(self._folder, self._keys) as server:
            both = self.compare(what, self.everyone(Mpop, Curl, *([Fetchmail] if self.scale.others else [])), drop, server, place,
                                self.few)
        self.ratio(f"CPU, {what}", both, "mpop", (0.30, 0.25), runs=self.few)

    def part_memory(self, place):
        """Peak resident memory, for one short and for one long message."""
        short, long = Maildrop("text", 1, 1000), Maildrop("base64", 1, self.scale.bulk_mb * MB)
        others = [Fetchmail, Mpop, Curl] if self.scale.others else [Fetchmail]
        peaks = []
        with Server(self._folder, self._keys) as server:
            for tls in (False, True):
                both = [self.meter.compare(self.everyone(*others), drop, server, place, tls, 3)[0] for drop in (short, long)]
                peaks.append([{name: one["peak_kb"] for name, one in part.items()} for part in both])
        self.table("Peak resident memory, KB", ["client", "1 KB, clear text", f"{self.scale.bulk_mb} MB", "1 KB, TLS", f"{self.scale.bulk_mb} MB, TLS"],
                   [[name, *(f"{part[name]:,.0f}" if name in part else "" for tls in peaks for part in tls)] for name in peaks[0][0]])
        if Fetchmail in self._peers:
            self.row("peak memory, one message of 1 KB", "fetchmail", [tls[0]["popcl"] / tls[0]["fetchmail"] for tls in peaks], (0.50, 0.30), runs=3)
        self.row(f"peak memory, {self.scale.bulk_mb} MB", "popcl with 1 KB", [tls[1]["popcl"] / tls[0]["popcl"] for tls in peaks], (1.05, 1.05), runs=3)

    def part_calls(self, place):
        """System calls of a message."""
        drop = Maildrop("text", self.scale.small, 3000)
        lines, rows = [], []
        with Server(self._folder, self._keys) as server:

            def count(client, name, unnamed=True):
                both = [self.meter.run(client, drop, server.tls_port if tls else server.port, place, tls, calls=True, unnamed=unnamed)["calls"] / drop.count
                        for tls in (False, True)]
                lines.append([name, *(f"{calls:.1f}" for calls in both)])
                rows.append(both)

            count(self.popcl(), "popcl")
            count(self.popcl(), "popcl without O_TMPFILE", unnamed=False)
            for client in self.everyone(*([Mpop, Curl] if self.scale.others else [Mpop]))[1:]:
                count(client, client.name)
        self.table(f"System calls a message, {thousands(drop.count)} messages of 3 KB to files", ["client", "clear text", "TLS"], lines)
        what = f"system calls a message, {thousands(drop.count)} messages to files, kept"
        self.row(what, None, rows[0], (6, 6), "", 1)
        self.row(f"{what}, without O_TMPFILE", None, rows[1], (8, 8), "", 1)

    def part_listings(self, place):
        """How often a large maildrop is listed: octets of listings, in parts of those of one LIST and one UIDL."""
        drop = Maildrop("text", self.scale.listed, 500)
        with Server(self._folder, self._keys) as server:
            once = len(server.asked(drop, "LIST")) + len(server.asked(drop, "UIDL"))
            server.report(), server.report()
            self.meter.run(self.popcl(), drop, server.port, place)
            listed = int(server.report()["listed"])
        self.row(f"octets of listings, all of {thousands(drop.count)} messages", "one UIDL and one LIST", [listed / once, None], (1.05, None), runs=1)


def machine():
    """What a reader should know of it, and no name."""
    kb = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    aes = "AES instructions" if " aes" in pathlib.Path("/proc/cpuinfo").read_text() else "no AES instructions"
    return f"{os.cpu_count()} cores ({platform.machine()}, {aes}), {kb / (1 << 20):.0f} GB of memory, Linux {'.'.join(platform.release().split('.')[:2])}"


def run(options, keys):
    scale = dataclasses.replace(QUICK if options.quick else FULL)
    scale.rounds = options.rounds or scale.rounds
    bench = Bench(options.folder, keys, scale, options.also)
    began, parts = time.monotonic(), options.only or scale.parts
    for at, name in enumerate(parts, 1):
        print(f"[{at} of {len(parts)}, {time.monotonic() - began:.0f} s] {name}", flush=True)
        with Place(memory_folder(), small=True) as place:
            getattr(bench, f"part_{name}")(place)
    result = {"quick": options.quick, "parts": list(parts), "seconds": round(time.monotonic() - began), "machine": machine(), "suite": SUITE,
              "versions": [clients.version(peer) for peer in clients.PEERS], "memory": str(memory_folder()),
              "missing": bench.missing, "rows": bench.rows, "tables": bench.tables}
    print(report.summary_text(result), flush=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    return result


def compare_buffers(options, keys):
    """The library and a bare loop, each by size of buffer."""
    bench = Bench(options.folder, keys, dataclasses.replace(FULL), [])
    those = [client for size in options.iobuf for client in (
        Count(f"popcl {size}", options.folder / "count", str(size)), Bound(f"recv {size}", options.folder / "bound", "recv", str(size)))]
    with Server(options.folder, keys) as server, Place(memory_folder(), small=True) as place:
        bench.compare("200 MB of base64, by bytes of buffer", those, Maildrop("base64", 1, 200 * MB), server, place, options.rounds or 5)


def check(options, keys):
    """The guards of `make check`: mail arrives whole, nothing is grossly slow, and small messages cost no more round trips than they must."""
    results, meter = Results(), Meter(options.folder, keys)
    count, curl = Count("popcl", options.folder / "count"), Curl(quiet=True)
    those = [count, *([curl] if curl.installed() else []), Bound("unstuff", options.folder / "bound", "unstuff")]
    with Server(options.folder, keys) as server, Place(memory_folder(), small=True) as place:
        for title, kind, tls in [*((kind, kind, False) for kind in KINDS), ("base64 over TLS", "base64", True)]:
            drop, why, figures = Maildrop(kind, 1, CHECK_MB * MB), "", {}
            try:
                figures = meter.compare(those, drop, server, place, tls, CHECK_ROUNDS)[0]
                arrived = {figures["popcl"]["octets"], figures["unstuff"]["octets"] - len(f"+OK {server.size(drop)} octets\r\n")}
                why = "" if arrived == {server.size(drop)} else f"{sorted(arrived)} octets arrived of {server.size(drop)}"
            except Broken as error:
                why = str(error)
            results.add(f"{title}: every octet arrives", why)
            if not figures:
                continue
            skip, why = "curl is not installed", ""
            if "curl" in figures:
                ratio, skip = figures["popcl"]["cpu"] / figures["curl"]["cpu"], ""
                results.say(f"popcl costs {ratio:.2f} of curl's processor time")
                why = f"more than {GROSSLY_OFF:.2f}" if ratio > GROSSLY_OFF else ""
            results.add(f"{title}: not grossly slower than curl", why, skip)
        popcl, drop = Popcl("popcl", options.folder.parent / "popcl"), Maildrop("text", CHECK_MESSAGES, 3000)
        for tls in (False, True):
            title, why = f"{CHECK_MESSAGES} messages{' over TLS' if tls else ''}", ""
            try:
                figures = meter.delayed(popcl, drop, server, place, 0, tls)
                most = CHECK_MESSAGES + 10
                why = f"{figures['turns']} turns, more than {most}" if figures["turns"] > most else ""
                if figures["octets"] != server.size(drop):
                    why = f"{figures['octets']} octets arrived of {server.size(drop)}"
            except Broken as error:
                why = str(error)
            results.add(f"{title} arrive, with one round trip each at most", why)
    return results.end()


def options_of(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--render", type=pathlib.Path, help="no run: write the documents from such a file")
    parser.add_argument("--also", type=lambda text: tuple(text.split("=", 1)), action="append", default=[])
    parser.add_argument("--iobuf", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(words)
    if set(options.only or ()) - set(FULL.parts):
        parser.error(f"parts are {', '.join(FULL.parts)}")
    if options.write and (options.quick or options.only):
        parser.error("--write is for a whole run")
    options.json = options.json or options.folder.parent / "bench.json"
    options.folder = options.folder.resolve()
    return options


def main():
    options = options_of(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what runs is ended too
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MOST_FILES, hard) if hard >= 0 else MOST_FILES, hard))
    if options.render:
        report.write(json.loads(options.render.read_text()))
        return 0
    with Keys() as keys:
        if options.check:
            return check(options, keys)
        if options.iobuf:
            compare_buffers(options, keys)
            return 0
        result = run(options, keys)
    if options.write:
        report.write(result)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as broken:
        sys.exit(f"bench: {broken}")
