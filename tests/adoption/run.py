# SPDX-License-Identifier: MIT
"""Runs the tests of adoption as tests/interop/run.py runs its own: popcl as other projects take it in, by each build system and package. The
words are run.py's too.

    run.py [MODULE | MODULE.CLASS | MODULE.CLASS.TEST]...      default: each test_*.py beside this file

Without words it also fails if a block of the documents with the mark `tested` was run by no test, and none was skipped. B names the build folder
(default: build). A test builds below a temporary folder, and what it downloads once is kept in B."""
import os
import pathlib
import subprocess
import sys
import tempfile

import consumer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
import blocks  # noqa: E402


def main(words):
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as shown:
        code, skipped = run(words, shown.name)
        left = [] if words or skipped else blocks.left_out("tests/adoption", shown)
    for name in left:  # one result more than planned is a failure too
        print(f"not ok - {name}: no test took this block")
    return code or bool(left)


def run(words, shown):
    """Runs the tests, which write the names of the blocks that they take into the file `shown`. (exit status, whether a test was skipped)"""
    build = os.path.abspath(os.environ.get("B", ROOT / "build"))
    environment = {**os.environ, "POPCL": os.path.join(build, "popcl"), "B": build, "POPCL_SHOWN": shown}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # a build of a test is one of its own
        environment.pop(name, None)
    skipped = False
    with subprocess.Popen([sys.executable, str(HERE.parent / "interop" / "run.py"), "-C", str(HERE), "-t", str(consumer.CLASS_HANGS), *words],
                          env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE) as tests:
        for line in tests.stdout:
            skipped |= " # SKIP" in line
            print(line, end="", flush=True)
    return tests.returncode, skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
