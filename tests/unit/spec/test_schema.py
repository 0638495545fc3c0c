from tracker.spec.schema import choices, document, fields, resolved, run, variants


def test_resolved_has_no_reference_left() -> None:
    assert "$ref" in repr(document())
    assert "$ref" not in repr(resolved())


def test_words_beside_a_reference_win() -> None:
    shapes = next(b for b in resolved()["properties"]["data"]["oneOf"] if b["title"] == "Shapes")
    assert shapes["properties"]["augment"]["default"] == []
    assert shapes["properties"]["augment"]["items"]["enum"][0] == "random_crop"


def test_a_run_has_no_matrix() -> None:
    assert resolved()["properties"].keys() - run()["properties"].keys() == {"matrix", "extends"}


def test_variants_are_told_apart_by_one_field() -> None:
    assert {block: kinds.by for block, kinds in variants().items()} == {
        "data": "name",
        "model": "backbone",
        "optimizer": "name",
        "schedule": "name",
    }
    assert list(variants()["optimizer"].members) == ["sgd", "adam", "adamw"]
    assert variants()["model"].default == "cifar_resnet20"
    assert variants()["model"].members["resnet50"] is variants()["model"].members["resnet18"]


def test_a_pattern_tells_a_variant_too() -> None:
    kinds = variants()["model"]
    found = kinds.branch("timm:resnet50.a1_in1k")
    assert found is not None
    assert found["title"] == "timm"
    assert kinds.branch("timm:") is kinds.branch("timm:a b") is kinds.branch(None) is None


def test_choices_can_be_listed_with_what_they_are() -> None:
    found = choices("data")
    assert [choice.name for choice in found] == ["cifar10", "image_folder", "shapes"]
    assert found[0].description.startswith("CIFAR-10: 50,000 training")
    by_name = {choice.name: choice for choice in choices("model")}
    assert by_name["resnet9"].fields == ("width", "weights", "fresh", "freeze")
    assert by_name["small_cnn"].fields == ("weights", "fresh", "freeze")
    assert by_name["resnet50"].family == "ResNet, ResNeXt, Wide ResNet"


def test_fields_are_the_leaves_of_every_variant() -> None:
    found = fields()
    assert len(set(found)) == len(found)
    for path in ("seed", "model.stem", "model.width", "optimizer.betas", "schedule.peak_at"):
        assert path in found
    assert "training.early_stopping.patience" in found
    assert {"model.weights", "model.freeze"} <= set(found), "which are varied whole"
    assert not [path for path in found if path.startswith(("model.weights.", "model.freeze."))]
    assert not {"name", "optimizer", "training.early_stopping", "compare.by"} & set(found)
