"""A run from its spec to its directory: what is the same twice, and how each end looks."""

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tracker import tags
from tracker.errors import Stopped, UsageError
from tracker.events.reader import read_scalars
from tracker.events.tensors import read_tensors
from tracker.launch import here
from tracker.launch.here import Outcome
from tracker.launch.plan import Existing, choose, jobs_of
from tracker.reading.evaluations import evaluations
from tracker.spec.load import load
from tracker.store import index
from tracker.store.run import Run
from tracker.training import checkpoint, loop
from tracker.training.live import Live
from tracker.training.state import State, Task

SPEC: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "name": "shapes",
        "train_size": 128,
        "val_size": 50,
        "augment": ["random_crop", "horizontal_flip", "cutout"],
    },
    "model": {"backbone": "cifar_resnet20"},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "training": {"epochs": 2, "batch_size": 32, "threads": 1, "ema_decay": 0.9},
    "logging": {"scalars_every": 2, "graph": False},
}
Train = Callable[..., list[Outcome]]
EVALUATED = (
    tags.EVALUATED_REFERENCE,
    tags.EVALUATED_PICTURES,
    tags.EVALUATED_PREDICTIONS,
    tags.EVALUATED_CONFUSION,
)


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Run a spec with changes to its top-level blocks merged in; return what came out."""

    def run(
        *,
        again: bool = False,
        existing: Existing = "refuse",
        watch: Callable[[Live], None] = lambda _: None,
        **changes: Any,
    ) -> list[Outcome]:
        document = {
            key: {**value, **changes.get(key, {})} if isinstance(value, dict) else value
            for key, value in SPEC.items()
        }
        document |= {key: value for key, value in changes.items() if key not in SPEC}
        path = tmp_path / "tiny.json"
        path.write_text(json.dumps(document))
        root = tmp_path / "runs"
        return here.execute(
            choose(jobs_of(path, root), "again" if again else existing),
            root=root,
            argv=["tracker", "run"],
            watch=watch,
            say=lambda _: None,
        )

    return run


def run_of(outcomes: list[Outcome], member: int = 0) -> Run:
    run = outcomes[member].run
    assert run is not None
    return run


def curves(run: Run) -> dict[str, tuple[list[int], list[float]]]:
    """Return steps and values of all that does not measure time."""
    read = read_scalars(run.path)
    return {
        tag: (list(series.steps), list(series.values))
        for tag, series in read.series.items()
        if tag not in tags.INCIDENTAL
    }


def noted(run: Run) -> dict[str, list[tuple[int, Any]]]:
    """Return what a run noted of its evaluations, in a form that can be compared."""
    values = {
        tag: [(point.step, point.value) for point in points]
        for tag, points in read_tensors(run.path, EVALUATED).items()
    }
    return {
        tag: [(step, one.tolist() if isinstance(one, np.ndarray) else one) for step, one in points]
        for tag, points in values.items()
    }


def weights(run: Run) -> dict[str, torch.Tensor]:
    state = checkpoint.load(run, run.manifest().kept[-1])
    model: dict[str, torch.Tensor] = state["model"]
    return model


@pytest.mark.parametrize("extra", [{}, {"precision": "bfloat16", "mixup_alpha": 0.2}])
def test_the_same_seed_gives_the_same_run_bit_for_bit(train: Train, extra: dict[str, Any]) -> None:
    torch.manual_seed(1)
    first = run_of(train(training=extra))
    torch.manual_seed(2)  # a global generator in another state must not matter
    second = run_of(train(again=True, training=extra))
    assert second.path.name == "s0.2"
    assert curves(first) == curves(second)
    for name, tensor in weights(first).items():
        assert torch.equal(tensor, weights(second)[name]), name


def test_another_seed_is_another_run(train: Train) -> None:
    first, second = (run_of(train(seed=seed)) for seed in (0, 1))
    assert curves(first)[tags.LOSS_TRAIN] != curves(second)[tags.LOSS_TRAIN]


def test_a_run_cut_short_is_an_exact_prefix(train: Train) -> None:
    whole = curves(run_of(train(seed=0)))
    short = curves(run_of(train(again=True, training={"max_steps": 4})))
    for tag in (tags.LOSS_TRAIN, tags.LR, tags.GRAD_NORM, tags.ACCURACY_VAL):
        steps, values = short[tag]
        assert steps[-1] == 4
        assert (steps, values) == tuple(column[: len(steps)] for column in whole[tag])


def test_what_is_logged_and_when(train: Train) -> None:
    read = curves(run_of(train()))
    assert read[tags.LOSS_TRAIN][0] == [1, 2, 4, 6, 8]
    assert read[tags.ACCURACY_VAL][0] == [4, 8]
    assert read[tags.EPOCH][1] == pytest.approx([0.25, 0.5, 1.0, 1.5, 2.0])
    assert read[tags.LR][1][0] == pytest.approx(0.05)
    assert all(value > 0 for value in read[tags.GRAD_NORM][1])


def test_the_summary_says_what_the_events_say(train: Train) -> None:
    run = run_of(train())
    record, read = index.record(run), curves(run)
    assert record.state == "finished"
    assert (record.step, record.total_steps, record.epoch) == (8, 8, 2.0)
    for tag in (tags.ACCURACY_VAL, tags.LOSS_VAL, tags.LOSS_TRAIN):
        metric = record.metrics[tag]
        assert metric.last == pytest.approx(read[tag][1][-1])
        assert metric.best == pytest.approx((max if metric.goal == "max" else min)(read[tag][1]))
    assert record.price is not None
    assert record.price.parameters == 269_722


def test_the_best_checkpoint_is_that_of_the_best_evaluation(train: Train) -> None:
    run = run_of(train(training={"epochs": 4}))
    best = run.manifest().best
    assert best is not None
    assert best.step == index.record(run).metrics[tags.ACCURACY_VAL].best_step


def test_checkpoints_within_an_epoch_change_nothing_but_what_is_kept(train: Train) -> None:
    plain = run_of(train())
    often = run_of(train(again=True, checkpoint={"every_steps": 3, "every_minutes": 1e-9}))
    assert curves(plain) == curves(often)
    assert [entry.step for entry in plain.manifest().kept] == [4, 8]
    assert [entry.step for entry in often.manifest().kept] == [7, 8]


def test_the_model_that_is_evaluated_is_the_average(train: Train) -> None:
    averaged = curves(run_of(train()))
    plain = curves(run_of(train(again=True, training={"ema_decay": None})))
    assert averaged[tags.LOSS_TRAIN] == plain[tags.LOSS_TRAIN]
    assert averaged[tags.LOSS_VAL] != plain[tags.LOSS_VAL]


def test_a_run_that_diverges_keeps_its_good_checkpoints(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = loop._step

    def diverging(task: Task, state: State, *args: Any, **options: Any) -> Any:
        result = take(task, state, *args, **options)
        if state.step == 6:
            next(state.model.parameters()).data.fill_(math.nan)
        return result

    monkeypatch.setattr(loop, "_step", diverging)
    [outcome] = train(logging={"scalars_every": 100}, checkpoint={"every_steps": 3})
    assert outcome.failure is not None
    assert "no longer finite at step 6" in outcome.failure
    run = run_of([outcome])
    assert run.manifest().kept[-1].step == 4
    assert all(tensor.isfinite().all() for tensor in weights(run).values())
    assert outcome.failure in run.log_file.read_text()


def test_one_picture_in_a_batch_of_a_normalised_network_fails_in_words(train: Train) -> None:
    [outcome] = train(
        model={"backbone": "resnet18", "stem": "imagenet"}, training={"batch_size": 1, "epochs": 1}
    )
    assert outcome.failure is not None
    assert "more than 1 value per channel" in outcome.failure


def test_what_evaluations_note_agrees_with_what_they_say(train: Train) -> None:
    run = run_of(train())
    found = evaluations(run)
    assert found.steps == (4, 8)
    assert len(found.pictures) == 40
    assert np.bincount(found.labels).tolist() == [4] * 10
    for step, accuracy in zip(*curves(run)[tags.ACCURACY_VAL], strict=True):
        counts = found.confusion[step]
        assert counts.sum(1).tolist() == [5] * 10
        assert np.trace(counts) / counts.sum() == pytest.approx(accuracy)
        assert len(found.predictions[step].classes) == 40


def test_another_network_and_seed_are_judged_on_the_same_pictures(train: Train) -> None:
    first = evaluations(run_of(train()))
    second = evaluations(run_of(train(seed=1, model={"backbone": "small_cnn"})))
    assert first.pictures == second.pictures
    assert first.indices.tolist() == second.indices.tolist()


def test_the_last_evaluation_is_noted_even_where_no_pictures_are_drawn(train: Train) -> None:
    stopping = {"metric": "loss/val", "patience": 2, "min_delta": 100.0}
    training = {"epochs": 50, "early_stopping": stopping}
    run = run_of(train(training=training, logging={"pictures_every": 0}))
    assert evaluations(run).steps == (12,)
    assert curves(run)[tags.ACCURACY_VAL][0] == [4, 8, 12]


def tensors(run: Run) -> dict[str, list[int]]:
    """Return the steps of every tag that holds tensors, as TensorBoard finds them."""
    events = EventAccumulator(str(run.path)).Reload()
    return {tag: [one.step for one in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def group(found: dict[str, list[int]], name: str) -> dict[str, list[int]]:
    return {tag: steps for tag, steps in found.items() if tag.startswith(name)}


def test_pages_come_as_often_as_asked_for_and_at_the_end(train: Train) -> None:
    logging = {"pictures_every": 2, "histograms_every": 3, "histograms": "all"}
    run = run_of(train(training={"epochs": 4}, model={"backbone": "small_cnn"}, logging=logging))
    found = tensors(run)
    assert found[tags.PREDICTIONS] == found[tags.EVALUATED_PREDICTIONS] == [8, 16]
    assert list(group(found, tags.CURVES).values()) == [[8, 16]] * 10
    assert list(group(found, tags.WEIGHTS).values()) == [[12, 16]] * 10
    assert list(group(found, tags.GRADIENTS).values()) == [[12, 16]] * 10
    assert (run.path / "projector_config.pbtxt").is_file()


def test_all_that_can_be_left_out_is_left_out(train: Train) -> None:
    off = {"histograms": "none", "pr_curves": False, "projector": False, "system": False}
    run = run_of(train(logging={"pictures_every": 0, **off}))
    found = tensors(run)
    assert not [tag for tag in found if tag.startswith((tags.WEIGHTS, tags.GRADIENTS, tags.CURVES))]
    assert group(found, "pictures/").keys() == {tags.INPUTS}
    assert not [tag for tag in read_scalars(run.path).series if tag.startswith("system/")]
    assert not list(run.path.glob("projector*"))


def test_early_stopping_ends_the_run_and_says_why(train: Train) -> None:
    stopping = {"metric": "loss/val", "patience": 1, "min_delta": 100.0}
    run = run_of(train(training={"epochs": 50, "early_stopping": stopping}))
    record = index.record(run)
    assert (record.state, record.step) == ("finished", 8)
    assert "early stopping: loss/val" in run.log_file.read_text()
    assert run.manifest().kept[-1].step == 8


def test_a_loss_that_is_no_number_fails_the_run_and_not_the_next(train: Train) -> None:
    outcomes = train(model={"backbone": "small_cnn"}, matrix={"optimizer.lr": [1000, 0.01]})
    first, second = (index.record(run_of(outcomes, member)) for member in (0, 1))
    assert "the training loss is" in str(outcomes[0].failure)
    assert first.state == "failed"
    assert first.cause is not None
    assert "the training loss is" in first.cause
    assert "optimizer.lr" in first.cause
    assert second.state == "finished"


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_at_the_next_step_with_the_state_saved(
    train: Train, signum: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(3, monkeypatch, signum)
    seen: list[Live] = []
    with pytest.raises(Stopped, match="stopped at step 3 of 8") as stopped:
        train(watch=seen.append)
    assert stopped.value.exit_code == code
    run = seen[0].run
    assert run is not None
    record = index.record(run)
    assert (record.state, record.cause) == ("stopped", signal.strsignal(signum))
    assert record.step == 3
    assert run.manifest().kept[-1].step == 3


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch, signum: int = signal.SIGTERM) -> None:
    """Let the loop see a signal after optimizer step `step`, once."""
    take, done = loop._step, False

    def interrupted(task: Task, state: State, *args: Any, **options: Any) -> Any:
        nonlocal done
        result = take(task, state, *args, **options)
        if state.step == step and not done:
            done = True
            os.kill(os.getpid(), signum)
        return result

    monkeypatch.setattr(loop, "_step", interrupted)


@pytest.mark.parametrize("step", [1, 3, 4, 5, 7])
def test_a_run_stopped_and_resumed_equals_one_never_stopped(
    train: Train, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = {
        "mixup_alpha": 0.2,
        "early_stopping": {"metric": "loss/val", "patience": 9},
    }
    whole = run_of(train(training=training))
    interrupt_at(step, monkeypatch)
    with pytest.raises(Stopped):
        train(again=True, training=training)
    resumed = Run(whole.path.with_name("s0.2"))
    torch.manual_seed(123)
    [job] = jobs_of(Path(resumed.id), whole.path.parents[2], resume=True)
    here.execute(
        choose([job], "resume"),
        root=whole.path.parents[2],
        argv=[],
        watch=lambda _: None,
        say=lambda _: None,
    )
    assert resumed.state() == "finished"
    assert curves(resumed) == curves(whole)
    assert noted(resumed) == noted(whole)
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(resumed)[name]), name
    assert len(json.loads(resumed.provenance_file.read_text())["resumed"]) == 1


def test_a_signal_while_data_is_prepared_stops_at_once_and_makes_nothing(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("went on")

    monkeypatch.setattr(here, "build_data", interrupted)
    with pytest.raises(Stopped, match="before training began") as stopped:
        train()
    assert stopped.value.exit_code == 143
    assert not (tmp_path / "runs").exists()


def test_more_in_a_batch_than_there_are_pictures_is_refused_before_anything_is_made(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.runner.len", lambda _: 1, raising=False)
    with pytest.raises(UsageError, match=r"training.batch_size is 32, but shapes has 1"):
        train()
    assert not (tmp_path / "runs").exists()


def test_an_experiment_saved_with_a_run_is_the_same_experiment(train: Train) -> None:
    outcome = train()[0]
    assert outcome.run is not None
    assert load(outcome.run.experiment_file) == [outcome.experiment]


@pytest.mark.slow
def test_it_learns(train: Train) -> None:
    run = run_of(
        train(
            data={"train_size": 1500, "val_size": 300, "augment": []},
            model={"backbone": "small_cnn"},
            optimizer={"name": "adam", "lr": 0.001},
            training={"epochs": 8, "ema_decay": None},
        )
    )
    accuracy = index.record(run).metrics[tags.ACCURACY_VAL]
    assert accuracy.last is not None
    assert not math.isnan(accuracy.last)
    assert accuracy.last > 0.3  # chance is 0.1
    losses = np.array(curves(run)[tags.LOSS_TRAIN][1])
    assert losses[-5:].mean() < losses[:5].mean()
