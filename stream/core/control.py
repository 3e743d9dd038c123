"""What a partition is beside its rows, as it stands in its control record.

Owns: the form of that, and what a policy must have in common with the one it was written under. A field that is new has
a default, so that an older version's record can still be read. What the numbers mean is said where they are kept.
"""

from __future__ import annotations

import msgspec

from stream.core import layouts
from stream.core.policy import Policy


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
    leads: dict[str, tuple[int, int]]  # empty: earlier versions look for it, what they wrote was a guess
    pulse: bytes = b""
    categories: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    year: tuple[int, bool] | None = None  # a ledger.Year


def differences(control: Control, policy: Policy) -> list[str]:
    """Why rows would be misread under a policy, in words; empty when they would not."""
    errors = []
    if control.row_layout not in layouts.known():
        errors.append("its rows have another layout: this version can't read them")
    if (control.zone, control.currency) != (policy.zone, policy.currency):
        errors.append(
            f"its days and money are {control.zone}, {control.currency}, not {policy.zone}, {policy.currency}"
        )
    figures = policy.figures
    for what, known, now in (
        ("segments", control.segments, policy.segments),
        ("categories", control.categories, figures.categories),
        ("variants", control.variants, figures.variants),
    ):
        if now[: len(known)] != known:
            errors.append(f"its {what} are {', '.join(known)}: keep these in this order, add new ones behind")
    return errors
