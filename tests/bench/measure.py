# SPDX-License-Identifier: MIT
"""Runs a client against a server and returns what it used: time, memory, system calls, instructions, round trips. Knows no row of the results.

The clients of a comparison take turns, in an order that changes from round to round. So neither a machine that changes its speed nor the run
before is unjust to one of them. Medians count.
"""
import contextlib
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import threading

from clients import Job
from servers import Broken, Delay, words_of

GIVE_UP_SECONDS = 900
TRIP_SECONDS = 4  # how long a run that counts round trips should wait in all
LEAST_RTT_MS, MOST_RTT_MS = 4, 200
TMPFS = pathlib.Path("/dev/shm")


class Place(contextlib.AbstractContextManager):
    """A folder for mail. Files are removed at its end only: ext4 is slow to use an inode again that was just freed. `small`: they are removed
    after each run instead."""

    def __init__(self, root, small=False):
        self._small, self._count, self._lock = small, 0, threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=root))
        self.folder.chmod(0o755)

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def run(self):
        """An empty Maildir, and an empty folder for a client's own files."""
        with self._lock:
            self._count += 1
            folder = self.folder / str(self._count)
        out, files = folder / "mail", folder / "files"
        for path in (out / "cur", out / "new", out / "tmp", files):
            path.mkdir(parents=True)
        out.chmod(0o700)
        yield out, files
        if self._small:
            shutil.rmtree(folder)


def memory_folder():
    """Where files cost no disk, if the machine has such a place with room."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(TMPFS).free > 1 << 30:
            return TMPFS
    return pathlib.Path(tempfile.gettempdir())


class Meter:
    """Runs clients by `used`, which stands in `folder`. `keys` are those of the servers."""

    def __init__(self, folder, keys):
        self.folder, self.keys = folder, keys

    def run(self, client, maildrop, port, place, tls=False, calls=False, unnamed=True, wrap=()):
        """The figures of one run, with the octets that arrived if they are known. Raises Broken if mail is missing. `unnamed`: the file system has
        files without a name (O_TMPFILE)."""
        with place.run() as (out, files):
            job = Job(maildrop, port, self.keys, tls, out, files)
            said, errors = files / "said", files / "errors"
            argv = [str(self.folder / "used"), *(["-s"] if calls else []), *([] if unnamed else ["-u"]), str(files / "used"), *wrap, *client.argv(job)]
            with said.open("w") as output, errors.open("w") as error:
                try:
                    status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=error, env=job.environment(), cwd=files, check=False,
                                            timeout=GIVE_UP_SECONDS).returncode
                except subprocess.TimeoutExpired:
                    raise Broken(f"{client.name}, {maildrop.user}: hangs") from None
            words = words_of((files / "used").read_text()) if status == 0 else {}
            if words.get("status") != "0":
                raise Broken(f"{client.name}, {maildrop.user}: exit status {words.get('status', '?')}: {last_line(errors)}")
            figures = {name: float(words[name]) for name in ("wall", "user", "system", "peak_kb", "calls")}
            figures["cpu"] = figures["user"] + figures["system"]
            if client.delivers:
                mail = [file.stat().st_size for folder in ("new", "cur") for file in (out / folder).iterdir() if not file.name.startswith(".")]
                if len(mail) != maildrop.count:
                    raise Broken(f"{client.name}, {maildrop.user}: {len(mail)} messages arrived of {maildrop.count}")
                figures["octets"] = sum(mail)
            elif "octets" in words_of(said.read_text()):
                figures["octets"] = int(words_of(said.read_text())["octets"])
            if wrap:
                collected = re.search(r"Collected *: (\d+)", errors.read_text())
                figures["instructions"] = int(collected[1]) if collected else None
            return figures

    def compare(self, clients, maildrop, server, place, tls=False, rounds=5):
        """({name: figures}, [why a peer has none]). The round before the first one warms up, and is not counted. A slow client has one round."""
        port = server.tls_port if tls else server.port
        runs, failed = {client.name: [] for client in clients}, {}
        order = random.Random(1)
        for at in range(rounds + 1):
            for client in order.sample(clients, len(clients)):
                if client.name in failed or (client.slow and at != 1):
                    continue
                try:
                    figures = self.run(client, maildrop, port, place, tls)
                except Broken as error:
                    if not client.package:  # not a peer
                        raise
                    failed[client.name] = str(error)
                    continue
                if at:
                    runs[client.name].append(figures)
        return {name: summary(those) for name, those in runs.items() if those and name not in failed}, list(failed.values())

    def instructions(self, client, maildrop, port, place, tls=False):
        """User instructions, by callgrind."""
        figures = self.run(client, maildrop, port, place, tls, wrap=("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"))
        return figures["instructions"]

    def delayed(self, client, maildrop, server, place, rtt_ms, tls=False):
        """The figures of a run through a delay, with the turns."""
        with Delay(self.folder, server.tls_port if tls else server.port, rtt_ms) as path:
            figures = self.run(client, maildrop, path.port, place, tls)
            figures["turns"] = int(path.report()["turns"])
        return figures

    def trips(self, client, maildrop, server, place, tls=False):
        """Round trips from the connection to the end: the time that a delay adds, divided by the delay. Where a client takes turns with the server
        these can be counted. That is exact, but counts too many where it sends while mail arrives; the lesser figure holds. Connecting and the
        greeting are two trips without a turn of the client."""
        at_once = self.delayed(client, maildrop, server, place, 0, tls)
        rtt = LEAST_RTT_MS
        slow = self.delayed(client, maildrop, server, place, rtt, tls)
        trips = max((slow["wall"] - at_once["wall"]) * 1000 / rtt, 1)
        longer = min(MOST_RTT_MS, TRIP_SECONDS * 1000 / trips)
        if longer > 2 * rtt:
            rtt = longer
            slow = self.delayed(client, maildrop, server, place, rtt, tls)
            trips = (slow["wall"] - at_once["wall"]) * 1000 / rtt
        return min(trips, slow["turns"] + 2)


def at_once(functions):
    """The results of functions that mostly wait, run side by side. The first failure is raised."""
    results, failures = [None] * len(functions), []

    def call(place):
        try:
            results[place] = functions[place]()
        except BaseException as error:  # pylint: disable=broad-except  # raised again below
            failures.append(error)

    threads = [threading.Thread(target=call, args=(place,), daemon=True) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def last_line(file):
    """The last line of a file that is not empty, or ""."""
    return next((line.strip() for line in reversed(file.read_text(errors="replace").splitlines()) if line.strip()), "")


def summary(runs):
    """The medians, and how far the processor time spreads."""
    figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return dict(figures, cpu_min=min(run["cpu"] for run in runs), cpu_max=max(run["cpu"] for run in runs))
