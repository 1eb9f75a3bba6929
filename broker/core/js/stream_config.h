// SPDX-License-Identifier: Apache-2.0
//
// Is this a configuration that a stream can have, and may another take its place? Pure. The rules, their order and
// their words are nats-server's 2.14.
//
//      request ──► stream_config_check_create ──┐  rules of a request to create
//                                               ├──► stream_config_check: defaults, then each rule
//      request ─────────────────────────────────┘          (stream_config_rules.c, stream_config_subjects.c)
//      UPDATE further: stream_config_check_update, old against new
//      both at last: stream_config_check_not_yet, what Rill does not do yet, by name
#pragma once

#include "core/core.h"
#include "proto/js_error.h"

/* What a request to create says about itself, before its values are looked at. `subject_name` is the name in the
   request's subject. */
struct rill_js_error stream_config_check_create(const Rill__StreamConfig *config,
                                                struct rill_bytes subject_name);

/* Fills in what was left out, as nats-server does, in place. The error is set when a rule is broken. A pedantic request is
   refused where something would be adjusted. */
struct rill_js_error stream_config_check(Rill__StreamConfig *config,
                                         const struct rill_jetstream_limits *limits, bool pedantic);

/* May a stream that has the checked configuration `old` get the checked configuration `config`? A sealed one is
   adjusted to what being sealed means. */
struct rill_js_error stream_config_check_update(Rill__StreamConfig *config, const Rill__StreamConfig *old);

/* A configuration that keeps to all rules may still ask for something that Rill does not do yet, which is named. */
struct rill_js_error stream_config_check_not_yet(const Rill__StreamConfig *config);

/* Of checked configurations, so without what servers add to the metadata. */
bool stream_config_equal(const Rill__StreamConfig *a, const Rill__StreamConfig *b);

// ---- the steps of stream_config_check ----

struct rill_js_error stream_config_invalid(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct rill_js_error stream_config_check_rules(Rill__StreamConfig *config,
                                               const struct rill_jetstream_limits *limits, bool pedantic);
struct rill_js_error stream_config_check_subjects(Rill__StreamConfig *config, bool pedantic);
