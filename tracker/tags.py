"""The names under which a run's series are written and asked for.

TensorBoard sorts tag groups and opens the first two, so `accuracy` and `loss` come first by
their letters: a new group that a tab shows must not sort between or before them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Goal: TypeAlias = Literal["max", "min"]  # of a series: is higher better, or lower?

ACCURACY_TRAIN = "accuracy/train"
ACCURACY_VAL = "accuracy/val"
LOSS_TRAIN = "loss/train"
LOSS_VAL = "loss/val"
LR = "optim/lr"
GRAD_NORM = "optim/grad_norm"
EPOCH = "perf/epoch"
IMAGES_PER_SECOND = "perf/images_per_second"

CPU = "system/cpu"
LOAD = "system/load"
MEMORY = "system/memory"
GPU = "system/gpu"
GPU_MEMORY = "system/gpu_memory"

INPUTS = "pictures/inputs"
PREDICTIONS = "pictures/predictions"
MISTAKES = "pictures/mistakes"
CONFUSION = "pictures/confusion"
FILTERS = "pictures/filters"

# Groups with a tag per parameter of the network, or per class.
WEIGHTS = "weights/"
GRADIENTS = "weights_grad/"
CURVES = "pr/"

# Numbers behind the pictures, for our own reader: no tab of TensorBoard shows them.
EVALUATED_CONFUSION = "evaluation/confusion"
EVALUATED_PREDICTIONS = "evaluation/predictions"
EVALUATED_REFERENCE = "evaluation/reference"
EVALUATED_PICTURES = "evaluation/pictures"

SPEC_TABLE = "spec/table"
SPEC_JSON = "spec/json"
ENVIRONMENT = "environment"
GIT_DIFF = "git/diff"


class Meaning(NamedTuple):
    """What TensorBoard shows beside a tag: a title, and a sentence behind its info icon."""

    title: str
    description: str


# One text per tag in every run, or TensorBoard answers "Multiple descriptions".
MEANINGS: dict[str, Meaning] = {
    ACCURACY_TRAIN: Meaning(
        "training accuracy",
        "Share of augmented training pictures classified right since the last point (0 to 1).",
    ),
    ACCURACY_VAL: Meaning(
        "validation accuracy",
        "Share of all validation pictures classified right (0 to 1).",
    ),
    LOSS_TRAIN: Meaning(
        "training loss",
        "Mean training loss per picture since the last point, label smoothing and mixup "
        "included (nats).",
    ),
    LOSS_VAL: Meaning(
        "validation loss",
        "Mean cross-entropy over all validation pictures, without label smoothing (nats).",
    ),
    LR: Meaning("learning rate", "Learning rate of the step just taken."),
    GRAD_NORM: Meaning(
        "gradient norm",
        "L2 norm of the whole gradient at this step, before clipping.",
    ),
    EPOCH: Meaning("epoch", "Epochs of training data seen so far (fractional)."),
    IMAGES_PER_SECOND: Meaning(
        "images per second",
        "Training pictures per second since the last point, evaluation and saving left out.",
    ),
    CPU: Meaning(
        "processor",
        "Processor time of the training process since the last point, in per cent of one core.",
    ),
    LOAD: Meaning(
        "machine load",
        "How many processes of the whole machine ran or waited to, over the last minute.",
    ),
    MEMORY: Meaning("memory", "Memory of the training process (GiB)."),
    GPU: Meaning(
        "GPU",
        "Share of the last moment in which the GPU was computing, for whomever (per cent).",
    ),
    GPU_MEMORY: Meaning("GPU memory", "Memory in use on the GPU, by whomever (GiB)."),
    INPUTS: Meaning(
        "inputs",
        "One augmented training batch as the network sees it, normalisation undone.",
    ),
    PREDICTIONS: Meaning(
        "predictions",
        "The same validation pictures every time: green frame right, red frame wrong, "
        "with the confidence.",
    ),
    MISTAKES: Meaning("mistakes", "The validation pictures got wrong with the highest confidence."),
    CONFUSION: Meaning(
        "confusion matrix",
        "Rows: true class. Columns: predicted class. Each row sums to one.",
    ),
    FILTERS: Meaning(
        "first filters",
        "The first convolution's kernels, each scaled to its own range.",
    ),
}

_GROUPS = {
    WEIGHTS: "How the numbers of this parameter are spread after the step; 40 bins.",
    GRADIENTS: "How the gradient of this parameter is spread, as the optimizer took it; 40 bins.",
    CURVES: "This class told from all others, over all validation pictures, by its softmax.",
}


def meaning(tag: str) -> Meaning:
    """Return the meaning of `tag`; one that is unknown has itself for a title and no sentence."""
    if tag in MEANINGS:
        return MEANINGS[tag]
    group = tag[: tag.find("/") + 1]
    return (
        Meaning(tag.removeprefix(group), _GROUPS[group]) if group in _GROUPS else Meaning(tag, "")
    )


# What of a run is a matter of time and place, and differs between two runs that are otherwise the
# same to the last bit.
INCIDENTAL = frozenset({IMAGES_PER_SECOND, CPU, LOAD, MEMORY, GPU, GPU_MEMORY})

# Which way is better, for the series a run is judged by.
GOALS: dict[str, Goal] = {
    ACCURACY_TRAIN: "max",
    ACCURACY_VAL: "max",
    LOSS_TRAIN: "min",
    LOSS_VAL: "min",
    IMAGES_PER_SECOND: "max",
}
