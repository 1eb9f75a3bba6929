// SPDX-License-Identifier: Apache-2.0
//
// Buckets of objects, a convention among NATS' clients (ADR-20). In the stream OBJ_<bucket>:
//
//     $O.<bucket>.C.<nuid>              the chunks of one object, in order
//     $O.<bucket>.M.<base64url(name)>   what is known of it: ObjectInfo as JSON, the last one only; it may be a link
//
// An object is replaced in this order: new chunks, new information, the old chunks go. So whoever reads the
// information finds the chunks that it names, or none at all and tries again.
#pragma once

#include "js.h"
#include "sha256.h"

enum { OBJECTS_BUCKET_BYTES = 128, OBJECTS_CHUNK_BYTES = 128 * 1024, OBJECTS_DIGEST_BYTES = 64 };

struct rill_objects {
    struct rill_js *js; // its own, so that it can wait for its own publishes
    char bucket[OBJECTS_BUCKET_BYTES];
    char stream[OBJECTS_BUCKET_BYTES + 4];
};

/* The subject of an object's information; INVALID for an empty name, LIMIT for one that is too long. */
enum rill_err objects_info_subject(const struct rill_objects *objects, const char *name,
                                   char ret[JS_SUBJECT_BYTES]) RILL_MUST_CHECK;
void objects_chunk_subject(const struct rill_objects *objects, const char *nuid, char ret[JS_SUBJECT_BYTES]);

/* What is known, also of an object that was deleted. */
enum rill_err objects_find(struct rill_objects *objects, const char *name, Rill__ObjectInfo **ret,
                           struct rill_error *error) RILL_MUST_CHECK;
/* Where it leads when it is a link; else NULL. Lives as long as the information. */
static inline const Rill__ObjectLink *objects_link(const Rill__ObjectInfo *info)
{
    return info->options ? info->options->link : NULL;
}

/* Puts it in the place of what was known. */
enum rill_err objects_write_info(struct rill_objects *objects, const Rill__ObjectInfo *info,
                                 struct rill_error *error) RILL_MUST_CHECK;
/* Takes the chunks of that name away. */
enum rill_err objects_drop_chunks(struct rill_objects *objects, const char *nuid,
                                  struct rill_error *error) RILL_MUST_CHECK;
enum rill_err objects_decode_info(struct rill_bytes json, Rill__ObjectInfo **ret,
                                  struct rill_error *error) RILL_MUST_CHECK;

/* "SHA-256=" and the digest in base64url. */
enum rill_err objects_digest_text(struct sha256 *sha, char ret[OBJECTS_DIGEST_BYTES]) RILL_MUST_CHECK;
