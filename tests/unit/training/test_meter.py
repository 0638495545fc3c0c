"""The meter's means are exact, and its clock stops when training does."""

import pytest
import torch

from tracker.training.meter import PENDING, Meter


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def logits(*answers: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(answers), 3).float()


def test_take_gives_the_means_since_the_last_take() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.resume()
    meter.add(torch.tensor(2.0), logits(0, 1), torch.tensor([0, 1]))
    meter.add(torch.tensor(1.0), logits(0, 1), torch.tensor([0, 2]))
    clock.now += 2
    assert meter.take() == (1.5, 0.75, None)
    meter.add(torch.tensor(5.0), logits(2, 2), torch.tensor([0, 0]))
    clock.now += 1
    assert meter.take() == (5.0, 0.0, 2.0)
    assert meter.mean_speed == 2.0
    assert meter.total_seconds == 3.0


def test_pauses_do_not_count() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.add(torch.tensor(2.0), logits(0, 1), torch.tensor([0, 1]))
    meter.take()
    meter.resume()
    meter.add(torch.tensor(2.0), logits(0, 1), torch.tensor([0, 1]))
    clock.now += 1
    meter.pause()
    clock.now += 1000
    meter.resume()
    clock.now += 1
    assert meter.take()[2] == 1.0


@pytest.mark.parametrize("cut", [1, PENDING, PENDING + 3, 2 * PENDING])
def test_many_steps_are_reduced_and_a_meter_taken_up_anywhere_gives_the_same(cut: int) -> None:
    generator = torch.Generator().manual_seed(0)
    steps = 2 * PENDING + 5
    losses = torch.rand(steps, generator=generator)
    answers = torch.randint(0, 3, (steps, 2), generator=generator)
    whole, meter = Meter(FakeClock()), Meter(FakeClock())
    for step in range(steps):
        labels = torch.tensor([0, 1])
        whole.add(losses[step], logits(*answers[step].tolist()), labels)
        if step == cut:
            state, meter = meter.state_dict(), Meter(FakeClock())
            meter.load_state_dict(state, torch.device("cpu"))
        meter.add(losses[step], logits(*answers[step].tolist()), labels)
    loss, accuracy, _ = whole.take()
    assert (loss, accuracy) == meter.take()[:2]
    assert loss == pytest.approx(losses.double().mean().item())
    assert accuracy == (answers == torch.tensor([0, 1])).double().mean().item()


def test_a_meter_taken_up_from_its_state_gives_the_same_means() -> None:
    whole, first = Meter(FakeClock()), Meter(FakeClock())
    for meter in (whole, first):
        meter.add(torch.tensor(2.0), logits(0, 1), torch.tensor([0, 1]))
    second = Meter(FakeClock())
    second.load_state_dict(first.state_dict(), torch.device("cpu"))
    for meter in (whole, second):
        meter.add(torch.tensor(1.0), logits(0, 1), torch.tensor([0, 2]))
    assert whole.take() == second.take()
