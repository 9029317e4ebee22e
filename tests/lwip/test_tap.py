# SPDX-License-Identifier: MIT
"""Fetches mail over lwIP on a TAP device from a real Dovecot: every octet as it was delivered, with and without losses, through the small pools of a
board. Runs in a network namespace of its own, which the kernel removes with this process: nothing is seen outside, and nothing outside is changed.

    test_tap.py FOLDER        the folder of the programs: FOLDER/raw/fetch, FOLDER/sockets/fetch, with IPv6 FOLDER/raw6/fetch, FOLDER/sockets6/fetch, and
                              with the firmware's window FOLDER/board/fetch

Needs root, or a user who may make namespaces and open /dev/net/tun; otherwise each test is skipped, with the
reason. Prints TAP.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BESIDE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BESIDE.parent / "interop"), str(BESIDE.parent)]
sys.dont_write_bytecode = True
from results import Results  # noqa: E402

HERE, BOARD, NAMES = "10.77.0.1", "10.77.0.2", "10.77.0.1"
HERE6, BOARD6 = "fd77::1", "fd77::2"
INSIDE = "POPCL_TEST_NAMESPACE"
RUN_SECONDS = 120  # says only when to give up on a run that hangs
FRAGMENT_RUNS = 20
# Each port, and each of its faces.
WAYS = ({"variant": "raw", "face": "polled"}, {"variant": "raw", "face": "waited"}, {"variant": "sockets"})


def why_not():
    """Why this machine cannot, or an empty string."""
    for program in ("unshare", "ip"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            return f"{program} is not installed (Debian: util-linux, iproute2)"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun: {error.strerror}"
    done = subprocess.run([*namespace(), "true"], capture_output=True, text=True)
    return f"no namespace of its own: {done.stderr.strip()}" if done.returncode else ""


def namespace():
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *as_user, "--net", "--"]


# ---- inside ----

def ip(*words):
    subprocess.run(["ip", *words], check=True, env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})


def make_wire():
    ip("link", "set", "lo", "up")
    ip("tuntap", "add", "dev", "tap0", "mode", "tap")
    ip("addr", "add", HERE + "/24", "dev", "tap0")
    ip("-6", "addr", "add", HERE6 + "/64", "dev", "tap0", "nodad")
    ip("link", "set", "tap0", "up")


def answer_names(server):
    """A name server for pop.example (IPv4) and pop6.example (IPv6); it knows no other name."""
    while True:
        question, peer = server.recvfrom(512)
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        known = {("pop.example", 1): socket.inet_aton(HERE), ("pop6.example", 28): socket.inet_pton(socket.AF_INET6, HERE6)}
        address = known.get((".".join(labels), kind))
        record = struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(address)) + address if address else b""
        header = question[:2] + (b"\x81\x80" if address else b"\x81\x83") + struct.pack(">HHHH", 1, len(record) > 0, 0, 0)
        server.sendto(header + question[12:at + 5] + record, peer)


class Failure(Exception):
    pass


class Bench:
    """Dovecot with three messages, of 1 octet, 100 KB and 1 MB, and the board's program."""

    def __init__(self, programs, server, ca):
        self.programs, self.server, self.ca = programs, server, ca
        import mailboxes
        filler = b"".join(mailboxes.large(1))
        self.messages = [b"x", filler[:100_000], filler[:1_000_000]]
        self.account = server.account()
        self.account.deliver(self.messages)
        self.small = server.account()
        self.small.deliver(self.messages[:2])

    def run(self, variant="raw", account=None, tls=True, **settings):
        """One run of the program. Returns what it says; fails unless each message came as it was delivered."""
        account = account or self.account
        sent = self.messages if account is self.account else self.messages[:2]
        words = {"tap": "tap0", "ip": BOARD, "gw": HERE, "dns": NAMES, "ip6": BOARD6, "host": HERE, "user": account.name, "pass": account.password,
                 "port": self.server.tls_port if tls else self.server.port, **({"ca": self.ca, "name": "pop.example"} if tls else {}), **settings}
        with tempfile.TemporaryDirectory() as out:
            try:
                done = subprocess.run([str(self.programs / variant / "fetch"), "out=" + out, *(f"{name}={value}" for name, value in words.items())],
                                      capture_output=True, text=True, timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired:
                raise Failure("it hangs") from None
            if done.returncode:
                raise Failure((done.stdout + done.stderr).strip())
            said = json.loads(done.stdout.splitlines()[-1])
            for n, message in enumerate(sent, 1):
                came = (pathlib.Path(out) / f"{n}.eml").read_bytes()
                if came.replace(b"\r\n", b"\n").rstrip(b"\n") != message.rstrip(b"\n") or not came.endswith(b"\r\n"):
                    raise Failure(f"message {n} is not what was delivered: {len(came)} octets")
        if said["left"]:
            raise Failure(f"a connection is left: {said}")
        return said


def expect(condition, said):
    if not condition:
        raise Failure(str(said))


# ---- the tests ----

def with_ipv6(way):
    return {**way, "variant": way["variant"] + "6"}


def in_clear(bench):
    for way in WAYS:
        expect(bench.run(**way, tls=False)["dropped"] == 0, "frames were dropped")


def over_tls(bench):
    for way in WAYS:
        for record in (512, 4096, 16384):
            said = bench.run(**way, record=record)
            expect(said["dropped"] == 0 and said["refused"] == 0, said)


def by_name(bench):
    for way in WAYS:
        bench.run(**way, host="pop.example", account=bench.small)
        bench.run(**way, host="pop.example.", account=bench.small)


def by_ipv6(bench):
    for way in map(with_ipv6, WAYS):
        bench.run(**way, host=HERE6)
        bench.run(**way, host="pop6.example", account=bench.small)  # which has no IPv4 address
        bench.run(**way, host="pop.example", account=bench.small)


def slow_store(bench):
    for way in WAYS:
        expect(bench.run(**way, pause=1, record=512, account=bench.small)["dropped"] == 0, "frames were dropped")


def fragments_without_delay(bench):
    """[A27] The device answers at once and records are short: whoever keeps pool pbufs until the application reads runs out of them here, or has
    enough of them for a window of small segments."""
    for n in range(FRAGMENT_RUNS):
        for way in WAYS:
            said = bench.run(**way, record=512, account=bench.account if n < 1 else bench.small)
            expect(said["dropped"] == 0 and said["refused"] == 0 and said["heap_refused"] == 0, said)
            expect(said["pbufs"] <= (3 if way["variant"] == "raw" else 20), said)


def long_line(bench):
    """A line of 50 ms: for half of the time a kernel has three quarters of the window in flight, or more. With a window of two segments that is
    both of them."""
    for way in ({"variant": "raw", "tls": False, "record": 512}, {"variant": "board", "tls": False, "record": 512},
                {"variant": "board", "record": 512}, {"variant": "board", "record": 4096}):
        said = bench.run(**way, line=50, account=bench.small)
        expect(said["dropped"] == 0 and said["refused"] == 0, said)
        expect(said["window"] * 3 / 4 <= said["flight_median"] <= said["flight_most"] <= said["window"], f"{way}: {said}")


def losses_and_disorder(bench):
    for seed, way in enumerate(WAYS):
        said = bench.run(**way, lose=5, swap=5, seed=seed + 1, record=4096, account=bench.small)
        expect(said["lost"] > 0 and said["swapped"] > 0, said)


def losses_by_nftables(bench):
    nft = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not nft:
        return "nft is not installed (Debian: nftables)"
    rules = """table inet lossy {
        chain in { type filter hook input priority 0; iifname "tap0" numgen random mod 100 lt 5 counter drop; }
        chain out { type filter hook output priority 0; oifname "tap0" numgen random mod 100 lt 5 counter drop; }
    }"""
    done = subprocess.run([nft, "-f", "-"], input=rules, capture_output=True, text=True)
    if done.returncode:
        return "nftables cannot lose packets here: " + done.stderr.strip().splitlines()[0]
    try:
        for way in WAYS[1:]:
            bench.run(**way, record=4096, account=bench.small)
            bench.run(**with_ipv6(way), record=512, host=HERE6, account=bench.small)
        listed = subprocess.run([nft, "list", "table", "inet", "lossy"], check=True, capture_output=True, text=True).stdout
        expect(all(int(count) for count in re.findall(r"packets (\d+)", listed)), listed)
    finally:
        subprocess.run([nft, "delete", "table", "inet", "lossy"], check=True)
    return None


TESTS = (in_clear, over_tls, by_name, by_ipv6, slow_store, fragments_without_delay, long_line, losses_and_disorder, losses_by_nftables)


def name_of(test):
    return test.__name__.replace("_", " ")


def inside(programs):
    import pki
    from dovecot import Dovecot
    make_wire()
    root = pki.Pki().root()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((NAMES, 53))
    threading.Thread(target=answer_names, args=[names], daemon=True).start()
    results = Results()
    with Dovecot(certificate=root.issue("server", san=["pop.example", HERE]), hosts=[HERE, HERE6]) as server:
        bench = Bench(programs, server, root.file)
        for test in TESTS:
            began, why, skip = time.monotonic(), "", ""
            try:
                skip = test(bench) or ""
            except Failure as failure:
                why = str(failure)
            results.add(f"{name_of(test)} ({time.monotonic() - began:.1f} s)", why, skip)
    return results.end()


def main(words):
    programs = pathlib.Path(words[0]).resolve()
    if os.environ.get(INSIDE) == "1":
        return inside(programs)
    reason = why_not()
    if reason:
        results = Results()
        for test in TESTS:
            results.add(name_of(test), skip=reason)
        return results.end()
    os.execvpe("unshare", [*namespace(), sys.executable, __file__, str(programs)], {**os.environ, INSIDE: "1"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
