"""What an exported network says of itself, in every format: its classes and its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from tracker.spec.convert import to_document
from tracker.trained.network import Network
from tracker.version import __version__

Account: TypeAlias = Mapping[str, Any]  # JSON values

SCHEMA_VERSION = 1
KEY = "tracker"  # under which each format keeps it, as JSON


def account(network: Network) -> Account:
    """Which run and checkpoint it is, its model block, its classes in order, its pictures."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tracker": __version__,
        **network.to_document(),
        "model": to_document(network.experiment)["model"],
    }


def as_text(told: Account) -> str:
    """`told` as JSON on one line."""
    return json.dumps(told, ensure_ascii=False, allow_nan=False)
