"""The periods that are shown as metrics: of each kind the last closed one, and the open one.

Owns: which parts these are, and their records in the changelog, so that a restored partition shows the same. What was
counted at a close is kept as it was published: nothing is counted for being shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from stream.core.calendar import PERIODS, day_of, period_end, period_start
from stream.core.flows import Figures, Flows
from stream.core.retention import COUNTS, Part

KEY: Final = b"\x00part:"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Part).decode


class Shown(NamedTuple):
    """A period as it is shown: its first day, and the counts and measures of each segment."""

    start: int
    values: Figures


class Latest:
    """Parts by what they are shown as: `month` is the open one, `last_month` the one that closed last."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def keep(self, parts: Iterable[Part]) -> None:
        """Take note of parts as they are published."""
        for part in parts:
            shown = part.period if part.provisional else f"last_{part.period}"
            before = self.parts.get(shown)
            if before is None or before.start <= part.start:
                self.parts[shown] = part
                self._changed[KEY + shown.encode()] = _encode(part)
            opened = self.parts.get(part.period)
            if opened is not None and not part.provisional and opened.start <= part.start:
                del self.parts[part.period]  # it has closed
                self._changed[KEY + part.period.encode()] = None

    def changes(self) -> dict[bytes, bytes | None]:
        """The changelog records that changed since the last call."""
        changed, self._changed = self._changed, {}
        return changed

    def records(self) -> dict[bytes, bytes]:
        """The changelog's records as they are now."""
        return {KEY + shown.encode(): _encode(part) for shown, part in self.parts.items()}

    def load(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Set from changelog records, in order."""
        for key, value in records:
            if value is None:
                self.parts.pop(key[len(KEY) :].decode(), None)
            else:
                self.parts[key[len(KEY) :].decode()] = _decode(value)

    def shown(self, flows: Flows, open_day: int) -> dict[str, Shown]:
        """The periods that are shown: `last_…` as they closed, the open ones with the flows of this moment."""
        found = {
            name: Shown(day_of(part.start), _values(part.figures, part.counts)) for name, part in self.parts.items()
        }
        for period in PERIODS:
            start = period_start(period, open_day)
            now = flows.named(flows.of(period, start, period_end(period, start)), None)
            before = found.get(period)
            counted = {} if before is None or before.start != start else before.values
            values = {name: counted.get(name, {}) | now.get(name, {}) for name in {*counted, *now}}
            found[period] = Shown(start, values)
        return found


def _values(figures: Figures, counts: dict[str, list[int]]) -> Figures:
    """Measures and the six counts under one roof."""
    return {
        name: figures.get(name, {}) | dict(zip(COUNTS, counts.get(name, [0] * len(COUNTS)), strict=True))
        for name in {*figures, *counts}
    }
