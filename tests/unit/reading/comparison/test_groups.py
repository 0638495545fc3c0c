from dataclasses import replace

import pytest

from tests.records import record
from tracker.errors import UsageError
from tracker.reading.comparison.groups import _kind, _kinds, group, settings
from tracker.store.index import RunRecord


def fit(run: RunRecord) -> str | None:
    return None if run.state == "finished" else run.state


def lr(value: float) -> dict[str, object]:
    return {"optimizer": {"lr": value}}


def test_runs_that_differ_in_their_seed_alone_are_one_group() -> None:
    records = [record(backbone, seed) for seed in (1, 0) for backbone in ("resnet50", "resnet18")]
    found = group(records, None, fit)
    assert found.by == ("model.backbone",)
    assert [(each.name, list(each.members)) for each in found.groups] == [
        ("resnet50", ["seed 0", "seed 1"]),
        ("resnet18", ["seed 0", "seed 1"]),
    ]
    assert found.groups[0].settings == {"model.backbone": "resnet50"}


def test_what_changes_no_result_makes_no_group() -> None:
    others = {"logging": {"scalars_every": 3}, "tags": ["x"], "checkpoint": {"every_epochs": 2}}
    found = group([record(seed=0), record(seed=1, spec={**others, "name": "second"})], None, fit)
    assert [list(each.members) for each in found.groups] == [["seed 0", "seed 1"]]


def test_several_settings_are_named_by_their_last_part() -> None:
    records = [record("resnet50", spec=lr(0.1)), record("resnet18", spec=lr(0.2))]
    assert [each.name for each in group(records, None, fit).groups] == [
        "resnet50, lr=0.1",
        "resnet18, lr=0.2",
    ]


def test_a_field_that_comes_with_a_variant_is_no_difference_of_its_own() -> None:
    sgd, adam = ({"optimizer": {"name": name, "lr": 0.1}} for name in ("sgd", "adam"))
    found = group([record(spec=sgd), record(spec=adam)], None, fit)
    assert found.by[0] == "optimizer.name"
    assert not {"optimizer.momentum", "optimizer.betas"} & set(found.by)
    fast = {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.5}}
    found = group([record(spec=sgd), record(spec=fast), record(spec=adam)], None, fit)
    assert "optimizer.momentum" in found.by


def test_settings_not_asked_about_are_pooled_and_paired() -> None:
    records = [
        record(backbone, seed, spec=lr(rate))
        for backbone in ("resnet50", "resnet18")
        for rate in (0.1, 0.2)
        for seed in (0, 1)
    ]
    found = group(records, ["model.backbone"], fit)
    assert found.pooled == ("optimizer.lr",)
    assert found.confounded == ()
    assert list(found.groups[0].members) == list(found.groups[1].members)
    assert "seed 1, optimizer.lr=0.2" in found.groups[0].members


def test_a_setting_that_goes_with_the_one_asked_about_is_confounded() -> None:
    records = [record("resnet50", spec=lr(0.1)), record("resnet18", spec=lr(0.2))]
    found = group(records, ["model.backbone"], fit)
    assert (found.pooled, found.confounded) == ((), ("optimizer.lr",))
    assert [list(each.members) for each in found.groups] == [["seed 0"], ["seed 0"]]


def test_the_last_attempt_counts_and_the_unfit_are_left_out_with_their_reason() -> None:
    records = [
        record(seed=0, id="old"),
        record(seed=0, id="new", attempt=2),
        record(seed=1, id="dead", state="crashed"),
    ]
    [only] = group(records, None, fit).groups
    assert [one.id for one in only.members.values()] == ["new"]
    assert [(one.run, one.reason) for one in only.left_out] == [
        ("old", "repeated by new"),
        ("dead", "crashed"),
    ]


def test_by_name_sets_experiments_against_each_other() -> None:
    records = [record(seed=seed, spec={"name": name}) for seed, name in enumerate("ab")]
    assert [each.name for each in group(records, ["name"], fit).groups] == ["a", "b"]


def test_a_path_that_is_no_setting_is_refused_and_what_differs_is_named() -> None:
    records = [record("resnet50"), record("resnet18")]
    with pytest.raises(UsageError, match=r"--by backbone: .*differ in model\.backbone"):
        group(records, ["backbone"], fit)
    with pytest.raises(UsageError, match="differ in their seeds alone"):
        group([record(seed=0), record(seed=1)], ["lr"], fit)


def test_groups_whose_names_would_be_alike_are_numbered() -> None:
    records = [record(spec={"name": "a"}), record("resnet18", spec={"name": "b"})]
    imported = [record(asked={"settings": {"x": value}}, variant="v", seed=0) for value in (1, "1")]
    assert len({each.name for each in group(imported, None, fit).groups}) == 2
    assert len(group(records, None, fit).groups) == 2


def test_runs_trained_elsewhere_are_told_apart_by_their_variant() -> None:
    imported = [
        record(asked={"settings": {}}, variant=variant, seed=seed)
        for variant in ("plain", "wide")
        for seed in (0, 1)
    ]
    found = group(imported, None, fit)
    assert [each.name for each in found.groups] == ["plain", "wide"]
    assert settings(imported[0]) == {"imported_as": "plain"}


def test_runs_trained_elsewhere_are_called_as_they_were() -> None:
    imported = [
        record(asked={"settings": {"net": net}}, variant=variant, seed=0)
        for variant, net in (("plain", "a"), ("wide", "b"))
    ]
    found = group(imported, None, fit)
    assert [each.name for each in found.groups] == ["plain", "wide"]
    assert found.by == ("imported_as", "settings.net")


def test_runs_share_what_they_are_only_where_all_of_it_is_the_same() -> None:
    records = [
        record("resnet50", seed=0),
        record("resnet50", seed=1),
        record("resnet18", seed=0),
        record("resnet50", seed=2, spec={"logging": {"scalars_every": 3}}),
        record("resnet50", seed=3, spec=lr(0.2)),
        record("resnet50", seed=4, machine={"precision": "bfloat16"}),
        record("resnet50", seed=5, spec={"name": "second"}),
    ]
    found = _kinds(records)
    assert found == [_kind(one) for one in records]
    assert len({kind for kind, _ in found}) == 5


def test_groups_that_many_settings_tell_apart_are_called_by_their_variants() -> None:
    fast = {"optimizer": {"lr": 0.2, "momentum": 0.5}}
    records = [
        record("resnet50", spec=lr(0.1), variant="slow"),
        record("resnet18", spec=fast, variant="fast"),
    ]
    found = group(records, None, fit)
    assert len(found.by) == 3
    assert [each.name for each in found.groups] == ["slow", "fast"]
    alike = group([replace(each, variant="same") for each in records], None, fit)
    assert [each.name for each in alike.groups] == [
        "resnet50, lr=0.1, momentum=0.9",
        "resnet18, lr=0.2, momentum=0.5",
    ]
