"""The sheet of named pictures: every pixel where it should be, at every size."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tracker.record.sheet import sheet


def drawn(count: int, side: int, title: tuple[str, ...] = ()) -> np.ndarray:
    images = torch.randint(0, 255, (count, 3, side, side), dtype=torch.uint8)
    images[:, :, 0, 0] = 0
    with Image.open(io.BytesIO(sheet(images, ["a name"] * count, title))) as opened:
        assert (opened.format, opened.mode) == ("PNG", "RGB")
        return np.asarray(opened)


@pytest.mark.parametrize(
    ("side", "shown"),
    [(8, 128), (32, 128), (48, 144), (64, 128), (100, 100), (224, 224), (500, 224)],
)
def test_small_pictures_are_enlarged_by_whole_factors(side: int, shown: int) -> None:
    assert drawn(1, side).shape == (shown + 35, shown + 20, 3)


def test_every_pixel_is_there() -> None:
    images = torch.randint(0, 255, (1, 3, 32, 32), dtype=torch.uint8)
    with Image.open(io.BytesIO(sheet(images, ["x"], []))) as opened:
        pixels = np.asarray(opened)[10 : 10 + 128, 10 : 10 + 128]
    assert np.array_equal(pixels[::4, ::4], images[0].movedim(0, 2).numpy())
    assert np.array_equal(pixels, pixels[::4, ::4].repeat(4, 0).repeat(4, 1))


def test_rows_are_at_most_eight_wide() -> None:
    assert drawn(40, 32).shape == (10 + 5 * (128 + 25), 10 + 8 * 138, 3)
    assert drawn(1000, 32).shape[1] == 10 + 8 * 138
    assert drawn(3, 32).shape == (10 + 128 + 25, 10 + 3 * 138, 3)


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (5, 5), (7, 4), (16, 4), (24, 6), (32, 8), (40, 8)]
)
def test_the_last_row_is_as_full_as_can_be(count: int, columns: int) -> None:
    assert drawn(count, 128).shape[1] == 10 + columns * 138


def test_names_and_titles_are_written() -> None:
    plain, titled = drawn(8, 32), drawn(8, 32, ("first", "second"))
    assert titled.shape[0] == plain.shape[0] + 45
    assert titled[10:30, 10:200].min() < titled[30:50, 10:200].min() < 255, "the second is fainter"
    caption = plain[10 + 128 : 10 + 128 + 20, 10:138]
    assert caption.min() < 100
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert sheet(images, ["cat"], []) != sheet(images, ["dog"], [])
    assert sheet(images, ["a very long name of a class, " * 9], ["of a title " * 99])
