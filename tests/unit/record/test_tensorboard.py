from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.util.tensor_util import make_ndarray
from torch import Tensor, nn

from tracker import tags
from tracker.events.reader import read_scalars
from tracker.record.histogram import histogram
from tracker.record.pictures import Picture
from tracker.record.tensorboard import RunWriter
from tracker.spec.load import from_document

Written = Callable[[], list[Event]]
NAN = torch.full((3,), float("nan"))


def black(height: int = 4, width: int = 6) -> Picture:
    return np.zeros((height, width, 3), np.uint8)


def broken(reason: str) -> Picture:
    raise ZeroDivisionError(reason)


def test_scalars_of_a_step_are_one_event(writer: RunWriter, written: Written) -> None:
    writer.scalars(5, {tags.LOSS_TRAIN: torch.tensor(0.25), tags.LR: np.float64(0.5), "x": 1})
    [event] = written()
    assert event.step == 5
    assert [value.tag for value in event.summary.value] == [tags.LOSS_TRAIN, tags.LR, "x"]


def test_metadata_stand_on_the_first_point_of_a_tag_alone(
    writer: RunWriter, written: Written
) -> None:
    for step in range(3):
        writer.scalars(step, {tags.ACCURACY_VAL: step})
        writer.picture(tags.CONFUSION, step, black)
    values = [value for event in written() for value in event.summary.value]
    for tag, plugin in ((tags.ACCURACY_VAL, "scalars"), (tags.CONFUSION, "images")):
        first, *later = (value.metadata for value in values if value.tag == tag)
        assert first.plugin_data.plugin_name == plugin
        assert (first.display_name, first.summary_description) == tags.MEANINGS[tag]
        assert len(later) == 2
        assert all(one.ByteSize() == 0 for one in later)


def test_a_picture_is_a_png_of_its_size(writer: RunWriter, tmp_path: Path) -> None:
    drawn = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    writer.picture("p", 7, drawn.copy)
    events = EventAccumulator(str(tmp_path)).Reload()
    [point] = events.Tensors("p")
    width, height, png = point.tensor_proto.string_val
    assert (point.step, width, height) == (7, b"6", b"4")
    assert png.startswith(b"\x89PNG")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), drawn)


def test_the_same_picture_is_the_same_bytes(writer: RunWriter, written: Written) -> None:
    writer.picture("p", 0, black)
    writer.picture("q", 0, black)
    one, two = (event.summary.value[0].tensor.string_val for event in written())
    assert list(one) == list(two)


def test_a_picture_that_fails_is_one_warning_and_the_tag_goes_on(
    writer: RunWriter, written: Written, warnings_told: list[str]
) -> None:
    for step in range(3):
        writer.picture("p", step, broken, "not a\nnumber")
    writer.picture("q", 0, broken, "nor this")
    assert warnings_told == [
        "p could not be drawn: ZeroDivisionError: not a",
        "q could not be drawn: ZeroDivisionError: nor this",
    ]
    assert written() == []
    writer.picture("p", 3, black)
    [event] = written()
    assert event.summary.value[0].metadata.plugin_data.plugin_name == "images"


def test_what_is_no_picture_is_a_warning_too(writer: RunWriter, warnings_told: list[str]) -> None:
    writer.picture("p", 0, lambda: np.zeros((2, 2), np.uint8))
    writer.picture("q", 0, lambda: np.zeros((2, 2, 7), np.uint8))
    assert [told.partition(" ")[0] for told in warnings_told] == ["p", "q"]


def test_a_full_disk_surfaces_and_the_tag_keeps_its_metadata_for_later(
    writer: RunWriter, written: Written, warnings_told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(writer._events, "_append", full)
        with pytest.raises(OSError, match="No space left"):
            writer.picture("p", 0, black)
        with pytest.raises(OSError, match="No space left"):
            writer.graph(nn.Linear(8, 2), 8)
        with pytest.raises(OSError, match="No space left"):
            writer.text("t", "words")
    writer.picture("p", 0, black)
    [event] = written()
    assert event.summary.value[0].metadata.plugin_data.plugin_name == "images"
    assert warnings_told == []


def test_steps_of_a_tag_must_rise(writer: RunWriter) -> None:
    writer.scalars(3, {"a": 1})
    writer.picture("p", 3, black)
    writer.text("t", "words")
    with pytest.raises(ValueError, match="step 3 of 'a' does not come after step 3"):
        writer.scalars(3, {"a": 1})
    with pytest.raises(ValueError, match="step 2 of 'p'"):
        writer.picture("p", 2, black)
    with pytest.raises(ValueError, match="step 0 of 't'"):
        writer.text("t", "words")
    with pytest.raises(ValueError, match="step 1 of 'a'"):
        writer.add_scalar("a", 1.0, 1)


@settings(max_examples=20, deadline=None)
@given(words=st.text())
def test_any_text_can_be_written(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    directory = tmp_path_factory.mktemp("run")
    with RunWriter(directory, warn=pytest.fail) as writer:
        writer.text("t", words)
    [point] = EventAccumulator(str(directory)).Reload().Tensors("t")
    assert point.tensor_proto.string_val[0].decode() == words


def test_a_byte_of_a_file_name_that_is_no_text_does_not_stop_a_run(
    writer: RunWriter, written: Written
) -> None:
    writer.text("t", os.fsdecode(b"/home/\xff"))
    assert written()[0].summary.value[0].tensor.string_val[0] == b"/home/?"


def test_the_graph_is_written_as_tensorboard_wants_it(
    writer: RunWriter, written: Written, warnings_told: list[str]
) -> None:
    writer.graph(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), 8)
    [event] = written()
    names = [node.name for node in GraphDef.FromString(event.graph_def).node]
    assert names == ["input", "0", "1", "output"]
    assert warnings_told == []


def test_a_model_that_cannot_be_drawn_is_one_warning_of_one_line(
    writer: RunWriter, written: Written, warnings_told: list[str]
) -> None:
    class Hopeless(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise RuntimeError(f"no way\nthrough {len(images.shape)} dimensions")

    writer.graph(Hopeless(), 8)
    assert warnings_told == ["the model's graph could not be drawn: RuntimeError: no way"]
    assert written() == []


def test_hparams_stand_at_the_start_and_the_end(writer: RunWriter, written: Written) -> None:
    writer.hparams(from_document({"name": "first"}))
    writer.finish_hparams()
    assert [event.summary.value[0].tag for event in written()] == [
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
    ]


def test_commit_tells_how_long_the_file_is_and_goes_on(writer: RunWriter, tmp_path: Path) -> None:
    [path] = tmp_path.iterdir()
    writer.scalars(1, {"a": 1})
    assert writer.commit() == {path.name: path.stat().st_size}
    writer.scalars(2, {"a": 1})
    assert writer.commit() == {path.name: path.stat().st_size}


def test_commit_waits_for_the_disk(
    writer: RunWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path] = tmp_path.iterdir()
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    writer.commit()
    assert path.stat().st_ino in synced


def test_what_summary_writer_can_do_lands_in_the_same_file(
    writer: RunWriter, tmp_path: Path
) -> None:
    chance = torch.Generator().manual_seed(0)
    points = torch.rand(5, 3, generator=chance)
    writer.add_scalar("scalar", 0.5, 1)
    writer.add_scalar("scalar", 0.25, 2, new_style=True)
    writer.add_image("image", torch.zeros(3, 4, 4), 1)
    writer.add_histogram("histogram", points, 1)
    writer.add_text("text", "words", 1)
    writer.add_pr_curve("pr", torch.tensor([0, 1, 1]), points[:3, 0], 1)
    writer.add_embedding(points, metadata=list("abcde"), tag="points")
    writer.add_custom_scalars({"a": {"b": ["Multiline", ["scalar"]]}})
    writer.flush()
    [path] = tmp_path.glob("events*")
    assert writer.log_dir == str(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {
        path.name,
        "00000",
        "projector_config.pbtxt",
    }
    assert read_scalars(path).series["scalar"].values.tolist() == [0.5, 0.25]
    found = EventAccumulator(str(tmp_path)).Reload().Tags()
    assert found["images"] == ["image"]
    assert found["histograms"] == ["histogram"]
    assert {"text/text_summary", "pr", "custom_scalars__config__"} <= set(found["tensors"])


def test_no_thread_is_started_and_every_call_is_on_the_disk_when_it_returns(
    tmp_path: Path,
) -> None:
    before = threading.enumerate()
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        [path] = tmp_path.iterdir()
        size = path.stat().st_size
        for step in range(3):
            writer.add_scalar("a", 1.0, step)
            writer.picture("p", step, black)
            size, previous = path.stat().st_size, size
            assert size > previous
        assert threading.enumerate() == before


def test_close_twice_is_fine_and_nothing_can_be_written_after(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, warn=pytest.fail)
    writer.scalars(1, {"a": 1})
    writer.close()
    writer.close()
    writes: list[Callable[[], None]] = [
        lambda: writer.scalars(2, {"a": 1}),
        partial(writer.add_scalar, "a", 1.0, 2),
        lambda: writer.picture("p", 2, black),
        lambda: writer.text("t", "words"),
    ]
    for write in writes:
        with pytest.raises(ValueError, match="closed"):
            write()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_second_writer_goes_on_in_a_file_of_its_own(tmp_path: Path) -> None:
    for step in (1, 2):
        with RunWriter(tmp_path, warn=pytest.fail) as writer:
            writer.scalars(step, {"a": step})
            committed = writer.commit()
    assert committed == {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert len(committed) == 2
    assert read_scalars(tmp_path).series["a"].steps.tolist() == [1, 2]


def test_histograms_and_curves_are_one_event_each(writer: RunWriter, written: Written) -> None:
    for step in (1, 2):
        writer.histograms(
            step,
            {"weights/a": torch.arange(4.0), "weights/b": torch.ones(2), "weights/c": NAN},
        )
        truth = torch.tensor([True, False])
        writer.curves(
            step, {"pr/cat": (torch.rand(2), truth), "pr/dog": (torch.rand(2), truth > 1)}
        )
    writer.histograms(3, {"weights/c": NAN})
    events = written()
    assert [[value.tag for value in event.summary.value] for event in events] == [
        ["weights/a", "weights/b"],
        ["pr/cat"],
    ] * 2
    first, later = (events[index].summary.value[0] for index in (0, 2))
    bins = histogram(torch.arange(4.0))
    assert bins is not None
    assert np.array_equal(make_ndarray(first.tensor), bins.astype(np.float32))
    assert first.tensor.dtype == DT_FLOAT
    assert first.metadata.plugin_data.plugin_name == "histograms"
    assert first.metadata.display_name == "a"
    assert not later.HasField("metadata")
    assert events[1].summary.value[0].metadata.plugin_data.plugin_name == "pr_curves"
