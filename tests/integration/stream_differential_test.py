#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The streams' API side by side with nats-server: the same requests, and every member of its answers has to be in ours with
the same value. What a newer level of the API brought may be in ours besides. Each difference that is meant has its reason."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.server import Server, is_nats, oracle, under_test  # noqa: E402
from harness.wire import connected  # noqa: E402

SERVER = under_test()
SETTLE_S = 5

# Members that no two servers have in common.
VOLATILE = {
    "created": "a time", "ts": "a time", "time": "a time", "first_ts": "a time", "last_ts": "a time", "last_active": "a time",
    "leader": "the name of the server",
    "bytes": "what a record takes in the log is the store's own business",
    "level": "the level of the API", "errors": "counted from 2.9 on in another way", "total": "requests to an API of another size",
    "max_memory": "depends on the machine at the moment", "max_storage": "depends on the disk at the moment",
}


class JetStreamServer(Server):
    """Its store lies in its own folder and goes with it."""

    def start(self):
        self.args = ["-js", "-sd", os.path.join(self.folder, "store")]
        super().start()


class Client:
    """Says something to one server and gives what it answers, without the inbox's name."""

    def __init__(self, server):
        self.wire = connected(server, headers=True, no_responders=True)
        self.wire.send("SUB inbox 1\r\n")
        self.wire.sync()

    def say(self, subject, body="", headers=""):
        payload = body if isinstance(body, str) else json.dumps(body)
        head = f"NATS/1.0\r\n{headers}\r\n\r\n" if headers else ""
        verb = f"HPUB {subject} inbox {len(head)}" if head else f"PUB {subject} inbox"
        self.wire.send(f"{verb} {len(head) + len(payload)}\r\n{head}{payload}\r\n")
        line, _, body = self.wire.unit().partition(b" |")
        words, body = line.split(), body[1:]
        size = int(words[-2]) if words[0] == b"HMSG" else 0
        return body[:size].decode(), body[size:].decode()


def difference(ours, theirs, path=""):
    """The first place where ours lacks something that theirs says, or None."""
    name = path.rpartition(".")[2]
    if name in VOLATILE:
        return None
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key not in ours and key not in VOLATILE:
                return f"{path}.{key} is missing; nats-server has {value!r}"
            found = difference(ours.get(key), value, f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        pairs = [difference(our, their, f"{path}[{at}]") for at, (our, their) in enumerate(zip(ours, theirs))]
        return next((found for found in pairs if found), None)
    return None if ours == theirs else f"{path} is {ours!r}; nats-server has {theirs!r}"


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def asked_difference(ours, theirs, said, meant):
    try:
        our_headers, our_body = ours.say(*said)
        their_headers, their_body = theirs.say(*said)
    except AssertionError as silence:
        raise AssertionError(f"{said}: {silence}") from silence
    found = difference(parsed(our_body), parsed(their_body)) or difference(our_headers, their_headers, "headers")
    return None if found and any(reason for place, reason in meant if found.startswith(place)) else found


def settled_difference(ours, theirs, said, meant):
    """The state of a stream is asked for again for a while: servers remove messages behind the answer that was given."""
    deadline = time.monotonic() + SETTLE_S
    found = asked_difference(ours, theirs, said, meant)
    while found and said[0].startswith("$JS.API.STREAM.INFO.") and time.monotonic() < deadline:
        found = asked_difference(ours, theirs, said, meant)
    return found


def compare(story):
    """Each line is (subject, body[, headers][, differences that are meant: (path, reason)...])."""
    if not oracle() or is_nats(SERVER):
        raise tap.Skip("nats-server is not installed, or it is the server under test")
    with JetStreamServer(SERVER) as our_server, JetStreamServer(oracle()) as their_server:
        ours, theirs = Client(our_server), Client(their_server)
        wrong = []
        for line in story:
            meant = line[-1] if isinstance(line[-1], frozenset) else frozenset()
            said = [part for part in line if not isinstance(part, frozenset)]
            found = settled_difference(ours, theirs, said, meant)
            if found:
                wrong.append(f"{said}: {found}")
        assert not wrong, "\n".join(wrong)


def api(name, body="", meant=()):
    return (f"$JS.API.{name}", body, frozenset(meant))


def create(config, meant=()):
    return api("STREAM.CREATE.S", {"name": "S", **config}, meant)


def update(config, meant=()):
    return api("STREAM.UPDATE.S", {"name": "S", **config}, meant)


SINCE_210 = (".error", "a rule or a text of a later nats-server")


def law_configurations_are_refused_alike():
    second = 1_000_000_000
    compare([
        create({"num_replicas": -1}), create({"num_replicas": 3}), create({"sealed": True}),
        create({"mirror_direct": True}), create({"max_age": 1}),
        create({"duplicate_window": 1}), create({"duplicate_window": 2 * second, "max_age": second}),
        create({"deny_purge": True, "allow_rollup_hdrs": True}),
        create({"discard_new_per_subject": True, "max_msgs_per_subject": 1}),
        create({"discard_new_per_subject": True, "discard": "new"}),
        create({"subjects": ["a..b"]}), create({"subjects": ["a", "a"]}),
        create({"subjects": ["$JS.API.>"]}, [SINCE_210]),
        create({"subjects": ["a.*", "a.b"]}, [(".error", "2.9 names the two subjects the other way round")]),
        create({"mirror": {"name": "T"}, "subjects": ["a"]}),
        create({"republish": {"dest": "S"}}),
        api("STREAM.CREATE.S", {"name": "T"}),
        api("STREAM.CREATE.S", "{\"name\":\"S\",\"retention\":\"nonsense\"}", [SINCE_210]),
        api("STREAM.INFO.S"), api("STREAM.DELETE.S"), api("STREAM.UPDATE.S", {"name": "S"}),
        api("STREAM.PURGE.S"), api("STREAM.MSG.GET.S", {"seq": 1}), api("STREAM.MSG.DELETE.S", {"seq": 1}),
    ])


def law_streams_are_made_changed_and_listed_alike():
    compare([
        api("STREAM.NAMES", "", [(".streams", "2.9 says null")]), api("STREAM.LIST"),
        create({"subjects": ["s.>"]}), create({"subjects": ["s.>"]}), create({"subjects": ["s"]}),
        api("STREAM.CREATE.T", {"name": "T", "subjects": ["s.x"]}),
        api("STREAM.CREATE.T", {"name": "T", "description": "a <b> & c", "max_msg_size": 7, "no_ack": True}),
        api("STREAM.NAMES"), api("STREAM.NAMES", {"subject": "s.a"}), api("STREAM.NAMES", {"offset": 1}),
        api("STREAM.LIST"), api("STREAM.LIST", {"subject": "T"}),
        update({"subjects": ["u"], "description": "new", "deny_delete": True}),
        update({"subjects": ["u"]}), update({"subjects": ["T"], "deny_delete": True}),
        update({"storage": "memory", "deny_delete": True}),
        update({"retention": "workqueue", "deny_delete": True}, [SINCE_210]),
        api("STREAM.INFO.S"), api("STREAM.DELETE.S"), api("STREAM.INFO.S"), api("INFO"),
        api("STREAM.LEADER.STEPDOWN.S"), api("STREAM.PEER.REMOVE.S"), api("CONSUMER.LEADER.STEPDOWN.S.C"),
    ])


def law_messages_are_stored_read_and_removed_alike():
    publish = [("s.a", f"payload {at}") for at in range(5)]
    compare([
        create({"subjects": ["s.>"], "allow_direct": True}), *publish, ("s.a", "x", "Key: value"),
        api("STREAM.INFO.S"),
        api("STREAM.MSG.GET.S", {"seq": 1}), api("STREAM.MSG.GET.S", {"seq": 6}),
        api("STREAM.MSG.GET.S", {"seq": 7}), api("STREAM.MSG.GET.S"),
        api("STREAM.MSG.GET.S", {"seq": 1, "last_by_subj": "a"}),
        api("STREAM.MSG.DELETE.S", {"seq": 3, "no_erase": True}), api("STREAM.MSG.DELETE.S"),
        api("STREAM.MSG.GET.S", {"seq": 3}),
        api("STREAM.MSG.DELETE.S", {"seq": 4}), api("STREAM.MSG.GET.S", {"seq": 4}),
        api("STREAM.INFO.S", {"deleted_details": True}),
        api("STREAM.PURGE.S", {"seq": 1, "keep": 1}), api("STREAM.PURGE.S", {"seq": 3}),
        api("STREAM.PURGE.S", {"keep": 2}), api("STREAM.PURGE.S"), api("STREAM.PURGE.S"),
        api("STREAM.INFO.S"),
        ("s.a", "after"), api("STREAM.INFO.S"),
        ("$JS.API.DIRECT.GET.S", "{\"seq\":99}"), ("$JS.API.DIRECT.GET.S", ""),
        ("$JS.API.DIRECT.GET.S", "{\"seq\":1,\"last_by_subj\":\"a\"}"),
    ])


def law_subjects_are_asked_about_alike():
    publish = [(f"s.{name}", f"{name} {at}") for at in range(4) for name in ("a", "b", "c.d")]
    get, direct = "STREAM.MSG.GET.S", "$JS.API.DIRECT.GET.S"
    compare([
        create({"subjects": ["s.>"], "allow_direct": True}), *publish,
        *[api(get, {"last_by_subj": subject}) for subject in ("s.a", "s.*", "s.>", "s.x", "x")],
        *[api(get, {"next_by_subj": subject, "seq": seq}) for subject in ("s.b", "s.*", "s.x") for seq in (1, 5, 12)],
        *[(direct, json.dumps(request)) for request in (
            {"last_by_subj": "s.x"}, {"next_by_subj": "s.x"}, {"seq": 99, "next_by_subj": "s.a"})],
        *[api("STREAM.INFO.S", {"subjects_filter": subject}) for subject in (">", "s.*", "s.a", "x")],
        api("STREAM.PURGE.S", {"filter": "s.a", "seq": 5}), api("STREAM.PURGE.S", {"filter": "s.*", "keep": 2}),
        api("STREAM.PURGE.S", {"filter": "s.c.d", "seq": 1, "keep": 1}), api("STREAM.PURGE.S", {"filter": "x"}),
        api("STREAM.INFO.S", {"subjects_filter": ">", "deleted_details": True}),
        api("STREAM.PURGE.S", {"filter": "s.c.>"}), api("STREAM.INFO.S"),
    ])


def law_subjects_are_published_to_alike():
    expected, rollup = "Nats-Expected-Last-Subject-Sequence", "Nats-Rollup: sub"
    compare([
        create({"subjects": ["k.>"], "max_msgs_per_subject": 3, "allow_rollup_hdrs": True}),
        ("k.a", "1", f"{expected}: 0"), ("k.a", "2", f"{expected}: 0"), ("k.a", "2", f"{expected}: 1"),
        ("k.b", "1", f"{expected}: 2"), ("k.b", "1", f"{expected}: 0"),
        *[("k.a", str(at)) for at in range(5)], api("STREAM.INFO.S", {"subjects_filter": ">"}),
        ("k.a", "x", rollup), api("STREAM.INFO.S", {"subjects_filter": ">"}), api("STREAM.MSG.GET.S", {"last_by_subj": "k.a"}),
        update({"subjects": ["k.>"], "max_msgs_per_subject": 1, "allow_rollup_hdrs": True, "discard": "new",
                "discard_new_per_subject": True}),
        ("k.a", "y"), ("k.c", "1"), ("k.c", "2"), api("STREAM.INFO.S", {"subjects_filter": ">"}),
    ])


def law_sealed_streams_refuse_alike():
    compare([
        create({"subjects": ["s"]}), ("s", "1"), update({"subjects": ["s"], "sealed": True}), ("s", "2"),
        api("STREAM.MSG.DELETE.S", {"seq": 1, "no_erase": True}), api("STREAM.PURGE.S"),
        update({"subjects": ["s"], "deny_delete": True, "deny_purge": True}),
        api("STREAM.MSG.GET.S", {"seq": 1}),
    ])


def law_publishers_are_answered_alike():
    compare([
        create({"subjects": ["s"], "max_msg_size": 20}),
        ("s", "1"), ("s", "2", "Nats-Msg-Id: a"), ("s", "2", "Nats-Msg-Id: a"), ("s", "x" * 30),
        ("s", "3", "Nats-Expected-Stream: T"), ("s", "3", "Nats-Expected-Last-Sequence: 9"),
        ("s", "3", "Nats-Expected-Last-Msg-Id: b"), ("s", "3", "Nats-Expected-Last-Msg-Id: a"),
        ("s", "4", "Nats-Rollup: all"),
        update({"subjects": ["s"], "allow_rollup_hdrs": True}),
        ("s", "4", "Nats-Rollup: all"),
        api("STREAM.INFO.S"),
    ])


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
