"""Experiments as JSON files, runs as directories TensorBoard can open, answers from both.

From Python: `open_runs`, `compare`, `notebook`, `load` (see `tracker.api`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracker.version import __version__

if TYPE_CHECKING:
    from tracker.api import compare, load, notebook, open_runs

__all__ = ["__version__", "compare", "load", "notebook", "open_runs"]


def __getattr__(name: str) -> Any:
    """Import what Python users ask for when they do: the command line must not pay for it."""
    if name in __all__:
        from tracker import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
