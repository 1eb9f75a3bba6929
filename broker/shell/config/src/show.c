// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <stdio.h>

static void show_bytes(int64_t bytes, char shown[OPTION_SHOWN_MAX])
{
    static const char *const units[] = {"", " KiB", " MiB", " GiB", " TiB"};
    size_t unit = 0;
    while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(shown, OPTION_SHOWN_MAX, "%lld%s", (long long)bytes, units[unit]);
}

static void show_duration(int64_t ns, char shown[OPTION_SHOWN_MAX])
{
    static const struct {
        int64_t ns;
        const char *name;
    } units[] = {{INT64_C(3600000000000), "h"},
                 {INT64_C(60000000000), "m"},
                 {1000000000, "s"},
                 {1000000, "ms"},
                 {1000, "us"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ns != 0 && ns % units[i].ns == 0) {
            (void)snprintf(shown, OPTION_SHOWN_MAX, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
            return;
        }
    }
    (void)snprintf(shown, OPTION_SHOWN_MAX, "%lldns", (long long)ns);
}

static void show_number(int64_t number, enum option_type type, char shown[OPTION_SHOWN_MAX])
{
    if (type == OPTION_bytes)
        show_bytes(number, shown);
    else if (type == OPTION_sync && number == 0)
        (void)snprintf(shown, OPTION_SHOWN_MAX, "always");
    else if (type == OPTION_sync || (type == OPTION_duration && number != 0))
        show_duration(number, shown);
    else
        (void)snprintf(shown, OPTION_SHOWN_MAX, "%lld", (long long)number);
}

static void show_texts(const struct rill_option_texts *texts, char shown[OPTION_SHOWN_MAX])
{
    size_t used = 0;
    (void)snprintf(shown, OPTION_SHOWN_MAX, "-");
    for (size_t i = 0; i < texts->count && used < OPTION_SHOWN_MAX; i++)
        used +=
            (size_t)snprintf(shown + used, OPTION_SHOWN_MAX - used, "%s%s", i ? ", " : "", texts->items[i]);
}

void option_show(const struct rill_options *options, const struct option_row *row,
                 char shown[OPTION_SHOWN_MAX])
{
    // The accessors hand out writable fields; nothing is written here.
    struct rill_options *from = (struct rill_options *)(uintptr_t)options;
    const bool secret = strcmp(row->name, "auth_password") == 0 || strcmp(row->name, "auth_token") == 0;
    if (option_is_number(row->type)) {
        show_number(*option_number(from, row), row->type, shown);
    } else if (row->type == OPTION_bool) {
        (void)snprintf(shown, OPTION_SHOWN_MAX, "%s", *option_bool(from, row) ? "true" : "false");
    } else if (row->type == OPTION_texts) {
        show_texts(option_texts(from, row), shown);
    } else {
        const char *text = *option_text(from, row);
        (void)snprintf(shown, OPTION_SHOWN_MAX, "%s", !text ? "-" : secret ? "***" : text);
    }
}
