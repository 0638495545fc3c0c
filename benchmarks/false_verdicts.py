"""How often `compare` finds a difference where there is none, and how often it finds a real one.

Simulated runs of two groups: accuracies on 1,000 pictures around 0.72 with a spread over seeds of
1.2 points (that of the quick-start experiment), losses that go with them. The share of comparisons
that call a winner is printed for no difference, and for one of 1 and 2 spreads. An interval of
95 % (Wilson 1927) stands beside each share.
"""

from __future__ import annotations

import itertools
import math
import random

from benchmarks.measure import Row, machine, parser, report
from tests.records import record
from tracker.reading.comparison.compare import compare

SPREAD = 0.012
METRICS = {"accuracy/val": ["accuracy/val"], "accuracy/val, loss/val": []}


def main() -> None:
    """Simulate, print, and keep the shares."""
    options = parser(__doc__)
    options.set_defaults(repeats=10_000)
    arguments = options.parse_args()
    rows: list[Row] = []
    for (shown, metrics), gap, n in itertools.product(METRICS.items(), (0, 1, 2), (2, 3, 5, 10)):
        rounds = arguments.repeats if gap == 0 else arguments.repeats // 10
        found = sum(_verdict(n, gap * SPREAD, metrics, seed) for seed in range(rounds))
        low, high = _wilson(found, rounds)
        rows.append(
            {
                "metrics": shown,
                "gap, spreads": gap,
                "seeds": n,
                "comparisons": rounds,
                "a winner, %": 100 * found / rounds,
                "from": 100 * low,
                "to": 100 * high,
            }
        )
    report("How often a winner is called", rows, machine("scipy"), arguments.json)


def _verdict(n: int, gap: float, metrics: list[str], seed: int) -> bool:
    """Whether one comparison of `n` seeds each, `gap` apart, calls a winner."""
    chance = random.Random(f"{n} {gap} {metrics} {seed}")
    records = [
        record(backbone, run, _values(chance, 0.72 + more))
        for backbone, more in (("resnet50", 0.0), ("se_resnet50", gap))
        for run in range(n)
    ]
    verdict = compare(records, metrics=metrics).others[0].scores["accuracy/val"].verdict
    return verdict is not None and verdict.outcome in ("better", "worse")


def _values(chance: random.Random, mean: float) -> dict[str, float]:
    accuracy = round(chance.gauss(mean, SPREAD), 3)
    return {"accuracy/val": accuracy, "loss/val": 2 * (1 - accuracy) + chance.gauss(0, 0.02)}


def _wilson(found: int, rounds: int) -> tuple[float, float]:
    z, share = 1.96, found / rounds
    middle = share + z * z / (2 * rounds)
    reach = z * math.sqrt(share * (1 - share) / rounds + z * z / (4 * rounds**2))
    return max(0.0, middle - reach) / (1 + z * z / rounds), (middle + reach) / (1 + z * z / rounds)


if __name__ == "__main__":
    main()
