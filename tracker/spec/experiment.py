"""An Experiment is what was asked: one JSON file, checked, with every default filled in, frozen.

`schema.json` says what each field means, its unit, bounds and default; the classes here give the
same fields types. Variants (which optimizer, which data set) are classes of their own, told apart
by `name`, so that no field exists that its variant does not use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Channels: TypeAlias = tuple[float, float, float]  # red, green, blue, white being 1
Augmentation: TypeAlias = Literal["random_crop", "horizontal_flip", "random_resized_crop", "cutout"]
Interpolation: TypeAlias = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class Cifar10:
    """CIFAR-10 as torchvision reads it: 50,000 training and 10,000 validation pictures of 32×32."""

    name: Literal["cifar10"]
    root: str
    download: bool
    train_size: int | None  # None: all. Else the first n of a shuffle that is always the same
    val_size: int | None
    augment: tuple[Augmentation, ...]
    crop_padding: int  # pixels, reflected
    cutout_size: int  # pixels, side of the square
    mean: Channels | None = (
        None  # None: of what the weights were trained with, else of the pictures
    )
    std: Channels | None = None
    classes: tuple[str, ...] | None = None  # None: all ten; in the order that the data set has
    image_size: int | None = None  # pixels, scaled to after augmentation; None: 32
    interpolation: Interpolation | None = None  # None: as for the weights, else bilinear


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """`root`/train and `root`/{val,test} with a folder per class, as torchvision's ImageFolder."""

    name: Literal["image_folder"]
    root: str
    image_size: int | None  # pixels of the square cut out; None: as the weights have it, else 32
    cache: Literal["auto", "always", "never"]  # decoded once into a memory-mapped uint8 file
    workers: int  # decoding threads when streamed
    train_size: int | None
    val_size: int | None
    augment: tuple[Augmentation, ...]
    crop_padding: int
    cutout_size: int
    resize: int | None = None  # pixels of the shorter side before that; None: see schema.json
    mean: Channels | None = None
    std: Channels | None = None
    classes: tuple[str, ...] | None = None
    interpolation: Interpolation | None = None


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Ten procedural classes of 32×32 pictures, each drawn from the data seed and its index."""

    name: Literal["shapes"]
    train_size: int
    val_size: int
    data_seed: int  # which pictures exist; the experiment's seed only orders and augments them
    augment: tuple[Augmentation, ...]
    crop_padding: int
    cutout_size: int
    mean: Channels | None = None
    std: Channels | None = None
    classes: tuple[str, ...] | None = None
    image_size: int | None = None
    interpolation: Interpolation | None = None


Data: TypeAlias = Cifar10 | ImageFolder | Shapes


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """Weights out of a file that torch.save wrote."""

    file: str


@dataclass(frozen=True, kw_only=True)
class WeightsRun:
    """Weights that another run learned, as it was evaluated with them."""

    run: str  # its path under runs, or a part of it that no other has
    checkpoint: Literal["best", "last"] = "best"


@dataclass(frozen=True, kw_only=True)
class UntilEpoch:
    """The backbone is frozen during the first `until_epoch` epochs."""

    until_epoch: int


Freeze: TypeAlias = Literal[False, "backbone"] | tuple[str, ...] | UntilEpoch


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which network, from which weights. What a backbone has no choice of is None."""

    backbone: str
    stem: Literal["imagenet", "cifar"] | None  # torchvision ResNets and their SE twins
    width: int | None  # channels of the first layer: resnet9 and se_resnet9
    layout: Literal["torchvision", "caffe"] | None = None  # SE ResNets
    weights: str | WeightsFile | WeightsRun | None = None  # a name that is published; None: random
    fresh: tuple[str, ...] = ()  # layers that start at random all the same
    freeze: Freeze = False


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent with momentum; weight decay is an L2 penalty."""

    name: Literal["sgd"]
    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float
    backbone_lr: float | None = None  # of everything but the head
    layer_decay: float | None = None  # factor for each layer further from the head


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam, or AdamW where `name` says so (decoupled weight decay)."""

    name: Literal["adam", "adamw"]
    lr: float
    betas: tuple[float, float]
    eps: float
    weight_decay: float
    backbone_lr: float | None = None
    layer_decay: float | None = None


Optimizer: TypeAlias = Sgd | Adam


@dataclass(frozen=True, kw_only=True)
class Constant:
    """`lr` all along."""

    name: Literal["constant"]
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """lr × gamma every `step_epochs` epochs."""

    name: Literal["step"]
    step_epochs: int
    gamma: float
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True)
class MultiStep:
    """lr × gamma at each epoch of `milestones`."""

    name: Literal["multistep"]
    milestones: tuple[int, ...]
    gamma: float
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """From lr to `min_lr` along half a cosine (SGDR without restarts, arXiv 1608.03983)."""

    name: Literal["cosine"]
    min_lr: float
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Up to lr over `peak_at` of the run, down to almost zero after (arXiv 1708.07120)."""

    name: Literal["one_cycle"]
    peak_at: float  # share of the steps, 0 < x < 1
    start_factor: float  # first lr / lr
    end_factor: float  # last lr / lr


Schedule: TypeAlias = Constant | Step | MultiStep | Cosine | OneCycle


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop when `metric` has not improved by more than `min_delta` for `patience` evaluations."""

    metric: str
    patience: int
    min_delta: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How long, in what portions, and on what machine."""

    epochs: int
    max_steps: int | None  # optimizer steps; the run ends at whichever comes first
    batch_size: int
    eval_batch_size: int
    label_smoothing: float
    mixup_alpha: float  # 0: off (arXiv 1710.09412)
    clip_grad_norm: float | None
    ema_decay: float | None  # None: off; evaluation then uses the averaged weights
    early_stopping: EarlyStopping | None
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "float32", "bfloat16"]
    channels_last: bool | Literal["auto"]
    compile: bool
    cache_features: Literal["auto", False] = "auto"  # of what is frozen
    threads: int | None  # on the CPU; None: OMP_NUM_THREADS, else one per usable core


@dataclass(frozen=True, kw_only=True)
class Logging:
    """What is written for TensorBoard, and how often."""

    scalars_every: int  # steps
    eval_every: int  # epochs; the last epoch is always evaluated
    pictures_every: int  # evaluations; 0: none
    pr_curves: bool  # with each set of pictures, and at the end
    histograms: Literal["few", "all", "none"]  # of which parameters, and their gradients
    histograms_every: int  # evaluations
    projector: bool  # at the end
    graph: bool
    system: bool  # with the scalars: processor, memory, GPU
    git_diff: bool


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """When to save, and what `best` means."""

    every_epochs: int
    every_steps: int | None
    every_minutes: float | None
    metric: str


@dataclass(frozen=True, kw_only=True)
class Compare:
    """The question the experiment is run for."""

    by: str  # dotted path that tells the groups apart
    metric: str


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Bounds that the series `tag` must keep; None where there is no such bound.

    `at_step`: judged is the last point up to that step, else the last of the run. `min_ratio` is of
    the baseline's speed.
    """

    tag: str
    min: float | None = None
    max: float | None = None
    at_step: int | None = None
    min_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run's worth of instructions: a matrix is already expanded, `extends` already merged.

    `variant` is the run directory's middle name: the matrix axes other than the seed, else the
    backbone. `convert.to_document` and `load.from_document` lead to the saved form and back.
    """

    version: int
    name: str
    description: str
    tags: tuple[str, ...]
    variant: str
    seed: int
    data: Data
    model: Model
    optimizer: Optimizer
    schedule: Schedule
    training: Training
    logging: Logging
    checkpoint: Checkpoint
    compare: Compare
    expect: tuple[Expectation, ...]  # in the order of their tags
