// SPDX-License-Identifier: Apache-2.0
//
// docs/CONFIGURATION.md: the language in a page, then the table, section by section.
#include "config/options.h"

#include "table.h"

#include <stdio.h>

static const char introduction[] =
    "<!-- Written by `ninja docs-configuration` from broker/shell/config/include/config/option_table.h. -->\n"
    "# Configuration\n\n"
    "`rilld` works without a configuration. It takes flags (`rilld -h`), a file (`rilld -c rilld.conf`), or "
    "both; flags\n"
    "win. `rilld -c rilld.conf -t` checks a file and names the file, line and key of the first mistake. A "
    "file written\n"
    "for nats-server is understood. A key that rilld does not honour yet (`tls`, `cluster`, `gateway`, "
    "`leafnodes`,\n"
    "`mqtt`, `operator`, `mappings`, ...) is refused by name and never passed over; so is a key that nobody "
    "knows.\n\n"
    "## An example\n\n"
    "```\n"
    "listen: 0.0.0.0:4222\n"
    "http: localhost:8222\n"
    "max_payload: 4MB\n"
    "ping_interval: \"30s\"\n\n"
    "jetstream { store_dir: /var/lib/rill }\n\n"
    "authorization {\n"
    "  default_permissions { publish: \"public.>\", subscribe: [\"public.>\", \"_INBOX.>\"] }\n"
    "  users: [\n"
    "    { user: intake, password: $INTAKE_PASSWORD, permissions { publish: { allow: \"orders.>\", deny: "
    "\"orders.audit\" } } }\n"
    "    { user: worker, password: \"$2y$05$...\", permissions { subscribe: \"orders.* workers\", "
    "allow_responses: true } }\n"
    "  ]\n"
    "}\n"
    "include ./site.conf\n"
    "```\n\n"
    "## The language\n\n"
    "* `key: value`, `key = value`, `key value` and `key { ... }` mean the same. Keys are understood in "
    "upper and lower\n"
    "  case. Entries end at the end of the line, at a comma or at a semicolon; JSON is understood, too. "
    "Comments begin\n"
    "  with `#` or `//`.\n"
    "* Numbers may have a suffix: `k`, `m`, `g`, `t`, `p`, `e` count in thousands, `kb`, `ki`, `kib` and so "
    "on in 1024s.\n"
    "* Booleans are `true`, `yes`, `on` and `false`, `no`, `off`.\n"
    "* Texts stand bare, in `'single quotes'`, or in `\"double quotes\"` with `\\n`, `\\t`, `\\r`, `\\\"`, "
    "`\\\\` and `\\x41`. A text of\n"
    "  many lines stands between `(` and a `)` on a line of its own.\n"
    "* Lists are `[ a, b ]`; new lines separate, too. One value stands for a list of one.\n"
    "* Durations are texts such as `\"10s\"`, `\"1h30m\"` or `\"250ms\"`. A plain number is seconds, with a "
    "warning (`-t` refuses\n"
    "  it). A bare `2m` is the number two million, so a unit without quotes is refused where it looks like "
    "one.\n"
    "* `$NAME` is the value of the key `NAME` written above in the same block or in one around it, else of "
    "the environment\n"
    "  variable. A bcrypt hash (`$2a$...`) may stand bare.\n"
    "* `include file` reads another file at this place, relative to the file that it stands in. What is\n"
    "  read there does not see the variables here. A file cannot include itself.\n"
    "* A file has at most 1 MiB, 64 blocks in each other, 16 includes in each other, and 4096 keys in a "
    "block.\n\n"
    "A number that is 0 means its default, except for `jetstream`.\n";

static const char blocks[] =
    "\n## Keys that stand for several\n\n"
    "| key | value |\n|---|---|\n"
    "| `listen` | `host:port`, `:port` or a port: `host` and `port` together |\n"
    "| `http` | the same for `http_host` and `http_port` |\n"
    "| `jetstream` | a block, or `enabled`, `true`, `disabled`, `false` |\n"
    "| `websocket` | a block; `websocket.listen` is `websocket.host` and `websocket.port` together |\n"
    "| `authorization.users` | a list of users: `user`, `password` (plain or bcrypt), `permissions`, "
    "`allowed_connection_types` (`STANDARD`, `WEBSOCKET`). Not together with a token or a single user |\n"
    "| `authorization.default_permissions` | permissions of the users that have none of their own |\n"
    "| `accounts` | `$SYS { users: [ ... ], default_permissions { ... } }`. Other accounts are not supported "
    "yet |\n\n"
    "Permissions are a block with `publish` and `subscribe`, each a subject, a list of subjects, or `{ "
    "allow, deny }`. An entry\n"
    "of `subscribe` may name a queue: `\"orders.* workers\"`. `allow_responses` lets a user answer the "
    "messages that it\n"
    "receives: `true` (one answer within two minutes) or `{ max: 5, expires: \"1m\" }`; -1 is without end. "
    "With it, nothing\n"
    "else may be published that is not allowed by name.\n\n"
    "Authorization is read again on reload (`rilld --signal reload`), as are the options marked so below; a "
    "change of any\n"
    "other is named in the log and waits for a restart.\n";

/* Writes a list of words as `a`, `b`. */
static void print_words(FILE *out, const char *words, const char *dash)
{
    struct rill_bytes word;
    for (bool first = true; rill_next_word(&words, &word); first = false)
        (void)fprintf(out, "%s`%s" RILL_PRI "`", first ? "" : ", ", dash[0] && word.len > 2 ? "--" : dash,
                      RILL_ARG(word));
}

static void print_row(FILE *out, const struct option_row *row, const struct rill_options *defaults)
{
    char shown[OPTION_SHOWN_MAX];
    option_show(defaults, row, shown);
    (void)fputs("| ", out);
    print_words(out, row->keys, "");
    (void)fputs(*row->keys && *row->flags ? "<br>" : "", out);
    print_words(out, row->flags, "-");
    (void)fprintf(out, " | %s | %s | %s | %s |\n", strcmp(shown, "-") == 0 ? "" : shown, row->unit,
                  row->reloadable ? "yes" : "", row->description);
}

void rill_options_print_reference(FILE *out)
{
    struct rill_options defaults = {0};
    size_t row_count = 0;
    size_t section_count = 0;
    const struct option_row *row = option_rows(&row_count);
    const struct option_section *sections = option_sections(&section_count);
    options_set_defaults(&defaults);
    (void)fputs(introduction, out);
    (void)fputs(blocks, out);
    for (size_t i = 0; i < section_count; i++) {
        (void)fprintf(out,
                      "\n## %s\n\n%s\n\n| key, flag | default | unit | reload | what it does "
                      "|\n|---|---|---|---|---|\n",
                      sections[i].title, sections[i].about);
        for (size_t j = 0; j < sections[i].count; j++)
            print_row(out, row++, &defaults);
    }
}
