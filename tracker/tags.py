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

INPUTS = "pictures/inputs"
PREDICTIONS = "pictures/predictions"
MISTAKES = "pictures/mistakes"
CONFUSION = "pictures/confusion"
FILTERS = "pictures/filters"

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

# Which way is better, for the series a run is judged by.
GOALS: dict[str, Goal] = {
    ACCURACY_TRAIN: "max",
    ACCURACY_VAL: "max",
    LOSS_TRAIN: "min",
    LOSS_VAL: "min",
    IMAGES_PER_SECOND: "max",
}
