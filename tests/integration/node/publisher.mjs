// SPDX-License-Identifier: Apache-2.0
//
// Publishes into a stream with @nats-io/jetstream until its standard input ends, many messages in flight, each under an id
// of its own and again under that id until it is acknowledged. Writes "ID SEQUENCE" for each acknowledgement.
//
//     node publisher.mjs SUBJECT        RILL_URL names the server
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { url } from "./harness.mjs";

const IN_FLIGHT = 64;
const subject = process.argv[2] ?? "orders.n";
const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 1 });
const client = jetstream(connection, { timeout: 1000 });
let next = 0;
let stopping = false;

/** A publish that failed may have been stored all the same: it is made again under its id. */
async function publishUntilAcknowledged(id) {
  for (;;) {
    try {
      return await client.publish(subject, id, { msgID: id, timeout: 1000 });
    } catch {
      await connection.flush().catch(() => {});
    }
  }
}

async function publishAll() {
  while (!stopping) {
    const id = `${subject}-${next++}`;
    const { seq } = await publishUntilAcknowledged(id);
    process.stdout.write(`${id} ${seq}\n`);
  }
}

process.stdin.on("end", () => { stopping = true; }).resume();
await Promise.all(Array.from({ length: IN_FLIGHT }, publishAll));
await connection.close();
process.exit(0);
