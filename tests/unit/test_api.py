"""tracker from Python: what a notebook does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tracker
from tracker.errors import NoSuchRun, NotComparable, UsageError
from tracker.reading.serving.notebook import Inline
from tracker.store.run import Run


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Path:
    for seed, gain in enumerate((0.05, 0.06, 0.04)):
        make_run(tmp_path, "resnet50", seed, accuracy=(0.5, 0.6, 0.7 + seed / 100))
        make_run(tmp_path, "se_resnet50", seed, accuracy=(0.5, 0.6, 0.7 + seed / 100 + gain))
    make_run(tmp_path, "resnet50", 0, name="other")
    (tmp_path / "other").rename(tmp_path / "<b>other")
    monkeypatch.setenv("TRACKER_RUNS", str(tmp_path))
    return tmp_path


def test_runs_are_opened_all_or_by_name(root: Path) -> None:
    assert len(tracker.open_runs()) == 7
    runs = tracker.open_runs("first/se_resnet50")
    assert [run.id for run in runs] == [f"first/se_resnet50/s{seed}" for seed in (0, 1, 2)]
    assert [run.id for run in runs[1:]] == ["first/se_resnet50/s1", "first/se_resnet50/s2"]
    assert repr(runs[0]) == "<run first/se_resnet50/s0: finished>"
    with pytest.raises(NoSuchRun):
        tracker.open_runs("nothing")
    with pytest.raises(NoSuchRun, match=r"there is no folder .*/empty; root= names another"):
        tracker.open_runs(root=root / "empty")
    (root / "bare").mkdir()
    assert len(tracker.open_runs(root=root / "bare")) == 0


def test_scalars_are_numpy_arrays(root: Path) -> None:
    run = tracker.open_runs("first/resnet50/s1")[0]
    series = run.scalars("accuracy/val")
    assert series.steps.tolist() == [10, 20, 30]
    assert series.values.tolist() == [np.float32(one) for one in (0.5, 0.6, 0.71)]
    assert set(run.scalars()) == {"accuracy/val", "loss/val"}
    with pytest.raises(UsageError, match="no scalar 'accuracy'; did you mean accuracy/val"):
        run.scalars("accuracy")
    assert set(tracker.open_runs("first").scalars("loss/val")) == {
        f"first/{backbone}/s{seed}" for backbone in ("resnet50", "se_resnet50") for seed in range(3)
    }


def test_the_frame_has_a_row_per_point(root: Path) -> None:
    frame = tracker.open_runs("first").frame("accuracy/val")
    assert frame.shape == (18, 8)
    last = frame[frame["step"] == 30].pivot_table(
        index="seed", columns="variant", values="value", observed=True
    )
    assert last["se_resnet50"].tolist() == pytest.approx([0.75, 0.77, 0.76])
    assert isinstance(frame["run"].dtype, pd.CategoricalDtype)
    assert len(tracker.open_runs("first").frame()) == 36
    with pytest.raises(UsageError, match="none of these runs has a series 'acuracy/val'"):
        tracker.open_runs("first").frame("acuracy/val")


def test_comparing_gives_the_numbers_and_shows_them(root: Path) -> None:
    answer = tracker.compare("first", metrics=["accuracy/val"])
    [other] = answer.comparison.others
    verdict = other.scores["accuracy/val"].verdict
    assert verdict is not None
    assert verdict.difference is not None
    assert verdict.difference.mean == pytest.approx(0.05)
    assert str(answer).startswith("Which model.backbone is best by the last accuracy/val")
    assert "se_resnet50 is better than resnet50 by 5.00 ± 1.00 points" in repr(answer)
    assert answer.to_document()["groups"][1]["name"] == "se_resnet50"
    assert tracker.open_runs("first").compare(reference="se_resnet50").comparison.reference == (
        "se_resnet50"
    )
    with pytest.raises(NotComparable):
        tracker.compare("first/resnet50")


def test_a_single_name_is_one_name(root: Path) -> None:
    answer = tracker.compare("first", metrics="loss/val", by="model.backbone")
    assert list(answer.comparison.metrics) == ["loss/val"]
    assert answer.comparison.grouping.by == ("model.backbone",)
    with pytest.raises(UsageError, match="last or best"):
        tracker.compare("first", value="bset")  # type: ignore[arg-type]


def test_as_of_a_step(root: Path) -> None:
    answer = tracker.open_runs("first").compare(step=20)
    assert str(answer).startswith(
        "Which model.backbone is best by the last accuracy/val at step 20"
    )
    assert answer.to_document()["step"] == 20
    assert tracker.compare("first", step=20).comparison == answer.comparison


def test_the_dashboard_is_asked_for_with_what_was_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    frame = Inline("http://x/", 500)

    def instead(*arguments: object, **options: object) -> Inline:
        asked.append((*arguments, options))
        return frame

    monkeypatch.setattr("tracker.api.inline", instead)
    assert tracker.notebook("first", root=root / "a", height=500) is frame
    assert tracker.notebook() is frame
    assert asked == [(root / "a", ("first",), {"height": 500}), (root, (), {"height": 800})]


def test_a_notebook_shows_tables_with_everything_escaped(root: Path) -> None:
    runs = tracker.open_runs()
    page = runs._repr_html_()
    assert page.count("<tr>") == 8
    assert "<b>other" not in page
    assert "first/se_resnet50/s2" in page
    assert "first/resnet50/s0" in tracker.open_runs("first")[0]._repr_html_()
    answer = tracker.compare("first")._repr_html_()
    assert "<td" in answer
    assert "75.00" not in answer.partition("<table>")[0]


def test_evaluations_of_a_run_without_any_are_empty(root: Path) -> None:
    assert not tracker.open_runs("first")[0].evaluations().steps


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = tracker.tarin


def test_torch_is_never_imported() -> None:
    """In a fresh interpreter; nor is the API itself before it is asked for."""
    program = (
        "import sys, tracker; assert 'tracker.api' not in sys.modules; tracker.open_runs; "
        "assert not {'torch', 'pandas'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
