"""The plugin as other people's tests use it: a pytest within pytest, some of it in parallel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

OWN = """
import os
def losses(rate):
    value, found = 4.0, []
    for _ in range(20):
        value -= rate * 2 * value
        found.append(value * value)
    return found
def test_own(assert_matches_baseline):
    assert_matches_baseline({"loss": losses(float(os.environ["RATE"]))}, name="first")
def test_another(assert_matches_baseline):
    assert_matches_baseline({"loss": [(10, 2.0), (20, 1.0)]})
"""
SHORT = """
SPEC = {
    "name": "tiny",
    "data": {"name": "shapes", "train_size": 16, "val_size": 8},
    "model": {"backbone": "resnet9", "width": 4},
    "training": {"batch_size": 8, "threads": 1, "device": "cpu", "precision": "float32"},
    "logging": {"scalars_every": 1, "pictures_every": 0, "pr_curves": False,
                "histograms": "none", "projector": False, "git_diff": False},
}
def test_short(short_run, assert_matches_baseline):
    run = short_run(SPEC, max_steps=2, optimizer__lr=0.05)
    assert run.record.asked["optimizer"]["lr"] == 0.05
    assert_matches_baseline(run)
    assert_matches_baseline(list(short_run.several(SPEC, max_steps=1, seeds=[0, 1])), "seeds")
"""


@pytest.fixture
def tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a folder of tests of somebody's own training code."""
    monkeypatch.setenv("RATE", "0.05")
    pytester.makepyfile(test_own=OWN)
    return pytester


def run(tests: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return tests.runpytest_subprocess("-p", "tracker.pytest_plugin", *arguments)


def test_what_was_not_recorded_fails_and_says_how(tests: pytest.Pytester) -> None:
    result = run(tests)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["there is no */baselines/test_own/test_own-first.json; *"])


@pytest.mark.slow
def test_it_is_recorded_in_parallel_then_met_then_missed(
    tests: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = run(tests, "--update-baselines", "-n", "2")
    recording.assert_outcomes(failed=2)
    recording.stdout.fnmatch_lines(["*test_own-first.json is recorded anew; look at it*"])
    files = sorted(tests.path.glob("baselines/test_own/*.json"))
    assert [path.name for path in files] == ["test_another.json", "test_own-first.json"]
    before = [path.read_bytes() for path in files]
    run(tests, "-n", "2").assert_outcomes(passed=2)
    run(tests, "--update-baselines").assert_outcomes(passed=2)
    assert [path.read_bytes() for path in files] == before, "what is met is not written again"
    monkeypatch.setenv("RATE", "0.0500001")
    result = run(tests)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["this does not match *test_own-first.json", "*fail: loss: *step 1*"]
    )
    assert [path.read_bytes() for path in files] == before
    run(tests, "--update-baselines").assert_outcomes(passed=1, failed=1)
    run(tests).assert_outcomes(passed=2)


def test_baselines_can_lie_elsewhere(tests: pytest.Pytester) -> None:
    run(tests, "--update-baselines", "--baselines-dir", "kept").assert_outcomes(failed=2)
    document = json.loads((tests.path / "kept/test_own/test_another.json").read_text())
    assert document["curves"]["loss"]["0"] == {"steps": [10, 20], "values": [2.0, 1.0]}


def test_tests_that_would_be_called_alike_have_baselines_of_their_own(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_alike="""
        import pytest
        class TestA:
            def test_m(self, assert_matches_baseline):
                assert_matches_baseline({"loss": [(1, 1.0), (2, 0.5)]})
        class TestB:
            def test_m(self, assert_matches_baseline):
                assert_matches_baseline({"loss": [(1, 3.0), (2, 2.5)]})
        @pytest.mark.parametrize("p", ["a/b", "a_b"])
        def test_p(p, assert_matches_baseline):
            assert_matches_baseline({"loss": [(1, 1.0 + len(p.split("/"))), (2, 0.5)]})
        """
    )
    run(pytester, "--update-baselines").assert_outcomes(failed=4)
    run(pytester).assert_outcomes(passed=4)


@pytest.mark.slow
def test_a_short_run_of_a_spec_matches_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_short=SHORT)
    run(pytester, "--update-baselines").assert_outcomes(failed=1)
    run(pytester, "--update-baselines").assert_outcomes(failed=1)  # the second baseline in it
    run(pytester).assert_outcomes(passed=1)
    found = {path.name for path in Path(pytester.path).glob("baselines/test_short/*")}
    assert found == {"test_short.json", "test_short-seeds.json"}
