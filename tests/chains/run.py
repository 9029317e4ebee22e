# SPDX-License-Identifier: MIT
"""Compares popcl's verdicts on chains of certificates with those of other judges: BearSSL, OpenSSL, GnuTLS and Go. A difference must fall in a
class of classes.py. The chains are the rows of ../x509check/table.py, each kind of chains.py alone, kinds of it in combinations, and mutants of
the DER. Prints TAP, and how often each class occurred.

    run.py [--seed N] [--chains N] [--mutants N]     a check; --seed gives the same chains again
    run.py --fuzz SECONDS [--jobs N]                 combinations and mutants of new seeds
    run.py --one KIND... [--seed N]                  asks about one chain, and prints it as PEM
    run.py --case FILE                               asks again about a case that was kept

A failure is kept in $B/chains/failed: the case, and a text with its kinds, its seed and the verdicts. $B is the build folder.
"""
import argparse
import calendar
import collections
import concurrent.futures
import itertools
import multiprocessing
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import chains  # noqa: E402
import classes  # noqa: E402
from results import Results  # noqa: E402

BUILD = os.environ.get("B", "build")
JUDGES = os.path.join(BUILD, "chains/judges")
GO = os.path.join(BUILD, "chains/judge_go")
FAILED = os.path.join(BUILD, "chains/failed")
NAMES = ("popcl", "bearssl", "openssl", "gnutls", "go")
PER_RUN = 150
CERTS_MOST = 64  # in judges.c


# ---- cases ----

class Case:
    def __init__(self, kinds, host, utc_s, anchors, chain, again=None):
        """again: what makes the same chain once more with fewer kinds, for a smaller failure"""
        self.kinds, self.again = list(kinds), again
        host = host.encode("latin-1")
        body = struct.pack(">qB", utc_s, len(host)) + host
        for ders in (anchors, chain):
            body += bytes([len(ders)]) + b"".join(struct.pack(">I", len(der)) + der for der in ders)
        self.frame, self.ders = struct.pack(">I", len(body)) + body, chain
        self.verdicts = self.wanted = None


def from_plan(plan, again=None):
    anchors, chain = plan.ders()
    return Case(plan.kinds, plan.host, plan.time, anchors, chain, again)


def table_cases():
    """The rows that all judges can be asked about: without pins and denied keys, and for the profile host."""
    import table
    for row in table.ROWS:
        if row.pins or row.denied or row.profile != "host" or len(row.chain) > CERTS_MOST:
            continue
        if len(row.host) < 256 and row.time.endswith("Z"):
            utc_s = calendar.timegm(time.strptime(row.time, "%Y-%m-%dT%H:%M:%SZ"))
            case = Case(["table: " + row.title], row.host, utc_s, row.anchors, row.chain)
            case.wanted = row.want.removeprefix("ERR_")
            yield case


def single_cases(seed):
    yield from_plan(chains.case_of(f"{seed} right", []))
    for kind in sorted(chains.KINDS):
        yield from_plan(chains.case_of(f"{seed} {kind}", [kind]))


def combined_cases(seed, n):
    for i in range(n):
        one = f"{seed} combined {i}"
        yield from_plan(chains.case_of(one), lambda kinds, s=one: from_plan(chains.case_of(s, kinds)))


def mutant_cases(seed, n):
    for i in range(n):
        yield from_plan(chains.mutant_of(f"{seed} {i}"))


# ---- asking ----

def lines_of(command, frames):
    done = subprocess.run(command, input=frames, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode("utf-8", "replace").splitlines(), done.stderr.decode("utf-8", "replace")


def ask(cases):
    """Fills in the verdicts, in the order of NAMES. A judge that dies has the verdict DIED for the case that it died of."""
    frames = b"".join(case.frame for case in cases)
    by_name = []
    for program, columns in ((JUDGES, 4), (GO, 1)):
        if not os.path.exists(program):
            by_name.append([["-"] * columns] * len(cases))
            continue
        _, lines, _ = lines_of([program], frames)
        if len(lines) < len(cases):  # it died
            dead = len(lines)
            rest = cases[dead + 1:]
            if rest:
                ask(rest)
            lines += [" ".join(["DIED"] * columns)]
            first = 0 if columns == 4 else 4
            lines += [" ".join(case.verdicts[first:first + columns]) for case in rest]
        by_name.append([line.split(" ", columns - 1) for line in lines])
    for case, four, go in zip(cases, *by_name):
        case.verdicts = four + go
    return cases


def batches(cases):
    cases = iter(cases)
    while batch := list(itertools.islice(cases, PER_RUN)):
        yield batch


def ask_all(cases, jobs=2):
    """The cases with verdicts, while the next ones are being made."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = collections.deque()
        for batch in batches(cases):
            waiting.append(pool.submit(ask, batch))
            if len(waiting) > jobs:
                yield from waiting.popleft().result()
        for one in waiting:
            yield from one.result()


# ---- judging ----

class Sum:
    def __init__(self):
        self.counts, self.cases, self.alone, self.failed = collections.Counter(), 0, 0, []
        self.taken = collections.Counter()

    def judge(self, case, verdicts=None):
        """What is wrong with the verdicts on a case, or with other ones: a list of texts."""
        verdicts = verdicts or case.verdicts
        wrong, popcl = [], verdicts[0]
        self.cases += 1
        for judge, verdict in zip(NAMES, verdicts):
            self.taken[judge] += verdict == "OK"
        if popcl in ("DIED", "DISAGREES", "CANNOT_WRITE"):
            wrong.append(f"popcl: {popcl}")
        asked = [(name, verdict) for name, verdict in zip(NAMES[1:], verdicts[1:]) if verdict != "-"]
        for name, verdict in asked:
            if verdict == "DIED":
                self.counts["died", name] += 1
            if (verdict == "OK") == (popcl == "OK"):
                continue
            found = classes.find(case.kinds, popcl, name)
            if found is None:
                wrong.append(f"{'popcl takes it, and' if popcl == 'OK' else f'popcl refuses it ({popcl}), and'} {name} says {verdict}")
            else:
                self.counts[found] += 1
        if popcl == "OK" and len(asked) == 4 and all(verdict != "OK" for _, verdict in asked):
            self.alone += 1
            if len(case.kinds) < 2:
                wrong.append("popcl takes it, and nobody else")
        if wrong:
            self.failed.append((case, wrong))
        return wrong


def smaller(case):
    """The same failure with fewer kinds, if there is one."""
    for n in range(1, len(case.kinds)):
        for kinds in itertools.combinations(case.kinds, n):
            try:
                one = case.again(list(kinds))
            except Exception:  # pylint: disable=broad-except
                continue  # a kind that needs another one
            ask([one])
            if Sum().judge(one):
                return one
    return case


def text_of(case, wrong):
    says = " ".join(f"{name}={verdict}" for name, verdict in zip(NAMES, case.verdicts))
    return f"{' & '.join(case.kinds) or 'nothing changed'}\n" + "\n".join(wrong) + f"\n{says}"


def keep(case, wrong):
    """Writes a failure to files. Returns their path without the ending."""
    if case.again and len(case.kinds) > 1:
        case = smaller(case)
        wrong = Sum().judge(case) or wrong
    os.makedirs(FAILED, exist_ok=True)
    path = os.path.join(FAILED, chains.hashlib.sha256(case.frame).hexdigest()[:16])
    with open(path + ".case", "wb") as file:
        file.write(case.frame)
    with open(path + ".txt", "w", encoding="utf-8") as file:
        file.write(text_of(case, wrong) + "\n" + "".join(map(chains.to_pem, case.ders)))
    return path, text_of(case, wrong)


# ---- the runs ----

def check(given):
    results = Results()
    results.say(f"seed {given.seed}")
    parts = [("rows of table.py", table_cases()), ("each kind alone", single_cases(given.seed)), ("combinations", combined_cases(given.seed, given.chains)),
             ("mutants of the DER", mutant_cases(given.seed, given.mutants))]
    total, missing = Sum(), set()
    for title, cases in parts:
        one, before, began = Sum(), len(total.failed), time.monotonic()
        for case in ask_all(cases):
            total.judge(case)
            one.cases += 1
            missing |= {name for name, verdict in zip(NAMES, case.verdicts) if verdict == "-"}
        kept = [keep(case, wrong) for case, wrong in total.failed[before:before + 20]]
        results.add(f"every difference has a reason: {title}, {one.cases} chains", "\n".join(f"{text}\nkept: {path}.case" for path, text in kept))
        results.say(f"{time.monotonic() - began:.1f} s")
    for name in NAMES[1:]:
        results.add(f"{name} is asked", skip="it is not installed" if name in missing else "")
    stale = [row.id for row in classes.CLASSES if row.alone and not total.counts[row.id] and not set(row.judges) & missing]
    results.add("each class of differences occurs", "never: " + ", ".join(stale) if stale else "")
    for row in classes.CLASSES:
        results.say(f"{total.counts[row.id]:6} {row.takes} {row.id} ({' '.join(row.judges)}): {row.reason}")
    results.say(f"{total.cases} chains; taken: " + ", ".join(f"{name} {total.taken[name]}" for name in NAMES))
    results.say(f"popcl alone takes {total.alone}: each has two kinds or more, none of which all others refuse")
    return results.end()


def fuzz_process(seed, until, number):
    """One process of a long run. Returns (chains, failures)."""
    total, kept = Sum(), set()
    for i in itertools.count():
        if time.time() > until:
            return total.cases, len(kept)
        one = f"{seed}-{number}-{i}"
        for case in ask(list(combined_cases(one, PER_RUN))) + ask(list(mutant_cases(one, PER_RUN))):
            wrong = total.judge(case)
            if wrong:
                path, text = keep(case, wrong)
                if path not in kept:
                    kept.add(path)
                    print(f"# {text}\n# kept: {path}.case", flush=True)


def fuzz(given):
    print(f"# seed {given.seed}", flush=True)
    with multiprocessing.Pool(given.jobs) as pool:
        done = pool.starmap(fuzz_process, [(given.seed, time.time() + given.fuzz, i) for i in range(given.jobs)])
    print(f"{sum(n for n, _ in done)} chains, {sum(n for _, n in done)} failures")
    return 1 if any(n for _, n in done) else 0


def show(case):
    ask([case])
    wrong = Sum().judge(case)
    print(text_of(case, wrong))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", default="1")
    parser.add_argument("--chains", type=int, default=800)
    parser.add_argument("--mutants", type=int, default=700)
    parser.add_argument("--fuzz", type=float)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--one", nargs="+")
    parser.add_argument("--case")
    given = parser.parse_args()
    if given.case:
        with open(given.case, "rb") as file:
            frame = file.read()
        with open(given.case.removesuffix(".case") + ".txt", encoding="utf-8") as file:
            kinds = file.readline().strip().split(" & ")
        case = Case(kinds, "", 0, [], [])
        case.frame = frame
        return show(case)
    if given.one:
        case = from_plan(chains.case_of(given.seed, given.one))
        print("".join(map(chains.to_pem, case.ders)), end="")
        return show(case)
    return fuzz(given) if given.fuzz else check(given)


if __name__ == "__main__":
    sys.exit(main())
