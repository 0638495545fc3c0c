"""Which pictures are meant, and what becomes of those that cannot be read."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tracker.errors import Unavailable
from tracker.trained.pictures import below, decoded, found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b/2.PNG",
        "b/1.jpg",
        "a.gif",
        "notes.txt",
        ".hidden.png",
        ".git/x.png",
        "b/c/d.webp",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def test_folders_are_walked_by_name_and_files_taken_as_they_are(folder: Path) -> None:
    said: list[str] = []
    names = [folder / "notes.txt", folder, folder / "a.gif"]
    pictures = [str(path.relative_to(folder)) for path in found(names, said.append)]
    assert pictures == ["notes.txt", "a.gif", "b/1.jpg", "b/2.PNG", "b/c/d.webp", "a.gif"]
    assert said == [f"left out, not being named like pictures: {folder}/notes.txt"]


def test_a_folder_met_again_is_entered_once(folder: Path) -> None:
    (folder / "b" / "up").symlink_to(folder)
    (folder / "twin").symlink_to(folder / "b")
    names = [path.name for path in below(folder)]
    assert sorted(names) == ["1.jpg", "2.PNG", "a.gif", "d.webp", "notes.txt"]


def test_a_link_to_nowhere_is_a_picture_that_cannot_be_read(folder: Path) -> None:
    (folder / "lost.png").symlink_to(folder / "gone")
    assert found([folder / "lost.png"], print) == [folder / "lost.png"]


def test_what_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(Unavailable, match=r"there is no file or folder x\\x1b, y, z and 1 more"):
        found([folder, Path("x\x1b"), Path("y"), Path("z"), Path("w")], print)


def test_folders_without_a_picture_are_said(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(Unavailable, match=r"no pictures in .*/empty; pictures end in \.bmp \.gif"):
        found([folder / "empty"], print)


def shade(path: Path) -> npt.NDArray[np.uint8]:
    if path.stem == "bad":
        raise OSError("image file is truncated")
    return np.full((3, 2, 2), int(path.stem), np.uint8)


def test_batches_hold_what_could_be_read_in_order() -> None:
    names = [Path(name) for name in ("0", "bad", "1", "2", "bad", "bad", "3")]
    faults: list[tuple[Path, str]] = []
    batches = list(decoded(names, shade, 2, lambda path, why: faults.append((path, why))))
    assert [[path.name for path in one.paths] for one in batches] == [["0"], ["1", "2"], ["3"]]
    assert [one.images[:, 0, 0, 0].tolist() for one in batches] == [[0], [1, 2], [3]]
    assert batches[1].images.dtype == torch.uint8
    assert faults == [(Path("bad"), "image file is truncated")] * 3
    assert list(decoded([], shade, 2, lambda *_: None)) == []


def test_memory_that_ran_out_is_no_fault_of_the_picture() -> None:
    def greedy(path: Path) -> npt.NDArray[np.uint8]:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(decoded([Path("x")], greedy, 2, lambda *_: None))


def test_pillow_s_warnings_are_kept_to_itself(tmp_path: Path) -> None:
    Image.new("P", (9, 9)).save(tmp_path / "x.png", transparency=b"\0" * 9)  # it warns of bytes

    def turned(path: Path) -> npt.NDArray[np.uint8]:
        with Image.open(path) as picture:
            return np.moveaxis(np.asarray(picture.convert("RGB").resize((2, 2))), 2, 0)

    [batch] = decoded([tmp_path / "x.png"], turned, 1, lambda *_: None)
    assert len(batch.paths) == 1
