// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include "clock.h"
#include "progress.h"
#include "whole_file.h"

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

static enum tool_exit list_objects(const struct call *call, void *objects)
{
    static const struct show_field columns[] = {
        {"name", "Object", SHOW_TEXT},
        {"size", "Size", SHOW_BYTES},
        {"mtime", "Changed", SHOW_TIME},
        {"description", "Description", SHOW_TEXT},
        {0},
    };
    static const struct bucket_list list = {"objects", "name", columns, "There are no objects."};
    json_t *rows = json_array();
    struct rill_error error = {0};
    const enum rill_err err = rill_object_each(objects, add_row, rows, &error);
    return bucket_show(call, &list, rows, err, &error);
}

enum tool_exit object_run_list(struct call *call)
{
    return bucket_with(call, &object_kind, list_objects);
}

static enum tool_exit info(const struct call *call, void *objects)
{
    const char *name = call_text(call, "name");
    Rill__ObjectInfo *found = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_object_info(objects, name, &found, &error);
    return err ? call_error(call, err, &error, name) : show_object(call, found);
}

enum tool_exit object_run_info(struct call *call)
{
    return bucket_with(call, &object_kind, info);
}

/* An object on its way into a bucket or out of it. */
struct transfer {
    FILE *file;
    struct progress progress;
};

static enum rill_err have_moved(struct transfer *transfer, size_t bytes)
{
    progress_update(&transfer->progress, transfer->progress.done + bytes);
    if (ferror(transfer->file))
        return rill_err_from_errno(errno);
    return interrupt_seen() ? RILL_ERR_CLOSED : RILL_OK;
}

// ---- put ----

static enum rill_err read_file(void *context, void *buffer, size_t bytes_max, size_t *ret_bytes)
{
    struct transfer *upload = context;
    *ret_bytes = fread(buffer, 1, bytes_max, upload->file);
    return have_moved(upload, *ret_bytes);
}

static const char *name_of(const struct call *call)
{
    const char *path = call_text(call, "file");
    const char *slash = strrchr(path, '/');
    if (call_has(call, "name"))
        return call_text(call, "name");
    return slash ? slash + 1 : path;
}

static enum tool_exit put(const struct call *call, void *objects)
{
    const char *path = call_text(call, "file");
    const struct rill_object_put what = {.name = name_of(call),
                                         .description = call_text(call, "description"),
                                         .chunk_bytes = (uint32_t)call_number(call, "chunk-size", 0)};
    struct transfer upload = {.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe")};
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
    return bucket_with(call, &object_kind, put);
}

// ---- get ----

static enum rill_err write_file(void *context, const void *bytes, size_t count)
{
    struct transfer *download = context;
    return have_moved(download, fwrite(bytes, 1, count, download->file));
}

/* The size for the progress is asked for beforehand; a link has none. */
static enum rill_err download(struct rill_objects *objects, const char *name, FILE *to,
                              struct rill_error *error)
{
    Rill__ObjectInfo *found = NULL;
    struct transfer download = {.file = to};
    enum rill_err err = rill_object_info(objects, name, &found, error);
    if (err)
        return err;
    progress_begin(&download.progress, name, SHOW_BYTES, found->size);
    rill_model_free(&found->base);
    if (to == stdout && isatty(STDOUT_FILENO)) // it would be drawn into what is shown there
        download.progress.visible = false;
    err = rill_object_get(objects, name, write_file, &download, NULL, error);
    progress_end(&download.progress);
    return err;
}

static enum tool_exit get_to_stdout(const struct call *call, struct rill_objects *objects, const char *name)
{
    struct rill_error error = {0};
    const enum rill_err err = download(objects, name, stdout, &error);
    return err ? call_error(call, err, &error, name) : TOOL_DONE;
}

static enum tool_exit get_to_file(const struct call *call, struct rill_objects *objects, const char *name,
                                  const char *path)
{
    struct whole_file whole;
    struct rill_error error = {0};
    if (whole_file_create(&whole, path, WHOLE_FILE_USUAL))
        return call_fail(call, TOOL_FAILED, "%s: %s", path, strerror(errno));
    const enum rill_err err = download(objects, name, whole.file, &error);
    if (err) {
        whole_file_drop(&whole);
        return call_error(call, err, &error, name);
    }
    if (whole_file_finish(&whole))
        return call_fail(call, TOOL_FAILED, "%s: %s", path, strerror(errno));
    return show_done(call, json_pack("{s:s, s:s}", "name", name, "file", path), "%s is in %s", name, path);
}

static enum tool_exit get(const struct call *call, void *objects)
{
    const char *name = call_text(call, "name");
    const char *given = call_text(call, "output");
    const char *slash = strrchr(name, '/');
    const char *path = given ? given : slash ? slash + 1 : name;
    if (strcmp(path, "-") == 0)
        return get_to_stdout(call, objects, name);
    if (access(path, F_OK) == 0 && !call_has(call, "overwrite"))
        return call_fail(call, TOOL_FAILED,
                         "there is a file %s already: add --overwrite, or --output with another", path);
    return get_to_file(call, objects, name, path);
}

enum tool_exit object_run_get(struct call *call)
{
    interrupt_catch();
    return bucket_with(call, &object_kind, get);
}

// ---- del ----

static enum tool_exit del(const struct call *call, void *objects)
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
    return asked ? asked : bucket_with(call, &object_kind, del);
}

// ---- watch ----

struct watching {
    struct rill_object_watch *watch;
    Rill__ObjectInfo *info; // NULL: all that was there has been shown
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
    char *name = show_harmless(found->name);
    (void)printf("%s%s%s %s  %s\n", show_faint(call), found->deleted ? "DEL" : "PUT", show_plain(call), name,
                 size);
    free(name);
    free(size);
    json_decref(json);
}

static bool show_change(const struct call *call, void *context)
{
    const struct watching *watching = context;
    if (!watching->info)
        return false;
    print_change(call, watching->info);
    rill_model_free(&watching->info->base);
    return true;
}

static enum tool_exit watch(const struct call *call, void *objects)
{
    struct watching watching;
    struct rill_error error = {0};
    const enum rill_err err =
        rill_object_watch_open(objects, call_has(call, "updates-only"), &watching.watch, &error);
    if (err)
        return call_error(call, err, &error, call_text(call, "bucket"));
    const enum tool_exit code = bucket_follow(call, next_change, show_change, &watching);
    rill_object_watch_close(watching.watch);
    return code;
}

enum tool_exit object_run_watch(struct call *call)
{
    interrupt_catch();
    return bucket_with(call, &object_kind, watch);
}
