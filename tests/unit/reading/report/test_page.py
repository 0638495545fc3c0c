"""The page says what the comparison says, and nothing a file holds can become part of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.records import damage
from tracker.events.writer import EventWriter
from tracker.reading.comparison.as_of import compare_at
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.words import interval, sentences, spread
from tracker.reading.report.page import html, look
from tracker.reading.report.report import gather
from tracker.store.index import list_runs
from tracker.store.run import Run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"


def page(root: Path, step: int | None = None) -> str:
    comparison = compare_at(list_runs(root), step, alone=True)
    return html(
        gather(
            comparison,
            command="tracker report",
            now=datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc),
        )
    )


@pytest.fixture
def root(evaluated: Callable[..., Run]) -> Path:
    runs = [
        evaluated(name, seed, taken)
        for name, of_seeds in {
            "resnet50": [[0, 2, 1], [0, 2, 0], [1, 2, 0]],
            "se_resnet50": [[0, 1, 2], [0, 1, 2], [0, 1, 2]],
        }.items()
        for seed, taken in enumerate(of_seeds)
    ]
    return runs[0].path.parents[2]


def test_the_page_holds_the_numbers_of_the_comparison(root: Path) -> None:
    text, comparison = page(root), compare(list_runs(root))
    [sentence] = sentences(comparison)
    claim, _, proof = sentence.rpartition(" (")
    assert f"<span>{claim} <small>({proof}.</small></span>" in text
    for each in comparison.groups:
        for tag, score in each.scores.items():
            assert score.last is not None
            assert f">{spread(score.last.mean, score.last.std, tag)}<" in text
            assert f">{interval(score.last.low, score.last.high, tag)}<" in text
    assert "<title>first: tracker report</title>" in text
    assert "2026-01-02 03:04 UTC" in text


def test_every_section_is_there_with_one_heading(root: Path) -> None:
    titles = re.findall(r"<section id=\"(\w+)\"[^>]*>\s*<h2", page(root))
    sections = ["answer", "scores", "curves", "price", "predictions", "confusion", "settings"]
    assert titles == [*sections, "origin"]


def test_nothing_is_fetched_and_no_other_script_may_run(root: Path) -> None:
    text = page(root)
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    addresses = re.findall(r"(?:src|href)=\"([^\"]*)\"", text)
    assert addresses
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_strings_of_files_are_text(root: Path) -> None:
    for path in root.rglob("experiment.json"):
        document = json.loads(path.read_text())
        document["description"] = HOSTILE
        document["model"]["backbone"] += HOSTILE
        path.write_text(json.dumps(document))
    for path in root.rglob("provenance.json"):
        document = json.loads(path.read_text())
        document.update(command=["tracker", HOSTILE], packages={HOSTILE: HOSTILE})
        document["host"]["cpu"] = HOSTILE
        path.write_text(json.dumps(document))
    for path in root.rglob("summary.json"):
        document = json.loads(path.read_text())
        document["data"]["classes"] = [HOSTILE, f"{HOSTILE}b", f"{HOSTILE}c"]
        path.write_text(json.dumps(document))
    text = page(root)
    assert text.count("<script") == text.count("</script>") == 2  # the numbers, and our own
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{ 7 * 7 }}" in text
    [points] = re.findall(r'<script type="application/json" id="points">(.*?)</script>', text)
    assert json.loads(points)[0]["groups"][0]["name"] == f"resnet50{HOSTILE}"


def test_a_page_of_one_run_says_that_nothing_is_compared(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    make_run(tmp_path)
    text = page(tmp_path)
    assert "80.00 % in one run; nothing is compared, for it is the only group." in text
    assert "How does resnet50 do by the last accuracy/val" in text
    assert 'class="mark"' not in text


def test_what_is_left_out_is_named(root: Path, make_run: Callable[..., Run]) -> None:
    make_run(root, "resnet50", 3, ends=RuntimeError("the disk is gone"))
    text = page(root)
    assert "left out: <b>first/resnet50/s3</b> (failed at step 30 of 30: the disk is gone)" in text
    assert "its average may flatter it" in text


@pytest.mark.parametrize("count", [10, 11])
def test_where_only_some_runs_were_read_the_page_says_so(
    evaluated: Callable[..., Run], count: int
) -> None:
    runs = [evaluated("resnet50", seed, [0, 1, 2]) for seed in range(count)]
    text = page(runs[0].path.parents[2])
    assert text.count("The first 10 runs stand for larger groups.") == 2 * (count > 10)
    assert "10 of 10 right" in text


def test_a_group_has_a_look_of_its_own() -> None:
    assert len({look(number) for number in range(32)}) == 32


def test_a_page_of_two_groups_of_five_is_small(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    for name in ("resnet50", "se_resnet50"):
        for seed in range(5):
            make_run(tmp_path, name, seed)
    assert len(page(tmp_path)) < 100_000


def test_a_run_whose_events_are_damaged_is_in_no_curve_and_is_named(root: Path) -> None:
    whole = page(root)
    assert "is in no curve" not in whole
    path = min((root / "first" / "resnet50" / "s0").glob("events.*"))
    damage(path)
    text = page(root)
    before = text.index("Before you believe it")
    assert before < text.index("first/resnet50/s0 is in no curve: ") < text.index("<nav")
    assert f"{path.name} is damaged at byte" in text


def test_a_run_whose_events_are_gone_is_in_no_curve_and_is_named(root: Path) -> None:
    for path in (root / "first" / "resnet50" / "s0").glob("events.*"):
        path.unlink()
    assert "first/resnet50/s0 is in no curve: its event files are gone" in page(root)


def test_as_of_a_step_the_page_says_so_everywhere(root: Path) -> None:
    text = page(root, step=20)
    assert "by the last accuracy/val at step 20 (higher is better)" in text
    assert "higher is better, as it was at step 20" in text
    assert "Price of the runs as far as they went" in text
    for plot in json.loads(re.findall(r'id="points">(.*?)</script>', text)[0]):
        assert {step for each in plot["groups"] for _, _, step, _ in each["points"]} == {10, 20}


def test_notes_keep_the_case_of_names(root: Path, make_run: Callable[..., Run]) -> None:
    make_run(root, "resnet50", 3)
    [path] = (root / "first" / "resnet50" / "s3").glob("events.*")
    with EventWriter(path.parent) as events:
        events.scalars(40, {"accuracy/val": 0.5, "loss/val": 0.5})
    assert "Not to the end of every run: resnet50 at step 30, the last" in page(root)
