"""`tracker init`: a first experiment file, small enough to read and quick enough to run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from tracker.cli.starter import starter
from tracker.cli.terminal import out, say
from tracker.cli.typed import typed
from tracker.errors import Busy
from tracker.spec.schema import choices
from tracker.store.files import explain_os_error


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("experiment.json"))
@click.option(
    "--dataset",
    type=click.Choice([choice.name for choice in choices("data")]),
    default="shapes",
    show_default=True,
    help="What to learn from.",
)
@click.option(
    "--backbone",
    "backbones",
    type=click.Choice([choice.name for choice in choices("model")]),
    multiple=True,
    default=["cifar_resnet20", "cifar_se_resnet20"],
    show_default=True,
    metavar="NAME",
    help="A model to compare; give several.",
)
def init(path: Path, dataset: str, backbones: tuple[str, ...]) -> None:
    """Write a first experiment file to start from.

    The file's name becomes the experiment's. A file that exists is never overwritten.
    """
    once = tuple(dict.fromkeys(backbones))
    fields = starter(path, dataset, once).items()
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in fields)
    with explain_os_error("create", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(f"{{\n{lines}\n}}\n")
        except FileExistsError as error:
            raise Busy(f"{path} exists, and is left as it is; give another name") from error
    out(str(path))
    check = shlex.join(["tracker", "validate", str(path)])  # it looks at no runs
    say("Next: " + "\n      ".join([check, typed("run", str(path)), typed("tensorboard")]))
