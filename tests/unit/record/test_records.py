"""What is noted for our own reader is what it reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tracker.events.tensors import read_tensors
from tracker.record.records import small_png
from tracker.record.tensorboard import RunWriter


@pytest.mark.parametrize("name", ["float32", "int32", "int64"])
def test_numbers_come_back_as_they_went(tmp_path: Path, name: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(name)
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        writer.numbers("a", 3, values)
        writer.numbers("a", 4, values.T)
    first, second = read_tensors(tmp_path, ["a"])["a"]
    assert (first.step, second.step) == (3, 4)
    assert isinstance(first.value, np.ndarray)
    assert isinstance(second.value, np.ndarray)
    assert first.value.dtype == values.dtype
    assert np.array_equal(first.value, values)
    assert np.array_equal(second.value, values.T)


def test_files_come_back_as_they_went(tmp_path: Path) -> None:
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        writer.files("a", 0, [b"\x00\xff", b""])
        writer.files("b", 0, [])
    found = read_tensors(tmp_path, ["a", "b"])
    assert found["a"][0].value == (b"\x00\xff", b"")
    assert found["b"][0].value == ()


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(32, 32, (32, 32)), (224, 224, (96, 96)), (50, 200, (96, 24))]
)
def test_pictures_are_kept_small(height: int, width: int, expected: tuple[int, int]) -> None:
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[0] = 200
    picture = Image.open(io.BytesIO(small_png(image)))
    assert (picture.format, picture.size) == ("PNG", expected)
    assert picture.getpixel((0, 0)) == (200, 0, 0)
