"""What a partition is beside its rows, as it stands in its control record.

Owns: the form of that. A field that is new has a default, so that an older version's record can still be read. What the
numbers mean is said where they are kept.
"""

from __future__ import annotations

import msgspec


class Control(msgspec.Struct, frozen=True):
    """What a partition is beside its rows."""

    row_layout: int
    zone: str
    currency: str
    segments: tuple[str, ...]
    max_ms: int
    alert_ms: int
    first_day: int | None
    open_day: int
    final_day: int
    late_change: bool
    published: dict[str, tuple[int, int]]
    ended: list[tuple[str, str, str, int]]
    leads: dict[str, tuple[int, int]]
    pulse: bytes = b""
