# SPDX-License-Identifier: MIT
"""A board in QEMU that runs a firmware image, and what it said: its polls, its last line, its exit status. Knows the settings and the lines of
examples/firmware, and no server.

    with Board(image, settings, folder, wire) as board:
        board.wait_for("poll 1:")
        outcome = board.finish()
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

RUN_SECONDS = 120  # says only when to give up on a board that hangs
Machine = collections.namedtuple("Machine", "name nic")
MACHINES = {
    "lm3s6965evb": Machine("lm3s6965evb", "stellaris"),
    "lm3s6965evb-m0": Machine("lm3s6965evb", "stellaris"),
    "mps2-an385": Machine("mps2-an385", "lan9118"),
    "mps2-an505": Machine("mps2-an505", "lan9118"),
}
# QEMU 7.2 looks for the vectors of an an505 before its memory is there, and again when it is: no program can keep it from that.
BEFORE_RESET = "Invalid read at addr 0x1000000{}, size 4, region '(null)', reason: rejected\n"
OK_LINE = re.compile(r"poll (\d+): ok, (\d+) messages?, (\d+) octets?(, resumed)?")
FAILED_LINE = re.compile(r"poll (\d+): failed, (POPCL_\w+)(?:, next in (\d+) ms)?")
Poll = collections.namedtuple("Poll", "number error messages octets resumed next_ms")


class BoardError(AssertionError):
    """QEMU does not start, or the firmware hangs or falls silent; the text holds what was said."""


def poll_of(line):
    if found := OK_LINE.match(line):
        return Poll(int(found[1]), None, int(found[2]), int(found[3]), bool(found[4]), None)
    if found := FAILED_LINE.match(line):
        return Poll(int(found[1]), found[2], 0, 0, False, found[3] and int(found[3]))
    return None


class Outcome:
    """What is left of a run. `end`: the numbers of the last line, as {"stack": [4900, 8192], "pbufs": [3, 3, 0], "heap": [1234, 0], "pcbs": [0]}."""

    def __init__(self, status, lines, guest_errors):
        self.status, self.lines, self.guest_errors = status, lines, guest_errors
        self.polls = [poll for line in lines if (poll := poll_of(line))]
        self.end, name = {}, None
        for part in next((line[5:].split(", ") for line in reversed(lines) if line.startswith("end: ")), ()):
            name = re.match(r"[a-z]+|", part)[0] or name
            self.end.setdefault(name, []).extend(map(int, re.findall(r"\d+", part)))

    @property
    def errors(self):
        """The polls' results in order: an error's name, or None."""
        return [poll.error for poll in self.polls]

    def __str__(self):
        return f"exit status {self.status}\n" + "\n".join(self.lines) + (f"\nguest errors:\n{self.guest_errors}" if self.guest_errors else "")


def arguments(image, folder, settings, more=()):
    """QEMU's command line but for the netdev n0. `more`: of its options. A comma in a setting is doubled, as QEMU wants it."""
    machine = MACHINES[image.board]
    words = ["qemu-system-arm", *more, "-M", machine.name, "-display", "none", "-monitor", "none", "-serial", "null",
             "-kernel", str(image.file), "-net", f"nic,model={machine.nic},netdev=n0", "-d", "guest_errors", "-D", str(folder / "guest-errors")]
    given = "".join(f",arg={name}={str(value).replace(',', ',,')}" for name, value in settings.items())
    return words + ["-semihosting-config", f"enable=on,target=native,arg=popcl{given}"]


class Board:
    """`image`: what images.py built. `settings`: the firmware's. `folder`: QEMU's working directory, where relative names in them begin. `more`:
    options of QEMU. `console`: a file that gets what is said, instead of self.lines."""

    console = subprocess.PIPE

    def __init__(self, image, settings, folder, wire, more=()):
        self.image, self.settings, self.folder, self.wire, self.more = image, settings, pathlib.Path(folder), wire, more
        self.lines = []
        self._process = None
        self._news = threading.Condition()

    def __enter__(self):
        leash = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        try:
            self._process = subprocess.Popen([*leash, *arguments(self.image, self.folder, self.settings, self.more), *self.wire.options()],
                                             pass_fds=self.wire.fds, cwd=self.folder, stdin=subprocess.DEVNULL,
                                             stdout=self.console, stderr=subprocess.STDOUT)
        except BaseException:
            self.wire.end()
            raise
        self.wire.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.wire.end()

    def _read(self):
        for line in self._process.stdout or ():
            with self._news:
                self.lines.append(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append(None)
            self._news.notify_all()

    @property
    def said(self):
        return "\n".join(line for line in self.lines if line is not None)

    def wait_for(self, beginning, times=1, seconds=RUN_SECONDS):
        """The first line that begins so, or that many of them."""
        def over():
            return sum(line is None or line.startswith(beginning) for line in self.lines) >= times or None in self.lines
        with self._news:
            self._news.wait_for(over, seconds)
            found = [line for line in self.lines if line is not None and line.startswith(beginning)]
        if len(found) < times:
            raise BoardError(f"no line {beginning!r}\n{self.said}")
        return found[0]

    def kill(self):
        """The power is cut."""
        if self._process and self._process.poll() is None:
            self._process.kill()
        if self._process:
            self._process.wait()
            self._reader.join()
            if self._process.stdout:
                self._process.stdout.close()

    def wait_for_end(self, seconds=RUN_SECONDS):
        """Of a board whose power another thread cuts."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BoardError(f"the firmware does not end\n{self.said}\n{self.wire.crashed or ''}") from None
        self._reader.join()

    def finish(self, seconds=RUN_SECONDS):
        """Waits for the firmware's exit."""
        self.wait_for_end(seconds)
        log = (self.folder / "guest-errors").read_text(errors="replace")
        if self.image.board == "mps2-an505":
            log = log.removeprefix(BEFORE_RESET.format(0)).removeprefix(BEFORE_RESET.format(4))
        return Outcome(self._process.returncode, [line for line in self.lines if line is not None], log)

    def cpu_seconds(self):
        """What QEMU has used of a processor so far."""
        with open(f"/proc/{self._process.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
