"""The file that `tracker init` writes loads, whatever it is called and asked for."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.cli.starter import starter
from tracker.spec.load import load
from tracker.spec.schema import FILE

Answer = Callable[..., tuple[int, str, str]]


def test_init_writes_a_file_that_is_valid_and_leaves_it_alone(
    tmp_path: Path, answer: Answer
) -> None:
    path = tmp_path / "deep" / "My first.json"
    code, data, words = answer("init", path)
    assert (code, data) == (0, f"{path}\n")
    assert f"tracker run {shlex.quote(str(path))}\n" in words
    runs = load(path)
    assert [(run.name, run.variant, run.seed) for run in runs] == [
        ("my-first", "cifar_resnet20", 0),
        ("my-first", "cifar_resnet20", 1),
        ("my-first", "cifar_se_resnet20", 0),
        ("my-first", "cifar_se_resnet20", 1),
    ]
    assert json.loads(path.read_text())["$schema"] == FILE.resolve().as_uri()
    before = path.read_bytes()
    code, data, words = answer("init", path, "--dataset", "cifar10")
    assert (code, data) == (4, "")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["...", "-x", "CON", "con", "ö", "a" * 90, "a."])
def test_init_makes_a_name_of_any_file_name(tmp_path: Path, answer: Answer, name: str) -> None:
    path = tmp_path / f"{name}.json"
    assert answer("init", "--dataset", "cifar10", "--backbone", "resnet18", "--", path)[0] == 0
    assert {run.model.backbone for run in load(path)} == {"resnet18"}


@pytest.mark.parametrize(
    ("folder", "schema"),
    [
        ("", "./tracker/spec/schema.json"),
        ("experiments", "../tracker/spec/schema.json"),
        ("..", FILE.resolve().as_uri()),
    ],
)
def test_a_file_in_a_clone_finds_the_schema_after_the_clone_was_moved(
    monkeypatch: pytest.MonkeyPatch, folder: str, schema: str
) -> None:
    monkeypatch.chdir(FILE.parents[2])
    assert starter(Path(folder, "a.json"), "shapes", ["resnet18"])["$schema"] == schema


def test_init_takes_a_backbone_that_is_named_twice_once(tmp_path: Path, answer: Answer) -> None:
    path = tmp_path / "a.json"
    twice = ("--backbone", "resnet34", "--backbone", "resnet18", "--backbone", "resnet34")
    assert answer("init", path, *twice)[0] == 0
    assert [run.model.backbone for run in load(path)] == ["resnet34"] * 2 + ["resnet18"] * 2


def test_init_where_nothing_can_be_written(tmp_path: Path, answer: Answer) -> None:
    (tmp_path / "file").touch()
    code, _, words = answer("init", tmp_path / "file" / "x.json")
    assert code == 6
    assert "cannot create" in words
