"""What can make two runs come out differently, and what cannot: decided once, here.

Whatever is not named here as harmless counts as a cause: a setting that nobody thought of may well
change results. Among packages and facts of the host it is the other way round: most are harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracker.spec.differences import MISSING, Difference
from tracker.spec.effects import is_harmless

# These decide which steps are evaluated, and over which steps a training loss is averaged.
_CAUSES_AMONG_LOGGING = {"logging.scalars_every", "logging.eval_every"}
# What computes or decodes; compared in lower case. Everything of NVIDIA's is a library of kernels.
_PACKAGES = {
    "intel-openmp",
    "mkl",
    "numpy",
    "pillow",
    "pytorch-triton",
    "timm",
    "torch",
    "torchvision",
    "tracker",
    "triton",
}
_KERNELS = "nvidia-"
_CAUSES: Mapping[str, set[str]] = {
    "data": {"digest", "train_size", "val_size"},
    "code": {"commit", "dirty"},  # of a resume; `code` looks closer at that of two runs
    "host": {"cpu"},  # it decides which kernels are used; threads and GPU are the machine's
}


@dataclass(frozen=True)
class Change:
    """Something that is not the same in both runs; `matters` where it can change results."""

    path: str
    before: Any
    after: Any
    matters: bool

    def to_document(self) -> dict[str, Any]:
        """As JSON values; a side that has nothing there has no key, as apart from null."""
        sides = {"before": self.before, "after": self.after}
        there = {side: value for side, value in sides.items() if value is not MISSING}
        return {"path": self.path, "matters": self.matters, **there}


@dataclass(frozen=True)
class Section:
    """One side of what a run is. `unknown` says why it could not be compared, in whole or part."""

    name: str
    changes: tuple[Change, ...] = ()
    unknown: str | None = None

    @property
    def causes(self) -> tuple[Change, ...]:
        """The changes that can change results."""
        return tuple(change for change in self.changes if change.matters)

    @property
    def is_same(self) -> bool:
        """Whether nothing here can have changed results, as far as all is known."""
        return self.unknown is None and not self.causes

    def without(self, paths: Iterable[str]) -> Section:
        """The section with what is at `paths` no longer seen as a cause."""
        settled = set(paths)
        changes = (replace(c, matters=c.matters and c.path not in settled) for c in self.changes)
        return replace(self, changes=tuple(changes))

    def to_document(self) -> dict[str, Any]:
        """As JSON values."""
        changes = [change.to_document() for change in self.changes]
        return {"changes": changes, "unknown": self.unknown}


def section(name: str, found: Iterable[Difference]) -> Section:
    """Make a section of differences, each judged by the lists above."""
    return Section(
        name,
        tuple(Change(d.path, d.before, d.after, can_change_results(name, d.path)) for d in found),
    )


def can_change_results(name: str, path: str) -> bool:
    """Whether a difference at `path` of the section `name` can change what a run comes to."""
    if name in ("spec", "machine", "seed"):
        return path in _CAUSES_AMONG_LOGGING or not is_harmless(path)
    if name == "packages":
        package = path.lower()
        return package in _PACKAGES or package.startswith(_KERNELS)
    return path in _CAUSES.get(name, ())
