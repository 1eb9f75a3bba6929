// SPDX-License-Identifier: Apache-2.0
#include "template.h"

#include "base/words.h"
#include "clock.h"

#include "proto/rfc3339.h"

#include <inttypes.h>
#include <sys/random.h>
#include <time.h>

enum { RANDOM_BYTES_MAX = 1 << 20, ID_BYTES = 22 };

static enum rill_err put_random(size_t count, struct rill_buf *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    enum rill_err err = rill_buf_reserve(out, count);
    for (size_t i = 0; !err && i < count; i++) {
        uint8_t chance;
        if (getrandom(&chance, 1, 0) != 1)
            return RILL_ERR_IO;
        out->data[out->len++] = (uint8_t)letters[chance % (sizeof letters - 1)];
    }
    return err;
}

/* "Random 3 8": from 3 to 8 letters. */
static enum rill_err put_random_between(const char *bounds, struct rill_buf *out)
{
    struct rill_bytes low, high;
    uint64_t min, max, chance;
    if (!rill_next_word(&bounds, &low) || !rill_next_word(&bounds, &high) ||
        !rill_bytes_to_u64(low, RANDOM_BYTES_MAX, &min) || !rill_bytes_to_u64(high, RANDOM_BYTES_MAX, &max) ||
        min > max)
        return RILL_ERR_INVALID;
    if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance)
        return RILL_ERR_IO;
    return put_random((size_t)(min + chance % (max - min + 1)), out);
}

static enum rill_err put_time(bool with_date, int64_t wall_ns, struct rill_buf *out)
{
    char text[64];
    struct tm local;
    const time_t seconds = (time_t)(wall_ns / 1000000000);
    if (!localtime_r(&seconds, &local))
        return RILL_ERR_INVALID;
    const size_t n = with_date ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local)
                               : strftime(text, sizeof text, "%H:%M:%S", &local);
    return rill_buf_append(out, rill_bytes_of(text, n));
}

static enum rill_err put_value(struct rill_bytes name, const char *rest, const struct template_facts *facts,
                               struct rill_buf *out)
{
    const int64_t wall_ns = clock_wall_ns();
    if (rill_bytes_equal_cstr(name, "Count"))
        return rill_buf_appendf(out, "%" PRIu64, facts->count);
    if (rill_bytes_equal_cstr(name, "Request"))
        return rill_buf_append(out, facts->request);
    if (rill_bytes_equal_cstr(name, "Time"))
        return put_time(false, wall_ns, out);
    if (rill_bytes_equal_cstr(name, "TimeStamp"))
        return put_time(true, wall_ns, out);
    if (rill_bytes_equal_cstr(name, "Unix"))
        return rill_buf_appendf(out, "%" PRId64, wall_ns / 1000000000);
    if (rill_bytes_equal_cstr(name, "UnixNano"))
        return rill_buf_appendf(out, "%" PRId64, wall_ns);
    if (rill_bytes_equal_cstr(name, "ID"))
        return put_random(ID_BYTES, out);
    if (rill_bytes_equal_cstr(name, "Random"))
        return put_random_between(rest, out);
    return RILL_ERR_INVALID;
}

/* What stands between the braces. */
static enum rill_err put_template(struct rill_bytes inside, const struct template_facts *facts,
                                  struct rill_buf *out)
{
    char text[64];
    if (inside.len >= sizeof text)
        return RILL_ERR_INVALID;
    (void)snprintf(text, sizeof text, RILL_PRI, RILL_ARG(inside));
    const char *rest = text;
    struct rill_bytes name;
    if (!rill_next_word(&rest, &name))
        return RILL_ERR_INVALID;
    return put_value(rill_bytes_from(name, *name.data == '.'), rest, facts, out);
}

enum rill_err template_fill(const char *text, const struct template_facts *facts, struct rill_buf *out,
                            struct rill_bytes *ret_unknown)
{
    enum rill_err err = RILL_OK;
    while (!err) {
        const char *open = strstr(text, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close)
            return rill_buf_append(out, rill_bytes_from_cstr(text));
        err = rill_buf_append(out, rill_bytes_of(text, (size_t)(open - text)));
        *ret_unknown = rill_bytes_of(open + 2, (size_t)(close - open - 2));
        if (!err)
            err = put_template(*ret_unknown, facts, out);
        text = close + 2;
    }
    return err;
}
