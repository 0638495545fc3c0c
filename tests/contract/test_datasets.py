"""Tables of data sets and augmentations, words of the schema, types of experiments: all agree."""

import dataclasses
import typing

from tracker.data import shapes
from tracker.data.augment import AUGMENTATIONS
from tracker.data.build import DATASETS
from tracker.spec import experiment
from tracker.spec.schema import choices, variants

BLOCKS = {
    typing.get_args(typing.get_type_hints(block)["name"])[0]: block
    for block in typing.get_args(experiment.Data)
}


def test_the_schema_names_exactly_the_data_sets_that_can_be_built() -> None:
    assert {choice.name for choice in choices("data")} == DATASETS.keys()


def test_each_data_set_is_handed_a_block_with_the_schemas_fields() -> None:
    assert BLOCKS.keys() == DATASETS.keys()
    for choice in choices("data"):
        fields = {field.name for field in dataclasses.fields(BLOCKS[choice.name])}
        assert fields == {"name", *choice.fields}, choice.name


def test_the_classes_that_the_schema_names_are_those_there_are() -> None:
    listed = {
        name: part["properties"]["classes"]["items"].get("enum")
        for name, part in variants()["data"].members.items()
    }
    assert listed == {
        "cifar10": [
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ],
        "image_folder": None,
        "shapes": list(shapes.CLASSES),
    }


def test_every_data_set_can_be_given_exactly_the_augmentations_there_are() -> None:
    for name, branch in variants()["data"].members.items():
        assert set(branch["properties"]["augment"]["items"]["enum"]) == AUGMENTATIONS.keys(), name


def test_no_two_augmentations_draw_from_the_same_seed() -> None:
    numbers = [number for number, _ in AUGMENTATIONS.values()]
    assert len(set(numbers)) == len(numbers)
