"""From one picture file of any size and kind to a small RGB square of bytes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from tracker.errors import printable
from tracker.spec.experiment import Interpolation

EXTENSIONS = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)
# What Pillow may take a file for. Some of its other readers start programs (EPS: Ghostscript).
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_FILTERS: dict[Interpolation, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# How files begin that people take for pictures, from which byte on, and what to do about them.
_HEIC = "HEIC, as phones take pictures; save it as JPEG first"
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    *((4, b"ftyp" + brand, _HEIC) for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (4, b"ftypavi", "AVIF; save it as PNG or JPEG first"),
    (0, b"PK\x03\x04", "a zip archive; unpack it first"),
    (0, b"%PDF", "a PDF; save its pictures as PNG first"),
    (0, b"<", "a drawing (SVG) or a web page; save it as PNG first"),
)
_ORIENTATION, _UPRIGHT = 0x0112, 1  # EXIF
_REASON_LIMIT = 100  # characters


def decode(
    path: Path,
    size: int,
    resize: int | None = None,
    interpolation: Interpolation = "bilinear",
) -> npt.NDArray[np.uint8]:
    """The picture at `path` as RGB, uint8 [3, size, size].

    It is turned upright as its EXIF says, its shorter side is scaled to `resize` pixels, or `size`
    (each pixel averaging all that it covers), and the centre square is cut out. What is transparent
    shows white. Of 16-bit grey the range 0 to 65535 is scaled; of an animation the first frame is
    taken; a JPEG at least four times too large is decoded at a half, a quarter or an eighth.

    Raises whatever Pillow raises on a file that is no whole picture, and ValueError for one of
    another format and for pixels of 32 bits, of which no file says what is white; `reason` puts all
    of it into words.
    """
    if not path.is_file():  # opening a pipe would wait for ever
        raise ValueError("not a file, or a link to nowhere")
    with _opened(path) as opened:
        picture: Image.Image = opened
        scaled = resize or size
        if min(picture.size) >= 4 * scaled:
            opened.draft(None, (2 * scaled, 2 * scaled))
        if picture.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
            picture = ImageOps.exif_transpose(picture)
        picture = _rgb(picture)
        if picture.size != (size, size) or scaled != size:
            picture = _centre_square(picture, size, scaled, _FILTERS[interpolation])
        return _planes(picture)


@dataclass(frozen=True)
class Decoder:
    """`decode` of many files, always in the same way."""

    size: int
    resize: int | None = None
    interpolation: Interpolation = "bilinear"

    def __call__(self, paths: Sequence[Path], into: npt.NDArray[np.uint8]) -> list[str]:
        """Put the pictures at `paths` into an array [N, 3, size, size]; a line for each fault.

        What cannot be read leaves its place as it was. Several threads may do so side by side.
        """
        faults = []
        for place, path in enumerate(paths):
            try:
                into[place] = decode(path, self.size, self.resize, self.interpolation)
            except MemoryError:
                raise
            # Pillow's readers raise what a broken file leads them to: OSError, SyntaxError, …
            except Exception as error:  # noqa: BLE001
                faults.append(f"{printable(str(path))} ({reason(error)})")
        return faults


def reason(error: Exception) -> str:
    """Why a picture could not be decoded, in a few printable words."""
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels, a decompression bomb perhaps"
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return printable(" ".join(text.split()))[:_REASON_LIMIT]


def hush() -> None:
    """Keep Pillow's warnings (odd EXIF, large pictures) from the terminal from now on.

    None of them changes a pixel; what does is raised. It holds for all threads, and for good:
    filters belong to the whole process, and one thread cannot know when the others are done.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _opened(path: Path) -> ImageFile:
    try:
        return Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(_no_picture(path)) from error


def _no_picture(path: Path) -> str:
    """What a file is that Pillow does not know."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "the file is empty"
    known = (words for at, begin, words in _OTHERS if head[at:].startswith(begin))
    return next(known, "no picture in a known format")


def _rgb(picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode == "F" or (mode == "I" and picture.format == "TIFF"):
        raise ValueError("pixels of 32 bits: no telling what is white")
    if mode.startswith("I"):  # "I;16", its byte orders, and what PNG and PGM call "I"
        grey = (np.asarray(picture).astype(np.int64) * 255 + 32767) // 65535
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture if mode == "RGB" else picture.convert("RGB")


def _centre_square(
    picture: Image.Image, size: int, scaled: int, by: Image.Resampling
) -> Image.Image:
    """Cut and scale in one step, so that nothing is rounded to whole pixels in between."""
    side = min(picture.size) * size / scaled
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return picture.resize((size, size), by, box=(left, top, left + side, top + side))


def _planes(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """The channels of an RGB picture, uint8 [3, H, W]."""
    planes = b"".join(picture.tobytes("raw", channel) for channel in "RGB")
    return np.frombuffer(planes, np.uint8).reshape(3, picture.height, picture.width)
