#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill bench: each benchmark does what it was told, counts it, and leaves nothing behind. How fast is not looked at."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tap import run_laws  # noqa: E402


def done(server, *words):
    """The results, one of each line, checked for sense."""
    results = server.lines("bench", *words)
    for result in results:
        for role in result["roles"]:
            assert role["duration_ns"] > 0 and role["rate"] > 0, result
        latency = result.get("latency")
        if latency:
            order = [latency[name] for name in ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")]
            assert order == sorted(order) and order[0] > 0, latency
    assert server.done("stream", "ls", "--names") == "", "it left a stream"
    return results


def counts(result):
    return [(role["role"], role["clients"], role["messages"]) for role in result["roles"]]


def law_every_message_reaches_every_subscriber():
    with tool.ToolServer() as server:
        result, = done(server, "pubsub", "--msgs", "20000", "--clients", "2", "--subscribers", "3", "--size", "16")
        assert counts(result) == [("publisher", 2, 20000), ("subscriber", 3, 60000)], result
        result, = done(server, "pubsub", "--msgs", "1000", "--subscribers", "0")
        assert counts(result) == [("publisher", 1, 1000)], result


def law_each_request_is_timed():
    with tool.ToolServer() as server:
        result, = done(server, "request", "--msgs", "300", "--clients", "3")
        assert counts(result) == [("requester", 3, 300)] and result["latency"]["count"] == 300, result
        shown = server.done("bench", "request", "--msgs", "100")
        assert "50 %" in shown and "#" in shown, shown


def law_published_is_stored():
    with tool.ToolServer() as server:
        result, = done(server, "publish", "--msgs", "3000", "--clients", "2")
        assert counts(result) == [("publisher", 2, 3000)] and "latency" not in result, result
        result, = done(server, "publish", "--sync", "--msgs", "200")
        assert counts(result) == [("publisher", 1, 200)] and result["latency"]["count"] == 200, result


def law_pulled_and_pushed_is_what_was_stored():
    with tool.ToolServer() as server:
        result, = done(server, "pull", "--msgs", "3000", "--clients", "2", "--batch", "100")
        assert counts(result) == [("puller", 2, 3000)], result
        result, = done(server, "pull", "--msgs", "1000", "--no-ack")
        assert counts(result) == [("puller", 1, 1000)], result
        result, = done(server, "push", "--msgs", "2000")
        assert counts(result) == [("receiver", 1, 2000)], result


def law_keys_are_put_and_got():
    with tool.ToolServer() as server:
        put, got = done(server, "kv", "--msgs", "200", "--clients", "2")
        assert counts(put) == [("put", 2, 200)] and counts(got) == [("get", 2, 200)], (put, got)


def law_an_interrupt_leaves_nothing():
    with tool.ToolServer() as server:
        running = server.begin("bench", "publish", "--sync", "--msgs", "100000000")
        wait_until(lambda: server.done("stream", "ls", "--names") == "RILL-BENCH\n", "the benchmark's stream")
        running.send_signal(signal.SIGINT)
        code, out = tool.ended(running)
        assert code == tool.FAILED and "interrupted" in out, out
        assert server.done("stream", "ls", "--names") == ""


def law_a_stream_of_that_name_is_not_touched():
    with tool.ToolServer() as server:
        server.done("stream", "add", "RILL-BENCH")
        code, _, err = server.rill("bench", "publish", "--msgs", "10")
        assert code == tool.FAILED and "10058" in err, err
        assert json.loads(server.done("stream", "info", "RILL-BENCH", "--json"))["state"]["messages"] == 0
        tool.refused(server.rill("bench", "pubsub", "--clients", "0"), tool.USAGE, "--clients")
        tool.refused(server.rill("bench", "pubsub", "--size", "1G"), tool.USAGE, "--size")


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
