"""Batches: who comes when, begun anywhere, from memory or from files."""

from collections.abc import Iterator, Sequence
from itertools import chain

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from tracker.data.augment import Recipe, normalise
from tracker.data.batches import Batch, Loader, TrainBatches, eval_batches
from tracker.data.dataset import Source, Split
from tracker.spec.experiment import Augmentation

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
RECIPE = Recipe(("random_crop", "horizontal_flip", "cutout"), 2, 3)


class Streamed:
    """A source that decodes nothing, and notes what it was asked to read ahead."""

    def __init__(self, images: Tensor) -> None:
        self._images = images
        self.plans: list[list[list[int]]] = []

    def __len__(self) -> int:
        return len(self._images)

    def fetch(self, indices: Tensor) -> Tensor:
        return self._images[indices]

    def stream(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        self.plans.append([indices.tolist() for indices in plan])
        return map(self.fetch, plan)


def numbered(count: int, source: type[Streamed] | None = None) -> Split:
    """Picture i is all i, and so is its label: each tells which it is."""
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 3, 6, 7)
    kept: Tensor | Source = source(images) if source else images
    return Split(kept, torch.arange(count))


def loader(split: Split, batch_size: int) -> Loader:
    return Loader(split, batch_size, mean=MEAN, std=STD, device=torch.device("cpu"))


def training(count: int, batch_size: int, seed: int = 0, recipe: Recipe = RECIPE) -> TrainBatches:
    return TrainBatches(loader(numbered(count), batch_size), recipe, seed=seed)


def labels(batches: Iterator[Batch]) -> list[list[int]]:
    return [batch.labels.tolist() for batch in batches]


def joined(batches: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(batches))


def equal(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels)
        for a, b in zip(one, other, strict=True)
    )


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 3))
def test_an_epoch_shows_each_picture_at_most_once_in_full_batches(
    count: int, batch_size: int, epoch: int
) -> None:
    batches = training(count, batch_size)
    shown = labels(batches.epoch(epoch))
    assert len(shown) == len(batches) == max(count // batch_size, 1)
    assert {len(batch) for batch in shown} == {min(batch_size, count)}
    flat = joined(shown)
    assert len(set(flat)) == len(flat)
    assert count - len(flat) < batch_size


def test_who_is_left_out_differs_from_epoch_to_epoch() -> None:
    batches = training(10, 4)
    seen = {label for epoch in range(20) for label in joined(labels(batches.epoch(epoch)))}
    assert seen == set(range(10))


def test_order_follows_from_seed_and_epoch_alone() -> None:
    first = labels(training(40, 8).epoch(3))
    assert first == labels(training(40, 8).epoch(3))
    assert joined(first) == joined(labels(training(40, 5).epoch(3)))  # batch size only cuts
    assert first != labels(training(40, 8).epoch(4))
    assert first != labels(training(40, 8, seed=1).epoch(3))


def test_changes_follow_from_seed_epoch_and_batch() -> None:
    images = torch.randint(0, 256, (1, 3, 6, 7), dtype=torch.uint8).expand(40, -1, -1, -1)
    same = Split(images.contiguous(), torch.zeros(40, dtype=torch.int64))

    def shown(seed: int, epoch: int) -> list[Batch]:
        return list(TrainBatches(loader(same, 8), RECIPE, seed=seed).epoch(epoch))

    first = shown(0, 0)
    assert equal(first, shown(0, 0))
    assert not torch.equal(first[0].images, first[1].images)
    assert not torch.equal(first[0].images, shown(0, 1)[0].images)
    assert not torch.equal(first[0].images, shown(1, 0)[0].images)


@given(st.integers(0, 6))
def test_an_epoch_begun_in_the_middle_is_the_end_of_a_whole_one(start: int) -> None:
    batches = training(40, 8)
    whole = list(batches.epoch(2))
    assert equal(list(batches.epoch(2, start)), whole[start:])


def test_pictures_stay_with_their_labels_and_are_normalised() -> None:
    for batch in training(40, 8, recipe=Recipe()).epoch(0):
        pictures = batch.labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 6, 7)
        assert torch.equal(batch.images, normalise(pictures, MEAN, STD))


@given(st.integers(1, 50), st.integers(1, 60))
def test_evaluation_shows_every_picture_once_in_order(count: int, batch_size: int) -> None:
    shown = list(eval_batches(loader(numbered(count), batch_size)))
    assert torch.cat([batch.labels for batch in shown]).tolist() == list(range(count))
    assert {len(batch.labels) for batch in shown[:-1]} <= {batch_size}
    assert all(len(batch.images) == len(batch.labels) for batch in shown)


def test_a_streamed_split_gives_the_same_batches() -> None:
    streamed = numbered(40, Streamed)
    from_files = TrainBatches(loader(streamed, 8), RECIPE, seed=0)
    assert equal(list(from_files.epoch(1)), list(training(40, 8).epoch(1)))
    assert equal(
        list(eval_batches(loader(streamed, 7))), list(eval_batches(loader(numbered(40), 7)))
    )


def test_what_will_be_skipped_is_never_read() -> None:
    streamed = numbered(40, Streamed)
    assert isinstance(streamed.images, Streamed)
    from_files = TrainBatches(loader(streamed, 8), RECIPE, seed=0)
    read = labels(from_files.epoch(1, 3))
    assert streamed.images.plans == [read]
    assert len(read) == 2


def test_batches_come_in_the_type_and_layout_asked_for() -> None:
    asked = Loader(
        numbered(8),
        4,
        mean=MEAN,
        std=STD,
        device=torch.device("cpu"),
        dtype=torch.bfloat16,
        memory_format=torch.channels_last,
    )
    for batch in [*eval_batches(asked), *TrainBatches(asked, RECIPE, seed=0).epoch(0)]:
        assert batch.images.dtype == torch.bfloat16
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert batch.labels.dtype == torch.int64


@pytest.mark.parametrize("names", [(), ("horizontal_flip",)])
@pytest.mark.parametrize("source", [None, Streamed])
@pytest.mark.parametrize("start", [0, 2])
def test_pictures_can_be_told_and_had_again_one_by_one(
    names: tuple[Augmentation, ...], source: type[Streamed] | None, start: int
) -> None:
    split = numbered(23, source)
    if isinstance(split.images, Tensor):
        split.images.copy_(torch.randint(0, 256, split.images.shape, dtype=torch.uint8))
    batches = TrainBatches(loader(split, 5), Recipe(names), seed=0)
    assert batches.views == 1 + len(names)
    shown, rows = list(batches.epoch(3, start)), list(batches.rows(3, start))
    again = list(batches.pictures([each for each, _ in rows]))
    assert equal(
        shown, [Batch(*pair) for pair in zip(again, (one for _, one in rows), strict=True)]
    )
    numbers = torch.cat([each for each, _ in rows])
    assert int(numbers.max()) < 23 * (1 + len(names))
    assert len(names) == (numbers >= 23).any()


def test_crops_are_too_many_to_tell_apart() -> None:
    assert training(10, 5).views is None
    assert training(10, 5, recipe=Recipe(("random_crop",))).views is None


def test_the_pictures_themselves_are_never_changed() -> None:
    split = numbered(8)
    assert isinstance(split.images, Tensor)
    before = split.images.clone()
    list(TrainBatches(loader(split, 4), RECIPE, seed=0).epoch(0))
    assert torch.equal(split.images, before)


@pytest.mark.parametrize("source", [None, Streamed])
def test_everything_is_on_the_device_asked_for(source: type[Streamed] | None) -> None:
    """`meta` computes nothing, but like a GPU refuses to mix its tensors with the CPU's."""
    recipe = Recipe(("random_crop", "horizontal_flip", "random_resized_crop", "cutout"), 2, 3)
    there = Loader(numbered(8, source), 4, mean=MEAN, std=STD, device=torch.device("meta"))
    batches = [*eval_batches(there), *TrainBatches(there, recipe, seed=0).epoch(0)]
    assert len(batches) == 4
    for batch in batches:
        assert batch.images.is_meta
        assert batch.images.shape == (4, 3, 6, 7)
        assert batch.labels.is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("share", [0.5, 0.0])
def test_a_gpu_sees_the_same_bytes(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved there at once, or batch by batch."""
    monkeypatch.setattr("tracker.data.batches._DEVICE_SHARE", share)
    images = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8)
    split = Split(images, torch.arange(64))
    recipe = Recipe(("random_crop", "horizontal_flip", "random_resized_crop", "cutout"))
    there = Loader(split, 16, mean=MEAN, std=STD, device=torch.device("cuda"))
    assert isinstance(there.split.images, Tensor)
    assert there.split.images.is_cuda == (share > 0)
    on_gpu = TrainBatches(there, recipe, seed=0).epoch(0)
    on_cpu = TrainBatches(loader(split, 16), recipe, seed=0).epoch(0)
    for one, other in zip(on_gpu, on_cpu, strict=True):
        assert one.images.is_cuda
        assert one.labels.is_cuda
        assert torch.equal(one.images.cpu(), other.images)
        assert torch.equal(one.labels.cpu(), other.labels)
