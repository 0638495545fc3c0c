"""Weights fit whole or not at all, and what doesn't fit is named."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tracker.errors import Damaged, Unavailable, UsageError
from tracker.models.build import build
from tracker.models.weights import Taken, install, read
from tracker.spec.experiment import Model


def spec(backbone: str = "resnet9", **fields: Any) -> Model:
    known = {"stem": None, "width": 4 if backbone == "resnet9" else None}
    return Model(**{"backbone": backbone, **known, **fields})


def net(asked: Model, classes: int = 10, seed: int = 0, size: int = 32) -> nn.Module:
    return build(asked, num_classes=classes, seed=seed, image_size=size)


def put(
    state: dict[str, Tensor], asked: Model, classes: int = 10, size: int = 32
) -> tuple[nn.Module, tuple[str, ...], list[str]]:
    """A network of seed 1 with `state` in it, the parts left at random, and what was said."""
    said: list[str] = []
    model = net(asked, classes, seed=1, size=size)
    taken = Taken(state, "there", "00")
    return model, install(model, taken, asked, image_size=size, say=said.append), said


def agree(a: nn.Module, b: nn.Module) -> set[str]:
    """The names of what differs."""
    one, two = a.state_dict(), b.state_dict()
    return {name for name in one if not torch.equal(one[name], two[name])}


def test_all_of_it_is_taken() -> None:
    donor = net(spec())
    donor(torch.randn(4, 3, 32, 32))  # moves the norms' statistics, and counts
    model, fresh, said = put(donor.state_dict(), spec())
    assert agree(donor, model) == set()
    assert (fresh, said) == ((), [])


def test_a_head_for_other_classes_is_new_and_said() -> None:
    donor, unused = net(spec()), net(spec(), 3, seed=1)
    model, fresh, said = put(donor.state_dict(), spec(), classes=3)
    assert fresh == ("fc",)
    assert said == ["head fc: new, for 3 classes, not 10"]
    assert torch.equal(model.state_dict()["fc.weight"], unused.state_dict()["fc.weight"])
    assert agree(net(spec(), 3), model) >= {"fc.weight"}
    assert all(
        torch.equal(one, model.state_dict()[name])
        for name, one in donor.state_dict().items()
        if name != "fc.weight"
    )


def test_weights_without_a_head_leave_it_new() -> None:
    state = net(spec()).state_dict()
    del state["fc.weight"]
    _, fresh, said = put(state, spec())
    assert fresh == ("fc",)
    assert said == ["head fc: new, for 10 classes, which the weights have not"]


def test_auxiliary_heads_go_with_the_head() -> None:
    asked = spec("googlenet")
    _, fresh, _ = put(net(asked, size=64).state_dict(), asked, classes=3, size=64)
    assert fresh == ("aux1.fc2", "aux2.fc2", "fc")


def test_what_is_called_fresh_is_not_taken() -> None:
    asked = spec(fresh=("stem", "head", "res3"))
    donor = net(spec())
    model, fresh, _ = put(donor.state_dict(), asked)
    assert fresh == ("prep.conv", "fc", "res3")
    random = {"prep.conv.weight", "fc.weight", "res3.conv1.conv.weight", "res3.conv2.conv.weight"}
    assert agree(donor, model) == random


def test_an_old_file_may_lack_the_norms_counters() -> None:
    donor = net(spec())
    state = {k: v for k, v in donor.state_dict().items() if not k.endswith("_tracked")}
    model, _, _ = put(state, spec())
    assert agree(donor, model) == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prep.conv.weight": None}, "they have no prep.conv.weight"),
        ({"layer9.weight": torch.zeros(1)}, "the network has no layer9.weight"),
        (
            {"prep.conv.weight": torch.zeros(2, 3, 3, 3)},
            r"of another shape are prep.conv.weight \[2, 3, 3, 3\] instead of \[4, 3, 3, 3\]",
        ),
        ({"prep.bn.bias": torch.full((4,), torch.nan)}, "not finite are prep.bn.bias"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Tensor | None], words: str) -> None:
    state = {k: v for k, v in {**net(spec()).state_dict(), **change}.items() if v is not None}
    with pytest.raises(UsageError, match=f"there does not fit: {words}"):
        put(state, spec())


def test_of_many_faults_the_first_are_named() -> None:
    with pytest.raises(UsageError, match=r"conv1.weight, .* and \d+ more; the network has no prep"):
        put(net(spec()).state_dict(), spec("resnet18", stem="cifar"))


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        UsageError, match="begins with layer7; this network is made of prep, layer1"
    ):
        put(net(spec()).state_dict(), spec(fresh=("layer7",)))


def test_a_transformers_places_are_interpolated() -> None:
    asked = spec("vit_b_32")
    donor = net(asked, size=64)
    model, _, _ = put(donor.state_dict(), asked, size=96)
    assert model.get_parameter("encoder.pos_embedding").shape == (1, 1 + 9, 768)
    assert agree(donor, net(asked, size=64, seed=1)) > {"encoder.pos_embedding"}
    theirs = donor.get_parameter("encoder.pos_embedding")
    ours = model.get_parameter("encoder.pos_embedding")
    assert torch.equal(ours[:, 0], theirs[:, 0])  # the class's own
    torch.testing.assert_close(ours[:, 1:].mean(), theirs[:, 1:].mean(), atol=0.01, rtol=0)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_files_are_read_as_programs_write_them(tmp_path: Path, wrap: Any, prefix: str) -> None:
    state = {f"{prefix}{name}": one for name, one in net(spec()).state_dict().items()}
    torch.save(wrap(state), tmp_path / "a.pth")
    taken = read(tmp_path / "a.pth", "a.pth")
    assert taken.state.keys() == net(spec()).state_dict().keys()
    assert len(taken.sha256) == 64


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


@pytest.mark.parametrize("content", [{"a": Evil()}, Evil(), {"a": 1}, [1], {}, {"model": {"a": 2}}])
def test_files_of_anything_else_are_damaged(
    tmp_path: Path, content: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(Damaged, match=r"a\.pth"):
        read(tmp_path / "a.pth", "a.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(torch.zeros(1).expand(10**6, 10**6), id="one number, said to be many"),
        pytest.param(torch.ones(3, 3).to_sparse(), id="sparse"),
        pytest.param(torch.zeros(3, device="meta"), id="without numbers"),
    ],
)
def test_tensors_that_a_file_does_not_hold_are_damage(tmp_path: Path, odd: Tensor) -> None:
    torch.save({"fine": torch.zeros(2), "odd": odd}, tmp_path / "a.pth")
    with pytest.raises(Damaged, match=r"a\.pth: odd is not stored as a plain tensor$"):
        read(tmp_path / "a.pth", "a.pth")


def test_a_pickle_of_any_age_is_refused_in_our_words_alone(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(Evil(), protocol=4))  # torch would warn of 4
    with pytest.raises(Damaged, match=r"a\.pth is no file of weights"):
        read(tmp_path / "a.pth", "a.pth")


def test_a_file_of_safetensors_is_read(tmp_path: Path) -> None:
    state = net(spec()).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    taken = read(tmp_path / "a.safetensors", "a.safetensors")
    assert taken.state.keys() == state.keys()
    assert all(torch.equal(taken.state[name], one) for name, one in state.items())
    for forged in (b"", b"\xff" * 64, (tmp_path / "a.safetensors").read_bytes()[:-1]):
        (tmp_path / "b.safetensors").write_bytes(forged)
        with pytest.raises(Damaged, match=r"b\.safetensors is no file of weights"):
            read(tmp_path / "b.safetensors", "b.safetensors")


def test_what_reads_safetensors_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(Unavailable, match=r"run: pip install 'tracker\[export\]'"):
        read(tmp_path / "a.safetensors", "a.safetensors")


@pytest.mark.parametrize("kind", [torch.int64, torch.complex64, torch.bool])
def test_numbers_of_another_kind_are_not_cut_to_size(kind: torch.dtype) -> None:
    state = {**net(spec()).state_dict()}
    state["prep.conv.weight"] = state["prep.conv.weight"].to(kind)
    words = f"of another kind are prep.conv.weight {str(kind)[6:]} instead of float32"
    with pytest.raises(UsageError, match=words):
        put(state, spec())


def test_half_as_many_bits_will_do() -> None:
    state = {name: one.half() for name, one in net(spec()).state_dict().items() if one.ndim}
    model, _, _ = put(state, spec())
    assert torch.equal(model.get_parameter("prep.conv.weight"), state["prep.conv.weight"].float())


def test_a_torn_file_is_damaged_and_a_missing_one_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"PK\x03\x04torn")
    with pytest.raises(Damaged):
        read(tmp_path / "a.pth", "a.pth")
    for name in ("b.pth", "."):
        with pytest.raises(Unavailable, match="there is no file"):
            read(tmp_path / name, name)
