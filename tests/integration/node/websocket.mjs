// SPDX-License-Identifier: Apache-2.0
//
// @nats-io/nats-core over WebSocket, as a browser uses it. Node learnt WebSocket in 22, so for older ones `ws` stands in.
import { headers, wsconnect } from "@nats-io/nats-core";
import { WebSocket } from "ws";
import { run, websocketUrl } from "./harness.mjs";
import { coreLaws } from "./laws.mjs";

globalThis.WebSocket ??= WebSocket;

coreLaws(() => wsconnect({ servers: websocketUrl }), headers);
await run();
