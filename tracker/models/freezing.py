"""What of a network is not trained, and what follows from that."""

from __future__ import annotations

from torch import nn

from tracker.errors import UsageError
from tracker.models.head import heads, in_head
from tracker.models.weights import parts
from tracker.spec.experiment import Freeze, UntilEpoch


def frozen(model: nn.Module, freeze: Freeze, epoch: int) -> frozenset[str]:
    """The names of the parameters that are not trained in `epoch`, counted from 0.

    Raises UsageError where `freeze` names no layer, or nothing is left to train.
    """
    names = [name for name, _ in model.named_parameters()]
    if isinstance(freeze, tuple):
        paths = tuple(path for name in freeze for path in parts(model, name))
        found = frozenset(name for name in names if in_head(name, paths))
        if len(found) == len(names):
            raise UsageError("model.freeze: names every layer, so nothing is left to learn")
        return found
    whole = freeze == "backbone" or (isinstance(freeze, UntilEpoch) and epoch < freeze.until_epoch)
    paths = heads(model) if whole else ()
    return frozenset(name for name in names if not in_head(name, paths)) if whole else frozenset()


def never_trained(model: nn.Module, freeze: Freeze) -> frozenset[str]:
    """The names of the parameters that no epoch trains. Raises as `frozen`."""
    return frozen(model, False if isinstance(freeze, UntilEpoch) else freeze, 0)


def prepare(model: nn.Module, freeze: Freeze, epoch: int) -> None:
    """Make `model` ready to be trained in `epoch`: what is frozen takes no gradient.

    A part of it all of whose parameters are frozen is in evaluation mode, whatever else is in it:
    norms keep their statistics, and dropout leaves out nothing. All other parts are in training
    mode. So it does not matter which modes they were in before.
    """
    still = frozen(model, freeze, epoch)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in still)
    _set_modes(model)


def _set_modes(module: nn.Module) -> None:
    parameters = list(module.parameters())
    if parameters and not any(one.requires_grad for one in parameters):
        module.eval()
        return
    module.training = True
    for child in module.children():
        _set_modes(child)
