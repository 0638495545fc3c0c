"""Between plain JSON values and the frozen Experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tracker.spec.experiment import (
    Adam,
    Checkpoint,
    Cifar10,
    Compare,
    Constant,
    Cosine,
    Data,
    EarlyStopping,
    Expectation,
    Experiment,
    ImageFolder,
    Logging,
    Model,
    MultiStep,
    OneCycle,
    Optimizer,
    Schedule,
    Sgd,
    Shapes,
    Step,
    Training,
    UntilEpoch,
    WeightsFile,
    WeightsRun,
)

_DATA: dict[str, type[Data]] = {"cifar10": Cifar10, "image_folder": ImageFolder, "shapes": Shapes}
_OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": Sgd, "adam": Adam, "adamw": Adam}
_SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "multistep": MultiStep,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}
_NOT_OF_ALL = ("stem", "width", "layout")  # of the model's fields, those that not every family has


def to_document(experiment: Experiment) -> dict[str, Any]:
    """The experiment as JSON-ready values, every default filled in: what `experiment.json` holds.

    Read back by `load.load` or `load.from_document`, it gives an equal Experiment.
    """
    document = asdict(experiment)
    document["model"] = {
        key: value
        for key, value in document["model"].items()
        if value is not None or key not in _NOT_OF_ALL
    }
    document["expect"] = {one.tag: _bounds(one) for one in experiment.expect}
    return {key: _listed(value) for key, value in document.items()}


def _bounds(expectation: Expectation) -> dict[str, float]:
    bounds = asdict(expectation)
    del bounds["tag"]
    return {key: value for key, value in bounds.items() if value is not None}


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def build(filled: Mapping[str, Any]) -> Experiment:
    """The Experiment of a document that `load` has checked and filled in."""
    blocks = {key: _frozen(value) for key, value in filled.items() if key != "$schema"}
    stopping = blocks["training"]["early_stopping"]
    if stopping is not None:
        blocks["training"]["early_stopping"] = EarlyStopping(**stopping)
    return Experiment(
        **{key: value for key, value in blocks.items() if not isinstance(value, dict)},
        data=_DATA[blocks["data"]["name"]](**blocks["data"]),
        model=_model(blocks["model"]),
        optimizer=_OPTIMIZERS[blocks["optimizer"]["name"]](**blocks["optimizer"]),
        schedule=_SCHEDULES[blocks["schedule"]["name"]](**blocks["schedule"]),
        training=Training(**blocks["training"]),
        logging=Logging(**blocks["logging"]),
        checkpoint=Checkpoint(**blocks["checkpoint"]),
        compare=Compare(**blocks["compare"]),
        expect=tuple(
            Expectation(tag=tag, **bounds)
            for tag, bounds in sorted(blocks["expect"].items())
            if bounds is not None
        ),
    )


def _model(block: dict[str, Any]) -> Model:
    weights, freeze = block["weights"], block["freeze"]
    if isinstance(weights, dict):
        run, checkpoint, file = weights["run"], weights["checkpoint"], weights["file"]
        weights = WeightsRun(run=run, checkpoint=checkpoint) if run else WeightsFile(file=file)
    if isinstance(freeze, dict):
        freeze = UntilEpoch(**freeze)
    choices = {key: block.get(key) for key in _NOT_OF_ALL}
    return Model(**{**block, **choices, "weights": weights, "freeze": freeze})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
