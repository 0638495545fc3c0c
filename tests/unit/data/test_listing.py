"""What is found in folders, what is left out aloud, and what is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import PIL
import pytest
import torch

from tracker.data.dataset import balanced_subset
from tracker.data.listing import Listing, key, listings
from tracker.errors import Unavailable

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make empty files of these names under one root."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, ns=(1, 1))
        return tmp_path

    return make


PLAIN = ("train/cat/1.jpg", "train/cat/2.PNG", "train/dog/1.jpeg", "val/cat/9.jpg", "val/dog/9.gif")


def listed(root: Path) -> tuple[Listing, Listing]:
    """Where nothing is worth a word."""
    said: list[str] = []
    found = listings(root, said.append)
    assert said == []
    return found


def refused(root: Path) -> str:
    with pytest.raises(Unavailable) as raised:
        listings(root, lambda _: None)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_classes_and_pictures_come_by_name(tree: Tree) -> None:
    root = tree("train/dog/sub/b.jpg", *reversed(PLAIN), "train/dog/a.tiff")

    train, val = listed(root)

    assert train.classes == val.classes == ("cat", "dog")
    assert train.names == ["cat/1.jpg", "cat/2.PNG", "dog/1.jpeg", "dog/a.tiff", "dog/sub/b.jpg"]
    assert train.labels.tolist() == [0, 0, 1, 1, 1]
    assert train.labels.dtype == torch.int64
    assert train.folder == root / "train"
    assert len(val) == 2


def test_val_goes_before_test_and_test_will_do(tree: Tree) -> None:
    root = tree("train/a/1.jpg", "test/a/1.jpg")
    assert listed(root)[1].folder == root / "test"
    tree("val/a/1.jpg")
    assert listed(root)[1].folder == root / "val"


def test_hidden_files_and_folders_are_left_out(tree: Tree) -> None:
    root = tree(*PLAIN, "train/.cache/1.jpg", "train/cat/.1.jpg", "train/.DS_Store")
    assert len(listed(root)[0]) == 3


def test_other_files_are_counted_and_one_is_named(tree: Tree) -> None:
    root = tree(*PLAIN, "train/cat/notes.txt", "train/readme.md", "val/stray.jpg")
    said: list[str] = []

    listings(root, said.append)

    assert said == [
        f"left out 3 files of {root} that are not named like pictures in class folders, "
        "such as train/cat/notes.txt"
    ]


def test_links_are_followed_and_loops_end(tree: Tree) -> None:
    root = tree(*PLAIN, "elsewhere/1.jpg")
    (root / "train" / "cat" / "more").symlink_to(root / "elsewhere")
    (root / "train" / "cat" / "self").symlink_to(root / "train" / "cat")
    assert listed(root)[0].names[:3] == ["cat/1.jpg", "cat/2.PNG", "cat/more/1.jpg"]


def test_a_link_to_nowhere_is_listed_so_that_it_is_refused(tree: Tree) -> None:
    root = tree(*PLAIN)
    (root / "train" / "cat" / "3.jpg").symlink_to("nowhere")
    train, _ = listed(root)
    assert train.names[2] == "cat/3.jpg"
    assert train.stamps[2] == (-1, -1)


@pytest.mark.parametrize("names", [(), ("train/a/1.jpg",), ("val/a/1.jpg",), ("a/1.jpg",)])
def test_missing_folders_are_named_with_an_example(names: tuple[str, ...], tree: Tree) -> None:
    root = tree(*names)
    assert refused(root) == (
        f"no pictures in {root}: there must be a folder train and a folder val (or test), each "
        f"with a folder per class, as in {root}/train/cat/1.jpg and {root}/val/cat/2.jpg; "
        "another place: --set data.root=FOLDER"
    )


def test_classes_that_differ_are_named(tree: Tree) -> None:
    root = tree(*PLAIN, "train/cow/1.jpg", "val/d\x1bog/1.jpg")
    assert refused(root) == (
        "training and validation pictures must be of the same classes: "
        f"only {root}/train has 'cow'; only {root}/val has 'd\\x1bog'"
    )


def test_many_differing_classes_are_counted(tree: Tree) -> None:
    root = tree(*PLAIN, *(f"train/x{i}/1.jpg" for i in range(7)))
    assert refused(root).endswith("has 'x0', 'x1', 'x2', 'x3', 'x4' and 2 more")


def test_a_class_without_pictures_is_refused(tree: Tree) -> None:
    root = tree(*PLAIN, "val/cow/notes.txt")
    assert refused(root).startswith(f"no picture of 'cow' in {root}/val; pictures end in .bmp .gif")


def test_a_split_without_classes_is_refused(tree: Tree) -> None:
    root = tree("train/1.jpg", "val/1.jpg")
    assert (
        refused(root)
        == f"no class folder in {root}/train; there must be some, as in {root}/train/cat"
    )


def test_a_folder_that_may_not_be_listed_is_named(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(*PLAIN)

    def deny(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", deny)
    assert refused(root) == f"cannot list {root}/train: Permission denied"


def test_a_part_is_the_balanced_subset(tree: Tree) -> None:
    train, _ = listed(tree(*PLAIN, *(f"train/dog/{i}.png" for i in range(10, 30))))
    kept = balanced_subset(train.labels, 4)

    part = train.part(4)

    assert part.names == [train.names[place] for place in kept]
    assert part.labels.tolist() == [0, 0, 1, 1]
    assert part.stamps == [train.stamps[place] for place in kept]
    assert train.part(None).names == train.names


def test_classes_can_be_left_out(tree: Tree) -> None:
    train, _ = listed(tree(*PLAIN, "train/owl/3.png", "val/owl/3.png"))

    part = train.of_classes(("owl", "cat"))

    assert part.classes == ("cat", "owl")
    assert [name.split("/")[0] for name in part.names] == ["cat"] * (len(part) - 1) + ["owl"]
    assert part.labels.tolist() == [0] * (len(part) - 1) + [1]
    assert train.of_classes(None).names == train.names


def test_the_key_changes_with_every_change(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(*PLAIN)
    keys = [key(*listed(root))]
    assert key(*listed(root)) == keys[0]

    def note() -> None:
        keys.append(key(*listed(root)))

    os.utime(root / PLAIN[0], ns=(1, 2))
    note()
    (root / PLAIN[0]).write_bytes(b"x")
    os.utime(root / PLAIN[0], ns=(1, 2))
    note()
    (root / PLAIN[0]).rename(root / "train/cat/0.jpg")
    note()
    (root / "val").rename(root / "test")
    note()
    (root / "test/cat/9.jpg").rename(root / "test/cat/8.jpg")
    note()
    monkeypatch.setattr(PIL, "__version__", "0.0")
    note()

    assert len(set(keys)) == 7
    assert all(len(one) == 16 for one in keys)
