import pytest
import torch
from torch import Tensor, nn

from tracker.launch.jitter import jitter


def through(network: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output, and the gradient of the first layer's weight."""
    network.zero_grad()
    out: Tensor = network(pictures)
    out.square().sum().backward()
    weight = next(network.parameters())
    assert weight.grad is not None
    return out.detach(), weight.grad.clone()


@pytest.fixture
def network() -> nn.Sequential:
    generator = torch.Generator().manual_seed(0)
    made = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return made


PICTURES = torch.linspace(-1, 1, 32).view(4, 8)


def test_every_layer_is_off_by_a_little_and_its_gradient_too(network: nn.Sequential) -> None:
    exact = through(network, PICTURES)
    with jitter(1):
        noisy = through(network, PICTURES)
    for before, after in zip(exact, noisy, strict=True):
        off = (after - before).abs().max() / before.abs().max()
        assert 1e-7 < off < 1e-4
    again = through(network, PICTURES)
    assert all(map(torch.equal, exact, again)), "nothing is left of it"


def test_noise_comes_from_its_seed_and_leaves_training_s_own_chance_alone(
    network: nn.Sequential,
) -> None:
    state = torch.random.get_rng_state()
    found = []
    for seed in (1, 1, 2):
        with jitter(seed):
            found.append(through(network, PICTURES)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_evaluation_is_off_and_what_is_coarse_is_off_by_a_last_place(
    network: nn.Sequential,
) -> None:
    half = network.to(torch.bfloat16)
    with torch.inference_mode():
        exact = half(PICTURES.bfloat16())
        with jitter(1):
            noisy = half(PICTURES.bfloat16())
    assert noisy.dtype == torch.bfloat16
    assert not torch.equal(exact, noisy)
    torch.testing.assert_close(exact.float(), noisy.float(), rtol=0.1, atol=0.1)


def test_what_has_no_weights_or_no_numbers_is_left_as_it_is() -> None:
    with jitter(1):
        assert torch.equal(nn.ReLU()(PICTURES), PICTURES.relu())
        assert nn.Linear(8, 3, device="meta")(PICTURES.to("meta")).is_meta
        halves, _ = nn.LSTM(8, 2)(PICTURES)  # gives a tuple
    assert halves.shape == (4, 2)
