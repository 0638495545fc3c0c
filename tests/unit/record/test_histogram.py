"""Bins that hold every finite number once, whatever the tensor."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tracker.record.histogram import BINS, histogram


def test_counts_are_numpy_s() -> None:
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    bins = histogram(values.view(10, 100))
    assert bins is not None
    counts, edges = np.histogram(values.numpy(), BINS)
    assert np.array_equal(bins[:, 2], counts)
    assert np.allclose(bins[:, 0], edges[:-1])
    assert np.allclose(bins[:, 1], edges[1:])


@pytest.mark.parametrize(("value", "width"), [(0.0, 1.0), (0.25, 1.0), (-8.0, 8.0), (3e30, 3e30)])
def test_a_constant_stands_in_the_middle_of_an_axis_that_can_be_read(
    value: float, width: float
) -> None:
    bins = histogram(torch.full((7,), value))
    assert bins is not None
    assert bins[-1, 1] - bins[0, 0] == pytest.approx(width)
    assert bins[0, 0] + width / 2 == pytest.approx(value)
    assert bins[:, 2].sum() == 7
    assert bins[BINS // 2 - 1 : BINS // 2 + 1, 2].sum() == 7


def test_what_is_not_finite_is_left_out() -> None:
    bins = histogram(torch.tensor([1.0, math.nan, 2.0, math.inf, -math.inf]))
    assert bins is not None
    assert bins[:, 2].sum() == 2
    assert (bins[0, 0], bins[-1, 1]) == (1.0, 2.0)
    assert histogram(torch.tensor([math.nan, math.inf])) is None
    assert histogram(torch.zeros(0)) is None


def test_counts_beyond_what_float32_holds_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    bins = histogram(torch.zeros(1).expand((1 << 24) + 3))
    assert bins is not None
    assert bins[:, 2].sum() == (1 << 24) + 3


@given(st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_any_tensor_of_any_type(numbers: list[float]) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        values = torch.tensor(numbers, dtype=dtype).requires_grad_()
        bins = histogram(values)
        finite = int(values.detach().float().isfinite().sum())
        if bins is None:
            assert finite == 0
            continue
        assert bins[:, 2].sum() == finite
        assert np.isfinite(bins).all()
        assert (bins[:, 1] > bins[:, 0]).all()
