#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitoring pages about streams and consumers: /jsz, /healthz, and what /varz and /metrics say of them. Names and kinds
of values are compared with nats-server's, all the way down, where it is installed."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.pages import CONFIG, differences, get, get_json, get_status, has_keys  # noqa: E402
from harness.server import Server, is_nats, oracle, under_test, wait_until  # noqa: E402
from harness.wire import connected  # noqa: E402

SERVER = under_test()

# What nats-server has and Rill has not: each with its reason.
ABSENT = {}

# Labels of prometheus-nats-exporter.
SERVER_LABELS = "server_id server_name cluster domain meta_leader is_meta_leader".split()
ACCOUNT_LABELS = SERVER_LABELS + "account account_name account_id".split()
STREAM_LABELS = ACCOUNT_LABELS + "stream_name stream_leader is_stream_leader stream_raft_group".split()
CONSUMER_LABELS = STREAM_LABELS + "consumer_name consumer_leader is_consumer_leader consumer_desc".split()
METRICS = {
    "jetstream_server": (SERVER_LABELS, "jetstream_disabled total_streams total_consumers total_messages total_message_bytes max_memory max_storage"),
    "jetstream_account": (ACCOUNT_LABELS, "max_memory max_storage storage_used memory_used"),
    "jetstream_stream": (STREAM_LABELS, "total_messages total_bytes first_seq last_seq consumer_count subject_count limit_bytes limit_messages"),
    "jetstream_consumer": (CONSUMER_LABELS, """delivered_consumer_seq delivered_stream_seq num_ack_pending num_redelivered num_waiting
        num_pending ack_floor_stream_seq ack_floor_consumer_seq"""),
}
OF_BUSY_CONSUMERS = ["jetstream_consumer_last_delivery_seconds", "jetstream_consumer_last_ack_seconds"]


class Streams(Server):
    """A server with a store of its own."""

    def __init__(self, path, config=""):
        super().__init__(path, CONFIG + "\n" + config)

    def start(self):
        store = os.path.join(self.folder, "store")
        self.args = ["-js", "-sd", store]
        super().start()


def requests(server, *pairs):
    """Sends each (subject, body) and waits for its answer."""
    with connected(server) as wire:
        wire.send("SUB inbox 1\r\n")
        for subject, body in pairs:
            data = body if isinstance(body, str) else json.dumps(body)
            wire.send(f"PUB {subject} inbox {len(data)}\r\n{data}\r\n")
            answer = json.loads(wire.unit().split(b" | ", 1)[1])
            assert "error" not in answer, f"{subject}: {answer['error']}"


def stream(name, **more):
    return f"$JS.API.STREAM.CREATE.{name}", {"name": name, "subjects": [f"{name.lower()}.>"], **more}


def consumer(name, **more):
    config = {"durable_name": name, "ack_policy": "explicit", **more}
    return f"$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.{name}", {"stream_name": "ORDERS", "config": config}


def busy(server):
    """Two streams, the first with a message and a consumer."""
    requests(server, stream("ORDERS", max_bytes=100000, discard="new"), ("orders.new", "hello"), consumer("work", description="a \"worker\""),
             stream("OTHER"))


def shop():
    server = Streams(SERVER)
    busy(server)
    return server


def same_as_oracle(paths, pick=lambda page: page):
    if not oracle() or is_nats(SERVER):
        raise tap.Skip("nats-server is not installed, or it is the server under test")
    with shop() as ours, Streams(oracle()) as theirs:
        busy(theirs)
        for path in paths:
            found = differences(pick(get_json(ours, path)), pick(get_json(theirs, path)), ABSENT)
            assert not found, f"{path}: {found}"


def law_jsz_has_the_names_of_nats_server():
    same_as_oracle(["/jsz", "/jsz?accounts=1", "/jsz?streams=true", "/jsz?consumers=1", "/jsz?consumers=1&config=1&raft=1", "/jsz?acc=$G",
                    "/jsz?acc=$G&streams=1", "/jsz?acc=nobody", "/jsz?accounts=1&offset=1", "/jsz?leader-only=1&streams=1"])


def law_varz_has_the_jetstream_names_of_nats_server():
    same_as_oracle(["/varz"], lambda varz: varz["jetstream"])


def law_jsz_says_when_files_are_synced():
    """As nats-server does it since 2.10."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server 2.9 does not say it")
    for config, sync in (("", {"sync_always": True}), ("jetstream { sync_interval: '30s' }", {"sync_interval": 30 * 10**9})):
        with Streams(SERVER, config) as server:
            for page in (get_json(server, "/jsz"), get_json(server, "/varz")["jetstream"]):
                found = {name: value for name, value in page["config"].items() if name.startswith("sync")}
                assert found == sync, found


def law_a_server_without_jetstream_says_so():
    if not oracle() or is_nats(SERVER):
        raise tap.Skip("nats-server is not installed, or it is the server under test")
    with Server(SERVER, CONFIG) as ours, Server(oracle(), CONFIG) as theirs:
        for path in ("/jsz", "/jsz?consumers=1&config=1"):
            mine = get_json(ours, path)
            assert mine["disabled"] is True and mine["streams"] == 0, mine
            found = differences(mine, get_json(theirs, path), ABSENT)
            assert not found, f"{path}: {found}"
        assert get_json(ours, "/varz")["jetstream"] == {}


def law_jsz_counts_what_is_stored():
    with shop() as server:
        page = get_json(server, "/jsz?consumers=true&config=true")
        assert (page["streams"], page["consumers"], page["messages"]) == (2, 1, 1), page
        assert page["bytes"] > 0 and page["storage"] == page["bytes"] and page["reserved_storage"] == 100000, page
        account = page["account_details"][0]
        assert account["name"] == "$G" and account["reserved_storage"] in (100000, 2**64 - 1), account
        details = {one["name"]: one for one in account["stream_detail"]}
        assert sorted(details) == ["ORDERS", "OTHER"], details
        assert details["ORDERS"]["state"]["messages"] == 1 and details["ORDERS"]["config"]["max_bytes"] == 100000
        work = details["ORDERS"]["consumer_detail"][0]
        assert (work["name"], work["num_pending"], work["config"]["ack_policy"]) == ("work", 1, "explicit"), work
        assert not details["OTHER"].get("consumer_detail"), details["OTHER"]


def law_jsz_tells_as_much_as_is_asked():
    with shop() as server:
        assert "account_details" not in get_json(server, "/jsz")
        assert "stream_detail" not in get_json(server, "/jsz?accounts=1")["account_details"][0]
        one = get_json(server, "/jsz?streams=1")["account_details"][0]["stream_detail"][0]
        assert "config" not in one and "consumer_detail" not in one, one
        details = get_json(server, "/jsz?consumers=1")["account_details"][0]["stream_detail"]
        one = next(one for one in details if one["name"] == "ORDERS")["consumer_detail"][0]
        assert "config" not in one, one
        assert "account_details" not in get_json(server, "/jsz?acc=nobody")


def law_a_bad_parameter_is_a_bad_request():
    with Streams(SERVER) as server:
        for path in ("/jsz?streams=perhaps", "/jsz?limit=x", "/jsz?leader-only=x", "/healthz?js-server-only=x"):
            assert get_status(server, path)[0] == 400, path


def law_healthz_is_ok_for_what_is_there():
    with shop() as server:
        for query in ("", "?js-enabled-only=1", "?js-enabled=true", "?js-server-only=1", "?account=$G", "?account=$G&stream=ORDERS",
                      "?account=$G&stream=ORDERS&consumer=work", "?js-meta-only=1"):
            assert get_status(server, "/healthz" + query) == (200, {"status": "ok"}), query


def law_healthz_says_what_is_not_there():
    """As nats-server does it since 2.10."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server 2.9 does not know these")
    with shop() as server:
        for query, status in (("account=nobody", 404), ("account=$G&stream=NONE", 404), ("account=$G&stream=ORDERS&consumer=none", 404),
                              ("stream=ORDERS", 400), ("account=$G&consumer=work", 400)):
            found, page = get_status(server, "/healthz?" + query)
            assert found == status and page["status"] == "unavailable" and page["error"], (query, found, page)
            found, page = get_status(server, "/healthz?details=1&" + query)
            assert found == page["status_code"] == status and page["status"] == "error" and page["errors"][0]["error"], (query, page)
        assert get_status(server, "/healthz?details=true") == (200, {"status": "ok", "status_code": 200})
    with Server(SERVER, CONFIG) as server:
        assert get_status(server, "/healthz")[0] == 200
        assert get_status(server, "/healthz?js-enabled-only=1")[0] == 503


def recovered(server):
    """The page about streams, as soon as none is being read."""
    page = get_status(server, "/healthz")[1]
    return page if "streams" in page and "recovery" not in page else None


def law_healthz_names_a_stream_that_cannot_be_opened():
    """With its reason; a probe that asks for the server alone is not alarmed."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server keeps its streams otherwise")
    with shop() as server:
        server.stop()
        folder = os.path.join(server.folder, "store", "$G", "ORDERS")
        for name in os.listdir(folder):
            if name.endswith(".seg"):
                with open(os.path.join(folder, name), "r+b") as file:
                    file.write(bytes(1 << 20))
        server.start()
        page = wait_until(lambda: recovered(server), "the streams have been read")
        assert [(one["stream"], one["state"]) for one in page["streams"]] == [("ORDERS", "offline")] and page["streams"][0]["reason"], page
        assert "ORDERS" in page["error"], page
        assert get_status(server, "/healthz?account=$G&stream=ORDERS")[0] == 503
        assert get_status(server, "/healthz?account=$G&stream=OTHER")[0] == 200
        assert get_status(server, "/healthz?js-server-only=true")[0] == 200
        details = get_json(server, "/jsz?streams=1")["account_details"][0]["stream_detail"]
        one = next(one for one in details if one["name"] == "ORDERS")
        assert one["health"] == "offline" and one["reason"], one


def samples(text):
    """{name: [(labels, value)]}"""
    found = {}
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        found.setdefault(name, []).append((pairs, float(value)))
    return found


def law_metrics_have_the_names_of_the_usual_dashboards():
    if is_nats(SERVER):
        raise tap.Skip("nats-server has no /metrics")
    with shop() as server:
        found = samples(get(server, "/metrics")[0])
        for prefix, (labels, names) in METRICS.items():
            for name in names.split():
                has_keys(found, [f"{prefix}_{name}"], "/metrics")
                has_keys(found[f"{prefix}_{name}"][0][0], labels, f"{prefix}_{name}")
        stored = {labels["stream_name"]: value for labels, value in found["jetstream_stream_total_messages"]}
        assert stored == {"ORDERS": 1, "OTHER": 0}, stored
        labels, pending = found["jetstream_consumer_num_pending"][0]
        assert (labels["stream_name"], labels["consumer_name"], pending) == ("ORDERS", "work", 1), labels
        assert labels["consumer_desc"] == 'a \\"worker\\"', labels
        labels, reserved = found["jetstream_account_max_storage"][0]
        assert (labels["account"], reserved) == ("$G", 100000), labels
        assert found["jetstream_account_storage_used"][0][1] > 0
        assert found["jetstream_server_total_streams"][0][1] == 2 and found["jetstream_server_jetstream_disabled"][0][1] == 0


def law_metrics_say_when_a_consumer_was_busy_last():
    """And say nothing of one that never was."""
    if is_nats(SERVER):
        raise tap.Skip("nats-server has no /metrics")
    with shop() as server:
        found = samples(get(server, "/metrics")[0])
        assert not [name for name in OF_BUSY_CONSUMERS if found.get(name)], found
        with connected(server) as wire:
            wire.send("SUB pulled 1\r\nPUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.work pulled 1\r\n1\r\n")
            reply = wire.unit().split(b" | ", 1)[0].split()[3].decode()
            assert reply.startswith("$JS.ACK."), reply
            wire.send(f"SUB inbox 2\r\nPUB {reply} inbox 4\r\n+ACK\r\n")
            wire.unit()
        found = samples(get(server, "/metrics")[0])
        for name in OF_BUSY_CONSUMERS:
            labels, seconds = found[name][0]
            assert labels["consumer_name"] == "work" and 0 <= seconds < 3600, (name, labels, seconds)


def law_metrics_without_jetstream_say_so():
    if is_nats(SERVER):
        raise tap.Skip("nats-server has no /metrics")
    with Server(SERVER, CONFIG) as server:
        found = samples(get(server, "/metrics")[0])
        assert found["jetstream_server_jetstream_disabled"][0][1] == 1 and "jetstream_stream_total_messages" not in found


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
