#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a broker under the load of real clients, which publish again what was not acknowledged: what they were told is
stored where they were told, and each message once.

RILL_LONG=1 kills 50 times instead of 5, RILL_SEED gives the seed of when. Kills are aimed by the seed, where they hit also
depends on the machine."""

import base64
import os
import random
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from durable_test import Client, DurableServer, stored  # noqa: E402
from harness import tap  # noqa: E402
from harness.server import DEADLINE_S, is_nats, under_test, wait_until  # noqa: E402

SERVER = under_test()
KILLS = 50 if os.environ.get("RILL_LONG") else 5
SEED = int(os.environ.get("RILL_SEED", str(random.SystemRandom().randrange(1 << 32))))


class Publisher:
    """A client program that publishes until it is told to end. `acknowledged` is {id: sequence}."""

    def __init__(self, command, server):
        environment = dict(os.environ, RILL_URL=f"nats://127.0.0.1:{server.port}")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.acknowledged = {}
        self.reading = threading.Thread(target=self.read)
        self.reading.start()

    def read(self):
        for line in self.process.stdout:
            identity, sequence = line.split()
            assert identity not in self.acknowledged, f"{identity} was acknowledged twice"
            self.acknowledged[identity] = int(sequence)

    def end(self):
        """What is on its way is finished first."""
        self.process.stdin.close()
        status = self.process.wait(DEADLINE_S)
        self.reading.join()
        assert status == 0, f"the publisher ended with {status}"

    def abandon(self):
        """After a failure: nothing of it may stay."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reading.join()


def lost_of(acknowledged, found):
    return [identity for identity, sequence in acknowledged if found.get(sequence) != identity.encode()]


def kill_once(server, publisher, goal):
    """Kills when so many more were acknowledged, starts again, and looks for what had been acknowledged by then."""
    before = len(publisher.acknowledged)
    wait_until(lambda: len(publisher.acknowledged) >= before + goal or publisher.process.poll() is not None,
               f"{goal} acknowledgements after {before}", 3 * DEADLINE_S)
    assert publisher.process.poll() is None, "the publisher ended"
    server.kill()
    told = list(publisher.acknowledged.items())
    server.start()
    client = server.ready()
    for identity, sequence in told[-200:]:
        message = client.ask("STREAM.MSG.GET.ORDERS", {"seq": sequence})["message"]
        assert base64.b64decode(message["data"]) == identity.encode(), f"{identity} was told {sequence}: {message}"
    client.wire.close()


def check_kills(command):
    print(f"# RILL_SEED={SEED}")
    dice = random.Random(SEED)
    with DurableServer() as server:
        Client(server).ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"]})
        publisher = Publisher(command, server)
        try:
            for _ in range(KILLS):
                kill_once(server, publisher, dice.choice([0, 1, dice.randrange(50), dice.randrange(1000)]))
            publisher.end()
        finally:
            publisher.abandon()
        found = stored(server.ready())
        lost = lost_of(publisher.acknowledged.items(), found)
        print(f"# {KILLS} kills, {len(publisher.acknowledged)} acknowledged, {len(found)} stored")
        assert not lost, f"acknowledged and not stored: {lost[:10]}"
        assert sorted(found.values()) == sorted(identity.encode() for identity in publisher.acknowledged), "stored twice, or unasked"


def law_what_libnats_was_told_is_stored_once():
    program = os.environ.get("RILL_LIBNATS_PUBLISHER")
    if not program or is_nats(SERVER):
        raise tap.Skip("no program with libnats, or a server that acknowledges before it syncs")
    check_kills([program, "orders.c"])


def law_what_the_npm_client_was_told_is_stored_once():
    node = shutil.which("node") or shutil.which("nodejs")
    if not node or not os.path.isdir(os.path.join(HERE, "node", "node_modules", "@nats-io", "jetstream")):
        raise tap.Skip("node or its packages are not installed: run `npm ci` in tests/integration/node")
    if is_nats(SERVER):
        raise tap.Skip("a server that acknowledges before it syncs")
    check_kills([node, os.path.join(HERE, "node", "publisher.mjs"), "orders.n"])


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
