from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.records import damage
from tracker.errors import Busy, NotComparable
from tracker.events.reader import event_files, read_scalars
from tracker.reading.aggregates.write import FOLDER, write_aggregates
from tracker.reading.comparison.as_of import compare_at
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.result import Comparison
from tracker.reading.selection import chosen
from tracker.store.index import list_runs
from tracker.store.lock import Lock
from tracker.store.run import Run

MakeRun = Callable[..., Run]
CURVES = {
    ("resnet50", 0): (0.50, 0.70, 0.80),
    ("resnet50", 1): (0.52, 0.74, 0.81),
    ("resnet50", 2): (0.48, 0.72, 0.85),
    ("se_resnet50", 0): (0.51, 0.75, 0.84),
    ("se_resnet50", 1): (0.55, 0.76, 0.86),
}
STEPS = [10, 20, 30]


@pytest.fixture
def root(tmp_path: Path, make_run: MakeRun) -> Path:
    for (backbone, seed), accuracy in CURVES.items():
        make_run(tmp_path / "runs", backbone, seed, accuracy=accuracy)
    return tmp_path / "runs"


def compared(root: Path, *refs: str) -> Comparison:
    return compare(chosen(root, refs))


def saying(comparison: Comparison, words: str) -> Comparison:
    return replace(comparison, remarks=(words,))


def values(backbone: str) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows = [np.array(row, np.float32) for (of, _), row in CURVES.items() if of == backbone]
    return np.stack(rows).astype(np.float64)  # as the runs' own files have them


def test_a_group_is_a_run_of_its_mean_and_margins(root: Path) -> None:
    made = write_aggregates(root, compared(root))

    assert made.folder == root / "compare" / "first"
    assert made.runs == made.changed == ("resnet50 mean", "se_resnet50 mean", "summary")
    for backbone in ("resnet50", "se_resnet50"):
        series = read_scalars(made.folder / f"{backbone} mean").series
        mean, std = values(backbone).mean(axis=0), values(backbone).std(axis=0, ddof=1)
        expected = {
            "accuracy/val": mean,
            "spread/accuracy_val_low": mean - std,
            "spread/accuracy_val_high": mean + std,
        }
        for tag, line in expected.items():
            assert series[tag].steps.tolist() == STEPS
            np.testing.assert_array_equal(series[tag].values, line.astype(np.float32))
        assert {tag for tag in series if "loss" in tag} == {
            "loss/val",
            "spread/loss_val_low",
            "spread/loss_val_high",
        }


def test_the_means_stand_where_their_runs_do_in_time(root: Path) -> None:
    made = write_aggregates(root, compared(root))

    first = read_scalars(root / "first" / "resnet50" / "s0").series["accuracy/val"]
    mean = read_scalars(made.folder / "resnet50 mean").series["accuracy/val"]
    np.testing.assert_allclose(mean.wall_times, first.wall_times, atol=0.1)


def test_one_seed_has_a_mean_and_no_margins(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path, "resnet50")
    make_run(tmp_path, "se_resnet50")
    made = write_aggregates(tmp_path, compared(tmp_path))
    assert set(read_scalars(made.folder / "resnet50 mean").series) == {"accuracy/val", "loss/val"}


def test_they_are_no_runs_to_the_index(root: Path) -> None:
    before = [one.id for one in list_runs(root)]
    write_aggregates(root, compared(root))
    assert [one.id for one in list_runs(root)] == before


def test_the_same_numbers_are_written_once(root: Path) -> None:
    write_aggregates(root, compared(root))
    files = {path: path.stat().st_mtime_ns for path in root.rglob("events.*")}
    assert write_aggregates(root, compared(root)).changed == ()
    assert {path: path.stat().st_mtime_ns for path in root.rglob("events.*")} == files
    assert write_aggregates(root, saying(compared(root), "other words")).changed == ("summary",)


def test_new_numbers_come_in_a_file_that_sorts_last(root: Path, make_run: MakeRun) -> None:
    made = write_aggregates(root, compared(root), clock=lambda: 2_000_000_000.0)
    make_run(root, "se_resnet50", 2, accuracy=(0.1, 0.2, 0.3))
    again = write_aggregates(root, compared(root), clock=lambda: 1_900_000_000.0)

    assert again.changed == ("se_resnet50 mean", "summary")
    old, new = event_files(made.folder / "se_resnet50 mean")
    assert (old.name, new.name) == (
        "events.out.tfevents.2000000000.tracker",
        "events.out.tfevents.2000000001.tracker",
    )
    rows = [CURVES["se_resnet50", 0], CURVES["se_resnet50", 1], (0.1, 0.2, 0.3)]
    mean = np.array(rows, np.float32).astype(np.float64).mean(axis=0).astype(np.float32)
    np.testing.assert_array_equal(read_scalars(new).series["accuracy/val"].values, mean)


def test_files_go_once_every_reader_has_gone_on(root: Path) -> None:
    comparison = compared(root)
    clock = [2_000_000_000.0]
    for words in ("one", "two", "three"):
        made = write_aggregates(root, saying(comparison, words), clock=lambda: clock[0])
        for path in event_files(made.folder / "summary"):
            os.utime(path, (clock[0], clock[0]))
    assert len(event_files(made.folder / "summary")) == 3
    clock[0] += 601
    write_aggregates(root, saying(comparison, "four"), clock=lambda: clock[0])
    # The third may be the one that is being read: it goes when the fourth has been there long.
    assert len(event_files(made.folder / "summary")) == 2


def test_groups_that_there_are_no_more_go(root: Path) -> None:
    comparison = compared(root)
    made = write_aggregates(root, comparison)
    (made.folder / "se_resnet50 mean" / "notes.txt").write_text("mine")
    (made.folder / "my own").mkdir()
    shutil.rmtree(root / "first" / "se_resnet50")
    again = write_aggregates(root, replace(comparison, groups=comparison.groups[:1]))

    assert again.runs == ("resnet50 mean", "summary")
    assert not event_files(made.folder / "se_resnet50 mean")
    assert (made.folder / "se_resnet50 mean" / "notes.txt").read_text() == "mine"
    assert (made.folder / "my own").is_dir()


def test_names_of_groups_become_names_of_folders(root: Path) -> None:
    comparison = compared(root)
    names = iter(["data.root=/a/b", "data.root=_a_b"])
    comparison = replace(
        comparison,
        reference="data.root=/a/b",
        groups=tuple(
            replace(each, group=replace(each.group, name=next(names))) for each in comparison.groups
        ),
    )
    made = write_aggregates(root, comparison)
    assert made.runs == ("data.root=_a_b mean", "data.root=_a_b (2) mean", "summary")


def test_no_curve_is_no_comparison(root: Path) -> None:
    comparison = compared(root)
    for path in root.rglob("events.*"):
        path.unlink()
    with pytest.raises(NotComparable, match="no curve to draw"):
        write_aggregates(root, comparison)
    assert not (root / FOLDER).exists()


def hold(
    path: Path, held: multiprocessing.synchronize.Event, go: multiprocessing.synchronize.Event
) -> None:
    lock = Lock(path, reserve=False)
    held.set()
    go.wait(30)
    lock.release()


def test_two_do_not_write_at_once(root: Path) -> None:
    made = write_aggregates(root, compared(root))
    context = multiprocessing.get_context("fork")
    held, go = context.Event(), context.Event()
    other = context.Process(target=hold, args=(made.folder / ".lock", held, go))
    other.start()
    assert held.wait(30)
    with pytest.raises(Busy, match=f"process {other.pid}"):
        write_aggregates(root, saying(compared(root), "other words"))
    go.set()
    other.join()
    assert write_aggregates(root, saying(compared(root), "other words")).changed == ("summary",)


def test_a_draft_left_by_a_kill_is_nothing(root: Path) -> None:
    made = write_aggregates(root, compared(root))
    (made.folder / ".draft").write_bytes(b"torn")
    write_aggregates(root, saying(compared(root), "other words"))
    assert not (made.folder / ".draft").exists()


def test_all_is_as_open_to_others_as_the_runs_are(root: Path) -> None:
    made = write_aggregates(root, compared(root))
    [path] = event_files(made.folder / "summary")
    assert path.stat().st_mode == (root / "first/resnet50/s0/experiment.json").stat().st_mode


def keep_writing(root: Path) -> None:
    comparison = compared(root)
    for number in range(1000):
        write_aggregates(root, saying(comparison, f"words {number}"))


@pytest.mark.slow
def test_killed_at_any_instant_every_file_is_whole(root: Path) -> None:
    context = multiprocessing.get_context("fork")
    write_aggregates(root, compared(root))
    for instant in range(12):
        writer = context.Process(target=keep_writing, args=(root,))
        writer.start()
        time.sleep(0.05 + 0.011 * instant)
        writer.kill()
        writer.join()
    for path in (root / FOLDER).rglob("events.*"):
        [report] = read_scalars(path).reports
        assert (report.damage, report.torn, report.size) == (None, 0, path.stat().st_size)
    made = write_aggregates(root, saying(compared(root), "the end"))
    assert b"the end" in event_files(made.folder / "summary")[-1].read_bytes()


def test_a_run_whose_events_are_damaged_is_in_no_mean_and_is_named(root: Path) -> None:
    [path] = (root / "first" / "resnet50" / "s1").glob("events.*")
    damage(path)
    made = write_aggregates(root, compared(root))
    series = read_scalars(made.folder / "resnet50 mean").series["accuracy/val"]
    rows = [CURVES["resnet50", 0], CURVES["resnet50", 2]]
    mean = np.array(rows, np.float32).astype(np.float64).mean(axis=0).astype(np.float32)
    np.testing.assert_array_equal(series.values, mean)
    [remark] = made.remarks
    assert remark.startswith(f"first/resnet50/s1 is in no curve: {path.name} is damaged at byte ")
    written = event_files(made.folder / "summary")[-1].read_bytes()
    assert b"first/resnet50/s1 is in no curve" in written


def test_some_runs_of_an_experiment_leave_the_means_of_all_alone(root: Path) -> None:
    whole = write_aggregates(root, compared(root))
    before = event_files(whole.folder / "resnet50 mean")[0].read_bytes()
    some = write_aggregates(root, compared(root, "first/resnet50/s0", "first/se_resnet50/s0"))
    assert some.folder.parent == whole.folder.parent
    assert some.folder.name.startswith("first-2-runs-")
    others = write_aggregates(root, compared(root, "first/resnet50/s1", "first/se_resnet50/s0"))
    assert others.folder not in (some.folder, whole.folder)
    [still] = event_files(whole.folder / "resnet50 mean")
    assert still.read_bytes() == before


def test_as_of_a_step_nothing_after_it_is_written(root: Path) -> None:
    made = write_aggregates(root, compare_at(chosen(root, []), 20))
    assert made.folder.name == "first-step-20"
    series = read_scalars(made.folder / "resnet50 mean").series["accuracy/val"]
    assert series.steps.tolist() == [10, 20]
