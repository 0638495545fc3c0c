"""How torch, and what else is large, is imported when a command turns out to need it."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tracker.store.collector import resting


def settle_libraries() -> None:
    """Let threads wait sensibly and cuBLAS repeat itself, unless the environment says otherwise."""
    # How long OpenMP's threads spin while they wait for each other; read when torch is imported.
    # The default, 300,000 rounds, makes training many times slower when anything else wants
    # the cores, for the thread waited for can't run; this is long enough for what comes at once.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what makes cuBLAS repeatable


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
