"""State dicts as others write them, turned into the names and shapes of our networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer
from torchvision.models.vision_transformer import interpolate_embeddings

from tracker.errors import Damaged, UsageError, printable
from tracker.spec.experiment import Model

_INSIDE = ("state_dict", "model", "model_state", "net", "weights")  # where programs put the weights
_CADENE = "layer0.conv1.weight"  # a name that only his SENets have


def unwrapped(loaded: Any, where: str) -> dict[str, Tensor]:
    """The weights by name in what a file holds: a state dict, or a checkpoint with one inside.

    Of a net trained in parallel, the `module.` that this put before its names is taken off. Raises
    Damaged where there is none, and where one says it is larger than what the file holds of it.
    """
    if isinstance(loaded, Mapping) and not _is_state(loaded):
        inside = next((loaded[key] for key in _INSIDE if key in loaded), None)
        loaded = inside if isinstance(inside, Mapping) else loaded
    if not isinstance(loaded, Mapping) or not _is_state(loaded):
        found = "nothing else" if isinstance(loaded, Mapping) else f"a {type(loaded).__name__}"
        raise Damaged(f"{where} holds no weights by name, but {found}")
    odd = [name for name, one in loaded.items() if not _is_plain(one)]
    if odd:
        raise Damaged(f"{where}: {printable(odd[0])} is not stored as a plain tensor")
    parallel = all(name.startswith("module.") for name in loaded)
    return {name.removeprefix("module.") if parallel else name: loaded[name] for name in loaded}


def translated(
    state: Mapping[str, Tensor], model: nn.Module, spec: Model, image_size: int
) -> dict[str, Tensor]:
    """`state` by the names and in the shapes that `model` has for the same weights.

    Cadene's SE ResNets (github.com/Cadene/pretrained-models.pytorch; timm's `legacy_seresnet`) call
    their parts otherwise. A gate's 1×1 convolutions are our linear layers. A vision transformer's
    places for patches are interpolated where it is built for pictures of another size. Raises
    UsageError where these weights need another `model.layout`.
    """
    found = dict(state)
    if _CADENE in found:
        if spec.layout != "caffe":
            raise UsageError(
                "model.weights: these were trained with the strides of Caffe's ResNets; set "
                'model.layout to "caffe", and model.backbone to their SE ResNet'
            )
        found = {_renamed(name): one for name, one in found.items()}
    wanted = model.state_dict()
    for name, one in found.items():
        like = wanted.get(name)
        if like is not None and like.ndim == 2 and one.ndim == 4 and one.shape[2:] == (1, 1):
            found[name] = one[:, :, 0, 0]
    if isinstance(model, VisionTransformer) and "encoder.pos_embedding" in found:
        found = dict(
            interpolate_embeddings(image_size, model.patch_size, OrderedDict(found), "bicubic")
        )
    return found


def _renamed(name: str) -> str:
    return (
        name.removeprefix("layer0.").replace("last_linear.", "fc.").replace(".se_module.", ".se.")
    )


def _is_plain(one: Tensor) -> bool:
    """Whether every number of `one` is there: it is not sparse, nor one number said to be many."""
    if one.layout is not torch.strided or one.is_nested or one.device.type != "cpu":
        return False
    return one.nbytes <= one.untyped_storage().nbytes()


def _is_state(found: Mapping[Any, Any]) -> bool:
    return bool(found) and all(
        isinstance(name, str) and isinstance(one, Tensor) for name, one in found.items()
    )
