"""Weights by name, for a program that has the network's code."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tracker.errors import Damaged, Unavailable
from tracker.trained.account import KEY, Account, as_text


def safetensors(model: nn.Module, _: int, account: Account) -> tuple[bytes, None]:
    """A safetensors file, `account` as JSON in its header's metadata.

    Raises Unavailable without the package, Damaged where it does not read back bit for bit.
    """
    try:
        from safetensors.torch import load, save
    except ModuleNotFoundError as error:
        raise missing("safetensors", error) from error
    # Two names of one tensor would be refused, and a net may share its layers.
    state = {name: one.contiguous().clone() for name, one in model.state_dict().items()}
    data = save(state, {"format": "pt", KEY: as_text(account)})
    _check(load(data), model, "safetensors")
    return data, None


def state_dict(model: nn.Module, _: int, account: Account) -> tuple[bytes, None]:
    """What torch.save makes of {"state_dict": weights, "tracker": account}.

    `torch.load` reads it with `weights_only=True`. Raises Damaged where it does not read back bit
    for bit.
    """
    file = io.BytesIO()
    torch.save({"state_dict": dict(model.state_dict()), KEY: dict(account)}, file)
    file.seek(0)
    _check(torch.load(file, weights_only=True)["state_dict"], model, "torch.save")
    return file.getvalue(), None


def missing(package: str, error: ModuleNotFoundError) -> Unavailable:
    """The error that says what to install; `error` names what was not found."""
    lacking = error.name or package
    return Unavailable(
        f"this export needs the package {lacking}, which is not installed; "
        "run: pip install 'tracker[export]'"
    )


def _check(found: Mapping[str, Tensor], model: nn.Module, how: str) -> None:
    wanted = model.state_dict()
    same = found.keys() == wanted.keys() and all(
        found[name].dtype == one.dtype
        and found[name].shape == one.shape
        and torch.equal(_bits(found[name]), _bits(one))
        for name, one in wanted.items()
    )
    if not same:
        raise Damaged(f"what {how} wrote does not read back as the weights; nothing was kept")


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)
