// SPDX-License-Identifier: Apache-2.0
//
// @nats-io/kv: buckets as the client of today uses them, across restarts and kills. Each law has a bucket of its own.
import assert from "node:assert/strict";
import { connect, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { law, restartServer, run, until, url } from "./harness.mjs";

const open = () => connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
let buckets = 0;

async function withBucket(options, body) {
  const nc = await open();
  try {
    const kv = await new Kvm(nc).create(`B${++buckets}`, options);
    await body(kv, nc);
  } finally {
    await nc.close();
  }
}

const valueOf = async (kv, key) => (await kv.get(key))?.string();

async function collect(iterator) {
  const all = [];
  for await (const item of iterator) all.push(item);
  return all;
}

const isConflict = (error) => /wrong last sequence/.test(error.message);

law("what_is_put_is_got", () =>
  withBucket({}, async (kv) => {
    assert.equal(await kv.get("a"), null);
    const first = await kv.put("a", "1");
    const second = await kv.put("a", "2");
    assert.ok(second > first);
    assert.equal(await valueOf(kv, "a"), "2");
    assert.equal((await kv.get("a")).revision, second);
    await kv.delete("a");
    assert.equal((await kv.get("a")).operation, "DEL");
  }));

law("create_takes_a_key_that_is_not_there_or_gone", () =>
  withBucket({ history: 5 }, async (kv) => {
    await kv.create("a", "1");
    await assert.rejects(kv.create("a", "2"), isConflict);
    await kv.delete("a");
    await kv.create("a", "3");
    await kv.purge("a");
    await kv.create("a", "4");
    assert.equal(await valueOf(kv, "a"), "4");
  }));

law("update_takes_the_revision_that_is_there", () =>
  withBucket({}, async (kv) => {
    const first = await kv.put("a", "1");
    const second = await kv.update("a", "2", first);
    await assert.rejects(kv.update("a", "3", first), isConflict);
    await kv.update("a", "3", second);
    assert.equal(await valueOf(kv, "a"), "3");
  }));

law("of_many_updates_at_once_one_wins", () =>
  withBucket({}, async (kv) => {
    const revision = await kv.put("a", "0");
    const done = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => kv.update("a", String(at), revision)));
    assert.equal(done.filter(({ status }) => status === "fulfilled").length, 1);
  }));

law("history_is_as_long_as_the_bucket_says", () =>
  withBucket({ history: 3 }, async (kv) => {
    for (let value = 1; value <= 5; value++) await kv.put("a", String(value));
    await kv.put("b", "1");
    const entries = await collect(await kv.history({ key: "a" }));
    assert.deepEqual(entries.map((entry) => entry.string()), ["3", "4", "5"]);
    assert.equal((await kv.status()).values, 4);
  }));

law("keys_are_those_with_a_value", () =>
  withBucket({}, async (kv) => {
    for (const key of ["a", "b.c", "b.d", "e"]) await kv.put(key, "1");
    await kv.delete("e");
    assert.deepEqual((await collect(await kv.keys())).sort(), ["a", "b.c", "b.d"]);
    assert.deepEqual((await collect(await kv.keys("b.>"))).sort(), ["b.c", "b.d"]);
  }));

law("a_purge_leaves_nothing_but_its_marker", () =>
  withBucket({ history: 10 }, async (kv) => {
    for (let value = 1; value <= 5; value++) await kv.put("a", String(value));
    await kv.purge("a");
    const entries = await collect(await kv.history({ key: "a" }));
    assert.deepEqual(entries.map(({ operation }) => operation), ["PURGE"]);
    await kv.put("b", "1");
    await kv.delete("b");
    await kv.purgeDeletes(0);
    assert.equal((await kv.status()).values, 0);
  }));

law("a_watch_shows_what_is_there_and_what_comes", () =>
  withBucket({}, async (kv) => {
    await kv.put("a", "1");
    await kv.put("b", "1");
    const watch = await kv.watch();
    const seen = [];
    const watching = (async () => {
      for await (const entry of watch) {
        seen.push(`${entry.key}=${entry.operation === "PUT" ? entry.string() : entry.operation}`);
        if (seen.length === 5) break;
      }
    })();
    await until(() => assert.equal(seen.length, 2));
    await kv.put("a", "2");
    await kv.delete("b");
    await kv.put("c", "1");
    await watching;
    assert.deepEqual(seen, ["a=1", "b=1", "a=2", "b=DEL", "c=1"]);
  }));

law("values_end_with_the_time_of_the_bucket", () =>
  withBucket({ ttl: 1000 }, async (kv) => {
    await kv.put("a", "1");
    await until(async () => assert.equal(await kv.get("a"), null));
  }));

law("a_value_with_a_time_of_its_own_ends_with_a_marker", () =>
  withBucket({}, async (kv, nc) => {
    const jsm = await jetstreamManager(nc);
    const stream = `KV_${kv.bucket}`;
    const { config } = await jsm.streams.info(stream);
    await jsm.streams.update(stream, { ...config, allow_msg_ttl: true, subject_delete_marker_ttl: 60e9 });
    const short = headers();
    short.set("Nats-TTL", "60s");
    await jetstream(nc).publish(`$KV.${kv.bucket}.a`, "1", { headers: short });
    assert.equal(await valueOf(kv, "a"), "1");
    await jsm.streams.update(stream, { ...config, allow_msg_ttl: true, max_age: 1e9, duplicate_window: 1e9 });
    const brief = headers();
    brief.set("Nats-TTL", "1s");
    await jetstream(nc).publish(`$KV.${kv.bucket}.b`, "1", { headers: brief });
    await until(async () => assert.equal(await kv.get("b"), null));
  }));

for (const how of ["restart", "kill"])
  law(`everything_is_there_after_a_${how}`, () =>
    withBucket({ history: 2 }, async (kv) => {
      const revisions = new Map();
      for (let key = 0; key < 200; key++) await kv.put(`key.${key}`, "old");
      for (let key = 0; key < 200; key++) revisions.set(key, await kv.put(`key.${key}`, String(key)));
      await kv.purge("key.7");
      restartServer(how);
      await until(() => kv.status());
      for (const [key, revision] of revisions) {
        const entry = await kv.get(`key.${key}`);
        assert.equal(entry.operation, key === 7 ? "PURGE" : "PUT");
        if (key !== 7) assert.deepEqual([entry.string(), entry.revision], [String(key), revision]);
      }
      await assert.rejects(kv.create("key.1", "x"), isConflict);
      await kv.update("key.1", "new", revisions.get(1));
      await assert.rejects(kv.update("key.1", "x", revisions.get(1)), isConflict);
      assert.equal((await collect(await kv.keys())).length, 199);
      assert.deepEqual((await collect(await kv.history({ key: "key.2" }))).map((e) => e.string()), ["old", "2"]);
    }));

await run();
