"""The tables hold what the comparison holds, and no more than there is room for."""

from dataclasses import replace

import pytest

from tests.records import PRICE, record
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.stats import paired
from tracker.reading.comparison.tables import gap, notes, plain_text, price_table, tables
from tracker.reading.table import plain


def compared(*speeds: float) -> Comparison:
    return compare(
        [
            record(
                backbone,
                seed,
                0.5 + seed / 100,
                price=replace(PRICE, images_per_second=speed, seconds=3000.0 / speed),
            )
            for backbone in ("resnet50", "se_resnet50")
            for seed, speed in enumerate(speeds)
        ]
    )


def test_a_price_of_several_runs_has_a_spread() -> None:
    rows = price_table(compared(100.0, 120.0, 110.0)).rows
    assert rows[0][3:5] == ("110 ± 10", "9.1s ± 0.8s")


def test_a_price_of_one_run_has_none() -> None:
    assert price_table(compared(100.0)).rows[0][3:5] == ("100", "10s")


@pytest.mark.parametrize(("fastest", "shown"), [(112.0, "106"), (200.0, "150 ± 71")])
def test_where_there_is_no_room_only_a_wide_spread_is_told(fastest: float, shown: str) -> None:
    found = compared(100.0, fastest)
    first, *others = found.groups
    long = replace(first, group=replace(first.group, name="x" * 40))
    assert price_table(replace(found, groups=(long, *others))).rows[0][3] == shown


def test_a_price_fits_a_terminal() -> None:
    assert max(map(len, plain(price_table(compared(1000.0, 1010.0))))) <= 80


def test_titles_say_the_value_and_the_step() -> None:
    whole = compared(100.0, 110.0)
    assert [title for title, _ in tables(whole)] == [
        "last accuracy/val, %",
        "best accuracy/val, %",
        "price",
    ]
    assert [title for title, _ in tables(replace(whole, step=50, value="best"))][:2] == [
        "best accuracy/val up to step 50, %",
        "last accuracy/val at step 50, %",
    ]


def test_a_difference_has_its_interval_if_there_is_one() -> None:
    assert gap(None, "loss/val") == "–"
    assert gap(paired([(0.5, 0.75)]), "accuracy/val") == "+25.00"
    assert gap(paired([(0.5, 0.5), (0.5, 0.7)]), "accuracy/val", "…").startswith("+10")
    assert "…" in gap(paired([(0.5, 0.5), (0.5, 0.7)]), "accuracy/val", "…")


def test_each_sentence_is_a_line_of_its_own() -> None:
    found = replace(compared(100.0, 110.0), remarks=("a name\nleft out: all of them",))
    assert r"note: a name\nleft out: all of them" in plain_text(found).splitlines()
    assert "note: a name\nleft out: all of them" in notes(found)
