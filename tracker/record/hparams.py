"""A run's line in the HParams table, written into the run itself.

Not `add_hparams`: that makes a run of its own beside this one, named by the time, and turns
booleans into numbers. And no EXPERIMENT record: TensorBoard takes the first one it finds for the
description of all runs; without any it gathers columns and their values from the runs.
"""

from __future__ import annotations

import time

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)

from tracker.record.text import flat
from tracker.spec.convert import to_document
from tracker.spec.effects import is_harmless
from tracker.spec.experiment import Experiment

# What counts for nothing unless an augmentation is asked for. TensorBoard shows the first five
# fields, those that differ and then by name, whatever is written.
_OF_AUGMENTATION = {"data.crop_padding": "random_crop", "data.cutout_size": "cutout"}


def started(experiment: Experiment) -> Summary:
    """Return the record that opens the run's line: dotted names and values of what was asked.

    Every field is there that can change a result. Numbers, booleans and strings keep their kinds;
    lists become strings; None is left out, for it would turn its column into text.
    """
    document = to_document(experiment)
    augment = document["data"]["augment"]
    info = SessionStartInfo(start_time_secs=time.time())
    for name, value in flat(document):
        if is_harmless(name) or _OF_AUGMENTATION.get(name, name) not in (name, *augment):
            continue
        match value:
            case bool():
                info.hparams[name].bool_value = value
            case int() | float():
                info.hparams[name].number_value = value
            case str():
                info.hparams[name].string_value = value
            case list():
                info.hparams[name].string_value = ", ".join(map(str, value)) or "none"
    return _summary(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=info))


def succeeded() -> Summary:
    """Return the record that closes it. TensorBoard keeps the first such record for good."""
    info = SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=time.time())
    return _summary(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=info))


def _summary(tag: str, content: HParamsPluginData) -> Summary:
    about = metadata.create_summary_metadata(content)
    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)])
