from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from tracker.record.tensorboard import RunWriter


@pytest.fixture
def warnings_told() -> list[str]:
    return []


@pytest.fixture
def writer(tmp_path: Path, warnings_told: list[str]) -> Iterator[RunWriter]:
    """A RunWriter into `tmp_path`, whose warnings go to `warnings_told`."""
    with RunWriter(tmp_path, warn=warnings_told.append) as opened:
        yield opened


@pytest.fixture
def written(tmp_path: Path) -> Callable[[], list[Event]]:
    """written(): the events in `tmp_path` but for the file's first, as TensorBoard reads them."""

    def read() -> list[Event]:
        [path] = tmp_path.glob("events.out.tfevents.*")
        version, *events = LegacyEventFileLoader(str(path)).Load()
        assert version.file_version == "brain.Event:2"
        return list(events)

    return read
