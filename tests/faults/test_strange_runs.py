"""Going on with a run that somebody else laid hands on harms nothing and hides nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import REPOSITORY, AfterStep, the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint
from tests.faults.test_22_damaged_checkpoints import forge
from tracker.events.record import Scan
from tracker.store.run import Run


@pytest.fixture
def stopped(tmp_path: Path, spec: Path, after_step: AfterStep) -> Run:
    """A run with the checkpoints of steps 4 and 6, stopped there."""
    after_step(6, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert tracker(tmp_path / "runs", "run", spec) == 143
    return the_run(tmp_path / "runs")


@pytest.fixture
def resume(tmp_path: Path, spec: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Resume the run; return its exit code and what was said, as one text."""

    def go_on() -> str:
        capsys.readouterr()
        code = tracker(tmp_path / "runs", "run", spec, "--resume")
        return f"{code}: {capsys.readouterr().err}"

    return go_on


Resume = Callable[[], str]


def content(folder: Path) -> dict[str, bytes]:
    """Each file of a run but its lock, which holds bytes by chance."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def events_of(run: Run) -> Path:
    [path] = run.path.glob("events.*")
    return path


@pytest.mark.parametrize("name", [".lock", "log.txt", "events"])
@pytest.mark.parametrize("exists", [True, False])
def test_no_link_is_written_through(
    stopped: Run, resume: Resume, tmp_path: Path, name: str, exists: bool
) -> None:
    path = events_of(stopped) if name == "events" else stopped.path / name
    victim = tmp_path / "victim"
    if exists:
        shutil.copy(path, victim)
    path.unlink()
    path.symlink_to(victim)
    before, whole = content(stopped.path), victim.read_bytes() if exists else None
    said = resume()
    assert said.startswith("5: ")
    assert f"{path} is a link to {victim}" in said
    assert (victim.read_bytes() if victim.exists() else None) == whole
    assert content(stopped.path) == before


@pytest.mark.parametrize("name", ["checkpoints", "lost"])
def test_no_folder_is_written_to_through_a_link(
    stopped: Run, resume: Resume, tmp_path: Path, name: str
) -> None:
    path, elsewhere = stopped.path / name, tmp_path / "elsewhere"
    if path.exists():
        path.rename(elsewhere)
    else:
        elsewhere.mkdir()
    (elsewhere / "step-00000001.pt").write_text("not ours")
    path.symlink_to(elsewhere)
    before = content(elsewhere)
    said = resume()
    assert said.startswith("5: ")
    assert f"{path} is a link to {elsewhere}" in said
    assert content(elsewhere) == before
    assert tracker(tmp_path / "runs", "gc", "--older-than", "0") == 0
    assert content(elsewhere) == before


@pytest.mark.parametrize("name", [".lock", "log.txt", "events"])
def test_nobody_waits_for_a_pipe(stopped: Run, resume: Resume, name: str) -> None:
    path = events_of(stopped) if name == "events" else stopped.path / name
    path.unlink()
    os.mkfifo(path)
    said = resume()
    assert said.startswith("5: ")
    assert f"{path} is no regular file" in said


def test_where_the_manifest_is_lost_no_work_is_lost_with_it(
    stopped: Run, resume: Resume, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped.manifest_file.unlink()
    before = content(stopped.path)
    said = resume()
    assert said.startswith("5: ")
    assert f"{stopped.manifest_file} names none of the checkpoints that were saved (2 are" in said
    assert said.endswith("restore it from a copy, or start anew with --again\n")
    assert content(stopped.path) == before
    assert tracker(stopped.path.parents[2], "doctor", stopped.id) == 5
    assert "names none of the checkpoints" in " ".join(capsys.readouterr().out.split())


def test_where_none_was_saved_yet_the_run_starts_anew_and_says_so(
    tmp_path: Path,
    spec: Path,
    after_step: AfterStep,
    resume: Resume,
    uninterrupted: Fingerprint,
) -> None:
    def fail() -> None:
        raise RuntimeError("no luck")

    after_step(2, fail)
    assert tracker(tmp_path / "runs", "run", spec) == 1
    run = the_run(tmp_path / "runs")
    run.checkpoints.mkdir()
    (run.checkpoints / "step-00000004.pt").write_text("its commit was cut short")
    said = resume()
    assert said.startswith("0: ")
    assert "no checkpoint was saved yet: starting anew from step 0\n" in said
    aside = run.lost / "001-step-00000004.pt"
    assert f"set aside {aside}: no checkpoint that the run goes on from\n" in said
    assert aside.read_text() == "its commit was cut short"
    assert "starting anew from step 0" in run.log_file.read_text()
    assert unlike(uninterrupted, run) == {}


def test_what_is_passed_over_is_kept(stopped: Run, resume: Resume) -> None:
    newest = stopped.checkpoints / stopped.manifest().kept[-1].file
    newest.write_bytes(b"damaged, but perhaps not past mending")
    assert resume().startswith("0: ")
    aside = stopped.lost / f"001-{newest.name}"
    assert aside.read_bytes() == b"damaged, but perhaps not past mending"


def test_a_manifest_that_names_another_file_for_events_is_refused(
    stopped: Run, resume: Resume
) -> None:
    for place in range(len(stopped.manifest().kept)):
        forge(stopped, place, lambda state: state["events"].update({"experiment.json": 0}))
    document = json.loads(stopped.manifest_file.read_text())
    for entry in document["kept"]:
        entry["events"]["experiment.json"] = 0
    stopped.manifest_file.write_text(json.dumps(document))
    before = content(stopped.path)
    said = resume()
    assert said.startswith("5: ")
    assert "no event file is called 'experiment.json'" in said
    assert content(stopped.path) == before


def test_a_step_that_training_never_takes_is_passed_over(
    stopped: Run, resume: Resume, uninterrupted: Fingerprint
) -> None:
    forge(stopped, -1, lambda state: state.update(step=10**9))
    text = stopped.manifest_file.read_text()
    old, new = "step-00000006.pt", "step-1000000000.pt"
    (stopped.checkpoints / old).rename(stopped.checkpoints / new)
    text = text.replace(old, new).replace('"step": 6', f'"step": {10**9}')
    stopped.manifest_file.write_text(text)
    said = resume()
    assert said.startswith("0: ")
    assert "(step: not within 1 and 8); going back to the checkpoint before it, of step 4" in said
    assert unlike(uninterrupted, stopped) == {}


def test_events_that_are_cut_short_go_back_to_the_checkpoint_they_reach(
    stopped: Run, resume: Resume, uninterrupted: Fingerprint
) -> None:
    path = events_of(stopped)
    committed = stopped.manifest().kept[-1].events[path.name]
    with path.open("r+b") as file:
        file.truncate(committed - 1)
    said = resume()
    assert said.startswith("0: ")
    assert f"{committed} bytes were committed and are not there" in said
    assert "going back to the checkpoint before it, of step 4\n" in said
    assert unlike(uninterrupted, stopped) == {}


def test_damage_among_the_committed_events_is_said_and_kept_in_the_log(
    stopped: Run, resume: Resume
) -> None:
    path = events_of(stopped)
    offset = list(Scan(path))[5][0]
    data = bytearray(path.read_bytes())
    data[offset + 20] ^= 1
    path.write_bytes(data)
    said = resume()
    words = f"{path.name} is damaged from byte {offset:,} on (wrong checksum of a payload)"
    assert said.startswith("0: ")
    assert words in said
    assert words in stopped.log_file.read_text()
    assert tracker(stopped.path.parents[2], "doctor", stopped.id) == 5


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_stdin_stdout_or_stderr_all_goes_as_ever(
    tmp_path: Path, spec: Path, closed: str, uninterrupted: Fingerprint
) -> None:
    root = tmp_path / "runs"
    for command in (f"run {spec}", "ls", "doctor", "show @last", "run --resume @last --dry-run"):
        line = f"exec {sys.executable} -m tracker --runs {root} {command} {closed}"
        done = subprocess.run(["sh", "-c", line], cwd=REPOSITORY, timeout=120, check=False)
        assert done.returncode == 0, command
    assert unlike(uninterrupted, the_run(root)) == {}
