"""Leftovers go, whatever a person put beside them stays, and a live run is not looked at."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tracker.store import trash
from tracker.store.active import ActiveRun
from tracker.store.files import write_json
from tracker.store.garbage import collect, find, size_of
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run
from tracker.store.status import utc_now
from tracker.store.trash import Trash

Begin = Callable[..., ActiveRun]
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
NOW = datetime(9999, 1, 1, tzinfo=timezone.utc)  # nothing is younger


def litter(run: Run) -> dict[str, Path]:
    """What kills leave in a run, and what looks like it."""
    run.checkpoints.mkdir()
    run.lost.mkdir()
    (run.lost / "001-events.out.1.host.1.0").write_bytes(bytes(50))
    entry = Entry("step-00000010.pt", 10, "0" * 64)
    write_json(run.manifest_file, Manifest((entry,)).to_document())
    names = {
        "half": run.path / ".status.json.123-0123abcd.tmp",
        "half checkpoint": run.checkpoints / ".step-00000020.pt.9-00000000.tmp",
        "uncommitted": run.checkpoints / "step-00000020.pt",
        "committed": run.checkpoints / entry.file,
        "mine": run.checkpoints / "step-20.pt",
        "mine too": run.path / ".notes.tmp",
        "and this": run.path / "x.123-0123abcd.tmp",
    }
    for number, path in enumerate(names.values(), 1):
        path.write_bytes(bytes(number))
    return names


def put(root: Path, run: Run, moment: datetime) -> None:
    with Trash(root, clock=lambda: moment) as opened:
        opened.put(run)


def kinds(root: Path, before: datetime = NOW) -> list[tuple[str, str, int]]:
    return sorted((one.kind, one.path.name, one.size) for one in find(root, before))


def test_leftovers_are_found_by_name(root: Path, begin: Begin) -> None:
    with begin() as active:
        names = litter(active.run)
        assert kinds(root) == []  # it is being written
    assert kinds(root) == [
        ("left by a kill", ".status.json.123-0123abcd.tmp", 1),
        ("left by a kill", ".step-00000020.pt.9-00000000.tmp", 2),
        ("left by a kill", "step-00000020.pt", 3),
        ("lost events", "lost", 50),
    ]
    assert len(kinds(root, LONG_AGO)) == 3  # what was lost may be looked at for a while
    gone, reasons = collect(root, NOW)
    assert (len(gone), reasons) == (4, [])
    assert [name for name, path in names.items() if path.exists()] == [
        "committed",
        "mine",
        "mine too",
        "and this",
    ]
    assert kinds(root) == []


def test_only_a_finished_run_has_no_use_for_what_it_lost(root: Path, begin: Begin) -> None:
    active = begin()
    litter(active.run)
    active._lock.release()
    assert active.run.state() == "crashed"
    assert {kind for kind, _, _ in kinds(root)} == {"left by a kill"}
    assert len(collect(root, NOW)[0]) == 3
    assert active.run.lost.is_dir()
    assert active.run.state() == "crashed"


@pytest.mark.parametrize("text", [None, "{"])
def test_no_checkpoint_goes_where_no_manifest_says_which(
    root: Path, begin: Begin, text: str | None
) -> None:
    with begin() as active:
        names = litter(active.run)
    active.run.manifest_file.unlink()
    if text:
        active.run.manifest_file.write_text(text)
    collect(root, NOW)
    assert names["uncommitted"].exists()


def test_a_damaged_run_keeps_what_may_be_of_use(root: Path, begin: Begin) -> None:
    with begin() as active:
        names = litter(active.run)
    active.run.status_file.write_text("{")
    collect(root, NOW)
    assert active.run.lost.is_dir()
    assert not names["half"].exists()


def test_a_run_taken_up_meanwhile_is_left_alone(
    root: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = begin()
    names = litter(live.run)
    assert collect(root, NOW) == ([], [])
    assert all(path.exists() for path in names.values())


def test_half_made_runs_go_after_an_hour(root: Path, begin: Begin) -> None:
    with begin() as active:
        pass
    fresh, old = (active.run.path.with_name(f".new-{pid}-0") for pid in (1, 2))
    for path in (fresh, old):
        path.mkdir()
        (path / "experiment.json").write_text("{}")
    os.utime(old, (0, 0))
    assert kinds(root) == [("half-made run", old.name, 2)]
    collect(root, NOW)
    assert fresh.exists()
    assert not old.exists()


def test_trash_goes_when_it_is_old(root: Path, begin: Begin) -> None:
    runs = []
    for seed in (0, 1):
        with begin(seed=seed) as active:
            pass
        runs.append(active.run)
    for age, run in enumerate(runs):
        put(root, run, utc_now() - timedelta(days=age))
    cut_short = root / trash.FOLDER / f"{trash.DOOMED}x"
    cut_short.mkdir()
    yesterday = utc_now() - timedelta(hours=12)
    found = kinds(root, yesterday)
    assert [kind for kind, _, _ in found] == ["deletion cut short", "removed runs"]
    gone, _ = collect(root, yesterday)
    assert sorted((one.kind, one.path.name, one.size) for one in gone) == found
    assert [one.run.id for one in trash.trashed(root)] == [runs[0].id]
    assert kinds(root, yesterday) == []


def test_what_cannot_be_deleted_is_told_and_keeps_nothing_else(
    root: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as active:
        names = litter(active.run)
    real = os.unlink

    def refuse(path: str, **options: int | None) -> None:
        if Path(path) == names["half"]:
            raise PermissionError(13, "Permission denied")
        real(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    gone, reasons = collect(root, NOW)
    assert len(gone) == 3
    assert len(reasons) == 1
    assert f"cannot delete {names['half']}: permission denied" in reasons[0]


def test_a_run_whose_lock_is_a_link_keeps_nothing_else_from_going(
    root: Path, begin: Begin, tmp_path: Path
) -> None:
    with begin() as active, begin(seed=1) as other:
        litter(active.run)
        litter(other.run)
    active.run.lock_file.unlink()
    active.run.lock_file.symlink_to(tmp_path / "victim")
    gone, [reason] = collect(root, NOW)
    assert len(gone) == 4
    assert f"{active.run.lock_file} is a link to {tmp_path / 'victim'}" in reason
    assert not (tmp_path / "victim").exists()


def test_nothing_is_made_where_there_is_nothing(root: Path) -> None:
    assert collect(root, NOW) == ([], [])
    assert not root.exists()


def test_sizes_do_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(10_000))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "big")
    (tmp_path / "folder" / "file").write_bytes(bytes(7))
    assert size_of(tmp_path / "folder") < 1000
    assert size_of(tmp_path / "none") == 0
