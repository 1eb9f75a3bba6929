#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the server under test, runs a client program against it, and ends the server with the program.

The program finds RILL_URL (and RILL_WS_URL with --websocket) in its environment. It may write `restart` or `kill` to file
descriptor 3 and reads a line from descriptor 4 when that is done. --config adds to the server's configuration, --url takes
another URL for RILL_URL ({port} is the server's); in both {pid} is a number of nobody else's. Usage: with_server.py
[--jetstream] [--websocket] [--config TEXT] [--url URL] PROGRAM..."""

import argparse
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.server import Server, under_test  # noqa: E402


def serve_commands(server, commands, answers):
    """Until the program ends, which closes the pipe."""
    for line in commands:
        if line.strip() in ("restart", "kill"):
            server.kill() if line.strip() == "kill" else server.stop()
            server.start()
            answers.write("done\n")
            answers.flush()


def environment(server, url, websocket):
    variables = dict(os.environ, RILL_URL=url.replace("{port}", str(server.port)))
    if websocket:
        port = server.port_of(r"Listening for websocket clients on ws://\S+:(\d+)")
        variables["RILL_WS_URL"] = f"ws://127.0.0.1:{port}"
    return variables


def give_pipes(command_write, answer_read):
    """In the child, before its program: descriptors 3 and 4. Both are moved up first, so that neither is trodden on."""
    high = [os.dup2(end, 100 + at) for at, end in enumerate((command_write, answer_read))]
    for at, end in enumerate(high):
        os.dup2(end, 3 + at)


def run(server, program, url, websocket):
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    child = subprocess.Popen(program, env=environment(server, url, websocket), close_fds=False,
                             preexec_fn=lambda: give_pipes(command_write, answer_read))
    os.close(command_write)
    os.close(answer_read)
    with os.fdopen(command_read) as commands, os.fdopen(answer_write, "w") as answers:
        serving = threading.Thread(target=serve_commands, args=(server, commands, answers))
        serving.start()
        status = child.wait()
        serving.join()
    return status


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jetstream", action="store_true")
    options.add_argument("--websocket", action="store_true")
    options.add_argument("--config", default="")
    options.add_argument("--url", default="nats://127.0.0.1:{port}")
    options.add_argument("program", nargs=argparse.REMAINDER)
    given = options.parse_args()
    pid = str(os.getpid())
    config = given.config.replace("{pid}", pid)
    config += '\nwebsocket { host: "127.0.0.1", port: -1, no_tls: true }' if given.websocket else ""
    with Server(under_test(), config) as server:
        if given.jetstream:
            server.stop()
            server.args = ["-js", "-sd", os.path.join(server.folder, "store")]
            server.start()
        return run(server, given.program, given.url.replace("{pid}", pid), given.websocket)


if __name__ == "__main__":
    sys.exit(main())
