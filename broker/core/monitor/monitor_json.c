// SPDX-License-Identifier: Apache-2.0
#include "monitor_json.h"

#include "proto/rfc3339.h"

static void add_closed(struct traffic *sum, const struct account *account)
{
    sum->in_msgs += account->in_msgs;
    sum->in_bytes += account->in_bytes;
    sum->out_msgs += account->out_msgs;
    sum->out_bytes += account->out_bytes;
}

struct traffic monitor_traffic(const struct rill_core *core, const struct account *account)
{
    struct traffic sum = {0};
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        if (!account || account == &core->accounts[i])
            add_closed(&sum, &core->accounts[i]);
    }
    for (const struct conn *conn = core->conns; conn; conn = conn->next) {
        if (account && conn->account != account)
            continue;
        sum.in_msgs += conn->in_msgs;
        sum.in_bytes += conn->in_bytes;
        sum.out_msgs += conn->out_msgs;
        sum.out_bytes += conn->out_bytes;
    }
    return sum;
}

uint64_t monitor_sub_count(const struct rill_core *core)
{
    uint64_t count = 0;
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        count += interest_stats(core->accounts[i].interest).subs;
    return count;
}

json_t *monitor_time(int64_t wall_ns)
{
    char text[RILL_RFC3339_BYTES_MAX];
    return json_stringn(text, rill_rfc3339_format(wall_ns, text));
}

json_t *monitor_uptime(int64_t duration_ns)
{
    const int64_t seconds = duration_ns > 0 ? duration_ns / RILL_NS_PER_S : 0;
    const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24, years = days / 365;
    const int second = (int)(seconds % 60), minute = (int)(minutes % 60), hour = (int)(hours % 24);
    if (years)
        return json_sprintf("%dy%dd%dh%dm%ds", (int)years, (int)(days % 365), hour, minute, second);
    if (days)
        return json_sprintf("%dd%dh%dm%ds", (int)days, hour, minute, second);
    if (hours)
        return json_sprintf("%dh%dm%ds", hour, minute, second);
    if (minutes)
        return json_sprintf("%dm%ds", minute, second);
    return json_sprintf("%ds", second);
}

json_t *monitor_head(const struct rill_core *core)
{
    json_t *object = json_object();
    json_object_set_new(object, "server_id", json_string(core->server_id));
    json_object_set_new(object, "now", monitor_time(core->now.wall_ns));
    return object;
}

void monitor_set_u64(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)(value < INT64_MAX ? value : INT64_MAX)));
}

void monitor_set_text(json_t *object, const char *name, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, name, monitor_bytes(rill_bytes_from_cstr(text)));
}

json_t *monitor_bytes(struct rill_bytes bytes)
{
    // Peers choose these, and jansson takes UTF-8 only: other bytes are shown as question marks.
    json_t *text = json_stringn((const char *)bytes.data, bytes.len);
    if (text)
        return text;
    char *shown = malloc(bytes.len + 1);
    for (size_t i = 0; shown && i < bytes.len; i++)
        shown[i] = bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? (char)bytes.data[i] : '?';
    text = shown ? json_stringn(shown, bytes.len) : json_string("");
    free(shown);
    return text;
}

json_t *monitor_sub(const struct sub *sub, bool with_account)
{
    json_t *object = json_object();
    if (with_account)
        json_object_set_new(object, "account", json_string(sub->conn->account->name));
    json_object_set_new(object, "subject", monitor_bytes(sub->subject));
    if (sub->queue.len)
        json_object_set_new(object, "qgroup", monitor_bytes(sub->queue));
    json_object_set_new(object, "sid", monitor_bytes(sub->sid));
    monitor_set_u64(object, "msgs", sub->delivered_count);
    if (sub->delivered_max)
        monitor_set_u64(object, "max", sub->delivered_max);
    monitor_set_u64(object, "cid", sub->conn->id);
    return object;
}

json_t *monitor_sublist_stats(const struct rill_core *core, const struct account *account)
{
    struct interest_stats sum = {0};
    uint32_t fanout_max = 0;
    double fanout_mean = 0;
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        if (account && account != &core->accounts[i])
            continue;
        const struct interest_stats stats = interest_stats(core->accounts[i].interest);
        sum.subs += stats.subs;
        sum.inserts += stats.inserts;
        sum.removes += stats.removes;
        sum.matches += stats.matches;
        sum.cache_hits += stats.cache_hits;
        sum.cache_entries += stats.cache_entries;
        uint32_t max;
        double mean;
        interest_fanout(core->accounts[i].interest, &max, &mean);
        fanout_max = max > fanout_max ? max : fanout_max;
        fanout_mean = mean > fanout_mean ? mean : fanout_mean;
    }
    json_t *object = json_object();
    monitor_set_u64(object, "num_subscriptions", sum.subs);
    monitor_set_u64(object, "num_cache", sum.cache_entries);
    monitor_set_u64(object, "num_inserts", sum.inserts);
    monitor_set_u64(object, "num_removes", sum.removes);
    monitor_set_u64(object, "num_matches", sum.matches);
    json_object_set_new(object, "cache_hit_rate",
                        json_real(sum.matches ? (double)sum.cache_hits / (double)sum.matches : 0));
    monitor_set_u64(object, "max_fanout", fanout_max);
    json_object_set_new(object, "avg_fanout", json_real(fanout_mean));
    return object;
}
