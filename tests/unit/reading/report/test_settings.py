"""What was asked: apart where it differs, together where it does not."""

from tests.records import record
from tracker.reading.comparison.compare import compare
from tracker.reading.report.settings import asked


def test_settings_that_differ_have_a_row_per_group() -> None:
    runs = [record(name, seed) for name in ("resnet50", "se_resnet50") for seed in (0, 1)]
    found = asked(compare(runs))
    assert found.paths == ("model.backbone",)
    assert found.groups == (("resnet50", ("resnet50",)), ("se_resnet50", ("se_resnet50",)))
    assert found.common["optimizer.name"] == "sgd"
    assert found.common["optimizer.nesterov"] == "true"
    assert "seed" not in found.common


def test_a_setting_that_varies_within_a_group_says_so() -> None:
    runs = [
        record(name, 0, spec={"optimizer": {"lr": lr}})
        for name in ("resnet50", "se_resnet50")
        for lr in (0.1, 0.2)
    ]
    found = asked(compare(runs, by=["model.backbone"]))
    assert dict(found.groups)["resnet50"][found.paths.index("optimizer.lr")] == "varies"


def test_of_a_group_without_runs_its_own_settings_are_known() -> None:
    runs = [record("resnet50"), record("se_resnet50", 0), record("resnet18", state="failed")]
    found = asked(compare(runs, by=["model.backbone"]))
    assert dict(found.groups)["resnet18"] == ("resnet18",)
