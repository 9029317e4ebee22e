# SPDX-License-Identifier: MIT
"""bare_root.py as far as it goes without packages: where it cannot be it says so in one line, a step that fails shows its end, and whatever ends it
leaves neither a process nor a file. mmdebstrap and apt-get are scripts of a few lines here."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from consumer import HERE, ROOT, without_network

BARE_ROOT = HERE / "bare_root.py"
WAIT_SECONDS = 120  # says only when to give up
needs_root = unittest.skipUnless(without_network() == ["unshare", "-n"], "its namespaces need root here")


@unittest.skipUnless((ROOT / ".git").exists(), "it clones this repository, and this is no clone")
class BareRoot(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="popcl-adoption-")))
        self.temporary, self.programs = self.folder / "tmp", self.folder / "bin"
        for folder in (self.temporary, self.programs, self.folder / "dists/bookworm"):
            folder.mkdir(parents=True)
        (self.folder / "dists/bookworm/InRelease").write_text("Origin: Debian\n")
        self.script("apt-get", f"echo Debian bookworm main file:{self.folder}/")

    def script(self, name, text):
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def start(self, path=None):
        path = path or f"{self.programs}:{os.environ['PATH']}"
        return subprocess.Popen([sys.executable, BARE_ROOT, "docs"], env={**os.environ, "PATH": path, "TMPDIR": str(self.temporary), "B": str(self.folder / "build")},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ended(self, child, code):
        out, _ = child.communicate(timeout=WAIT_SECONDS)
        self.assertEqual(child.returncode, code, out)
        self.assertEqual(list(self.temporary.iterdir()), [])
        return out.splitlines()

    def test_what_is_missing_is_named(self):
        for name in ("git", "ip", "unshare"):
            (self.programs / name).symlink_to(shutil.which(name) or "/bin/true")
        self.assertEqual(self.ended(self.start(str(self.programs)), 0),
                         ["ok 1 - bare root # SKIP missing: mmdebstrap. Run: make deps-adoption", "1..1"])

    @needs_root
    def test_without_places(self):
        self.script("mmdebstrap", "exit 1")
        for printed, why in (("echo Debian trixie main file:/x", "apt-get has no lists of Debian 12"),
                             ("echo Other bookworm main file:/x", "apt-get has no lists of Debian 12"),
                             (f"echo Debian bookworm main file:{self.folder}/none", "no network: the place of this machine's packages does not answer")):
            with self.subTest(printed):
                self.script("apt-get", printed)
                lines = self.ended(self.start(), 0)
                self.assertIn(f"ok 1 - bare root # SKIP {why}", lines[0])

    @needs_root
    def test_a_step_that_fails_shows_its_end(self):
        self.script("mmdebstrap", "seq 1 500; echo the reason >&2; exit 7")
        lines = self.ended(self.start(), 1)
        self.assertRegex(lines[1], r"^not ok 1 - bare root: root \(\d+ s\)$")
        self.assertIn("exit status 7; all of its 501 lines are in ", lines[2])
        self.assertIn("# the reason", lines)
        self.assertNotIn("# 400", lines)
        self.assertEqual(lines[-1], "1..1")

    @needs_root
    def test_an_end_from_outside_leaves_nothing(self):
        """Also of what a step put into a session of its own, and mounted."""
        marks = self.folder / "began", f"{time.monotonic_ns() % 1000000}.25"
        self.script("mmdebstrap", f'for root; do case $root in {self.temporary}/*) break ;; esac; done; mkdir -p "$root/proc"; mount -t proc proc "$root/proc"\n'
                    f"setsid sleep 8{marks[1]} & echo > {marks[0]}; trap '' TERM HUP INT; sleep 9{marks[1]}; sleep 9{marks[1]}")
        for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)):
            with self.subTest(number):
                child = self.start()
                until = time.monotonic() + WAIT_SECONDS
                while not marks[0].exists():
                    self.assertLess(time.monotonic(), until)
                    time.sleep(0.1)
                self.assertNotEqual(self.running(marks[1]), [])
                child.send_signal(number)
                self.ended(child, code)
                self.assertEqual(self.running(marks[1]), [])
                self.assertNotIn(str(self.temporary), pathlib.Path("/proc/mounts").read_text())
                marks[0].unlink()

    @staticmethod
    def running(mark):
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has just ended
                continue
            if words[0] == "sleep" and words[1].endswith(mark):
                found.append(words)
        return found


if __name__ == "__main__":
    unittest.main()
