#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill consumer: making, changing, showing, reading and removing consumers."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402


def with_worker(server, count=5, *options):
    """A stream ORDERS with messages "1" to `count`, and a consumer `worker`."""
    server.done("stream", "add", "ORDERS", "--subjects", "orders.*")
    server.done("pub", "orders.new", "{{Count}}", "--stream", "--count", str(count))
    return server.json("consumer", "add", "ORDERS", "worker", *options)


def info(server):
    return server.json("consumer", "info", "ORDERS", "worker")


def law_what_the_options_say_is_what_the_server_has():
    with tool.ToolServer() as server:
        made = with_worker(server, 1, "--wait", "7s", "--max-deliver", "4", "--max-pending", "50", "--description", "works",
                           "--replay", "instant", "--max-waiting", "9", "--filter", "orders.*")
        wanted = {"durable_name": "worker", "ack_policy": "explicit", "ack_wait": 7 * 10**9, "max_deliver": 4, "max_ack_pending": 50,
                  "description": "works", "filter_subject": "orders.*", "max_waiting": 9, "deliver_policy": "all"}
        assert {name: made["config"].get(name) for name in wanted} == wanted, made["config"]
        card = server.done("consumer", "info", "ORDERS", "worker")
        assert "Ack wait: 7s\n" in card and "Still to come: 1\n" in card, card


def law_without_a_name_it_is_ephemeral():
    with tool.ToolServer() as server:
        with_worker(server, 1)
        made = server.json("consumer", "add", "ORDERS", "--ack", "none")
        assert made["name"] and "durable_name" not in made["config"] and made["config"]["ack_policy"] == "none", made
        named = server.json("consumer", "add", "ORDERS", "shortlived", "--ephemeral", "--inactive-threshold", "1m")
        assert named["name"] == "shortlived" and "durable_name" not in named["config"], named


def law_where_it_starts_can_be_said():
    with tool.ToolServer() as server:
        with_worker(server, 5)
        made = server.json("consumer", "add", "ORDERS", "third", "--start-seq", "3")
        assert made["config"]["deliver_policy"] == "by_start_sequence" and made["num_pending"] == 3, made
        made = server.json("consumer", "add", "ORDERS", "hour", "--start-time", "1h")
        assert made["config"]["deliver_policy"] == "by_start_time" and made["num_pending"] == 5, made
        assert server.json("consumer", "add", "ORDERS", "new", "--deliver", "new")["num_pending"] == 0
        tool.refused(server.rill("consumer", "add", "ORDERS", "x", "--deliver", "new", "--start-seq", "3"), tool.USAGE, "exclude")


def law_an_edit_changes_only_what_is_given():
    with tool.ToolServer() as server:
        before = with_worker(server, 1, "--wait", "7s")["config"]
        after = server.json("consumer", "edit", "ORDERS", "worker", "--max-pending", "33")["config"]
        assert after.pop("max_ack_pending") == 33 and before.pop("max_ack_pending") != 33 and after == before, (before, after)
        tool.refused(server.rill("consumer", "edit", "ORDERS", "none", "--wait", "1s"), tool.NOTHING, "10014")


def law_what_was_printed_is_acknowledged():
    with tool.ToolServer() as server:
        with_worker(server, 5)
        assert server.done("consumer", "next", "ORDERS", "worker", "--raw") == "1\n"
        assert server.done("consumer", "next", "ORDERS", "worker", "--raw", "--count", "2") == "2\n3\n"
        shown = server.lines("consumer", "next", "ORDERS", "worker")[0]
        assert (shown["seq"], shown["consumer"], shown["delivered"], shown["pending"]) == (4, "worker", 1, 1), shown
        wait_until(lambda: info(server)["ack_floor"]["stream_seq"] == 4, "the acknowledgements")
        code, out, err = server.rill("consumer", "next", "ORDERS", "worker", "--count", "3", "--wait", "200ms", "--raw")
        assert (code, out) == (tool.NOTHING, "5\n") and "1 of 3" in err, (code, out, err)
        tool.refused(server.rill("consumer", "next", "ORDERS", "worker", "--wait", "100ms"), tool.NOTHING, "no message")


def law_unacknowledged_messages_come_again():
    with tool.ToolServer() as server:
        with_worker(server, 2)
        server.done("consumer", "next", "ORDERS", "worker", "--no-ack")
        wait_until(lambda: info(server)["num_ack_pending"] == 1, "one that is unacknowledged")
        assert server.lines("consumer", "next", "ORDERS", "worker", "--nak")[0]["seq"] == 2
        again = server.lines("consumer", "next", "ORDERS", "worker", "--term")[0]
        assert (again["seq"], again["delivered"]) == (2, 2), again
        wait_until(lambda: info(server)["num_ack_pending"] == 1, "the end of the second")
        tool.refused(server.rill("consumer", "next", "ORDERS", "worker", "--nak", "--term"), tool.USAGE, "exclude each other")


def law_messages_are_followed():
    with tool.ToolServer() as server:
        with_worker(server, 3)
        following = server.begin("consumer", "sub", "ORDERS", "worker", "--raw", "--count", "5")
        wait_until(lambda: info(server)["delivered"]["stream_seq"] == 3, "the first three")
        server.done("pub", "orders.new", "late", "--stream", "--count", "2")
        assert tool.ended(following) == (0, "1\n2\n3\nlate\nlate\n")
        wait_until(lambda: info(server)["ack_floor"]["stream_seq"] == 5, "the acknowledgements")


def law_push_consumers_are_followed_too():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ORDERS")
        server.done("consumer", "add", "ORDERS", "pusher", "--target", "copies", "--deliver", "new")
        following = server.begin("consumer", "sub", "ORDERS", "pusher", "--raw", "--count", "2")
        wait_until(lambda: server.json("consumer", "info", "ORDERS", "pusher").get("push_bound"), "somebody who listens")
        server.done("pub", "ORDERS", "{{Count}}", "--stream", "--count", "2")
        assert tool.ended(following) == (0, "1\n2\n")


def law_consumers_are_listed():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ORDERS")
        assert server.done("consumer", "ls", "ORDERS") == "There are no consumers.\n"
        server.done("pub", "ORDERS", "x", "--stream", "--count", "4")
        for name, start in (("a", "4"), ("b", "1"), ("c", "3")):
            server.done("consumer", "add", "ORDERS", name, "--start-seq", start)
        assert server.done("consumer", "ls", "ORDERS", "--names").split() == ["a", "b", "c"]
        assert [row["name"] for row in server.json("consumer", "report", "ORDERS", "--sort", "pending")] == ["b", "c", "a"]
        head, *lines = server.done("consumer", "report", "ORDERS").splitlines()
        assert head.startswith("Consumer") and [line.split()[0] for line in lines] == ["a", "b", "c"], lines
        tool.refused(server.rill("consumer", "ls", "NONE"), tool.NOTHING, "10059")


def law_a_pause_holds_messages_back():
    with tool.ToolServer() as server:
        with_worker(server, 1)
        code, _, err = server.rill("consumer", "pause", "ORDERS", "worker", "1h")
        if tool.is_oracle() or "not implemented" in err:
            raise Skip("the server cannot pause consumers")
        assert code == 0, err
        paused = info(server)
        assert paused["paused"] and paused["pause_remaining"] > 3500 * 10**9, paused
        assert server.json("consumer", "resume", "ORDERS", "worker")["paused"] is False
        assert server.done("consumer", "next", "ORDERS", "worker", "--raw") == "1\n"


def law_a_consumer_is_removed():
    with tool.ToolServer() as server:
        with_worker(server, 1)
        tool.refused(server.rill("consumer", "rm", "ORDERS", "worker"), tool.USAGE, "--force")
        assert server.json("consumer", "rm", "ORDERS", "worker", "--force") == {"stream": "ORDERS", "removed": "worker"}
        tool.refused(server.rill("consumer", "info", "ORDERS", "worker"), tool.NOTHING, "10014")


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
