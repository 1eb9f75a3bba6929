# SPDX-License-Identifier: Apache-2.0
"""The command `rill` beside a server: RILL_TOOL is its path. Each program has settings of its own, never the user's."""

import json
import os
import pty
import subprocess
import tempfile

from harness.pages import CONFIG as PAGES
from harness.pages import base_url
from harness.server import DEADLINE_S, Server, is_nats, under_test
from harness.tap import Skip

TOOL = os.environ.get("RILL_TOOL", "rill")
DONE, FAILED, USAGE, NO_SERVER, TIMEOUT, NOTHING = range(6)


class ToolServer(Server):
    """With streams in its own folder and monitoring pages, and with ways to run `rill` on it."""

    def __init__(self, config=""):
        super().__init__(under_test(), PAGES + "\njetstream: enabled\n" + config)

    def start(self):
        self.args = ["-js", "-sd", os.path.join(self.folder, "store")]
        super().start()

    def environment(self, **more):
        return environment(RILL_URL=f"nats://127.0.0.1:{self.port}", RILL_MONITOR_URL=base_url(self),
                           XDG_CONFIG_HOME=os.path.join(self.folder, "settings"), **more)

    def rill(self, *words, stdin=b"", **more):
        """(exit code, standard output, standard error)"""
        return rill(*words, stdin=stdin, env=self.environment(**more))

    def done(self, *words, stdin=b""):
        """The output of what has to succeed."""
        code, out, err = self.rill(*words, stdin=stdin)
        if "is not implemented yet" in err:
            raise Skip(err.strip())
        assert code == DONE, f"rill {' '.join(words)} ended with {code}: {err}"
        return out

    def json(self, *words, stdin=b""):
        """Of one document."""
        return json.loads(self.done(*words, "--json", stdin=stdin))

    def lines(self, *words):
        """Of one document in each line."""
        return [json.loads(line) for line in self.done(*words, "--json").splitlines()]

    def begin(self, *words, wait_for=None):
        """A command that goes on; what it says to standard error when it is ready is waited for. It is the caller's."""
        out = tempfile.TemporaryFile()
        process = subprocess.Popen([TOOL, *words], env=self.environment(), stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.PIPE)
        process.out = out
        if wait_for:
            line = process.stderr.readline().decode()
            assert wait_for in line, f"rill {' '.join(words)}: {line}"
        return process


def environment(**variables):
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("RILL_U", "RILL_T", "NATS_", "RILL_M"))}
    return dict(kept, TZ="UTC", NO_COLOR="1", **variables)


def rill(*words, stdin=b"", env=None):
    if env is None:
        env = environment(XDG_CONFIG_HOME=tempfile.gettempdir() + "/nowhere")
    done = subprocess.run([TOOL, *words], input=stdin, capture_output=True, timeout=3 * DEADLINE_S, check=False, env=env)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def on_terminal(words, env, stream="stdout"):
    """What a command shows on a terminal, to which only this one of its streams is connected."""
    main, side = pty.openpty()
    streams = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    streams[stream] = side
    process = subprocess.Popen([TOOL, *words], env=env, **streams)
    os.close(side)
    out = b""
    try:
        while piece := os.read(main, 65536):
            out += piece
    except OSError:
        pass  # the end of a terminal whose other side is closed
    os.close(main)
    assert process.wait(timeout=DEADLINE_S) == DONE, out
    return out.decode()


def ended(process):
    """(exit code, output) of what was begun."""
    err = process.communicate(timeout=DEADLINE_S)[1]
    with process.out as file:
        file.seek(0)
        return process.returncode, file.read().decode() + err.decode()


def refused(result, code, *parts):
    """One line to standard error, with these parts, and nothing else."""
    assert result[0] == code, f"exit code {result[0]}, not {code}: {result[1]}{result[2]}"
    assert result[1] == "" and result[2].count("\n") == 1, result
    assert all(part in result[2] for part in parts), f"{parts} expected in: {result[2]}"


def is_oracle():
    return is_nats(under_test())
