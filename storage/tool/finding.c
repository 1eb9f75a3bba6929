// SPDX-License-Identifier: Apache-2.0
#include "finding.h"

#include "proto/json_codec.h"

#include <inttypes.h>

const char *finding_word(enum finding_kind kind)
{
    static const char *const words[] = {
#define FINDING_WORD(name, word, damage) word,
        FINDING_TABLE(FINDING_WORD)
#undef FINDING_WORD
    };
    return words[kind];
}

bool finding_is_damage(enum finding_kind kind)
{
    static const bool damage[] = {
#define FINDING_DAMAGE(name, word, damage) damage,
        FINDING_TABLE(FINDING_DAMAGE)
#undef FINDING_DAMAGE
    };
    return damage[kind];
}

uint64_t finding_messages(const struct finding *finding)
{
    const bool some = finding->first_sequence && finding->first_sequence <= finding->last_sequence;
    return some ? finding->last_sequence - finding->first_sequence + 1 : 0;
}

void finding_add_lost(const struct finding *finding, struct lost *lost)
{
    if (finding->kind != FINDING_TORN && finding->kind != FINDING_ERASING && finding_messages(finding))
        lost_add(lost, finding->first_sequence, finding->last_sequence);
}

/* "sequence 7", "sequences 7 to 9" */
static enum rill_err put_range(struct rill_buf *out, const char *word, uint64_t first, uint64_t last)
{
    if (first == last)
        return rill_buf_appendf(out, "%s %" PRIu64, word, first);
    return rill_buf_appendf(out, "%ss %" PRIu64 " to %" PRIu64, word, first, last);
}

static enum rill_err put_place(const struct finding *finding, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    if (finding->segment)
        err = rill_buf_appendf(out, "segment %" PRIu64, finding->segment);
    if (!err && finding->end > finding->offset)
        err = rill_buf_appendf(out, ", bytes %" PRIu64 " to %" PRIu64, finding->offset, finding->end - 1);
    else if (!err && finding->offset)
        err = rill_buf_appendf(out, ", in front of byte %" PRIu64, finding->offset);
    return err ? err : rill_buf_append(out, finding->segment ? RILL_BYTES(": ") : RILL_BYTES("folder: "));
}

enum rill_err finding_put_text(const struct finding *finding, struct rill_buf *out)
{
    enum rill_err err = put_place(finding, out);
    if (!err)
        err = rill_buf_appendf(out, "%s", finding_word(finding->kind));
    if (!err && finding->detail[0])
        err = rill_buf_appendf(out, ", %s", finding->detail);
    if (!err && finding->first_commit) {
        err = rill_buf_append(out, RILL_BYTES(", "));
        if (!err)
            err = put_range(out, "commit", finding->first_commit, finding->last_commit);
    }
    if (err)
        return err;
    if (!finding_messages(finding))
        return finding->kind == FINDING_DAMAGED || finding->kind == FINDING_MISSING
                   ? rill_buf_append(out, RILL_BYTES(", no message lost"))
                   : RILL_OK;
    err = rill_buf_append(out, RILL_BYTES(", "));
    return err ? err : put_range(out, "sequence", finding->first_sequence, finding->last_sequence);
}

enum rill_err finding_put_json(const struct finding *finding, struct rill_buf *out)
{
    enum rill_err err = rill_buf_appendf(out, "{\"kind\":\"%s\",\"damage\":%s", finding_word(finding->kind),
                                         finding_is_damage(finding->kind) ? "true" : "false");
    if (!err && finding->segment)
        err = rill_buf_appendf(out, ",\"segment\":%" PRIu64, finding->segment);
    if (!err && (finding->offset || finding->end))
        err = rill_buf_appendf(out, ",\"offset\":%" PRIu64 ",\"end\":%" PRIu64, finding->offset,
                               finding->end > finding->offset ? finding->end : finding->offset);
    if (!err && finding->first_commit)
        err = rill_buf_appendf(out, ",\"first_commit\":%" PRIu64 ",\"last_commit\":%" PRIu64,
                               finding->first_commit, finding->last_commit);
    if (!err && finding_messages(finding))
        err = rill_buf_appendf(out, ",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64,
                               finding->first_sequence, finding->last_sequence);
    if (!err && finding->detail[0]) {
        err = rill_buf_append(out, RILL_BYTES(",\"detail\":"));
        if (!err)
            err = rill_json_append_string(out, rill_bytes_from_cstr(finding->detail));
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("}"));
}
