"""Experiments small enough to be run, killed and resumed many times over."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.faults.fingerprint import Fingerprint, differences, fingerprint
from tracker.cli.main import main
from tracker.store.run import Run
from tracker.training import loop
from tracker.training.state import State, Task

REPOSITORY = Path(__file__).parents[2]
SPEC: dict[str, Any] = {
    "name": "faults",
    "model": {"backbone": "small_cnn"},
    "optimizer": {"name": "sgd", "lr": 0.01},
    "training": {
        "epochs": 2,
        "batch_size": 8,
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "ema_decay": 0.9,
    },
    "logging": {"scalars_every": 2, "graph": False, "git_diff": False},
}
DATA: Mapping[str, Any] = {"name": "shapes", "train_size": 32, "val_size": 10}

AfterStep = Callable[[int, Callable[[], None]], None]


@pytest.fixture(scope="session")
def folder_of_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 pictures to learn from and 8 to be judged by, of two classes, as files."""
    root = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    for split, count in (("train", 16), ("val", 4)):
        for name in ("cat", "dog"):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(256, (16, 16, 3), dtype=torch.uint8, generator=generator)
                Image.fromarray(pixels.numpy()).save(root / split / name / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def streamed(folder_of_pictures: Path) -> dict[str, Any]:
    """A data block: decoded anew in every epoch, by two threads."""
    return {
        "name": "image_folder",
        "root": str(folder_of_pictures),
        "image_size": 16,
        "cache": "never",
        "workers": 2,
    }


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)


def write_spec(folder: Path, data: Mapping[str, Any] = DATA, **changes: Any) -> Path:
    path = folder / "faults.json"
    path.write_text(json.dumps({**SPEC, "data": dict(data), **changes}))
    return path


def the_run(root: Path) -> Run:
    return Run(root / "faults" / "small_cnn" / "s0")


def tracker(root: Path, *arguments: object) -> int:
    """Run a command line in this process; return its exit code."""
    return main(["--runs", str(root), *map(str, arguments)])


def started(*command: object, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a process of its own session, which is a process group of its own, too."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, command)],
        cwd=REPOSITORY,
        start_new_session=True,
        **options,
    )


@pytest.fixture
def after_step(monkeypatch: pytest.MonkeyPatch) -> AfterStep:
    """Let something happen, once, when a run in this process has taken so many steps."""

    def arrange(step: int, happen: Callable[[], None]) -> None:
        take, done = loop._step, False

        def step_and_more(task: Task, state: State, *args: Any, **options: Any) -> Any:
            nonlocal done
            result = take(task, state, *args, **options)
            if state.step == step and not done:
                done = True
                happen()
            return result

        monkeypatch.setattr(loop, "_step", step_and_more)

    return arrange


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Fingerprint:
    """What `spec` comes to where nothing goes wrong."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert tracker(folder / "runs", "run", write_spec(folder)) == 0
    return fingerprint(the_run(folder / "runs"))


def figures_of(module: str, tmp_path: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run `tests.faults.<module>` as a person would; return its figures."""
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{module}", *arguments, "--json", str(file)],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert file.exists(), done.stdout + done.stderr
    figures: list[dict[str, Any]] = json.loads(file.read_text())
    return figures


def unlike(right: Fingerprint, run: Run) -> dict[str, str]:
    """How `run`, stopped and resumed, differs from one that was not; nothing, if it does not.

    A stop saves once more: so the checkpoint before the last is another one, and a step that was
    saved twice has another file.
    """
    return differences(_in_the_end(right), _in_the_end(fingerprint(run)))


def _in_the_end(whole: Fingerprint) -> Fingerprint:
    return {
        part: {name: one for name, one in values.items() if not name.startswith("one before")}
        for part, values in whole.items()
        if part != "files"
    }
