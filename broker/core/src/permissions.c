// SPDX-License-Identifier: Apache-2.0
#include "permissions.h"

#include "base/alloc.h"
#include "proto/subject.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

static struct rill_bytes pattern_of(const struct rill_permission *entry)
{
    return rill_bytes_from_cstr(entry->subject);
}

static bool any_matches(const struct rill_permission *entries, size_t count, struct rill_bytes subject)
{
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].queue && rill_subject_matches(pattern_of(&entries[i]), subject))
            return true;
    }
    return false;
}

bool permissions_allow_publish(const struct rill_permissions *permissions, struct rill_bytes subject)
{
    if (!permissions)
        return true;
    const struct rill_permission_lists *lists = &permissions->publish;
    if (lists->allow_given && !any_matches(lists->allow, lists->allow_count, subject))
        return false;
    return !any_matches(lists->deny, lists->deny_count, subject);
}

/* An entry without a queue is about plain subscriptions and every queue; one with a queue about that queue
 * only. */
static bool entry_is_about(const struct rill_permission *entry, struct rill_bytes queue)
{
    if (!entry->queue)
        return true;
    return queue.len && rill_subject_matches(rill_bytes_from_cstr(entry->queue), queue);
}

static bool any_contains(const struct rill_permission *entries, size_t count, struct rill_bytes pattern,
                         struct rill_bytes queue)
{
    for (size_t i = 0; i < count; i++) {
        if (entry_is_about(&entries[i], queue) && rill_subject_is_subset(pattern, pattern_of(&entries[i])))
            return true;
    }
    return false;
}

/* Does a deny entry cover the whole pattern? nats-server also refuses a tail that begins inside a denied
   star: "a.x.>" under deny "a.x.*". */
static bool deny_covers(const struct rill_permission *entry, struct rill_bytes pattern)
{
    if (rill_subject_is_subset(pattern, pattern_of(entry)))
        return true;
    const size_t tokens = rill_subject_token_count(pattern);
    const bool tail = pattern.len >= 1 && pattern.data[pattern.len - 1] == '>';
    if (!tail || tokens != rill_subject_token_count(pattern_of(entry)))
        return false;
    // With its tail read as a star, does the pattern lie inside?
    char *starred = rill_alloc_cstr(pattern);
    starred[pattern.len - 1] = '*';
    const bool covers = rill_subject_is_subset(rill_bytes_from_cstr(starred), pattern_of(entry));
    free(starred);
    return covers;
}

bool permissions_allow_subscribe(const struct rill_permissions *permissions, struct rill_bytes pattern,
                                 struct rill_bytes queue, bool *ret_checks_deny)
{
    *ret_checks_deny = false;
    if (!permissions)
        return true;
    const struct rill_permission_lists *lists = &permissions->subscribe;
    if (lists->allow_given && !any_contains(lists->allow, lists->allow_count, pattern, queue))
        return false;
    for (size_t i = 0; i < lists->deny_count; i++) {
        if (!entry_is_about(&lists->deny[i], queue))
            continue;
        if (deny_covers(&lists->deny[i], pattern))
            return false;
        *ret_checks_deny |= rill_subject_overlap(pattern, pattern_of(&lists->deny[i]));
    }
    return true;
}

bool permissions_deny_delivery(const struct rill_permissions *permissions, struct rill_bytes subject)
{
    return permissions &&
           any_matches(permissions->subscribe.deny, permissions->subscribe.deny_count, subject);
}

// ---- replies ----

struct reply_grant {
    int64_t expires_mono_ns;
    int32_t left; // replies that may still be published; -1: any number
    UT_hash_handle by_subject;
    struct reply_grant *next; // oldest first
    struct reply_grant *prev;
    size_t subject_len;
    uint8_t subject[];
};

struct reply_grants {
    struct rill_response_permission permission;
    struct reply_grant *by_subject;
    struct reply_grant *oldest;
};

struct reply_grants *reply_grants_create(const struct rill_permissions *permissions)
{
    if (!permissions || !permissions->responses.given)
        return NULL;
    struct reply_grants *grants = rill_alloc_zero(1, sizeof *grants);
    grants->permission = permissions->responses;
    return grants;
}

static void grant_drop(struct reply_grants *grants, struct reply_grant *grant)
{
    HASH_DELETE(by_subject, grants->by_subject, grant);
    DL_DELETE(grants->oldest, grant);
    free(grant);
}

void reply_grants_destroy(struct reply_grants *grants)
{
    if (!grants)
        return;
    while (grants->oldest)
        grant_drop(grants, grants->oldest);
    free(grants);
}

static struct reply_grant *grant_find(const struct reply_grants *grants, struct rill_bytes subject)
{
    struct reply_grant *grant = NULL;
    HASH_FIND(by_subject, grants->by_subject, subject.data, subject.len, grant);
    return grant;
}

void reply_grants_add(struct reply_grants *grants, struct rill_bytes reply, int64_t mono_ns)
{
    struct reply_grant *grant = grant_find(grants, reply);
    if (grant)
        grant_drop(grants, grant);
    // All live equally long, so what has expired stands in front.
    while (grants->oldest && (grants->oldest->expires_mono_ns <= mono_ns ||
                              HASH_CNT(by_subject, grants->by_subject) >= REPLY_GRANTS_MAX))
        grant_drop(grants, grants->oldest);
    grant = rill_alloc_zero(1, sizeof *grant + reply.len);
    grant->left = grants->permission.messages_max;
    grant->expires_mono_ns =
        grants->permission.expires_ns < 0 ? RILL_NEVER_NS : mono_ns + grants->permission.expires_ns;
    grant->subject_len = reply.len;
    memcpy(grant->subject, reply.data, reply.len);
    HASH_ADD(by_subject, grants->by_subject, subject, reply.len, grant);
    DL_APPEND(grants->oldest, grant);
}

bool reply_grants_use(struct reply_grants *grants, struct rill_bytes reply, int64_t mono_ns)
{
    struct reply_grant *grant = grants ? grant_find(grants, reply) : NULL;
    if (!grant)
        return false;
    if (grant->expires_mono_ns <= mono_ns) {
        grant_drop(grants, grant);
        return false;
    }
    if (grant->left > 0 && --grant->left == 0)
        grant_drop(grants, grant);
    return true;
}
