"""Hyper-parameters that other tools leave beside their curves, as plain names and values."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

PLUGIN = "hparams"
_YAML_LIMIT = 1 << 20  # bytes
_SHOWN = 5  # names in a message, at most
_LINE = re.compile(r"([A-Za-z_][\w.\-/]*):(?:[ \t]+(\S.*?))?[ \t]*")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
# A collection, an anchor, a reference, a tag, a block of text: more than a value on one line.
_NOT_SIMPLE = tuple("[{&*!|>%@`")
_WORDS = {"true": True, "false": False, "null": None, "~": None}


def in_record(payload: bytes) -> dict[str, Any]:
    """The hyper-parameters that an event gives to TensorBoard's HParams tab; none if it does not.

    Whole numbers come back as int, for the tab knows one kind of number; NaN and infinities as
    text, for JSON knows none.
    """
    try:
        values = Event.FromString(payload).summary.value
        plugins = [one.metadata.plugin_data for one in values]
        contents = [
            HParamsPluginData.FromString(one.content)
            for one in plugins
            if one.plugin_name == PLUGIN
        ]
    except DecodeError:
        return {}
    return {
        name: _plain(value)
        for content in contents
        for name, value in sorted(content.session_start_info.hparams.items())
    }


def in_yaml(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The hyper-parameters in Lightning's hparams.yaml that stand on a line, `name: value`.

    And the names of those that do not (lists, blocks, objects of Python), which are left out: for
    these it would take a reader of all of YAML. Both are empty where there is no such file; a link
    to one is not followed.
    """
    if path.is_symlink() or not path.is_file():
        return {}, []
    try:
        with path.open("rb") as file:
            text = file.read(_YAML_LIMIT + 1)
    except OSError as error:
        return {}, [f"all of it, which cannot be read ({error.strerror})"]
    if len(text) > _YAML_LIMIT:
        return {}, ["all of it, being larger than 1 MiB"]
    settings: dict[str, Any] = {}
    left_out: list[str] = []
    for line in text.decode(errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, value = match[1], match[2]
        if value is None or value.startswith(_NOT_SIMPLE):
            left_out.append(name)
        else:
            settings[name] = _scalar(value)
    more = [f"and {len(left_out) - _SHOWN} more"] if len(left_out) > _SHOWN else []
    return settings, left_out[:_SHOWN] + more


def _plain(value: Any) -> Any:
    """What a protobuf Value holds, None for one that is a list or an object."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        if not math.isfinite(number):
            return str(number)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return getattr(value, kind) if kind in ("string_value", "bool_value") else None


def _scalar(text: str) -> Any:
    """A value as YAML 1.1 reads it, as far as people write it on a line."""
    if text[0] == text[-1] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[0] == text[-1] == '"' and len(text) > 1:
        try:
            return json.loads(text)
        except ValueError:
            return text[1:-1]
    text = text.partition(" #")[0].rstrip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not _NUMBER.fullmatch(text):
        return text
    digits = text.replace("_", "")
    number = int(digits) if digits.lstrip("+-").isdigit() else float(digits)
    return number if math.isfinite(number) else text
