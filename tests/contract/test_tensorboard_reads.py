"""A real run, read back by TensorBoard itself: in process, and over HTTP by both its loaders."""

from __future__ import annotations

import html
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.boards import LOADERS, PLAIN, Board, tensorboard
from tracker import tags
from tracker.data.shapes import CLASSES
from tracker.events.reader import read_scalars
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.record.tensorboard import RunWriter
from tracker.record.text import diff_block
from tracker.spec.convert import to_document
from tracker.spec.load import from_document, load

pytestmark = pytest.mark.slow  # two TensorBoards are started

NET, SE = "tiny/cifar_resnet20/s0", "tiny/cifar_se_resnet20/s0"
AGAIN = f"{NET}.2"
OPEN = "tiny/cifar_resnet20/s1"  # has begun, and is not done
ALL = {NET, SE, AGAIN, OPEN}
PATCH = "--- a/x.py\n+++ b/x.py\n+print('<b>```</b>')\n"
STEPS = 8  # of 2 epochs

SCALARS = {
    tags.ACCURACY_TRAIN,
    tags.ACCURACY_VAL,
    tags.LOSS_TRAIN,
    tags.LOSS_VAL,
    tags.LR,
    tags.GRAD_NORM,
    tags.EPOCH,
    tags.IMAGES_PER_SECOND,
    tags.CPU,
    tags.LOAD,
    tags.MEMORY,
}
PICTURES = {tags.PREDICTIONS, tags.MISTAKES, tags.CONFUSION, tags.FILTERS}
NOTED = {  # for our own reader
    tags.EVALUATED_REFERENCE,
    tags.EVALUATED_PICTURES,
    tags.EVALUATED_PREDICTIONS,
    tags.EVALUATED_CONFUSION,
}
# tags.GIT_DIFF is there only where something is not committed.
LAYERS = ("conv1", "layer1.2.conv2", "layer2.2.conv2", "layer3.2.conv2", "fc")
HISTOGRAMS = {
    f"{group}{layer}.weight" for group in (tags.WEIGHTS, tags.GRADIENTS) for layer in LAYERS
}
TEXTS = {tags.SPEC_TABLE, tags.SPEC_JSON, tags.ENVIRONMENT}

Points: TypeAlias = dict[str, list[tuple[int, float, float]]]


def experiment(**fields: Any) -> dict[str, Any]:
    return {
        "name": "tiny",
        "data": {"name": "shapes", "train_size": 64, "val_size": 32, "augment": ["cutout"]},
        "training": {"epochs": 2, "batch_size": 16, "threads": 1, "device": "cpu"},
        "logging": {"scalars_every": 2},
        **fields,
    }


def run(root: Path, file: Path, document: dict[str, Any], *, again: bool = False) -> None:
    file.write_text(json.dumps(document))
    jobs = choose(jobs_of(file, root), "again" if again else "refuse")
    outcomes = here.execute(
        jobs,
        root=root,
        argv=["tracker", "run", file.name],
        watch=lambda _: None,
        say=lambda _: None,
    )
    assert [outcome.failure for outcome in outcomes] == [None] * len(jobs)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, its squeeze-and-excitation twin, the first once more, and a run that goes on."""
    folder = tmp_path_factory.mktemp("tensorboard")
    root, file = folder / "runs", folder / "tiny.json"
    matrix = {"model.backbone": ["cifar_resnet20", "cifar_se_resnet20"]}
    run(root, file, experiment(matrix=matrix))
    run(root, file, experiment(model={"backbone": "cifar_resnet20"}), again=True)
    (root / OPEN).mkdir()
    with RunWriter(root / OPEN, warn=pytest.fail) as writer:
        writer.hparams(from_document(experiment(seed=1)))
        writer.text(tags.GIT_DIFF, diff_block(PATCH))
    return root


@pytest.fixture(scope="module", params=LOADERS)
def server(
    runs: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    scratch = tmp_path_factory.mktemp("server")
    with tensorboard(runs, request.param, scratch, program=PLAIN) as board:
        yield board


def holds(count: int) -> Callable[[Any], bool]:
    return lambda found: len(found) == count


def ours(run: Path) -> Points:
    return {
        tag: list(
            zip(one.steps.tolist(), one.wall_times.tolist(), one.values.tolist(), strict=True)
        )
        for tag, one in read_scalars(run).series.items()
    }


@pytest.mark.parametrize("name", [NET, SE, AGAIN])
def test_every_tag_is_there_and_no_other(runs: Path, name: str) -> None:
    events = EventAccumulator(str(runs / name)).Reload()
    found: dict[str, set[str]] = {}
    for tag in events.Tags()["tensors"]:
        plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
        found.setdefault(plugin, set()).add(tag)
    assert found.pop("text") - {tags.GIT_DIFF} == TEXTS
    assert found == {
        "images": PICTURES | {tags.INPUTS},
        "histograms": HISTOGRAMS,
        "pr_curves": {f"{tags.CURVES}{name}" for name in CLASSES},
        "tracker": NOTED,
        "custom_scalars": {"custom_scalars__config__"},
        "hparams": {"_hparams_/session_start_info", "_hparams_/session_end_info"},
    }
    assert set(events.Tags()["scalars"]) == SCALARS
    assert events.Tags()["graph"] is True


@pytest.mark.parametrize("name", [NET, SE])
def test_steps_are_where_the_experiment_asked_for_them(runs: Path, name: str) -> None:
    steps = {tag: [step for step, *_ in points] for tag, points in ours(runs / name).items()}
    assert steps[tags.LOSS_TRAIN] == steps[tags.LR] == [1, 2, 4, 6, 8]
    assert steps[tags.ACCURACY_VAL] == steps[tags.LOSS_VAL] == [4, STEPS]


@pytest.mark.parametrize("name", [NET, SE])
def test_event_accumulator_has_the_same_scalars(runs: Path, name: str) -> None:
    events = EventAccumulator(str(runs / name), size_guidance={"scalars": 0}).Reload()
    theirs = {
        tag: [(one.step, one.wall_time, one.value) for one in events.Scalars(tag)]
        for tag in SCALARS
    }
    assert theirs == ours(runs / name)


def test_the_server_has_the_same_scalars(server: Board, runs: Path) -> None:
    assert server.get("runs", until=lambda names: set(names) == ALL)
    for name in (NET, SE):
        for tag, points in ours(runs / name).items():
            theirs = server.get(
                "plugin/scalars/scalars", {"run": name, "tag": tag}, holds(len(points))
            )
            assert [(step, wall_time, value) for wall_time, step, value in theirs] == points


def test_what_is_noted_for_our_own_reader_is_shown_nowhere(server: Board) -> None:
    listed = server.get(
        "plugin/timeseries/tags",
        until=lambda found: SE in found["images"]["tagRunSampledInfo"][tags.PREDICTIONS],
    )
    assert "evaluation/" not in json.dumps(listed)
    for plugin in ("scalars", "images", "text", "histograms", "distributions", "pr_curves"):
        assert "evaluation/" not in server.fetch(f"plugin/{plugin}/tags").decode()
    assert "evaluation/" not in json.dumps(server.get("plugins_listing"))


def test_titles_and_descriptions_are_shown(server: Board) -> None:
    shown = server.get("plugin/scalars/tags", until=lambda found: set(found[SE]) == SCALARS)
    for tag in SCALARS:
        title, description = tags.MEANINGS[tag]
        assert shown[SE][tag]["displayName"] == title
        assert description in shown[SE][tag]["description"]
    listed = server.get(
        "plugin/timeseries/tags",
        until=lambda found: SCALARS.issubset(found["scalars"]["tagDescriptions"]),
    )
    groups = [tag.partition("/")[0] for tag in sorted(listed["scalars"]["tagDescriptions"])]
    assert list(dict.fromkeys(groups))[:2] == ["accuracy", "loss"], "those that open by themselves"
    for tag in SCALARS:
        assert "Multiple" not in listed["scalars"]["tagDescriptions"][tag]


def test_pictures_are_pngs_of_the_stated_size(server: Board) -> None:
    for name in (NET, SE):
        for tag in sorted(PICTURES | {tags.INPUTS}):
            steps = [0] if tag == tags.INPUTS else [4, STEPS]
            points = server.get(
                "plugin/images/images",
                {"run": name, "tag": tag, "sample": "0"},
                holds(len(steps)),
            )
            assert [point["step"] for point in points] == steps
            for point in points:
                png = server.fetch(f"plugin/images/individualImage?{point['query']}")
                picture = Image.open(io.BytesIO(png))
                assert picture.format == "PNG"
                assert picture.size[0] == 340
                assert picture.size[1] <= 215


def test_both_networks_are_shown_the_same_pictures(server: Board) -> None:
    def inputs(name: str) -> bytes:
        query = {"run": name, "tag": tags.INPUTS, "sample": "0"}
        [point] = server.get("plugin/images/images", query)
        return server.fetch(f"plugin/images/individualImage?{point['query']}")

    assert inputs(NET) == inputs(SE) == inputs(AGAIN)


def test_the_graph_opens_a_block_and_squeeze_and_excitation_in_it(server: Board) -> None:
    def names(run: str) -> set[str]:
        info = server.get("plugin/graphs/info", until=lambda found: found[run]["run_graph"])
        assert {run for run in info if info[run]["run_graph"]} == {NET, SE, AGAIN}
        query = urllib.parse.urlencode({"run": run, "conceptual": "false"})
        drawn = server.fetch(f"plugin/graphs/graph?{query}").decode()
        return set(re.findall(r'^ *name: "(.*)"', drawn, re.MULTILINE))

    plain, squeezed = names(NET), names(SE)
    assert {"layer1/0/conv1", "layer3/2/add", "fc"} <= plain & squeezed
    assert {"layer1/0/se/fc1", "layer1/0/se/fc2", "layer3/2/se/mul"} <= squeezed
    assert not any("/se/" in name for name in plain)


def test_hparams_has_a_line_per_run_with_the_kinds_of_its_values(server: Board) -> None:
    body = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 100,
    }

    def complete(answer: Any) -> bool:
        metrics = [len(group.get("metricValues", ())) for group in answer["sessionGroups"]]
        return sorted(metrics) == [0, *[len(SCALARS)] * 3]

    answer = server.post("plugin/hparams/session_groups", body, complete)
    lines = {group["name"]: group for group in answer["sessionGroups"]}
    assert set(lines) == ALL
    for name, line in lines.items():
        [session] = line["sessions"]
        assert session["name"] == name
        assert session["status"] == ("STATUS_UNKNOWN" if name == OPEN else "STATUS_SUCCESS")
        assert line["hparams"]["training.epochs"] == 2.0
        assert line["hparams"]["optimizer.nesterov"] is True
        assert line["hparams"]["data.augment"] == "cutout"
        assert "training.clip_grad_norm" not in line["hparams"]
    assert lines[SE]["hparams"]["model.backbone"] == "cifar_se_resnet20"
    assert {one["name"]["tag"] for one in lines[SE]["metricValues"]} == SCALARS
    assert lines[NET]["hparams"] == lines[AGAIN]["hparams"]


def test_hparams_shows_first_what_differs(server: Board) -> None:
    def differing(found: Any) -> list[str]:
        return [info["name"] for info in found["hparamInfos"] if info.get("differs")]

    found = server.post("plugin/hparams/experiment", {"experimentName": ""}, differing)
    assert differing(found) == ["model.backbone", "seed"]
    assert [info["name"] for info in found["hparamInfos"]][:2] == ["model.backbone", "seed"]


def test_text_is_shown_as_tables_and_code(server: Board, runs: Path) -> None:
    def page(tag: str) -> str:
        [point] = server.get("plugin/text/text", {"run": SE, "tag": tag})
        assert point["step"] == 0
        return html.unescape(point["text"])

    listed = server.get("plugin/text/tags", until=lambda found: TEXTS.issubset(found[SE]))
    assert set(listed[SE]) - {tags.GIT_DIFF} == TEXTS
    assert "<td>cifar_se_resnet20</td>" in page(tags.SPEC_TABLE)
    assert re.search(r"<td>command</td>\s*<td>tracker run tiny.json</td>", page(tags.ENVIRONMENT))
    code = re.search(r"<code[^>]*>(.*)</code>", page(tags.SPEC_JSON), re.DOTALL)
    assert code is not None
    [asked] = load(runs / SE / "experiment.json")
    assert json.loads(code[1]) == to_document(asked)


def test_nothing_in_a_diff_becomes_a_part_of_the_page(server: Board) -> None:
    [point] = server.get("plugin/text/text", {"run": OPEN, "tag": tags.GIT_DIFF})
    assert "print('&lt;b&gt;```&lt;/b&gt;')" in point["text"].replace("&#x27;", "'")
    assert "<b>" not in point["text"]


def test_custom_scalars_lay_training_beside_validation(server: Board) -> None:
    layout = server.get("plugin/custom_scalars/layout")
    [category] = layout["category"]
    assert {chart["title"]: chart["multiline"]["tag"] for chart in category["chart"]} == {
        "accuracy": [tags.ACCURACY_TRAIN, tags.ACCURACY_VAL],
        "loss": [tags.LOSS_TRAIN, tags.LOSS_VAL],
    }


def test_histograms_and_distributions_of_weights_and_gradients(server: Board) -> None:
    listed = server.get("plugin/histograms/tags", until=lambda found: set(found[SE]) >= HISTOGRAMS)
    tag = f"{tags.WEIGHTS}fc.weight"
    assert set(listed[SE]) == HISTOGRAMS
    assert listed[SE][tag]["displayName"] == "fc.weight"
    for tag in sorted(HISTOGRAMS):
        points = server.get("plugin/histograms/histograms", {"run": SE, "tag": tag}, holds(2))
        assert [step for _, step, _ in points] == [4, STEPS]
        for _, _, bins in points:
            assert len(bins) == 40
            assert sum(count for *_, count in bins) > 0
    weights = server.get(
        "plugin/histograms/histograms", {"run": SE, "tag": f"{tags.WEIGHTS}fc.weight"}, holds(2)
    )
    assert sum(count for *_, count in weights[1][2]) == 64 * 10
    for name in ("distributions", "histograms"):
        assert set(server.get(f"plugin/{name}/tags")) >= {NET, SE, AGAIN}
    spread = server.get("plugin/distributions/distributions", {"run": SE, "tag": tag}, holds(2))
    assert len(spread[0][2]) > 2


def test_precision_and_recall_of_each_class(server: Board) -> None:
    wanted = {f"{tags.CURVES}{name}" for name in CLASSES}
    listed = server.get("plugin/pr_curves/tags", until=lambda found: wanted <= set(found[SE]))
    assert set(listed[SE]) == wanted
    for name in CLASSES:
        query = {"run": SE, "tag": f"{tags.CURVES}{name}"}
        curves = server.get("plugin/pr_curves/pr_curves", query, lambda found: len(found[SE]) == 2)
        first, last = curves[SE]
        assert (first["step"], last["step"]) == (4, STEPS)
        assert last["recall"][0] == 1.0
        positives = last["true_positives"][0]
        assert positives == [4, 3][CLASSES.index(name) >= 2], "of 32 pictures"
        assert last["precision"][0] == pytest.approx(positives / 32)


def test_the_projector_has_the_pictures_and_their_features(server: Board) -> None:
    info = server.get("plugin/projector/info", {"run": SE}, lambda found: found["embeddings"])
    [embedding] = info["embeddings"]
    name = embedding["tensorName"]
    assert embedding["tensorShape"] == [32, 64]
    query = urllib.parse.urlencode({"run": SE, "name": name})
    assert len(server.fetch(f"plugin/projector/tensor?{query}")) == 32 * 64 * 4
    header, *rows = server.fetch(f"plugin/projector/metadata?{query}").decode().splitlines()
    assert header.split("\t") == ["class", "predicted", "verdict", "confidence", "index"]
    assert len(rows) == 32
    sprite = Image.open(io.BytesIO(server.fetch(f"plugin/projector/sprite_image?{query}")))
    assert sprite.size == (6 * 32, 6 * 32)


def test_all_tabs_have_something_to_show(server: Board) -> None:
    wanted = {
        *("timeseries", "scalars", "custom_scalars", "images", "graphs", "text", "hparams"),
        *("histograms", "distributions", "projector", "pr_curves"),
    }

    def enabled(listing: Any) -> set[str]:
        return {name for name, plugin in listing.items() if plugin["enabled"]}

    assert server.get("plugins_listing", until=lambda found: wanted <= enabled(found))
