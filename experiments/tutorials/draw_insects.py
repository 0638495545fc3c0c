"""Draw a folder of ants and bees, for trying the tutorials without downloading anything.

    python experiments/tutorials/draw_insects.py insects

As in hymenoptera_data there are `train` and `val`, `ants` and `bees` below them, and pictures of
all sizes. So that reading is tried too, they are of all kinds: JPEG, PNG, GIF and BMP; grey,
palette, CMYK, transparent; and lying on their side with a note in the EXIF that says so.
"""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

ORIENTATION, LIES_ON_ITS_LEFT = 0x0112, 6  # an EXIF tag, and a value of it
EARTH: list[Colour] = [(181, 165, 140), (120, 130, 90), (150, 110, 80), (200, 200, 190)]
DARK: Colour = (40, 25, 20)
YELLOW: Colour = (225, 170, 40)
WING = (235, 240, 245, 150)


def main() -> None:
    """Draw as many pictures of each class as the command line says; the same every time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=40, help="training pictures of each class")
    parser.add_argument("--val", type=int, default=20, help="validation pictures of each class")
    asked = parser.parse_args()
    for split, count in (("train", asked.train), ("val", asked.val)):
        for name in ("ants", "bees"):
            place = asked.folder / split / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                chance = random.Random(f"{split}/{name}/{number}")
                save(draw(name, chance), place / f"{number:04}", number)


def draw(name: str, chance: random.Random) -> Image.Image:
    """An ant or a bee anywhere on some ground, 180 to 420 pixels a side."""
    width, height = (chance.randrange(180, 421) for _ in range(2))
    picture = ground(width, height, chance)
    side = round(min(width, height) * chance.uniform(0.5, 0.9))
    insect = Image.new("RGBA", (200, 200))
    (ant if name == "ants" else bee)(ImageDraw.Draw(insect, "RGBA"), chance)
    insect = insect.rotate(chance.uniform(0, 360), Image.Resampling.BICUBIC).resize((side, side))
    place = chance.randrange(width - side + 1), chance.randrange(height - side + 1)
    picture.paste(insect, place, insect)
    return picture


def ground(width: int, height: int, chance: random.Random) -> Image.Image:
    """Blurred blotches of earth and leaves."""
    picture = Image.new("RGB", (width, height), chance.choice(EARTH))
    pen = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, r = chance.uniform(0, width), chance.uniform(0, height), chance.uniform(3, 40)
        shade = chance.uniform(0.6, 1.2)
        red, green, blue = (round(part * shade) for part in chance.choice(EARTH))
        pen.ellipse((x - r, y - r / 2, x + r, y + r / 2), fill=(red, green, blue))
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(1, 4)))


def ant(pen: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """Three dark parts in a row, six long legs, two feelers."""
    legs(pen, DARK, 70, chance)
    for x, rx, ry in ((45, 18, 15), (95, 22, 13), (150, 32, 22)):
        pen.ellipse((x - rx, 100 - ry, x + rx, 100 + ry), fill=DARK)
    for up in (-1, 1):
        pen.line((35, 100, 12, 100 + up * chance.uniform(15, 35)), fill=DARK, width=3)


def bee(pen: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """One thick body in stripes, short legs, four wings one can see through."""
    legs(pen, DARK, 45, chance)
    pen.ellipse((20, 78, 60, 122), fill=DARK)
    pen.ellipse((45, 65, 180, 135), fill=YELLOW)
    for x in (75, 105, 135, 160):
        tall = 35 * math.sqrt(1 - ((x - 112) / 68) ** 2)
        pen.rectangle((x - 6, 100 - tall, x + 6, 100 + tall), fill=DARK)
    for up in (-1, 1):
        for x, reach in ((60, 85), (95, 60)):
            pen.ellipse((x, 100 + min(0, up * reach), x + 45, 100 + max(0, up * reach)), fill=WING)


def legs(pen: ImageDraw.ImageDraw, colour: Colour, reach: int, chance: random.Random) -> None:
    """Three to each side of the middle."""
    for x in (80, 95, 110):
        for up in (-1, 1):
            knee = x + chance.uniform(-12, 12), 100 + up * reach * 0.6
            foot = knee[0] + chance.uniform(-25, 25), 100 + up * reach
            pen.line((x, 100, *knee, *foot), fill=colour, width=4, joint="curve")


def save(picture: Image.Image, path: Path, number: int) -> None:
    """Write it as one of eight kinds of file, each in its turn."""
    match number % 8:
        case 0 | 1:
            picture.save(path.with_suffix(".jpg"), quality=85)
        case 2:
            picture.convert("L").save(path.with_suffix(".jpg"))
        case 3:
            picture.convert("CMYK").save(path.with_suffix(".jpg"))
        case 4:
            turned = picture.transpose(Image.Transpose.ROTATE_90)
            note = Image.Exif()
            note[ORIENTATION] = LIES_ON_ITS_LEFT
            turned.save(path.with_suffix(".jpg"), exif=note)
        case 5:
            picture.putalpha(230)
            picture.save(path.with_suffix(".png"))
        case 6:
            picture.quantize(64).save(path.with_suffix(".gif"))
        case _:
            picture.convert("L").save(path.with_suffix(".bmp"))


if __name__ == "__main__":
    main()
