// SPDX-License-Identifier: Apache-2.0
#include "user_info.h"

#include "base/assert.h"
#include "conn.h"
#include "core_state.h"
#include "proto/rfc3339.h"
#include "route.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *entries_json(const struct rill_permission *entries, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *text = entries[i].queue ? json_sprintf("%s %s", entries[i].subject, entries[i].queue)
                                        : json_string(entries[i].subject);
        json_array_append_new(list, text);
    }
    return list;
}

static json_t *lists_json(const struct rill_permission_lists *lists)
{
    json_t *object = json_object();
    if (lists->allow_given)
        json_object_set_new(object, "allow", entries_json(lists->allow, lists->allow_count));
    if (lists->deny_count)
        json_object_set_new(object, "deny", entries_json(lists->deny, lists->deny_count));
    return object;
}

static json_t *permissions_json(const struct rill_permissions *permissions)
{
    json_t *object = json_pack("{s:o, s:o}", "publish", lists_json(&permissions->publish), "subscribe",
                               lists_json(&permissions->subscribe));
    if (permissions->responses.given)
        json_object_set_new(object, "responses",
                            json_pack("{s:i, s:I}", "max", (int)permissions->responses.messages_max, "ttl",
                                      (json_int_t)permissions->responses.expires_ns));
    return object;
}

static json_t *server_json(const struct rill_core *core)
{
    char time[RILL_RFC3339_BYTES_MAX + 1];
    time[rill_rfc3339_format(core->now.wall_ns, time)] = '\0';
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "name", core->server_name, "host", core->host, "id",
                     core->server_id, "ver", RILL_NATS_LEVEL, "jetstream", core->jetstream != NULL, "time",
                     time);
}

static void answer(void *owner, const struct message *message)
{
    struct rill_core *core = owner;
    const struct conn *conn = message->origin;
    if (!conn || !message->reply.len)
        return;
    json_t *data =
        json_pack("{s:s, s:s}", "user", conn->user ? conn->user->name : "", "account", conn->account->name);
    if (conn->user && conn->user->permissions)
        json_object_set_new(data, "permissions", permissions_json(conn->user->permissions));
    json_t *body = json_pack("{s:o, s:o}", "server", server_json(core), "data", data);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    RILL_ASSERT(text && "memory for a small object");
    (void)route_publish(core, message->account, message->reply, rill_bytes_of(NULL, 0),
                        rill_bytes_of(NULL, 0), rill_bytes_from_cstr(text));
    free(text);
}

void user_info_start(struct rill_core *core)
{
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        core->user_info_subs[i] = route_subscribe(&core->accounts[i], "$SYS.REQ.USER.INFO", answer, core);
}

void user_info_stop(struct rill_core *core)
{
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        route_unsubscribe(&core->accounts[i], core->user_info_subs[i]);
}
