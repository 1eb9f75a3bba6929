// SPDX-License-Identifier: Apache-2.0
//
// What the tests with the npm clients share: laws with TAP output, a condition with a deadline, and asking
// with_server.py for a restart of the server.
import assert from "node:assert/strict";
import { readSync, writeSync } from "node:fs";

export const url = process.env.RILL_URL;
export const websocketUrl = process.env.RILL_WS_URL;
export const deadlineMs = 60000;

const laws = [];

/** Thrown by a law that cannot be checked here; the text says why and is counted as skipped. */
export class Skip extends Error {}

export function law(name, check) {
  laws.push({ name, check });
}

function withDeadline(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${deadlineMs} ms`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs all laws in order, prints TAP and ends the process. */
export async function run() {
  let failed = 0;
  console.log(`1..${laws.length}`);
  for (const [at, { name, check }] of laws.entries()) {
    try {
      await withDeadline(check());
      console.log(`ok ${at + 1} - ${name}`);
    } catch (error) {
      if (error instanceof Skip) {
        console.log(`ok ${at + 1} - ${name} # SKIP ${error.message}`);
        continue;
      }
      failed++;
      console.log(`not ok ${at + 1} - ${name}`);
      console.log(String(error.stack ?? error).replace(/^/gm, "# "));
    }
  }
  process.exit(failed ? 1 : 0);
}

/** Ends the server gracefully, or with `kill -9`, and starts it on the same port. */
export function restartServer(how = "restart") {
  writeSync(3, `${how}\n`);
  const answer = Buffer.alloc(16);
  assert.ok(readSync(4, answer) > 0, "the server was not restarted");
}

/** Takes `count` messages from a subscription. */
export async function take(subscription, count) {
  const messages = [];
  for await (const message of subscription) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** Calls until it gives something without throwing. */
export async function until(attempt) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise(setImmediate); // what is waited for may come by this process's own sockets
    }
  }
}
