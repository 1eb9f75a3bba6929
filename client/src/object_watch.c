// SPDX-License-Identifier: Apache-2.0
//
// Following objects: an ordered reader of what is known of them.
#include "objects.h"

#include "base/alloc.h"
#include "error.h"

#include <stdio.h>
#include <stdlib.h>

struct rill_object_watch {
    struct rill_objects *objects;
    struct rill_ordered *ordered;
    bool current; // what was there at the beginning has been shown
    bool told;    // and that was said
};

enum rill_err rill_object_watch_open(struct rill_objects *objects, bool updates_only,
                                     struct rill_object_watch **ret, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    struct rill_ordered *ordered;
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    (void)snprintf(subject, sizeof subject, "$O.%s.M.>", objects->bucket);
    config.filter_subject = subject;
    config.deliver_policy = updates_only ? RILL__DELIVER_POLICY__DELIVER_POLICY_NEW
                                         : RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT;
    const enum rill_err err = rill_ordered_open(objects->js, objects->stream, &config, &ordered, error);
    if (err)
        return err;
    struct rill_object_watch *watch = rill_alloc_zero(1, sizeof *watch);
    watch->objects = objects;
    watch->ordered = ordered;
    watch->current = updates_only || rill_ordered_pending(ordered) == 0;
    watch->told = updates_only;
    *ret = watch;
    return RILL_OK;
}

enum rill_err rill_object_watch_next(struct rill_object_watch *watch, int64_t timeout_ms,
                                     Rill__ObjectInfo **ret)
{
    struct rill_msg *msg = NULL;
    struct rill_msg_meta meta = {0};
    if (watch->current && !watch->told) {
        watch->told = true;
        *ret = NULL;
        return RILL_OK;
    }
    enum rill_err err = rill_ordered_next(watch->ordered, timeout_ms, &msg);
    if (err)
        return err;
    err = rill_msg_meta(msg, &meta);
    watch->current |= !err && meta.pending == 0;
    if (!err)
        err = objects_decode_info(msg_payload(msg), ret, NULL);
    rill_msg_unref(msg);
    return err;
}

void rill_object_watch_close(struct rill_object_watch *watch)
{
    if (!watch)
        return;
    rill_ordered_close(watch->ordered);
    free(watch);
}

enum rill_err rill_object_each(struct rill_objects *objects, rill_object_visitor *visitor, void *context,
                               struct rill_error *error)
{
    struct rill_object_watch *watch;
    enum rill_err err = rill_object_watch_open(objects, false, &watch, error);
    if (err)
        return err;
    bool more = true;
    while (more && !err) {
        Rill__ObjectInfo *info = NULL;
        err = rill_object_watch_next(watch, RILL_TIMEOUT_DEFAULT, &info);
        more = !err && info && (info->deleted || visitor(info, context));
        if (!err && info)
            rill_model_free(&info->base);
    }
    rill_object_watch_close(watch);
    return err ? error_plain(error, err) : RILL_OK;
}
