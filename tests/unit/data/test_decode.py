"""Every kind of picture file becomes the right RGB square, or a reason."""

import io
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tracker.data.decode import Decoder, decode, hush, reason
from tracker.spec.experiment import Interpolation

RED, GREY = (200, 40, 90), (128, 128, 128)
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(picture: Image.Image, name: str = "picture.png", **options: Any) -> Path:
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


def colour(path: Path, size: int = 8) -> tuple[int, ...]:
    """The one colour that all of the decoded picture has."""
    pixels = decode(path, size)
    assert pixels.shape == (3, size, size)
    assert pixels.dtype == np.dtype(np.uint8)
    values = pixels.reshape(3, -1)
    assert (values == values[:, :1]).all()
    return tuple(values[:, 0].tolist())


def why(path: Path) -> str:
    with pytest.raises(Exception) as raised:  # noqa: PT011 (Pillow raises all sorts)
        decode(path, 8)
    assert isinstance(raised.value, Exception)
    return reason(raised.value)


def plain(mode: str, value: Any, size: int = 8) -> Image.Image:
    return Image.new(mode, (size, size), value)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.gif"])
def test_each_format_keeps_its_colours(name: str, save: Save) -> None:
    assert colour(save(plain("RGB", RED), name)) == RED


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_each_lossy_format_almost_keeps_its_colours(name: str, save: Save) -> None:
    assert colour(save(plain("RGB", RED), name)) == pytest.approx(RED, abs=3)


def test_the_content_counts_and_not_the_name(save: Save) -> None:
    assert colour(save(plain("RGB", RED), "a.jpg", format="PNG")) == RED


def test_grey_is_the_same_in_all_three_channels(save: Save) -> None:
    assert colour(save(plain("L", 77))) == (77, 77, 77)


def test_one_bit_is_black_or_white(save: Save) -> None:
    assert colour(save(plain("1", 1))) == (255, 255, 255)
    assert colour(save(plain("1", 0))) == (0, 0, 0)


def test_a_palette_gives_its_colours_and_not_its_indices(save: Save) -> None:
    assert colour(save(plain("RGB", RED).quantize(4))) == RED


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bit_grey_is_scaled_and_not_cut_off(name: str, save: Save) -> None:
    wide = Image.fromarray(np.full((8, 8), 128 * 257, np.uint16))
    assert colour(save(wide, name)) == GREY


def test_16_bit_grey_of_the_other_byte_order(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    plain("I;16B", 128 * 257).save(path)
    assert colour(path) == GREY


def test_cmyk_is_converted(save: Save) -> None:
    assert colour(save(plain("CMYK", (0, 255, 255, 0)), "a.tif")) == (255, 0, 0)


@pytest.mark.parametrize(
    ("mode", "hidden", "seen"),
    [
        ("RGBA", (200, 40, 90, 0), (255, 255, 255)),
        ("RGBA", (200, 40, 90, 255), RED),
        ("LA", (50, 0), (255, 255, 255)),
        ("LA", (50, 255), (50, 50, 50)),
    ],
)
def test_what_is_transparent_shows_white(
    mode: str, hidden: Any, seen: tuple[int, ...], save: Save
) -> None:
    assert colour(save(plain(mode, hidden))) == seen


def test_a_palettes_transparent_colour_shows_white(save: Save) -> None:
    picture = plain("P", 1)
    picture.putpalette([0, 0, 0, *RED])
    assert colour(save(picture, "a.gif", transparency=1)) == (255, 255, 255)
    assert colour(save(picture, "b.gif")) == RED


def test_the_first_frame_of_an_animation_is_taken(save: Save) -> None:
    path = save(plain("RGB", RED), "a.gif", save_all=True, append_images=[plain("RGB", GREY)])
    assert colour(path) == RED


def test_a_photograph_taken_sideways_stands_upright(save: Save) -> None:
    picture = plain("RGB", "white")
    picture.paste(RED, (0, 0, 8, 4))  # as stored: red above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: red to the right
    pixels = decode(save(picture, exif=exif), 8)

    assert (pixels[:, :, 4:] == np.array(RED)[:, None, None]).all()
    assert (pixels[:, :, :4] == 255).all()


def test_the_centre_of_a_wide_picture_is_kept(save: Save) -> None:
    picture = Image.new("RGB", (24, 8), "white")
    picture.paste(RED, (8, 0, 16, 8))
    assert colour(save(picture)) == RED


def test_scaling_down_averages_what_is_left_out(save: Save) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 254
    pixels = decode(save(Image.fromarray(stripes)), 8)
    assert pixels.min() >= 120
    assert pixels.max() <= 134


def test_a_small_picture_is_scaled_up(save: Save) -> None:
    assert colour(save(plain("RGB", RED, 1)), 8) == RED


def test_a_large_jpeg_is_scaled_while_it_is_decoded_and_looks_the_same(save: Save) -> None:
    ramp = np.linspace(0, 255, 512).astype(np.uint8)
    photo = np.stack([np.tile(ramp, (512, 1)), np.tile(ramp[:, None], (1, 512))], 2)
    photo = np.concatenate([photo, photo[..., :1]], 2)
    path = save(Image.fromarray(photo), "a.jpg", quality=95)
    exact = decode(save(Image.open(path), "same.png"), 8)

    assert np.abs(decode(path, 8).astype(int) - exact).max() <= 2


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tif", "a.ppm"])
def test_a_truncated_picture_has_a_reason(name: str, save: Save) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    path = save(Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert why(path)


@pytest.mark.parametrize("content", [b"\0", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n"])
def test_what_is_no_picture_has_a_reason(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert why(path) == "no picture in a known format"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC, as phones take pictures; save it as JPEG first"),
        (b"\0\0\0\x1cftypmif1\0\0", "HEIC, as phones take pictures; save it as JPEG first"),
        (b"\0\0\0\x1cftypavif\0\0", "AVIF; save it as PNG or JPEG first"),
        (b"PK\x03\x04\x14\0", "a zip archive; unpack it first"),
        (b"%PDF-1.7", "a PDF; save its pictures as PNG first"),
        (b"<!DOCTYPE html>", "a drawing (SVG) or a web page; save it as PNG first"),
    ],
)
def test_what_people_take_for_a_picture_is_called_by_its_name(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert why(path) == words


def test_a_missing_file_a_folder_and_a_pipe_have_a_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "pipe.png"):
        assert why(path) == "not a file, or a link to nowhere"


def test_pixels_of_32_bits_are_refused(save: Save) -> None:
    for mode in ("F", "I"):
        assert why(save(plain(mode, 9), "a.tif")) == "pixels of 32 bits: no telling what is white"


def test_a_decompression_bomb_is_refused_unopened(tmp_path: Path) -> None:
    content = io.BytesIO()
    plain("1", 0).save(content, "BMP")
    header = bytearray(content.getvalue())
    header[18:26] = np.array([20_000, 20_000], "<i4").tobytes()  # width and height
    (tmp_path / "a.bmp").write_bytes(header)
    assert why(tmp_path / "a.bmp") == "too many pixels, a decompression bomb perhaps"


def test_pillows_warnings_and_no_others_are_kept_from_being_shown(save: Save) -> None:
    path = save(plain("RGB", RED))
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 40)  # it has 64
        with pytest.warns(Image.DecompressionBombWarning):
            decode(path, 8)
        hush()
        hush()
        assert colour(path) == RED
        with pytest.warns(UserWarning, match="ours"):
            warnings.warn("ours", stacklevel=1)


def test_many_are_decoded_into_their_places_and_faults_are_named(
    save: Save, tmp_path: Path
) -> None:
    into = np.full((3, 3, 8, 8), 7, np.uint8)
    paths = [save(plain("RGB", RED), "a.png"), tmp_path / "none", save(plain("L", 9), "b.png")]

    faults = Decoder(8)(paths, into)

    assert faults == [f"{tmp_path}/none (not a file, or a link to nowhere)"]
    assert [tuple(np.unique(one[0])) for one in into] == [(RED[0],), (7,), (9,)]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(13, "Permission denied"), "Permission denied"),
        (OSError("image file is truncated\n\x1b[2J"), r"image file is truncated \x1b[2J"),
        (ValueError("x" * 300), "x" * 100),
        (EOFError(), "EOFError"),
    ],
)
def test_reasons_are_short_and_printable(error: Exception, words: str) -> None:
    assert reason(error) == words


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    size=st.integers(1, 20),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]),
    kind=st.sampled_from(["PNG", "TIFF", "JPEG"]),
)
def test_white_of_any_shape_and_kind_is_a_white_square(
    width: int, height: int, size: int, mode: str, kind: str
) -> None:
    picture = Image.new("RGB", (width, height), "white").convert(mode)
    if (kind == "PNG" and mode == "CMYK") or (kind == "JPEG" and mode in ("LA", "P", "RGBA")):
        picture = picture.convert("RGB")  # what the format can hold
    with tempfile.NamedTemporaryFile(suffix=".img") as file:
        picture.save(file, kind)
        file.flush()
        pixels = decode(Path(file.name), size)
    assert pixels.shape == (3, size, size)
    assert pixels.min() >= 254


def test_the_square_is_cut_out_of_what_was_scaled(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:30, 20:40] = 255  # half of the height, in the middle
    Image.fromarray(pixels).save(tmp_path / "a.png")
    whole, half = decode(tmp_path / "a.png", 20), decode(tmp_path / "a.png", 20, 40)
    assert half.shape == (3, 20, 20)
    assert half.min() == 255
    assert np.array_equal(half, np.full_like(half, 255))
    assert np.array_equal(whole, decode(tmp_path / "a.png", 20, 20))
    assert whole.min() == 0


def test_it_is_scaled_as_asked(save: Save) -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 200
    path = save(Image.fromarray(pixels), "edge.png")
    ways: dict[Interpolation, Image.Resampling] = {
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
    }
    for way, by in ways.items():
        wanted = np.asarray(Image.fromarray(pixels).resize((64, 64), by))
        assert np.array_equal(decode(path, 64, interpolation=way), np.moveaxis(wanted, 2, 0))
    assert np.array_equal(decode(path, 64), decode(path, 64, interpolation="bilinear"))
    assert decode(path, 64, interpolation="bicubic").max() > 200, "it swings over an edge"
