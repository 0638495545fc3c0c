"""A folder of JPEG pictures: its first start, its second, and streaming when it fits nowhere.

    python -m benchmarks.class_folder [--pictures N] [--size S] [--repeats R] [--json FILE]

The pictures are drawn, 500 × 375 pixels each. First, how long `data.build` takes where nothing is
kept yet (every picture is decoded), and where an earlier start kept the pixels. Then an epoch in
which every picture is decoded again, on all cores: ours, as batches of 64 of bytes (what a GPU
normalises itself); torchvision's compiled `decode_jpeg` alone, and scaled to size, in as many
threads as there are cores. And as batches that a network can be given, normalised on these same
cores: ours, and the tutorial's `ImageFolder` with a `DataLoader` of as many workers. By turns; the
files are in the page cache.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as `settle_libraries`, before torch is there

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder as TheirFolder
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2

from benchmarks.measure import Row, machine, middle, parser, report
from tracker.cli.settle import settle_libraries
from tracker.data.augment import Recipe
from tracker.data.batches import Loader, TrainBatches
from tracker.data.image_folder import build
from tracker.spec.experiment import ImageFolder
from tracker.spec.load import from_document

WIDTH, HEIGHT, QUALITY = 500, 375, 90
BATCH = 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CORES = os.cpu_count() or 1


def draw(root: Path, count: int) -> None:
    """Make `count` pictures to train on, in two classes, and eight to judge."""
    chance = np.random.default_rng(0)
    for part, pictures in (("train", count), ("val", 8)):
        for name in ("ants", "bees"):
            (root / part / name).mkdir(parents=True)
        for number in range(pictures):
            shape = Image.fromarray(chance.integers(0, 256, (12, 16, 3), dtype=np.uint8))
            smooth = np.asarray(shape.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
            grain = chance.normal(0, 6, smooth.shape)
            picture = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
            data = io.BytesIO()
            picture.save(data, "JPEG", quality=QUALITY)
            place = root / part / ("ants", "bees")[number % 2] / f"{number:05}.jpg"
            place.write_bytes(data.getvalue())


def spec_of(root: Path, size: int, cache: str) -> ImageFolder:
    """What asks for the folder's pictures at `size` pixels a side."""
    data = {
        "name": "image_folder", "root": str(root), "image_size": size, "cache": cache,
        "workers": CORES,
    }  # fmt: skip
    found = from_document({"name": "x", "data": data}).data
    assert isinstance(found, ImageFolder)
    return found


def streamed(root: Path, size: int, *, normalised: bool) -> Callable[[], int]:
    """What decodes an epoch as training does, and returns its number of pictures."""
    dataset = build(spec_of(root, size, "never"), lambda _: None)
    loader = Loader(dataset.train, BATCH, mean=MEAN, std=STD, device=torch.device("cpu"))
    if normalised:
        batches = TrainBatches(loader, Recipe((), 0), seed=0)
        return lambda: sum(len(labels) for _, labels in batches.epoch(0))
    plan = torch.split(torch.arange(len(dataset.train)), BATCH)
    return lambda: sum(len(labels) for _, labels in loader.pictures(plan))


def decoded(root: Path, size: int | None) -> Callable[[], int]:
    """What decodes all pictures by torchvision's own decoder; scaled, where `size` is given."""
    paths = sorted(map(str, (root / "train").rglob("*.jpg")))
    scale = v2.Resize((size, size), antialias=True) if size else None

    def one(path: str) -> int:
        picture = decode_jpeg(read_file(path), ImageReadMode.RGB)
        return int((scale(picture) if scale else picture).shape[0] == 3)

    def epoch() -> int:
        with ThreadPoolExecutor(CORES) as pool:
            return sum(pool.map(one, paths))

    return epoch


def tutorial(root: Path, size: int) -> Callable[[], int]:
    """What makes an epoch of the tutorial's batches."""
    change = transforms.Compose(
        [transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    )
    loader: DataLoader[tuple[torch.Tensor, int]] = DataLoader(
        TheirFolder(str(root / "train"), change), BATCH, shuffle=True, num_workers=CORES
    )
    return lambda: sum(len(labels) for _, labels in loader)


def starts(root: Path, size: int, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of each first start, and of the second after it."""
    spec = spec_of(root, size, "always")
    first: list[float] = []
    second: list[float] = []
    for _ in range(repeats):
        for path in (root / ".tracker-cache").glob("*"):
            path.unlink()
        for found in (first, second):
            begin = time.perf_counter()
            build(spec, lambda _: None)
            found.append(time.perf_counter() - begin)
    return first, second


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--pictures", type=int, default=1500)
    arguments.add_argument("--size", type=int, default=224)
    given = arguments.parse_args()
    settle_libraries()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        draw(root, given.pictures)
        first, second = starts(root, given.size, given.repeats)
        ways = {
            "tracker, streamed": streamed(root, given.size, normalised=False),
            "decode_jpeg alone": decoded(root, None),
            "decode_jpeg, scaled": decoded(root, given.size),
            "tracker, normalised": streamed(root, given.size, normalised=True),
            "ImageFolder, DataLoader": tutorial(root, given.size),
        }
        for epoch in ways.values():  # workers start, pages come in
            epoch()
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(given.repeats):
            for way, epoch in ways.items():
                begin = time.perf_counter()
                count = epoch()
                rates[way].append(count / (time.perf_counter() - begin))
    count = given.pictures + 8
    rows: list[Row] = [
        {
            "way": way,
            **middle("pictures/s", [count / one for one in seconds]),
            "ours / this": median(a / b for a, b in zip(seconds, second, strict=True)),
        }
        for way, seconds in (("first start", first), ("second start", second))
    ]
    ours = rates["tracker, streamed"]
    for way, found in rates.items():
        if way == "tracker, normalised":  # beside what is normalised, too
            ours = found
        pairs = zip(ours, found, strict=True)
        ratio = median(one / other for one, other in pairs)
        rows.append({"way": way, **middle("pictures/s", found), "ours / this": ratio})
    about = machine("torch", "torchvision", "pillow", "numpy")
    about["threads"] = torch.get_num_threads()
    title = f"{given.pictures:,} JPEG pictures of {WIDTH} × {HEIGHT}, at {given.size} pixels"
    report(title, rows, about, given.json)


if __name__ == "__main__":
    main()
