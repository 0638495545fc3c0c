"""What the gate says: a verdict for each thing it looked at, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from tracker.errors import NotComparable, printable
from tracker.reading.difference.causes import Change
from tracker.reading.gate.curve import Curve

Kind: TypeAlias = Literal["network", "quality", "speed", "memory"]
# note: worth knowing, and decides nothing. unknown: it could not be looked at.
Status: TypeAlias = Literal["pass", "note", "warning", "fail", "unknown"]
Mode: TypeAlias = Literal["exact", "statistical"]
FAILED = 7


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """On one metric, by one rule. `words` say what moved; numbers are None where there are none.

    `tolerance` is what was allowed, in words; `since` the first step that is not as recorded; `p`
    by how rare chance is, where chance was asked.
    """

    metric: str
    kind: Kind
    status: Status
    words: str
    before: float | None = None
    after: float | None = None
    tolerance: str = ""
    since: int | None = None
    p: float | None = None

    @property
    def change(self) -> float | None:
        """By how much it is above the baseline."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


@dataclass(frozen=True, kw_only=True)
class Check:
    """What came of holding runs against a baseline.

    `why_mode` says why it was exact or statistical; `changes` are the circumstances that differ
    and can change results, `aside` is what the other mode would have said.
    `curves` are by tag what was recorded and what came now, of one seed.
    """

    name: str
    mode: Mode
    why_mode: str
    verdicts: tuple[Verdict, ...]
    aside: str = ""
    changes: tuple[tuple[str, Change], ...] = ()
    curves: Mapping[str, tuple[Curve, Curve]]

    @property
    def exit_code(self) -> int:
        """7 where something failed, else 8 where something could not be compared, else 0."""
        found = {verdict.status for verdict in self.verdicts}
        if "fail" in found:
            return FAILED
        return NotComparable.exit_code if "unknown" in found or not found & {"pass"} else 0

    @property
    def answer(self) -> str:
        """The whole in a sentence."""
        failed = [one.metric for one in self.verdicts if one.status == "fail"]
        unknown = [one.metric for one in self.verdicts if one.status == "unknown"]
        if failed:
            return f"{self.name} failed: {', '.join(failed)}"
        if self.exit_code:
            return f"{self.name} cannot be compared: {', '.join(unknown) or 'nothing was judged'}"
        warned = [one.metric for one in self.verdicts if one.status == "warning"]
        more = f" (warned of: {', '.join(warned)})" if warned else ""
        how = "bit for bit" if self.mode == "exact" else "within its tolerances"
        return f"{self.name} matches its baseline {how}{more}"

    def to_document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "answer": self.answer,
            "exit_code": self.exit_code,
            "mode": self.mode,
            "why_mode": self.why_mode,
            "aside": self.aside,
            "changes": [{"section": name, **change.to_document()} for name, change in self.changes],
            "verdicts": [{**asdict(one), "change": one.change} for one in self.verdicts],
        }


def nothing(name: str, why: str) -> Check:
    """The check of what gave no run that could be judged."""
    words = printable(why)
    verdict = Verdict(metric="run", kind="quality", status="unknown", words=words)
    return Check(
        name=printable(name), mode="exact", why_mode="nothing ran", verdicts=(verdict,), curves={}
    )
