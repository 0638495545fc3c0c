"""Which classes each group takes for which, and where that differs from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.reading.report.evaluated import Judged

MOST_CLASSES = 20  # of which a whole matrix can be read
_PAIRS = 12


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix of a group: rows are true classes, columns what they were taken for.

    `shares` are per cent of each row, from 0 to 100; with a reference, `gaps` are those less the
    reference's, in points. `counts` are pictures, over all runs read.
    """

    number: int
    name: str
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    gaps: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True)
class Pair:
    """Two classes that are confused: in per cent of the pictures of `true`, by group.

    `gaps` are each share less that of the reference, None for the reference itself.
    """

    true: str
    taken: str
    shares: tuple[float, ...]
    gaps: tuple[float | None, ...]


@dataclass(frozen=True)
class Confusions:
    """The matrices of all groups that have one (none with too many classes), and what stands out.

    `reference` is the name of the group the gaps are to, empty where it has no matrix. `pairs` are
    those that the groups differ in most; of a single group, those it confuses most.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    reference: str
    matrices: tuple[Matrix, ...]
    pairs: tuple[Pair, ...]


def confusions(groups: Sequence[Judged], reference: str) -> Confusions | None:
    """Put the matrices of `groups` side by side; None where no group has one."""
    known = [each for each in groups if each.confusion is not None]
    if not known:
        return None
    base = next((each for each in known if each.name == reference), None)
    first = base or known[0]
    size = _counts(first).shape
    known = [each for each in known if _counts(each).shape == size]
    shares = np.stack([_shares(_counts(each)) for each in known])
    gaps = None if base is None else shares - _shares(_counts(base))
    classes = next((one.classes for one in first.of_runs if one.classes), ())
    classes = classes or tuple(map(str, range(size[0])))
    matrices = [
        Matrix(
            number=each.number,
            name=each.name,
            counts=tuple(map(tuple, _counts(each).tolist())),
            shares=tuple(map(tuple, shares[at].tolist())),
            gaps=None if gaps is None or each is base else tuple(map(tuple, gaps[at].tolist())),
        )
        for at, each in enumerate(known)
    ]
    return Confusions(
        classes=classes,
        names=tuple(each.name for each in known),
        reference=base.name if base else "",
        matrices=tuple(matrices) if size[0] <= MOST_CLASSES else (),
        pairs=tuple(_pairs(classes, shares, gaps, known.index(base) if base else None)),
    )


def _counts(each: Judged) -> NDArray[np.int64]:
    assert each.confusion is not None
    return each.confusion


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per cent of each row; 0 where a class has no picture."""
    return np.asarray(100.0 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _pairs(
    classes: Sequence[str],
    shares: NDArray[np.float64],
    gaps: NDArray[np.float64] | None,
    base: int | None,
) -> list[Pair]:
    weights = shares.max(axis=0) if gaps is None or len(shares) < 2 else np.abs(gaps).max(axis=0)
    weights = weights * (1 - np.eye(len(weights)))
    order = np.argsort(-weights, axis=None, kind="stable")[:_PAIRS]
    found = []
    for true, taken in zip(*np.unravel_index(order, weights.shape), strict=True):
        if weights[true, taken] > 0:
            found.append(
                Pair(
                    true=classes[true],
                    taken=classes[taken],
                    shares=tuple(shares[:, true, taken].tolist()),
                    gaps=tuple(
                        None if gaps is None or at == base else float(gaps[at, true, taken])
                        for at in range(len(shares))
                    ),
                )
            )
    return found
