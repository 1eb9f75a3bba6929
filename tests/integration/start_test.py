#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The start of a broker with many streams: it listens at once, tells how far it has come, and ends with all of them.

RILL_LONG=1 takes 2,000 streams instead of 200."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.pages import CONFIG, get_json, get_status  # noqa: E402
from harness.server import DEADLINE_S, Server, is_nats, under_test  # noqa: E402
from harness.wire import connected  # noqa: E402

SERVER = under_test()
STREAMS = 2000 if os.environ.get("RILL_LONG") else 200
MESSAGES = 3


class Streams(Server):
    """A server with a store of its own; `started_s` is from its start to its first accepted connection."""

    def __init__(self):
        super().__init__(SERVER, CONFIG)

    def start(self):
        self.args = ["-js", "-sd", os.path.join(self.folder, "store")]
        began = time.monotonic()
        super().start()
        connected(self).close()
        self.started_s = time.monotonic() - began


def ask_many(wire, requests, in_flight=64):
    """Sends (subject, body) and takes the answers, so many at a time."""
    waiting = 0
    for subject, body in [*requests, *[(None, b"")] * in_flight]:
        if subject:
            wire.send(b"PUB %s inbox %d\r\n%s\r\n" % (subject.encode(), len(body), body))
            waiting += 1
        while waiting and (waiting >= in_flight or not subject):
            answer = wire.unit()
            assert b'"error"' not in answer, answer
            waiting -= 1


def fill(server):
    creates = [(f"$JS.API.STREAM.CREATE.S{number}", json.dumps({"name": f"S{number}"}).encode()) for number in range(STREAMS)]
    publishes = [(f"S{number}", b"hello") for number in range(STREAMS) for _ in range(MESSAGES)]
    with connected(server) as wire:
        wire.send("SUB inbox 1\r\n")
        ask_many(wire, creates)
        ask_many(wire, publishes)


def watch_recovery(server):
    """Number of ready streams, each time that it was seen to change; until all is well."""
    seen, end = [], time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        status, page = get_status(server, "/healthz")
        if status == 200:
            return seen
        ready = page.get("recovery", {}).get("streams_ready")
        if ready is not None and ready not in seen[-1:]:
            seen.append(ready)
    raise AssertionError(f"not well within {DEADLINE_S:.0f} s: {page}")


def check_start(server, how):
    began = time.monotonic()
    server.start()
    seen = watch_recovery(server)
    print(f"# {STREAMS} streams after a {how}: accepts after {server.started_s * 1000:.1f} ms, all ready after "
          f"{(time.monotonic() - began) * 1000:.0f} ms")
    assert seen == sorted(seen), f"fewer streams were ready later: {seen}"
    page = get_json(server, "/jsz")
    assert (page["streams"], page["messages"]) == (STREAMS, STREAMS * MESSAGES), page
    log = server.log()[server.log_seen :]
    assert log.index("Server is ready") < log.index(f"JetStream: {STREAMS} streams are ready"), log[-2000:]


def law_a_start_with_many_streams_listens_before_they_are_read():
    """After a clean end and after a kill."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server reads its streams before it listens")
    with Streams() as server:
        fill(server)
        server.stop()
        check_start(server, "clean end")
        server.kill()
        check_start(server, "kill")


def law_a_stop_while_streams_are_read_loses_none():
    if is_nats(SERVER):
        raise tap.Skip("nats-server reads its streams before it listens")
    with Streams() as server:
        fill(server)
        for _ in range(3):
            server.stop()
            server.start()
        watch_recovery(server)
        assert get_json(server, "/jsz")["messages"] == STREAMS * MESSAGES


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
