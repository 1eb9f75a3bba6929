#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays wire scripts against the server under test and, where it is installed, against nats-server.

Both must give what the script says, so they give the same. Where they differ on purpose, the law says `differs` and
why. Usage: wire_test.py [--law NAME] SCRIPT...   (RILL_SERVER=path chooses the server, see harness/server.py)"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import script, server, tap, wire  # noqa: E402


def play_split(running, law, barrier):
    """Once in one piece, once byte by byte, then cut in two at every place."""
    whole = script.Run(running, law)
    whole.play()
    for split in [-1, *range(1, whole.sent)] if law.has("splits") else []:
        try:
            script.Run(running, law, split, barrier).play()
        except AssertionError as failure:
            raise AssertionError(f"split at byte {split}: {failure}") from None


def play(running, law):
    """The barrier is a connection of its own: after its PONG the server has seen the first part of what was split."""
    if not law.has("splits"):
        return script.Run(running, law).play()
    with wire.Wire(running) as barrier:
        barrier.read_info()
        fields = next((text for _, verb, text in law.steps if verb == "connect"), "")
        barrier.send(script.connect_line(fields.replace('"verbose":true', '"verbose":false')))
        barrier.sync()
        play_split(running, law, barrier)


def play_all(results, path, laws):
    """A new server for each configuration; laws that stand under the same one share it."""
    label = os.path.basename(path)
    for config in dict.fromkeys(law.config for law in laws):
        group = [law for law in laws if law.config == config]
        try:
            with server.Server(path, config) as running:
                for law in group:
                    results.check(f"{law.name} ({label})", lambda: play(running, law))
                    if running.process.poll() is not None:
                        results.diagnose(running.log()[-2000:])
                        running.start()
        except AssertionError as failure:
            results.line(False, f"server of {group[0].name} starts and ends ({label})")
            results.diagnose(failure)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--law", help="play only this law")
    options.add_argument("scripts", nargs="+")
    given = options.parse_args()
    laws = [law for path in given.scripts for law in script.parse(path) if given.law in (None, law.name)]
    results = tap.Tap()
    subject = server.under_test()
    play_all(results, subject, laws)
    reference = server.oracle()
    if reference and not server.is_nats(subject):
        play_all(results, reference, laws)
    elif not reference:
        results.line(True, "the same replies as nats-server", " # SKIP nats-server is not installed")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
