"""Letters for small pictures, in the one font that is everywhere: the one inside Pillow."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from PIL import Image, ImageDraw, ImageFont

Colour: TypeAlias = tuple[int, int, int]

# Drawn so many times larger and shrunk: set at 10 pixels, the font's blanks all but vanish.
_SCALE = 4


def fitted(text: str, width: int, sizes: Sequence[int]) -> tuple[str, int]:
    """`text`, and the first of `sizes` at which it fits `width` pixels; else cut at the last one.

    The font knows ASCII alone, so accents are dropped and other letters become "?".
    """
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in plain)
    for size in sizes:
        if length(plain, size) <= width:
            return plain, size
    while plain and length(plain + "…", size) > width:
        plain = plain[:-1]
    return plain.rstrip() + "…", size


def length(text: str, size: int) -> int:
    """How many pixels wide `text` is at `size`."""
    return math.ceil(_font(size).getlength(text) / _SCALE)


def write(
    canvas: Image.Image,
    at: tuple[int, int],
    text: str,
    size: int,
    colour: Colour,
    align: Literal["left", "centre", "right"] = "left",
    *,
    upward: bool = False,
) -> None:
    """Write one line of `text`, `size` pixels high, on `canvas`.

    `at` lies on the line's middle, where the text begins, has its centre or ends, as `align` says.
    `upward` turns it by a quarter about that point, so that it reads from below.
    """
    font = _font(size)
    width, height = length(text, size), math.ceil(sum(font.getmetrics()) / _SCALE)
    if not width:
        return
    mask = Image.new("L", (width * _SCALE, height * _SCALE))
    ImageDraw.Draw(mask).text((0, 0), text, 255, font)
    mask = mask.reduce(_SCALE)
    before = {"left": 0, "centre": width // 2, "right": width}[align]
    corner = (at[0] - before, at[1] - height // 2)
    if upward:
        mask = mask.transpose(Image.Transpose.ROTATE_90)
        corner = (at[0] - height // 2, at[1] + before - width)
    canvas.paste(colour, corner, mask)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * _SCALE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType; install a wheel from PyPI")
    return font
