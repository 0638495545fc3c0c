"""Convolutions over maps of few pixels, as the matrix products that they are.

Networks made for large pictures leave small ones few pixels: of 32 × 32, resnet18's last stage sees
one, and eight of the nine taps of its kernels meet nothing but padding. The kernels that convolve
are made for large maps; on these, their gradients take several times what the same arithmetic
takes as a product of two matrices. The weights, gradients and answers are the same, but for the
order of additions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# At most so many pixels that are looked at. Measured once, layer by layer, on a CPU with AVX-512
# bf16, gradients included: in bfloat16 from 1.2 times as fast (16 pixels, batches of 128) to 6.5
# (one pixel); in float32 oneDNN is the faster one but for a single pixel (1.4 to 3.2).
_PIXELS = {torch.bfloat16: 16, torch.float32: 1}
_WIDEST = 8  # pixels; wider maps, nearly all there are, are passed on at once
# Pictures at least, in float32. Of fewer than twelve MKL adds up each, on two threads, in an order
# that depends on its place, and features that are kept (features.py) must not depend on that.
_FEWEST = 16
# Pixels. With a stride, on a side as small, oneDNN leaves parts of the gradient of a bfloat16
# weight as it found them in memory (torch 2.15).
_UNSOUND = 2


def as_products(model: nn.Module) -> None:
    """Have the convolutions of `model` look at their maps before each call, on a CPU.

    Those of few pixels go through a matrix product. Changes no weight, name or shape.
    """
    for conv in _convolutions(model):
        vars(conv).setdefault("forward", partial(_forward, conv))


def as_convolutions(model: nn.Module) -> None:
    """Take back what `as_products` did."""
    for conv in _convolutions(model):
        if getattr(vars(conv).get("forward"), "func", None) is _forward:
            del vars(conv)["forward"]


def _convolutions(model: nn.Module) -> Iterator[nn.Conv2d]:
    return (module for module in model.modules() if type(module) is nn.Conv2d)


def _forward(conv: nn.Conv2d, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
    if input.ndim != 4 or input.shape[3] > _WIDEST or not input.is_cpu:
        return nn.Conv2d.forward(conv, input)
    is_cast = torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if is_cast else input.dtype
    known = {input.dtype, conv.weight.dtype} <= ({dtype, torch.float32} if is_cast else {dtype})
    if known and _is_plain(conv, input) and (dtype is not torch.float32 or len(input) >= _FEWEST):
        product = _product(conv, input, dtype)
        if product is not None:
            return product
    if dtype is torch.bfloat16 and max(conv.stride) > 1 and min(input.shape[2:]) <= _UNSOUND:
        with torch.autocast("cpu", enabled=False):
            return nn.Conv2d.forward(conv, input.to(conv.weight.dtype)).to(dtype)
    return nn.Conv2d.forward(conv, input)


def _is_plain(conv: nn.Conv2d, maps: Tensor) -> bool:
    """Whether all of `maps` goes through each kernel, with zeros around it if with anything."""
    return (
        conv.groups == 1
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
        and maps.shape[1] == conv.in_channels
        and maps.numel() > 0
    )


def _product(conv: nn.Conv2d, maps: Tensor, dtype: torch.dtype) -> Tensor | None:
    """What `conv` makes of `maps` [B, C, H, W], as [B, O, H, W]; None of too many pixels."""
    most = _PIXELS.get(dtype, 0)
    if conv.kernel_size == (1, 1) and conv.padding == (0, 0):
        down, right = conv.stride
        seen = maps[:, :, ::down, ::right]
        if seen.shape[2] * seen.shape[3] > most:
            return None
        pixels = functional.linear(seen.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias)
        return pixels.permute(0, 3, 1, 2)
    if maps.shape[2] * maps.shape[3] > most or not (windows := _windows(conv, maps)):
        return None
    rows, columns = len(windows), len(windows[0])
    taps = [window for row in windows for window in row]
    matrix: Tensor = _Matrix.apply(conv.weight, taps, dtype)
    bias = None if conv.bias is None else conv.bias.repeat(rows * columns)
    answer = functional.linear(maps.permute(0, 2, 3, 1).flatten(1), matrix, bias)
    return answer.view(len(maps), rows, columns, -1).permute(0, 3, 1, 2)


def _windows(conv: nn.Conv2d, maps: Tensor) -> list[list[tuple[slice, slice]]]:
    """The taps that meet the map, by row and column of the answer; empty if they ever miss a pixel.

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


class _Matrix(torch.autograd.Function):
    """A kernel as a matrix, for maps of which every output pixel sees all: windows of it in a row.

    Takes a weight [O, C, K, L] and a window for each pixel of the answer. Rows and columns of the
    matrix run over pixels first, channels last.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, taps: list[tuple[slice, slice]], dtype: torch.dtype
    ) -> Tensor:
        kernel = weight.permute(0, 2, 3, 1)
        windows = [kernel[:, down, right] for down, right in taps]
        matrix = weight.new_empty(len(taps), *windows[0].shape, dtype=dtype)
        for place, window in zip(matrix, windows, strict=True):
            place.copy_(window)
        ctx.save_for_backward(weight)
        ctx.taps, ctx.shape = taps, matrix.shape
        return matrix.flatten(0, 1).flatten(1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        of_weight = torch.zeros_like(weight)
        kernel = of_weight.permute(0, 2, 3, 1)
        for place, (down, right) in zip(gradient.reshape(ctx.shape), ctx.taps, strict=True):
            kernel[:, down, right] += place
        return of_weight, None, None
