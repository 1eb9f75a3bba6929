// SPDX-License-Identifier: Apache-2.0
//
// Links: an object without content whose information names another one.
#include "objects.h"

#include "error.h"

/* Only what is not an object of its own may be put in its place. */
static enum rill_err check_place(struct rill_objects *objects, const char *name, struct rill_error *error)
{
    Rill__ObjectInfo *old;
    const enum rill_err err = objects_find(objects, name, &old, error);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    const bool taken = !old->deleted && !objects_link(old);
    rill_model_free(&old->base);
    return taken ? error_set(error, RILL_ERR_EXISTS, "%s is an object", name) : RILL_OK;
}

static enum rill_err check_target(struct rill_objects *target, const char *name, struct rill_error *error)
{
    Rill__ObjectInfo *info;
    const enum rill_err err = rill_object_info(target, name, &info, error);
    if (err)
        return err;
    const bool link = objects_link(info) != NULL;
    rill_model_free(&info->base);
    return link ? error_set(error, RILL_ERR_INVALID, "%s is a link itself", name) : RILL_OK;
}

static enum rill_err write_link(struct rill_objects *objects, const char *name, Rill__ObjectLink *link,
                                struct rill_error *error)
{
    char nuid[RILL_INBOX_BYTES];
    Rill__ObjectInfo info = RILL__OBJECT_INFO__INIT;
    Rill__ObjectOptions options = RILL__OBJECT_OPTIONS__INIT;
    Rill__Timestamp mtime = RILL__TIMESTAMP__INIT;
    js_random_name(objects->js, nuid);
    mtime.unix_ns = wait_wall_ns();
    options.link = link;
    info.name = (char *)name;
    info.options = &options;
    info.bucket = objects->bucket;
    info.nuid = nuid;
    info.mtime = &mtime;
    return objects_write_info(objects, &info, error);
}

enum rill_err rill_object_link(struct rill_objects *objects, const char *name, struct rill_objects *target,
                               const char *target_name, struct rill_error *error)
{
    Rill__ObjectLink link = RILL__OBJECT_LINK__INIT;
    link.bucket = target->bucket;
    link.name = (char *)target_name;
    enum rill_err err = check_place(objects, name, error);
    if (!err)
        err = check_target(target, target_name, error);
    return err ? err : write_link(objects, name, &link, error);
}
