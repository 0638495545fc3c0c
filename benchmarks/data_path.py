"""How fast training batches are made: ours beside torchvision's ways, through a `DataLoader`.

    python -m benchmarks.data_path [--pictures N] [--batch-size B] [--workers W…] [--json FILE]

All make the same thing, normalised float batches of 32 × 32 pictures cropped and mirrored at
random, from the same pixels in memory, in one process and by turns, so that a busy machine slows
all; the median round counts. The tutorial is what torchvision's own examples show: a data set of
PIL pictures and `RandomCrop`, `RandomHorizontalFlip`, `ToTensor`, `Normalize` one by one. `v2` are
torchvision's newer transforms on tensors, which normalise the batch as a whole, their best case.
An epoch with workers begins with starting them, as it does in training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import v2

from benchmarks.measure import Row, machine, parser, report
from tracker.data import shapes
from tracker.data.augment import Recipe
from tracker.data.batches import Loader, TrainBatches
from tracker.data.dataset import Split

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
PADDING = 4


class Pictures(Dataset[tuple[Tensor, int]]):
    """What torchvision's `CIFAR10` does with an index: an array, a PIL picture, a tensor."""

    def __init__(self, split: Split, augmented: bool) -> None:
        assert isinstance(split.images, Tensor)
        self._arrays = split.images.permute(0, 2, 3, 1).contiguous().numpy()
        self._labels = split.labels.tolist()
        changes = [transforms.RandomCrop(32, PADDING, padding_mode="reflect")]
        changes += [transforms.RandomHorizontalFlip()]
        self._transform = transforms.Compose(
            [*changes * augmented, transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._arrays[index])), self._labels[index]


class Tensors(Dataset[tuple[Tensor, int]]):
    """Pictures that stay bytes in tensors until their batch is together: see `collate`."""

    _change = v2.Compose(
        [v2.RandomCrop(32, PADDING, padding_mode="reflect"), v2.RandomHorizontalFlip()]
    )
    _finish = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])

    def __init__(self, split: Split) -> None:
        assert isinstance(split.images, Tensor)
        self._images, self._labels = split.images, split.labels.tolist()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._change(self._images[index]), self._labels[index]

    def collate(self, pairs: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
        """A batch of what single indices gave."""
        images, labels = zip(*pairs, strict=True)
        return self._finish(torch.stack(images)), torch.tensor(labels)


def ours(
    split: Split,
    batch_size: int,
    augmented: bool,
    layout: torch.memory_format = torch.contiguous_format,
    dtype: torch.dtype = torch.float32,
) -> Callable[[], Iterable[tuple[Tensor, Tensor]]]:
    """What begins an epoch of our batches."""
    device = torch.device("cpu")
    loader = Loader(
        split, batch_size, mean=MEAN, std=STD, device=device, dtype=dtype, memory_format=layout
    )
    recipe = Recipe(("random_crop", "horizontal_flip") if augmented else (), PADDING)
    batches = TrainBatches(loader, recipe, seed=0)
    return lambda: batches.epoch(0)


def theirs(
    pictures: Pictures | Tensors, batch_size: int, workers: int
) -> Callable[[], Iterable[tuple[Tensor, Tensor]]]:
    """What begins an epoch of torchvision's batches."""
    loader: DataLoader[tuple[Tensor, int]] = DataLoader(
        pictures,
        batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        collate_fn=pictures.collate if isinstance(pictures, Tensors) else None,
        multiprocessing_context="fork" if workers else None,
    )
    return lambda: loader


def rate(epoch: Callable[[], Iterable[tuple[Tensor, Tensor]]]) -> float:
    """Pictures a second over one epoch."""
    begin = time.perf_counter()
    count = sum(len(labels) for _, labels in epoch())
    return count / (time.perf_counter() - begin)


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--pictures", type=int, default=10_000, help="in an epoch")
    arguments.add_argument("--batch-size", type=int, default=128)
    arguments.add_argument("--workers", type=int, nargs="+", default=[0, 2, 4], help="theirs")
    given = arguments.parse_args()
    split = shapes.draw(0, shapes.TRAIN, given.pictures)
    size = given.batch_size
    ways = {
        "tracker, crop + flip": ours(split, size, True),
        "tracker, crop + flip, channels_last": ours(split, size, True, torch.channels_last),
        "tracker, crop + flip, bfloat16": ours(split, size, True, dtype=torch.bfloat16),
        "tracker, unchanged": ours(split, size, False),
    }
    for workers in given.workers:
        ways[f"tutorial, crop + flip, {workers} workers"] = theirs(
            Pictures(split, augmented=True), size, workers
        )
    for workers in given.workers:
        ways[f"v2, crop + flip, {workers} workers"] = theirs(Tensors(split), size, workers)
    ways["tutorial, unchanged, 0 workers"] = theirs(Pictures(split, augmented=False), size, 0)
    for way in ways.values():  # the first epoch finds caches cold and allocates
        rate(way)
    rounds = [{name: rate(way) for name, way in ways.items()} for _ in range(given.repeats)]
    rates = {name: median(found[name] for found in rounds) for name in ways}
    rows: list[Row] = []
    for name, found in rates.items():
        rows.append(
            {
                "way": name,
                "images/s": found,
                "best": max(one[name] for one in rounds),
                "first / this": rates["tracker, crop + flip"] / found,
            }
        )
    about = machine("torch", "torchvision", "pillow", "numpy")
    about["threads"] = torch.get_num_threads()
    title = f"Training batches of {size} from {given.pictures:,} pictures of 32 × 32 in memory"
    report(title, rows, about, given.json)


if __name__ == "__main__":
    main()
