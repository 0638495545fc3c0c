"""Where numbers come from: told once where all agree, by run where they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracker.reading.comparison.compare import compare
from tracker.reading.report.origins import Origins, origins
from tracker.store.index import list_runs
from tracker.store.run import Run


@pytest.fixture
def runs(tmp_path: Path, make_run: Callable[..., Run]) -> list[Run]:
    return [make_run(tmp_path, name, seed) for name in ("resnet18", "resnet50") for seed in (0, 1)]


def rewrite(run: Run, **changes: Any) -> None:
    document = json.loads(run.provenance_file.read_text())
    run.provenance_file.write_text(json.dumps({**document, **changes}))


def found(runs: list[Run]) -> Origins:
    return origins(compare(list_runs(runs[0].path.parents[2])))


def values(told: Origins, name: str) -> tuple[tuple[str, str], ...]:
    return next(fact.values for fact in told.facts if fact.name == name)


def test_what_all_runs_share_is_told_once(runs: list[Run]) -> None:
    for run in runs:
        rewrite(run, python="CPython 3.12.1", packages={"torch": "2.9", "pip": "25"})
    told = found(runs)
    assert values(told, "Python") == (("CPython 3.12.1", ""),)
    assert values(told, "torch") == (("2.9", ""),)
    assert values(told, "data") == (("shapes, 8 + 4 pictures, 1 classes", ""),)
    assert told.packages == {"torch": "2.9", "pip": "25"}


def test_what_differs_is_told_with_the_runs(runs: list[Run]) -> None:
    for version, run in enumerate(runs):
        rewrite(run, packages={"torch": "2.9", "einops": str(min(version, 1))})
    assert values(found(runs), "einops") == (
        ("0", "first/resnet18/s0"),
        ("1", "first/resnet18/s1, first/resnet50/s0, first/resnet50/s1"),
    )


def test_commands_bring_back_the_code_and_the_runs(runs: list[Run]) -> None:
    code = {"commit": "c0ffee", "dirty": True}
    for run in runs:
        rewrite(run, code=code, command=["tracker", "run", "a b.json"], directory="/home/me")
    steps = {step.what: step.lines for step in found(runs).steps}
    assert steps == {
        "brings back the code of first/resnet18/s0": (
            "git checkout c0ffee",
            f"git apply {runs[0].patch_file}",
        ),
        "made 4 of the 4 runs, typed in /home/me": ("tracker run 'a b.json'",),
        "makes one run once more, from the file it left": (
            f"tracker run {runs[0].experiment_file} --again",
        ),
    }


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"code": 1, "command": "x", "packages": [], "host": 0}']
)
def test_a_provenance_that_is_none_stops_nothing(runs: list[Run], text: str) -> None:
    runs[0].provenance_file.write_text(text)
    told = found(runs)
    assert "made 3 of the 4 runs" in told.steps[-2].what
    assert [runs[0].provenance_file.name in note for note in told.notes] == [True] * (text == "{")


def test_of_an_imported_run_the_place_it_came_from_is_told(runs: list[Run]) -> None:
    for run in runs:
        document = json.loads(run.experiment_file.read_text())
        document["imported"] = {"from": "/their/logs"}
        run.experiment_file.write_text(json.dumps(document))
        rewrite(run, host={"name": "elsewhere"}, code=None, code_missing="it was imported")
    told = found(runs)
    assert values(told, "imported from") == (("/their/logs", ""),)
    assert values(told, "host") == (("elsewhere", ""),)
    assert values(told, "code") == (("it was imported", ""),)
