// SPDX-License-Identifier: Apache-2.0
//
// What a walk through a stream's segments has found besides sound records: where, and which sequences it costs.
// A note is worth knowing and no damage: it is what a kill, a salvage or a newer Rill leaves.
#pragma once

#include "base/buf.h"
#include "lost.h"

/* name, word, is it damage? */
#define FINDING_TABLE(X)                                                                                     \
    X(HEADER, "header", true)         /* one or both headers of a segment are not valid */                   \
    X(MISNAMED, "misnamed", true)     /* the header says another number than the file's name */              \
    X(FOREIGN, "foreign", true)       /* a segment file of another stream */                                 \
    X(DAMAGED, "damaged", true)       /* bytes in which no valid record stands */                            \
    X(MISSING, "missing", true)       /* commits that are not there at all */                                \
    X(UNREADABLE, "unreadable", true) /* the disk could not give all bytes of a segment */                   \
    X(UNKNOWN, "unknown", true)       /* a sound record of a type that this version does not know */         \
    X(INDEX, "index", true) /* index.db is damaged or says what the log does not; reindex makes it again */  \
    X(NO_SEGMENTS, "no-segments", true)                                                                      \
    X(TORN, "torn", false)         /* a last commit that is not whole: dropped by the next open */           \
    X(GAP, "gap", false)           /* sequences that the log itself declares to be lost (I9) */              \
    X(LEFTOVER, "leftover", false) /* a segment that was being made; removed by the next open */             \
    X(ERASING, "erasing",                                                                                    \
      false)                 /* a message that was being overwritten (E4); the next open does it again */    \
    X(OTHER, "other", false) /* a file that is no part of the format */

enum finding_kind {
#define FINDING_ENUM(name, word, damage) FINDING_##name,
    FINDING_TABLE(FINDING_ENUM)
#undef FINDING_ENUM
};

struct finding {
    enum finding_kind kind;
    uint64_t segment; // 0: of the folder
    uint64_t offset;  // bytes offset to end of the segment's file; none when both are 0
    uint64_t end;
    uint64_t first_sequence; // that are gone with it; none when first > last, or 0
    uint64_t last_sequence;
    uint64_t first_commit; // concerned, 0 when not known
    uint64_t last_commit;
    char detail[96];
};

const char *finding_word(enum finding_kind kind);
bool finding_is_damage(enum finding_kind kind);
/* 0 when it costs no message. */
uint64_t finding_messages(const struct finding *finding);
/* Adds what it costs of what was ever promised: a torn tail was not. */
void finding_add_lost(const struct finding *finding, struct lost *lost);

/* Appends one line without its end; one JSON object. LIMIT, NO_MEMORY. */
enum rill_err finding_put_text(const struct finding *finding, struct rill_buf *out) RILL_MUST_CHECK;
enum rill_err finding_put_json(const struct finding *finding, struct rill_buf *out) RILL_MUST_CHECK;
