# SPDX-License-Identifier: Apache-2.0
"""Reading a server's monitoring pages over HTTP. The server's configuration has `http: 127.0.0.1:-1`."""

import json
import urllib.error
import urllib.request

from harness.server import DEADLINE_S

CONFIG = "http: 127.0.0.1:-1"


def base_url(server):
    port = server.port_of(r"Starting http monitor on \S+:(\d+)")
    return f"http://127.0.0.1:{port}"


def get(server, path):
    """(body, content type); a status other than 200 is raised as urllib does it."""
    with urllib.request.urlopen(base_url(server) + path, timeout=DEADLINE_S) as reply:
        return reply.read().decode(), reply.headers.get("Content-Type", "")


def get_json(server, path):
    text, kind = get(server, path)
    assert "json" in kind, f"{path} is of type {kind}"
    return json.loads(text)


def get_status(server, path):
    """(status, JSON of the body or its text)"""
    try:
        status, text = 200, get(server, path)[0]
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read().decode()
    try:
        return status, json.loads(text)
    except json.JSONDecodeError:
        return status, text


def has_keys(found, wanted, where):
    missing = [key for key in wanted if key not in found]
    assert not missing, f"{where} lacks {missing}"


def kind_of(value):
    """Of JSON; whole and broken numbers are one kind."""
    if isinstance(value, bool) or value is None:
        return str(type(value).__name__)
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def differences(mine, other, absent, path=""):
    """What a reader of `other` would miss in `mine`: names and kinds, all the way down. Of lists the first elements are
    compared. `absent` holds names that need not be there."""
    if kind_of(mine) != kind_of(other):
        return [f"{path or 'the page'} is {kind_of(mine)}, not {kind_of(other)}"]
    found = []
    if isinstance(other, dict):
        for key in other:
            if key in mine:
                found += differences(mine[key], other[key], absent, f"{path}.{key}")
            elif key not in absent:
                found.append(f"{path}.{key} is missing")
    if isinstance(other, list) and other:
        found += differences(mine[0], other[0], absent, path + "[0]") if mine else [f"{path} is empty"]
    return found
