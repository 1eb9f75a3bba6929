# SPDX-License-Identifier: Apache-2.0
"""One broker process under test, on a port that the kernel picked.

Which one: RILL_SERVER names the binary; without it the build's own rilld is taken, which meson passes in RILL_BUILT.
Any server that takes NATS' flags will do, which is how the tests themselves are proven against nats-server."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness.tap import skip_all

DEADLINE_S = float(os.environ.get("RILL_TEST_DEADLINE_S", "20"))


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """Polls until the condition gives something true and returns that; fails with `what` at the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline_s:.0f} s for: {what}"
        time.sleep(0.005)


def under_test():
    """Path of the server under test; the whole program is skipped when there is none."""
    path = os.environ.get("RILL_SERVER") or os.environ.get("RILL_BUILT", "")
    found = shutil.which(path) if path else None
    if not found:
        skip_all(f"no server to test: {path or 'set RILL_SERVER'}")
    return found


def oracle():
    """Path of nats-server, or None where it is not installed."""
    return shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def is_nats(path):
    return "nats-server" in os.path.basename(path)


class Server:
    """Started by the constructor, ended by `stop` or by leaving the `with` block."""

    def __init__(self, path, config="", args=(), preexec=None):
        self.path = path
        self.args = list(args)
        self.preexec = preexec
        self.folder = tempfile.mkdtemp(prefix="rill-test-")
        self.config_path = os.path.join(self.folder, "server.conf")
        self.log_path = os.path.join(self.folder, "log")
        self.port = -1
        self.process = None
        self.set_config(config)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def set_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def start(self):
        """Also used again after `stop` or `kill`: the same port, the same store, the log is continued."""
        self.log_seen = len(self.log())
        command = [self.path, "-a", "127.0.0.1", "-p", str(self.port), "-c", self.config_path, *self.args]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, preexec_fn=self.preexec)
        self.wait_log(r"Server is ready")
        self.port = self.port_of(r"Listening for client connections on \S+:(\d+)")

    def port_of(self, pattern):
        return int(self.wait_log(pattern).group(1))

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern):
        """Waits for a line of this run of the server."""

        def look():
            found = re.search(pattern, self.log()[self.log_seen :])
            assert found or self.process.poll() is None, f"the server ended:\n{self.log()[-2000:]}"
            return found

        return wait_until(look, f"log line {pattern!r}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self):
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end in time") from None

    def stop(self):
        """Ends it gracefully. A status other than 0 or 1 (nats-server 2.9's for SIGTERM) is a failure."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            status = self.wait_exit()
            assert status in (0, 1), f"exit status {status}:\n{self.log()[-3000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def memory_bytes(self):
        """Resident memory."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def connect(self):
        made = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
