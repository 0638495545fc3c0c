"""The table of bad inputs: each row is refused in words, quickly, and by SpecError alone.

The number in a test's id is its row in the table.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import SpecError
from tracker.spec.load import load


def spec(**fields: Any) -> str:
    return json.dumps({"name": "a", **fields})


def refusal(path: Path, *overrides: str) -> str:
    """What `load` says, with the time it takes and the length of what it says checked."""
    started = time.process_time()
    with pytest.raises(SpecError) as caught:
        load(path, overrides=overrides)
    assert time.process_time() - started < 1
    assert caught.value.exit_code == 2
    said = str(caught.value).replace(f"{path.parent}{os.sep}", "")
    assert all(len(line) < 600 for line in said.splitlines())
    assert said.replace("\n", "").isprintable()
    return said


TEXTS: dict[str, tuple[str | bytes, str]] = {
    "02 empty": ("", 'a.json:1:1: is empty; an experiment is at least {"name": "…"}'),
    "02 white space": (" \n\t\r\n ", "a.json:3:2: is empty"),
    "03 trailing comma": ('{"name": "a",}', "a.json:1:13: a trailing comma: JSON allows none"),
    "03 comment": ('{\n// x\n"name": "a"}', "a.json:2:1: a comment: JSON has none"),
    "03 single quotes": ("{'name': 'a'}", "a.json:1:2: a single quote: JSON's strings take double"),
    "04 extra data": ('{"name": "a"}\n{}', "a.json:2:1: more text after the end of the JSON value"),
    "05 UTF-16": (spec().encode("utf-16"), "a.json: must be UTF-8, and this is UTF-16"),
    "05 UTF-16 without mark": (spec().encode("utf-16-le"), "a.json:1:2: a key in double quotes"),
    "05 latin-1": (b'{"name": "caf\xe9"}', "a.json:1:14: must be UTF-8: byte 0xe9 at offset 13"),
    "06 list": ("[]", "a.json:1:1: an experiment must be an object, {…}, and this is an array"),
    "06 number": ("1", "a.json:1:1: an experiment must be an object, {…}, and this is an integer"),
    "06 null": ("null", "a.json:1:1: an experiment must be an object, {…}, and this is null"),
    "07 NaN": (
        '{"name": "a", "optimizer": {"lr": NaN}}',
        "a.json:1:35: optimizer.lr: NaN is not JSON; write a finite number, or null",
    ),
    "07 Infinity": ('{"name": "a", "seed": Infinity}', "a.json:1:23: seed: Infinity is not JSON"),
    "07 -Infinity": ('{"name": "a", "seed": -Infinity}', "a.json:1:23: seed: -Infinity is not"),
    "08 1e999": (
        '{"name": "a", "optimizer": {"lr": 1e999}}',
        "a.json:1:35: optimizer.lr: 1e999 is not a finite number",
    ),
    "09 5000 digits": (
        '{"name": "a", "seed": ' + "9" * 5000 + "}",
        "a.json:1:23: seed: number too large: 99999999999999999999… (5000 characters)",
    ),
    "09 10**400": (spec(seed=10**400), "a.json:1:23: seed: number too large"),
    "10 duplicate key": (
        '{"name": "a",\n "optimizer": {"lr": 1,\n\n  "lr": 2}}',
        "a.json:4:3: optimizer.lr: duplicate key 'lr' (lines 2 and 4)",
    ),
    "11 depth 65": ('{"a":' * 65 + "1" + "}" * 65, "a.a.a.a.a.a…: nested deeper than 64"),
    "11 depth 1000": ("[" * 1000 + "]" * 1000, "[0][0][0][0][0][0]…: nested deeper than 64"),
    "11 depth 100000": ('{"a":' * 100_000, "nested deeper than 64"),
    "12 large file": (b" " * 2_000_000, "a.json: is larger than 1 MB: this is no experiment file"),
    "13 long list": (spec(tags=["a"] * 190_000), "more than 50,000 values: this is no experiment"),
    "13 long list, not too long": (
        spec(tags=["a"] * 40_000),
        "a.json:1:23: tags: must hold 0 to 32 values, and holds 40000",
    ),
    "13 unknown keys": (
        spec(**{f"key{i}": 0 for i in range(40_000)}),
        "a.json:1:125: and 39990 more unknown keys",
    ),
    "14 unknown key": (
        spec(optimizer={"leaning_rate": 1}),
        "a.json:1:29: optimizer.leaning_rate: unknown key 'leaning_rate'; did you mean 'lr'?",
    ),
    "15 missing": ("{}", 'a.json:1:1: name: is missing; for example "name": "cifar10-backbones"'),
    "16 string": (
        spec(optimizer={"lr": "0.1"}),
        "a.json:1:35: optimizer.lr: a number is expected, not the string '0.1'",
    ),
    "16 true": (spec(optimizer={"lr": True}), "optimizer.lr: a number is expected, not a boolean"),
    "16 null": (spec(optimizer={"lr": None}), "optimizer.lr: a number is expected, not null"),
    "17 1.0": (
        spec(training={"epochs": 1.0}),
        "training.epochs: an integer is expected, not the number 1.0; write 1",
    ),
    "17 1e3": ('{"name": "a", "training": {"epochs": 1e3}}', "not the number 1000.0; write 1000"),
    "17 1e308": (spec(seed=1e308), "seed: an integer is expected, not the number 1e+308"),
    "17 -0.0": (spec(seed=-0.0), "seed: an integer is expected, not the number -0.0; write 0"),
    "18 lr 0": (spec(optimizer={"lr": 0}), "optimizer.lr: must be above 0, and is 0"),
    "18 lr -1": (spec(optimizer={"lr": -1}), "optimizer.lr: must be above 0, and is -1"),
    "18 batch 0": (
        spec(training={"batch_size": 0}),
        "training.batch_size: must be at least 1, and is 0",
    ),
    "18 share 1.5": (
        spec(training={"label_smoothing": 1.5}),
        "training.label_smoothing: must be below 1, and is 1.5",
    ),
    "19 backbone": (
        spec(model={"backbone": "resnt50"}),
        "unknown backbone 'resnt50'; did you mean 'resnet50'? Allowed: cifar_resnet20, ",
    ),
    "19 data set": (
        spec(data={"name": "cifar"}),
        "unknown data set 'cifar'; did you mean 'cifar10'? "
        "Allowed: cifar10, image_folder or shapes",
    ),
    "19 optimizer": (
        spec(optimizer={"name": "SGD"}),
        "unknown optimizer 'SGD'; did you mean 'sgd'? Allowed: sgd, adam or adamw",
    ),
    "20 another variant": (
        spec(optimizer={"name": "adam", "momentum": 0.9}),
        "optimizer.momentum: momentum belongs to sgd; "
        "adam takes lr, betas, eps, weight_decay, backbone_lr and layer_decay",
    ),
    "21 warm-up": (
        spec(training={"epochs": 5}, schedule={"warmup_epochs": 6}),
        "schedule.warmup_epochs: is 6, and training.epochs is 5: it must be shorter",
    ),
    "21 cutout": (
        spec(data={"cutout_size": 33, "augment": ["cutout"]}),
        "data.cutout_size: is 33, and pictures have a side of 32: it must fit",
    ),
    "21 batch": (
        spec(data={"train_size": 100}),
        "a.json:1:38: training.batch_size: is 128, and data.train_size is 100: more than",
    ),
    "24 $ref": (spec(**{"$ref": "http://127.0.0.1:9/"}), "$ref: unknown key '$ref'; an experiment"),
    "24 __proto__": (spec(__proto__={}), "__proto__: unknown key '__proto__'"),
    "24 __class__": (spec(optimizer={"__class__": "x"}), "optimizer.__class__: unknown key"),
    "24 code": (spec(model={"backbone": "os.system"}), "unknown backbone 'os.system'; Allowed: "),
    "25 long string": (
        spec(description="a" * 900_000),
        "description: must be at most 10000 characters long, and has 900000",
    ),
    "25 long name": ('{"name": "' + "a" * 100_000 + '!"}', "name: must be at most 63 characters"),
    "25 long key": ('{"name": "a", "' + "a" * 100_000 + '": 1}', "unknown key 'aaaaaaaaaaaa"),
    "26 newer": (
        spec(version=2),
        "version: is 2 and this tracker reads 1: it needs a newer tracker",
    ),
    "26 older": (spec(version=0), "version: is 0, which never was; write 1"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_row(text: str | bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert expected in refusal(path)
    assert list(tmp_path.iterdir()) == [path]


def test_row_01_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.json") == "a.json: not found"


def test_row_01_directory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    assert refusal(path) == "a.json: is a directory; name an experiment file in it"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_row_01_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(spec())
    path.chmod(0)
    assert refusal(path) == "a.json: cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["a\x00b", "x" * 300, "a.json/b", "\udce9"])
def test_row_01_a_name_that_cannot_be(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(spec())
    assert refusal(tmp_path / name)


def test_row_05_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + spec().encode())
    assert load(path)[0].name == "a"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_row_12_pipe(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    os.mkfifo(path)
    assert refusal(path) == "a.json: is not a regular file"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_row_12_device(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.symlink_to("/dev/zero")
    assert refusal(path) == "a.json: is not a regular file"


def test_row_12_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(10**9)
    assert refusal(path) == "a.json: is larger than 1 MB: this is no experiment file"


NAMES = {
    "../x": "'.' at character 1 of '../x' is not allowed; a name is made of a-z, 0-9, '.', '_'",
    "/etc": "'/' at character 1 of '/etc' is not allowed",
    "a/b": "'/' at character 2 of 'a/b' is not allowed",
    "a\\b": "'\\' at character 2 of 'a\\b' is not allowed",
    "..": "'.' at character 1 of '..' is not allowed",
    ".": "'.' at character 1 of '.' is not allowed",
    "": "must not be empty",
    "-x": "'-' at character 1 of '-x' is not allowed",
    "CON": "'C' at character 1 of 'CON' is not allowed",
    "con": "'con' is a name that Windows reserves for a device",
    "nul.txt": "'nul.txt' is a name that Windows reserves for a device",
    "x" * 300: "must be at most 63 characters long, and has 300",
    "a\x00": "'\\x00' at character 2 of 'a\\x00' is not allowed",
    "abc\n": "'\\n' at character 4 of 'abc\\n' is not allowed",
    "a😀": "'😀' at character 2 of 'a😀' is not allowed",
    "a\u202eb": "'\\u202e' at character 2 of 'a\\u202eb' is not allowed",
    "caf\u00e9": "'é' at character 4 of 'café' is not allowed",
    "cafe\u0301": "'\u0301' at character 5 of 'cafe\u0301' is not allowed",
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"22 {ascii(name)[:20]}")
def test_row_22(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"name": name}))
    assert f"a.json:1:10: name: {NAMES[name]}" in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        spec(**{"\x1b[31m": 1}),
        spec(model={"backbone": "\x1b]0;x\x07"}),
        spec(matrix={"\x1b[2J": [1]}),
        '{"name": "a", \x1b[31m}',
        '{"name": "\x1b[31m"}',
        spec(extends="\x1b[31m"),
    ],
    ids=lambda text: f"23 {ascii(text)[:30]}",
)
def test_row_23_escapes_are_escaped(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert "\\x1b" in refusal(path)  # and `refusal` demands that all of it is printable


def test_row_24_the_schema_that_a_file_names_is_never_fetched(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(spec(**{"$schema": "http://127.0.0.1:9/schema.json"}))
    assert load(path)[0].name == "a"


OVERRIDES = {
    ("lr=abc",): "--set lr=abc: lr: unknown key 'lr'; did you mean optimizer.lr?",
    ("lr",): "--set lr: PATH=VALUE is expected, as in optimizer.lr=0.01",
    ("=1",): "--set =1: PATH=VALUE is expected, as in optimizer.lr=0.01",
    ("a..b=1",): "--set a..b=1: PATH=VALUE is expected, as in optimizer.lr=0.01",
    ("seed=1", "seed=1"): "--set seed=1: seed is set twice",
    ("optimizer.lr=abc",): (
        "--set optimizer.lr=abc: optimizer.lr: a number is expected, not the string 'abc'"
    ),
    ("optimizer.lr.x=1",): (
        "--set optimizer.lr.x=1: optimizer.lr: a number is expected, not an object"
    ),
    ("seed=\x1b[31m",): (
        "--set seed=\\x1b[31m: seed: an integer is expected, not the string '\\x1b[31m'"
    ),
    ("model.backbone=resnt50",): "did you mean 'resnet50'?",
    ("seed=1e999",): "--set seed=1e999: seed: 1e999 is not a finite number",
    ('tags=["a"',): "--set tags=[\"a\": tags: the end, but the '[' is not closed",
    ("matrix.lr=[1]",): "matrix.lr: unknown field 'lr'; did you mean optimizer.lr?",
    ("matrix=5",): "matrix: an object is expected, of a list of values per field, not an integer",
    ("\udce9=1",): "unknown key '\\udce9'",
    ("data.root=\udce9",): "data.root: is not valid UTF-8",
}


@pytest.mark.parametrize("overrides", OVERRIDES, ids=lambda o: f"27 {' '.join(o)!a}")
def test_row_27(overrides: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(spec())
    assert OVERRIDES[overrides] in refusal(path, *overrides)
