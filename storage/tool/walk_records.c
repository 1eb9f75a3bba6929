// SPDX-License-Identifier: Apache-2.0
//
// What a walk gives: records, what is in packed ones, and what stands between those that are sound.
#include "walk_state.h"

#include "erase_set.h"
#include "pack.h"
#include "scan.h"

#include <stdio.h>

enum rill_err walk_tell(const struct walk *walk, const struct finding *finding)
{
    return walk->visitor->finding ? walk->visitor->finding(walk->visitor->context, finding) : RILL_OK;
}

// ---- records ----

static enum rill_err tell_unknown(const struct walk *walk, const struct walk_record *found)
{
    struct finding finding = {
        .kind = FINDING_UNKNOWN,
        .segment = found->segment,
        .offset = found->offset,
        .end = found->offset + found->record.size,
    };
    (void)snprintf(finding.detail, sizeof finding.detail, "record of type %u", found->record.type);
    return walk_tell(walk, &finding);
}

static void note_floor(struct walk_result *at, const struct record *purge)
{
    const uint64_t next = purge->sequence + 1, said = record_purge_of(purge);
    const uint64_t floor = said < next ? said : next;
    at->floor = floor > at->floor ? floor : at->floor;
}

static enum rill_err give_one(struct walk *walk, const struct record *record, uint64_t offset,
                              uint64_t commit, bool packed)
{
    const struct walk_record found = {
        .segment = walk->entry->header.number,
        .offset = offset,
        .commit = commit,
        .packed = packed,
        .known = record_type_is_known(record->type),
        .record = *record,
    };
    if (record_is_numbered(record->type))
        walk->at->last_sequence = record->sequence;
    if (record->type == RECORD_PURGE)
        note_floor(walk->at, record);
    if (record->type == RECORD_DELETE || record->type == RECORD_ERASE)
        lost_remove(&walk->head_lost, record_delete_of(record).sequence);
    const enum rill_err err = found.known ? RILL_OK : tell_unknown(walk, &found);
    return err || !walk->visitor->record ? err : walk->visitor->record(walk->visitor->context, &found);
}

enum rill_err walk_left_out(struct walk *walk, uint64_t last)
{
    const uint64_t first = walk->at->last_sequence + 1;
    if (last < first)
        return RILL_OK;
    walk->at->last_sequence = last;
    return walk->visitor->left_out ? walk->visitor->left_out(walk->visitor->context, first, last) : RILL_OK;
}

// ---- packed ones ----

/* Its checksum is right, and yet it does not hold what it says (V10). */
static enum rill_err tell_not_held(struct walk *walk, const struct record_packed *packed, uint64_t offset,
                                   size_t size)
{
    struct finding finding = {
        .kind = FINDING_DAMAGED,
        .segment = walk->entry->header.number,
        .offset = offset,
        .end = offset + size,
        .first_sequence = packed->sequence + 1,
        .last_sequence = packed->last,
        .detail = "in a packed record",
    };
    walk->at->last_sequence = packed->last;
    return walk_tell(walk, &finding);
}

static enum rill_err give_packed(struct walk *walk, const struct record *record, uint64_t offset,
                                 uint64_t commit)
{
    const struct record_packed packed = record_packed_of(record);
    enum rill_err err = pack_open_into(&packed, &walk->unpacked, &walk->unpacked_capacity);
    if (err == RILL_ERR_DAMAGED)
        return tell_not_held(walk, &packed, offset, record->size);
    for (size_t at = 0; !err && at < packed.bytes;) {
        const struct record one = record_view(walk->unpacked + at);
        err = walk_left_out(walk, one.sequence - record_is_numbered(one.type));
        if (!err)
            err = give_one(walk, &one, offset, commit, true);
        at += one.size;
    }
    return err;
}

enum rill_err walk_give(struct walk *walk, const struct record *record, uint64_t offset, uint64_t commit)
{
    return record->type == RECORD_PACKED ? give_packed(walk, record, offset, commit)
                                         : give_one(walk, record, offset, commit, false);
}

// ---- holes ----

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* E4: is it nothing but messages that were being overwritten? */
static enum rill_err is_erasing(struct walk *walk, uint64_t from, uint64_t to, bool *ret)
{
    struct rill_error_text why;
    enum rill_err err = RILL_OK;
    *ret = false;
    if (from == to)
        return RILL_OK;
    if (!walk->erases)
        err = erase_set_read(walk->options, &walk->erases, &why);
    *ret = !err && erase_set_fills(walk->erases, walk->entry->header.number, from, to);
    return err;
}

enum rill_err walk_tell_hole(struct walk *walk, const struct stretch *stretch, uint64_t from, uint64_t to,
                             bool zero, uint64_t last)
{
    bool erasing = false;
    // Without a visitor for findings this may be the walk that reads the erases.
    const enum rill_err err = walk->visitor->finding ? is_erasing(walk, from, to, &erasing) : RILL_OK;
    if (err)
        return err;
    struct finding finding = {
        .kind = erasing ? FINDING_ERASING : FINDING_DAMAGED,
        .segment = walk->entry->header.number,
        .offset = from,
        .end = to,
        .first_sequence = walk->at->last_sequence + 1,
        .last_sequence = last,
        .first_commit = stretch->first_commit,
        .last_commit = stretch->last_commit,
    };
    (void)snprintf(finding.detail, sizeof finding.detail, "%s%s%s", stretch->what,
                   zero && to > from ? ", all zeros" : "",
                   from >= walk->reader.size ? ", behind the end of the file" : "");
    return walk_tell(walk, &finding);
}

// ---- stretches ----

static bool record_fits(const struct walk *walk, const struct record *record, uint64_t limit)
{
    if (!record_type_is_known(record->type))
        return true; // it is only shown
    const uint64_t least = walk->at->last_sequence + record_is_numbered(record->type);
    if (record->type == RECORD_COMMIT || record->sequence < least || record->sequence > limit)
        return false;
    const uint64_t last = record->type == RECORD_PACKED ? record_packed_of(record).last : record->sequence;
    return last >= record->sequence && last <= limit;
}

/* The sequence that a record says was there before it. */
static uint64_t sequence_before(const struct walk *walk, const struct record *record)
{
    if (!record_type_is_known(record->type))
        return walk->at->last_sequence;
    return record->sequence - record_is_numbered(record->type);
}

static enum rill_err stretch_record(struct walk *walk, const struct stretch *stretch, const uint8_t *bytes,
                                    const struct record_found *found, uint64_t *end)
{
    const struct record *record = &found->record;
    const uint64_t offset = stretch->from + found->at;
    const uint64_t before = walk->at->last_sequence, last = sequence_before(walk, record);
    enum rill_err err = RILL_OK;
    if (walk->rewritten && offset == *end)
        err = walk_left_out(walk, last);
    else if (offset > *end || last > before)
        err = walk_tell_hole(walk, stretch, *end, offset,
                             is_zero(bytes + (*end - stretch->from), (size_t)(offset - *end)), last);
    if (last > before)
        walk->at->last_sequence = last;
    *end = offset + record->size;
    return err ? err : walk_give(walk, record, offset, stretch->commit);
}

enum rill_err walk_stretch(struct walk *walk, const struct stretch *stretch)
{
    const size_t len = (size_t)(stretch->to - stretch->from);
    const uint8_t *bytes = NULL;
    uint64_t end = stretch->from;
    enum rill_err err = reader_get(&walk->reader, stretch->from, len, &bytes);
    if (err)
        return err;
    struct record_scan scan = record_scan_of(bytes, len, walk->reader.seed + stretch->from);
    struct record_found found;
    scan.any_type = true;
    while (!err && record_scan_next(&scan, &found)) {
        if (record_fits(walk, &found.record, stretch->limit))
            err = stretch_record(walk, stretch, bytes, &found, &end);
    }
    if (!err && (end < stretch->to || walk->at->last_sequence < stretch->last))
        err = walk_tell_hole(walk, stretch, end, stretch->to,
                             is_zero(bytes + (end - stretch->from), (size_t)(stretch->to - end)),
                             stretch->last);
    if (stretch->last > walk->at->last_sequence)
        walk->at->last_sequence = stretch->last;
    return err;
}
