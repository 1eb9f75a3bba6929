// SPDX-License-Identifier: Apache-2.0
//
// A bucket of keys and values as Debian's C client keeps it: revisions, history, markers, watchers, and all of it after the server
// was killed. One bucket for the whole program; each law has its own keys.
#include "shop.h"

#include <stdio.h>
#include <string.h>

static bool with_bucket(struct shop *shop, bool (*body)(struct shop *shop, kvStore *bucket))
{
    kvConfig config;
    kvStore *bucket = NULL;
    kvConfig_Init(&config);
    config.Bucket = "LIBNATS";
    config.History = 5;
    natsStatus status = js_KeyValue(&bucket, shop->js, "LIBNATS");
    if (status == NATS_NOT_FOUND)
        status = js_CreateKeyValue(&bucket, shop->js, &config);
    bool holds = check_ok(status, "bucket") && body(shop, bucket);
    kvStore_Destroy(bucket);
    return holds;
}

static bool put(kvStore *bucket, const char *key, const char *value, uint64_t *ret_revision)
{
    return check_ok(kvStore_PutString(ret_revision, bucket, key, value), "put");
}

static bool has(kvStore *bucket, const char *key, const char *value, uint64_t revision)
{
    kvEntry *entry = NULL;
    bool holds = check_ok(kvStore_Get(&entry, bucket, key), "get") &&
                 (strcmp(kvEntry_ValueString(entry), value) == 0 ||
                  check_fail("%s is %s", key, kvEntry_ValueString(entry))) &&
                 (kvEntry_Revision(entry) == revision ||
                  check_fail("revision %d, not %d", (int)kvEntry_Revision(entry), (int)revision));
    kvEntry_Destroy(entry);
    return holds;
}

static bool has_not(kvStore *bucket, const char *key)
{
    kvEntry *entry = NULL;
    natsStatus status = kvStore_Get(&entry, bucket, key);
    kvEntry_Destroy(entry);
    return status == NATS_NOT_FOUND || check_fail("%s is there: %s", key, natsStatus_GetText(status));
}

// ---- revisions ----

static bool revisions(struct shop *shop, kvStore *bucket)
{
    uint64_t first = 0, second = 0, third = 0;
    return check_ok(kvStore_CreateString(&first, bucket, "rev", "one"), "create") &&
           has(bucket, "rev", "one", first) &&
           (kvStore_CreateString(&second, bucket, "rev", "again") != NATS_OK ||
            check_fail("created twice")) &&
           check_ok(kvStore_UpdateString(&second, bucket, "rev", "two", first), "update") &&
           (kvStore_UpdateString(&third, bucket, "rev", "late", first) != NATS_OK ||
            check_fail("updated an old revision")) &&
           has(bucket, "rev", "two", second) && check_ok(kvStore_Delete(bucket, "rev"), "delete") &&
           has_not(bucket, "rev") &&
           check_ok(kvStore_CreateString(&third, bucket, "rev", "three"), "create after delete") &&
           has(bucket, "rev", "three", third);
}

static bool revisions_body(struct shop *shop)
{
    return with_bucket(shop, revisions);
}

static bool an_update_needs_the_revision_that_is_there(void)
{
    return shop_over(revisions_body);
}

// ---- history ----

/* So many entries, the last one with this value or, when NULL, a marker. */
static bool has_history(kvStore *bucket, const char *key, int count, const char *last)
{
    kvEntryList list = {0};
    bool holds = check_ok(kvStore_History(&list, bucket, key, NULL), "history") &&
                 (list.Count == count || check_fail("%d entries, not %d", list.Count, count));
    kvEntry *entry = holds ? list.Entries[count - 1] : NULL;
    if (entry && last)
        holds = strcmp(kvEntry_ValueString(entry), last) == 0 || check_fail("the last is another one");
    else if (entry)
        holds = kvEntry_Operation(entry) == kvOp_Purge || check_fail("the last is no marker");
    kvEntryList_Destroy(&list);
    return holds;
}

static bool history(struct shop *shop, kvStore *bucket)
{
    char value[16];
    bool holds = true;
    uint64_t revision;
    for (int number = 0; holds && number < 8; number++) {
        snprintf(value, sizeof(value), "%d", number);
        holds = put(bucket, "hist", value, &revision);
    }
    return holds && has_history(bucket, "hist", 5, "7") &&
           check_ok(kvStore_Purge(bucket, "hist", NULL), "purge") && has_not(bucket, "hist") &&
           has_history(bucket, "hist", 1, NULL);
}

static bool history_body(struct shop *shop)
{
    return with_bucket(shop, history);
}

static bool a_history_is_as_long_as_the_bucket_says(void)
{
    return shop_over(history_body);
}

// ---- watching ----

/* The next entry has this key and value; NULL: all that was there has come. */
static bool next_is(kvWatcher *watcher, const char *key, const char *value)
{
    kvEntry *entry = NULL;
    if (!check_ok(kvWatcher_Next(&entry, watcher, CHECK_TIMEOUT_MS), "watch"))
        return false;
    bool holds = (entry != NULL) == (key != NULL) || check_fail("%s", entry ? kvEntry_Key(entry) : "no more");
    if (holds && key)
        holds = (strcmp(kvEntry_Key(entry), key) == 0 && strcmp(kvEntry_ValueString(entry), value) == 0) ||
                check_fail("%s is %s", kvEntry_Key(entry), kvEntry_ValueString(entry));
    kvEntry_Destroy(entry);
    return holds;
}

static bool watch(struct shop *shop, kvStore *bucket)
{
    kvWatcher *watcher = NULL;
    uint64_t revision;
    bool holds = put(bucket, "watch.a", "old", &revision) && put(bucket, "watch.a", "1", &revision) &&
                 put(bucket, "watch.b", "2", &revision) && put(bucket, "other", "x", &revision) &&
                 check_ok(kvStore_Watch(&watcher, bucket, "watch.*", NULL), "watch") &&
                 next_is(watcher, "watch.a", "1") && next_is(watcher, "watch.b", "2") &&
                 next_is(watcher, NULL, NULL) && put(bucket, "other", "y", &revision) &&
                 put(bucket, "watch.b", "3", &revision) && next_is(watcher, "watch.b", "3");
    kvWatcher_Destroy(watcher);
    return holds;
}

static bool watch_body(struct shop *shop)
{
    return with_bucket(shop, watch);
}

static bool a_watch_shows_what_is_there_and_what_comes(void)
{
    return shop_over(watch_body);
}

// ---- over the end of the server ----

static bool has_keys(kvStore *bucket, const char *prefix, int count)
{
    kvKeysList list = {0};
    int found = 0;
    bool holds = check_ok(kvStore_Keys(&list, bucket, NULL), "keys");
    for (int at = 0; at < list.Count; at++)
        found += strncmp(list.Keys[at], prefix, strlen(prefix)) == 0;
    kvKeysList_Destroy(&list);
    return holds && (found == count || check_fail("%d keys, not %d", found, count));
}

static bool over_kill(struct shop *shop, kvStore *bucket)
{
    uint64_t one = 0, two = 0, gone = 0;
    return put(bucket, "kill.one", "1", &one) && put(bucket, "kill.two", "2", &two) &&
           put(bucket, "kill.gone", "3", &gone) && check_ok(kvStore_Delete(bucket, "kill.gone"), "delete") &&
           check_kill_server() && shop_await(shop, "KV_LIBNATS") && has(bucket, "kill.one", "1", one) &&
           has(bucket, "kill.two", "2", two) && has_not(bucket, "kill.gone") &&
           has_keys(bucket, "kill.", 2) &&
           check_ok(kvStore_UpdateString(&two, bucket, "kill.two", "22", two), "update") &&
           has(bucket, "kill.two", "22", two);
}

static bool over_kill_body(struct shop *shop)
{
    return with_bucket(shop, over_kill);
}

static bool everything_is_there_after_a_kill(void)
{
    return shop_over(over_kill_body);
}

static const struct check_case cases[] = {
    {"an_update_needs_the_revision_that_is_there", an_update_needs_the_revision_that_is_there},
    {"a_history_is_as_long_as_the_bucket_says", a_history_is_as_long_as_the_bucket_says},
    {"a_watch_shows_what_is_there_and_what_comes", a_watch_shows_what_is_there_and_what_comes},
    {"everything_is_there_after_a_kill", everything_is_there_after_a_kill},
};

int main(void)
{
    return check_run(cases, sizeof(cases) / sizeof(cases[0]));
}
