"""What every test stands on: one thread each, a runs folder of its own, no home and no network."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tracker.events.writer import EventWriter
from tracker.spec.load import from_document
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.run import Run
from tracker.store.summary import DataFacts, Metric, Price, Summary

# A machine that is busy with other things makes no test fail.
settings.register_profile("tracker", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tracker")
# Tests run side by side, one process per core; read by OpenMP and MKL when torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# Whoever starts the tests with nohup has SIGHUP ignored, in all their processes too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _apart(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Keep a test away from the person's own runs, caches and settings."""
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    for name in ("TRACKER_RUNS", "TRACKER_DEBUG", "CI", "NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    yield
    shutil.rmtree(home, ignore_errors=True)  # thousands of tests, and some fill a cache


@pytest.fixture(scope="session")
def _circumstances() -> provenance.Provenance:
    return provenance.collect(None, ["tracker", "run", "x.json"], patch=False)


@pytest.fixture
def make_run(_circumstances: provenance.Provenance) -> Callable[..., Run]:
    """Make a finished run of 30 steps without training it: its files, and curves of accuracy/val
    (the three values of `accuracy`, at steps 10, 20 and 30) and loss/val."""

    def make(
        root: Path,
        backbone: str = "resnet50",
        seed: int = 0,
        *,
        name: str = "first",
        accuracy: tuple[float, float, float] = (0.5, 0.9, 0.8),
        ends: Exception | None = None,
    ) -> Run:
        document = {"name": name, "seed": seed, "model": {"backbone": backbone}}
        loss = [1 - value for value in accuracy]
        best = max(range(3), key=accuracy.__getitem__)
        steps = (10, 20, 30)
        summary = Summary(
            metrics={
                "accuracy/val": Metric("max", accuracy[2], 30, accuracy[best], steps[best]),
                "loss/val": Metric("min", loss[2], 30, loss[best], steps[best]),
            },
            price=Price(
                parameters=23_520_842,
                flops=2_600_000_000,
                images_per_second=1234.5,
                seconds=3700.0,
                peak_memory_bytes=None,
            ),
            data=DataFacts(
                name="shapes", digest="0" * 64, train_size=8, val_size=4, classes=("a",)
            ),
        )
        active = ActiveRun.create(root, from_document(document), _circumstances, again=True)
        with active, EventWriter(active.run.path) as events:
            active.plan(30)
            for step, value, down in zip(steps, accuracy, loss, strict=True):
                events.scalars(step, {"accuracy/val": value, "loss/val": down})
            active.update(30, 3.0, summary)
            if ends is not None:
                active.fail(str(ends))
        return active.run

    return make
