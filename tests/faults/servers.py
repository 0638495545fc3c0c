"""TensorBoard itself, over HTTP: what does it show of runs that were killed and resumed?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.boards import PLAIN, Board, tensorboard
from tracker.events.reader import read_scalars
from tracker.store.run import Run

# --load_fast: the server in Rust, where there is one for this platform, and the one in Python.
LOADERS = {
    **({"TensorBoard (Rust)": "true"} if find_spec("tensorboard_data_server") else {}),
    "TensorBoard (Python)": "false",
}


def disagreements(logdir: Path, runs: Sequence[Run]) -> list[str]:
    """Where a TensorBoard of `logdir` shows other scalars of `runs` than our strict reader."""
    told = []
    for loader, load_fast in LOADERS.items():
        with tensorboard(logdir, load_fast, logdir, program=PLAIN) as board:
            for run in runs:
                name = str(run.path.relative_to(logdir))
                if fault := _fault(board, name, run):
                    told.append(f"{loader}: {name}: {fault}")
    return told


def _fault(board: Board, name: str, run: Run) -> str:
    """The first tag whose values are shown otherwise; nothing, if none is.

    Waits for the server to load; raises AssertionError if it never shows the steps there are.
    """
    for tag, series in read_scalars(run.path).series.items():
        query = {"run": name, "tag": tag}
        shown = board.get("plugin/scalars/scalars", query, until=_steps(series.steps.tolist()))
        values = [float(point[2]) for point in shown]
        if not np.array_equal(values, series.values, equal_nan=True):
            return f"{tag}: other values"
    return ""


def _steps(wanted: list[int]) -> Callable[[list[list[float]]], bool]:
    return lambda points: [step for _, step, _ in points] == wanted
