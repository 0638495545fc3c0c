"""What counts as better, and when to give up."""

import math

import pytest

from tracker.spec.experiment import EarlyStopping
from tracker.tags import Goal
from tracker.training.scores import Patience, Scores, beats


@pytest.mark.parametrize(
    ("value", "other", "goal", "by", "expected"),
    [
        (0.6, 0.5, "max", 0.0, True),
        (0.5, 0.5, "max", 0.0, False),
        (0.5, 0.6, "min", 0.0, True),
        (0.55, 0.5, "max", 0.1, False),
        (0.55, 0.6, "min", 0.1, False),
        (0.1, None, "max", 0.0, True),
        (math.nan, None, "max", 0.0, False),
        (math.inf, 0.5, "max", 0.0, False),
    ],
)
def test_beats(value: float, other: float | None, goal: Goal, by: float, expected: bool) -> None:
    assert beats(value, other, goal, by) is expected


def test_the_best_is_kept_with_its_step_and_nan_is_never_best() -> None:
    scores = Scores({"accuracy/val": "max", "loss/val": "min"})
    assert scores.note(10, {"accuracy/val": 0.5, "loss/val": 1.0}) == {"accuracy/val", "loss/val"}
    assert scores.note(20, {"accuracy/val": 0.4, "loss/val": math.nan, "other": 3.0}) == set()
    accuracy, loss = scores.metrics["accuracy/val"], scores.metrics["loss/val"]
    assert (accuracy.last, accuracy.last_step, accuracy.best, accuracy.best_step) == (
        0.4,
        20,
        0.5,
        10,
    )
    assert math.isnan(loss.last or 0)
    assert (loss.best, loss.best_step) == (1.0, 10)
    assert "other" not in scores.metrics


def test_evaluations_that_were_the_best_so_far_are_kept_with_their_time() -> None:
    scores = Scores({"accuracy/val": "max", "accuracy/train": "max"})
    for step, value in enumerate((0.5, 0.4, math.nan, 0.7, 0.7), 1):
        scores.note(step, {"accuracy/val": value}, seconds=step * 1.00049)
        scores.note(step, {"accuracy/train": value})
    assert scores.metrics["accuracy/val"].improvements == ((1, 1.0, 0.5), (4, 4.002, 0.7))
    assert scores.metrics["accuracy/train"].improvements == ()


def test_scores_survive_a_round_trip() -> None:
    scores = Scores({"accuracy/val": "max"})
    scores.note(10, {"accuracy/val": 0.5}, seconds=1.5)
    restored = Scores({"accuracy/val": "max"})
    restored.restore(scores.to_document())
    assert restored.metrics == scores.metrics
    assert restored.note(20, {"accuracy/val": 0.49}) == set()


def test_patience_counts_evaluations_without_improvement() -> None:
    spec = EarlyStopping(metric="loss/val", patience=2, min_delta=0.1)
    patience = Patience(spec)
    assert [patience.over(value) for value in (1.0, 0.95, 0.8, 0.75, 0.79)] == [
        False,
        False,
        False,
        False,
        True,
    ]
