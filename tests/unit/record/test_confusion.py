from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.record.confusion import confusion_matrix
from tracker.record.pictures import PAPER, RIGHT, WRONG, Picture

LEFT, TOP = 68, 64  # where the matrix begins when classes are named


def names(count: int) -> list[str]:
    return [f"class {index}" for index in range(count)]


def corners(sheet: Picture, size: int) -> Picture:
    """The upper left pixel of every cell, which no number covers: [size, size, 3]."""
    room = 215 if size <= 14 else 340
    across, down = (340 - LEFT) // size, (room - TOP) // size
    return sheet[TOP::down, LEFT::across][:size, :size]


def test_rows_are_true_columns_predicted_and_the_diagonal_is_green() -> None:
    found = corners(confusion_matrix(torch.tensor([[0, 9, 0], [0, 4, 0], [0, 0, 2]]), names(3)), 3)
    white = list(PAPER)
    assert found.tolist() == [
        [white, list(WRONG), white],
        [white, list(RIGHT), white],
        [white, white, list(RIGHT)],
    ]


def test_a_class_that_never_occurs_has_an_empty_row() -> None:
    sheet = confusion_matrix(torch.tensor([[5, 5], [0, 0]]), names(2))
    down = (215 - TOP) // 2
    assert (sheet[TOP + down : TOP + 2 * down, LEFT:] == 255).all()
    assert not (sheet[TOP : TOP + down, LEFT:] == 255).all()


def test_colour_is_the_share_of_the_row_so_its_size_does_not_matter() -> None:
    counts = torch.tensor([[3, 1], [2, 2]])
    alike = confusion_matrix(counts * torch.tensor([[1000], [1]]), names(2))
    assert np.array_equal(confusion_matrix(counts, names(2)), alike)


def test_a_larger_share_is_darker() -> None:
    counts = torch.tensor([[0, 10, 30, 60], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    none, some, more, most = corners(confusion_matrix(counts, names(4)), 4)[0].sum(1).tolist()
    assert none > some > more > most


def test_a_share_that_rounds_to_zero_has_no_number() -> None:
    def cell(count: int) -> Picture:
        sheet = confusion_matrix(torch.tensor([[1000 - count, count], [0, 1]]), names(2))
        across, down = (340 - LEFT) // 2, (215 - TOP) // 2
        return sheet[TOP : TOP + down, LEFT + across : LEFT + 2 * across]

    assert len(np.unique(cell(5).reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(cell(6).reshape(-1, 3), axis=0)) > 1


def test_numbers_are_left_out_where_a_cell_has_no_room() -> None:
    def colours(size: int) -> int:
        sheet = confusion_matrix(torch.eye(size, dtype=torch.int64), names(size))
        return len(np.unique(sheet[TOP:, LEFT:].reshape(-1, 3), axis=0))

    assert colours(12) > 2  # white on green has shades between
    assert colours(13) == 2


def test_names_stand_before_rows_and_above_columns() -> None:
    counts = torch.eye(3, dtype=torch.int64)
    sheet = confusion_matrix(counts, ["aa", "bb", "cc"])
    renamed = confusion_matrix(counts, ["aa", "xx", "cc"])
    rows, columns = np.nonzero((sheet != renamed).any(2))
    assert len(rows)
    down, across = (215 - TOP) // 3, (340 - LEFT) // 3
    before_row = (TOP + down <= rows) & (rows < TOP + 2 * down) & (columns < LEFT)
    above_column = (LEFT + across <= columns) & (columns < LEFT + 2 * across) & (rows < TOP)
    assert (before_row | above_column).all()
    assert before_row.any()
    assert above_column.any()


def test_beyond_24_classes_names_change_nothing() -> None:
    counts = torch.eye(25, dtype=torch.int64)
    assert np.array_equal(
        confusion_matrix(counts, names(25)), confusion_matrix(counts, ["other"] * 25)
    )
    assert not np.array_equal(
        confusion_matrix(counts[:24, :24], names(24)),
        confusion_matrix(counts[:24, :24], ["other"] * 24),
    )


@pytest.mark.parametrize("size", [100, 326, 1000])
def test_a_thousand_classes_still_show_their_diagonal(size: int) -> None:
    sheet = confusion_matrix(torch.eye(size, dtype=torch.int64), names(size)).astype(int)
    body = sheet[14:, 14 : 14 + sheet.shape[0] - 14]
    greenness = body[..., 1] - body[..., 0]
    assert (np.diagonal(greenness) > 20).all()
    # A pixel that stands for three classes has their diagonal in it; its far neighbours have none.
    far = np.abs(np.subtract.outer(np.arange(len(body)), np.arange(len(body)))) > 4
    assert (body[far] == 255).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.text(max_size=20))
def test_any_matrix_can_be_drawn_and_fits(size: int, seed: int, name: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 50, (size, size), generator=generator)
    before = counts.clone()
    sheet = confusion_matrix(counts, [name] * size)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1:] == (340, 3)
    assert sheet.shape[0] <= (215 if size <= 14 else 340)
    assert np.array_equal(sheet, confusion_matrix(counts, [name] * size))
    assert torch.equal(counts, before)
