# SPDX-License-Identifier: Apache-2.0
"""Wire scripts: what is sent, and what must come back. The language is explained in tests/integration/wire/README.md.

A script is parsed into laws; a law is a list of steps; `Run` plays one law against one server."""

import re

from harness.server import is_nats
from harness.wire import Wire

STEP = re.compile(r"^(?:(?P<name>[a-z]\w*)(?=[<> ]))?(?P<sign>>>|>|<~|<&|<@nats|<@rill|<)(?: (?P<text>.*))?$")
VERB = re.compile(r"^(?:(?P<name>[a-z]) )?(?P<verb>connect|closed|sync|open|drop|restart|splits|differs|own_pings)(?: (?P<text>.*))?$")
BASE = '"verbose":false,"pedantic":false,"protocol":1'


def unescape(text):
    """\\r \\n \\t \\0 \\xNN \\\\ as in C, and $(x*5000) for 5000 times x. The result is bytes."""
    text = re.sub(r"\$\((.+?)\*(\d+)\)", lambda m: m[1] * int(m[2]), text or "")
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def connect_line(fields):
    return b"CONNECT {" + unescape(BASE + ("," + fields if fields else "")) + b"}\r\n"


class Law:
    def __init__(self, name, config, where):
        self.name, self.config, self.where, self.steps = name, config, where, []

    def has(self, verb):
        return any(step[1] == verb for step in self.steps)


def parse_step(line, where):
    """(connection, verb or sign, text)"""
    found = VERB.match(line) or STEP.match(line)
    assert found, f"{where}: not understood: {line!r}"
    groups = found.groupdict()
    return (groups["name"] or "c", groups.get("verb") or groups.get("sign"), groups["text"] or "")


def parse(path):
    laws, config, in_config = [], "", False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            where, line = f"{path}:{number}", line.rstrip("\n")
            if in_config:
                in_config = line != "end"
                config += line + "\n" if in_config else ""
            elif not line.strip() or line.lstrip().startswith("#"):
                continue
            elif line == "config":
                config, in_config = "", True
            elif line.startswith("law "):
                laws.append(Law(line[4:].strip(), config, where))
            else:
                laws[-1].steps.append(parse_step(line.strip(), where))
    assert all(law.has("differs") or not (law.has("<@nats") or law.has("<@rill")) for law in laws), "differs needs a reason"
    return laws


class Run:
    """One law, once. `split` is the place in what the law sends where the server is made to read first; -1 is each."""

    def __init__(self, server, law, split=None, barrier=None):
        self.server, self.law, self.split, self.barrier = server, law, split, barrier
        self.wires, self.ended, self.sent = {}, set(), 0
        self.outbox, self.set = [], []

    def wire(self, name):
        if name not in self.wires:
            self.wires[name] = Wire(self.server, ping_answered=not self.law.has("own_pings"))
            self.wires[name].read_info()
        return self.wires[name]

    def flush(self):
        """Neighbouring lines of one connection go out in one piece, so that only `splits` decides where they are cut."""
        outbox, self.outbox = self.outbox, []
        self.send(outbox[0][0], b"".join(data for _, data in outbox))

    def send(self, name, data):
        wire, start = self.wire(name), 0
        for cut in range(1, len(data) + 1):
            if self.split == -1 or self.split == self.sent + cut:
                wire.send(data[start:cut])
                self.barrier.sync()
                start = cut
        wire.send(data[start:])
        self.sent += len(data)

    def receive(self, name, text=""):
        return self.wire(name).unit(want_info=text.startswith("INFO "))

    def expect(self, name, text):
        got, want = self.receive(name, text), unescape(text)
        assert got == want, f"{name}: expected {want[:400]!r}\n   got      {None if got is None else got[:400]!r}"

    def expect_pattern(self, name, pattern):
        got = self.receive(name, pattern)
        fits = got is not None and re.fullmatch(pattern.encode("latin-1"), got, re.DOTALL)
        assert fits, f"{name}: expected something like {pattern}\n   got {None if got is None else got[:400]!r}"

    def expect_set(self):
        """The lines that were collected by <& may come in any order."""
        lines, self.set = self.set, []
        wants = sorted((name, unescape(text)) for name, text in lines)
        gots = sorted((name, self.receive(name)) for name, _ in lines)
        assert gots == wants, f"in any order: expected {wants}\n   got {gots}"

    def expect_end(self, name):
        got = self.receive(name)
        assert got is None, f"{name}: expected the end of the connection, got {got[:400]!r}"
        self.ended.add(name)

    def step(self, name, verb, text):
        nats = is_nats(self.server.path)
        if verb == "<&":
            self.set.append((name, text))
        elif verb == ">":
            self.outbox.append((name, unescape(text) + b"\r\n"))
        elif verb == ">>":
            self.outbox.append((name, unescape(text)))
        elif verb == "<" or verb == ("<@nats" if nats else "<@rill"):
            self.expect(name, text)
        elif verb == "<~":
            self.expect_pattern(name, text)
        elif verb == "connect":
            self.outbox.append((name, connect_line(text)))
        elif verb == "closed":
            self.expect_end(name)
        elif verb == "sync":
            self.wire(name).sync()
        elif verb == "open":
            self.wire(name)
        elif verb == "drop":
            self.wires.pop(name).close()
        elif verb == "restart":
            self.restart()

    def restart(self):
        self.server.stop()
        for name in set(self.wires) - self.ended:
            self.expect_end(name)
        self.server.start()

    def settle(self, name, verb):
        """What was gathered over several steps is done with before a step of another kind, or of another connection."""
        if self.set and verb != "<&":
            self.expect_set()
        if self.outbox and (verb not in (">", ">>", "connect") or name != self.outbox[0][0]):
            self.flush()

    def play(self):
        try:
            for name, verb, text in self.law.steps:
                self.settle(name, verb)
                self.step(name, verb, text)
            self.settle("", "")
            self.finish()
        finally:
            for wire in self.wires.values():
                wire.close()

    def finish(self):
        """What is still open answers a PING with PONG and nothing before it; twice, as one may still write to another."""
        for _ in range(0 if self.law.has("own_pings") else 2):
            for name in set(self.wires) - self.ended:
                self.wires[name].sync()
