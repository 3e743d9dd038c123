"""What events bring day by day and no row can hold: flows, (business day, group, measure) → int64.

Owns: the table of the days that are not final, the sums of those that are, by week, month, quarter and year, and the
records of both in the changelog (definitions D1, D2). Which measures an event counts in is `core.counting`'s. Days that
are final never change, so a few slots and a few sums are all that is kept, however long the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import LONG_PERIODS, calendar, day_of, months, period_end, period_start
from stream.core.hashing import hash_of
from stream.core.measures import FLOWS, flow_names, state_names
from stream.core.policy import Policy
from stream.core.row import NO_DAY
from stream.core.views import FlowView
from stream.jit import njit

KEY: Final = b"\x00flow:"  # no customer: ids never contain NUL
SLOTS_BEYOND: Final = 4  # beside the lateness: the grace, and part of a day at either end

EVER: Final = ("ever", 0)  # the sums of all days that are final, of what is outstanding
OUTSTANDING, EARNED, REDEEMED = (
    FLOWS.index(name) for name in ("points_outstanding", "points_earned", "points_redeemed")
)

Figures = dict[str, dict[str, int]]  # group → measure → value, zeros left out


@njit(inline=True)
def slot_of(days: NDArray[np.int64], day: int) -> int:
    """The slot of a day that is not final, which is the day's from now on; `days` are a FlowView's."""
    slot = day % days.size
    if days[slot] != day:
        assert days[slot] == NO_DAY, "two days that are not final share a slot"
        days[slot] = day
    return slot


class Flows:
    """The flows of one partition."""

    def __init__(self, policy: Policy) -> None:
        self.groups = policy.segments
        self.names = flow_names(policy.figures.exit_reasons, policy.figures.reward_reasons, policy.figures.variants)
        self._at = {name: at for at, name in enumerate(self.names)}
        self._states = state_names(policy.figures.variants)
        slots, shape = policy.allowed_lateness_days + SLOTS_BEYOND, (len(self.groups), len(self.names))
        first = NO_DAY if policy.history_start is None else day_of(policy.history_start)
        self.view = FlowView(
            np.zeros((slots, *shape), np.int64),
            np.full(slots, NO_DAY, np.int64),
            np.zeros((slots, len(self.groups)), np.uint8),
            calendar(policy.zone).starts_s,
            np.array([first], np.int64),
            reason_hashes(policy.figures.exit_reasons),
            reason_hashes(policy.figures.reward_reasons),
            months(),
        )
        self._sums: dict[tuple[str, int], NDArray[np.int64]] = {}
        self._changed: dict[bytes, bytes | None] = {}  # records that are to be written, beside those of dirty slots
        self._loaded: dict[bytes, bytes] = {}

    def of(self, period: str, start: int, last: int) -> NDArray[np.int64]:
        """The flows of the days of a period up to `last`, an array (group, measure)."""
        view = self.view
        known, ever = self._sums.get((period, start)), self._sums.get(EVER)
        total = np.zeros(view.values.shape[1:], np.int64) if known is None else known.copy()
        outstanding = np.zeros(len(total), np.int64) if ever is None else ever[:, OUTSTANDING].copy()
        for slot, day in enumerate(view.day.tolist()):
            if start <= day <= last:
                total += view.values[slot]
            if NO_DAY < day <= last:
                outstanding += _kept(view.values[slot])
        total[:, OUTSTANDING] = outstanding
        return total

    def named(self, flows: NDArray[np.int64], state: NDArray[np.int64] | None) -> Figures:
        """Arrays (group, measure), of the flows and of the scan, by names; zeros are left out."""
        figures: Figures = {}
        for values, names in ((flows, self.names), *([] if state is None else [(state, self._states)])):
            groups, places = values.nonzero()
            for group, at, value in zip(groups.tolist(), places.tolist(), values[groups, places].tolist(), strict=True):
                figures.setdefault(self.groups[group], {})[names[at]] = value
        return figures

    def set(self, day: int, names: Sequence[str], values: NDArray[np.int64]) -> None:
        """Set measures of a day that is not final, an array (group, measure): what was counted at its close."""
        view = self.view
        if view.day[day % view.day.size] == NO_DAY and not values.any():
            return
        of_day, at = view.values[slot_of(view.day, day)], [self._at[name] for name in names]
        view.dirty[day % view.day.size] |= (of_day[:, at] != values).any(axis=1)
        of_day[:, at] = values

    def add(self, day: int, group: int, name: str) -> None:
        """Count one more of a measure on a day that is not final."""
        view = self.view
        if day < view.first[0]:
            return
        slot = slot_of(view.day, day)
        view.dirty[slot, group] = 1
        view.values[slot, group, self._at[name]] += 1

    def finish(self, day: int) -> None:
        """The day is final: add it to the sums of its periods, and let its slot go."""
        view = self.view
        slot = day % view.day.size
        if view.day[slot] == day:
            for period in LONG_PERIODS:
                start = period_start(period, day)
                total = self._sums.setdefault((period, start), np.zeros(view.values.shape[1:], np.int64))
                total += view.values[slot]
                self._write(period, start, total)
            self._changed |= dict.fromkeys(_key("day", day, name) for name in self.groups)
            kept = _kept(view.values[slot])
            if kept.any():
                ever = self._sums.setdefault(EVER, np.zeros(view.values.shape[1:], np.int64))
                ever[:, OUTSTANDING] += kept
                self._write(*EVER, ever, kept != 0)
            view.values[slot] = 0
            view.dirty[slot] = 0
            view.day[slot] = NO_DAY
        for period in LONG_PERIODS:
            if period_end(period, day) == day:
                self._forget(period, period_start(period, day))

    def changes(self) -> dict[bytes, bytes | None]:
        """The changelog records that changed since the last call."""
        view = self.view
        if view.dirty.any():
            for slot in np.flatnonzero(view.dirty.any(axis=1)).tolist():
                self._write("day", int(view.day[slot]), view.values[slot], view.dirty[slot])
            view.dirty[:] = 0
        changed, self._changed = self._changed, {}
        return changed

    def records(self) -> dict[bytes, bytes]:
        """The changelog's records as they are now, of what has been written: after `changes`."""
        view, (before, self._changed) = self.view, (self._changed, {})
        for slot in np.flatnonzero(view.day != NO_DAY).tolist():
            counted = view.values[slot].any(axis=1)
            counted[0] |= not counted.any()  # the slot is taken, by nothing
            self._write("day", int(view.day[slot]), view.values[slot], counted)
        for (period, start), total in self._sums.items():
            self._write(period, start, total)
        found, self._changed = self._changed, before
        return {key: value for key, value in found.items() if value is not None}

    def load(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Take note of changelog records, in order: the last of a key wins."""
        for key, value in records:
            if value is None:
                self._loaded.pop(key, None)
            else:
                self._loaded[key] = value

    def restore(self) -> None:
        """Go on from the records that were loaded."""
        view, groups = self.view, {name: code for code, name in enumerate(self.groups)}
        view.values[:], view.day[:], view.dirty[:] = 0, NO_DAY, 0
        self._sums, self._changed = {}, {}
        for key, value in self._loaded.items():
            period, number, name = key[len(KEY) :].decode().split(":", 2)
            start, group = int(number), groups.get(name)
            if period == "day":
                slot = start % view.day.size
                assert view.day[slot] in (NO_DAY, start), "two days that are not final share a slot"
                view.day[slot] = start
                row = view.values[slot]
            else:
                row = self._sums.setdefault((period, start), np.zeros(view.values.shape[1:], np.int64))
            for measure, count in msgspec.msgpack.decode(value, type=dict[str, int]).items():
                if group is not None and measure in self._at:  # else the policy's lists are others by now
                    row[group, self._at[measure]] = count

    def _write(
        self, period: str, start: int, values: NDArray[np.int64], which: NDArray[np.generic] | None = None
    ) -> None:
        for code, name in enumerate(self.groups):
            if values[code].any() if which is None else which[code]:
                found = np.flatnonzero(values[code]).tolist()
                record = {self.names[at]: int(values[code, at]) for at in found}
                self._changed[_key(period, start, name)] = msgspec.msgpack.encode(record)

    def _forget(self, period: str, before: int) -> None:
        for kind, start in [key for key in self._sums if key[0] == period and key[1] < before]:
            del self._sums[kind, start]
            self._changed |= dict.fromkeys(_key(kind, start, name) for name in self.groups)


def _kept(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Points earned and not redeemed, by group (definitions D4)."""
    return values[:, EARNED] - values[:, REDEEMED]


def _key(period: str, start: int, group: str) -> bytes:
    return KEY + f"{period}:{start}:{group}".encode()


def reason_hashes(reasons: Sequence[str]) -> NDArray[np.int64]:
    """The hashes by which events name the reasons, in the order of the policy."""
    return np.array([hash_of(reason) >> 1 for reason in reasons], np.int64)
