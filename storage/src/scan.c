// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include "base/assert.h"
#include "le.h"

enum { SCAN_BUDGET_FACTOR = 64 };

struct record_scan record_scan_of(const uint8_t *bytes, size_t len, uint64_t seed)
{
    RILL_ASSERT(len <= SIZE_MAX / SCAN_BUDGET_FACTOR);
    return (struct record_scan){.bytes = bytes, .len = len, .seed = seed, .budget = len * SCAN_BUDGET_FACTOR};
}

/* What trying the bytes at `at` may have cost: the length that they claim, if it can be one. */
static size_t cost_at(const struct record_scan *scan)
{
    const size_t room = scan->len - scan->at;
    const size_t len = room >= RECORD_HEADER_BYTES ? le_get_u32(scan->bytes + scan->at + 8) : 0;
    return len > room ? RECORD_ALIGN : len + RECORD_ALIGN;
}

bool record_scan_next(struct record_scan *scan, struct record_found *ret)
{
    ret->damaged = false;
    while (scan->at < scan->len) {
        const size_t at = scan->at;
        if ((scan->any_type ? record_get_any : record_get)(scan->bytes + at, scan->len - at, scan->seed + at,
                                                           &ret->record)) {
            ret->at = at;
            scan->at += ret->record.size;
            RILL_ASSERT(scan->at <= scan->len);
            return true;
        }
        ret->damaged = true;
        const size_t cost = cost_at(scan);
        const bool over = cost > scan->budget || scan->len - at < RECORD_ALIGN;
        scan->budget -= over ? scan->budget : cost;
        scan->at = over ? scan->len : at + RECORD_ALIGN;
    }
    return false;
}

/* V9: may this record stand behind `*last` in this commit? */
static bool follows_in(const struct record_commit *commit, const struct record *record, uint64_t *last)
{
    const bool numbered = record_is_numbered(record->type);
    const uint64_t before = *last;
    if (!record_commit_is_merged(commit)) {
        *last += numbered;
        return record->type != RECORD_PACKED && record->sequence == *last;
    }
    *last = record->type == RECORD_PACKED ? record_packed_of(record).last : record->sequence;
    return record->sequence >= before + numbered && *last >= record->sequence && *last <= commit->last;
}

/* V9, for a commit whose record is valid and whose bytes are all here. */
bool record_commit_is_whole(const uint8_t *bytes, uint64_t seed, const struct record_commit *commit)
{
    struct record_scan scan = record_scan_of(bytes, commit->bytes, seed);
    struct record_found found;
    uint64_t last = commit->sequence;
    uint32_t records = 0, messages = 0;
    scan.at = commit->head_bytes;
    while (records < commit->record_count) {
        if (!record_scan_next(&scan, &found) || found.damaged || found.record.type == RECORD_COMMIT)
            return false;
        records++;
        if (!follows_in(commit, &found.record, &last))
            return false;
        messages += found.record.type == RECORD_PACKED ? record_packed_of(&found.record).message_count
                                                       : record_is_numbered(found.record.type);
    }
    return messages == commit->message_count && scan.at == commit->bytes;
}
