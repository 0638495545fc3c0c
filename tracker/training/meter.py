"""Training loss, accuracy and speed between two logged points, at the price of one device fetch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch


class Meter:
    """Collects each step's results as they are, on the device, and reduces them when asked.

    Adding a step costs three list appends and no synchronisation; `take` is the sync point. The
    clock runs only between `resume` and `pause`, so evaluation and saving do not count. Nor does
    the first interval of a process, in which libraries load and memory is first touched.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._losses: list[torch.Tensor] = []
        self._logits: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self._images = 0
        self._seconds = 0.0
        self._since: float | None = None
        self._warm = False
        self.total_images = 0
        self.total_seconds = 0.0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Take one step: mean loss [], logits [B, C], labels int64 [B]."""
        self._losses.append(loss.detach())
        self._logits.append(logits.detach())
        self._labels.append(labels)
        self._images += len(labels)

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

        The speed is None the first time.
        Waits for the device, and only then reads the clock.
        """
        right = (torch.cat(self._logits).argmax(1) == torch.cat(self._labels)).float().mean()
        loss, accuracy = torch.stack([torch.stack(self._losses).float().mean(), right]).tolist()
        running = self._since is not None
        self.pause()
        speed = None
        if self._warm:
            speed = self._images / max(self._seconds, 1e-9)
            self.total_images += self._images
            self.total_seconds += self._seconds
        self._warm = True
        self._losses, self._logits, self._labels = [], [], []
        self._images, self._seconds = 0, 0.0
        if running:
            self.resume()
        return loss, accuracy, speed

    @property
    def mean_speed(self) -> float | None:
        """Images per second over all intervals but the first; None before the second `take`."""
        return self.total_images / self.total_seconds if self.total_seconds else None

    def state_dict(self) -> dict[str, Any]:
        """Return the steps since the last `take`, and the totals, for a checkpoint."""
        return {
            "losses": [one.cpu() for one in self._losses],
            "logits": [one.cpu() for one in self._logits],
            "labels": [one.cpu() for one in self._labels],
            "images": self._images,
            "seconds": self._seconds + (self._clock() - self._since if self._since else 0.0),
            "total_images": self.total_images,
            "total_seconds": self.total_seconds,
        }

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up where `state_dict` left off."""
        self._losses = [one.to(device) for one in state["losses"]]
        self._logits = [one.to(device) for one in state["logits"]]
        self._labels = [one.to(device) for one in state["labels"]]
        self._images, self._seconds = state["images"], state["seconds"]
        self.total_images, self.total_seconds = state["total_images"], state["total_seconds"]
