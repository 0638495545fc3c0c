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
        "$schema": _schema(path.parent.resolve()),
        "name": name,
        "description": _DESCRIPTION,
        "data": {"name": dataset},
        "training": {"epochs": 3, "batch_size": 128},
        "matrix": {"model.backbone": backbones, "seed": [0, 1]},
        "compare": {"by": "model.backbone", "metric": "accuracy/val"},
    }


def _schema(folder: Path) -> str:
    """Where an editor finds the schema from `folder`.

    A relative path where both lie in the working directory, as in a clone or beside an environment
    of the project's own: they move together. Else a URI, so that the file alone may move. VS Code
    has long taken for a path only what begins with a dot.
    """
    here, schema = Path.cwd().resolve(), FILE.resolve()
    if not (schema.is_relative_to(here) and folder.is_relative_to(here)):
        return schema.as_uri()
    path = Path(os.path.relpath(schema, folder)).as_posix()
    return path if path.startswith(".") else f"./{path}"
