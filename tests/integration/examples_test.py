#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/ against a real server: what they print is what their comments promise. The build names their
folder in RILL_EXAMPLES."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.server import Server, under_test  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402

FOLDER = os.environ["RILL_EXAMPLES"]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
LINES_MAX = 100


def run(name, *arguments):
    done = subprocess.run([os.path.join(FOLDER, name), *arguments], capture_output=True, text=True, timeout=60, check=False)
    if "not implemented yet" in done.stderr:
        raise Skip("this server has not all that it takes yet")
    assert done.returncode == 0, f"{name}: status {done.returncode}: {done.stderr[-1500:]}"
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def against_server(name):
    with Server(under_test()) as server:
        server.stop()
        server.args = ["-js", "-sd", os.path.join(server.folder, "store")]
        server.start()
        return run(name, f"nats://127.0.0.1:{server.port}")


def same(said, *lines):
    assert said == list(lines), said


def law_pubsub():
    same(sorted(against_server("pubsub")),
         "prices.*.eur heard prices.apples.eur: 2.40", "prices.*.eur heard prices.pears.eur: 3.10",
         "prices.apples.> heard prices.apples.eur: 2.40", "prices.apples.> heard prices.apples.usd: 2.70")


def law_service():
    same(against_server("service"), "twice 1: 2", "twice 21: 42", "twice -7: -14", "twice apples: not a number")


def law_durable_worker():
    same(against_server("durable-worker"), "job 1, delivery 1: done", "job 2, delivery 1: failed", "job 3, delivery 1: done",
         "job 2, delivery 2: done")


def law_push_consumer():
    same(against_server("push-consumer"), "readings.roof: 20 degrees", "readings.cellar: 21 degrees",
         "readings.roof: 22 degrees", "readings.cellar: 23 degrees", "readings.roof: 24 degrees")


def law_kv_config():
    same(against_server("kv-config"), "log.level is info", "log.file is /var/log/shop", "and now it changes",
         "log.level is debug", "log.file is gone")


def law_embedded():
    with tempfile.TemporaryDirectory() as folder:
        same(run("embedded", os.path.join(folder, "store")), "reading 1 is kept")
        same(run("embedded", os.path.join(folder, "store")), "reading 2 is kept")
    same(run("embedded"), "reading 1 is kept")


def law_an_example_that_finds_no_server_says_so():
    done = subprocess.run([os.path.join(FOLDER, "pubsub"), "nats://127.0.0.1:1"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and "refused" in done.stderr.lower(), done.stderr


def law_an_example_fits_on_two_screens():
    for name in sorted(os.listdir(SOURCES)):
        if name.endswith(".c"):
            with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
                count = len(file.readlines())
            assert count < LINES_MAX, f"{name} has {count} lines"


run_laws(globals(), sys.argv[1:])
