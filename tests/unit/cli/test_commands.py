"""What the reading commands print, on runs that were made without training."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tracker.store.run import Run


@pytest.fixture
def root(tmp_path: Path, make_run: Callable[..., Run]) -> Path:
    root = tmp_path / "runs"
    make_run(root, "resnet50", 0)
    make_run(
        root, "se_resnet50", 1, accuracy=(0.1, 0.2, float("nan")), ends=ValueError("loss is nan")
    )
    return root


Answer = Callable[..., tuple[int, str, str]]


def test_ls_is_one_line_a_run(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "ls")
    assert (code, words) == (0, "failed: first/se_resnet50/s1: loss is nan\n")
    lines = [line.split() for line in data.splitlines()]
    assert lines[0] == ["run", "state", "done", "accuracy/val", "best", "params", "flops", "age"]
    assert lines[1][:2] == ["first/resnet50/s0", "finished"]
    assert lines[1][2:7] == ["100%", "0.8000", "0.9000", "23.5M", "2.6G"]
    assert lines[2][:5] == ["first/se_resnet50/s1", "failed", "100%", "–", "0.2000"]


def test_ls_as_json_has_every_number(root: Path, answer: Answer) -> None:
    code, data, _ = answer("--runs", root, "ls", "first", "--state", "failed", "--json")
    document = json.loads(data, parse_constant=pytest.fail)
    [run] = document["runs"]
    assert (code, document["schema_version"]) == (0, 1)
    assert run["id"] == "first/se_resnet50/s1"
    assert run["path"] == str(root / "first/se_resnet50/s1")
    assert run["cause"] == "loss is nan"
    assert run["metric"] == "accuracy/val"
    assert run["metrics"]["accuracy/val"] == {
        "goal": "max",
        "last": None,
        "last_step": 30,
        "best": 0.2,
        "best_step": 20,
        "improvements": [],
    }


def test_ls_by_tag(root: Path, answer: Answer, make_run: Callable[..., Run]) -> None:
    run = make_run(root, "resnet18", 0)
    document = json.loads(run.experiment_file.read_text())
    run.experiment_file.write_text(json.dumps({**document, "tags": ["baseline", "cpu"]}))
    code, data, _ = answer("--runs", root, "ls", "--tag", "cpu", "--json")
    assert code == 0
    [found] = json.loads(data)["runs"]
    assert (found["id"], found["tags"]) == ("first/resnet18/s0", ["baseline", "cpu"])
    code, data, words = answer("--runs", root, "ls", "--tag", "cp\x1b", "--state", "failed")
    assert (code, data, words) == (0, "", f"no failed runs tagged 'cp\\x1b' in {root}\n")


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_ls_of_nothing_is_no_error(tmp_path: Path, answer: Answer, flag: list[str]) -> None:
    code, data, words = answer("--runs", tmp_path / "none", "ls", *flag)
    assert (code, words) == (0, f"no runs in {tmp_path / 'none'}\n")
    assert data == "" if not flag else json.loads(data)["runs"] == []


def test_ls_of_an_unknown_experiment_names_the_nearest(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "ls", "fist")
    assert (code, data) == (3, "")
    assert words == f"no experiment 'fist' in {root}; did you mean first?\n"


def test_ls_shows_a_damaged_run_and_the_rest(root: Path, answer: Answer) -> None:
    (root / "first/resnet50/s0/status.json").write_text("{")
    code, data, words = answer("--runs", root, "ls")
    assert code == 0
    assert "damaged" in data.splitlines()[1]
    assert "failed" in data.splitlines()[2]
    damaged, failed = words.splitlines()
    assert damaged.startswith("damaged: first/resnet50/s0: ")
    assert failed == "failed: first/se_resnet50/s1: loss is nan"


@pytest.mark.parametrize(("host", "place"), [(None, ""), ("gpu-box\x1b", " on gpu-box\\x1b")])
def test_ls_tells_who_writes_a_run_and_when_it_last_said_so(
    tmp_path: Path,
    answer: Answer,
    make_run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    host: str | None,
    place: str,
) -> None:
    run = make_run(tmp_path / "runs", "resnet50")
    status = json.loads(run.status_file.read_text())
    status |= {"state": "running", "pid": 4242, "step": 12, "host": host or status["host"]}
    status |= {"started": "2026-01-01T00:00:00.000+00:00", "ended": None}
    status |= {"updated": "2026-01-01T01:00:00.000+00:00"}
    run.status_file.write_text(json.dumps(status))
    monkeypatch.setattr("tracker.store.status.is_held", lambda _: True)
    now = datetime(2026, 1, 1, 1, 3, 5, tzinfo=timezone.utc)
    monkeypatch.setattr("tracker.cli.commands.ls.utc_now", lambda: now)
    code, data, words = answer("--runs", tmp_path / "runs", "ls")
    assert (code, words) == (
        0,
        f"running: first/resnet50/s0: process 4242{place}, step 12 of 30, "
        "last sign of life 3m05s ago\n",
    )
    assert all(len(line) <= 80 for line in data.splitlines())


def test_ls_names_the_metric_of_each_run_where_they_differ(
    root: Path, answer: Answer, make_run: Callable[..., Run]
) -> None:
    run = make_run(root, "resnet18", 0)
    document = json.loads(run.experiment_file.read_text())
    document["compare"] = {**document["compare"], "metric": "loss/val"}
    run.experiment_file.write_text(json.dumps(document))
    _, data, _ = answer("--runs", root, "ls")
    titles, first, second, _ = (line.split() for line in data.splitlines())
    assert titles[:6] == ["run", "state", "metric", "done", "last", "best"]
    assert first[2:6] == ["loss/val", "100%", "0.2000", "0.1000"]
    assert second[2:6] == ["accuracy/val", "100%", "0.8000", "0.9000"]


def test_show_tells_everything_in_words(root: Path, answer: Answer) -> None:
    code, data, _ = answer("--runs", root, "show", "se_resnet50/s1")
    assert code == 0
    facts = dict(line.split(maxsplit=1) for line in data.splitlines() if line[:1].isalpha())
    assert facts["run"] == "first/se_resnet50/s1"
    assert facts["state"] == "failed: loss is nan"
    assert facts["done"] == "30 of 30 steps, 3 epochs"
    assert facts["price"] == (
        "23.5M parameters, 2.6G FLOPs a picture, 1.2k images/s, 1h01m of training"
    )
    assert facts["browse"] == f"tracker --runs {root} tensorboard first/se_resnet50/s1"
    assert facts["accuracy/val"].split() == ["–", "30", "0.2000", "20"]
    assert "model: backbone se_resnet50" in data
    assert "experiment.json" in data


def test_show_says_none_of_an_empty_list(
    root: Path, answer: Answer, make_run: Callable[..., Run]
) -> None:
    run = make_run(root, "resnet18", 0)
    document = json.loads(run.experiment_file.read_text())
    document["data"]["augment"] = []
    run.experiment_file.write_text(json.dumps(document))
    _, data, _ = answer("--runs", root, "show", "resnet18/s0")
    assert "augment none, crop_padding" in data
    _, data, _ = answer("--runs", root, "show", "resnet50/s0")
    assert "augment random_crop+horizontal_flip, crop_padding" in data


def test_show_as_json_has_the_files_whole(root: Path, answer: Answer) -> None:
    _, data, _ = answer("--runs", root, "show", "resnet50/s0", "--json")
    document = json.loads(data)
    run = Run(root / "first/resnet50/s0")
    assert document["experiment"] == json.loads(run.experiment_file.read_text())
    assert document["provenance"] == json.loads(run.provenance_file.read_text())
    assert document["run"]["state"] == "finished"
    assert document["missing"] == []


def test_show_of_half_a_run_shows_that_half(root: Path, answer: Answer) -> None:
    run = Run(root / "first/resnet50/s0")
    run.provenance_file.write_text('{"schema_version": 1, "code": 7, "host": [], "command": "x"}')
    run.experiment_file.unlink()
    code, data, _ = answer("--runs", root, "show", "resnet50/s0")
    assert code == 0
    assert "damaged" in data
    assert "experiment.json is missing" in data


def test_show_of_no_run(root: Path, answer: Answer) -> None:
    code, data, words = answer("--runs", root, "show", "nothing\x1b")
    assert (code, data) == (3, "")
    assert "\x1b" not in words


def test_schema_is_the_file_itself(answer: Answer) -> None:
    code, data, _ = answer("schema")
    assert (code, json.loads(data)["title"]) == (0, "tracker experiment")


def test_validate_lists_the_runs(tmp_path: Path, answer: Answer) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"name": "a", "matrix": {"seed": [3, 4]}}')
    assert answer("validate", path) == (
        0,
        f"{path}: OK, 2 runs\n  a/cifar_resnet20/s3\n  a/cifar_resnet20/s4\n",
        "",
    )
    code, data, _ = answer("validate", path, "--seeds", "7", "--set", "model.backbone=resnet18")
    assert (code, data) == (0, f"{path}: OK, 1 run\n  a/resnet18/s7\n")


def test_validate_tells_every_problem_of_every_file(tmp_path: Path, answer: Answer) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"name": "a"}')
    bad.write_text('{"name": "a",\n "sed": 1,\n "seed": -1}')
    code, data, words = answer("validate", bad, good, tmp_path / "none.json")
    assert code == 2
    assert data == f"{good}: OK, 1 run\n  a/cifar_resnet20/s0\n"
    first, second, third = words.splitlines()
    assert first.startswith(f"{bad}:2:2: sed: unknown key")
    assert second.startswith(f"{bad}:3:10: seed: ")
    assert third.startswith(f"{tmp_path / 'none.json'}: ")

    code, data, _ = answer("validate", bad, good, "--json")
    files = json.loads(data)["files"]
    assert code == 2
    assert [len(file["problems"]) for file in files] == [2, 0]
    assert [file["runs"] for file in files] == [[], ["a/cifar_resnet20/s0"]]
    assert (files[0]["problems"][0]["line"], files[0]["problems"][0]["path"]) == (2, "sed")


@pytest.mark.parametrize("seeds", ["", "a", "1,", "1,1", "-1", "1.5", "٣"])
def test_seeds_are_whole_numbers_each_once(tmp_path: Path, answer: Answer, seeds: str) -> None:
    code, _, words = answer("validate", tmp_path / "a.json", f"--seeds={seeds}")
    assert code == 2
    assert "--seeds" in words


def names(data: str) -> list[str]:
    return [line.split()[0] for line in data.splitlines()[1:]]


@pytest.mark.parametrize(
    ("pattern", "some"),
    [
        ("se_resnet50", ["se_resnet50"]),
        ("resnet5?", ["resnet50"]),
        ("*110", ["cifar_resnet110", "cifar_se_resnet110"]),
    ],
)
def test_models_by_pattern(answer: Answer, pattern: str, some: list[str]) -> None:
    code, data, words = answer("models", pattern)
    assert (code, names(data), words) == (0, some, "")


def test_models_as_json(answer: Answer) -> None:
    _, data, _ = answer("models", "se_resnet50", "--json")
    [model] = json.loads(data)["models"]
    assert 26_000_000 < model["parameters"] < 26_100_000  # 10 classes


@pytest.mark.parametrize("flag", [[], ["--json"]])
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("zz\x1b", "no model fits 'zz\\x1b'; `tracker models` lists them all\n"),
        ("resnt50", "no model fits 'resnt50'; did you mean resnet50?\n"),
        ("se_renset5*", "no model fits 'se_renset5*'; did you mean se_resnet50?\n"),
    ],
)
def test_a_model_there_is_not_is_an_error(
    answer: Answer, flag: list[str], pattern: str, words: str
) -> None:
    assert answer("models", pattern, *flag) == (2, "", words)


def test_models_say_the_smallest_picture_they_take(answer: Answer) -> None:
    _, data, _ = answer("models", "resnet9")
    titles, row, *_ = (line.split() for line in data.splitlines())
    assert row[titles.index("smallest")] == "8×8"


def test_datasets_are_the_schema_s(answer: Answer) -> None:
    _, data, _ = answer("datasets")
    assert names(data) == ["cifar10", "image_folder", "shapes"]
    _, data, _ = answer("datasets", "--json")
    found: list[dict[str, Any]] = json.loads(data)["datasets"]
    assert [each["name"] for each in found] == ["cifar10", "image_folder", "shapes"]
    assert "root" in found[0]["fields"]


@pytest.mark.parametrize(
    ("shell", "word"), [("zsh", "compdef"), ("fish", "complete"), ("bash", "complete")]
)
def test_completion_scripts(answer: Answer, shell: str, word: str) -> None:
    code, data, _ = answer("completion", shell)
    assert code == 0
    assert word in data
    assert "_TRACKER_COMPLETE" in data
