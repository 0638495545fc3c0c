import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.scalar import metadata as scalar
from tensorboard.util import tensor_util

from tracker.events import alike, record
from tracker.events.reader import Scalars, event_files, read_scalars
from tracker.events.record import BAD_PAYLOAD, Damage, frame
from tracker.events.writer import EventWriter

# Lengths that make up for each other, and for a step's: forms differ in records of one length.
_TAGS = ["a", "b", "bb", "bbb", "longer"]


def _event(step: int, *values: tuple[str, float], wall_time: float = 1.0) -> event_pb2.Event:
    event = event_pb2.Event(step=step, wall_time=wall_time)
    for tag, number in values:
        event.summary.value.add(tag=tag, simple_value=number)
    return event


def _tensor(step: int, tag: str, number: object, plugin: str | None) -> event_pb2.Event:
    event = event_pb2.Event(step=step)
    value = event.summary.value.add(tag=tag, tensor=tensor_util.make_tensor_proto(number))
    if plugin is not None:
        value.metadata.plugin_data.plugin_name = plugin
    return event


def _write(path: Path, *events: event_pb2.Event) -> Path:
    path.write_bytes(b"".join(frame(event.SerializeToString()) for event in events))
    return path


def _plain(scalars: Scalars) -> dict[str, list[tuple[int, str, str]]]:
    """A comparable form, in which NaN equals NaN and -0.0 differs from 0.0."""
    return {
        tag: [
            (step, str(wall), str(value))
            for step, wall, value in zip(
                line.steps.tolist(), line.wall_times.tolist(), line.values.tolist(), strict=True
            )
        ]
        for tag, line in scalars.series.items()
    }


def _expected(events: list[event_pb2.Event]) -> dict[str, list[tuple[int, str, str]]]:
    points: dict[str, list[tuple[int, str, str]]] = {}
    for event in events:
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                point = (event.step, str(event.wall_time), str(value.simple_value))
                points.setdefault(value.tag, []).append(point)
    return points


@st.composite
def _streams(draw: st.DrawFn) -> list[event_pb2.Event]:
    """Events of a few recurring forms, in any order, with steps of all sizes."""
    forms = draw(st.lists(st.lists(st.sampled_from(_TAGS), max_size=3), min_size=1, max_size=4))
    events = []
    for _ in range(draw(st.integers(0, 40))):
        step = draw(st.sampled_from([0, 1, 127, 128, 20_000, 2**40, 2**63 - 1, -1]))
        number = st.one_of(st.sampled_from([0.0, 1.5]), st.floats(width=32))
        values = [(tag, draw(number)) for tag in draw(st.sampled_from(forms))]
        event = _event(step, *values, wall_time=draw(st.floats()))
        if draw(st.integers(0, 15)) == 0:
            event.summary.value.add(tag="picture").image.height = 3
        events.append(event)
    return events


@pytest.fixture(params=[2, 10_000], ids=["together", "one by one"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    few: int = request.param
    monkeypatch.setattr(alike, "_FEW", few)
    return few


@settings(deadline=None)
@given(
    events=_streams(),
    few=st.sampled_from([2, 3, 16, 1000]),
    chunk=st.sampled_from([50, 5000]),
    odd=st.sampled_from([alike._ODD, 0]),
)
def test_reads_what_was_written_however_it_goes_about_it(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[event_pb2.Event],
    few: int,
    chunk: int,
    odd: int,
) -> None:
    path = _write(tmp_path_factory.mktemp("run") / "tfevents", *events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_FEW", few)
        patch.setattr(alike, "_ODD", odd)  # 0: every row has the same hash
        patch.setattr(record, "_CHUNK", chunk)
        scalars = read_scalars(path)
    assert _plain(scalars) == _expected(events)
    assert list(scalars.series) == sorted(_expected(events))
    assert scalars.reports[0].records == len(events)
    assert scalars.reports[0].damage is None


def test_step_of_another_length_is_another_form(tmp_path: Path, few: int) -> None:
    # Fields nobody knows, which read one way after a step of two bytes, another after one of one.
    filler = bytes.fromhex("788001797805780578057805")
    point = _event(0, ("a", 1.0), wall_time=0.0).SerializeToString()
    two_bytes, one_byte = bytes.fromhex("108501"), bytes.fromhex("100578")
    payloads = [two_bytes + filler + point] * 3 + [one_byte + filler + point]
    path = tmp_path / "tfevents"
    path.write_bytes(b"".join(map(frame, payloads)))
    assert [event_pb2.Event.FromString(payload).step for payload in payloads] == [133] * 3 + [5]
    assert read_scalars(path).series["a"].steps.tolist() == [133] * 3 + [5]


def test_forms_of_one_length_are_kept_apart(tmp_path: Path, few: int) -> None:
    short = [_event(step, ("bb", step)) for step in range(1, 5)]
    long = [_event(200, ("b", 1.5)) for _ in range(4)]
    assert len({len(event.SerializeToString()) for event in short + long}) == 1
    scalars = read_scalars(_write(tmp_path / "tfevents", *short, *long))
    assert _plain(scalars) == _expected(short + long)


def test_equal_hashes_do_not_make_equal_tags(
    tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "_ODD", 0)
    events = [_event(step, (tag, step)) for step in range(1, 5) for tag in "ab"]
    scalars = read_scalars(_write(tmp_path / "tfevents", *events), check=False)
    assert _plain(scalars) == _expected(events)


def _small_run() -> list[event_pb2.Event]:
    return [_event(step, ("a", 50.0 + step), ("b", -step), wall_time=9.5) for step in range(6)]


def test_cut_anywhere_gives_the_points_before(tmp_path: Path, few: int) -> None:
    path = _write(tmp_path / "tfevents", *_small_run())
    data = path.read_bytes()
    ends = np.cumsum([0, *(len(frame(event.SerializeToString())) for event in _small_run())])
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        scalars = read_scalars(path)
        whole = int(np.searchsorted(ends, length, side="right")) - 1
        assert _plain(scalars) == _expected(_small_run()[:whole])
        assert scalars.reports[0].torn == length - ends[whole]


def test_no_flipped_bit_is_ever_shown_as_a_value(tmp_path: Path, few: int) -> None:
    path = _write(tmp_path / "tfevents", *_small_run())
    data = path.read_bytes()
    ends = np.cumsum([0, *(len(frame(event.SerializeToString())) for event in _small_run())])
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        scalars = read_scalars(path)
        whole = int(np.searchsorted(ends, bit // 8, side="right")) - 1
        assert _plain(scalars) == _expected(_small_run()[:whole])
        assert scalars.reports[0].damage is not None
        assert scalars.reports[0].damage.offset == ends[whole]


def test_damage_hides_later_groups_of_the_same_block(tmp_path: Path) -> None:
    events = [_event(step, ("a", step)) for step in range(1, 100)]
    events.insert(50, _event(0, ("another tag", 1.0)))
    payloads = [frame(event.SerializeToString()) for event in events]
    payloads[50] = payloads[50][:-1] + bytes([payloads[50][-1] ^ 1])
    path = tmp_path / "tfevents"
    path.write_bytes(b"".join(payloads))
    scalars = read_scalars(path)
    assert _plain(scalars) == _expected(events[:50])
    report = scalars.reports[0]
    assert report.damage == Damage(len(b"".join(payloads[:50])), BAD_PAYLOAD)
    assert (report.records, report.size) == (50, report.damage.offset)


def test_valid_record_that_is_no_event_is_damage(tmp_path: Path, few: int) -> None:
    path = _write(tmp_path / "tfevents", *_small_run())
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + frame(b"\xff\xff") + frame(b"\xff\xff") + frame(b""))
    scalars = read_scalars(path)
    assert _plain(scalars) == _expected(_small_run())
    assert scalars.reports[0].damage == Damage(size, "no event: number without an end at byte 2")


def test_without_check_a_flipped_value_is_taken(tmp_path: Path, few: int) -> None:
    path = _write(tmp_path / "tfevents", *_small_run())
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert len(read_scalars(path).series["a"]) == 5
    assert len(read_scalars(path, check=False).series["a"]) == 6


def test_files_of_a_run_are_one_series_in_the_order_of_their_names(tmp_path: Path) -> None:
    _write(tmp_path / "events.out.tfevents.2", _event(2, ("a", 2.0)), _event(1, ("b", 1.0)))
    _write(tmp_path / "events.out.tfevents.1", _event(1, ("a", 1.0)))
    _write(tmp_path / "notes.txt", _event(9, ("c", 1.0)))
    scalars = read_scalars(tmp_path)
    assert scalars.series["a"].steps.tolist() == [1, 2]
    assert list(scalars.series) == ["a", "b"]
    assert [report.path.name[-1] for report in scalars.reports] == ["1", "2"]
    assert [report.records for report in scalars.reports] == [1, 2]


def test_steps_that_go_back_are_given_and_named(tmp_path: Path, few: int) -> None:
    events = [_event(step, ("a", 1.0), ("b", step)) for step in (1, 2, 2, 0)]
    events.append(_event(5, ("c", 1.0)))
    scalars = read_scalars(_write(tmp_path / "tfevents", *events))
    assert scalars.series["a"].steps.tolist() == [1, 2, 2, 0]
    assert scalars.backwards == ("a", "b")


def test_a_tag_twice_in_one_event_is_two_points(tmp_path: Path, few: int) -> None:
    events = [_event(step, ("a", step), ("a", -step)) for step in range(1, 5)]
    scalars = read_scalars(_write(tmp_path / "tfevents", *events))
    assert scalars.series["a"].values.tolist() == [1, -1, 2, -2, 3, -3, 4, -4]


def test_tensors_count_where_the_first_metadata_of_a_tag_says_so(tmp_path: Path, few: int) -> None:
    events = [
        _tensor(0, "scalar", np.float32(0.5), "scalars"),
        _tensor(0, "other", np.float32(0.5), "mesh"),
        _tensor(0, "nothing", np.float32(0.5), None),
    ]
    for step in range(1, 5):
        events.append(_tensor(step, "scalar", np.float32(step), None))
        events.append(_tensor(step, "other", np.float32(step), "scalars"))
        events.append(_tensor(step, "nothing", np.float32(step), None))
        events.append(_tensor(step, "double", np.float64(step + 1e-12), scalar.PLUGIN_NAME))
    scalars = read_scalars(_write(tmp_path / "tfevents", *events))
    assert list(scalars.series) == ["double", "scalar"]
    assert scalars.series["scalar"].values.tolist() == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert scalars.series["double"].values.tolist() == [step + 1e-12 for step in range(1, 5)]


def test_what_is_no_file_among_event_files_is_reported(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        writer.scalars(0, {"a": 1.0})
    (tmp_path / "a.tfevents.directory").mkdir()
    (tmp_path / "a.tfevents.empty").touch()
    os.mkfifo(tmp_path / "a.tfevents.fifo")
    (tmp_path / "a.tfevents.loop").symlink_to(tmp_path / "a.tfevents.loop")
    (tmp_path / "a.tfevents.text").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    scalars = read_scalars(tmp_path)
    assert scalars.series["a"].values.tolist() == [1.0]
    damaged = {report.path.name[11:]: report.damage for report in scalars.reports[:-1]}
    assert {name for name, damage in damaged.items() if damage} == {
        "directory", "fifo", "loop", "text",
    }  # fmt: skip
    assert scalars.reports[-1].damage is None


def test_run_without_event_files_is_empty(tmp_path: Path) -> None:
    assert event_files(tmp_path) == []
    assert read_scalars(tmp_path).series == {}


def test_missing_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_scalars(tmp_path / "missing")


def test_arrays_have_the_promised_types(tmp_path: Path, few: int) -> None:
    scalars = read_scalars(_write(tmp_path / "tfevents", *_small_run()))
    line = scalars.series["a"]
    assert line.steps.dtype == np.int64
    assert line.wall_times.dtype == line.values.dtype == np.float64
    assert len(line) == 6
    assert line.is_increasing
