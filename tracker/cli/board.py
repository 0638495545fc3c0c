"""What `tracker tensorboard` does and says; which server is whose, `reading.dashboard` knows."""

from __future__ import annotations

import getpass
import ipaddress
import os
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracker.cli.render import show_json, show_json_line
from tracker.cli.terminal import is_terminal, out, say
from tracker.cli.typed import typed
from tracker.errors import Busy
from tracker.reading.serving import dashboard
from tracker.reading.serving.dashboard import Found, Server
from tracker.reading.serving.link import DRAWN, TAB, deep_link, question
from tracker.reading.serving.view import name_in
from tracker.store.index import list_runs


def browse(
    root: Path,
    refs: Sequence[str],
    host: str,
    port: int | None,
    *,
    prefix: str,
    open_browser: bool,
    as_json: bool,
) -> None:
    """Serve until a signal comes; or name the server that shows just these runs already."""
    names = dashboard.resolve(root, refs)
    if running := dashboard.same(root, dashboard.in_words(root, names), host, port, prefix):
        say(f"It is open already; `{typed('tensorboard', '--stop')}` ends it.")
        _present(root, names, running, (), open_browser=open_browser, as_json=as_json)
        return
    # Here and not above: --help, --list and --stop need not wait for TensorBoard's 0.3 s.
    from tracker.reading.serving.serve import ended_by_signals, serving

    with (
        ended_by_signals(),
        serving(root, names, address=host, port=port, prefix=prefix) as board,
    ):
        if not _is_loopback(host):
            say(f"Whoever can reach {host} can read these runs: there is no password.")
        _present(
            root, names, board.server, board.remarks, open_browser=open_browser, as_json=as_json
        )
        say("Ctrl-C ends it.")
        board.wait()
    say("Ended.")


def show_servers(root: Path, port: int | None, *, as_json: bool) -> None:
    """Every server noted for these runs, and what is true of it now."""
    servers = _chosen(root, port)
    if as_json:
        show_json(servers=[_document(each.server, each.standing) for each in servers])
        return
    for found in servers:
        out(f"{found.server.url}  {dashboard.describe(found)}")
    if not servers:
        say(f"no TensorBoard of ours for {root}")


def stop_servers(root: Path, port: int | None, *, as_json: bool) -> None:
    """Stop those that are ours beyond doubt. Raises Busy, at the end, if one is not."""
    doubts = []
    stopped = []
    for found in _chosen(root, port):
        if found.standing in ("serving", "silent"):
            try:
                dashboard.stop(found.server)
                stopped.append(found)
            except Busy as doubt:
                doubts.append(str(doubt))
    if as_json:
        show_json(stopped=[_document(each.server) for each in stopped])
    for found in stopped:
        say(f"stopped {dashboard.describe(found)}")
    if doubts:
        raise Busy("\n".join(doubts))
    if not stopped:
        say(f"nothing of ours to stop on this machine for {root}")


def _chosen(root: Path, port: int | None) -> list[Found]:
    return [found for found in dashboard.find(root) if port in (None, found.server.port)]


def _present(
    root: Path,
    names: Sequence[str],
    server: Server,
    remarks: Sequence[str],
    *,
    open_browser: bool,
    as_json: bool,
) -> None:
    """Say where it is; open it where somebody sits in front of a screen."""
    link, more = _link(root, names, server.url)
    remarks = [*remarks, *more]
    for remark in remarks:
        say(remark)
    say(f"TensorBoard for {server.showing} is at {server.url}")
    if (target := _logged_in_at()) is not None:
        there = f"{server.port}:{server.host}:{server.port}"
        say(f"From your own machine: ssh -N -L {there} {target}")
    if as_json:
        show_json_line(link=link, remarks=list(remarks), server=_document(server))
    else:
        out(link)
    if open_browser and _has_screen():
        webbrowser.open(link)


def _link(root: Path, names: Sequence[str], url: str) -> tuple[str, list[str]]:
    """The address to open, and where it is not the usual one, a sentence that says why."""
    shown = [record for record in list_runs(root) if name_in(names, record.id) is not None]
    if len(shown) > DRAWN:
        why = (
            f"Of {len(shown):,} runs TensorBoard draws none until you choose some (it takes "
            f"{DRAWN}), so this opens on Compare; name an experiment or a variant to see fewer."
        )
        return f"{url}#{TAB}", [why]
    metrics, pictured = question(shown)
    pictures = [name for run in pictured if (name := name_in(names, run)) is not None]
    return deep_link(url, metrics, pictures), []


def _logged_in_at() -> str | None:
    """The name and address by which whoever typed the command reached this machine, if by ssh."""
    told = os.environ.get("SSH_CONNECTION", "").split()
    if len(told) != 4:  # their address and port, ours and ours
        return None
    try:
        return f"{getpass.getuser()}@{told[2]}"
    except (KeyError, OSError):  # in a container, a user may have no name
        return told[2]


def _document(server: Server, standing: str = "serving") -> dict[str, Any]:
    document = server.to_document()
    del document["schema_version"]
    return {"url": server.url, "standing": standing, **document}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_screen() -> bool:
    """Whether a browser opened here would be seen by whoever typed the command."""
    drawn = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return drawn and is_terminal() and "SSH_CONNECTION" not in os.environ
