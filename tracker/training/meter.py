"""Training loss, accuracy and speed between two logged points, at the price of one device fetch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

PENDING = 64  # steps held as they are


class Meter:
    """Collects each step's results as they are, on the device, and reduces them when asked.

    Adding a step costs three list appends and no synchronisation; every `PENDING` steps what is
    held becomes two sums, still on the device. `take` is the sync point. The clock runs only
    between `resume` and `pause`, so evaluation and saving do not count.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._losses: list[torch.Tensor] = []
        self._logits: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self._loss_sum: torch.Tensor | float = 0.0
        self._right: torch.Tensor | int = 0
        self._steps = 0
        self._images = 0
        self._seconds = 0.0
        self._since: float | None = None
        self._warm = False
        self._timed = [0, 0.0]  # images and seconds of all intervals but each process's first
        self.total_seconds = 0.0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Take one step: mean loss [], logits [B, C], labels int64 [B]."""
        self._losses.append(loss.detach())
        self._logits.append(logits.detach())
        self._labels.append(labels)
        self._steps += 1
        self._images += labels.shape[0]
        if len(self._losses) == PENDING:
            self._reduce()

    def _reduce(self) -> None:
        if self._losses:
            hits = torch.cat(self._logits).argmax(1) == torch.cat(self._labels)
            self._loss_sum = self._loss_sum + torch.stack(self._losses).float().sum()
            self._right = self._right + hits.sum()
            self._losses, self._logits, self._labels = [], [], []

    def resume(self) -> None:
        """Start the clock."""
        self._since = self._clock()

    def pause(self) -> None:
        """Stop the clock."""
        if self._since is not None:
            self._seconds += self._clock() - self._since
            self._since = None

    def take(self) -> tuple[float, float, float | None]:
        """Return mean loss, accuracy (0 to 1) and images per second since the last `take`.

        Waits for the device, and only then reads the clock. The speed is None the first time: in
        a process's first interval libraries load and memory is touched for the first time.
        """
        self._reduce()
        loss, accuracy = float(self._loss_sum) / self._steps, int(self._right) / self._images
        running = self._since is not None
        self.pause()
        speed = None
        if self._warm:
            speed = self._images / max(self._seconds, 1e-9)
            self._timed = [self._timed[0] + self._images, self._timed[1] + self._seconds]
        self._warm = True
        self.total_seconds += self._seconds
        self._loss_sum, self._right, self._steps = 0.0, 0, 0
        self._images, self._seconds = 0, 0.0
        if running:
            self.resume()
        return loss, accuracy, speed

    @property
    def seconds(self) -> float:
        """Seconds of training up to now, or to the last `pause`."""
        running = self._clock() - self._since if self._since is not None else 0.0
        return self.total_seconds + self._seconds + running

    @property
    def mean_speed(self) -> float | None:
        """Images per second over all intervals that were timed; None before there was one."""
        images, seconds = self._timed
        return images / seconds if seconds else None

    def state_dict(self) -> dict[str, Any]:
        """Return what was added since the last `take`, and the totals, for a checkpoint."""
        held = bool(self._losses)
        return {
            "losses": torch.stack(self._losses) if held else None,
            "logits": torch.cat(self._logits) if held else None,
            "labels": torch.cat(self._labels) if held else None,
            "loss_sum": self._loss_sum,
            "right": self._right,
            "steps": self._steps,
            "images": self._images,
            "seconds": self.seconds - self.total_seconds,
            "timed": list(self._timed),
            "total_seconds": self.total_seconds,
        }

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up where `state_dict` left off."""
        if state["losses"] is not None:
            self._losses = list(state["losses"].to(device).unbind())
            self._logits = [state["logits"].to(device)]
            self._labels = [state["labels"].to(device)]
        self._loss_sum, self._right = (
            one.to(device) if isinstance(one, torch.Tensor) else one
            for one in (state["loss_sum"], state["right"])
        )
        self._steps, self._images = state["steps"], state["images"]
        self._seconds, self._timed = state["seconds"], list(state["timed"])
        self.total_seconds = state["total_seconds"]
