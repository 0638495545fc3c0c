import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from tracker.reading.adopting.settings import in_record, in_yaml


def test_what_torch_writes_for_the_hparams_tab() -> None:
    asked = {"lr": 0.1, "layers": 18, "net": "resnet", "limit": math.inf}
    _, started, _ = hparams(asked, {"acc": 0.0})
    payload = Event(summary=Summary.FromString(started.SerializeToString())).SerializeToString()
    assert in_record(payload) == {"layers": 18, "limit": "inf", "lr": 0.1, "net": "resnet"}


@given(st.binary(max_size=200))
def test_no_bytes_raise(payload: bytes) -> None:
    assert in_record(payload) == {}


def test_lightnings_hparams_without_a_reader_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "hparams.yaml"
    path.write_text(
        "batch_size: 32\nlr: 0.001\neps: 1e-08\nname: resnet18\nbias: true\nnothing: null\n"
        "quoted: 'it''s # no comment'\ndouble: \"a\\tb\"\nnegative: -3\nwarm: 1_000  # steps\n"
        "huge: 1e999\nbetas:\n- 0.9\n- 0.999\nsizes: [1, 2]\n"
        "loss: !!python/object:torch.nn.CrossEntropyLoss\n  training: true\nempty: ''\n"
    )
    settings, left_out = in_yaml(path)
    assert settings == {
        "batch_size": 32,
        "lr": 0.001,
        "eps": 1e-08,
        "name": "resnet18",
        "bias": True,
        "nothing": None,
        "quoted": "it's # no comment",
        "double": "a\tb",
        "negative": -3,
        "warm": 1000,
        "huge": "1e999",
        "empty": "",
    }
    assert left_out == ["betas", "sizes", "loss"]


def test_many_that_are_left_out_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "hparams.yaml"
    path.write_text("".join(f"list{number}: []\n" for number in range(8)))
    assert in_yaml(path) == ({}, ["list0", "list1", "list2", "list3", "list4", "and 3 more"])


def test_no_file_and_one_too_large(tmp_path: Path) -> None:
    assert in_yaml(tmp_path / "hparams.yaml") == ({}, [])
    (tmp_path / "hparams.yaml").write_bytes(b"a: 1\n" * 300_000)
    assert in_yaml(tmp_path / "hparams.yaml") == ({}, ["all of it, being larger than 1 MiB"])


@pytest.mark.parametrize("text", ["", "\0", "a", ": 1", "a:1", "- a: 1", "%YAML 1.1\n---\n"])
def test_what_holds_no_setting(tmp_path: Path, text: str) -> None:
    (tmp_path / "hparams.yaml").write_text(text)
    assert in_yaml(tmp_path / "hparams.yaml") == ({}, [])
