"""Rows 1, 8, 10 and 35: killed at random instants, again and again, it comes out the same."""

from pathlib import Path

import pytest

from tests.faults.conftest import figures_of
from tests.faults.mutants import MUTANTS

pytestmark = pytest.mark.slow


def test_a_run_killed_at_random_instants_equals_one_never_killed(tmp_path: Path) -> None:
    [figures] = figures_of("storm", tmp_path, "100", "--servers")
    assert figures["failures"] == []
    assert figures["kills"] >= 100
    assert figures["identical"] == figures["finished"] > 0
    # Every second step is saved; while one save is on its way, those until the next are taken.
    assert figures["most_redone"] <= 4
    assert {"tracker", "EventAccumulator", "TensorBoard (Python)"} <= {*figures["shown_alike_by"]}


def test_on_a_slow_disk_too(tmp_path: Path) -> None:
    [figures] = figures_of("storm", tmp_path, "20", "--slow", "0.004", "--seed", "2")
    assert figures["failures"] == []
    assert figures["kills"] >= 20


def test_each_protection_taken_away_is_missed(tmp_path: Path) -> None:
    figures = figures_of("storm", tmp_path, "200", "--mutants")
    assert [one["mutant"] for one in figures] == list(MUTANTS)
    assert [one["mutant"] for one in figures if not one["failures"]] == []
