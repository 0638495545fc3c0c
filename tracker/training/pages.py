"""What of a run is drawn or told besides its scalars: at its beginning, and at each evaluation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracker import tags
from tracker.data.batches import TrainBatches
from tracker.data.dataset import Dataset
from tracker.record import pictures
from tracker.record.tensorboard import RunWriter
from tracker.training.evaluate import Evaluation


def write_inputs(writer: RunWriter, dataset: Dataset, batches: TrainBatches) -> None:
    """Draw the first training batch as the network will see it, normalisation undone."""
    batch = next(iter(batches.epoch(0)))
    shown = _denormalised(batch.images[: pictures.SHOWN], dataset)
    labels = batch.labels[: pictures.SHOWN].cpu()
    writer.picture(tags.INPUTS, 0, pictures.input_grid(shown, labels, dataset.classes))


def write_evaluation(
    writer: RunWriter, dataset: Dataset, step: int, model: nn.Module, result: Evaluation
) -> None:
    """Draw what `model` makes of the validation pictures, the same ones in every run and epoch."""

    def told(indices: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        shown = dataset.val.fetch(indices).cpu()
        return shown, result.labels[indices], result.predicted[indices], result.confidence[indices]

    classes = dataset.classes
    predictions = pictures.prediction_grid(*told(dataset.reference), classes)
    mistakes = pictures.mistakes_grid(*told(result.worst(pictures.SHOWN)), classes)
    confusion = pictures.confusion_matrix(result.confusion(len(classes)), classes)
    writer.picture(tags.PREDICTIONS, step, predictions)
    writer.picture(tags.MISTAKES, step, mistakes)
    writer.picture(tags.CONFUSION, step, confusion)
    first = next((one for one in model.modules() if isinstance(one, nn.Conv2d)), None)
    if first is not None:
        writer.picture(tags.FILTERS, step, pictures.filters(first.weight.detach().cpu()))


def _denormalised(images: Tensor, dataset: Dataset) -> Tensor:
    """Normalised pictures [B, 3, H, W] back to uint8, on the CPU."""
    mean = torch.tensor(dataset.mean).view(1, 3, 1, 1)
    std = torch.tensor(dataset.std).view(1, 3, 1, 1)
    return ((images.float().cpu() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
