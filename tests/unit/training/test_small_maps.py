"""Matrix products against the convolutions that they stand for."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.fx import symbolic_trace

from tracker.training import small_maps
from tracker.training.machine import Machine
from tracker.training.small_maps import as_convolutions, as_products

SIDES = st.tuples(st.integers(1, 4), st.integers(1, 4))


def gradients(conv: nn.Conv2d, maps: Tensor, *, low: bool = False) -> list[Tensor]:
    """What `conv` makes of `maps`, and the gradients of all that took part."""
    maps = maps.detach().clone().requires_grad_()
    conv.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
        answer = conv(maps)
    answer.backward(torch.linspace(-1, 1, answer.numel()).view_as(answer).to(answer.dtype))
    found = [answer.detach(), maps.grad, *(one.grad for one in conv.parameters())]
    return [one for one in found if one is not None]


@pytest.fixture
def anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it take maps of any size, and of the double precision that tells faults from rounding."""
    monkeypatch.setattr(small_maps, "_PIXELS", {torch.float64: 64})


@pytest.mark.usefixtures("anything")
@given(
    size=SIDES, kernel=SIDES, stride=SIDES, padding=SIDES,
    bias=st.booleans(), channels_last=st.booleans(), batch=st.integers(1, 3),
)  # fmt: skip
@settings(max_examples=300)
def test_it_is_the_same_convolution(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    bias: bool,
    channels_last: bool,
    batch: int,
) -> None:
    padding = (padding[0] - 1, padding[1] - 1)
    assume(all(s + 2 * p >= k for s, p, k in zip(size, padding, kernel, strict=True)))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, kernel, stride, padding, bias=bias, dtype=torch.float64)
    conv = conv.to(memory_format=layout)
    maps = torch.randn(batch, 3, *size, dtype=torch.float64).to(memory_format=layout)
    plain = gradients(conv, maps)
    as_products(conv)
    for ours, theirs in zip(gradients(conv, maps), plain, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    grad = conv.weight.grad
    assert grad is not None
    assert grad.is_contiguous(memory_format=layout)  # fused optimizers go by how it lies


def takes(conv: nn.Conv2d, maps: Tensor, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether `conv` leaves `maps` to a matrix product."""
    as_products(conv)
    with monkeypatch.context() as patched:
        patched.setattr(nn.Conv2d, "forward", lambda *_: None)
        return conv(maps) is not None


@pytest.mark.parametrize(
    ("conv", "size", "exact", "low"),
    [
        (nn.Conv2d(3, 4, 3, padding=1), 1, True, True),
        (nn.Conv2d(3, 4, 3, padding=1), 2, False, True),
        (nn.Conv2d(3, 4, 3, padding=1, stride=2), 2, False, True),
        (nn.Conv2d(3, 4, 3, padding=1), 3, False, False),  # its corners don't see all
        (nn.Conv2d(3, 4, 1), 1, True, True),
        (nn.Conv2d(3, 4, 1, stride=2), 2, True, True),
        (nn.Conv2d(3, 4, 1), 4, False, True),
        (nn.Conv2d(3, 4, 1, stride=2), 8, False, True),
        (nn.Conv2d(3, 4, 1), 8, False, False),
        (nn.Conv2d(3, 4, 7, padding=3), 4, False, True),
        (nn.Conv2d(4, 4, 3, padding=1, groups=2), 1, False, False),
        (nn.Conv2d(3, 4, 3, padding=2, dilation=2), 1, False, False),
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="replicate"), 1, False, False),
        (nn.Conv2d(3, 4, 3, padding="same"), 1, False, False),
    ],
)
def test_it_is_done_where_it_pays(
    conv: nn.Conv2d, size: int, exact: bool, low: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = torch.randn(16, conv.in_channels, size, size)
    assert takes(conv, maps, monkeypatch) is exact
    assert not takes(conv, maps[:15], monkeypatch)  # whose place would show
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert takes(conv, maps, monkeypatch) is low


@pytest.mark.parametrize("conv", [nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(16, 8, 1)])
@pytest.mark.parametrize("size", [1, 2])
def test_bfloat16_is_as_exact_as_convolving_in_bfloat16(conv: nn.Conv2d, size: int) -> None:
    maps = torch.randn(4, 16, size, size)
    exact = gradients(copy.deepcopy(conv).double(), maps.double())
    rounded = gradients(conv, maps, low=True)
    as_products(conv)
    ours = gradients(conv, maps, low=True)
    assert [one.dtype for one in ours] == [one.dtype for one in rounded]
    for one, other, right in zip(ours, rounded, exact, strict=True):
        error, theirs = ((found - right).abs().max() for found in (one, other))
        assert error <= theirs + 0.01 * right.abs().max()


def test_no_gradient_is_made_of_what_is_frozen() -> None:
    conv = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    as_products(conv)
    maps = torch.randn(16, 3, 1, 1, requires_grad=True)
    conv(maps).sum().backward()
    assert conv.weight.grad is None
    assert maps.grad is not None
    conv.requires_grad_()
    conv(torch.randn(16, 3, 1, 1)).sum().backward()
    assert conv.weight.grad is not None


def test_a_convolution_used_twice_adds_its_gradients() -> None:
    conv, maps = nn.Conv2d(3, 3, 3, padding=1), torch.randn(16, 3, 1, 1)
    plain = gradients(conv, maps), conv(conv(maps))
    plain[1].sum().backward()
    wanted = conv.weight.grad
    conv.zero_grad()
    as_products(conv)
    gradients(conv, maps)
    conv(conv(maps)).sum().backward()
    torch.testing.assert_close(conv.weight.grad, wanted)


@pytest.mark.parametrize("bias", [False, True])
def test_what_comes_next_may_change_it_in_place(bias: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=bias), nn.ReLU(inplace=True))
    maps = torch.randn(16, 3, 1, 1)
    wanted = model(maps)
    as_products(model)
    answer = model(maps)
    answer.sum().backward()
    torch.testing.assert_close(answer, wanted)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_no_gradient_is_left_as_it_was_found_in_memory(kernel: int, groups: int) -> None:
    """oneDNN does so, in bfloat16, with a stride, on one pixel (torch 2.15)."""
    conv = nn.Conv2d(64, 64, kernel, 2, kernel // 2, groups=groups, bias=False)
    conv = conv.to(memory_format=torch.channels_last)
    as_products(conv)
    maps = torch.randn(32, 64, 1, 1)
    exact = gradients(copy.deepcopy(conv).double(), maps.double())
    for _ in range(5):
        dirty = [torch.full((64, 64, kernel, kernel), 1e30) for _ in range(8)]
        del dirty
        found = gradients(conv, maps, low=True)
        for one, right in zip(found, exact, strict=True):
            assert (one - right).abs().max() <= 0.02 * right.abs().max()


@pytest.mark.parametrize(
    ("maps", "dtype"),
    [
        (torch.ones(16, 3, 1, 1, dtype=torch.complex64), torch.complex64),
        (torch.ones(16, 3, 1, 1, dtype=torch.float64), torch.float64),
        (torch.ones(16, 3, 0, 0), torch.float32),
        (torch.ones(16, 2, 1, 1), torch.float32),
        (torch.ones(16, 3, 1, 1, dtype=torch.int64), torch.float32),
        (torch.ones(16, 3, 1, 1, dtype=torch.bfloat16), torch.float32),
        (torch.ones(3, 1, 1), torch.float32),
        (torch.ones(16, 3, 1, 1, device="meta"), torch.float32),
    ],
)
@pytest.mark.parametrize("kernel", [1, 3])
def test_what_it_does_not_know_it_leaves_to_the_convolution(
    maps: Tensor, dtype: torch.dtype, kernel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv = nn.Conv2d(3, 4, kernel, padding=kernel // 2, dtype=dtype)
    assert not takes(conv, maps, monkeypatch)


def test_it_takes_its_input_by_name_and_leaves_another_s_forward_alone() -> None:
    maps = torch.randn(16, 3, 1, 1)
    conv = nn.Conv2d(3, 4, 1)
    wanted = conv(maps)
    as_products(conv)
    torch.testing.assert_close(conv(input=maps), wanted)
    theirs = nn.Conv2d(3, 4, 1)
    vars(theirs)["forward"] = len
    as_products(theirs)
    assert theirs(maps) == 16
    as_convolutions(theirs)
    assert theirs(maps) == 16


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 1))


def test_copies_traces_and_states_go_on_as_before() -> None:
    model, maps = network(), torch.randn(16, 3, 1, 1)
    wanted, state = model(maps), copy.deepcopy(model.state_dict())
    as_products(model)
    assert model.state_dict().keys() == state.keys()
    twin = copy.deepcopy(model)
    for one in twin.parameters():
        one.data.zero_()
    torch.testing.assert_close(model(maps), wanted)
    assert not twin(maps).any()  # its own weights, not the original's
    torch.testing.assert_close(symbolic_trace(model)(maps), wanted)
    assert [node.op for node in symbolic_trace(model).graph.nodes].count("call_module") == 3


def test_it_can_be_taken_back() -> None:
    model, maps = network(), torch.randn(16, 3, 1, 1)
    plain = model(maps)
    as_products(model)
    as_convolutions(model)
    assert torch.equal(model(maps), plain)
    assert not any("forward" in vars(one) for one in model.modules())
    as_convolutions(model)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_machine_places_networks_so_unless_they_are_compiled(compiled: bool) -> None:
    machine = Machine(torch.device("cpu"), "float32", channels_last=True, threads=1)
    model = machine.place(network(), compiled=compiled)
    assert isinstance(vars(model[0]).get("forward"), partial) is not compiled  # type: ignore[index]


@pytest.mark.parametrize("low", [False, True])
@pytest.mark.parametrize("batch", [16, 25, 100])
def test_a_picture_comes_to_the_same_wherever_it_stands(batch: int, low: bool) -> None:
    """What is frozen is computed once, in any order."""
    chance = torch.randperm(batch)
    threads = torch.get_num_threads()
    try:
        for number in (1, 2, 4):
            torch.set_num_threads(number)
            for conv in (nn.Conv2d(256, 64, 3, padding=1), nn.Conv2d(256, 64, 1)):
                as_products(conv)
                maps = torch.randn(batch, 256, 1, 1)
                with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
                    assert torch.equal(conv(maps)[chance], conv(maps[chance]))
    finally:
        torch.set_num_threads(threads)
