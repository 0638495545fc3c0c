"""Splits, smaller sets, statistics and digests."""

import hashlib

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from tracker.data.dataset import (
    Split,
    balanced_subset,
    channel_statistics,
    digest_of,
    hashed,
    of_classes,
    reference_pictures,
)
from tracker.errors import UsageError

label_lists = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(torch.tensor)


def pictures(count: int, height: int = 3, width: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    shape = (count, 3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def split(count: int = 5) -> Split:
    return Split(pictures(count), torch.arange(count) % 3)


def test_fetching_repeats_and_reorders_and_copies() -> None:
    whole = split()
    assert isinstance(whole.images, torch.Tensor)
    fetched = whole.fetch(torch.tensor([4, 0, 4]))
    assert torch.equal(fetched, whole.images[[4, 0, 4]])
    before = whole.images.clone()
    fetched.zero_()
    assert torch.equal(whole.images, before)
    assert len(whole) == 5


@given(label_lists, st.integers(1, 70))
def test_a_smaller_set_is_balanced_as_far_as_classes_last(labels: torch.Tensor, size: int) -> None:
    kept = balanced_subset(labels, size)
    assert len(kept) == min(size, len(labels))
    assert kept.tolist() == sorted(set(kept.tolist()))
    have = torch.bincount(labels, minlength=5)
    got = torch.bincount(labels[kept], minlength=5)
    most = int(got.max())
    assert all(g >= min(h, most - 1) for g, h in zip(got.tolist(), have.tolist(), strict=True))


@given(label_lists, st.integers(1, 60), st.integers(0, 10))
def test_a_larger_set_keeps_what_a_smaller_one_does(
    labels: torch.Tensor, size: int, more: int
) -> None:
    smaller, larger = balanced_subset(labels, size), balanced_subset(labels, size + more)
    assert set(smaller.tolist()) <= set(larger.tolist())


def test_a_smaller_set_is_drawn_from_all_over() -> None:
    labels = torch.arange(10).repeat_interleave(100)
    kept = balanced_subset(labels, 200)
    assert torch.bincount(labels[kept]).tolist() == [20] * 10
    assert (kept % 100).float().mean() == pytest.approx(50, abs=8)
    assert not torch.equal(kept[:20], torch.arange(20))


def test_no_size_keeps_all_in_order() -> None:
    labels = torch.tensor([2, 0, 1, 2])
    for size in (None, 4, 9):
        assert balanced_subset(labels, size).tolist() == [0, 1, 2, 3]


def test_of_some_classes_pictures_stay_in_order_and_classes_are_numbered_anew() -> None:
    labels = torch.tensor([3, 0, 1, 2, 3, 0])
    places, left, names = of_classes(labels, ["ant", "bee", "cat", "dog"], ("dog", "bee"))
    assert places.tolist() == [0, 2, 4]
    assert left.tolist() == [1, 0, 1]
    assert left.dtype == torch.int64
    assert names == ("bee", "dog")


def test_none_is_all_classes() -> None:
    labels = torch.tensor([1, 0])
    places, left, names = of_classes(labels, ["ant", "bee"], None)
    assert (places.tolist(), left.tolist(), names) == ([0, 1], [1, 0], ("ant", "bee"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beee", "names 'beee', and no class is called so; did you mean 'bee'?"),
        ("\x1bz", r"names '\x1bz', and no class is called so; there is"),
    ],
)
def test_a_class_that_is_not_there_is_named(name: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        of_classes(torch.tensor([0]), ["ant", "bee"], ("ant", name))
    assert words in str(caught.value)


def test_reference_pictures_are_the_first_of_each_class_then_the_second() -> None:
    labels = torch.tensor([3, 1, 1, 0, 3, 2])
    assert reference_pictures(labels).tolist() == [3, 1, 5, 0, 2, 4]
    assert reference_pictures(labels, 2).tolist() == [3, 1]
    many = torch.arange(25).repeat(2)
    assert reference_pictures(many).tolist() == list(range(40))
    assert reference_pictures(torch.zeros(0, dtype=torch.int64)).tolist() == []


@given(st.integers(1, 40), st.integers(1, 40))
def test_statistics_are_exact_however_pictures_are_cut(count: int, at_once: int) -> None:
    images = pictures(count)
    mean, std = channel_statistics(images.split(at_once))
    exact = images.double().div(255).transpose(0, 1).flatten(1)
    assert mean == pytest.approx(exact.mean(1).tolist(), abs=1e-14)
    assert std == pytest.approx(exact.std(1, correction=0).tolist(), abs=1e-14)
    assert (mean, std) == channel_statistics([images])


def test_a_channel_of_one_value_can_be_divided_by_its_deviation() -> None:
    images = torch.full((2, 3, 4, 4), 51, dtype=torch.uint8)
    assert channel_statistics([images]) == ((0.2, 0.2, 0.2), (1, 1, 1))


def test_a_digest_tells_pixels_labels_shapes_and_splits_apart() -> None:
    train, val = split(6), split(4)
    assert isinstance(train.images, torch.Tensor)
    other = train.images.clone()
    other[5, 2, 2, 3] ^= 1
    digests = {
        digest_of(train, val),
        digest_of(val, train),
        digest_of(train),
        digest_of(Split(other, train.labels), val),
        digest_of(Split(train.images, train.labels.flip(0)), val),
        digest_of(Split(train.images.view(6, 3, 4, 3), train.labels), val),
    }
    assert len(digests) == 6
    assert digest_of(split(6), split(4)) in digests


def test_a_digest_does_not_depend_on_memory_layout() -> None:
    train = split(6)
    assert isinstance(train.images, torch.Tensor)
    turned = train.images.contiguous(memory_format=torch.channels_last)
    assert digest_of(Split(turned, train.labels)) == digest_of(train)


@given(st.integers(1, 7))
def test_a_digest_does_not_depend_on_chunks(at_once: int) -> None:
    train = split(6)
    assert isinstance(train.images, torch.Tensor)
    digest = hashlib.sha256()
    chunks = train.images.split(at_once)
    passed = list(hashed(digest, train.images.shape, chunks, train.labels))
    assert torch.equal(torch.cat(passed), train.images)
    assert digest.hexdigest() == digest_of(train)
