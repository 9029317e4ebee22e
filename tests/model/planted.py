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
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from faults import planted  # noqa: E402
from results import Results  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FAULTS = [
    ("a surplus is taken for an answer", "machine.c", "int early = c->state == STATUS && c->parser.octets == 0 && !c->answerable;", "int early = 0;"),
    ("the window is one too large", "pumps.c", "return c->in_flight < c->window_len &&", "return c->in_flight < c->window_len + 1 &&"),
    ("PIPELINING is not waited for", "pumps.c", "c->caps.tags & POPCL_CAPA_PIPELINING && !opens &&", "!opens &&"),
    ("DELE of what is only staged", "fetch_messages.c",
     "popcl_plan_enter(&f->plan, at, POPCL_ENTRY_STAGED);", "durable(f, at);"),
    ("replies are shifted by one", "machine.c", "c->first = (uint16_t)(c->first + 1 < c->window_len ? c->first + 1 : 0);",
     "if (c->in_flight < 3) c->first = (uint16_t)(c->first + 1 < c->window_len ? c->first + 1 : 0);"),
    ("a dot is not stripped in a body", "wire.c", "if (w->at == DOT) w->at = MID;",
     "if (w->at == DOT) { w->at = CR_OWED; continue; }"),
    ("an octet is lost at a split", "wire.c", "return owed ? 0 : n;", "return owed ? 1 : n;"),
    ("LF . CRLF ends a message", "wire.c", "w->at = last == '\\r' ? AFTER_CR : last == '\\n' && after_cr ? BOL : MID;",
     "w->at = last == '\\r' ? AFTER_CR : last == '\\n' ? BOL : MID;"),
    ("a commit after an abort", "fetch_messages.c", "popcl_messages_abort(f, why);\n    f->open = POPCL_DRAINING;",
     "popcl_messages_abort(f, why);\n    f->open = POPCL_TO_SINK;"),
    ("a fate is told twice", "fetch_messages.c", "over(f, at, POPCL_NOT_STORED, why);",
     "over(f, at, POPCL_NOT_STORED, why);\n    if (why == POPCL_ERR_COMMIT) popcl_fetch_tell(f, at, POPCL_NOT_STORED, why);"),
    ("a fate is forgotten", "fetch.c", "state == POPCL_ENTRY_NEW && f->left;", "state == POPCL_ENTRY_NEW || state == POPCL_ENTRY_DUE;"),
    ("a deletion is told before +OK to QUIT", "fetch.c", "f->deletions = (uint8_t)(session == POPCL_OK    ? POPCL_DELETED",
     "f->deletions = (uint8_t)(session == POPCL_OK || f->session.quit_left ? POPCL_DELETED"),
    ("success without an answer to QUIT", "machine.c", "if (!e) e = popcl_awaits_quit(c) ? POPCL_ERR_QUIT_UNKNOWN : POPCL_ERR_CLOSED;",
     "if (!e) e = popcl_awaits_quit(c) ? POPCL_OK : POPCL_ERR_CLOSED;"),
    ("the secret is not released", "pumps.c", "if (e != POPCL_ERR_SECRET_WAIT && !l.goes_on) popcl_machine_release_secret(c);",
     "if (!e) popcl_machine_release_secret(c);\n    if (e != POPCL_ERR_SECRET_WAIT) c->secret = NULL;"),
    ("RETR of a skipped message", "fetch_list.c", "if (popcl_fetch_decide(f, m, POPCL_STAGE_UID) == POPCL_SKIP) return;",
     "(void)popcl_fetch_decide(f, m, POPCL_STAGE_UID);"),
    ("max_messages is off by one", "fetch_messages.c", "f->begun >= f->cfg->max_messages;", "f->begun > f->cfg->max_messages;"),
    ("a refused DELE counts as marked", "fetch_messages.c", "int ok = r->status == POPCL_STATUS_OK;\n    if (ok) f->marked++;",
     "int ok = r->status != POPCL_STATUS_NONE;\n    if (ok) f->marked++;"),
    ("an empty body is deleted", "fetch_messages.c", "if (actions & POPCL_DELETE && !(actions & EMPTY_BODY))", "if (actions & POPCL_DELETE)"),
    ("UIDL and LIST disagree by one", "fetch_list.c", "popcl_plan_set_size(&f->plan, at, line->size);", "popcl_plan_set_size(&f->plan, at, line->size + 1);"),
    ("a bare LF ends a reply", "wire.c", "if (c == '\\n' && w->at == MID) return POPCL_WIRE_LF;", ""),
    ("a new message after the stop", "fetch_messages.c", "if (wanted < f->plan.next && !f->stopping) {",
     "if (wanted < f->plan.next) {"),
    ("QUIT before the sync", "fetch_messages.c", "if (f->staged && !f->asked) return popcl_messages_sync(f);",
     "if (f->staged && !f->asked && !f->stopping) return popcl_messages_sync(f);"),
    ("a pause forgets what was not taken", "machine.c", "done += popcl_wire_take(&c->wire, x.span, taken);",
     "done += popcl_wire_take(&c->wire, x.span, taken ? x.span_n : 0);"),
    ("a stop leaves the message open", "fetch.c", "if (f->open == POPCL_TO_SINK) popcl_messages_drain(f, popcl_plan_seek(&f->plan, 0, f->msg.number, 1), why);", ""),
    ("the end overtakes what came before it", "machine.c", "if (n && c->state != SECURING) c->link", "if (n && c->state != SECURING && !c->eof) c->link"),
    ("an end of the session loses what is staged", "fetch.c", "else if (f->staged) why = popcl_messages_sync(f);", ""),
    ("a body that is not drained voids deletions", "fetch_messages.c", "if (f->octets > most && !f->doubt && !quit_matters(f))",
     "if (f->octets > most && !f->doubt)"),
    ("octets go to a server that spoke unasked", "pumps.c", "return c->phase && popcl_may_send(c) &&", "return c->phase && !c->send_failed &&"),
    ("the next pass begins one message late", "fetch_messages.c", "popcl_list_begin(f, f->from);", "popcl_list_begin(f, f->from + 1);"),
    ("a challenge logs in", "machine.c", "POPCL_IN_AUTHORIZATION : POPCL_IN_EXCHANGE;", "POPCL_IN_AUTHORIZATION : POPCL_IN_TRANSACTION;"),
    ("QUIT instead of a response", "command.c", '[POPCL_QUIT] = {"QUIT", C | A | T,', '[POPCL_QUIT] = {"QUIT", C | A | T | X,'),
    ("+OK after an initial response is a challenge", "machine.c", "c->in_flight == 1 && popcl_machine_oldest(c)->shape == POPCL_SINGLE_OR_CHALLENGE)",
     "c->in_flight == 1)"),
    ("a line with - is a challenge", "reply.c", "x->form == POPCL_FORM_CHALLENGE && r->status == POPCL_STATUS_OK)", "x->form == POPCL_FORM_CHALLENGE)"),
    ("a piece of a response is sent twice", "pumps.c", "c->written += l.secret_to - l.secret_from;", "c->written += (l.secret_to - l.secret_from) / 2;"),
    ("a challenge to PASS", "command.c", '[POPCL_PASS] = {"PASS", A, SECRET, POPCL_FORM_TEXT,', '[POPCL_PASS] = {"PASS", A, SECRET, POPCL_FORM_CHALLENGE,'),
    ("UIDs that are numbers count", "plan.c", "return value == m->number;", "return 0;"),
    ("a deadline is never judged", "pumps.c", "int over = wait_left(c) == 0;", "int over = wait_left(c) == 0 && !c->pause;"),
    # commands that leave ahead of replies
    ("a command behind a login", "pumps.c", "c->caps.tags & POPCL_CAPA_PIPELINING && !opens &&", "c->caps.tags & POPCL_CAPA_PIPELINING &&"),
    ("too many octets through one record buffer", "pumps.c", "c->octets_in_flight + octets <= ONE_WAY_OCTETS);",
     "c->octets_in_flight + octets <= ONE_WAY_OCTETS + 40);"),
    ("a secret is taken for a response that goes on", "machine.c",
     "return newest && newest->verb == POPCL_RESPONSE && c->secret;", "return newest && c->secret;"),
    ("PASS with USER in clear, and CAPA does not name USER", "fetch_login.c", "(popcl_job_offers(f, POPCL_CAPA_USER) && !popcl_job_offers(f, POPCL_CAPA_STLS));",
     "!popcl_job_offers(f, POPCL_CAPA_STLS);"),
    ("PASS with USER in clear, and CAPA names STLS", "fetch_login.c", "(popcl_job_offers(f, POPCL_CAPA_USER) && !popcl_job_offers(f, POPCL_CAPA_STLS));",
     "popcl_job_offers(f, POPCL_CAPA_USER);"),
    ("STAT before it is known what the server offers", "fetch_login.c", "!popcl_job_offers(f, POPCL_CAPA_PIPELINING) && popcl_list_needs_capa(f);",
     "!popcl_job_offers(f, POPCL_CAPA_PIPELINING) && f->phase == POPCL_PHASES;"),
    ("CAPA behind the listing stops the job", "fetch.c", "if (f->phase != phase && !last) return;", "if (f->phase != phase) return;"),
    ("RETR before UIDL is answered", "fetch_list.c", ": POPCL_WAIT_LISTING);\n}", ": POPCL_HANDLE_MESSAGES);\n}"),
    ("a listing is told before LIST, which left with it, is answered", "fetch_list.c", "if (f->sizes_asked) return; /* LIST left with UIDL */\n    tell_all_listed(f);",
     "tell_all_listed(f);\n    if (f->sizes_asked) return;"),
    ("RETR without a size", "fetch_messages.c", "if (f->ahead && no_size && state == POPCL_ENTRY_WANT_RETR) {",
     "if (f->ahead && no_size && state == POPCL_ENTRY_WANT_TOP) {"),
    ("TOP behind other commands", "fetch_messages.c", "if (!popcl_job_in_flight(f)) (void)send_for(f, at, POPCL_TOP, POPCL_ENTRY_ASKED);",
     "(void)send_for(f, at, POPCL_TOP, POPCL_ENTRY_ASKED);"),
    ("commands behind TOP", "fetch_messages.c", "(!f->ahead || popcl_job_verb(f) == POPCL_TOP))", "!f->ahead)"),
    ("too many octets of bodies", "fetch_messages.c", "f->asked_octets + weight(f, at) > POPCL_AHEAD_OCTETS;",
     "f->asked_octets + weight(f, at) > POPCL_AHEAD_OCTETS + POPCL_AHEAD_OCTETS / 4;"),
    ("sizes are not checked", "fetch_messages.c", "if (checked && !agrees(f)) disagree(f);", "if (checked && !agrees(f)) f->lines = 0;"),
    ("a body may be one octet too long", "fetch_messages.c", 'return more <= sizeof "\\r\\n" - 1;', 'return more <= sizeof "\\r\\n";'),
    ("a body may be one octet too short", "fetch_messages.c", 'return more <= sizeof "\\r\\n" - 1;', 'return more + 1 <= sizeof "\\r\\n";'),
    ("line ends are counted in any way", "fetch_messages.c", "return f->line_ends == ends;", "return ends != NOT_KNOWN;"),
    ("line ends are counted in one way", "fetch_messages.c", ": is_line_end(more + f->lines) ? THREE_OCTETS", ": f->line_ends > THREE_OCTETS ? THREE_OCTETS"),
    ("a reply that begins a body is believed", "fetch_messages.c", "if (!starts || !(f->ahead || f->doubt)) return 0;", "if (starts < 2) return 0;"),
    ("the next bodies are believed all the same", "fetch_messages.c", "if (f->doubt) {\n        f->open = POPCL_DRAINING;", "if (f->doubt > 1) {\n        f->open = POPCL_DRAINING;"),
    ("the session goes on ahead", "fetch_messages.c", "f->ahead = 0;\n    f->doubt = f->shifted = 1;", "f->doubt = f->shifted = 1;"),
    ("RETR again before STAT is answered", "fetch_messages.c", "if (f->doubt) {\n        popcl_fetch_enter(f, POPCL_PROBE);", "if (f->doubt > 1) {\n        popcl_fetch_enter(f, POPCL_PROBE);"),
    ("a header over max_size is taken for another message", "fetch_messages.c", "if (!f->ahead || f->msg.part == POPCL_HEADERS) {", "if (!f->ahead) {"),
    ("QUIT ahead of replies to DELE", "fetch.c", "(popcl_job_deletes(f) || f->asked));", "0);"),
    ("QUIT without STAT", "fetch_messages.c", "f->unsure & POPCL_UNSURE_MESSAGES ? POPCL_PROBE", "f->unsure > 3 ? POPCL_PROBE"),
    ("one number is enough for the last STAT", "fetch.c", "if (r->status != POPCL_STATUS_OK || r->size == POPCL_SIZE_UNKNOWN ||", "if (r->status != POPCL_STATUS_OK ||"),
    ("the last STAT may count too few", "fetch.c", "r->number < f->count - f->marked) {", "r->number > UINT32_MAX - 1) {"),
    ("unsure is not told", "fetch_messages.c", "if (before || f->ahead || f->shifted) f->unsure", "if (before > UINT16_MAX) f->unsure"),
    ("unsure is not told of a body alone", "fetch_messages.c", "if (before || f->ahead || f->shifted) f->unsure", "if (before) f->unsure"),
    ("unsure is not told of a listing", "fetch.c", "if (in_flight && f->phase < POPCL_HANDLE_MESSAGES) f->unsure |= POPCL_UNSURE_EARLY;",
     "if (in_flight > UINT16_MAX) f->unsure |= POPCL_UNSURE_EARLY;"),
    ("unsure is not told of PASS", "fetch_login.c", "if (!e && in_flight) f->unsure |= POPCL_UNSURE_EARLY;",
     "if (!e && in_flight > UINT16_MAX) f->unsure |= POPCL_UNSURE_EARLY;"),
    ("unsure is told for ever", "fetch.c", "f->unsure = f->doubt = 0;", "f->doubt = 0;"),
    ("shifted is not told", "fetch.c", "d->shifted = f->shifted;", "d->shifted = f->shifted && !f->stored;"),
    ("ahead is not told", "fetch.c", "d->ahead = f->ahead || f->shifted;", "d->ahead = f->shifted;"),
]


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
