"""Chance as a function: numbers drawn from a seed and a position, with no generator to carry along.

Everything here is splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014) on plain integers, so what is drawn never changes with the version of
torch or numpy, with the device, or with what was drawn before it. torch's CPU generator, by
contrast, looks at the low 32 bits of its seed only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def fold(seed: int, *parts: int) -> int:
    """One seed from several integers: order and number of `parts` matter, any integer is taken.

    Returns 0 <= seed < 2**63, so that it fits `torch.Generator.manual_seed` and an int64.
    """
    state = _mix(seed & _MASK)
    for part in parts:
        state = _mix((state + _GOLDEN & _MASK) ^ _mix(part & _MASK))
    return state >> 1


def uniform(seed: int, rows: Tensor, columns: int) -> Tensor:
    """Numbers in [0, 1), float64 [len(rows), columns].

    Row i depends on `seed` and `rows[i]` (int64) alone, and begins the same with any `columns`.
    """
    return torch.from_numpy((_bits(seed, rows, columns) >> np.uint64(11)) * 2.0**-53)


def permutation(seed: int, size: int) -> Tensor:
    """The numbers 0 to `size` - 1 in an order drawn from `seed`, int64 [size]."""
    bits = _bits(seed, torch.arange(size), 1)[:, 0]
    # Each number's bits are its own, for every step from one to the other can be undone: there are
    # no ties, and the fastest sort gives the same order as any other.
    return torch.from_numpy(np.argsort(bits))


def _bits(seed: int, rows: Tensor, columns: int) -> npt.NDArray[np.uint64]:
    """64 random bits per number: each row is a splitmix64 stream of its own."""
    golden = np.uint64(_GOLDEN)
    keys = _mix_array(rows.numpy().astype(np.uint64) * golden + np.uint64(_mix(seed & _MASK)))
    return _mix_array(keys[:, None] + np.arange(1, columns + 1, dtype=np.uint64) * golden)


def _mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _mix_array(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits
