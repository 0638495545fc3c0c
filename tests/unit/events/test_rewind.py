"""Event files go back to what was committed, and nothing is thrown away."""

from pathlib import Path

import pytest

from tracker.errors import Damaged
from tracker.events.reader import event_files, read_scalars
from tracker.events.rewind import damages, rewind
from tracker.events.writer import EventWriter, truncate


def written(directory: Path, first: int, last: int) -> tuple[Path, int]:
    """Write a file with one point a step; return it and its length."""
    with EventWriter(directory) as writer:
        for step in range(first, last + 1):
            writer.scalars(step, {"loss": step})
        return writer.path, writer.position


def steps(directory: Path) -> list[int]:
    return [int(step) for step in read_scalars(directory).series["loss"].steps]


def test_a_file_is_cut_back_and_one_that_nobody_committed_is_set_aside(tmp_path: Path) -> None:
    path, length = written(tmp_path, 1, 3)
    committed = {path.name: length}
    with path.open("ab") as file:
        file.write(b"half a record")
    stray, _ = written(tmp_path, 5, 6)
    content = stray.read_bytes()
    [aside] = rewind(tmp_path, committed, tmp_path / "lost")
    assert steps(tmp_path) == [1, 2, 3]
    assert aside.read_bytes() == content
    assert event_files(aside.parent) == []  # TensorBoard looks into every folder


def test_doing_it_again_changes_nothing_and_keeps_what_was_set_aside(tmp_path: Path) -> None:
    path, length = written(tmp_path, 1, 3)
    committed = {path.name: length}
    for _ in range(2):
        stray, _ = written(tmp_path, 7, 8)
        rewind(tmp_path, committed, tmp_path / "lost")
        assert not stray.exists()
    assert rewind(tmp_path, committed, tmp_path / "lost") == []
    assert len(list((tmp_path / "lost").iterdir())) == 2
    assert steps(tmp_path) == [1, 2, 3]


def test_without_a_commit_all_is_set_aside(tmp_path: Path) -> None:
    written(tmp_path, 1, 3)
    assert len(rewind(tmp_path, {}, tmp_path / "lost")) == 1
    assert event_files(tmp_path) == []


def test_a_fresh_directory_stays_as_it_is(tmp_path: Path) -> None:
    assert rewind(tmp_path, {}, tmp_path / "lost") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["missing", "short", "elsewhere", "another file"])
def test_what_was_committed_and_is_not_there_is_refused_before_anything_changes(
    tmp_path: Path, damage: str
) -> None:
    (first, length), (second, other) = written(tmp_path, 1, 3), written(tmp_path, 4, 6)
    committed = {first.name: length - 1, second.name: other}
    if damage == "missing":
        second.unlink()
    elif damage == "short":
        committed[second.name] += 1
    elif damage == "another file":
        committed["experiment.json"] = 0
        (tmp_path / "experiment.json").write_text("{}")
    else:
        committed["../outside"] = 0
        (tmp_path.parent / "outside").touch()
    with pytest.raises(Damaged, match="committed and are not there"):
        rewind(tmp_path, committed, tmp_path / "lost")
    assert first.stat().st_size == length


def test_a_link_is_refused_before_anything_changes(tmp_path: Path) -> None:
    (first, length), (second, other) = written(tmp_path, 1, 3), written(tmp_path, 4, 6)
    place = second.rename(tmp_path / "elsewhere")
    second.symlink_to(place)
    committed = {first.name: length - 1, second.name: other - 1}
    with pytest.raises(Damaged, match=f"{second.name} is a link to {place}"):
        rewind(tmp_path, committed, tmp_path / "lost")
    assert (first.stat().st_size, place.stat().st_size) == (length, other)
    with pytest.raises(Damaged, match="is a link to"):
        truncate(second, 0)
    assert place.stat().st_size == other


def test_damage_is_told_with_the_byte_it_begins_at(tmp_path: Path) -> None:
    (first, length), (second, other) = written(tmp_path, 1, 3), written(tmp_path, 4, 6)
    committed = {first.name: length, second.name: other - 1}
    assert list(damages(tmp_path, {first.name: length})) == []
    data = bytearray(first.read_bytes())
    data[length - 6] ^= 1
    first.write_bytes(data)
    truncate(second, other - 1)
    offsets = [(length, "wrong checksum of a payload"), (other, "half a record")]
    told = list(damages(tmp_path, committed))
    assert len(told) == 2
    for line, (end, reason) in zip(told, offsets, strict=True):
        start = int(line.partition("from byte ")[2].partition(" on")[0].replace(",", ""))
        assert 0 < start < end
        assert line.endswith(f"({reason})")
