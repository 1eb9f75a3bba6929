// SPDX-License-Identifier: Apache-2.0
//
// The package `nats` (2.x), which most of what runs today still uses; its services API is inside.
import { connect, headers } from "nats";
import { run, url } from "./harness.mjs";
import { coreLaws, restartLaws, serviceLaws } from "./laws.mjs";

const open = () => connect({ servers: url, reconnectTimeWait: 20, maxReconnectAttempts: -1 });

coreLaws(open, headers);
serviceLaws(open, (nc, config) => nc.services.add(config), (nc) => nc.services.client());
restartLaws(open);
await run();
