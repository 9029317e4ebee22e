# SPDX-License-Identifier: MIT
"""What fetching costs: popcl (count.c), curl, and a bare loop of recv() (bound.c), against one server in memory (serve.c), in one run; in
clear, and over TLS 1.2 with AES-128-GCM, which OpenSSL puts in front of that server.

    bench.py DIR [--mb N] [--rounds N] [--kinds K,K] [--json FILE] [--also NAME=PROGRAM]     a table; popcl against curl: met or missed
    bench.py DIR --iobuf N,N,...                                                             the same for popcl's buffer sizes
    bench.py DIR --check                                                                     a short run that only fails when grossly off

DIR holds the programs that the Makefile builds of tests/bench. The figure is processor time, user and system, of the whole process from its
start, as the kernel counts it; of the rounds, in which the contestants take turns, the median counts. Ratios are worth reading, seconds are
this machine's. Receiving alone varies threefold on a busy machine: look at the spread before believing a small difference. Where the kernel
samples (CONFIG_TICK_CPU_ACCOUNTING) its split into user and system says little about runs this short; their sum is exact. --also adds a further `count`, of an earlier build, say. --check prints TAP."""
import argparse
import contextlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import pki  # noqa: E402
from results import Results  # noqa: E402

KINDS = {
    "base64": "base64 in lines of 76",
    "text": "text, eight dots a line",
    "stuffed": "each line begins with a dot",
    "short": "lines of 1 to 8 octets",
}
WANTED, WANTED_TLS = 0.25, 0.40  # of curl's processor time
SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256"
FULL_RECORD = "16413"  # octets of buffer that hold any record of it
CHECK_MB, CHECK_ROUNDS = 20, 3
GROSSLY_OFF = 1.0  # where --check fails
GIVE_UP_SECONDS = 300


class Broken(RuntimeError):
    """A contestant failed or brought other octets than the server sent."""


# ---- the server ----

class Server:
    """serve, from start to end; it ends with its standard input, so also when this process is killed."""

    def __init__(self, program, octets):
        self._child = subprocess.Popen([program, str(octets)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self._child.stdout.readline() or 0)
        if not self.port:
            self.close()
            raise Broken(f"{program} does not start")

    def close(self):
        self._child.stdin.close()
        self._child.stdout.close()
        try:
            self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:  # a client holds it
            self._child.kill()
            self._child.wait()

    def size(self, kind):
        """Octets of this kind's message, by the server's own word."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link, link.makefile("rwb") as lines:
            lines.readline()
            for command in (f"USER {kind}", "PASS secret", "STAT", "QUIT"):
                lines.write(command.encode() + b"\r\n")
                lines.flush()
                answer = lines.readline()
                if command == "STAT":
                    size = int(answer.split()[2])
        return size


class Secured:
    """The same server behind TLS. What that costs is this process's, and stands in no figure."""

    def __init__(self, server):
        self._plain_port, self.size = server.port, server.size
        self._pki = pki.Pki()
        root = self._pki.root()
        self.ca = str(root.file)
        self._context = root.issue("bench", san=["127.0.0.1"]).context(SUITE)
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        self._pki.remove()

    def _accept(self):
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), link, socket.create_connection(("127.0.0.1", self._plain_port)) as plain:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._context.wrap_socket(link, server_side=True) as client:
                    self._relay(client, plain)

    @staticmethod
    def _relay(client, plain):
        """One side at a time, as POP3 has it. The client's commands are shorter than what one recv takes."""
        while True:
            for side in select.select([client, plain], [], [])[0]:
                octets = side.recv(1 << 18)
                if not octets:
                    return
                (plain if side is client else client).sendall(octets)


# ---- the contestants ----

class Contestant:
    """A program, and what it says about the octets that came. Without a word of its own its output is the message."""

    def __init__(self, name, argv, says_octets):
        self.name, self._argv, self._says_octets = name, argv, says_octets

    def command(self, kind, port, quiet):
        words = {"kind": kind, "port": str(port), "output": os.devnull if quiet else "-"}
        return [word.format(**words) for word in self._argv]

    def octets(self, kind, port):
        """One untimed run: what arrives?"""
        with subprocess.Popen(self.command(kind, port, quiet=False), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
            try:
                if self._says_octets:
                    count = int(words_of(child.stdout.read())["octets"])
                else:
                    count = sum(len(part) for part in iter(lambda: child.stdout.read1(1 << 20), b""))
            finally:
                child.kill() if sys.exc_info()[0] else child.wait()
        if child.returncode:
            raise Broken(f"{self.name}, {kind}: exit status {child.returncode}")
        return count

    def run(self, kind, port):
        """{user, system, cpu, wall} in seconds, and peak_kb if the program says it."""
        with tempfile.TemporaryFile() as out:
            began = time.monotonic()
            child = subprocess.Popen(self.command(kind, port, quiet=True), stdin=subprocess.DEVNULL, stdout=out)
            used = wait(child)
            wall = time.monotonic() - began
            if child.returncode:
                raise Broken(f"{self.name}, {kind}: exit status {child.returncode}")
            out.seek(0)
            said = words_of(out.read())
        figures = {"cpu": used.ru_utime + used.ru_stime, "user": used.ru_utime, "system": used.ru_stime, "wall": wall}
        if "peak_kb" in said:
            figures["peak_kb"] = int(said["peak_kb"])
        return figures


def words_of(output):
    """{name: value} of b"name=value name=value"."""
    return dict(word.split("=", 1) for word in output.decode("utf-8", "replace").split() if "=" in word)


def wait(child):
    """Waits for a child, and returns what it used; one that hangs is ended."""
    signal.setitimer(signal.ITIMER_REAL, GIVE_UP_SECONDS)
    try:
        _, status, used = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used


def on_alarm(*_):
    raise Broken(f"a client hangs for {GIVE_UP_SECONDS} s")


def curl_path():
    return shutil.which("curl")


def popcl(name, program, password_file, *more):
    return Contestant(name, [program, "127.0.0.1", "{port}", "{kind}", password_file, *more], says_octets=True)


def curl(url, *more):
    return Contestant("curl", [curl_path(), "-q", "--silent", "--noproxy", "*", "--user", "{kind}:secret", "--output", "{output}", *more, url],
                      says_octets=False)


def contestants(folder, password_file, also):
    everyone = [popcl("popcl", str(folder / "count"), password_file)]
    everyone += [popcl(name, program, password_file) for name, program in also]
    if curl_path():
        everyone.append(curl("pop3://127.0.0.1:{port}/1"))
    everyone.append(Contestant("recv", [str(folder / "bound"), "127.0.0.1", "{port}", "{kind}"], says_octets=True))
    return everyone


def secured_contestants(folder, password_file, ca):
    everyone = [popcl("popcl", str(folder / "count"), password_file, FULL_RECORD, ca)]
    if curl_path():
        everyone.append(curl("pop3s://127.0.0.1:{port}/1", "--cacert", ca))
    return everyone


# ---- measuring ----

def summary(runs):
    """The medians, and how far the processor time spreads."""
    figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return dict(figures, cpu_min=min(run["cpu"] for run in runs), cpu_max=max(run["cpu"] for run in runs))


def measure(everyone, server, kind, rounds):
    """{name: figures}; the contestants take turns in an order that changes from round to round, so that neither a machine that changes its
    speed nor what ran just before is unjust to one of them."""
    runs = {one.name: [] for one in everyone}
    order = random.Random(1)
    for _ in range(rounds):
        for one in order.sample(everyone, len(everyone)):
            runs[one.name].append(one.run(kind, server.port))
    return {name: summary(those) for name, those in runs.items()}


def verify(everyone, server, kind):
    """A round that warms up, and looks whether all of them fetch the message. Only popcl and curl unstuff it."""
    size = server.size(kind)
    for one in everyone:
        got = one.octets(kind, server.port)
        if got < size or (got != size and one.name != "recv"):
            raise Broken(f"{one.name}, {kind}: {got} octets arrived of {size}")


def print_table(title, figures, base):
    print(f"\n{title}")
    print(f"  {'':12} {'cpu s':>8} {'least':>8} {'most':>8} {'wall':>8} {'x ' + base:>10}")
    for name, row in figures.items():
        ratio = row["cpu"] / figures[base]["cpu"]
        peak = f"   {row['peak_kb']:.0f} KB resident" if "peak_kb" in row else ""
        print(f"  {name:12} {row['cpu']:8.4f} {row['cpu_min']:8.4f} {row['cpu_max']:8.4f} {row['wall']:8.4f} {ratio:10.3f}{peak}", flush=True)


def compare_kinds(options, everyone, server, wanted, how=""):
    """{kind: figures, ratio to curl's time, whether that is what was wanted}; prints them."""
    kinds = {}
    base = "curl" if curl_path() else everyone[-1].name
    for kind in options.kinds:
        verify(everyone, server, kind)
        figures = measure(everyone, server, kind, options.rounds)
        print_table(KINDS[kind] + how, figures, base)
        kinds[kind] = {"octets": server.size(kind), "figures": figures}
        if base == "curl":
            ratio = figures["popcl"]["cpu"] / figures["curl"]["cpu"]
            verdict = "met" if ratio <= wanted else "missed"
            kinds[kind].update(ratio=ratio, verdict=verdict)
            print(f"  popcl costs {ratio:.3f} of curl's time (wanted: at most {wanted}): {verdict}", flush=True)
    return kinds


def compare(options, in_clear, over_tls):
    version = subprocess.run([curl_path(), "--version"], capture_output=True, text=True).stdout.split("\n")[0] if curl_path() else ""
    print(f"{options.mb} MB a message, median of {options.rounds} rounds, processor time; {version or 'curl is not installed'}")
    return {"rounds": options.rounds, "curl": version, "wanted": WANTED, "kinds": compare_kinds(options, *in_clear, WANTED),
            "tls": {"suite": SUITE, "wanted": WANTED_TLS, "kinds": compare_kinds(options, *over_tls, WANTED_TLS, ", over TLS")}}


def compare_buffers(options, folder, password_file, server):
    """popcl and the bare loop, each by size of buffer."""
    for kind in options.kinds:
        everyone = []
        for size in options.iobuf:
            everyone.append(popcl(f"popcl {size // 1024}K", str(folder / "count"), password_file, str(size)))
            everyone.append(Contestant(f"recv {size // 1024}K", [str(folder / "bound"), "127.0.0.1", "{port}", "{kind}", str(size)], True))
        print_table(KINDS[kind], measure(everyone, server, kind, options.rounds), everyone[0].name)


def check(options, in_clear, over_tls):
    results = Results()
    for title, kind, (everyone, server) in [*((kind, kind, in_clear) for kind in KINDS), ("base64 over TLS", "base64", over_tls)]:
        why, skip, figures = "", "curl is not installed", {}
        try:
            verify(everyone, server, kind)
            figures = measure(everyone, server, kind, options.rounds)
        except Broken as error:
            why = str(error)
        results.add(f"{title}: every octet arrives", why)
        if "curl" in figures:
            ratio, skip = figures["popcl"]["cpu"] / figures["curl"]["cpu"], ""
            results.say(f"popcl costs {ratio:.2f} of curl's processor time")
            why = f"more than {GROSSLY_OFF:.2f}" if ratio > GROSSLY_OFF else ""
        if figures:
            results.add(f"{title}: not grossly slower than curl", why, skip)
    return results.end()


def options_of(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mb", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--also", type=lambda text: tuple(text.split("=", 1)), action="append", default=[])
    parser.add_argument("--iobuf", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(words)
    if set(options.kinds) - set(KINDS):
        parser.error(f"kinds are {', '.join(KINDS)}")
    if options.check:
        options.mb, options.rounds = CHECK_MB, CHECK_ROUNDS
    return options


def main():
    options = options_of(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what runs is ended too
    signal.signal(signal.SIGALRM, on_alarm)
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password, \
            contextlib.closing(Server(options.folder / "serve", options.mb << 20)) as server, contextlib.closing(Secured(server)) as secured:
        password.write("secret\n")
        password.flush()
        in_clear = contestants(options.folder, password.name, options.also), server
        over_tls = secured_contestants(options.folder, password.name, secured.ca), secured
        if options.check:
            return check(options, in_clear, over_tls)
        if options.iobuf:
            compare_buffers(options, options.folder, password.name, server)
            return 0
        result = compare(options, in_clear, over_tls)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as broken:
        sys.exit(f"bench: {broken}")
