from tests.observed import curve, observed
from tracker.reading.gate.drift import drift_of


def test_it_is_the_furthest_up_to_each_step_over_all_repeats_of_a_seed() -> None:
    runs = [observed(seed, {"loss/train": (2.0, 1.5, 1.0)}) for seed in (1, 2)]
    repeats = [
        observed(1, {"loss/train": (2.0, 1.25, 1.0)}),
        observed(2, {"loss/train": (2.125, 1.5, 1.0)}),
        observed(1, {"loss/train": (2.0, 1.5, 1.03125)}),
    ]
    found = drift_of(runs, repeats)["loss/train"]
    assert found.steps == (1, 2, 3)
    assert [round(value, 3) for value in found.values] == [0.12, 0.25, 0.25]


def test_an_evaluation_right_after_the_first_step_is_followed_too() -> None:
    found = drift_of(
        [observed(1, early={"loss/val": curve([1.0])})],
        [observed(1, early={"loss/val": curve([1.5])})],
    )
    assert (found["loss/val"].steps, found["loss/val"].values) == ((1,), (0.5,))


def test_a_step_that_only_one_has_says_nothing() -> None:
    found = drift_of([observed(1)], [observed(1, {"loss/train": (2.0, 1.5, 1.0, 9.0)})])
    assert found["loss/train"].steps == (1, 2, 3)
    assert "loss/val" not in found
