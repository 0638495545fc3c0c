"""What enters the last linear layer: how a network sees a picture before it names its class."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Penultimate:
    """Looks on while `model` answers, and keeps that for the pictures at `indices` (int64 [N])."""

    def __init__(self, model: nn.Module, indices: Tensor) -> None:
        self._linear = [one for one in model.modules() if isinstance(one, nn.Linear)]
        self._order = indices.argsort()
        self._indices = indices[self._order]
        self._entered: Tensor | None = None  # the layer called last in a forward pass: the head
        self._parts: list[Tensor] = []

    def watching(
        self, answered: Iterator[tuple[Tensor, Tensor]]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Hand on `answered`: logits and labels of each batch of a split, which comes in order."""
        hooks = [one.register_forward_pre_hook(self._note) for one in self._linear]
        passed = 0
        try:
            for logits, labels in answered:
                self._take(passed, passed + len(labels))
                passed += len(labels)
                yield logits, labels
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def features(self) -> Tensor | None:
        """What was kept: float32 [N, D] on the CPU. None where there is no linear layer."""
        if not self._parts:
            return None
        return torch.cat(self._parts).cpu()[self._order.argsort()]

    def _note(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._entered = inputs[0]

    def _take(self, begin: int, end: int) -> None:
        """Keep what entered of the pictures from `begin` to `end`, which have just gone through."""
        entered, self._entered = self._entered, None
        first, last = torch.searchsorted(self._indices, torch.tensor([begin, end])).tolist()
        if entered is not None and last > first:
            rows = (self._indices[first:last] - begin).to(entered.device)
            self._parts.append(entered.index_select(0, rows).float().flatten(1))
