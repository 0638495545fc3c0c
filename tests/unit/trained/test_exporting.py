"""Networks as files: what is in them, that they compute the same, and that nothing half is left."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import nn

from tracker.errors import Damaged, Unavailable, UsageError
from tracker.models.weights import read
from tracker.trained import graphs, weights
from tracker.trained.account import account
from tracker.trained.exporting import check, export
from tracker.trained.network import Network


@pytest.fixture
def images(network: Network) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return network.prepared(
        torch.randint(0, 256, (5, 3, 24, 24), dtype=torch.uint8, generator=generator)
    )


@pytest.fixture
def logits(network: Network, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        answer: torch.Tensor = network.model(images)
    return answer


def told(text: str) -> Any:
    return json.loads(text)


def test_safetensors_hold_the_bits_and_the_account(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    done = export(network, "weights", path)
    assert (done.size, done.deviation) == (path.stat().st_size, None)
    with safe_open(path, "pt") as file:
        state = network.model.state_dict()
        assert set(file.keys()) == set(state)
        for name, one in state.items():
            assert torch.equal(file.get_tensor(name), one), name
        metadata = file.metadata()
    assert metadata["format"] == "pt"
    assert told(metadata["tracker"]) == account(network)


def test_a_state_dict_is_read_by_torch_and_by_the_next_run(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "net.pth"
    export(network, "weights", path)
    loaded = torch.load(path, weights_only=True)
    assert loaded["tracker"] == account(network)
    state = network.model.state_dict()
    again = read(path, "net.pth").state  # what model.weights does with a file
    for found in (loaded["state_dict"], again):
        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], one) for name, one in state.items())


def test_onnx_computes_the_same_for_any_batch(
    network: Network, tmp_path: Path, images: torch.Tensor, logits: torch.Tensor
) -> None:
    path = tmp_path / "net.onnx"
    done = export(network, "onnx", path)
    assert done.deviation is not None
    assert done.deviation < graphs.TOLERANCE
    proto = onnx.load(path)
    assert [told(one.value) for one in proto.metadata_props] == [account(network)]
    assert not any(node.metadata_props for node in proto.graph.node)
    assert str(Path(__file__).parents[3]) not in str(proto), "no path of this machine"
    session = onnxruntime.InferenceSession(path)
    [put], [got] = session.get_inputs(), session.get_outputs()
    assert (put.name, put.shape) == ("pictures", ["batch", 3, 24, 24])
    assert (got.name, got.shape) == ("logits", ["batch", 2])
    for count in (1, 2, 5):
        [found] = session.run(None, {"pictures": images[:count].numpy()})
        np.testing.assert_allclose(found, logits[:count].numpy(), rtol=1e-4, atol=1e-5)


def test_a_program_computes_the_same_for_any_batch(
    network: Network, tmp_path: Path, images: torch.Tensor, logits: torch.Tensor
) -> None:
    path = tmp_path / "net.pt2"
    assert export(network, "program", path).deviation == 0
    beside = {graphs.PROGRAM_NOTE: ""}
    program = torch.export.load(path, extra_files=beside).module()
    assert told(beside[graphs.PROGRAM_NOTE]) == account(network)
    for count in (1, 2, 5):
        torch.testing.assert_close(program(images[:count]), logits[:count])


def test_the_account_says_all_one_needs(network: Network) -> None:
    known = account(network)
    assert known["schema_version"] == 1
    assert known["classes"] == ["bars", "discs"]
    assert known["input"]["resize"] == 28
    assert known["model"]["backbone"] == "resnet9"
    assert known["model"]["width"] == 4
    assert (known["run"], known["step"]) == ("marks/resnet9/s0", 4)


class Other(nn.Module):
    """Adds to what a network says."""

    def __init__(self, model: nn.Module, by: float) -> None:
        super().__init__()
        self.model, self.by = model, by

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.model(pictures)
        return answer + self.by


@pytest.mark.parametrize("by", [1.0, float("nan")])
def test_a_graph_that_computes_something_else_is_refused(network: Network, by: float) -> None:
    assert graphs.deviation(network.model, Other(network.model, 0), 24, "it") == 0
    with pytest.raises(Damaged, match="it computes logits that are off by"):
        graphs.deviation(network.model, Other(network.model, by), 24, "it")


def test_a_graph_that_answers_otherwise_is_refused(network: Network) -> None:
    with pytest.raises(Damaged, match=r"it gives \[1\], not \[1, 2\]"):
        graphs.deviation(network.model, lambda one: network.model(one)[:, 0], 24, "it")


def test_what_does_not_read_back_leaves_no_file(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = network.model.state_dict()
    swapped = {name: one + (name == "fc.weight") for name, one in state.items()}
    monkeypatch.setattr("safetensors.torch.load", lambda _: swapped)
    with pytest.raises(Damaged, match="does not read back as the weights; nothing was kept"):
        export(network, "weights", tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_older_file(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.pth"
    path.write_text("older")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unavailable, match="disk full"):
        export(network, "weights", path)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["older"]


@pytest.mark.parametrize("found", [{}, {"fc.weight": torch.zeros(1)}])
def test_other_names_and_shapes_are_no_weights_read_back(
    network: Network, found: dict[str, torch.Tensor]
) -> None:
    with pytest.raises(Damaged):
        weights._check(found, network.model, "it")


@pytest.mark.parametrize(
    ("package", "kind", "name"),
    [
        ("safetensors.torch", "weights", "net.safetensors"),
        ("onnxruntime", "onnx", "net.onnx"),
        ("onnxscript", "onnx", "net.onnx"),
        ("onnx", "onnx", "net.onnx"),
    ],
)
def test_a_package_that_is_missing_is_one_line(
    network: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    kind: str,
    name: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Unavailable, match=rf"needs the package {package}.*'tracker\[export\]'"):
        export(network, kind, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


class Stubborn(nn.Module):
    """Does what no graph can."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures if pictures.sum() > 0 else self.weight


def test_a_network_that_can_t_be_traced_is_said() -> None:
    with pytest.raises(UsageError, match=r"cannot make a graph of Stubborn .*use --weights"):
        graphs.program(Stubborn(), 8, {})


def test_onnx_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_LARGEST_ONNX", 3)
    with pytest.raises(UsageError, match="holds no more than 2; use --program or --weights"):
        graphs.onnx(Stubborn(), 8, {})


@pytest.mark.parametrize(
    ("kind", "name", "error", "words"),
    [
        ("weights", "net.bin", UsageError, r"must end in \.safetensors or \.pth or \.pt"),
        ("onnx", "net.pt2", UsageError, r"--onnx .*net\.pt2: the name must end in \.onnx"),
        ("program", "no/net.pt2", Unavailable, "there is no folder .*/no"),
    ],
)
def test_names_are_checked_first(
    tmp_path: Path, kind: str, name: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        check(kind, tmp_path / name)
