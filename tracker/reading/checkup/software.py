"""Do the installed packages fit together? Asked of their metadata: importing torch takes seconds,
and of two that don't fit the import may be what fails.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Iterator

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from tracker.reading.checkup.finding import Finding, fine, unfit, warning

_SHOWN = ("torch", "torchvision", "tensorboard")
# Whose wishes are looked at: ours, and those of the two whose releases go with one of torch.
_OWNERS = ("tracker", "torchvision", "tensorboard")


def installed(name: str) -> str | None:
    """The version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def required(name: str) -> list[str]:
    """What a distribution says it needs, as PEP 508 has it; nothing if it is not installed."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def has_tensorflow() -> bool:
    """Whether `import tensorflow` would find something; it is not imported."""
    return importlib.util.find_spec("tensorflow") is not None


def check(
    version: Callable[[str], str | None] = installed,
    needs: Callable[[str], list[str]] = required,
    tensorflow: Callable[[], bool] = has_tensorflow,
) -> Iterator[Finding]:
    """Look at versions, at builds of torch and torchvision, and for TensorFlow."""
    unmet = [finding for owner in _OWNERS for finding in _unmet(owner, version, needs)]
    yield from unmet
    if version("tracker") is None:
        yield warning(
            "packages",
            "tracker runs from its source, so the versions it needs are not known",
            "pip install -e .",
        )
    elif not unmet:
        found = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
        yield fine("packages", f"Python {platform.python_version()}, {found}")
    yield from _builds(version)
    if tensorflow():
        yield warning(
            "tensorflow",
            "is installed: TensorBoard and torch's SummaryWriter then write through its buffers, "
            "and a kill loses what is in them. tracker writes its own event files; code of yours "
            "that uses SummaryWriter is concerned",
            "uninstall it, or flush() after each point",
        )


def _unmet(
    owner: str, version: Callable[[str], str | None], needs: Callable[[str], list[str]]
) -> Iterator[Finding]:
    """The packages that `owner` needs and that are not there, or of another version."""
    for text in needs(owner):
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        found = version(need.name)
        if found is not None and need.specifier.contains(found, prereleases=True):
            continue
        words = f"{found or 'nothing'} is installed, but {owner} needs {need.name}{need.specifier}"
        if need.name == "torch":
            remedy = "install torch and torchvision in one command, so that they fit"
        else:
            remedy = f"pip install '{need.name}{need.specifier}'"
        yield unfit(need.name, words, remedy)


def _builds(version: Callable[[str], str | None]) -> Iterator[Finding]:
    """Wheels of torch for one device and of torchvision for another cannot be loaded together."""
    labels = {}
    for name in ("torch", "torchvision"):
        try:
            labels[name] = Version(version(name) or "").local
        except InvalidVersion:  # missing, or a person's own build: nothing is known of it
            return
    if labels["torch"] != labels["torchvision"]:
        ours, theirs = (label or "the default device" for label in labels.values())
        yield warning(
            "torchvision",
            f"is built for {theirs} and torch for {ours}; importing it may end in "
            '"operator torchvision::nms does not exist"',
            "install both in one command, from one --index-url",
        )
