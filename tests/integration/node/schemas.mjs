// SPDX-License-Identifier: Apache-2.0
//
// Every answer of the JetStream API, acknowledgement of a publish and advisory is what NATS' JSON schemas say. Their folder
// (with jetstream/api/v1/*.json and so on) is RILL_NATS_SCHEMAS, else the build's option; without it all is skipped.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { casesAfterPublishing, casesBeforePublishing, pubAckCases } from "./schema-cases.mjs";
import { loadSchemas } from "./schema-files.mjs";
import { law, run, Skip, take, until, url } from "./harness.mjs";

const folder = process.env.RILL_NATS_SCHEMAS ?? process.env.RILL_NATS_SCHEMAS_OPTION;
const schemas = loadSchemas(folder);
if (!schemas) {
  console.log(`1..0 # SKIP no NATS schemas: ${folder ?? "RILL_NATS_SCHEMAS is not set"}`);
  process.exit(0);
}

const PREFIX = "io.nats.jetstream";
const connection = await connect({ servers: url });
const advisories = [];
connection.subscribe("$JS.EVENT.>", { callback: (_, message) => advisories.push(message) });
await connection.flush();

/** The body of an answer; text is sent as it is, anything else as JSON. */
async function ask(subject, body) {
  const data = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  return (await connection.request(subject, data, { timeout: 10000 })).json();
}

function expectOutcome(answer, outcome, where) {
  const code = answer.error?.err_code;
  if (outcome === "success") assert.equal(answer.error, undefined, `${where}: ${JSON.stringify(answer.error)}`);
  else if (outcome === "error") assert.ok(code, `${where} is no error: ${JSON.stringify(answer)}`);
  else assert.equal(code, outcome, `${where}: ${JSON.stringify(answer.error)}`);
}

/** What is not built yet has no outcome to look at. */
const isNotYet = (answer) => /is not implemented yet|does not implement/.test(answer.error?.description ?? "");

/** Refusals of paged requests carry a page, as nats-server's do. */
function expectNoPage({ error, total, streams, consumers }, where) {
  if (error) assert.ok(!(total || streams?.length || consumers?.length), `${where} is refused with a page that is not empty`);
}

async function checkCase({ type, steps }) {
  const missing = [];
  for (const { why, subject, body, outcome } of steps) {
    const answer = await ask(`$JS.API.${subject}`, body);
    const where = `${subject} (${why})`;
    if (isNotYet(answer)) {
      missing.push(why);
      continue;
    }
    assert.equal(answer.type, `${PREFIX}.api.v1.${type}`, `${where} answers with another type`);
    schemas.check(answer.type, answer, where);
    expectNoPage(answer, where);
    expectOutcome(answer, outcome, where);
  }
  if (missing.length) throw new Skip(`not there yet: ${missing.join(", ")}`);
}

const caseLaw = (one) => law(`${one.name}_answers_as_its_schema_says`, () => checkCase(one));

casesBeforePublishing.forEach(caseLaw);

law("publishes_are_acknowledged_as_the_schema_says", async () => {
  for (const { why, subject, headers, outcome } of pubAckCases) {
    const answer = (await connection.request(subject, "payload", { headers, timeout: 10000 })).json();
    schemas.check(`${PREFIX}.api.v1.pub_ack_response`, answer, why);
    expectOutcome(answer, outcome, why);
  }
});

const isTold = (subject) => advisories.some((message) => message.subject === `$JS.EVENT.${subject}`);

law("what_becomes_of_deliveries_is_told", async () => {
  const config = { durable_name: "D", ack_policy: "explicit", max_deliver: 1, ack_wait: 200e6, sample_freq: "100" };
  assert.equal((await ask("$JS.API.CONSUMER.DURABLE.CREATE.S.D", { stream_name: "S", config })).error, undefined);
  const pulled = connection.subscribe("pulled");
  connection.publish("$JS.API.CONSUMER.MSG.NEXT.S.D", JSON.stringify({ batch: 4, expires: 5e9 }), { reply: "pulled" });
  const [first, second, third] = await take(pulled, 4); // the fourth is never acknowledged
  first.respond("-NAK");
  second.respond("+TERM spoiled");
  third.respond("+ACK");
  await until(async () => {
    await connection.flush();
    for (const kind of ["MSG_NAKED", "MSG_TERMINATED", "MAX_DELIVERIES"])
      assert.ok(isTold(`ADVISORY.CONSUMER.${kind}.S.D`), kind);
    assert.ok(isTold("METRIC.CONSUMER.ACK.S.D"));
  });
});

law("who_is_pinned_is_told", async () => {
  const config = { durable_name: "PIN", ack_policy: "explicit", priority_policy: "pinned_client", priority_groups: ["g"] };
  assert.equal((await ask("$JS.API.CONSUMER.DURABLE.CREATE.S.PIN", { stream_name: "S", config })).error, undefined);
  const pulled = connection.subscribe("pinned");
  connection.publish("$JS.API.CONSUMER.MSG.NEXT.S.PIN", JSON.stringify({ batch: 1, group: "g" }), { reply: "pinned" });
  const [message] = await take(pulled, 1);
  const info = await ask("$JS.API.CONSUMER.INFO.S.PIN");
  schemas.check(info.type, info, "a consumer that is pinned");
  assert.equal(info.priority_groups[0].pinned_client_id, message.headers.get("Nats-Pin-Id"));
  assert.equal((await ask("$JS.API.CONSUMER.UNPIN.S.PIN", { group: "g" })).error, undefined);
  await until(async () => {
    await connection.flush();
    for (const kind of ["PINNED", "UNPINNED"]) assert.ok(isTold(`ADVISORY.CONSUMER.${kind}.S.PIN`), kind);
  });
});

casesAfterPublishing.forEach(caseLaw);

/** Type of advisory and its subject behind $JS.EVENT.ADVISORY. */
const EXPECTED = [
  ["stream_action", "STREAM.CREATED.S"],
  ["stream_action", "STREAM.UPDATED.S"],
  ["stream_action", "STREAM.DELETED.GONE"],
  ["consumer_action", "CONSUMER.CREATED.S.C"],
  ["consumer_action", "CONSUMER.DELETED.S.GONE"],
  ["consumer_pause", "CONSUMER.PAUSE.S.C"],
  ["consumer_group_pinned", "CONSUMER.PINNED.S.PIN"],
  ["consumer_group_unpinned", "CONSUMER.UNPINNED.S.PIN"],
  ["max_deliver", "CONSUMER.MAX_DELIVERIES.S.D"],
  ["terminated", "CONSUMER.MSG_TERMINATED.S.D"],
  ["nak", "CONSUMER.MSG_NAKED.S.D"],
  ["api_audit", "API"],
];

law("advisories_are_as_their_schemas_say", async () => {
  await connection.flush();
  for (const message of advisories) {
    const advisory = message.json();
    schemas.check(advisory.type, advisory, message.subject);
  }
  const seen = (type, subject) => advisories.some((message) =>
    message.subject === `$JS.EVENT.ADVISORY.${subject}` && message.json().type === `${PREFIX}.advisory.v1.${type}`);
  for (const [type, subject] of EXPECTED) assert.ok(seen(type, subject), `no ${type} at ${subject}`);
});

law("a_subject_that_nobody_knows_is_a_bad_request", async () => {
  const answer = await ask("$JS.API.NOTHING");
  assert.equal(answer.type, `${PREFIX}.api.v1.system_response`);
  assert.equal(answer.error.err_code, 10003);
});

await until(async () => assert.equal((await ask("$JS.API.INFO")).error, undefined));
await run();
