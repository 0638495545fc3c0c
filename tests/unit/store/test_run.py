import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tracker.errors import Busy, Damaged, Stopped, TrackerError, Unavailable, UsageError
from tracker.spec.load import from_document
from tracker.store import claim, status
from tracker.store.active import ActiveRun
from tracker.store.files import read_json
from tracker.store.provenance import Provenance
from tracker.store.run import Run
from tracker.store.summary import DataFacts, Metric, Price, Summary

Begin = Callable[..., ActiveRun]
Spawn = Callable[[str], "subprocess.Popen[str]"]

HOLD = "active = ActiveRun.create(root, asked, facts); say('begun'); sys.stdin.readline()"
SUMMARY = Summary(
    metrics={
        "loss/val": Metric("min", None, 20, 0.5, 10),
        "accuracy/val": Metric("max", 0.75, 20, 0.75, 20),
    },
    price=Price(parameters=7, flops=9, images_per_second=None, seconds=1.5, peak_memory_bytes=None),
    data=DataFacts(name="shapes", digest="d", train_size=2, val_size=1, classes=("a", "b")),
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leave(active: ActiveRun, error: BaseException | None) -> None:
    """Leave the run's block, through `error` if there is one."""
    with active:
        if error is not None:
            raise error


def hold(spawn: Spawn) -> "subprocess.Popen[str]":
    process = spawn(HOLD)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_run_appears_with_what_was_asked_and_how(
    begin: Begin, root: Path, provenance: Provenance
) -> None:
    run = begin(name="exp", variant="se_resnet50,lr=0.1", seed=3).run
    assert run.path == root / "exp/se_resnet50,lr=0.1/s3"
    assert run.id == "exp/se_resnet50,lr=0.1/s3"
    saved = from_document(read_json(run.experiment_file))
    assert (saved.name, saved.variant, saved.seed) == ("exp", "se_resnet50,lr=0.1", 3)
    assert read_json(run.provenance_file)["packages"] == {"torch": "2.10.0"}
    assert run.patch_file.read_bytes() == provenance.patch
    assert names(run.path) == [
        ".lock", "code.patch", "experiment.json", "provenance.json", "status.json",
    ]  # fmt: skip
    assert names(run.path.parent) == ["s3"]
    assert run.state() == "running"
    assert run.summary() == Summary()


def test_every_path_lies_in_the_run(root: Path) -> None:
    run = Run(root / "e/v/s0")
    names = [name for name, kind in vars(Run).items() if isinstance(kind, property)]
    paths = [getattr(run, name) for name in names if name != "id"]
    assert len(set(paths)) == len(paths) == 12
    assert all(path.is_relative_to(run.path) for path in paths)
    assert run.last_checkpoint == root / "e/v/s0/checkpoints/last.pt"


def test_a_run_has_the_permissions_the_umask_leaves(begin: Begin) -> None:
    before = os.umask(0o027)
    try:
        run = begin().run
    finally:
        os.umask(before)
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in run.path.iterdir()} == {0o640}


def test_a_name_that_exists_is_never_used_again(begin: Begin) -> None:
    first = begin()
    with pytest.raises(Busy, match=rf"e/v/s0 is running as process {os.getpid()} on .* since 20"):
        begin()
    first.finish()
    before = first.run.status_file.read_bytes()
    with pytest.raises(Busy, match=r"s0 exists \(finished\); --again .* --skip-finished") as caught:
        begin()
    assert caught.value.exit_code == 4
    assert first.run.status_file.read_bytes() == before
    assert [begin(again=True).run.id for _ in range(2)] == ["e/v/s0.2", "e/v/s0.3"]
    assert begin(seed=1, again=True).run.id == "e/v/s1"


def test_beside_a_run_that_is_running_the_only_advice_is_to_wait(begin: Begin) -> None:
    with begin(), pytest.raises(Busy) as refused:
        begin()
    assert str(refused.value).endswith("; wait for it, or stop it with Ctrl-C there")
    with pytest.raises(Busy, match=r"exists \(finished\); --again runs beside it, --skip"):
        begin()


def test_whatever_is_in_the_way_is_left_alone(begin: Begin, root: Path) -> None:
    (root / "e/v").mkdir(parents=True)
    (root / "e/v/s0").write_text("a file")
    with pytest.raises(Busy):
        begin()
    (root / "e/v/s1").symlink_to("nowhere")
    with pytest.raises(Busy):
        begin(seed=1)
    (root / "e/v/s2").mkdir()  # empty: in nobody's way
    assert begin(seed=2).run.id == "e/v/s2"
    assert (root / "e/v/s0").read_text() == "a file"
    (root / "f").write_text("a file")
    with pytest.raises(Unavailable, match="cannot create a run in"):
        begin(name="f")


def test_a_link_out_of_the_root_is_refused(begin: Begin, root: Path, tmp_path: Path) -> None:
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "e").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="leads out of"):
        begin()
    assert names(tmp_path / "elsewhere") == []


def test_of_racing_processes_exactly_one_wins_each_name(spawn: Spawn, root: Path) -> None:
    racers = [
        spawn(
            "asked = [from_document({'name': 'e', 'variant': 'v', 'seed': n}) for n in range(20)]\n"
            "say('ready'); start = float(sys.stdin.readline())\n"
            "while time.time() < start: pass\n"
            "won = []\n"
            "for one in asked:\n"
            "    try: won.append(ActiveRun.create(root, one, facts))\n"
            "    except Busy: pass\n"
            "say(*(active.run.path.name for active in won))\n"
            "sys.stdin.readline()"
        )
        for _ in range(12)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    start = time.time() + 0.1
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(f"{start}\n")
        racer.stdin.flush()
    won = {racer.pid: racer.stdout.readline().split() for racer in racers if racer.stdout}
    everything = [f"s{seed}" for seed in range(20)]
    assert sorted(name for one in won.values() for name in one) == sorted(everything)
    assert names(root / "e/v") == sorted(everything)
    for pid, mine in won.items():
        assert {Run(root / "e/v" / name).status().pid for name in mine} <= {pid}


def test_racing_with_again_gives_each_a_name(spawn: Spawn, root: Path) -> None:
    racers = [
        spawn("say(ActiveRun.create(root, asked, facts, again=True).run.id)") for _ in range(6)
    ]
    names = {racer.communicate()[0].strip() for racer in racers}
    assert names == {"e/v/s0", *(f"e/v/s0.{n}" for n in range(2, 7))}


def test_a_live_run_is_running_and_a_killed_one_crashed_at_once(spawn: Spawn, root: Path) -> None:
    process = hold(spawn)
    run = Run(root / "e/v/s0")
    assert run.state() == "running"
    process.kill()
    process.wait()
    assert run.status().state == "running"
    assert run.state() == "crashed"


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_of_creation_a_run_is_whole_or_not_there(
    spawn: Spawn, begin: Begin, root: Path, when: str
) -> None:
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    for count in range(1, 20):
        process = spawn(
            f"real, calls = os.fsync, iter(range(1, 99))\n"
            f"def sync(fd):\n"
            f"    now = next(calls) == {count}\n"
            f"    if now and {when == 'before'}: {kill}\n"
            f"    real(fd)\n"
            f"    if now: {kill}\n"
            f"os.fsync = sync\n"
            f"ActiveRun.create(root, asked, facts)\n"
        )
        process.communicate()
        run = Run(root / "e/v/s0")
        if process.returncode == 0:
            break
        if run.path.exists():
            assert run.state() == "crashed"
            shutil.rmtree(run.path)
    assert count > 5
    assert run.state() == "crashed"
    assert begin(again=True).run.id == "e/v/s0.2"


def test_disk_full_at_any_step_of_creation_leaves_nothing(
    begin: Begin, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count, left = os.fsync, 0, 0

    def sync(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    for count in range(1, 20):
        left = count
        try:
            begin(seed=count)
            break
        except Unavailable as error:
            said = str(error)
        assert "disk full" in said
        held = root / f"e/v/s{count}"
        # Only the last sync comes after the rename: the run is then there, and given up.
        assert names(root / "e/v") == ([held.name] if held.exists() else [])
        if held.exists():
            assert Run(held).state() == "crashed"
            shutil.rmtree(held)
    assert 5 < count < 19


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EACCES, "permission denied"), (errno.EROFS, "is read-only")]
)
def test_where_no_run_can_be_made_it_says_so(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(Unavailable, match=rf"cannot create a run in .*e/v: .*{words}"):
        begin()


def test_what_a_killed_creator_left_is_removed_when_it_is_old(begin: Begin, root: Path) -> None:
    old, new = (root / f"e/v/{claim.BUILDING}{pid}-0" for pid in (1, 2))
    for path in (old, new):
        path.mkdir(parents=True)
        (path / "status.json").touch()
    os.utime(old, (0, 0))
    begin()
    assert names(root / "e/v") == [new.name, "s0"]


def test_a_run_that_took_its_place_while_we_looked_is_no_leftover(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed_meanwhile(folder: Path, _: str) -> list[Path]:
        return [folder / f"{claim.BUILDING}1-0"]

    monkeypatch.setattr(Path, "glob", placed_meanwhile)
    assert begin().run.id == "e/v/s0"


def test_names_that_could_hurt_make_no_run(root: Path, begin: Begin) -> None:
    experiment = from_document({"name": "e", "variant": "v"})
    object.__setattr__(experiment, "variant", "../../x")
    with pytest.raises(UsageError):
        Run.of(root, experiment)
    assert not root.exists()


@pytest.fixture
def clock() -> Callable[[], datetime]:
    ticks: Iterator[int] = iter(range(100))
    return lambda: datetime(2026, 1, 2, tzinfo=timezone.utc) + timedelta(seconds=next(ticks))


def test_progress_is_written_whole(begin: Begin, clock: Callable[[], datetime]) -> None:
    active = begin(clock=clock)
    active.plan(40)
    active.update(20, 2.5, SUMMARY)
    said = active.run.status()
    assert (said.step, said.epoch, said.total_steps) == (20, 2.5, 40)
    assert (said.started, said.updated) == (
        "2026-01-02T00:00:00.000+00:00", "2026-01-02T00:00:02.000+00:00",
    )  # fmt: skip
    assert active.run.summary() == SUMMARY
    assert list(read_json(active.run.summary_file)["metrics"]) == ["accuracy/val", "loss/val"]
    assert read_json(active.run.summary_file)["step"] == 20
    assert read_json(active.run.status_file)["schema_version"] == 1


def test_a_log_line_has_its_time_and_cannot_harm_a_terminal(
    begin: Begin, clock: Callable[[], datetime]
) -> None:
    active = begin(clock=clock)
    active.log("é \x1b[31m")
    active.log("two\nlines\udcff")
    assert active.run.log_file.read_text() == (
        "2026-01-02T00:00:01.000+00:00 é \\x1b[31m\n"
        "2026-01-02T00:00:02.000+00:00 two\n"
        "2026-01-02T00:00:02.000+00:00 lines\\udcff\n"
    )


def test_each_end_is_told_and_gives_the_lock_up(
    begin: Begin, clock: Callable[[], datetime]
) -> None:
    finished, failed, stopped = (begin(seed=seed, clock=clock) for seed in range(3))
    finished.finish()
    failed.fail("the loss\nis NaN \x1b" + "x" * 600)
    stopped.stop(signal.SIGTERM)
    assert [one.run.state() for one in (finished, failed, stopped)] == [
        "finished", "failed", "stopped",
    ]  # fmt: skip
    for one in (finished, failed, stopped):  # one moment, however slow the disk is
        assert one.run.status().ended == one.run.status().updated
    cause = failed.run.status().cause
    assert cause is not None
    assert cause.startswith("the loss is NaN \\x1bxxx")
    assert len(cause) == 500
    assert stopped.run.status().signal == 15
    assert stopped.run.status().cause == "Terminated"
    for one in (finished, failed, stopped):
        assert one.run.lock_file.stat().st_size == 0
        with pytest.raises(TrackerError, match="has ended"):
            one.update(1, 1.0, SUMMARY)


@pytest.mark.parametrize(
    ("error", "state", "cause", "signum"),
    [
        (None, "finished", None, None),
        (
            ZeroDivisionError("division by zero"),
            "failed",
            "ZeroDivisionError: division by zero",
            None,
        ),
        (KeyError(), "failed", "KeyError", None),
        (Unavailable("cannot read x"), "failed", "cannot read x", None),
        (Stopped("stopped", 15), "stopped", "Terminated", 15),
        (KeyboardInterrupt(), "stopped", "Interrupt", 2),
    ],
)
def test_leaving_the_block_ends_the_run(
    begin: Begin, error: BaseException | None, state: str, cause: str | None, signum: int | None
) -> None:
    active = begin()
    with contextlib.suppress(*[type(error)] if error else []):
        leave(active, error)
    said = active.run.status()
    assert (said.state, said.cause, said.signal) == (state, cause, signum)


def test_a_run_ended_by_hand_stays_so(begin: Begin) -> None:
    active = begin()
    active.fail("first")
    with pytest.raises(ValueError, match="later"):
        leave(active, ValueError("later"))
    assert active.run.status().cause == "first"


class FullDisk:
    """A disk without room for anything, until someone gives back a reserve."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, for_good: bool) -> None:
        real_sync, real_truncate = os.fsync, os.ftruncate
        full = True

        def sync(descriptor: int) -> None:
            if full:
                raise OSError(errno.ENOSPC, "No space left on device")
            real_sync(descriptor)

        def truncate(descriptor: int, length: int) -> None:
            nonlocal full
            full = for_good
            real_truncate(descriptor, length)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(os, "ftruncate", truncate)


def test_on_a_full_disk_the_reserve_lets_the_end_be_told(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = begin()
    FullDisk(monkeypatch, for_good=False)
    with pytest.raises(Unavailable, match=r"summary\.json: disk full") as caught:
        active.update(1, 1.0, SUMMARY)
    with pytest.raises(Unavailable):
        leave(active, caught.value)
    assert active.run.state() == "failed"
    assert "disk full" in (active.run.status().cause or "")


def test_a_run_that_cannot_even_tell_its_end_has_crashed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = begin()
    FullDisk(monkeypatch, for_good=True)
    with pytest.raises(ZeroDivisionError):  # the first error, not that it couldn't be told
        leave(active, ZeroDivisionError())
    assert active.run.state() == "crashed"
    with pytest.raises(TrackerError, match="has ended"):
        active.finish()


def test_a_run_removed_while_it_is_written_says_so(begin: Begin) -> None:
    active = begin()
    shutil.rmtree(active.run.path)
    with pytest.raises(Unavailable, match="was removed while it was written"):
        active.update(1, 1.0, SUMMARY)
    with pytest.raises(Unavailable, match="not found"):
        active.log("x")


def test_an_update_torn_between_its_two_files_is_still_a_run(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = begin()
    active.update(1, 0.5, Summary())
    real = Path.replace

    def fail_on_status(self: Path, target: Path) -> Path:
        if target.name == "status.json":
            raise KeyboardInterrupt  # as good as a kill: nothing handles it on the way
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_status)
    with pytest.raises(KeyboardInterrupt):
        active.update(20, 2.5, SUMMARY)
    monkeypatch.undo()
    assert active.run.status().step == 1
    assert active.run.summary() == SUMMARY
    assert not list(active.run.path.glob("*.tmp")) + list(active.run.path.glob(".*.tmp"))


def test_in_a_forked_child_nothing_can_be_written(spawn: Spawn, root: Path) -> None:
    process = spawn(
        "active = ActiveRun.create(root, asked, facts)\n"
        "if os.fork() == 0:\n"
        "    try: active.finish()\n"
        "    except Busy: say('busy')\n"
        "    os._exit(0)\n"
        "os.wait(); say(active.run.state())"
    )
    assert process.communicate()[0] == "busy\nrunning\n"


def test_a_run_that_ends_while_it_is_looked_at_is_not_called_crashed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = begin()

    def ended_meanwhile(_: Path) -> bool:
        active.finish()
        return False

    monkeypatch.setattr(status, "is_held", ended_meanwhile)
    assert active.run.state() == "finished"
