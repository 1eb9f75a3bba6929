#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ack_policy flow_control, which nats-server 2.9 has not: a sink of a work queue that says in its answers to flow control
what it has in good hands, while the broker is killed.

RILL_SEED gives the seed of when the kills come; RILL_LONG=1 kills ten times more often."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.jetstream import Client, DurableServer  # noqa: E402
from harness.server import is_nats, under_test  # noqa: E402
from harness.wire import connected  # noqa: E402

if is_nats(under_test()):
    tap.skip_all("nats-server 2.9 has none of this")

KILLS = 30 if os.environ.get("RILL_LONG") else 3
SEED = int(os.environ.get("RILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
STREAM = {"name": "QUEUE", "subjects": ["work.>"], "retention": "workqueue"}
SINK = {"durable_name": "sink", "ack_policy": "flow_control", "deliver_subject": "to.sink", "max_ack_pending": 50}


class Receiver(Client):
    """Hears what comes to the deliver subject, and not what others ask for."""

    def __init__(self, server):
        self.wire = connected(server, headers=True, no_responders=True)
        self.wire.send("SUB to.sink 1\r\nSUB to.reset 2\r\n")


class Sink:
    """Keeps what it gets, over all its connections, and loses nothing: a gap makes it ask for a reset."""

    def __init__(self):
        self.kept = {}  # payload by stream sequence
        self.client = None

    def connect(self, server):
        self.client = Receiver(server)
        self.client.wire.send("PUB $JS.API.CONSUMER.RESET.QUEUE.sink to.reset 0\r\n\r\n")
        self.last = None  # consumer and stream sequence, from the reset on

    def keep(self, reply, payload):
        stream_seq, consumer_seq = (int(token) for token in reply.split(".")[5:7])
        if self.last is None:
            return  # of before the reset
        assert consumer_seq == self.last[0] + 1 and stream_seq > self.last[1], f"{reply} behind {self.last}"
        self.last = (consumer_seq, stream_seq)
        assert self.kept.setdefault(stream_seq, payload) == payload, stream_seq

    def answer(self, question):
        head = b"NATS/1.0\r\nNats-Last-Consumer: %d\r\nNats-Last-Stream: %d\r\n\r\n" % self.last
        self.client.wire.send(b"HPUB %s %d %d\r\n%s\r\n" % (question.encode(), len(head), len(head), head))

    def step(self):
        """Takes one message; false at the end of the connection."""
        got = self.client.message()
        if got is None:
            return False
        subject, reply, headers, payload = got
        if subject == "to.reset":
            assert b"reset_seq" in payload, payload
            self.last = (0, 0)
        elif subject.startswith("work."):
            self.keep(reply, payload)
        elif reply.startswith("$JS.FC.") and self.last:
            self.answer(reply)
        return True


def publish(client, count, of):
    for number in range(count):
        client.publish(f"work.{number % 7}", f"{of}-{number}", b"%d-%d" % (of, number), "inbox.ack")
    for _ in range(count):
        assert b'"seq"' in client.message()[3]


def left(client):
    return client.ask("STREAM.INFO.QUEUE")["state"]["messages"]


def law_a_sink_gets_everything_in_order_over_kills():
    """What it has said to have is removed; at the end the queue is empty and the sink has each message."""
    print(f"# RILL_SEED={SEED}")
    dice, sink = random.Random(SEED), Sink()
    with DurableServer() as server:
        client = Client(server)
        client.ask("STREAM.CREATE.QUEUE", STREAM)
        client.ask("CONSUMER.CREATE.QUEUE.sink", {"stream_name": "QUEUE", "config": SINK})
        for kill in range(KILLS):
            publish(server.ready("QUEUE"), 500, kill)
            sink.connect(server)
            for _ in range(dice.randrange(400)):
                sink.step()
            server.kill()
            server.start()
        watcher = server.ready("QUEUE")
        sink.connect(server)
        while left(watcher):
            sink.step()
        assert len(sink.kept) == 500 * KILLS and len(set(sink.kept.values())) == 500 * KILLS, len(sink.kept)


def law_a_silent_sink_gets_no_more_than_it_may_have():
    """An answer without sequences, as clients give it by themselves, acknowledges nothing."""
    with DurableServer() as server:
        client = Client(server)
        client.ask("STREAM.CREATE.QUEUE", STREAM)
        publish(client, 80, 0)
        receiver = Receiver(server)
        client.ask("CONSUMER.CREATE.QUEUE.sink", {"stream_name": "QUEUE", "config": SINK})
        got = [receiver.message() for _ in range(51)]
        assert all(reply.startswith("$JS.ACK.") for _, reply, _, _ in got[:50]) and got[50][1].startswith("$JS.FC."), got[50]
        receiver.wire.send(f"PUB {got[50][1]} 0\r\n\r\n")
        while b"Stalled" in (heartbeat := receiver.message()[2]) or b"Heartbeat" not in heartbeat:
            pass  # until the answer was taken
        info = client.ask("CONSUMER.INFO.QUEUE.sink")
        assert (info["num_ack_pending"], info["num_pending"], info["ack_floor"]["stream_seq"]) == (50, 30, 0), info
        assert left(client) == 80


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
