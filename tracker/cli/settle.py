"""How torch, and what else is large, is imported when a command turns out to need it."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tracker.store.collector import resting

# Of glibc's malloc.h. Above the threshold, memory comes from the kernel and goes back to it.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER, _GB, _LARGEST = 2**31 - 1, 2**30, 2**25  # the last is what older versions allow


def settle_libraries() -> None:
    """Let threads wait sensibly, freed memory stay at hand and cuBLAS repeat itself, unless the
    environment says otherwise.
    """
    # How long OpenMP's threads spin while they wait for each other; read when torch is imported.
    # The default, 300,000 rounds, makes training many times slower when anything else wants
    # the cores, for the thread waited for can't run; this is long enough for what comes at once.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what makes cuBLAS repeatable
    theirs = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if not theirs and not any(name.startswith("MALLOC_") for name in os.environ):
        _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep what is freed. The kernel clears each page that it hands out anew, and every
    step of training gives back what the next one asks for: a fifth of resnet18's at 224 pixels
    (`python -m benchmarks.step`).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # macOS, musl
        return
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
    if not mallopt(_M_MMAP_THRESHOLD, _GB):
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)


@contextmanager
def importing_libraries() -> Iterator[None]:
    """Settle the libraries, and keep the garbage collector from what is imported in the body.

    Almost all of it stays to the end, and walking it over and over is a fifth of the time that
    importing torch takes. Nothing is gained, and nothing done, where torch is there already.
    """
    settle_libraries()
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    with resting():
        try:
            yield
        finally:
            gc.freeze()  # nor is it walked later, when the first collection comes
            # But for the last one: what that does not free, Triton's binding tells of on stderr.
            atexit.register(gc.unfreeze)
