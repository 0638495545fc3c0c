"""What is said of a comparison, word for word."""

import pytest

from tests.records import record
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.words import (
    amount,
    chance,
    interval,
    question,
    sentences,
    spread,
)

BASE = (0.70, 0.72, 0.71)


def told(*groups: tuple[float, ...], tag: str = "accuracy/val") -> list[str]:
    records = [
        record(backbone, seed, {tag: value}, metric=tag)
        for backbone, values in zip(("resnet50", "se_resnet50"), groups, strict=True)
        for seed, value in enumerate(values)
    ]
    return [question(compare(records)), *sentences(compare(records))]


def test_the_better_one() -> None:
    assert told(BASE, (0.75, 0.765, 0.764)) == [
        "Which model.backbone is best by the last accuracy/val (higher is better)?",
        "se_resnet50 is better than resnet50 by 4.97 ± 0.45 points of accuracy/val "
        "(paired over 3 seeds, 95 % interval 3.85 to 6.09, "
        "p = 0.0027, 0.0055 by Holm over 2 tests)",
    ]


def test_the_worse_one_is_told_with_positive_numbers() -> None:
    assert told((0.75, 0.765, 0.764), BASE)[1] == (
        "se_resnet50 is worse than resnet50 by 4.97 ± 0.45 points of accuracy/val "
        "(paired over 3 seeds, 95 % interval 3.85 to 6.09, p = 0.0027, 0.0055 by Holm over 2 tests)"
    )


def test_noise() -> None:
    assert told(BASE, (0.72, 0.70, 0.73))[1] == (
        "se_resnet50 and resnet50 are indistinguishable at n = 3: a difference under 8.27 points "
        "of accuracy/val would not show (seen: +0.67 ± 2.31, paired over 3 seeds, "
        "p = 0.67, 1 by Holm over 2 tests)"
    )


def test_two_seeds_may_show_nothing_at_all() -> None:
    assert told((0.5, 0.6), (0.55, 0.45))[1] == (
        "se_resnet50 and resnet50 are indistinguishable at n = 2: no difference at all would show, "
        "whatever its size: more seeds would (seen: -5.00 ± 14.14, paired over 2 seeds, "
        "p = 0.7, 1 by Holm over 2 tests)"
    )


def test_identical_ones() -> None:
    assert told(BASE, BASE)[1] == (
        "se_resnet50 and resnet50 are indistinguishable at n = 3: they are identical"
    )


def test_one_seed() -> None:
    assert told((0.70,), (0.69,))[1].startswith(
        "se_resnet50 is 1.00 points of accuracy/val below resnet50, but one run can't tell a "
        "difference from chance: run more seeds"
    )


def test_a_loss_has_no_points() -> None:
    assert told((1.0, 1.1, 1.2), (0.5, 0.62, 0.71), tag="loss/val") == [
        "Which model.backbone is best by the last loss/val (lower is better)?",
        "se_resnet50 is better than resnet50 by 0.490 ± 0.010 of loss/val "
        "(paired over 3 seeds, 95 % interval 0.465 to 0.515, "
        "p = 0.00014, 0.00028 by Holm over 2 tests)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (amount(None, "accuracy/val"), "–"),
        (amount(0.7345, "accuracy/val"), "73.45"),
        (amount(0.01, "accuracy/val", signed=True), "+1.00"),
        (amount(1.23456, "loss/val"), "1.235"),
        (amount(0.00012, "mse"), "1.20e-04"),
        (amount(0.0, "mse"), "0.000"),
        (amount(123456.0, "mse"), "123456"),
        (amount(1.5e12, "mse"), "1.50e+12"),
        (amount(-0.0004, "mse", within=0.011), "0.000"),
        (amount(float("inf"), "mse"), "inf"),
        (spread(0.5, 0.0004, "loss/val"), "0.50000 ± 0.00040"),
        (spread(15000.2, 1.27, "mse"), "15000.2 ± 1.3"),
        (spread(0.00021, 0.00004, "mse"), "0.000210 ± 0.000040"),
        (spread(0.7, 0.000123, "accuracy/val"), "70.000 ± 0.012"),
        (spread(0.5, 0.0, "loss/val"), "0.500 ± 0.000"),
        (spread(0.5, None, "loss/val"), "0.500"),
        (interval(None, None, "loss/val"), "–"),
        (interval(-0.079, -0.001, "loss/val", "…"), "-0.079…-0.001"),
        (chance(None), "–"),
        (chance(0.00001), "<0.0001"),
        (chance(0.0123), "0.012"),
        (chance(0.0496), "0.0496"),
        (chance(0.0501), "0.0501"),
        (chance(0.999), "1"),
    ],
)
def test_numbers(text: str, expected: str) -> None:
    assert text == expected
