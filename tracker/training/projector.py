"""What the trained network sees in some validation pictures, laid out for the Projector page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tracker.data.dataset import reference_pictures
from tracker.errors import printable
from tracker.record import projector
from tracker.store.files import write_atomic
from tracker.training.state import Task

PICTURES = 300  # as many points as one still tells apart
COLUMNS = ("class", "predicted", "verdict", "confidence", "index")


def write(task: Task, model: nn.Module) -> None:
    """Write the page's files into the run directory, the one that leads to the others last.

    The pictures are the same in every run on the same data. A network without a linear layer has no
    page; the run's log says so, as of whatever else is in the way but the disk.
    """
    indices = reference_pictures(task.dataset.val.labels, PICTURES)
    if not len(indices):
        return
    try:
        features, logits = _features(task, model, indices)
        images = task.dataset.val.fetch(indices).cpu()
        files = projector.files(features, images, COLUMNS, _rows(task, indices, logits))
    except (ValueError, RuntimeError) as error:  # no run ends for a picture
        task.say(f"no projector page: {printable(str(error).strip())[:200]}")
        return
    for name, content in files.items():
        write_atomic(task.run.run.path / name, content)


@torch.inference_mode()
def _features(task: Task, model: nn.Module, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Return what goes into the last linear layer, float32 [N, D], and what comes out, [N, C]."""
    loader = task.validation
    features, logits = [], []
    was_training = model.training
    model.eval()
    try:
        with _entering_last_linear(model) as seen:
            for images, _ in loader.pictures(torch.split(indices, loader.batch_size)):
                seen.clear()
                with task.machine.autocast():
                    logits.append(model(loader.normalise(images)).float().cpu())
                if not seen:
                    raise ValueError("the network has no linear layer to look at")
                features.append(seen[-1].float().flatten(1).cpu())
    finally:
        model.train(was_training)
    return torch.cat(features), torch.cat(logits)


@contextmanager
def _entering_last_linear(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what enters linear layers; of those of a forward pass, the last is the classifier."""
    seen: list[Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for module in model.modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _rows(task: Task, indices: Tensor, logits: Tensor) -> Iterator[tuple[str, ...]]:
    classes = task.dataset.classes
    confidence, predicted = logits.softmax(1).max(1)
    told = zip(
        task.dataset.val.labels[indices].tolist(),
        predicted.tolist(),
        confidence.tolist(),
        indices.tolist(),
        strict=True,
    )
    for label, called, sure, index in told:
        verdict = "right" if label == called else "wrong"
        yield classes[label], classes[called], verdict, f"{sure:.2f}", str(index)
