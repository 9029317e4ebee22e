# SPDX-License-Identifier: MIT
"""Runs fuzzers for a while, each from seeds that are made for it: certificates of tests/x509check, and servers of tests/transcripts. Prints TAP.

    run.py SECONDS [--keep DIR] FUZZER...
        --keep: what was found worth keeping stays in DIR, and is where the next run goes on. What breaks a fuzzer is in crash-* there, or else
        shown in base64.
"""
import base64
import glob
import os
import re
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
        results = Results()
        results.add_all(run(os.path.abspath(fuzzer), int(words[0]), seeds, found) for fuzzer in words[1:])
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
