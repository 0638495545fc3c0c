"""Chance: the published generator, rows that know nothing of each other, seeds that don't meet."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from tracker.data import seeding

integers = st.integers(-(2**70), 2**70)

GOLDEN, WORD = 0x9E3779B97F4A7C15, 2**64


def mixed(z: int) -> int:
    """The finalizer of the paper's splitmix64 (its `mix64variant13`), on plain integers."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
    return z ^ z >> 31


def bits(seed: int, row: int, column: int) -> int:
    """Number `column` (from 1) of the stream that begins where `seed` and `row` say."""
    start = mixed((row * GOLDEN + mixed(seed % WORD)) % WORD)
    return mixed((start + column * GOLDEN) % WORD)


@given(integers, st.integers(0, 2**40))
def test_numbers_are_those_of_a_plain_reading(seed: int, row: int) -> None:
    drawn = seeding.uniform(seed, torch.tensor([row]), 3)[0].tolist()
    assert drawn == [(bits(seed, row, column) >> 11) / 2**53 for column in (1, 2, 3)]


@given(integers, st.integers(1, 40))
def test_a_permutation_sorts_by_the_stream_of_each_number(seed: int, size: int) -> None:
    wanted = sorted(range(size), key=lambda row: bits(seed, row, 1))
    assert seeding.permutation(seed, size).tolist() == wanted


@given(integers, integers, integers)
def test_a_folded_seed_is_that_of_a_plain_reading(seed: int, one: int, other: int) -> None:
    state = mixed(seed % WORD)
    for part in (one, other):
        state = mixed((state + GOLDEN) % WORD ^ mixed(part % WORD))
    assert seeding.fold(seed, one, other) == state >> 1


def test_a_row_is_the_published_splitmix64_stream() -> None:
    # The first numbers of Vigna's splitmix64.c begun at 0, of which the upper 53 bits are kept.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    drawn = seeding.uniform(0, torch.tensor([0]), 3)[0] * 2**53
    assert drawn.long().tolist() == [number >> 11 for number in published]


def test_what_is_drawn_never_changes() -> None:
    # Whoever changes these numbers changes the outcome of every run.
    assert seeding.fold(1, 2, 3) == 7014166092904007455
    assert seeding.uniform(7, torch.tensor([0, 5]), 2).tolist() == [
        [0.7057653734953507, 0.4368036241616128],
        [0.837333042998825, 0.9684027249106566],
    ]
    assert seeding.permutation(7, 8).tolist() == [3, 6, 0, 1, 2, 7, 4, 5]


@given(integers, st.lists(integers, max_size=4))
def test_a_folded_seed_fits_what_takes_seeds(seed: int, parts: list[int]) -> None:
    folded = seeding.fold(seed, *parts)
    assert 0 <= folded < 2**63
    torch.Generator().manual_seed(folded)


def test_order_and_number_of_parts_matter() -> None:
    seeds = [(1, 2), (2, 1), (1,), (1, 0), (1, 0, 0), (0, 1), (0, 0, 1), (-1,), (2**63,)]
    folded = {seeding.fold(*parts) for parts in seeds}
    assert len(folded) == len(seeds)


def test_neighbouring_seeds_share_no_low_bits() -> None:
    # torch's generator looks at 32 bits only.
    low = {seeding.fold(0, epoch, step) & 0xFFFFFFFF for epoch in range(50) for step in range(50)}
    assert len(low) == 2500


@given(integers, st.lists(st.integers(0, 2**40), min_size=1, max_size=5), st.integers(1, 8))
def test_a_row_depends_on_nothing_but_seed_and_number(
    seed: int, rows: list[int], columns: int
) -> None:
    drawn = seeding.uniform(seed, torch.tensor(rows), columns)
    for row, numbers in zip(rows, drawn, strict=True):
        alone = seeding.uniform(seed, torch.tensor([row]), columns + 3)[0]
        assert torch.equal(numbers, alone[:columns])


def test_numbers_fill_the_unit_interval_evenly() -> None:
    drawn = seeding.uniform(3, torch.arange(1000), 100)
    assert drawn.dtype == torch.float64
    assert drawn.shape == (1000, 100)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = torch.histc(drawn, 20, 0, 1)
    assert (counts - 5000).abs().max() < 5 * 5000**0.5
    along = torch.stack([drawn[:-1, 0], drawn[1:, 0], drawn[:-1, 1]])
    assert (along.corrcoef() - torch.eye(3)).abs().max() < 0.15


@given(integers, st.integers(0, 300))
def test_a_permutation_holds_every_number_once(seed: int, size: int) -> None:
    order = seeding.permutation(seed, size)
    assert order.dtype == torch.int64
    assert sorted(order.tolist()) == list(range(size))


@pytest.mark.parametrize("place", [0, 3])
def test_every_number_comes_to_every_place(place: int) -> None:
    counts = torch.bincount(
        torch.tensor([int(seeding.permutation(seed, 4)[place]) for seed in range(2000)])
    )
    assert (counts - 500).abs().max() < 5 * 500**0.5
