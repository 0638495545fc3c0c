from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client
from werkzeug.wrappers import Response

from tests.evaluated import evaluate
from tracker.reading.tab import answer
from tracker.reading.tab.plugin import ComparePlugin
from tracker.store.run import Run

MakeRun = Callable[..., Run]


def ask(plugin: ComparePlugin, path: str, **query: Any) -> Response:
    return Client(plugin.get_plugin_apps()[path], Response).get(path, query_string=query)


@pytest.fixture
def plugin(tmp_path: Path, make_run: MakeRun) -> ComparePlugin:
    evaluate(make_run(tmp_path, "resnet50"))
    evaluate(make_run(tmp_path, "se_resnet50"))
    return ComparePlugin(TBContext(logdir=str(tmp_path)))


def test_an_answer_then_nothing_until_it_changes(plugin: ComparePlugin) -> None:
    first = ask(plugin, "/answer").json
    assert first is not None
    assert first["comparison"]["reference"] == "resnet50"
    assert ask(plugin, "/answer", known=first["state"]).json == {"state": first["state"]}


def test_pictures_are_found_by_their_content(plugin: ComparePlugin) -> None:
    assert ask(plugin, "/picture", name="unknown").status_code == 404
    document = ask(plugin, "/answer").json
    assert document is not None
    [name, *_] = document["gallery"]["pictures"]
    found = ask(plugin, "/picture", name=name)
    assert found.data.startswith(b"\x89PNG")
    assert found.content_type == "image/png"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in found.headers["Cache-Control"]


def test_what_was_made_of_them_at_a_step(plugin: ComparePlugin) -> None:
    told = ask(plugin, "/evaluation", step=20).json
    assert told is not None
    assert [group["classes"] for group in told["groups"]] == [[1, 1, 1, 1]] * 2
    assert ask(plugin, "/evaluation", step="nonsense").json == {
        "step": -1,
        "groups": [],
        "confusions": None,
    }


def test_the_page_is_a_module_and_what_it_imports(plugin: ComparePlugin) -> None:
    page = ask(plugin, "/index.js")
    assert page.content_type.startswith("text/javascript")
    for line in page.data.decode().splitlines():
        if line.startswith("import") and 'from "./' in line:
            name = line.rpartition('"./')[2].rstrip('";')
            assert ask(plugin, f"/{name}").status_code == 200
    assert ask(plugin, "/view.css").content_type.startswith("text/css")


def test_a_failure_is_told_on_the_page(
    plugin: ComparePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(answer, "look", fail)
    response = ask(plugin, "/answer")
    assert response.status_code == 200
    assert response.json == {"why": "the Compare tab failed: RuntimeError: a bug"}


@pytest.mark.parametrize("logdir", [None, "", "gs://bucket/runs", "missing"])
def test_without_runs_on_this_machine_there_is_no_tab(logdir: str | None) -> None:
    plugin = ComparePlugin(TBContext(logdir=logdir))
    assert plugin.is_active() is False
    document = ask(plugin, "/answer").json
    assert document is not None
    assert "why" in document


def test_there_is_one_with_a_run(plugin: ComparePlugin) -> None:
    assert plugin.is_active() is True


def test_importing_it_imports_nothing_else_of_ours() -> None:
    """Whatever failed to import here would keep every TensorBoard from starting."""
    program = (
        "import sys; from tracker.reading.tab import plugin; "
        "ours = {m for m in sys.modules if m.partition('.')[0] == 'tracker'}; "
        "heavy = {'torch', 'scipy', 'numpy.linalg'} & set(sys.modules); print(sorted(ours), heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    packages = ["tracker", "tracker.reading", "tracker.reading.tab"]
    ours = [*packages, "tracker.reading.tab.plugin", "tracker.version"]  # which holds a string
    assert done.stdout == f"{ours} set()\n"
