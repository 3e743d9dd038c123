"""How worker and desk log: one line each to standard error, and no line again and again.

Owns: the form, and the filter for the Kafka clients, which tell of an absent broker a hundred times a second.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Final

AGAIN_SECONDS: Final = 10.0
_MOST_KINDS: Final = 1_000
_NUMBERS = re.compile(r"\d+")


class Seldom(logging.Filter):
    """Lets a kind of message (its text without the numbers) through once in a while."""

    def __init__(self) -> None:
        """Begin with none seen."""
        super().__init__()
        self._seen: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is time for this one."""
        kind = _NUMBERS.sub("", record.getMessage())
        now = time.monotonic()
        if now - self._seen.get(kind, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        if len(self._seen) >= _MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = now
        return True


class SeldomForeign(Seldom):
    """The same for all that is not our own; hung on a handler, it hears of every logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is ours, or time for it."""
        return record.name.startswith("lapse") or super().filter(record)


def to_stderr() -> None:
    """Log to standard error, for people."""
    form = "%(asctime)s.%(msecs)03d %(levelname)-8s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=form, datefmt="%H:%M:%S")
