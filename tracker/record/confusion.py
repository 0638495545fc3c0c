"""The confusion matrix as a picture: who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from tracker.record.lettering import fitted, write
from tracker.record.pictures import FAINT, HEIGHT, INK, PAPER, RIGHT, WIDTH, WRONG, Picture

LOW_UP_TO = 14  # classes; with more, the rows of a picture of the usual height hold no text
NAMES_UP_TO = 24  # classes; with more, no row has room for a name
NUMBERS_UP_TO = 12  # classes; with more, a cell has no room for a number

Shares: TypeAlias = npt.NDArray[np.float64]  # [C, C], each row the parts of one class

_TITLE = 14  # pixels above the names and left of them, for what the axes are
_NAME_ACROSS, _NAME_UP = 54, 50


def confusion_matrix(counts: Tensor, classes: Sequence[str]) -> Picture:
    """Draw `counts`, integers [C, C] with a row per true class, as shares of each row.

    340 pixels wide and at most 215 high, or 340 for more than 14 classes. Numbers are per cent of
    the row; a cell of at most half a per cent stays empty, as does the row of a class that never
    occurs.
    """
    size = len(classes)
    totals = counts.sum(1, keepdim=True).clamp(min=1)
    shares = (counts.double() / totals).cpu().numpy()
    named = size <= NAMES_UP_TO
    left = _TITLE + _NAME_ACROSS * named
    top = _TITLE + _NAME_UP * named
    room = (WIDTH - left, (HEIGHT if size <= LOW_UP_TO else WIDTH) - top)
    cell = (max(1, room[0] // size), max(1, room[1] // size))
    # With more classes than pixels, neighbouring cells share one.
    extent = (min(cell[0] * size, room[0]), min(cell[1] * size, room[1]))

    canvas = Image.new("RGB", (WIDTH, top + extent[1]), PAPER)
    resample = Image.Resampling.BOX if size > min(room) else Image.Resampling.NEAREST
    canvas.paste(Image.fromarray(_coloured(shares)).resize(extent, resample), (left, top))
    write(canvas, (left, _TITLE // 2), "predicted, % of each true class", 10, FAINT)
    write(canvas, (_TITLE // 2, top), "true", 10, FAINT, "right", upward=True)
    for index, name in enumerate(classes if named else ()):
        _label(canvas, name, (left, top), cell, index)
    if size <= NUMBERS_UP_TO:
        _number(canvas, shares, (left, top), cell)
    return np.asarray(canvas)


def _coloured(shares: Shares) -> Picture:
    """White for none to full colour for all; a square root brings out the small shares."""
    strength = np.sqrt(shares)[..., None]
    diagonal = np.eye(len(shares), dtype=bool)[..., None]
    full = np.where(diagonal, RIGHT, WRONG)
    return np.asarray((255 + (full - 255) * strength).round(), np.uint8)


def _label(
    canvas: Image.Image, name: str, corner: tuple[int, int], cell: tuple[int, int], index: int
) -> None:
    """Write a class's name before its row, and turned above its column."""
    left, top = corner
    sizes = (11, 10, 9) if min(cell) > 11 else (9,)
    line, size = fitted(name, _NAME_ACROSS - 4, sizes)
    middle = top + index * cell[1] + cell[1] // 2
    write(canvas, (left - 4, middle), line, size, INK, "right")
    line, size = fitted(name, _NAME_UP - 3, sizes)
    middle = left + index * cell[0] + cell[0] // 2
    write(canvas, (middle, top - 3), line, size, INK, upward=True)


def _number(
    canvas: Image.Image, shares: Shares, corner: tuple[int, int], cell: tuple[int, int]
) -> None:
    for row, column in np.argwhere(shares > 0.005):
        share = shares[row, column]
        x = corner[0] + column * cell[0] + cell[0] // 2
        y = corner[1] + row * cell[1] + cell[1] // 2
        colour = PAPER if share >= 0.25 else INK
        write(canvas, (x, y), f"{100 * share:.0f}", 11, colour, "centre")
