# SPDX-License-Identifier: MIT
"""Plants faults in popcl's validator, one at a time, in a copy of a source, and shows that the chains of ../x509check/table.py or the other judges
of run.py find each. A fault that survives is a check that popcl does not have.

    planted.py BUILD 'COMPILER WORDS' [--only TEXT]      BEARSSL_LIBS from the environment

The cases and the others' verdicts are made once; then each fault costs a compilation, and one run of popcl's own validator over them.
"""
import argparse
import concurrent.futures
import os
import shlex
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.dirname(os.path.dirname(HERE)), HERE]
import run  # noqa: E402
from faults import planted  # noqa: E402
from results import Results  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))

FAULTS = [
    ("no signature is checked", "guard.c", "return is_signed(g, key, hash_len(h)) ? POPCL_OK : POPCL_ERR_CERT_SIGNATURE;", "(void)is_signed; (void)hash_len; return POPCL_OK;"),
    ("the anchor's signature is not checked", "guard.c", "if (check_signature(g, &g->pkey) == POPCL_OK) return 1;", "return 1;"),
    ("the digest that RSA signed is not compared", "guard.c", "== 1 && memcmp(digest, g->digest, len) == 0;", "== 1;"),
    ("an issuer's name is not compared", "guard.c", "if (!is_issuer_of_tip(g)) return POPCL_ERR_CERT_ORDER;", ""),
    ("an anchor's name is not compared", "guard.c", "if (memcmp(anchor->name, name, sizeof anchor->name) != 0 || nth--) continue;", "if (nth--) continue;"),
    ("a path may be one longer", "guard.c", "if (g->leaf.path_len < g->below) return POPCL_ERR_CERT_NOT_CA;", "if (g->leaf.path_len + 1u < g->below) return POPCL_ERR_CERT_NOT_CA;"),
    ("an anchor's path may be one longer", "guard.c", "anchor->path_len < g->below) {", "anchor->path_len + 1u < g->below) {"),
    ("a self-issued certificate counts", "guard.c", "(!g->leaf.is_first && !is_self_issued(g))", "(!g->leaf.is_first)"),
    ("nothing counts in a path", "guard.c", "(g->below + (!g->leaf.is_first && !is_self_issued(g)))", "(g->below + (!g->leaf.is_first && is_self_issued(g)))"),
    ("constraints are passed over", "guard.c", "{POPCL_ERR_CERT_CONSTRAINTS, {LEAF_CONSTRAINED}},", ""),
    ("an expired issuer is taken", "guard.c", "{POPCL_ERR_CERT_EXPIRED, {LEAF_EXPIRED}},", "{POPCL_ERR_CERT_EXPIRED, {LEAF_EXPIRED, LEAF_IS_FIRST}},"),
    ("an issuer that is not valid yet is taken", "guard.c", "{POPCL_ERR_CERT_NOT_YET, {LEAF_NOT_YET}},", "{POPCL_ERR_CERT_NOT_YET, {LEAF_NOT_YET, LEAF_IS_FIRST}},"),
    ("an issuer need not be a CA", "guard.c", "{POPCL_ERR_CERT_NOT_CA, {NOT | LEAF_IS_FIRST, NOT | LEAF_CA}},", ""),
    ("keyCertSign is not demanded", "element.c", "!(bits & (r->is_first ? 0x80 : 0x04))", "!(bits & (r->is_first ? 0x80 : 0x06))"),
    ("digitalSignature is not demanded", "element.c", "!(bits & (r->is_first ? 0x80 : 0x04))", "!(bits & (r->is_first ? 0xff : 0x04))"),
    ("a purpose does not matter", "guard.c", "{POPCL_ERR_CERT_USAGE, {LEAF_PURPOSE, NOT | LEAF_SERVER, NOT | LEAF_ANY}},", ""),
    ("an unknown critical extension is passed over", "guard.c", "{POPCL_ERR_CERT_EXTENSION, {LEAF_CRITICAL}},", ""),
    ("a weak signature is taken", "guard.c", "{POPCL_ERR_CERT_WEAK, {LEAF_WEAK_SIGNATURE}},", ""),
    ("a weak key is taken", "guard.c", "{POPCL_ERR_CERT_WEAK, {LEAF_WEAK_KEY}},", ""),
    ("a CA's certificate is a server's", "guard.c", "{POPCL_ERR_CERT_USAGE, {LEAF_IS_FIRST, LEAF_CA, NOT | LEAF_SELF_ISSUED}},", ""),
    ("the host's name does not matter", "guard.c", "{POPCL_ERR_CERT_NAME, {LEAF_IS_FIRST, NOT | LEAF_MATCH}},", ""),
    ("a wildcard matches any host", "element.c", "static int is_host(const popcl_leaf *r) { return r->at != NO_MATCH && r->host[r->at] == 0; }",
     "static int is_host(const popcl_leaf *r) { return r->is_wild || (r->at != NO_MATCH && r->host[r->at] == 0); }"),
    ("a wildcard matches several labels", "element.c", "const char *dot = strchr(r->host, '.');", "const char *dot = strrchr(r->host, '.'); while (dot && dot > r->host && dot[-1] != '.') dot--; if (dot && dot > r->host) dot--;"),
    ("a name matches by its beginning", "element.c", "return r->at != NO_MATCH && r->host[r->at] == 0; }", "return r->at != NO_MATCH && r->at; }"),
    ("NUL ends a name", "element.c", "if (c && (c == wanted || (!r->address_len", "if (!c && !wanted) return;\n    if (c && (c == wanted || (!r->address_len"),
    ("an address is compared by its beginning", "element.c", "matches = r->len == r->address_len && memcmp(r->value, r->address, r->len) == 0;", "matches = r->len == r->address_len && memcmp(r->value, r->address, r->len - 1u) == 0;"),
    ("an excluded base is permitted", "constraints.c", "return r->are_excluded ? !is_inside(r) : !is_outside(r);", "return r->are_excluded ? 1 + 0 * is_inside(r) : !is_outside(r);"),
    ("a permitted base excludes nothing", "constraints.c", "return r->are_excluded ? !is_inside(r) : !is_outside(r);", "return r->are_excluded ? !is_inside(r) : 1 + 0 * is_outside(r);"),
    ("names of kinds that are not kept are permitted", "constraints.c", "if (r->limited & (r->lost | unkept)) return 0;", "if (r->limited & r->lost && unkept) return 0;"),
    ("a base is compared in the middle of a label", "constraints.c", "n->text[from - 1] == '.' ||", "n->text[from - 1] ||"),
    ("a mask is not looked at", "constraints.c", "if (*n.marks & FITS && (n.text[at] ^ r->value[at]) & c)", "if (*n.marks & FITS && (n.text[at] ^ r->value[at]) & c && at < 2)"),
    ("a subject is always below a base", "constraints.c", "r->subject_below |= r->len == r->base_from;", "r->subject_below |= 1;"),
    ("the two algorithms may differ", "element.c", "if (r->oid != r->alg || r->param != r->alg_param) return 0;", ""),
    ("parameters of tag 0 are no parameters", "element.c", "return r->tag != 0 && (r->tag != NULL_TAG || r->len == 0);", "return r->tag != NULL_TAG || r->len == 0;"),
    ("a list that excludes may come twice", "element.c", "|| (r->row[r->depth] == SUBTREES_MORE && r->are_excluded))", ")"),
    ("octets after a certificate are passed over", "leaf.c", "== LAST && r->len != r->left[r->depth])) {", "== LAST && r->len != r->left[r->depth] && r->depth)) {"),
    ("an extension may come twice", "element.c", "if (i != EXT_OTHER) return !(seen >> i & 1);", "if (i != EXT_OTHER) return (int)(seen | 1);"),
    ("a damaged certificate is taken", "guard.c", "int is_damaged = (facts & (FACT(LEAF_MALFORMED) | FACT(LEAF_READ))) != FACT(LEAF_READ);", "int is_damaged = 0;"),
    ("dates are not compared with each other", "element.c", "if (!is_from && r->time > time) return 0; /* notAfter is before notBefore */", ""),
    ("the limits of an anchor are passed over", "entry.c", "if (!(e->flags & POPCL_ANCHOR_LIMITED)) return 1;", "return 1;"),
    ("the year 0 is in the far future", "element.c", "year += 400; /* the year 0 may be that of before March */", "year += 400 * (year < 9999);"),
    ("the guard's verdict on a path that was found is not asked", "collect.c", "if (try_path(c, path, n) == POPCL_OK) return 1;", "try_path(c, path, n); c->guard.result = 0; return 1;"),
    ("a second too long", "element.c", "is_from ? r->tls->utc_s < time : r->tls->utc_s > time);", "is_from ? r->tls->utc_s < time : r->tls->utc_s > time + 1);"),
]


def make(build, words, row, place):
    """(what is wrong, the program with the fault)"""
    _, name, old, new = row
    os.makedirs(place)
    with open(os.path.join(ROOT, "src/tls", name), encoding="utf-8") as file:
        text = planted(file.read(), old, new)
    if text is None:
        return f"src/tls/{name} has no such line, or several: {old}", ""
    source, program = os.path.join(place, name), os.path.join(place, "judges")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run(words + ["-w", "-I" + os.path.join(ROOT, "src/tls"), source, os.path.join(build, "chains/popcl_alone.o"), os.path.join(build, "libpopcl.a"),
                                   *shlex.split(os.environ.get("BEARSSL_LIBS", "-lbearssl")), "-pthread", "-o", program],
                          cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ("does not compile: " + done.stdout if done.returncode else ""), program


def found_by(cases, rows, program):
    """Which check finds the fault, "" = none. rows: of the table, for the first of the cases"""
    _, lines, _ = run.lines_of([program], b"".join(case.frame for case in cases))
    if len(lines) < len(cases):
        return f"it dies of {' & '.join(cases[len(lines)].kinds)}"
    wrong_rows, judged = [], []
    for at, (case, line) in enumerate(zip(cases, lines)):
        verdict = line.split()[0]
        if at < len(rows) and verdict != rows[at]:
            wrong_rows.append(case)
        if run.Sum().judge(case, [verdict] + case.verdicts[1:]):
            judged.append(case)
    if not wrong_rows and not judged:
        return ""
    first = (judged or wrong_rows)[0]
    return f"{len(wrong_rows)} rows of the table, {len(judged)} chains by the judges: {' & '.join(first.kinds)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("words")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    build, words, results = os.path.abspath(given.build), shlex.split(given.words), Results()
    place = os.path.join(build, "chains/planted")
    shutil.rmtree(place, ignore_errors=True)
    # popcl's validator alone: the others have given their verdicts
    subprocess.run(words + ["-w", "-DPOPCL_ALONE", "-c", "tests/chains/judges.c", "-o", os.path.join(build, "chains/popcl_alone.o")], cwd=ROOT, check=True)
    cases = list(run.table_cases())
    rows = [case.wanted for case in cases]
    cases += list(run.single_cases("planted"))
    cases = list(run.ask_all(cases))
    def try_fault(i, row):
        why, program = make(build, words, row, os.path.join(place, str(i)))
        return why, "" if why else found_by(cases, rows, program)

    chosen = [row for row in FAULTS if given.only in row[0]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for row, (why, found) in zip(chosen, pool.map(try_fault, range(len(chosen)), chosen)):
            results.add(f"is found: {row[0]}", why or ("" if found else f"survives {len(cases)} chains"))
            results.say(found)
    shutil.rmtree(place, ignore_errors=True)
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
