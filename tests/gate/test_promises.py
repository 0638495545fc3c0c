"""A bounded slice of the study and of the repeats; `python -m tests.gate.study` does the whole."""

from __future__ import annotations

import pytest

from tests.gate import repeats
from tests.gate.mutants import MUTANTS
from tests.gate.study import checked

# Of each kind of bug: schedule, optimizer, loss, data, augmentation, mode, network, evaluation.
CAUGHT_EVERYWHERE = (
    "schedule_off_by_one",
    "no_zero_grad",
    "softmax_twice",
    "label_noise",
    "no_augmentation",
    "trained_in_eval_mode",
    "gate_left_out",
    "no_momentum",
    "augmented_evaluation",
    "last_batch_dropped",
)
CAUGHT_ON_THE_SAME_MACHINE = ("no_weight_decay", "second_beta", "no_clipping")


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUGHT_EVERYWHERE)
def test_a_planted_bug_is_noticed_on_any_machine(name: str) -> None:
    assert checked(name, threads=1).check.exit_code == 7
    elsewhere = checked(name, threads=2).check
    assert elsewhere.mode == "statistical"
    assert elsewhere.exit_code == 7


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUGHT_ON_THE_SAME_MACHINE)
def test_a_subtle_one_is_noticed_where_bits_can_be_asked_for(name: str) -> None:
    assert checked(name, threads=1).check.exit_code == 7


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("spec", ["study", "study_adamw"])
def test_sound_code_passes(spec: str, threads: int) -> None:
    assert checked(None, threads=threads, spec=spec).check.exit_code == 0


@pytest.mark.slow
def test_sound_code_passes_time_and_again() -> None:
    assert list(repeats.exact(8)) == [[]] * 8
    assert list(repeats.statistical(8)) == [[]] * 8
    assert list(repeats.shipped(6)) == [[]] * 6


def test_there_are_as_many_bugs_as_the_documentation_says() -> None:
    assert len(MUTANTS) == 49
