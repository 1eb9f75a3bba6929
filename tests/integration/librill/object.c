// SPDX-License-Identifier: Apache-2.0
//
// Objects through librill, against a real server. A law uses a bucket of its own.
#include "law.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
    struct law_js in;
    struct rill_objects *objects;
};

static bool ok(struct world *world, enum rill_err err, const char *what)
{
    return law_js_ok(&world->in, err, what);
}

static bool over_bucket(bool (*body)(struct world *))
{
    static int number;
    char bucket[32];
    struct world world = {.objects = NULL};
    (void)snprintf(bucket, sizeof bucket, "O%d", ++number);
    const struct rill_objects_config config = {.struct_bytes = sizeof config, .bucket = bucket};
    const bool holds =
        law_js_open(&world.in) &&
        law_js_or_not_yet(
            &world.in,
            ok(&world, rill_objects_create_bucket(world.in.js, &config, &world.objects, &world.in.error),
               "create the bucket") &&
                body(&world));
    rill_objects_close(world.objects);
    law_js_close(&world.in);
    return holds;
}

static char *sample(size_t bytes, unsigned seed)
{
    char *data = malloc(bytes + 1);
    for (size_t i = 0; data && i < bytes; i++)
        data[i] = (char)((i * 2654435761u + seed) >> 7);
    return data;
}

static bool put(struct world *world, const char *name, const void *data, size_t bytes)
{
    const struct rill_object_put put = {.name = name, .chunk_bytes = 10000};
    return ok(world, rill_object_put_bytes(world->objects, &put, data, bytes, NULL, &world->in.error), "put");
}

static bool content_is(struct world *world, const char *name, const void *data, size_t bytes)
{
    void *got = NULL;
    size_t got_bytes = 0;
    if (!ok(world, rill_object_get_bytes(world->objects, name, &got, &got_bytes, &world->in.error), "get"))
        return false;
    const bool same = got_bytes == bytes && memcmp(got, data, bytes) == 0;
    free(got);
    return same || law_fail("%s is another object", name);
}

static uint64_t stored_count(struct world *world, const char *stream)
{
    Rill__StreamInfo *info = NULL;
    if (!ok(world, rill_stream_info(world->in.js, stream, NULL, &info, &world->in.error), "info"))
        return 0;
    const uint64_t count = info->state->messages;
    rill_model_free(&info->base);
    return count;
}

static bool put_and_get(struct world *world)
{
    enum { BYTES = 1234567 };
    char *large = sample(BYTES, 1);
    char *other = sample(BYTES, 2);
    const bool holds =
        large && other && put(world, "a name / with >", large, BYTES) && put(world, "empty", "", 0) &&
        content_is(world, "a name / with >", large, BYTES) && content_is(world, "empty", "", 0) &&
        put(world, "a name / with >", other, 25000) && content_is(world, "a name / with >", other, 25000) &&
        (stored_count(world, "OBJ_O1") == 3 + 1 + 1 || law_fail("chunks of the old object are left"));
    free(large);
    free(other);
    return holds;
}

static bool what_is_put_is_got_and_replaced(void)
{
    return over_bucket(put_and_get);
}

static bool files(struct world *world)
{
    char from[] = "/tmp/rill-test-object-XXXXXX";
    char to[64];
    char *data = sample(300000, 3);
    const int fd = mkstemp(from);
    bool holds = data && fd >= 0 && write(fd, data, 300000) == 300000;
    (void)snprintf(to, sizeof to, "%s.copy", from);
    const struct rill_object_put put = {.name = "file"};
    holds =
        holds &&
        ok(world, rill_object_put_file(world->objects, &put, from, NULL, &world->in.error), "put the file") &&
        ok(world, rill_object_get_file(world->objects, "file", to, &world->in.error), "get the file") &&
        ok(world, rill_object_put_file(world->objects, &put, to, NULL, &world->in.error), "put the copy") &&
        content_is(world, "file", data, 300000) &&
        law_err_is(rill_object_put_file(world->objects, &put, "/nowhere/at/all", NULL, &world->in.error),
                   RILL_ERR_NOT_FOUND, "put what is not there") &&
        law_err_is(rill_object_get_file(world->objects, "none", to, &world->in.error), RILL_ERR_NOT_FOUND,
                   "get what is not there");
    (void)close(fd);
    (void)unlink(from);
    (void)unlink(to);
    free(data);
    return holds;
}

static bool files_are_put_and_got(void)
{
    return over_bucket(files);
}

static bool note(const Rill__ObjectInfo *info, void *context)
{
    char *text = context;
    const size_t len = strlen(text);
    (void)snprintf(text + len, 100 - len, "%s:%d ", info->name, (int)info->size);
    return true;
}

static bool list(struct world *world)
{
    char text[100] = "";
    char after[100] = "";
    Rill__ObjectInfo *info = NULL;
    return put(world, "a", "12345", 5) && put(world, "b", "1", 1) && put(world, "c", "22", 2) &&
           ok(world, rill_object_each(world->objects, note, text, &world->in.error), "each") &&
           (strcmp(text, "a:5 b:1 c:2 ") == 0 || law_fail("\"%s\"", text)) &&
           ok(world, rill_object_delete(world->objects, "b", &world->in.error), "delete") &&
           law_err_is(rill_object_info(world->objects, "b", &info, &world->in.error), RILL_ERR_NOT_FOUND,
                      "info") &&
           ok(world, rill_object_each(world->objects, note, after, &world->in.error), "each") &&
           (strcmp(after, "a:5 c:2 ") == 0 || law_fail("\"%s\"", after));
}

static bool objects_are_listed_and_deleted(void)
{
    return over_bucket(list);
}

static bool sees(struct rill_object_watch *watch, const char *name)
{
    Rill__ObjectInfo *info = NULL;
    if (!law_ok(rill_object_watch_next(watch, LAW_TIMEOUT_MS, &info), "watch"))
        return false;
    const bool same = info ? name && strcmp(info->name, name) == 0 : !name;
    if (info)
        rill_model_free(&info->base);
    return same || law_fail("saw something else than %s", name ? name : "the end");
}

static bool watch(struct world *world)
{
    struct rill_object_watch *watch = NULL;
    bool holds =
        put(world, "a", "1", 1) &&
        ok(world, rill_object_watch_open(world->objects, false, &watch, &world->in.error), "watch") &&
        sees(watch, "a") && sees(watch, NULL) && put(world, "b", "2", 1) && sees(watch, "b");
    rill_object_watch_close(watch);
    return holds;
}

static bool a_watch_shows_what_is_there_and_what_comes(void)
{
    return over_bucket(watch);
}

static bool links(struct world *world)
{
    const struct rill_objects_config config = {.struct_bytes = sizeof config, .bucket = "TARGETS"};
    struct rill_objects *targets = NULL;
    const struct rill_object_put put_target = {.name = "real"};
    struct rill_error *error = &world->in.error;
    const bool holds =
        put(world, "own", "here", 4) &&
        ok(world, rill_objects_create_bucket(world->in.js, &config, &targets, error), "create a bucket") &&
        ok(world, rill_object_put_bytes(targets, &put_target, "there", 5, NULL, error), "put") &&
        ok(world, rill_object_link(world->objects, "near", world->objects, "own", error), "link") &&
        content_is(world, "near", "here", 4) &&
        ok(world, rill_object_link(world->objects, "near", targets, "real", error), "link again") &&
        content_is(world, "near", "there", 5) &&
        ok(world, rill_object_put_bytes(targets, &put_target, "new", 3, NULL, error), "replace the target") &&
        content_is(world, "near", "new", 3) &&
        law_err_is(rill_object_link(world->objects, "own", targets, "real", error), RILL_ERR_EXISTS,
                   "link in the place of an object") &&
        law_err_is(rill_object_link(world->objects, "x", world->objects, "near", error), RILL_ERR_INVALID,
                   "link to a link") &&
        law_err_is(rill_object_link(world->objects, "x", targets, "none", error), RILL_ERR_NOT_FOUND,
                   "link to nothing");
    rill_objects_close(targets);
    return holds;
}

static bool a_link_gives_what_it_leads_to(void)
{
    return over_bucket(links);
}

static bool too_large(struct world *world)
{
    enum { BYTES = 200000 };
    const struct rill_objects_config config = {
        .struct_bytes = sizeof config, .bucket = "small", .bytes_max = 50000};
    const struct rill_object_put put = {.name = "a", .chunk_bytes = 10000};
    struct rill_objects *small = NULL;
    char *data = sample(BYTES, 1);
    if (!data ||
        !ok(world, rill_objects_create_bucket(world->in.js, &config, &small, &world->in.error), "create"))
        return law_fail("no bucket");
    const enum rill_err err = rill_object_put_bytes(small, &put, data, BYTES, NULL, &world->in.error);
    const uint32_t why = world->in.error.err_code;
    const bool holds = law_err_is(err, RILL_ERR_REFUSED, "put") &&
                       (why == 10077 || law_fail("%s (%u)", world->in.error.text, why)) &&
                       law_err_is(rill_object_info(small, "a", NULL, &world->in.error), RILL_ERR_NOT_FOUND,
                                  "a part of it") &&
                       ok(world, rill_object_put_bytes(small, &put, data, BYTES / 10, NULL, &world->in.error),
                          "put a smaller one");
    rill_objects_close(small);
    free(data);
    return holds;
}

static bool a_full_bucket_refuses_in_the_servers_words(void)
{
    return over_bucket(too_large);
}

static const struct law_case cases[] = {
    {"what_is_put_is_got_and_replaced", what_is_put_is_got_and_replaced},
    {"files_are_put_and_got", files_are_put_and_got},
    {"objects_are_listed_and_deleted", objects_are_listed_and_deleted},
    {"a_link_gives_what_it_leads_to", a_link_gives_what_it_leads_to},
    {"a_watch_shows_what_is_there_and_what_comes", a_watch_shows_what_is_there_and_what_comes},
    {"a_full_bucket_refuses_in_the_servers_words", a_full_bucket_refuses_in_the_servers_words},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
