"""A fixed piece of training, timed: what a machine's speed and memory are told in units of."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn

from tracker.reading.gate.resources import Calibration
from tracker.training.machine import Machine

_SECONDS = 0.5
_WARM_UP = 3  # rounds: libraries load and memory is touched for the first time
_LEAST = 5  # rounds that are timed, however slow they are


def calibrate(machine: Machine, clock: Callable[[], float] = time.perf_counter) -> Calibration:
    """Time forward and backward passes of a small network on `machine`, for half a second.

    The median round counts, so that a moment in which something else ran does not. Sets torch's
    threads to the machine's; the arithmetic is float32, whatever the machine's precision.
    """
    torch.set_num_threads(machine.threads)
    with torch.device("meta"):  # where weights are not drawn at random
        layers = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()
        )
    network = layers.to_empty(device=machine.device)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.linspace(-0.1, 0.1, parameter.numel()).view_as(parameter))
    images = torch.linspace(-1, 1, 16 * 3 * 32 * 32, device=machine.device).view(16, 3, 32, 32)
    for _ in range(_WARM_UP):
        _round(network, images)
    seconds: list[float] = []
    while len(seconds) < _LEAST or sum(seconds) < _SECONDS:
        start = clock()
        _round(network, images)
        seconds.append(clock() - start)
    return Calibration(
        kernels_per_second=1 / median(seconds), peak_memory_bytes=machine.peak_memory()
    )


def _round(network: nn.Module, images: Tensor) -> None:
    network.zero_grad()
    loss: Tensor = network(images).square().mean()
    loss.backward()
    loss.item()  # waits for the device
