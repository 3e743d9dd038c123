"""A file of events as what the learning needs: decoded batches, and every customer's purchase days.

Owns: reading a history once, and saying in words when it is too short to learn from. Knows nothing of the model: what
is scored is scored by the core, which is given the same batches (`stream.tools.replay`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.core.batch import NONE, Batch
from stream.core.calendar import calendar, date_of
from stream.core.kinds import Kind
from stream.core.policy import Policy
from stream.core.rules import rules_of
from stream.core.signals import FADE_DAYS
from stream.tools.lines import chunks
from stream.wire.decode import decode

FEWEST_CUSTOMERS = 100
FEWEST_DAYS = 90


class NotEnoughHistoryError(ValueError):
    """The history holds too little to learn from."""


@dataclass(frozen=True, slots=True)
class History:
    """The purchase days (ascending, one entry a business day) of customer c are `days[starts[c]:starts[c + 1]]`.

    `spend` is what their orders amount to up to each of these days, faded (definitions B2), in minor units;
    `segment` is the code of the segment they were in.
    """

    customers: list[str]
    days: NDArray[np.int64]
    spend: NDArray[np.float64]
    segment: NDArray[np.int64]
    starts: NDArray[np.int64]
    first_day: int  # of the whole history, any customer's event
    end_day: int

    @property
    def counts(self) -> NDArray[np.int64]:
        """Purchase days of each customer, at least 1."""
        return np.diff(self.starts)

    def of(self, c: int) -> NDArray[np.int64]:
        """The purchase days of one customer."""
        return self.days[self.starts[c] : self.starts[c + 1]]

    def only(self, wanted: NDArray[np.bool_]) -> History:
        """The history of some of the customers; it begins and ends with that of all."""
        customers = [name for name, keep in zip(self.customers, wanted, strict=True) if keep]
        starts = np.concatenate([[0], np.cumsum(self.counts[wanted])])
        kept = np.repeat(wanted, self.counts)
        columns = self.days[kept], self.spend[kept], self.segment[kept]
        return History(customers, *columns, starts, self.first_day, self.end_day)

    def require_enough(self) -> None:
        """Raise NotEnoughHistoryError, in words, when this is too little to learn from."""
        days = self.end_day - self.first_day + 1
        said = []
        if len(self.customers) < FEWEST_CUSTOMERS:
            said.append(f"{len(self.customers)} customers with a purchase, it takes {FEWEST_CUSTOMERS}")
        if days < FEWEST_DAYS:
            span = f"{date_of(self.first_day)} to {date_of(self.end_day)}" if days > 0 else "no events"
            said.append(f"{max(days, 0)} days ({span}), it takes {FEWEST_DAYS}")
        if not said and self.days.size == len(self.customers):
            said.append("nobody came a second time")
        if said:
            raise NotEnoughHistoryError(f"too little history to learn from: {'; '.join(said)}")


def batches(lines: Iterable[bytes], policy: Policy) -> Iterator[Batch]:
    """The well-formed events of a file, in its order; what is none is left out, as the worker would."""
    now_ms = int(time.time() * 1000)
    for chunk in chunks(lines):
        yield decode(chunk, None, now_ms, None, policy)[0]


def history(source: Iterable[Batch], policy: Policy) -> History:
    """Every customer's purchase days (definitions A1), from events in any order."""
    purchase, zone = rules_of(policy).of["purchase"], calendar(policy.zone)
    codes: dict[bytes, int] = {}
    everybody: dict[bytes, int] = {}  # also who never purchased
    pairs, orders, told = [np.empty((0, 2), np.int64)], [np.empty((0, 3), np.int64)], [np.empty((0, 3), np.int64)]
    first_day, end_day = 2**31, -(2**31)
    for batch in source:
        day = zone.days(batch.time_ms)
        known = day[batch.kind != Kind.clock_advanced]  # a clock is set behind the last event, to close its day
        if known.size:
            first_day, end_day = min(first_day, int(known.min())), max(end_day, int(known.max()))
        ids = batch.customers.split(b"\x00")
        at = np.flatnonzero(purchase[batch.kind])
        who = np.array([codes.setdefault(ids[i], len(codes)) for i in at.tolist()], np.int64)
        pairs.append(np.unique(np.stack([who, day[at].astype(np.int64)], axis=1), axis=0))
        paid = np.flatnonzero(batch.kind == Kind.order_completed)
        payer = np.array([codes.get(ids[i], -1) for i in paid.tolist()], np.int64)
        orders.append(np.stack([payer, day[paid].astype(np.int64), batch.amount[paid]], axis=1))
        says = np.flatnonzero(batch.segment != NONE)
        of = np.array([everybody.setdefault(ids[i], len(everybody)) for i in says.tolist()], np.int64)
        told.append(np.stack([of, day[says].astype(np.int64), batch.segment[says].astype(np.int64)], axis=1))
    found = np.unique(np.concatenate(pairs), axis=0)  # by customer, then by day, one a day
    starts = np.searchsorted(found[:, 0], np.arange(len(codes) + 1))
    days = np.ascontiguousarray(found[:, 1])
    spend = _spend(np.concatenate(orders), found)
    names = np.array([codes.get(name, -1) for name in everybody], np.int64)
    observed = np.concatenate(told)
    observed[:, 0] = names[observed[:, 0]]
    segment = _segments(observed, found)
    return History([name.decode() for name in codes], days, spend, segment, starts, first_day, end_day)


def _segments(observed: NDArray[np.int64], purchases: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each purchase day (customer, day) the code of the segment last observed (customer, day, code) by then.

    Before the first observation it is that one's (definitions S3), of whom there is none it is 0.
    """
    observed = observed[np.lexsort((observed[:, 1], observed[:, 0]))]
    known, wanted = observed[:, 0] << 32 | observed[:, 1], purchases[:, 0] << 32 | purchases[:, 1]
    last = np.searchsorted(known, wanted, side="right") - 1
    at = np.maximum(last, np.searchsorted(observed[:, 0], purchases[:, 0]))
    found = np.append(observed, [[-1, 0, 0]], axis=0)[at]
    return np.where(found[:, 0] == purchases[:, 0], found[:, 2], 0)


def _spend(orders: NDArray[np.int64], purchases: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each purchase day (customer, day) the faded amounts of the customer's orders (customer, day, amount) by then.

    Before a customer's first purchase there are none: who only ever orders without purchasing is not in the history.
    """
    here = np.concatenate([orders, np.column_stack([purchases, np.zeros(len(purchases), np.int64)])])
    last = np.concatenate([np.full(len(orders), -1), np.arange(len(purchases))])
    found = np.zeros(len(purchases))
    customer, before, total = -1, 0, 0.0
    for i in np.lexsort((last, here[:, 1], here[:, 0])).tolist():
        who, day, amount = here[i].tolist()
        total = amount + (total * math.exp((before - day) / FADE_DAYS) if who == customer else 0.0)
        customer, before = who, day
        if last[i] >= 0:
            found[last[i]] = total
    return found
