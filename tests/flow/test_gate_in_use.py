"""What docs/gate.md tells others to write down is taken from there, and done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flow.test_gate import SPEC
from tracker.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "gate.md").read_text()
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}

pytestmark = pytest.mark.slow


def shell(command: str, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
        cwd=place,
        env={**ENVIRONMENT, **environment},
        text=True,
        capture_output=True,
        check=False,
    )


def write_spec(place: Path, **changes: Any) -> None:
    (place / "golden.json").write_text(json.dumps({**SPEC, **changes}))


def test_git_bisect_finds_the_commit_that_broke_training_and_skips_what_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [command] = re.findall(r"^git bisect run .*$", PAGE, re.MULTILINE)
    repository, baseline = tmp_path / "repository", tmp_path / "golden.baseline.json"
    repository.mkdir()
    monkeypatch.chdir(repository)
    write_spec(repository)
    assert main(["baseline", "golden.json", "-o", str(baseline)]) == 0
    shell("git init -q .", repository)
    sound: dict[str, Any] = {"optimizer": {"name": "sgd"}}
    commits = [
        ("sound", sound),
        ("still sound", sound),
        ("no number any more", {"optimizer": {"name": "sgd", "lr": 900}}),  # 8
        ("no such field", {"optimiser": {"name": "sgd"}}),  # 2
        ("sound again", sound),
        ("the culprit", {"optimizer": {"name": "sgd", "nesterov": False}}),
        ("bad all along", {"optimizer": {"name": "sgd", "nesterov": False}}),
    ]
    for number, (words, changes) in enumerate(commits):
        write_spec(repository, description=str(number), **changes)
        done = shell(f"git add golden.json; git commit -qm '{words}'", repository)
        assert done.returncode == 0, done.stderr
    shell("git bisect start HEAD HEAD~6", repository)
    done = shell(command, repository)
    assert done.returncode == 0, done.stdout + done.stderr
    found = shell("git log -1 --format=%s refs/bisect/bad", repository).stdout.strip()
    assert found == "the culprit"
    assert "git bisect skip" in shell("git bisect log", repository).stdout


def workflow() -> list[dict[str, Any]]:
    """The steps of the job in the page."""
    yaml = pytest.importorskip("yaml", reason="reads the workflow; comes with timm")
    [text] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found = yaml.safe_load(text)
    assert found[True] == "pull_request"  # `on`, as YAML 1.1 has it
    [job] = found["jobs"].values()
    assert job["runs-on"].startswith("ubuntu-")
    steps: list[dict[str, Any]] = job["steps"]
    return steps


def run(steps: list[dict[str, Any]], place: Path) -> tuple[bool, list[dict[str, Any]]]:
    """What a runner does with the steps: whether all is well, and the actions it would have used.

    Nothing is fetched or installed.
    """
    well, used = True, []
    for step in steps:
        assert step.keys() <= {"uses", "with", "run", "if"}
        when = step.get("if", "success()")
        if not {"success()": well, "failure()": not well, "always()": True}[when]:
            continue
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
            used.append(step)
        elif not step["run"].startswith("pip install "):
            summary = str(place / "summary.md")
            done = shell(step["run"], place, GITHUB_STEP_SUMMARY=summary)
            well = well and done.returncode == 0
            assert done.returncode in (0, 7), done.stderr
    return well, used


def test_the_workflow_passes_sound_code_and_shows_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = workflow()
    monkeypatch.chdir(tmp_path)
    write_spec(tmp_path)
    assert main(["baseline", "golden.json", "-o", "golden.baseline.json"]) == 0
    well, used = run(steps, tmp_path)
    assert well
    assert [one["uses"].partition("@")[0] for one in used] == [
        "actions/checkout",
        "actions/setup-python",
    ]
    assert (tmp_path / "summary.md").read_text().startswith("### ✅")
    (tmp_path / "summary.md").unlink()
    write_spec(tmp_path, optimizer={"name": "sgd", "nesterov": False})
    well, used = run(steps, tmp_path)
    assert not well
    assert (tmp_path / "summary.md").read_text().startswith("### ❌")
    assert (tmp_path / "report.xml").read_text().count("<failure") >= 1
    kept = tmp_path / used[-1]["with"]["path"]
    assert used[-1]["uses"].startswith("actions/upload-artifact@")
    assert len(list(kept.rglob("events*"))) == 2
