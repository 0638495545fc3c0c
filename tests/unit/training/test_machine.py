"""What is left to "auto" is settled by the shape of the work, the same way every time."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tracker.errors import Unavailable
from tracker.models.cost import Cost
from tracker.spec.experiment import Training
from tracker.training import machine

AUTO = Training(
    epochs=1,
    max_steps=None,
    batch_size=128,
    eval_batch_size=500,
    label_smoothing=0,
    mixup_alpha=0,
    clip_grad_norm=None,
    ema_decay=None,
    early_stopping=None,
    device="cpu",
    precision="auto",
    channels_last="auto",
    compile=False,
    threads=None,
)
HEAVY = Cost(parameters=23_500_000, flops=2_600_000_000)  # resnet50, CIFAR stem
LIGHT = Cost(parameters=2_500_000, flops=1_100_000)  # mobilenet_v3_small at 32 pixels


@pytest.mark.parametrize(("fast", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_where_the_work_is_dense_and_the_cpu_has_it(
    fast: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": fast})
    chosen = machine.choose(AUTO, HEAVY)
    assert chosen.precision == precision
    assert chosen.channels_last
    assert chosen.memory_format == torch.channels_last


def test_bfloat16_goes_by_the_arithmetic_of_a_step_and_the_layout_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    wide = Cost(parameters=100_000_000, flops=10_000_000)  # little for each weight
    for batch_size, precision in ((14, "float32"), (15, "bfloat16")):
        chosen = machine.choose(replace(AUTO, batch_size=batch_size), wide)
        assert (chosen.precision, chosen.channels_last) == (precision, precision == "bfloat16")


def test_float32_where_casting_costs_more_than_it_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    chosen = machine.choose(AUTO, LIGHT)
    assert (chosen.precision, chosen.channels_last) == ("float32", False)


def test_what_the_spec_says_is_what_it_gets() -> None:
    said = replace(AUTO, precision="bfloat16", channels_last=False, threads=3)
    chosen = machine.choose(said, LIGHT)
    assert (chosen.precision, chosen.channels_last, chosen.threads) == ("bfloat16", False, 3)


def test_threads_are_what_openmp_was_told_or_what_a_container_may_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert machine.choose(AUTO, LIGHT).threads == 3
    quota = tmp_path / "cpu.max"
    quota.write_text("150000 100000\n")
    assert machine._quota(quota) == 2
    quota.write_text("max 100000\n")
    assert machine._quota(quota) > 1000
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert machine.choose(AUTO, LIGHT).threads <= machine._cores()


def test_a_device_this_machine_lacks_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match=r"training.device is 'cuda'"):
        machine.choose(replace(AUTO, device="cuda"), LIGHT)


def test_autocast_computes_in_bfloat16_and_keeps_float32_weights() -> None:
    chosen = machine.choose(replace(AUTO, precision="bfloat16"), LIGHT)
    layer = torch.nn.Linear(4, 4)
    with chosen.autocast():
        assert layer(torch.ones(1, 4)).dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32


def test_peak_memory_is_at_least_what_is_held() -> None:
    held = torch.ones(8_000_000)
    assert machine.choose(AUTO, LIGHT).peak_memory() > held.nbytes


def test_free_memory_is_what_the_system_and_the_container_leave(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       64 kB\nMemFree:        8 kB\nMemAvailable:      32 kB\n")
    assert machine._free_memory(meminfo) == 32 * 1024
    built_in = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine._free_memory(tmp_path / "none") == built_in
    assert machine._memory_left(tmp_path) == sys.maxsize
    (tmp_path / "memory.current").write_text("300\n")
    for limit, left in (("1000", 700), ("200", 0), ("max", sys.maxsize)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert machine._memory_left(tmp_path) == left
    cpu = machine.Machine(torch.device("cpu"), "float32", channels_last=False, threads=1)
    assert 0 < cpu.free_memory() <= built_in
