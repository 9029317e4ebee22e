/* SPDX-License-Identifier: MIT */
/* optioncompletion - the text of --completion: a script for bash, zsh or fish, made from the table
 * of options. It knows files, directories and values without a list; the shell does the rest. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "optiontable.h"

typedef struct script {
    void (*put)(void *ctx, const char *text);
    void *ctx;
} script;

enum value { NONE, ANY_TEXT, A_FILE, A_DIRECTORY };

static enum value completes_with(const cmd_option_row *row) {
    if (!cmd_option_takes_value(row)) return NONE;
    if (strstr(row->shown, "FILE")) return A_FILE;
    return strstr(row->shown, "DIR") ? A_DIRECTORY : ANY_TEXT;
}

/* Each row once, in the order of the table. */
#define EACH_ROW(row)                                                                              \
    const cmd_option_row *row = cmd_option_rows;                                                   \
    row < cmd_option_rows + CMD_OPTIONS;                                                           \
    row++

/* ---- bash ---- */

/* "-o|--output|...": the pattern of options with this kind of value, for `case`. */
static void put_pattern(const script *s, enum value value) {
    char text[64];
    const char *bar = "";
    s->put(s->ctx, "    ");
    for (EACH_ROW(row)) {
        if (completes_with(row) != value) continue;
        if (row->letter && cmd_option_wants_value(row)) {
            (void)snprintf(text, sizeof text, "%s-%c", bar, row->letter);
            s->put(s->ctx, text);
            bar = "|";
        }
        (void)snprintf(text, sizeof text, "%s--%s", bar, row->name);
        s->put(s->ctx, text);
        bar = "|";
    }
    s->put(s->ctx, ")\n");
}

static void put_bash(const script *s) {
    char text[64];
    s->put(s->ctx, "# bash completion of popcl: popcl --completion bash\n"
                   "_popcl() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "    COMPREPLY=()\n"
                   "    if [ \"$word\" = = ]; then word=; fi\n"
                   "    if [ \"$option\" = = ]; then option=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                   "    case $option in\n");
    put_pattern(s, A_FILE);
    s->put(s->ctx, "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n");
    put_pattern(s, A_DIRECTORY);
    s->put(s->ctx, "        mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return ;;\n");
    put_pattern(s, ANY_TEXT);
    s->put(s->ctx, "        return ;;\n"
                   "    esac\n"
                   "    case $word in\n"
                   "    -*) mapfile -t COMPREPLY < <(compgen -W '");
    for (EACH_ROW(row)) {
        (void)snprintf(text, sizeof text, "%s--%s", row == cmd_option_rows ? "" : " ", row->name);
        s->put(s->ctx, text);
    }
    s->put(s->ctx, "' -- \"$word\") ;;\n"
                   "    *) mapfile -t COMPREPLY < <(compgen -A hostname -- \"$word\") ;;\n"
                   "    esac\n"
                   "}\n"
                   "complete -o filenames -F _popcl popcl\n");
}

/* ---- zsh and fish ---- */

/* Text between single quotes: a quote of its own, and what zsh takes as the end of a part, are left
 * out. */
static void put_plain(const script *s, const char *text) {
    char one[2] = "";
    for (; *text; text++) {
        one[0] = *text;
        if (!strchr("'[]\\`", *text)) s->put(s->ctx, one);
    }
}

/* The name of a value: HOST:PORT without what follows the colon, which would end the name. */
static void put_value_name(const script *s, const char *shown) {
    char name[32];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(shown, ":]"), shown);
    s->put(s->ctx, name);
}

static void put_zsh(const script *s) {
    static const char *const actions[] = {
        [ANY_TEXT] = ": ", [A_FILE] = ":_files", [A_DIRECTORY] = ":_files -/"};
    char text[96], help[64];
    s->put(s->ctx, "#compdef popcl\n"
                   "# zsh completion of popcl: popcl --completion zsh\n"
                   "_arguments -s -S \\\n");
    for (EACH_ROW(row)) {
        int is_many = row->kind == CMD_VALUE_OWN_MANY || row->kind == CMD_COUNT;
        const char *assign = cmd_option_wants_value(row)   ? "="
                             : cmd_option_takes_value(row) ? "=-"
                                                           : "";
        if (row->letter && is_many)
            (void)snprintf(text, sizeof text, "    '*'{-%c,--%s%s}'[", row->letter, row->name,
                           assign);
        else if (row->letter)
            (void)snprintf(text, sizeof text, "    '(-%c --%s)'{-%c,--%s%s}'[", row->letter,
                           row->name, row->letter, row->name, assign);
        else
            (void)snprintf(text, sizeof text, "    '%s--%s%s[", is_many ? "*" : "", row->name,
                           assign);
        s->put(s->ctx, text);
        put_plain(s, cmd_option_short_help(row, help, sizeof help));
        s->put(s->ctx, "]");
        if (completes_with(row)) {
            s->put(s->ctx, cmd_option_wants_value(row) ? ":" : "::");
            put_value_name(s, row->shown + strspn(row->shown, " =["));
            s->put(s->ctx, actions[completes_with(row)]);
        }
        s->put(s->ctx, "' \\\n");
    }
    s->put(s->ctx, "    ':server:_hosts'\n");
}

static void put_fish(const script *s) {
    static const char *const values[] = {[NONE] = "",
                                         [ANY_TEXT] = " -x",
                                         [A_FILE] = " -r -F",
                                         [A_DIRECTORY] = " -x -a '(__fish_complete_directories)'"};
    char text[128], help[64], letter[8];
    s->put(s->ctx, "# fish completion of popcl: popcl --completion fish\n"
                   "complete -c popcl -f -a '(__fish_print_hostnames)'\n");
    for (EACH_ROW(row)) {
        letter[0] = '\0';
        if (row->letter) (void)snprintf(letter, sizeof letter, " -s %c", row->letter);
        (void)snprintf(text, sizeof text, "complete -c popcl%s -l %s%s -d '", letter, row->name,
                       cmd_option_wants_value(row) ? values[completes_with(row)] : "");
        s->put(s->ctx, text);
        put_plain(s, cmd_option_short_help(row, help, sizeof help));
        s->put(s->ctx, "'\n");
    }
}

void cmd_options_completion(const char *shell, void (*put)(void *ctx, const char *text),
                            void *ctx) {
    const script s = {put, ctx};
    if (strcmp(shell, "bash") == 0)
        put_bash(&s);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(&s);
    else
        put_fish(&s);
}
