import re
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import UsageError
from tracker.reading.adopting.grouping import LONGEST, Group, group, safe
from tracker.reading.adopting.logdir import Folder


def folder(place: str, *tags: str, settings: dict[str, Any] | None = None) -> Folder:
    parts = tuple(place.split("/")) if place else ()
    return Folder(
        path=Path("logs", *parts),
        place=parts,
        files=(),
        points=dict.fromkeys(tags or ("loss", "acc"), 3),
        settings=settings or {},
        is_session=bool(settings),
    )


def grouped(*folders: Folder, pattern: str | None = None) -> list[Group]:
    return group(folders, "logs", re.compile(pattern) if pattern else None)[0]


def shape(groups: list[Group]) -> dict[str, dict[str, str]]:
    """Each run by its place, with the folders in it and their suffixes."""
    return {
        "/".join(one.place): {"/".join(part.folder.place): part.suffix for part in one.parts}
        for one in groups
    }


@pytest.mark.parametrize(
    ("place", "variant", "seed"),
    [
        ("resnet50/s0", "resnet50", 0),
        ("resnet50/seed_3", "resnet50", 3),
        ("resnet50-seed3", "resnet50", 3),
        ("lr0.1,seed=3,wd=1", "lr0.1,wd=1", 3),
        ("seed7/resnet50", "resnet50", 7),
        ("lightning_logs/version_0", "version_0", 0),
        ("exp_2", "exp_2", 0),
        ("Nov22_10-11-12_host", "Nov22_10-11-12_host", 0),
        ("vit-s16", "vit-s16", 0),
        ("news3", "news3", 0),
        ("adam/lr 0.1/run_1", "adam,lr-0.1,run_1", 0),
        ("s5", "run", 5),
        ("", "logs", 0),
        ("a/b\x1b[2J", "a,b-2J", 0),
        ("größe/s1", "größe", 1),
        ("seed" + "9" * 21, "seed" + "9" * 21, 0),
    ],
)
def test_variant_and_seed_come_from_the_path(place: str, variant: str, seed: int) -> None:
    [one] = grouped(folder(place))
    assert (one.experiment, one.variant, one.seed) == ("logs", variant, seed)


def test_the_seed_may_stand_among_the_hyper_parameters() -> None:
    assert grouped(folder("version_0", settings={"seed": 4}))[0].seed == 4
    assert grouped(folder("version_0/s1", settings={"seed": 4}))[0].seed == 1
    assert grouped(folder("version_0", settings={"seed": True}))[0].seed == 0
    assert grouped(folder("version_0", settings={"seed": -1, "random_seed": 2}))[0].seed == 2


def test_keras_train_and_validation_are_one_run() -> None:
    found = grouped(folder("a/train"), folder("a/validation"), folder("b/train"))
    assert shape(found) == {
        "a": {"a/train": "train", "a/validation": "validation"},
        "b": {"b/train": "train"},
    }


def test_an_estimators_eval_belongs_to_the_folder_around_it() -> None:
    found = grouped(folder("a"), folder("a/eval"))
    assert shape(found) == {"a": {"a": "", "a/eval": "eval"}}


def test_a_folder_called_test_alone_is_a_run() -> None:
    assert shape(grouped(folder("test"), folder("b"))) == {"test": {"test": ""}, "b": {"b": ""}}


def test_the_curves_of_add_scalars_belong_to_their_writer() -> None:
    found = grouped(
        folder("a"),
        folder("a/both_x", "both"),
        folder("a/group_both_x", "group/both"),
        folder("a/both/y", "both"),
        folder("a/both/z/w", "both"),
        folder("a/other", "both"),
        folder("a/both_two", "both", "more"),
    )
    assert shape(found) == {
        "a": {
            "a": "",
            "a/both_x": "x",
            "a/group_both_x": "x",
            "a/both/y": "y",
            "a/both/z/w": "z/w",
        },
        "a/other": {"a/other": ""},
        "a/both_two": {"a/both_two": ""},
    }


def test_the_session_of_add_hparams_belongs_to_the_run_it_was_called_in() -> None:
    session = folder("a/1795331988.777798", "hparam/acc", settings={"lr": 0.1})
    [one] = grouped(folder("a"), session)
    assert shape([one]) == {"a": {"a": "", "a/1795331988.777798": "hparam"}}
    assert one.settings == {"lr": 0.1}


def test_several_sessions_are_runs_of_their_own() -> None:
    sessions = [folder(f"a/179533198{n}.5", settings={"lr": n}) for n in range(2)]
    assert len(grouped(folder("a"), *sessions)) == 3


def test_map_says_what_is_what() -> None:
    pattern = r"(?P<variant>\w+)-(?P<seed>\d+)$"
    groups, skipped = group([folder("x/net-7"), folder("x/other")], "logs", re.compile(pattern))
    assert [(one.variant, one.seed) for one in groups] == [("net", 7)]
    assert [(one.place, one.reason) for one in skipped] == [("x/other", "--map does not fit it")]
    [one] = grouped(folder("x/net-7"), pattern="(?P<experiment>x)/(?P<variant>.*)")
    assert (one.experiment, one.variant, one.seed) == ("x", "net-7", 0)


def test_map_may_not_take_a_word_for_the_seed() -> None:
    with pytest.raises(UsageError, match="--map takes 'net' for the seed of x/net"):
        grouped(folder("x/net"), pattern="x/(?P<seed>.*)")


@pytest.mark.parametrize("name", ["", ".", "..", "-", "a/b", "\\", "é" * 200, "\udc80", "-rf", " "])
def test_any_name_is_made_one_that_can_name_a_folder(name: str) -> None:
    fit = safe(name)
    assert fit
    assert fit.isprintable()
    assert fit[0] not in ".-"
    assert not {"/", "\\", " "} & {*fit}
    assert len(fit.encode()) <= LONGEST
    assert safe(fit) == fit


def test_names_cut_short_stay_apart() -> None:
    assert safe("a" * 200 + "x") != safe("a" * 200 + "y")
