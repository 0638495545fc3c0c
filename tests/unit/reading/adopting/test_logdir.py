import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.events.record import frame
from tracker.events.writer import EventWriter
from tracker.reading.adopting.logdir import Skipped, find


def write(folder: Path, *tags: str, steps: int = 2, time: float = 100.0) -> Path:
    with EventWriter(folder, clock=lambda: time) as writer:
        for step in range(steps):
            writer.scalars(step, dict.fromkeys(tags, 0.5))
    return writer.path


def test_what_each_folder_holds(tmp_path: Path) -> None:
    first = write(tmp_path / "a" / "b", "loss", "acc")
    second = write(tmp_path / "a" / "b", "loss", steps=4, time=90.0)
    write(tmp_path / "c", "loss")
    found, skipped = find(tmp_path)
    assert [folder.place for folder in found] == [("a", "b"), ("c",)]
    assert skipped == []
    assert [(file.path, file.size) for file in found[0].files] == [
        (path, path.stat().st_size) for path in (first, second)
    ]
    assert found[0].points == {"acc": 2, "loss": 6}
    assert (found[0].last_step, found[0].started, found[0].writer) == (3, 90.0, None)
    assert found[0].notes == ()


def test_steps_that_go_back_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, "loss")
    path.write_bytes(path.read_bytes() + path.read_bytes())
    [folder], _ = find(tmp_path)
    assert folder.place == ()
    assert folder.notes == ("loss: its steps go back somewhere",)


def test_what_is_no_event_file_says_why_it_is_left_out(tmp_path: Path) -> None:
    for name in ("fifo", "noise", "empty", "mark"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "fifo" / "x.tfevents")
    os.mkfifo(tmp_path / "mark" / "hparams.yaml")
    (tmp_path / "noise" / "x.tfevents").write_bytes(b"x" * 99)
    (tmp_path / "empty" / "x.tfevents").touch()
    write(tmp_path / "mark", steps=0)
    found, skipped = find(tmp_path)
    assert found == []
    assert {one.place: one.reason for one in skipped} == {
        "fifo": "x.tfevents: damaged at byte 0 (not a regular file); taken up to there",
        "noise": "x.tfevents: damaged at byte 0 (wrong checksum of a length); taken up to there",
        "empty": "its event files are empty so far",
        "mark": "its event files are empty so far",
    }


@given(payloads=st.lists(st.binary(max_size=60), max_size=4), tail=st.binary(max_size=30))
def test_no_bytes_raise(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], tail: bytes
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    framed = b"".join(map(frame, payloads))
    (folder / "x.tfevents").write_bytes(framed + tail)
    found, skipped = find(folder)
    assert len(found) + len(skipped) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert find(tmp_path) == ([], [Skipped("closed", "cannot be read: Permission denied")])


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    write(tmp_path / os.fsdecode(b"a\xff\x1b[2J"), "loss")
    [folder], _ = find(tmp_path)
    assert folder.place == ("a\udcff\x1b[2J",)


def test_a_link_to_settings_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: x\n")
    write(tmp_path / "logs" / "a", "loss")
    (tmp_path / "logs" / "a" / "hparams.yaml").symlink_to(tmp_path / "secret.yaml")
    [folder], _ = find(tmp_path / "logs")
    assert folder.settings == {}


def test_a_link_within_is_an_event_file_like_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "loss")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / path.name).symlink_to(path)
    assert [folder.place for folder in find(tmp_path)[0]] == [("a",), ("b",)]
