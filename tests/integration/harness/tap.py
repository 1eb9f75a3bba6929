# SPDX-License-Identifier: Apache-2.0
"""TAP for the integration tests: one line per law, so that meson counts laws and not programs."""

import sys
import traceback


class Skip(Exception):
    """Raised by a law that cannot be checked here; the text says why and is counted as skipped."""


class Tap:
    """Prints results as they come; `finish` prints the plan and gives the exit code."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def line(self, passed, name, note=""):
        self.count += 1
        self.failed += 0 if passed else 1
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}{note}", flush=True)

    def diagnose(self, text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def check(self, name, law):
        """Runs one law: returning is passing, Skip is skipping, anything else raised is failing."""
        try:
            law()
        except Skip as why:
            self.line(True, name, f" # SKIP {why}")
        except AssertionError as failure:
            self.line(False, name)
            self.diagnose(failure or traceback.format_exc(limit=-2))
        except Exception:
            self.line(False, name)
            self.diagnose(traceback.format_exc(limit=-4))
        else:
            self.line(True, name)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def skip_all(why):
    """The whole program cannot run here: a TAP file that says so."""
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def run_laws(module_globals, only=None):
    """Runs every function of a module whose name starts with `law_`, in the order of the file."""
    tap = Tap()
    for name, law in list(module_globals.items()):
        if name.startswith("law_") and callable(law) and (not only or name[4:] in only):
            tap.check(name[4:], law)
    sys.exit(tap.finish())
