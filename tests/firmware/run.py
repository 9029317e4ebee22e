# SPDX-License-Identifier: MIT
"""Builds the images, then runs the tests of firmware in QEMU as tests/interop/run.py runs its own. The words are run.py's too.

    run.py [MODULE | MODULE.CLASS | MODULE.CLASS.TEST]...

B names the build folder (default: build), POPCL the command, beside which popcl-ta stands."""
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
import firmware_image  # noqa: E402
import images  # noqa: E402


AT_ONCE = ("-j", "3")  # on two processors: much of a board's time is waiting


def main(words):
    os.chdir(images.ROOT)
    popcl = pathlib.Path(os.environ.get("POPCL", images.ROOT / "build" / "popcl")).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the folder is removed
    try:
        with images.Workshop(popcl_ta=popcl.parent / "popcl-ta"):
            environment = {**os.environ, "POPCL": str(popcl), "B": os.path.abspath(os.environ.get("B", "build"))}
            return subprocess.run([sys.executable, str(HERE.parent / "interop" / "run.py"), "-C", str(HERE), *AT_ONCE, *words], env=environment,
                                  check=False).returncode
    except (firmware_image.image.Missing, subprocess.CalledProcessError) as error:
        print(f"firmware: {error}\n{getattr(error, 'output', '') or ''}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
