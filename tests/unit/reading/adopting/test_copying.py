from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tracker.errors import Unavailable
from tracker.events.reader import read_scalars
from tracker.events.record import frame
from tracker.reading.adopting import copying
from tracker.reading.adopting.copying import copy, has_kept, renamed
from tracker.store.imported import Copied


def records(first: int, last: int) -> bytes:
    values = [Summary.Value(tag=tag, simple_value=first) for tag in ("a", "_plugin")]
    return b"".join(
        frame(Event(step=step, summary=Summary(value=values)).SerializeToString())
        for step in range(first, last)
    )


def fresh(suffix: str = "") -> Copied:
    return Copied(name="x.tfevents", source="x", suffix=suffix, taken=0, sha256="", size=0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(records(0, 5))
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.tfevents"


@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
@pytest.mark.parametrize("suffix", ["", "train"])
def test_in_parts_as_at_once(
    source: Path,
    target: Path,
    tmp_path: Path,
    chunk: int,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tracker.events.record._CHUNK", chunk)
    whole = records(0, 9)
    copied = fresh(suffix)
    for size in (0, 10, 60, 61, len(whole) - 1, len(whole)):
        source.write_bytes(whole[:size])
        assert has_kept(source, copied) or not copied.taken
        copied = copy(source, target, copied)
        assert copied.size == target.stat().st_size
        assert has_kept(source, copied)
    at_once = copy(source, tmp_path / "at_once.tfevents", fresh(suffix))
    assert at_once == copied
    assert (tmp_path / "at_once.tfevents").read_bytes() == target.read_bytes()
    assert copied.taken == len(whole)
    tag = "a/train" if suffix else "a"
    assert read_scalars(target).series[tag].steps.tolist() == list(range(9))
    assert "_plugin" in read_scalars(target).series
    if not suffix:
        assert target.read_bytes() == whole


def test_what_a_killed_copy_left_is_dropped(source: Path, target: Path) -> None:
    copied = copy(source, target, fresh())
    with target.open("ab") as file:
        file.write(b"half a rec")
    source.write_bytes(records(0, 6))
    copied = copy(source, target, copied)
    assert target.read_bytes() == records(0, 6)


def test_a_copy_that_lost_bytes_is_made_anew(source: Path, target: Path) -> None:
    copied = copy(source, target, fresh())
    target.write_bytes(b"")
    assert copy(source, target, copied) == copied
    assert target.read_bytes() == source.read_bytes()


def test_nothing_after_damage_is_taken(source: Path, target: Path) -> None:
    data = bytearray(records(0, 5))
    data[-3] ^= 1
    source.write_bytes(data)
    copied = copy(source, target, fresh())
    assert target.read_bytes() == records(0, 4)
    assert copied.taken == copied.size == len(records(0, 4))
    assert copy(source, target, copied) == copied


def test_a_changed_or_shortened_original_is_noticed(source: Path, target: Path) -> None:
    copied = copy(source, target, fresh())
    data = bytearray(source.read_bytes())
    source.write_bytes(data[:-1])
    assert not has_kept(source, copied)
    data[20] ^= 1
    source.write_bytes(data)
    assert not has_kept(source, copied)


def test_a_record_that_is_no_event_stays_as_it_is(source: Path, target: Path) -> None:
    source.write_bytes(frame(b"\xff"))
    copy(source, target, fresh("train"))
    assert target.read_bytes() == frame(b"\xff")


def test_an_original_that_is_gone(source: Path, target: Path) -> None:
    copied = copy(source, target, fresh())
    source.unlink()
    with pytest.raises(Unavailable, match=r"cannot read .*source: not found"):
        has_kept(source, copied)


def test_a_disk_that_refuses(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying, "_write_all", refuse)
    with pytest.raises(Unavailable, match=r"cannot write .*target\.tfevents: disk full"):
        copy(source, target, fresh())


@pytest.mark.parametrize(
    ("tag", "suffix", "name"),
    [
        ("loss", "", "loss"),
        ("loss", "train", "loss/train"),
        ("hparam/acc", "hparam", "hparam/acc"),
        ("acc", "hparam", "acc/hparam"),
        ("hparam/acc", "train", "hparam/acc/train"),
        ("_hparams_/session_start_info", "train", "_hparams_/session_start_info"),
    ],
)
def test_how_tags_are_kept_apart(tag: str, suffix: str, name: str) -> None:
    assert renamed(tag, suffix) == name
