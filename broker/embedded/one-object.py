# SPDX-License-Identifier: Apache-2.0
"""Makes a static library that shows only some symbols: LD OBJCOPY AR OUTPUT PATTERN LIBRARY...

Of the first library everything is taken, of the others what that needs; all of it becomes one object, in which the symbols
that do not match the pattern are local."""

import os
import subprocess
import sys
import tempfile


def main(ld, objcopy, ar, output, pattern, whole, *libraries):
    with tempfile.TemporaryDirectory() as folder:
        joined = os.path.join(folder, "joined.o")
        narrowed = os.path.join(folder, os.path.splitext(os.path.basename(output))[0] + ".o")
        subprocess.run([ld, "-r", "-o", joined, "--whole-archive", whole, "--no-whole-archive", "--start-group", *libraries,
                        "--end-group"], check=True)
        subprocess.run([objcopy, "--wildcard", "--keep-global-symbol=" + pattern, joined, narrowed], check=True)
        if os.path.exists(output):
            os.unlink(output)
        subprocess.run([ar, "rcsD", output, narrowed], check=True)


main(*sys.argv[1:])
