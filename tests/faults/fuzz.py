"""Inputs that nobody would write: each is answered in words, with a code that is documented.

    python -m tests.faults.fuzz 100000
    python -m tests.faults.fuzz 1000 --seed 7
    python -m tests.faults.fuzz --case 7:123      that one alone, with what it was and what was said

Three kinds: experiment files with bytes or values changed; command lines put together by chance;
the files of a run, changed, and then asked about. Never may there be a traceback, a control
character in what is said, another exit code, more than a few seconds, or a file left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tracker.cli.main import main as tracker
from tracker.events.writer import EventWriter
from tracker.spec.load import from_document
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.files import write_atomic, write_json
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run
from tracker.store.summary import Metric, Summary

REPOSITORY = Path(__file__).parents[2]
CORPUS = [
    path.read_bytes()
    for folder in ("experiments", "tests/examples")
    for path in sorted((REPOSITORY / folder).rglob("*.json"))
]
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8}
PATIENCE = 5.0  # seconds of computing
SHOWN = 400  # characters of what was said, in a failure

# What is put into files, as it stands.
TOKENS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\x00", b"\xff", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"NaN", b"-Infinity", b"1e999", b"-0", b"1.0", b"null", b"true", b"9" * 400,
    b"[" * 80, b'{"a":' * 80, b"\x1b[2J", b'"\\u001b]0;x\\u0007"', b'"\\ud800"', b'"\\u202e"',
    b'"../x"', b'"/dev/zero"', b'"a/b"', b'"extends"', b'"matrix"', b'"name"', b'"version": 99,',
    b"//", b"\r\n", b"a" * 300,
]  # fmt: skip
# What takes the place of a value.
VALUES: list[Any] = [
    None, True, 0, -1, 1.0, 1e308, float("nan"), 10**400, "", "x", "\x1b[31m", "\u202e", "\ud800",
    "../x", "a" * 5000, [], [[]], [1] * 3000, {}, {"name": "x"}, {"": {}}, ["resnet18"] * 2,
]  # fmt: skip
# What command lines are made of. None of these commands changes a file, trains, or serves.
COMMANDS = [
    "ls", "show", "diff", "compare", "validate", "models", "datasets", "schema", "doctor", "run",
]  # fmt: skip
WORDS = [
    "--json", "--help", "--state", "failed", "--tag", "--set", "optimizer.lr=0.1", "lr", "=1",
    "a..b=1", "--seeds", "0,1", "1-", "--max-steps", "-1", "9" * 20, "--resume", "--again",
    "--skip-finished", "@last", "@best:", "@best:loss/val", "@", "fuzz", "fuzz/resnet18/s0", "s1",
    "..", ".", "/", "", "-", "--", "--jsn", "--metric", "loss/val", "\x1b[2J", "\u202e", "\udcff",
    "a\nb", "a" * 5000, "nothing.json", "spec.json", "runs", "--by", "model.backbone", "--runs",
]  # fmt: skip
ABOUT_A_RUN: list[list[str]] = [
    ["ls"], ["ls", "--json"], ["show", "fuzz/resnet18/s0"], ["show", "@last", "--json"],
    ["diff", "resnet18/s0", "resnet18/s1"], ["compare", "fuzz"], ["compare", "fuzz", "--json"],
    ["doctor", "resnet18/s0"], ["run", "fuzz/resnet18/s0", "--resume", "--dry-run"],
]  # fmt: skip

Chance: TypeAlias = random.Random


@dataclass
class Figures:
    """How many cases there were, with which codes they ended, and which were not right."""

    cases: int = 0
    codes: dict[str, dict[int, int]] = field(default_factory=dict)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What one command line came to."""

    kind: str
    asked: Sequence[str]
    code: int
    said: str
    seconds: float


class Fuzz:
    """Asks one thing after another, in a folder of its own, which is to stay as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec = folder / "spec.json"
        self.spec.write_bytes(CORPUS[0])
        self.runs = folder / "runs"
        for number, backbone in enumerate(["resnet18", "resnet18", "resnet34", "resnet34"]):
            make_run(self.runs, backbone, number % 2, fails=number == 3)
        self.run = Run(self.runs / "fuzz/resnet18/s0")
        self._kinds: list[tuple[str, Callable[[Chance], Answer]]] = [
            *[("experiment file", self._spec)] * 7,
            ("command line", self._line),
            *[("file of a run", self._run_file)] * 2,
        ]
        self._as_it_was = self._names()

    def case(self, name: str) -> tuple[Answer, str]:
        """What the case of that name came to, and what is wrong with that; "" if all is well."""
        chance = random.Random(name)
        _, ask = chance.choice(self._kinds)
        answer = ask(chance)
        return answer, self.fault(answer)

    def _spec(self, chance: Chance) -> Answer:
        self.spec.write_bytes(mutated(chance))
        command = ["validate", str(self.spec)]
        if chance.random() < 0.3:
            command = ["run", str(self.spec), "--dry-run"]
        if chance.random() < 0.2:
            command.append("--json")
        answer = self._ask("experiment file", command)
        self.spec.write_bytes(CORPUS[0])
        return answer

    def _line(self, chance: Chance) -> Answer:
        words = chance.choices(WORDS, k=chance.randrange(6))
        command = chance.choice(COMMANDS)
        last = ["--dry-run"] if command == "run" else []  # after a "--" it is a file there is not
        return self._ask("command line", [command, *words, *last])

    def _run_file(self, chance: Chance) -> Answer:
        files = [path for path in sorted(self.run.path.rglob("*")) if path.is_file()]
        path = chance.choice(files)
        whole = path.read_bytes()
        path.write_bytes(changed(chance, whole, whole))
        try:
            return self._ask("file of a run", chance.choice(ABOUT_A_RUN))
        finally:
            path.write_bytes(whole)

    def _ask(self, kind: str, command: Sequence[str]) -> Answer:
        said = io.StringIO()
        began = time.process_time()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = tracker(["--runs", str(self.runs), *command])
        return Answer(kind, command, code, said.getvalue(), time.process_time() - began)

    def fault(self, answer: Answer) -> str:
        """What is wrong with `answer`, in a word or two; "" if nothing is."""
        allowed = {0, 2} if answer.kind == "experiment file" else DOCUMENTED
        if answer.code not in allowed:
            return f"exit code {answer.code}"
        if "Traceback" in answer.said or "internal error" in answer.said:
            return "a traceback"
        if not answer.said.replace("\n", "").isprintable():
            return "control characters"
        if answer.code and not answer.said:
            return "no word"
        if answer.seconds > PATIENCE:
            return f"{answer.seconds:.1f} s"
        if (names := self._names()) != self._as_it_was:
            return f"files left behind or gone: {names ^ self._as_it_was}"
        return ""

    def _names(self) -> set[str]:
        return {str(path) for path in self.folder.rglob("*")}


def mutated(chance: Chance) -> bytes:
    """One of our own experiment files, changed."""
    return changed(chance, chance.choice(CORPUS), chance.choice(CORPUS))


def changed(chance: Chance, data: bytes, other: bytes) -> bytes:
    """`data` with one or two values of its JSON replaced, or with one to four places of its bytes.

    Some of those come from `other`.
    """
    if chance.random() < 0.5:
        with contextlib.suppress(ValueError):
            document = json.loads(data)
            for _ in range(chance.randint(1, 2)):
                document = spoiled(chance, document)
            return json.dumps(document).encode()
    text = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 1, 1, 3, 30, len(text)]))
        match chance.randrange(5):
            case 0 if start < len(text):
                text[start] ^= 1 << chance.randrange(8)
            case 1:
                del text[start:end]
            case 2:
                text[start:end] = chance.choice(TOKENS)
            case 3:
                text[start:start] = text[start:end]
            case _:
                place = chance.randrange(len(other) + 1)
                text[start:end] = other[place : place + 30]
    return bytes(text)


def spoiled(chance: Chance, document: Any) -> Any:
    """A JSON value with one part of it replaced, removed, renamed or doubled."""
    parent: Any = None
    key: Any = None
    value = document
    while isinstance(value, dict | list) and value and (parent is None or chance.random() < 0.7):
        parent, key = (
            value,
            chance.choice([*value] if isinstance(value, dict) else range(len(value))),
        )
        value = value[key]
    if parent is None:
        return chance.choice(VALUES)
    match chance.randrange(5):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[chance.choice(["x", "", "\x1b", f"{key}s", "__class__"])] = parent.pop(key)
        case 2 if isinstance(parent, list):
            parent.append(value)
        case 3 if type(value) in (int, float):
            parent[key] = value * chance.choice([-1, 0, 2, 10])
        case _:
            parent[key] = chance.choice(VALUES)
    return document


def make_run(root: Path, backbone: str, seed: int, *, fails: bool) -> None:
    """A run that has ended, made without training."""
    facts = provenance.collect(None, ["tracker", "run", "fuzz.json"], patch=False)
    asked = from_document({"name": "fuzz", "model": {"backbone": backbone}, "seed": seed})
    values = {"accuracy/val": 0.5, "loss/val": 1.5}
    metrics = {
        "accuracy/val": Metric("max", 0.5, 30, 0.5, 30),
        "loss/val": Metric("min", 1.5, 30, 1.5, 30),
    }
    with ActiveRun.create(root, asked, facts) as active, EventWriter(active.run.path) as events:
        for step in (10, 20, 30):
            events.scalars(step, values)
        active.update(30, 3.0, Summary(metrics=metrics))
        active.run.checkpoints.mkdir()
        data = b"weights"
        entry = Entry("step-00000030.pt", 30, hashlib.sha256(data).hexdigest())
        write_atomic(active.run.checkpoints / entry.file, data)
        write_json(active.run.manifest_file, Manifest((entry,), entry).to_document())
        active.log("epoch 3/3")
        if fails:
            active.fail("a cause")


@contextlib.contextmanager
def bench() -> Iterator[Fuzz]:
    """A folder to fuzz in, which goes with the block; commands run there, as somebody else."""
    with tempfile.TemporaryDirectory(prefix="tracker-fuzz-") as name:
        before, temporary = Path.cwd(), tempfile.tempdir
        folder = Path(name) / "work"
        folder.mkdir()
        os.chdir(folder)
        tempfile.tempdir = str(folder)  # where a crash would leave its story
        try:
            yield Fuzz(folder)
        finally:
            os.chdir(before)
            tempfile.tempdir = temporary


def fuzz(count: int, seed: int, *, until: float | None = None) -> Figures:
    """Try the first `count` cases of `seed`, or as many as can be by `until` (time.monotonic())."""
    figures = Figures()
    with bench() as one:
        for number in range(count):
            if until is not None and time.monotonic() > until:
                break
            name = f"{seed}:{number}"
            answer, fault = one.case(name)
            figures.cases += 1
            codes = figures.codes.setdefault(answer.kind, {})
            codes[answer.code] = codes.get(answer.code, 0) + 1
            figures.slowest = max(figures.slowest, answer.seconds)
            if fault:
                told = f"{name}: {fault}: {' '.join(answer.asked)[:200]!a}"
                figures.failures.append(f"{told}: {answer.said[-SHOWN:]!a}")
    return figures


def show(name: str) -> int:
    """Print one case and what came of it."""
    with bench() as one:
        answer, fault = one.case(name)
    sys.stdout.write(f"{answer.kind}: {list(answer.asked)!a}\n")
    sys.stdout.write(f"{answer.code} after {answer.seconds:.2f} s: {answer.said!a}\n{fault}\n")
    return int(bool(fault))


def main() -> int:
    """Fuzz, print what came of it, and return 1 where it was not right."""
    parser = argparse.ArgumentParser(prog="tests.faults.fuzz")
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", help="SEED:NUMBER, as a failure names it")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args()
    if asked.case:
        return show(asked.case)
    began = time.monotonic()
    figures = fuzz(asked.count, asked.seed)
    sys.stdout.writelines(f"! {failure}\n" for failure in figures.failures)
    for kind, codes in sorted(figures.codes.items()):
        told = ", ".join(f"{count} × {code}" for code, count in sorted(codes.items()))
        sys.stdout.write(f"{kind}: {told}\n")
    sys.stdout.write(
        f"{figures.cases} cases in {time.monotonic() - began:.0f} s, the slowest "
        f"{figures.slowest:.2f} s; {len(figures.failures)} answered wrongly\n"
    )
    if asked.json:
        asked.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return int(bool(figures.failures))


if __name__ == "__main__":
    sys.exit(main())
