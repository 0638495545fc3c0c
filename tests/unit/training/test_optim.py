"""Learning rates against torch's own schedulers, optimizers against the spec."""

import warnings
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR, StepLR

from tracker.models.build import build
from tracker.spec.experiment import (
    Adam,
    Constant,
    Cosine,
    Freeze,
    Model,
    MultiStep,
    OneCycle,
    Sgd,
    Step,
    UntilEpoch,
)
from tracker.training.optim import build_optimizer, groups, learning_rates

SGD = Sgd(name="sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)


def curve_of(scheduler: LRScheduler, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(float(scheduler.get_last_lr()[0]))
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def sgd() -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def test_step_is_torch_step_lr() -> None:
    ours = learning_rates(Step(name="step", step_epochs=2, gamma=0.5, warmup_epochs=0), 0.1, 5, 6)
    theirs = curve_of(StepLR(sgd(), step_size=10, gamma=0.5), 30)
    assert [ours(step) for step in range(30)] == pytest.approx(theirs)


def test_multistep_is_torch_multistep_lr() -> None:
    schedule = MultiStep(name="multistep", milestones=(4, 2), gamma=0.1, warmup_epochs=0)
    ours = learning_rates(schedule, 0.1, 5, 6)
    theirs = curve_of(MultiStepLR(sgd(), milestones=[10, 20], gamma=0.1), 30)
    assert [ours(step) for step in range(30)] == pytest.approx(theirs)


def test_cosine_is_torch_cosine_annealing() -> None:
    ours = learning_rates(Cosine(name="cosine", min_lr=0.01, warmup_epochs=0), 0.1, 5, 6)
    theirs = curve_of(CosineAnnealingLR(sgd(), T_max=30, eta_min=0.01), 30)
    assert [ours(step) for step in range(30)] == pytest.approx(theirs)


def test_one_cycle_is_torch_one_cycle_lr() -> None:
    schedule = OneCycle(name="one_cycle", peak_at=0.3, start_factor=0.04, end_factor=0.0004)
    ours = learning_rates(schedule, 0.4, 41, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns when no gradient was ever computed
        theirs = curve_of(
            OneCycleLR(sgd(), max_lr=0.4, total_steps=41, div_factor=25, final_div_factor=100),
            40,
        )
    assert [ours(step) for step in range(40)] == pytest.approx(theirs)


@given(warmup=st.floats(0.1, 2), steps=st.integers(3, 50))
def test_warmup_rises_in_a_line_to_the_peak(warmup: float, steps: int) -> None:
    rate = learning_rates(Constant(name="constant", warmup_epochs=warmup), 0.1, steps, 3)
    length = round(warmup * steps)
    rising = [rate(step) for step in range(length + 1)]
    assert rising[-1] == pytest.approx(0.1)
    assert all(before < after for before, after in pairwise(rising[:-1]))
    assert rising[0] > 0


def test_the_curve_does_not_depend_on_where_the_run_is_cut() -> None:
    schedule = Cosine(name="cosine", min_lr=0, warmup_epochs=1)
    assert learning_rates(schedule, 0.1, 10, 3)(29) < 0.001
    assert learning_rates(schedule, 0.1, 10, 3)(10) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (SGD, torch.optim.SGD),
        (Adam(name="adam", lr=1e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0), torch.optim.Adam),
        (
            Adam(name="adamw", lr=1e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01),
            torch.optim.AdamW,
        ),
    ],
)
def test_an_optimizer_is_what_the_spec_names_and_fused(
    spec: Sgd | Adam, kind: type[torch.optim.Optimizer]
) -> None:
    sample = torch.nn.Parameter(torch.zeros(3))
    optimizer = build_optimizer(spec, [{"params": [sample], "scale": 1.0}])
    assert type(optimizer) is kind
    assert optimizer.defaults["fused"] is True
    assert optimizer.defaults["weight_decay"] == spec.weight_decay
    if isinstance(spec, Adam):
        assert optimizer.defaults["betas"] == (0.9, 0.99)
    else:
        assert optimizer.defaults["nesterov"] is True


def shares(spec: Sgd, freeze: Freeze = False) -> dict[str, float]:
    """The share of the learning rate that each trained parameter of a resnet9 has."""
    asked = Model(backbone="resnet9", stem=None, width=4, freeze=freeze)
    model = build(asked, num_classes=3, seed=0)
    names = {id(one): name for name, one in model.named_parameters()}
    return {
        names[id(one)]: group["scale"]
        for group in groups(model, spec, freeze)
        for one in group["params"]
    }


def test_one_learning_rate_is_one_group_in_the_models_order() -> None:
    model = build(Model(backbone="resnet9", stem=None, width=4), num_classes=3, seed=0)
    [group] = groups(model, SGD, False)
    assert group["scale"] == 1.0
    assert [id(one) for one in group["params"]] == [id(one) for one in model.parameters()]


def test_the_backbone_has_a_learning_rate_of_its_own() -> None:
    found = shares(replace(SGD, backbone_lr=0.01))
    assert found.pop("fc.weight") == 1.0
    assert set(found.values()) == {0.01 / 0.1}


def test_learning_rates_fall_towards_the_input() -> None:
    found = shares(replace(SGD, layer_decay=0.5, backbone_lr=0.05))
    assert found["fc.weight"] == 1.0
    assert found["res3.conv2.conv.weight"] == found["res3.conv2.bn.bias"] == 0.5 * 0.5
    assert found["prep.conv.weight"] == 0.5 * 0.5**8


def test_the_optimizer_holds_what_trains_some_day() -> None:
    assert shares(SGD, "backbone") == {"fc.weight": 1.0}
    assert "layer1.conv.weight" not in shares(SGD, ("layer1",))
    assert shares(SGD, UntilEpoch(until_epoch=2)) == shares(SGD)
