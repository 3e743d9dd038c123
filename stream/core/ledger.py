"""Which periods of one partition are open, closed and final, and what is published of each.

Owns: the two day pointers, revisions, and the instants of the alert clock at which something has to be published
(definitions T5, R7). Knows rows only through `retention.count`. Knows nothing of events or Kafka.
"""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core import retention
from stream.core.calendar import DAY_MS, PERIODS, calendar, date_of, day_of, period_end, period_start
from stream.core.figures import scan
from stream.core.flows import Figures, Flows
from stream.core.latest import Latest, Shown
from stream.core.policy import Policy
from stream.core.retention import Head, Part
from stream.core.table import NEVER_MS, CustomerTable


class Ledger:
    """Days before `open_day` are closed, days before `final_day` are final.

    Periods begin where the policy says that history starts, else at the first event's day (no `began` until then).
    """

    def __init__(self, policy: Policy, partition: int, flows: Flows) -> None:
        self._policy = policy
        self._calendar = calendar(policy.zone)
        self._partition = partition
        self._flows = flows
        self.latest = Latest()
        self._lateness_ms = policy.allowed_lateness_days * DAY_MS
        self._given = policy.history_start is not None
        self.first_day: int | None = None  # of the earliest event
        self.open_day = 0 if policy.history_start is None else day_of(policy.history_start)
        self.final_day = self.open_day
        # of what is closed and not final: the revision and a checksum of the counts that were published
        self.published: dict[str, tuple[int, int]] = {}

    def begin(self, first_day: int) -> None:
        """Take note of the day of the earliest event, which can only move back."""
        if not self._given:
            self.open_day = min(self.open_day, first_day) if self.began else first_day
            self.final_day = min(self.final_day, first_day) if self.began else first_day
        self.first_day = first_day

    @property
    def began(self) -> bool:
        """Whether there is a day to close."""
        return self._given or self.first_day is not None

    @property
    def warm_day(self) -> int:
        """The first day of a period that is no warmup (definitions R7)."""
        given = self._policy.history_start
        first = self.first_day if given is None else day_of(given)
        return self.open_day + 1 if first is None else first + max(self._policy.active_days)

    def shown(self) -> dict[str, Shown]:
        """The periods that are shown as metrics, by name; none before there is a day to close."""
        return self.latest.shown(self._flows, self.open_day) if self.began else {}

    def border_ms(self) -> int:
        """The alert clock at which the next day is to be closed or made final."""
        if not self.began:
            return NEVER_MS
        return min(self._calendar.end_ms(self.open_day), self._calendar.end_ms(self.final_day) + self._lateness_ms)

    def publish(self, table: CustomerTable, clock_ms: int, *, late_change: bool) -> list[Part]:
        """Everything the alert clock has passed by now.

        `late_change`: an event changed a closed day since the last call.
        """
        if not self.began:
            return []
        parts: list[Part] = []
        while self._calendar.end_ms(self.open_day) <= clock_ms:
            parts += self._close(table, clock_ms)
        if late_change:
            parts += self._revise(table, clock_ms)
        while self._calendar.end_ms(self.final_day) + self._lateness_ms <= clock_ms:
            parts += self._finish(table, clock_ms)
        return parts

    def head(self, clock_ms: int) -> Head:
        """How far this partition is; without any event it is as far as its clock."""
        open_day, final_day = self.open_day, self.final_day
        if not self.began:
            open_day, final_day = self._calendar.day(clock_ms), self._calendar.day(clock_ms - self._lateness_ms)
        return Head(
            partition=self._partition,
            history_start=None if self.first_day is None else date_of(self.first_day),
            closed_before=date_of(open_day),
            final_before=date_of(final_day),
        )

    def _close(self, table: CustomerTable, clock_ms: int) -> list[Part]:
        day = self.open_day
        self.open_day += 1
        return self._parts(table, clock_ms, [(period, period_start(period, day)) for period in PERIODS], day)

    def _revise(self, table: CustomerTable, clock_ms: int) -> list[Part]:
        periods = {
            (period, period_start(period, day))
            for day in range(self.final_day, self.open_day)
            for period in PERIODS
            if period_end(period, day) < self.open_day
        }
        return self._parts(table, clock_ms, sorted(periods), self.open_day - 1)

    def _finish(self, table: CustomerTable, clock_ms: int) -> list[Part]:
        day = self.final_day
        self.final_day += 1
        periods = [(period, period_start(period, day)) for period in PERIODS if period_end(period, day) == day]
        parts = self._parts(table, clock_ms, periods, day)
        self._flows.finish(day)
        return parts

    def _parts(self, table: CustomerTable, clock_ms: int, periods: list[tuple[str, int]], through: int) -> list[Part]:
        """A part of each period, counted through a day, of those that have anything new to say."""
        spans = [(start, min(period_end(period, start), through)) for period, start in periods]
        counts = retention.count(table, spans, self._policy.active_days, self._calendar)
        for (period, start), found in zip(periods, counts, strict=True):
            if period == "day":
                self._flows.set(start, "customer_days", found[:, retention.END])
        figures = self._figures(table, periods, spans, through)
        parts = (
            self._part(period, start, own, flows, clock_ms, through)
            for (period, start), own, flows in zip(periods, counts, figures, strict=True)
        )
        told = [part for part in parts if part is not None]
        self.latest.keep(told)
        return told

    def _figures(
        self, table: CustomerTable, periods: list[tuple[str, int]], spans: list[tuple[int, int]], through: int
    ) -> list[Figures]:
        """What there is beside the counts: of an open period the flows, of a closed one what the rows say as well."""
        closed = [
            (period, first, last)
            for (period, _), (first, last) in zip(periods, spans, strict=True)
            if period_end(period, first) <= through
        ]
        states = dict(
            zip(
                closed,
                scan(table.rows, table.more, table.n, closed, self._policy.active_days, self._calendar),
                strict=True,
            )
        )
        return [
            self._flows.named(
                self._flows.of(period, first, last),
                states.get((period, first, last)),
            )
            for (period, _), (first, last) in zip(periods, spans, strict=True)
        ]

    def _part(
        self, period: str, start: int, counts: NDArray[np.int64], figures: Figures, clock_ms: int, through: int
    ) -> Part | None:
        last = period_end(period, start)
        provisional = last > through
        final = last < self.final_day
        revision = 0
        if not provisional:
            key = f"{period}:{start}"
            checksum = zlib.crc32(msgspec.msgpack.encode(figures), zlib.crc32(counts.tobytes()))
            before = self.published.get(key)
            if before is not None:
                revision = before[0] + (checksum != before[1])
                if checksum == before[1] and not final:
                    return None
            self.published[key] = (revision, checksum)
            if final:
                del self.published[key]
        return Part(
            period=period,
            start=date_of(start),
            partition=self._partition,
            counts={name: row.tolist() for name, row in zip(self._policy.segments, counts, strict=True) if row.any()},
            figures=figures,
            currency=self._policy.currency,
            provisional=provisional,
            final=final,
            revision=revision,
            closed_at_ms=clock_ms,
        )
