# SPDX-License-Identifier: MIT
"""Runs fuzzers for a while, each from seeds that are made for it: certificates of tests/x509check. Prints TAP.

    run.py SECONDS [--keep DIR] FUZZER...
        --keep: what was found worth keeping stays in DIR, and is where the next run goes on. What breaks a fuzzer is in crash-* there, or else
        shown in base64.
"""
import base64
import glob
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from results import Results  # noqa: E402

SEEDS = os.path.join(ROOT, "tests", "x509check", "run.py")


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
        results = Results()
        results.add_all(run(os.path.abspath(fuzzer), int(words[0]), seeds, found) for fuzzer in words[1:])
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
