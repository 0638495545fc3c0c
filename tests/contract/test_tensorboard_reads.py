"""What RunWriter writes down is what TensorBoard's own readers and both of its servers show."""

from __future__ import annotations

import html
import io
import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tracker import tags
from tracker.models.build import build
from tracker.record import pictures, text
from tracker.record.confusion import confusion_matrix
from tracker.record.pictures import Picture
from tracker.record.tensorboard import RunWriter
from tracker.spec.convert import to_document
from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document

DONE, OPEN = "cifar_se_resnet20/s0", "cifar_resnet20/s1"
STEPS = (50, 100, 150)
CLASSES = ("cat", "dog", "frog")
PATCH = "--- a/x.py\n+++ b/x.py\n+print('<b>```</b>')\n"
# A value of float32 at each step, so that it comes back as it went in.
VALUES = {
    tags.ACCURACY_TRAIN: 1 / 512,
    tags.ACCURACY_VAL: 1 / 1024,
    tags.LOSS_TRAIN: 2.0,
    tags.LOSS_VAL: 4.0,
    tags.LR: 0.125,
}


def asked(backbone: str, seed: int) -> Experiment:
    return from_document(
        {
            "name": "read-back",
            "seed": seed,
            "model": {"backbone": backbone},
            "optimizer": {"name": "sgd", "lr": 0.25, "nesterov": True},
        }
    )


def drawings(step: int) -> dict[str, Picture]:
    """What there is to see at `step`; no two steps look alike."""
    images = torch.full((3, 3, 32, 32), step, dtype=torch.uint8)
    labels, predicted = torch.arange(3), torch.tensor([0, 2, 2])
    told = (images, labels, predicted, torch.full((3,), 0.5), CLASSES)
    counts = torch.tensor([[step, 0, 1], [0, 5, 5], [0, 50, step]])
    return {
        tags.PREDICTIONS: pictures.prediction_grid(*told),
        tags.MISTAKES: pictures.mistakes_grid(*told),
        tags.CONFUSION: confusion_matrix(counts, CLASSES),
    }


def record(directory: Path, experiment: Experiment, *, succeeds: bool) -> None:
    """A whole run as training writes it, but for the training."""
    directory.mkdir(parents=True)
    document = to_document(experiment)
    model = build(experiment.model, num_classes=len(CLASSES), seed=experiment.seed)
    with RunWriter(directory, warn=pytest.fail) as writer:
        writer.text(tags.SPEC_TABLE, text.table(document, ("field", "value")))
        writer.text(tags.SPEC_JSON, text.json_block(document))
        writer.text(tags.GIT_DIFF, text.diff_block(PATCH))
        writer.hparams(experiment)
        writer.layout()
        writer.graph(model, 32)
        for step in STEPS:
            writer.scalars(step, {tag: step * value for tag, value in VALUES.items()})
            for tag, drawn in drawings(step).items():
                writer.picture(tag, step, drawn.copy)
        if succeeds:
            writer.finish_hparams()
        writer.commit()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run that succeeded and one that goes on."""
    root = tmp_path_factory.mktemp("read") / "logs"
    record(root / DONE, asked("cifar_se_resnet20", 0), succeeds=True)
    record(root / OPEN, asked("cifar_resnet20", 1), succeeds=False)
    return root


@pytest.fixture(scope="module")
def accumulated(logs: Path) -> EventAccumulator:
    return EventAccumulator(str(logs / DONE), size_guidance={"tensors": 0}).Reload()


def until(answer: Callable[[], Any], enough: Callable[[Any], bool] = bool) -> Any:
    """Ask until the answer is `enough`, for a minute: TensorBoard loads in its own time."""
    deadline, found = time.monotonic() + 60, None
    while time.monotonic() < deadline:
        with suppress(OSError, json.JSONDecodeError):  # not there yet, or but half
            found = answer()
            if enough(found):
                return found
        time.sleep(0.05)
    raise AssertionError(f"not enough after a minute: {found!r:.500}")


class Dashboard:
    """A running TensorBoard's answers."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}/data/"

    def raw(self, path: str, query: Mapping[str, str], data: bytes | None = None) -> bytes:
        request = urllib.request.Request(
            f"{self._root}{path}?{urllib.parse.urlencode(query)}",
            data,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read())

    def wait_for(self, run: str) -> None:
        """Return once the last thing written to `run` has been read."""
        query = {"run": run, "tag": tags.CONFUSION, "sample": "0"}
        until(lambda: len(self("plugin/images/images", **query)) == len(STEPS))

    def __call__(self, path: str, **query: str) -> Any:
        return json.loads(self.raw(path, query))

    def post(self, path: str, question: dict[str, Any]) -> Any:
        return json.loads(self.raw(path, {}, json.dumps(question).encode()))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            True,
            id="rust",
            marks=pytest.mark.skipif(
                find_spec("tensorboard_data_server") is None, reason="no data server here"
            ),
        ),
        pytest.param(False, id="python"),
    ],
)
def dashboard(
    request: pytest.FixtureRequest, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    """TensorBoard over both runs, read by one of its two loaders; it must not complain."""
    place = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
    command += ["--host=127.0.0.1", "--port=0", "--reload_interval=1"]
    command += [f"--load_fast={str(request.param).lower()}"]
    complaints = place / "stderr"
    with complaints.open("wb") as stderr:
        server = subprocess.Popen(
            command, stdout=stderr, stderr=stderr, env={**os.environ, "TMPDIR": str(place)}
        )
    try:
        # It notes down there which port it was given.
        note = place / ".tensorboard-info" / f"pid-{server.pid}.info"
        asking = Dashboard(until(lambda: json.loads(note.read_text() or "{}").get("port")))
        for run in (DONE, OPEN):
            asking.wait_for(run)
        yield asking
    finally:
        server.terminate()
        server.wait(10)
    assert "Traceback" not in complaints.read_text()


def test_the_accumulator_reads_every_scalar(accumulated: EventAccumulator) -> None:
    for tag, value in VALUES.items():
        points = accumulated.Scalars(tag)
        assert [(one.step, one.value) for one in points] == [(at, at * value) for at in STEPS]


def test_the_accumulator_reads_pictures_of_the_size_they_claim(
    accumulated: EventAccumulator,
) -> None:
    for tag in (tags.PREDICTIONS, tags.MISTAKES, tags.CONFUSION):
        meaning = accumulated.SummaryMetadata(tag)
        assert meaning.plugin_data.plugin_name == "images"
        assert (meaning.display_name, meaning.summary_description) == tags.MEANINGS[tag]
        points = accumulated.Tensors(tag)
        assert [one.step for one in points] == list(STEPS)
        for point in points:
            width, height, png = point.tensor_proto.string_val
            drawn = Image.open(io.BytesIO(png))
            assert (drawn.format, drawn.size) == ("PNG", (int(width), int(height)))
            assert drawn.width <= pictures.WIDTH
            assert drawn.height <= pictures.HEIGHT


def test_the_same_picture_is_the_same_bytes_in_every_run(logs: Path) -> None:
    def png(run: str) -> bytes:
        reader = EventAccumulator(str(logs / run), size_guidance={"tensors": 0}).Reload()
        return bytes(reader.Tensors(tags.PREDICTIONS)[0].tensor_proto.string_val[2])

    assert png(DONE) == png(OPEN)


def test_the_accumulator_reads_the_graph_and_the_texts(accumulated: EventAccumulator) -> None:
    assert isinstance(drawn := accumulated.Graph(), GraphDef)
    assert {"layer1/0/conv1", "layer1/0/se/fc1"} <= {node.name for node in drawn.node}
    [point] = accumulated.Tensors(tags.SPEC_JSON)
    fenced = point.tensor_proto.string_val[0].decode()
    assert fenced == text.json_block(to_document(asked("cifar_se_resnet20", 0)))


def test_both_runs_are_listed_and_every_tab_is_on(dashboard: Dashboard) -> None:
    assert sorted(dashboard("runs")) == sorted([DONE, OPEN])
    wanted = ("scalars", "images", "graphs", "text", "hparams", "custom_scalars", "timeseries")
    listed = until(
        lambda: dashboard("plugins_listing"),
        lambda found: all(found[name]["enabled"] for name in wanted),
    )
    assert set(wanted) <= set(listed)


def test_scalars_come_back_with_their_meaning(dashboard: Dashboard) -> None:
    known = dashboard("plugin/scalars/tags")
    for run in (DONE, OPEN):
        for tag, value in VALUES.items():
            points = dashboard("plugin/scalars/scalars", run=run, tag=tag)
            assert [point[1:] for point in points] == [[at, at * value] for at in STEPS]
            assert known[run][tag]["displayName"] == tags.MEANINGS[tag].title
            assert tags.MEANINGS[tag].description in known[run][tag]["description"]


def test_the_runs_agree_on_what_a_tag_means(dashboard: Dashboard) -> None:
    told = dashboard("plugin/timeseries/tags")["scalars"]["tagDescriptions"]
    assert set(told) == set(VALUES)
    assert not any("Multiple descriptions" in description for description in told.values())


def test_accuracy_and_loss_are_the_groups_that_open_first(dashboard: Dashboard) -> None:
    known = dashboard("plugin/scalars/tags")[DONE]
    assert list(dict.fromkeys(tag.partition("/")[0] for tag in sorted(known)))[:2] == [
        "accuracy",
        "loss",
    ]


@pytest.mark.parametrize("tag", [tags.PREDICTIONS, tags.MISTAKES, tags.CONFUSION])
def test_pictures_are_served_as_they_were_drawn(dashboard: Dashboard, tag: str) -> None:
    shown = dashboard("plugin/images/images", run=DONE, tag=tag, sample="0")
    assert [one["step"] for one in shown] == list(STEPS)
    for one in shown:
        query = dict(urllib.parse.parse_qsl(one["query"]))
        served = Image.open(io.BytesIO(dashboard.raw("plugin/images/individualImage", query)))
        assert served.format == "PNG"
        assert np.array_equal(np.asarray(served), drawings(one["step"])[tag])


def test_the_graph_is_made_of_the_modules_people_know(dashboard: Dashboard) -> None:
    def nodes(run: str) -> str:
        query = {"run": run, "conceptual": "false"}
        return dashboard.raw("plugin/graphs/graph", query).decode()

    known = dashboard("plugin/graphs/info")
    assert {run: known[run]["run_graph"] for run in known} == {DONE: True, OPEN: True}
    assert '"layer1/0/se/fc1"' in nodes(DONE)
    assert '"layer1/0/conv1"' in nodes(OPEN)
    assert "/se/" not in nodes(OPEN)


def test_hparams_are_rows_with_kinds_status_and_last_values(dashboard: Dashboard) -> None:
    question = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN"]}
    page = {"colParams": [], "startIndex": 0, "sliceSize": 100}

    def table() -> dict[str, Any]:
        found = dashboard.post("plugin/hparams/session_groups", {**question, **page})
        return {group["sessions"][0]["name"]: group for group in found["sessionGroups"]}

    wanted = {DONE: "STATUS_SUCCESS", OPEN: "STATUS_UNKNOWN"}
    rows = until(
        table, lambda now: {run: now[run]["sessions"][0]["status"] for run in now} == wanted
    )
    assert [rows[run]["hparams"]["seed"] for run in (DONE, OPEN)] == [0, 1]
    values = rows[DONE]["hparams"]
    assert values["model.backbone"] == "cifar_se_resnet20"
    assert values["optimizer.lr"] == 0.25
    assert values["optimizer.nesterov"] is True
    last = {one["name"]["tag"]: one["value"] for one in rows[DONE]["metricValues"]}
    assert last[tags.ACCURACY_VAL] == STEPS[-1] * VALUES[tags.ACCURACY_VAL]


def test_what_differs_between_runs_is_known_without_an_experiment_record(
    dashboard: Dashboard,
) -> None:
    found = dashboard.post("plugin/hparams/experiment", {"experimentName": ""})
    differing = {info["name"] for info in found["hparamInfos"] if info.get("differs")}
    assert differing == {"model.backbone", "seed"}
    assert [info["name"] for info in found["hparamInfos"]][:2] == sorted(differing)


def test_texts_are_shown_and_nothing_in_them_becomes_a_page(dashboard: Dashboard) -> None:
    def shown(tag: str) -> str:
        [one] = dashboard("plugin/text/text", run=DONE, tag=tag)
        return str(one["text"])

    assert {tags.SPEC_TABLE, tags.SPEC_JSON, tags.GIT_DIFF} <= set(
        dashboard("plugin/text/tags")[DONE]
    )
    row = "<td>model.backbone</td>\n<td>cifar_se_resnet20</td>"
    assert row in html.unescape(shown(tags.SPEC_TABLE))
    assert "<code" in shown(tags.SPEC_JSON)
    diff = shown(tags.GIT_DIFF)
    assert "&lt;b&gt;```&lt;/b&gt;" in diff
    assert "<b>" not in diff


def test_custom_scalars_put_training_beside_validation(dashboard: Dashboard) -> None:
    found = dashboard("plugin/custom_scalars/layout")
    charts = [chart for category in found["category"] for chart in category["chart"]]
    assert {chart["title"]: chart["multiline"]["tag"] for chart in charts} == {
        "accuracy": [tags.ACCURACY_TRAIN, tags.ACCURACY_VAL],
        "loss": [tags.LOSS_TRAIN, tags.LOSS_VAL],
    }
