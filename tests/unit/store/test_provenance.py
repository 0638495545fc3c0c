import getpass
import importlib.metadata
import json
import os
import sys
from pathlib import Path

import pytest

from tracker.store import provenance
from tracker.store.files import to_json


def test_the_circumstances_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["tracker", "run", "x.json", "--set", "data.root=https://me:secret@host/d"]
    found = provenance.collect(Path("experiments/x.json"), argv)
    document = json.loads(to_json(found.to_document()))
    assert document["schema_version"] == 1
    assert document["command"][-1] == "data.root=https://host/d"
    assert document["directory"] == str(Path.cwd())
    assert document["experiment_source"] == "experiments/x.json"
    assert document["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert document["packages"]["torch"] == importlib.metadata.version("torch")
    assert document["host"]["cores"] >= 1
    assert (document["code"] is None) == bool(document["code_missing"])
    assert "patch" not in document


def test_only_harmless_variables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("TRACKER_RUNS", "elsewhere")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    kept = provenance.collect(None, []).environment
    assert kept["TRACKER_RUNS"] == "elsewhere"
    assert kept["CUDA_VISIBLE_DEVICES"] == "1"
    allowed = {"CUDA_VISIBLE_DEVICES", "MKL_NUM_THREADS", "OMP_NUM_THREADS"}
    assert all(name in allowed or name.startswith("TRACKER_") for name in kept)
    assert list(kept) == sorted(kept)


def test_packages_are_sorted_and_the_first_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, version in (("first", "2.0"), ("second", "1.0")):
        facts = tmp_path / place / "zebra-0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Name: zebra\nVersion: {version}\n")
    broken = tmp_path / "second/broken-0.dist-info"
    broken.mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    assert provenance.packages() == {"zebra": "2.0"}


def test_the_processor_and_the_gpus_are_read_from_proc(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A: CPU\n")
    assert provenance._cpu(info) == "A: CPU"
    for slot, name in (("b", "Second"), ("a", "First")):
        (tmp_path / "gpus" / slot).mkdir(parents=True)
        (tmp_path / "gpus" / slot / "information").write_text(f"Model: \t {name}\nIRQ: 7\n")
    assert provenance._gpus(tmp_path / "gpus") == ("First", "Second")
    assert provenance._gpus(tmp_path / "none") == ()


def test_a_working_directory_that_is_gone_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert provenance.collect(None, []).directory is None


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert provenance.collect(None, []).user == str(os.getuid())
