"""Draws what numbers hide: which pictures go in, which come out right, what the first layer sees.

TensorBoard's Images tab shows a picture at most 345 pixels wide and Time Series 215 high, and both
scale larger ones down until letters are lost; so everything here fits 340 × 215 and is drawn to be
read pixel for pixel. Right and wrong differ in colour, in mark and in frame, for eyes that can't
tell green from red. The same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from tracker.record.lettering import Colour, fitted, write

Picture: TypeAlias = npt.NDArray[np.uint8]  # [height, width, 3], RGB

WIDTH = 340
HEIGHT = 215
COLUMNS, ROWS = 5, 2
SHOWN = COLUMNS * ROWS

RIGHT = (21, 128, 61)  # green
WRONG = (200, 30, 30)  # red
INK = (31, 41, 55)
FAINT = (156, 163, 175)
PAPER = (255, 255, 255)

_THUMB = 64
_STEP = WIDTH // COLUMNS
_FRAME = 3
_STRIP = 14  # the band under a thumbnail with the mark and the confidence
_LINE = 12


def prediction_grid(
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    confidence: Tensor,
    classes: Sequence[str],
) -> Picture:
    """The first ten pictures with what was said about them: 340 pixels wide, at most 215 high.

    `images` uint8 [N, 3 or 1, H, W]; `labels` and `predicted` integers [N] into `classes`;
    `confidence` [N] in 0..1. A right one has a solid green frame and a tick, a wrong one a dashed
    red frame, a cross, and its true class below the predicted one.
    """
    count = min(len(images), SHOWN)
    row = _THUMB + _STRIP + 2 * _LINE + 3
    canvas = _sheet(count, row)
    for index in range(count):
        left, top = _corner(index, row)
        truth, answer = int(labels[index]), int(predicted[index])
        right = truth == answer
        canvas.paste(thumbnail(images[index]), (left, top))
        _frame(canvas, left, top, right=right)
        _verdict(canvas, left, top + _THUMB, float(confidence[index]), right=right)
        below = top + _THUMB + _STRIP
        _caption(canvas, left, below, classes[answer], INK)
        if not right:
            _caption(canvas, left, below + _LINE, f"is {classes[truth]}", WRONG)
    return np.asarray(canvas)


def mistakes_grid(
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    confidence: Tensor,
    classes: Sequence[str],
) -> Picture:
    """`prediction_grid` of the wrong ones alone, the most confident first.

    Equal confidences keep their order. Where nothing is wrong, a sheet that says so.
    """
    wrong = torch.nonzero(labels != predicted).flatten()
    order = torch.argsort(confidence[wrong], descending=True, stable=True)
    chosen = wrong[order][:SHOWN]
    if not len(chosen):
        return _message("no mistakes")
    return prediction_grid(
        images[chosen], labels[chosen], predicted[chosen], confidence[chosen], classes
    )


def input_grid(images: Tensor, labels: Tensor, classes: Sequence[str]) -> Picture:
    """The first ten pictures of a batch with their labels: 340 pixels wide, at most 215 high.

    `images` uint8 [N, 3 or 1, H, W], augmented but not normalised; `labels` integers [N].
    """
    count = min(len(images), SHOWN)
    row = _THUMB + _LINE + 5
    canvas = _sheet(count, row)
    for index in range(count):
        left, top = _corner(index, row)
        canvas.paste(thumbnail(images[index]), (left, top))
        _caption(canvas, left, top + _THUMB, classes[int(labels[index])], INK)
    return np.asarray(canvas)


def filters(weight: Tensor) -> Picture:
    """A first convolution's kernels, each scaled to its own range, as large as 340 × 215 allows.

    `weight` floating [out, in, kh, kw]: in colour where `in` is 3, else the mean over `in` in grey.
    A constant or non-finite kernel is mid-grey. Kernels beyond what fits at one pixel per weight
    are left out.
    """
    kernels = weight.detach().to("cpu", torch.float32)
    if kernels.shape[1] != 3:
        kernels = kernels.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    flat = kernels.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    spread = (high - low)[:, None, None, None]
    scaled = (kernels - low[:, None, None, None]) / spread
    usable = (spread > 0) & spread.isfinite()
    pixels = torch.where(usable, scaled, 0.5).mul(255).round().to(torch.uint8)

    count, height, width = len(pixels), pixels.shape[2], pixels.shape[3]
    scale = _largest_scale(count, height, width)
    columns = min(count, (WIDTH - 1) // (width * scale + 1))
    rows = min(-(-count // columns), (HEIGHT - 1) // (height * scale + 1))
    sheet = np.full((rows * (height * scale + 1) + 1, WIDTH, 3), 255, np.uint8)
    for index in range(min(count, rows * columns)):
        top = 1 + index // columns * (height * scale + 1)
        left = 1 + index % columns * (width * scale + 1)
        tile = pixels[index].permute(1, 2, 0).numpy().repeat(scale, 0).repeat(scale, 1)
        sheet[top : top + height * scale, left : left + width * scale] = tile
    return sheet


def thumbnail(image: Tensor, side: int = _THUMB) -> Image.Image:
    """`image` uint8 [3 or 1, H, W] within a square of `side` pixels; whole factors stay sharp."""
    pixels = image.detach().cpu().expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    picture = Image.fromarray(pixels)
    longest = max(picture.size)
    width, height = (max(1, round(length * side / longest)) for length in picture.size)
    whole = side % longest == 0
    picture = picture.resize(
        (width, height), Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
    )
    square = Image.new("RGB", (side, side), PAPER)
    square.paste(picture, ((side - width) // 2, (side - height) // 2))
    return square


def _largest_scale(count: int, height: int, width: int) -> int:
    """The most pixels per weight at which `count` kernels with one-pixel gaps fit the sheet."""
    scale = 1
    while True:
        columns = (WIDTH - 1) // (width * (scale + 1) + 1)
        rows = (HEIGHT - 1) // (height * (scale + 1) + 1)
        if columns * rows < count:
            return scale
        scale += 1


def _sheet(count: int, row: int) -> Image.Image:
    """White paper for `count` cells in rows of `row` pixels."""
    rows = max(1, -(-count // COLUMNS))
    return Image.new("RGB", (WIDTH, rows * row + 1), PAPER)


def _message(text: str) -> Picture:
    canvas = _sheet(1, _THUMB)
    write(canvas, (WIDTH // 2, _THUMB // 2), text, 14, FAINT, "centre")
    return np.asarray(canvas)


def _corner(index: int, row: int) -> tuple[int, int]:
    return index % COLUMNS * _STEP + (_STEP - _THUMB) // 2, index // COLUMNS * row + 2


def _frame(canvas: Image.Image, left: int, top: int, *, right: bool) -> None:
    draw = ImageDraw.Draw(canvas)
    edge = _THUMB - 1
    box = (left, top, left + edge, top + edge)
    if right:
        draw.rectangle(box, outline=RIGHT, width=_FRAME)
        return
    draw.rectangle(box, outline=PAPER, width=_FRAME)
    for start in range(0, _THUMB, 8):
        stop = min(start + 4, edge)
        for far in (0, edge - _FRAME + 1):
            draw.rectangle(
                (left + start, top + far, left + stop, top + far + _FRAME - 1), fill=WRONG
            )
            draw.rectangle(
                (left + far, top + start, left + far + _FRAME - 1, top + stop), fill=WRONG
            )


def _verdict(canvas: Image.Image, left: int, top: int, confidence: float, *, right: bool) -> None:
    """The band under a thumbnail: tick or cross, and the confidence in per cent."""
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((left, top, left + _THUMB - 1, top + _STRIP - 2), fill=RIGHT if right else WRONG)
    x, y = left + 13, top + 3
    if right:
        draw.line([(x, y + 3), (x + 3, y + 6), (x + 8, y)], fill=PAPER, width=2)
    else:
        draw.line([(x + 1, y), (x + 7, y + 6)], fill=PAPER, width=2)
        draw.line([(x + 7, y), (x + 1, y + 6)], fill=PAPER, width=2)
    write(canvas, (left + 28, top + _STRIP // 2), f"{confidence:.0%}", 11, PAPER)


def _caption(canvas: Image.Image, left: int, top: int, text: str, colour: Colour) -> None:
    """One line of `text` under a thumbnail, centred."""
    line, size = fitted(text, _STEP - 2, (12, 11, 10))
    write(canvas, (left + _THUMB // 2, top + _LINE // 2), line, size, colour, "centre")
