"""Curves show the numbers that they were read from, all of them or said so, and gaps as gaps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tracker.reading.comparison.bands import Band, read_curves
from tracker.reading.comparison.compare import compare
from tracker.reading.report.curves import LINES, POINTS, plot, plots, series_of
from tracker.store.index import list_runs
from tracker.store.run import Run

TAG = "loss/val"


def band(values: object, first: int = 1) -> Band:
    rows = np.array(values, dtype=np.float64)
    steps = np.arange(first, first + rows.shape[1])
    units = tuple(f"seed {seed}" for seed in range(len(rows)))
    return Band(units, steps, rows, members=len(rows), longest=int(steps[-1]))


def test_a_point_says_its_step_its_mean_and_its_spread() -> None:
    [curve] = plot(TAG, ["a"], {0: band([[1.0, 2.0], [3.0, 2.0]])}).curves
    assert [(step, words) for _, _, step, words in curve.points] == [
        (1, "2.000 ± 1.414"),
        (2, "2.000 ± 0.000"),
    ]
    assert len(curve.members) == 2


def test_a_single_run_has_neither_band_nor_thin_line() -> None:
    [curve] = plot("accuracy/val", ["a"], {0: band([[0.5, 0.75]])}).curves
    assert (curve.band, curve.members) == ("", ())
    assert [words for *_, words in curve.points] == ["50.00", "75.00"]


def test_higher_is_higher_on_the_paper() -> None:
    [curve] = plot(TAG, ["a"], {0: band([[1.0, 2.0, 1.5]])}).curves
    heights = [y for _, y, *_ in curve.points]
    assert heights[1] < heights[2] < heights[0]
    assert [x for x, *_ in curve.points] == [54, 301, 548]


def test_what_is_no_number_is_a_gap_and_is_said() -> None:
    found = plot(TAG, ["a"], {0: band([[1.0, np.nan, 2.0, 3.0], [1.0, 1.0, 2.0, 3.0]])})
    [curve] = found.curves
    assert curve.mean.count("M") == 2  # two strokes
    assert curve.band.count("M") == 1  # a single point has no area
    assert [step for _, _, step, _ in curve.points] == [1, 3, 4]
    assert found.notes == ("a mean is not a number from step 2 on",)


def test_of_many_points_some_are_drawn_and_the_ends_always() -> None:
    found = plot(TAG, ["a"], {0: band([np.linspace(2, 1, 1000)])})
    steps = [step for _, _, step, _ in found.curves[0].points]
    assert (len(steps), steps[0], steps[-1]) == (POINTS, 1, 1000)
    assert found.notes == (f"of 1,000 points {POINTS} are drawn, evenly spread",)


def test_of_many_runs_the_mean_and_the_band_are_drawn() -> None:
    found = plot(TAG, ["a"], {0: band(np.ones((LINES + 1, 2)))})
    assert found.curves[0].members == ()
    assert found.notes == (f"single runs are not drawn, there being more than {LINES}",)


def test_losses_far_apart_are_drawn_by_their_ratios() -> None:
    assert plot(TAG, ["a"], {0: band([[100.0, 1.0]])}).notes == ("the scale is logarithmic",)


def test_where_each_group_ends_is_said_for_those_who_do_not_see_it() -> None:
    found = plot("accuracy/val", ["a", "b"], {0: band([[0.5, 0.6]]), 1: band([[0.1, 0.2]])})
    assert found.end == "a 60.00; b 20.00"


def test_where_only_some_runs_go_on_the_end_says_which_step_it_is_of() -> None:
    cut = replace(band([[0.5, 0.6]]), longest=300)
    found = plot("accuracy/val", ["A", "b"], {0: cut, 1: band([[0.1, 0.2]])})
    assert found.end == "A 60.00 at step 2, the last that all its runs have; b 20.00"
    assert found.notes == (
        "not to the end of every run: A at step 2, the last that all its runs have",
    )


def test_a_curve_of_some_members_says_of_how_many() -> None:
    found = plot("accuracy/val", ["A"], {0: replace(band([[0.5, 0.6]]), members=3)})
    assert found.notes == ("not all runs of a group have this series: A 1 of 3",)


@pytest.mark.parametrize(("until", "steps"), [(None, [10, 20, 30]), (20, [10, 20])])
def test_the_curves_of_runs_are_those_of_their_event_files(
    tmp_path: Path, make_run: Callable[..., Run], until: int | None, steps: list[int]
) -> None:
    for backbone in ("resnet50", "se_resnet50"):
        for seed in (0, 1):
            make_run(tmp_path, backbone, seed, accuracy=(0.5, 0.9, 0.8 + seed / 10))
    comparison = compare(list_runs(tmp_path))
    series = series_of(comparison)
    found = plots(read_curves([each.group for each in comparison.groups], series, until), series)
    assert [one.tag for one in found] == ["accuracy/val", "loss/val"]
    [first, _] = found[0].curves
    assert [step for _, _, step, _ in first.points] == steps
    assert [words for *_, words in first.points][:2] == ["50.00 ± 0.00", "90.00 ± 0.00"]
    if until is None:
        assert first.points[-1][3] == "85.00 ± 7.07"
