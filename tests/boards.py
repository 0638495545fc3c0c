"""A TensorBoard process for a test, by either of its loaders, and how to ask it."""

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0  # seconds
# TensorBoard with our tab, as `tracker tensorboard` has it and a plain one where it is installed.
PROGRAM = """
import sys
from tensorboard import program
from tracker.reading.serving.serve import _plugins

board = program.TensorBoard(plugins=_plugins())
board.configure(argv=[None, *sys.argv[1:]])
sys.exit(board.main())
"""
LOADERS = [
    pytest.param(
        "true",
        id="fast",
        marks=pytest.mark.skipif(
            find_spec("tensorboard_data_server") is None,
            reason="tensorboard-data-server has no binary for this platform",
        ),
    ),
    pytest.param("false", id="slow"),
]


@dataclass(frozen=True)
class Board:
    """A TensorBoard. It loads in its own time, so whoever asks says what to wait for."""

    url: str

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        until: Callable[[Any], object] = bool,
    ) -> Any:
        answer: Any = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError, LookupError):
                answer = json.loads(self.fetch(f"{path}?{urllib.parse.urlencode(query or {})}"))
                if until(answer):
                    return answer
            time.sleep(0.05)
        raise AssertionError(f"{path}: not in a minute; last came {answer!r:.500}")

    def fetch(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}data/{path}", timeout=10) as answer:
            found: bytes = answer.read()
            return found


@contextmanager
def tensorboard(logdir: Path, loader: str, scratch: Path, *options: str) -> Iterator[Board]:
    """Serve `logdir`, reloading every second, for the block; `scratch` is for its own files."""
    log = scratch / f"tensorboard-{loader}.log"
    command = [sys.executable, "-c", PROGRAM, "--logdir", str(logdir), *options]
    command += ["--host", "127.0.0.1", "--port", "0", f"--load_fast={loader}"]
    command += ["--reload_interval", "1", "--samples_per_plugin", "scalars=1000,images=100,text=9"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(scratch)}
        ) as process,
    ):
        try:
            deadline = time.monotonic() + PATIENCE
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/\S*", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield Board(found[0])
        finally:
            process.terminate()
    assert "Traceback" not in log.read_text()
