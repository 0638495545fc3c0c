"""Ten classes of small pictures drawn by rule: the data set that is always there.

Picture i of a split depends on the data seed, the split and i alone, never on how many pictures
are asked for. A shape of random place, size, angle and colour lies on a clouded, noisy background
among blobs, crossed by a bar. It is made so that a linear model gets a quarter of them right and a
small network most, after some thousand. Pixels take + - × ÷ only, which every machine rounds alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tracker.data import seeding
from tracker.data.dataset import Dataset, Split, in_memory, of_classes
from tracker.data.outlines import OUTLINES
from tracker.spec import experiment

SIZE = 32
TRAIN, VAL = 0, 1
CLASSES = tuple(OUTLINES)

_NOISE = 2  # what is drawn beside the splits 0 and 1, folded into the data seed like them
_NOISE_SIDE = 256
_BLOBS = 2
_DARKER = 0.25  # share of the shapes; were it half, a linear model would get no hold on them
# Pictures drawn at once: few enough that planes stay in the processor's cache and stay below the
# 32,768 numbers from which torch splits work among threads, which costs more than it gains here.
# A multiple of ten, so that each begins with the first class.
_CHUNK = 30
# The middle of each pixel, from the middle of the picture.
_PLACES = torch.arange(SIZE) - (SIZE - 1) / 2


def build(spec: experiment.Shapes) -> Dataset:
    """The data set that `spec` asks for."""
    train, classes = _of_classes(spec, TRAIN, spec.train_size)
    val, _ = _of_classes(spec, VAL, spec.val_size)
    return in_memory(spec.name, train, val, classes)


def _of_classes(spec: experiment.Shapes, split: int, count: int) -> tuple[Split, tuple[str, ...]]:
    """The first `count` pictures of a split that are of `spec.classes`, and their names."""
    if spec.classes is None:
        return draw(spec.data_seed, split, count), CLASSES
    rounds = -(-count // len(spec.classes))
    whole = draw(spec.data_seed, split, rounds * len(CLASSES))
    places, labels, classes = of_classes(whole.labels, CLASSES, spec.classes)
    return Split(whole.fetch(places[:count]), labels[:count]), classes


def draw(data_seed: int, split: int, count: int) -> Split:
    """The first `count` pictures of a split, [count, 3, 32, 32]; picture i is of class i mod 10."""
    seed = seeding.fold(data_seed, split)
    tile = _noise_tile(seeding.fold(data_seed, _NOISE))
    indices = torch.arange(count)
    images = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        _draw(images[part], _Chance(seed, indices[part]), tile)
    return Split(images, indices % len(CLASSES))


class _Chance:
    """What is random about each of n pictures, handed out in the order in which it is asked for."""

    _COLUMNS = 96

    def __init__(self, seed: int, indices: Tensor) -> None:
        self.count = len(indices)
        numbers = seeding.uniform(seed, indices, self._COLUMNS).float()
        self._numbers = numbers.clamp(max=1 - 2**-24)  # as float32 some would be rounded up to 1
        self._next = 0

    def between(self, low: float, high: float) -> Tensor:
        """One number per picture from `low` to `high`."""
        column = self._numbers[:, self._next, None, None]
        self._next += 1
        return column * (high - low) + low

    def colour(self, low: float, high: float) -> list[Tensor]:
        """Red, green and blue, each from `low` to `high`."""
        return [self.between(low, high) for _ in range(3)]

    def turned(self, reach: float, turn: float) -> tuple[Tensor, Tensor]:
        """x and y of each pixel from a centre at most `reach` pixels off the middle, turned.

        `turn` is the tangent of half the largest angle, to either side: sine and cosine then
        follow without a library's rounding.
        """
        x = _PLACES - self.between(-reach, reach)
        y = _PLACES[:, None] - self.between(-reach, reach)
        t = self.between(-turn, turn)
        cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        return x * cosine + y * sine, y * cosine - x * sine

    def window(self, tile: Tensor) -> Tensor:
        """A random square of `tile` for each picture, [n, SIZE, SIZE]."""
        places = len(tile) - SIZE + 1
        rows = (self.between(0, 1) * places).long().view(-1).tolist()
        columns = (self.between(0, 1) * places).long().view(-1).tolist()
        # torch's indexing would start its threads for so little.
        return torch.stack(
            [tile[r : r + SIZE, c : c + SIZE] for r, c in zip(rows, columns, strict=True)]
        )


def _draw(out: Tensor, chance: _Chance, tile: Tensor) -> None:
    """Draw pictures of every class in turn into `out`, uint8 [n, 3, SIZE, SIZE]."""
    ground = chance.colour(0.25, 0.75)
    canvas = torch.empty(chance.count, 3, SIZE, SIZE)
    cloud = _cloud(chance, tile) * chance.between(0.05, 0.3)
    for channel in range(3):
        canvas[:, channel] = ground[channel] + cloud * chance.between(0.6, 1)
    for _ in range(_BLOBS):
        _paint(canvas, _blob(chance), _against(ground, chance))
    _paint(canvas, _shape(chance), _against(ground, chance))
    _paint(canvas, _bar(chance), _against(ground, chance))
    loudness = chance.between(0.03, 0.12)
    for channel in range(3):
        plane = canvas[:, channel] + chance.window(tile) * loudness
        out[:, channel] = plane.clamp(0, 1) * 255 + 0.5


def _shape(chance: _Chance) -> Tensor:
    radius = chance.between(8, 13)
    x, y = chance.turned(3, 0.35)
    x, y = x / radius, y / radius
    distance = torch.empty_like(x)
    for label, outline in enumerate(OUTLINES.values()):
        members = slice(label, None, len(OUTLINES))
        distance[members] = outline(x[members], y[members])
    return _coverage(distance * radius)


def _blob(chance: _Chance) -> Tensor:
    """A small ellipse anywhere."""
    x, y = chance.turned(16, 1)
    long, short = chance.between(1, 3), chance.between(0.5, 1)
    return _coverage((x * x + y * y / (short * short) - long * long) / (2 * long))


def _bar(chance: _Chance) -> Tensor:
    """A thin straight bar across the picture."""
    x, _ = chance.turned(12, 1)
    return _coverage(torch.abs(x) - chance.between(0.3, 1))


def _cloud(chance: _Chance, tile: Tensor) -> Tensor:
    """Soft spots of about 4 pixels, and a slope."""
    x, _ = chance.turned(6, 1)
    coarse = chance.window(tile)[:, : SIZE // 4 + 1, : SIZE // 4 + 1]
    tall = _between_rows(coarse)
    soft = _between_rows(tall.transpose(1, 2)).transpose(1, 2)
    return soft + x / (SIZE / 2)


def _between_rows(planes: Tensor) -> Tensor:
    """[n, rows, columns] to [n, 4 × (rows - 1), columns]: each gap is filled by straight lines."""
    steps = torch.arange(4).view(4, 1) / 4
    start, gap = planes[:, :-1, None], planes.diff(dim=1)[:, :, None]
    return (start + gap * steps).flatten(1, 2)


def _against(ground: list[Tensor], chance: _Chance) -> list[Tensor]:
    """A colour lighter or darker than the background's by a random amount per channel."""
    sign = torch.where(chance.between(0, 1) < _DARKER, -1.0, 1.0)
    difference = chance.colour(0.15, 0.5)
    return [g + sign * d for g, d in zip(ground, difference, strict=True)]


def _paint(canvas: Tensor, coverage: Tensor, colour: list[Tensor]) -> None:
    for channel, value in enumerate(colour):
        canvas[:, channel] += coverage * (value - canvas[:, channel])


def _coverage(distance: Tensor) -> Tensor:
    """How much of a pixel lies inside an outline at `distance` pixels: 1 to 0 across the edge."""
    return (0.5 - distance).clamp(0, 1)


def _noise_tile(seed: int) -> Tensor:
    """Independent numbers from -1 to 1 that pictures take windows of: drawing each is too slow."""
    numbers = seeding.uniform(seed, torch.arange(_NOISE_SIDE), _NOISE_SIDE)
    return (numbers * 2 - 1).float()
