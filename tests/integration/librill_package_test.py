#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""librill as a user gets it: one header, one library, and the programs of its README. The build names both in RILL_HEADER and
RILL_LIBRARY."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.server import Server, under_test  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402

HEADER = os.environ["RILL_HEADER"]
LIBRARY = os.environ["RILL_LIBRARY"]
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "client", "README.md")
STRIPPED_BYTES_MAX = 400 * 1024


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-1500:]}"
    return done.stdout


def tool(name):
    found = shutil.which(name)
    if not found:
        raise Skip(f"no {name}")
    return found


def programs():
    with open(README, encoding="utf-8") as file:
        return re.findall(r"^```c\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


def build(folder, source, port):
    """The program with the server's port in place of the usual one."""
    path = os.path.join(folder, "program")
    with open(path + ".c", "w", encoding="utf-8") as file:
        file.write(source.replace(":4222", f":{port}"))
    run(os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", "-I", os.path.dirname(HEADER), "-o", path, path + ".c", LIBRARY,
        "-lprotobuf-c", f"-Wl,-rpath,{os.path.dirname(LIBRARY)}")
    return path


def law_nothing_else_is_exported():
    names = [line.split()[-1] for line in run(tool("nm"), "-D", "--defined-only", LIBRARY).splitlines()]
    strangers = [name for name in names if not re.match(r"rill_|RILL_0", name)]
    assert not strangers, strangers
    inner = [name for name in names if re.match(r"rill_(buf|bytes|json|alloc|parse|append|subject)", name)]
    assert not inner, inner
    assert any(name.startswith("rill_connect") for name in names)


def law_it_is_small():
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "library")
        run(tool("strip"), "-o", stripped, LIBRARY)
        size = os.path.getsize(stripped)
    assert size <= STRIPPED_BYTES_MAX, f"{size} bytes"


def law_the_header_is_good_for_cplusplus():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.cc")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#include <rill.h>\nint main() { return rill_version()[0] == 0; }\n")
        run(tool("c++"), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", os.path.dirname(HEADER), path)


def law_every_function_of_the_header_is_in_the_manual():
    with open(HEADER, encoding="utf-8") as file:
        names = set(re.findall(r"^RILL_API(?:_RESULT)?\b[^(;]*?\b(rill_\w+)\(", file.read(), re.MULTILINE))
    with open(os.path.join(os.path.dirname(README), "librill.3"), encoding="utf-8") as file:
        manual = file.read()
    assert len(names) > 80, f"only {len(names)} functions found"
    missing = sorted(name for name in names if name not in manual and name not in ("rill_version",))
    assert not missing, missing


def law_the_programs_of_the_readme_run():
    first, worker = programs()
    with Server(under_test()) as server, tempfile.TemporaryDirectory() as folder:
        said = run(build(folder, first, server.port))
        assert said == "orders.new: 7 apples\nanswer: taken\n", said
        build(folder, worker, server.port)


run_laws(globals(), sys.argv[1:])
