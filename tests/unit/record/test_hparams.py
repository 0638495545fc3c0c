from __future__ import annotations

from typing import Any

from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

from tracker.record import hparams
from tracker.spec.effects import is_harmless
from tracker.spec.load import from_document


def content(summary: Any, tag: str) -> HParamsPluginData:
    [value] = summary.value
    assert value.tag == tag
    assert value.metadata.plugin_data.plugin_name == "hparams"
    data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
    assert data.version == metadata.PLUGIN_DATA_VERSION
    return data


def start(**document: Any) -> SessionStartInfo:
    summary = hparams.started(from_document({"name": "first", **document}))
    return content(summary, "_hparams_/session_start_info").session_start_info


def kinds(info: SessionStartInfo) -> dict[str, tuple[str | None, Any]]:
    values = {name: (one.WhichOneof("kind"), one) for name, one in info.hparams.items()}
    return {name: (kind, getattr(one, f"{kind}")) for name, (kind, one) in values.items()}


def test_every_kind_of_value_keeps_its_kind() -> None:
    found = kinds(
        start(
            seed=3,
            data={"name": "shapes", "augment": ["random_crop", "cutout"]},
            optimizer={"name": "sgd", "lr": 0.25, "nesterov": True},
            training={"compile": False, "channels_last": "auto"},
        )
    )
    assert found["seed"] == ("number_value", 3)
    assert found["optimizer.lr"] == ("number_value", 0.25)
    assert found["optimizer.nesterov"] == ("bool_value", True)
    assert found["training.compile"] == ("bool_value", False)
    assert found["training.channels_last"] == ("string_value", "auto")
    assert found["model.backbone"][0] == "string_value"
    assert found["data.augment"] == ("string_value", "random_crop, cutout")


def test_what_is_none_is_left_out_and_numbers_stay_numbers_beside_it() -> None:
    without, with_one = kinds(start()), kinds(start(training={"clip_grad_norm": 1.0}))
    assert "training.clip_grad_norm" not in without
    assert with_one["training.clip_grad_norm"] == ("number_value", 1.0)


def test_nested_fields_have_dotted_names() -> None:
    stopping = {"metric": "loss/val", "patience": 3}
    found = kinds(start(training={"early_stopping": stopping}))
    assert found["training.early_stopping.patience"] == ("number_value", 3)


def test_only_what_can_change_a_result_is_a_column() -> None:
    names = set(start(tags=["a"], description="b").hparams)
    blocks = {name.partition(".")[0] for name in names}
    assert blocks == {"seed", "data", "model", "optimizer", "schedule", "training"}
    folder = start(data={"name": "image_folder", "root": "/here", "image_size": 8}).hparams
    assert "data.image_size" in folder
    assert not [name for name in (*names, *folder) if is_harmless(name)]


def test_what_belongs_to_an_augmentation_comes_with_it() -> None:
    plain = kinds(start(data={"name": "shapes"}))
    assert plain["data.augment"] == ("string_value", "none")
    assert {"data.crop_padding", "data.cutout_size"}.isdisjoint(plain)
    cropped = kinds(start(data={"name": "shapes", "augment": ["random_crop"]}))
    assert cropped["data.crop_padding"] == ("number_value", 4)
    assert "data.cutout_size" not in cropped
    assert "data.cutout_size" in start(data={"name": "shapes", "augment": ["cutout"]}).hparams


def test_a_run_stands_alone_and_is_open_until_it_succeeds() -> None:
    info = start()
    assert info.group_name == "", "or TensorBoard would melt runs into one line"
    assert info.start_time_secs > 1.7e9
    end = content(hparams.succeeded(), "_hparams_/session_end_info").session_end_info
    assert end.status == STATUS_SUCCESS
    assert end.end_time_secs >= info.start_time_secs
