// SPDX-License-Identifier: Apache-2.0
#include "salvage.h"

#include "erase_set.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/stream_log.pb-c.h"
#include "salvage_log.h"
#include "tool.h"
#include "walk.h"

#include <errno.h>
#include <inttypes.h>

enum { CHECKPOINT_BYTES_MAX = 256 << 20, CONFIG_BYTES_MAX = 1 << 20 };

struct salvage {
    const struct request *request;
    const char *folder;
    struct rill_buf checkpoint; // what the new log begins with
    bool found;                 // a checkpoint, in the first walk
    bool left_out;              // something, by a rewriting of the old log
    struct erase_set *erases;   // what must not be copied
    struct salvage_log *log;
    uint64_t checkpoints; // of the second walk
    uint64_t messages;
    uint64_t events;
    uint64_t removals; // deletes and purges
    struct lost lost;
    uint64_t findings;
    uint64_t damages;
};

// ---- the checkpoint to begin with ----

static enum rill_err seek_checkpoint(void *context, const struct walk_record *found)
{
    struct salvage *salvage = context;
    if (salvage->found || found->record.type != RECORD_CHECKPOINT)
        return RILL_OK;
    salvage->found = true;
    return rill_buf_append(&salvage->checkpoint, found->record.body);
}

static enum rill_err seek_left_out(void *context, uint64_t first, uint64_t last)
{
    ((struct salvage *)context)->left_out = true;
    return RILL_OK;
}

static enum rill_err read_file(const char *path, struct rill_buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return rill_err_from_errno(errno);
    enum rill_err err = rill_buf_reserve(out, CONFIG_BYTES_MAX);
    if (!err)
        out->len = fread(out->data, 1, CONFIG_BYTES_MAX, file);
    if (!err && ferror(file))
        err = RILL_ERR_IO;
    (void)fclose(file);
    return err;
}

/* The state of a stream with this configuration and no consumers. */
static enum rill_err pack_checkpoint(Rill__StreamConfig *config, struct rill_buf *out)
{
    Rill__StreamCheckpoint checkpoint = RILL__STREAM_CHECKPOINT__INIT;
    Rill__StreamRecord record = RILL__STREAM_RECORD__INIT;
    record.config = config;
    checkpoint.stream = &record;
    return rill_message_pack(&checkpoint.base, out);
}

static enum rill_err given_checkpoint(struct salvage *salvage, struct rill_error_text *why)
{
    struct rill_buf json;
    ProtobufCMessage *config;
    rill_buf_init(&json, CONFIG_BYTES_MAX);
    enum rill_err err = read_file(salvage->request->config, &json);
    if (err)
        rill_error_text_set(why, "%s", rill_err_text(err));
    else
        err = rill_json_decode(&rill__stream_config__descriptor, rill_buf_bytes(&json), RILL_JSON_STRICT,
                               &config, why);
    rill_buf_fini(&json);
    if (!err) {
        err = pack_checkpoint((Rill__StreamConfig *)config, &salvage->checkpoint);
        rill_message_free(config);
    }
    if (err)
        rill_error_text_wrap(why, "configuration %s", salvage->request->config);
    return err;
}

static enum rill_err find_checkpoint(struct salvage *salvage, const struct walk_options *options,
                                     struct rill_error_text *why)
{
    const struct walk_visitor visitor = {
        .context = salvage, .record = seek_checkpoint, .left_out = seek_left_out};
    struct walk_result end;
    enum rill_err err = walk_stream(options, &visitor, &end, why);
    if (!err)
        err = erase_set_read(options, &salvage->erases, why);
    if (err || salvage->found)
        return err;
    if (salvage->request->config)
        return given_checkpoint(salvage, why);
    rill_error_text_set(why, "no checkpoint is sound, so nothing says how the stream was configured: give its"
                             " configuration with --config FILE");
    return RILL_ERR_DAMAGED;
}

// ---- copying ----

static enum rill_err copy_checkpoint(struct salvage *salvage, const struct record *record)
{
    // The first one stands at the head of the new log, unless it stood behind other records here.
    const bool is_head =
        salvage->checkpoints++ == 0 && salvage->messages + salvage->events + salvage->removals == 0;
    return is_head ? RILL_OK : salvage_log_next_segment(salvage->log, record);
}

/* A delete says the same, and names no place in the old log. */
static enum rill_err copy_erase(struct salvage *salvage, const struct record *record)
{
    struct record removal = *record;
    removal.type = RECORD_DELETE;
    removal.body.len = RECORD_DELETE_BYTES - RECORD_HEADER_BYTES;
    removal.size = RECORD_DELETE_BYTES;
    salvage->removals++;
    return salvage_log_add(salvage->log, &removal);
}

/* A message that somebody wants overwritten stays behind. */
static enum rill_err copy_blank(struct salvage *salvage, const struct record *record)
{
    struct record erased = *record;
    erased.type = RECORD_ERASED;
    return salvage_log_add(salvage->log, &erased);
}

static enum rill_err copy_left_out(void *context, uint64_t first, uint64_t last)
{
    struct salvage *salvage = context;
    return salvage_log_leave_out(salvage->log, last);
}

static enum rill_err copy_record(void *context, const struct walk_record *found)
{
    struct salvage *salvage = context;
    const struct record *record = &found->record;
    if (!found->known || record->type == RECORD_COMMIT)
        return RILL_OK;
    if (record->type == RECORD_CHECKPOINT)
        return copy_checkpoint(salvage, record);
    if (record->type == RECORD_DELETE || record->type == RECORD_ERASE)
        lost_remove(&salvage->lost, record_delete_of(record).sequence);
    if (record->type == RECORD_ERASE)
        return copy_erase(salvage, record);
    if (record->type == RECORD_MESSAGE && erase_set_has(salvage->erases, record->sequence))
        return copy_blank(salvage, record);
    if (record->type == RECORD_MESSAGE)
        salvage->messages++;
    else if (record->type == RECORD_DELETE || record->type == RECORD_PURGE)
        salvage->removals++;
    else if (record->type != RECORD_ERASED)
        salvage->events++;
    return salvage_log_add(salvage->log, record);
}

static enum rill_err report_finding(void *context, const struct finding *finding)
{
    struct salvage *salvage = context;
    struct rill_buf text;
    rill_buf_init(&text, 4096);
    salvage->damages += finding_is_damage(finding->kind);
    finding_add_lost(finding, &salvage->lost);
    enum rill_err err =
        salvage->request->json ? finding_put_json(finding, &text) : finding_put_text(finding, &text);
    const char *front = !salvage->request->json ? "  " : salvage->findings ? "," : "{\"findings\":[";
    if (!err && fprintf(salvage->request->out, "%s" RILL_PRI "%s", front, RILL_ARG(rill_buf_bytes(&text)),
                        salvage->request->json ? "" : "\n") < 0)
        err = RILL_ERR_CLOSED;
    salvage->findings++;
    rill_buf_fini(&text);
    return err;
}

static enum rill_err copy_all(struct salvage *salvage, const struct walk_options *options,
                              struct rill_error_text *why)
{
    const struct walk_visitor visitor = {
        .context = salvage, .record = copy_record, .finding = report_finding, .left_out = copy_left_out};
    struct walk_result end;
    enum rill_err err = salvage_log_create(options->disk, salvage->request->target, salvage->left_out,
                                           rill_buf_bytes(&salvage->checkpoint), &salvage->log, why);
    if (err)
        return err;
    err = walk_stream(options, &visitor, &end, why);
    if (!err) {
        lost_cut(&salvage->lost, end.floor);
        err = salvage_log_finish(salvage->log, end.last_sequence);
        if (err)
            rill_error_text_set(why, "end %s: %s", salvage->request->target, rill_err_text(err));
    }
    salvage_log_destroy(salvage->log);
    return err;
}

static void report_end(const struct salvage *salvage)
{
    FILE *out = salvage->request->out;
    if (salvage->request->json)
        (void)fprintf(out,
                      "%s],\"messages\":%" PRIu64 ",\"events\":%" PRIu64 ",\"removals\":%" PRIu64
                      ",\"lost_messages\":%" PRIu64 "}\n",
                      salvage->findings ? "" : "{\"findings\":[", salvage->messages, salvage->events,
                      salvage->removals, salvage->lost.messages);
    else
        (void)fprintf(out,
                      "  copied %" PRIu64 " messages, %" PRIu64 " events, %" PRIu64
                      " deletes and purges; %" PRIu64 " messages are lost\n",
                      salvage->messages, salvage->events, salvage->removals, salvage->lost.messages);
}

int salvage_stream(const struct request *request, const char *folder)
{
    const struct walk_options options = {
        .disk = request->disk, .folder = folder, .keep_torn = request->keep_torn};
    struct salvage salvage = {.request = request, .folder = folder};
    struct rill_error_text why = {""};
    rill_buf_init(&salvage.checkpoint, CHECKPOINT_BYTES_MAX);
    enum rill_err err = find_checkpoint(&salvage, &options, &why);
    if (!err)
        err = copy_all(&salvage, &options, &why);
    rill_buf_fini(&salvage.checkpoint);
    if (!err)
        report_end(&salvage);
    lost_fini(&salvage.lost);
    erase_set_destroy(salvage.erases);
    if (err)
        return streams_fail(request, folder, err, why.text[0] ? why.text : rill_err_text(err));
    return salvage.damages ? TOOL_DAMAGE : TOOL_SOUND;
}
