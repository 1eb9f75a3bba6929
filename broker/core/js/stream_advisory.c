// SPDX-License-Identifier: Apache-2.0
#include "stream_advisory.h"

#include "base/assert.h"
#include "proto/advisory.pb-c.h"
#include "random_id.h"

#include <stdio.h>

enum { ID_CHARS = 22, SUBJECT_BYTES_MAX = 320 };

static const struct {
    const char *subject;
    const char *action;
} actions[] = {
    [STREAM_ACTION_CREATED] = {"$JS.EVENT.ADVISORY.STREAM.CREATED", "create"},
    [STREAM_ACTION_UPDATED] = {"$JS.EVENT.ADVISORY.STREAM.UPDATED", "modify"},
    [STREAM_ACTION_DELETED] = {"$JS.EVENT.ADVISORY.STREAM.DELETED", "delete"},
};

static bool anybody_listens(const struct jetstream *js, const char *subject)
{
    return interest_any(js->account->interest, rill_bytes_from_cstr(subject));
}

void stream_advise(const struct stream *stream, enum stream_action action)
{
    struct jetstream *js = stream->js;
    char id[ID_CHARS + 1];
    char subject[SUBJECT_BYTES_MAX];
    const int len = snprintf(subject, sizeof subject, "%s.%s", actions[action].subject, stream->name);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof subject); // names of streams are short
    if (!anybody_listens(js, subject))
        return;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__StreamAdvisory advisory = RILL__STREAM_ADVISORY__INIT;
    random_id_write(&js->core->random, id, ID_CHARS);
    now.unix_ns = js->core->now.wall_ns;
    advisory.id = id;
    advisory.timestamp = &now;
    advisory.stream = stream->name;
    advisory.action = (char *)actions[action].action;
    js_respond(js, rill_bytes_from_cstr(subject), &advisory.base);
}

static const struct {
    const char *subject;
    const char *type;
} transfers[] = {
    [STREAM_SNAPSHOT_CREATE] = {"SNAPSHOT_CREATE", "snapshot_create"},
    [STREAM_SNAPSHOT_COMPLETE] = {"SNAPSHOT_COMPLETE", "snapshot_complete"},
    [STREAM_RESTORE_CREATE] = {"RESTORE_CREATE", "restore_create"},
    [STREAM_RESTORE_COMPLETE] = {"RESTORE_COMPLETE", "restore_complete"},
};

static void fill_transfer(const struct jetstream *js, const struct stream_transfer *transfer,
                          Rill__SnapshotAdvisory *advisory, Rill__Timestamp *start, Rill__Timestamp *end)
{
    advisory->has_blocks = advisory->has_block_size = transfer->kind == STREAM_SNAPSHOT_CREATE;
    advisory->blocks = (int64_t)transfer->segments;
    advisory->block_size = (int64_t)transfer->segment_bytes;
    advisory->domain = js->domain;
    advisory->client->acc = (char *)js->account->name;
    advisory->client->server = js->core->server_name;
    if (!transfer->start_wall_ns)
        return;
    start->unix_ns = transfer->start_wall_ns;
    end->unix_ns = js->core->now.wall_ns;
    advisory->start = start;
    advisory->end = end;
    advisory->has_bytes = transfer->kind == STREAM_RESTORE_COMPLETE;
    advisory->bytes = transfer->bytes;
}

void stream_advise_transfer(struct jetstream *js, const char *stream_name,
                            const struct stream_transfer *transfer)
{
    char id[ID_CHARS + 1];
    char type[64];
    char subject[SUBJECT_BYTES_MAX];
    const int len = snprintf(subject, sizeof subject, "$JS.EVENT.ADVISORY.STREAM.%s.%s",
                             transfers[transfer->kind].subject, stream_name);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof subject);
    if (!anybody_listens(js, subject))
        return;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__Timestamp start = RILL__TIMESTAMP__INIT;
    Rill__Timestamp end = RILL__TIMESTAMP__INIT;
    Rill__AuditClient client = RILL__AUDIT_CLIENT__INIT;
    Rill__SnapshotAdvisory advisory = RILL__SNAPSHOT_ADVISORY__INIT;
    (void)snprintf(type, sizeof type, "io.nats.jetstream.advisory.v1.%s", transfers[transfer->kind].type);
    random_id_write(&js->core->random, id, ID_CHARS);
    now.unix_ns = js->core->now.wall_ns;
    advisory.type = type;
    advisory.id = id;
    advisory.timestamp = &now;
    advisory.stream = (char *)stream_name;
    advisory.client = &client;
    fill_transfer(js, transfer, &advisory, &start, &end);
    js_respond(js, rill_bytes_from_cstr(subject), &advisory.base);
}

void stream_advise_no_space(const struct stream *stream)
{
    static const char subject[] = "$JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE";
    struct jetstream *js = stream->js;
    char id[ID_CHARS + 1];
    if (!anybody_listens(js, subject))
        return;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__StorageAdvisory advisory = RILL__STORAGE_ADVISORY__INIT;
    random_id_write(&js->core->random, id, ID_CHARS);
    now.unix_ns = js->core->now.wall_ns;
    advisory.id = id;
    advisory.timestamp = &now;
    advisory.server = js->core->server_name;
    advisory.server_id = js->core->server_id;
    advisory.stream = stream->name;
    js_respond(js, rill_bytes_from_cstr(subject), &advisory.base);
}
