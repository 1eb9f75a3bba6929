#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP monitoring and INFO: what dashboards and clients look for is there, with the same names and kinds of values as
in nats-server, which is asked for its own names where it is installed."""

import os
import re
import sys
import urllib.error

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.pages import CONFIG, get, get_json, has_keys  # noqa: E402
from harness.server import Server, is_nats, oracle, under_test  # noqa: E402
from harness.wire import connected  # noqa: E402

SERVER = under_test()

# What nats-server has and Rill has not: each with its reason.
ABSENT = {
    "git_commit": "where a build of nats-server came from",
    "go": "Rill has none, but may show something",
    "gomaxprocs": "Rill is not written in Go",
    "cluster": "no clusters yet",
    "gateway": "no gateways",
    "leaf": "no leaf nodes yet",
    "mqtt": "no MQTT",
    "ocsp_response_cache": "no OCSP",
}

VARZ = """server_id server_name version proto host port max_connections ping_interval ping_max http_host http_port max_payload
    max_pending max_control_line auth_timeout write_deadline start now uptime mem cores cpu connections total_connections routes remotes
    leafnodes in_msgs out_msgs in_bytes out_bytes slow_consumers subscriptions http_req_stats config_load_time jetstream""".split()
CONNZ = "server_id now num_connections total offset limit connections".split()
CONN = """cid kind type ip port start last_activity rtt uptime idle pending_bytes in_msgs out_msgs in_bytes out_bytes subscriptions
    lang version name""".split()
SUBSZ = "num_subscriptions num_cache num_inserts num_removes num_matches cache_hit_rate max_fanout avg_fanout".split()
METRICS = """gnatsd_varz_connections gnatsd_varz_total_connections gnatsd_varz_in_msgs gnatsd_varz_out_msgs gnatsd_varz_in_bytes
    gnatsd_varz_out_bytes gnatsd_varz_slow_consumers gnatsd_varz_subscriptions gnatsd_varz_mem gnatsd_varz_cpu
    gnatsd_varz_max_payload gnatsd_connz_num_connections gnatsd_connz_total""".split()


def busy(server):
    """A connection that has something to show: a name, two subscriptions, messages."""
    wire = connected(server, name="watched", lang="test", version="1.2.3")
    own = f"foo{wire.info['client_id']}"
    wire.send(f"SUB {own} 1\r\nSUB bar.> grp 2\r\nPUB {own} 3\r\nabc\r\n")
    wire.expect(f"MSG {own} 1 3 | abc")
    wire.sync()
    return wire


def same_as_oracle(path, pick=lambda value: value):
    """Names and kinds of values that the oracle's answer has, ours has too."""
    if not oracle() or is_nats(SERVER):
        raise tap.Skip("nats-server is not installed, or it is the server under test")
    with Server(SERVER, CONFIG) as ours, Server(oracle(), CONFIG) as theirs:
        wires = [busy(ours), busy(theirs)]
        mine, other = pick(get_json(ours, path)), pick(get_json(theirs, path))
        missing = [key for key in other if key not in mine and key not in ABSENT]
        kinds = [key for key in other if key in mine and isinstance(other[key], str) != isinstance(mine[key], str)]
        for wire in wires:
            wire.close()
        assert not missing and not kinds, f"{path}: missing {missing}, of another kind {kinds}"


def law_varz_counts_what_happened():
    with Server(SERVER, CONFIG) as server, busy(server):
        varz = get_json(server, "/varz")
        has_keys(varz, VARZ, "/varz")
        assert (varz["connections"], varz["in_msgs"], varz["out_msgs"], varz["in_bytes"]) == (1, 1, 1, 3), varz
        assert varz["port"] == server.port and varz["max_payload"] == 1048576
        assert varz["mem"] > 0 and varz["http_req_stats"]["/varz"] >= 1


def law_varz_has_the_names_of_nats_server():
    same_as_oracle("/varz")


def law_connz_shows_a_connection():
    with Server(SERVER, CONFIG) as server, busy(server):
        connz = get_json(server, "/connz")
        has_keys(connz, CONNZ, "/connz")
        assert (connz["num_connections"], connz["total"], connz["offset"], connz["limit"]) == (1, 1, 0, 1024)
        one = connz["connections"][0]
        has_keys(one, CONN, "a connection of /connz")
        assert (one["name"], one["lang"], one["version"], one["subscriptions"]) == ("watched", "test", "1.2.3", 2)
        assert (one["in_msgs"], one["out_msgs"], one["in_bytes"], one["out_bytes"]) == (1, 1, 3, 3)


def law_connz_has_the_names_of_nats_server():
    same_as_oracle("/connz")
    same_as_oracle("/connz", lambda connz: connz["connections"][0])


def law_connz_takes_its_parameters():
    with Server(SERVER, CONFIG) as server:
        wires = [busy(server) for _ in range(5)]
        page = get_json(server, "/connz?limit=2&offset=1&sort=cid&subs=1")
        cids = [one["cid"] for one in page["connections"]]
        assert len(cids) == 2 and cids == sorted(cids) and page["total"] == 5, page
        assert sorted(page["connections"][0]["subscriptions_list"]) == ["bar.>", f"foo{cids[0]}"], page
        detail = get_json(server, f"/connz?cid={cids[0]}&subs=detail")["connections"]
        assert [one["cid"] for one in detail] == cids[:1]
        assert {sub["subject"] for sub in detail[0]["subscriptions_list_detail"]} == {f"foo{cids[0]}", "bar.>"}, detail
        for wire in wires[1:]:
            wire.close()
        wires[0].sync()


def law_connz_remembers_the_closed():
    """With the reason; whoever sends nonsense is among them."""
    with Server(SERVER, CONFIG) as server:
        wire = busy(server)
        wire.send("NONSENSE\r\n")
        wire.expect("-ERR 'Unknown Protocol Operation'")
        assert wire.unit() is None

        closed = get_json(server, "/connz?state=closed")["connections"]
        assert len(closed) == 1 and closed[0]["name"] == "watched" and closed[0]["stop"], closed
        assert closed[0]["reason"] == "Protocol Violation" or closed[0]["reason"] == "Parse Error", closed


def law_a_bad_parameter_is_a_bad_request():
    with Server(SERVER, CONFIG) as server:
        for path in ("/connz?sort=nothing", "/connz?limit=x", "/connz?state=asleep"):
            try:
                get(server, path)
                raise AssertionError(f"{path} is taken")
            except urllib.error.HTTPError as refused:
                assert refused.code == 400, f"{path}: {refused.code}"


def law_subsz_counts_subscriptions():
    with Server(SERVER, CONFIG) as server, busy(server) as wire:
        subsz = get_json(server, "/subsz")
        has_keys(subsz, SUBSZ, "/subsz")
        listed = get_json(server, "/subsz?subs=1")["subscriptions_list"]
        assert {f"foo{wire.info['client_id']}", "bar.>"} <= {sub["subject"] for sub in listed}, listed


def law_subsz_has_the_names_of_nats_server():
    same_as_oracle("/subsz")


def law_healthz_is_ok():
    with Server(SERVER, CONFIG) as server:
        assert get_json(server, "/healthz")["status"] == "ok"


def law_the_other_pages_have_the_names_of_nats_server():
    for path in ("/accountz", "/routez", "/gatewayz", "/leafz", "/healthz"):
        same_as_oracle(path)


def law_the_root_links_to_the_pages():
    with Server(SERVER, CONFIG) as server:
        text, kind = get(server, "/")
        assert "html" in kind
        for page in ("varz", "connz", "subsz"):
            assert page in text, f"no link to {page}"


def law_an_unknown_page_is_not_found():
    with Server(SERVER, CONFIG) as server:
        try:
            get(server, "/nothing")
            raise AssertionError("it is found")
        except urllib.error.HTTPError as refused:
            assert refused.code == 404


def law_metrics_have_the_names_of_the_usual_dashboards():
    """In Prometheus' text form: each name is typed once and has a number."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server has no /metrics")
    with Server(SERVER, CONFIG) as server, busy(server):
        text, kind = get(server, "/metrics")
        assert kind.startswith("text/plain"), kind
        for line in filter(None, text.splitlines()):
            assert re.fullmatch(r"# (HELP|TYPE) \w+ .*|\w+(\{.*\})? [-+0-9.eE]+|\w+(\{.*\})? NaN", line), line
        names = set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))
        has_keys(names, METRICS, "/metrics")
        types = re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)
        assert len(types) == len(set(types)), "a name is typed twice"


def law_info_has_the_names_that_clients_read():
    with Server(SERVER) as server:
        info = connected(server).info
        has_keys(info, "server_id server_name version proto host port headers max_payload client_id client_ip".split(), "INFO")
        assert info["proto"] == 1 and info["headers"] is True and info["port"] == server.port
        assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"]), "clients parse it as a semantic version"


def law_info_has_the_names_of_nats_server():
    """In each of the configurations that bring a name of their own."""
    if not oracle() or is_nats(SERVER):
        raise tap.Skip("nats-server is not installed, or it is the server under test")
    for config in ("", "authorization { token: x }", "no_header_support: true", "client_advertise: \"example.com:4222\""):
        with Server(SERVER, config) as ours, Server(oracle(), config) as theirs:
            mine, other = [connected(one, auth_token="x").info for one in (ours, theirs)]
            missing = [key for key in other if key not in mine and key not in ABSENT]
            assert not missing, f"{config!r}: INFO lacks {missing}"
            for key in ("auth_required", "headers", "proto", "max_payload", "client_ip"):
                assert mine.get(key) == other.get(key), f"{config!r}: {key} is {mine.get(key)}, not {other.get(key)}"


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
