import errno
import io
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2

from tracker.errors import Damaged
from tracker.events.reader import read_scalars
from tracker.events.record import Scan
from tracker.events.writer import EventWriter, truncate
from tracker.tags import Meaning


def _events(path: Path) -> list[event_pb2.Event]:
    scan = Scan(path)
    events = [event_pb2.Event.FromString(payload) for _, payload in scan]
    assert scan.report.damage is None
    assert scan.report.torn == 0
    return events


class _Flaky(io.FileIO):
    """A file whose next write stops after `short` bytes, and then raises what it is told to."""

    short = 0
    error: BaseException | None = None

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        if self.error is None:
            return super().write(data)
        error, self.error = self.error, None
        super().write(bytes(data)[: self.short])
        raise error


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[EventWriter]:
    with EventWriter(tmp_path, clock=lambda: 1_700_000_000.25) as writer:
        yield writer


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    """Make the kernel refuse to let any file grow beyond `size`, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_file_starts_with_its_version(writer: EventWriter) -> None:
    (first,) = _events(writer.path)
    assert first.file_version == "brain.Event:2"
    assert first.wall_time == 1_700_000_000.25


def test_a_step_is_one_event(writer: EventWriter) -> None:
    writer.scalars(7, {"loss/train": 0.5, "accuracy/train": np.float32(0.25), "n": 3})
    event = _events(writer.path)[1]
    assert (event.step, event.wall_time) == (7, 1_700_000_000.25)
    assert [(value.tag, value.simple_value) for value in event.summary.value] == [
        ("loss/train", 0.5),
        ("accuracy/train", 0.25),
        ("n", 3.0),
    ]


def test_bytes_are_those_of_protobuf(writer: EventWriter) -> None:
    steps = [1, 127, 128, 129, 16383, 16384, 2**21, 2**32, 2**63 - 1]
    for step in steps:
        writer.scalars(step, {"a": step, "b": -1.5})
    for (_, payload), step in zip(list(Scan(writer.path))[1:], steps, strict=True):
        event = event_pb2.Event.FromString(payload)
        assert event.step == step
        assert event.SerializeToString() == payload


def test_each_event_is_with_the_system_when_the_call_returns(writer: EventWriter) -> None:
    for step in range(5):
        writer.scalars(step, {"a": step})
        assert writer.position == writer.path.stat().st_size
        assert read_scalars(writer.path).series["a"].steps.tolist() == list(range(step + 1))


def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tracker.events.writer import EventWriter\n"
        "writer = EventWriter(Path(sys.argv[1]))\n"
        "for step in range(1000): writer.scalars(step, {'a': step})\n"
        "os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert read_scalars(tmp_path).series["a"].steps.tolist() == list(range(1000))


def test_no_values_no_event(writer: EventWriter) -> None:
    writer.scalars(0, {})
    assert len(_events(writer.path)) == 1


def test_numbers_beyond_float32_become_infinite(writer: EventWriter) -> None:
    writer.scalars(0, {"a": 1e300, "b": -1e300, "c": math.nan, "d": 1e-300, "e": 2.0})
    values = [value.simple_value for value in _events(writer.path)[1].summary.value]
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])
    assert values[3:] == [0.0, 2.0]


def test_what_is_no_number_is_refused_by_name(writer: EventWriter) -> None:
    with pytest.raises(TypeError, match=r"scalar 'b\\x1b' must be a number, not 'high'"):
        writer.scalars(0, {"a": 1.0, "b\x1b": "high"})  # type: ignore[dict-item]
    writer.scalars(0, {"a": 1.0, "b\x1b": 2.0})
    assert len(_events(writer.path)) == 2


@pytest.mark.parametrize("step", [-1, 2**63])
def test_step_out_of_range_is_refused(writer: EventWriter, step: int) -> None:
    with pytest.raises(ValueError, match="not within 0 and 2"):
        writer.scalars(step, {"a": 1.0})
    assert len(_events(writer.path)) == 1


def test_tag_that_is_no_text_is_refused(writer: EventWriter) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        writer.scalars(0, {"\ud800": 1.0})


def test_steps_of_a_tag_must_grow_whatever_it_is_written_with(writer: EventWriter) -> None:
    writer.scalars(5, {"a": 1.0, "b": 1.0})
    writer.scalars(5, {"c": 1.0})
    writer.scalars(6, {"b": 1.0, "c": 1.0})
    size = writer.position
    expected = "step 6 of 'b' does not come after step 6, written before"
    with pytest.raises(ValueError, match=expected):
        writer.scalars(6, {"a": 2.0, "b": 2.0})
    with pytest.raises(ValueError, match="step 6 of 'b' does not come after step 6"):
        writer.scalars(6, {"b": 1.0, "c": 1.0})
    assert writer.position == size
    writer.scalars(6, {"a": 2.0})
    writer.scalars(7, {"b": 2.0, "a": 2.0})
    assert read_scalars(writer.path).backwards == ()


def test_steps_are_checked_across_both_ways_to_write(writer: EventWriter) -> None:
    event = event_pb2.Event(step=3, wall_time=1.0)
    event.summary.value.add(tag="a", simple_value=1.0)
    writer.scalars(3, {"b": 1.0})
    writer.event(event)
    with pytest.raises(ValueError, match="step 3 of 'a' does not come after step 3"):
        writer.event(event)
    with pytest.raises(ValueError, match="step 2 of 'a' does not come after step 3"):
        writer.scalars(2, {"a": 1.0})
    writer.scalars(4, {"a": 1.0})
    assert _events(writer.path)[2] == event


def test_events_without_values_have_no_order(writer: EventWriter) -> None:
    writer.scalars(9, {"a": 1.0})
    for _ in range(2):
        event = event_pb2.Event(step=0)
        event.summary.value.add(tag="_hparams_/session_start_info").metadata.display_name = "x"
        writer.event(event)
        writer.event(event_pb2.Event(step=-1, graph_def=b"graph"))
    assert len(_events(writer.path)) == 6


def test_first_point_of_a_tag_carries_its_meaning(tmp_path: Path) -> None:
    describe = {"a": Meaning("Ä title", "What it says.")}
    with EventWriter(tmp_path, describe=describe) as writer:
        writer.scalars(0, {"b": 1.0})
        writer.scalars(1, {"a": 1.0, "b": 1.0})
        writer.scalars(2, {"a": 1.0, "b": 1.0})
        writer.scalars(3, {"a": 1.0})
        values = [value for event in _events(writer.path) for value in event.summary.value]
    described = [value for value in values if value.HasField("metadata")]
    assert described == [values[1]]
    assert described[0].tag == "a"
    assert described[0].metadata.plugin_data.plugin_name == "scalars"
    assert described[0].metadata.display_name == "Ä title"
    assert described[0].metadata.summary_description == "What it says."
    assert described[0].metadata.data_class == 1


def test_meaning_is_written_by_the_first_call_that_succeeds(tmp_path: Path) -> None:
    with EventWriter(tmp_path, describe={"a": Meaning("title", "text")}) as writer:
        with _file_size_limit(writer.position + 20), pytest.raises(OSError, match="File too large"):
            writer.scalars(0, {"a": 1.0})
        writer.scalars(0, {"a": 1.0})
        assert _events(writer.path)[1].summary.value[0].metadata.display_name == "title"


def test_tags_never_the_same_twice_use_bounded_memory(
    writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.events.writer._MAX_LINES", 4)
    for step in range(20):
        writer.scalars(step, {"a": 1.0, f"b{step}": 1.0})
        assert len(writer._lines) <= 4
    assert read_scalars(writer.path).series["a"].steps.tolist() == list(range(20))


def test_full_disk_raises_and_leaves_whole_records(writer: EventWriter) -> None:
    writer.scalars(0, {"a": 1.0})
    before = writer.position
    for room in range(40):
        with _file_size_limit(before + room), pytest.raises(OSError, match="File too large"):
            writer.scalars(1, {"a": 1.0, "a longer name": 1.0})
        assert writer.position == writer.path.stat().st_size == before
    writer.scalars(1, {"a": 2.0})
    assert read_scalars(writer.path).series["a"].values.tolist() == [1.0, 2.0]
    _events(writer.path)


def test_disk_full_from_the_start_leaves_no_file(tmp_path: Path) -> None:
    with _file_size_limit(10), pytest.raises(OSError, match="File too large"):
        EventWriter(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _make_flaky(writer: EventWriter) -> _Flaky:
    writer._file.close()
    flaky = _Flaky(writer.path, "ab")
    writer._file = flaky
    return flaky


@pytest.mark.parametrize("short", [0, 1, 11, 30])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), KeyboardInterrupt()])
def test_interrupted_write_is_undone(writer: EventWriter, short: int, error: BaseException) -> None:
    flaky = _make_flaky(writer)
    before = writer.position
    flaky.short, flaky.error = short, error
    with pytest.raises(type(error)):
        writer.scalars(0, {"a": 1.0})
    assert writer.position == writer.path.stat().st_size == before
    writer.scalars(0, {"a": 1.0})
    assert len(_events(writer.path)) == 2


def test_interrupted_right_after_the_write_the_record_counts(writer: EventWriter) -> None:
    flaky = _make_flaky(writer)
    flaky.short, flaky.error = 10_000, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        writer.scalars(0, {"a": 1.0})
    assert writer.position == writer.path.stat().st_size
    assert len(_events(writer.path)) == 2


def test_short_writes_are_gone_on_with(writer: EventWriter) -> None:
    class Slow(io.FileIO):
        def write(self, data) -> int:  # type: ignore[no-untyped-def]
            return super().write(bytes(data)[:7])

    writer._file.close()
    writer._file = Slow(writer.path, "ab")
    writer.scalars(0, {"a": 1.0})
    assert len(_events(writer.path)) == 2
    assert writer.position == writer.path.stat().st_size


def _name_after(directory: Path, now: float, *existing: str) -> str:
    for name in existing:
        (directory / name).touch()
    with EventWriter(directory, clock=lambda: now) as writer:
        names = sorted(path.name for path in directory.iterdir())
        assert names[-1] == writer.path.name
        return writer.path.name


def test_name_is_tensorboards(tmp_path: Path) -> None:
    name = _name_after(tmp_path / "new" / "directory", 1_700_000_000.9)
    assert name.startswith("events.out.tfevents.1700000000.")
    assert name.endswith(f".{os.getpid()}.0")


@pytest.mark.parametrize(
    "existing",
    [
        "events.out.tfevents.1900000000.host.1.0",  # the clock went back
        "events.out.tfevents.1700000000.zzz.1.0",  # the same second
        "events.out.tfevents.1700000000123.host.1.0",  # a clock of milliseconds
        "events.out.tfevents.9999999999.host",
        "zzz.tfevents",
    ],
)
def test_name_sorts_after_all_others(tmp_path: Path, existing: str) -> None:
    _name_after(tmp_path, 1_700_000_000.0, existing)
    _name_after(tmp_path, 1_600_000_000.0)


def test_writers_at_once_never_share_a_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        writers = list(pool.map(lambda _: EventWriter(tmp_path, clock=lambda: 5.0), range(64)))
    for number, writer in enumerate(writers):
        writer.scalars(number, {"a": 1.0})
        writer.close()
    assert len({writer.path for writer in writers}) == 64
    for writer in writers:
        assert len(_events(writer.path)) == 2


def test_sync_tells_of_a_deleted_file(writer: EventWriter) -> None:
    writer.sync()
    writer.path.unlink()
    with pytest.raises(FileNotFoundError, match="event file was deleted"):
        writer.sync()


def test_closed_is_closed(writer: EventWriter) -> None:
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed file"):
        writer.scalars(0, {"a": 1.0})


def test_truncate_goes_back_to_a_position(writer: EventWriter) -> None:
    writer.scalars(0, {"a": 1.0})
    committed = writer.position
    writer.scalars(1, {"a": 2.0})
    writer.close()
    truncate(writer.path, committed)
    assert read_scalars(writer.path).series["a"].steps.tolist() == [0]
    with pytest.raises(Damaged, match=rf"holds {committed} bytes, but {committed + 1} were"):
        truncate(writer.path, committed + 1)


def test_resumed_run_is_one_clean_curve(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as first:
        for step in range(5):
            first.scalars(step, {"a": step})
            if step == 2:
                committed = first.position
    truncate(first.path, committed)
    with EventWriter(tmp_path, clock=lambda: 0.0) as second:
        second.scalars(3, {"a": 30.0})
    assert read_scalars(tmp_path).series["a"].values.tolist() == [0.0, 1.0, 2.0, 30.0]
