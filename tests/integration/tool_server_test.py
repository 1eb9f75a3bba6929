#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill server and rill top: what the monitoring pages say, and checks for Nagios and Prometheus."""

import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tap import run_laws  # noqa: E402

OK, WARNING, CRITICAL, UNKNOWN = range(4)


def listener(server, subject, *options):
    """Somebody who listens until the server has noted it; the caller ends it."""
    process = server.begin("sub", subject, *options, wait_for="listening on " + subject)
    return process


def stopped(process):
    process.send_signal(signal.SIGINT)
    assert tool.ended(process)[0] == 0


def law_info_is_what_varz_says():
    with tool.ToolServer() as server:
        page = server.json("server", "info")
        assert page["port"] == server.port and page["jetstream"]["config"]["store_dir"].startswith(server.folder), page
        card = server.done("server", "info")
        assert f"Port: {server.port}\n" in card and "Payload: 1.0 MiB\n" in card, card


def law_connections_are_sorted():
    with tool.ToolServer() as server:
        few, many = listener(server, "few.*"), listener(server, "many.*")
        server.done("pub", "few.1", "x")
        server.done("pub", "many.1", "x", "--count", "50")

        def counted():
            rows = server.json("server", "report", "connections", "--sort", "msgs_to")
            return rows if sum(row["out_msgs"] for row in rows) >= 51 else None

        rows = wait_until(counted, "the messages in the report")
        assert [row["out_msgs"] for row in rows[:2]] == [50, 1] and rows[0]["name"] == "rill", rows
        assert len(server.json("server", "report", "connections", "--limit", "1")) == 1
        table = server.done("server", "report", "connections")
        assert table.startswith("Id") and len(table.splitlines()) == 3, table
        stopped(few)
        stopped(many)


def law_streams_are_reported():
    with tool.ToolServer() as server:
        assert server.done("server", "report", "streams") == "There are no streams.\n"
        for name, count in (("A", 1), ("B", 3)):
            server.done("stream", "add", name)
            server.done("pub", name, "x", "--stream", "--count", str(count))
        rows = server.json("server", "report", "streams", "--sort", "messages")
        assert [(row["name"], row["state"]["messages"], row["account"]) for row in rows] == [("B", 3, "$G"), ("A", 1, "$G")], rows


def law_without_monitoring_the_mistake_is_told():
    tool.refused(tool.rill("server", "info", "--monitor", "http://127.0.0.1:1"), tool.NO_SERVER, "127.0.0.1:1/varz", "--monitor")
    with tool.ToolServer() as server:
        code, _, err = server.rill("server", "info", "--monitor", f"nats://127.0.0.1:{server.port}")
        assert code != 0 and err.count("\n") == 1, err


def check(server, *words):
    """(exit code, JSON)"""
    code, out, err = server.rill("server", "check", *words, "--json")
    assert err == "", err
    return code, json.loads(out)


def law_a_check_says_how_bad_it_is():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ORDERS")
        server.done("pub", "ORDERS", "x", "--stream", "--count", "10")
        for options, level in ((["--messages-warn", "11"], OK), (["--messages-warn", "10"], WARNING),
                               (["--messages-warn", "5", "--messages-critical", "10"], CRITICAL),
                               (["--min-messages-critical", "9"], OK), (["--min-messages-critical", "10"], CRITICAL),
                               (["--bytes-critical", "1"], CRITICAL), (["--age-warn", "1h"], OK), (["--age-critical", "1ns"], CRITICAL),
                               (["--consumers-warn", "0"], WARNING)):
            code, told = check(server, "stream", "ORDERS", *options)
            assert code == level and told["measures"]["messages"] == 10, (options, code, told)
        code, told = check(server, "stream", "NONE")
        assert code == CRITICAL and "stream not found" in told["note"], told


def law_consumers_are_checked():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ORDERS")
        server.done("pub", "ORDERS", "x", "--stream", "--count", "3")
        server.done("consumer", "add", "ORDERS", "worker")
        server.done("consumer", "next", "ORDERS", "worker", "--no-ack")
        for options, level in ((["--pending-warn", "2"], WARNING), (["--pending-warn", "3"], OK), (["--unacknowledged-critical", "1"], CRITICAL),
                               (["--waiting-warn", "0"], WARNING), (["--last-delivery-critical", "1h"], OK)):
            code, told = check(server, "consumer", "ORDERS", "worker", *options)
            assert code == level, (options, code, told)


def law_connection_and_store_are_checked():
    with tool.ToolServer() as server:
        assert check(server, "connection")[0] == OK
        code, told = check(server, "connection", "--rtt-critical", "1ns")
        assert code == CRITICAL and "rtt" in told["note"], told
        code, told = check(server, "jetstream", "--streams-warn", "1")
        assert code == OK and told["measures"]["streams"] == 0, told
    code, out, _ = tool.rill("server", "check", "connection", "--server", "nats://127.0.0.1:1")
    assert code == CRITICAL and out.startswith("connection CRITICAL: there is no connection"), out


def law_the_formats_are_those_of_nagios_and_prometheus():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ORDERS")
        line = server.done("server", "check", "stream", "ORDERS", "--messages-warn", "5", "--messages-critical", "9")
        assert re.match(r"^ORDERS OK \| messages=0;5;9 min-messages=0;; bytes=0B;; age=[0-9.e-]+s;; consumers=0;;\n$", line), line
        lines = server.done("server", "check", "stream", "ORDERS", "--format", "prometheus").splitlines()
        assert 'rill_stream_status{item="ORDERS",status="OK"} 0' in lines and 'rill_stream_messages{item="ORDERS"} 0' in lines, lines
        assert all(re.match(r'^(# TYPE [a-z_]+ gauge|[a-z_]+\{[^}]*\} [0-9.e+-]+)$', one) for one in lines), lines


def law_top_shows_rates():
    with tool.ToolServer() as server:
        listening = listener(server, "a")
        watching = server.begin("top", "--count", "3", "--interval", "300ms", "--json")
        server.done("pub", "a", "x", "--count", "30", "--sleep", "20ms")
        code, out = tool.ended(watching)
        pages = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and len(pages) == 3 and pages[0]["server"]["in_msgs_rate"] == 0, pages
        assert max(page["server"]["in_msgs_rate"] for page in pages) > 0, [page["server"]["in_msgs"] for page in pages]
        assert max(row["out_msgs_rate"] for page in pages for row in page["connections"]) > 0
        shown = server.done("top", "--count", "1")
        assert "Messages in: 0.0/s" in shown and "\033" not in shown and " rill " in shown, shown
        stopped(listening)


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
