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
    result.stdout.fnmatch_lines(
        ["there is no */baselines/test_own/test_own-first.json", "--update-baselines records it"]
    )


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
    run(pytester, "--update-baselines").assert_outcomes(failed=1)  # both baselines in one go
    run(pytester).assert_outcomes(passed=1)
    found = {path.name: path for path in Path(pytester.path).glob("baselines/test_short/*")}
    assert found.keys() == {"test_short.json", "test_short-seeds.json"}
    document = json.loads(found["test_short-seeds.json"].read_text())
    assert list(document["early"]["loss/val"]) == ["0", "1"]
    assert document["drift"]["loss/val"]["steps"] == [1]


WRONG = [
    ("[]", "UsageError: there is no run to hold against the baseline: the list is empty"),
    ("{}", "UsageError: seed 0 has no curves"),
    ("'nowhere'", "UsageError: there is no folder nowhere"),
    ("7", "UsageError: a int is no run, no folder and no curves by tag"),
    ("{'loss': ['a']}", "UsageError: loss must hold numbers: *"),
    ("LOSS, mode='fuzzy'", "UsageError: mode must be 'exact' or 'statistical', not 'fuzzy'"),
    ("LOSS, metrics='loss'", "UsageError: metrics must be a list of tags, such as *'loss'*"),
    ("LOSS, metrics=['los']", "UsageError: not every run has a series 'los'; did you mean loss?"),
    ("LOSS, false_alarms=1", "UsageError: false_alarms must be a share between 0 and 0.5, not 1"),
    ("LOSS, expect={'loss': 3}", "UsageError: expect*'loss'* must be such as *"),
    ("LOSS, expect={'loss': {'mn': 3, 'min': 1}}", "UsageError: * has 'mn'; there are min, max, *"),
    ("LOSS, expect={'loss': {'max': '3'}}", "UsageError: *: max must be a number, not '3'"),
    ("LOSS, expect={'loss': {'max': 1, 'at_step': 1.5}}", "UsageError: *a whole number, not 1.5"),
]


def test_each_argument_that_is_wrong_is_one_line_that_says_so(pytester: pytest.Pytester) -> None:
    calls = "".join(
        f"def test_{number}(assert_matches_baseline):\n    assert_matches_baseline({call})\n"
        for number, (call, _) in enumerate(WRONG)
    )
    pytester.makepyfile(test_wrong=f"LOSS = {{'loss': [2.0, 1.0]}}\n{calls}")
    for arguments in ((), ("--update-baselines",)):
        result = run(pytester, *arguments)
        result.assert_outcomes(failed=len(WRONG))
        for _, words in WRONG:
            result.stdout.fnmatch_lines([f"E * {words}"])
        assert "pytest_plugin.py:" not in result.stdout.str(), "the test is to be shown, not ours"
    assert not (pytester.path / "baselines").exists()


def test_a_spec_that_is_not_there_and_no_seeds_are_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_wrong="""
        def test_file(short_run):
            short_run("nowhere.json")
        def test_seeds(short_run):
            short_run.several({"name": "a"}, seeds=[])
        """
    )
    result = run(pytester)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E *UsageError: there is no experiment file nowhere.json"])
    result.stdout.fnmatch_lines(["E *UsageError: seeds must name one at least"])


def test_what_is_expected_and_judged_by_holds_for_curves_of_one_s_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        test_expect="""
        import os
        ASKED = {"metrics": os.environ["METRICS"].split()}
        def test_it(assert_matches_baseline):
            curves = {"loss": [2.0, 1.0], "score": [0.1, 0.9]}
            expect = {"loss": {"max": float(os.environ["MOST"])}}
            assert_matches_baseline(curves, metrics=ASKED["metrics"], expect=expect)
        """
    )
    monkeypatch.setenv("MOST", "1.5")
    monkeypatch.setenv("METRICS", "loss")
    run(pytester, "--update-baselines").assert_outcomes(failed=1)
    run(pytester).assert_outcomes(passed=1)
    monkeypatch.setenv("METRICS", "score")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*/test_it.json judges by loss"])
    monkeypatch.setenv("METRICS", "loss")
    monkeypatch.setenv("MOST", "0.5")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["fail: loss (expect): seed 0 came to 1"])


def test_all_baselines_of_a_test_are_recorded_at_once_in_parallel_too(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_two="""
        def test_it(assert_matches_baseline):
            assert_matches_baseline({"loss": [2.0, 1.0]}, "one")
            assert_matches_baseline({"loss": [3.0, 1.0]}, "other")
        """
    )
    result = run(pytester, "--update-baselines", "-n", "2")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_it-one.json is recorded anew; *", "*test_it-other.json *"])
    run(pytester, "-n", "2").assert_outcomes(passed=1)
