#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real binary under bad company: a well-behaved client must not notice any of it.

RILL_SEED gives the seed of what is random; RILL_LONG=1 takes ten times more of everything."""

import os
import random
import resource
import select
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.server import Server, under_test, wait_until  # noqa: E402
from harness.wire import Wire, connected  # noqa: E402

LONG = 10 if os.environ.get("RILL_LONG") else 1
SEED = int(os.environ.get("RILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
SERVER = under_test()


def raise_file_limit(wanted):
    """Gives how many file descriptors this process (and the server it starts) may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


class Neighbour:
    """The well-behaved client: publishes to itself all the time and keeps the slowest round trip."""

    def __init__(self, server):
        self.wire = connected(server)
        self.wire.send("SUB neighbour 1\r\n")
        self.slowest_s, self.trips = 0.0, 0

    def trip(self):
        start = time.monotonic()
        self.wire.send("PUB neighbour 2\r\nhi\r\n")
        self.wire.expect("MSG neighbour 1 2 | hi")
        self.slowest_s = max(self.slowest_s, time.monotonic() - start)
        self.trips += 1


def law_thousands_of_connections_that_say_nothing_harm_nobody():
    """They are open, have got their INFO, and never send a byte."""
    count = min(3000 * LONG, raise_file_limit(3000 * LONG + 200) // 2 - 100)
    with Server(SERVER, 'ping_interval: "2m"') as server:
        neighbour, idle = Neighbour(server), []
        for number in range(count):
            idle.append(server.connect())
            if number % 100 == 0:
                neighbour.trip()
        assert all(one.recv(5) == b"INFO " for one in idle), "each got its INFO"
        neighbour.trip()
        print(f"# {count} connections, {server.memory_bytes() >> 20} MiB, slowest round trip {neighbour.slowest_s:.3f} s")
        for one in idle:
            one.close()
        neighbour.trip()


def law_connections_that_come_and_go_harm_nobody():
    """Half of them are reset, not closed, and some in the middle of a command."""
    with Server(SERVER) as server:
        neighbour = Neighbour(server)
        for number in range(1000 * LONG):
            one = server.connect()
            if number % 3 == 0:
                one.sendall(b"CONNECT {}\r\nSUB foo 1\r\nPUB foo 100\r\nhalf")
            if number % 2 == 0:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
            if number % 50 == 0:
                neighbour.trip()
        neighbour.trip()


def garbage(dice):
    """What looks almost like the protocol finds more than noise does."""
    words = [b"PUB ", b"SUB ", b"HPUB ", b"UNSUB ", b"CONNECT ", b"PING", b"\r\n", b" ", b"foo", b">", b"*", b"-1", b"7", b"{", b'"a":', b"}", b"\0"]
    if dice.random() < 0.3:
        return dice.randbytes(dice.randrange(1, 5000))
    return b"".join(dice.choice(words) for _ in range(dice.randrange(1, 400)))


def law_garbage_on_many_connections_harms_nobody():
    print(f"# RILL_SEED={SEED}")
    dice = random.Random(SEED)
    with Server(SERVER) as server:
        neighbour = Neighbour(server)
        for _ in range(20 * LONG):
            crowd = [Wire(server) for _ in range(30)]
            for one in crowd:
                one.send(garbage(dice))
                neighbour.trip()
            for one in crowd:
                one.close()
        assert server.process.poll() is None


def limit_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def greeted(one):
    """Whether the server has accepted this connection: its INFO is there."""
    return bool(select.select([one], [], [], 0)[0])


def law_out_of_file_descriptors_accepting_pauses_and_resumes():
    """Who is in is served all the while; who waits comes in when others leave."""
    with Server(SERVER, preexec=limit_files) as server:
        neighbour = Neighbour(server)
        crowd = [server.connect() for _ in range(100)]
        wait_until(lambda: greeted(crowd[20]), "the first ones are let in")
        for _ in range(20):
            neighbour.trip()
        assert not greeted(crowd[-1]), "the last one waits, as there are no descriptors left"
        for one in crowd[:90]:
            one.close()
        wait_until(lambda: all(greeted(one) for one in crowd[90:]), "those who waited are let in")
        neighbour.trip()
        connected(server).close()


def read_all(wire, count, got):
    for _ in range(count):
        unit = wire.unit()
        if unit is None:
            return
        got.append(unit)


def law_a_stuck_subscriber_is_closed_alone():
    """It reads nothing until its share of memory is used up; the others get every message, in order."""
    with Server(SERVER, 'max_payload: 64KB\nmax_pending: 1MB\nwrite_deadline: "2s"') as server:
        stuck, good, publisher = connected(server), connected(server), connected(server)
        for one in (stuck, good):
            one.send("SUB flood 1\r\n")
            one.sync()
        sent, received, body = 0, [], b"x" * 60000
        while "Slow Consumer" not in server.log():
            for _ in range(8):
                sent += 1
                publisher.send(b"PUB flood 60008\r\n%08d" % sent + body + b"\r\n")
            reader = threading.Thread(target=read_all, args=(good, 8, received))
            reader.start()
            reader.join()
            assert len(received) == sent, f"the good one has {len(received)} of {sent}"
            assert sent < 5000, "the stuck one should have been closed by now"
        assert [int(unit.split(b"| ")[1][:8]) for unit in received] == list(range(1, sent + 1))
        wait_until(lambda: not stuck.fill(), "the stuck one is closed")
        publisher.sync()
        good.sync()


def law_a_flood_starves_nobody():
    """One publisher sends as fast as it can to nobody; a round trip of another stays short."""
    with Server(SERVER) as server:
        neighbour, flood, over = Neighbour(server), connected(server), threading.Event()
        burst = b"PUB nobody 16\r\n0123456789abcdef\r\n" * 2000

        def pour():
            while not over.is_set():
                flood.send(burst)

        pouring = threading.Thread(target=pour)
        pouring.start()
        try:
            for _ in range(300 * LONG):
                neighbour.trip()
        finally:
            over.set()
            pouring.join()
        print(f"# slowest round trip {neighbour.slowest_s * 1000:.1f} ms")
        assert neighbour.slowest_s < 2.0


def law_a_closed_connection_leaves_no_interest():
    """Requests are answered 503 as soon as the only listener is gone."""
    with Server(SERVER) as server:
        listener, asker = connected(server), connected(server, headers=True, no_responders=True)
        listener.send("SUB ears 1\r\n")
        listener.sync()
        listener.close()
        asker.send("SUB mouth 1\r\n")

        def no_responders():
            asker.send("PUB ears mouth 0\r\n\r\nPING\r\n")
            units = [asker.unit()]
            while units[-1] != b"PONG":
                units.append(asker.unit())
            return b"503" in units[0]

        wait_until(no_responders, "a 503")


def law_allow_responses_expires():
    config = """authorization { users: [
        { user: svc, password: pw, permissions: { subscribe: "svc", allow_responses: { max: 100000000, expires: "100ms" } } }
        { user: all, password: pw } ] }"""
    with Server(SERVER, config) as server:
        asker, service = connected(server, user="all", **{"pass": "pw"}), connected(server, user="svc", **{"pass": "pw"})
        service.send("SUB svc 1\r\n")
        service.sync()
        asker.send("PUB svc rep 0\r\n\r\n")
        service.expect("MSG svc 1 rep 0 |")

        def refused():
            service.send("PUB rep 0\r\n\r\nPING\r\n")
            unit = service.unit()
            if unit != b"PONG":
                service.expect("PONG")
            return unit != b"PONG" and unit

        assert not refused(), "the first answer passes"
        assert wait_until(refused, "the permission ends") == b"-ERR 'Permissions Violation for Publish to \"rep\"'"


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
