"""What a first experiment says: a question that can be answered in minutes, on any machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracker.spec.rules import broken
from tracker.spec.schema import FILE

_DESCRIPTION = (
    "Which of these backbones is better? Each is trained from two seeds, so that a difference can "
    "be told from chance. What is left out has its default: `tracker schema` explains every field."
)


def starter(path: Path, dataset: str, backbones: Sequence[str]) -> dict[str, Any]:
    """The fields of an experiment file at `path`, named after it, valid as it stands."""
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:50].rstrip("-")
    if not name or any(broken({"name": name, "variant": None})):  # "con" names a device on Windows
        name = f"{name}-experiment".lstrip("-")
    return {
        "$schema": os.path.relpath(FILE, path.parent),
        "name": name,
        "description": _DESCRIPTION,
        "data": {"name": dataset},
        "training": {"epochs": 3, "batch_size": 128},
        "matrix": {"model.backbone": backbones, "seed": [0, 1]},
        "compare": {"by": "model.backbone", "metric": "accuracy/val"},
    }
