// SPDX-License-Identifier: Apache-2.0
//
// What schemas.mjs asks: each subject of the JetStream API with requests that succeed and requests that fail, in an
// order in which the later find what the earlier have made. An outcome is "success", "error", or the number of an error.
import { headers } from "@nats-io/transport-node";

const step = (why, subject, body, outcome = "success") => ({ why, subject, body, outcome });
const fails = (why, subject, body, outcome = "error") => step(why, subject, body, outcome);

const stream = (name, more) => ({ name, subjects: [`${name.toLowerCase()}.>`], storage: "file", retention: "limits", ...more });
const consumer = (name, more) => ({ stream_name: "S", config: { durable_name: name, ack_policy: "explicit", ...more } });

/** The same three faults for whatever reads JSON. */
const badBodies = (subject) => [
  fails("broken JSON", subject, "{", 10025),
  fails("a field that nobody knows", subject, { nonsense: 1 }, 10025),
];

const streamCases = [
  { name: "STREAM.CREATE", type: "stream_create_response", steps: [
    step("new", "STREAM.CREATE.S", stream("S")),
    step("the same again", "STREAM.CREATE.S", stream("S")),
    step("with metadata", "STREAM.CREATE.GONE", stream("GONE", { metadata: { a: "b" }, description: "d" })),
    step("in memory", "STREAM.CREATE.M", stream("M", { storage: "memory" })),
    step("for work", "STREAM.CREATE.W", stream("W", { retention: "workqueue" })),
    step("for interest", "STREAM.CREATE.I", stream("I", { retention: "interest", allow_direct: true })),
    step("with all limits", "STREAM.CREATE.L", stream("L", { max_msgs: 5, max_bytes: 100000, max_msg_size: 1000, discard: "new",
      max_consumers: 3, duplicate_window: 1e9 })),
    step("with a transform and a republish", "STREAM.CREATE.T", stream("T", { subject_transform: { src: "t.>", dest: "u.>" },
      republish: { src: ">", dest: "r.>" } })),
    step("with time limits", "STREAM.CREATE.A", stream("A", { max_age: 60e9, allow_msg_ttl: true })),
    fails("another configuration", "STREAM.CREATE.S", stream("S", { description: "other" }), 10058),
    fails("a mismatch of names", "STREAM.CREATE.S", stream("X"), 10056),
    fails("overlapping subjects", "STREAM.CREATE.O", stream("O", { subjects: ["s.x"] }), 10065),
    fails("replicas", "STREAM.CREATE.R", stream("R", { num_replicas: 3 }), 10074),
    ...badBodies("STREAM.CREATE.B"),
  ] },
  { name: "STREAM.UPDATE", type: "stream_update_response", steps: [
    step("a description", "STREAM.UPDATE.S", stream("S", { description: "new" })),
    fails("of nothing", "STREAM.UPDATE.NONE", stream("NONE"), 10059),
    fails("of its storage", "STREAM.UPDATE.S", stream("S", { storage: "memory" })),
    ...badBodies("STREAM.UPDATE.S"),
  ] },
  { name: "STREAM.INFO", type: "stream_info_response", steps: [
    step("empty body", "STREAM.INFO.S"),
    step("details", "STREAM.INFO.S", { deleted_details: true }),
    step("subjects", "STREAM.INFO.S", { subjects_filter: ">" }),
    step("subjects from an offset", "STREAM.INFO.S", { subjects_filter: ">", offset: 5 }),
    fails("of nothing", "STREAM.INFO.NONE", undefined, 10059),
    ...badBodies("STREAM.INFO.S"),
  ] },
  { name: "STREAM.NAMES", type: "stream_names_response", steps: [
    step("all", "STREAM.NAMES"),
    step("by subject", "STREAM.NAMES", { subject: "s.>" }),
    step("none", "STREAM.NAMES", { subject: "nobody.has.this" }),
    step("behind the end", "STREAM.NAMES", { offset: 100 }),
    ...badBodies("STREAM.NAMES"),
  ] },
  { name: "STREAM.LIST", type: "stream_list_response", steps: [
    step("all", "STREAM.LIST"),
    step("none", "STREAM.LIST", { subject: "nobody.has.this" }),
    ...badBodies("STREAM.LIST"),
  ] },
  { name: "STREAM.DELETE", type: "stream_delete_response", steps: [
    step("one", "STREAM.DELETE.GONE"),
    fails("of nothing", "STREAM.DELETE.NONE", undefined, 10059),
  ] },
];

const consumerCases = [
  { name: "CONSUMER.CREATE", type: "consumer_create_response", steps: [
    step("durable", "CONSUMER.DURABLE.CREATE.S.C", consumer("C")),
    step("the same again", "CONSUMER.DURABLE.CREATE.S.C", consumer("C")),
    step("by name", "CONSUMER.CREATE.S.N", consumer("N", { name: "N" })),
    step("with a filter", "CONSUMER.CREATE.S.F.s.x", consumer("F", { name: "F", filter_subject: "s.x" })),
    step("ephemeral", "CONSUMER.CREATE.S", { stream_name: "S", config: { ack_policy: "explicit" } }),
    step("push", "CONSUMER.DURABLE.CREATE.S.P", consumer("P", { deliver_subject: "deliver.p", idle_heartbeat: 1e9, flow_control: true })),
    step("with everything", "CONSUMER.DURABLE.CREATE.S.E", consumer("E", { description: "d", max_deliver: 5, backoff: [1e9, 2e9],
      metadata: { a: "b" }, deliver_policy: "by_start_sequence", opt_start_seq: 1, max_batch: 10, max_expires: 1e9, max_ack_pending: 10 })),
    step("with groups", "CONSUMER.DURABLE.CREATE.S.G", consumer("G", { priority_groups: ["g"], priority_policy: "pinned_client" })),
    step("to be deleted", "CONSUMER.DURABLE.CREATE.S.GONE", consumer("GONE")),
    fails("in no stream", "CONSUMER.DURABLE.CREATE.NONE.C", { ...consumer("C"), stream_name: "NONE" }, 10059),
    fails("another stream's", "CONSUMER.DURABLE.CREATE.S.C", { ...consumer("C"), stream_name: "T" }),
    fails("without a configuration", "CONSUMER.DURABLE.CREATE.S.C", {}),
    ...badBodies("CONSUMER.DURABLE.CREATE.S.C"),
  ] },
  { name: "CONSUMER.INFO", type: "consumer_info_response", steps: [
    step("of one", "CONSUMER.INFO.S.C"),
    fails("of nothing", "CONSUMER.INFO.S.NONE", undefined, 10014),
    fails("in no stream", "CONSUMER.INFO.NONE.NONE", undefined, 10059),
  ] },
  { name: "CONSUMER.NAMES", type: "consumer_names_response", steps: [
    step("all", "CONSUMER.NAMES.S"),
    step("behind the end", "CONSUMER.NAMES.S", { offset: 100 }),
    step("none", "CONSUMER.NAMES.L"),
    fails("in no stream", "CONSUMER.NAMES.NONE", undefined, 10059),
    ...badBodies("CONSUMER.NAMES.S"),
  ] },
  { name: "CONSUMER.LIST", type: "consumer_list_response", steps: [
    step("all", "CONSUMER.LIST.S"),
    step("none", "CONSUMER.LIST.L"),
    fails("in no stream", "CONSUMER.LIST.NONE", undefined, 10059),
  ] },
  { name: "CONSUMER.DELETE", type: "consumer_delete_response", steps: [
    step("one", "CONSUMER.DELETE.S.GONE"),
    fails("of nothing", "CONSUMER.DELETE.S.NONE", undefined, 10014),
  ] },
  { name: "CONSUMER.PAUSE", type: "consumer_pause_response", steps: [
    step("until later", "CONSUMER.PAUSE.S.C", { pause_until: "2100-01-01T00:00:00Z" }),
    step("no more", "CONSUMER.PAUSE.S.C", {}),
    fails("of nothing", "CONSUMER.PAUSE.S.NONE", {}, 10014),
  ] },
  { name: "CONSUMER.UNPIN", type: "consumer_unpin_response", steps: [
    step("one that is pinned", "CONSUMER.UNPIN.S.G", { group: "g" }),
    fails("without groups", "CONSUMER.UNPIN.S.C", { group: "g" }),
  ] },
  { name: "CONSUMER.RESET", type: "consumer_reset_response", steps: [
    step("to the beginning", "CONSUMER.RESET.S.C", { seq: 1 }),
    fails("of nothing", "CONSUMER.RESET.S.NONE", {}, 10014),
  ] },
];

const messageCases = [
  { name: "STREAM.MSG.GET", type: "stream_msg_get_response", steps: [
    step("by sequence", "STREAM.MSG.GET.S", { seq: 1 }),
    step("the last of a subject", "STREAM.MSG.GET.S", { last_by_subj: "s.b" }),
    step("the next of a subject", "STREAM.MSG.GET.S", { seq: 1, next_by_subj: "s.*" }),
    fails("of nothing", "STREAM.MSG.GET.S", { seq: 99 }, 10037),
    fails("without a question", "STREAM.MSG.GET.S", {}),
    fails("in no stream", "STREAM.MSG.GET.NONE", { seq: 1 }, 10059),
  ] },
  { name: "STREAM.MSG.DELETE", type: "stream_msg_delete_response", steps: [
    step("one", "STREAM.MSG.DELETE.S", { seq: 1 }),
    fails("of nothing", "STREAM.MSG.DELETE.S", { seq: 99 }),
    fails("in no stream", "STREAM.MSG.DELETE.NONE", { seq: 1 }, 10059),
  ] },
  { name: "STREAM.PURGE", type: "stream_purge_response", steps: [
    step("all", "STREAM.PURGE.S"),
    step("of a subject", "STREAM.PURGE.S", { filter: "s.x", keep: 1 }),
    fails("contradicting", "STREAM.PURGE.S", { seq: 1, keep: 1 }),
    fails("in no stream", "STREAM.PURGE.NONE", undefined, 10059),
  ] },
];

/** Those that need a cluster. */
const clusterCases = [
  ["STREAM.LEADER.STEPDOWN.S", "stream_leader_stepdown_response"],
  ["STREAM.PEER.REMOVE.S", "stream_remove_peer_response"],
  ["CONSUMER.LEADER.STEPDOWN.S.C", "consumer_leader_stepdown_response"],
  ["META.LEADER.STEPDOWN", "meta_leader_stepdown_response"],
  ["SERVER.REMOVE", "meta_server_remove_response"],
  ["ACCOUNT.PURGE.A", "account_purge_response"],
].map(([subject, type]) => ({ name: subject, type, steps: [fails("without a cluster", subject, undefined, 10010)] }));

const snapshotCases = [
  { name: "STREAM.SNAPSHOT", type: "stream_snapshot_response", steps: [
    step("to nobody", "STREAM.SNAPSHOT.S", { deliver_subject: "nobody" }),
    fails("to nowhere", "STREAM.SNAPSHOT.S", {}, 10003),
    fails("of nothing", "STREAM.SNAPSHOT.NONE", { deliver_subject: "nobody" }, 10059),
  ] },
  { name: "STREAM.RESTORE", type: "stream_restore_response", steps: [
    step("of a new stream", "STREAM.RESTORE.NEW", { config: { ...stream("NEW"), num_replicas: 1 }, state: {} }),
    fails("of one that is there", "STREAM.RESTORE.S", { config: stream("S"), state: {} }, 10130),
    fails("broken JSON", "STREAM.RESTORE.NONE", "{"),
  ] },
];

const account = { name: "INFO", type: "account_info_response", steps: [step("of the account", "INFO")] };

export const casesBeforePublishing = [account, ...streamCases, ...consumerCases, ...clusterCases, ...snapshotCases];
export const casesAfterPublishing = messageCases;

function withHeaders(fields) {
  const made = headers();
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return made;
}

export const pubAckCases = [
  { why: "plain", subject: "s.a", outcome: "success" },
  { why: "with an id", subject: "s.b", headers: withHeaders({ "Nats-Msg-Id": "a" }), outcome: "success" },
  { why: "a duplicate", subject: "s.b", headers: withHeaders({ "Nats-Msg-Id": "a" }), outcome: "success" },
  { why: "one more", subject: "s.c", outcome: "success" },
  { why: "and another", subject: "s.d", outcome: "success" },
  { why: "a wrong sequence", subject: "s.b", headers: withHeaders({ "Nats-Expected-Last-Sequence": "77" }), outcome: 10071 },
  { why: "a wrong stream", subject: "s.b", headers: withHeaders({ "Nats-Expected-Stream": "T" }), outcome: 10060 },
  { why: "a wrong id", subject: "s.b", headers: withHeaders({ "Nats-Expected-Last-Msg-Id": "x" }), outcome: 10070 },
];
