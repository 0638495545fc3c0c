"""What is to run is settled before anything is made: by name, by state, by what was asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Busy, Damaged, NoSuchRun, RunFailed, SpecError, UsageError
from tracker.launch import plan
from tracker.spec.load import from_document, load
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.files import write_json
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run
from tracker.store.summary import Summary

FACTS = provenance.collect(None, ["tracker"], patch=False)
SPEC = {"name": "e", "matrix": {"model.backbone": ["resnet18", "resnet34"]}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def jobs(tmp_path: Path, root: Path) -> Callable[..., list[plan.Job]]:
    def make(**changes: Any) -> list[plan.Job]:
        path = tmp_path / "e.json"
        path.write_text(json.dumps(SPEC | changes))
        return plan.jobs_of(path, root)

    return make


def begun(root: Path, job: plan.Job, *, failed: bool = False) -> Run:
    with ActiveRun.create(root, job.experiment, FACTS) as active:
        if failed:
            active.fail("no luck")
    return active.run


def test_what_does_not_exist_yet_is_new(jobs: Callable[..., list[plan.Job]]) -> None:
    assert [job.how for job in plan.choose(jobs())] == ["new", "new"]


def test_what_exists_is_refused_by_name_and_state(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    begun(root, jobs()[0])
    begun(root, jobs()[1], failed=True)
    with pytest.raises(Busy) as refused:
        plan.choose(jobs())
    message = str(refused.value)
    assert "2 of these runs exist already" in message
    assert "e/resnet18/s0 (finished)" in message
    assert "e/resnet34/s0 (failed)" in message
    assert all(flag in message for flag in ("--resume", "--again", "--skip-finished"))


def test_skipping_what_is_finished_leaves_the_rest(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    begun(root, jobs()[0])
    [left] = plan.choose(jobs(), "skip_finished")
    assert left.experiment.variant == "resnet34"
    begun(root, jobs()[1], failed=True)
    with pytest.raises(Busy, match="e/resnet34/s0"):
        plan.choose(jobs(), "skip_finished")


def test_again_runs_beside(jobs: Callable[..., list[plan.Job]], root: Path) -> None:
    begun(root, jobs()[0])
    again, new = plan.choose(jobs(), "again")
    assert (again.how, new.how) == ("again", "new")
    with again.open(root, FACTS) as active:
        assert active.run.path.name == "s0.2"


def test_resuming_takes_up_what_did_not_finish_begins_what_is_not_there(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    begun(root, jobs()[0], failed=True)
    first, second = plan.choose(jobs(), "resume")
    assert (first.how, second.how) == ("resume", "new")
    with first.open(root, FACTS) as active:
        assert active.run.path.name == "s0"
        assert active.run.state() == "running"
        assert active.run.status().cause is None
    assert plan.choose(jobs(), "resume") == [second]


def test_a_run_can_be_resumed_by_its_own_name(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    begun(root, jobs()[0], failed=True)
    with ActiveRun.create(root, jobs()[0].experiment, FACTS, again=True) as active:
        active.fail("no luck either")
    [job] = plan.choose(plan.jobs_of(Path("e/resnet18/s0.2"), root, resume=True), "resume")
    assert job.run == active.run
    assert job.experiment == jobs()[0].experiment
    with pytest.raises(NoSuchRun):
        plan.jobs_of(Path("e/resnet50/s0"), root, resume=True)


def test_a_run_that_is_running_is_left_alone(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    with (
        ActiveRun.create(root, jobs()[0].experiment, FACTS),
        pytest.raises(Busy, match=r"is running as process \d+ on "),
    ):
        plan.choose(jobs(), "resume")


def test_a_run_that_was_asked_for_something_else_is_not_resumed(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    begun(root, jobs()[0], failed=True)
    with pytest.raises(UsageError, match=r"training.epochs: was 10, is 12"):
        plan.choose(jobs(training={"epochs": 12}), "resume")
    [longer, _] = plan.choose(jobs(training={"max_steps": 100}), "resume")
    assert longer.how == "resume"


def test_a_run_cut_short_is_not_finished_for_who_asks_for_more(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    with ActiveRun.create(root, jobs(training={"max_steps": 2})[0].experiment, FACTS) as active:
        active.update(2, 0.1, Summary())
        entry = Entry("step-00000002.pt", 2, "0" * 64)
        active.run.checkpoints.mkdir()
        write_json(active.run.manifest_file, Manifest((entry,)).to_document())
    assert len(plan.choose(jobs(training={"max_steps": 2}), "resume")) == 1
    [more, _] = plan.choose(jobs(), "resume")
    assert more.how == "resume"
    with more.open(root, FACTS):
        pass
    [asked] = load(more.run.experiment_file)
    assert asked == more.experiment


def test_a_damaged_run_is_not_resumed(jobs: Callable[..., list[plan.Job]], root: Path) -> None:
    begun(root, jobs()[0]).status_file.write_text("{")
    with pytest.raises(Damaged, match=r"status\.json is not .*; restore .*, or .* with --again"):
        plan.choose(jobs(), "resume")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, " is missing"),
        ("", " is not the JSON tracker wrote: it is empty"),
        ('{"name": "e"', " is not the JSON tracker wrote: "),
        ("[1]", " holds no JSON object"),
        ('{"name": "e", "seed": -1}', ": seed: "),
        ('{"name": "e", "version": 99}', ": version: "),
        ('{"name": "e", "matrix": {"seed": [0, 1]}}', ": matrix: "),
    ],
)
@pytest.mark.parametrize("failed", [True, False])
@pytest.mark.parametrize("by_name", [True, False])
def test_a_run_whose_question_is_damaged_is_not_resumed(
    jobs: Callable[..., list[plan.Job]],
    root: Path,
    text: str | None,
    fault: str,
    failed: bool,
    by_name: bool,
) -> None:
    run = begun(root, jobs()[0], failed=failed)
    if text is None:
        run.experiment_file.unlink()
    else:
        run.experiment_file.write_text(text)
    with pytest.raises(Damaged) as refused:
        plan.choose(plan.jobs_of(Path(run.id), root, resume=True) if by_name else jobs(), "resume")
    said = str(refused.value)
    assert said.startswith(f"{run.experiment_file}{fault}")
    assert said.endswith("; restore it from a copy, or start anew with --again")
    assert "\n" not in said


@pytest.mark.parametrize("text", ["{", "[]", '{"resumed": 5}', '{"resumed": {}}'])
def test_a_run_whose_circumstances_are_damaged_is_not_resumed(
    jobs: Callable[..., list[plan.Job]], root: Path, text: str
) -> None:
    run = begun(root, jobs()[0], failed=True)
    run.provenance_file.write_text(text)
    before = run.status_file.read_bytes()
    with pytest.raises(Damaged, match=r"provenance\.json is not .*; restore .* with --again"):
        plan.choose(jobs(), "resume")[0].open(root, FACTS)
    assert (run.state(), run.status_file.read_bytes()) == ("failed", before)


def test_a_mistake_on_the_command_line_is_none_of_the_run_s_file(
    jobs: Callable[..., list[plan.Job]], root: Path
) -> None:
    run = begun(root, jobs()[0], failed=True)
    with pytest.raises(SpecError, match=r"optimizer\.lr"):
        plan.jobs_of(Path(run.id), root, overrides=["optimizer.lr=-1"], resume=True)


def test_two_specs_that_ask_for_one_run_are_refused(
    jobs: Callable[..., list[plan.Job]],
) -> None:
    with pytest.raises(UsageError, match=r"the same run twice: e/resnet18/s0"):
        plan.choose([*jobs(), *jobs()])


def test_how_a_failed_run_ended_does_not_outlive_its_resumption(root: Path) -> None:
    experiment = from_document({"name": "e"})
    with (
        pytest.raises(RunFailed),
        ActiveRun.create(root, experiment, FACTS) as active,
    ):
        raise RunFailed("the loss is nan")
    assert active.run.status().cause == "the loss is nan"
    with ActiveRun.reopen(active.run, FACTS):
        pass
    status = active.run.status()
    assert (status.state, status.cause, status.signal) == ("finished", None, None)
