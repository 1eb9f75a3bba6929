# SPDX-License-Identifier: Apache-2.0
"""Streams and consumers over the raw wire."""

import json
import os

from harness.server import Server, under_test, wait_until
from harness.wire import connected


class DurableServer(Server):
    """The one under test. Its store lies in its own folder and goes with it."""

    def __init__(self):
        super().__init__(under_test(), "jetstream: enabled\nmax_payload: 64KB")

    def start(self):
        self.args = ["-js", "-sd", os.path.join(self.folder, "store")]
        super().start()

    def ready(self, stream="ORDERS"):
        """A client of a server whose streams have been read again."""
        client = Client(self)

        def streams_answer():
            return "error" not in client.request(f"$JS.API.STREAM.INFO.{stream}")

        wait_until(streams_answer, "the stream answers")
        return client


class Client:
    """Requests to the JetStream API, one inbox for all; publishes with a message id."""

    def __init__(self, server):
        self.wire = connected(server, headers=True, no_responders=True)
        self.wire.send("SUB inbox.> 1\r\n")
        self.wire.sync()
        self.count = 0

    def message(self):
        """(subject, reply, headers, payload) of the next message, None at the end of the connection."""
        unit = self.wire.unit()
        if unit is None:
            return None
        line, _, body = unit.partition(b" |")
        words, body = line.decode().split(), body[1:]
        header_size = int(words[-2]) if words[0] == "HMSG" else 0
        reply = words[3] if len(words) == (6 if words[0] == "HMSG" else 5) else ""
        return words[1], reply, body[:header_size], body[header_size:]

    def request(self, subject, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        self.count += 1
        inbox = f"inbox.{self.count}"
        self.wire.send(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), inbox.encode(), len(data), data))
        got = self.message()
        assert got and got[0] == inbox and not got[2], f"{subject}: {got}"
        return json.loads(got[3])

    def ask(self, subject, body=None):
        reply = self.request(f"$JS.API.{subject}", body)
        assert "error" not in reply, f"{subject}: {reply['error']}"
        return reply

    def publish(self, subject, identity, payload, reply):
        head = b"NATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n" % identity.encode()
        total = len(head) + len(payload)
        self.wire.send(b"HPUB %s %s %d %d\r\n%s%s\r\n" % (subject.encode(), reply.encode(), len(head), total, head, payload))

    def publish_acknowledged(self, subject, identity, payload):
        self.publish(subject, identity, payload, "inbox.ack")
        got = self.message()
        assert got and got[0] == "inbox.ack", got
        return json.loads(got[3])

    def fetch(self, stream, consumer, batch):
        """What a pull gives until its status says that there is no more: list of (stream sequence, reply, payload)."""
        body = json.dumps({"batch": batch, "no_wait": True}).encode()
        self.wire.send(b"PUB $JS.API.CONSUMER.MSG.NEXT.%s.%s inbox.pull %d\r\n%s\r\n" % (stream.encode(), consumer.encode(), len(body), body))
        messages = []
        while len(messages) < batch:
            _, reply, headers, payload = self.message()
            if headers.startswith((b"NATS/1.0 404", b"NATS/1.0 408")):
                break
            messages.append((int(reply.split(".")[5]), reply, payload))
        return messages

    def acknowledge(self, reply):
        self.wire.send(f"PUB {reply} inbox.done 4\r\n+ACK\r\n")
        got = self.message()
        assert got and got[0] == "inbox.done", got
