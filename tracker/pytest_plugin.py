"""Regression tests of training code: fixtures for pytest, there wherever tracker is installed.

    def test_training(short_run, assert_matches_baseline):
        assert_matches_baseline(short_run("experiments/golden.json", max_steps=30))

    def test_my_own_loop(assert_matches_baseline):
        assert_matches_baseline({"loss": train_my_way(steps=20)})

`pytest --update-baselines` records, and fails each test for which it changed something: look at the
diff, commit it, and run once more. Nothing heavy is imported before a fixture is used.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pytest

from tracker.errors import TrackerError, UsageError, printable

if TYPE_CHECKING:
    from tracker.api import OpenRun, Runs
    from tracker.reading.gate.drift import Drift
    from tracker.reading.gate.observed import Observed
    from tracker.reading.gate.own import Points
    from tracker.spec.experiment import Experiment

    # A run of tracker's, a folder (a run, or event files of any), or curves by tag.
    Source: TypeAlias = OpenRun | Path | str | Mapping[str, Points]

_FOLDER = "baselines"
_RECORDED = pytest.StashKey[list[str]]()  # what was recorded anew for a test
_Mode: TypeAlias = Literal["exact", "statistical"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-baselines` and `--baselines-dir`."""
    group = parser.getgroup("tracker", "regression tests of training")
    group.addoption(
        "--update-baselines",
        action="store_true",
        help="record what assert_matches_baseline is given; a test whose baseline changes fails",
    )
    group.addoption(
        "--baselines-dir",
        metavar="DIR",
        help=f"folder of the baselines [default: {_FOLDER}/ beside each test file]",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test at its end where a baseline of it was recorded: so all of them are, in one go."""
    result = yield
    if recorded := item.stash.get(_RECORDED, []):
        pytest.fail("\n".join(recorded), pytrace=False)
    return result


class ShortRun:
    """Trains what a spec asks for, aside, in this process."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._specs = 0
        self._made: dict[Path, tuple[Path, Experiment]] = {}

    def __call__(self, spec: Path | str | Mapping[str, Any], **overrides: Any) -> OpenRun:
        """The run of `spec`, a file or a document; `optimizer__lr=0.1` overrides optimizer.lr.

        `max_steps` ends it early. Raises UsageError where the spec asks for several runs, SpecError
        where it is wrong, and NotComparable where training fails.
        """
        runs = self.several(spec, **overrides)
        if len(runs) > 1:
            raise UsageError(f"the spec asks for {len(runs)} runs; short_run.several makes them")
        return runs[0]

    def several(
        self,
        spec: Path | str | Mapping[str, Any],
        *,
        seeds: Sequence[int] | None = None,
        max_steps: int | None = None,
        **overrides: Any,
    ) -> Runs:
        """All runs of `spec`, with `seeds` instead of its own; else as for one."""
        from tracker.api import open_runs
        from tracker.cli.settle import settle_libraries
        from tracker.cli.terminal import say
        from tracker.errors import NotComparable
        from tracker.launch.plan import choose, jobs_of

        settle_libraries()
        from tracker.launch import here

        if seeds is not None and not [*seeds]:
            raise UsageError("seeds must name one at least")
        self._specs += 1
        root = self._place / f"runs{self._specs}"
        jobs = jobs_of(
            self._file(spec),
            root,
            overrides=[
                f"{key.replace('__', '.')}={json.dumps(overrides[key])}" for key in overrides
            ],
            seeds=seeds,
            max_steps=max_steps,
        )
        outcomes = here.execute(
            choose(jobs), root=root, argv=["pytest"], watch=lambda _: None, say=say
        )
        for job, outcome in zip(jobs, outcomes, strict=True):
            if outcome.failure:
                raise NotComparable(outcome.failure)
            self._made[job.run.path] = job.source, job.experiment
        return open_runs(*dict.fromkeys(job.experiment.name for job in jobs), root=root)

    def how(self, source: Source) -> tuple[Path, Experiment] | None:
        """The file and the experiment that a run was made of; None for what was made elsewhere."""
        from tracker.api import OpenRun

        return self._made.get(source.path) if isinstance(source, OpenRun) else None

    def _file(self, spec: Path | str | Mapping[str, Any]) -> Path:
        if not isinstance(spec, Mapping):
            if not Path(spec).is_file():
                raise UsageError(f"there is no experiment file {printable(str(spec))}")
            return Path(spec)
        path = self._place / f"spec{self._specs}.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return path


class MatchesBaseline:
    """Fails a test unless what it is given matches the baseline that lies beside the test."""

    def __init__(
        self,
        folder: Path,
        test: str,
        short_run: ShortRun,
        scratch: Path,
        recorded: list[str] | None,
    ) -> None:
        self._folder, self._test = folder, test
        self._short_run, self._scratch = short_run, scratch
        self._recorded = recorded
        self._calls = 0

    def __call__(
        self,
        source: Source | Sequence[Source],
        name: str = "",
        *,
        mode: _Mode | None = None,
        metrics: Sequence[str] = (),
        expect: Mapping[str, Mapping[str, float]] | None = None,
        false_alarms: float = 0.01,
    ) -> None:
        """Hold `source`, or one run per seed, against the baseline of this test called `name`.

        `mode` and `false_alarms` as for `tracker check`; `metrics` are the tags to judge by, in
        place of the usual; `expect` as in a spec, on top of what a run's own asks for. Fails the
        test, with one line, where an argument is wrong.
        """
        __tracebackhide__ = True
        self._calls += 1
        try:
            _check_arguments(mode, metrics, false_alarms)
            self._hold(_several(source), name, mode, metrics, expect or {}, false_alarms)
        except TrackerError as error:  # without its frames, which are not the test's
            raise pytest.fail.Exception(f"{type(error).__name__}: {error}") from None

    def _hold(
        self,
        sources: Sequence[Source],
        name: str,
        mode: _Mode | None,
        metrics: Sequence[str],
        expect: Mapping[str, Mapping[str, Any]],
        false_alarms: float,
    ) -> None:
        __tracebackhide__ = True
        from tracker.cli.verdicts import text
        from tracker.reading.gate.baseline import record
        from tracker.reading.gate.file import read, write
        from tracker.reading.gate.judge import Manner, judge
        from tracker.reading.gate.own import expectations

        bounds = expectations(expect)
        seen = [
            replace(run, expect=(*run.expect, *bounds))
            for run in map(self._observed, range(len(sources)), sources)
        ]
        path = self._folder / f"{_plain(self._test)}{_plain(f'-{name}' if name else '')}.json"
        asked = [(tag, None) for tag in metrics]
        judged = record(seen, asked).judged if asked else None
        told = f"there is no {path}"
        if path.exists():
            before = read(path)
            found = judge(before, seen, Manner(mode=mode, false_alarms=false_alarms))
            if found.exit_code == 0 and judged in (None, before.judged):
                return
            told = f"this does not match {path}\n{text(found)}"
            if judged not in (None, before.judged):
                told = f"{path} judges by {', '.join(one.name for one in before.judged)}"
        if self._recorded is None:
            pytest.fail(f"{told}\n--update-baselines records it", pytrace=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, record(seen, asked, drift=self._drift(sources, seen)))
        self._recorded.append(f"{path} is recorded anew; look at it, then test again\n{told}")

    def _observed(self, seed: int, source: Source) -> Observed:
        from tracker.api import OpenRun
        from tracker.reading.gate.own import observe_source

        seen = observe_source(source.record.run if isinstance(source, OpenRun) else source, seed)
        how = self._short_run.how(source)
        if how is None:
            return seen
        from tracker.launch.short import evaluated_early

        scratch = self._scratch / f"{self._calls}-{seed}"
        [found] = evaluated_early(how[0], [how[1]], [seen], scratch, argv=["pytest"])
        return found

    def _drift(self, sources: Sequence[Source], seen: Sequence[Observed]) -> Drift:
        """How far rounding carries these runs, where this test made them all."""
        known = [how for source in sources if (how := self._short_run.how(source))]
        if len(known) < len(sources):
            return {}
        from tracker.launch.short import measure_drift

        experiments = [experiment for _, experiment in known]
        scratch = self._scratch / f"{self._calls}"
        return measure_drift(known[0][0], experiments, seen, scratch, argv=["pytest"])


@pytest.fixture
def short_run(tmp_path: Path) -> ShortRun:
    """Train a spec in the test's own folder: `short_run(spec, **overrides)` gives the run."""
    return ShortRun(tmp_path)


@pytest.fixture
def assert_matches_baseline(
    request: pytest.FixtureRequest, short_run: ShortRun, tmp_path: Path
) -> MatchesBaseline:
    """Hold a run, or curves, against the baseline of this test."""
    wanted = request.config.getoption("--baselines-dir")
    root, own = request.config.rootpath, request.path.with_suffix("")
    if not wanted:
        folder = request.path.parent / _FOLDER / own.name
    elif own.is_relative_to(root):  # files of one name lie in different folders
        folder = Path(wanted) / own.relative_to(root)
    else:
        folder = Path(wanted) / own.name
    is_update = request.config.getoption("--update-baselines")
    return MatchesBaseline(
        folder,
        request.node.nodeid.partition("::")[2],
        short_run,
        tmp_path / "scratch",
        request.node.stash.setdefault(_RECORDED, []) if is_update else None,
    )


def _check_arguments(mode: object, metrics: object, false_alarms: object) -> None:
    """Raise UsageError where one is not of its kind."""
    if mode not in (None, *get_args(_Mode)):
        raise UsageError(f"mode must be 'exact' or 'statistical', not {mode!a}")
    if isinstance(metrics, str):
        raise UsageError(f"metrics must be a list of tags, such as [{metrics!a}]")
    if not isinstance(false_alarms, float) or not 0 < false_alarms < 0.5:
        raise UsageError(f"false_alarms must be a share between 0 and 0.5, not {false_alarms!a}")


def _several(source: Source | Sequence[Source]) -> list[Source]:
    if isinstance(source, str) or not isinstance(source, Sequence):
        return [source]
    if not source:
        raise UsageError("there is no run to hold against the baseline: the list is empty")
    return list(source)


def _plain(name: str) -> str:
    """A test's name as a file's: `TestX::test_y[a]` becomes `TestX.test_y_a_`.

    Where more than that is not plain, a checksum tells it from others that would be called alike.
    """
    usual = re.sub(r"[\[\]]", "_", name.replace("::", "."))
    plain = re.sub(r"[^\w.=+-]", "_", usual)
    return plain if plain == usual else f"{plain}-{zlib.crc32(name.encode()):08x}"
