#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rill object: buckets of objects of any size."""

import hashlib
import os
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tool  # noqa: E402
from harness.tap import run_laws  # noqa: E402


def bytes_file(server, name, size):
    """A file with bytes that never repeat in the same way."""
    path = os.path.join(server.folder, name)
    content = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(size // 32 + 1))[:size]
    with open(path, "wb") as file:
        file.write(content)
    return path, content


def law_an_object_is_got_as_it_was_put():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        path, content = bytes_file(server, "big.bin", 1_000_003)
        put = server.json("object", "put", "files", path, "--description", "big")
        assert (put["name"], put["size"], put["chunks"], put["description"]) == ("big.bin", len(content), 8, "big"), put
        back = path + ".back"
        assert server.json("object", "get", "files", "big.bin", "--output", back) == {"name": "big.bin", "file": back}
        with open(back, "rb") as file:
            assert file.read() == content
        tool.refused(server.rill("object", "get", "files", "big.bin", "-o", back), tool.FAILED, "--overwrite")
        assert server.rill("object", "get", "files", "big.bin", "-o", back, "--overwrite")[0] == 0
        tool.refused(server.rill("object", "get", "files", "none", "-o", path + ".none"), tool.NOTHING, "none")
        assert not os.path.exists(path + ".none")


def law_progress_is_drawn_on_a_terminal_only():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        path, content = bytes_file(server, "big.bin", 1_000_003)
        env = server.environment(TERM="xterm")
        for words in (["put", "files", path], ["get", "files", "big.bin", "-o", path, "--overwrite"],
                      ["get", "files", "big.bin", "-o", "-"]):
            seen = tool.on_terminal(["object", *words], env, "stderr")
            assert "\rbig.bin" in seen and "] 100%" in seen and seen.endswith("\n"), (words, seen)
            assert server.rill("object", *words, *(["--name", "again"] if "put" in words else []))[2] == "", words
        with open(path, "rb") as file:
            assert file.read() == content


def law_a_file_that_is_got_is_as_readable_as_others():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        server.done("object", "put", "files", "-", "--name", "a", stdin=b"x")
        path = os.path.join(server.folder, "a")
        before = os.umask(0o022)
        server.done("object", "get", "files", "a", "-o", path)
        os.umask(before)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
        tool.refused(server.rill("object", "get", "files", "a", "-o", path + "/none"), tool.FAILED, "Not a directory")


def law_input_and_output_may_be_streams():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        server.done("object", "put", "files", "-", "--name", "some text", "--chunk-size", "4", stdin=b"twelve bytes")
        assert server.json("object", "info", "files", "some text")["chunks"] == 3
        assert server.done("object", "get", "files", "some text", "--output", "-") == "twelve bytes"
        tool.refused(server.rill("object", "put", "files", "-"), tool.USAGE, "--name")
        tool.refused(server.rill("object", "put", "files", "/nowhere/at/all"), tool.FAILED, "No such file")


def law_objects_are_listed_and_deleted():
    with tool.ToolServer() as server:
        server.done("object", "add", "files", "--description", "of the shop")
        assert server.done("object", "ls", "--names") == "files\n" and server.done("object", "ls", "files") == "There are no objects.\n"
        for name in ("b", "a"):
            server.done("object", "put", "files", "-", "--name", name, stdin=b"x")
        assert server.done("object", "ls", "files", "--names") == "a\nb\n"
        assert [(row["name"], row["size"]) for row in server.json("object", "ls", "files")] == [("a", 1), ("b", 1)]
        tool.refused(server.rill("object", "del", "files", "a"), tool.USAGE, "--force")
        assert server.json("object", "del", "files", "a", "--force") == {"deleted": "a"}
        assert server.done("object", "ls", "files", "--names") == "b\n"
        assert server.rill("object", "info", "files", "a")[0] == tool.NOTHING
        assert server.json("object", "info", "files")["config"]["description"] == "of the shop"


def law_changes_are_watched():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        server.done("object", "put", "files", "-", "--name", "a", stdin=b"x")
        watching = server.begin("object", "watch", "files", "--count", "2", wait_for="watching files")
        server.done("object", "del", "files", "a", "--force")
        code, out = tool.ended(watching)
        assert code == 0 and out.splitlines() == ["PUT a  1 B", "DEL a  0 B"], out


def law_a_bucket_is_removed():
    with tool.ToolServer() as server:
        server.done("object", "add", "files")
        tool.refused(server.rill("object", "rm", "files"), tool.USAGE, "--force")
        assert server.json("object", "rm", "files", "--force") == {"removed": "files"}
        tool.refused(server.rill("object", "ls", "files"), tool.NOTHING, "10059")


if __name__ == "__main__":
    run_laws(globals(), sys.argv[1:])
