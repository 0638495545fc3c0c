"""What EventWriter writes, TensorBoard reads; what others write, we read as TensorBoard does."""

import json
import math
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2, tensor_pb2, types_pb2
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.util import tensor_util
from torch.utils.tensorboard import SummaryWriter

from tracker.events.reader import Scalars, read_scalars
from tracker.events.writer import EventWriter, truncate
from tracker.tags import MEANINGS

_Points = dict[str, list[tuple[int, float, str]]]


def _ours(scalars: Scalars) -> _Points:
    return {
        tag: [
            (step, wall_time, str(value))
            for step, wall_time, value in zip(
                line.steps.tolist(), line.wall_times.tolist(), line.values.tolist(), strict=True
            )
        ]
        for tag, line in scalars.series.items()
    }


def _accumulated(path: Path) -> _Points:
    """What EventAccumulator has, old and new style; it thins nothing out when told 0."""
    events = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    points = {
        tag: [(point.step, point.wall_time, str(point.value)) for point in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    for tag in events.Tags()["tensors"]:
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            points[tag] = [
                (point.step, point.wall_time, str(float(tensor_util.make_ndarray(tensor).item())))
                for point in events.Tensors(tag)
                for tensor in [point.tensor_proto]
            ]
    return points


_steps = st.lists(st.integers(0, 2**63 - 1), unique=True, max_size=6).map(sorted)
_values = st.dictionaries(st.text(max_size=8), st.floats(width=32), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(groups=st.lists(_values, max_size=4), steps=_steps, wall_time=st.floats(0, 1e10))
def test_any_tags_and_values_are_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[dict[str, float]],
    steps: list[int],
    wall_time: float,
) -> None:
    directory = tmp_path_factory.mktemp("run")
    expected: _Points = {}
    written = set()
    with EventWriter(directory, clock=lambda: wall_time) as writer:
        for step in steps:
            for values in groups:
                fresh = {tag: x for tag, x in values.items() if (tag, step) not in written}
                writer.scalars(step, fresh)
                for tag, number in fresh.items():
                    expected.setdefault(tag, []).append((step, wall_time, str(number)))
                    written.add((tag, step))
    assert _ours(read_scalars(directory)) == expected
    assert _accumulated(directory) == expected


def test_event_file_loader_sees_titles_and_classes(tmp_path: Path) -> None:
    with EventWriter(tmp_path, describe=MEANINGS) as writer:
        for step in range(3):
            writer.scalars(step, {"loss/val": step, "other": -step})
    values = [
        value for event in EventFileLoader(str(writer.path)).Load() for value in event.summary.value
    ]
    assert len(values) == 6
    for value in values:
        assert value.metadata.data_class == 1
        assert value.metadata.plugin_data.plugin_name == "scalars"
    assert values[0].metadata.display_name == "validation loss"
    assert values[0].metadata.summary_description == MEANINGS["loss/val"].description
    assert [float(tensor_util.make_ndarray(value.tensor)) for value in values[::2]] == [0, 1, 2]


def test_what_torch_writes_is_read_as_tensorboard_reads_it(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(300):
            for number in range(5):
                writer.add_scalar(f"group/{number}", math.sin(step * number), step)
            writer.add_scalar("new", step / 7, step, new_style=True)
            writer.add_scalar("double", step / 7, step, new_style=True, double_precision=True)
            if step % 100 == 0:
                writer.add_image("picture", torch.rand(3, 64, 64), step)
                writer.add_histogram("weights", torch.randn(100), step)
                writer.add_text("text", "some *text*", step)
                writer.add_pr_curve("pr", torch.tensor([0, 1]), torch.rand(2), step)
        writer.add_scalar("nan", math.nan, 0)
        writer.add_scalars("several", {"x": 1.0}, 0)
    ours = read_scalars(tmp_path)
    assert _ours(ours) == _accumulated(tmp_path)
    assert len(ours.series["group/3"]) == len(ours.series["new"]) == 300
    assert ours.series["double"].values[1] == 1 / 7
    assert ours.backwards == ()
    assert all(report.damage is None and not report.torn for report in ours.reports)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
def test_graph_is_stepped_over(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("a", 1.0, 0)
        writer.add_graph(torch.nn.Linear(2, 2), torch.zeros(1, 2))
        writer.add_scalar("a", 2.0, 1)
    assert _ours(read_scalars(tmp_path)) == _accumulated(tmp_path)
    assert read_scalars(tmp_path).series["a"].values.tolist() == [1.0, 2.0]


def test_tensorflow_style_scalars(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        for step in range(3):
            writer.event(event_pb2.Event(step=step, summary=scalar_pb("a", step + 0.5)))
    assert _ours(read_scalars(tmp_path)) == _accumulated(tmp_path)
    assert read_scalars(tmp_path).series["a"].values.tolist() == [0.5, 1.5, 2.5]


_NUMBERS = {
    "float16": np.float16(0.1),
    "float32": np.float32(0.1),
    "float64": np.float64(0.1),
    "int8": np.int8(-7),
    "int16": np.int16(-300),
    "int32": np.int32(-70_000),
    "int64": np.int64(-(2**40)),
    "uint8": np.uint8(200),
    "uint16": np.uint16(60_000),
    "bool": np.bool_(True),
}


def _packed(number: Any) -> tensor_pb2.TensorProto:
    """The tensor as TensorFlow itself writes one: the bytes, not a list of numbers."""
    listed = tensor_util.make_tensor_proto(number)
    return tensor_pb2.TensorProto(dtype=listed.dtype, tensor_content=number.tobytes())


@pytest.mark.parametrize("encode", [tensor_util.make_tensor_proto, _packed])
@pytest.mark.parametrize("name", _NUMBERS)
def test_a_scalar_of_any_type_is_read_as_tensorboard_reads_it(
    tmp_path: Path, name: str, encode: Callable[[Any], tensor_pb2.TensorProto]
) -> None:
    number = _NUMBERS[name]
    summary = scalar_pb("a", 0.0)
    summary.value[0].tensor.CopyFrom(encode(number))
    with EventWriter(tmp_path) as writer:
        writer.event(event_pb2.Event(step=0, wall_time=1.0, summary=summary))
    ours = read_scalars(tmp_path)
    assert ours.series["a"].values.tolist() == [float(number)]
    assert _ours(ours) == _accumulated(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_bfloat16_is_read_though_tensorboard_alone_cannot(tmp_path: Path, packed: bool) -> None:
    numbers = torch.tensor([0.1, -3e38, math.inf, math.nan], dtype=torch.bfloat16)
    with EventWriter(tmp_path) as writer:
        for step, bits in enumerate(numbers.view(torch.uint16).tolist()):
            summary = scalar_pb("a", 0.0)
            tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16)
            if packed:
                tensor.tensor_content = struct.pack("<H", bits)
            else:
                tensor.half_val.append(bits)
            summary.value[0].tensor.CopyFrom(tensor)
            writer.event(event_pb2.Event(step=step, summary=summary))
    read = read_scalars(tmp_path).series["a"].values
    assert np.array_equal(read, numbers.double().numpy(), equal_nan=True)


def test_many_values_in_an_event_and_many_files_in_a_run(tmp_path: Path) -> None:
    for number in range(3):
        with SummaryWriter(str(tmp_path), filename_suffix=f".{number}") as torch_writer:
            torch_writer.add_scalar(f"own/{number}", number, 0)
            torch_writer.add_scalar("shared", number, number)
    with EventWriter(tmp_path) as writer:
        mixed = Summary(value=[*scalar_pb("tensor", 1.5).value, *scalar_pb("tensor/2", 2.5).value])
        for number in range(40):
            mixed.value.add(tag=f"simple/{number}", simple_value=number)
        writer.event(event_pb2.Event(step=3, summary=mixed))
    ours = read_scalars(tmp_path)
    assert len(ours.reports) == 4
    assert len(ours.series) == 46
    assert ours.series["shared"].values.tolist() == [0, 1, 2]
    assert _ours(ours) == _accumulated(tmp_path)


def test_a_file_that_is_being_written_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        for step in range(40):
            writer.scalars(step, {"a": step})
        whole = writer.path.read_bytes()
        for missing in (1, 4, 5, 20):
            writer.path.write_bytes(whole[:-missing])
            ours = read_scalars(tmp_path)
            assert ours.series["a"].values.tolist() == list(range(39))
            [report] = ours.reports
            assert report.damage is None
            assert report.size + report.torn == len(whole) - missing
            assert _ours(ours) == _accumulated(tmp_path)
        writer.path.write_bytes(whole)
        writer.scalars(40, {"a": 40})
        assert len(read_scalars(tmp_path).series["a"]) == 41


@contextmanager
def _tensorboard(logdir: Path, *, fast: bool) -> Iterator[str]:
    """Serve `logdir` by a real TensorBoard on a free port; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [f"--load_fast={str(fast).lower()}", "--reload_interval=1"]
    arguments += ["--samples_per_plugin", "scalars=100000"]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", str(port), *arguments]
    environment = {**os.environ, "TMPDIR": str(logdir.parent)}
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        yield f"http://127.0.0.1:{port}/data"
    finally:
        server.terminate()
        server.wait(10)


def _get(address: str, **query: str) -> Any:
    with urllib.request.urlopen(f"{address}?{urllib.parse.urlencode(query)}", timeout=5) as answer:
        return json.load(answer)


def _await(address: str, wanted: int, **query: str) -> Any:
    """Ask until the answer holds at least `wanted` things: TensorBoard loads in its own time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            answer = _get(address, **query)
            if len(answer) >= wanted:
                return answer
        time.sleep(0.05)
    raise AssertionError(f"{address} {query}: fewer than {wanted} after a minute")


@pytest.mark.parametrize(
    "fast",
    [
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                find_spec("tensorboard_data_server") is None, reason="no data server here"
            ),
        ),
        False,
    ],
    ids=["rust", "python"],
)
def test_dashboard_shows_a_resumed_run(tmp_path: Path, fast: bool) -> None:
    run = tmp_path / "logs" / "run"
    with EventWriter(run, describe=MEANINGS) as writer:
        for step in range(100):
            writer.scalars(step, {"loss/val": 100 - step, "accuracy/val": math.nan})
            if step == 60:
                committed = writer.position
            writer.scalars(step, {"ünï/code": step, "large": 1e300})
    truncate(writer.path, committed)
    with EventWriter(run, describe=MEANINGS, clock=lambda: 1.0) as writer:
        for step in range(61, 120):
            writer.scalars(step, {"loss/val": 100 - step, "accuracy/val": math.nan})
        writer.scalars(61, {"ünï/code": 61, "large": 1e300})
    expected = read_scalars(run).series
    assert expected["loss/val"].steps.tolist() == list(range(120))
    with _tensorboard(run.parent, fast=fast) as address:
        _await(f"{address}/plugin/scalars/tags", 1)
        for tag, line in expected.items():
            points = _await(f"{address}/plugin/scalars/scalars", len(line), run="run", tag=tag)
            shown = [(step, float(value)) for _, step, value in points]
            assert [step for step, _ in shown] == line.steps.tolist()
            assert np.array_equal([value for _, value in shown], line.values, equal_nan=True)
        tags = _get(f"{address}/plugin/scalars/tags")["run"]
        assert tags["loss/val"]["displayName"] == MEANINGS["loss/val"].title
        assert MEANINGS["loss/val"].description in tags["loss/val"]["description"]
