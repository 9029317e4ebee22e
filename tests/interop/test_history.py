# SPDX-License-Identifier: MIT
"""Random histories of one account: runs of many days against a maildrop that changes between them, with a clock that jumps and sessions that
break. After each run a model, written from docs/COMMANDS.md, judges every message that the server lost; and the end judges what was missed.

    HISTORIES=500 FIRST=0 python3 tests/interop/run.py test_history     # other ones, and more
"""
import os
import random
import re
import time
import unittest

import command
from hostile import Close, Connection, Hostile, Reset
from saved import DAY, Saved

SIZES = (1, 2, 3)  # kinds of sizes: few, so that sizes of different messages are often alike


def real_day():
    return int(time.time()) // DAY


class Mail:
    """A message: its token is in no other one. The Date follows the simulated clock."""

    count = 0

    def __init__(self, rng, uid, written):
        Mail.count += 1
        self.token, self.uid, self.written, self.size = Mail.count, uid, written, rng.choice(SIZES)
        self.sender = rng.choice(("ann", "bob"))

    def octets(self, shift):
        date = time.strftime("%a, %d %b %Y 12:00:00 +0000", time.gmtime((self.written + shift) * DAY))
        return (f"Date: {date}\r\nSubject: t{self.token:06d}\r\nFrom: {self.sender}@example.org\r\n\r\n" + "line\r\n" * self.size).encode()


class Server(Hostile):
    """Keeps `mail` in step with `messages`, and notes what QUIT removes. `at_quit` is what becomes of a QUIT."""

    def __init__(self):
        self.mail, self.removed, self.unfetched, self.fetched, self.at_quit = [], [], [], [], "well"
        super().__init__(messages=[], uids=[])

    def connection(self, client, commands):
        return Session(self, client, commands)

    def show(self, shift):
        self.messages = [m.octets(shift) for m in self.mail]
        self.uids = [m.uid for m in self.mail]


class Session(Connection):
    def __init__(self, server, client, commands):
        super().__init__(server, client, commands)
        self.mail = dict(enumerate(server.mail, 1))

    def _judge_deletion(self, argument):
        if int(argument) not in self.mail:
            self.server.violations.append(f"DELE {argument}: there is no such message")
        elif f"RETR {argument}" not in self.commands:
            self.server.unfetched.append((int(argument), len(self.mail), self.mail[int(argument)]))

    def _remove(self):
        if self.server.at_quit == "lost":
            return
        gone = [self.mail[n] for n in self.deleted]
        super()._remove()
        self.server.removed += gone
        self.server.mail = [m for m in self.server.mail if m not in gone]

    def _retr(self, argument):
        self.server.fetched.append(self.mail.get(int(argument)))
        return super()._retr(argument)

    def _quit(self, argument):
        return {"well": b"+OK bye\r\n", "refused": b"-ERR not removed\r\n"}.get(self.server.at_quit, [Close()])


class History:
    """One account from its first run to its last."""

    def __init__(self, seed, place):
        self.rng, self.place = random.Random(seed), place
        self.seed, self.steps = seed, []
        self.clock = real_day()
        self.uids = 0
        self.proofs = {}    # (UID, LIST's size) of a stored message: the lowest clock since
        self.stored = set()
        self.listed = {}    # token: LIST's size, in this run
        self.loose = False  # a UID may have had two messages: what was missed is not judged by it
        self.names = set()  # UIDs that had a stored message, and no confirmed deletion after it
        self.away = set()   # UIDs of stored messages that a complete listing did not have
        self.gone = []      # messages that are deleted
        self.hidden = []    # messages that are elsewhere for a while

    # ---- the world ----

    def fresh_uid(self):
        self.uids += 1
        return f"u{self.uids}"

    def deliver(self, server, used=None):
        uid = self.fresh_uid()
        if used and self.rng.random() < 0.5:
            uid = self.rng.choice(used[-3:])  # the server gives a UID again, or to two messages at once
        server.mail.append(Mail(self.rng, uid, self.clock - self.rng.choice((0, 0, 1, 5, 40, 400))))

    def change(self, server):
        rng = self.rng
        for _ in range(rng.choice((0, 0, 1, 2, 4))):
            self.deliver(server, [m.uid for m in server.mail + self.gone] if self.loose else None)
        if self.hidden and rng.random() < 0.5:  # another client moves messages to and fro
            server.mail.append(self.hidden.pop())
        while server.mail and rng.random() < 0.15:
            self.hidden.append(server.mail.pop(rng.randrange(len(server.mail))))
        if rng.random() < 0.05:
            rng.shuffle(server.mail)

    def turn_clock(self, days):
        """The record gets older: for it this is the same as a clock that went on."""
        self.clock += days
        for saved in self.records():
            for entry in saved.entries:
                if entry.day:
                    entry.day -= days
            if saved.about:
                saved.about.day -= days if saved.about.day else 0
                saved.about.size -= days * DAY if saved.about.size else 0
            saved.write()

    def records(self):
        folder = self.place.state / "popcl"
        return [Saved(p) for p in folder.iterdir() if len(p.name) == 32] if folder.is_dir() else []

    def is_doubtful(self):
        """By the rule of the documents, from what the last run left."""
        today, newest, doubt = real_day(), 0, 0
        for saved in self.records():
            newest = max([newest, *(e.day for e in saved.entries if e.state in (1, 2, 3))])
            if saved.about:
                newest, doubt = max(newest, saved.about.day), saved.about.size
        if not newest or newest <= today <= newest + 30:
            return False
        same_side = doubt and (doubt // DAY < newest) == (today < newest)
        return not (same_side and time.time() - doubt >= DAY - 60)

    # ---- a run ----

    def options(self):
        rng = self.rng
        chosen = rng.choice((["-n"], ["-n"], [], ["-d"], ["-nd"], ["-n", "--delete-after", "DAYS"], ["-n", "--delete-after", "DAYS"],
                             ["--delete-after", "DAYS"], ["-n", "--keep-newest", "N"], ["-n", "--delete-after", "DAYS", "--keep-newest", "N"]))
        chosen = [str(rng.choice((1, 2, 7, 30))) if o == "DAYS" else str(rng.choice((1, 2, 4))) if o == "N" else o for o in chosen]
        for extra, chance in ((["--since", str(rng.choice((1, 10, 100)))], .15), (["--match", "From: ann"], .1), (["--limit", "2"], .1),
                              (["--msg", rng.choice(("1", "2-3", "2-"))], .08), (["--max-size", "160"], .08)):
            if rng.random() < chance:
                chosen += extra
        return chosen

    def disturb(self, server):
        """How this server misbehaves in this run."""
        rng, replies, n = self.rng, {}, len(server.mail)
        server.at_quit = rng.choice(("well", "well", "well", "well", "closed", "lost", "refused"))
        for k in range(1, n + 1):
            if rng.random() < .04:
                replies[f"RETR {k}"] = rng.choice((b"-ERR gone\r\n", [b"+OK\r\nDate: x\r\nSub", Close()], [Reset()]))
            if rng.random() < .03:
                replies[f"TOP {k} 0"] = rng.choice((b"-ERR no\r\n", b"+OK\r\n.\r\n", [Close()]))
            if rng.random() < .03:
                replies[f"DELE {k}"] = rng.choice((b"-ERR no\r\n", [Reset()]))
        odd = rng.random()
        if odd < .04:
            replies["UIDL"] = rng.choice((b"-ERR no\r\n", [b"+OK\r\n1 u1\r\n", Close()]))
        elif odd < .08 and n:  # lines of some messages are missing
            replies["UIDL"] = b"+OK\r\n" + b"".join(b"%d %s\r\n" % (k, m.uid.encode()) for k, m in enumerate(server.mail, 1) if rng.random() < .7) + b".\r\n"
        elif odd < .12 and n:  # sizes that are wrong
            self.listed = {m.token: 100 + rng.randrange(60) for m in server.mail}
            replies["LIST"] = b"+OK\r\n" + b"".join(b"%d %d\r\n" % (k, self.listed[m.token]) for k, m in enumerate(server.mail, 1)) + b".\r\n"
        return replies

    def go(self, server, options, honest=False):
        shift = real_day() - self.clock
        server.show(shift)
        self.listed = {m.token: len(m.octets(shift)) for m in server.mail}
        server.replies = {} if honest else self.disturb(server)
        if honest:
            server.at_quit = "well"
        server.removed, server.unfetched, server.fetched = [], [], []
        before = dict(self.proofs)
        on_server = list(server.mail)
        doubtful = self.is_doubtful()
        args = self.place.arguments(server.port, ["--timeout", "20", *options])
        process = self.place.start(args)
        if not honest and self.rng.random() < .05:
            time.sleep(self.rng.random() * .05)
            process.kill()
        result = self.place.finish(process, args)
        server.until_over()
        self.steps.append(f"day {self.clock}: {' '.join(options)} -> {result.code}; {server.at_quit} {server.replies}\n"
                          f"    on the server: {[(m.token, m.uid, m.size) for m in on_server]}; unfetched DELE: "
                          f"{[(n, m.token) for n, _, m in server.unfetched]}; removed: {[m.token for m in server.removed]}\n    {result.err.strip()}")
        self.learn(server, on_server)
        self.judge(server, options, before, doubtful)
        self.forget(server, on_server, result)
        return result

    def key(self, m):
        return m.uid, self.listed[m.token]

    def tokens(self):
        found = set()
        for path in self.place.out.iterdir() if self.place.out.is_dir() else ():
            octets = path.read_bytes()
            if not path.name.startswith(".") and octets.endswith(b"line\r\n"):
                found.update(int(t) for t in re.findall(rb"Subject: t(\d+)\r\n", octets))
        return found

    def learn(self, server, on_server):
        self.stored = self.tokens()
        for m in on_server:
            if m.token in self.stored:
                self.names.add(m.uid)
                if m in server.fetched:
                    self.away.discard(m.uid)
                self.proofs.setdefault(self.key(m), self.clock)
        for key, low in self.proofs.items():
            self.proofs[key] = min(low, self.clock)

    def forget(self, server, on_server, result):
        """What later runs may not take for granted any more."""
        self.gone += server.removed
        if result.code != 0 or server.at_quit != "well":
            return
        if "UIDL" not in server.replies:
            self.away |= {uid for uid, _ in self.proofs} - {m.uid for m in on_server}
        for m in server.removed:
            if [other.uid for other in on_server].count(m.uid) == 1:
                self.names.discard(m.uid)
                self.proofs = {key: low for key, low in self.proofs.items() if key[0] != m.uid}

    def judge(self, server, options, before, doubtful):
        def holds(condition, what):
            if not condition:
                raise AssertionError(f"history {self.seed}: {what}\n" + "\n".join(self.steps))
        holds(not server.violations, server.violations)
        value = {o: int(v) for o, v in zip(options, options[1:]) if o in ("--delete-after", "--keep-newest")}
        for m in server.removed:
            holds(m.token in self.stored or (self.loose and self.key(m) in before), f"message {m.token} is lost")
        deletes = any(o in ("-d", "-nd") for o in options)
        for number, total, m in server.unfetched:
            key = self.key(m)
            holds(deletes or value, f"message {m.token} is deleted without an option")
            # a further session of the run may delete what an earlier one stored
            holds(m.token in self.stored or key in before, f"message {m.token} is deleted unfetched, without UID and size of a stored one")
            holds(deletes or m.uid not in self.away, f"message {m.token} was away, and is deleted unfetched")
            if "--delete-after" in value:
                holds(not doubtful, f"message {m.token} is deleted by a clock in doubt")
                holds(self.clock - self.proofs[key] >= value["--delete-after"], f"message {m.token} is deleted too early")
            if "--keep-newest" in value:
                holds(number + value["--keep-newest"] <= total, f"message {m.token} is among the newest")

    def end(self, server):
        """A well-behaved server, and nothing left out: what no run has stored comes now."""
        for _ in range(3):
            self.go(server, ["-n"], honest=True)
        for m in server.mail:
            if m.token not in self.stored and not (self.loose and m.uid in self.names):
                raise AssertionError(f"history {self.seed}: message {m.token} never comes\n" + "\n".join(self.steps))

    def play(self):
        self.loose = self.rng.random() < .4
        with Server() as server:
            for _ in range(self.rng.randrange(4, 14)):
                self.change(server)
                self.turn_clock(self.rng.choice((0, 0, 1, 1, 2, 8, 29, 31, 40, 90, -1, -3, -40)))
                self.go(server, self.options())
            self.end(server)


class Histories(unittest.TestCase):
    def test_histories(self):
        """[G14] A message is deleted only if it was stored, and its UID and size are as then; every other message comes."""
        first, count = int(os.environ.get("FIRST", "0")), int(os.environ.get("HISTORIES", "16"))
        for seed in range(first, first + count):
            place, day = command.Place(), real_day()
            try:
                History(seed, place).play()
            except AssertionError:
                if real_day() == day:  # midnight came between
                    raise
            finally:
                place.remove()


if __name__ == "__main__":
    unittest.main()
