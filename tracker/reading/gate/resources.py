"""Speed and memory, told in units of the machine they were measured on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Kind, Verdict
from tracker.store.shape import NUMBER, fields

SLOWEST, LARGEST = 0.7, 1.3  # shares of the baseline's speed and memory that raise no warning


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a fixed kernel does here: rounds per second, and the peak of memory once it has run."""

    kernels_per_second: float
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A measured amount, and that of the calibration kernel in the same process.

    `ratio` can be compared between machines of one kind, and roughly between others.
    """

    measured: float
    kernel: float

    @property
    def ratio(self) -> float:
        """How many times the kernel's."""
        return self.measured / self.kernel

    def to_document(self) -> dict[str, float]:
        """As JSON values, to four digits."""
        parts = {"measured": self.measured, "kernel": self.kernel, "ratio": self.ratio}
        return {name: float(f"{value:.4g}") for name, value in parts.items()}

    @classmethod
    def from_document(cls, document: Any, where: str) -> Usage:
        """What `to_document` gave; raises Damaged, naming `where`, for anything else."""
        found = fields(document, {"measured": NUMBER, "kernel": NUMBER}, where)
        return cls(measured=float(found["measured"]), kernel=float(found["kernel"]))


def speed_of(runs: Sequence[Observed], calibration: Calibration | None) -> Usage | None:
    """Images per second, the mean over `runs`; None where one has none or nothing was calibrated.

    The first interval of a run counts in none of them, so a run of one interval has no speed.
    """
    known = [run.images_per_second for run in runs if run.images_per_second]
    if calibration is None or not known or len(known) < len(runs):
        return None
    return Usage(measured=fmean(known), kernel=calibration.kernels_per_second)


def memory_of(runs: Sequence[Observed], calibration: Calibration | None) -> Usage | None:
    """The peak of memory in bytes, the highest of `runs`; None as for `speed_of`."""
    known = [run.peak_memory_bytes for run in runs if run.peak_memory_bytes]
    if calibration is None or not known or len(known) < len(runs):
        return None
    return Usage(measured=max(known), kernel=calibration.peak_memory_bytes)


def compare_speed(before: Usage, now: Usage, deciding: Collection[Kind]) -> Verdict:
    """A verdict on training speed: a warning below `SLOWEST`, a failure if "speed" decides."""
    share = now.ratio / before.ratio
    return Verdict(
        metric="speed",
        kind="speed",
        status="pass" if share >= SLOWEST else _bad("speed", deciding),
        words=f"{share:.2f} of the baseline's images per second, each against its kernel",
        before=before.ratio,
        after=now.ratio,
        tolerance=f"at least {SLOWEST:g} of it",
    )


def compare_memory(before: Usage, now: Usage, deciding: Collection[Kind]) -> Verdict:
    """A verdict on peak memory: a warning above `LARGEST`, a failure if "memory" decides."""
    share = now.ratio / before.ratio
    return Verdict(
        metric="memory",
        kind="memory",
        status="pass" if share <= LARGEST else _bad("memory", deciding),
        words=f"{share:.2f} of the baseline's peak, each against its kernel",
        before=before.ratio,
        after=now.ratio,
        tolerance=f"at most {LARGEST:g} of it",
    )


def _bad(kind: Kind, deciding: Collection[Kind]) -> Literal["fail", "warning"]:
    return "fail" if kind in deciding else "warning"
