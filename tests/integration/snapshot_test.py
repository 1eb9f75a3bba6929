#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams that are backed up over the wire from a real rilld and restored: under load, with bounded memory, over a kill."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from durable_test import Client, DurableServer  # noqa: E402
from harness import tap  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.wire import connected  # noqa: E402

CHUNK_BYTES = 32 * 1024
MESSAGE_BYTES = 4000


def filled(server, messages):
    client = Client(server)
    client.ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"]})
    for at in range(messages):
        client.publish("orders.new", f"id-{at}", b"%08d" % at + b"x" * MESSAGE_BYTES, "inbox.ack")
        if at >= 100:
            client.message()
    for _ in range(min(messages, 100)):
        client.message()
    return client


def take(client, stream):
    """The chunks of a snapshot, one after the other."""
    client.wire.send("SUB snap 2\r\n")
    client.ask(f"STREAM.SNAPSHOT.{stream}", {"deliver_subject": "snap", "chunk_size": CHUNK_BYTES})
    while True:
        subject, reply, headers, payload = client.message()
        assert subject == "snap", subject
        if not payload:
            assert headers.startswith(b"NATS/1.0 204"), headers
            client.wire.send("UNSUB 2\r\n")
            return
        yield payload
        client.wire.send(f"PUB {reply} 0\r\n\r\n")


def begin_restore(client, name, subjects):
    config = {"name": name, "subjects": subjects}
    return client.ask(f"STREAM.RESTORE.{name}", {"config": config, "state": {}})["deliver_subject"]


def give(client, subject, chunk):
    client.wire.send(b"PUB %s inbox.chunk %d\r\n%s\r\n" % (subject.encode(), len(chunk), chunk))
    got = client.message()
    assert got and got[0] == "inbox.chunk", got
    return got[3]


def restore(client, name, subjects, chunks):
    subject = begin_restore(client, name, subjects)
    for chunk in chunks:
        answer = give(client, subject, chunk)
        assert not answer, answer
    return json.loads(give(client, subject, b""))


class Publisher(Client):
    """Its answers go to nobody else."""

    def __init__(self, server):
        self.wire = connected(server, headers=True, no_responders=True)
        self.wire.send("SUB publisher.> 1\r\n")
        self.wire.sync()

    def publish_until(self, stop, published):
        while not stop.is_set():
            self.publish("orders.more", f"more-{len(published)}", b"y" * 500, "publisher.ack")
            published.append(json.loads(self.message()[3])["seq"])


def law_a_stream_is_backed_up_while_it_is_written_to():
    with DurableServer() as server:
        client = filled(server, 3000)
        stop, published = threading.Event(), []
        publisher = threading.Thread(target=Publisher(server).publish_until, args=(stop, published))
        publisher.start()
        wait_until(lambda: len(published) > 20, "somebody publishes")
        chunks = list(take(client, "ORDERS"))
        stop.set()
        publisher.join()
        answer = restore(client, "COPY", ["copy.>"], chunks)
        assert answer["did_create"] and answer["config"]["name"] == "COPY", answer
        last = answer["state"]["last_seq"]
        assert 3020 <= last <= 3000 + len(published), (last, len(published))
        assert answer["state"]["messages"] == last, answer["state"]
        for seq in range(1, last + 1, 37):
            one, other = (client.ask(f"STREAM.MSG.GET.{name}", {"seq": seq})["message"] for name in ("ORDERS", "COPY"))
            assert one == other, (one, other)
        again = client.publish_acknowledged("copy.new", "id-7", b"known")
        assert again.get("duplicate") and again["seq"] == 8, again


def law_a_snapshot_takes_little_memory():
    with DurableServer() as server:
        client = filled(server, 8000)
        before = server.memory_bytes()
        size = most = 0
        for chunk in take(client, "ORDERS"):
            size += len(chunk)
            if not size % (CHUNK_BYTES * 64):
                most = max(most, server.memory_bytes())
        assert size > 25 << 20 and most > 0, size
        assert most - before < 24 << 20, (before, most)


def law_a_kill_in_a_restore_leaves_nothing():
    with DurableServer() as server:
        client = filled(server, 1000)
        chunks = list(take(client, "ORDERS"))
        subject = begin_restore(client, "COPY", ["copy.>"])
        for chunk in chunks[: len(chunks) // 2]:
            assert not give(client, subject, chunk)
        account = os.path.join(server.folder, "store", "$G")
        assert "COPY.restoring" in os.listdir(account)
        server.kill()
        server.start()
        client = server.ready()
        assert os.listdir(account) == ["ORDERS"], os.listdir(account)
        assert client.request("$JS.API.STREAM.INFO.COPY")["error"]["err_code"] == 10059
        assert restore(client, "COPY", ["copy.>"], chunks)["state"]["messages"] == 1000


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
