// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes are a configuration file, loading it ends: with options that keep their bounds and equal
// themselves, or with a reason that names the place.
#include "base/assert.h"
#include "config/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void never_changed(void *context, const char *key, const char *old_value, const char *new_value,
                          bool reloadable)
{
    (void)context;
    (void)key;
    (void)old_value;
    (void)new_value;
    (void)reloadable;
    RILL_UNREACHABLE();
}

static void check_bounds(const struct rill_options *options)
{
    RILL_ASSERT(options->port >= -1 && options->port != 0 && options->port <= 65535);
    RILL_ASSERT(options->payload_bytes_max > 0 && options->payload_bytes_max <= options->pending_bytes_max);
    RILL_ASSERT(options->auth.timeout_ns > 0);
    RILL_ASSERT(!options->auth.token || !options->auth.user_count);
    for (size_t i = 0; i < options->auth.user_count; i++) {
        const struct rill_auth_user *user = &options->auth.users[i];
        RILL_ASSERT(user->name && *user->name && user->password && user->account && user->connection_types);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rill_options_visitor visitor = {.changed = never_changed};
    struct rill_options options;
    struct rill_error_text why = {.text = ""};
    if (rill_options_load_text(rill_bytes_of(data, size), "c", &options, &why)) {
        RILL_ASSERT(why.text[0] != '\0');
        return 0;
    }
    check_bounds(&options);
    RILL_ASSERT(rill_options_diff(&options, &options, &visitor) == 0);
    rill_options_fini(&options);
    return 0;
}
