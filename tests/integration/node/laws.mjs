// SPDX-License-Identifier: Apache-2.0
//
// The laws of the core that every client has to see, whatever its transport. `connect` gives a new connection;
// `headers` makes an empty header object of that client.
import assert from "node:assert/strict";
import { law, restartServer, take, until } from "./harness.mjs";

/** Runs `body` with two connections, so that everything passes through the server. */
async function overPair(connect, body) {
  const [listener, speaker] = await Promise.all([connect(), connect()]);
  try {
    await body(listener, speaker);
  } finally {
    await Promise.all([listener.close(), speaker.close()]);
  }
}

export function coreLaws(connect, headers) {
  law("publish_reaches_a_subscriber_in_order", () =>
    overPair(connect, async (listener, speaker) => {
      const subscription = listener.subscribe("news.*");
      await listener.flush();
      for (let number = 0; number < 100; number++) speaker.publish(`news.${number % 3}`, String(number));
      const got = (await take(subscription, 100)).map((message) => message.string());
      assert.deepEqual(got, Array.from({ length: 100 }, (_, number) => String(number)));
    }));

  law("a_queue_group_shares_messages_among_its_members", () =>
    overPair(connect, async (listener, speaker) => {
      const counts = [0, 0, 0];
      for (const at of counts.keys()) listener.subscribe("jobs", { queue: "workers", callback: () => counts[at]++ });
      await listener.flush();
      for (let number = 0; number < 300; number++) speaker.publish("jobs", String(number));
      await speaker.flush();
      await listener.flush();
      assert.equal(counts.reduce((sum, count) => sum + count), 300);
      assert.ok(counts.every((count) => count > 0), `each has some: ${counts}`);
    }));

  law("a_request_has_its_reply", () =>
    overPair(connect, async (listener, speaker) => {
      listener.subscribe("ask", { callback: (_, message) => message.respond(`re: ${message.string()}`) });
      await listener.flush();
      const replies = await Promise.all(["a", "b", "c"].map((text) => speaker.request("ask", text, { timeout: 10000 })));
      assert.deepEqual(replies.map((reply) => reply.string()), ["re: a", "re: b", "re: c"]);
    }));

  law("a_request_to_nobody_fails_at_once", () =>
    overPair(connect, async (_, speaker) => {
      await assert.rejects(speaker.request("nobody", "?", { timeout: 10000 }), (error) =>
        /503|no responders/i.test(`${error.code} ${error.message}`));
    }));

  law("headers_arrive_with_their_message", () =>
    overPair(connect, async (listener, speaker) => {
      const subscription = listener.subscribe("head", { max: 1 });
      await listener.flush();
      const given = headers();
      given.append("Color", "green");
      given.append("Size", "large");
      given.append("Size", "wide");
      speaker.publish("head", "body", { headers: given });
      const [message] = await take(subscription, 1);
      assert.equal(message.string(), "body");
      assert.equal(message.headers.get("Color"), "green");
      assert.deepEqual(message.headers.values("Size"), ["large", "wide"]);
    }));

  law("an_empty_and_a_large_payload_arrive_whole", () =>
    overPair(connect, async (listener, speaker) => {
      const subscription = listener.subscribe("sizes", { max: 2 });
      await listener.flush();
      const large = new Uint8Array(900000).map((_, at) => (at * 31) & 255);
      speaker.publish("sizes");
      speaker.publish("sizes", large);
      const [first, second] = await take(subscription, 2);
      assert.equal(first.data.length, 0);
      assert.ok(Buffer.from(large).equals(Buffer.from(second.data)));
    }));

  law("max_ends_a_subscription_after_its_number", () =>
    overPair(connect, async (listener, speaker) => {
      const subscription = listener.subscribe("few", { max: 2 });
      await listener.flush();
      for (let number = 0; number < 5; number++) speaker.publish("few", String(number));
      const got = [];
      for await (const message of subscription) got.push(message.string());
      assert.deepEqual(got, ["0", "1"]);
    }));

  law("drain_loses_nothing", () =>
    overPair(connect, async (listener, speaker) => {
      let count = 0;
      const subscription = listener.subscribe("drops", { callback: () => count++ });
      await listener.flush();
      for (let number = 0; number < 1000; number++) speaker.publish("drops", String(number));
      await speaker.flush();
      await subscription.drain();
      assert.equal(count, 1000);
      await speaker.drain();
      assert.ok(speaker.isClosed());
    }));

  law("a_round_trip_is_measured", () =>
    overPair(connect, async (_, speaker) => {
      assert.ok((await speaker.rtt()) >= 0);
    }));
}

/** The client connects again by itself and subscribes anew. */
export function restartLaws(connect) {
  law("a_client_survives_a_restart_of_the_server", () =>
    overPair(connect, async (listener, speaker) => {
      listener.subscribe("again", { callback: (_, message) => message.respond("here") });
      await listener.flush();
      restartServer();
      const reply = await until(() => speaker.request("again", "?", { timeout: 200 }));
      assert.equal(reply.string(), "here");
    }));
}

/** A service (ADR-32) answers by its endpoints, and tells PING, INFO and STATS what it is. */
export function serviceLaws(connect, addService, clientOf) {
  law("a_service_answers_and_tells_about_itself", () =>
    overPair(connect, async (listener, speaker) => {
      const service = await addService(listener, { name: "adder", version: "1.2.3", description: "adds" });
      const group = service.addGroup("math");
      group.addEndpoint("sum", (error, message) => {
        assert.ok(!error);
        message.respond(JSON.stringify(JSON.parse(message.string()).reduce((sum, one) => sum + one)));
      });
      await listener.flush();
      assert.equal((await speaker.request("math.sum", "[1,2,3]", { timeout: 10000 })).string(), "6");
      const client = clientOf(speaker);
      for (const verb of ["ping", "info", "stats"]) {
        const told = [];
        for await (const one of await client[verb]("adder")) told.push(one);
        assert.equal(told.length, 1, `${verb} is answered once`);
        assert.equal(told[0].name, "adder");
        assert.equal(told[0].version, "1.2.3");
      }
      await service.stop();
      await assert.rejects(speaker.request("math.sum", "[]", { timeout: 10000 }));
    }));
}
