"""TensorBoard itself, over HTTP: what does it show of runs that were killed and resumed?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tracker.events.reader import read_scalars
from tracker.store.run import Run

# --load_fast: the server in Rust, where there is one for this platform, and the one in Python.
LOADERS = {
    **({"TensorBoard (Rust)": "true"} if find_spec("tensorboard_data_server") else {}),
    "TensorBoard (Python)": "false",
}
_PATIENCE = 120.0  # seconds


def disagreements(logdir: Path, runs: Sequence[Run]) -> list[str]:
    """Where a TensorBoard of `logdir` shows other scalars of `runs` than our strict reader."""
    told = []
    for loader, load_fast in LOADERS.items():
        with _server(logdir, load_fast) as url:
            for run in runs:
                name = str(run.path.relative_to(logdir))
                if fault := _fault(url, name, run):
                    told.append(f"{loader}: {name}: {fault}")
    return told


def _fault(url: str, name: str, run: Run) -> str:
    """The first tag that is shown otherwise; nothing, if none is. Waits for a server to load."""
    for tag, series in read_scalars(run.path).series.items():
        deadline = time.monotonic() + _PATIENCE
        while True:
            shown = _get(url, "scalars", {"run": name, "tag": tag}) or []
            if [point[1] for point in shown] == series.steps.tolist():
                break
            if time.monotonic() > deadline:
                return f"{tag}: {len(shown)} points instead of {len(series)}"
            time.sleep(0.1)
        values = [float(point[2]) for point in shown]
        if not np.array_equal(values, series.values, equal_nan=True):
            return f"{tag}: other values"
    return ""


def _get(url: str, what: str, query: dict[str, str]) -> Any:
    address = f"{url}data/plugin/scalars/{what}?{urllib.parse.urlencode(query)}"
    with (
        suppress(urllib.error.URLError, ConnectionError, TimeoutError),
        urllib.request.urlopen(address, timeout=10) as answer,
    ):
        return json.loads(answer.read())
    return None


@contextmanager
def _server(logdir: Path, load_fast: str) -> Iterator[str]:
    """Start a TensorBoard of `logdir` and give its address."""
    log = logdir / f"server-{load_fast}.log"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", "0", f"--load_fast={load_fast}"]
    command += ["--samples_per_plugin", "scalars=1000"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(logdir)}
        ) as process,
    ):
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"TensorBoard did not start:\n{log.read_text()}")
                time.sleep(0.05)
            yield found[0]
        finally:
            process.terminate()
