#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill stream: making, changing, showing, reading and removing streams."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.tap import run_laws  # noqa: E402


def with_orders(server, count=5):
    server.done("stream", "add", "ORDERS", "--subjects", "orders.*", "--subjects", "returns")
    for n in range(1, count + 1):
        server.done("pub", f"orders.{'even' if n % 2 == 0 else 'odd'}", f"order {n}", "--stream", "--header", f"N:{n}")


def law_what_the_options_say_is_what_the_server_has():
    with tool.ToolServer() as server:
        made = server.json("stream", "add", "ORDERS", "--subjects", "orders.>", "--subjects", "returns", "--max-age", "30d",
                           "--max-bytes", "10M", "--max-msgs", "1000", "--max-msgs-per-subject", "10", "--max-msg-size", "64K",
                           "--discard", "new", "--storage", "memory", "--dupe-window", "90s", "--description", "of the shop",
                           "--deny-delete", "--allow-rollup=no", "--metadata", "owner:ada")["config"]
        wanted = {"name": "ORDERS", "subjects": ["orders.>", "returns"], "max_age": 30 * 86400 * 10**9, "max_bytes": 10 << 20,
                  "max_msgs": 1000, "max_msgs_per_subject": 10, "max_msg_size": 65536, "discard": "new", "storage": "memory",
                  "duplicate_window": 90 * 10**9, "description": "of the shop", "deny_delete": True, "allow_rollup_hdrs": False}
        assert {name: made[name] for name in wanted} == wanted, made
        card = server.done("stream", "info", "ORDERS")
        assert "Age: 30d\n" in card and "Bytes: 10.0 MiB\n" in card and "Subjects: orders.>, returns\n" in card, card


def law_a_stream_keeps_its_own_name_without_subjects():
    with tool.ToolServer() as server:
        assert server.json("stream", "add", "PLAIN")["config"]["subjects"] == ["PLAIN"]
        code, _, err = server.rill("stream", "add", "PLAIN", "--max-msgs", "3")
        assert code == tool.FAILED and "10058" in err, err


def law_a_configuration_can_be_copied():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ONE", "--subjects", "one.>", "--max-age", "1h")
        shown = server.done("stream", "info", "ONE", "--json").encode()
        made = server.json("stream", "add", "TWO", "--config", "-", "--subjects", "two.>", stdin=shown)["config"]
        assert (made["name"], made["subjects"], made["max_age"]) == ("TWO", ["two.>"], 3600 * 10**9), made
        code, _, err = server.rill("stream", "add", "X", "--config", "-", stdin=b'{"max_messages": 3}')
        assert code == tool.USAGE and "max_messages" in err, err
        code, _, err = server.rill("stream", "add", "X", "--config", "-", stdin=b"max: 3")
        assert code == tool.USAGE and "line 1" in err, err


def law_an_edit_changes_only_what_is_given():
    with tool.ToolServer() as server:
        before = server.json("stream", "add", "A", "--max-age", "2h", "--subjects", "a.>")["config"]
        after = server.json("stream", "edit", "A", "--description", "later")["config"]
        assert after.pop("description") == "later" and after == before, (before, after)
        code, _, err = server.rill("stream", "edit", "A", "--storage", "memory")
        assert code == tool.FAILED and "10052" in err, err
        tool.refused(server.rill("stream", "edit", "NONE", "--max-age", "1h"), tool.NOTHING, "stream not found", "10059")


def law_streams_are_listed():
    with tool.ToolServer() as server:
        assert server.done("stream", "ls") == "There are no streams.\n" and server.json("stream", "ls") == []
        with_orders(server, 3)
        server.done("stream", "add", "OTHER")
        assert server.done("stream", "ls", "--names").split() == ["ORDERS", "OTHER"]
        assert server.done("stream", "ls", "--names", "--subject", "orders.*").split() == ["ORDERS"]
        rows = server.json("stream", "ls")
        assert {row["config"]["name"]: row["state"]["messages"] for row in rows} == {"ORDERS": 3, "OTHER": 0}
        head, *lines = server.done("stream", "ls").splitlines()
        assert head.split()[:2] == ["Stream", "Subjects"] and lines[0].split()[0] == "ORDERS" and "never" in lines[1], lines


def law_a_report_is_sorted():
    with tool.ToolServer() as server:
        for name, count in (("A", 1), ("B", 3), ("C", 2)):
            server.done("stream", "add", name)
            server.done("pub", name, "x", "--stream", "--count", str(count))
        order = [row["config"]["name"] for row in server.json("stream", "report", "--sort", "messages")]
        assert order == ["B", "C", "A"], order
        assert [row["config"]["name"] for row in server.json("stream", "report", "--sort", "name")] == ["A", "B", "C"]


def law_messages_are_shown_in_order():
    with tool.ToolServer() as server:
        with_orders(server)
        shown = server.lines("stream", "view", "ORDERS")
        assert [(one["seq"], one["data"], one["headers"]["N"]) for one in shown] == [(n, f"order {n}", [str(n)]) for n in range(1, 6)]
        assert server.done("stream", "view", "ORDERS", "--raw", "--from", "2", "--count", "2") == "order 2\norder 3\n"
        assert server.done("stream", "view", "ORDERS", "--raw", "--subject", "orders.even") == "order 2\norder 4\n"
        assert server.done("stream", "view", "ORDERS", "--raw", "--since", "1h").count("\n") == 5
        assert server.done("stream", "view", "ORDERS", "--raw", "--last-per-subject") == "order 4\norder 5\n"
        assert server.json("stream", "info", "ORDERS")["state"]["consumer_count"] == 0 or tool.is_oracle()


def law_one_message_is_got():
    with tool.ToolServer() as server:
        with_orders(server)
        one = server.json("stream", "get", "ORDERS", "3")
        assert (one["seq"], one["subject"], one["data"], one["headers"]) == (3, "orders.odd", "order 3", {"N": ["3"]}), one
        assert server.json("stream", "get", "ORDERS", "--last-for", "orders.even")["seq"] == 4
        assert server.json("stream", "get", "ORDERS", "2", "--next-for", "orders.odd")["seq"] == 3
        assert server.done("stream", "get", "ORDERS", "1", "--raw") == "order 1\n"
        tool.refused(server.rill("stream", "get", "ORDERS", "99"), tool.NOTHING, "no message found", "10037")
        tool.refused(server.rill("stream", "get", "ORDERS"), tool.USAGE, "<seq>, --last-for and --next-for")


def law_messages_are_removed():
    with tool.ToolServer() as server:
        with_orders(server)
        tool.refused(server.rill("stream", "rmm", "ORDERS", "2"), tool.USAGE, "--force")
        assert server.json("stream", "rmm", "ORDERS", "2", "--force") == {"stream": "ORDERS", "removed": 2}
        assert server.done("stream", "rmm", "ORDERS", "3", "-f", "--no-erase") == "message 3 of ORDERS is removed\n"
        state = server.json("stream", "info", "ORDERS", "--deleted")["state"]
        assert state["messages"] == 3 and state["deleted"] == [2, 3], state


def law_a_purge_takes_what_it_is_told():
    with tool.ToolServer() as server:
        with_orders(server, 8)
        tool.refused(server.rill("stream", "purge", "ORDERS"), tool.USAGE, "--force")
        assert server.json("stream", "purge", "ORDERS", "--force", "--keep", "6")["purged"] == 2
        assert server.json("stream", "purge", "ORDERS", "--force", "--seq", "5")["purged"] == 2
        assert server.json("stream", "purge", "ORDERS", "--force", "--subject", "orders.even")["purged"] == 2
        assert server.done("stream", "purge", "ORDERS", "--force") == "2 messages of ORDERS are gone\n"
        tool.refused(server.rill("stream", "purge", "ORDERS", "--seq", "1", "--keep", "2"), tool.USAGE, "exclude each other")


def law_a_stream_is_removed():
    with tool.ToolServer() as server:
        with_orders(server, 1)
        tool.refused(server.rill("stream", "rm", "ORDERS"), tool.USAGE, "--force")
        assert server.json("stream", "rm", "ORDERS", "--force") == {"removed": "ORDERS"}
        tool.refused(server.rill("stream", "info", "ORDERS"), tool.NOTHING, "stream not found", "10059")


def law_subjects_are_counted():
    with tool.ToolServer() as server:
        with_orders(server)
        counted = {row["subject"]: row["messages"] for row in server.json("stream", "subjects", "ORDERS")}
        assert counted == {"orders.even": 2, "orders.odd": 3}, counted


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
