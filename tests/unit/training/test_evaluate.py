"""Evaluation sums are exact whatever the batch size, and leave the model as it was."""

import pytest
import torch
from torch.nn import functional

from tracker.data.batches import Loader
from tracker.data.dataset import Split
from tracker.training import evaluate as evaluation
from tracker.training.evaluate import Evaluation, answers, evaluate
from tracker.training.machine import Machine

CPU = Machine(torch.device("cpu"), "float32", channels_last=False, threads=1)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (23, 3, 8, 8), dtype=torch.uint8, generator=GENERATOR)
LABELS = torch.randint(0, 3, (23,), generator=GENERATOR)


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Flatten(), torch.nn.Linear(192, 3), torch.nn.Dropout(0.5)
    return torch.nn.Sequential(*layers)


def loader(batch_size: int) -> Loader:
    return Loader(
        Split(IMAGES, LABELS),
        batch_size,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        device=CPU.device,
    )


def run(model: torch.nn.Module, batch_size: int) -> Evaluation:
    result = evaluate(model, answers(model, loader(batch_size), CPU))
    assert result is not None
    return result


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100])
def test_the_sums_are_those_of_all_pictures_at_once(
    model: torch.nn.Module, batch_size: int
) -> None:
    result = run(model, batch_size)
    with torch.no_grad():
        logits = model.eval()((IMAGES / 255 - 0.5) / 0.25)
    assert result.loss == pytest.approx(functional.cross_entropy(logits, LABELS).item())
    assert result.accuracy == pytest.approx((logits.argmax(1) == LABELS).double().mean().item())
    assert torch.equal(result.predicted, logits.argmax(1))
    torch.testing.assert_close(result.confidence, logits.softmax(1).amax(1))
    torch.testing.assert_close(result.scores, logits.softmax(1))


def test_of_many_classes_the_first_keep_their_scores(
    model: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(model, 5).scores
    monkeypatch.setattr(evaluation, "SCORED", 2)
    assert torch.equal(run(model, 5).scores, whole[:, :2])


def test_the_model_is_put_back_into_its_mode(model: torch.nn.Module) -> None:
    model.train()
    run(model, 5)
    assert model.training
    model.eval()
    run(model, 5)
    assert not model.training


def test_it_ends_between_two_batches_when_asked(model: torch.nn.Module) -> None:
    asked = iter([False, True])
    assert evaluate(model, answers(model, loader(5), CPU), lambda: next(asked)) is None
    assert model.training


def test_confusion_counts_each_picture_once(model: torch.nn.Module) -> None:
    result = run(model, 5)
    counts = result.confusion(3)
    assert counts.sum() == 23
    assert counts.diagonal().sum() / 23 == pytest.approx(result.accuracy)
    assert counts.sum(1).tolist() == torch.bincount(LABELS, minlength=3).tolist()


def test_the_worst_are_wrong_and_the_surest_first(model: torch.nn.Module) -> None:
    result = run(model, 5)
    worst = result.worst(4)
    assert (result.predicted[worst] != result.labels[worst]).all()
    confidence = result.confidence[worst].tolist()
    assert confidence == sorted(confidence, reverse=True)
    wrong = result.predicted != result.labels
    assert confidence[0] == result.confidence[wrong].max()
