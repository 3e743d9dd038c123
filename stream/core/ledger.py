"""Which periods of one partition are open, closed and final, and what is published of each.

Owns: the two day pointers, revisions, and the instants of the alert clock at which something has to be published
(definitions T5, R7). Knows rows only through `retention.count`. Knows nothing of events or Kafka.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core import leads, retention, variants, years
from stream.core.calendar import DAY_MS, PERIODS, calendar, date_of, day_of, period_end, period_start
from stream.core.figures import MEMBERS_END, scan
from stream.core.flows import Figures, Flows
from stream.core.latest import Latest, Shown
from stream.core.policy import Policy
from stream.core.retention import Head, Part
from stream.core.row import NEVER_MS, NO_DAY
from stream.core.table import CustomerTable

_Period: TypeAlias = tuple[str, int]  # its kind and first day
_Span: TypeAlias = tuple[str, int, int]  # the same, and the day it is counted through

_AT_CLOSE = "customer_days", "member_days", *leads.MEASURES  # what rows say of a day, and no event of its periods


@dataclass(frozen=True, slots=True)
class _Step:
    """Periods that are published together, counted through a day, and whether that day is final by now."""

    periods: list[_Period]
    through: int
    final: bool = False

    @property
    def spans(self) -> list[_Span]:
        return [(period, start, min(period_end(period, start), self.through)) for period, start in self.periods]


class _Seen(NamedTuple):
    """What the rows say of a span: an array (segment, count), and for a closed period (segment, measure).

    Of a day also whom alerts had told of.
    """

    counts: dict[_Span, NDArray[np.int64]]
    states: dict[_Span, NDArray[np.int64]]
    told: dict[_Span, NDArray[np.int64]]


class Year(NamedTuple):
    """The year that rows are marked for (core.years); not `known` where an earlier version left it unmarked."""

    first: int
    known: bool


class Ledger:
    """Days before `open_day` are closed, days before `final_day` are final.

    Periods begin where the policy says that history starts, else at the first event's day (no `began` until then).
    """

    def __init__(self, policy: Policy, partition: int, flows: Flows) -> None:
        self.policy = policy  # the one in force
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
        # the first day of the year of which the rows know who was a customer when it began, and whether all know it
        self.year = Year(NO_DAY, known=True)

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
        given = self.policy.history_start
        first = self.first_day if given is None else day_of(given)
        return self.open_day + 1 if first is None else first + max(self.policy.active_days)

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
        steps = self._steps(clock_ms, late_change=late_change)
        seen = self._look(table, steps)
        parts: list[Part] = []
        for step in steps:
            self.open_day = max(self.open_day, step.through + 1)
            if step.final:
                self.final_day = step.through + 1
            parts += self._parts(step, seen, clock_ms)
            if step.final:
                self._flows.finish(step.through)
        if any(step.final for step in steps):
            self._mark(table)
        return parts

    def _mark(self, table: CustomerTable) -> None:
        """When the first day of a year is final, have the rows remember who was a customer before it."""
        first = period_start("year", self.final_day - 1)
        if first > self.year.first:
            years.mark(table, first, self.policy.active_days, self._calendar)
            self.year = Year(first, known=True)

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

    def _steps(self, clock_ms: int, *, late_change: bool) -> list[_Step]:
        """What is to be published, in order: days that close, what a late event changed, days that are final."""
        closing, ending = self.open_day, self.final_day
        steps: list[_Step] = []
        while self._calendar.end_ms(closing) <= clock_ms:
            month_ends = period_end("month", closing) == closing  # an open year is counted then
            counted = [one for one in self._periods(closing) if month_ends or one[0] != "year"]
            steps.append(_Step(counted, closing))
            closing += 1
        if late_change:
            changed = {
                (period, start)
                for day in range(self.final_day, closing)
                for period, start in self._periods(day)
                if period_end(period, start) < closing
            }
            steps.append(_Step(sorted(changed), closing - 1))
        while self._calendar.end_ms(ending) + self._lateness_ms <= clock_ms:
            ended = [(period, start) for period, start in self._periods(ending) if period_end(period, start) == ending]
            steps.append(_Step(ended, ending, final=True))
            ending += 1
        return steps

    def _periods(self, day: int) -> list[_Period]:
        """The periods of a day, without a year of which nobody knows who was a customer when it began."""
        found = [(period, period_start(period, day)) for period in PERIODS]
        return [one for one in found if one[0] != "year" or self.year.known or one[1] != self.year.first]

    def _look(self, table: CustomerTable, steps: list[_Step]) -> _Seen:
        """What the rows say of all periods of all steps, in one pass over them."""
        wanted = dict.fromkeys(span for step in steps for span in step.spans)
        spans, whole = ([span for span in wanted if (span[0] == "year") == long] for long in (False, True))
        how = self.policy.active_days, self._calendar
        counts = dict(zip(spans, retention.count(table, [span[1:] for span in spans], *how), strict=True))
        yearly = years.count(table, [span[1:] for span in whole], self.year.first, *how)
        counts |= zip(whole, yearly, strict=True)
        # of an open period, and of a year, there are the flows only, of a closed one what the rows say as well
        closed = [(period, first, last) for period, first, last in spans if period_end(period, first) == last]
        rows = (table.rows, table.more, table.n)
        states = np.concatenate([one(*rows, closed, self.policy, self._calendar) for one in (scan, variants.count)], 2)
        days = [span for span in closed if span[0] == "day"]
        told = leads.count(*rows, [first for _, first, _ in days], self.policy, self._calendar)
        return _Seen(counts, dict(zip(closed, states, strict=True)), dict(zip(days, told, strict=True)))

    def _parts(self, step: _Step, seen: _Seen, clock_ms: int) -> list[Part]:
        """A part of each period, counted through a day, of those that have anything new to say."""
        for span in step.spans:
            if span[0] == "day":
                ends = seen.counts[span][:, retention.END], seen.states[span][:, MEMBERS_END]
                self._flows.set(span[1], _AT_CLOSE, np.column_stack([*ends, seen.told[span]]))
        parts = [
            self._part(
                period,
                first,
                seen.counts[period, first, last],
                self._flows.named(self._flows.of(period, first, last), seen.states.get((period, first, last))),
                clock_ms,
                step.through,
            )
            for period, first, last in step.spans
        ]
        told = [part for part in parts if part is not None]
        self.latest.keep(told)
        return told

    def _part(
        self, period: str, start: int, counts: NDArray[np.int64], figures: Figures, clock_ms: int, through: int
    ) -> Part | None:
        last = period_end(period, start)
        provisional = last > through
        final = last < self.final_day
        revision, key = 0, f"{period}:{start}"
        if provisional and key in self.published:
            return None  # closed already: its days are counted anew because history begins with an earlier one
        if not provisional:
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
            counts={name: row.tolist() for name, row in zip(self.policy.segments, counts, strict=True) if row.any()},
            figures=figures,
            currency=self.policy.currency,
            provisional=provisional,
            final=final,
            revision=revision,
            closed_at_ms=clock_ms,
        )
