"""The plugin that TensorBoard loads, by our `tracker tensorboard` or by any `tensorboard`.

Whatever this module raised when it is imported would keep every TensorBoard of the environment from
starting. So it imports nothing of ours; what can fail does so within a request, and is told there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tensorboard.backend import http_util
from tensorboard.plugins.base_plugin import FrontendMetadata, TBContext, TBPlugin
from werkzeug import wrappers

NAME = "tracker_compare"

_STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_FOREVER = 7 * 24 * 3600  # seconds; a picture's address is made of its content
_PICTURES = 4096  # kept in memory, each of a few KB

App = Callable[..., Any]
_log = logging.getLogger(__name__)


class ComparePlugin(TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """Serves the page, and beside it the answers of `answer.look` about `context.logdir`."""

    plugin_name = NAME

    def __init__(self, context: TBContext) -> None:
        logdir = getattr(context, "logdir", None)
        self._logdir = Path(logdir) if logdir and "://" not in logdir else None
        self._has_runs = False  # once there was one there is a tab
        self._pictures: dict[str, bytes] = {}
        self._guard = threading.Lock()

    def get_plugin_apps(self) -> Mapping[str, App]:
        """Handlers by path: the page's files, and "/answer", "/evaluation", "/picture"."""
        files = {
            f"/{file.name}": _file(file) for file in _STATIC.iterdir() if file.suffix in _TYPES
        }
        return {
            **files,
            "/answer": self._asked(self._answer),
            "/evaluation": self._asked(self._evaluation),
            "/picture": wrappers.Request.application(self._picture),
        }

    def is_active(self) -> bool:
        """Whether there is anything to compare; looks no further than the first run."""
        if self._logdir is None:
            return False
        from tracker.reading.tab.places import any_run

        self._has_runs = self._has_runs or any_run(self._logdir)
        return self._has_runs

    def frontend_metadata(self) -> FrontendMetadata:
        """An ES module that TensorBoard puts into a frame of its own."""
        return FrontendMetadata(es_module_path="/index.js", tab_name="Compare", disable_reload=True)

    def data_plugin_names(self) -> tuple[str, ...]:
        """None: `is_active` decides."""
        return ()

    def _asked(self, tell: Callable[[wrappers.Request], Mapping[str, Any]]) -> App:
        """Answer with what `tell` returns, as JSON; whatever it raises becomes a sentence there."""

        def respond(request: wrappers.Request) -> Any:
            try:
                with self._guard:  # a second page waits for the answer that the first one asked for
                    document = tell(request)
            except Exception as error:  # noqa: BLE001 - told on the page, and TensorBoard goes on
                _log.exception("the Compare tab failed")
                document = {"why": f"the Compare tab failed: {type(error).__name__}: {error}"}
            return http_util.Respond(request, document, "application/json")

        return wrappers.Request.application(respond)

    def _answer(self, request: wrappers.Request) -> Mapping[str, Any]:
        if self._logdir is None:
            return {"why": "TensorBoard was given no folder of this machine"}
        state, found = self._look(request, request.args.get("known", ""))
        if found is None:
            return {"state": state}
        return {**found.document, "state": state}

    def _evaluation(self, request: wrappers.Request) -> Mapping[str, Any]:
        from tracker.reading.tab.answer import evaluation

        _, found = self._look(request, "")
        return evaluation(found, request.args.get("step", -1, type=int))

    def _look(self, request: wrappers.Request, known: str) -> tuple[str, Any]:
        from tracker.reading.tab.answer import Question, look

        said = request.args.get
        assert self._logdir is not None
        state, found = look(
            self._logdir,
            Question(
                experiment=said("experiment"),
                by=said("by") or None,
                metric=said("metric") or None,
                value="best" if said("value") == "best" else "last",
                reference=said("reference") or None,
                when="end" if said("when") == "end" else "now",
            ),
            known,
        )
        if found is not None:
            self._keep(found.pictures)
        return state, found

    def _keep(self, pictures: Mapping[str, bytes]) -> None:
        if len(self._pictures) + len(pictures) > _PICTURES:
            self._pictures.clear()
        self._pictures.update(pictures)

    def _picture(self, request: wrappers.Request) -> Any:
        png = self._pictures.get(request.args.get("name", ""))
        if png is None:
            return http_util.Respond(request, "no such picture", "text/plain", code=404)
        return http_util.Respond(request, png, "image/png", expires=_FOREVER)


def _file(path: Path) -> App:
    def respond(request: wrappers.Request) -> Any:
        return http_util.Respond(request, path.read_bytes(), _TYPES[path.suffix])

    return wrappers.Request.application(respond)
