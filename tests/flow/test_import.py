"""Event files that torch, Keras, Lightning and tensorboardX write become runs like ours."""

import json
import math
import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.image.metadata import create_summary_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.util import tensor_util
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from tracker.cli.commands import import_
from tracker.cli.main import main
from tracker.events.reader import read_scalars
from tracker.events.record import frame
from tracker.reading.adopting import adopt

Answer = Callable[..., tuple[int, str, str]]
Curve = Sequence[float]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    def answer(*arguments: object) -> tuple[int, str, str]:
        code = main(["--runs", str(root), *map(str, arguments)])
        return code, *capsys.readouterr()

    return answer


@pytest.fixture
def document(ask: Answer) -> Callable[..., Any]:
    def answer(*arguments: object) -> Any:
        code, out, err = ask(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return answer


def write_torch(folder: Path, curves: Mapping[str, Curve]) -> None:
    with SummaryWriter(str(folder)) as writer:
        for tag, values in curves.items():
            for step, value in enumerate(values):
                writer.add_scalar(tag, value, step, walltime=1.7e9 + step)


def write_keras(folder: Path, curves: Mapping[str, Curve], *, time: float = 1.7e9) -> Path:
    """As TensorFlow 2 does: tensors, metadata with a tag's first point only, a writer's name."""
    first = Event(
        wall_time=time,
        file_version="brain.Event:2",
        source_metadata=SourceMetadata(writer="tensorflow.core.util.events_writer"),
    )
    events = [first]
    for tag, values in curves.items():
        for step, value in enumerate(values):
            summary = Summary.FromString(scalar_pb(tag, value).SerializeToString())
            if step:
                summary.value[0].ClearField("metadata")
            events.append(Event(wall_time=time + 1 + step, step=step, summary=summary))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{int(time)}.cluster.example.4711.0.v2"
    path.write_bytes(b"".join(frame(event.SerializeToString()) for event in events))
    return path


def write_lightning(folder: Path, asked: Mapping[str, Any], curves: Mapping[str, Curve]) -> None:
    """As its TensorBoardLogger does: hyper-parameters and hp_metric in the run's own file."""
    with SummaryWriter(str(folder)) as writer:
        for record in hparams(dict(asked), {"hp_metric": -1}):
            writer._get_file_writer().add_summary(record)
        writer.add_scalar("hp_metric", -1, 0)
        for tag, values in curves.items():
            for step, value in enumerate(values):
                writer.add_scalar(tag, value, 50 * step)
                writer.add_scalar("epoch", step, 50 * step)
    lines = [f"{name}: {value}" for name, value in asked.items()]
    (folder / "hparams.yaml").write_text("\n".join([*lines, "callbacks:", "- early_stopping", ""]))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "epoch=1.ckpt").write_bytes(b"weights")


def write_tensorboardx(folder: Path, main_tag: str, curves: Mapping[str, Curve]) -> None:
    """As its add_scalars does: a folder per curve under the tag's own name, by a simple value."""
    for name, values in curves.items():
        place = folder / main_tag / name
        place.mkdir(parents=True)
        events = [Event(wall_time=1.6e9, file_version="brain.Event:2")]
        for step, value in enumerate(values):
            summary = Summary(value=[Summary.Value(tag=main_tag, simple_value=value)])
            events.append(Event(wall_time=1.6e9 + step, step=step, summary=summary))
        data = b"".join(frame(event.SerializeToString()) for event in events)
        (place / "events.out.tfevents.1600000000.laptop").write_bytes(data)


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, with its bytes and when it was changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def values(run: Path) -> dict[str, list[float]]:
    return {tag: line.values.tolist() for tag, line in read_scalars(run).series.items()}


def test_what_torch_wrote_is_a_run_and_stays_as_it_was(
    root: Path, logs: Path, ask: Answer, document: Callable[..., Any]
) -> None:
    for net, best in (("resnet50", 0.875), ("se_resnet50", 0.9375)):
        for seed in range(2):
            curves = {"val_acc": (0.25, best, 0.5), "train_loss": (2.0, math.nan, 1.0)}
            write_torch(logs / net / f"seed_{seed}", curves)
    before = everything(logs)
    code, out, err = ask("import", logs)
    assert code == 0, err
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["run", "from", "what", "metric"],
        ["logs/resnet50/s0", "resnet50/seed_0", "new", "val_acc"],
        ["logs/resnet50/s1", "resnet50/seed_1", "new", "val_acc"],
        ["logs/se_resnet50/s0", "se_resnet50/seed_0", "new", "val_acc"],
        ["logs/se_resnet50/s1", "se_resnet50/seed_1", "new", "val_acc"],
    ]
    ours = f"tracker --runs {root}"
    assert err == f"\n4 imported\n{ours} ls logs\n{ours} tensorboard logs\n"
    assert everything(logs) == before
    for net in ("resnet50", "se_resnet50"):
        copied = root / "logs" / net / "s1"
        for path in (logs / net / "seed_1").iterdir():
            assert (copied / path.name).read_bytes() == path.read_bytes()
    runs = document("ls")["runs"]
    assert [run["state"] for run in runs] == ["finished"] * 4
    [best] = [run for run in runs if run["id"] == "logs/se_resnet50/s0"]
    assert (best["metric"], best["price"], best["tags"]) == ("val_acc", None, ["imported"])
    assert best["metrics"]["val_acc"] == {
        "goal": "max",
        "last": 0.5,
        "last_step": 2,
        "best": 0.9375,
        "best_step": 1,
        "improvements": [[0, 0.0, 0.25], [1, 1.0, 0.9375]],
    }
    assert best["metrics"]["train_loss"]["best"] == 1.0
    assert best["host"] == socket.gethostname()
    assert ask("show", "se_resnet50/s0")[0] == 0
    assert document("show", "@best:val_acc")["run"]["id"] == "logs/se_resnet50/s0"
    assert ask("doctor", "logs")[0] == 0


def test_keras_train_and_validation_become_one_run(
    root: Path, logs: Path, document: Callable[..., Any]
) -> None:
    write_keras(logs / "big" / "train", {"epoch_loss": (3.0, 2.0), "epoch_accuracy": (0.5, 0.75)})
    write_keras(
        logs / "big" / "validation",
        {"epoch_loss": (2.5, 2.25), "epoch_accuracy": (0.25, 0.5)},
        time=1.7e9 + 5,
    )
    [run] = document("import", logs)["runs"]
    assert (run["id"], run["metric"]) == ("logs/big/s0", "epoch_accuracy/validation")
    expected = {
        "epoch_accuracy/train": [0.5, 0.75],
        "epoch_accuracy/validation": [0.25, 0.5],
        "epoch_loss/train": [3.0, 2.0],
        "epoch_loss/validation": [2.5, 2.25],
    }
    assert values(root / run["id"]) == expected
    shown = EventAccumulator(str(root / run["id"])).Reload()
    for tag, points in expected.items():
        tensors = [point.tensor_proto for point in shown.Tensors(tag)]
        assert [tensor_util.make_ndarray(tensor).item() for tensor in tensors] == points
        assert shown.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    facts = document("show", "@last")
    assert facts["run"]["started"] == "2023-11-14T22:13:20.000+00:00"
    assert facts["run"]["seconds"] == 7.0
    assert facts["provenance"]["host"] == {"name": "cluster.example"}
    assert facts["provenance"]["writer"] == "tensorflow.core.util.events_writer"
    assert facts["run"]["pid"] == 4711
    assert facts["missing"] == []


def test_pictures_of_keras_keep_apart_too(root: Path, logs: Path, ask: Answer) -> None:
    metadata = create_summary_metadata("", "", converted_to_tensor=True)
    for part in ("train", "validation"):
        path = write_keras(logs / part, {"loss": (1.0,)})
        value = Summary.Value(
            tag="conv",
            metadata=metadata,
            tensor=tensor_util.make_tensor_proto([b"1", b"1", part.encode()]),
        )
        with path.open("ab") as file:
            file.write(frame(Event(step=1, summary=Summary(value=[value])).SerializeToString()))
    assert ask("import", logs)[0] == 0
    shown = EventAccumulator(str(root / "logs" / "logs" / "s0")).Reload()
    for part in ("train", "validation"):
        [point] = shown.Tensors(f"conv/{part}")
        assert tensor_util.make_ndarray(point.tensor_proto)[2] == part.encode()


def test_lightnings_versions_and_their_hyper_parameters(
    root: Path, logs: Path, ask: Answer, document: Callable[..., Any]
) -> None:
    top = logs / "lightning_logs"
    for version in range(2):
        asked = {"lr": 0.1 * (version + 1), "seed": version + 7, "net": "resnet18"}
        write_lightning(top / f"version_{version}", asked, {"val_loss": (2.0, 1.0)})
    runs = document("import", top)["runs"]
    assert [run["id"] for run in runs] == [
        "lightning_logs/version_0/s7",
        "lightning_logs/version_1/s8",
    ]
    assert [run["metric"] for run in runs] == ["val_loss", "val_loss"]
    assert runs[0]["settings"] == {"lr": 0.1, "seed": 7, "net": "resnet18"}
    assert {path.name for path in (root / runs[0]["id"]).iterdir()}.isdisjoint(
        {"hparams.yaml", "checkpoints"}
    )
    _, page, _ = ask("show", "version_0/s7")
    assert "settings: lr 0.1, net resnet18, seed 7" in page
    assert "50 steps, 1 epochs" in page


def test_hparams_yaml_stands_in_where_the_tab_has_nothing(
    logs: Path, ask: Answer, document: Callable[..., Any]
) -> None:
    write_torch(logs / "version_0", {"val_loss": (2.0, 1.0)})
    (logs / "version_0" / "hparams.yaml").write_text("lr: 0.5\nseed: 3\nbetas:\n- 0.9\n")
    [run] = document("import", logs)["runs"]
    assert (run["settings"], run["seed"]) == ({"lr": 0.5, "seed": 3}, 3)
    assert run["notes"] == ["hparams.yaml: not taken over: betas"]
    assert "hparams.yaml: not taken over: betas" in ask("import", logs)[2]


def test_what_add_scalars_and_add_hparams_put_aside_comes_home(
    root: Path, logs: Path, document: Callable[..., Any]
) -> None:
    with SummaryWriter(str(logs / "a")) as writer:
        for step in range(2):
            writer.add_scalar("acc", 0.5 + step / 4, step)
            writer.add_scalars("group/both", {"x": step, "y": -step}, step)
        writer.add_hparams({"lr": 0.25, "net": "vgg"}, {"hparam/acc": 0.75, "acc": 0.75})
    [run] = document("import", logs)["runs"]
    assert values(root / run["id"]) == {
        "acc": [0.5, 0.75],
        "acc/hparam": [0.75],
        "group/both/x": [0.0, 1.0],
        "group/both/y": [0.0, -1.0],
        "hparam/acc": [0.75],
    }
    assert run["settings"] == {"lr": 0.25, "net": "vgg"}
    shown = EventAccumulator(str(root / run["id"])).Reload()
    assert "_hparams_/session_start_info" in shown.PluginTagToContent("hparams")


def test_tensorboardx_puts_its_curves_elsewhere(
    root: Path, logs: Path, document: Callable[..., Any]
) -> None:
    write_torch(logs / "a", {"acc": (0.5, 0.75)})
    write_tensorboardx(logs / "a", "data/loss", {"train": (2.0, 1.0), "val": (3.0, 2.0)})
    [run] = document("import", logs)["runs"]
    assert values(root / run["id"]) == {
        "acc": [0.5, 0.75],
        "data/loss/train": [2.0, 1.0],
        "data/loss/val": [3.0, 2.0],
    }


def test_again_it_adds_what_was_written_meanwhile(
    root: Path, logs: Path, ask: Answer, document: Callable[..., Any]
) -> None:
    live = write_keras(logs / "a" / "train", {"acc": (0.5, 0.625)})
    whole = live.read_bytes()
    live.write_bytes(whole[:-5])  # the last record is still being written
    document("import", logs)
    run = root / "logs" / "a" / "s0"
    assert values(run) == {"acc/train": [0.5]}
    copied = next(run.glob("*tfevents*"))
    identity = copied.stat().st_ino
    live.write_bytes(whole)
    write_keras(logs / "a" / "validation", {"acc": (0.25,)})
    assert [one["action"] for one in document("import", logs)["runs"]] == ["grown"]
    assert values(run) == {"acc/train": [0.5, 0.625], "acc/validation": [0.25]}
    assert copied.stat().st_ino == identity  # so a TensorBoard that has it open sees the new points
    [record] = document("ls")["runs"]
    assert (record["metric"], record["step"]) == ("acc/validation", 1)
    before = everything(root)
    assert [one["action"] for one in document("import", logs)["runs"]] == ["same"]
    assert everything(root) == before
    assert ask("doctor", "logs/a/s0")[0] == 0


def test_what_a_person_added_to_a_run_outlives_an_update(
    root: Path, logs: Path, document: Callable[..., Any]
) -> None:
    write_torch(logs / "a", {"acc": (0.5,), "f1": (0.5,)})
    document("import", logs, "--metric", "f1", "--goal", "f1=min")
    path = root / "logs" / "a" / "s0" / "experiment.json"
    asked = json.loads(path.read_text())
    path.write_text(json.dumps({**asked, "tags": ["imported", "mine"], "description": "why"}))
    write_torch(logs / "a", {"acc": (0.25,)})
    document("import", logs)
    [record] = document("ls")["runs"]
    assert (record["tags"], record["metric"]) == (["imported", "mine"], "f1")
    assert record["metrics"]["f1"]["goal"] == "min"
    assert json.loads(path.read_text())["description"] == "why"


def test_what_a_person_wrote_into_a_run_is_not_undone(
    root: Path, logs: Path, ask: Answer, document: Callable[..., Any]
) -> None:
    write_torch(logs / "a", {"val_acc": (0.5,), "f1": (0.5,)})
    document("import", logs)
    path = root / "logs" / "a" / "s0" / "experiment.json"
    asked = json.loads(path.read_text())
    assert asked["compare"] == {"by": "variant", "metric": "val_acc"}
    asked["compare"]["metric"] = "f1"
    asked["settings"] = {"lr": 0.5}
    path.write_text(json.dumps(asked))
    before = path.read_text()

    code, _, words = ask("import", logs)
    assert (code, "1 up to date already" in words) == (0, True)
    assert path.read_text() == before

    write_torch(logs / "a", {"val_acc": (0.25,)})
    [run] = document("import", logs)["runs"]
    assert (run["action"], run["metric"]) == ("grown", "f1")
    kept = json.loads(path.read_text())
    assert (kept["compare"]["metric"], kept["settings"]) == ("f1", {"lr": 0.5})
    assert [one["action"] for one in document("import", logs)["runs"]] == ["same"]

    [run] = document("import", logs, "--metric", "val_acc")["runs"]
    assert json.loads(path.read_text())["compare"]["metric"] == run["metric"] == "val_acc"


def test_damage_at_the_beginning_is_called_damage(root: Path, logs: Path, ask: Answer) -> None:
    path = write_keras(logs / "a", {"acc": (0.5, 0.625)})
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    code, out, words = ask("import", logs)
    assert (code, out) == (5, "")
    assert f"left out: a: {path.name}: damaged at byte 0" in words
    assert "its event files are damaged" in words

    path.write_bytes(whole)
    assert ask("import", logs)[0] == 0
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    before = everything(root)
    code, _, words = ask("import", logs)
    assert (code, "logs/a/s0 was imported from here, but it is damaged" in words) == (4, True)
    assert everything(root) == before


def test_a_seed_may_be_parted_by_a_space(logs: Path, document: Callable[..., Any]) -> None:
    for name in ("net seed 1", "net/seed-2", "net/seed 3"):
        write_torch(logs / name, {"acc": (0.5,)})
    assert sorted(run["id"] for run in document("import", logs)["runs"]) == [
        "logs/net/s1",
        "logs/net/s2",
        "logs/net/s3",
    ]


def test_dry_run_makes_nothing(root: Path, logs: Path, ask: Answer) -> None:
    write_torch(logs / "a", {"acc": (0.5,)})
    code, out, _ = ask("import", logs, "--dry-run", "--name", "old")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == ["old/a/s0", "a", "new"]
    assert not root.exists()


def test_nothing_that_exists_is_overwritten(root: Path, logs: Path, ask: Answer) -> None:
    write_torch(logs / "a", {"acc": (0.5, 0.25)})
    write_torch(logs / "b", {"acc": (0.5,)})
    assert ask("import", logs)[0] == 0
    changed = next((logs / "a").iterdir())
    changed.write_bytes(changed.read_bytes()[:-1])
    next((logs / "b").iterdir()).rename(logs / "b" / "other.tfevents")
    before = everything(root)
    code, _, err = ask("import", logs)
    assert code == 4
    assert f"logs/a/s0 was imported from here, but {changed.name} was changed since" in err
    assert "logs/b/s0 was imported from here, but events.out." in err
    assert "is gone" in err
    assert "2 of these runs exist already" in err
    elsewhere = logs.with_name("more") / "logs"
    shutil.copytree(logs, elsewhere)
    code, _, err = ask("import", elsewhere)
    assert code == 4
    assert f"logs/a/s0 was imported from {logs / 'a'}" in err
    assert everything(root) == before


def test_a_run_trained_here_stands_in_the_way(
    root: Path, logs: Path, ask: Answer, make_run: Callable[..., Any]
) -> None:
    make_run(root, "resnet50", name="logs")
    write_torch(logs / "resnet50", {"acc": (0.5,)})
    code, _, err = ask("import", logs)
    assert code == 4
    assert "logs/resnet50/s0 exists (finished), and was trained here" in err


def test_two_folders_cannot_be_one_run(logs: Path, ask: Answer) -> None:
    write_torch(logs / "a" / "seed1", {"acc": (0.5,)})
    write_torch(logs / "a-seed1", {"acc": (0.5,)})
    code, _, err = ask("import", logs)
    assert code == 2
    assert "a/seed1 and a-seed1 would both be logs/a/s1" in err
    code, out, _ = ask("import", logs, "--map", "(?P<variant>.+)", "--dry-run")
    assert code == 0
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert names == ["logs/a,seed1/s1", "logs/a-seed1/s1"]


def test_our_own_runs_are_left_alone(
    root: Path, logs: Path, ask: Answer, make_run: Callable[..., Any]
) -> None:
    make_run(root, "resnet50")
    write_torch(logs / "a", {"acc": (0.5,)})
    code, _, err = ask("import", logs.parent, "--name", "all")
    assert code == 0
    assert "left out: runs/first/resnet50/s0: a run of tracker already" in err
    assert len(list((root / "all").glob("*/*"))) == 1


def test_links_and_hidden_folders_are_passed_over(logs: Path, tmp_path: Path, ask: Answer) -> None:
    write_torch(tmp_path / "secret", {"acc": (0.5,)})
    write_torch(logs / ".hidden", {"acc": (0.5,)})
    (logs / "link").symlink_to(tmp_path / "secret")
    (logs / "a").mkdir()
    (logs / "a" / "x.tfevents").symlink_to(next((tmp_path / "secret").iterdir()))
    (logs / "a" / "empty.tfevents").touch()
    code, _, err = ask("import", logs)
    assert code == 6
    assert "left out: a: its event files are empty so far" in err
    assert "there are no event files (*tfevents*) to import below" in err


def test_damage_is_told_and_what_is_before_it_kept(root: Path, logs: Path, ask: Answer) -> None:
    path = write_keras(logs / "a", {"acc": (0.5, 0.625, 0.75)})
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    code, _, err = ask("import", logs)
    assert code == 0
    assert "damaged at byte" in err
    assert values(root / "logs" / "a" / "s0") == {"acc": [0.5, 0.625]}
    assert ask("doctor", "logs/a/s0")[0] == 0
    assert "1 up to date already" in ask("import", logs)[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--map", "("], "is no regular expression"),
        (["--map", "a"], "name groups (?P<variant>…)"),
        (["--map", "(?P<net>a)"], "name groups (?P<variant>…)"),
        (["--goal", "acc"], "is not TAG=min or TAG=max"),
        (["--goal", "acc=up"], "is not TAG=min or TAG=max"),
        (["--goal", "ac=min"], "none of these runs has a series 'ac'; there are acc"),
        (["--metric", "ac"], "none of these runs has a series 'ac'; there are acc"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(
    root: Path, logs: Path, ask: Answer, arguments: list[str], said: str
) -> None:
    write_torch(logs / "a", {"acc": (0.5,)})
    code, _, err = ask("import", logs, *arguments)
    assert (code, said in err) == (2, True), err
    assert not root.exists()


def test_an_imported_run_is_not_trained_but_goes_and_comes_back(
    root: Path, logs: Path, ask: Answer
) -> None:
    write_torch(logs / "a", {"acc": (0.5,)})
    ask("import", logs)
    code, _, err = ask("run", "--resume", "logs/a/s0")
    assert code == 2
    assert "logs/a/s0 was imported, tracker did not train it" in err
    before = everything(root)
    assert ask("rm", "logs/a/s0")[0] == 0
    assert ask("restore", "logs/a/s0")[0] == 0
    assert {name: data for name, (data, _) in everything(root).items() if "trash" not in name} == {
        name: data for name, (data, _) in before.items()
    } | {"logs/a/s0/.lock": b""}
    assert "1 up to date already" in ask("import", logs)[2]


def test_a_copy_cut_short_is_made_anew(root: Path, logs: Path, ask: Answer) -> None:
    write_torch(logs / "a", {"acc": (0.5, 0.25)})
    ask("import", logs)
    copied = next((root / "logs" / "a" / "s0").glob("*tfevents*"))
    whole = copied.read_bytes()
    copied.write_bytes(whole[:40])
    assert ask("doctor", "logs/a/s0")[0] == 5
    assert "1 brought up to date" in ask("import", logs)[2]
    assert copied.read_bytes() == whole


def test_names_of_others_are_harmless(root: Path, logs: Path, ask: Answer) -> None:
    write_keras(logs / os.fsdecode(b"net\xff\x1b[2J"), {"acc\x1b]0;x\x07": (0.5,)})
    code, out, err = ask("import", logs)
    assert code == 0
    assert "\x1b" not in out + err
    assert [run.name for run in (root / "logs").iterdir()] == ["net-2J"]
    for command in (["ls"], ["show", "@last"], ["doctor", "logs"], ["import", logs]):
        code, out, err = ask(*command)
        assert code == 0, (command, err)
        assert "\x1b" not in out + err


def test_two_imports_at_once_make_each_run_once(
    root: Path, logs: Path, ask: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_torch(logs / "a", {"acc": (0.5,)})
    settled = adopt.plan

    def overtaken(*arguments: Any, **named: Any) -> list[adopt.Adoption]:
        planned = settled(*arguments, **named)
        for adoption in settled(*arguments, **named):
            adopt.carry_out(adoption)
        return planned

    monkeypatch.setattr(import_, "plan", overtaken)
    code, _, err = ask("import", logs)
    assert (code, "was made by another process meanwhile" in err) == (4, True)
    assert [path.name for path in (root / "logs" / "a").iterdir()] == ["s0"]
