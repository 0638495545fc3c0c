"""What every test stands on: one thread each, a runs folder of its own, no home and no network."""

import os
from pathlib import Path

import pytest

# Tests run side by side, one process per core; read by OpenMP and MKL when torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a test away from the person's own runs, caches and settings."""
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    for name in ("TRACKER_RUNS", "TRACKER_DEBUG", "CI", "NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
