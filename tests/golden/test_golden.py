"""The gate on ourselves: short runs of every kind, held to what they came to before.

`pytest tests/golden --update-baselines` records them anew, seeds and all, and fails where one
changed: see in the diff what, say in the commit why.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.test_cifar10 import files, unpack  # noqa: F401 - a fixture
from tracker.pytest_plugin import MatchesBaseline, ShortRun

SCHEMA = Path(__file__).parents[2] / "tracker" / "spec" / "schema.json"
SPECS = sorted(Path(__file__).parent.glob("*.json"))
SEEDS = (1, 2, 3, 4, 5)
FALSE_ALARMS = 0.001  # of each; of all together still less than one in a hundred


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with three classes of pictures in it."""
    chance = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 6)):
        for shade, name in enumerate(("dark", "grey", "light")):
            place = tmp_path / "pictures" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = chance.integers(0, 128, (32, 32, 3), np.uint8) + 60 * shade
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_golden(
    spec: Path,
    folder: Path,
    request: pytest.FixtureRequest,
    short_run: ShortRun,
    assert_matches_baseline: MatchesBaseline,
) -> None:
    if "cifar10" in spec.stem:
        unpack(request.getfixturevalue("files"), folder / "data")
    is_update = request.config.getoption("--update-baselines")
    runs = short_run.several(spec, seeds=SEEDS if is_update else SEEDS[:1])
    assert_matches_baseline(list(runs), false_alarms=FALSE_ALARMS)


def test_every_kind_of_network_data_precision_optimizer_and_schedule_is_there() -> None:
    schema = json.loads(SCHEMA.read_text())["$defs"]
    asked = [json.loads(path.read_text()) for path in SPECS]
    backbones = {one["model"]["backbone"] for one in asked}
    for family in members(schema["model"]):
        known = schema[family]["properties"]["backbone"]["enum"]
        assert backbones & {*known}, f"no golden run of a {family}"
    for block in ("data", "optimizer", "schedule"):
        names = {schema[kind]["properties"]["name"]["const"] for kind in members(schema[block])}
        assert {one[block]["name"] for one in asked} == names
    precisions = schema["training"]["properties"]["precision"]["enum"]
    assert {one["training"]["precision"] for one in asked} == {*precisions} - {"auto"}


def members(block: dict[str, list[dict[str, str]]]) -> list[str]:
    """The names of the kinds that a block of the schema can be of, but for open-ended ones."""
    kinds = [kind["$ref"].rpartition("/")[2] for kind in block["oneOf"]]
    return [kind for kind in kinds if kind != "timm"]
