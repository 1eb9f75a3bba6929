# SPDX-License-Identifier: Apache-2.0
"""The client's side of the NATS text protocol, as raw as it gets: bytes out, one unit at a time in.

A unit is a control line without CR LF, or, for MSG and HMSG, the line, " |", and then a blank and the payload if there is any."""

import json
import socket

from harness.server import DEADLINE_S

CONNECT = {"verbose": False, "pedantic": False, "protocol": 1}


class Wire:
    """One connection. `ping_answered` swallows the server's own PINGs, whose time nobody can foresee."""

    def __init__(self, server, ping_answered=True):
        self.socket = server.connect()
        self.buffer = b""
        self.ping_answered = ping_answered
        self.info = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """The peer may have closed already: that is for `unit` to find."""
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def fill(self):
        """False at the end of the stream. A reset is an end too: the peer had unread bytes of ours."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise AssertionError(f"nothing came for {DEADLINE_S:.0f} s; unread: {self.buffer[:200]!r}") from None
        self.buffer += data
        return bool(data)

    def take(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                return None
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                assert not self.buffer, f"the stream ends in the middle of a line: {self.buffer[:200]!r}"
                return None
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def raw_unit(self):
        line = self.line()
        if line is None or not line.startswith((b"MSG ", b"HMSG ")):
            return line
        size = int(line.split()[-1])
        payload = self.take(size + 2)
        assert payload and payload.endswith(b"\r\n"), f"no CR LF after the payload of {line!r}"
        return line + b" |" + (b" " + payload[:-2] if size else b"")

    def unit(self, want_info=False):
        """The next unit, None at the end of the stream. INFO sent later than the first is skipped unless wanted."""
        while True:
            unit = self.raw_unit()
            if unit == b"PING" and self.ping_answered:
                self.send("PONG\r\n")
            elif unit is not None and unit.startswith(b"INFO ") and self.info and not want_info:
                pass
            else:
                return unit

    def read_info(self):
        unit = self.unit()
        assert unit is not None and unit.startswith(b"INFO "), f"expected INFO, got {unit!r}"
        self.info = json.loads(unit[5:])
        return self.info

    def sync(self):
        """PING and its PONG: the server has done all that was sent before, and nothing unexpected is waiting."""
        self.send("PING\r\n")
        self.expect("PONG")

    def expect(self, text):
        unit = self.unit()
        assert unit == text.encode("latin-1"), f"expected {text[:300]!r}, got {None if unit is None else unit[:300]!r}"


def connected(server, **fields):
    """A connection that has read INFO, sent CONNECT with these fields, and had its PONG."""
    wire = Wire(server)
    wire.read_info()
    wire.send("CONNECT " + json.dumps({**CONNECT, **fields}) + "\r\n")
    wire.sync()
    return wire
