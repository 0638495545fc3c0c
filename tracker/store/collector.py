"""Python's cyclic garbage collector, and when it is let rest."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def resting() -> Iterator[None]:
    """Let the collector rest meanwhile, as it was before afterwards.

    For what builds much and throws nothing away: each new object counts towards the next search
    for unreachable ones, which walks all there are, so that reading ten thousand runs takes half
    as long again. What has no more references is freed as ever.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
