"""Packages that don't fit together are told by their metadata alone."""

import configparser
from pathlib import Path
from typing import TypeAlias

import pytest
from packaging.requirements import Requirement

from tracker.reading.checkup import software
from tracker.reading.checkup.finding import Finding

Versions: TypeAlias = dict[str, str | None]

SOUND: Versions = {
    "tracker": "0.1.0",
    "torch": "2.12.0",
    "torchvision": "0.27.0",
    "tensorboard": "2.21.0",
    "numpy": "2.4.0",
}
NEEDS = {
    "tracker": ["torch>=2.10", "torchvision>=0.25", "tensorboard>=2.21", 'pytest; extra == "dev"'],
    "torchvision": ["numpy", "torch==2.12.0"],
    "tensorboard": ["numpy>=1.12.0", 'never-there; python_version < "3"'],
}


def look(changes: Versions | None = None, *, tensorflow: bool = False) -> list[Finding]:
    versions = {**SOUND, **(changes or {})}
    return list(software.check(versions.get, lambda name: NEEDS.get(name, []), lambda: tensorflow))


def test_what_fits_is_one_line() -> None:
    [finding] = look()
    assert finding.level == "ok"
    assert "torch 2.12.0, torchvision 0.27.0, tensorboard 2.21.0" in finding.words


@pytest.mark.parametrize(
    ("changes", "subject", "words"),
    [
        ({"torch": "2.9.1"}, "torch", "2.9.1 is installed, but tracker needs torch>=2.10"),
        ({"torch": "2.13.0"}, "torch", "2.13.0 is installed, but torchvision needs torch==2.12.0"),
        ({"tensorboard": "2.20.0"}, "tensorboard", "but tracker needs tensorboard>=2.21"),
        ({"numpy": None}, "numpy", "nothing is installed, but torchvision needs numpy"),
    ],
)
def test_what_does_not_fit_is_a_problem(changes: Versions, subject: str, words: str) -> None:
    findings = look(changes)
    assert all(finding.level == "problem" and finding.exit_code == 6 for finding in findings)
    assert findings[0].subject == subject
    assert any(words in finding.words for finding in findings)
    assert findings[0].remedy


def test_builds_for_different_devices_are_told() -> None:
    _, finding = look({"torch": "2.12.0+cpu"})
    assert (finding.level, finding.exit_code) == ("warning", 0)
    assert "built for the default device and torch for cpu" in finding.words
    assert len(look({"torch": "2.12.0+cpu", "torchvision": "0.27.0+cpu"})) == 1


def test_a_release_candidate_of_one_s_own_is_no_problem() -> None:
    assert look({"tensorboard": "2.22.0rc1"})[0].level == "ok"


def test_tensorflow_is_told() -> None:
    assert [finding.subject for finding in look(tensorflow=True)] == ["packages", "tensorflow"]


def test_from_source_versions_are_not_known() -> None:
    findings = list(software.check(lambda _: None, lambda _: [], lambda: False))
    assert [(finding.level, finding.subject) for finding in findings] == [("warning", "packages")]


def test_what_is_installed_here() -> None:
    assert software.installed("torch")
    assert software.installed("no-such-distribution") is None
    assert software.required("no-such-distribution") == []
    assert software.has_tensorflow() in (True, False)


def test_each_need_of_ours_can_be_read() -> None:
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[4] / "setup.cfg")
    needs = config["options"]["install_requires"].split()
    assert {"torch", "torchvision", "tensorboard"} <= {Requirement(need).name for need in needs}
