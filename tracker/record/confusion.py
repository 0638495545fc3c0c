"""The confusion matrix as a picture: who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from tracker.record.pictures import FAINT, INK, PAPER, WIDTH, Picture, fitted, text_font

NUMBERS_UP_TO = 12  # classes; with more, a cell has no room for a number
NAMES_UP_TO = 24  # classes; with more, a row has no room for a name
LABELS = 68  # pixels left of the matrix and above it
HIT = np.array((21, 128, 61))  # the diagonal: green
MISS = np.array((200, 30, 30))  # off it: red


def confusion_matrix(counts: Tensor, classes: Sequence[str]) -> Picture:
    """Draw `counts`, integers [C, C] with a row per true class, as shares of each row.

    The picture is 340 pixels wide. Numbers are per cent of the row; a cell below half a per cent
    stays empty. A class that never occurs has an empty row.
    """
    size = len(classes)
    totals = counts.sum(1, keepdim=True).clamp(min=1)
    shares = (counts.double() / totals).cpu().numpy()
    margin = LABELS if size <= NAMES_UP_TO else 18
    cell = max(1, (WIDTH - margin) // size)
    # More classes than pixels: neighbouring cells share one.
    pixels = min(cell * size, WIDTH - margin)
    canvas = Image.new("RGB", (WIDTH, margin + pixels + 2), PAPER)
    matrix = Image.fromarray(_coloured(shares))
    resample = Image.Resampling.NEAREST if cell * size == pixels else Image.Resampling.BOX
    canvas.paste(matrix.resize((pixels, pixels), resample), (margin, margin))
    draw = ImageDraw.Draw(canvas)
    if size <= NAMES_UP_TO:
        _label(canvas, draw, classes, margin, cell)
    if size <= NUMBERS_UP_TO:
        _number(draw, shares, margin, cell)
    _titles(canvas, draw, margin)
    return np.asarray(canvas)


def _coloured(shares: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Picture:
    """White for none to full colour for all; a square root brings out the small shares."""
    strength = np.sqrt(shares)[..., None]
    diagonal = np.eye(len(shares), dtype=bool)[..., None]
    full = np.where(diagonal, HIT, MISS)
    return np.asarray((255 + (full - 255) * strength).round(), np.uint8)


def _label(
    canvas: Image.Image,
    draw: ImageDraw.ImageDraw,
    classes: Sequence[str],
    margin: int,
    cell: int,
) -> None:
    """Write the class names: level on the left, turned by a quarter above."""
    sizes = (11, 10, 9) if cell > 12 else (9,)
    for index, name in enumerate(classes):
        middle = margin + index * cell + cell // 2
        line, font = fitted(name, margin - 16, sizes)
        draw.text((margin - 4, middle), line, INK, font, anchor="rm")
        strip = Image.new("RGB", (margin - 16, cell), PAPER)
        ImageDraw.Draw(strip).text((1, cell // 2), line, INK, font, anchor="lm")
        canvas.paste(strip.rotate(90, expand=True), (margin + index * cell, 14))


def _number(
    draw: ImageDraw.ImageDraw,
    shares: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    margin: int,
    cell: int,
) -> None:
    font = text_font(11 if cell >= 24 else 10)
    for row, column in np.argwhere(shares >= 0.005):
        share = shares[row, column]
        centre = (margin + column * cell + cell // 2, margin + row * cell + cell // 2)
        colour = PAPER if share >= 0.25 else INK
        draw.text(centre, f"{100 * share:.0f}", colour, font, anchor="mm")


def _titles(canvas: Image.Image, draw: ImageDraw.ImageDraw, margin: int) -> None:
    """Say which axis is which, in the corner the matrix leaves free."""
    font = text_font(9)
    draw.text((margin, 2), "predicted, % of each true class", FAINT, font, anchor="la")
    strip = Image.new("RGB", (40, 12), PAPER)
    ImageDraw.Draw(strip).text((0, 6), "true", FAINT, font, anchor="lm")
    canvas.paste(strip.rotate(90, expand=True), (0, margin))
