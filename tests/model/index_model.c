// SPDX-License-Identifier: Apache-2.0
#include "index_model.h"

#include <stdio.h>
#include <unistd.h>

uint32_t model_below(struct model *model, uint32_t bound)
{
    return rill_random_below(&model->random, bound);
}

struct rill_bytes model_bytes(const char *text)
{
    return rill_bytes_from_cstr(text);
}

void model_random_subject(struct model *model, bool pattern, char *text)
{
    if (model->subject_style && model_below(model, 4)) {
        const uint32_t n = model_below(model, 700);
        if (pattern && !model_below(model, 3))
            sprintf(text, model_below(model, 2) ? "s.*" : "s.>");
        else if (pattern && !model_below(model, 3))
            sprintf(text, "*.%u", n);
        else
            sprintf(text, "s.%u", n);
        return;
    }
    const uint32_t tokens = 1 + model_below(model, 3);
    for (uint32_t i = 0; i < tokens; i++) {
        const char *choice = !pattern ? "abc" : i + 1 == tokens ? "abc**>" : "abc**";
        text += sprintf(text, "%s%c", i ? "." : "", choice[model_below(model, (uint32_t)strlen(choice))]);
    }
}

static void rotate(struct model *model);

static void drop_filters(struct model *model)
{
    for (int i = 0; i < FILTERS; i++) {
        rill_index_filter_destroy(model->filters[i]);
        model->filters[i] = NULL;
    }
}

void model_close_index(struct model *model)
{
    if (model->job) {
        if (!model->job_was_run)
            rill_index_job_run(model->job);
        (void)!rill_index_job_finish(model->index, model->job);
        model->job = NULL;
    }
    drop_filters(model);
    rill_index_close(model->index);
    model->index = NULL;
}

void model_rebuild(struct model *model)
{
    model->rebuilt++;
    model_close_index(model);
    model_open_index(model, true);
}

/* The last rotation that the file has; 0 before the first, or when it is damaged. */
static uint64_t read_summary(struct model *model)
{
    struct rill_buf state;
    unsigned long summary = 0;
    rill_buf_init(&state, 100);
    const enum rill_err err = rill_index_summary(model->index, &state);
    if (!err && !rill_buf_append(&state, rill_bytes_of((const uint8_t *)"", 1)))
        cr_assert(sscanf((const char *)state.data, "detail %lu", &summary) == 1);
    rill_buf_fini(&state);
    return summary;
}

static void finish_job(struct model *model)
{
    if (!model->job_was_run)
        rill_index_job_run(model->job);
    const enum rill_err err = rill_index_job_finish(model->index, model->job);
    model->job = NULL;
    if (err == RILL_ERR_DAMAGED && model->damaged) {
        model_rebuild(model);
        return;
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
    const uint64_t summary = read_summary(model); // a checkpoint leaves it
    cr_assert(summary == 0 || summary == model->written_summary || summary == model->ready_summary);
    if (summary && summary == model->ready_summary) {
        model->written_summary = summary;
        model->ready_summary = 0;
    }
}

static void start_job(struct model *model)
{
    model->job = rill_index_job_start(model->index);
    model->job_was_run = false;
}

/* Tells the index a message. False when the index was built again meanwhile, and has been told everything. */
static bool tell_message(struct model *model, const struct message *message, enum rill_err *ret_err)
{
    char id[16];
    const uint64_t rebuilt = model->rebuilt;
    sprintf(id, "id-%u", message->id);
    const struct rill_index_message told = {.sequence = message->sequence,
                                            .time_ns = message->time_ns,
                                            .expire_ns = message->expire_ns,
                                            .subject = model_bytes(message->subject),
                                            .id = model_bytes(message->id ? id : "")};
    while ((*ret_err = rill_index_feed(model->index, &told)) == RILL_ERR_LIMIT) {
        if (!model->job)
            start_job(model);
        if (model->job)
            finish_job(model);
        if (model->rebuilt != rebuilt)
            return false;
    }
    return true;
}

/* Tells the index an event. False when the index was built again meanwhile, and has been told everything. */
static bool tell(struct model *model, const struct event *event)
{
    enum rill_err err = RILL_OK;
    const struct message *message = &model->messages[event->message];
    switch (event->kind) {
    case FED:
        if (!tell_message(model, message, &err))
            return false;
        break;
    case DELETED:
        err = rill_index_delete(model->index, event->sequence, model_bytes(message->subject));
        break;
    case PURGED:
        rill_index_purge_below(model->index, event->sequence);
        break;
    case SEALED:
        err = rill_index_seal(model->index, &event->block);
        if (!err && rill_index_wants_rotation(model->index))
            rotate(model);
        break;
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu: event %d", model->seed, event->kind);
    return true;
}

/* Everything is sealed. The summary says how often this was called. */
static void rotate(struct model *model)
{
    struct rill_index_segment segments[SEGMENTS] = {{0}};
    char detail[SEGMENTS][32];
    const uint64_t summary = model->summary + 1;
    for (uint64_t i = 0; i < SEGMENTS; i++) {
        sprintf(detail[i], "detail %lu", summary + i);
        segments[i] = (struct rill_index_segment){.number = summary + i,
                                                  .messages = summary,
                                                  .first_time_ns = -(int64_t)summary,
                                                  .detail = model_bytes(detail[i])};
    }
    const enum rill_err err = rill_index_rotate(
        model->index, &(struct rill_index_summary){.state = model_bytes(detail[0]),
                                                   .segments = segments,
                                                   .segment_count = SEGMENTS,
                                                   .segments_from = summary > 2 ? summary - 2 : 0});
    if (err == RILL_ERR_LIMIT)
        return;
    cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
    model->ready_summary = model->summary = summary;
}

/* Feeds what comes behind a position. */
static void replay(struct model *model, const struct rill_index_position *position)
{
    size_t at = 0;
    while (position->block && at < model->event_count &&
           !(model->events[at].kind == SEALED && model->events[at].block.number == position->block))
        at++;
    for (at += position->block ? 1 : 0; at < model->event_count; at++) {
        if (!tell(model, &model->events[at]))
            return;
    }
}

void model_open_index(struct model *model, bool discard)
{
    struct rill_error_text why = {""};
    struct rill_index_position position;
    enum rill_index_found found;
    struct rill_index_options options = {
        .path = model->path,
        .identity = "the stream",
        .log_sequence = model->message_count ? model->messages[model->message_count - 1].sequence : 0,
        .batch_bytes = model->batch_bytes,
        .id_window_ns = WINDOW_NS,
        .era_postings = 50,
        .filter = model->filter,
        .run_ids = 100,
        .work = model->work,
        .discard = discard};
    const enum rill_err err = rill_index_open(&options, &model->index, &found, &position, &why);
    cr_assert(eq(int, err, RILL_OK), "seed %lu: %s", model->seed, why.text);
    cr_assert(found == RILL_INDEX_KEPT || position.block == 0);
    model->ready_summary = 0;
    model->written_summary = found == RILL_INDEX_KEPT ? read_summary(model) : 0;
    if (found == RILL_INDEX_DAMAGED)
        cr_assert(model->damaged > 0, "seed %lu: damaged without a reason", model->seed);
    replay(model, &position);
}

static void happen(struct model *model, const struct event *event)
{
    cr_assert(model->event_count < EVENTS_MAX);
    model->events[model->event_count++] = *event;
    model->is_sealed = event->kind == SEALED || (event->kind == PURGED && model->is_sealed);
    (void)tell(model, event);
}

void model_feed(struct model *model)
{
    for (uint32_t n = 1 + model_below(model, 40); n > 0 && model->message_count < MESSAGES_MAX; n--) {
        struct message *message = &model->messages[model->message_count];
        const struct message *last = model->message_count ? message - 1 : NULL;
        *message =
            (struct message){.sequence = (last ? last->sequence : 0) + 1 + (model_below(model, 20) ? 0 : 5),
                             .time_ns = (last ? last->time_ns : 0) + model_below(model, 3)};
        if (model->uses_ids && model_below(model, 3))
            message->id = 1 + model_below(model, IDS);
        if (model->expires && !model_below(model, 3))
            message->expire_ns = message->time_ns + 1 + model_below(model, 300);
        model_random_subject(model, false, message->subject);
        model->message_count++;
        happen(model, &(struct event){
                          .kind = FED, .sequence = message->sequence, .message = model->message_count - 1});
    }
}

void model_seal(struct model *model)
{
    struct event event = {
        .kind = SEALED,
        .block = {.number = ++model->block, .segment = 1, .offset = model->block, .length = 1}};
    if (model->block_start < model->message_count) {
        event.block.first_time_ns = model->messages[model->block_start].time_ns;
        event.block.last_time_ns = model->messages[model->message_count - 1].time_ns;
    }
    for (; model->block_start < model->message_count; model->block_start++)
        model->messages[model->block_start].sealed = true;
    happen(model, &event);
}

bool model_is_live(const struct model *model, const struct message *message)
{
    return !message->gone && message->sequence >= model->first;
}

void model_delete_at(struct model *model, uint32_t at)
{
    struct message *message = &model->messages[at];
    if (!model_is_live(model, message))
        return;
    message->gone = true;
    happen(model, &(struct event){.kind = DELETED, .sequence = message->sequence, .message = at});
}

void model_delete_some(struct model *model)
{
    if (!model->message_count)
        return;
    const uint32_t at = model_below(model, model->message_count);
    model_delete_at(model, at);
    uint32_t left = model_below(model, 3) ? 0 : model_below(model, 30);
    for (uint32_t i = 0; left && i < model->message_count; i++) {
        if (!model_is_live(model, &model->messages[i]) ||
            strcmp(model->messages[i].subject, model->messages[at].subject))
            continue;
        model_delete_at(model, i);
        left--;
    }
}

void model_purge(struct model *model)
{
    if (!model->message_count)
        return;
    const uint64_t last = model->messages[model->message_count - 1].sequence;
    if (model->first < last)
        model->first += model_below(model, (uint32_t)(last - model->first) / 4 + 2);
    happen(model, &(struct event){.kind = PURGED, .sequence = model->first});
}

void model_job(struct model *model)
{
    if (!model->job) {
        if (!model_below(model, 3) && model->is_sealed)
            rotate(model);
        start_job(model);
    } else if (!model->job_was_run && model_below(model, 2)) {
        rill_index_job_run(model->job);
        model->job_was_run = true;
    } else {
        finish_job(model);
    }
}

/* Removes `to`, and makes it a copy of `from` when that is there. */
static void copy_file(const struct model *model, const char *from_suffix, const char *to_suffix)
{
    char from_path[128], to_path[128], chunk[4096];
    snprintf(from_path, sizeof from_path, "%s%s", model->path, from_suffix);
    snprintf(to_path, sizeof to_path, "%s%s", model->path, to_suffix);
    (void)unlink(to_path);
    FILE *from = fopen(from_path, "rb");
    if (!from)
        return;
    FILE *to = fopen(to_path, "wb");
    cr_assert(to != NULL);
    for (size_t len; (len = fread(chunk, 1, sizeof chunk, from)) > 0;)
        cr_assert(fwrite(chunk, 1, len, to) == len);
    (void)fclose(from);
    (void)fclose(to);
}

void model_remove_files(const struct model *model)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".copy", ".copy-wal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        copy_file(model, ".none", suffixes[i]);
    cr_assert(eq(int, rmdir(model->folder), 0), "something is left behind");
}

static void damage_file(struct model *model, const char *suffix)
{
    char path[128];
    snprintf(path, sizeof path, "%s%s", model->path, suffix);
    FILE *file = fopen(path, "r+b");
    if (!file)
        return;
    model->damaged++;
    (void)fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    const uint32_t how = size ? model_below(model, 4) : 3;
    if (how == 0) {
        cr_assert(eq(int, ftruncate(fileno(file), model_below(model, (uint32_t)size)), 0));
    } else if (how < 3) {
        const long at = model_below(model, (uint32_t)size);
        (void)fseek(file, at, SEEK_SET);
        const int byte = fgetc(file);
        (void)fseek(file, at, SEEK_SET);
        (void)fputc(byte ^ (1 << model_below(model, 8)), file);
    } else {
        (void)unlink(path);
    }
    (void)fclose(file);
}

/* An index of another stream takes the place of this one. */
static void exchange(struct model *model)
{
    struct rill_error_text why;
    struct rill_index *other;
    struct rill_index_position position;
    enum rill_index_found found;
    const struct rill_index_options options = {.path = model->path, .identity = "another", .discard = true};
    cr_assert(eq(int, rill_index_open(&options, &other, &found, &position, &why), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(other, NULL), RILL_OK));
    struct rill_index_job *made = rill_index_job_start(other);
    rill_index_job_run(made);
    cr_assert(eq(int, rill_index_job_finish(other, made), RILL_OK));
    rill_index_close(other);
}

void model_reopen(struct model *model)
{
    if (model_below(model, 2)) {
        // What a kill leaves: the files as they are while the index is open.
        copy_file(model, "", ".copy");
        copy_file(model, "-wal", ".copy-wal");
        model_close_index(model);
        copy_file(model, ".none", "-shm");
        copy_file(model, ".copy", "");
        copy_file(model, ".copy-wal", "-wal");
    } else {
        model_close_index(model);
    }
    switch (model_below(model, 8)) {
    case 0:
        damage_file(model, "");
        break;
    case 1:
        damage_file(model, "-wal");
        break;
    case 2:
        exchange(model);
        break;
    default:
        break;
    }
    model_open_index(model, false);
}
