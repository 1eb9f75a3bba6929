// SPDX-License-Identifier: Apache-2.0
//
// Where a stream's log lies: <store>/<account>/<stream> on the store's disk, or at the same path on a disk in memory.
// A stream in memory also has a small log on the store's disk, its definition, in which only its configuration stands: so
// the stream is there again after a start, empty. Every function here waits for disks, but for init and fini; any thread,
// while the stream has one job of them out.
#pragma once

#include "proto/stream_log.pb-c.h"
#include "storage/shared.h"
#include "storage/store.h"

struct jetstream;
struct stream;

struct stream_place {
    struct rill_store_shared *shared;
    char *folder;
    struct rill_store_options file;   // the log, or the definition
    struct rill_store_options memory; // the log of a stream in memory
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
};

/* <store>/<account>/<stream>, on the heap. */
char *stream_place_folder(const struct jetstream *js, const char *stream_name);
/* The disk on which the log of a stream with this configuration lies. */
struct rill_disk *stream_place_disk(const struct jetstream *js, const Rill__StreamConfig *config);

/* Draws a new identity. */
void stream_place_init(struct stream_place *place, struct stream *stream);
void stream_place_fini(struct stream_place *place);

/* Makes the log, and the definition of a stream in memory. As rill_store_create. */
enum rill_err stream_place_create(struct stream_place *place, bool in_memory, struct rill_bytes checkpoint,
                                  struct rill_store **ret_store, struct rill_error_text *why) RILL_MUST_CHECK;
/* Writes another configuration into the definition of a stream in memory. */
enum rill_err stream_place_define(struct stream_place *place, const Rill__StreamRecord *record,
                                  struct rill_error_text *why) RILL_MUST_CHECK;
/* The definition alone, of a stream whose log in memory is there already. */
enum rill_err stream_place_create_definition(struct stream_place *place, struct rill_bytes checkpoint,
                                             struct rill_error_text *why) RILL_MUST_CHECK;
/* Makes an empty log in memory for a stream whose definition was read. */
enum rill_err stream_place_create_empty(struct stream_place *place, Rill__StreamRecord *record,
                                        struct rill_store **ret_store,
                                        struct rill_error_text *why) RILL_MUST_CHECK;
/* Removes everything. No log is open. */
enum rill_err stream_place_remove(struct stream_place *place, bool in_memory,
                                  struct rill_error_text *why) RILL_MUST_CHECK;
