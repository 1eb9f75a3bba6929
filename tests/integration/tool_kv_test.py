#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill kv: buckets of keys and values."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.tap import run_laws  # noqa: E402


def with_bucket(server, *options):
    return server.json("kv", "add", "settings", *options)


def law_a_bucket_is_made_and_shown():
    with tool.ToolServer() as server:
        made = with_bucket(server, "--history", "5", "--ttl", "1h", "--max-value-size", "1K", "--description", "of the shop")
        config = made["config"]
        assert (made["bucket"], config["name"], config["max_msgs_per_subject"]) == ("settings", "KV_settings", 5), made
        assert (config["max_age"], config["max_msg_size"], config["description"]) == (3600 * 10**9, 1024, "of the shop"), config
        assert server.json("kv", "info", "settings")["config"] == config
        assert server.done("kv", "ls", "--names") == "settings\n"
        assert "History: 5\n" in server.done("kv", "info", "settings")
        tool.refused(server.rill("kv", "info", "none"), tool.NOTHING, "10059")
        tool.refused(server.rill("kv", "add", "x", "--history", "65"), tool.USAGE, "1 to 64")


def law_a_value_is_got_as_it_was_put():
    with tool.ToolServer() as server:
        with_bucket(server)
        assert server.json("kv", "put", "settings", "shop.open", "yes") == {"key": "shop.open", "revision": 1}
        assert server.done("kv", "get", "settings", "shop.open", "--raw") == "yes\n"
        got = server.json("kv", "get", "settings", "shop.open")
        assert (got["key"], got["value"], got["revision"], got["operation"]) == ("shop.open", "yes", 1, "PUT"), got
        assert server.done("kv", "get", "settings", "shop.open") == "shop.open  revision 1\n\nyes\n"
        server.done("kv", "put", "settings", "bytes", "--stdin", stdin=b"\xff\xfe")
        assert server.json("kv", "get", "settings", "bytes")["value_base64"] == "//4="
        server.done("kv", "put", "settings", "empty", "")
        assert server.json("kv", "get", "settings", "empty")["value"] == ""
        tool.refused(server.rill("kv", "get", "settings", "none"), tool.NOTHING, "none")
        tool.refused(server.rill("kv", "put", "settings", "k"), tool.USAGE, "--stdin")
        code, _, err = server.rill("kv", "get", "settings", "a b")
        assert code == tool.FAILED and err.count("\n") == 1, err


def law_create_and_update_see_others_changes():
    with tool.ToolServer() as server:
        with_bucket(server)
        assert server.json("kv", "create", "settings", "lock", "me")["revision"] == 1
        code, _, err = server.rill("kv", "create", "settings", "lock", "you")
        assert code == tool.FAILED, err
        assert server.json("kv", "update", "settings", "lock", "1", "still me")["revision"] == 2
        code, _, err = server.rill("kv", "update", "settings", "lock", "1", "you")
        assert code == tool.FAILED and "wrong last sequence" in err, err
        server.done("kv", "del", "settings", "lock")
        assert server.rill("kv", "get", "settings", "lock")[0] == tool.NOTHING
        assert server.json("kv", "create", "settings", "lock", "you")["revision"] == 4


def law_the_history_has_every_change():
    with tool.ToolServer() as server:
        with_bucket(server, "--history", "10")
        for value in ("a", "b"):
            server.done("kv", "put", "settings", "k", value)
        server.done("kv", "del", "settings", "k")
        rows = server.json("kv", "history", "settings", "k")
        assert [(row["operation"], row.get("value"), row["revision"]) for row in rows] == [("PUT", "a", 1), ("PUT", "b", 2), ("DEL", None, 3)]
        assert server.done("kv", "get", "settings", "k", "--revision", "1", "--raw") == "a\n"
        tool.refused(server.rill("kv", "purge", "settings", "k"), tool.USAGE, "--force")
        server.done("kv", "purge", "settings", "k", "--force")
        assert [row["operation"] for row in server.json("kv", "history", "settings", "k")] == ["PURGE"]


def law_keys_are_listed():
    with tool.ToolServer() as server:
        with_bucket(server)
        assert server.done("kv", "ls", "settings") == "There are no keys.\n"
        for key in ("b", "a.x", "gone"):
            server.done("kv", "put", "settings", key, "v")
        server.done("kv", "del", "settings", "gone")
        assert server.done("kv", "ls", "settings", "--names") == "a.x\nb\n"
        assert server.json("kv", "ls", "settings") == [{"key": "a.x", "revision": 2}, {"key": "b", "revision": 1}]


def law_changes_are_watched():
    with tool.ToolServer() as server:
        with_bucket(server)
        server.done("kv", "put", "settings", "shop.open", "yes")
        watching = server.begin("kv", "watch", "settings", "--count", "3", wait_for="watching settings")
        server.done("kv", "put", "settings", "shop.open", "no")
        server.done("kv", "del", "settings", "shop.open")
        assert tool.ended(watching) == (0, "1 PUT shop.open: yes\n2 PUT shop.open: no\n3 DEL shop.open\n")
        code, out, _ = server.rill("kv", "watch", "settings", "other.*", "--wait", "200ms", "--json")
        assert (code, out) == (0, "")
        shown = [json.loads(line) for line in server.rill("kv", "watch", "settings", "--wait", "200ms", "--json")[1].splitlines()]
        assert [(one["key"], one["operation"]) for one in shown] == [("shop.open", "DEL")], shown


def law_a_bucket_is_removed():
    with tool.ToolServer() as server:
        with_bucket(server)
        tool.refused(server.rill("kv", "rm", "settings"), tool.USAGE, "--force")
        assert server.json("kv", "rm", "settings", "--force") == {"removed": "settings"}
        assert server.done("kv", "ls") == "There are no buckets.\n"


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
