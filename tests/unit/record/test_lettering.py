from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tracker.record.lettering import fitted, length, write
from tracker.record.pictures import Picture

BLACK = (0, 0, 0)


def paper() -> Image.Image:
    return Image.new("RGB", (100, 100), "white")


def ink(canvas: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not white, the last two exclusive."""
    rows, columns = np.nonzero((np.asarray(canvas) != 255).any(2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def drawn(text: str, align: str = "left", *, upward: bool = False) -> Picture:
    canvas = paper()
    write(canvas, (50, 50), text, 11, BLACK, align, upward=upward)  # type: ignore[arg-type]
    return np.asarray(canvas)


def test_a_text_that_fits_keeps_its_letters_and_the_first_size() -> None:
    assert fitted("ship", 60, (12, 10)) == ("ship", 12)


def test_a_longer_one_is_set_smaller_before_it_is_cut() -> None:
    width = length("automobile", 10)
    assert length("automobile", 12) > width
    assert fitted("automobile", width, (12, 10)) == ("automobile", 10)
    line, size = fitted("automobile", width - 5, (12, 10))
    assert (line[-1], size) == ("…", 10)
    assert "automobile".startswith(line[:-1])
    assert length(line, size) <= width - 5


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Käfer", "Kafer"), ("naïveté", "naivete"), ("猫 cat", "? cat"), ("a\nb", "a?b")],
)
def test_letters_the_font_has_not_got_are_replaced(name: str, shown: str) -> None:
    assert fitted(name, 99, (10,))[0] == shown


@given(st.text(max_size=40), st.integers(15, 120))
def test_whatever_the_text_it_fits(text: str, width: int) -> None:
    line, size = fitted(text, width, (12, 10, 9))
    assert length(line, size) <= width
    assert all(" " <= letter <= "~" for letter in line.removesuffix("…"))


def test_a_line_begins_ends_or_has_its_centre_where_it_was_asked() -> None:
    wide = length("truck", 11)
    for align, left in (("left", 50), ("centre", 50 - wide // 2), ("right", 50 - wide)):
        first, top, last, bottom = ink(Image.fromarray(drawn("truck", align)))
        assert left <= first < left + 3
        assert left + wide - 3 < last <= left + wide
        assert top < 50 < bottom


def test_upward_is_level_turned_by_a_quarter() -> None:
    level, upward = drawn("truck"), drawn("truck", upward=True)
    left, top, right, bottom = ink(Image.fromarray(level))
    first, highest, last, lowest = ink(Image.fromarray(upward))
    assert lowest <= 50, "it begins at the point and goes up"
    assert np.array_equal(
        np.rot90(level[top:bottom, left:right]), upward[highest:lowest, first:last]
    )


@pytest.mark.parametrize("text", ["is truck", "is automobile"])
def test_the_widest_gap_is_the_blank_between_words(text: str) -> None:
    canvas = paper()
    write(canvas, (5, 50), text, 10, BLACK)
    inked = np.flatnonzero((np.asarray(canvas)[..., 0] < 128).any(0))
    *_, letters, words = sorted(np.diff(inked))
    assert words > letters


def test_nothing_to_write_writes_nothing() -> None:
    assert (drawn("") == 255).all()
