"""What the run takes of the machine: a handful of numbers with each point of the curves.

Asked for when a point is written, without a thread: some 60 µs, on a GPU a few hundred.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tracker import tags

GIB = 1 << 30
_STATM = Path("/proc/self/statm")


class System:
    """Measures this process and its machine; `device` is where the network computes."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._clock = clock
        self._since = (clock(), time.process_time())
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._tells_memory = _STATM.exists()
        self._has_gauge = True  # until it says otherwise

    def sample(self) -> dict[str, float]:
        """Return tag → number of what this machine tells, since the last sample where it is a rate.

        Memory is told on Linux only, the GPU's work only with NVIDIA's `nvidia-ml-py` installed.
        """
        now, busy = self._clock(), time.process_time()
        elapsed = max(now - self._since[0], 1e-9)
        values = {
            tags.CPU: 100 * (busy - self._since[1]) / elapsed,
            tags.LOAD: os.getloadavg()[0],
        }
        self._since = (now, busy)
        if self._tells_memory:
            with _STATM.open("rb", 0) as file:  # as text it takes half as long again
                values[tags.MEMORY] = int(file.read().split()[1]) * self._page / GIB
        if self._device.type == "cuda":
            values |= self._gpu()
        return values

    def _gpu(self) -> dict[str, float]:
        free, total = torch.cuda.mem_get_info(self._device)
        values = {tags.GPU_MEMORY: (total - free) / GIB}
        if self._has_gauge:
            try:
                values[tags.GPU] = float(torch.cuda.utilization(self._device))
            except Exception:  # noqa: BLE001 - not installed, not allowed, a shared slice of a GPU
                self._has_gauge = False  # no run ends for a gauge
        return values
