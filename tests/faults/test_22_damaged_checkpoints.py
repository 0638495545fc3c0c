"""Rows 22 and 23: of a checkpoint that is not what was saved nothing is believed, nothing run."""

import hashlib
import json
import os
import pickle
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch

from tests.faults.conftest import AfterStep, the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint
from tracker.errors import Damaged, Unavailable
from tracker.store import index
from tracker.store.run import Run
from tracker.training import checkpoint

DIFFERS = "not the bytes that were saved (sha256 differs from manifest.json)"


@pytest.fixture
def saved(tmp_path: Path) -> Run:
    """A run with the checkpoints of steps 10 and 20."""
    run = Run(tmp_path / "runs" / "e" / "v" / "s0")
    run.path.mkdir(parents=True)
    for step in (10, 20):
        weights = torch.arange(500.0) + step
        checkpoint.save(run, {"model": {"weight": weights}, "step": step}, step, best=False)
    return run


def damage(run: Run, place: int, change: Callable[[bytes], bytes]) -> None:
    path = run.checkpoints / run.manifest().kept[place].file
    path.write_bytes(change(path.read_bytes()))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_flip_is_noticed_and_the_checkpoint_before_is_taken(saved: Run) -> None:
    path = saved.checkpoints / saved.manifest().kept[-1].file
    whole = path.read_bytes()
    for bit in random.Random(22).sample(range(8 * len(whole)), 200):
        path.write_bytes(flipped(whole, bit))
        told: list[str] = []
        state = checkpoint.newest(saved, told.append)
        assert state is not None
        assert state["step"] == 10
        assert "sha256" in told[0]


def test_every_length_is_noticed(saved: Run) -> None:
    path = saved.checkpoints / saved.manifest().kept[-1].file
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        state = checkpoint.newest(saved, lambda _: None)
        assert state is not None
        assert state["step"] == 10


def test_only_where_there_is_one_before_it_is_gone_back_to(saved: Run) -> None:
    for place in (0, 1):
        damage(saved, place, lambda data: flipped(data, 1000))
    told: list[str] = []
    with pytest.raises(Damaged) as refused:
        checkpoint.newest(saved, told.append)
    older, newer = (saved.checkpoints / entry.file for entry in saved.manifest().kept)
    assert [line.partition(": ") for line in told] == [
        (str(newer), ": ", f"{DIFFERS}; going back to the checkpoint before it, of step 10")
    ]
    assert str(refused.value) == (
        f"{older}: {DIFFERS}; no other checkpoint is left: restore one from a copy, or start anew "
        "with --again"
    )


def test_the_best_is_gone_back_to_when_the_last_ones_are_damaged(saved: Run) -> None:
    state = {"model": {}, "step": 5}
    checkpoint.save(saved, state, 5, best=True)  # as after going back; the last ones come anew
    for step in (10, 20):
        checkpoint.save(saved, {**state, "step": step}, step, best=False)
    for place in (0, 1):
        damage(saved, place, lambda data: flipped(data, 1000))
    told: list[str] = []
    found = checkpoint.newest(saved, told.append)
    assert found is not None
    assert found["step"] == 5
    assert [line.rpartition(", of step ")[2] for line in told] == ["10", "5"]


def test_what_is_unreadable_now_is_not_called_damaged(
    saved: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    before, told = saved.manifest(), list[str]()
    with pytest.raises(Unavailable, match=r"20.pt: .*, or move it away to go on from step 10$"):
        checkpoint.newest(saved, told.append)
    assert told == []
    assert saved.manifest() == before  # it may be readable tomorrow: it is not given up


@pytest.mark.parametrize("pipe", [False, True])
def test_a_checkpoint_that_is_no_file_is_missing(saved: Run, pipe: bool) -> None:
    path = saved.checkpoints / saved.manifest().kept[-1].file
    path.unlink()
    if pipe:
        os.mkfifo(path)
    told: list[str] = []
    state = checkpoint.newest(saved, told.append)
    assert state is not None
    assert (state["step"], len(told)) == (10, 1)
    assert ".pt: missing; going back" in told[0]


def test_a_run_whose_newest_checkpoint_is_damaged_comes_out_the_same(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    after_step: AfterStep,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "runs"
    after_step(6, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert tracker(root, "run", spec) == 143
    assert [entry.step for entry in the_run(root).manifest().kept] == [4, 6]
    damage(the_run(root), -1, lambda data: flipped(data, 12345))
    assert tracker(root, "run", spec, "--resume") == 0
    assert "going back to the checkpoint before it, of step 4" in capsys.readouterr().err
    assert unlike(uninterrupted, the_run(root)) == {}


State: TypeAlias = dict[str, Any]


def another_network(state: State) -> None:
    state["model"] = {f"stranger.{name}": one for name, one in state["model"].items()}


def a_weight_less(state: State) -> None:
    state["model"].popitem()


def another_shape(state: State) -> None:
    name = next(iter(state["average"]))
    state["average"][name] = torch.zeros(3, 3, 3)


def another_momentum(state: State) -> None:
    state["optimizer"]["state"][0]["momentum_buffer"] = torch.zeros(9)


def nothing_but_weights(state: State) -> None:
    weights = dict(state["model"])
    state.clear()
    state.update(weights)


def another_step(state: State) -> None:
    state["step"] += 1


def other_events(state: State) -> None:
    state["events"] = {"../x": 5}


FORGERIES = [
    another_network, a_weight_less, another_shape, another_momentum, nothing_but_weights,
    another_step, other_events,
]  # fmt: skip


def forge(run: Run, place: int, change: Callable[[State], None]) -> None:
    """Put another state in place of a checkpoint, with the sha256 that it has."""
    manifest = run.manifest()
    entry = manifest.kept[place]
    state = checkpoint.load(run, entry)
    change(state)
    path = run.checkpoints / entry.file
    torch.save(state, path)
    text = run.manifest_file.read_text()
    forged = text.replace(entry.sha256, hashlib.sha256(path.read_bytes()).hexdigest())
    run.manifest_file.write_text(forged)


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_checkpoint_is_passed_over_and_where_it_is_the_last_one_refused(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    after_step: AfterStep,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[State], None],
) -> None:
    root = tmp_path / "runs"
    after_step(6, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert tracker(root, "run", spec) == 143
    whole = tmp_path / "whole"
    shutil.copytree(root, whole, symlinks=True)
    forge(the_run(root), -1, change)
    capsys.readouterr()
    assert tracker(root, "run", spec, "--resume") == 0
    said = capsys.readouterr().err
    assert said.count("going back to the checkpoint before it, of step 4") == 1
    assert unlike(uninterrupted, the_run(root)) == {}

    for place in places(whole):
        forge(the_run(whole), place, change)
    events = read_events(the_run(whole))
    assert tracker(whole, "run", spec, "--resume") == 5
    *_, last = capsys.readouterr().err.splitlines()
    assert "not what this run saved" in last
    assert last.endswith(
        "; no other checkpoint is left: restore one from a copy, or start anew with --again"
    )
    assert index.record(the_run(whole)).state == "failed"
    assert read_events(the_run(whole)) == events


def places(root: Path) -> range:
    """The places of a run's checkpoints; each is kept, the best one too."""
    manifest = the_run(root).manifest()
    assert manifest.entries == manifest.kept
    return range(len(manifest.kept))


def read_events(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path.glob("events.*")}


class Gadget:
    """What a pickle can be made to do when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


def as_zip(content: Any, path: Path) -> None:
    torch.save(content, path)


def as_legacy(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def as_pickle(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def as_text(_: Any, path: Path) -> None:
    path.write_text("no checkpoint, but its checksum is right")


def as_nothing(_: Any, path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("write", [as_zip, as_legacy, as_pickle, as_text, as_nothing])
def test_a_stranger_s_checkpoint_is_refused_and_runs_nothing(
    saved: Run,
    tmp_path: Path,
    write: Callable[[Any, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # turns torch's default off
    path = saved.checkpoints / saved.manifest().kept[-1].file
    write({"model": Gadget(tmp_path / "owned")}, path)
    manifest = json.loads(saved.manifest_file.read_text())
    manifest["kept"] = manifest["kept"][-1:]
    manifest["kept"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    saved.manifest_file.write_text(json.dumps(manifest))
    with pytest.raises(Damaged) as refused:
        checkpoint.newest(saved, lambda _: None)
    assert refused.value.exit_code == 5
    assert not (tmp_path / "owned").exists()
