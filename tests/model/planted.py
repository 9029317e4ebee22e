# SPDX-License-Identifier: MIT
"""Plants faults in a copy of src/core, one at a time, and lets test_model find each: a fault that survives is a failure. A row says what is
wrong, in which file, and which line is replaced by which; the line must be there once, or the row is out of date.

    planted.py BUILD COMPILER-WORDS [--sessions N] [--only WORD]

BUILD is the directory of the build, whose test_model and libraries it links; COMPILER-WORDS compile a file of src/core, and link it. Prints a line a
fault with the seed that found it. Ends with `N passed, N failed`.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from results import Results  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FAULTS = [
    ("a surplus is taken for an answer", "machine.c", "int early = c->state == STATUS && c->parser.octets == 0 && !c->answerable;", "int early = 0;"),
    ("the window is one too large", "pumps.c", "c->in_flight < (ahead ? c->window_len : 1);", "c->in_flight < (ahead ? c->window_len + 1 : 1);"),
    ("PIPELINING is not waited for", "pumps.c", "c->window_len && c->phase & POPCL_IN_TRANSACTION && c->caps.tags & POPCL_CAPA_PIPELINING;",
     "c->window_len && c->phase & POPCL_IN_TRANSACTION;"),
    ("DELE of what is only staged", "fetch_messages.c",
     "popcl_plan_enter(&f->plan, at, POPCL_ENTRY_STAGED, popcl_plan_actions(&f->plan, at));", "durable(f, at);"),
    ("replies are shifted by one", "machine.c", "memmove(f, f + 1, c->in_flight * sizeof *f);",
     "if (c->in_flight < 3) memmove(f, f + 1, c->in_flight * sizeof *f);"),
    ("a dot is not stripped in a body", "wire.c", "if (w->at == DOT) w->at = MID;",
     "if (w->at == DOT) { w->at = CR_OWED; continue; }"),
    ("an octet is lost at a split", "wire.c", "return owed ? 0 : n;", "return owed ? 1 : n;"),
    ("LF . CRLF ends a message", "wire.c", "w->at = last == '\\r' ? AFTER_CR : last == '\\n' && after_cr ? BOL : MID;",
     "w->at = last == '\\r' ? AFTER_CR : last == '\\n' ? BOL : MID;"),
    ("a commit after an abort", "fetch_messages.c", "f->open = POPCL_DRAINING;", "f->open = POPCL_TO_SINK;"),
    ("a fate is told twice", "fetch_messages.c", "popcl_fetch_tell(f, at, POPCL_NOT_STORED, why);",
     "popcl_fetch_tell(f, at, POPCL_NOT_STORED, why);\n    if (why == POPCL_ERR_COMMIT) popcl_fetch_tell(f, at, POPCL_NOT_STORED, why);"),
    ("a fate is forgotten", "fetch.c", "state == POPCL_ENTRY_NEW && f->left;", "state == POPCL_ENTRY_NEW || state == POPCL_ENTRY_DUE;"),
    ("a deletion is told before +OK to QUIT", "fetch.c", "f->deletions = (uint8_t)(session == POPCL_OK    ? POPCL_DELETED",
     "f->deletions = (uint8_t)(session == POPCL_OK || f->session.quit_left ? POPCL_DELETED"),
    ("success without an answer to QUIT", "machine.c", "if (!e) e = c->quit_left ? POPCL_ERR_QUIT_UNKNOWN : POPCL_ERR_CLOSED;",
     "if (!e) e = c->quit_left ? POPCL_OK : POPCL_ERR_CLOSED;"),
    ("the secret is not released", "pumps.c", "if (e != POPCL_ERR_SECRET_WAIT && !l.goes_on) popcl_machine_release_secret(c);",
     "if (!e) popcl_machine_release_secret(c);\n    if (e != POPCL_ERR_SECRET_WAIT) c->secret = NULL;"),
    ("RETR of a skipped message", "fetch_list.c", "if (popcl_fetch_decide(f, m, POPCL_STAGE_UID) == POPCL_SKIP) return;",
     "(void)popcl_fetch_decide(f, m, POPCL_STAGE_UID);"),
    ("max_messages is off by one", "fetch_messages.c", "f->begun >= f->cfg->max_messages;", "f->begun > f->cfg->max_messages;"),
    ("a refused DELE counts as marked", "fetch_messages.c", "int ok = r->status == POPCL_STATUS_OK;\n    if (ok) f->marked++;",
     "int ok = r->status != POPCL_STATUS_NONE;\n    if (ok) f->marked++;"),
    ("an empty body is deleted", "fetch_messages.c", "if (actions & POPCL_DELETE && !(actions & EMPTY_BODY))", "if (actions & POPCL_DELETE)"),
    ("UIDL and LIST disagree by one", "fetch_list.c", "popcl_plan_set_size(&f->plan, at, line->size);", "popcl_plan_set_size(&f->plan, at, line->size + 1);"),
    ("a bare LF ends a reply", "wire.c", "if (c == '\\n') return POPCL_WIRE_LF;",
     "if (c == '\\n') { ++*used; w->at = BOL; return POPCL_WIRE_EOL; }"),
    ("a new message after the stop", "fetch_messages.c", "} else if (f->wanted && !f->stopping) {", "} else if (f->wanted) {"),
    ("QUIT before the sync", "fetch_messages.c", "} else if (f->staged) {\n        return popcl_messages_sync(f);",
     "} else if (f->staged && !f->stopping) {\n        return popcl_messages_sync(f);"),
    ("a pause forgets what was not taken", "machine.c", "done += popcl_wire_take(&c->wire, span, taken);",
     "done += popcl_wire_take(&c->wire, span, taken ? span_n : 0);"),
    ("a stop leaves the message open", "fetch.c", "if (f->open == POPCL_TO_SINK) popcl_messages_drain(f, popcl_plan_seek(&f->plan, 0, f->msg.number, 1), why);", ""),
    ("the end overtakes what came before it", "machine.c", "if (n && c->state != SECURING) c->link", "if (n && c->state != SECURING && !c->eof) c->link"),
    ("an end of the session loses what is staged", "fetch.c", "else if (f->staged) why = popcl_messages_sync(f);", ""),
    ("a body that is not drained voids deletions", "fetch_messages.c", "POPCL_DRAIN_MAX) && !quit_matters(f))", "POPCL_DRAIN_MAX))"),
    ("octets go to a server that spoke unasked", "machine.c", '[UNASKED] = {"unasked", POPCL_ERR_UNASKED, 0, READ},',
     '[UNASKED] = {"unasked", POPCL_ERR_UNASKED, 0, READ | SEND},'),
    ("the next pass begins one message late", "fetch_messages.c", "popcl_list_begin(f, f->from);", "popcl_list_begin(f, f->from + 1);"),
    ("a challenge logs in", "machine.c", "POPCL_IN_AUTHORIZATION : POPCL_IN_EXCHANGE;", "POPCL_IN_AUTHORIZATION : POPCL_IN_TRANSACTION;"),
    ("QUIT instead of a response", "command.c", '[POPCL_QUIT] = {"QUIT", C | A | T,', '[POPCL_QUIT] = {"QUIT", C | A | T | X,'),
    ("+OK after an initial response is a challenge", "machine.c", "c->in_flight == 1 && popcl_oldest(c)->shape == POPCL_SINGLE_OR_CHALLENGE)",
     "c->in_flight == 1)"),
    ("a line with - is a challenge", "reply.c", "x->form == POPCL_FORM_CHALLENGE && r->status == POPCL_STATUS_OK)", "x->form == POPCL_FORM_CHALLENGE)"),
    ("a piece of a response is sent twice", "pumps.c", "c->written += l.secret_to - l.secret_from;", "c->written += (l.secret_to - l.secret_from) / 2;"),
    ("a challenge to PASS", "command.c", '[POPCL_PASS] = {"PASS", A, SECRET, POPCL_FORM_TEXT,', '[POPCL_PASS] = {"PASS", A, SECRET, POPCL_FORM_CHALLENGE,'),
    ("UIDs that are numbers count", "plan.c", "return value == m->number;", "return 0;"),
    ("a deadline is never judged", "pumps.c", "int over = wait_left(c) == 0;", "int over = wait_left(c) == 0 && !c->pause;"),
]


def planted(text, old, new):
    """The text with the fault. Spaces and line ends between the words of `old` may differ."""
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    changed, n = re.subn(pattern, lambda _: new, text)
    return changed if n == 1 else None


def try_fault(build, words, sessions, row, place):
    what, name, old, new = row
    began = time.monotonic()
    source, obj, program = (os.path.join(place, leaf) for leaf in (name, name[:-1] + "o", "test_model"))
    os.makedirs(place)
    with open(os.path.join(ROOT, "src/core", name)) as file:
        text = planted(file.read(), old, new)
    if text is None:
        return what, f"src/core/{name} has no such line, or several: {old}", 0
    text = text.replace('"../auth/', '"' + os.path.join(ROOT, "src/auth/"))
    with open(source, "w") as file:
        file.write(text)
    objects = sorted(glob.glob(os.path.join(build, "obj/tests/model/*.o")))
    archives = [os.path.join(build, leaf) for leaf in ("tests/libhelp.a", "libpopcl.a")]
    for command in (words + ["-w", "-I" + os.path.join(ROOT, "src/core"), "-c", source, "-o", obj],
                    words + [obj] + objects + archives + shlex.split(os.environ.get("BEARSSL_LIBS", "-lbearssl")) + ["-pthread", "-o", program]):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return what, "does not compile: " + done.stdout, 0
    try:
        done = subprocess.run([program, "--sessions", str(sessions), "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
    except subprocess.TimeoutExpired:
        return what, "", "found: it hangs"
    last = [line[2:] for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("# seed")]
    if done.returncode == 0:
        return what, f"survives {sessions} sessions", 0
    found = last[0] if done.returncode == 1 and last else f"ends with {done.returncode}"
    return what, "", f"{found} ({time.monotonic() - began:.1f} s)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("words")
    parser.add_argument("--sessions", type=int, default=100000)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    build = os.path.abspath(given.build)
    place, results = os.path.join(build, "planted"), Results()
    shutil.rmtree(place, ignore_errors=True)
    rows = [row for row in FAULTS if given.only in row[0]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(try_fault, build, shlex.split(given.words), given.sessions, row, os.path.join(place, str(i))) for i, row in enumerate(rows)]
        for done in tries:
            what, why, found = done.result()
            results.add(f"is found: {what}", why)
            results.say(str(found or ""))
    shutil.rmtree(place, ignore_errors=True)
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
