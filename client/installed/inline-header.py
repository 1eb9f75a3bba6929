# SPDX-License-Identifier: Apache-2.0
"""Puts the text of a generated header in the place of the line that includes it: HEADER GENERATED OUTPUT."""

import os
import sys


def main(header, generated, output):
    with open(header, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    with open(generated, encoding="utf-8") as file:
        model = file.read()
    marker = '#include "proto/' + os.path.basename(generated) + '"'
    places = [at for at, line in enumerate(lines) if line.startswith(marker)]
    assert len(places) == 1, f"{header} has {len(places)} lines that begin with {marker}"
    lines[places[0]] = model
    with open(output, "w", encoding="utf-8") as file:
        file.write("".join(lines))


main(*sys.argv[1:])
