#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Consumers side by side with nats-server: the same requests, and every member of its answers has to be in ours with the same
value. What a newer level of the API brought may be in ours besides. Each difference that is meant has its reason."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from stream_differential_test import api, compare  # noqa: E402

SECOND_NS = 1_000_000_000
SINCE_210 = (".error", "a rule, a number or a text of a later nats-server")
STREAM = api("STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"]})


def make(config, meant=(), form="CREATE", name="", **request):
    subject = f"CONSUMER.{form}.S" + (f".{name}" if name else "")
    return api(subject, {"stream_name": "S", "config": config, **request}, meant)


def durable(config, meant=(), **request):
    return make({"durable_name": "W", **config}, meant, "DURABLE.CREATE", "W", **request)


def pull(body="", consumer="W"):
    return (f"$JS.API.CONSUMER.MSG.NEXT.S.{consumer}", body if isinstance(body, str) else json.dumps(body))


def law_configurations_are_refused_alike():
    push = {"deliver_subject": "to"}
    compare([
        STREAM, api("CONSUMER.DURABLE.CREATE.S.W", {"stream_name": "S"}), api("CONSUMER.DURABLE.CREATE.T.W", {"stream_name": "T", "config": {"durable_name": "W"}}),
        make({}, (), "DURABLE.CREATE", "W"), make({"durable_name": "V"}, (), "DURABLE.CREATE", "W"), make({"durable_name": "W"}),
        make({"durable_name": "W", "filter_subject": "s.>"}, (), "CREATE", "W.s.a"),
        durable({"opt_start_seq": 5}), durable({"deliver_policy": "by_start_sequence"}), durable({"deliver_policy": "by_start_time"}),
        durable({"deliver_policy": "last_per_subject"}), durable({"deliver_policy": "last", "opt_start_seq": 1}),
        durable({"deliver_policy": "new", "opt_start_seq": 1}),
        durable({"ack_policy": "explicit", "backoff": [1, 2, 3], "max_deliver": 2}), durable({"sample_freq": "often"}, [SINCE_210]),
        durable({"rate_limit_bps": 1}), durable({"max_waiting": -1}), durable({"idle_heartbeat": SECOND_NS}), durable({"flow_control": True}),
        durable({"max_batch": -1}), durable({"max_expires": 1}), durable({"direct": True}), durable({"num_replicas": -1}, [SINCE_210]),
        durable({"num_replicas": 3}),
        durable({"deliver_subject": "to.*"}), durable({"deliver_subject": "s.x"}), durable({**push, "max_waiting": 5}),
        durable({**push, "max_ack_pending": 5}), durable({**push, "idle_heartbeat": 1000}), durable({**push, "flow_control": True}),
        durable({**push, "direct": True}), durable({"description": "x" * 5000}),
        api("CONSUMER.INFO.S.W"), api("CONSUMER.DELETE.S.W"), api("CONSUMER.INFO.T.W"),
    ])


def law_consumers_are_made_changed_and_listed_alike():
    explicit = {"ack_policy": "explicit"}
    compare([
        STREAM, api("CONSUMER.NAMES.S"), api("CONSUMER.LIST.S"),
        durable(explicit), durable(explicit), durable({**explicit, "max_deliver": 5, "description": "d"}),
        durable({"ack_policy": "none"}), durable({**explicit, "deliver_policy": "new"}), durable({**explicit, "replay_policy": "original"}),
        durable({**explicit, "max_waiting": 3}), durable({**explicit, "deliver_subject": "to"}, [SINCE_210]),
        make({"name": "E", "ack_policy": "all", "mem_storage": True}, (), "CREATE", "E"),
        make({"durable_name": "P", "deliver_subject": "to", "idle_heartbeat": SECOND_NS, "flow_control": True, "deliver_group": "g"}, (), "CREATE", "P"),
        make({"durable_name": "P", "ack_policy": "none"}, (), "CREATE", "P"),
        make({"durable_name": "N", "deliver_policy": "new", **explicit, "headers_only": True}, (), "CREATE", "N"),
        api("CONSUMER.NAMES.S"), api("CONSUMER.LIST.S"), api("CONSUMER.NAMES.S", {"offset": 1}), api("CONSUMER.INFO.S.P"), api("CONSUMER.INFO.S.E"),
        api("CONSUMER.DELETE.S.P"), api("CONSUMER.DELETE.S.P"), api("CONSUMER.NAMES.S"), api("STREAM.INFO.S"),
    ])


def law_what_cannot_change_is_told_alike():
    push = {"ack_policy": "explicit", "deliver_subject": "to", "idle_heartbeat": SECOND_NS, "deliver_policy": "by_start_sequence", "opt_start_seq": 3}
    silent = {key: value for key, value in push.items() if key != "idle_heartbeat"}
    by_time = {"ack_policy": "explicit", "deliver_policy": "by_start_time", "opt_start_time": "2026-01-01T00:00:00Z"}
    begun = [(".ack_floor", "2.9 begins with a floor of 0"), (".delivered", "2.9 tells the sequence before only at some policies")]
    compare([
        STREAM, durable(push, begun), durable({**push, "opt_start_seq": 4}), durable({**push, "flow_control": True}), durable(silent),
        durable({**push, "deliver_subject": "to.2"}, begun), durable({**push, "deliver_subject": "to.2", "max_deliver": 4, "headers_only": True}, begun),
        api("CONSUMER.DELETE.S.W"), durable(by_time, begun), durable({**by_time, "opt_start_time": "2026-01-02T00:00:00Z"}),
        durable({**by_time, "filter_subject": "s.a", "max_ack_pending": 7, "ack_wait": SECOND_NS, "sample_freq": "10"},
                [*begun, (".error", "2.9 takes an equal start time for another one")]),
    ])


def law_pulls_are_answered_alike():
    compare([
        STREAM, durable({"ack_policy": "explicit", "max_batch": 5, "max_expires": 10 * SECOND_NS}),
        pull({"no_wait": True}), pull({"batch": 6}), pull({"batch": 1, "expires": 11 * SECOND_NS}),
        pull({"batch": 1, "expires": SECOND_NS, "idle_heartbeat": SECOND_NS}), pull({"batch": 3, "expires": SECOND_NS // 5}),
        ("s.a", "one"), pull(), ("$JS.ACK.S.W.1.1.1.1.0", "+WPI"), ("$JS.ACK.S.W.1.1.1.1.0", ""), ("$JS.ACK.S.W.1.1.1.1.0", "+ACK"),
        api("CONSUMER.INFO.S.W"),
        ("s.a", "x" * 100), pull({"batch": 1, "max_bytes": 50, "expires": SECOND_NS}), pull(),
        ("$JS.ACK.S.W.1.2.2.1.0", "+TERM"), api("CONSUMER.INFO.S.W"),
        make({"durable_name": "P", "deliver_subject": "to"}, (), "CREATE", "P"), pull("1", "P"),
    ])


def law_acknowledgements_count_alike():
    compare([
        STREAM, durable({"ack_policy": "all"}), *[("s.a", str(number)) for number in range(5)],
        pull(), pull(), pull(), ("$JS.ACK.S.W.1.2.2.1.0", "+ACK"), api("CONSUMER.INFO.S.W"), ("$JS.ACK.S.W.1.3.3.1.0", "+ACK"),
        api("CONSUMER.INFO.S.W"), api("STREAM.PURGE.S"), api("CONSUMER.INFO.S.W"),
        make({"durable_name": "N", "ack_policy": "none"}, [(".ack_floor", "2.9 begins with a floor of 0")], "CREATE", "N"), ("s.a", "after"), pull("1", "N"), api("CONSUMER.INFO.S.N"),
    ])


def law_filters_take_alike():
    explicit = {"ack_policy": "explicit"}
    messages = [("s.a", "1"), ("s.b", "2"), ("s.a", "3"), ("s.a.b", "4"), ("s.c", "5")]
    compare([
        STREAM, durable({**explicit, "filter_subject": "elsewhere"}), durable({**explicit, "filter_subject": "s..a"}), *messages,
        durable({**explicit, "filter_subject": "s.*"}), durable({**explicit, "filter_subject": "s.a"}), api("CONSUMER.INFO.S.W"),
        pull(), pull({"no_wait": True}), pull({"no_wait": True}), api("CONSUMER.INFO.S.W"),
        make({"durable_name": "F", **explicit, "filter_subject": ">"}, (), "CREATE", "F.>"), pull({"no_wait": True}, "F"), api("CONSUMER.INFO.S.F"),
        api("STREAM.PURGE.S", {"seq": 4}), api("CONSUMER.INFO.S.F"), pull({"no_wait": True}, "F"), pull({"no_wait": True}, "F"), pull({"no_wait": True}, "F"),
    ])


def law_consumers_begin_alike():
    floor = [(".ack_floor", "2.9 begins with a floor of 0"), (".delivered", "2.9 tells the sequence before only at some policies")]

    def begin(name, **config):
        return make({"durable_name": name, "ack_policy": "explicit", **config}, floor, "CREATE", name)

    last_of_each = {"deliver_policy": "last_per_subject", "filter_subject": "s.*"}
    compare([
        STREAM, *[(f"s.{number % 3}", str(number)) for number in range(9)],
        begin("L", deliver_policy="last", filter_subject="s.1"), pull({"no_wait": True}, "L"), pull({"no_wait": True}, "L"),
        begin("M", deliver_policy="last", filter_subject="s.none"), pull({"no_wait": True}, "M"),
        begin("P", **last_of_each), pull({"no_wait": True}, "P"), ("s.0", "more"), *[pull({"no_wait": True}, "P") for _ in range(4)],
        begin("Q", deliver_policy="last_per_subject"),
        begin("T", deliver_policy="by_start_time", opt_start_time="2020-01-01T00:00:00Z", filter_subject="s.2"), pull({"no_wait": True}, "T"),
        begin("U", deliver_policy="by_start_time", opt_start_time="2060-01-01T00:00:00Z"), pull({"no_wait": True}, "U"),
        begin("N", deliver_policy="new", filter_subject="s.0"), pull({"no_wait": True}, "N"), ("s.1", "x"), ("s.0", "y"), pull({"no_wait": True}, "N"),
    ])


def law_work_queues_and_interest_keep_alike():
    explicit = {"ack_policy": "explicit"}

    def stream(retention):
        return api("STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"], "retention": retention})

    def consumer(name, **config):
        return make({"durable_name": name, **config}, [(".ack_floor", "2.9 begins with a floor of 0"), (".delivered", "as above")], "CREATE", name)

    info = api("STREAM.INFO.S", "", [(".state.num_deleted", "2.9 counts what it never stored in another way"), (".state.first_seq", "as above")])
    compare([
        stream("workqueue"), ("s.a", "1"), ("s.b", "2"), ("s.a", "3"), durable({}, [SINCE_210]), consumer("A", ack_policy="all"), consumer("A", **explicit, deliver_policy="new"),
        consumer("A", **explicit, filter_subject="s.a"), consumer("B", **explicit, filter_subject="s.a"), consumer("B", **explicit, filter_subject="s.*"), consumer("B", **explicit),
        consumer("B", **explicit, filter_subject="s.b"), pull("", "A"), ("$JS.ACK.S.A.1.1.1.1.0", "+ACK"), info, pull("", "A"), ("$JS.ACK.S.A.1.3.2.1.0", "+TERM"), info,
        api("CONSUMER.DELETE.S.B"), info,
    ])
    compare([
        stream("interest"), ("s.a", "1"), consumer("A", **explicit, filter_subject="s.a"), consumer("B", **explicit), ("s.a", "2"), ("s.b", "3"), ("s.a", "4"),
        pull("", "B"), ("$JS.ACK.S.B.1.2.1.1.0", "+ACK"), pull("", "A"), ("$JS.ACK.S.A.1.2.1.1.0", "+ACK"), info, api("CONSUMER.DELETE.S.B"), info,
        ("s.b", "5", "Nats-Msg-Id: 1"), ("s.b", "5", "Nats-Msg-Id: 2"), info,
    ])


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
