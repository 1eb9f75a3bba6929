// SPDX-License-Identifier: Apache-2.0
#include "permissions.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(permissions);

static const struct rill_permission allow_publish[] = {{"orders.>", NULL}, {"stock.*", NULL}};
static const struct rill_permission deny_publish[] = {{"orders.secret.*", NULL}};
static const struct rill_permission allow_subscribe[] = {{"orders.>", NULL}, {"jobs.*", "workers.*"}};
static const struct rill_permission deny_subscribe[] = {{"orders.secret.*", NULL}, {"orders.new", "spies"}};

static const struct rill_permissions permissions = {
    .publish = {.allow = allow_publish,
                .allow_count = 2,
                .allow_given = true,
                .deny = deny_publish,
                .deny_count = 1},
    .subscribe = {.allow = allow_subscribe,
                  .allow_count = 2,
                  .allow_given = true,
                  .deny = deny_subscribe,
                  .deny_count = 2},
    .responses = {.given = true, .messages_max = 2, .expires_ns = 1000},
};

// What an allow entry matches may be published unless a deny entry matches too.
Test(permissions, deny_wins_over_allow_when_publishing)
{
    cr_expect(permissions_allow_publish(&permissions, RILL_BYTES("orders.new")));
    cr_expect(permissions_allow_publish(&permissions, RILL_BYTES("stock.a")));
    cr_expect(not(permissions_allow_publish(&permissions, RILL_BYTES("stock.a.b"))));
    cr_expect(not(permissions_allow_publish(&permissions, RILL_BYTES("orders.secret.x"))));
    cr_expect(not(permissions_allow_publish(&permissions, RILL_BYTES("other"))));
    cr_expect(permissions_allow_publish(NULL, RILL_BYTES("anything")));
}

static const struct {
    struct rill_bytes pattern;
    struct rill_bytes queue;
    bool allowed;
    bool checks_deny;
    const char *why;
} subscriptions[] = {
    {RILL_BYTES("orders.new"), RILL_BYTES(""), true, false, "inside an allow entry"},
    {RILL_BYTES("orders.>"), RILL_BYTES(""), true, true, "contains what is denied: each delivery asks"},
    {RILL_BYTES(">"), RILL_BYTES(""), false, false, "more than is allowed"},
    {RILL_BYTES("orders.secret.x"), RILL_BYTES(""), false, false, "denied"},
    {RILL_BYTES("orders.secret.>"), RILL_BYTES(""), false, false, "a tail that begins in a denied star"},
    {RILL_BYTES("jobs.a"), RILL_BYTES("workers.eu"), true, false, "a queue that matches the entry's"},
    {RILL_BYTES("jobs.a"), RILL_BYTES("others"), false, false, "another queue"},
    {RILL_BYTES("jobs.a"), RILL_BYTES(""), false, false, "without a queue where one is asked for"},
    {RILL_BYTES("orders.new"), RILL_BYTES("spies"), false, false, "a denied queue"},
    {RILL_BYTES("orders.new"), RILL_BYTES("friends"), true, false, "not that queue"},
};

// A subscription must lie inside what is allowed and not inside what is denied; queues have entries of their
// own.
Test(permissions, a_subscription_must_lie_inside_what_is_allowed)
{
    for (size_t i = 0; i < sizeof subscriptions / sizeof subscriptions[0]; i++) {
        bool checks_deny = false;
        const bool allowed = permissions_allow_subscribe(&permissions, subscriptions[i].pattern,
                                                         subscriptions[i].queue, &checks_deny);
        cr_expect(eq(int, allowed, subscriptions[i].allowed), "%s", subscriptions[i].why);
        if (allowed)
            cr_expect(eq(int, checks_deny, subscriptions[i].checks_deny), "%s", subscriptions[i].why);
    }
    cr_expect(permissions_deny_delivery(&permissions, RILL_BYTES("orders.secret.x")));
    cr_expect(not(permissions_deny_delivery(&permissions, RILL_BYTES("orders.new"))));
}

// A reply may be published as often as the permission says, and not later than it says.
Test(permissions, replies_are_counted_and_expire)
{
    struct reply_grants *grants = reply_grants_create(&permissions);
    reply_grants_add(grants, RILL_BYTES("_INBOX.1"), 0);
    reply_grants_add(grants, RILL_BYTES("_INBOX.2"), 0);
    cr_expect(reply_grants_use(grants, RILL_BYTES("_INBOX.1"), 10));
    cr_expect(reply_grants_use(grants, RILL_BYTES("_INBOX.1"), 10));
    cr_expect(not(reply_grants_use(grants, RILL_BYTES("_INBOX.1"), 10)));
    cr_expect(not(reply_grants_use(grants, RILL_BYTES("_INBOX.2"), 1000)));
    cr_expect(not(reply_grants_use(grants, RILL_BYTES("_INBOX.3"), 10)));
    reply_grants_destroy(grants);
    cr_expect(reply_grants_create(NULL) == NULL);
}

// However many requests a service gets, the grants stay within their limit and the newest are kept.
Test(permissions, grants_are_bounded)
{
    struct reply_grants *grants = reply_grants_create(&permissions);
    char subject[32];
    for (int i = 0; i < REPLY_GRANTS_MAX + 5; i++) {
        (void)snprintf(subject, sizeof subject, "_INBOX.%d", i);
        reply_grants_add(grants, rill_bytes_from_cstr(subject), 0);
    }
    cr_expect(not(reply_grants_use(grants, RILL_BYTES("_INBOX.4"), 1)));
    cr_expect(reply_grants_use(grants, RILL_BYTES("_INBOX.5"), 1));
    cr_expect(reply_grants_use(grants, rill_bytes_from_cstr(subject), 1));
    reply_grants_destroy(grants);
}
