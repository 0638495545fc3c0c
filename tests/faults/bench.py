"""A small experiment, and processes that run it: forked from one that has torch loaded already.

What a run does before its directory exists (drawing pictures, counting FLOPs, asking git) changes
nothing on the disk, so it is done once here. From the directory on, everything is the real thing:
the command line, the loop, the writer, the checkpoints.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from tests.faults.fingerprint import Fingerprint, differences, fingerprint
from tracker import runner
from tracker.cli.main import load, main
from tracker.errors import TrackerError
from tracker.events.reader import read_scalars
from tracker.launch import here
from tracker.models.build import MODELS
from tracker.spec.experiment import Model
from tracker.store import index, provenance
from tracker.store.run import Run
from tracker.training import checkpoint

# Everything that a run can carry from one step to the next: momentum, an average, dropout's
# generator, a mixing of pictures, half-taken means, an early stop, and saves in mid-epoch.
SPEC: dict[str, Any] = {
    "name": "storm",
    "data": {
        "name": "shapes",
        "train_size": 24,
        "val_size": 10,
        "augment": ["random_crop", "horizontal_flip", "cutout"],
    },
    "model": {"backbone": "small_cnn"},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "schedule": {"name": "one_cycle"},
    "training": {
        "epochs": 3,
        "batch_size": 8,
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "ema_decay": 0.9,
        "mixup_alpha": 0.2,
        "early_stopping": {"metric": "loss/val", "patience": 9},
    },
    "logging": {"scalars_every": 2, "graph": False, "git_diff": False},
    "checkpoint": {"every_steps": 2, "metric": "loss/val"},
}
RUN = "storm/small_cnn/s0"
PATIENCE = 120.0  # seconds, on a machine that is busy; a run takes a quarter of one

Prepare = Callable[[], None]


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (or minus a signal), what it said, how long it took."""

    code: int
    said: str
    seconds: float


class Bench:
    """Runs `SPEC` in processes of their own; each has a folder of runs for itself."""

    def __init__(self, folder: Path, *, epochs: int = 3) -> None:
        """Load what a run needs, take one to warm up and one to know what is right."""
        self.folder = folder
        self.spec = folder / "storm.json"
        self.spec.write_text(
            json.dumps({**SPEC, "training": {**SPEC["training"], "epochs": epochs}})
        )
        # Neither a GPU's context nor a pool of threads outlives a fork.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        torch.set_num_threads(1)
        MODELS["small_cnn"] = _small
        _once(here, "build_data")
        _once(runner, "cost")
        _once(provenance, "collect")
        self._warm_up()
        ended = [self.run("uninterrupted"), self.run("uninterrupted-again")]
        if any(one.code != 0 for one in ended):
            raise RuntimeError(f"the run that is to be compared with failed:\n{ended[0].said}")
        self.seconds = min(one.seconds for one in ended)
        self.right: Fingerprint = fingerprint(self.run_of("uninterrupted"))

    def root(self, name: str) -> Path:
        """The folder of runs called `name`."""
        return self.folder / name

    def run_of(self, name: str) -> Run:
        """The run that is made in the folder called `name`."""
        return Run(self.root(name) / RUN)

    def start(self, name: str, prepare: Prepare = lambda: None) -> int:
        """Begin the run `name`, or go on with it, in a new process; return its pid.

        `prepare` is called there first.
        """
        child = os.fork()
        if not child:
            self._be_child(name, prepare)
        return child

    def run(self, name: str, prepare: Prepare = lambda: None) -> Ended:
        """`start`, and wait for the end."""
        began = time.monotonic()
        pid = self.start(name, prepare)
        code = wait(pid)
        return Ended(code, self.said(name), time.monotonic() - began)

    def said(self, name: str) -> str:
        """What the last process of `name` wrote to its stdout and stderr."""
        return self._log(name).read_text(errors="replace")

    def look(self, name: str) -> str:
        """What is wrong with the run `name` while no process writes it; nothing, if all is well."""
        run = self.run_of(name)
        listed = [(record.state, record.cause) for record in index.list_runs(self.root(name))]
        if not listed:
            return ""
        if len(listed) > 1 or listed[0][0] in ("damaged", "running"):
            return f"listed as {listed}"
        damaged = [str(one) for one in read_scalars(run.path).reports if one.damage]
        if damaged:
            return f"damaged event file: {damaged}"
        passed_over: list[str] = []
        try:
            checkpoint.newest(run, passed_over.append)
        except (TrackerError, OSError) as error:
            return str(error)
        return "; ".join(passed_over)

    def compare(self, name: str) -> str:
        """How the finished run `name` differs from the uninterrupted one; nothing, if not."""
        try:
            different = differences(self.right, fingerprint(self.run_of(name)))
        except (TrackerError, OSError) as error:
            return f"cannot be read: {error}"
        return "; ".join(f"{part}: {what}" for part, what in different.items())

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _be_child(self, name: str, prepare: Prepare) -> NoReturn:
        code = 70
        try:
            log = os.open(self._log(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            prepare()
            code = main(["--runs", str(self.root(name)), "run", str(self.spec), "--resume"])
        except BaseException:  # noqa: BLE001 - the parent reads it, and sees the code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _warm_up(self) -> None:
        """Take one run in this process, so that the others find every library loaded."""
        load("tracker.cli.commands.run:run")
        errors, sys.stderr = sys.stderr, (self.folder / "warm-up.log").open("w")
        output, sys.stdout = sys.stdout, sys.stderr
        try:
            main(["--runs", str(self.root("warm-up")), "run", str(self.spec)])
        finally:
            sys.stderr.close()
            sys.stderr, sys.stdout = errors, output


def wait(pid: int, patience: float = PATIENCE) -> int:
    """The exit code of the child `pid`, or minus the signal that ended it.

    One that takes longer than `patience` seconds is killed, and that is a TimeoutError.
    """
    deadline = time.monotonic() + patience
    pause = 0.001
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(2 * pause, 0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise TimeoutError(f"a run was not over after {patience:g} seconds")


def _small(_: Model, num_classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(64, num_classes),
    )


def _once(owner: Any, name: str) -> None:
    """Let the function `name` of `owner` work once, and give the same answer ever after."""
    work = getattr(owner, name)
    answers: list[Any] = []

    def remembered(*args: Any, **kwargs: Any) -> Any:
        if not answers:
            answers.append(work(*args, **kwargs))
        return answers[0]

    setattr(owner, name, remembered)
