"""What a run writes to is its own file or folder, or it is refused."""

import os
from pathlib import Path

import pytest

from tracker.errors import Damaged
from tracker.owned import own, own_folder, set_aside, strange


def test_a_file_is_made_and_then_added_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in ("one\n", "two\n"):
        with open(path, "a", opener=own) as file:
            file.write(text)
    assert path.read_text() == "one\ntwo\n"
    assert strange(path) is None
    assert strange(tmp_path / "none") is None


@pytest.mark.parametrize("mode", ["ab", "r+b", "rb"])
@pytest.mark.parametrize("what", ["a link", "a dangling link", "a pipe", "a folder", "a device"])
def test_anything_else_is_refused_at_once_and_left_as_it_is(
    tmp_path: Path, mode: str, what: str
) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    if what == "a link":
        other.write_text("not ours")
    match what:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a device":
            path = Path(os.devnull)
        case _:
            path.symlink_to(other)
    with pytest.raises(Damaged, match="is a link to" if "link" in what else "is no regular file"):
        open(path, mode, opener=own)  # noqa: SIM115 - it must not open
    assert other.exists() == (what == "a link")
    assert not other.exists() or other.read_text() == "not ours"


def test_what_the_disk_refuses_is_the_disk_s(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        own(tmp_path / "none", os.O_RDWR)


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    own_folder(tmp_path / "a")
    own_folder(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(Damaged, match="is a link to"):
        own_folder(tmp_path / "link")
    (tmp_path / "file").touch()
    assert strange(tmp_path / "file", folder=True) == "is no folder"


def test_nothing_set_aside_takes_the_place_of_another(tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    for text in ("first", "second"):
        (tmp_path / "x").write_text(text)
        place = set_aside(tmp_path / "x", lost, "x")
        assert place.read_text() == text
    assert sorted(path.name for path in lost.iterdir()) == ["001-x", "002-x"]
