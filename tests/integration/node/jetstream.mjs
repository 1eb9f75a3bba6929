// SPDX-License-Identifier: Apache-2.0
//
// @nats-io/jetstream: consumers as the client of today uses them. Each law has a stream of its own.
import assert from "node:assert/strict";
import { connect, nanos } from "@nats-io/transport-node";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, ReplayPolicy } from "@nats-io/jetstream";
import { law, restartServer, run, until, url } from "./harness.mjs";

const open = () => connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
let streams = 0;

/** A stream with `count` messages "0", "1", … and a connection that is closed in the end. */
async function withStream(count, body) {
  const nc = await open();
  try {
    const name = `S${++streams}`;
    const jsm = await jetstreamManager(nc);
    const js = jetstream(nc);
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    const publish = async (from, to) => {
      for (let number = from; number < to; number++) await js.publish(`${name}.n`, String(number));
    };
    await publish(0, count);
    await body({ nc, js, jsm, name, publish });
  } finally {
    await nc.close();
  }
}

const durable = (jsm, name, config = {}) =>
  jsm.consumers.add(name, { durable_name: "work", ack_policy: AckPolicy.Explicit, ...config });

const numbers = (from, to) => Array.from({ length: to - from }, (_, at) => String(from + at));

async function collect(messages, count, each = (message) => message.ack()) {
  const got = [];
  for await (const message of messages) {
    got.push(message.string());
    each(message);
    if (got.length === count) break;
  }
  return got;
}

law("next_gives_a_message_or_nothing", () =>
  withStream(1, async ({ jsm, js, name }) => {
    await durable(jsm, name);
    const consumer = await js.consumers.get(name, "work");
    const message = await consumer.next({ expires: 5000 });
    assert.equal(message.string(), "0");
    assert.ok(await message.ackAck());
    assert.equal(await consumer.next({ expires: 1000 }), null);
  }));

law("fetch_gives_what_is_there", () =>
  withStream(10, async ({ jsm, js, name }) => {
    await durable(jsm, name);
    const consumer = await js.consumers.get(name, "work");
    assert.deepEqual(await collect(await consumer.fetch({ max_messages: 4, expires: 5000 }), Infinity), numbers(0, 4));
    assert.deepEqual(await collect(await consumer.fetch({ max_messages: 100, expires: 1000 }), Infinity), numbers(4, 10));
  }));

law("fetch_keeps_to_its_bytes", () =>
  withStream(0, async ({ jsm, js, name }) => {
    for (let number = 0; number < 10; number++) await js.publish(`${name}.n`, new Uint8Array(1000));
    await durable(jsm, name);
    const consumer = await js.consumers.get(name, "work");
    const got = await collect(await consumer.fetch({ max_bytes: 4500, expires: 2000 }), Infinity);
    assert.equal(got.length, 4);
  }));

law("consume_goes_on_as_long_as_it_likes", () =>
  withStream(500, async ({ jsm, js, name, publish }) => {
    await durable(jsm, name);
    const consumer = await js.consumers.get(name, "work");
    const messages = await consumer.consume({ max_messages: 50 });
    const reading = collect(messages, 700);
    await publish(500, 700);
    assert.deepEqual(await reading, numbers(0, 700));
    await messages.close();
  }));

law("consume_shares_messages_among_many", () =>
  withStream(0, async ({ nc, jsm, js, name, publish }) => {
    await durable(jsm, name);
    const seen = new Set();
    const counts = [0, 0, 0];
    const all = await Promise.all(counts.map(async (_, at) => {
      const consumer = await js.consumers.get(name, "work");
      return consumer.consume({ max_messages: 10, callback: (message) => {
        assert.ok(!seen.has(message.string()));
        seen.add(message.string());
        counts[at]++;
        message.ack();
      } });
    }));
    await publish(0, 300);
    await until(async () => {
      await nc.flush();
      assert.equal(seen.size, 300);
    });
    assert.ok(counts.every((count) => count > 50), `each has its share: ${counts}`);
    await Promise.all(all.map((messages) => messages.close()));
  }));

law("what_is_refused_comes_again_with_its_count", () =>
  withStream(1, async ({ jsm, js, name }) => {
    await durable(jsm, name, { max_deliver: 3 });
    const consumer = await js.consumers.get(name, "work");
    for (let deliveries = 1; deliveries <= 3; deliveries++) {
      const message = await consumer.next({ expires: 5000 });
      assert.equal(message.info.deliveryCount, deliveries);
      message.nak(deliveries === 1 ? 50 : undefined);
    }
    assert.equal(await consumer.next({ expires: 1000 }), null, "it was given up");
  }));

law("a_consumer_tells_about_itself", () =>
  withStream(5, async ({ jsm, js, name }) => {
    await durable(jsm, name, { description: "mine", metadata: { colour: "green" }, backoff: [nanos(1000), nanos(5000)], max_deliver: 4 });
    const consumer = await js.consumers.get(name, "work");
    await consumer.next({ expires: 5000 });
    const info = await jsm.consumers.info(name, "work");
    assert.equal(info.num_pending, 4);
    assert.equal(info.num_ack_pending, 1);
    assert.equal(info.config.metadata.colour, "green");
    assert.deepEqual((await jsm.consumers.list(name).next()).map((one) => one.name), ["work"]);
    assert.equal((await jsm.consumers.update(name, "work", { description: "yours" })).config.description, "yours");
    assert.ok(await jsm.consumers.delete(name, "work"));
    await assert.rejects(jsm.consumers.info(name, "work"), /consumer not found/);
  }));

law("a_paused_consumer_rests", () =>
  withStream(1, async ({ jsm, js, name }) => {
    await durable(jsm, name);
    const paused = await jsm.consumers.pause(name, "work", new Date(Date.now() + 60000));
    assert.equal(paused.paused, true);
    const consumer = await js.consumers.get(name, "work");
    assert.equal(await consumer.next({ expires: 1000 }), null);
    assert.equal((await jsm.consumers.resume(name, "work")).paused, false);
    assert.equal((await consumer.next({ expires: 5000 })).string(), "0");
  }));

law("an_ordered_consumer_sees_everything_in_order", () =>
  withStream(300, async ({ js, name, publish }) => {
    const consumer = await js.consumers.get(name);
    const messages = await consumer.consume({ max_messages: 100 });
    const reading = collect(messages, 400, () => {});
    await publish(300, 400);
    assert.deepEqual(await reading, numbers(0, 400));
    await messages.close();
  }));

law("an_ordered_consumer_survives_the_loss_of_its_consumer", () =>
  withStream(50, async ({ nc, js, jsm, name, publish }) => {
    const consumer = await js.consumers.get(name);
    const messages = await consumer.consume({ max_messages: 10, expires: 2000, idle_heartbeat: 500 });
    const got = [];
    const reading = (async () => {
      for await (const message of messages) {
        got.push(message.string());
        if (got.length === 80) break;
      }
    })();
    await until(async () => {
      await nc.flush();
      assert.equal(got.length, 50);
    });
    for (const one of await jsm.consumers.list(name).next()) await jsm.consumers.delete(name, one.name);
    await publish(50, 80);
    await reading;
    assert.deepEqual(got, numbers(0, 80));
  }));

law("an_ordered_push_consumer_reads_a_stream", () =>
  withStream(200, async ({ js, name }) => {
    const consumer = await js.consumers.getPushConsumer(name, { deliver_policy: DeliverPolicy.All });
    const messages = await consumer.consume();
    assert.deepEqual(await collect(messages, 200, () => {}), numbers(0, 200));
    await messages.close();
  }));

law("a_push_consumer_delivers_with_flow_control", () =>
  withStream(0, async ({ jsm, js, name }) => {
    const payload = new Uint8Array(20000).fill(120);
    for (let number = 0; number < 400; number++) js.publish(`${name}.n`, payload);
    await jsm.consumers.add(name, {
      durable_name: "push", deliver_subject: `to.${name}`, ack_policy: AckPolicy.None, flow_control: true,
      idle_heartbeat: nanos(1000), replay_policy: ReplayPolicy.Instant,
    });
    const consumer = await js.consumers.getPushConsumer(name, "push");
    const messages = await consumer.consume();
    let count = 0;
    for await (const message of messages) {
      assert.equal(message.data.length, 20000);
      if (++count === 400) break;
    }
    assert.equal((await jsm.consumers.info(name, "push")).delivered.stream_seq, 400);
  }));

/** Publishes "subject" with itself as the payload; returns what was published. */
async function publishTo(js, name, subjects) {
  for (const subject of subjects) await js.publish(`${name}.${subject}`, subject);
  return subjects;
}

const letters = Array.from({ length: 60 }, (_, at) => "abcdef"[at % 6]);

law("a_filter_leaves_out_what_it_does_not_take", () =>
  withStream(0, async ({ jsm, js, name }) => {
    await publishTo(js, name, letters);
    await durable(jsm, name, { filter_subjects: [`${name}.a`, `${name}.d`] });
    const consumer = await js.consumers.get(name, "work");
    assert.equal((await consumer.info()).num_pending, 20);
    const got = await collect(await consumer.fetch({ max_messages: 100, expires: 1000 }), Infinity);
    assert.deepEqual(got, letters.filter((letter) => "ad".includes(letter)));
    assert.equal((await consumer.info()).num_pending, 0);
  }));

law("an_ordered_consumer_has_filters", () =>
  withStream(0, async ({ js, name }) => {
    await publishTo(js, name, letters);
    const consumer = await js.consumers.get(name, { filter_subjects: [`${name}.b`, `${name}.c`] });
    const messages = await consumer.consume({ max_messages: 10 });
    const got = await collect(messages, 20, () => {});
    assert.deepEqual(got, letters.filter((letter) => "bc".includes(letter)));
    await messages.close();
  }));

law("the_last_of_each_subject_comes_first", () =>
  withStream(0, async ({ js, name }) => {
    await publishTo(js, name, letters);
    const consumer = await js.consumers.get(name, { filter_subjects: [`${name}.>`], deliver_policy: DeliverPolicy.LastPerSubject });
    const messages = await consumer.consume();
    const reading = collect(messages, 7, () => {});
    await publishTo(js, name, ["new"]);
    assert.deepEqual(await reading, [..."abcdef", "new"]);
    await messages.close();
  }));

law("a_time_in_the_past_is_a_beginning", () =>
  withStream(3, async ({ jsm, js, name, publish }) => {
    const { time } = await jsm.streams.getMessage(name, { seq: 3 });
    await publish(3, 5);
    await durable(jsm, name, { deliver_policy: DeliverPolicy.StartTime, opt_start_time: time.toISOString() });
    const consumer = await js.consumers.get(name, "work");
    const got = await collect(await consumer.fetch({ max_messages: 10, expires: 1000 }), Infinity);
    assert.ok(got.length >= 3, `${got}`);
    assert.equal(got.at(-1), "4");
  }));

law("a_work_queue_is_empty_when_all_is_done", async () => {
  const nc = await open();
  try {
    const name = `S${++streams}`;
    const [jsm, js] = [await jetstreamManager(nc), jetstream(nc)];
    await jsm.streams.add({ name, subjects: [`${name}.>`], retention: "workqueue" });
    await publishTo(js, name, letters);
    await assert.rejects(durable(jsm, name, { ack_policy: AckPolicy.None }), /pull mode requires/);
    await durable(jsm, name, { filter_subject: `${name}.a` });
    await assert.rejects(jsm.consumers.add(name, { durable_name: "all", ack_policy: AckPolicy.Explicit }), /work ?queue/);
    await jsm.consumers.add(name, { durable_name: "rest", ack_policy: AckPolicy.Explicit, filter_subjects: [..."bcdef"].map((letter) => `${name}.${letter}`) });
    for (const [worker, count] of [["work", 10], ["rest", 50]]) {
      const consumer = await js.consumers.get(name, worker);
      assert.equal((await collect(await consumer.fetch({ max_messages: count, expires: 5000 }), Infinity)).length, count);
    }
    await until(async () => (await jsm.streams.info(name)).state.messages === 0, "the queue is empty");
  } finally {
    await nc.close();
  }
});

law("work_goes_on_after_a_restart_of_the_server", () =>
  withStream(100, async ({ jsm, js, name }) => {
    await durable(jsm, name);
    const consumer = await js.consumers.get(name, "work");
    const before = await collect(await consumer.fetch({ max_messages: 60, expires: 5000 }), 60);
    const last = await consumer.next({ expires: 5000 });
    assert.ok(await last.ackAck());
    restartServer();
    await until(() => jsm.consumers.info(name, "work"));
    const again = await js.consumers.get(name, "work");
    const rest = await collect(await again.fetch({ max_messages: 100, expires: 2000 }), Infinity);
    const all = new Set([...before, last.string(), ...rest]);
    assert.equal(all.size, 100);
    assert.ok(!rest.includes(last.string()), "a confirmed acknowledgement is kept");
  }));

await run();
