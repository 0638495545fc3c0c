from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from tracker.record import pictures
from tracker.record.lettering import write
from tracker.record.pictures import INK, PAPER, RIGHT, WRONG, Picture

CLASSES = ("airplane", "automobile", "bird", "cat")
THUMB = 64
# Where things are, in pixels from the corner of a cell's thumbnail.
FIRST = (2, 2)
BAND = slice(THUMB, THUMB + 13)
ANSWER = slice(THUMB + 14, THUMB + 26)
TRUTH = slice(THUMB + 26, THUMB + 38)


def sky(count: int, *, size: int = 32, channels: int = 3) -> Tensor:
    """`count` pictures of one blue each, a little brighter from one to the next."""
    images = torch.zeros(count, channels, size, size, dtype=torch.uint8)
    images[:, -1] = (100 + torch.arange(count) * 10).view(-1, 1, 1)
    return images


def grid(labels: list[int], predicted: list[int], confidence: list[float] | None = None) -> Picture:
    sure = torch.tensor(confidence or [0.5] * len(labels))
    return pictures.prediction_grid(
        sky(len(labels)), torch.tensor(labels), torch.tensor(predicted), sure, CLASSES
    )


def cell(sheet: Picture, index: int) -> Picture:
    """One cell, from its thumbnail's upper left corner."""
    left, top = FIRST[0] + index % 5 * 68, FIRST[1] + index // 5 * 105
    return sheet[top : top + 103, left : left + THUMB]


def has(
    part: Picture, colour: tuple[int, int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((part == colour).all(-1))


def edges(one: Picture) -> list[Picture]:
    thumb = one[:THUMB]
    return [thumb[:3], thumb[-3:], thumb[:, :3], thumb[:, -3:]]


def test_a_right_one_has_a_solid_green_frame_and_one_caption() -> None:
    one = cell(grid([2], [2]), 0)
    assert all(has(edge, RIGHT).all() for edge in edges(one))
    assert has(one[BAND], RIGHT).sum() > 0.5 * 13 * THUMB
    assert not has(one, WRONG).any()
    assert has(one[TRUTH], PAPER).all()
    assert not has(one[ANSWER], PAPER).all()


def test_a_wrong_one_has_a_dashed_red_frame_and_says_what_it_is() -> None:
    one = cell(grid([2], [3]), 0)
    for edge in edges(one):
        red, white = has(edge, WRONG), has(edge, PAPER)
        assert red.any()
        assert white.any()
        assert (red | white).all()
    assert has(one[BAND], WRONG).sum() > 0.5 * 13 * THUMB
    assert not has(one, RIGHT).any()
    assert has(one[TRUTH], WRONG).any()


def test_the_mark_differs_too_for_eyes_that_cannot_tell_the_colours_apart() -> None:
    right, wrong = cell(grid([2], [2]), 0)[BAND, 10:24], cell(grid([2], [3]), 0)[BAND, 10:24]
    assert not np.array_equal(has(right, PAPER), has(wrong, PAPER))


def test_the_picture_within_the_frame_is_the_one_given() -> None:
    sheet = grid([0] * 7, [0, 1, 0, 1, 0, 1, 0])
    for index in range(7):
        inner = cell(sheet, index)[3 : THUMB - 3, 3 : THUMB - 3]
        assert (inner == (0, 0, 100 + 10 * index)).all()


def test_each_figure_changes_its_own_part_alone() -> None:
    base = cell(grid([2], [3], [0.43]), 0)
    confident = cell(grid([2], [3], [0.44]), 0)
    other_answer = cell(grid([2], [1], [0.43]), 0)
    other_truth = cell(grid([0], [3], [0.43]), 0)
    for changed, part in ((confident, BAND), (other_answer, ANSWER), (other_truth, TRUTH)):
        differing = np.flatnonzero((base != changed).any((1, 2)))
        assert len(differing)
        assert part.start <= differing.min()
        assert differing.max() < part.stop + 1


def test_captions_say_the_answer_and_under_a_wrong_one_the_truth() -> None:
    def line(text: str, colour: tuple[int, int, int]) -> Picture:
        canvas = Image.new("RGB", (THUMB, 12), PAPER)
        write(canvas, (THUMB // 2, 6), text, 12, colour, "centre")
        return np.asarray(canvas)

    one = cell(grid([2], [3]), 0)
    assert np.array_equal(one[ANSWER], line("cat", INK))
    assert np.array_equal(one[TRUTH], line("is bird", WRONG))


def test_at_most_ten_are_shown_and_an_eleventh_changes_nothing() -> None:
    labels = [0, 1, 2, 3] * 3
    assert np.array_equal(grid(labels, labels), grid(labels[:10], labels[:10]))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 23),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.sampled_from([1, 3]),
    name=st.text(max_size=30),
)
def test_every_grid_fits_both_tabs(
    count: int, height: int, width: int, channels: int, name: str
) -> None:
    images = torch.full((count, channels, height, width), 7, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    classes, zeros = (name, "x"), torch.zeros(count, dtype=torch.int64)
    for sheet in (
        pictures.prediction_grid(
            images, labels, zeros, torch.rand(count, generator=torch.Generator()), classes
        ),
        pictures.mistakes_grid(images, labels, zeros, torch.zeros(count), classes),
        pictures.input_grid(images, labels, classes),
    ):
        assert sheet.dtype == np.uint8
        assert sheet.shape[1:] == (340, 3)
        assert sheet.shape[0] <= 215


def test_small_pictures_stay_sharp_and_large_ones_whole() -> None:
    board = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    board[:, :, ::2, ::2] = 255
    sheet = pictures.input_grid(board, torch.tensor([0]), CLASSES)
    thumb = sheet[2 : 2 + THUMB, 2 : 2 + THUMB]
    assert np.array_equal(thumb[::2, ::2], board[0].permute(1, 2, 0).numpy())
    wide = torch.zeros(1, 3, 100, 200, dtype=torch.uint8)
    thumb = pictures.input_grid(wide, torch.tensor([0]), CLASSES)[2 : 2 + THUMB, 2 : 2 + THUMB]
    dark = (thumb == 0).all(2)
    assert dark[16:48].all()
    assert not dark[:16].any()
    assert not dark[48:].any()


def test_mistakes_are_the_wrong_ones_the_surest_first() -> None:
    labels, predicted = torch.tensor([0, 1, 2, 3]), torch.tensor([1, 1, 3, 0])
    confidence = torch.tensor([0.3, 0.99, 0.9, 0.3])
    images = sky(4)
    shown = pictures.mistakes_grid(images, labels, predicted, confidence, CLASSES)
    order = [2, 0, 3]
    expected = pictures.prediction_grid(
        images[order], labels[order], predicted[order], confidence[order], CLASSES
    )
    assert np.array_equal(shown, expected)


def test_where_nothing_is_wrong_it_says_so() -> None:
    same = torch.tensor([0, 1])
    sheet = pictures.mistakes_grid(sky(2), same, same, torch.ones(2), CLASSES)
    assert not has(sheet, PAPER).all()
    assert not has(sheet, WRONG).any()


def test_inputs_are_shown_with_their_labels_and_without_a_verdict() -> None:
    labels = torch.tensor([0, 1])
    sheet = pictures.input_grid(sky(2), labels, CLASSES)
    swapped = pictures.input_grid(sky(2), labels.flip(0), CLASSES)
    assert (sheet[2 : 2 + THUMB, 2 : 2 + THUMB] == (0, 0, 100)).all()
    assert not has(sheet, RIGHT).any()
    assert np.array_equal(sheet[: 2 + THUMB], swapped[: 2 + THUMB])
    assert not np.array_equal(sheet[2 + THUMB :], swapped[2 + THUMB :])


def kernels(*values: list[list[float]], channels: int = 1) -> Tensor:
    return torch.tensor(values).unsqueeze(1).expand(-1, channels, -1, -1)


def test_each_kernel_is_scaled_to_its_own_range() -> None:
    small, large = [[0.0, 1.0], [0.5, 0.25]], [[-10.0, 10.0], [0.0, -5.0]]
    sheet = pictures.filters(kernels(small, large))
    step = (339 - 2) // 4  # two kernels of two weights and a pixel between, side by side
    for tile in (sheet[1:, 1:], sheet[1:, 1 + 2 * step + 1 :]):
        grey = tile[: 2 * step : step, : 2 * step : step]
        assert grey.tolist() == [[[0] * 3, [255] * 3], [[128] * 3, [64] * 3]]


def test_three_input_channels_are_colours() -> None:
    weight = torch.zeros(1, 3, 1, 1)
    weight[0, 2] = 1
    assert pictures.filters(weight)[1, 1].tolist() == [0, 0, 255]


def test_other_numbers_of_input_channels_are_averaged_to_grey() -> None:
    weight = torch.zeros(1, 4, 1, 2)
    weight[0, :, 0, 1] = torch.tensor([0.0, 4.0, 0.0, 0.0])
    sheet = pictures.filters(weight)
    assert sheet[1, 1].tolist() == [0] * 3
    assert sheet[1, 300].tolist() == [255] * 3


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf"), 2.0])
def test_a_constant_or_broken_kernel_is_mid_grey(broken: float) -> None:
    weight = torch.full((1, 3, 3, 3), 2.0)
    weight[0, 0, 0, 0] = broken
    sheet = pictures.filters(weight)
    tile = sheet[1:-1, 1 : sheet.shape[0] - 1]
    assert (tile == 128).all()


@pytest.mark.parametrize(
    "shape", [(16, 3, 3, 3), (64, 3, 7, 7), (512, 3, 3, 3), (5000, 64, 7, 7), (1, 1, 1, 1)]
)
def test_however_many_kernels_the_sheet_fits(shape: tuple[int, int, int, int]) -> None:
    sheet = pictures.filters(torch.zeros(shape))
    assert sheet.shape[1:] == (340, 3)
    assert sheet.shape[0] <= 215
    shown = (sheet == 128).all(2).sum() // (shape[2] * shape[3])
    assert shown >= min(shape[0], 900), "room for all, or the sheet is full"


def test_the_same_input_gives_the_same_pixels_and_is_not_touched() -> None:
    images, labels, predicted = sky(4), torch.tensor([0, 1, 2, 3]), torch.tensor([0, 2, 2, 0])
    confidence = torch.tensor([0.1, 0.2, 0.3, 0.4])
    weight = torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    given = [each.detach().clone() for each in (images, labels, predicted, confidence, weight)]
    chance = torch.get_rng_state()
    sheets = [
        (
            pictures.prediction_grid(images, labels, predicted, confidence, CLASSES).tobytes(),
            pictures.mistakes_grid(images, labels, predicted, confidence, CLASSES).tobytes(),
            pictures.input_grid(images, labels, CLASSES).tobytes(),
            pictures.filters(weight).tobytes(),
        )
        for _ in range(2)
    ]
    assert sheets[0] == sheets[1]
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(map(torch.equal, given, (images, labels, predicted, confidence, weight)))
