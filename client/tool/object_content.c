// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include "clock.h"
#include "progress.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct show_field fields[] = {
    {"description", "Description", SHOW_TEXT}, {"size", "Size", SHOW_BYTES},
    {"chunks", "Chunks", SHOW_COUNT},          {"mtime", "Changed", SHOW_TIME},
    {"digest", "Digest", SHOW_TEXT},           {"deleted", "Deleted", SHOW_FLAG},
    {"bucket", "Bucket", SHOW_TEXT},           {0},
};

static enum tool_exit show_object(const struct call *call, Rill__ObjectInfo *info)
{
    char title[512];
    (void)snprintf(title, sizeof title, "Object %s", info->name);
    json_t *json = show_model(&info->base);
    rill_model_free(&info->base);
    return show_card(call, title, fields, json);
}

// ---- ls and info ----

static bool add_row(const Rill__ObjectInfo *info, void *context)
{
    (void)json_array_append_new(context, show_model(&info->base));
    return true;
}

static enum tool_exit list(const struct call *call, struct rill_objects *objects)
{
    static const struct show_field columns[] = {
        {"name", "Object", SHOW_TEXT},
        {"size", "Size", SHOW_BYTES},
        {"mtime", "Changed", SHOW_TIME},
        {"description", "Description", SHOW_TEXT},
        {0},
    };
    json_t *rows = json_array();
    struct rill_error error = {0};
    const enum rill_err err = rill_object_each(objects, add_row, rows, &error);
    if (err) {
        json_decref(rows);
        return call_error(call, err, &error, "objects");
    }
    rows = show_sorted(rows, (const struct show_order[]){{"name", "name"}, {0}}, NULL);
    return call_has(call, "names") ? show_names(rows, "name")
                                   : show_table(call, NULL, columns, rows, "There are no objects.");
}

enum tool_exit object_run_list(struct call *call)
{
    return object_with(call, list);
}

static enum tool_exit info(const struct call *call, struct rill_objects *objects)
{
    const char *name = call_text(call, "name");
    Rill__ObjectInfo *found = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_object_info(objects, name, &found, &error);
    return err ? call_error(call, err, &error, name) : show_object(call, found);
}

enum tool_exit object_run_info(struct call *call)
{
    return object_with(call, info);
}

// ---- put ----

struct upload {
    FILE *file;
    struct progress progress;
};

static enum rill_err read_file(void *context, void *buffer, size_t bytes_max, size_t *ret_bytes)
{
    struct upload *upload = context;
    *ret_bytes = fread(buffer, 1, bytes_max, upload->file);
    progress_update(&upload->progress, upload->progress.done + *ret_bytes);
    return ferror(upload->file) || interrupt_seen() ? RILL_ERR_IO : RILL_OK;
}

static const char *name_of(const struct call *call)
{
    const char *path = call_text(call, "file");
    const char *slash = strrchr(path, '/');
    if (call_has(call, "name"))
        return call_text(call, "name");
    return slash ? slash + 1 : path;
}

static enum tool_exit put(const struct call *call, struct rill_objects *objects)
{
    const char *path = call_text(call, "file");
    const struct rill_object_put what = {.name = name_of(call),
                                         .description = call_text(call, "description"),
                                         .chunk_bytes = (uint32_t)call_number(call, "chunk-size", 0)};
    struct upload upload = {.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe")};
    struct stat status = {0};
    if (!upload.file || fstat(fileno(upload.file), &status) != 0)
        return call_fail(call, TOOL_FAILED, "%s: %s", path, strerror(errno));
    Rill__ObjectInfo *stored = NULL;
    struct rill_error error = {0};
    progress_begin(&upload.progress, what.name, SHOW_BYTES,
                   status.st_size > 0 ? (uint64_t)status.st_size : 0);
    const enum rill_err err = rill_object_put(objects, &what, read_file, &upload, &stored, &error);
    progress_end(&upload.progress);
    if (upload.file != stdin)
        (void)fclose(upload.file);
    return err ? call_error(call, err, &error, what.name) : show_object(call, stored);
}

enum tool_exit object_run_put(struct call *call)
{
    if (strcmp(call_text(call, "file"), "-") == 0 && !call_has(call, "name"))
        return call_usage(call, "standard input has no name: give --name");
    if (call_number(call, "chunk-size", 0) < 0 || call_number(call, "chunk-size", 0) > INT32_MAX)
        return call_usage(call, "--chunk-size cannot be '%s': give a size such as 128K",
                          call_text(call, "chunk-size"));
    interrupt_catch();
    return object_with(call, put);
}

// ---- get ----

static enum rill_err write_stdout(void *context, const void *bytes, size_t count)
{
    (void)context;
    return fwrite(bytes, 1, count, stdout) == count ? RILL_OK : RILL_ERR_IO;
}

static enum tool_exit get_to_stdout(const struct call *call, struct rill_objects *objects, const char *name)
{
    struct rill_error error = {0};
    const enum rill_err err = rill_object_get(objects, name, write_stdout, NULL, NULL, &error);
    return err ? call_error(call, err, &error, name) : TOOL_DONE;
}

static enum tool_exit get(const struct call *call, struct rill_objects *objects)
{
    const char *name = call_text(call, "name");
    const char *given = call_text(call, "output");
    const char *slash = strrchr(name, '/');
    const char *path = given ? given : slash ? slash + 1 : name;
    struct rill_error error = {0};
    if (strcmp(path, "-") == 0)
        return get_to_stdout(call, objects, name);
    if (access(path, F_OK) == 0 && !call_has(call, "overwrite"))
        return call_fail(call, TOOL_FAILED,
                         "there is a file %s already: add --overwrite, or --output with another", path);
    const enum rill_err err = rill_object_get_file(objects, name, path, &error);
    return err ? call_error(call, err, &error, name)
               : show_done(call, json_pack("{s:s, s:s}", "name", name, "file", path), "%s is in %s", name,
                           path);
}

enum tool_exit object_run_get(struct call *call)
{
    return object_with(call, get);
}

// ---- del ----

static enum tool_exit del(const struct call *call, struct rill_objects *objects)
{
    const char *name = call_text(call, "name");
    struct rill_error error = {0};
    const enum rill_err err = rill_object_delete(objects, name, &error);
    return err ? call_error(call, err, &error, name)
               : show_done(call, json_pack("{s:s}", "deleted", name), "%s is deleted", name);
}

enum tool_exit object_run_del(struct call *call)
{
    const enum tool_exit asked = remote_confirm(call, "Delete object %s of bucket %s?",
                                                call_text(call, "name"), call_text(call, "bucket"));
    return asked ? asked : object_with(call, del);
}

// ---- watch ----

struct watching {
    struct rill_object_watch *watch;
    Rill__ObjectInfo *info;
};

static enum rill_err next_change(void *context, int64_t timeout_ms)
{
    struct watching *watching = context;
    return rill_object_watch_next(watching->watch, timeout_ms, &watching->info);
}

static void print_change(const struct call *call, const Rill__ObjectInfo *found)
{
    json_t *json = show_model(&found->base);
    if (call->json) {
        show_line(json);
        return;
    }
    char *size = show_text(show_at(json, "size"), SHOW_BYTES);
    (void)printf("%s%s%s %s  %s\n", show_faint(call), found->deleted ? "DEL" : "PUT", show_plain(call),
                 found->name, size);
    free(size);
    json_decref(json);
}

static enum tool_exit show_changes(const struct call *call, struct rill_object_watch *watch)
{
    const uint64_t wanted = (uint64_t)call_number(call, "count", INT64_MAX);
    for (uint64_t shown = 0; shown < wanted && !interrupt_seen();) {
        struct watching watching = {.watch = watch};
        const enum rill_err err = clock_wait(next_change, &watching, call_ms(call, "wait", -1));
        if (err == RILL_ERR_TIMEOUT)
            return TOOL_DONE;
        if (err)
            return call_error(call, err, NULL, call_text(call, "bucket"));
        if (!watching.info) // all that was there has been shown
            continue;
        print_change(call, watching.info);
        rill_model_free(&watching.info->base);
        shown++;
    }
    return TOOL_DONE;
}

static enum tool_exit watch(const struct call *call, struct rill_objects *objects)
{
    struct rill_object_watch *watching = NULL;
    struct rill_error error = {0};
    const enum rill_err err =
        rill_object_watch_open(objects, call_has(call, "updates-only"), &watching, &error);
    if (err)
        return call_error(call, err, &error, call_text(call, "bucket"));
    if (!call->json)
        (void)fprintf(stderr, "watching %s\n", call_text(call, "bucket"));
    const enum tool_exit code = show_changes(call, watching);
    rill_object_watch_close(watching);
    return code;
}

enum tool_exit object_run_watch(struct call *call)
{
    interrupt_catch();
    return object_with(call, watch);
}
