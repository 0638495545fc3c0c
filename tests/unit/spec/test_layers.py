import json
import os
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Problem, SpecError
from tracker.spec.layers import lay_arguments, read_layers
from tracker.spec.node import Text, place, plain


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read_layers(path, [])
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


def test_a_file_stands_upon_what_it_extends(tmp_path: Path) -> None:
    write(tmp_path / "base" / "root.json", {"name": "root", "seed": 1, "tags": ["x"]})
    write(tmp_path / "base" / "middle.json", {"extends": "root.json", "seed": 2})
    top = write(tmp_path / "top.json", {"extends": "base/middle.json", "name": "top"})
    node = read_layers(top, [])
    found = plain(node)
    assert {key: found[key] for key in ("name", "seed", "tags")} == {
        "name": "top",
        "seed": 2,
        "tags": ["x"],
    }


def test_a_value_remembers_its_file(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", {"seed": "x"})
    top = write(tmp_path / "top.json", {"extends": "base.json"})
    assert read_layers(top, []).value["seed"].text.name == str(base)


def test_extends_null_is_nothing(tmp_path: Path) -> None:
    assert plain(read_layers(write(tmp_path / "a.json", {"extends": None}), []))["extends"] is None


@pytest.mark.parametrize(
    ("extends", "expected"),
    [
        ("a.json", "'a.json' is this file or one that extends it: a circle"),
        ("./../{}/a.json", "is this file or one that extends it: a circle"),
        ("none.json", "none.json not found"),
        ("", "must be the path of another experiment file, relative to this one"),
        (1, "must be the path of another experiment file, relative to this one"),
        ("a\x00b", "must be the path of another experiment file, relative to this one"),
        ("/etc/passwd", "'/etc/passwd' must be relative to this file"),
        ("x" * 300, "cannot be read: File name too long"),
        ("http://127.0.0.1:9/base.json", "base.json not found"),
        (".", "is a directory; name an experiment file in it"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, extends: Any, expected: str) -> None:
    if isinstance(extends, str):
        extends = extends.replace("{}", tmp_path.name)
    found = refusal(write(tmp_path / "a.json", {"name": "a", "extends": extends}))
    assert found.startswith("a.json:1:26: extends: ")
    assert found.endswith(expected)


def test_circles_through_other_files_and_links_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "b.json", {"extends": "link.json"})
    top = write(tmp_path / "a.json", {"extends": "b.json"})
    (tmp_path / "link.json").symlink_to(top)
    assert refusal(top) == (
        "b.json:1:13: extends: 'link.json' is this file or one that extends it: a circle"
    )


def test_sixteen_files_may_extend_one_another(tmp_path: Path) -> None:
    for i in range(17):
        write(tmp_path / f"{i}.json", {"extends": f"{i + 1}.json" if i < 16 else None})
    assert plain(read_layers(tmp_path / "1.json", [])) == {"extends": "2.json"}
    assert refusal(tmp_path / "0.json") == (
        "15.json:1:13: extends: more than 16 files extend one another"
    )


def test_a_broken_base_is_reported_where_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text('{"name": \n"x",}')
    top = tmp_path / "top.json"
    top.write_text('{"extends": "base.json", "seed": NaN}')
    problems: list[Problem] = []
    with pytest.raises(SpecError) as caught:
        read_layers(top, problems)
    assert [p.message.partition(":")[0] for p in caught.value.problems] == [
        "NaN is not JSON; write a finite number, or null",
        "a trailing comma",
    ]


def lay(document: Any, *overrides: str, **more: Any) -> tuple[Any, list[str]]:
    problems: list[Problem] = []
    node = place(document, Text("x"))
    laid = lay_arguments(node, overrides, more.get("seeds"), more.get("max_steps"), problems)
    return plain(laid), [str(problem) for problem in problems]


def test_arguments_replace_values() -> None:
    found, problems = lay(
        {"seed": 0}, "optimizer.lr=0.5", "model.backbone=resnet18", "data.root=a=b", "description="
    )
    assert problems == []
    assert found == {
        "seed": 0,
        "optimizer": {"lr": 0.5},
        "model": {"backbone": "resnet18"},
        "data": {"root": "a=b"},
        "description": "",
    }


def test_seeds_and_steps() -> None:
    found, _ = lay(
        {"seed": 9, "matrix": {"seed": [1], "optimizer.lr": [1]}}, seeds=(0, 2), max_steps=5
    )
    assert found["matrix"] == {"seed": [0, 2], "optimizer.lr": [1]}
    assert found["training"] == {"max_steps": 5}
    assert lay({}, seeds=[4])[0] == {"matrix": {"seed": [4]}}


def test_an_axis_can_be_set_as_a_list() -> None:
    assert lay({}, "matrix.model.backbone=[1]")[0] == {"matrix": {"model.backbone": [1]}}


@pytest.mark.parametrize("text", ["lr", "=1", "", "a..b=1", ".a=1", "a.=1"])
def test_the_form_of_an_override(text: str) -> None:
    problem = f"--set {text}: PATH=VALUE is expected, as in optimizer.lr=0.01"
    assert lay({}, text) == ({}, [problem])


def test_a_path_is_set_once() -> None:
    assert lay({}, "seed=1", "seed=2") == ({"seed": 1}, ["--set seed=2: seed is set twice"])


@pytest.mark.parametrize("key", ["extends", "version", "$schema"])
def test_what_only_a_file_can_say(key: str) -> None:
    assert lay({}, f"{key}=1")[1] == [f"--set {key}=1: {key} is the file's to say"]
