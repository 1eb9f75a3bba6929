#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill backup and restore: a stream in one file, and back."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402

COUNT = 300


def with_backup(server):
    """The path of a backup of ORDERS, of which a worker has acknowledged two messages."""
    path = os.path.join(server.folder, "orders.backup")
    server.done("stream", "add", "ORDERS", "--subjects", "orders.*", "--description", "of the shop")
    server.done("pub", "orders.new", "order {{Count}} {{Random 2000 2000}}", "--stream", "--count", str(COUNT), "--header", "Shop:7")
    server.done("consumer", "add", "ORDERS", "worker")
    server.done("consumer", "next", "ORDERS", "worker", "--count", "2")
    code, out, err = server.rill("backup", "ORDERS", path, "--json")
    if "not implemented" in err or "bad request" in err:
        raise Skip("the server gives no snapshots: " + err.strip())
    assert code == 0, err
    told = json.loads(out)
    assert (told["stream"], told["messages"], told["bytes"] > 0) == ("ORDERS", COUNT, True), told
    return path


def everything(server, stream):
    return [(one["seq"], one["subject"], one["time"], one["headers"], one["data"]) for one in server.lines("stream", "view", stream)]


def law_what_was_backed_up_comes_back():
    with tool.ToolServer() as server:
        path = with_backup(server)
        before = everything(server, "ORDERS")
        server.done("stream", "rm", "ORDERS", "--force")
        assert server.json("restore", path) == {"stream": "ORDERS", "messages": COUNT}
        assert everything(server, "ORDERS") == before
        assert server.json("stream", "info", "ORDERS")["config"]["description"] == "of the shop"
        worker = server.json("consumer", "info", "ORDERS", "worker")
        assert worker["ack_floor"]["stream_seq"] == 2 and worker["num_pending"] == COUNT - 2, worker
        assert server.json("pub", "orders.new", "next", "--stream")["last_seq"] == COUNT + 1


def law_a_backup_is_of_one_moment():
    with tool.ToolServer() as server:
        path = with_backup(server)
        server.done("pub", "orders.new", "later", "--stream")
        server.done("stream", "rm", "ORDERS", "--force")
        assert server.json("restore", path)["messages"] == COUNT


def law_another_name_may_be_given():
    with tool.ToolServer() as server:
        path = with_backup(server)
        tool.refused(server.rill("restore", path), tool.FAILED, "in use")
        code, out, err = server.rill("restore", path, "--name", "OLD", "--subjects", "old.*", "--json")
        if tool.is_oracle():
            assert code == tool.FAILED and "names do not match" in err, err
            return
        assert code == 0 and json.loads(out) == {"stream": "OLD", "messages": COUNT}, err
        assert server.json("stream", "info", "OLD")["config"]["subjects"] == ["old.*"]
        assert everything(server, "OLD") == everything(server, "ORDERS")


def law_a_damaged_backup_is_not_restored():
    with tool.ToolServer() as server:
        path = with_backup(server)
        server.done("stream", "rm", "ORDERS", "--force")
        with open(path, "rb") as file:
            whole = file.read()
        spoilt = bytearray(whole)
        spoilt[len(whole) // 2] ^= 1
        cases = [(whole[:-1], "check sum"), (whole[: len(whole) // 2], "too early"), (bytes(spoilt), "check sum"),
                 (b"", "no backup"), (b"RILL BACKUP 2\n" + whole[14:], "newer rill"), (whole[:20], "head")]
        for content, reason in cases:
            with open(path, "wb") as file:
                file.write(content)
            tool.refused(server.rill("restore", path), tool.FAILED, reason)
        assert server.done("stream", "ls", "--names") == ""


def law_what_fails_leaves_no_file():
    with tool.ToolServer() as server:
        with_backup(server)
        path = os.path.join(server.folder, "none.backup")
        assert server.rill("backup", "NONE", path)[0] == tool.NOTHING
        assert server.rill("restore", path)[0] == tool.NOTHING
        code, _, err = server.rill("backup", "ORDERS", "/nowhere/at/all")
        assert code in (tool.FAILED, tool.NOTHING) and "/nowhere/at/all" in err, err
        assert [name for name in os.listdir(server.folder) if "backup" in name] == ["orders.backup"]


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
