"""What was written is read back as it was; what is wrong is left out, and damage reported."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2, tensor_pb2
from tensorboard.util import tensor_util

from tracker.events.array import array
from tracker.events.record import BAD_PAYLOAD, Report, frame
from tracker.events.tensors import ImagePoint, read_images, read_tensors
from tracker.events.wire import WireError

PNG = b"\x89PNG\r\n\x1a\n and so on"


def event(step: int, **tensors: tensor_pb2.TensorProto) -> event_pb2.Event:
    made = event_pb2.Event(step=step, wall_time=step + 0.5)
    for tag, tensor in tensors.items():
        made.summary.value.add(tag=tag, tensor=tensor)
    return made


def strings(*values: bytes) -> tensor_pb2.TensorProto:
    return tensor_util.make_tensor_proto(np.array(values, dtype=object))


def write(path: Path, *events: event_pb2.Event) -> Path:
    path.write_bytes(b"".join(frame(one.SerializeToString()) for one in events))
    return path


def parsed(tensor: tensor_pb2.TensorProto) -> Any:
    data = tensor.SerializeToString()
    return array(data, 0, len(data))


def test_points_of_the_tags_asked_for_in_the_order_of_files_and_records(tmp_path: Path) -> None:
    number, other = (
        tensor_util.make_tensor_proto(np.array([[1, 2], [3, one]], np.int32)) for one in (4, 5)
    )
    write(tmp_path / "events.out.tfevents.1", event(3, a=number, b=number), event(4, b=number))
    write(tmp_path / "events.out.tfevents.2", event(9, a=other, c=strings(b"x", b"")))
    found = read_tensors(tmp_path, ["a", "c", "none"])
    assert [(one.step, one.wall_time, one.value.tolist()) for one in found["a"]] == [  # type: ignore[union-attr]
        (3, 3.5, [[1, 2], [3, 4]]),
        (9, 9.5, [[1, 2], [3, 5]]),
    ]
    assert found["c"] == [(9, 9.5, (b"x", b""))]
    assert found["none"] == []
    assert found.keys() == {"a", "c", "none"}


def test_a_tag_that_is_only_part_of_another_is_not_it(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tfevents", event(1, accuracy=strings(b"a")))
    assert read_tensors(path, ["acc"]) == {"acc": []}


LISTS = {
    "float32": "float_val",
    "float64": "double_val",
    "float16": "half_val",
    "int8": "int_val",
    "int16": "int_val",
    "int32": "int_val",
    "int64": "int64_val",
    "uint8": "int_val",
    "uint16": "int_val",
    "bool": "bool_val",
}


@pytest.mark.parametrize("listed", [False, True], ids=["content", "listed"])
@pytest.mark.parametrize("name", LISTS)
def test_numbers_of_every_type_and_form(name: str, listed: bool) -> None:
    numbers = np.array([[0, 1, 3], [1, 0, 100]]).astype(name)
    if np.dtype(name).kind in "if":
        numbers[0, 0] = -2
    tensor = tensor_util.make_tensor_proto(numbers)
    tensor.ClearField(LISTS[name])
    tensor.tensor_content = b"" if listed else numbers.tobytes()
    if listed:
        bits = numbers.view(np.uint16) if name == "float16" else numbers
        getattr(tensor, LISTS[name]).extend(bits.ravel().tolist())
    found = parsed(tensor)
    assert found.dtype == numbers.dtype
    assert np.array_equal(found, numbers)
    found[0, 0] = 1  # a copy of its own


def test_no_number_at_all_is_an_array_too() -> None:
    assert parsed(tensor_util.make_tensor_proto(np.zeros((0, 3), np.float32))).shape == (0, 3)


def dimensions(*sizes: int) -> tensor_pb2.TensorProto:
    tensor = tensor_pb2.TensorProto(dtype=1, float_val=[0.0])
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


@pytest.mark.parametrize("sizes", [(1 << 40,), (2,), (0,), (-1,), (-1, -1), (1,) * 17])
def test_a_shape_that_its_values_do_not_fill_is_no_tensor(sizes: tuple[int, ...]) -> None:
    assert parsed(dimensions(*sizes)) is None


def test_an_empty_tensor_cannot_claim_to_be_huge() -> None:
    tensor = dimensions(0, 1 << 40)
    tensor.ClearField("float_val")
    assert parsed(tensor) is None


def test_a_type_that_is_no_number_is_no_tensor() -> None:
    assert parsed(tensor_pb2.TensorProto(dtype=8, scomplex_val=[1.0, 2.0])) is None
    unknown = tensor_pb2.TensorProto(dtype=1, float_val=[1.0])
    unknown.tensor_shape.unknown_rank = True
    assert parsed(unknown) is None


@given(st.binary(max_size=60))
def test_what_protobuf_reads_of_any_bytes_is_what_is_read_here(data: bytes) -> None:
    try:
        ours = array(data, 0, len(data))
        theirs = tensor_pb2.TensorProto.FromString(data)
    except (WireError, DecodeError):
        return
    if isinstance(ours, np.ndarray):
        with suppress(TypeError):  # types theirs has no numpy type for
            assert np.array_equal(ours, tensor_util.make_ndarray(theirs), equal_nan=True)


def image(step: int, tag: str, png: bytes) -> event_pb2.Event:
    made = event_pb2.Event(step=step, wall_time=1.0)
    made.summary.value.add(tag=tag).image.MergeFrom(
        type(made.summary.value[0].image)(height=3, width=4, colorspace=3, encoded_image_string=png)
    )
    return made


def test_pictures_of_both_kinds(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.tfevents",
        image(1, "a", PNG),
        event(2, a=strings(b"4", b"3", PNG, PNG + b"2")),
        event(3, a=tensor_util.make_tensor_proto(np.ones(3, np.float32))),
        event(4, a=strings(b"four", b"3", PNG)),
        image(5, "a", b"GIF89a"),
    )
    assert read_images(path, ["a"])["a"] == [
        ImagePoint(1, 1.0, 4, 3, PNG),
        ImagePoint(2, 2.5, 4, 3, PNG),
        ImagePoint(2, 2.5, 4, 3, PNG + b"2"),
    ]


def test_up_to_the_damage_and_no_further(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tfevents", *(event(step, a=strings(b"x")) for step in range(3)))
    data = bytearray(path.read_bytes())
    size = len(data) // 3
    data[size + 20] ^= 1
    path.write_bytes(data)
    reports: list[Report] = []
    assert [one.step for one in read_tensors(path, ["a"], told=reports.append)["a"]] == [0]
    [report] = reports
    assert report.damage == (report.size, BAD_PAYLOAD)
    assert report.records == 1


def test_a_payload_that_is_no_event_is_damage(tmp_path: Path) -> None:
    (tmp_path / "x.tfevents").write_bytes(frame(b"\x2a\x05a") + frame(b""))
    reports: list[Report] = []
    assert read_tensors(tmp_path, ["a"], told=reports.append) == {"a": []}
    assert reports[0].damage is not None
    assert "no event" in reports[0].damage.reason


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none", ["a"])
    assert read_tensors(tmp_path, ["a"]) == {"a": []}


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_nothing_a_file_holds_raises(tmp_path_factory: pytest.TempPathFactory, parts: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tfevents"
    head = event(1, a=strings(b"x")).SerializeToString()
    path.write_bytes(b"".join(frame(head + part) for part in parts))
    read_tensors(path, ["a"])
    read_images(path, ["a"])
