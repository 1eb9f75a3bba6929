// SPDX-License-Identifier: Apache-2.0
//
// Keys and values through librill, against a real server. A law uses a bucket of its own.
#include "law.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct law_js in;
    struct rill_kv *kv;
    char bucket[32];
};

static bool ok(struct world *world, enum rill_err err, const char *what)
{
    return law_js_ok(&world->in, err, what);
}

static bool over_bucket(bool (*body)(struct world *))
{
    static int number;
    struct world world = {.kv = NULL};
    (void)snprintf(world.bucket, sizeof world.bucket, "B%d", ++number);
    const struct rill_kv_config config = {
        .struct_bytes = sizeof config, .bucket = world.bucket, .history = 5};
    const bool holds =
        law_js_open(&world.in) &&
        law_js_or_not_yet(&world.in,
                          ok(&world, rill_kv_create_bucket(world.in.js, &config, &world.kv, &world.in.error),
                             "create the bucket") &&
                              body(&world));
    rill_kv_close(world.kv);
    law_js_close(&world.in);
    return holds;
}

static bool put(struct world *world, const char *key, const char *value)
{
    return ok(world, rill_kv_put(world->kv, key, value, strlen(value), NULL, &world->in.error), "put");
}

static bool value_is(struct world *world, const char *key, const char *value)
{
    struct rill_kv_entry *entry = NULL;
    if (!ok(world, rill_kv_get(world->kv, key, &entry, &world->in.error), "get"))
        return false;
    const bool same =
        strcmp(entry->value, value) == 0 && strcmp(entry->key, key) == 0 && entry->created_ns > 0;
    const bool holds = same || law_fail("%s is \"%s\"", key, (const char *)entry->value);
    rill_kv_entry_free(entry);
    return holds;
}

static bool is_gone(struct world *world, const char *key)
{
    struct rill_kv_entry *entry = NULL;
    const enum rill_err err = rill_kv_get(world->kv, key, &entry, &world->in.error);
    if (!err)
        rill_kv_entry_free(entry);
    return law_err_is(err, RILL_ERR_NOT_FOUND, "get what is not there");
}

static bool put_and_get(struct world *world)
{
    return put(world, "a.b", "one") && put(world, "a.b", "two") && put(world, "c", "") &&
           value_is(world, "a.b", "two") && value_is(world, "c", "") && is_gone(world, "none") &&
           law_err_is(rill_kv_put(world->kv, "a b", "x", 1, NULL, &world->in.error), RILL_ERR_INVALID,
                      "a bad key") &&
           ok(world, rill_kv_delete(world->kv, "a.b", &world->in.error), "delete") && is_gone(world, "a.b") &&
           put(world, "a.b", "three") && value_is(world, "a.b", "three") &&
           ok(world, rill_kv_purge(world->kv, "a.b", &world->in.error), "purge") && is_gone(world, "a.b");
}

static bool what_is_put_is_got(void)
{
    return over_bucket(put_and_get);
}

static bool conditions(struct world *world)
{
    uint64_t revision = 0;
    return ok(world, rill_kv_create(world->kv, "k", "1", 1, 0, &revision, &world->in.error), "create") &&
           law_err_is(rill_kv_create(world->kv, "k", "2", 1, 0, NULL, &world->in.error), RILL_ERR_EXISTS,
                      "again") &&
           ok(world, rill_kv_update(world->kv, "k", "3", 1, revision, &revision, &world->in.error),
              "update") &&
           law_err_is(rill_kv_update(world->kv, "k", "4", 1, revision - 1, NULL, &world->in.error),
                      RILL_ERR_EXISTS, "update what was changed") &&
           ok(world, rill_kv_delete(world->kv, "k", &world->in.error), "delete") &&
           ok(world, rill_kv_create(world->kv, "k", "5", 1, 0, NULL, &world->in.error),
              "create behind a deletion") &&
           value_is(world, "k", "5");
}

static bool conditions_are_kept(void)
{
    return over_bucket(conditions);
}

/* Writes what it sees: "k=value" or "k-" for a deletion, with blanks between. */
static bool note(const struct rill_kv_entry *entry, void *context)
{
    char *text = context;
    const size_t len = strlen(text);
    (void)snprintf(text + len, 200 - len, "%s%s%s ", entry->key, entry->operation == RILL_KV_PUT ? "=" : "-",
                   (const char *)entry->value);
    return true;
}

static bool text_is(const char *text, const char *wanted)
{
    return strcmp(text, wanted) == 0 || law_fail("\"%s\", not \"%s\"", text, wanted);
}

static bool history(struct world *world)
{
    char text[200] = "";
    char keys[200] = "";
    return put(world, "k", "1") && put(world, "other", "x") && put(world, "k", "2") &&
           ok(world, rill_kv_delete(world->kv, "k", &world->in.error), "delete") && put(world, "k", "3") &&
           put(world, "gone", "y") &&
           ok(world, rill_kv_delete(world->kv, "gone", &world->in.error), "delete") &&
           ok(world, rill_kv_history(world->kv, "k", note, text, &world->in.error), "history") &&
           text_is(text, "k=1 k=2 k- k=3 ") &&
           ok(world, rill_kv_keys(world->kv, note, keys, &world->in.error), "keys") &&
           text_is(keys, "other= k= ");
}

static bool history_and_keys_are_visited(void)
{
    return over_bucket(history);
}

static bool sees(struct rill_kv_watch *watch, const char *key, const char *value)
{
    struct rill_kv_entry *entry = NULL;
    if (!law_ok(rill_kv_watch_next(watch, LAW_TIMEOUT_MS, &entry), "watch"))
        return false;
    const bool same = entry ? key && strcmp(entry->key, key) == 0 && strcmp(entry->value, value) == 0 : !key;
    const bool holds =
        same || law_fail("saw %s, not %s", entry ? entry->key : "the end", key ? key : "the end");
    rill_kv_entry_free(entry);
    return holds;
}

static bool watch(struct world *world)
{
    struct rill_kv_watch *watch = NULL;
    struct rill_kv_entry *entry = NULL;
    bool holds = put(world, "a.1", "x") && put(world, "b.1", "y") && put(world, "a.2", "z") &&
                 ok(world, rill_kv_watch_open(world->kv, "a.*", 0, &watch, &world->in.error), "watch") &&
                 sees(watch, "a.1", "x") && sees(watch, "a.2", "z") && sees(watch, NULL, "") &&
                 law_err_is(rill_kv_watch_next(watch, 10, &entry), RILL_ERR_TIMEOUT, "nothing new") &&
                 put(world, "b.2", "no") && put(world, "a.1", "new") && sees(watch, "a.1", "new");
    rill_kv_watch_close(watch);
    return holds;
}

static bool a_watch_shows_what_is_there_and_what_comes(void)
{
    return over_bucket(watch);
}

static bool purge_deletes(struct world *world)
{
    char text[200] = "";
    uint64_t purged = 0;
    return put(world, "a", "1") && put(world, "b", "2") && put(world, "b", "3") && put(world, "c", "4") &&
           ok(world, rill_kv_delete(world->kv, "b", &world->in.error), "delete") &&
           ok(world, rill_kv_purge(world->kv, "c", &world->in.error), "purge") &&
           ok(world, rill_kv_purge_deletes(world->kv, 60000, &purged, &world->in.error), "purge deletes") &&
           (purged == 2 || law_fail("%d keys", (int)purged)) &&
           ok(world, rill_kv_history(world->kv, "b", note, text, &world->in.error), "history") &&
           text_is(text, "b- ") &&
           ok(world, rill_kv_purge_deletes(world->kv, -1, &purged, &world->in.error), "purge deletes") &&
           (purged == 2 || law_fail("%d keys", (int)purged)) &&
           ok(world, rill_kv_purge_deletes(world->kv, -1, &purged, &world->in.error), "purge deletes") &&
           (purged == 0 || law_fail("%d keys are left", (int)purged)) && value_is(world, "a", "1");
}

static bool old_deletions_are_purged(void)
{
    return over_bucket(purge_deletes);
}

static bool reopen(struct world *world)
{
    struct rill_kv *kv = NULL;
    bool holds = put(world, "k", "1") &&
                 law_err_is(rill_kv_open(world->in.js, "nowhere", &kv, &world->in.error), RILL_ERR_NOT_FOUND,
                            "open") &&
                 ok(world, rill_kv_open(world->in.js, world->bucket, &kv, &world->in.error), "open");
    rill_kv_close(kv);
    return holds &&
           ok(world, rill_kv_delete_bucket(world->in.js, world->bucket, &world->in.error), "delete") &&
           law_err_is(rill_kv_open(world->in.js, world->bucket, &kv, &world->in.error), RILL_ERR_NOT_FOUND,
                      "open");
}

static bool buckets_are_opened_and_deleted(void)
{
    return over_bucket(reopen);
}

static const struct law_case cases[] = {
    {"what_is_put_is_got", what_is_put_is_got},
    {"conditions_are_kept", conditions_are_kept},
    {"history_and_keys_are_visited", history_and_keys_are_visited},
    {"a_watch_shows_what_is_there_and_what_comes", a_watch_shows_what_is_there_and_what_comes},
    {"old_deletions_are_purged", old_deletions_are_purged},
    {"buckets_are_opened_and_deleted", buckets_are_opened_and_deleted},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
