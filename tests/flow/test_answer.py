"""The answer to a real question, against the same numbers worked out without any of our code.

Two networks, five seeds each, trained for a moment. What is printed, written and exported is held
against TensorBoard's reader, NumPy and SciPy.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tracker.cli.main import main

SEEDS = range(5)
NETWORKS = ("resnet9", "se_resnet9")
SPEC = {
    "name": "twins",
    "data": {"name": "shapes", "train_size": 256, "val_size": 200},
    "model": {"backbone": "resnet9", "width": 8},
    "optimizer": {"name": "adamw", "lr": 0.01},
    "training": {"epochs": 3, "batch_size": 32, "threads": 1},
    "logging": {"scalars_every": 2, "graph": False},
    "matrix": {"model.backbone": list(NETWORKS), "seed": list(SEEDS)},
}

Ask = Callable[..., str]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("answer")
    (place / "twins.json").write_text(json.dumps(SPEC))
    assert main(["--runs", str(place / "runs"), "run", str(place / "twins.json")]) == 0
    return place / "runs"


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    def answer(*arguments: str) -> str:
        code = main(["--runs", str(root), *arguments])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return answer


def curve(root: Path, network: str, seed: int, tag: str) -> NDArray[np.float64]:
    """Steps and values, [2, N], as TensorBoard reads them."""
    loader = EventAccumulator(str(root / "twins" / network / f"s{seed}"), {"scalars": 0})
    loader.Reload()
    points = loader.Scalars(tag)
    return np.stack([np.array([one.step for one in points]), [one.value for one in points]])


def finals(root: Path, network: str, tag: str) -> NDArray[np.float64]:
    """The last value of each seed: as summary.json has it, which the events have as float32."""
    values = []
    for seed in SEEDS:
        text = (root / "twins" / network / f"s{seed}" / "summary.json").read_text()
        value = json.loads(text)["metrics"][tag]["last"]
        assert np.float32(value) == curve(root, network, seed, tag)[1, -1]
        values.append(value)
    return np.array(values)


def peaks(root: Path, network: str, tag: str) -> NDArray[np.float64]:
    """The best value of each seed."""
    return np.array([curve(root, network, seed, tag)[1].max() for seed in SEEDS])


@pytest.fixture(scope="module")
def right(root: Path) -> dict[str, Any]:
    """The answer about accuracy/val, by NumPy and SciPy."""
    before, after = (finals(root, network, "accuracy/val") for network in NETWORKS)
    test = stats.ttest_rel(after, before)
    interval = test.confidence_interval(0.95)
    best = stats.ttest_rel(*(peaks(root, one, "accuracy/val") for one in NETWORKS[::-1]))
    means = {
        network: (values.mean(), values.std(ddof=1),
                  *stats.t.interval(0.95, 4, values.mean(), stats.sem(values)))
        for network, values in zip(NETWORKS, (before, after), strict=True)
    }  # fmt: skip
    smaller, larger = sorted([test.pvalue, best.pvalue])
    holm = {smaller: min(1, 2 * smaller), larger: min(1, max(2 * smaller, larger))}
    return {
        "means": means,
        "difference": (after - before).mean(),
        "std": (after - before).std(ddof=1),
        "low": interval.low,
        "high": interval.high,
        "p": test.pvalue,
        "holm": holm[test.pvalue],
    }


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def test_json_has_every_number_to_the_last_digit(ask: Ask, right: dict[str, Any]) -> None:
    found = json.loads(ask("compare", "twins", "--json"))["comparison"]
    for group in found["groups"]:
        mean, std, low, high = right["means"][group["name"]]
        last = group["metrics"]["accuracy/val"]["last"]
        assert (last["n"], last["mean"], last["std"]) == (5, close(mean), close(std))
        assert (last["low"], last["high"]) == (close(low), close(high))
    score = found["groups"][1]["metrics"]["accuracy/val"]
    difference = score["differences"]["last"]
    assert difference["kind"] == "paired"
    for ours, theirs in (("mean", "difference"), ("std", "std"), ("low", "low"), ("high", "high")):
        assert difference[ours] == close(right[theirs])
    assert difference["p"] == close(right["p"])
    assert score["verdict"]["p"] == pytest.approx(right["holm"], rel=1e-5)  # best is of float32
    decided = right["holm"] < 0.05
    assert (score["verdict"]["outcome"] in ("better", "worse")) == decided


def test_the_table_and_csv_print_them(ask: Ask, right: dict[str, Any]) -> None:
    page = ask("compare", "twins")
    rows = list(csv.DictReader(io.StringIO(ask("compare", "twins", "--format", "csv"))))
    for network in NETWORKS:
        mean, std, low, high = (100 * one for one in right["means"][network])
        line = next(one for one in page.splitlines() if one.startswith(f"{network} "))
        assert f"{mean:.2f} ± {std:.2f}  {low:.2f}…{high:.2f}" in line
        row = next(one for one in rows if one["group"] == network and one["value"] == "last")
        assert float(row["mean"]) == close(mean / 100)
    gap = f"{100 * right['difference']:+.2f} ({100 * right['low']:.2f}…{100 * right['high']:.2f})"
    assert gap in page


def test_the_mean_runs_in_tensorboard_are_the_means(root: Path, ask: Ask) -> None:
    ask("compare", "twins", "--tensorboard")
    for network in NETWORKS:
        values = np.stack([curve(root, network, seed, "accuracy/val")[1] for seed in SEEDS])
        loader = EventAccumulator(str(root / "compare/twins" / f"{network} mean"), {"scalars": 0})
        loader.Reload()

        def written(tag: str, loader: EventAccumulator = loader) -> list[float]:
            return [one.value for one in loader.Scalars(tag)]

        mean, std = values.mean(axis=0), values.std(axis=0, ddof=1)
        assert written("accuracy/val") == np.float32(mean).tolist()
        assert written("spread/accuracy_val_low") == np.float32(mean - std).tolist()
        assert written("spread/accuracy_val_high") == np.float32(mean + std).tolist()


def test_diff_names_the_network_and_where_the_curves_part(ask: Ask, root: Path) -> None:
    found = json.loads(ask("diff", "twins/resnet9/s0", "twins/se_resnet9/s0", "--json"))
    assert "model.backbone" in json.dumps(found)
    page = ask("diff", "twins/resnet9/s0", "twins/resnet9/s1")
    assert page.startswith("differ in the seed") or "seed" in page.splitlines()[0]
    one, other = (curve(root, "resnet9", seed, "accuracy/val") for seed in (0, 1))
    first = next(int(step) for step, a, b in zip(one[0], one[1], other[1], strict=True) if a != b)
    assert str(first) in page


def test_the_curves_that_are_exported_are_those_tensorboard_reads(ask: Ask, root: Path) -> None:
    rows = csv.DictReader(io.StringIO(ask("export", "twins", "--csv", "--tag", "accuracy/val")))
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in rows:
        key = (row["variant"], row["seed"])
        points.setdefault(key, []).append((int(row["step"]), float(row["value"])))
    assert len(points) == 10
    for (network, seed), found in points.items():
        right = curve(root, network, int(seed), "accuracy/val").T.tolist()
        assert found == [(int(step), value) for step, value in right]
