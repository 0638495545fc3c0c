from __future__ import annotations

import sys

import pytest

from tracker.cli import board

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
