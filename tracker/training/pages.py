"""What of a run is drawn or told besides its scalars: at its beginning, and at each evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tracker import tags
from tracker.data.augment import denormalise
from tracker.data.batches import TrainBatches
from tracker.data.dataset import Dataset
from tracker.record import pictures, records, text
from tracker.record.confusion import confusion_matrix
from tracker.record.tensorboard import RunWriter
from tracker.spec.convert import to_document
from tracker.spec.experiment import Experiment
from tracker.training.evaluate import Evaluation

CONFUSION_UP_TO = 200  # classes: 160 KB an evaluation; of 1,000 it would be 4 MB


def write_opening(
    writer: RunWriter, experiment: Experiment, environment: Mapping[str, Any], patch: str
) -> None:
    """Write down what was asked and where it runs; `patch` is what git has not committed."""
    document = to_document(experiment)
    writer.text(tags.SPEC_TABLE, text.table(document, ("field", "value")))
    writer.text(tags.SPEC_JSON, text.json_block(document))
    writer.text(tags.ENVIRONMENT, text.table(environment, ("what", "is")))
    if patch and experiment.logging.git_diff:
        writer.text(tags.GIT_DIFF, text.diff_block(patch))
    writer.hparams(experiment)
    writer.layout()


def write_inputs(writer: RunWriter, dataset: Dataset, batches: TrainBatches) -> None:
    """Draw the first training batch as the network will see it, normalisation undone."""
    batch = next(iter(batches.epoch(0)))
    shown = denormalise(batch.images[: pictures.SHOWN], dataset.mean, dataset.std)
    labels = batch.labels[: pictures.SHOWN].cpu()
    writer.picture(tags.INPUTS, 0, pictures.input_grid, shown, labels, dataset.classes)


def write_reference(writer: RunWriter, dataset: Dataset) -> None:
    """Keep the validation pictures whose predictions `write_numbers` notes, and where they are.

    Once, before the first step, so that going on from any checkpoint finds them written.
    """
    indices = dataset.reference
    where = torch.stack([indices, dataset.val.labels[indices]], 1)
    writer.numbers(tags.EVALUATED_REFERENCE, 0, where.numpy())
    shown = [records.small_png(image) for image in dataset.val.fetch(indices)]
    writer.files(tags.EVALUATED_PICTURES, 0, shown)


def write_numbers(writer: RunWriter, dataset: Dataset, step: int, result: Evaluation) -> None:
    """Note what the network makes of the reference pictures, and whom it takes for whom."""
    indices, classes = dataset.reference, len(dataset.classes)
    told = torch.stack([result.predicted[indices].float(), result.confidence[indices]], 1)
    writer.numbers(tags.EVALUATED_PREDICTIONS, step, told.numpy())
    if classes <= CONFUSION_UP_TO:
        confusion = result.confusion(classes).int()
        writer.numbers(tags.EVALUATED_CONFUSION, step, confusion.numpy())


def write_curves(writer: RunWriter, dataset: Dataset, step: int, result: Evaluation) -> None:
    """Draw for each of the first classes how well it is told from all others."""
    scored = {
        f"{tags.CURVES}{name}": (result.scores[:, label], result.labels == label)
        for label, name in enumerate(dataset.classes[: result.scores.shape[1]])
    }
    writer.curves(step, scored)


def write_histograms(writer: RunWriter, step: int, parameters: Mapping[str, nn.Parameter]) -> None:
    """Show how `parameters`, by name, are spread, and the gradients they have of `step`."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        tensors[f"{tags.WEIGHTS}{name}"] = parameter
        if parameter.grad is not None:
            tensors[f"{tags.GRADIENTS}{name}"] = parameter.grad
    writer.histograms(step, tensors)


def write_evaluation(
    writer: RunWriter, dataset: Dataset, step: int, model: nn.Module, result: Evaluation
) -> None:
    """Draw what `model` makes of the validation pictures, the same ones in every run and epoch."""

    def told(indices: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        shown = dataset.val.fetch(indices).cpu()
        return shown, result.labels[indices], result.predicted[indices], result.confidence[indices]

    classes = dataset.classes
    known = told(dataset.reference[: pictures.SHOWN])
    worst = told(result.worst(pictures.SHOWN))
    writer.picture(tags.PREDICTIONS, step, pictures.prediction_grid, *known, classes)
    writer.picture(tags.MISTAKES, step, pictures.mistakes_grid, *worst, classes)
    confusion = result.confusion(len(classes))
    writer.picture(tags.CONFUSION, step, confusion_matrix, confusion, classes)
    first = next((one for one in model.modules() if isinstance(one, nn.Conv2d)), None)
    if first is not None:
        writer.picture(tags.FILTERS, step, pictures.filters, first.weight)
