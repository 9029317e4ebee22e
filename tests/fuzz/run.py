# SPDX-License-Identifier: MIT
"""Runs fuzzers for a while, each from seeds that are made for it: certificates of tests/x509check, servers of tests/transcripts, and sets of trust.
Prints TAP.

    run.py SECONDS [--keep DIR] FUZZER...
        --keep: what was found worth keeping stays in DIR, and is where the next run goes on. What breaks a fuzzer is in crash-* there, or else
        shown in base64.
"""
import base64
import glob
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from results import Results  # noqa: E402

TRANSCRIPTS = os.path.join(ROOT, "tests", "transcripts")
WINDOWS = 4  # of fuzz_session: 1, 2, 8 and 256 commands
NO_UIDS, SIZES, DELETIONS, NO_CAPA = 4, 8, 16, 64  # its settings
TURN = b"\xff"
LONGEST = 4000  # octets of a seed
SEEDS = os.path.join(ROOT, "tests", "x509check", "run.py")
GOLDEN = os.path.join(ROOT, "tests", "unit", "golden_blob.h")
ALL_RIGHT = 1 | 2 | 32  # the flags of fuzz_blob: hash, signature and scope


def unescape(text):
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|.)", lambda m: bytes([int(m[1][1:], 16)]) if len(m[1]) > 1 else
                  {b"r": b"\r", b"n": b"\n", b"t": b"\t"}.get(m[1], m[1]), text)


def write_sessions(folder):
    """Writes the server's turns of each transcript as an input of fuzz_session, with each window."""
    os.makedirs(folder, exist_ok=True)
    for path in sorted(glob.glob(os.path.join(TRANSCRIPTS, "*.txt"))):
        with open(path, "rb") as file:
            cases = re.split(rb"^# (?=\S)", file.read(), flags=re.M)[1:]
        for case in cases:
            lines, server, settings = case.splitlines(), b"", NO_CAPA
            for line in lines[1:]:
                if line.startswith(b"login "):
                    server += b"+OK\r\n" + TURN + b"+OK\r\n" + TURN + b"+OK\r\n" + TURN + b"+OK " + line[6:] + b"\r\n"
                elif line.startswith(b"S:"):
                    server += unescape(line[2:].removeprefix(b" ")) + b"\r\n"
                elif line.startswith(b"S- "):
                    server += unescape(line[3:])
                elif line.startswith(b"C"):
                    server += b"" if server.endswith(TURN) else TURN
                settings |= NO_UIDS * (line == b"no_uid") | SIZES * line.startswith(b"need_size") | DELETIONS * (b"fetch delete" in line)
                settings &= ~NO_CAPA if line == b"no_capa 0" else ~0
            if b"\nsession\n" in case or not server or len(server) > LONGEST:
                continue
            name = lines[0].split()[0].decode()
            for window in range(WINDOWS):
                with open(os.path.join(folder, f"{name}-{window}"), "wb") as seed:
                    seed.write(bytes([settings | window, 0]) + server)


def write_challenges(folder):
    """Writes turns of servers as inputs of fuzz_challenge: each for every mechanism, with a bare AUTH and with a response in it."""
    os.makedirs(folder, exist_ok=True)
    first = b"br=\x01server,s=QSXCR+Q6sek8bf92,i=4096"
    dialogues = [[b"+", b"+VXNlcm5hbWU6", b"+UGFzc3dvcmQ6", b"o"], [b"+PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+", b"o"], [b"+e30=", b"-", b"o"], [b"o", b"o"], [b"-"],
                 [first, b"bv=" + base64.b64encode(bytes(32)), b"o"], [first, b"bv=" + base64.b64encode(bytes(20)), b"o"], [first, b"be=invalid-proof", b"-"],
                 [first, b"o"], [first + b",x=y", b"bv="], [b"br=\x01,s=QSXCR+Q6sek8bf92,i=4096"], [b"br=\x01x,s=,i=4096"], [b"br=\x01x,s=QQ==,i=4095"],
                 [b"br=\x01x,s=QQ==,i=5001"], [b"bm=x,r=\x01x,s=QQ==,i=4096"], [b"be=other-error"], [first + b",z=" + b"x" * 260]]
    for mechanism in range(10):
        for bare in 0, 128:
            for i, dialogue in enumerate(dialogues):
                with open(os.path.join(folder, f"{mechanism}-{bare}-{i}"), "wb") as seed:
                    seed.write(bytes([mechanism | bare]) + TURN.join(([b"+"] if bare else []) + dialogue))


def write_blobs(folder):
    """Writes the golden set of trust and sets with other rows as inputs of fuzz_blob, with places that fail and change."""
    os.makedirs(folder, exist_ok=True)
    with open(GOLDEN, encoding="ascii") as text:
        golden = bytes(int(octet, 16) for octet in re.findall(r"0x(..)", text.read().partition("golden_blob[")[2]))
    index, entry = 168, golden[-77:]
    head = bytearray(golden[:index])
    head[12:16] = bytes(4)
    sets = [golden]
    for anchors, pins, denied, row_len in (0, 0, 0, 36), (2, 1, 1, 36), (3, 0, 0, 40), (1, 2, 0, 100), (0, 1, 0, 36), (2, 0, 2, 255):
        end = index + (anchors + pins + denied) * row_len
        digest = hashlib.sha256(entry).digest()[:16]
        rows = [bytes([i // 2] * 8) + (digest if i % 2 == 0 else b"\xff" * 16) + end.to_bytes(4, "big") + len(entry).to_bytes(2, "big") + bytes(6)
                for i in range(anchors)] + [b"key" + bytes(29) + bytes.fromhex("0000ffff")] * pins + [b"key" + bytes(33)] * denied
        head[4:8], head[48:56] = (end + len(entry)).to_bytes(4, "big"), struct.pack(">HHHBB", anchors, pins, denied, row_len, 1)
        sets.append(bytes(head) + b"".join(row.ljust(row_len, b"\xee") for row in rows) + entry)
    for i, octets in enumerate(sets):
        for k, place in enumerate((bytes(5), bytes([4, 0, 0, 0, 0]), bytes([0, 6, 0, 180, 1]), bytes([9, 9, 1, 0, 0xFF]))):
            for flags in (ALL_RIGHT, ALL_RIGHT | 8, 1 | 32) if k == 0 else (ALL_RIGHT,):
                with open(os.path.join(folder, f"{i}-{k}-{flags}"), "wb") as seed:
                    seed.write(bytes([flags, 0, 0]) + place + octets)


def run(fuzzer, seconds, seeds, folder):
    """(a line about the run, what is wrong or "")"""
    target = os.path.basename(fuzzer).removeprefix("fuzz_")
    seeds, corpus = os.path.join(seeds, target), os.path.join(folder, target)
    os.makedirs(corpus, exist_ok=True)
    broken = os.path.join(folder, target + "-")
    done = subprocess.run([fuzzer, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=1024", "-max_len=12000", "-print_final_stats=1",
                           f"-artifact_prefix={broken}", corpus, seeds], capture_output=True, text=True, errors="replace")
    lines = done.stderr.splitlines()
    units = next((line.rpartition(":")[2].strip() for line in lines if "number_of_executed_units" in line), "no")
    known, why = len(os.listdir(seeds)), ""
    if done.returncode:
        why = "\n".join(lines[-60:])
        for path in glob.glob(broken + "*"):
            with open(path, "rb") as octets:
                why += f"\n{os.path.basename(path)}: {base64.b64encode(octets.read()).decode()}"
    elif not units.isdigit() or int(units) <= known:
        why = "it tried no more than its seeds"
    return f"{target}: {units} inputs in {seconds} s, {known} seeds", why


def main():
    words, keep = sys.argv[1:], None
    if "--keep" in words:
        at = words.index("--keep")
        keep = words[at + 1]
        del words[at:at + 2]
    if len(words) < 2 or not words[0].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        seeds, found = os.path.join(folder, "seeds"), os.path.abspath(keep or os.path.join(folder, "found"))
        subprocess.run([sys.executable, SEEDS, "--seeds", seeds], check=True)
        write_sessions(os.path.join(seeds, "session"))
        write_blobs(os.path.join(seeds, "blob"))
        write_challenges(os.path.join(seeds, "challenge"))
        results = Results()
        results.add_all(run(os.path.abspath(fuzzer), int(words[0]), seeds, found) for fuzzer in words[1:])
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
