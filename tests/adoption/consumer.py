# SPDX-License-Identifier: MIT
"""What the tests of build systems share: a temporary folder, runs of other programs, examples/minimal.c as another project's program, and a
throw-away server that it fetches from. B names the build folder."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("B", ROOT / "build")).resolve()
sys.path[:0] = [str(ROOT / "tests" / "interop"), str(ROOT / "packaging")]
sys.path.append(str(ROOT / "tests"))  # last: packaging has a recipes.py too
import blocks  # noqa: E402
import mailboxes  # noqa: E402
from dovecot import Dovecot  # noqa: E402

HANGS, CLASS_HANGS = 1200, 3600  # seconds; a class compiles popcl and BearSSL, and the machine may have other work
ARM = ["-mcpu=cortex-m3", "-mthumb"]
# A program for a device, with TLS.
DEVICE = ('#include "popcl_fetch.h"\n#include "popcl_tls.h"\nstatic popcl_fetch job;\nstatic popcl_fetch_config config;\nstatic popcl_tls tls;\n'
          "int main(void) {\n    tls.profile = &popcl_tls_pinned;\n    config.session.tls = &tls;\n    return (int)popcl_fetch_start(&job, &config, 0);\n}\n")


def bearssl_tree():
    """BearSSL's source, fetched once."""
    done = subprocess.run(["sh", "tests/source.sh", "bearssl", BUILD / "arm"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise unittest.SkipTest(done.stderr.strip())
    return pathlib.Path(done.stdout.strip())


def without_network():
    """The begin of a command that has no network, not even loopback; nothing where that cannot be."""
    for words in (["unshare", "-n"], ["unshare", "-rn"]):
        if shutil.which(words[0]) and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return []


def shown(name, page="docs/ADOPTION.md"):
    """The lines that a page shows below <!-- tested: NAME -->, so that a test runs what a reader copies. run.py wants each of them taken."""
    [block] = [block for block in blocks.blocks_of(page, (ROOT / page).read_text()) if block.mark == f"tested: {name}"]
    if "POPCL_SHOWN" in os.environ:
        with open(os.environ["POPCL_SHOWN"], "a", encoding="utf-8") as file:
            file.write(block.name + "\n")
    return block.body


class ConsumerCase(unittest.TestCase):
    """A folder for the class, removed at its end."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-adoption-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    @classmethod
    def run_program(cls, *words, cwd=None, env=None, code=0):
        """Standard output and error; fails if the exit status is another one. code=None: any but 0."""
        done = subprocess.run([str(word) for word in words], cwd=cwd or cls.folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=HANGS)
        if done.returncode != code if code is not None else done.returncode == 0:
            raise AssertionError(f"exit status {done.returncode} of {' '.join(map(str, words))}\n{done.stdout[-6000:]}")
        return done.stdout

    @classmethod
    def make(cls, *words, **more):
        return cls.run_program("make", "-j2", "-C", ROOT, *words, **more)

    @classmethod
    def release(cls, name="dist"):
        """[(archive, its SHA-256)] of `make dist`, the one without BearSSL first."""
        if not (ROOT / ".git").exists():
            raise unittest.SkipTest("an archive is made from a clone, and this is none")
        out = cls.make("-s", "dist", f"B={BUILD}", f"DIST={cls.folder / name}")
        return [(cls.folder / name / file, sha256) for sha256, file in re.findall(r"^([0-9a-f]{64})  (popcl-\S+)$", out, re.M)]

    @classmethod
    def project(cls, name, files):
        """A project of its own with the example as app.c, and other files."""
        place = cls.folder / name
        place.mkdir(parents=True)
        shutil.copy(ROOT / "examples" / "minimal.c", place / "app.c")
        for file, text in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(text)
        return place

    def check_program(self, program, env=None):
        """It fetches every message of a server's maildrop, octet by octet; a wrong password is refused, with the three parts of an error."""
        messages = mailboxes.sample_messages()
        with Dovecot() as server:
            account = server.account()
            account.deliver(messages)

            def fetch(password):
                file = self.folder / "password"
                file.write_text(password + "\n")
                return subprocess.run([program, "127.0.0.1", str(server.port), account.name, file], env={**os.environ, **(env or {})},
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=HANGS)
            done = fetch(account.password)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            fetched = re.split(rb"^--- \d+ \S*\n", done.stdout, flags=re.M)[1:]
            self.assertEqual(fetched, [mailboxes.delivered(message) for message in messages])
            done = fetch("wrong")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertRegex(done.stderr, rb"^minimal: the server refuses .*: .*; .*\n$")
