"""A removed run is whole in the trash or whole in its place, whenever the process dies."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Busy, NoSuchRun, Unavailable, UsageError
from tracker.store import trash
from tracker.store.active import ActiveRun
from tracker.store.index import all_runs
from tracker.store.run import Run
from tracker.store.trash import Trash, choose, removable, trashed

Begin = Callable[..., ActiveRun]

EVENTS = "events.out.tfevents.1700000000.host.1.0"
NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)


@pytest.fixture
def make(begin: Begin) -> Callable[..., Run]:
    """A finished run with event files, one of them deep inside, and a folder that is empty."""

    def make_run(name: str = "e", variant: str = "v", seed: int = 0) -> Run:
        with begin(name, variant, seed) as active:
            (active.run.path / EVENTS).write_bytes(b"curves")
            deep = active.run.path / "plugins" / "profile"
            deep.mkdir(parents=True)
            (deep / f"{EVENTS}.profile-empty").touch()
            active.run.checkpoints.mkdir()
            active.log("said")
        return active.run

    return make_run


def tree(path: Path) -> dict[str, bytes | None]:
    """Every path below, with what is in the files."""
    return {
        str(one.relative_to(path)): None if one.is_dir() else one.read_bytes()
        for one in path.rglob("*")
    }


def seen_by_tensorboard(path: Path) -> list[Path]:
    return [Path(at, name) for at, _, names in os.walk(path) for name in names if "tfev" in name]


def put(root: Path, *runs: Run, now: datetime = NOON) -> None:
    with Trash(root, clock=lambda: now) as opened:
        for run in runs:
            opened.put(run)


def give_back(root: Path, ref: str) -> list[Run]:
    with Trash(root) as opened:
        return [opened.give_back(one) for one in choose(root, ref)]


def test_what_is_removed_comes_back_as_it_was(root: Path, make: Callable[..., Run]) -> None:
    run, other = make(), make(seed=1)
    before = tree(run.path)
    put(root, run)
    assert all_runs(root) == [other]
    [one] = trashed(root)
    assert (one.run.id, one.removed, one.run.state()) == (run.id, NOON, "finished")
    assert seen_by_tensorboard(root) == [*seen_by_tensorboard(other.path)] != []
    assert give_back(root, run.id) == [run]
    assert tree(run.path) == before
    assert trashed(root) == []
    assert [path.name for path in (root / trash.FOLDER).iterdir()] == [".lock"]


def test_folders_left_empty_go_and_come_back(root: Path, make: Callable[..., Run]) -> None:
    run = make()
    put(root, run)
    assert [path.name for path in root.iterdir()] == [".tracker"]
    give_back(root, "e/v/s0")
    assert run.state() == "finished"


def test_a_live_run_is_left_alone(root: Path, make: Callable[..., Run], begin: Begin) -> None:
    still, live = make(), begin(seed=1).run
    with pytest.raises(Busy, match="e/v/s1 is running as process"):
        removable(root, ["e"])
    with pytest.raises(Busy):
        put(root, live)
    assert all_runs(root) == [still, live]
    assert live.state() == "running"


def test_a_run_begun_by_another_process_is_left_alone(
    root: Path, spawn: Callable[..., Any]
) -> None:
    other = spawn("run = ActiveRun.create(root, asked, facts); say('on'); sys.stdin.readline()")
    assert other.stdout.readline() == "on\n"
    with pytest.raises(Busy, match=f"process {other.pid}"):
        removable(root, ["s0"])


def test_a_crashed_and_a_damaged_run_can_go(root: Path, begin: Begin) -> None:
    crashed, damaged = begin(), begin(seed=1)
    crashed._lock.release()
    damaged._lock.release()
    damaged.run.status_file.write_text("{")
    assert (crashed.run.state(), damaged.run.state()) == ("crashed", "damaged")
    put(root, *removable(root, ["e/v"]))
    assert {one.run.state() for one in trashed(root)} == {"crashed", "damaged"}
    assert len(give_back(root, "e")) == 2
    assert (crashed.run.state(), damaged.run.state()) == ("crashed", "damaged")


def test_a_name_that_is_taken_is_not_overwritten(root: Path, make: Callable[..., Run]) -> None:
    put(root, make())
    taken = make()
    (taken.path / "log.txt").write_text("another")
    with pytest.raises(Busy, match=r"e/v/s0 exists \(finished\)"):
        give_back(root, "e/v/s0")
    assert (taken.path / "log.txt").read_text() == "another"
    assert len(trashed(root)) == 1
    assert seen_by_tensorboard(root / trash.FOLDER) == []


def test_of_one_name_the_newest_comes_back(root: Path, make: Callable[..., Run]) -> None:
    for number in range(3):
        run = make()
        run.log_file.write_text(str(number))
        put(root, run, now=NOON)  # the clock stands still
    give_back(root, "v/s0")
    assert run.log_file.read_text() == "2"
    assert [one.run.log_file.read_text() for one in trashed(root)] == ["1", "0"]


def test_names_in_the_trash(root: Path, make: Callable[..., Run]) -> None:
    put(root, make(), make(variant="w"), make("f"))
    assert [one.run.id for one in choose(root, "f/v/s0")] == ["f/v/s0"]
    assert [one.run.id for one in choose(root, "w/s0/")] == ["e/w/s0"]
    assert {one.run.id for one in choose(root, "e")} == {"e/v/s0", "e/w/s0"}
    with pytest.raises(NoSuchRun, match=r"2 runs in the trash fit 'v/s0': "):
        choose(root, "v/s0")
    for ref in ("", "/", "x", "s", "e/x", "\x1b"):
        with pytest.raises(NoSuchRun, match=r"fits? "):
            choose(root, ref)


def test_a_run_elsewhere_is_not_ours_to_remove(
    root: Path, tmp_path: Path, make: Callable[..., Run]
) -> None:
    run = make()
    with pytest.raises(UsageError, match="--runs"):
        removable(tmp_path / "others", [str(run.path)])
    assert run.state() == "finished"


def test_what_is_named_twice_goes_once(root: Path, make: Callable[..., Run]) -> None:
    run = make()
    assert removable(root, ["e", "e/v/", "@last", "s0"]) == [run]


def test_one_process_at_a_time(
    root: Path, make: Callable[..., Run], spawn: Callable[..., Any]
) -> None:
    run = make()
    lines = (
        "from tracker.store.trash import Trash\nwith Trash(root): say('in'); sys.stdin.readline()"
    )
    other = spawn(lines)
    assert other.stdout.readline() == "in\n"
    with pytest.raises(Busy, match=f"by process {other.pid}"):
        put(root, run)
    assert run.state() == "finished"


def test_a_link_that_leads_out_is_not_followed(
    root: Path, tmp_path: Path, make: Callable[..., Run]
) -> None:
    put(root, make())
    (tmp_path / "outside").mkdir()
    (root / "e").symlink_to(tmp_path / "outside")
    with pytest.raises(Exception, match="leads out of"):
        give_back(root, "e/v/s0")
    assert list((tmp_path / "outside").iterdir()) == []


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def kill_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Die before the nth change to the disk."""
    names = ("rename", "mkdir", "rmdir", "unlink")
    real = {name: getattr(os, name) for name in names}

    def arrange(number: int) -> None:
        calls = count(1)

        def counting(name: str) -> Callable[..., None]:
            def call(*arguments: object, **options: object) -> None:
                if next(calls) == number:
                    raise Killed
                real[name](*arguments, **options)

            return call

        for name in names:
            monkeypatch.setattr(os, name, counting(name))

    return arrange


def until_it_succeeds(work: Callable[[], object], kill: Callable[[int], None]) -> Iterator[bool]:
    """Do `work` on the disk as the caller prepared it, killed one change later each time."""
    for number in count(1):
        kill(number)
        try:
            work()
        except Killed:
            kill(0)
            yield False
        else:
            kill(0)
            assert number > 3, "nothing was ever killed"
            yield True
            return


def test_removing_can_be_killed_anywhere(
    root: Path, make: Callable[..., Run], kill_before: Callable[[int], None]
) -> None:
    run = make()
    before = tree(run.path)
    for done in until_it_succeeds(lambda: put(root, run), kill_before):
        assert run.path.exists() != bool(trashed(root))
        if run.path.exists():
            assert tree(run.path) == before
            assert not done
            put(root, run)
        with Trash(root):
            assert seen_by_tensorboard(root) == []
        assert give_back(root, run.id) == [run]
        assert tree(run.path) == before


def test_restoring_can_be_killed_anywhere(
    root: Path, make: Callable[..., Run], kill_before: Callable[[int], None]
) -> None:
    run = make()
    before = tree(run.path)
    put(root, run)
    for done in until_it_succeeds(lambda: give_back(root, run.id), kill_before):
        assert run.path.exists() != bool(trashed(root))
        if not run.path.exists():
            assert not done
            give_back(root, run.id)
        assert tree(run.path) == before
        put(root, run)


def test_deleting_can_be_killed_anywhere(
    root: Path, make: Callable[..., Run], kill_before: Callable[[int], None]
) -> None:
    def delete() -> None:
        with Trash(root) as opened:
            for bag in trash.bags(root):
                opened.delete(bag)
            for path in trash.leftovers(root):
                opened.finish_deleting(path)

    other = make(seed=1)
    put(root, make())
    whole = tree(trashed(root)[0].run.path).keys()
    for _ in until_it_succeeds(delete, kill_before):
        for one in trashed(root):  # whole, as long as it can come back
            assert tree(one.run.path).keys() == whole
        delete()
        assert [path.name for path in (root / trash.FOLDER).iterdir()] == [".lock"]
        assert all_runs(root) == [other]
        put(root, make())


def test_a_full_disk_does_not_keep_a_run_from_going(
    root: Path, make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make()
    put(root, make(seed=1))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    put(root, run)
    assert len(trashed(root)) == 2


def test_a_disk_that_refuses_is_told_and_nothing_is_lost(
    root: Path, make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make()
    before = tree(run.path)
    real = os.rename

    def refuse(source: str, target: str) -> None:
        if Path(source).name == "s0":
            raise PermissionError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(Unavailable, match=r"cannot move to the trash .*: permission denied"):
        put(root, run)
    assert tree(run.path) == before


def test_the_time_of_removal_is_in_the_name(root: Path, make: Callable[..., Run]) -> None:
    put(root, make(), now=NOON + timedelta(microseconds=7))
    [bag] = trash.bags(root)
    assert bag.path.name == "20260102T120000.000007Z"
    assert bag.removed == NOON + timedelta(microseconds=7)
    (bag.path.parent / "notes").mkdir()
    (bag.path.parent / "20260102T120000").mkdir()
    assert trash.bags(root) == [bag]
