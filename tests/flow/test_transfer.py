"""From one run's weights to the next run: what is taken, what is frozen, what is written down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests import trained
from tracker.errors import Damaged, NoSuchRun, Unavailable, UsageError
from tracker.launch.plan import Existing
from tracker.models.expected import Expected
from tracker.store.run import Run
from tracker.training import checkpoint

SPEC: dict[str, Any] = {
    "name": "first",
    "data": {"name": "shapes", "train_size": 96, "val_size": 20},
    "model": {"backbone": "resnet9", "width": 4},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "training": {"epochs": 4, "batch_size": 32, "threads": 1},
    "logging": {"graph": False, "git_diff": False},
}
FROM_FIRST = {"backbone": "resnet9", "width": 4, "weights": {"run": "first/resnet9/s0"}}
Train = Callable[..., Run]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def train(tmp_path: Path, said: list[str]) -> Train:
    """Run the spec with top-level blocks replaced; return the run."""

    def run(existing: Existing = "refuse", **changes: Any) -> Run:
        [one] = trained.train(tmp_path / "runs", {**SPEC, **changes}, existing, said.append)
        return one

    return run


def saved(run: Run, place: int = -1) -> dict[str, Any]:
    return checkpoint.load(run, run.manifest().kept[place])


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {name for name in one if not torch.equal(one[name], other[name])}


def best(run: Run) -> dict[str, Any]:
    entry = run.manifest().best
    assert entry is not None
    return checkpoint.load(run, entry)


def test_a_run_starts_from_what_another_learned(train: Train, said: list[str]) -> None:
    first = train()
    frozen = {**FROM_FIRST, "freeze": "backbone"}
    second = train(name="second", model=frozen, data={**SPEC["data"], "data_seed": 5})
    # norms' statistics and all: nothing but the head has moved
    assert differing(best(first)["model"], saved(second)["model"]) == {"fc.weight"}
    assert len(saved(second)["optimizer"]["state"]) == 1
    facts, entry = second.summary(), first.manifest().best
    assert entry is not None
    assert facts.weights == {
        "source": f"first/resnet9/s0 step {entry.step}",
        "sha256": entry.sha256,
        "fresh": [],
    }
    assert facts.input == first.summary().input, "the first run's mean and deviation"
    assert any(line.startswith("starting from first/resnet9/s0 step") for line in said)
    assert "starting from first" in second.log_file.read_text()


def test_the_average_is_what_a_run_learned_where_there_is_one(train: Train) -> None:
    first = train(training={**SPEC["training"], "ema_decay": 0.5})
    second = train(
        name="second",
        model={**FROM_FIRST, "freeze": "backbone"}
        | {"weights": {"run": "first", "checkpoint": "last"}},
    )
    average = saved(first)["average"]
    ours = {f"module.{name}": one for name, one in saved(second)["model"].items()}
    assert differing(ours, average) == {"module.fc.weight"}
    assert differing(saved(first)["model"], saved(second)["model"]) > {"fc.weight"}


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 6, 7])  # frozen still, on the border, thawed
def test_a_run_cut_short_around_the_thaw_goes_on_bit_for_bit(train: Train, steps: int) -> None:
    train()
    model = {**FROM_FIRST, "freeze": {"until_epoch": 2}}
    optimizer = {"name": "adam", "lr": 0.01, "backbone_lr": 0.001, "layer_decay": 0.8}
    whole = train(name="whole", model=model, optimizer=optimizer)
    asked = {"name": "cut", "model": model, "optimizer": optimizer}
    cut = train(**asked, training={**SPEC["training"], "max_steps": steps})
    cut = train("resume", **asked)
    assert len(saved(whole)["optimizer"]["param_groups"]) == 9
    assert differing(saved(whole)["model"], saved(cut)["model"]) == set()
    for number, kept in saved(whole)["optimizer"]["state"].items():
        assert differing(kept, saved(cut)["optimizer"]["state"][number]) == set()
    assert cut.summary().weights == whole.summary().weights


def test_a_run_goes_on_when_the_one_it_began_with_is_gone(train: Train, tmp_path: Path) -> None:
    first = train()
    asked = {"name": "second", "model": FROM_FIRST}
    second = train(**asked, training={**SPEC["training"], "max_steps": 3})
    before = second.summary()
    first.path.rename(tmp_path / "elsewhere")
    again = train("resume", **asked).summary()
    assert again.weights == before.weights is not None
    assert again.input == before.input is not None


def test_until_the_thaw_the_backbone_stands_still(train: Train) -> None:
    first = train()
    model = {**FROM_FIRST, "freeze": {"until_epoch": 2}}
    still = train(name="still", model=model, training={**SPEC["training"], "max_steps": 6})
    assert differing(best(first)["model"], saved(still)["model"]) == {"fc.weight"}
    moved = train(name="moved", model=model, training={**SPEC["training"], "max_steps": 7})
    assert len(differing(best(first)["model"], saved(moved)["model"])) > 20


@pytest.mark.parametrize(
    ("model", "kind", "words"),
    [
        ({"weights": {"run": "nowhere"}}, NoSuchRun, "nowhere"),
        ({"weights": {"file": "nowhere.pth"}}, Unavailable, "there is no file nowhere.pth"),
        ({**FROM_FIRST, "width": 8}, UsageError, "of another shape are prep.conv.weight"),
        (
            {"backbone": "small_cnn"} | {"weights": {"run": "first"}},
            UsageError,
            "they have no conv1",
        ),
        ({"freeze": ["stage1"]}, UsageError, "no layer's name begins with stage1"),
    ],
)
def test_what_cannot_be_leaves_no_run_behind(
    train: Train, tmp_path: Path, model: dict[str, Any], kind: type[Exception], words: str
) -> None:
    train()
    asked = model if "backbone" in model else {**SPEC["model"], **model}
    with pytest.raises(kind, match=words):
        train(name="second", model=asked)
    assert not (tmp_path / "runs" / "second").exists()


def test_a_checkpoint_that_was_altered_is_not_started_from(train: Train) -> None:
    first = train()
    first.best_checkpoint.resolve().write_bytes(b"other")
    with pytest.raises(Damaged, match="sha256 differs"):
        train(name="second", model=FROM_FIRST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of pictures of odd sizes, bright in the middle."""
    for split in ("train", "val"):
        for label, colour in (("ants", 40), ("bees", 200)):
            place = tmp_path / "pictures" / split / label
            place.mkdir(parents=True)
            for number in range(8):
                pixels = np.full((50 + number, 90, 3), colour, np.uint8)
                pixels[20:30] = 120
                Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "pictures"


def test_pictures_are_cut_and_normalised_as_the_first_run_had_them(
    train: Train, folder: Path, tmp_path: Path
) -> None:
    data = {"name": "image_folder", "root": str(folder)}
    small = {**SPEC["training"], "batch_size": 4, "epochs": 2}
    own = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}
    first = train(data={**data, "image_size": 24, "resize": 28, **own}, training=small)
    second = train(name="second", data=data, model=FROM_FIRST, training=small)
    known = Expected(image_size=24, resize=28, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    for run in (first, second):
        assert run.summary().input == known.to_document()
    data_of = [one.summary().data for one in (first, second)]
    assert data_of[0] == data_of[1], "the same pixels"
    third = train(name="third", data={**data, "image_size": 16}, model=FROM_FIRST, training=small)
    facts = third.summary().input
    assert facts is not None
    assert (facts["image_size"], facts["resize"], facts["mean"]) == (16, 16, [0.4, 0.5, 0.6])


def test_small_pictures_go_in_large_and_the_run_says_so(
    train: Train,
) -> None:
    large = {**SPEC["data"], "image_size": 48, "interpolation": "bicubic"}
    first = train(data=large)
    facts = first.summary()
    assert facts.input is not None
    assert facts.data is not None
    told = ("image_size", "resize", "interpolation", "scaled_from")
    assert [facts.input[key] for key in told] == [48, 48, "bicubic", 32]
    small = train(name="small").summary()
    assert small.data is not None
    assert small.data.digest == facts.data.digest, "they are kept as they are"
    assert small.price is not None
    assert facts.price is not None
    assert facts.price.flops > 2 * small.price.flops
    # the way of scaling goes with the weights
    data = {**SPEC["data"], "image_size": 40}
    third = train(name="third", data=data, model=FROM_FIRST).summary()
    assert third.input is not None
    assert [third.input[key] for key in told] == [40, 40, "bicubic", 32]
