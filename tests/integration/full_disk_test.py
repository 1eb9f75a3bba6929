#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full: a small tmpfs of its own, which only root may mount (counted as skipped for others)."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from durable_test import Client, DurableServer  # noqa: E402
from harness import tap  # noqa: E402
from harness.server import Server, under_test, wait_until  # noqa: E402

DISK_BYTES = 12 << 20
BALLAST_BYTES = 6 << 20
PAYLOAD = b"x" * 30000


class SmallDisk:
    """A file system of its own."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="rill-test-")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.path], capture_output=True, text=True)
        if mounted.returncode:
            os.rmdir(self.path)
            raise tap.Skip(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
        self.ballast = os.path.join(self.path, "ballast")
        with open(self.ballast, "wb") as file:
            file.write(b"\0" * BALLAST_BYTES)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)
        os.rmdir(self.path)


class SmallServer(DurableServer):
    """Its store lies on a small disk."""

    def __init__(self, disk):
        self.disk = disk
        # A limit above what the disk has: it is the disk that refuses.
        Server.__init__(self, under_test(), "jetstream { max_file: 1GB }\nmax_payload: 64KB")

    def start(self):
        self.args = ["-js", "-sd", os.path.join(self.disk.path, "store")]
        Server.start(self)


def publish_until_refused(client, acknowledged):
    """The error of the first message that finds no room."""
    while True:
        number = len(acknowledged) + 1
        got = client.publish_acknowledged("orders.new", f"id-{number}", b"%08d" % number + PAYLOAD)
        if "error" in got:
            return got["error"]
        acknowledged.append(got["seq"])


def law_a_full_disk_is_an_error_until_there_is_room():
    with SmallDisk() as disk, SmallServer(disk) as server:
        client = Client(server)
        client.ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"]})
        acknowledged = []
        error = publish_until_refused(client, acknowledged)
        assert error["err_code"] == 10077 and "no space" in error["description"], error
        assert len(acknowledged) > 20, acknowledged
        assert client.ask("STREAM.MSG.GET.ORDERS", {"seq": 7})["message"]["seq"] == 7
        refused = client.request("$JS.API.STREAM.CREATE.OTHER", {"name": "OTHER", "subjects": ["other"]})
        assert refused.get("error", {}).get("err_code") in (None, 10049), refused
        os.unlink(disk.ballast)

        def taken():
            number = len(acknowledged) + 1
            got = client.publish_acknowledged("orders.new", f"id-{number}", b"%08d" % number + PAYLOAD)
            return "error" not in got and not acknowledged.append(got["seq"])

        wait_until(taken, "there is room again")
        assert acknowledged == list(range(1, len(acknowledged) + 1)), acknowledged
        server.kill()
        server.start()
        client = server.ready()
        state = client.ask("STREAM.INFO.ORDERS")["state"]
        assert state["messages"] == len(acknowledged) and state["last_seq"] == len(acknowledged), state


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
