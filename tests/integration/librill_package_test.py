#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""librill and librill-broker as a user gets them: one header and one library of each, and the programs of the READMEs. The build
names them in RILL_HEADER, RILL_LIBRARY, RILL_BROKER_HEADER and RILL_BROKER_LIBRARY; the static libraries stand beside the shared
ones."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.jetstream import Client  # noqa: E402
from harness.server import Server, under_test, wait_until  # noqa: E402
from harness.tap import Skip, run_laws  # noqa: E402

HEADER = os.environ["RILL_HEADER"]
LIBRARY = os.environ["RILL_LIBRARY"]
BROKER_HEADER = os.environ["RILL_BROKER_HEADER"]
BROKER_LIBRARY = os.environ["RILL_BROKER_LIBRARY"]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CLIENT = os.path.join(ROOT, "client")
STRIPPED_BYTES_MAX = 400 * 1024
WORKER_LINES_MAX = 30


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-1500:]}"
    return done.stdout


def tool(name):
    found = shutil.which(name)
    if not found:
        raise Skip(f"no {name}")
    return found


def program_of(readme):
    """The one C program that stands in a README."""
    with open(readme, encoding="utf-8") as file:
        found = re.findall(r"^```c\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{readme} has {len(found)} programs"
    return found[0]


def build(folder, source, port):
    """The program with the server's port in place of the usual one."""
    path = os.path.join(folder, "program")
    with open(path + ".c", "w", encoding="utf-8") as file:
        file.write(source.replace(":4222", f":{port}"))
    run(os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", "-I", os.path.dirname(HEADER), "-o", path, path + ".c", LIBRARY,
        "-lprotobuf-c", f"-Wl,-rpath,{os.path.dirname(LIBRARY)}")
    return path


def exported(library):
    """Of a shared library; names of versions stand among them."""
    return [line.split()[-1] for line in run(tool("nm"), "-D", "--defined-only", library).splitlines()]


def law_the_broker_shows_nothing_else():
    strangers = [name for name in exported(BROKER_LIBRARY) if not re.match(r"rill_broker_\w+@@RILL_BROKER_0|RILL_BROKER_0", name)]
    assert not strangers, strangers
    static = os.path.join(os.path.dirname(BROKER_LIBRARY), "librill-broker.a")
    names = [line.split()[-1] for line in run(tool("nm"), "-g", "--defined-only", static).splitlines() if len(line.split()) == 3]
    assert names and all(name.startswith("rill_broker_") for name in names), names


def law_broker_and_client_link_statically():
    """Both have functions of the same names inside."""
    archives = [os.path.join(os.path.dirname(BROKER_LIBRARY), "librill-broker.a"),
                os.path.join(os.path.dirname(LIBRARY), "librill.a")]
    system = [f"-l{name}" for name in ("nng", "protobuf-c", "jansson", "sqlite3", "xxhash", "zstd", "crypt", "pthread")]
    headers = ["-I", os.path.dirname(HEADER), "-I", os.path.dirname(BROKER_HEADER)]
    for libraries in (archives, archives[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            run(os.environ.get("CC", "cc"), *headers, "-o", program, os.path.join(ROOT, "examples", "embedded.c"), *libraries,
                *system)
            said = run(program)
            assert said == "reading 1 is kept\n", said


def law_nothing_else_is_exported():
    names = exported(LIBRARY)
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
            file.write("#include <rill.h>\n#include <rill-broker.h>\nint main() { return rill_version()[0] == 0; }\n")
        run(tool("c++"), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", os.path.dirname(HEADER), "-I",
            os.path.dirname(BROKER_HEADER), path)


def declared(header):
    """The names of the functions, each with the line above its declaration."""
    with open(header, encoding="utf-8") as file:
        found = re.findall(r"(.*)\n^RILL_(?:BROKER_)?API(?:_RESULT)?\b[^(;]*?\b(rill_\w+)\(", file.read(), re.MULTILINE)
    return {name: above for above, name in found}


def law_every_function_of_the_headers_has_its_comment():
    for header in (HEADER, BROKER_HEADER):
        bare = sorted(name for name, above in declared(header).items() if not above.rstrip().endswith("*/"))
        assert not bare, bare


def law_every_function_of_the_header_is_in_the_manual():
    names = set(declared(HEADER))
    with open(os.path.join(CLIENT, "librill.3"), encoding="utf-8") as file:
        manual = file.read()
    assert len(names) > 80, f"only {len(names)} functions found"
    missing = sorted(name for name in names if name not in manual and name not in ("rill_version",))
    assert not missing, missing


def law_the_first_program_runs():
    with Server(under_test()) as server, tempfile.TemporaryDirectory() as folder:
        said = run(build(folder, program_of(os.path.join(CLIENT, "README.md")), server.port))
        assert said == "orders.new: 7 apples\nanswer: taken\n", said


def law_the_worker_of_the_readme_works_off_a_stream():
    source = program_of(os.path.join(ROOT, "README.md"))
    assert len(source.splitlines()) <= WORKER_LINES_MAX, len(source.splitlines())
    with Server(under_test()) as server, tempfile.TemporaryDirectory() as folder:
        server.stop()
        server.args = ["-js", "-sd", os.path.join(server.folder, "store")]
        server.start()
        client = Client(server)
        client.ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"]})
        for number in range(3):
            client.publish_acknowledged("orders.new", str(number), b"apples")
        worker = subprocess.Popen([build(folder, source, server.port)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: acknowledged(client) == 3 or worker.poll() is not None, "the worker")
            assert acknowledged(client) == 3, worker.stderr.read()
        finally:
            worker.kill()
            worker.wait()


def acknowledged(client):
    """How far the worker has come; None before there is a consumer."""
    reply = client.request("$JS.API.CONSUMER.INFO.ORDERS.worker")
    return None if "error" in reply else reply["ack_floor"]["stream_seq"]


run_laws(globals(), sys.argv[1:])
