"""What became of the alerts of a partition, since its history began.

Owns: how many alerts of each segment and sign ended how. Kept in the partition's control record; counted once for each
alert that ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream.core.alerts import RESOLVED_STATUS, Alert

Labels = tuple[str, str, str]


@dataclass(slots=True)
class Outcomes:
    """`ended` by (segment, sign, resolution)."""

    ended: Counter[Labels] = field(default_factory=Counter)

    def note(self, alert: Alert) -> None:
        """Take note of what happened to an alert."""
        if alert.status == RESOLVED_STATUS and alert.resolution is not None:
            self.ended[alert.segment, alert.sign, alert.resolution] += 1

    def saved(self) -> list[tuple[str, str, str, int]]:
        """As plain values for the control record."""
        return [(*labels, number) for labels, number in sorted(self.ended.items())]

    def load(self, ended: list[tuple[str, str, str, int]]) -> None:
        """Go on from what was saved."""
        self.ended = Counter({(segment, sign, resolution): number for segment, sign, resolution, number in ended})
