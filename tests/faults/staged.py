"""`tracker`, halted where a signal is to meet it: a word on the command line says where.

    python -m tests.faults.staged evaluation FOLDER --runs R run SPEC

At that place it makes the file FOLDER/here, and goes on once somebody has made FOLDER/go.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracker import runner
from tracker.cli.main import main
from tracker.launch import here
from tracker.training import checkpoint, loop

# place -> (owner, function, at which call)
PLACES: dict[str, tuple[Any, str, int]] = {
    "data": (here, "build_data", 1),
    "first step": (runner, "begin", 1),
    "step": (loop, "_step", 3),
    "evaluation": (loop, "evaluate", 1),
    "checkpoint": (checkpoint, "save", 1),
}
PATIENCE = 120.0  # seconds


def halt_at(place: str, folder: Path) -> None:
    """Let the function at `place` halt when it is called."""
    owner, name, number = PLACES[place]
    work: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def halted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            (folder / "here").touch()
            deadline = time.monotonic() + PATIENCE
            while not (folder / "go").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
        return work(*args, **kwargs)

    setattr(owner, name, halted)


if __name__ == "__main__":
    halt_at(sys.argv[1], Path(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
