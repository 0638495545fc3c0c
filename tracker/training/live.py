"""What a run is doing this moment, for whoever wants to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tracker.store.run import Run


@dataclass
class Live:
    """Written by the loop, read by a display in its own time: the loop never waits for a screen.

    Rates are training pictures per second; losses and accuracies are those last logged. A new
    run means a new `Live`.
    """

    title: str = ""
    run: Run | None = None  # once it has a directory
    phase: str = "preparing"
    first_step: int = 0
    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    epochs: int = 0
    started: float | None = None  # time.monotonic() when the first step began
    reported: float = 0.0  # time.monotonic() when the run directory was last told
    images_per_second: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    val_accuracy: float | None = None

    def doing(self, what: str) -> None:
        """Say what takes its time before training begins."""
        self.phase = what

    def seconds_left(self, now: float) -> float | None:
        """Return how long the remaining steps take at the mean pace so far, evaluation included."""
        done = self.step - self.first_step
        if self.started is None or done <= 0:
            return None
        return (now - self.started) / done * (self.total_steps - self.step)


class StopFlag:
    """Raised by a signal handler, read by the loop after each step and each evaluation batch."""

    def __init__(self) -> None:
        self.signum: int | None = None
        self.is_watched = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Promise that the flag is looked at as long as the block lasts."""
        self.is_watched = True
        try:
            yield
        finally:
            self.is_watched = False

    def __call__(self) -> bool:
        """Return whether a signal has asked the run to stop."""
        return self.signum is not None
