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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 120.0  # seconds
# TensorBoard with our tab, as `tracker tensorboard` has it and a plain one where it is installed.
PROGRAM = """
import sys
from tensorboard import program
from tracker.reading.serving.serve import _plugins

board = program.TensorBoard(plugins=_plugins())
board.configure(argv=[None, *sys.argv[1:]])
sys.exit(board.main())
"""
PLAIN = ("-m", "tensorboard.main")
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
        return self._ask(f"{path}?{urllib.parse.urlencode(query or {})}", None, until)

    def post(self, path: str, body: Any, until: Callable[[Any], object] = bool) -> Any:
        return self._ask(path, json.dumps(body).encode(), until)

    def fetch(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(f"{self.url}data/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: bytes = answer.read()
            return found

    def _ask(self, path: str, body: bytes | None, until: Callable[[Any], object]) -> Any:
        answer: Any = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError, LookupError):
                answer = json.loads(self.fetch(path, body))
                if until(answer):
                    return answer
            time.sleep(0.05)
        raise AssertionError(f"{path}: not in {PATIENCE:.0f} s; last came {answer!r:.500}")


@contextmanager
def tensorboard(
    logdir: Path,
    loader: str,
    scratch: Path,
    *options: str,
    program: Sequence[str] = ("-c", PROGRAM),
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    quiet: bool = True,
) -> Iterator[Board]:
    """Serve `logdir`, reloading every second, for the block; `scratch` is for its own files.

    `program` is what Python runs, `environment` is added to ours, `directory` is where it starts.
    A traceback in its log fails the test, but not one that provokes it (`quiet=False`).
    """
    log = scratch / f"tensorboard-{loader}.log"
    command = [sys.executable, *program, "--logdir", str(logdir), *options]
    command += ["--host", "127.0.0.1", "--port", "0", f"--load_fast={loader}"]
    command += ["--reload_interval", "1"]
    command += ["--samples_per_plugin", "scalars=1000,images=1000,text=1000"]
    around = {**os.environ, "TMPDIR": str(scratch), **(environment or {})}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, env=around, cwd=directory
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
    assert not quiet or "Traceback" not in log.read_text()
