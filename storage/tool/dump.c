// SPDX-License-Identifier: Apache-2.0
#include "dump.h"

#include "event_json.h"
#include "proto/base64.h"
#include "proto/json_codec.h"
#include "proto/rfc3339.h"
#include "proto/subject.h"
#include "tool.h"
#include "walk.h"

#include <inttypes.h>

/* A record of a commit's size, as text of which each byte is escaped. */
enum { LINE_BYTES_MAX = INT32_MAX };

struct dump {
    const struct request *request;
    const char *folder;
    struct rill_buf line;
    uint64_t damages;
};

static const char *type_word(uint8_t type)
{
    switch (type) {
    case RECORD_COMMIT:
        return "commit";
    case RECORD_MESSAGE:
        return "message";
    case RECORD_CHECKPOINT:
        return "checkpoint";
    case RECORD_DELETE:
        return "delete";
    case RECORD_PURGE:
        return "purge";
    case RECORD_ERASED:
        return "erased";
    case RECORD_PACKED:
        return "packed";
    case RECORD_ERASE:
        return "erase";
#define EVENT_CASE(name, number, text)                                                                       \
    case number:                                                                                             \
        return text;
        RILL_STORE_EVENT_TABLE(EVENT_CASE)
#undef EVENT_CASE
    default:
        return "unknown";
    }
}

static bool is_wanted(const struct request *request, const struct record *record)
{
    if (record->sequence < request->from_sequence || record->sequence > request->to_sequence)
        return false;
    if (record->type != RECORD_MESSAGE)
        return !request->messages_only && !request->subject.len;
    return !request->subject.len || rill_subject_matches(request->subject, record->subject);
}

static enum rill_err put_base64(const char *name, struct rill_bytes bytes, struct rill_buf *out)
{
    enum rill_err err = rill_buf_appendf(out, ",\"%s\":\"", name);
    if (!err)
        err = rill_base64_encode(bytes, out);
    return err ? err : rill_buf_append(out, RILL_BYTES("\""));
}

static enum rill_err put_text(const char *name, struct rill_bytes bytes, struct rill_buf *out)
{
    const enum rill_err err = rill_buf_appendf(out, ",\"%s\":", name);
    return err ? err : rill_json_append_string(out, bytes);
}

static enum rill_err put_head(const struct walk_record *found, const char *folder, struct rill_buf *out)
{
    char time[RILL_RFC3339_BYTES_MAX];
    const int time_len = (int)rill_rfc3339_format(found->record.time_ns, time);
    enum rill_err err = rill_buf_appendf(out, "{\"type\":\"%s\"", type_word(found->record.type));
    if (!err)
        err = put_text("stream", rill_bytes_from_cstr(folder), out);
    if (!err)
        err = rill_buf_appendf(out, ",\"segment\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"bytes\":%zu",
                               found->segment, found->offset, found->record.size);
    if (!err && found->commit)
        err = rill_buf_appendf(out, ",\"commit\":%" PRIu64, found->commit);
    if (!err && found->packed)
        err = rill_buf_append(out, RILL_BYTES(",\"packed\":true"));
    return err ? err
               : rill_buf_appendf(out, ",\"sequence\":%" PRIu64 ",\"time\":\"%.*s\"", found->record.sequence,
                                  time_len, time);
}

static enum rill_err put_message(const struct request *request, const struct record *record,
                                 struct rill_buf *out)
{
    enum rill_err err = put_text("subject", record->subject, out);
    if (!err && record->headers.len)
        err = put_text("headers", record->headers, out);
    if (err || request->payload == PAYLOAD_NONE)
        return err ? err : rill_buf_appendf(out, ",\"payload_bytes\":%zu", record->body.len);
    return request->payload == PAYLOAD_TEXT ? put_text("payload_text", record->body, out)
                                            : put_base64("payload", record->body, out);
}

/* The head of the body of a commit record: docs/STORAGE-FORMAT.md, "Commit". */
static enum rill_err put_commit(const struct walk_record *found, struct rill_buf *out)
{
    struct rill_bytes body = found->record.body;
    uint32_t counts[3];
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *at = body.data + 8 + 4 * i;
        counts[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    const enum rill_err err = rill_buf_appendf(out, ",\"commit_bytes\":%u,\"records\":%u,\"messages\":%u",
                                               counts[0], counts[1], counts[2]);
    return err || body.len <= RECORD_COMMIT_BYTES - RECORD_HEADER_BYTES
               ? err
               : rill_buf_append(out, RILL_BYTES(",\"merged\":true"));
}

static enum rill_err put_delete(const struct record *record, struct rill_buf *out)
{
    const struct record_delete removal = record_delete_of(record);
    return rill_buf_appendf(out, ",\"removes\":%" PRIu64 ",\"removes_bytes\":%u", removal.sequence,
                            removal.bytes);
}

static enum rill_err put_erase(const struct record *record, struct rill_buf *out)
{
    const struct record_erase erase = record_erase_of(record);
    const enum rill_err err = put_delete(record, out);
    return err ? err
               : rill_buf_appendf(out, ",\"removes_segment\":%" PRIu64 ",\"removes_offset\":%" PRIu64,
                                  erase.segment, erase.offset);
}

static enum rill_err put_purge(const struct record *record, struct rill_buf *out)
{
    return rill_buf_appendf(out, ",\"first_kept\":%" PRIu64, record_purge_of(record));
}

static enum rill_err put_event(const struct record *record, struct rill_buf *out)
{
    const size_t before = out->len;
    enum rill_err err = rill_buf_append(out, RILL_BYTES(",\"event\":"));
    if (!err)
        err = event_json_put(record->type, record->body, out);
    if (err != RILL_ERR_DAMAGED)
        return err;
    out->len = before; // not the broker's own, but sound
    return put_base64("body", record->body, out);
}

static enum rill_err put_body(const struct request *request, const struct walk_record *found,
                              struct rill_buf *out)
{
    if (!found->known) {
        const enum rill_err err = rill_buf_appendf(out, ",\"type_number\":%u", found->record.type);
        return err ? err : put_base64("body", found->record.body, out);
    }
    switch (found->record.type) {
    case RECORD_MESSAGE:
        return put_message(request, &found->record, out);
    case RECORD_COMMIT:
        return put_commit(found, out);
    case RECORD_DELETE:
        return put_delete(&found->record, out);
    case RECORD_PURGE:
        return put_purge(&found->record, out);
    case RECORD_ERASE:
        return put_erase(&found->record, out);
    case RECORD_ERASED:
        return RILL_OK;
    default:
        return put_event(&found->record, out);
    }
}

static enum rill_err on_record(void *context, const struct walk_record *found)
{
    struct dump *dump = context;
    struct rill_buf *line = &dump->line;
    if (!is_wanted(dump->request, &found->record))
        return RILL_OK;
    line->len = 0;
    enum rill_err err = put_head(found, dump->folder, line);
    if (!err)
        err = put_body(dump->request, found, line);
    if (!err)
        err = rill_buf_append(line, RILL_BYTES("}\n"));
    if (!err && fwrite(line->data, 1, line->len, dump->request->out) != line->len)
        err = RILL_ERR_CLOSED;
    return err;
}

static enum rill_err on_finding(void *context, const struct finding *finding)
{
    struct dump *dump = context;
    struct rill_buf text;
    rill_buf_init(&text, 4096);
    dump->damages += finding_is_damage(finding->kind);
    const enum rill_err err = finding_put_text(finding, &text);
    if (!err)
        (void)fprintf(dump->request->err, "%s: " RILL_PRI "\n", dump->folder,
                      RILL_ARG(rill_buf_bytes(&text)));
    rill_buf_fini(&text);
    return err;
}

int dump_stream(const struct request *request, const char *folder)
{
    const struct walk_options options = {
        .disk = request->disk, .folder = folder, .live = request->live, .keep_torn = request->keep_torn};
    struct dump dump = {.request = request, .folder = folder};
    const struct walk_visitor visitor = {.context = &dump, .record = on_record, .finding = on_finding};
    struct walk_result end;
    struct rill_error_text why = {""};
    rill_buf_init(&dump.line, LINE_BYTES_MAX);
    enum rill_err err = walk_stream(&options, &visitor, &end, &why);
    rill_buf_fini(&dump.line);
    if (!err && fflush(request->out) != 0)
        err = RILL_ERR_CLOSED;
    if (err == RILL_ERR_CLOSED)
        return streams_fail(request, folder, err, "the output cannot be written");
    if (err)
        return streams_fail(request, folder, err, why.text);
    return dump.damages ? TOOL_DAMAGE : TOOL_SOUND;
}
