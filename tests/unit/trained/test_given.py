"""What a person may name to score a run on."""

import json
from pathlib import Path

import pytest
import torch

from tests.trained import draw
from tracker.errors import Damaged, Unavailable, UsageError
from tracker.trained.given import Given, given, matched
from tracker.trained.network import Network


def ask(network: Network, data: str | Path | None) -> Given:
    return given(network, None if data is None else str(data), lambda _: None)


def all_of(data: Given, size: int) -> torch.Tensor:
    return torch.cat(list(data.batches(size)))


def test_the_run_s_own_and_the_folder_are_the_same_pictures(
    network: Network, pictures: Path
) -> None:
    own = ask(network, None)
    assert own.digest == getattr(network.run.summary().data, "digest")  # noqa: B009 (may be None)
    assert own.what == "the validation pictures of marks/resnet9/s0"
    for folder in (pictures, pictures / "val"):
        same = ask(network, folder)
        assert same.what == f"the pictures in {pictures / 'val'}"
        assert (same.classes, same.digest, same.side) == (own.classes, None, own.side)
        assert torch.equal(same.labels, own.labels)
        assert torch.equal(all_of(same, 5), all_of(own, 7))


def test_the_run_s_own_pictures_may_be_gone(
    network: Network, pictures: Path, tmp_path: Path
) -> None:
    pictures.rename(tmp_path / "elsewhere")
    try:
        with pytest.raises(Unavailable, match=r"judged on are not there .*name others with --data"):
            ask(network, None)
    finally:
        (tmp_path / "elsewhere").rename(pictures)


def test_an_experiment_s_validation_pictures(
    network: Network, pictures: Path, tmp_path: Path
) -> None:
    data = {"name": "image_folder", "root": str(pictures), "image_size": 64, "val_size": 4}
    spec = tmp_path / "other.json"
    spec.write_text(json.dumps({"name": "other", "data": data}))
    found = ask(network, spec)
    assert len(found.labels) == 4
    assert all_of(found, 3).shape == (4, 3, 24, 24), "as the run cut its own, not as the file says"


def test_a_file_that_asks_for_two_sets_is_refused(network: Network, tmp_path: Path) -> None:
    spec = tmp_path / "two.json"
    spec.write_text(json.dumps({"name": "two", "matrix": {"data.val_size": [10, 20]}}))
    with pytest.raises(UsageError, match="asks for 2 different data sets"):
        ask(network, spec)


def test_a_data_set_by_name_is_brought_to_the_network_s_size(network: Network) -> None:
    found = ask(network, "shapes")
    assert found.classes[:2] == ("circle", "crescent")
    assert next(found.batches(4)).shape == (4, 3, 32, 32)
    assert found.side == 32
    assert network.prepared(next(found.batches(4))).shape == (4, 3, 24, 24)


def test_classes_are_matched_by_name() -> None:
    assert matched(("c", "a"), ("a", "b", "c")).tolist() == [2, 0]


def test_a_class_that_was_never_learned_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        matched(("cat", "dgo", "\x1b"), ("cat", "dog"))
    words = str(caught.value)
    assert "'dgo', '\\x1b', which the run never learned ('dgo': did you mean 'dog'?). It" in words
    assert "tells apart 'cat', 'dog'" in words


def test_nothing_of_that_name(network: Network, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such folder, experiment file or data set; did you m"):
        ask(network, "shape")
    (tmp_path / "loose.png").touch()
    with pytest.raises(UsageError, match=r"loose\.png is one picture: name a folder with a folder"):
        ask(network, tmp_path / "loose.png")
    with pytest.raises(Unavailable, match=r"^--data : there is no such folder"):
        ask(network, "")
    with pytest.raises(Unavailable, match=r"there must be a folder per class, as in .*/bars/1\.jp"):
        ask(network, tmp_path)


def test_pictures_that_cannot_be_read_are_counted_and_named(
    network: Network, tmp_path: Path
) -> None:
    draw(tmp_path, count=3)
    (tmp_path / "bars" / "x.png").write_text("words")
    (tmp_path / "discs" / "y.png").write_text("words")
    (tmp_path / "discs" / "notes.txt").write_text("words")
    said: list[str] = []
    found = given(network, str(tmp_path), said.append)
    assert said == [f"left out, not being named like pictures: 1 in {tmp_path}"]
    with pytest.raises(Damaged, match=r"2 of 8 pictures cannot be read: .*/bars/x\.png \(no pic"):
        all_of(found, 3)
