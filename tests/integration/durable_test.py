#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The durable path over the raw wire, and what a kill -9 leaves of it: what was acknowledged is stored, once.

RILL_SEED gives the seed of when the kills come; RILL_LONG=1 kills ten times more often."""

import json
import os
import random
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.jetstream import Client, DurableServer  # noqa: E402
from harness.server import wait_until  # noqa: E402

LONG = 10 if os.environ.get("RILL_LONG") else 1
SEED = int(os.environ.get("RILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
SECOND_NS = 1_000_000_000


def with_stream(server, ack_wait_ns=30 * SECOND_NS):
    client = Client(server)
    created = client.ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"], "storage": "file", "retention": "limits"})
    assert created["did_create"] is True and created["config"]["subjects"] == ["orders.>"], created
    config = {"durable_name": "work", "ack_policy": "explicit", "deliver_policy": "all", "ack_wait": ack_wait_ns, "max_ack_pending": 100000}
    made = client.ask("CONSUMER.DURABLE.CREATE.ORDERS.work", {"stream_name": "ORDERS", "config": config})
    assert made["name"] == "work" and made["config"]["ack_policy"] == "explicit", made
    return client


def law_a_message_travels_through_the_stream():
    with DurableServer() as server:
        client = with_stream(server)
        assert client.publish_acknowledged("orders.new", "a", b"one") == {"stream": "ORDERS", "seq": 1}
        assert client.publish_acknowledged("orders.new", "b", b"two") == {"stream": "ORDERS", "seq": 2}
        got = client.fetch("ORDERS", "work", 10)
        assert [(seq, payload) for seq, _, payload in got] == [(1, b"one"), (2, b"two")], got
        for _, reply, _ in got:
            client.acknowledge(reply)
        info = client.ask("CONSUMER.INFO.ORDERS.work")
        assert info["ack_floor"]["stream_seq"] == 2 and info["num_ack_pending"] == 0 and info["num_pending"] == 0, info
        assert client.ask("STREAM.INFO.ORDERS")["state"]["messages"] == 2
        assert client.ask("STREAM.NAMES", {})["streams"] == ["ORDERS"]


def law_a_message_id_is_stored_once():
    with DurableServer() as server:
        client = with_stream(server)
        client.publish_acknowledged("orders.new", "a", b"one")
        assert client.publish_acknowledged("orders.new", "a", b"other") == {"stream": "ORDERS", "seq": 1, "duplicate": True}
        assert client.ask("STREAM.INFO.ORDERS")["state"]["messages"] == 1


def law_a_message_id_is_remembered_over_a_restart():
    with DurableServer() as server:
        client = with_stream(server)
        client.publish_acknowledged("orders.new", "a", b"one")
        server.stop()
        server.start()
        assert server.ready().publish_acknowledged("orders.new", "a", b"one") == {"stream": "ORDERS", "seq": 1, "duplicate": True}


def law_what_is_not_acknowledged_comes_again():
    with DurableServer() as server:
        client = with_stream(server, ack_wait_ns=SECOND_NS // 2)
        client.publish_acknowledged("orders.new", "a", b"one")
        first = client.fetch("ORDERS", "work", 1)[0]
        assert first[1].split(".")[4] == "1", "delivered once"
        again = wait_until(lambda: client.fetch("ORDERS", "work", 1), "redelivery")[0]
        assert again[0] == 1 and again[1].split(".")[4] == "2", again
        client.acknowledge(again[1])
        assert client.ask("CONSUMER.INFO.ORDERS.work")["num_ack_pending"] == 0


def law_acknowledgements_survive_a_restart():
    with DurableServer() as server:
        client = with_stream(server)
        for number in range(10):
            client.publish_acknowledged("orders.new", str(number), b"%d" % number)
        for _, reply, _ in client.fetch("ORDERS", "work", 4):
            client.acknowledge(reply)
        server.stop()
        server.start()
        client = server.ready()
        rest = [payload for _, _, payload in client.fetch("ORDERS", "work", 10)]
        assert rest == [b"%d" % number for number in range(4, 10)], rest


def law_a_request_waits_for_a_message():
    """A pull with `expires` is answered when there is something, or with 408 at its end."""
    with DurableServer() as server:
        client = with_stream(server)
        body = json.dumps({"batch": 1, "expires": 10 * SECOND_NS}).encode()
        client.wire.send(b"PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.work inbox.pull %d\r\n%s\r\n" % (len(body), body))
        client.wire.sync()
        client.publish("orders.new", "a", b"one", "inbox.ack")
        got = sorted([client.message()[3], client.message()[3]])
        assert got[0] == b"one" and json.loads(got[1])["seq"] == 1, got
        body = json.dumps({"batch": 1, "expires": SECOND_NS // 5}).encode()
        client.wire.send(b"PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.work inbox.pull %d\r\n%s\r\n" % (len(body), body))
        assert client.message()[2].startswith(b"NATS/1.0 408 Request Timeout"), "408 at its end"


def law_deleted_is_gone():
    with DurableServer() as server:
        client = with_stream(server)
        client.publish_acknowledged("orders.new", "a", b"one")
        assert client.ask("CONSUMER.DELETE.ORDERS.work")["success"] is True
        assert client.request("$JS.API.CONSUMER.INFO.ORDERS.work")["error"]["err_code"] == 10014
        assert client.ask("STREAM.DELETE.ORDERS")["success"] is True
        assert client.request("$JS.API.STREAM.INFO.ORDERS")["error"]["err_code"] == 10059


def law_jetstream_says_what_it_has():
    with DurableServer() as server:
        client = with_stream(server)
        info = client.ask("INFO")
        assert (info["type"], info["streams"], info["consumers"]) == ("io.nats.jetstream.api.v1.account_info_response", 1, 1), info


def publish_until_killed(server, client, todo, acknowledged):
    """Keeps up to 64 publishes in flight; notes each acknowledgement. Ends with the connection."""
    waiting, todo = 0, list(todo)
    while True:
        while todo and waiting < 64:
            number = todo.pop(0)
            client.publish("orders.n", f"id{number}", b"%d" % number, f"inbox.p.{number}")
            waiting += 1
        got = client.message() if waiting else None
        if got is None:
            return
        waiting -= 1
        ack = json.loads(got[3])
        assert "error" not in ack, ack
        acknowledged[int(got[0].split(".")[2])] = ack["seq"]


def stored(client):
    """Everything in the stream, as {sequence: payload}, by a consumer that is made for this."""
    name = f"audit{client.count}"
    config = {"durable_name": name, "ack_policy": "explicit", "deliver_policy": "all", "max_ack_pending": 1000000}
    client.ask(f"CONSUMER.DURABLE.CREATE.ORDERS.{name}", {"stream_name": "ORDERS", "config": config})
    found = {}
    while batch := client.fetch("ORDERS", name, 500):
        found.update((sequence, payload) for sequence, _, payload in batch)
    client.ask(f"CONSUMER.DELETE.ORDERS.{name}")
    return found


def kill_once(server, dice, total, acknowledged):
    """One round: publish what is not yet acknowledged, kill somewhere in it, start again, look what is there."""
    client = server.ready()
    before, goal = len(acknowledged), dice.randrange(1, max(2, total // 4))
    todo = [number for number in range(total) if number not in acknowledged]
    publishing = threading.Thread(target=publish_until_killed, args=(server, client, todo, acknowledged))
    publishing.start()
    wait_until(lambda: len(acknowledged) >= before + goal or not publishing.is_alive(), "some acknowledgements")
    server.kill()
    publishing.join()
    server.start()
    found = stored(server.ready())
    lost = [number for number, sequence in acknowledged.items() if found.get(sequence) != b"%d" % number]
    assert not lost, f"acknowledged and not stored: {lost[:10]}"


def law_after_a_kill_what_was_acknowledged_is_stored_once():
    """Publishing is repeated until all is acknowledged: then each message is there exactly once, in spite of the kills."""
    print(f"# RILL_SEED={SEED}")
    dice, total, acknowledged = random.Random(SEED), 2000 * LONG, {}
    with DurableServer() as server:
        with_stream(server)
        rounds = 0
        while len(acknowledged) < total and rounds < 100 * LONG:
            kill_once(server, dice, total, acknowledged)
            rounds += 1
        found = stored(server.ready())
        print(f"# {rounds} kills, {len(found)} messages")
        assert len(acknowledged) == total
        assert sorted(int(payload) for payload in found.values()) == list(range(total))


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
