#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of the programs in node/ against the server under test; skipped where node or the packages are missing.

The packages lie in node/node_modules, where `scripts/test` (or `npm ci` by hand) puts them."""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from harness.tap import skip_all  # noqa: E402


def main():
    name, *flags = sys.argv[1:]
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        skip_all("node is not installed")
    if not os.path.isdir(os.path.join(HERE, "node", "node_modules", "@nats-io")):
        skip_all("the npm packages are not installed: run `npm ci` in tests/integration/node")
    wrapper = os.path.join(HERE, "with_server.py")
    os.execv(sys.executable, [sys.executable, wrapper, *flags, node, os.path.join(HERE, "node", name)])


if __name__ == "__main__":
    main()
