// SPDX-License-Identifier: Apache-2.0
//
// A walk through a stream's segments as they lie on disk, for looking and not for serving: a second reader of
// docs/STORAGE-FORMAT.md beside storage/src/replay.c. It says where each record stands and what stands between
// them. It writes nothing, keeps nothing in memory but a window, and needs no lock: who wants the folder to stand
// still takes it (folder_hold.h).
//
// A test holds its answers against those of the store for folders with damage at random.
#pragma once

#include "finding.h"
#include "record.h"

enum walk_header {
    WALK_HEADER_VALID,
    WALK_HEADER_DAMAGED,  // V1, V3
    WALK_HEADER_MISNAMED, // valid, of another number
};

struct walk_segment {
    uint64_t number;
    uint64_t size_bytes;
    enum walk_header header;
    enum walk_header copy;
};

struct walk_record {
    uint64_t segment;
    uint64_t offset;
    uint64_t commit; // number; 0 when its commit record is damaged
    bool packed;     // it stands in a packed record, and the offset is that one's
    bool known;      // the type is one of this version
    struct record record;
};

/* Every member may be NULL. What is pointed to lives only during the call. Returning anything but OK ends the walk. */
struct walk_visitor {
    void *context;
    enum rill_err (*segment)(void *context, const struct walk_segment *segment);
    /* Commit records too; of packed ones, those in them. */
    enum rill_err (*record)(void *context, const struct walk_record *record);
    enum rill_err (*finding)(void *context, const struct finding *finding);
    /* These were removed, and a rewriting has left them out. */
    enum rill_err (*left_out)(void *context, uint64_t first_sequence, uint64_t last_sequence);
};

struct walk_options {
    struct rill_disk *disk;
    const char *folder;
    bool live;      // somebody writes to the log meanwhile: a torn tail is one that is being written
    bool keep_torn; // take what is sound of a torn last commit as a part of the log
};

struct walk_result {
    uint64_t last_sequence;
    uint64_t last_commit;
    uint64_t floor; // messages below it are removed, whether found or not; 0 when no purge was found
    bool sealed;    // the log ends with a seal: it was closed, nothing is missing behind it
};

/* NOT_FOUND when there is no segment, DAMAGED when no segment tells whose it is, UNSUPPORTED, IO, NO_MEMORY; what the
   visitor returned. */
enum rill_err walk_stream(const struct walk_options *options, const struct walk_visitor *visitor,
                          struct walk_result *ret_result, struct rill_error_text *why) RILL_MUST_CHECK;
