#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rilld has and nats-server 2.9 has not, so that it cannot be compared: UNIX sockets, $SYS.REQ.USER.INFO."""

import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.server import DEADLINE_S, Server, is_nats, under_test  # noqa: E402
from harness.wire import Wire, connected  # noqa: E402

SERVER = under_test()
if is_nats(SERVER):
    tap.skip_all("nats-server 2.9 has none of this")


class UnixEndpoint:
    """Stands where Wire expects a server: connects to a UNIX socket in place of TCP."""

    def __init__(self, address):
        self.address = address

    def connect(self):
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(DEADLINE_S)
        wire.connect(self.address)
        return wire


def speaks_over(address, option, **fields):
    with Server(SERVER, option) as server:
        with connected(UnixEndpoint(address), **fields) as near, connected(server, **fields) as far:
            near.send("SUB foo 1\r\n")
            near.sync()
            far.send("PUB foo 2\r\nhi\r\n")
            near.expect("MSG foo 1 2 | hi")


def law_a_unix_socket_speaks_the_same():
    """To connections that came by TCP as well; its file is gone when the broker is."""
    path = f"/tmp/rill-test-{os.getpid()}.sock"
    speaks_over(path, f'unix: "{path}"')
    assert not os.path.exists(path)


def law_an_abstract_unix_socket_speaks_the_same():
    name = f"rill-test-{os.getpid()}"
    speaks_over("\0" + name, f'unix: "@{name}"')


def law_a_unix_socket_asks_for_credentials_too():
    path = f"/tmp/rill-test-{os.getpid()}.sock"
    with Server(SERVER, f'unix: "{path}"\nauthorization {{ token: s3cret }}'):
        with Wire(UnixEndpoint(path)) as wire:
            wire.read_info()
            wire.send("PING\r\n")
            wire.expect("-ERR 'Authorization Violation'")
            assert wire.unit() is None


def law_a_file_of_a_killed_broker_is_no_obstacle():
    path = f"/tmp/rill-test-{os.getpid()}.sock"
    with Server(SERVER, f'unix: "{path}"') as server:
        server.kill()
        assert os.path.exists(path), "nobody has removed it"
        server.start()
        connected(UnixEndpoint(path)).close()


def user_info(server, inbox, **fields):
    with connected(server, **fields) as wire:
        wire.send(f"SUB {inbox} 1\r\nPUB $SYS.REQ.USER.INFO {inbox} 0\r\n\r\n")
        return json.loads(wire.unit().partition(b" | ")[2])["data"]


def law_a_user_may_ask_who_it_is():
    """As nats-server answers since 2.10: user, account and permissions."""
    config = """authorization { users: [
        { user: ann, password: pw, permissions: { publish: { allow: ["a.>", "$SYS.REQ.USER.INFO"], deny: "a.b" }, subscribe: "_INBOX.>" } } ] }"""
    with Server(SERVER, config) as server:
        info = user_info(server, "_INBOX.x", user="ann", **{"pass": "pw"})
        assert (info["user"], info["account"]) == ("ann", "$G"), info
        assert info["permissions"]["publish"] == {"allow": ["a.>", "$SYS.REQ.USER.INFO"], "deny": ["a.b"]}, info
        assert info["permissions"]["subscribe"]["allow"] == ["_INBOX.>"], info


def law_without_users_everybody_is_in_the_global_account():
    with Server(SERVER) as server:
        assert user_info(server, "inbox")["account"] == "$G"


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
