#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The process: its flags, its files, its signals."""

import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import tap  # noqa: E402
from harness.server import DEADLINE_S, Server, is_nats, under_test, wait_until  # noqa: E402
from harness.wire import Wire, connected  # noqa: E402

SERVER = under_test()


def run(*args):
    """Runs the binary to its end: (status, everything it said)."""
    done = subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return done.returncode, done.stdout + done.stderr


def ends_with(number, allowed):
    with Server(SERVER) as server:
        wire = connected(server)
        server.signal(number)
        status = server.wait_exit()
        assert wire.unit() is None, "the client sees a close and nothing else"
        assert status in allowed, f"exit status {status}"


def law_sigint_ends_it_with_zero():
    ends_with(signal.SIGINT, [0])


def law_sigterm_ends_it_gracefully():
    """With 0, as nats-server does since 2.11; before, it was 1."""
    ends_with(signal.SIGTERM, [1] if is_nats(SERVER) else [0])


def law_sighup_reloads_what_can_change():
    """A new limit counts for new connections, and those that are open stay."""
    with Server(SERVER, "max_payload: 10") as server:
        before = connected(server)
        assert before.info["max_payload"] == 10
        server.set_config("max_payload: 20")
        server.signal(signal.SIGHUP)
        server.wait_log(r"Reloaded server configuration")
        before.sync()
        assert connected(server).info["max_payload"] == 20


def law_sighup_with_a_bad_configuration_changes_nothing():
    with Server(SERVER, "max_payload: 10") as server:
        server.set_config("max_payload: [")
        server.signal(signal.SIGHUP)
        server.wait_log(r"\[ERR\]")
        assert connected(server).info["max_payload"] == 10


def law_sighup_changes_users_and_closes_those_who_may_no_longer_stay():
    user = "authorization { users: [ { user: %s, password: pw } ] }"
    with Server(SERVER, user % "ann") as server:
        ann = connected(server, user="ann", **{"pass": "pw"})
        server.set_config(user % "bob")
        server.signal(signal.SIGHUP)
        server.wait_log(r"Reloaded server configuration")
        connected(server, user="bob", **{"pass": "pw"}).close()
        unit = ann.unit()
        assert unit in (None, b"-ERR 'Authorization Violation'"), unit


def law_sigusr1_opens_the_log_again():
    """So that a log that was moved away is followed by a new one."""
    with Server(SERVER) as server:
        path = os.path.join(server.folder, "server.log")
        server.stop()
        process = subprocess.Popen([SERVER, "-a", "127.0.0.1", "-p", "-1", "-l", path], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: os.path.exists(path) and "Server is ready" in open(path, encoding="utf-8").read(), "its log")
            os.rename(path, path + ".1")
            process.send_signal(signal.SIGUSR1)
            wait_until(lambda: os.path.exists(path), "a new log file")
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def law_sigusr2_is_a_lame_duck():
    """Clients are told, new ones are not taken, and after the grace period it ends with 0."""
    config = 'lame_duck_grace_period: "300ms"\nlame_duck_duration: "30s"'
    with Server(SERVER, config) as server:
        wire = connected(server)
        server.signal(signal.SIGUSR2)
        unit = wire.unit(want_info=True)
        while b'"ldm":true' not in unit:
            unit = wire.unit(want_info=True)
        assert json.loads(unit[5:])["ldm"] is True
        try:
            Wire(server).read_info()
            raise RuntimeError("a lame duck takes nobody new")
        except (ConnectionRefusedError, AssertionError):
            pass
        assert wire.unit() is None, "closed after the grace period"
        assert server.wait_exit() == 0


def law_the_log_has_the_form_that_tools_parse():
    """[pid] date time [LVL] text"""
    with Server(SERVER) as server:
        line = server.wait_log(r"\[(\d+)\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] Server is ready")
        assert int(line.group(1)) == server.process.pid


def law_version_and_help_go_without_a_server():
    for flag in ("-v", "--version"):
        status, text = run(flag)
        assert status == 0 and re.search(r"v\d+\.\d+\.\d+", text), text
    for flag in ("-h", "--help"):
        status, text = run(flag)
        assert status == 0 and "--port" in text, text


def law_an_unknown_flag_is_an_error():
    status, text = run("--no-such-flag")
    assert "no-such-flag" in text, text
    assert status != 0 or is_nats(SERVER), "nats-server 2.9 ends with 0"


def law_dash_t_checks_the_configuration():
    with Server(SERVER, "max_payload: 10") as server:
        status, text = run("-t", "-c", server.config_path)
        assert status == 0 and "is valid" in text, text
        server.set_config("port: 4222\n\nno_such_key: 1")
        status, text = run("-t", "-c", server.config_path)
        assert status == 1 and "server.conf:3" in text and "no_such_key" in text, text


def law_flags_are_understood_in_all_their_forms():
    """One dash or two, `=` or a blank."""
    with Server(SERVER, args=["--name=abc"]) as server:
        assert connected(server).info["server_name"] == "abc"
    with Server(SERVER, args=["-server_name", "def", "--user=ann", "--pass", "pw"]) as server:
        assert connected(server, user="ann", **{"pass": "pw"}).info["server_name"] == "def"
    with Server(SERVER, args=["-auth=s3cret", "-D=true"]) as server:
        connected(server, auth_token="s3cret").close()


def law_the_command_line_wins_over_the_file():
    with Server(SERVER, "server_name: file", args=["-n", "line"]) as server:
        assert connected(server).info["server_name"] == "line"


def law_pid_and_ports_files_are_written_and_removed():
    with Server(SERVER) as server:
        folder = server.folder
        server.stop()
        server.args = ["-P", os.path.join(folder, "pid"), "--ports_file_dir", folder, "-m", "-1"]
        server.port = -1
        server.start()
        with open(os.path.join(folder, "pid"), encoding="ascii") as file:
            assert int(file.read()) == server.process.pid
        name = os.path.join(folder, f"{os.path.basename(SERVER)}_{server.process.pid}.ports")
        wait_until(lambda: os.path.exists(name), name)
        with open(name, encoding="utf-8") as file:
            ports = json.load(file)
        assert ports["nats"] == [f"nats://127.0.0.1:{server.port}"], ports
        assert len(ports["monitoring"]) == 1, ports
        server.stop()
        assert not os.path.exists(name)


def law_a_port_in_use_is_an_error():
    with Server(SERVER) as server:
        status, text = run("-a", "127.0.0.1", "-p", str(server.port))
        assert status != 0 and "address already in use" in text.lower(), text


if __name__ == "__main__":
    tap.run_laws(globals(), sys.argv[1:])
