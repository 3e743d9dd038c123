"""A file of events as batches of lines, the same for all who read one.

Owns: how many lines are decoded together, and that empty ones are none. The bytes of a line stay as they are:
it may have to be shown as a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

BATCH_LINES = 20_000


def chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines without their ends, many at a time, in their order."""
    kept = (line for line in (line.rstrip(b"\r\n") for line in lines) if line)
    while chunk := list(islice(kept, BATCH_LINES)):
        yield chunk
