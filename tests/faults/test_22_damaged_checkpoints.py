"""Rows 22 and 23: of a checkpoint that is not what was saved nothing is believed, nothing run."""

import hashlib
import json
import os
import pickle
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.faults.conftest import AfterStep, the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint
from tracker.errors import Damaged
from tracker.store.run import Run
from tracker.training import checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Run:
    """A run with the checkpoints of steps 10 and 20."""
    run = Run(tmp_path / "runs" / "e" / "v" / "s0")
    run.path.mkdir(parents=True)
    for step in (10, 20):
        weights = torch.arange(500.0) + step
        checkpoint.save(run, {"model": {"weight": weights}, "step": step}, step, best=False)
    return run


def damage(run: Run, index: int, change: Callable[[bytes], bytes]) -> None:
    path = run.checkpoints / run.manifest().kept[index].file
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


def test_where_none_is_left_it_is_said(saved: Run) -> None:
    for index in (0, 1):
        damage(saved, index, lambda data: flipped(data, 1000))
    with pytest.raises(Damaged, match="no checkpoint can be read; --again"):
        checkpoint.newest(saved, lambda _: None)


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
    assert "going back to the checkpoint before it" in capsys.readouterr().err
    assert unlike(uninterrupted, the_run(root)) == {}


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
