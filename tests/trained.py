"""Real runs to be used: two classes of pictures in every mode there is, and short trainings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tracker.launch import here
from tracker.launch.plan import Existing, choose, jobs_of
from tracker.store.run import Run

MODES = ("RGB", "RGBA", "P", "CMYK", "L", "LA", "I;16", "1")


def draw(folder: Path, classes: tuple[str, ...] = ("bars", "discs"), count: int = 8) -> Path:
    """`count` pictures of each class in `folder`, of odd sizes, kinds and modes."""
    generator = np.random.default_rng(0)
    for label, name in enumerate(classes):
        place = folder / name
        place.mkdir(parents=True)
        for number in range(count):
            height, width = (int(side) for side in generator.integers(20, 90, 2))
            y, x = np.mgrid[:height, :width]
            bars = (x // 8) % 2 == 0
            discs = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(height, width) / 3) ** 2
            colour = generator.integers(0, 256, 3)
            pixels = np.where((bars if label == 0 else discs)[..., None], colour, 255 - colour)
            save(Image.fromarray(pixels.astype(np.uint8)), place, number)
    return folder


def save(picture: Image.Image, folder: Path, number: int) -> None:
    """Save `picture` in the mode whose turn it is, with what formats that mode has."""
    mode = MODES[number % len(MODES)]
    stem = folder / str(number)
    match mode:
        case "I;16":
            grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
            Image.fromarray(grey).save(f"{stem}.png")
        case "P":
            picture.quantize(16).save(f"{stem}.gif", transparency=0)
        case "CMYK":
            picture.convert(mode).save(f"{stem}.jpg")
        case "RGB":
            turned = Image.Exif()
            turned[0x0112] = 6
            picture.save(f"{stem}.jpg", exif=turned)
        case _:
            picture.convert(mode).save(f"{stem}.png")


def train(
    root: Path,
    document: Mapping[str, Any],
    existing: Existing = "refuse",
    say: Callable[[str], None] = lambda _: None,
) -> list[Run]:
    """Run the experiment of a document; each of its runs."""
    path = root.parent / f"{document['name']}.json"
    path.write_text(json.dumps(document))
    jobs = choose(jobs_of(path, root), existing)
    outcomes = here.execute(jobs, root=root, argv=["tracker"], watch=lambda _: None, say=say)
    assert [one.failure for one in outcomes] == [None] * len(outcomes)
    return [one.run for one in outcomes if one.run]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path, with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
