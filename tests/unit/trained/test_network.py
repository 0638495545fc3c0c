"""A run's network as it is opened: whose weights, which classes, where it computes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trained import draw
from tracker.data.decode import decode
from tracker.data.scaling import Scaling, scaled
from tracker.errors import Damaged, Unavailable, UsageError
from tracker.spec.experiment import Interpolation
from tracker.store.run import Run
from tracker.trained.network import Network, open_network
from tracker.training import checkpoint


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    path = tmp_path / "runs" / run.id
    shutil.copytree(run.path, path, symlinks=True)
    return Run(path)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_it_has_the_average_that_the_run_was_judged_by(run: Run, network: Network) -> None:
    state = checkpoint.load(run, run.manifest().kept[-1])
    for name, one in network.model.state_dict().items():
        assert torch.equal(one, state["average"][f"module.{name}"]), name
    assert not torch.equal(state["model"]["fc.weight"], network.model.state_dict()["fc.weight"])
    assert not network.model.training
    assert not any(one.requires_grad for one in network.model.parameters())


def test_it_knows_its_classes_and_its_pictures(run: Run, network: Network) -> None:
    assert network.classes == ("bars", "discs")
    assert (network.expected.image_size, network.expected.resize) == (24, 28)
    document = network.to_document()
    assert document["run"] == "marks/resnet9/s0"
    assert (document["checkpoint"], document["step"]) == ("last", 4)
    assert document["sha256"] == run.manifest().kept[-1].sha256
    assert document["input"] == run.summary().input


def test_best_and_last_are_different_checkpoints(run: Run) -> None:
    manifest = run.manifest()
    assert manifest.best is not None
    assert open_network(run).entry == manifest.best
    assert open_network(run, "last").entry == manifest.kept[-1]


def test_the_machine_is_that_of_training_where_it_is_the_same_device(copy: Run) -> None:
    before = {"device": "cpu", "precision": "bfloat16", "channels_last": True, "threads": 1}
    change(copy.summary_file, machine=before)
    machine = open_network(copy, device="cpu").machine
    assert (machine.precision, machine.channels_last, machine.threads) == ("bfloat16", True, 1)


def test_what_a_gpu_trained_computes_on_the_cpu(copy: Run, network: Network) -> None:
    before = {"device": "cuda", "precision": "bfloat16", "channels_last": True, "threads": 8}
    change(copy.summary_file, machine=before)
    here = open_network(copy, "last", "cpu")
    assert str(here.machine.device) == "cpu"
    assert here.machine == network.machine
    images = torch.randint(0, 256, (3, 3, 24, 24), dtype=torch.uint8)
    assert torch.equal(here.logits(images), network.logits(images))


def test_a_device_that_is_not_there_is_said(run: Run) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="'cuda'"):
            open_network(run, device="cuda")


def test_pictures_are_prepared_as_decoded_and_normalised(network: Network, tmp_path: Path) -> None:
    draw(tmp_path / "some", count=8)
    files = sorted((tmp_path / "some" / "bars").iterdir())
    batch = network.preprocess(*files, str(files[0]))
    assert batch.shape == (9, 3, 24, 24)
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in network_numbers(network))
    for file, found in zip(files, batch, strict=False):
        pixels = torch.from_numpy(decode(file, 24, 28).copy()).float() / 255
        torch.testing.assert_close(found, (pixels - mean) / std)


def network_numbers(network: Network) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return network.expected.mean, network.expected.std


def test_what_was_scaled_on_its_way_in_is_scaled_again(copy: Run, tmp_path: Path) -> None:
    asked = {**json.loads(copy.summary_file.read_text())["input"], "scaled_from": 6}
    change(copy.summary_file, input=asked | {"interpolation": "bicubic"})
    network = open_network(copy)
    Image.fromarray(np.full((50, 70, 3), 90, np.uint8)).save(tmp_path / "plain.png")
    assert network.decode(tmp_path / "plain.png").shape == (3, 6, 6)
    batch = network.preprocess(tmp_path / "plain.png")
    assert batch.shape == (1, 3, 24, 24)
    assert batch.flatten(2).std(2).max() < 1e-6


@pytest.mark.parametrize(("one", "other"), [("bilinear", "bicubic"), ("bicubic", "bilinear")])
@pytest.mark.parametrize("small", [None, 6])
def test_pictures_are_scaled_in_the_way_of_the_run_s_own(
    copy: Run, tmp_path: Path, small: int | None, one: Interpolation, other: Interpolation
) -> None:
    asked = json.loads(copy.summary_file.read_text())["input"]
    change(copy.summary_file, input=asked | {"interpolation": one, "scaled_from": small})
    network = open_network(copy)
    file = sorted((draw(tmp_path / "some", count=1) / "bars").iterdir())[0]
    side, resize = (24, 28) if small is None else (small, None)
    assert np.array_equal(network.decode(file), decode(file, side, resize, one))
    assert not np.array_equal(network.decode(file), decode(file, side, resize, other))
    pixels = torch.from_numpy(network.decode(file).copy())[None]
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in network_numbers(network))
    large = scaled(pixels, Scaling(24, one)).float() / 255
    torch.testing.assert_close(network.prepared(pixels), (large - mean) / std)


def test_a_picture_that_cannot_be_read_is_named(network: Network, tmp_path: Path) -> None:
    (tmp_path / "not.png").write_text("words")
    with pytest.raises(Damaged, match=r"not\.png: no picture in a known format"):
        network.preprocess(tmp_path / "not.png")


def test_no_picture_at_all_is_said(network: Network) -> None:
    with pytest.raises(UsageError, match="the path of at least one picture"):
        network.preprocess()


@pytest.mark.parametrize("which", ["first", "Best", ""])
def test_a_checkpoint_of_another_name_is_not_taken_for_the_last(run: Run, which: Any) -> None:
    with pytest.raises(UsageError, match=f"checkpoint is '{which}'; it must be best or last"):
        open_network(run, which)


def test_a_device_of_another_name_is_said(run: Run) -> None:
    device: Any = "gpu"
    with pytest.raises(UsageError, match="device is 'gpu'; it must be auto, cpu, cuda or mps"):
        open_network(run, "last", device)


def test_logits_do_not_depend_on_the_batch(network: Network) -> None:
    images = torch.randint(0, 256, (5, 3, 24, 24), dtype=torch.uint8)
    together = network.logits(images)
    assert together.shape == (5, 2)
    alone = torch.cat([network.logits(one[None]) for one in images])
    torch.testing.assert_close(together, alone)


def test_other_weights_than_the_network_s_are_damage(copy: Run) -> None:
    asked = json.loads(copy.experiment_file.read_text())
    change(copy.experiment_file, model={**asked["model"], "width": 8})
    with pytest.raises(Damaged, match=r"step-.*\.pt: not the weights of the network that exp"):
        open_network(copy)


@pytest.mark.parametrize("missing", ["data", "price", "input"])
def test_a_run_that_never_said_what_it_saw_is_refused(copy: Run, missing: str) -> None:
    change(copy.summary_file, **{missing: None})
    with pytest.raises(Damaged, match=r"summary\.json does not say which classes and pictures"):
        open_network(copy)


def test_a_machine_of_no_known_shape_is_damage(copy: Run) -> None:
    change(copy.summary_file, machine={"device": 3})
    with pytest.raises(Damaged, match=r"summary\.json: machine: device cannot be a int"):
        open_network(copy)


@pytest.mark.parametrize("odd", [{"precision": "float3"}, {"threads": 0}])
def test_a_machine_that_none_can_be_is_damage(copy: Run, odd: dict[str, Any]) -> None:
    known = {"device": "cpu", "precision": "float32", "channels_last": False, "threads": 1}
    change(copy.summary_file, machine={**known, **odd})
    with pytest.raises(Damaged, match="machine: says what no run was computed with"):
        open_network(copy, device="cpu")


def test_a_checkpoint_that_is_not_there_yet_is_said(
    tmp_path: Path, make_run: Callable[..., Run], copy: Run
) -> None:
    with pytest.raises(Unavailable, match=r"first/resnet50/s0 has saved no 'best' checkpoint yet$"):
        open_network(make_run(tmp_path))
    manifest = json.loads(copy.manifest_file.read_text())
    copy.manifest_file.write_text(json.dumps({**manifest, "best": None}))
    with pytest.raises(Unavailable, match="no 'best' checkpoint yet, but a \"last\" one"):
        open_network(copy)


def test_a_checkpoint_replaced_while_it_is_read_is_read_anew(
    copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, older = copy.manifest().kept[-1], copy.manifest().kept[0]
    assert newer != older
    (copy.checkpoints / older.file).unlink()
    answers = [older, newer, newer]
    monkeypatch.setattr("tracker.trained.network.saved", lambda *_: answers.pop(0))
    assert open_network(copy, "last").entry == newer
    answers[:] = [older, older]
    with pytest.raises(Damaged, match="missing"):
        open_network(copy, "last")


def test_an_imported_run_has_nothing_to_open(copy: Run) -> None:
    change(copy.experiment_file, imported={})
    with pytest.raises(UsageError, match="was imported"):
        open_network(copy)
