// SPDX-License-Identifier: Apache-2.0
#include "streams.h"

#include "folder_hold.h"
#include "segment.h"
#include "tool.h"

struct each {
    const struct request *request;
    stream_act_fn *act;
    int worst;
    size_t count;
};

int streams_fail(const struct request *request, const char *folder, enum rill_err err, const char *why)
{
    (void)fprintf(request->err, "rilld store: %s: %s\n", folder, why);
    if (err == RILL_ERR_LOCKED)
        (void)fprintf(request->err,
                      "rilld store: stop the broker first, or look at the moving log with --live"
                      " (verify and dump)\n");
    return TOOL_FAILED;
}

static int act_held(const struct request *request, const char *folder, stream_act_fn *act)
{
    int fd = -1;
    const enum rill_err err = request->live || request->writes ? RILL_OK : folder_hold(folder, &fd);
    if (err)
        return streams_fail(request, folder, err, rill_err_text(err));
    const int status = act(request, folder);
    folder_release(fd);
    return status;
}

static enum rill_err each_stream(void *context, const char *account, const char *stream, const char *folder)
{
    struct each *each = context;
    const int status = act_held(each->request, folder, each->act);
    each->worst = status > each->worst ? status : each->worst;
    each->count++;
    return RILL_OK;
}

static enum rill_err is_segment(void *context, const char *name, bool is_folder)
{
    return !is_folder && segment_number_of(name, ".seg") ? RILL_ERR_EXISTS : RILL_OK;
}

bool streams_is_stream(const struct request *request)
{
    struct rill_disk *disk = request->disk;
    return disk->ops->list(disk, request->folder, is_segment, NULL) == RILL_ERR_EXISTS;
}

int streams_each(const struct request *request, stream_act_fn *act)
{
    struct rill_disk *disk = request->disk;
    struct rill_error_text why;
    enum rill_err err = disk->ops->list(disk, request->folder, is_segment, NULL);
    if (err == RILL_ERR_EXISTS)
        return act_held(request, request->folder, act);
    struct each each = {.request = request, .act = act, .worst = TOOL_SOUND};
    if (err)
        return streams_fail(request, request->folder, err, rill_err_text(err));
    err = rill_store_list(disk, request->folder, each_stream, &each, &why);
    if (err)
        return streams_fail(request, request->folder, err, why.text);
    if (!each.count)
        return streams_fail(request, request->folder, RILL_ERR_NOT_FOUND,
                            "neither a stream nor a store with streams");
    return each.worst;
}
