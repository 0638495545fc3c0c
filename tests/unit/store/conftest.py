"""Experiments, circumstances and processes for the tests of the store."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document
from tracker.store.active import ActiveRun
from tracker.store.provenance import Host, Provenance

Begin: TypeAlias = Callable[..., ActiveRun]
Spawn: TypeAlias = Callable[[str], "subprocess.Popen[str]"]

# What a process of its own needs to begin the run e/v/s0 under `root`.
_PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from tracker.errors import Busy
from tracker.spec.load import from_document
from tracker.store import files
from tracker.store.lock import Lock, is_held
from tracker.store.provenance import Host, Provenance
from tracker.store.active import ActiveRun
from tracker.store.run import Run
root = Path(sys.argv[1])
host = Host(name="h", platform="p", cpu=None, cores=1, memory_bytes=None, gpus=())
facts = Provenance(time="2026-01-01T00:00:00.000+00:00", command=(), directory=None,
                   experiment_source=None, user="u", python="p", host=host, code=None,
                   code_missing="", environment={}, packages={})
asked = from_document({"name": "e", "variant": "v", "seed": 0})
def say(*words):
    print(*words, flush=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        time="2026-01-01T00:00:00.000+00:00",
        command=("tracker", "run", "x.json"),
        directory="/somewhere",
        experiment_source="x.json",
        user="someone",
        python="CPython 3.11.0",
        host=Host(name="h", platform="Linux", cpu="c", cores=4, memory_bytes=1, gpus=()),
        code=None,
        code_missing="git is not installed",
        environment={},
        packages={"torch": "2.10.0"},
        patch=b"diff --git a/x b/x\n\xff",
    )


@pytest.fixture
def begin(root: Path, provenance: Provenance) -> Iterator[Begin]:
    """Begin a run under `root`; those left open are ended afterwards."""
    begun: list[ActiveRun] = []

    def begin_run(name: str = "e", variant: str = "v", seed: int = 0, **options: Any) -> ActiveRun:
        begun.append(ActiveRun.create(root, asked(name, variant, seed), provenance, **options))
        return begun[-1]

    yield begin_run
    for active in begun:
        active._lock.release()


@pytest.fixture
def spawn(root: Path) -> Iterator[Spawn]:
    """Start a process that runs a few lines of Python, with `root`, `asked` and `facts` at hand."""
    started: list[subprocess.Popen[str]] = []

    def spawn_process(lines: str) -> "subprocess.Popen[str]":
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", _PRELUDE + lines, str(root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield spawn_process
    for process in started:
        process.kill()
        process.communicate()


def asked(name: str = "e", variant: str = "v", seed: int = 0) -> Experiment:
    return from_document({"name": name, "variant": variant, "seed": seed})


@pytest.fixture
def change() -> Callable[..., None]:
    """Change fields of a JSON file in place."""

    def change_file(path: Path, **fields: Any) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change_file
