// SPDX-License-Identifier: Apache-2.0
//
// Commit by commit, as the format's page says under "What a reader does with damage". A stretch without whole commits
// is searched for records; what lies between them are the holes, and each hole is told with the sequences that the
// records around it leave open.
#include "walk_state.h"

#include "base/assert.h"
#include "erase_set.h"
#include "folder_names.h"
#include "scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// ---- commits ----

/* What the numbers say is missing in front of a commit, or what salvage has declared to be (I9). */
static struct finding jump_of(const struct walk *walk, uint64_t offset, uint64_t first_commit,
                              uint64_t sequence, const char *what)
{
    const bool declared = first_commit == walk->at->last_commit + 1;
    struct finding finding = {
        .kind = declared ? FINDING_GAP : FINDING_MISSING,
        .segment = walk->entry->header.number,
        .offset = offset,
        .end = offset,
        .first_sequence = walk->at->last_sequence + 1,
        .last_sequence = sequence,
        .first_commit = declared ? 0 : walk->at->last_commit + 1,
        .last_commit = declared ? 0 : first_commit - 1,
    };
    (void)snprintf(finding.detail, sizeof finding.detail, "%s", declared ? "declared in the log" : what);
    return finding;
}

static enum rill_err accept_commit(struct walk *walk, uint64_t offset, const struct record_commit *commit)
{
    enum rill_err err = RILL_OK;
    const uint64_t first = record_commit_first(commit);
    walk->rewritten |= record_commit_is_merged(commit);
    if (first != walk->at->last_commit + 1 || commit->sequence > walk->at->last_sequence) {
        const struct finding jump = jump_of(walk, offset, first, commit->sequence, "not in the log");
        err = walk_tell(walk, &jump);
    }
    walk->at->last_commit = commit->number;
    walk->at->last_sequence = commit->sequence;
    walk->at->sealed = commit->record_count == 0;
    return err;
}

struct commit_tally {
    uint64_t sequence; // reached so far
    uint32_t messages;
};

/* Numbered ones without gaps, everything else behind the last of them. */
static bool tally_plain(struct commit_tally *tally, const struct record *record)
{
    if (record->type == RECORD_COMMIT || record->type == RECORD_PACKED)
        return false;
    if (record_is_numbered(record->type)) {
        tally->sequence++;
        tally->messages++;
    }
    return record->sequence == tally->sequence;
}

/* They only ascend. */
static bool tally_merged(struct commit_tally *tally, const struct record *record)
{
    const uint64_t before = tally->sequence;
    if (record->type == RECORD_COMMIT || record->sequence < before)
        return false;
    tally->sequence = record->sequence;
    if (record_is_numbered(record->type)) {
        tally->messages++;
        return record->sequence > before;
    }
    if (record->type != RECORD_PACKED)
        return true;
    const struct record_packed packed = record_packed_of(record);
    tally->sequence = packed.last;
    tally->messages += packed.message_count;
    return packed.last >= packed.sequence;
}

/* V9. The records of the commit are from `bytes` on. */
static bool commit_is_whole(const uint8_t *bytes, uint64_t seed, const struct record_commit *commit)
{
    struct record_scan scan = record_scan_of(bytes, commit->bytes, seed);
    struct record_found found;
    struct commit_tally tally = {.sequence = commit->sequence};
    uint32_t records = 0;
    scan.at = commit->head_bytes;
    for (; records < commit->record_count; records++) {
        if (!record_scan_next(&scan, &found) || found.damaged)
            return false;
        if (!(record_commit_is_merged(commit) ? tally_merged : tally_plain)(&tally, &found.record))
            return false;
    }
    return tally.messages == commit->message_count && tally.sequence <= commit->last &&
           scan.at == commit->bytes;
}

enum place { PLACE_NOTHING, PLACE_BROKEN, PLACE_WHOLE };

/* What stands where a commit should begin. */
struct spot {
    uint64_t offset;
    enum place place;
    struct record_commit commit; // not of nothing
    const uint8_t *bytes;        // of a whole commit, until the window moves
    struct reader_search later;  // unless whole: the next commit record in the segment
};

static enum rill_err look_at(struct walk *walk, struct spot *spot)
{
    struct log_reader *reader = &walk->reader;
    const enum rill_err err =
        reader_commit_at(reader, spot->offset, walk->at->last_commit, walk->at->last_sequence, &spot->commit);
    spot->place = err ? PLACE_NOTHING : PLACE_BROKEN;
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    if (spot->commit.bytes > reader->size - spot->offset)
        return RILL_OK;
    const enum rill_err get_err = reader_get(reader, spot->offset, spot->commit.bytes, &spot->bytes);
    if (!get_err && commit_is_whole(spot->bytes, reader->seed + spot->offset, &spot->commit))
        spot->place = PLACE_WHOLE;
    return get_err;
}

/* As above, and what follows if it is not whole. */
static enum rill_err look_behind(struct walk *walk, struct spot *spot)
{
    const enum rill_err err = look_at(walk, spot);
    if (err || spot->place == PLACE_WHOLE)
        return err;
    if (spot->place == PLACE_BROKEN)
        return reader_next_commit(&walk->reader, spot->offset + spot->commit.head_bytes, spot->commit.number,
                                  spot->commit.sequence, &spot->later);
    return reader_next_commit(&walk->reader, spot->offset, walk->at->last_commit, walk->at->last_sequence,
                              &spot->later);
}

/* In a log that is being written the bytes may be older than a commit that is seen behind them. By then they were
   written (I4): what is still not whole when looked at again is damage. */
static enum rill_err look(struct walk *walk, struct spot *spot)
{
    enum rill_err err = look_behind(walk, spot);
    if (err || spot->place == PLACE_WHOLE || !walk->options->live || !spot->later.found)
        return err;
    const struct spot before = *spot;
    walk->reader.window_len = 0;
    err = look_at(walk, spot);
    if (!err && spot->place == before.place)
        spot->later = before.later;
    else if (!err && spot->place != PLACE_WHOLE)
        err = look_behind(walk, spot);
    return err;
}

static enum rill_err walk_whole(struct walk *walk, uint64_t offset, const struct record_commit *commit,
                                const uint8_t *bytes)
{
    enum rill_err err = accept_commit(walk, offset, commit);
    const bool merged = record_commit_is_merged(commit);
    for (size_t at = 0; !err && at < commit->bytes;) {
        const struct record record = record_view(bytes + at);
        if (merged)
            err = walk_left_out(walk, record.sequence - record_is_numbered(record.type));
        if (!err)
            err = walk_give(walk, &record, offset + at, commit->number);
        at += record.size;
    }
    return err || !merged ? err : walk_left_out(walk, commit->last);
}

static enum rill_err tell_torn(struct walk *walk, uint64_t offset, uint64_t used, uint64_t commit,
                               uint64_t messages)
{
    struct finding finding = {
        .kind = FINDING_TORN,
        .segment = walk->entry->header.number,
        .offset = offset,
        .end = used,
        .first_sequence = messages ? walk->at->last_sequence + 1 : 0,
        .last_sequence = messages ? walk->at->last_sequence + messages : 0,
        .first_commit = commit,
        .last_commit = commit,
    };
    (void)snprintf(finding.detail, sizeof finding.detail, "%s",
                   walk->options->live ? "being written, perhaps" : "the next open drops it");
    walk->ended = true;
    return walk_tell(walk, &finding);
}

static enum rill_err give_commit(struct walk *walk, const struct spot *spot)
{
    const uint8_t *at;
    enum rill_err err = accept_commit(walk, spot->offset, &spot->commit);
    if (!err)
        err = reader_get(&walk->reader, spot->offset, spot->commit.head_bytes, &at);
    if (err)
        return err;
    const struct record head = record_view(at);
    return walk_give(walk, &head, spot->offset, spot->commit.number);
}

/* Case 2: the commit record is valid, the commit is not whole. */
static enum rill_err walk_broken(struct walk *walk, const struct spot *spot, uint64_t *ret_next)
{
    const struct record_commit *commit = &spot->commit;
    const struct reader_search *later = &spot->later;
    const uint64_t room = walk->reader.size - spot->offset;
    const uint64_t end = spot->offset + (commit->bytes <= room ? commit->bytes : room);
    const bool may_be_torn = spot->offset != SEGMENT_FIRST_OFFSET && !record_commit_is_merged(commit);
    if (!later->found && !walk->next && may_be_torn && !walk->options->keep_torn)
        return tell_torn(walk, spot->offset, later->used, commit->number, commit->message_count);
    *ret_next = later->found && later->offset < end ? later->offset : end;
    const enum rill_err err = give_commit(walk, spot);
    const struct stretch stretch = {
        .from = spot->offset + commit->head_bytes,
        .to = *ret_next,
        .commit = commit->number,
        .first_commit = record_commit_first(commit),
        .last_commit = commit->number,
        .limit = commit->last,
        .last = commit->last,
        .what = "in a commit",
    };
    return err ? err : walk_stretch(walk, &stretch);
}

/* The stretch behind the last commit of a segment that is not the last: what the next segment's header says of it. */
static struct stretch rest_of_segment(const struct walk *walk, uint64_t from, uint64_t used, bool checkpoint)
{
    const uint64_t size = walk->reader.size;
    struct stretch stretch = {.from = from,
                              .to = used,
                              .limit = UINT64_MAX - 1,
                              .what = checkpoint ? "the checkpoint" : "behind the last whole commit"};
    const struct catalog_entry *next = walk->next;
    if (!next || !next->has_header)
        return stretch;
    stretch.limit = next->header.first_sequence - 1;
    if (next->header.number != walk->entry->header.number + 1)
        return stretch;
    stretch.last = stretch.limit;
    if (next->header.first_commit > walk->at->last_commit + 1) {
        stretch.first_commit = walk->at->last_commit + 1;
        stretch.last_commit = next->header.first_commit - 1;
        stretch.to = used > from ? used : size;
    }
    return stretch;
}

/* The end of what is not zero, or of the last valid record, which may end with zeros. */
static enum rill_err find_end(struct walk *walk, uint64_t from, uint64_t used, uint64_t *ret_end)
{
    const uint64_t aligned = record_align((size_t)used), size = walk->reader.size;
    const uint8_t *bytes;
    struct record_found found;
    *ret_end = aligned < size ? aligned : size;
    const enum rill_err err = reader_get(&walk->reader, from, (size_t)(size - from), &bytes);
    if (err)
        return err;
    struct record_scan scan = record_scan_of(bytes, (size_t)(size - from), walk->reader.seed + from);
    while (record_scan_next(&scan, &found)) {
        const uint64_t end = from + found.at + found.record.size;
        *ret_end = end > *ret_end ? end : *ret_end;
    }
    return RILL_OK;
}

/* `checkpoint` says that not even the segment's first commit is there. */
static enum rill_err walk_rest(struct walk *walk, uint64_t offset, uint64_t used, bool checkpoint)
{
    uint64_t to;
    enum rill_err err = find_end(walk, offset, used, &to);
    if (err)
        return err;
    const struct stretch stretch = rest_of_segment(walk, offset, to, checkpoint);
    const bool silent = stretch.to == stretch.from && stretch.last <= walk->at->last_sequence;
    if (silent && !stretch.first_commit)
        return checkpoint ? walk_tell_hole(walk, &stretch, offset, walk->reader.size, false, 0) : RILL_OK;
    err = walk_stretch(walk, &stretch);
    if (stretch.last_commit > walk->at->last_commit)
        walk->at->last_commit = stretch.last_commit;
    return err;
}

/* Case 3: no valid commit record here, and a later one in the segment. */
static enum rill_err walk_to_later(struct walk *walk, uint64_t offset, const struct reader_search *later)
{
    const uint64_t last = later->commit.sequence, number = record_commit_first(&later->commit);
    const bool gone = number > walk->at->last_commit + 1;
    const struct stretch stretch = {
        .from = offset,
        .to = later->offset,
        .first_commit = gone ? walk->at->last_commit + 1 : 0,
        .last_commit = gone ? number - 1 : 0,
        .limit = last,
        .last = last,
        .what = "a commit record",
    };
    const enum rill_err err = walk_stretch(walk, &stretch);
    walk->at->last_commit = number - 1;
    return err;
}

/* Cases 3 and 4. */
static enum rill_err walk_bare(struct walk *walk, const struct spot *spot, uint64_t *ret_next)
{
    const uint64_t offset = spot->offset, used = spot->later.used;
    *ret_next = spot->later.found ? spot->later.offset : walk->reader.size;
    if (spot->later.found)
        return walk_to_later(walk, offset, &spot->later);
    if (walk->next || offset == SEGMENT_FIRST_OFFSET || walk->options->keep_torn)
        return walk_rest(walk, offset, used, offset == SEGMENT_FIRST_OFFSET);
    walk->ended = true;
    return used > offset ? tell_torn(walk, offset, used, 0, 0) : RILL_OK;
}

static enum rill_err walk_spot(struct walk *walk, const struct spot *spot, uint64_t *ret_next)
{
    switch (spot->place) {
    case PLACE_WHOLE:
        *ret_next = spot->offset + spot->commit.bytes;
        return walk_whole(walk, spot->offset, &spot->commit, spot->bytes);
    case PLACE_BROKEN:
        return walk_broken(walk, spot, ret_next);
    case PLACE_NOTHING:
        break;
    }
    return walk_bare(walk, spot, ret_next);
}

static enum rill_err walk_commits(struct walk *walk)
{
    enum rill_err err = RILL_OK;
    uint64_t offset = SEGMENT_FIRST_OFFSET;
    while (!err && !walk->ended && offset < walk->reader.size) {
        struct spot spot = {.offset = offset};
        err = look(walk, &spot);
        if (!err)
            err = walk_spot(walk, &spot, &offset);
        RILL_ASSERT(err || walk->ended || offset > spot.offset);
    }
    const bool checkpoint = !err && walk->reader.size <= SEGMENT_FIRST_OFFSET;
    return checkpoint ? walk_rest(walk, walk->reader.size, walk->reader.size, true) : err;
}

// ---- segments ----

static enum rill_err tell_header(const struct walk *walk, const struct walk_segment *segment)
{
    if (segment->header == WALK_HEADER_VALID && segment->copy == WALK_HEADER_VALID)
        return RILL_OK;
    const bool misnamed = segment->header == WALK_HEADER_MISNAMED || segment->copy == WALK_HEADER_MISNAMED;
    const bool both = segment->header != WALK_HEADER_VALID && segment->copy != WALK_HEADER_VALID;
    struct finding finding = {.kind = misnamed ? FINDING_MISNAMED : FINDING_HEADER,
                              .segment = segment->number};
    if (misnamed)
        (void)snprintf(finding.detail, sizeof finding.detail, "its header has another number");
    else
        (void)snprintf(finding.detail, sizeof finding.detail, "%s",
                       both            ? "both headers"
                       : segment->copy ? "the copy, the first is valid"
                                       : "the first, the copy is valid");
    return walk_tell(walk, &finding);
}

static enum walk_header header_at(struct walk *walk, uint64_t offset)
{
    const uint8_t *at;
    struct segment_header header;
    if (walk->reader.size < offset + SEGMENT_HEADER_BYTES ||
        reader_get(&walk->reader, offset, SEGMENT_HEADER_BYTES, &at) || segment_header_get(at, &header))
        return WALK_HEADER_DAMAGED;
    return header.number == walk->entry->header.number ? WALK_HEADER_VALID : WALK_HEADER_MISNAMED;
}

static enum rill_err tell_segment(struct walk *walk)
{
    const struct walk_segment segment = {
        .number = walk->entry->header.number,
        .size_bytes = walk->reader.size,
        .header = header_at(walk, 0),
        .copy = header_at(walk, SEGMENT_COPY_OFFSET),
    };
    enum rill_err err = RILL_OK;
    if (walk->visitor->segment)
        err = walk->visitor->segment(walk->visitor->context, &segment);
    return err ? err : tell_header(walk, &segment);
}

static enum rill_err walk_open_segment(struct walk *walk)
{
    const struct segment_header *header = &walk->entry->header;
    char *path = segment_path(walk->options->folder, header->number);
    const enum rill_err err = reader_open(&walk->reader, walk->options->disk, path);
    free(path);
    walk->reader.seed = segment_seed(walk->catalog->identity, header->number);
    walk->rewritten = !walk->entry->has_header || header->version >= SEGMENT_VERSION_REWRITTEN;
    return err;
}

/* Segments that were made and are not there show in the numbers of the commits. Those in front of the first one may
   be gone for good reason (R2). */
static enum rill_err walk_before(struct walk *walk)
{
    const struct catalog_entry *entry = walk->entry;
    const bool first = !walk->begun;
    walk->begun = true;
    if (!entry->has_header || entry->header.first_commit <= walk->at->last_commit + 1)
        return RILL_OK;
    const uint64_t before = first ? 0 : entry[-1].header.number;
    char what[64] = "not in the log";
    if (entry->header.number == before + 2)
        (void)snprintf(what, sizeof what, "segment %" PRIu64, before + 1);
    else if (entry->header.number > before + 1)
        (void)snprintf(what, sizeof what, "segments %" PRIu64 " to %" PRIu64, before + 1,
                       entry->header.number - 1);
    const struct finding jump =
        jump_of(walk, 0, entry->header.first_commit, entry->header.first_sequence - 1, what);
    walk->at->last_commit = entry->header.first_commit - 1;
    if (entry->header.first_sequence - 1 > walk->at->last_sequence)
        walk->at->last_sequence = entry->header.first_sequence - 1;
    if (!first)
        return walk_tell(walk, &jump);
    walk->head = jump;
    if (jump.last_sequence)
        lost_add(&walk->head_lost, 1, jump.last_sequence);
    return RILL_OK;
}

/* What was in front of the first segment is damage, unless a purge behind it says that all of it was removed (R2), and but
   for messages that were deleted. */
static enum rill_err walk_end(struct walk *walk)
{
    struct finding *head = &walk->head;
    const struct lost *lost = &walk->head_lost;
    if (!head->first_commit || walk->at->floor > head->last_sequence)
        return RILL_OK;
    lost_cut(&walk->head_lost, walk->at->floor);
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < lost->count; i++) {
        head->first_sequence = lost->ranges[i].first_sequence;
        head->last_sequence = lost->ranges[i].last_sequence;
        err = walk_tell(walk, head);
    }
    return err || lost->count ? err : walk_tell(walk, head);
}

static enum rill_err walk_segment(struct walk *walk)
{
    enum rill_err err = walk_open_segment(walk);
    if (err)
        return err == RILL_ERR_NOT_FOUND && walk->options->live ? RILL_OK : err; // removed meanwhile
    err = tell_segment(walk);
    if (!err)
        err = walk_before(walk);
    if (!err)
        err = walk_commits(walk);
    if (!err && walk->reader.unreadable) {
        const struct finding finding = {.kind = FINDING_UNREADABLE, .segment = walk->entry->header.number};
        err = walk_tell(walk, &finding);
    }
    reader_close(&walk->reader);
    return err;
}

static enum rill_err walk_segments(struct walk *walk, struct rill_error_text *why)
{
    const struct catalog *catalog = walk->catalog;
    for (size_t i = 0; i < catalog->count; i++) {
        walk->entry = &catalog->entries[i];
        walk->next = i + 1 < catalog->count ? &catalog->entries[i + 1] : NULL;
        const enum rill_err err = walk_segment(walk);
        if (err) {
            rill_error_text_set(why, "segment %" PRIu64 ": %s", walk->entry->header.number,
                                rill_err_text(err));
            return err;
        }
    }
    return walk_end(walk);
}

enum rill_err walk_stream(const struct walk_options *options, const struct walk_visitor *visitor,
                          struct walk_result *ret_result, struct rill_error_text *why)
{
    struct catalog catalog;
    enum rill_err err = catalog_read(&catalog, options->disk, options->folder, why);
    if (err)
        return err;
    *ret_result = (struct walk_result){0};
    struct walk walk = {.options = options, .visitor = visitor, .catalog = &catalog, .at = ret_result};
    err = folder_names_tell(options, &catalog, visitor);
    if (err)
        rill_error_text_set(why, "list the folder: %s", rill_err_text(err));
    else
        err = walk_segments(&walk, why);
    erase_set_destroy(walk.erases);
    lost_fini(&walk.head_lost);
    free(walk.unpacked);
    catalog_fini(&catalog);
    return err;
}
