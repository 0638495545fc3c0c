"""Pictures side by side on one sheet, large enough to be looked at, each with its name."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from tracker.record.lettering import fitted, write
from tracker.record.pictures import INK, PAPER, thumbnail

_SIDE = 128  # pixels of a small picture on the sheet, about
_LARGEST = 224  # pixels; what is larger is shrunk to this
_WIDEST = 8  # pictures in a row
_GAP = 10
_CAPTION = 20
_LINE = 20
_GREY = (107, 114, 128)


def sheet(images: Tensor, names: Sequence[str], title: Sequence[str]) -> bytes:
    """A PNG of `images` (uint8 [N, 3, H, W], N ≥ 1), each over its name, under lines of `title`.

    Small pictures are enlarged by a whole factor, pixel for pixel, so that what is there is seen
    and nothing else.
    """
    side = _shown(max(images.shape[2:]))
    columns = _columns(len(images))
    rows = math.ceil(len(images) / columns)
    top = _GAP + _LINE * len(title) + (_GAP // 2 if title else 0)
    size = (columns * (side + _GAP) + _GAP, top + rows * (side + _CAPTION + _GAP // 2))
    canvas = Image.new("RGB", size, PAPER)
    for number, line in enumerate(title):
        text, points = fitted(line, size[0] - 2 * _GAP, range(13 if number else 16, 9, -1))
        middle = _GAP + _LINE * number + _LINE // 2
        write(canvas, (_GAP, middle), text, points, _GREY if number else INK)
    for number, (image, name) in enumerate(zip(images, names, strict=True)):
        left = _GAP + number % columns * (side + _GAP)
        above = top + number // columns * (side + _CAPTION + _GAP // 2)
        canvas.paste(thumbnail(image, side), (left, above))
        text, points = fitted(name, side, (14, 13, 12, 11, 10))
        write(canvas, (left + side // 2, above + side + _CAPTION // 2), text, points, INK, "centre")
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def _columns(count: int) -> int:
    """Of the numbers that make a broad sheet of `count` pictures, the one that fills it best."""
    ideal = min(_WIDEST, math.ceil(math.sqrt(1.5 * count)))
    possible = range(max(ideal - 2, 1), min(ideal + 2, _WIDEST, count) + 1)
    return min(possible, key=lambda columns: (-count % columns, abs(columns - ideal), -columns))


def _shown(side: int) -> int:
    """How many pixels a picture of `side` pixels gets."""
    return min(side * max(round(_SIDE / side), 1), _LARGEST)
