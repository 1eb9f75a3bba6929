// SPDX-License-Identifier: Apache-2.0
//
// @nats-io/transport-node (the client of today, over TCP), and @nats-io/services with it.
import { connect, headers } from "@nats-io/transport-node";
import { Svcm } from "@nats-io/services";
import { run, url } from "./harness.mjs";
import { coreLaws, restartLaws, serviceLaws } from "./laws.mjs";

const open = () => connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });

coreLaws(open, headers);
serviceLaws(open, (nc, config) => new Svcm(nc).add(config), (nc) => new Svcm(nc).client());
restartLaws(open);
await run();
