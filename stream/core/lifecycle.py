"""The stage of a customer: where in the life of a customer somebody is.

Owns: the stages and what leads from one to the other. A stage is read off the row, never stored, so it cannot be out of
date.
"""

from __future__ import annotations

import enum
from typing import Final

from stream.core.retention import is_customer
from stream.core.row import NO_DAY, More, Row
from stream.core.signs import Sign
from stream.jit import njit


class Stage(enum.IntEnum):
    """In the order of a life."""

    prospect = 0  # known, never a customer
    new = 1  # a customer with too few purchase days to be judged
    active = 2
    at_risk = 3  # an alert is open, or the last silence raised one and still goes on
    lapsed = 4  # was a customer, is none today


# what a customer goes through, and why; drawn in docs/definitions.md
TRANSITIONS: Final[dict[tuple[Stage, Stage], str]] = {
    (Stage.prospect, Stage.new): "first qualifying activity or subscription",
    (Stage.new, Stage.active): "enough purchase days to be judged",
    (Stage.new, Stage.lapsed): "no activity for W days",
    (Stage.active, Stage.at_risk): "an alert opens",
    (Stage.active, Stage.lapsed): "no activity for W days, no sign of it",
    (Stage.at_risk, Stage.active): "the alert is resolved: the customer came back",
    (Stage.at_risk, Stage.lapsed): "no activity for W days",
    (Stage.lapsed, Stage.new): "activity again, still too few purchase days",
    (Stage.lapsed, Stage.active): "activity again",
}

_PROSPECT, _NEW, _ACTIVE, _AT_RISK, _LAPSED = (int(stage) for stage in Stage)
_SILENT = int(Sign.silent)


@njit
def stage_of(r: Row, m: More, day: int, end_s: int, active_days: int, min_purchase_days: int) -> int:
    """The Stage of a row at the end of a day (whose end is the second `end_s`), W = `active_days`."""
    if r.first_day == NO_DAY or r.first_day > day:
        return _PROSPECT
    if not is_customer(r, m, day, end_s, active_days):
        return _LAPSED
    if r.open or (r.purchase_day != NO_DAY and r.episode[_SILENT] == r.purchase_day):
        return _AT_RISK
    return _NEW if r.purchase_days < min_purchase_days else _ACTIVE
