// SPDX-License-Identifier: Apache-2.0
//
// Streams out of a server into a file, and back. Taking one: the server is asked for a snapshot, sends its chunks to our
// inbox, and waits for an answer to some of them before it goes on; a message without payload is the end. Restoring: the
// server names a subject; each chunk is a request to it, and a request without payload is the end, whose answer is the
// stream. (NATS' $JS.API.STREAM.SNAPSHOT and RESTORE.)
#include "backup_file.h"
#include "clock.h"
#include "families.h"
#include "progress.h"
#include "proto/rfc3339.h"
#include "stream.h"

#include <errno.h>
#include <inttypes.h>

enum { SUBJECT_BYTES = RILL_NAME_BYTES + 64, CHUNK_BYTES = 128 * 1024 };

static enum tool_exit fail_file(const struct call *call, const char *path, enum rill_err err)
{
    return call_fail(call, TOOL_FAILED, "%s: %s", path,
                     err == RILL_ERR_IO || err == RILL_ERR_NO_SPACE ? strerror(errno)
                                                                    : rill_error_string(err));
}

// ---- backup ----

struct backup {
    struct remote *remote;
    struct rill_sub *sub;
    struct backup_file *file;
    struct progress progress;
    const char *path;
};

static enum tool_exit take_chunk(struct backup *backup, const struct rill_msg *msg)
{
    const struct call *call = backup->remote->call;
    const struct rill_bytes chunk = rill_bytes_of(rill_msg_data(msg), rill_msg_data_bytes(msg));
    enum rill_err err = backup_file_add(backup->file, chunk);
    if (err)
        return fail_file(call, backup->path, err);
    if (rill_msg_reply(msg))
        err = rill_respond(backup->remote->conn, msg, NULL, 0);
    progress_update(&backup->progress, backup_file_bytes(backup->file));
    return err ? call_error(call, err, NULL, "snapshot") : TOOL_DONE;
}

static enum tool_exit take_chunks(struct backup *backup)
{
    const struct call *call = backup->remote->call;
    enum tool_exit code = TOOL_DONE;
    for (bool end = false; !code && !end;) {
        struct rill_msg *msg = NULL;
        const enum rill_err err = rill_next_msg(backup->sub, backup->remote->timeout_ms, &msg);
        if (err)
            return call_error(call, err, NULL, "the snapshot stopped");
        end = rill_msg_data_bytes(msg) == 0;
        if (end && rill_msg_status(msg) >= 400)
            code = call_fail(call, TOOL_FAILED, "the server gave the snapshot up (%u)", rill_msg_status(msg));
        else if (!end)
            code = take_chunk(backup, msg);
        rill_msg_unref(msg);
        if (interrupt_seen())
            code = call_fail(call, TOOL_FAILED, "interrupted; nothing was kept");
    }
    return code;
}

/* The server's answer to the question for a snapshot becomes the head of the file. */
static json_t *head_of(struct remote *remote, const char *stream, const json_t *answer)
{
    char time[RILL_RFC3339_BYTES_MAX];
    struct rill_server_info server = {0};
    if (rill_conn_server(remote->conn, &server))
        server.version[0] = 0;
    return json_pack("{s:s, s:s#, s:s, s:O, s:O}", "stream", stream, "taken", time,
                     (size_t)rill_rfc3339_format(clock_wall_ns(), time), "server", server.version, "config",
                     json_object_get(answer, "config"), "state", json_object_get(answer, "state"));
}

static enum tool_exit write_backup(struct backup *backup, const char *stream, json_t *head)
{
    const struct call *call = backup->remote->call;
    const json_int_t bytes = json_integer_value(show_at(head, "state.bytes"));
    const json_int_t messages = json_integer_value(show_at(head, "state.messages"));
    enum rill_err err = backup_file_create(backup->path, head, &backup->file);
    if (err)
        return fail_file(call, backup->path, err);
    progress_begin(&backup->progress, stream, SHOW_BYTES, (uint64_t)bytes);
    enum tool_exit code = take_chunks(backup);
    progress_end(&backup->progress);
    if (!code && (err = backup_file_finish(backup->file)))
        code = fail_file(call, backup->path, err);
    const uint64_t written = backup_file_bytes(backup->file);
    backup_file_close(backup->file);
    if (code)
        return code;
    return show_done(call,
                     json_pack("{s:s, s:s, s:I, s:I}", "stream", stream, "file", backup->path, "messages",
                               messages, "bytes", (json_int_t)written),
                     "%" JSON_INTEGER_FORMAT " messages of %s are in %s, %" PRIu64 " bytes", messages, stream,
                     backup->path, written);
}

static enum tool_exit take_backup(struct remote *remote, const char *stream)
{
    const struct call *call = remote->call;
    struct backup backup = {.remote = remote, .path = call_text(call, "file")};
    char inbox[RILL_INBOX_BYTES], subject[SUBJECT_BYTES];
    json_t *answer = NULL;
    rill_inbox(remote->conn, inbox);
    (void)snprintf(subject, sizeof subject, "STREAM.SNAPSHOT.%s", stream);
    const enum rill_err err = rill_subscribe(remote->conn, inbox, &backup.sub);
    if (err)
        return call_error(call, err, NULL, inbox);
    json_t *request =
        json_pack("{s:s, s:b, s:b, s:i}", "deliver_subject", inbox, "no_consumers",
                  call_has(call, "no-consumers"), "jsck", call_has(call, "check"), "chunk_size", CHUNK_BYTES);
    enum tool_exit code = remote_ask(remote, subject, request, &answer);
    if (code)
        return code;
    json_t *head = head_of(remote, stream, answer);
    json_decref(answer);
    code = head ? write_backup(&backup, stream, head)
                : call_fail(call, TOOL_FAILED, "the server's answer has no configuration");
    json_decref(head);
    rill_unsubscribe(backup.sub);
    return code;
}

static enum tool_exit run_backup(struct call *call)
{
    interrupt_catch();
    return stream_with(call, take_backup);
}

// ---- restore ----

/* What the server says to the last piece, or to one that it does not want. */
static enum tool_exit read_verdict(const struct call *call, const struct rill_msg *reply, json_t **ret_answer)
{
    json_t *answer = json_loadb(rill_msg_data(reply), rill_msg_data_bytes(reply), 0, NULL);
    const char *reason = json_string_value(show_at(answer, "error.description"));
    if (json_is_object(answer) && !json_object_get(answer, "error")) {
        *ret_answer = answer;
        return TOOL_DONE;
    }
    const enum tool_exit code =
        call_fail(call, TOOL_FAILED, "the server refuses it: %s", reason ? reason : "it does not say why");
    json_decref(answer);
    return code;
}

/* Sends one piece and waits for the answer to it, which is empty for all but the last one. */
static enum tool_exit send_piece(struct remote *remote, const char *subject, struct rill_bytes piece,
                                 json_t **ret_answer)
{
    struct rill_msg *reply = NULL;
    // The last one is answered when the stream has been read back, which may take its time.
    const int64_t timeout_ms = piece.len ? remote->timeout_ms : remote->timeout_ms * 12;
    const enum rill_err err = rill_request(remote->conn, subject, piece.data, piece.len, timeout_ms, &reply);
    if (err)
        return call_error(remote->call, err, NULL, "restore");
    const bool verdict = piece.len == 0 || rill_msg_data_bytes(reply) > 0;
    const enum tool_exit code = verdict ? read_verdict(remote->call, reply, ret_answer) : TOOL_DONE;
    rill_msg_unref(reply);
    return code;
}

static enum tool_exit send_all(struct remote *remote, struct backup_file *file, const char *subject,
                               json_t **ret_answer)
{
    const struct call *call = remote->call;
    struct progress progress;
    enum tool_exit code = TOOL_DONE;
    uint64_t sent = 0;
    progress_begin(&progress, call_text(call, "file"), SHOW_BYTES, backup_file_bytes(file));
    while (!code && !*ret_answer) {
        struct rill_bytes chunk;
        const enum rill_err err = backup_file_next(file, &chunk);
        code = err ? fail_file(call, call_text(call, "file"), err)
                   : send_piece(remote, subject, chunk, ret_answer);
        sent += err ? 0 : chunk.len;
        progress_update(&progress, sent);
        if (!code && interrupt_seen())
            code = call_fail(call, TOOL_FAILED, "interrupted; the server drops what it has got");
    }
    progress_end(&progress);
    return code;
}

/* The configuration of the backup with what the options change. */
static json_t *config_of(const struct call *call, const json_t *head)
{
    json_t *config = json_deep_copy(json_object_get(head, "config"));
    size_t at = 0;
    if (call_has(call, "name"))
        (void)json_object_set_new(config, "name", json_string(call_text(call, "name")));
    if (!call_has(call, "subjects"))
        return config;
    json_t *subjects = json_array();
    for (const char *subject; (subject = call_next_text(call, "subjects", &at));)
        (void)json_array_append_new(subjects, json_string(subject));
    (void)json_object_set_new(config, "subjects", subjects);
    return config;
}

static enum tool_exit restore(struct remote *remote, const json_t *head, struct backup_file *file)
{
    const struct call *call = remote->call;
    char subject[SUBJECT_BYTES], name[RILL_NAME_BYTES];
    json_t *config = config_of(call, head);
    json_t *answer = NULL;
    json_t *stream = NULL;
    (void)snprintf(name, sizeof name, "%s", json_string_value(json_object_get(config, "name")));
    (void)snprintf(subject, sizeof subject, "STREAM.RESTORE.%s", name);
    json_t *request = json_pack("{s:o, s:O}", "config", config, "state", json_object_get(head, "state"));
    enum tool_exit code = remote_ask(remote, subject, request, &answer);
    if (code)
        return code;
    const char *target = json_string_value(json_object_get(answer, "deliver_subject"));
    code = target ? send_all(remote, file, target, &stream)
                  : call_fail(call, TOOL_FAILED, "the server says not where to");
    json_decref(answer);
    if (code)
        return code;
    const json_int_t messages = json_integer_value(show_at(stream, "state.messages"));
    json_decref(stream);
    return show_done(call, json_pack("{s:s, s:I}", "stream", name, "messages", messages),
                     "stream %s is back with %" JSON_INTEGER_FORMAT " messages", name, messages);
}

static enum tool_exit run_restore(struct call *call)
{
    const char *path = call_text(call, "file");
    struct backup_file *file = NULL;
    struct rill_error_text why = {0};
    struct remote remote;
    json_t *head = NULL;
    const enum rill_err err = backup_file_open(path, &head, &file, &why);
    if (err)
        return call_fail(call, err == RILL_ERR_NOT_FOUND ? TOOL_NOTHING : TOOL_FAILED, "%s: %s", path,
                         why.text);
    interrupt_catch();
    enum tool_exit code = remote_open(call, &remote);
    if (!code) {
        code = restore(&remote, head, file);
        remote_close(&remote);
    }
    json_decref(head);
    backup_file_close(file);
    return code;
}

// ---- the family ----

static const struct parameter backup_arguments[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {"file", 0, VALUE_FILE,
     .help = "The file to write; one that is there is replaced when the new one is whole."},
    {0},
};
static const struct parameter backup_options[] = {
    {"no-consumers", 0, VALUE_FLAG, .help = "Leave the consumers out."},
    {"check", 0, VALUE_FLAG, .help = "Let the server check its data first."},
    {0},
};
static const struct parameter restore_arguments[] = {
    {"file", 0, VALUE_FILE, .help = "The file that `rill backup` wrote."},
    {0},
};
static const struct parameter restore_options[] = {
    {"name", 0, VALUE_STREAM, .help = "The name of the stream; that of the backup without it."},
    {"subjects", 0, VALUE_SUBJECT, .help = "Its subjects, instead of those of the backup.", .many = true},
    {0},
};

static const struct command commands[] = {
    {.name = "backup",
     .summary = "Write a stream into a file",
     .arguments = backup_arguments,
     .options = {backup_options},
     .about = "The file holds the stream as it was at one moment, with its configuration, messages and "
              "consumers, and a "
              "check sum. The stream goes on meanwhile.",
     .examples = "backup ORDERS orders.backup\n",
     .run = run_backup},
    {.name = "restore",
     .summary = "Make a stream of a file that backup wrote",
     .arguments = restore_arguments,
     .options = {restore_options},
     .about = "There must be no stream of that name, nor one with its subjects. The file is checked before "
              "anything is done.",
     .examples = "restore orders.backup\nrestore orders.backup --name OLD-ORDERS --subjects 'old.orders.>'\n",
     .run = run_restore},
    {0},
};

const struct family backup_family = {"backup", NULL, commands};
