// SPDX-License-Identifier: Apache-2.0
//
// The errors of the JetStream API that Rill gives: NATS' number, the code in HTTP's manner, and NATS' text,
// by which clients recognise them. A text has at most one {placeholder}, which the caller's words replace.
// Any thread.
//
// What NATS knows and Rill does not do yet is refused, never ignored: a field of a stream's configuration as
// 10052, one of a consumer's as 10012, both with the text of rill_js_error_not_yet. NATS answers with these
// two numbers whatever else is wrong with a configuration, so that clients show the text to their user; no
// number of our own could be mistaken by them.
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "proto/jetstream.pb-c.h"

/* X(name, err_code, code, text) */
// clang-format off
#define RILL_JS_ERROR_TABLE(X) \
    /* The API and the account */ \
    X(BAD_REQUEST, 10003, 400, "bad request") \
    X(INVALID_JSON, 10025, 400, "invalid JSON: {err}") \
    X(NOT_EMPTY_REQUEST, 10038, 400, "expected an empty request payload") \
    X(NOT_READY, 10008, 503, "JetStream system temporarily unavailable") \
    X(CLUSTER_REQUIRED, 10010, 503, "JetStream clustering support required") \
    X(NOT_ENABLED, 10076, 503, "JetStream not enabled") \
    X(NOT_ENABLED_FOR_ACCOUNT, 10039, 503, "JetStream not enabled for account") \
    X(ACCOUNT_RESOURCES_EXCEEDED, 10002, 400, "resource limits exceeded for account") \
    X(INSUFFICIENT_RESOURCES, 10023, 503, "insufficient resources") \
    X(MEMORY_RESOURCES_EXCEEDED, 10028, 500, "insufficient memory resources available") \
    X(STORAGE_RESOURCES_EXCEEDED, 10047, 500, "insufficient storage resources available") \
    X(PEDANTIC, 10157, 400, "pedantic mode: {err}") \
    X(REQUIRED_API_LEVEL, 10185, 412, "JetStream minimum api level required") \
    /* Streams: finding, creating, updating */ \
    X(STREAM_NOT_FOUND, 10059, 404, "stream not found") \
    X(STREAM_NAME_EXISTS, 10058, 400, "stream name already in use with a different configuration") \
    X(STREAM_MISMATCH, 10056, 400, "stream name in subject does not match request") \
    X(STREAM_SUBJECT_OVERLAP, 10065, 400, "subjects overlap with an existing stream") \
    X(STREAM_INVALID_CONFIG, 10052, 500, "{err}") \
    X(STREAM_CREATE, 10049, 500, "{err}") \
    X(STREAM_UPDATE, 10069, 500, "{err}") \
    X(STREAM_DELETE, 10050, 500, "{err}") \
    X(STREAM_GENERAL, 10051, 500, "{err}") \
    X(STREAM_INVALID, 10096, 500, "stream not valid") \
    X(STREAM_OFFLINE, 10118, 500, "stream is offline") \
    X(STREAM_OFFLINE_REASON, 10194, 500, "stream is offline: {err}") \
    X(CONSUMERS_MAX, 10026, 400, "maximum consumers limit reached") \
    X(STREAMS_MAX, 10027, 400, "maximum number of streams reached") \
    X(STREAM_REPLICAS_UNSUPPORTED, 10074, 500, "replicas > 1 not supported in non-clustered mode") \
    X(REPLICAS_NEGATIVE, 10133, 400, "replicas count cannot be negative") \
    X(STREAM_MAX_BYTES_REQUIRED, 10113, 400, "account requires a stream config to have max bytes set") \
    X(STREAM_MAX_BYTES_EXCEEDED, 10122, 400, "stream max bytes exceeds account limit max stream bytes") \
    X(STREAM_INFO_SUBJECTS_MAX, 10117, 500, "subject details would exceed maximum allowed") \
    X(STREAM_NAME_PATH_SEPARATOR, 10128, 400, "Stream name can not contain path separators") \
    X(STREAM_SEALED, 10109, 400, "invalid operation on sealed stream") \
    X(STREAM_SNAPSHOT, 10064, 500, "snapshot failed: {err}") \
    X(STREAM_RESTORE, 10062, 500, "restore failed: {err}") \
    X(STREAM_NAME_EXISTS_RESTORE, 10130, 400, "stream name already in use, cannot restore") \
    X(SNAPSHOT_DELIVER_SUBJECT, 10015, 400, "deliver subject not valid") \
    X(STREAM_TRANSFORM_SOURCE, 10155, 400, "stream transform source: {err}") \
    X(STREAM_TRANSFORM_DESTINATION, 10156, 400, "stream transform: {err}") \
    X(MIRROR_WITH_SOURCES, 10031, 400, "stream mirrors can not also contain other sources") \
    X(MIRROR_WITH_SUBJECTS, 10034, 400, "stream mirrors can not contain subjects") \
    X(MIRROR_NOT_UPDATABLE, 10055, 400, "stream mirror configuration can not be updated") \
    X(MIRROR_WITH_FIRST_SEQ, 10143, 400, "stream mirrors can not have first sequence configured") \
    X(MIRROR_WITH_COUNTERS, 10173, 400, "stream mirrors can not also calculate counters") \
    X(MIRROR_WITH_ATOMIC, 10198, 400, "stream mirrors can not also use atomic publishing") \
    X(MIRROR_WITH_BATCHED, 10209, 400, "stream mirrors can not also use batch publishing") \
    X(MIRROR_WITH_SCHEDULES, 10186, 400, "stream mirrors can not also schedule messages") \
    X(SOURCE_WITH_SCHEDULES, 10187, 400, "stream source can not also schedule messages") \
    X(SOURCE_DUPLICATE, 10140, 400, "duplicate source configuration detected") \
    X(SOURCE_NAME_INVALID, 10141, 400, "sourced stream name is invalid") \
    X(MIRROR_NAME_INVALID, 10142, 400, "mirrored stream name is invalid") \
    /* Streams: messages */ \
    X(MESSAGE_TOO_LARGE, 10054, 400, "message size exceeds maximum allowed") \
    X(HEADER_TOO_LARGE, 10097, 400, "header size exceeds maximum allowed of 64k") \
    X(STREAM_STORE_FAILED, 10077, 503, "{err}") \
    X(NO_MESSAGE_FOUND, 10037, 404, "no message found") \
    X(SEQUENCE_NOT_FOUND, 10043, 400, "sequence {seq} not found") \
    X(MESSAGE_DELETE_FAILED, 10057, 500, "{err}") \
    X(STREAM_PURGE_FAILED, 10110, 500, "{err}") \
    X(STREAM_NOT_MATCH, 10060, 400, "expected stream does not match") \
    X(WRONG_LAST_MSG_ID, 10070, 400, "wrong last msg ID: {id}") \
    X(WRONG_LAST_SEQUENCE, 10071, 400, "wrong last sequence: {seq}") \
    X(WRONG_LAST_SEQUENCE_CONSTANT, 10164, 400, "wrong last sequence") \
    X(EXPECTED_SUBJECT_WITHOUT_SEQUENCE, 10193, 400, "missing sequence for expected last sequence per subject") \
    X(DUPLICATE_IN_PROCESS, 10158, 409, "duplicate message id is in process") \
    X(ROLLUP_FAILED, 10111, 500, "{err}") \
    X(MESSAGE_TTL_INVALID, 10165, 400, "invalid per-message TTL") \
    X(MESSAGE_TTL_DISABLED, 10166, 400, "per-message TTL is disabled") \
    X(TOO_MANY_REQUESTS, 10167, 429, "too many requests") \
    X(MESSAGE_COUNTER_DISABLED, 10168, 400, "message counters is disabled") \
    X(ATOMIC_PUBLISH_DISABLED, 10174, 400, "atomic publish is disabled") \
    X(MESSAGE_SCHEDULES_DISABLED, 10188, 400, "message schedules is disabled") \
    X(BATCH_PUBLISH_DISABLED, 10205, 400, "batch publish is disabled") \
    /* Consumers: finding and creating */ \
    X(CONSUMER_NOT_FOUND, 10014, 404, "consumer not found") \
    X(CONSUMER_CREATE, 10012, 500, "{err}") \
    X(CONSUMER_NAME_EXISTS, 10013, 400, "consumer name already in use") \
    X(CONSUMER_CONFIG_REQUIRED, 10078, 400, "consumer config required") \
    X(CONSUMER_EXISTING_ACTIVE, 10105, 400, "consumer already exists and is still active") \
    X(CONSUMER_ALREADY_EXISTS, 10148, 400, "consumer already exists") \
    X(CONSUMER_DOES_NOT_EXIST, 10149, 400, "consumer does not exist") \
    X(CONSUMER_STORE_FAILED, 10104, 500, "error creating store for consumer: {err}") \
    X(CONSUMER_OFFLINE, 10119, 500, "consumer is offline") \
    X(CONSUMER_DURABLE_NOT_IN_SUBJECT, 10016, 400, "consumer expected to be durable but no durable name set in subject") \
    X(CONSUMER_DURABLE_NOT_MATCH_SUBJECT, 10017, 400, "consumer name in subject does not match durable name in request") \
    X(CONSUMER_DURABLE_NOT_SET, 10018, 400, "consumer expected to be durable but a durable name was not set") \
    X(CONSUMER_EPHEMERAL_WITH_DURABLE_SUBJECT, 10019, 400, "consumer expected to be ephemeral but detected a durable name set in subject") \
    X(CONSUMER_EPHEMERAL_WITH_DURABLE_NAME, 10020, 400, "consumer expected to be ephemeral but a durable name was set in request") \
    X(CONSUMER_NAME_TOO_LONG, 10102, 400, "consumer name is too long, maximum allowed is {max}") \
    X(CONSUMER_DURABLE_NAME_INVALID, 10103, 400, "durable name can not contain '.', '*', '>'") \
    X(CONSUMER_NAME_PATH_SEPARATOR, 10127, 400, "Consumer name can not contain path separators") \
    X(CONSUMER_DURABLE_AND_NAME_MISMATCH, 10132, 400, "Consumer Durable and Name have to be equal if both are provided") \
    X(CONSUMER_DESCRIPTION_TOO_LONG, 10107, 400, "consumer description is too long, maximum allowed is {max}") \
    X(CONSUMER_METADATA_TOO_LONG, 10135, 400, "consumer metadata exceeds maximum size of {limit}") \
    X(CONSUMER_REPLACEMENT_MISMATCH, 10106, 400, "consumer replacement durable config not the same") \
    /* Consumers: configuration */ \
    X(CONSUMER_INVALID_POLICY, 10094, 400, "{err}") \
    X(CONSUMER_ACK_POLICY_INVALID, 10181, 400, "consumer ack policy invalid") \
    X(CONSUMER_REPLAY_POLICY_INVALID, 10182, 400, "consumer replay policy invalid") \
    X(CONSUMER_ACK_WAIT_NEGATIVE, 10183, 400, "consumer ack wait needs to be positive") \
    X(CONSUMER_BACKOFF_NEGATIVE, 10184, 400, "consumer backoff needs to be positive") \
    X(CONSUMER_MAX_DELIVER_BACKOFF, 10116, 400, "max deliver is required to be > length of backoff values") \
    X(CONSUMER_FILTER_NOT_SUBSET, 10093, 400, "consumer filter subject is not a valid subset of the interest subjects") \
    X(CONSUMER_FILTER_SUBJECT_MISMATCH, 10131, 400, "Consumer create request did not match filtered subject from create subject") \
    X(CONSUMER_FILTERS_DUPLICATE, 10136, 400, "consumer cannot have both FilterSubject and FilterSubjects specified") \
    X(CONSUMER_FILTERS_NOT_ALLOWED, 10137, 400, "consumer with multiple subject filters cannot use subject based API") \
    X(CONSUMER_FILTERS_OVERLAP, 10138, 400, "consumer subject filters cannot overlap") \
    X(CONSUMER_FILTER_EMPTY, 10139, 400, "consumer filter in FilterSubjects cannot be empty") \
    X(CONSUMER_SAMPLING_INVALID, 10095, 400, "failed to parse consumer sampling configuration: {err}") \
    X(CONSUMER_MAX_WAITING_NEGATIVE, 10087, 400, "consumer max waiting needs to be positive") \
    X(CONSUMER_MAX_ACK_PENDING_NEEDS_ACK, 10082, 400, "consumer requires ack policy for max ack pending") \
    X(CONSUMER_MAX_ACK_PENDING_EXCESS, 10121, 400, "consumer max ack pending exceeds system limit of {limit}") \
    X(CONSUMER_MAX_BATCH_NEGATIVE, 10114, 400, "consumer max request batch needs to be > 0") \
    X(CONSUMER_MAX_EXPIRES_TOO_SMALL, 10115, 400, "consumer max request expires needs to be >= 1ms") \
    X(CONSUMER_MAX_BATCH_EXCEEDED, 10125, 400, "consumer max request batch exceeds server limit of {limit}") \
    X(CONSUMER_REPLICAS_EXCEED_STREAM, 10126, 400, "consumer config replica count exceeds parent stream") \
    X(CONSUMER_REPLICAS_NOT_STREAM, 10134, 400, "consumer config replicas must match interest retention stream's replicas") \
    X(CONSUMER_INACTIVE_THRESHOLD_EXCESS, 10153, 400, "consumer inactive threshold exceeds system limit of {limit}") \
    X(CONSUMER_PULL_REQUIRES_ACK, 10084, 400, "consumer in pull mode requires explicit ack policy on workqueue stream") \
    X(CONSUMER_PULL_NOT_DURABLE, 10085, 400, "consumer in pull mode requires a durable name") \
    X(CONSUMER_PULL_WITH_RATE_LIMIT, 10086, 400, "consumer in pull mode can not have rate limit set") \
    X(CONSUMER_HEARTBEAT_REQUIRES_PUSH, 10088, 400, "consumer idle heartbeat requires a push based consumer") \
    X(CONSUMER_FLOW_CONTROL_REQUIRES_PUSH, 10089, 400, "consumer flow control requires a push based consumer") \
    X(CONSUMER_DELIVER_TO_WILDCARDS, 10079, 400, "consumer deliver subject has wildcards") \
    X(CONSUMER_PUSH_MAX_WAITING, 10080, 400, "consumer in push mode can not set max waiting") \
    X(CONSUMER_DELIVER_CYCLE, 10081, 400, "consumer deliver subject forms a cycle") \
    X(CONSUMER_HEARTBEAT_SMALL, 10083, 400, "consumer idle heartbeat needs to be >= 100ms") \
    X(CONSUMER_DIRECT_REQUIRES_PUSH, 10090, 400, "consumer direct requires a push based consumer") \
    X(CONSUMER_DIRECT_REQUIRES_EPHEMERAL, 10091, 400, "consumer direct requires an ephemeral consumer") \
    X(CONSUMER_FLOW_CONTROL_NEEDS_HEARTBEAT, 10108, 400, "consumer with flow control also needs heartbeats") \
    X(CONSUMER_DELIVER_SUBJECT_INVALID, 10112, 400, "invalid push consumer deliver subject") \
    X(CONSUMER_WORKQUEUE_REQUIRES_ACK, 10098, 400, "workqueue stream requires explicit ack") \
    X(CONSUMER_WORKQUEUE_UNFILTERED, 10099, 400, "multiple non-filtered consumers not allowed on workqueue stream") \
    X(CONSUMER_WORKQUEUE_NOT_UNIQUE, 10100, 400, "filtered consumer not unique on workqueue stream") \
    X(CONSUMER_WORKQUEUE_NOT_ALL, 10101, 400, "consumer must be deliver all on workqueue stream") \
    X(CONSUMER_PRIORITY_WITHOUT_GROUP, 10159, 400, "Setting PriorityPolicy requires at least one PriorityGroup to be set") \
    X(CONSUMER_PRIORITY_GROUP_INVALID, 10160, 400, "Provided priority group does not exist for this consumer") \
    X(CONSUMER_GROUP_NAME_EMPTY, 10161, 400, "Group name cannot be an empty string") \
    X(CONSUMER_GROUP_NAME_INVALID, 10162, 400, "Valid priority group name must match A-Z, a-z, 0-9, -_/=)+ and may not exceed 16 characters") \
    X(CONSUMER_PUSH_WITH_GROUP, 10178, 400, "priority groups can not be used with push consumers") \
    X(CONSUMER_GROUP_WITHOUT_POLICY, 10196, 400, "consumer can not have priority groups when policy is none") \
    X(CONSUMER_PINNED_TTL_WITHOUT_POLICY, 10197, 400, "PinnedTTL cannot be set when PriorityPolicy is none") \
    X(CONSUMER_RESET_INVALID, 10204, 400, "invalid reset: {err}") \
    X(CONSUMER_ACK_FLOW_REQUIRES_PUSH, 10218, 400, "flow control ack policy requires a push based consumer") \
    X(CONSUMER_ACK_FLOW_REQUIRES_FLOW_CONTROL, 10219, 400, "flow control ack policy requires flow control") \
    X(CONSUMER_ACK_FLOW_REQUIRES_MAX_ACK_PENDING, 10220, 400, "flow control ack policy requires max ack pending") \
    X(CONSUMER_ACK_FLOW_WITH_ACK_WAIT, 10221, 400, "flow control ack policy requires unset ack wait") \
    X(CONSUMER_ACK_FLOW_WITH_MAX_DELIVER, 10222, 400, "flow control ack policy requires unset max deliver")

// clang-format on

enum rill_js_error_id {
#define RILL_JS_ERROR_ENUM(name, err_code, code, text) RILL_JS_##name = err_code,
    RILL_JS_ERROR_TABLE(RILL_JS_ERROR_ENUM)
#undef RILL_JS_ERROR_ENUM
};

/* An error that is ready to be sent; a plain value. `err_code` 0 is no error. */
struct rill_js_error {
    uint16_t err_code;
    uint16_t code;
    char description[256]; // cut when longer; always terminated
};

static inline bool rill_js_error_is_set(const struct rill_js_error *error)
{
    return error->err_code != 0;
}

/* An error whose text has no placeholder. */
struct rill_js_error rill_js_error_of(enum rill_js_error_id id);

/* The formatted words take the place of the text's placeholder:
   rill_js_error_with(RILL_JS_WRONG_LAST_SEQUENCE,
   "%" PRIu64, last_seq). */
struct rill_js_error rill_js_error_with(enum rill_js_error_id id, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "mirror is not implemented yet". `id` is STREAM_INVALID_CONFIG or CONSUMER_CREATE, `field` the
   JSON name of the field. */
struct rill_js_error rill_js_error_not_yet(enum rill_js_error_id id, const char *field);

/* Makes *ret_message show the error, to be hung into a response. It points into `error`, which must outlive
 * it. */
void rill_js_error_view(const struct rill_js_error *error, Rill__ApiError *ret_message);
