# SPDX-License-Identifier: MIT
"""Runs the tests of adoption as tests/interop/run.py runs its own: popcl as other projects take it in, by each build system and package. The
words are run.py's too.

    run.py [MODULE | MODULE.CLASS | MODULE.CLASS.TEST]...      default: each test_*.py beside this file

B names the build folder (default: build). A test builds below a temporary folder, and what it downloads once is kept in B."""
import os
import pathlib
import subprocess
import sys

import consumer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(words):
    build = os.path.abspath(os.environ.get("B", ROOT / "build"))
    environment = {**os.environ, "POPCL": os.path.join(build, "popcl"), "B": build}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # a build of a test is one of its own
        environment.pop(name, None)
    return subprocess.run([sys.executable, str(HERE.parent / "interop" / "run.py"), "-C", str(HERE), "-t", str(consumer.CLASS_HANGS), *words], env=environment, cwd=ROOT,
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
