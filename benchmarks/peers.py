"""How other programs write scalars: each to this machine alone, in its own fastest documented way.

Nothing here is imported before it is asked for, so that a program that is not installed is merely
left out; `OFFLINE` keeps those that would from calling home.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, TypeAlias

Log: TypeAlias = Callable[[int, Mapping[str, float]], None]

OFFLINE = {
    "AIM_UI_TELEMETRY_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
}


class Writer(NamedTuple):
    """A way to log: which package it needs, how many steps of it are bearable, how it is opened.

    `open` takes a folder to write into; what it yields takes all scalars of a step. All is in the
    files once it is closed.
    """

    package: str
    steps: int
    open: Callable[[Path], AbstractContextManager[Log]]


def environment(place: Path) -> dict[str, str]:
    """What a process must have in its environment before it imports any of these."""
    return {**OFFLINE, "HOME": str(place), "TRACKIO_DIR": str(place), "WANDB_DIR": str(place)}


@contextmanager
def _tracker(place: Path) -> Iterator[Log]:
    from tracker.events.writer import EventWriter

    with EventWriter(place) as writer:
        yield writer.scalars


@contextmanager
def _summary_writer(place: Path) -> Iterator[Log]:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(place)) as writer:
        yield _each(lambda tag, value, step: writer.add_scalar(tag, value, step))


@contextmanager
def _tensorboardx(place: Path) -> Iterator[Log]:
    with import_module("tensorboardX").SummaryWriter(str(place)) as writer:
        yield _each(lambda tag, value, step: writer.add_scalar(tag, value, step))


@contextmanager
def _json_lines(place: Path) -> Iterator[Log]:
    with (place / "log.jsonl").open("a", buffering=1) as file:
        yield lambda step, values: print(json.dumps({"step": step, **values}), file=file)


@contextmanager
def _trackio(_place: Path) -> Iterator[Log]:
    trackio = import_module("trackio")
    trackio.init(project="p", name="r", auto_log_cpu=False, auto_log_gpu=False)
    yield lambda step, values: trackio.log(dict(values), step=step)
    trackio.finish()


@contextmanager
def _wandb(place: Path) -> Iterator[Log]:
    run = import_module("wandb").init(project="p", dir=str(place), mode="offline")
    yield lambda step, values: run.log(dict(values), step=step)
    run.finish()


@contextmanager
def _aim(place: Path) -> Iterator[Log]:
    run = import_module("aim").Run(
        repo=str(place), system_tracking_interval=None, capture_terminal_logs=False
    )
    yield _each(lambda tag, value, step: run.track(value, name=tag, step=step))
    run.close()


@contextmanager
def _mlflow(place: Path) -> Iterator[Log]:
    mlflow = import_module("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
    mlflow.set_experiment("e")
    with mlflow.start_run():
        yield lambda step, values: mlflow.log_metrics(dict(values), step=step)


@contextmanager
def _dvclive(place: Path) -> Iterator[Log]:
    live = import_module("dvclive").Live(
        dir=str(place / "live"), dvcyaml=None, save_dvc_exp=False, monitor_system=False
    )

    def log(_step: int, values: Mapping[str, float]) -> None:
        for tag, value in values.items():
            live.log_metric(tag, value)
        live.next_step()

    yield log
    live.end()


def _each(log: Callable[[str, float, int], None]) -> Log:
    """A way that takes one value at a time, as one that takes all of a step."""

    def log_all(step: int, values: Mapping[str, float]) -> None:
        for tag, value in values.items():
            log(tag, value, step)

    return log_all


WRITERS = {
    "tracker": Writer("tracker", 20_000, _tracker),
    "SummaryWriter": Writer("tensorboard", 2_000, _summary_writer),
    "tensorboardX": Writer("tensorboardX", 2_000, _tensorboardx),
    "a JSON line": Writer("tracker", 20_000, _json_lines),
    "Trackio": Writer("trackio", 10_000, _trackio),
    "W&B offline": Writer("wandb", 5_000, _wandb),
    "Aim": Writer("aim", 1_000, _aim),
    "MLflow": Writer("mlflow", 200, _mlflow),
    "DVCLive": Writer("dvclive", 200, _dvclive),
}
