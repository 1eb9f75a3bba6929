#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`rilld store` on what a real rilld has written: sound folders, damage of every kind, a running broker, a killed one.

RILL_SEED gives the seed of where the kill comes."""

import base64
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import durable_test as durable  # noqa: E402
from harness import tap  # noqa: E402
from harness.server import under_test, wait_until  # noqa: E402

SEED = int(os.environ.get("RILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
SOUND, DAMAGE, USAGE, FAILED = range(4)
FIRST_COMMIT = 8192
MESSAGES = 20


def store(*words):
    """(exit code, output, error output) of rilld store."""
    done = subprocess.run([under_test(), "store", *words], capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def verify(folder, *flags):
    code, out, err = store("verify", "--json", *flags, folder)
    assert out, err
    return code, json.loads(out)


def dump(folder, *flags):
    code, out, err = store("dump", *flags, folder)
    return code, [json.loads(line) for line in out.splitlines()], err


def with_stream(server):
    """A client of a new server with its stream; a server that has just started says for a moment that it is not ready."""

    def streams_answer():
        return durable.Client(server).request("$JS.API.STREAM.INFO.ORDERS").get("error", {}).get("err_code") == 10059

    wait_until(streams_answer, "the API answers")
    return durable.with_stream(server)


def stored(client):
    """Everything in the stream, as {sequence: payload}, by a consumer that is made for this."""
    config = {"durable_name": "audit", "ack_policy": "explicit", "deliver_policy": "all", "max_ack_pending": 1000}
    client.ask("CONSUMER.DURABLE.CREATE.ORDERS.audit", {"stream_name": "ORDERS", "config": config})
    return {sequence: payload for sequence, _, payload in client.fetch("ORDERS", "audit", 500)}


def kinds(report):
    return sorted(finding["kind"] for finding in report["findings"])


def only(report, kind):
    found = [finding for finding in report["findings"] if finding["kind"] == kind]
    assert len(found) == 1, report["findings"]
    return found[0]


class Store:
    """A folder with the store of a rilld that has ended: twenty messages, a consumer that acknowledged three of them."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="rill-store-")
        self.root = os.path.join(self.folder, "store")
        self.stream = os.path.join(self.root, "$G", "ORDERS")
        self.segment = os.path.join(self.stream, "0000000000000001.seg")
        shutil.copytree(template(), self.root)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def record(self, sequence):
        return next(one for one in dump(self.stream, "--messages")[1] if one["sequence"] == sequence)

    def write(self, offset, data, path=None):
        with open(path or self.segment, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def flip(self, offset, path=None):
        with open(path or self.segment, "rb") as file:
            file.seek(offset)
            byte = file.read(1)[0]
        self.write(offset, bytes([byte ^ 0x10]), path)


MADE = {}


def template():
    """Made once; the copies are what the laws damage."""
    if "folder" not in MADE:
        MADE["folder"] = tempfile.mkdtemp(prefix="rill-store-")
        with durable.DurableServer() as server:
            client = with_stream(server)
            for number in range(1, MESSAGES + 1):
                client.publish_acknowledged(f"orders.{'eu' if number % 2 else 'us'}", str(number), b"payload %d" % number)
            for _, reply, _ in client.fetch("ORDERS", "work", 3):
                client.acknowledge(reply)
            server.stop()
            shutil.copytree(os.path.join(server.folder, "store"), os.path.join(MADE["folder"], "store"))
    return os.path.join(MADE["folder"], "store")


def bytes_of(folder):
    """Every file below a folder with its content and times, to see that nothing was touched."""
    seen = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                seen[full] = (file.read(), os.stat(full).st_mtime_ns)
    return seen


def law_a_closed_store_is_sound_and_untouched():
    with Store() as made:
        before = bytes_of(made.root)
        code, report = verify(made.stream)
        assert code == SOUND and report["sound"] and report["sealed"] and not report["findings"], report
        assert report["messages"] == report["last_sequence"] == MESSAGES, report
        code, out, _ = store("verify", made.root)
        assert code == SOUND and "SOUND: 20 messages" in out and "header" in out, out
        assert bytes_of(made.root) == before, "verify has written"


def law_dump_shows_every_record():
    with Store() as made:
        code, records, err = dump(made.stream)
        assert code == SOUND and not err, err
        messages = [one for one in records if one["type"] == "message"]
        assert [one["sequence"] for one in messages] == list(range(1, MESSAGES + 1))
        assert base64.b64decode(messages[4]["payload"]) == b"payload 5" and messages[4]["subject"] == "orders.eu"
        assert "Nats-Msg-Id: 5" in messages[4]["headers"] and messages[4]["time"].endswith("Z"), messages[4]
        by_type = {one["type"]: one for one in records}
        assert by_type["checkpoint"]["event"]["stream"]["config"]["name"] == "ORDERS", by_type["checkpoint"]
        assert by_type["consumer created"]["event"]["name"] == "work", by_type["consumer created"]
        runs = [run for one in records if one["type"] == "consumer state" for run in one["event"].get("runs", [])]
        assert {"what": "done", "first_sequence": 1, "last_sequence": 1} in runs or runs[-1]["what"] == "done", runs
        assert by_type["commit"]["commit"] > 1 and records[0]["offset"] == FIRST_COMMIT


def law_dump_filters():
    with Store() as made:
        some = dump(made.stream, "--from", "5", "--to=9", "--subject", "*.eu", "--payload", "text")[1]
        assert [(one["sequence"], one["payload_text"]) for one in some] == [(n, f"payload {n}") for n in (5, 7, 9)], some
        assert dump(made.stream, "--subject", "nobody.>")[1] == []
        assert all(one["type"] == "message" for one in dump(made.root, "--messages")[1])


def law_a_flipped_bit_in_a_payload_costs_that_message():
    with Store() as made:
        hit = made.record(7)
        made.flip(hit["offset"] + hit["bytes"] - 12)
        code, report = verify(made.stream)
        finding = only(report, "damaged")
        assert code == DAMAGE and len(report["findings"]) == 1 and report["lost_messages"] == 1, report
        assert (finding["first_sequence"], finding["last_sequence"], finding["first_commit"]) == (7, 7, hit["commit"]), finding
        assert (finding["offset"], finding["end"]) == (hit["offset"], hit["offset"] + hit["bytes"]), finding
        code, records, err = dump(made.stream, "--messages")
        assert code == DAMAGE and "sequence 7" in err, err
        assert [one["sequence"] for one in records] == [n for n in range(1, MESSAGES + 1) if n != 7]


def law_a_flipped_bit_in_a_commit_record_costs_no_message():
    with Store() as made:
        commit = next(one for one in dump(made.stream)[1] if one["type"] == "commit" and one["sequence"] == 6)
        made.flip(commit["offset"] + 33)
        code, report = verify(made.stream)
        finding = only(report, "damaged")
        assert code == DAMAGE and report["lost_messages"] == 0 and report["messages"] == MESSAGES, report
        assert (finding["offset"], finding["end"], finding["first_commit"]) == (commit["offset"], commit["offset"] + 56, commit["commit"]), finding
        assert "no message lost" in store("verify", made.stream)[1]


def law_a_flipped_bit_in_a_header_is_named():
    for offset, word in ((20, "copy only"), (4096 + 20, "first only")):
        with Store() as made:
            made.flip(offset)
            code, report = verify(made.stream)
            assert code == DAMAGE and kinds(report) == ["header"] and report["segments"][0]["header"] == word, report
            assert report["messages"] == MESSAGES


def law_a_zeroed_range_costs_what_stood_there():
    with Store() as made:
        first, last = made.record(4), made.record(6)
        made.write(first["offset"], bytes(last["offset"] + last["bytes"] - first["offset"]))
        code, report = verify(made.stream)
        lost = [n for one in report["findings"] if "first_sequence" in one for n in range(one["first_sequence"], one["last_sequence"] + 1)]
        assert code == DAMAGE and lost == [4, 5, 6] and "zeros" in report["findings"][0]["detail"], report


def law_a_duplicated_block_is_no_record():
    with Store() as made:
        source, target = made.record(3), made.record(9)
        with open(made.segment, "rb") as file:
            file.seek(source["offset"])
            block = file.read(target["bytes"])
        made.write(target["offset"], block)
        code, report = verify(made.stream)
        assert code == DAMAGE and only(report, "damaged")["first_sequence"] == 9 and report["lost_messages"] == 1, report


def law_a_cut_tail_is_a_torn_one():
    """What is missing behind the end cannot be told from what was never written: a note, and damage if one is strict."""
    with Store() as made:
        hit = made.record(MESSAGES)
        os.truncate(made.segment, hit["offset"] + 40)
        code, report = verify(made.stream)
        torn = only(report, "torn")
        assert code == SOUND and not report["sealed"] and report["last_sequence"] == MESSAGES - 1, report
        assert torn["first_sequence"] == MESSAGES and torn["first_commit"] == hit["commit"], torn
        assert verify(made.stream, "--strict")[0] == DAMAGE


def law_a_foreign_or_renamed_segment_is_named():
    with Store() as made:
        other = os.path.join(made.stream, "0000000000000002.seg")
        shutil.copy(made.segment, other)
        code, report = verify(made.stream)
        assert code == DAMAGE and "misnamed" in kinds(report) and report["messages"] == MESSAGES, report
        os.rename(other, os.path.join(made.stream, "notes.txt"))
        code, report = verify(made.stream)
        assert code == SOUND and kinds(report) == ["other"] and only(report, "other")["detail"] == "notes.txt", report
        os.rename(made.segment, other)
        code, report = verify(made.stream)
        assert code == DAMAGE and kinds(report) == ["no-segments"], report


def salvage_and_read(made, *flags):
    """Salvages to a new store and reads that with a rilld: {sequence: payload}, and the next sequence that it gives."""
    new = os.path.join(made.folder, "new", "$G", "ORDERS")
    code, out, err = store("salvage", *flags, made.stream, new)
    assert code in (SOUND, DAMAGE), err
    assert verify(new)[0] == SOUND
    assert store("salvage", made.stream, new)[0] == FAILED, "it overwrites"
    with started_on(os.path.join(made.folder, "new")) as server:
        client = server.ready()
        info = client.ask("CONSUMER.INFO.ORDERS.work") if "--config" not in flags else None
        return code, stored(client), client.publish_acknowledged("orders.new", "after", b"after")["seq"], info, out


@contextlib.contextmanager
def started_on(root):
    with durable.DurableServer() as server:
        server.stop()
        shutil.rmtree(os.path.join(server.folder, "store"), ignore_errors=True)
        shutil.copytree(root, os.path.join(server.folder, "store"))
        server.start()
        yield server


def law_salvage_saves_what_is_sound():
    with Store() as made:
        for sequence in (5, 12):
            hit = made.record(sequence)
            made.flip(hit["offset"] + hit["bytes"] - 12)
        before = bytes_of(made.root)
        code, found, following, info, out = salvage_and_read(made)
        assert code == DAMAGE and "2 messages are lost" in out, out
        assert found == {n: b"payload %d" % n for n in range(1, MESSAGES + 1) if n not in (5, 12)}, found
        assert following == MESSAGES + 1 and info["ack_floor"]["stream_seq"] == 3, info
        assert bytes_of(made.root) == before, "salvage has written to the old folder"


def law_salvage_without_a_checkpoint_needs_a_configuration():
    with Store() as made:
        checkpoint = next(one for one in dump(made.stream)[1] if one["type"] == "checkpoint")
        made.flip(checkpoint["offset"] + 40)
        code, _, err = store("salvage", made.stream, os.path.join(made.folder, "not"))
        assert code == FAILED and "--config" in err and not os.path.exists(os.path.join(made.folder, "not")), err
        config = os.path.join(made.folder, "config.json")
        with open(config, "w", encoding="ascii") as file:
            json.dump(checkpoint["event"]["stream"]["config"], file)
        _, found, following, _, _ = salvage_and_read(made, "--config", config)
        assert sorted(found) == list(range(1, MESSAGES + 1)) and following == MESSAGES + 1


def law_reindex_makes_an_index_that_agrees():
    with Store() as copy:
        index = os.path.join(copy.stream, "index.db")
        with open(index, "wb") as file:
            file.write(b"no index at all" * 1000)
        assert verify(copy.stream)[0] == DAMAGE
        code, out, err = store("reindex", "--json", copy.root)
        assert code == SOUND and json.loads(out)["messages"] == MESSAGES, (code, out, err)
        assert "not all message ids in the old index could be read" in err, err
        assert os.path.getsize(index) > 4096
        assert verify(copy.stream)[0] == SOUND


def law_a_running_broker_is_not_disturbed():
    with durable.DurableServer() as server:
        client = with_stream(server)
        client.publish_acknowledged("orders.new", "a", b"one")
        folder = os.path.join(server.folder, "store", "$G", "ORDERS")
        for words in (["verify", folder], ["dump", folder], ["salvage", folder, folder + "2"], ["reindex", folder]):
            code, _, err = store(*words)
            assert code == FAILED and "in use by another process" in err and "--live" in err, err
        code, report = verify(folder, "--live")
        assert code == SOUND and report["messages"] == 1 and not report["sealed"], report
        assert client.publish_acknowledged("orders.new", "b", b"two")["seq"] == 2


def law_a_live_verify_under_load_calls_nothing_damaged():
    with durable.DurableServer() as server:
        client, acknowledged = with_stream(server), {}
        folder = os.path.join(server.folder, "store", "$G", "ORDERS")
        publishing = threading.Thread(target=durable.publish_until_killed, args=(server, client, range(200000), acknowledged))
        publishing.start()
        for _ in range(20):
            known = len(acknowledged)
            code, report = verify(folder, "--live")
            assert code == SOUND and report["messages"] >= known, report
        server.kill()
        publishing.join()


def law_what_a_kill_leaves_is_sound_and_complete():
    print(f"# RILL_SEED={SEED}")
    goal, acknowledged = random.Random(SEED).randrange(500, 3000), {}
    with durable.DurableServer() as server:
        client = with_stream(server)
        publishing = threading.Thread(target=durable.publish_until_killed, args=(server, client, range(100000), acknowledged))
        publishing.start()
        wait_until(lambda: len(acknowledged) >= goal, "some acknowledgements")
        server.kill()
        publishing.join()
        folder = os.path.join(server.folder, "store", "$G", "ORDERS")
        code, report = verify(folder)
        print(f"# {report['messages']} messages, findings: {kinds(report)}")
        assert code == SOUND and not report["sealed"] and report["lost_messages"] == 0, report
        found = {one["sequence"]: base64.b64decode(one["payload"]) for one in dump(folder, "--messages")[1]}
        lost = [number for number, sequence in acknowledged.items() if found.get(sequence) != b"%d" % number]
        assert not lost, f"acknowledged and not in the dump: {lost[:10]}"


def law_the_command_line_is_checked():
    cases = [[], ["mend", "x"], ["verify"], ["verify", "a", "b"], ["verify", "--from", "1", "a"], ["dump", "--from", "x", "a"],
             ["dump", "--payload", "hex", "a"], ["dump", "--subject", "a..b", "a"], ["salvage", "a"], ["dump", "--to"]]
    for words in cases:
        code, out, err = store(*words)
        assert code == USAGE and not out and "rilld store" in err, (words, code, err)
    assert store("verify", "/nowhere/at/all")[0] == FAILED
    assert store("reindex", "/nowhere/at/all")[0] == FAILED
    assert "Exit codes" in store("--help")[1] and "Exit codes" in store("verify", "-h")[1]
    help_text = subprocess.run([under_test(), "--help"], capture_output=True, check=True).stdout.decode()
    assert "rilld store" in help_text


if __name__ == "__main__":
    try:
        tap.run_laws(globals(), sys.argv[1:])
    finally:
        shutil.rmtree(MADE.get("folder", ""), ignore_errors=True)
