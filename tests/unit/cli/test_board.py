from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tracker.cli import board
from tracker.cli.main import main
from tracker.store.run import Run

DESKTOP = {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("environment", "is_screen", "is_opened"),
    [
        (DESKTOP, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({}, True, False),  # a terminal of a machine without a screen
        (DESKTOP, False, False),  # into a pipe
        ({**DESKTOP, "CI": "true"}, True, False),
        ({**DESKTOP, "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.7 22"}, True, False),
    ],
)
def test_a_browser_is_opened_where_somebody_sits_in_front_of_it(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    is_screen: bool,
    is_opened: bool,
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_screen)
    assert board._has_screen() is is_opened


@pytest.mark.parametrize(
    ("told", "target"),
    [
        (None, None),
        ("", None),
        ("unknown", None),
        ("192.0.2.1 50000 192.0.2.7 22", "ada@192.0.2.7"),
        ("2001:db8::1 50000 2001:db8::7 22", "ada@2001:db8::7"),
    ],
)
def test_how_this_machine_was_reached(
    monkeypatch: pytest.MonkeyPatch, told: str | None, target: str | None
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    if told is not None:
        monkeypatch.setenv("SSH_CONNECTION", told)
    assert board._logged_in_at() == target


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.7 22")
    assert board._logged_in_at() == "192.0.2.7"


def test_of_too_many_runs_for_time_series_the_address_opens_compare(
    tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1, 2):
        make_run(tmp_path, "resnet50", seed)
    make_run(tmp_path, "se_resnet50", 0)
    monkeypatch.setattr(board, "DRAWN", 3)
    link, [remark] = board._link(tmp_path, [], "http://x/")
    assert link == "http://x/#tracker_compare"
    assert remark.startswith("Of 4 runs TensorBoard draws none until you choose some")
    link, remarks = board._link(tmp_path, ["first/resnet50"], "http://x/")
    assert (urlsplit(link).fragment, remarks) == ("timeseries", [])


@pytest.mark.parametrize("host", ["", "  "])
def test_an_address_that_is_none(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--runs", str(tmp_path), "tensorboard", "--host", host]) == 2
    assert "name an address of this machine" in capsys.readouterr().err
