"""Every file of a run that carries a proof is held to it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.events.record import frame
from tracker.events.writer import EventWriter
from tracker.reading.checkup import verify
from tracker.reading.checkup.finding import Finding
from tracker.store.files import link_atomic, write_json
from tracker.store.lock import Lock
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run
from tracker.store.status import utc_now


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> Run:
    """A finished run with two checkpoints, the newer of which knows how long the events are."""
    run = make_run(tmp_path)
    run.checkpoints.mkdir()
    lengths = {path.name: path.stat().st_size for path in run.path.glob("*tfevents*")}
    entries = []
    for step, events in ((10, {}), (20, lengths)):
        data = bytes([step]) * 1000
        entry = Entry(f"step-{step:08d}.pt", step, hashlib.sha256(data).hexdigest(), events)
        (run.checkpoints / entry.file).write_bytes(data)
        entries.append(entry)
    write_json(run.manifest_file, Manifest(tuple(entries), entries[0]).to_document())
    link_atomic(run.last_checkpoint, entries[1].file)
    link_atomic(run.best_checkpoint, entries[0].file)
    return run


def look(run: Run) -> list[Finding]:
    return list(verify.check(run, utc_now()))


def wrong(run: Run) -> list[tuple[str, str, str]]:
    """What is not ok: its level, its name in the run, what is said."""
    return [
        (one.level, one.subject.removeprefix(f"{run.id}/"), f"{one.words}; {one.remedy}")
        for one in look(run)
        if one.level != "ok"
    ]


def events_of(run: Run) -> Path:
    [path] = run.path.glob("*tfevents*")
    return path


def crash(run: Run) -> None:
    document = json.loads(run.status_file.read_text())
    run.status_file.write_text(json.dumps({**document, "state": "running", "ended": None}))


def test_a_sound_run_is_all_ok(run: Run) -> None:
    found = look(run)
    assert {one.level for one in found} == {"ok"}
    assert [one.subject.removeprefix(f"{run.id}/") for one in found] == [
        "experiment.json",
        "provenance.json",
        "status.json",
        "summary.json",
        "checkpoints/step-00000010.pt",
        "checkpoints/step-00000020.pt",
        events_of(run).name,
    ]
    size = events_of(run).stat().st_size
    assert found[-1].words == f"4 records in {size:,} bytes"


@pytest.mark.parametrize("name", ["experiment", "provenance", "status", "summary", "manifest"])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 99}'])
def test_json_that_is_not_ours_is_a_problem(run: Run, name: str, text: str) -> None:
    path = getattr(run, f"{name}_file")
    path.write_text(text)
    level, _, words = next(one for one in wrong(run) if one[1].endswith(path.name))
    assert level == "problem"
    assert path.name in words
    assert "copy" in words


def test_a_missing_document_is_a_problem(run: Run) -> None:
    run.provenance_file.unlink()
    [(level, subject, words)] = wrong(run)
    assert (level, subject, "is missing" in words) == ("problem", "provenance.json", True)


def test_a_changed_byte_of_a_checkpoint_is_a_problem(run: Run) -> None:
    path = run.checkpoints / "step-00000020.pt"
    path.write_bytes(b"x" + path.read_bytes()[1:])
    assert wrong(run) == [
        (
            "problem",
            "checkpoints/step-00000020.pt",
            "not the bytes that were saved (sha256 differs); "
            "restore it from a copy, or let --resume go on from step 10",
        )
    ]
    (run.checkpoints / "step-00000010.pt").unlink()
    assert [one[1:2] for one in wrong(run)] == [
        ("checkpoints/step-00000010.pt",),
        ("checkpoints/step-00000020.pt",),
    ]


def test_a_pipe_for_a_checkpoint_keeps_nobody_waiting(run: Run) -> None:
    path = run.checkpoints / "step-00000010.pt"
    path.unlink()
    os.mkfifo(path)
    [(level, _, words)] = wrong(run)
    assert (level, "is missing" in words) == ("problem", True)


def test_links_that_lead_elsewhere_are_told(run: Run) -> None:
    link_atomic(run.last_checkpoint, "step-00000010.pt")
    [(level, subject, words)] = wrong(run)
    assert (level, subject) == ("warning", "checkpoints/last.pt")
    assert "step-00000020.pt" in words


def test_every_flipped_bit_of_an_event_file_is_found(run: Run) -> None:
    path = events_of(run)
    sound = path.read_bytes()
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        [(level, _, words)] = wrong(run)
        assert level == "problem", place
        assert "bytes were committed" in words


def test_every_truncation_of_what_was_committed_is_found(run: Run) -> None:
    path = events_of(run)
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        [(level, _, words)] = wrong(run)
        assert (level, "were committed" in words) == ("problem", True), length


def test_a_crashed_run_may_have_more_than_was_committed(run: Run) -> None:
    crash(run)
    path = events_of(run)
    sound = path.read_bytes()
    for tail in (frame(b"")[:-1], b"garbage, and more of it"):
        path.write_bytes(sound + tail)
        [(level, _, words)] = wrong(run)
        assert level == "warning"
        assert "--resume cuts it back" in words


def test_a_finished_run_ends_with_a_record(run: Run) -> None:
    with events_of(run).open("ab") as file:
        file.write(b"torn")
    [(level, _, words)] = wrong(run)
    assert (level, "then 4 of a record" in words) == ("problem", True)


def test_a_run_being_written_may_be_in_the_middle_of_a_record(run: Run) -> None:
    crash(run)
    with events_of(run).open("ab") as file:
        file.write(b"torn")
    (run.path / ".status.json.1-00000000.tmp").touch()
    lock = Lock(run.lock_file)
    assert wrong(run) == []
    lock.release()
    assert len(wrong(run)) == 2


def test_a_missing_event_file_is_a_problem(run: Run) -> None:
    path = events_of(run)
    path.unlink()
    assert [one[:2] for one in wrong(run)] == [("problem", path.name)]


def test_steps_that_go_back_are_told(run: Run) -> None:
    with EventWriter(run.path) as writer:
        writer.scalars(5, {"loss/val": 1.0})
    [(level, _, words)] = wrong(run)
    assert (level, words.startswith("loss/val: its steps go back")) == ("warning", True)


def test_leftovers_are_told(run: Run) -> None:
    (run.path / ".status.json.1-00000000.tmp").touch()
    assert [(level, words) for level, _, words in wrong(run)] == [
        ("warning", "left by a kill; `tracker gc` deletes it")
    ]


def test_a_run_that_had_none_to_save_yet_is_sound(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    run = make_run(tmp_path, seed=1)
    crash(run)
    document = json.loads(run.status_file.read_text())
    run.status_file.write_text(json.dumps({**document, "epoch": 0.5}))
    assert wrong(run) == []


def test_a_run_that_finished_without_a_checkpoint_has_lost_them(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    [(level, name, words)] = wrong(make_run(tmp_path, seed=1))
    assert (level, name) == ("problem", "checkpoints/manifest.json")
    assert "is missing: of a run that finished, no checkpoint is left" in words


def test_a_run_that_went_on_for_long_without_a_checkpoint_has_lost_them(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    run = make_run(tmp_path, seed=1)
    document = json.loads(run.status_file.read_text())
    for epoch, problems in ((2.0, 0), (2.5, 1)):
        changes = {"state": "stopped", "epoch": epoch}
        run.status_file.write_text(json.dumps({**document, **changes}))
        found = wrong(run)
        assert len(found) == problems
    assert "is missing, though a checkpoint was due by epoch 2; " in found[0][2]


@pytest.mark.parametrize("text", [None, '{"schema_version": 1, "kept": [], "best": null}'])
def test_a_manifest_lost_is_a_problem(run: Run, text: str | None) -> None:
    run.manifest_file.unlink()
    if text:
        run.manifest_file.write_text(text)
    crash(run)
    [(level, name, words)] = wrong(run)
    assert (level, name) == ("problem", "checkpoints/manifest.json")
    assert "names none of the checkpoints that were saved (2 are beside it)" in words


@pytest.mark.parametrize("name", [".lock", "log.txt", "checkpoints", "lost", "events"])
def test_a_link_in_place_of_what_a_run_writes_to_is_a_problem(
    run: Run, tmp_path: Path, name: str
) -> None:
    path = events_of(run) if name == "events" else run.path / name
    place = tmp_path / "elsewhere"
    if path.exists():
        path.rename(place)
    path.symlink_to(place)
    [(level, subject, words)] = wrong(run)
    assert (level, subject) == ("problem", path.name)
    assert words == (
        f"is a link to {place}: a run writes to its own files alone, so --resume refuses it; put "
        "what it leads to in its place, or delete it"
    )


def test_a_pipe_in_place_of_what_a_run_writes_to_is_a_problem(run: Run) -> None:
    os.mkfifo(run.log_file)
    [(level, name, words)] = wrong(run)
    assert (level, name) == ("problem", "log.txt")
    assert words.startswith("is no regular file: ")
