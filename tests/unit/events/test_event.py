import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2, tensor_pb2
from tensorboard.util import tensor_util

from tracker.events.event import parse
from tracker.events.wire import WireError, varint

_INT64 = st.integers(-(2**63), 2**63 - 1)


def _number(tensor: tensor_pb2.TensorProto) -> float | None:
    """What TensorBoard makes of a tensor, None if that is not one number."""
    try:
        array = tensor_util.make_ndarray(tensor)
    except (KeyError, TypeError, ValueError):  # KeyError: of a type it has no name for
        return None
    if array.size != 1 or array.dtype.kind not in "fiub":
        return None
    return float(array.item())


def _points(event: event_pb2.Event) -> list[tuple[str, float]]:
    """What TensorBoard finds in an event: tags and numbers."""
    points = []
    for value in event.summary.value:
        if value.WhichOneof("value") == "simple_value":
            points.append((value.tag, value.simple_value))
        elif value.WhichOneof("value") == "tensor":
            number = _number(value.tensor)
            if number is not None:
                points.append((value.tag, number))
    return points


def _same(ours: list[tuple[str, float]], theirs: list[tuple[str, float]]) -> bool:
    return [tag for tag, _ in ours] == [tag for tag, _ in theirs] and np.array_equal(
        [number for _, number in ours], [number for _, number in theirs], equal_nan=True
    )


@st.composite
def _events(draw: st.DrawFn) -> event_pb2.Event:
    event = event_pb2.Event(wall_time=draw(st.floats()), step=draw(_INT64))
    if draw(st.integers(0, 9)) == 0:
        event.graph_def = draw(st.binary(max_size=20))
        return event
    for _ in range(draw(st.integers(0, 4))):
        value = event.summary.value.add(tag=draw(st.text(max_size=6)))
        if draw(st.booleans()):
            value.metadata.display_name = draw(st.text(max_size=4))
            value.metadata.plugin_data.plugin_name = draw(st.sampled_from(["scalars", "text"]))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            value.simple_value = draw(st.floats(width=32))
        elif kind == 1:
            value.image.encoded_image_string = draw(st.binary(max_size=20))
        elif kind == 2:
            number = draw(
                st.one_of(st.floats().map(np.float64), st.floats(width=32).map(np.float32))
            )
            value.tensor.CopyFrom(tensor_util.make_tensor_proto(number))
        elif kind == 3:
            value.tensor.CopyFrom(tensor_util.make_tensor_proto(np.ones((2, 3), np.float32)))
    return event


@given(_events())
def test_finds_what_tensorboard_finds(event: event_pb2.Event) -> None:
    ours = parse(event.SerializeToString())
    assert ours.step == event.step
    assert np.array_equal(ours.wall_time, event.wall_time, equal_nan=True)
    assert _same([(point.tag, point.value) for point in ours.points], _points(event))
    assert ours.kinds == [
        (value.tag, value.metadata.plugin_data.plugin_name == "scalars")
        for value in event.summary.value
        if value.HasField("metadata")
    ]


@given(_events(), st.data())
def test_altered_bytes_are_refused_or_read_as_tensorboard_reads_them(
    event: event_pb2.Event, data: st.DataObject
) -> None:
    payload = bytearray(event.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del payload[data.draw(st.integers(0, len(payload))) :]
    try:
        ours = parse(bytes(payload))
    except WireError:
        return
    try:
        theirs = event_pb2.Event.FromString(bytes(payload))
    except DecodeError:  # in a part that is stepped over here, such as a picture
        return
    assert ours.step == theirs.step
    assert np.array_equal(ours.wall_time, theirs.wall_time, equal_nan=True)
    found = {(tag, str(number)) for tag, number in _points(theirs)}
    assert {(point.tag, str(point.value)) for point in ours.points} <= found


@given(st.binary(max_size=64))
def test_garbage_is_parsed_or_refused(payload: bytes) -> None:
    with suppress(WireError):
        parse(payload)


_NUMBERS: list[Any] = [
    np.float32(1.5), np.float64(1e300), np.float16(0.1), np.float32(np.nan),
    np.int8(-3), np.int16(-300), np.int32(-70_000), np.int64(-(2**40)),
    np.uint8(200), np.uint16(60_000), np.bool_(True),
]  # fmt: skip


@pytest.mark.parametrize("number", _NUMBERS, ids=lambda number: number.dtype.name)
@pytest.mark.parametrize("listed", [False, True], ids=["content", "listed"])
def test_tensor_of_any_number_type(number: Any, listed: bool) -> None:
    event = event_pb2.Event(step=1)
    value = event.summary.value.add(tag="a")
    value.tensor.CopyFrom(tensor_util.make_tensor_proto(number))
    if not listed:
        for field in ("float_val", "double_val", "half_val", "int_val", "int64_val", "bool_val"):
            value.tensor.ClearField(field)
        value.tensor.tensor_content = number.tobytes()
    (point,) = parse(event.SerializeToString()).points
    assert np.array_equal(point.value, float(number), equal_nan=True)
    assert point.is_tensor
    assert (point.place >= 0) == (number.dtype == np.float32)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (22, {"uint32_val": [2**32 - 1]}),
        (23, {"uint64_val": [2**64 - 1]}),
    ],
)
def test_unsigned_tensor(kind: int, fields: dict[str, list[int]]) -> None:
    event = event_pb2.Event()
    event.summary.value.add(tag="a").tensor.MergeFrom(tensor_pb2.TensorProto(dtype=kind, **fields))
    (point,) = parse(event.SerializeToString()).points
    assert point.value == float(next(iter(fields.values()))[0])


@pytest.mark.parametrize(
    "tensor",
    [
        tensor_pb2.TensorProto(),
        tensor_pb2.TensorProto(dtype=1),
        tensor_pb2.TensorProto(dtype=1, float_val=[1.0, 2.0]),
        tensor_pb2.TensorProto(dtype=1, tensor_content=b"12345678"),
        tensor_pb2.TensorProto(dtype=1, float_val=[1.0], tensor_shape={"dim": [{"size": 3}]}),
        tensor_pb2.TensorProto(dtype=1, float_val=[1.0], tensor_shape={"unknown_rank": True}),
        tensor_pb2.TensorProto(dtype=7, string_val=[b"text"]),
    ],
)
def test_tensor_that_is_not_one_number_is_no_point(tensor: tensor_pb2.TensorProto) -> None:
    event = event_pb2.Event()
    event.summary.value.add(tag="a").tensor.MergeFrom(tensor)
    assert parse(event.SerializeToString()).points == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x2a\x05\x0a\x03\x0a\x01\xff", "a tag that is not UTF-8"),
        (b"\x2a\x0c\x0a\x0a\x15\0\0\0\0\x15\0\0\0\0", "a value with a field twice"),
        (b"\x2a\x09\x0a\x07\x15\0\0\0\0\x42\0", "a value of two kinds"),
        (b"\x2a\0\x22\0", "an event of two kinds"),
        (b"\x09\0\0", "field beyond its message at byte 1"),
        (b"\x10\xff", "number without an end at byte 2"),
        (b"\x10" + b"\xff" * 11, "number without an end at byte 11"),
        (b"\x0b", "field of an unknown kind at byte 1"),
        (b"\x02\0", "field beyond its message at byte 2"),
    ],
)
def test_what_is_no_event_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=f"^{reason}$"):
        parse(payload)


@given(st.integers(0, 2**64 - 1))
def test_varint_is_protobufs(number: int) -> None:
    step = number - 2**64 if number >> 63 else number
    assert parse(b"\x10" + varint(number)).step == step
    if number:
        assert event_pb2.Event(step=step).SerializeToString() == b"\x10" + varint(number)


def test_missing_time_and_step_are_zero() -> None:
    event = parse(b"")
    assert (event.wall_time, event.step, event.wall_place, event.step_place) == (0.0, 0, -1, -1)
    assert not math.copysign(1, event.wall_time) < 0
