/* SPDX-License-Identifier: MIT */
/* fetch_utf8 - the commands before the login that concern texts (RFC 6856): LANG asks for replies
 * in a language, UTF8 allows UTF-8 in the headers of messages. Each is sent if the caller wants it
 * and CAPA lists it. A server that refuses one goes on without it. */
#include "fetch.h"

#if POPCL_WITH_UTF8
#include <string.h>

#include "text.h"

#define LANG_MAX (POPCL_COMMAND_MAX - (sizeof "LANG \r\n" - 1))

int popcl_utf8_is_wanted(const popcl_fetch_config *cfg) { return cfg->lang || cfg->utf8; }

int popcl_utf8_is_bad(const popcl_fetch_config *cfg) {
    const char *lang = cfg->lang;
    size_t n = lang ? strlen(lang) : 0;
    return lang && (n == 0 || n > LANG_MAX || memchr(lang, ' ', n) || popcl_has_line_end(lang, n));
}

void popcl_utf8_enter(popcl_fetch *f, enum popcl_phase phase) {
    const popcl_fetch_config *cfg = f->cfg;
    if (phase == POPCL_SAY_LANG && !(cfg->lang && popcl_job_offers(f, POPCL_CAPA_LANG)))
        phase = POPCL_SAY_UTF8;
    if (phase == POPCL_SAY_UTF8 && !(cfg->utf8 && popcl_job_offers(f, POPCL_CAPA_UTF8)))
        phase = POPCL_LOGIN;
    popcl_fetch_enter(f, phase);
}

void popcl_utf8_language(const popcl_fetch *f, popcl_command *command) {
    command->text = f->cfg->lang;
    command->text_len = strlen(command->text);
}

void popcl_utf8_answered(popcl_fetch *f, const popcl_reply *r, enum popcl_phase phase) {
    if (phase == POPCL_SAY_UTF8) f->utf8 = r->status == POPCL_STATUS_OK;
    popcl_utf8_enter(f, phase == POPCL_SAY_LANG ? POPCL_SAY_UTF8 : POPCL_LOGIN);
}
#endif
