"""Open alerts, page by page: filtered, in an order, from a place in it on.

Owns: filters, orders and the place (`after`), which holds while alerts come and go. Customer data: for holders of the
token only, which `api` sees to.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stream.desk import words
from stream.desk.aggregates import expected_loss
from stream.desk.answers import Acked, AlertLine, Alerts
from stream.desk.model import Desk
from stream.wire.encode import AlertEvent, rfc3339

MOST_SHOWN: Final = 200
_RANK: Final = {name: rank for rank, name in enumerate(words.SEVERITIES)}

# what comes first is smallest; the second is the tie-breaker for all
ORDERS: Final[dict[str, Callable[[AlertEvent], Any]]] = {
    "severity": lambda event: (_RANK[event.data.severity], -expected_loss(event)),
    "value": lambda event: -event.data.value_at_risk.amount,
    "chance": lambda event: -event.data.p_none,
    "newest": lambda event: -_ms(event.time),
    "oldest": lambda event: _ms(event.time),
}


class BadQueryError(ValueError):
    """A question that can't be answered; says why."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which open alerts, in which order, from where, how many. An empty filter lets everything through."""

    severity: frozenset[str] = frozenset()
    sign: frozenset[str] = frozenset()
    segment: frozenset[str] = frozenset()
    order: str = "severity"
    after: str = ""
    limit: int = 50

    def takes(self, event: AlertEvent) -> bool:
        """Whether an alert passes the filters."""
        data = event.data
        return (
            (not self.severity or data.severity in self.severity)
            and (not self.sign or data.sign in self.sign)
            and (not self.segment or data.segment in self.segment)
        )


def query(given: dict[str, str]) -> Query:
    """Read a query; several values of a filter stand with commas between. Raises BadQueryError."""
    unknown = set(given) - set(Query.__dataclass_fields__)
    if unknown:
        raise BadQueryError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(Query.__dataclass_fields__)}")
    order = given.get("order", "severity")
    if order not in ORDERS:
        raise BadQueryError(f"order is {order!r}: one of {', '.join(ORDERS)}")
    limit = given.get("limit", "50")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MOST_SHOWN:
        raise BadQueryError(f"limit is {limit!r}: a whole number from 1 to {MOST_SHOWN}")
    filters = {
        name: frozenset(filter(None, given.get(name, "").split(","))) for name in ("severity", "sign", "segment")
    }
    wrong = filters["severity"] - set(words.SEVERITIES)
    if wrong:
        raise BadQueryError(f"severity is {', '.join(sorted(wrong))!r}: of {', '.join(words.SEVERITIES)}")
    return Query(**filters, order=order, after=given.get("after", ""), limit=int(limit))


def alerts(desk: Desk, asked: Query) -> Alerts:
    """One page of the open alerts. Raises BadQueryError for an `after` that isn't one of ours."""
    order = ORDERS[asked.order]
    found = sorted(
        ((order(event), event.data.alert_id, event) for event in desk.open_alerts() if asked.takes(event)),
        key=lambda one: one[:2],
    )
    try:
        begin = bisect.bisect_right(found, _place(asked.after), key=lambda one: one[:2]) if asked.after else 0
    except TypeError:  # the place is one of another order
        raise BadQueryError("after is not the `next` of a page in this order") from None
    page = found[begin : begin + asked.limit]
    more = begin + len(page) < len(found)
    return Alerts(
        total=len(found),
        alerts=[line(desk, event) for *_, event in page],
        next=_after(page[-1][0], page[-1][1]) if more else None,
    )


def line(desk: Desk, event: AlertEvent) -> AlertLine:
    """An alert as it is told in a list."""
    data = event.data
    story = desk.story(data.alert_id)
    acked = story.acked if story else None
    return AlertLine(
        alert_id=data.alert_id,
        customer_id=data.customer_id,
        status=data.status,
        resolution=data.resolution if isinstance(data.resolution, str) else None,
        severity=data.severity,
        stage=data.stage,
        segment=data.segment,
        sign=data.sign,
        title=words.sign(data.sign).title,
        says=[one.says for one in data.signs],
        p_none=data.p_none,
        horizon_days=data.horizon_days,
        value_at_risk=data.value_at_risk,
        expected_loss=round(expected_loss(event), 2),
        play=data.play,
        consent_marketing=data.consent_marketing,
        holdout=data.holdout,
        opened_at=story.life[0].time if story else event.time,
        changed_at=event.time,
        observed_at=data.observed_at,
        acked=Acked(by=acked.by, at=rfc3339(acked.at_ms)) if acked else None,
    )


def _after(key: object, alert_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, alert_id]).encode()).decode()


def _place(after: str) -> tuple[Any, str]:
    try:
        key, alert_id = json.loads(base64.urlsafe_b64decode(after.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise BadQueryError("after is not the `next` of an earlier page") from None
    return (tuple(key) if isinstance(key, list) else key), str(alert_id)


def _ms(text: str) -> int:
    """Epoch ms of an RFC 3339 time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
