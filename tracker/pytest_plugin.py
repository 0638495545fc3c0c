"""Regression tests of training code: fixtures for pytest, there wherever tracker is installed.

    def test_training(short_run, assert_matches_baseline):
        assert_matches_baseline(short_run("experiments/golden.json", max_steps=30))

    def test_my_own_loop(assert_matches_baseline):
        assert_matches_baseline({"loss": train_my_way(steps=20)})

`pytest --update-baselines` records, and fails where it changed something: look at the diff, commit
it, and run once more. Nothing heavy is imported before a fixture is used.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from tracker.api import OpenRun, Runs
    from tracker.events.reader import Series
    from tracker.reading.gate.observed import Observed
    from tracker.reading.gate.own import Points

    # A run of tracker's, a folder (a run, or event files of any), or curves by tag.
    Source: TypeAlias = OpenRun | Path | str | Mapping[str, Points]

_FOLDER = "baselines"


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


class ShortRun:
    """Trains what a spec asks for, aside, in this process."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._specs = 0

    def __call__(self, spec: Path | str | Mapping[str, Any], **overrides: Any) -> OpenRun:
        """The run of `spec`, a file or a document; `optimizer__lr=0.1` overrides optimizer.lr.

        `max_steps` ends it early. Raises UsageError where the spec asks for several runs, SpecError
        where it is wrong, and NotComparable where training fails.
        """
        from tracker.errors import UsageError

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
        for outcome in outcomes:
            if outcome.failure:
                raise NotComparable(outcome.failure)
        return open_runs(*dict.fromkeys(job.experiment.name for job in jobs), root=root)

    def _file(self, spec: Path | str | Mapping[str, Any]) -> Path:
        if not isinstance(spec, Mapping):
            return Path(spec)
        path = self._place / f"spec{self._specs}.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return path


class MatchesBaseline:
    """Fails a test unless what it is given matches the baseline that lies beside the test."""

    def __init__(self, folder: Path, test: str, *, update: bool) -> None:
        self._folder = folder
        self._test = test
        self._update = update

    def __call__(
        self,
        source: Source | Sequence[Source],
        name: str = "",
        *,
        mode: Literal["exact", "statistical"] | None = None,
        metrics: Sequence[str] = (),
        expect: Mapping[str, Mapping[str, float]] | None = None,
        false_alarms: float = 0.01,
    ) -> None:
        """Hold `source`, or one run per seed, against the baseline of this test called `name`.

        `mode` and `false_alarms` as for `tracker check`; `metrics` are the tags to judge by when it
        is recorded; `expect` as in a spec, for curves that have none.
        """
        from tracker.cli.verdicts import text
        from tracker.reading.gate.baseline import record
        from tracker.reading.gate.file import read, write
        from tracker.reading.gate.judge import Manner, judge

        runs = [_observed(one, seed, expect or {}) for seed, one in enumerate(_several(source))]
        path = self._folder / f"{_plain(self._test)}{_plain(f'-{name}' if name else '')}.json"
        if not path.exists() and not self._update:
            pytest.fail(f"there is no {path}; --update-baselines records it", pytrace=False)
        manner = Manner(mode=mode, false_alarms=false_alarms)
        found = judge(read(path), runs, manner) if path.exists() else None
        if found is not None and found.exit_code == 0:
            return
        told = "" if found is None else f"\n{text(found)}"
        if self._update:
            write(path, record(runs, [(tag, None) for tag in metrics]))
            pytest.fail(
                f"{path} is recorded anew; look at it, then test again{told}", pytrace=False
            )
        pytest.fail(f"this does not match {path}{told}", pytrace=False)


@pytest.fixture
def short_run(tmp_path: Path) -> ShortRun:
    """Train a spec in the test's own folder: `short_run(spec, **overrides)` gives the run."""
    return ShortRun(tmp_path)


@pytest.fixture
def assert_matches_baseline(request: pytest.FixtureRequest) -> MatchesBaseline:
    """Hold a run, or curves, against the baseline of this test."""
    wanted = request.config.getoption("--baselines-dir")
    root, own = request.config.rootpath, request.path.with_suffix("")
    if not wanted:
        folder = request.path.parent / _FOLDER / own.name
    elif own.is_relative_to(root):  # files of one name lie in different folders
        folder = Path(wanted) / own.relative_to(root)
    else:
        folder = Path(wanted) / own.name
    return MatchesBaseline(
        folder,
        request.node.nodeid.partition("::")[2],
        update=bool(request.config.getoption("--update-baselines")),
    )


def _several(source: Source | Sequence[Source]) -> list[Source]:
    if isinstance(source, Sequence) and not isinstance(source, str):
        return list(source)
    return [source]


def _observed(source: Source, seed: int, expect: Mapping[str, Mapping[str, Any]]) -> Observed:
    from tracker.api import OpenRun
    from tracker.events.reader import read_scalars
    from tracker.reading.gate.observed import observe
    from tracker.reading.gate.own import observe_curves
    from tracker.spec.experiment import Expectation
    from tracker.store.run import Run

    if isinstance(source, OpenRun):
        return observe(source.record.run)
    if not isinstance(source, Mapping) and Run(Path(source)).status_file.exists():
        return observe(Run(Path(source)))
    curves: Mapping[str, Points | Series] = (
        source if isinstance(source, Mapping) else read_scalars(Path(source)).series
    )
    bounds = [Expectation(tag=tag, **each) for tag, each in expect.items()]
    return observe_curves(f"seed {seed}", curves, machine=_machine(), seed=seed, expect=bounds)


def _machine() -> dict[str, Any]:
    """What torch computes with in this process, if it was imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "isa": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _plain(name: str) -> str:
    """A test's name as a file's: `TestX::test_y[a]` becomes `TestX.test_y_a_`.

    Where more than that is not plain, a checksum tells it from others that would be called alike.
    """
    usual = re.sub(r"[\[\]]", "_", name.replace("::", "."))
    plain = re.sub(r"[^\w.=+-]", "_", usual)
    return plain if plain == usual else f"{plain}-{zlib.crc32(name.encode()):08x}"
