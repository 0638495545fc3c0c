"""`tracker tensorboard`: browse runs; know, list and stop the servers that do so."""

from __future__ import annotations

import re
from pathlib import Path

import click

from tracker.cli import board
from tracker.cli.options import json_option
from tracker.reading.serving.dashboard import LOOPBACK


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@click.option("--port", type=click.IntRange(1, 65535), help="Use this port or none.")
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    callback=lambda _context, _option, value: _host(value),
    help="Address to listen on.",
)
@click.option(
    "--path-prefix",
    "prefix",
    default="",
    metavar="/PATH",
    callback=lambda _context, _option, value: _prefix(value),
    help="Begin every address with this, as behind a proxy that passes it on.",
)
@click.option("--no-browser", is_flag=True, help="Print the address; open nothing.")
@click.option("--list", "listing", is_flag=True, help="List the servers started for these runs.")
@click.option("--stop", "stopping", is_flag=True, help="Stop them (with --port: only that one).")
@json_option
@click.pass_obj
def tensorboard(
    root: Path,
    refs: tuple[str, ...],
    port: int | None,
    host: str,
    prefix: str,
    *,
    no_browser: bool,
    listing: bool,
    stopping: bool,
    as_json: bool,
) -> None:
    """Browse runs in TensorBoard.

    Shows the runs named, or all and those to come, until Ctrl-C. The address it prints opens on
    the question: accuracy and loss pinned, the pictures beside them, a colour per variant.
    """
    if listing and stopping:
        raise click.UsageError("--list and --stop exclude each other")
    if (listing or stopping) and (refs or prefix or host != LOOPBACK):
        raise click.UsageError("--list and --stop are for all servers of --runs, or one --port")
    if listing:
        board.show_servers(root, port, as_json=as_json)
    elif stopping:
        board.stop_servers(root, port, as_json=as_json)
    else:
        board.browse(
            root, refs, host, port, prefix=prefix, open_browser=not no_browser, as_json=as_json
        )


def _host(text: str) -> str:
    """The address as it is. Raises BadParameter for the empty one, by which sockets mean all."""
    if not text.strip():
        raise click.BadParameter("name an address of this machine, or 0.0.0.0 for all it has")
    return text


def _prefix(text: str) -> str:
    """The prefix with a slash before it and none behind. Raises BadParameter."""
    if not re.fullmatch(r"[\w./~-]*", text, re.ASCII):
        raise click.BadParameter("it is made of letters, digits and ./_~-")
    parts = [part for part in text.split("/") if part]
    return "".join(f"/{part}" for part in parts)
