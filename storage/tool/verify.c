// SPDX-License-Identifier: Apache-2.0
#include "verify.h"

#include "index_check.h"
#include "live_set.h"
#include "proto/json_codec.h"
#include "tool.h"
#include "walk.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>

enum { FINDINGS_MAX = 100000, REPORT_BYTES_MAX = 256 << 20 };

struct row {
    struct walk_segment segment;
    uint64_t commits;
    uint64_t records; // without commit records
    uint64_t messages;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t findings;
};

struct report {
    const char *folder;
    struct row *rows;
    size_t row_count;
    struct finding *findings;
    size_t finding_count;
    uint64_t findings_more; // that were not kept
    uint64_t damages;
    struct lost lost;
    struct live_set *live;
    struct index_check *index; // NULL when the stream has none
    uint64_t indexed;          // messages that the index names
    struct walk_result end;
    bool understood; // the walk came to its end
};

static enum rill_err on_segment(void *context, const struct walk_segment *segment)
{
    struct report *report = context;
    report->rows = rill_alloc_resize(report->rows, report->row_count + 1, sizeof report->rows[0]);
    report->rows[report->row_count++] = (struct row){.segment = *segment};
    return RILL_OK;
}

static enum rill_err on_record(void *context, const struct walk_record *found)
{
    struct report *report = context;
    struct row *row = &report->rows[report->row_count - 1];
    if (found->record.type == RECORD_COMMIT) {
        row->commits++;
        return RILL_OK;
    }
    row->records++;
    if (report->index)
        index_check_record(report->index, found);
    if (found->record.type == RECORD_DELETE || found->record.type == RECORD_ERASE) {
        live_set_remove(report->live, record_delete_of(&found->record).sequence);
        lost_remove(&report->lost, record_delete_of(&found->record).sequence);
    }
    if (found->record.type == RECORD_PURGE)
        live_set_cut(report->live, record_purge_of(&found->record));
    if (found->record.type != RECORD_MESSAGE)
        return RILL_OK;
    live_set_add(report->live, found->record.sequence);
    row->messages++;
    row->last_sequence = found->record.sequence;
    row->first_sequence = row->first_sequence ? row->first_sequence : found->record.sequence;
    return RILL_OK;
}

static struct row *row_of(const struct report *report, uint64_t segment)
{
    for (size_t i = report->row_count; i > 0; i--) {
        if (report->rows[i - 1].segment.number == segment)
            return &report->rows[i - 1];
    }
    return NULL;
}

static enum rill_err on_finding(void *context, const struct finding *finding)
{
    struct report *report = context;
    struct row *row = row_of(report, finding->segment);
    if (row)
        row->findings++;
    report->damages += finding_is_damage(finding->kind);
    finding_add_lost(finding, &report->lost);
    if (report->finding_count == FINDINGS_MAX) {
        report->findings_more++;
        return RILL_OK;
    }
    if ((report->finding_count & (report->finding_count - 1)) == 0)
        report->findings =
            rill_alloc_resize(report->findings, report->finding_count ? report->finding_count * 2 : 1,
                              sizeof report->findings[0]);
    report->findings[report->finding_count++] = *finding;
    return RILL_OK;
}

/* That were found and are removed. */
static uint64_t report_removed(const struct report *report)
{
    uint64_t messages = 0;
    for (size_t i = 0; i < report->row_count; i++)
        messages += report->rows[i].messages;
    return messages - live_set_count(report->live);
}

// ---- as text ----

static const char *header_word(const struct walk_segment *segment)
{
    if (segment->header == WALK_HEADER_VALID)
        return segment->copy == WALK_HEADER_VALID ? "valid" : "first only";
    if (segment->copy == WALK_HEADER_VALID)
        return "copy only";
    return segment->header == WALK_HEADER_MISNAMED || segment->copy == WALK_HEADER_MISNAMED ? "misnamed"
                                                                                            : "damaged";
}

static enum rill_err put_row(const struct row *row, struct rill_buf *out)
{
    char sequences[48] = "-";
    if (row->messages)
        (void)snprintf(sequences, sizeof sequences, "%" PRIu64 "-%" PRIu64, row->first_sequence,
                       row->last_sequence);
    return rill_buf_appendf(out,
                            "  %7" PRIu64 "  %12" PRIu64 "  %-10s  %8" PRIu64 "  %10" PRIu64 "  %10" PRIu64
                            "  %-21s  %8" PRIu64 "\n",
                            row->segment.number, row->segment.size_bytes, header_word(&row->segment),
                            row->commits, row->records, row->messages, sequences, row->findings);
}

static enum rill_err put_table(const struct report *report, struct rill_buf *out)
{
    enum rill_err err =
        rill_buf_appendf(out, "  %7s  %12s  %-10s  %8s  %10s  %10s  %-21s  %8s\n", "segment", "bytes",
                         "header", "commits", "records", "messages", "sequences", "findings");
    for (size_t i = 0; !err && i < report->row_count; i++)
        err = put_row(&report->rows[i], out);
    return err;
}

static enum rill_err put_findings(const struct report *report, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < report->finding_count; i++) {
        err =
            rill_buf_appendf(out, "  %s ", finding_is_damage(report->findings[i].kind) ? "DAMAGE" : "note  ");
        if (!err)
            err = finding_put_text(&report->findings[i], out);
        if (!err)
            err = rill_buf_append(out, RILL_BYTES("\n"));
    }
    if (!err && report->findings_more)
        err = rill_buf_appendf(out, "  and %" PRIu64 " more\n", report->findings_more);
    return err;
}

static enum rill_err put_text(const struct report *report, bool sound, struct rill_buf *out)
{
    enum rill_err err = rill_buf_appendf(out, "%s\n", report->folder);
    if (!err)
        err = put_findings(report, out);
    if (!err && report->row_count)
        err = put_table(report, out);
    if (!err && report->index)
        err = rill_buf_appendf(out, "  index.db names %" PRIu64 " messages\n", report->indexed);
    if (err)
        return err;
    return rill_buf_appendf(out,
                            "  %s: %" PRIu64 " messages, last sequence %" PRIu64 ", %" PRIu64
                            " removed and still here, %" PRIu64 " lost, %s\n",
                            sound ? "SOUND" : "DAMAGED", live_set_count(report->live),
                            report->end.last_sequence, report_removed(report), report->lost.messages,
                            report->end.sealed ? "closed cleanly"
                                               : "not closed: in use, killed, or cut short");
}

// ---- as JSON ----

static enum rill_err put_json_rows(const struct report *report, struct rill_buf *out)
{
    enum rill_err err = rill_buf_append(out, RILL_BYTES(",\"segments\":["));
    for (size_t i = 0; !err && i < report->row_count; i++) {
        const struct row *row = &report->rows[i];
        err = rill_buf_appendf(out,
                               "%s{\"segment\":%" PRIu64 ",\"bytes\":%" PRIu64
                               ",\"header\":\"%s\",\"commits\":%" PRIu64 ",\"records\":%" PRIu64
                               ",\"messages\":%" PRIu64 ",\"first_sequence\":%" PRIu64
                               ",\"last_sequence\":%" PRIu64 ",\"findings\":%" PRIu64 "}",
                               i ? "," : "", row->segment.number, row->segment.size_bytes,
                               header_word(&row->segment), row->commits, row->records, row->messages,
                               row->first_sequence, row->last_sequence, row->findings);
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("]"));
}

static enum rill_err put_json_findings(const struct report *report, struct rill_buf *out)
{
    enum rill_err err = rill_buf_append(out, RILL_BYTES(",\"findings\":["));
    for (size_t i = 0; !err && i < report->finding_count; i++) {
        if (i)
            err = rill_buf_append(out, RILL_BYTES(","));
        if (!err)
            err = finding_put_json(&report->findings[i], out);
    }
    return err ? err : rill_buf_appendf(out, "],\"findings_more\":%" PRIu64, report->findings_more);
}

static enum rill_err put_json(const struct report *report, bool sound, struct rill_buf *out)
{
    enum rill_err err = rill_buf_append(out, RILL_BYTES("{\"folder\":"));
    if (!err)
        err = rill_json_append_string(out, rill_bytes_from_cstr(report->folder));
    if (!err)
        err = rill_buf_appendf(out,
                               ",\"sound\":%s,\"sealed\":%s,\"messages\":%" PRIu64 ",\"removed\":%" PRIu64
                               ",\"last_sequence\":%" PRIu64 ",\"last_commit\":%" PRIu64
                               ",\"lost_messages\":%" PRIu64,
                               sound ? "true" : "false", report->end.sealed ? "true" : "false",
                               live_set_count(report->live), report_removed(report),
                               report->end.last_sequence, report->end.last_commit, report->lost.messages);
    if (!err && report->index)
        err = rill_buf_appendf(out, ",\"indexed\":%" PRIu64, report->indexed);
    if (!err)
        err = put_json_rows(report, out);
    if (!err)
        err = put_json_findings(report, out);
    return err ? err : rill_buf_append(out, RILL_BYTES("}\n"));
}

// ---- together ----

static int report_print(const struct request *request, const struct report *report)
{
    struct rill_buf out;
    const bool sound = report->damages == 0 && (!request->strict || report->finding_count == 0);
    rill_buf_init(&out, REPORT_BYTES_MAX);
    const enum rill_err err = (request->json ? put_json : put_text)(report, sound, &out);
    const bool written =
        !err && fwrite(out.data, 1, out.len, request->out) == out.len && fflush(request->out) == 0;
    rill_buf_fini(&out);
    if (!written)
        return streams_fail(request, report->folder, err,
                            err ? rill_err_text(err) : "the report cannot be written");
    return sound ? TOOL_SOUND : TOOL_DAMAGE;
}

/* A folder in which no segment is understood is a stream that is damaged, not one that could not be read. */
static enum rill_err note_unreadable(struct report *report, enum rill_err err,
                                     const struct rill_error_text *why)
{
    struct finding finding = {.kind = FINDING_NO_SEGMENTS};
    if (err != RILL_ERR_DAMAGED && err != RILL_ERR_NOT_FOUND)
        return err;
    (void)snprintf(finding.detail, sizeof finding.detail, "%s",
                   err == RILL_ERR_NOT_FOUND ? "there is none" : why->text);
    return on_finding(report, &finding);
}

static enum rill_err finish_index(struct report *report)
{
    struct finding finding;
    if (!report->index || index_check_finish(report->index, &report->indexed, &finding))
        return RILL_OK;
    return on_finding(report, &finding);
}

int verify_stream(const struct request *request, const char *folder)
{
    const struct walk_options options = {.disk = request->disk, .folder = folder, .live = request->live};
    struct report report = {.folder = folder, .live = live_set_create()};
    if (request->disk == rill_disk_real())
        report.index = index_check_open(folder, request->live);
    const struct walk_visitor visitor = {
        .context = &report, .segment = on_segment, .record = on_record, .finding = on_finding};
    struct rill_error_text why = {""};
    enum rill_err err = walk_stream(&options, &visitor, &report.end, &why);
    if (err)
        err = note_unreadable(&report, err, &why);
    else
        err = finish_index(&report);
    lost_cut(&report.lost, report.end.floor);
    const int status = err ? streams_fail(request, folder, err, why.text) : report_print(request, &report);
    free(report.rows);
    free(report.findings);
    lost_fini(&report.lost);
    live_set_destroy(report.live);
    index_check_destroy(report.index);
    return status;
}
