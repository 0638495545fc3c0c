"""A few numbers of the machine, as the clock and the kernel tell them."""

from __future__ import annotations

import os
import sys
import time

import pytest
import torch

from tracker import tags
from tracker.training.system import System

CPU = torch.device("cpu")


def test_processor_time_is_of_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, busy = iter([10.0, 12.0, 16.0]), iter([1.0, 2.0, 2.0])
    monkeypatch.setattr(time, "process_time", lambda: next(busy))
    system = System(CPU, clock=lambda: next(clock))
    assert system.sample()[tags.CPU] == 50.0
    assert system.sample()[tags.CPU] == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_memory_is_what_is_resident_now() -> None:
    system = System(CPU)
    before = system.sample()[tags.MEMORY]
    held = bytearray(os.urandom(1)) * (1 << 28)
    after = system.sample()[tags.MEMORY]
    assert after - before == pytest.approx(0.25, abs=0.05)
    del held


def test_without_a_gpu_nothing_is_said_of_one() -> None:
    assert System(CPU).sample().keys() <= {tags.CPU, tags.LOAD, tags.MEMORY}


@pytest.mark.parametrize("missing", [ModuleNotFoundError, KeyError, None])
def test_a_gpu_says_what_it_can(
    monkeypatch: pytest.MonkeyPatch, missing: type[Exception] | None
) -> None:
    asked = []

    def utilization(device: torch.device) -> int:
        asked.append(device)
        if missing:
            raise missing("no nvidia-ml-py")
        return 40

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1 << 30, 4 << 30))
    monkeypatch.setattr(torch.cuda, "utilization", utilization)
    system = System(torch.device("cuda"))
    for _ in range(2):
        values = system.sample()
        assert values[tags.GPU_MEMORY] == 3.0
        assert values.get(tags.GPU) == (None if missing else 40.0)
    assert len(asked) == (1 if missing else 2)
