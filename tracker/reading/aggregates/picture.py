"""Draws one step of a gallery: a row for each picture, a column for each group.

340 pixels wide for up to four groups, as TensorBoard's Images tab shows no more pixel for pixel.
"""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from tracker.reading.gallery import Gallery
from tracker.record.lettering import Colour, fitted, write

WIDTH = 340
ROWS = 10  # as many as the grid of a single run

_SIDE = 40
_LEFT = 64
_LEAST = 69  # pixels of a column
_TOP = 34
_ROW = _SIDE + 14
_LARGEST = 1024  # pixels; a few bytes can claim to be gigabytes of picture
_INK: Colour = (31, 41, 55)
_FAINT: Colour = (107, 114, 128)
_PAPER: Colour = (255, 255, 255)
_RIGHT: Colour = (21, 128, 61)
_WRONG: Colour = (200, 30, 30)


def draw(shown: Gallery, step: int) -> Image.Image:
    """The first ten pictures at `step`: right is green with a tick, wrong red with a cross."""
    names = list(shown.runs)
    wide = max(_LEAST, (WIDTH - _LEFT) // len(names))
    count = min(len(shown.pictures), ROWS)
    canvas = Image.new("RGB", (_LEFT + wide * len(names), _TOP + _ROW * count), _PAPER)
    for row in range(count):
        top = _TOP + row * _ROW
        canvas.paste(_thumbnail(shown.pictures[row]), ((_LEFT - _SIDE) // 2, top))
        truth = _named(shown, int(shown.labels[row]))
        _line(canvas, _LEFT // 2, top + _SIDE + 6, truth, _LEFT - 4, _INK)
    for column, name in enumerate(names):
        _column(canvas, shown, name, step, _LEFT + column * wide, wide)
    return canvas


def png(image: Image.Image) -> bytes:
    """`image` as a PNG file; the same pixels, the same bytes."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _column(
    canvas: Image.Image, shown: Gallery, name: str, step: int, left: int, wide: int
) -> None:
    told = shown.noted[name].predictions[step]
    count = min(len(shown.pictures), ROWS)
    rights = told.classes == shown.labels
    centre = left + wide // 2
    _line(canvas, centre, 9, name, wide - 6, _INK)
    of = f"s{shown.runs[name].seed}: {int(rights.sum())}/{len(rights)} right"
    _line(canvas, centre, 23, of, wide - 6, _FAINT)
    for row in range(count):
        top = _TOP + row * _ROW
        answer = _named(shown, int(told.classes[row]))
        _line(canvas, centre, top + 9, answer, wide - 6, _INK)
        _verdict(canvas, centre, top + 19, float(told.confidence[row]), right=bool(rights[row]))


def _verdict(canvas: Image.Image, centre: int, top: int, confidence: float, *, right: bool) -> None:
    pen = ImageDraw.Draw(canvas)
    left = centre - 30
    pen.rectangle((left, top, left + 59, top + 15), fill=_RIGHT if right else _WRONG)
    x, y = left + 9, top + 4
    strokes = (
        [[(x, y + 4), (x + 3, y + 7), (x + 9, y)]]
        if right
        else [[(x + 1, y), (x + 8, y + 7)], [(x + 8, y), (x + 1, y + 7)]]
    )
    for stroke in strokes:
        pen.line(stroke, fill=_PAPER, width=2)
    write(canvas, (left + 27, top + 8), f"{confidence:.0%}", 11, _PAPER)


def _line(
    canvas: Image.Image, centre: int, middle: int, text: str, wide: int, colour: Colour
) -> None:
    line, size = fitted(text, wide, (12, 11, 10))
    write(canvas, (centre, middle), line, size, colour, "centre")


def _thumbnail(file: bytes) -> Image.Image:
    """The picture within a square, which stays empty where no picture of ours is in the file."""
    square = Image.new("RGB", (_SIDE, _SIDE), _PAPER)
    try:
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            if max(image.size) > _LARGEST:
                return square
            small = image.convert("RGB")
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for files that are no PNG
        return square
    scale = _SIDE / max(small.size)
    size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
    small = small.resize(size, Image.Resampling.LANCZOS)
    square.paste(small, ((_SIDE - small.width) // 2, (_SIDE - small.height) // 2))
    return square


def _named(shown: Gallery, label: int) -> str:
    return shown.classes[label] if label < len(shown.classes) else str(label)
