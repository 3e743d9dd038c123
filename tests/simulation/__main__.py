"""`python -m tests.simulation --seeds 100000`: seeds in turn, on all cores; a failing one is told with its command.

Owns: the command line and the sum of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable

from tests.simulation.check import Outcome, check


def one(seed: int) -> Outcome:
    """A seed; a crash is a problem like any other."""
    try:
        return check(seed)
    except Exception:  # noqa: BLE001 (it belongs to this seed)
        return Outcome(seed, [traceback.format_exc()], Counter())


def told(outcomes: Iterable[Outcome]) -> tuple[int, int, Counter[str]]:
    """Print failing seeds as they come; how many were good, how many bad, and what was seen."""
    good = bad = 0
    seen: Counter[str] = Counter()
    for outcome in outcomes:
        good, bad = good + (not outcome.problems), bad + bool(outcome.problems)
        seen += outcome.seen
        if outcome.problems:
            print(f"seed {outcome.seed} FAILED: python -m tests.simulation --seed {outcome.seed}", flush=True)
            for problem in outcome.problems[:3]:
                print(f"    {problem:.1500}")
    return good, bad, seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="only this one, again")
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--start", type=int, default=1, help="the first (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (default: 1)")
    args = parser.parse_args()
    began = time.monotonic()
    if args.seed is not None:
        good, bad, seen = told([one(args.seed)])
    else:
        seeds = range(args.start, args.start + args.seeds)
        with multiprocessing.Pool(args.jobs) as pool:
            good, bad, seen = told(pool.imap_unordered(one, seeds, chunksize=20))
    seconds = time.monotonic() - began
    print(f"{good} of {good + bad} seeds right in {seconds:.0f} s ({(good + bad) * 60 / seconds:.0f} a minute): "
          f"{', '.join(f'{n} {name}' for name, n in sorted(seen.items()))}")  # fmt: skip
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
