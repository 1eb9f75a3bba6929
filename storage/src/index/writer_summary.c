// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

static enum rill_err set_segment(struct writer *writer, const struct rill_index_segment *segment)
{
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_SEGMENT_SET);
    index_bind(set, 1, segment->number);
    index_bind(set, 2, segment->first_sequence);
    index_bind(set, 3, segment->end_sequence);
    index_bind(set, 4, segment->messages);
    index_bind(set, 5, segment->bytes);
    index_bind(set, 6, segment->live_messages);
    index_bind(set, 7, segment->live_bytes);
    index_bind_hash(set, 8, (uint64_t)segment->first_time_ns);
    index_bind_hash(set, 9, (uint64_t)segment->last_time_ns);
    const enum rill_err err = index_db_run(set);
    if (err || !segment->detail.len)
        return err;
    sqlite3_stmt *detail = index_db_use(writer->db, INDEX_DETAIL_SET);
    index_bind(detail, 1, segment->number);
    index_bind_blob(detail, 2, segment->detail);
    return index_db_run(detail);
}

static enum rill_err drop_below(struct writer *writer, enum index_statement which, uint64_t number)
{
    sqlite3_stmt *drop = index_db_use(writer->db, which);
    index_bind(drop, 1, number);
    return index_db_run(drop);
}

enum rill_err writer_summary(struct writer *writer)
{
    const struct rill_index_summary *summary = writer->batch->summary;
    if (!summary)
        return RILL_OK;
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_SUMMARY_SET);
    index_bind_blob(set, 1, summary->state);
    enum rill_err err = index_db_run(set);
    for (size_t i = 0; !err && i < summary->segment_count; i++)
        err = set_segment(writer, &summary->segments[i]);
    err = err ? err : drop_below(writer, INDEX_SEGMENT_DROP, summary->segments_from);
    return err ? err : drop_below(writer, INDEX_DETAIL_DROP, summary->segments_from);
}
