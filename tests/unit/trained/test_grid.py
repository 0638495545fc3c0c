"""The sheet of pictures: how large, and what stands where."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tracker.trained.grid import sheet
from tracker.trained.prediction import Guess, Prediction, Predictions


def prediction(shade: int, name: str = "cat") -> tuple[Prediction, torch.Tensor]:
    image = torch.full((3, 8, 8), shade, dtype=torch.uint8)
    return Prediction(Path(f"{shade}.png"), (Guess(name, 0, 0.75),)), image


def drawn(
    *predictions: tuple[Prediction, torch.Tensor],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pictures, images = zip(*predictions, strict=True)
    with Image.open(io.BytesIO(sheet(Predictions(pictures, [], images)))) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.asarray(picture)


@pytest.mark.parametrize(("count", "columns", "rows"), [(2, 2, 1), (5, 3, 2), (9, 3, 3)])
def test_rows_are_as_long_as_there_are_rows(count: int, columns: int, rows: int) -> None:
    pixels = drawn(*(prediction(10 * number) for number in range(count)))
    assert pixels.shape == (rows * (128 + 32 + 10) + 10, columns * (128 + 10) + 10, 3)
    for number in range(count):
        row, column = divmod(number, columns)
        assert pixels[20 + row * 170, 20 + column * 138].tolist() == [10 * number] * 3


def test_the_name_and_the_share_are_written_below() -> None:
    cat, dog = (drawn(prediction(0, name)) for name in ("cat", "dog"))
    assert cat.shape == (160, 128, 3), "one picture needs no frame"
    assert np.array_equal(cat[:128], dog[:128])
    assert not np.array_equal(cat[128:145], dog[128:145])
    assert np.array_equal(cat[145:], dog[145:]), "the file's name"
