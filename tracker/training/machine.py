"""Where the arithmetic happens: device, precision, memory layout, threads, the global seed."""

from __future__ import annotations

import math
import os
import re
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tracker.data.seeding import fold
from tracker.errors import Unavailable
from tracker.models.cost import Cost
from tracker.spec.experiment import Training
from tracker.training.small_maps import as_products

# Below this many floating-point operations for a step's forward pass casting costs more than
# bfloat16 saves. Measured once on a CPU with AVX-512 bf16 (median of nine steps by turns), 57
# networks and batch sizes: of six below three lose, mobilenet in batches of 16 (69 million) 11 %;
# of 51 above 50 gain, 4 to 194 %, and one loses 12 (shufflenet, 209 million).
WORTHWHILE_FLOPS = 150_000_000
# In float32 channels_last saves time where there is more arithmetic than this for each weight,
# which it has reordered in every step.
DENSE = 500


@dataclass(frozen=True)
class Machine:
    """What a run computes with. Two runs agree bit for bit only if all of this agrees too."""

    device: torch.device
    precision: Literal["float32", "bfloat16"]
    channels_last: bool
    threads: int

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of picture tensors and convolution weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[Any]:
        """Run matrix products and convolutions in bfloat16 where that is the precision.

        Weights, their gradients and the optimizer's state stay float32.
        """
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def place(self, model: nn.Module, *, compiled: bool) -> nn.Module:
        """Move `model` to the device, its convolution weights in this machine's layout.

        On a CPU convolutions over few pixels become matrix products, unless the network is to be
        `compiled`: torch.compile should see what it is.
        """
        placed: nn.Module = model.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload]
        if self.device.type == "cpu" and not compiled:
            as_products(placed)
        return placed

    def free_memory(self) -> int:
        """Return how many bytes may still be taken: of the GPU where there is one, else of RAM."""
        if self.device.type == "cuda":
            return int(torch.cuda.mem_get_info(self.device)[0])
        return min(_free_memory(), _memory_left())

    def peak_memory(self) -> int:
        """Return the most bytes in use so far: of the GPU where there is one, else the process."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def to_document(self) -> dict[str, Any]:
        """Return these facts as JSON values, for the run's environment page."""
        facts = asdict(self) | {"device": str(self.device), "torch": str(torch.__version__)}
        if self.device.type == "cuda":
            facts["gpu"] = torch.cuda.get_device_name(self.device)
        if self.device.type == "cpu":  # decides which kernels are used, as the CPU's name may not
            facts["isa"] = torch.backends.cpu.get_cpu_capability()
        return facts


def choose(training: Training, cost: Cost) -> Machine:
    """Settle every "auto" of `training` for a model of this `cost`, the same way every time.

    Raises `Unavailable` where the spec names a device this machine lacks.
    """
    device = _device(training.device)
    flops, kind = cost.flops * training.batch_size, device.type
    precision = training.precision
    if precision == "auto":
        pays = kind == "cuda" or (kind == "cpu" and flops >= WORTHWHILE_FLOPS)
        precision = "bfloat16" if pays and _has_fast_bfloat16(device) else "float32"
    channels_last = training.channels_last
    if channels_last == "auto":
        is_dense = precision == "bfloat16" or flops >= DENSE * cost.parameters
        channels_last = kind == "cuda" or (kind == "cpu" and is_dense)
    return Machine(device, precision, channels_last, training.threads or _threads())


def as_before(machine: Machine, before: Mapping[str, Any], say: Callable[[str], None]) -> Machine:
    """Return the machine a run was begun with, as far as this one can be it; else `say` so.

    `before` is what `to_document` gave then. Precision, layout and threads are taken over: another
    choice, or another thread count, gives other bits.
    """
    if before["device"] == str(machine.device):
        wanted = machine.threads
        machine = replace(
            machine,
            precision=before["precision"],
            channels_last=before["channels_last"],
            threads=before["threads"] if before["threads"] <= _cores() else machine.threads,
        )
        if machine.threads != wanted:
            say(f"computed with {machine.threads} threads, as before, not with {wanted}")
    now = machine.to_document()
    changed = [
        f"{key} was {before.get(key)}, is {now[key]}" for key in now if now[key] != before.get(key)
    ]
    if changed:
        say(f"computed otherwise from here on, so not bit-identical: {'; '.join(changed)}")
    return machine


def prepare(machine: Machine, seed: int) -> None:
    """Set the process up for `machine`: threads, deterministic kernels, the global generator.

    The global generator serves only layers that draw for themselves (dropout); everything else
    here has a generator of its own.
    """
    torch.set_num_threads(machine.threads)
    torch.manual_seed(fold(seed, 0))
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # float32 is to mean float32
    if machine.device.type == "cuda":
        # A layer without a deterministic kernel warns and trains all the same.
        torch.use_deterministic_algorithms(True, warn_only=True)


def _device(wanted: str) -> torch.device:
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if wanted == "auto":
        wanted = next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[wanted]:
        raise Unavailable(
            f"training.device is {wanted!r}, but PyTorch {torch.__version__} finds no such device "
            'here; use "auto" or "cpu"'
        )
    return torch.device(wanted)


def _has_fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can = torch.cpu.get_capabilities()
    return any(can.get(name) for name in ("amx_bf16", "avx512_bf16", "sve_bf16"))


def _threads() -> int:
    """As many as the person set for OpenMP, else one per core this process may keep busy."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else min(_cores(), _quota())


def _quota(file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """How many cores' worth of time a container may use, rounded up; many where none is set."""
    try:
        share, period = file.read_text().split()
        return max(1, math.ceil(int(share) / int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max": no limit
        return sys.maxsize


def _free_memory(file: Path = Path("/proc/meminfo")) -> int:
    """What the system could hand out; where it does not say so, all that is built in."""
    try:
        [kilobytes] = re.findall(r"^MemAvailable: +(\d+) kB$", file.read_text(), re.MULTILINE)
        return 1024 * int(kilobytes)
    except (OSError, ValueError):  # no Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _memory_left(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """How much more memory a container may use; very much where no limit is set."""
    try:
        limit, used = ((folder / name).read_text() for name in ("memory.max", "memory.current"))
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):  # no cgroup v2, or "max": no limit
        return sys.maxsize


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: what this process may use, not what is built in
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
