"""Which fields of an experiment can change what its runs come to: decided once, here.

Whatever is not named as harmless can: a field that nobody thought of may well change results.
"""

from __future__ import annotations

# Paths, each with all below it. Where the pictures lie is told by their digest.
HARMLESS = frozenset(
    {
        *("$schema", "version", "name", "description", "tags", "variant", "imported"),
        *("compare", "expect", "checkpoint", "logging"),
        *("data.root", "data.download", "data.cache", "data.workers", "training.cache_features"),
    }
)
# What these became is a fact of the machine, so that "auto" and 4 threads may be the same.
SETTLED = frozenset(
    {"training.device", "training.precision", "training.channels_last", "training.threads"}
)


def is_harmless(path: str) -> bool:
    """Whether the field at this dotted path can't change a result."""
    parts = path.split(".")
    return any(".".join(parts[: depth + 1]) in HARMLESS for depth in range(len(parts)))
