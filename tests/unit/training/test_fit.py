"""A state is taken up whole or not at all: whatever of it is another's is found beforehand."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.nn import functional

from tracker.errors import Damaged
from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document
from tracker.training import fit
from tracker.training.checkpoint import _copied
from tracker.training.machine import Machine, as_before
from tracker.training.state import State, Task, begin

CLASSES = 3
MACHINE = Machine(torch.device("cpu"), "float32", channels_last=False, threads=1)
MOMENTUM, ADAM, PLAIN = (
    {"name": "sgd", "lr": 0.1},
    {"name": "adamw"},
    {"name": "sgd", "lr": 0.1, "momentum": 0, "nesterov": False},
)
TRAINING = {"ema_decay": 0.9, "early_stopping": {"metric": "loss/val", "patience": 3}}
JUNK: list[Any] = [
    None, "x", "\x1b", -1, 0, True, 1.5, [], [1, 2], {}, {"a": 1},
    torch.zeros(7), torch.zeros(7, dtype=torch.uint8), torch.zeros(()),
    torch.zeros(2, 3).to_sparse(), torch.zeros(1).expand(10**12),
]  # fmt: skip


def experiment(optimizer: dict[str, Any], **training: Any) -> Experiment:
    return from_document({"name": "e", "optimizer": optimizer, "training": training})


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, CLASSES))


def fresh(asked: Experiment) -> State:
    return begin(cast("Task", SimpleNamespace(experiment=asked, machine=MACHINE)), network())


def step(state: State) -> None:
    """All that a run does with its state, once."""
    logits = state.model(torch.ones(6, 4))
    loss = functional.cross_entropy(logits, torch.ones(6, dtype=torch.int64))
    loss.backward()
    state.optimizer.param_groups[0]["lr"] = 0.1
    state.optimizer.step()
    state.optimizer.zero_grad()
    if state.average is not None:
        state.average.update_parameters(state.model)
    state.meter.add(loss, logits, torch.ones(6, dtype=torch.int64))
    state.step += 1
    state.scores.note(state.step, {"loss/val": 0.5, "loss/train": 0.5, "accuracy/val": 0.1}, 1.0)
    if state.patience:
        state.patience.over(0.5)


def saved_by(asked: Experiment) -> dict[str, Any]:
    with torch.random.fork_rng():
        state = fresh(asked)
        for _ in range(3):
            step(state)
        saved = {**state.state_dict(), "events": {}, "machine": MACHINE.to_document()}
        return cast("dict[str, Any]", _copied(saved))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def changed(saved: dict[str, Any], path: tuple[Any, ...], *other: Any) -> dict[str, Any]:
    """A copy of `saved` with what is at `path` replaced; without it, if there is no other."""
    *upper, last = path
    document = inner = dict(saved)
    for key in upper:
        inner[key] = copy.copy(inner[key])
        inner = inner[key]
    if other:
        inner[last] = other[0]
    else:
        del inner[last]
    return document


def fault_of(saved: dict[str, Any], asked: Experiment, model: nn.Module) -> str:
    try:
        fit.check(saved, asked, model, CLASSES, 3)
    except Damaged as error:
        return str(error)
    return ""


def use(asked: Experiment, saved: dict[str, Any]) -> None:
    """Take up `saved` and go on, as a run does."""
    as_before(MACHINE, saved["machine"], lambda _: None)
    with torch.random.fork_rng():
        state = fresh(asked)
        state.load_state_dict(saved)
        step(state)
        state.meter.take()
        state.state_dict()


@pytest.mark.parametrize("optimizer", [MOMENTUM, ADAM, PLAIN], ids=["momentum", "adam", "plain"])
@pytest.mark.parametrize("training", [TRAINING, {}], ids=["all", "little"])
def test_whatever_is_changed_is_found_or_can_be_gone_on_from(
    optimizer: dict[str, Any], training: dict[str, Any]
) -> None:
    asked = experiment(optimizer, **training)
    saved, model, found = saved_by(asked), network(), 0
    fit.check(saved, asked, model, CLASSES, 3)
    for path in places(saved):
        if path[0] in ("step", "events"):  # the manifest's own words are asked for those
            continue
        for other in [(), *((one,) for one in JUNK)]:
            document = changed(saved, path, *other)
            if fault := fault_of(document, asked, model):
                found += 1
                assert fault.isprintable()
                assert len(fault) < 200
            else:
                use(asked, document)
    assert found > 800


@pytest.mark.parametrize("name", ["model", "optimizer", "average"])
def test_what_the_weights_are_called_is_held_to_the_network(name: str) -> None:
    asked = experiment(MOMENTUM, **TRAINING)
    saved = saved_by(asked)
    tensors = saved[name] if name != "optimizer" else saved[name]["state"][0]
    first = next(key for key in tensors if key != "n_averaged")
    tensors["stranger"] = tensors.pop(first)
    with pytest.raises(Damaged, match=rf"^{name}.*{first}: missing$"):
        fit.check(saved, asked, network(), CLASSES, 3)


def test_a_state_of_another_shape_says_which() -> None:
    asked = experiment(MOMENTUM)
    saved = saved_by(asked)
    saved["model"]["2.weight"] = torch.zeros(4, 5)
    with pytest.raises(Damaged) as refused:
        fit.check(saved, asked, network(), CLASSES, 3)
    assert str(refused.value) == (
        "model.2.weight: [4, 5] of torch.float32, not [3, 5] of torch.float32"
    )


def test_settings_are_the_experiment_s() -> None:
    asked = experiment(MOMENTUM)
    saved = saved_by(asked)
    saved["optimizer"]["param_groups"] = [{"lr": 0.025, "momentum": "x", "params": "y"}]
    fit.check(saved, asked, network(), CLASSES, 3)
    with torch.random.fork_rng():
        state = fresh(asked)
        state.load_state_dict(saved)
    [group] = state.optimizer.param_groups
    assert (group["lr"], group["momentum"]) == (0.025, 0.9)


def test_nothing_is_changed_by_looking() -> None:
    asked = experiment(MOMENTUM, **TRAINING)
    saved, model = saved_by(asked), network()
    weights, chance = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    fit.check(saved, asked, model, CLASSES, 3)
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(one, model.state_dict()[name]) for name, one in weights.items())


@pytest.mark.parametrize("optimizer", [MOMENTUM, ADAM, PLAIN], ids=["momentum", "adam", "plain"])
def test_a_network_of_the_person_s_own_may_have_weights_that_nothing_depends_on(
    optimizer: dict[str, Any],
) -> None:
    asked = experiment(optimizer)
    saved, model = saved_by(asked), network()
    saved["optimizer"]["state"].pop(0, None)
    fault = "" if optimizer is PLAIN else "optimizer: of other weights"
    assert fault_of(saved, asked, model) == fault
    own = replace(asked, model=replace(asked.model, backbone="their_own"))
    assert fault_of(saved, own, model) == ""
    saved["optimizer"]["state"][9] = {}
    assert fault_of(saved, own, model) == "optimizer: of other weights"
