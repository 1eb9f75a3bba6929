// SPDX-License-Identifier: Apache-2.0
#include "stream_shown.h"

#include "base/alloc.h"
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEVEL_OF_TTL = 1, LEVEL_BYTES_MAX = 12 };

/* In the order of their names. */
enum { ADDED_LEVEL, ADDED_REQUIRED_LEVEL, ADDED_VERSION, ADDED_COUNT };

static const char *const added_keys[ADDED_COUNT] = {
    [ADDED_LEVEL] = "_nats.level",
    [ADDED_REQUIRED_LEVEL] = "_nats.req.level",
    [ADDED_VERSION] = "_nats.ver",
};

struct stream_shown {
    Rill__StreamConfig config; // all but the metadata is the record's
    Rill__StreamConfig__MetadataEntry added[ADDED_COUNT];
    char level[LEVEL_BYTES_MAX];
    char required_level[LEVEL_BYTES_MAX];
    Rill__StreamConfig__MetadataEntry *entries[];
};

bool stream_shown_is_added(const char *metadata_key)
{
    for (size_t i = 0; i < ADDED_COUNT; i++) {
        if (strcmp(metadata_key, added_keys[i]) == 0)
            return true;
    }
    return false;
}

/* The first level that knows all that the configuration asks for, as far as Rill's own goes. */
static int required_level(const Rill__StreamConfig *config)
{
    return config->allow_msg_ttl || config->subject_delete_marker_ttl > 0 ? LEVEL_OF_TTL : 0;
}

static void fill_added(struct stream_shown *shown)
{
    (void)snprintf(shown->level, sizeof shown->level, "%d", RILL_API_LEVEL);
    (void)snprintf(shown->required_level, sizeof shown->required_level, "%d", required_level(&shown->config));
    for (size_t i = 0; i < ADDED_COUNT; i++) {
        rill__stream_config__metadata_entry__init(&shown->added[i]);
        shown->added[i].key = (char *)(uintptr_t)added_keys[i];
    }
    shown->added[ADDED_LEVEL].value = shown->level;
    shown->added[ADDED_REQUIRED_LEVEL].value = shown->required_level;
    shown->added[ADDED_VERSION].value = (char *)(uintptr_t)RILL_NATS_LEVEL;
}

/* Both are in order. */
static void merge(struct stream_shown *shown, const Rill__StreamConfig *config)
{
    size_t added = 0, own = 0, count = 0;
    while (added < ADDED_COUNT || own < config->n_metadata) {
        const bool takes_own =
            added == ADDED_COUNT ||
            (own < config->n_metadata && strcmp(config->metadata[own]->key, added_keys[added]) < 0);
        shown->entries[count++] = takes_own ? config->metadata[own++] : &shown->added[added++];
    }
    shown->config.metadata = shown->entries;
    shown->config.n_metadata = count;
}

Rill__StreamConfig *stream_shown_config(const struct stream *stream)
{
    if (!stream->shown) {
        const Rill__StreamConfig *config = stream->record->config;
        struct stream_shown *shown =
            rill_alloc_zero(1, sizeof *shown + (config->n_metadata + ADDED_COUNT) * sizeof shown->entries[0]);
        shown->config = *config;
        fill_added(shown);
        merge(shown, config);
        ((struct stream *)(uintptr_t)stream)->shown = shown; // it says the same as before
    }
    return &stream->shown->config;
}

void stream_shown_forget(struct stream *stream)
{
    free(stream->shown);
    stream->shown = NULL;
}
