"""What is said and kept when we meet an error that should be impossible."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from tracker.cli.terminal import say
from tracker.version import __version__

EXIT_CODE = 70


def report(error: BaseException) -> int:
    """One line on stderr and the whole story in a file of its own; returns the exit code, 70.

    With TRACKER_DEBUG=1, or where no temporary file can be written, the traceback goes to stderr.
    """
    story = "".join(traceback.format_exception(error))
    headline = f"internal error: {type(error).__name__}: {error}".splitlines()[0]
    if os.environ.get("TRACKER_DEBUG", "0") in ("", "0"):
        try:
            where = _keep(story)
        except OSError as failure:
            story += f"(not kept in a file: {failure})\n"
        else:
            say(f"{headline}\nThis is a bug in tracker; please report it with {where}")
            return EXIT_CODE
    say(f"{story}{headline}\nThis is a bug in tracker; please report it with the lines above.")
    return EXIT_CODE


def _keep(story: str) -> Path:
    """Write the story to a new file only its owner can read (a fixed name could be planted)."""
    handle, name = tempfile.mkstemp(prefix="tracker-error-", suffix=".log")
    os.close(handle)
    head = f"tracker {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    path = Path(name)
    path.write_text(f"{head}argv: {sys.argv!a}\n\n{story}", "utf-8", "backslashreplace")
    return path
