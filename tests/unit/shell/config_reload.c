// SPDX-License-Identifier: Apache-2.0
#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

TestSuite(config_reload);

/* Collects what is visited as lines. */
static void collect(void *context, const char *key, const char *old_value, const char *new_value,
                    bool reloadable)
{
    char *text = context;
    const size_t used = strlen(text);
    (void)snprintf(text + used, 1024 - used, "%s: %s -> %s%s\n", key, old_value, new_value,
                   reloadable ? "" : " (restart)");
}

static size_t diff(const char *old_text, const char *new_text, char *lines)
{
    struct config_loaded *old_loaded = config_load(old_text, "");
    struct config_loaded *new_loaded = config_load(new_text, "");
    cr_assert(eq(int, (int)old_loaded->err, (int)RILL_OK), "%s", old_loaded->why.text);
    cr_assert(eq(int, (int)new_loaded->err, (int)RILL_OK), "%s", new_loaded->why.text);
    const struct rill_options_visitor visitor = {.changed = collect, .context = lines};
    lines[0] = '\0';
    const size_t changes = rill_options_diff(&old_loaded->options, &new_loaded->options, &visitor);
    config_loaded_free(old_loaded);
    config_loaded_free(new_loaded);
    return changes;
}

// Nothing changed is nothing visited, whatever the configuration has.
Test(config_reload, equal_configurations_do_not_differ)
{
    const char *text =
        "server_tags: [a, b]\nauthorization { default_permissions: {pub: a, sub: {deny: 'b q'}}\n"
        "users: [{user: a, password: b}] }";
    char lines[1024];
    cr_expect(eq(sz, diff(text, text, lines), 0));
    cr_expect(eq(str, lines, ""));
}

// Changes are named by their key, with both values, and whether they need a restart.
Test(config_reload, changes_are_named_with_both_values)
{
    char lines[1024];
    cr_expect(
        eq(sz, diff("port: 1", "port: 2, max_payload: 2MB, ping_interval: '90s', server_tags: [a, b]", lines),
           4));
    cr_expect(eq(str, lines,
                 "port: 1 -> 2 (restart)\n"
                 "server_tags: - -> a, b\n"
                 "max_payload: 1 MiB -> 2 MiB\n"
                 "ping_interval: 2m -> 90s\n"));
}

// Secrets are not shown, and a change deep in a user's permissions is seen.
Test(config_reload, authorization_is_compared_deeply_and_shown_as_stars)
{
    char lines[1024];
    cr_expect(eq(sz, diff("authorization { token: a }", "authorization { token: b }", lines), 1));
    cr_expect(eq(str, lines, "authorization.token: *** -> ***\n"));
    cr_expect(eq(sz,
                 diff("authorization { users: [{user: a, permissions: {sub: 'x q'}}] }",
                      "authorization { users: [{user: a, permissions: {sub: 'x r'}}] }", lines),
                 1));
    cr_expect(eq(str, lines, "authorization.users: 1 users -> 1 users\n"));
}

// What needs a restart keeps its value, in memory that does not depend on the old options.
Test(config_reload, what_needs_a_restart_stays)
{
    struct config_loaded *old_loaded = config_load("host: old, port: 1, max_payload: 1MB", "");
    struct config_loaded *new_loaded = config_load("host: new, port: 2, max_payload: 2MB", "");
    rill_options_keep_fixed(&new_loaded->options, &old_loaded->options);
    config_loaded_free(old_loaded);
    cr_expect(eq(str, (char *)new_loaded->options.host, "old"));
    cr_expect(eq(i64, new_loaded->options.port, 1));
    cr_expect(eq(i64, new_loaded->options.payload_bytes_max, 2 << 20));
    config_loaded_free(new_loaded);
}
