"""Convolutions over maps of few pixels, as the matrix products that they are.

Networks made for large pictures leave small ones few pixels: of 32 × 32, resnet18's last stage sees
one, and eight of the nine taps of its kernels meet nothing but padding. The kernels that convolve
are made for large maps; on these, their gradients take several times what the same arithmetic
takes as a product of two matrices. Nothing else changes: the same weights, gradients and answers,
but for the order of additions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

# At most so many pixels that are looked at. Measured on a CPU with AVX-512 bf16, gradients
# included: in bfloat16 from 1.2 times as fast (16 pixels, batches of 128) to 6.5 (one pixel);
# in float32 oneDNN is the faster one but for a single pixel (1.4 to 3.2).
_PIXELS = {torch.bfloat16: 16, torch.float32: 1}
_WIDEST = 8  # pixels; a map that is wider still can't be meant
# Pictures at least, in float32. Of fewer than twelve MKL adds up each, on two threads, in an order
# that depends on its place, and features that are kept (features.py) must not depend on that.
_FEWEST = 16


def as_products(model: nn.Module) -> None:
    """Have the convolutions of `model`, which is on a CPU, look at their maps before each call.

    Those of few pixels go through a matrix product. Changes no weight, name or shape.
    """
    for conv in _convolutions(model):
        vars(conv)["forward"] = partial(_forward, conv)


def as_convolutions(model: nn.Module) -> None:
    """Take back what `as_products` did."""
    for conv in _convolutions(model):
        vars(conv).pop("forward", None)


def _convolutions(model: nn.Module) -> Iterator[nn.Conv2d]:
    for module in model.modules():
        if (
            type(module) is nn.Conv2d
            and module.groups == 1
            and module.dilation == (1, 1)
            and module.padding_mode == "zeros"
            and not isinstance(module.padding, str)
        ):
            yield module


def _forward(conv: nn.Conv2d, maps: Tensor) -> Tensor:
    if maps.ndim != 4 or maps.shape[3] > _WIDEST:
        return nn.Conv2d.forward(conv, maps)
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else maps.dtype
    if dtype is torch.float32 and len(maps) < _FEWEST:
        return nn.Conv2d.forward(conv, maps)
    most = _PIXELS.get(dtype, 1)
    if conv.kernel_size == (1, 1) and conv.padding == (0, 0):
        down, right = conv.stride
        seen = maps[:, :, ::down, ::right]
        if seen.shape[2] * seen.shape[3] <= most:
            return _pointwise(conv, seen)
    elif maps.shape[2] * maps.shape[3] <= most and (windows := _windows(conv, maps)):
        answer: Tensor = _Whole.apply(maps.to(dtype), conv.weight, windows)
        return answer if conv.bias is None else answer + conv.bias.to(dtype)[:, None, None]
    return nn.Conv2d.forward(conv, maps)


def _pointwise(conv: nn.Conv2d, seen: Tensor) -> Tensor:
    """What a kernel of one pixel makes of maps [B, C, H, W]: [B, O, H, W]."""
    pixels = functional.linear(seen.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias)
    return pixels.permute(0, 3, 1, 2)


def _windows(conv: nn.Conv2d, maps: Tensor) -> list[list[tuple[slice, slice]]]:
    """The taps, by row and column of the answer, that meet the map; none if one doesn't see it all.

    An output pixel that sees all of a map does so through a window of the kernel, as large.
    """
    sides: list[list[slice]] = []
    for axis in (0, 1):
        size, kernel = maps.shape[2 + axis], conv.kernel_size[axis]
        padding, stride = int(conv.padding[axis]), conv.stride[axis]
        count = (size + 2 * padding - kernel) // stride + 1
        starts = [padding - stride * place for place in range(count)]
        if not starts or starts[-1] < 0 or starts[0] + size > kernel:
            return []
        sides.append([slice(start, start + size) for start in starts])
    return [[(row, column) for column in sides[1]] for row in sides[0]]


class _Whole(torch.autograd.Function):
    """Maps of which every output pixel sees all: one matrix, put together of windows of the kernel.

    Takes maps [B, C, H, W], a weight [O, C, K, L] and the windows, by row and column of the answer.
    Rows and columns of the matrix run over pixels first, channels last.
    """

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, windows: list[list[tuple[slice, slice]]]
    ) -> Tensor:
        pixels = maps.permute(0, 2, 3, 1)
        kernel = weight.permute(0, 2, 3, 1)
        rows, columns = len(windows), len(windows[0])
        matrix = maps.new_empty(rows, columns, len(weight), *pixels.shape[1:])
        for at, row in zip(matrix, windows, strict=True):
            for place, (down, right) in zip(at, row, strict=True):
                place.copy_(kernel[:, down, right])
        flat, matrix = pixels.flatten(1), matrix.flatten(0, 2).flatten(1)
        ctx.save_for_backward(flat, matrix, weight)
        ctx.windows, ctx.shape = windows, pixels.shape
        answer = flat @ matrix.t()
        return answer.view(len(maps), rows, columns, len(weight)).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        flat, matrix, weight = ctx.saved_tensors
        answers = gradient.permute(0, 2, 3, 1).flatten(1)
        of_maps = of_weight = None
        if ctx.needs_input_grad[0]:
            of_maps = (answers @ matrix).view(ctx.shape).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[1]:
            windows = ctx.windows
            shape = len(windows), len(windows[0]), len(weight), *ctx.shape[1:]
            of_matrix = (answers.t() @ flat).view(shape)
            of_weight = torch.zeros_like(weight)
            kernel = of_weight.permute(0, 2, 3, 1)
            for at, row in zip(of_matrix, windows, strict=True):
                for place, (down, right) in zip(at, row, strict=True):
                    kernel[:, down, right] += place
        return of_maps, of_weight, None
