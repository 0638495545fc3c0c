from collections.abc import Iterator
from itertools import accumulate, chain, cycle, islice, repeat

import pytest
import torch

from tracker.launch.calibrate import calibrate
from tracker.training.machine import Machine

HERE = Machine(torch.device("cpu"), "float32", channels_last=False, threads=1)


def clock(rounds: Iterator[float]) -> Iterator[float]:
    """Tell the time so that each round takes as long as `rounds` says, and no time passes else."""
    return accumulate(chain.from_iterable((0.0, each) for each in rounds))


def test_the_median_round_counts() -> None:
    times = clock(chain([0.1, 9.0, 0.1], repeat(0.1)))
    assert calibrate(HERE, lambda: next(times)).kernels_per_second == pytest.approx(10)


def test_it_lasts_half_a_second_and_five_rounds() -> None:
    seconds = cycle([0.01, 0.02])
    times = list(islice(clock(seconds), 200))
    left = iter(times)
    calibrate(HERE, lambda: next(left))
    looks = len(times) - len(list(left))
    assert looks == 2 * 34, "two per round; 34 rounds of 15 ms make half a second"
    slow = clock(repeat(3.0))
    assert calibrate(HERE, lambda: next(slow)).kernels_per_second == pytest.approx(1 / 3)


def test_it_leaves_the_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    found = calibrate(HERE)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.peak_memory_bytes > 2**20
