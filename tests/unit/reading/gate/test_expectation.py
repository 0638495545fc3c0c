import pytest

from tests.observed import observed
from tracker.reading.gate.expectation import expected
from tracker.spec.experiment import Expectation


@pytest.mark.parametrize(
    ("expectation", "status", "words"),
    [
        (Expectation(tag="accuracy/val", min=0.6), "pass", "as expected"),
        (Expectation(tag="accuracy/val", min=0.7), "fail", "x/y/s0 came to 0.6"),
        (Expectation(tag="loss/train", max=1.5, at_step=2), "pass", "as expected"),
        (Expectation(tag="loss/train", max=1.4, at_step=2), "fail", "x/y/s0 came to 1.5"),
        (Expectation(tag="loss/train", max=9, at_step=4), "fail", "x/y/s0 ended at step 3"),
        (Expectation(tag="loss/val", max=9), "fail", "x/y/s0 has no point of it to judge"),
        (Expectation(tag="perf/images_per_second", min=100), "pass", "as expected"),
        (Expectation(tag="perf/images_per_second", min=2000), "fail", "x/y/s0 came to 1000"),
    ],
)
def test_what_a_run_came_to(expectation: Expectation, status: str, words: str) -> None:
    [found] = expected(observed(0, expect=(expectation,), images_per_second=1000.0))
    assert (found.status, found.words) == (status, words)


def test_nan_keeps_no_bound() -> None:
    run = observed(
        0,
        {"loss/train": (1.0, float("nan"))},
        expect=(Expectation(tag="loss/train", max=9),),
    )
    assert expected(run)[0].status == "fail"


def test_bounds_and_step_are_told() -> None:
    one = Expectation(tag="loss/train", min=0.5, max=1.25, at_step=2)
    [found] = expected(observed(0, expect=(one,)))
    assert found.metric == "loss/train@2 (expect)"
    assert found.tolerance == "at least 0.5 and at most 1.25"


def test_a_share_of_the_baseline_s_speed_is_not_for_a_run_alone() -> None:
    one = Expectation(tag="perf/images_per_second", min_ratio=0.8)
    assert expected(observed(0, expect=(one,))) == []
