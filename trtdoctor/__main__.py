"""``trtdoctor`` and ``python -m trtdoctor``."""

from __future__ import annotations

import os
import site
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        _leave_working_directory()
        from trtdoctor.cli.app import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        # While modules were still being imported, or while Python shuts down.
        sys.exit(130)


def _leave_working_directory() -> None:
    """Import nothing from the working directory, though ``-m`` and PYTHONPATH put it first."""
    try:
        here = os.getcwd()  # noqa: PTH109  pathlib would be imported from where it must not
    except OSError:
        return
    given = os.environ.get("PYTHONPATH")
    first = 1 + (len(given.split(os.pathsep)) if given else 0)
    sys.path[:first] = [
        entry
        for number, entry in enumerate(sys.path[:first])
        # An interpreter's own packages may lie where somebody stands.
        if os.path.realpath(entry) != here or (number and entry in site.getsitepackages())
    ]


if __name__ == "__main__":
    main()
