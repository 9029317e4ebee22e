# SPDX-License-Identifier: MIT
"""Paths among cross-signed authorities (RFC 4158, 2.4), with certificates of the server in any order. A graph has up to four certificates of
authorities beside the server's own. One or two of them get a fault, or all are right. Right ones come in every order. With a fault
a part of the orders is tried: other ones for each fault. This file finds out by itself whether there is a path, and
what a stream can take in that order. popcl's `host` has to take each chain that has a path, and no other. `public` has to take just those that
have a path in the order given. Prints TAP, and the sums of the other judges.

    orders.py [PATTERN]     only graphs and faults whose titles have this text; each disagreement of any judge is printed
"""
import collections
import itertools
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import prose  # noqa: E402
import run  # noqa: E402
from chains import *  # noqa: E402
from results import Results  # noqa: E402

ROOT, FOREIGN = "Root", "Foreign"
KEYS = dict(zip((ROOT, FOREIGN, "A", "B", "C", "Old"), EC))


class Edge:
    """A certificate of an authority that another one issued. It is usable unless `is_bad`; `limit` is its path length, or None."""

    def __init__(self, subject, issuer):
        self.subject, self.issuer, self.is_bad, self.limit = subject, issuer, False, None
        self.part = authority(name("CN=" + subject), KEYS[subject], authority(name("CN=" + issuer), KEYS[issuer], None))


# The anchor is Root, the server's certificate is issued by A. (subject, issuer)
GRAPHS = {
    "one issuer": ["A Root"],
    "an issuer twice": ["A Root", "A Root"],
    "an issuer below another root too": ["A Root", "A Foreign"],
    "an issuer below another root, which comes too": ["A Root", "A Foreign", "Foreign Foreign"],
    "two issuers above each other": ["A B", "B Root"],
    "two issuers, and the root": ["A B", "B Root", "Root Root"],
    "the upper one below another root too": ["A B", "B Root", "B Foreign"],
    "both below another root too": ["A B", "A Foreign", "B Root", "B Foreign"],
    "two ways up": ["A B", "A C", "B Root", "C Root"],
    "two ways up, one to another root": ["A B", "A C", "B Root", "C Foreign"],
    "a short way and a long one": ["A Root", "A B", "B C", "C Root"],
    "a chain of four": ["A B", "B C", "C Old", "Old Root"],
    "a root that an older one signed": ["A B", "B Old", "Old Root", "Old Old"],
    "two that signed each other": ["A B", "B A", "A Root", "B Foreign"],
    "a bridge": ["A B", "B C", "C B", "C Root"],
    "a bridge, and back from the root": ["A B", "B Root", "Root B", "B Foreign"],
    "other servers' authorities beside it": ["A Root", "C Foreign", "Old Old", "B Foreign"],
}


def replaced(**kw):
    return lambda part: part.kw.update(kw)


def with_exts(**exts):
    return lambda part: part.exts.update(exts)


def changed(change):
    return lambda part: part.after.append(lambda cert, _: change(cert.der))


FAULTS = {
    "expired": replaced(end="20260301000000Z"), "not valid yet": replaced(start="20260901000000Z"), "without basicConstraints": with_exts(basic=None, usage=None),
    "no CA": with_exts(basic=basic(False), usage=usage(KU_SIGN)), "without keyCertSign": with_exts(usage=usage(KU_SIGN | KU_CRL)), "for clients": with_exts(purpose=purpose(CLIENT_AUTH)),
    "for mail": with_exts(purpose=purpose("1.3.6.1.5.5.7.3.4")), "for other hosts": lambda part: part.more.append(limits(["DNS:example.com"])), "not for this host": lambda part: part.more.append(limits((), ["DNS:" + HOST])),
    "of an unknown critical extension": lambda part: part.more.append(ext(UNKNOWN, b"a", True)), "by SHA-1": replaced(hash="sha1"), "of another key": lambda part: setattr(part, "key", OTHER),
    "with octets after it": changed(lambda der: der + b"\0"), "with another algorithm outside": replaced(outer=ECDSA["sha384"]), "with a path length of 0": with_exts(basic=basic(path_len=0)),
    "signed wrongly": changed(lambda der: der[:-1] + bytes([der[-1] ^ 1]))}


def graph_of(title, faulty, fault):
    """The edges of a graph, with a fault in some of them."""
    edges = [Edge(*text.split()) for text in GRAPHS[title]]
    for one in (edges[i] for i in faulty):
        FAULTS[fault](one.part)
        one.is_bad = fault not in ("with a path length of 0", "signed wrongly")
        one.limit = 0 if fault == "with a path length of 0" else None
        if fault == "signed wrongly":
            one.issuer = None
    return edges


# ---- what is right ----

def fits(edge, wanted, below):
    return edge.subject == wanted and not edge.is_bad and (edge.limit is None or edge.limit >= below)


def counts(edge):
    """Whether it counts in the path length of those above it."""
    return edge.subject != edge.issuer


def has_path(edges, wanted="A", below=0):
    """Whether there is a way up to the anchor. An edge whose signature is wrong is a way up to nobody."""
    return wanted == ROOT or any(has_path([other for other in edges if other is not edge], edge.issuer, below + counts(edge))
                                 for edge in edges if fits(edge, wanted, below))


def has_path_in_order(edges):
    """The same for a stream: each certificate that fits is taken. A wrong signature shows when the next one comes."""
    wanted, below = "A", 0
    for edge in edges:
        if wanted == ROOT:
            break
        if fits(edge, wanted, below):
            wanted, below = edge.issuer, below + counts(edge)
    return wanted == ROOT


# ---- cases ----

class Order:
    def __init__(self, title, edges, anchor, last):
        self.title, self.has_path, self.in_order = title, has_path(edges), has_path_in_order(edges)
        self.case = run.Case([title], HOST, NOW, [anchor.make().der], [last.make().der] + [edge.part.make().der for edge in edges])


def orders(pattern):
    anchor = authority(name("CN=" + ROOT), KEYS[ROOT], None)
    last = server(authority(name("CN=A"), KEYS["A"], None), EC[8])
    for title, texts in GRAPHS.items():
        n = range(len(texts))
        chosen = [((), "")] + [(faulty, fault) for size in (1, 2) for faulty in itertools.combinations(n, size) for fault in FAULTS]
        for faulty, fault in chosen:
            edges = graph_of(title, faulty, fault)
            what = f"{title}: {', '.join(texts[i] for i in faulty) or 'nothing'} {fault}"
            step = (1, len(texts) * (len(texts) - 1) // 2 or 1, len(texts) * 6)[len(faulty)]  # of 24: all, 4, 1
            for order in list(itertools.permutations(edges))[len(fault) % step::step] or [edges]:
                if pattern in what:
                    yield Order(what, order, anchor, last)


def ask_public(batch):
    _, lines, why = run.lines_of([run.JUDGES, "public"], b"".join(one.case.frame for one in batch))
    if len(lines) != len(batch):
        raise RuntimeError(f"judges public: {len(lines)} answers to {len(batch)} chains {why}")
    return [line.split(" ")[0] for line in lines]


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    results, sums, wrong, n = Results(), collections.Counter(), collections.defaultdict(list), collections.Counter()
    for batch in run.batches(orders(pattern)):
        run.ask([one.case for one in batch])
        for one, public in zip(batch, ask_public(batch)):
            n[one.has_path] += 1
            n["in order"] += one.in_order
            told = {**dict(zip(run.NAMES, one.case.verdicts)), "public": public}
            for judge, verdict in told.items():
                should = one.in_order if judge == "public" else one.has_path
                sums[judge, "refuses"] += one.has_path and verdict != "OK"
                sums[judge, "takes"] += not one.has_path and verdict == "OK"
                sums[judge, "missing"] += verdict == "-"
                if (verdict == "OK") != should:
                    wrong[judge].append(f"{one.title}: {verdict}")
    results.add(f"host takes each of {n[True]} chains with a path, and none of {n[False]} without", "\n".join(wrong["popcl"][:20]))
    results.add(f"public takes those of {n['in order']} chains with a path in order, and no others", "\n".join(wrong["public"][:20]))
    if not pattern:
        for figure, text in ((n[True], r"refuses, of ([\d,]+) chains"), (n[False], r"takes, of ([\d,]+) without"), (n["in order"], r"just the ([\d,]+) chains"),
                             (sums["public", "refuses"], r"other profiles \| ([\d,]+) ")):
            results.add(f"docs/SECURITY.md has the sum {figure:,}", prose.differs(("docs/SECURITY.md", text), f"{figure:,}"))
    for judge in ("popcl", "public") + run.NAMES[1:]:
        results.say(f"{judge}: " + ("missing" if sums[judge, "missing"] else f"refuses {sums[judge, 'refuses']} of {n[True]} with a path, takes {sums[judge, 'takes']} without"))
        for text, times in collections.Counter(wrong[judge]).items() if pattern else ():
            results.say(f"    {judge}: {text} ({times} orders)")
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
