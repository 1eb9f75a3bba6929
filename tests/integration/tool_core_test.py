#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill: publishing, listening, asking and answering."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.pages import get_json  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tap import run_laws  # noqa: E402


def law_what_is_published_is_heard():
    with tool.ToolServer() as server:
        listening = server.begin("sub", "orders.>", "--count", "2", wait_for="listening on orders.>")
        told = server.done("pub", "orders.new", "two cups", "--count", "2", "--header", "Shop: 12", "--header", "Shop:13")
        code, out = tool.ended(listening)
        assert code == 0 and told == "2 published to orders.new\n", (code, told)
        assert out == "[#1] orders.new\nShop: 12\nShop: 13\n\ntwo cups\n\n[#2] orders.new\nShop: 12\nShop: 13\n\ntwo cups\n\n", out


def law_headers_can_be_shown_alone():
    with tool.ToolServer() as server:
        listening = server.begin("sub", "a", "--headers-only", "--count", "1", wait_for="listening")
        server.done("pub", "a", "not this", "--header", "A:1")
        assert tool.ended(listening) == (0, "[#1] a\nA: 1\n\n")


def law_names_of_others_do_not_control_the_terminal():
    with tool.ToolServer() as server:
        listening = server.begin("sub", ">", "--count", "1", wait_for="listening")
        server.done("pub", "a\033[2Jb", "x", "--header", "A:\033[1mloud")
        assert tool.ended(listening) == (0, "[#1] a?[2Jb\nA: ?[1mloud\n\nx\n\n")


def law_json_has_what_the_message_had():
    with tool.ToolServer() as server:
        listening = server.begin("sub", "a.*", "--count", "2", "--json")
        server_hears(server, "a.x")
        assert server.json("pub", "a.b", "text", "--reply", "to.me", "-H", "A:1") == {"subject": "a.b", "published": 1}
        server.done("pub", "a.c", "--stdin", stdin=b"\xff\x00\xfe")
        code, out = tool.ended(listening)
        first, second = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and first == {"subject": "a.b", "reply": "to.me", "headers": {"A": ["1"]}, "data": "text"}, first
        assert second == {"subject": "a.c", "data_base64": "/wD+"}, second


def server_hears(server, subject, count=1):
    """Waits until so many listen; nothing is sent to those who do."""
    wait_until(lambda: get_json(server, f"/subsz?subs=1&test={subject}").get("total", 0) >= count, f"somebody who listens to {subject}")


def law_templates_differ_from_message_to_message():
    with tool.ToolServer() as server:
        listening = server.begin("sub", "t", "--count", "3", "--raw")
        server_hears(server, "t")
        server.done("pub", "t", "n={{Count}} r={{.Random 2 4}}", "--count", "2")
        server.done("pub", "t", "{{Count}}", "--no-templates")
        code, out = tool.ended(listening)
        first, second, third = out.splitlines()
        assert code == 0 and first.startswith("n=1 r=") and second.startswith("n=2 r=") and third == "{{Count}}", out
        assert 2 <= len(first) - len("n=1 r=") <= 4, first
        tool.refused(server.rill("pub", "t", "{{Cuont}}"), tool.USAGE, "{{Cuont}}", "Count", "--no-templates")


def law_each_line_of_the_input_can_be_a_message():
    with tool.ToolServer() as server:
        server.done("stream", "add", "LINES")
        told = server.json("pub", "LINES", "--lines", "--stream", stdin=b"one\n\nthree")
        assert told == {"subject": "LINES", "published": 3, "stream": "LINES", "last_seq": 3, "duplicates": 0}, told
        assert server.done("stream", "view", "LINES", "--raw") == "one\n\nthree\n"


def law_a_message_id_is_stored_once():
    with tool.ToolServer() as server:
        server.done("stream", "add", "ONCE")
        first = server.json("pub", "ONCE", "x", "--id", "7")
        again = server.json("pub", "ONCE", "x", "--id", "7")
        assert first["duplicates"] == 0 and again["duplicates"] == 1 and again["last_seq"] == 1, again
        code, _, err = server.rill("pub", "ONCE", "x", "--expect-last", "9")
        assert code == tool.FAILED and "wrong last sequence: 1" in err, err
        code, _, err = server.rill("pub", "nobody.keeps.this", "x", "--stream")
        assert code == tool.NOTHING, (code, err)


def law_a_queue_group_shares():
    with tool.ToolServer() as server:
        members = [server.begin("sub", "work", "--queue", "g", "--raw", "--wait", "1s") for _ in range(2)]
        server_hears(server, "work", len(members))
        server.done("pub", "work", "{{Count}}", "--count", "40")
        shares = [tool.ended(member)[1].split() for member in members]
        assert sorted(map(int, shares[0] + shares[1])) == list(range(1, 41)), shares


def law_questions_are_answered():
    with tool.ToolServer() as server:
        answering = server.begin("reply", "greet", "hello {{Request}} {{Count}}", "--count", "2", wait_for="answering on greet")
        assert server.done("request", "greet", "Ada", "--raw") == "hello Ada 1\n"
        reply = server.json("request", "greet", "Bob")
        assert reply["data"] == "hello Bob 2", reply
        assert tool.ended(answering)[0] == 0


def law_an_answer_may_be_an_echo_or_come_from_a_command():
    with tool.ToolServer() as server:
        echo = server.begin("reply", "echo", "--echo", "--count", "1", wait_for="answering")
        assert server.done("request", "echo", "same", "--raw") == "same\n"
        command = server.begin("reply", "cmd.*", "--command", "printf \"$RILL_SUBJECT:\"; tr a-z A-Z", "--count", "1", wait_for="answering")
        big = b"x" * 200000
        assert server.done("request", "cmd.up", "--stdin", "--raw", stdin=big) == "cmd.up:" + big.decode().upper() + "\n"
        assert tool.ended(echo)[0] == 0 and tool.ended(command)[0] == 0
        tool.refused(server.rill("reply", "x"), tool.USAGE, "--echo", "--command")


def law_all_answers_in_time_are_shown():
    with tool.ToolServer() as server:
        answering = [server.begin("reply", "who", name, "--queue", name, "--count", "1", wait_for="answering") for name in ("a", "b", "c")]
        assert sorted(server.done("request", "who", "--replies", "3", "--raw").split()) == ["a", "b", "c"]
        assert all(tool.ended(one)[0] == 0 for one in answering)


def law_nobody_and_silence_are_told_apart():
    with tool.ToolServer() as server:
        tool.refused(server.rill("request", "nobody", "x"), tool.NOTHING, "nobody listens")
        silent = server.begin("sub", "silent", "--count", "1", wait_for="listening")
        code, _, err = server.rill("request", "silent", "x", "--timeout", "200ms")
        assert code == tool.TIMEOUT and "timed out" in err, (code, err)
        assert tool.ended(silent)[0] == 0
        code, _, err = server.rill("sub", "quiet", "--count", "1", "--wait", "100ms")
        assert code == tool.TIMEOUT and "0 of 1" in err, err
        assert server.rill("sub", "quiet", "--wait", "100ms")[0] == tool.DONE


def law_an_interrupt_ends_in_order():
    with tool.ToolServer() as server:
        listening = server.begin("sub", "a", wait_for="listening")
        listening.send_signal(signal.SIGINT)
        assert tool.ended(listening)[0] == 0


def law_the_round_trip_is_measured():
    with tool.ToolServer() as server:
        measured = server.json("rtt", "--count", "3")
        assert measured["count"] == 3 and 0 < measured["min_ns"] <= measured["avg_ns"] <= measured["max_ns"], measured
        assert "Shortest" in server.done("rtt")


def law_without_a_server_the_exit_code_says_so():
    tool.refused(tool.rill("rtt", "--server", "nats://127.0.0.1:1"), tool.NO_SERVER, "127.0.0.1:1", "--server")
    code, _, err = tool.rill("rtt", "--server", "gopher://x")
    assert code == tool.USAGE and "nats://host:4222" in err, (code, err)


def law_credentials_are_needed_and_never_shown():
    with tool.ToolServer('authorization { user: me, password: "pa:ss" }') as server:
        code, _, err = server.rill("rtt")
        assert code == tool.NO_SERVER and "--user" in err, (code, err)
        assert "Shortest" in server.done("rtt", "--user", "me", "--password", "pa:ss")
        assert server.rill("rtt", RILL_USER="me", RILL_PASSWORD="pa:ss")[0] == 0
        told = server.json("rtt", "--server", f"nats://me:pa%3Ass@127.0.0.1:{server.port}")
        assert "pa" not in told["server"].split("@")[0] or "@" not in told["server"], told


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
