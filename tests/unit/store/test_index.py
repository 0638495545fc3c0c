import os
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import NoSuchRun, Unavailable, UsageError
from tracker.store import index
from tracker.store.active import ActiveRun
from tracker.store.files import write_json
from tracker.store.index import find, find_all, list_runs
from tracker.store.summary import Metric, Summary

Begin = Callable[..., ActiveRun]


def at(hour: int) -> Callable[[], datetime]:
    return lambda: datetime(2026, 1, 1, hour, tzinfo=timezone.utc)


def scored(goal: str, best: float | None, tag: str = "accuracy/val") -> Summary:
    return Summary(metrics={tag: Metric(goal, best, 1, best, 1)})  # type: ignore[arg-type]


@pytest.fixture
def bare(root: Path) -> Callable[..., None]:
    """Make runs that have a name and nothing more."""

    def make(*names: str) -> None:
        for name in names:
            (root / name).mkdir(parents=True)
            (root / name / "status.json").touch()

    return make


def test_a_root_that_is_not_there_or_empty_has_no_runs(root: Path) -> None:
    assert list_runs(root) == []
    root.mkdir()
    assert list_runs(root) == []
    for ref in ("x", "@last", "@best:accuracy/val"):
        with pytest.raises(NoSuchRun, match=r"there are no runs in .*--runs names another folder"):
            find(root, ref)


def test_a_root_that_is_no_folder_is_unavailable(root: Path) -> None:
    root.write_text("a file")
    with pytest.raises(Unavailable, match="cannot list the runs in"):
        list_runs(root)


def test_runs_come_in_order_with_their_numbers(begin: Begin) -> None:
    for seed in (10, 2):
        begin(seed=seed).finish()
    for _ in range(2):
        begin(seed=2, again=True).finish()
    begin(name="a").finish()
    listed = [(one.id, one.seed, one.attempt) for one in list_runs(begin().run.path.parents[2])]
    assert listed == [
        ("a/v/s0", 0, 1),
        ("e/v/s0", 0, 1),
        ("e/v/s2", 2, 1),
        ("e/v/s2.2", 2, 2),
        ("e/v/s2.3", 2, 3),
        ("e/v/s10", 10, 1),
    ]


def test_a_record_tells_what_the_run_told(begin: Begin, root: Path) -> None:
    hours = iter([1, 2, 3])
    active = begin(clock=lambda: at(next(hours))())
    active.plan(40)
    active.update(20, 2.5, scored("max", 0.5))
    [one] = list_runs(root)
    assert one.run == active.run
    assert (one.experiment, one.variant, one.state) == ("e", "v", "running")
    assert (one.step, one.epoch, one.total_steps) == (20, 2.5, 40)
    assert one.started == "2026-01-01T01:00:00.000+00:00"
    assert one.seconds == 7200
    assert one.metrics == scored("max", 0.5).metrics
    assert (one.pid, one.cause, one.price) == (os.getpid(), None, None)


def test_a_clock_set_back_gives_no_negative_time(begin: Begin, root: Path) -> None:
    hours = iter([5, 4, 4])
    begin(clock=lambda: at(next(hours))()).finish()
    assert list_runs(root)[0].seconds == 0


@pytest.mark.parametrize("file", ["status.json", "summary.json", "experiment.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 99}'])
def test_a_damaged_run_is_listed_and_harms_no_other(
    begin: Begin, root: Path, file: str, content: str
) -> None:
    for seed in (0, 1):
        begin(seed=seed).finish()
    (root / "e/v/s0" / file).write_text(content)
    damaged, whole = list_runs(root)
    assert (damaged.id, damaged.state, damaged.seed) == ("e/v/s0", "damaged", 0)
    assert file in (damaged.cause or "")
    assert whole.state == "finished"


@pytest.mark.parametrize("tags", ['"cpu"', "[7]", '["cpu", ["x"]]'])
def test_tags_that_are_no_words_make_a_run_damaged(begin: Begin, root: Path, tags: str) -> None:
    run = begin().run
    text = run.experiment_file.read_text()
    assert '"tags": []' in text
    run.experiment_file.write_text(text.replace('"tags": []', f'"tags": {tags}'))
    [one] = list_runs(root)
    assert (one.state, one.tags) == ("damaged", ())
    assert "tags" in (one.cause or "")


def test_files_that_are_no_files_make_a_run_damaged(begin: Begin, root: Path) -> None:
    for seed in range(4):
        begin(seed=seed).finish()
        (root / f"e/v/s{seed}/status.json").unlink()
    os.mkfifo(root / "e/v/s0/status.json")
    (root / "e/v/s1/status.json").mkdir()
    (root / "e/v/s2/status.json").symlink_to("status.json")
    assert [one.state for one in list_runs(root)] == ["damaged"] * 4


def test_what_is_no_run_is_passed_over(begin: Begin, root: Path, tmp_path: Path) -> None:
    begin().finish()
    for folder in ("e/v/s1", "e/v/notes", "e/v/.new-1-0", ".trash/v/s0", "logs/x/y/z"):
        (root / folder).mkdir(parents=True)
    for file in ("README.md", "e/notes.txt", "e/v/s2", "e/v/.new-1-0/status.json"):
        (root / file).write_text("{}")
    (root / "e/v/loop").symlink_to(root)
    (root / "e/v/s3").symlink_to("s0")
    (root / "twin").symlink_to("e")
    os.mkfifo(root / "pipe")
    assert [one.id for one in list_runs(root)] == ["e/v/s0"]


def test_a_folder_that_may_not_be_entered_is_passed_over(
    begin: Begin, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin().finish()
    begin(name="locked").finish()
    real = os.scandir

    def scan(path: Path) -> object:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scan)
        assert [one.id for one in list_runs(root)] == ["e/v/s0"]


def test_a_run_that_may_not_be_looked_into_is_listed_as_damaged_and_why(
    begin: Begin, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin().finish()
    locked = begin(seed=1)
    locked.finish()
    stat, read = Path.lstat, os.open

    def refuse(path: object) -> None:
        if str(locked.run.path) in str(path):
            raise PermissionError(13, "Permission denied")

    def lstat(self: Path) -> os.stat_result:
        refuse(self)
        return stat(self)

    def opened(path: Path, *args: int, **options: int) -> int:
        refuse(path)
        return read(path, *args, **options)

    monkeypatch.setattr(Path, "lstat", lstat)
    monkeypatch.setattr(os, "open", opened)
    fine, other = list_runs(root)
    assert (fine.state, other.state) == ("finished", "damaged")
    assert str(other.cause).endswith(
        "status.json: permission denied; check who owns it, or name another place"
    )


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("status.json", '"step": 0', '"step": -1'),
        ("status.json", '"step": 0', f'"step": 1{"0" * 400}'),
        ("status.json", '"epoch": 0.0', '"epoch": 1e999'),
        ("summary.json", '"last_step": 1', f'"last_step": {2**63}'),
        ("summary.json", '"best_step": 1', '"best_step": -1'),
        ("summary.json", '"best": 0.5', '"best": -1e999'),
        ("experiment.json", '"seed": 0', f'"seed": {2**63}'),
        ("experiment.json", '"seed": 0', '"seed": -1'),
    ],
)
def test_numbers_that_nothing_can_compute_with_make_a_run_damaged(
    begin: Begin, root: Path, file: str, old: str, new: str
) -> None:
    begin(seed=1).finish()
    run = begin().run
    summary = {"accuracy/val": Metric("max", 0.5, 1, 0.5, 1)}
    write_json(run.summary_file, Summary(metrics=summary).to_document(1, 0.1))
    text = (run.path / file).read_text()
    assert old in text
    (run.path / file).write_text(text.replace(old, new, 1))
    assert [one.state for one in list_runs(root)] == ["damaged", "finished"]


def test_a_run_copied_elsewhere_can_be_shown(begin: Begin, tmp_path: Path) -> None:
    run = begin(seed=7).run
    copy = tmp_path / "copies/of/mine"
    shutil.copytree(run.path, copy)
    one = index.record(find(tmp_path / "no-runs-here", str(copy)))
    assert (one.id, one.seed, one.state) == ("copies/of/mine", 7, "crashed")


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("e/resnet50/s0", "e/resnet50/s0"),
        ("e/resnet50/s0/", "e/resnet50/s0"),
        ("resnet50/s0", "e/resnet50/s0"),  # whole last parts go before any part
        ("se_resnet50/s0", "e/se_resnet50/s0"),
        ("se_resnet50/s1", "e/se_resnet50/s1"),
        ("s1", "e/se_resnet50/s1"),
        ("s0.2", "e/resnet50/s0.2"),
        ("net9", "f/resnet9,lr=0.1/s0"),
        ("lr=0.1", "f/resnet9,lr=0.1/s0"),
    ],
)
def test_any_unique_part_of_a_name_is_enough(
    bare: Callable[..., None], root: Path, ref: str, found: str
) -> None:
    bare("e/resnet50/s0", "e/resnet50/s0.2", "e/se_resnet50/s0", "e/se_resnet50/s1")
    bare("f/resnet9,lr=0.1/s0")
    assert find(root, ref).id == found


def test_a_path_to_a_run_names_it(
    bare: Callable[..., None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare("e/v/s0", "e/v/s1")
    monkeypatch.chdir(root / "e/v/s1")
    assert find(root, ".").id == "e/v/s1"
    assert find(root, "../s0").id == "e/v/s0"
    assert find(root, str(root / "e/v/s0")).id == "e/v/s0"


def test_an_unclear_name_is_answered_with_candidates(bare: Callable[..., None], root: Path) -> None:
    bare(*(f"e/resnet50/s{seed}" for seed in range(7)))
    with pytest.raises(NoSuchRun) as caught:
        find(root, "resnet")
    assert str(caught.value) == (
        "7 runs fit 'resnet': e/resnet50/s0, e/resnet50/s1, e/resnet50/s2, e/resnet50/s3, "
        "e/resnet50/s4, …; give more of the name"
    )
    with pytest.raises(NoSuchRun, match=r"fits 'resent50/s3'; did you mean e/resnet50/s3, "):
        find(root, "resent50/s3")
    with pytest.raises(NoSuchRun, match=r"fits 'zzz'; `tracker ls` lists those there are"):
        find(root, "zzz")


def test_the_last_run_is_the_one_started_last(begin: Begin, root: Path) -> None:
    for seed, hour in enumerate((3, 9, 4)):
        begin(seed=seed, clock=at(hour)).finish()
    begin(seed=3, clock=at(11)).run.status_file.write_text("torn")
    assert find(root, "@last").id == "e/v/s1"


@pytest.mark.parametrize(
    ("goal", "values", "best"),
    [
        ("max", (0.5, 0.75, 0.25), 1),
        ("min", (0.5, 0.75, 0.25), 2),
        ("max", (0.5, None, 0.5), 0),  # of equals the earliest
        ("min", (None, 0.0, -1.0), 2),
    ],
)
def test_the_best_run_is_best_by_the_metrics_own_goal(
    begin: Begin, root: Path, goal: str, values: tuple[float | None, ...], best: int
) -> None:
    for seed, value in enumerate(values):
        begin(seed=seed, clock=at(seed)).update(1, 1.0, scored(goal, value))
    assert find(root, "@best:accuracy/val").id == f"e/v/s{best}"


def test_a_best_that_cannot_be_told_is_explained(begin: Begin, root: Path) -> None:
    begin().update(1, 1.0, scored("max", 0.5))
    begin(seed=1).update(1, 1.0, scored("min", 0.5))
    with pytest.raises(UsageError, match="some runs want accuracy/val high and some low"):
        find(root, "@best:accuracy/val")
    with pytest.raises(NoSuchRun, match=r"has a value of 'acuracy/val'; there are accuracy/val"):
        find(root, "@best:acuracy/val")
    for ref in ("@", "@best", "@best:", "@first", "@last:x"):
        with pytest.raises(NoSuchRun, match=re.escape("there are @last and @best:METRIC")):
            find(root, ref)


@given(st.text() | st.sampled_from(["\0", "\ud800", "/", "//", "..", "x" * 5000, "~", "@\x1b"]))
def test_any_text_is_a_run_or_no_such_run(
    tmp_path_factory: pytest.TempPathFactory, ref: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "any-ref"
    (root / "e/v/s0").mkdir(parents=True, exist_ok=True)
    (root / "e/v/s0/status.json").touch()
    try:
        said = find(root, ref).id
    except NoSuchRun as error:
        said = str(error)
    assert said == "e/v/s0" or "fits" in said or "there are @last" in said
    assert said.isprintable()
    assert len(said) < 1000


def test_a_whole_name_of_an_experiment_or_a_variant_means_all_its_runs(
    root: Path, bare: Callable[..., None]
) -> None:
    bare("e/v/s0", "e/v/s1", "e/w/s0", "ef/v/s0", "s0/v/s7")
    for ref, names in {
        "e": ["e/v/s0", "e/v/s1", "e/w/s0"],
        "e/v/": ["e/v/s0", "e/v/s1"],
        "e/v/s1": ["e/v/s1"],
        "w/s0": ["e/w/s0"],
        "s7": ["s0/v/s7"],
        "s0": ["s0/v/s7"],
    }.items():
        assert [run.id for run in find_all(root, ref)] == names
    for ref in ("", "/", "v"):
        with pytest.raises(NoSuchRun):
            find_all(root, ref)
