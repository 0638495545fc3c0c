"""The Hugging Face Hub, which has timm's weights: asked once whether it is there, then relied on.

Without a network its own library tries ten times to reach it, for most of a minute, complaining on
stderr, before it looks into its cache.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_PATIENCE = 5.0  # seconds; names that nobody resolves can take a minute to fail


@contextmanager
def settled(patience: float = _PATIENCE) -> Iterator[None]:
    """Let what timm loads inside come from the cache alone if the Hub does not answer in time.

    Raises OSError where it is not there either. No progress bar is drawn, for it would be drawn
    across ours. Not for several threads at once.
    """
    import huggingface_hub.errors  # they come with timm, if at all
    import huggingface_hub.utils

    library: Any = huggingface_hub  # what it hands out is more than it declares
    constants, utils, errors = library.constants, library.utils, library.errors
    offline, silent = constants.HF_HUB_OFFLINE, utils.are_progress_bars_disabled()
    # There is no function for it: https://github.com/huggingface/transformers/pull/42308
    constants.HF_HUB_OFFLINE = offline or not answers(constants.ENDPOINT, patience)
    if not silent:
        utils.disable_progress_bars()
    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        raise OSError(f"{constants.ENDPOINT} does not answer, and no cache has them") from error
    finally:
        constants.HF_HUB_OFFLINE = offline
        if not silent:
            utils.enable_progress_bars()


def answers(address: str, patience: float) -> bool:
    """Whether the web server at `address` says anything within `patience` seconds."""
    heard: Future[bool] = Future()

    def ask() -> None:
        heard.set_result(_answers(address, patience))

    # A thread, for looking up a name has no time limit; a daemon, for nobody waits for its end.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return heard.result(patience)
    except TimeoutError:
        return False


def _answers(address: str, patience: float) -> bool:
    try:
        asked = Request(address, method="HEAD")  # noqa: S310 - as the environment has it
        with urlopen(asked, timeout=patience):  # noqa: S310
            return True
    except HTTPError as answer:  # a refusal is an answer
        answer.close()
        return True
    except (OSError, HTTPException, ValueError):
        return False
