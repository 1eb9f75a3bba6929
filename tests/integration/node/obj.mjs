// SPDX-License-Identifier: Apache-2.0
//
// @nats-io/obj: objects in chunks, as the client of today puts and gets them, across a restart and a kill. Each law has a
// store of its own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "@nats-io/transport-node";
import { Objm } from "@nats-io/obj";
import { law, restartServer, run, until, url } from "./harness.mjs";

const open = () => connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
const MIB = 1 << 20;
let stores = 0;

async function withStore(body) {
  const nc = await open();
  try {
    await body(await new Objm(nc).create(`O${++stores}`), nc);
  } finally {
    await nc.close();
  }
}

/** `bytes` that are different everywhere and the same in each run, in pieces, and their hash. */
function content(bytes) {
  const hash = createHash("sha256");
  let at = 0;
  const stream = new ReadableStream({
    pull(controller) {
      if (at >= bytes) return controller.close();
      const piece = new Uint8Array(Math.min(256 * 1024, bytes - at));
      for (let i = 0; i < piece.length; i++) piece[i] = ((at + i) * 2654435761) >>> 13;
      at += piece.length;
      hash.update(piece);
      controller.enqueue(piece);
    },
  });
  return { stream, digest: () => hash.digest("base64url") };
}

async function hashOf(result) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of result.data) {
    hash.update(piece);
    bytes += piece.length;
  }
  assert.ok(!(await result.error));
  return { bytes, digest: hash.digest("base64url") };
}

async function put(store, name, bytes) {
  const { stream, digest } = content(bytes);
  const info = await store.put({ name }, stream);
  assert.equal(info.size, bytes);
  return { info, digest: digest() };
}

async function expectObject(store, name, bytes, digest) {
  assert.deepEqual(await hashOf(await store.get(name)), { bytes, digest });
}

law("an_object_of_64_mib_is_put_and_got", () =>
  withStore(async (store) => {
    const { info, digest } = await put(store, "big", 64 * MIB);
    assert.equal(info.digest.replace(/^SHA-256=/, "").replace(/=+$/, ""), digest);
    await expectObject(store, "big", 64 * MIB, digest);
  }));

law("another_takes_the_place_of_one_and_its_chunks_go", () =>
  withStore(async (store) => {
    await put(store, "a", 3 * MIB);
    const { digest } = await put(store, "a", MIB);
    await expectObject(store, "a", MIB, digest);
    const { streamInfo } = await store.status();
    assert.ok(streamInfo.state.bytes < 2 * MIB, `${streamInfo.state.bytes} bytes`);
    assert.equal(streamInfo.state.num_subjects, 2);
  }));

law("a_deleted_object_is_gone_and_its_chunks_too", () =>
  withStore(async (store) => {
    await put(store, "a", MIB);
    await put(store, "b", 1000);
    assert.ok((await store.delete("a")).success);
    assert.equal(await store.get("a"), null);
    assert.ok((await store.info("a")).deleted);
    assert.deepEqual((await store.list()).map(({ name }) => name), ["b"]);
    assert.ok((await store.status()).streamInfo.state.bytes < 10000);
  }));

law("links_lead_to_objects", () =>
  withStore(async (store, nc) => {
    const { info, digest } = await put(store, "a", 300000);
    await store.link("l", info);
    await expectObject(store, "l", 300000, digest);
    const other = await new Objm(nc).create(`O${++stores}`);
    await other.link("far", info);
    await expectObject(other, "far", 300000, digest);
    await other.linkStore("all", store);
    assert.equal((await other.info("all")).options.link.bucket, store.name);
  }));

law("a_watch_tells_what_becomes_of_objects", () =>
  withStore(async (store) => {
    await put(store, "a", 1000);
    const watch = await store.watch();
    const seen = [];
    const watching = (async () => {
      for await (const info of watch) {
        seen.push(`${info.name}${info.deleted ? " deleted" : ""}`);
        if (seen.length === 2) break;
      }
    })();
    await put(store, "b", 1000);
    await store.delete("a");
    await watching;
    assert.deepEqual(seen, ["b", "a deleted"]);
  }));

for (const how of ["restart", "kill"])
  law(`objects_are_there_after_a_${how}`, () =>
    withStore(async (store) => {
      const big = await put(store, "big", 8 * MIB);
      const small = await put(store, "small", 10);
      await put(store, "gone", MIB);
      await store.delete("gone");
      restartServer(how);
      await until(() => store.status());
      await expectObject(store, "big", 8 * MIB, big.digest);
      await expectObject(store, "small", 10, small.digest);
      assert.equal(await store.get("gone"), null);
      const again = await put(store, "big", MIB);
      await expectObject(store, "big", MIB, again.digest);
    }));

law("a_sealed_store_takes_nothing_more", () =>
  withStore(async (store) => {
    await put(store, "a", 1000);
    assert.ok((await store.seal()).sealed);
    await assert.rejects(put(store, "b", 1000));
    assert.notEqual(await store.get("a"), null);
  }));

await run();
