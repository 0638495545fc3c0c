"""A checkpoint is whole or absent, and only the bytes that were saved are ever loaded."""

import os
from pathlib import Path

import pytest
import torch

from tracker.errors import Damaged, Unavailable
from tracker.store.manifest import Manifest
from tracker.store.run import Run
from tracker.training import checkpoint


@pytest.fixture
def run(tmp_path: Path) -> Run:
    path = tmp_path / "runs" / "e" / "v" / "s0"
    path.mkdir(parents=True)
    return Run(path)


def state(value: float) -> dict[str, object]:
    return {"model": {"weight": torch.full((4,), value)}, "step": int(value), "note": ["a", 1.5]}


def test_what_was_saved_comes_back(run: Run) -> None:
    manifest = checkpoint.save(run, state(10), 10, best=True)
    loaded = checkpoint.load(run, manifest.kept[-1])
    assert torch.equal(loaded["model"]["weight"], torch.full((4,), 10.0))
    assert loaded["note"] == ["a", 1.5]
    assert run.manifest() == manifest


def test_the_last_two_and_the_best_are_kept(run: Run) -> None:
    for step in (10, 20, 30, 40):
        checkpoint.save(run, state(step), step, best=step == 10)
    manifest = run.manifest()
    assert [entry.step for entry in manifest.kept] == [30, 40]
    assert manifest.best is not None
    assert manifest.best.step == 10
    assert sorted(p.name for p in run.checkpoints.glob("step-*")) == [
        "step-00000010.pt",
        "step-00000030.pt",
        "step-00000040.pt",
    ]
    assert run.last_checkpoint.resolve().name == "step-00000040.pt"
    assert run.best_checkpoint.resolve().name == "step-00000010.pt"


def test_saving_a_step_again_replaces_it(run: Run) -> None:
    checkpoint.save(run, state(10), 10, best=False)
    manifest = checkpoint.save(run, state(10), 10, best=True)
    assert [entry.step for entry in manifest.kept] == [10]
    assert checkpoint.load(run, manifest.kept[0])["step"] == 10
    assert len(list(run.checkpoints.glob("step-*.pt"))) == 1


def test_a_step_saved_again_is_the_old_one_until_it_is_committed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(run, state(10), 10, best=False)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write_json", die)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(run, state(10) | {"note": "new"}, 10, best=True)
    saved = checkpoint.newest(run, pytest.fail)
    assert saved is not None
    assert saved["note"] == ["a", 1.5]


def test_a_changed_byte_is_refused(run: Run) -> None:
    entry = checkpoint.save(run, state(10), 10, best=False).kept[-1]
    path = run.checkpoints / entry.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="sha256"):
        checkpoint.load(run, entry)


def test_what_comes_after_the_step_gone_on_from_is_vouched_for_no_more(run: Run) -> None:
    for step in (10, 20):
        checkpoint.save(run, state(step), step, best=True)
    whole = run.manifest()
    checkpoint.forget_after(run, 20)
    assert run.manifest() == whole
    checkpoint.forget_after(run, 10)
    assert run.manifest() == Manifest(whole.kept[:1], None)


@pytest.mark.parametrize("text", ['{"schema_version": 9}', '{"schema_version": 1}', "[]"])
def test_a_manifest_that_is_none_is_refused(run: Run, text: str) -> None:
    run.checkpoints.mkdir()
    run.manifest_file.write_text(text)
    with pytest.raises(Damaged, match="manifest"):
        run.manifest()


@pytest.mark.parametrize("failing", range(4))
def test_a_failed_save_leaves_the_checkpoint_before_it(
    run: Run, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(run, state(10), 10, best=True)
    replace, calls = os.replace, 0

    def refuse(source: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Unavailable, match="disk full"):
        checkpoint.save(run, state(20), 20, best=True)
    monkeypatch.setattr(os, "replace", replace)
    newest = run.manifest().kept[-1]
    # The second rename, the manifest's, is the commit: before it the old step, after it the new.
    assert newest.step == (10 if failing < 2 else 20)
    assert checkpoint.load(run, newest)["step"] == newest.step


def test_a_checkpoint_that_runs_code_is_refused(run: Run, tmp_path: Path) -> None:
    class Gadget:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'owned'}",)

    manifest = checkpoint.save(run, {"model": Gadget()}, 10, best=False)
    with pytest.raises(Damaged, match="not loaded"):
        checkpoint.load(run, manifest.kept[-1])
    assert not (tmp_path / "owned").exists()


def test_a_saver_commits_what_was_there_when_it_was_told_to(run: Run) -> None:
    weight = torch.zeros(4)
    with checkpoint.Saver(run) as saver:
        for step in (10, 20, 30):
            weight.fill_(step)
            saver.save({"model": {"weight": weight}, "step": step}, step, best=step == 20)
            weight.fill_(-1)  # training goes on
    for entry in run.manifest().kept:
        assert checkpoint.load(run, entry)["model"]["weight"].tolist() == [entry.step] * 4
    assert [entry.step for entry in run.manifest().kept] == [20, 30]


def test_a_saver_tells_what_went_wrong_with_the_save_before(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with checkpoint.Saver(run) as saver:
        saver.save(state(10), 10, best=False)
        saver.wait()
        monkeypatch.setattr(os, "replace", refuse)
        saver.save(state(20), 20, best=False)
        with pytest.raises(Unavailable, match="disk full"):
            saver.save(state(30), 30, best=False)
    assert run.manifest().kept[-1].step == 10


def test_a_saver_waits_for_its_last_save_and_knows_its_age(run: Run) -> None:
    now = 0.0
    with checkpoint.Saver(run, clock=lambda: now) as saver:
        now = 7.0
        assert saver.age == 7.0
        saver.save(state(10), 10, best=False)
        assert saver.age == 0.0
    assert run.manifest().kept[-1].step == 10
