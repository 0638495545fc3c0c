"""Networks with the shapes of their weights and no room for the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class Weightless(TorchFunctionMode):
    """While entered, layers are made with weights on torch's meta device: at once, of any size.

    Not `torch.device("meta")`, under which some of torchvision's networks cannot be built: they
    compute their widths with tensors. Weights are made by `torch.empty`, those are not.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, on the meta device if it is the one that weights are made by."""
        given = dict(kwargs or {})
        if func is torch.empty:
            given["device"] = "meta"
        return func(*args, **given)
