"""Baseline and check of a spec, trained for real, as a person or a CI job does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracker.cli.main import main
from tracker.errors import TrackerError
from tracker.training import loop

SPEC: dict[str, Any] = {
    "name": "tiny",
    "data": {"name": "shapes", "train_size": 24, "val_size": 16},
    "model": {"backbone": "resnet9", "width": 4},
    "training": {"epochs": 2, "batch_size": 8, "threads": 1, "precision": "float32"},
    "logging": {
        "scalars_every": 1,
        "pictures_every": 0,
        "pr_curves": False,
        "histograms": "none",
        "projector": False,
        "git_diff": False,
    },
}
Tracker = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.slow


@pytest.fixture
def tracker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tracker:
    """Return a command line in a folder with the spec and a baseline of two of its seeds."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.json").write_text(json.dumps(SPEC))

    def ask(*arguments: str) -> tuple[int, str, str]:
        return main(arguments), *capsys.readouterr()

    assert ask("baseline", "tiny.json", "--seeds", "3,4", "-o", "b.json")[0] == 0
    return ask


def test_unchanged_code_passes_to_the_bit_and_leaves_no_runs(tracker: Tracker) -> None:
    code, out, err = tracker("check", "tiny.json", "--baseline", "b.json")
    assert code == 0
    assert "judged exact" in out
    assert "tiny/resnet9/s3 matches its baseline bit for bit" in err
    assert not Path("runs").exists()
    document = json.loads(Path("b.json").read_text())
    assert document["speed"]["ratio"] > 0
    assert document["memory"]["ratio"] > 0
    assert len(document["network"]["graph"]) == 64


def test_a_change_of_the_code_is_caught_and_dated(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.forward_loss  # type: ignore[attr-defined]

    def halved(*arguments: Any, **how: Any) -> Any:
        loss, *rest = real(*arguments, **how)
        return loss / 2, *rest

    monkeypatch.setattr(loop, "forward_loss", halved)
    code, out, _ = tracker("check", "tiny.json", "--baseline", "b.json")
    assert code == 7
    assert "first to differ, at step 1: loss/train, optim/grad_norm" in out


def test_other_threads_are_another_machine(tracker: Tracker) -> None:
    command = ("check", "tiny.json", "--baseline", "b.json", "--set", "training.threads=2")
    code, out, _ = tracker(*command)
    assert code == 0
    assert "judged statistical: run under other circumstances: threads 1 → 2" in out


def test_training_that_breaks_down_is_no_pass_and_still_reported(tracker: Tracker) -> None:
    command = ("check", "tiny.json", "--baseline", "b.json", "--set", "optimizer.lr=900")
    code, out, _ = tracker(*command, "--junit", "j.xml")
    assert code == 8
    assert "failed: the validation loss is nan at step 3" in out
    assert 'errors="1"' in Path("j.xml").read_text()


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (SystemExit(0), "training ended with SystemExit: 0"),
        (SystemExit(125), "training ended with SystemExit: 125"),
        (KeyError("lr"), "training ended with KeyError: 'lr'"),
        (SyntaxError("invalid syntax"), "training ended with SyntaxError: invalid syntax"),
        (TrackerError("should be impossible"), "training ended with TrackerError"),
        (ValueError("shapes differ"), "shapes differ"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_however_training_code_ends_it_is_no_answer(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, ends: BaseException, words: str
) -> None:
    def end(*_: Any, **__: Any) -> None:
        raise ends

    monkeypatch.setattr(loop, "forward_loss", end)
    code, out, _ = tracker("check", "tiny.json", "--baseline", "b.json", "--junit", "j.xml")
    assert code == 8
    assert words in out
    assert "tracker-check-" not in out, "a folder that is gone"
    log = Path("runs/check/tiny resnet9 s3/log.txt")
    if isinstance(ends, SystemExit):  # of which nothing is logged
        assert f"{Path(__file__)}, line" in out
        return
    assert str(log) in out
    assert str(log) in Path("j.xml").read_text()
    assert str(ends) in log.read_text()
    assert "tiny" not in tracker("ls")[1], "a log is no run"


def test_code_that_can_t_be_imported_is_no_answer(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tracker.launch.short", None)  # as if it had a syntax error
    code, out, _ = tracker("check", "tiny.json", "--baseline", "b.json")
    assert code == 8
    assert "training ended with ModuleNotFoundError" in out


def test_where_the_log_can_t_be_kept_the_answer_stands(tracker: Tracker) -> None:
    Path("runs").mkdir()
    Path("runs/check").write_text("in the way")
    command = ("check", "tiny.json", "--baseline", "b.json", "--set", "optimizer.lr=900")
    code, out, _ = tracker(*command)
    assert code == 8
    assert "the validation loss is nan at step 3" in out
    assert "its log is lost: cannot write" in out


def test_a_bug_in_the_evaluation_is_seen_on_another_machine(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.evaluate  # type: ignore[attr-defined]

    def off(*arguments: Any) -> Any:
        found: Any = real(*arguments)
        return replace(found, loss=found.loss * 1.00005)

    monkeypatch.setattr(loop, "evaluate", off)
    command = ("check", "tiny.json", "--baseline", "b.json", "--set", "training.threads=2")
    code, out, _ = tracker(*command)
    assert code == 7
    assert "fail: loss/val (same seed): seed 3, step 1: " in out


def test_a_baseline_says_how_far_rounding_carries_it(tracker: Tracker) -> None:
    document = json.loads(Path("b.json").read_text())
    drift = document["drift"]
    assert list(drift) == ["accuracy/val", "loss/train", "loss/val", "optim/grad_norm"]
    assert drift["loss/train"]["steps"] == [1, 2, 3, 4, 5, 6]
    assert drift["loss/val"]["steps"] == [1, 3, 6]
    assert 0 < drift["loss/train"]["values"][1] < 1e-2
    assert drift["loss/train"]["values"] == sorted(drift["loss/train"]["values"])


def test_a_shorter_run_cannot_be_compared(tracker: Tracker) -> None:
    code, out, _ = tracker("check", "tiny.json", "--baseline", "b.json", "--max-steps", "5")
    assert code == 8
    assert "seed 3 has no point at step 6 any more" in out


def test_runs_can_be_kept_and_checked_again(tracker: Tracker) -> None:
    assert tracker("check", "tiny.json", "--baseline", "b.json", "--keep")[0] == 0
    code, out, _ = tracker("check", "@last", "--baseline", "b.json")
    assert code == 0
    assert "judged exact" in out


def test_run_ends_with_7_where_its_expectation_is_not_met(tracker: Tracker) -> None:
    def run(expect: dict[str, Any]) -> tuple[int, str, str]:
        return tracker("run", "tiny.json", "--again", "--set", f"expect={json.dumps(expect)}")

    assert run({"accuracy/val": {"min": 0.0}, "loss/train": {"max": 9, "at_step": 3}})[0] == 0
    code, _, err = run({"accuracy/val": {"min": 1.0}})
    assert code == 7
    assert "does not meet accuracy/val (expect): " in err
    assert "at least 1 is expected" in err
    again = ("run", "tiny.json", "--skip-finished", "--set", 'expect={"accuracy/val":{"min":1}}')
    assert tracker(*again, "--set", "name=strict")[0] == 7
    assert tracker(*again, "--set", "name=strict")[0] == 7  # a retry is no way round it
    assert run({"loss/train": {"max": 9, "at_step": 7}})[0] == 7
    assert run({"perf/images_per_second": {"min_ratio": 0.5}})[0] == 0
