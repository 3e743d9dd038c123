"""How tests wait for what another process or thread does: until it is so, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.05


def until(
    true: Callable[[], object], says: str | Callable[[], object],
    seconds: float = PATIENCE_SECONDS, again: float = AGAIN_SECONDS,
) -> None:  # fmt: skip
    """Wait until something is true. Where it doesn't come, `says` tells what was waited for, or what there is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {says() if callable(says) else says}"
        time.sleep(again)
