// SPDX-License-Identifier: Apache-2.0
//
// Every answer of the JetStream API, and every advisory, against NATS' JSON schemas (draft-07), one per type; the `type`
// member of an answer names its schema. The schemas are no part of Rill: RILL_NATS_SCHEMAS names their folder, by default
// ../shared/nats/schemas beside the project; without them everything here is skipped.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { connect } from "@nats-io/transport-node";
import { law, run, until, url } from "./harness.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const folder = process.env.RILL_NATS_SCHEMAS ?? join(root, "../shared/nats/schemas");

if (!existsSync(folder)) {
  console.log("1..0 # SKIP the schemas are not here: RILL_NATS_SCHEMAS names their folder");
  process.exit(0);
}

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
const validators = new Map();

/** io.nats.jetstream.api.v1.stream_info_response -> jetstream/api/v1/stream_info_response.json */
function validatorOf(type) {
  if (!validators.has(type)) {
    const [, , ...path] = type.split(".");
    validators.set(type, ajv.compile(JSON.parse(readFileSync(join(folder, ...path) + ".json"))));
  }
  return validators.get(type);
}

function problems(value, type = value.type) {
  assert.ok(type, `no type in ${JSON.stringify(value)}`);
  const validate = validatorOf(type);
  return validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
}

function expectValid(value, type) {
  const found = problems(value, type);
  assert.deepEqual(found, [], `${JSON.stringify(value)}\n${found.join("\n")}`);
}

const nc = await connect({ servers: url });
const seen = new Set();

async function ask(subject, body) {
  const payload = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const answer = (await nc.request(subject, payload, { timeout: 10000 })).json();
  seen.add(answer.type);
  expectValid(answer);
  return answer;
}

const api = (name, body) => ask(`$JS.API.${name}`, body);

/** An answer without an error. */
async function done(name, body) {
  const answer = await api(name, body);
  assert.equal(answer.error, undefined, `${name}: ${JSON.stringify(answer.error)}`);
  return answer;
}

/** An answer with this error, which has the form that the schema gives it, too. */
async function refused(name, body, errCode) {
  const answer = await api(name, body);
  assert.equal(answer.error?.err_code, errCode, `${name}: ${JSON.stringify(answer)}`);
}

async function withStream(body, fields = {}) {
  await done("STREAM.CREATE.S", { name: "S", subjects: ["s.>"], ...fields });
  try {
    await body();
  } finally {
    await api("STREAM.DELETE.S");
  }
}

async function publish(subject, payload = "x") {
  const ack = (await nc.request(subject, payload, { timeout: 10000 })).json();
  expectValid(ack, "io.nats.jetstream.api.v1.pub_ack_response");
  return ack;
}

law("a_wrong_answer_is_found", async () => {
  const answer = await until(() => done("INFO"));
  assert.notDeepEqual(problems({ ...answer, streams: "many" }), []);
  const { memory: _, ...without } = answer;
  assert.notDeepEqual(problems(without), []);
});

law("the_account", async () => {
  await done("INFO");
});

law("making_changing_and_ending_streams", () =>
  withStream(async () => {
    await done("STREAM.CREATE.S", { name: "S", subjects: ["s.>"] });
    await refused("STREAM.CREATE.S", { name: "S" }, 10058);
    await refused("STREAM.CREATE.T", "{", 10025);
    await done("STREAM.UPDATE.S", {
      name: "S", subjects: ["s.>"], description: "d", metadata: { k: "v" }, max_consumers: 9, compression: "s2",
      placement: { tags: ["a"] }, subject_transform: { src: "s.x.*", dest: "s.y.$1" }, allow_direct: true,
    });
    await refused("STREAM.UPDATE.S", { name: "S", storage: "memory" }, 10052);
    await done("STREAM.INFO.S");
    await refused("STREAM.INFO.T", undefined, 10059);
    await refused("STREAM.DELETE.T", undefined, 10059);
  }));

law("listing_streams", () =>
  withStream(async () => {
    assert.equal((await done("STREAM.NAMES")).total, 1);
    assert.equal((await done("STREAM.LIST")).streams.length, 1);
    await done("STREAM.NAMES", { subject: "nothing" });
    await done("STREAM.LIST", { offset: 7 });
  }));

law("single_messages", () =>
  withStream(async () => {
    for (let at = 0; at < 5; at++) await publish("s.a");
    const { message } = await done("STREAM.MSG.GET.S", { seq: 2 });
    assert.equal(message.seq, 2);
    await refused("STREAM.MSG.GET.S", { seq: 99 }, 10037);
    await done("STREAM.MSG.DELETE.S", { seq: 2, no_erase: true });
    await refused("STREAM.MSG.DELETE.S", { seq: 2, no_erase: true }, 10043);
    assert.deepEqual((await done("STREAM.INFO.S", { deleted_details: true })).state.deleted, [2]);
    assert.equal((await done("STREAM.PURGE.S", { seq: 4 })).purged, 2);
    assert.equal((await done("STREAM.PURGE.S")).purged, 2);
    await done("STREAM.INFO.S");
    await refused("STREAM.PURGE.T", undefined, 10059);
  }));

law("acknowledgements_of_publishers", () =>
  withStream(async () => {
    assert.equal((await publish("s.a")).seq, 1);
    const refusal = await publish("s.a", "x".repeat(20));
    assert.equal(refusal.error.err_code, 10054);
  }, { max_msg_size: 10 }));

// ACCOUNT.PURGE is left out: its schema takes an error for a success, too, and so for neither.
law("what_needs_a_cluster", async () => {
  for (const name of ["STREAM.LEADER.STEPDOWN.S", "STREAM.PEER.REMOVE.S", "CONSUMER.LEADER.STEPDOWN.S.C",
    "META.LEADER.STEPDOWN", "SERVER.REMOVE"]) await refused(name, undefined, 10010);
});

law("consumers", () =>
  withStream(async () => {
    const config = { durable_name: "C", ack_policy: "explicit" };
    await done("CONSUMER.CREATE.S.C", { stream_name: "S", config });
    await done("CONSUMER.CREATE.S.C", { stream_name: "S", config });
    await refused("CONSUMER.CREATE.S.C", { stream_name: "S", config: { ...config, max_deliver: 3 }, action: "create" }, 10148);
    await publish("s.a");
    await done("CONSUMER.INFO.S.C");
    await refused("CONSUMER.INFO.S.D", undefined, 10014);
    await done("CONSUMER.NAMES.S");
    await done("CONSUMER.DELETE.S.C");
    await refused("CONSUMER.DELETE.S.C", undefined, 10014);
  }));

await run();
