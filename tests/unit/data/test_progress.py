"""Lines about long work: not too many, not too few, none about short work."""

import pytest

from tracker.data.progress import Progress


def said(times: list[float], steps: list[tuple[int, int]]) -> list[str]:
    """What is said of `steps`, the first of `times` being the beginning."""
    lines: list[str] = []
    clock = iter(times)
    progress = Progress(lines.append, lambda done, of: f"{done}/{of}", lambda: next(clock))
    for step in steps:
        progress(*step)
    return lines


def test_short_work_is_not_spoken_of() -> None:
    assert said([0, 1, 2, 4.9], [(10, 100), (50, 100), (99, 100)]) == []


def test_long_work_is_told_of_every_five_seconds_and_not_at_its_end() -> None:
    steps = [(done, 100) for done in (10, 20, 40, 60, 100)]
    assert said([0, 5, 9, 12, 130, 200], steps) == [
        "10/100, 45 s left",
        "40/100, 18 s left",
        "60/100, 1 min 27 s left",
    ]


def test_very_long_work_is_told_of_twenty_times() -> None:
    steps = [(done, 10_000) for done in range(1, 10_001)]
    assert len(said([60.0 * k for k in range(10_001)], steps)) == 19


@pytest.mark.parametrize("done", [1, 5])
def test_where_nobody_knows_how_much_there_is(done: int) -> None:
    assert said([0, 6], [(done, 0)]) == [f"{done}/0"]
