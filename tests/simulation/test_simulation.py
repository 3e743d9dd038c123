"""Some seeds of the simulation each time; many by hand: `python -m tests.simulation --seeds 100000 --jobs 2`."""

from __future__ import annotations

import os
import time
from collections import Counter

from tests.simulation.check import check

SEEDS, SECONDS = 300, 30.0  # whichever is reached first


def test_whatever_happens_the_same_comes_out() -> None:
    """In CI the same seeds every time, elsewhere others each day."""
    first = 1 if os.environ.get("CI") == "true" else int(time.time()) // 86_400 * 1000
    check(0)  # what compiles itself at the first call is no seed's fault
    began, seen = time.monotonic(), Counter[str]()
    for seed in range(first, first + SEEDS):
        outcome = check(seed)
        assert not outcome.problems, f"python -m tests.simulation --seed {seed}: {outcome.problems}"
        seen += outcome.seen
        if time.monotonic() - began > SECONDS:
            break
    wanted = {"alerts", "dead letters", "final day counts", "ends", "suspended", "refused", "zombies", "live", "replay"}
    assert not wanted - (+seen).keys(), dict(seen)
