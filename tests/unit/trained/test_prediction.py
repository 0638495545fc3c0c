"""What is said of pictures: the classes, the order, the numbers."""

from pathlib import Path

import pytest
import torch

from tracker.trained.network import Network
from tracker.trained.prediction import Prediction, predict


@pytest.fixture
def files(pictures: Path) -> list[Path]:
    return sorted((pictures / "val").rglob("*.*"))


def asked(network: Network, files: list[Path], topk: int = 5) -> list[Prediction]:
    found = predict(network, files, topk=topk, batch_size=7)
    assert (found.faults, found.images) == ([], [])
    return list(found.pictures)


def test_probabilities_are_the_softmax_of_the_network(network: Network, files: list[Path]) -> None:
    predictions = asked(network, files)
    assert [one.path for one in predictions] == files
    with torch.inference_mode():
        scores = network.model(network.preprocess(*files)).softmax(1)
    for one, row in zip(predictions, scores, strict=True):
        assert [guess.name for guess in one.guesses] == [
            network.classes[at] for at in row.argsort(descending=True)
        ]
        for guess in one.guesses:
            assert network.classes[guess.index] == guess.name
            assert guess.probability == pytest.approx(row[guess.index].item(), abs=1e-6)
        assert sum(guess.probability for guess in one.guesses) == pytest.approx(1)


def test_no_more_classes_are_named_than_asked_for(network: Network, files: list[Path]) -> None:
    [first, *_] = asked(network, files, topk=1)
    assert len(first.guesses) == 1
    assert first.guesses[0].probability >= 0.5


def test_the_same_batches_give_the_same_bits(network: Network, files: list[Path]) -> None:
    first, second = ([one.guesses for one in asked(network, files)] for _ in range(2))
    assert first == second


def test_faults_do_not_disturb_the_rest(network: Network, files: list[Path]) -> None:
    told: list[Path] = []
    done: list[int] = []
    mixed = [files[0], Path("gone.png"), *files[1:4]]
    found = predict(
        network,
        mixed,
        topk=2,
        batch_size=2,
        keep=3,
        faulty=lambda path, why: told.append(path),
        advance=done.append,
    )
    assert done == [1, 2, 1]
    assert [one.path for one in found.pictures] == files[:4]
    assert told == [Path("gone.png")]
    assert found.to_document()["faults"] == [
        {"path": "gone.png", "reason": "not a file, or a link to nowhere"}
    ]
    assert len(found.images) == 3
    for file, image in zip(files, found.images, strict=False):
        assert image.tolist() == network.decode(file).tolist()


def test_the_document_has_every_guess(network: Network, files: list[Path]) -> None:
    [one] = asked(network, files[:1])
    document = one.to_document()
    assert document["path"] == str(files[0])
    assert {each["class"] for each in document["guesses"]} == {"bars", "discs"}
    assert {each["index"] for each in document["guesses"]} == {0, 1}
    assert set(document) == {"path", "guesses"}
