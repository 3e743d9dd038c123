"""What became of the alerts of a partition, since its history began.

Owns: how many alerts of each segment and sign ended how, and how long before their loss lost customers had been named
(definitions L8). Kept in the partition's control record; counted once for each alert that ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream.core.alerts import RESOLVED_STATUS, Alert

CHURNED = "churned"
Labels = tuple[str, str, str]


@dataclass(slots=True)
class Outcomes:
    """`ended` by (segment, sign, resolution); `leads` by sign: days from opening to loss, and of how many customers."""

    ended: Counter[Labels] = field(default_factory=Counter)
    leads: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note(self, alert: Alert, lead_days: int) -> None:
        """Take note of what happened to an alert; `lead_days` matter where the customer is lost."""
        if alert.status != RESOLVED_STATUS or alert.resolution is None:
            return
        self.ended[alert.segment, alert.sign, alert.resolution] += 1
        if alert.resolution == CHURNED:
            days, customers = self.leads.get(alert.sign, (0, 0))
            self.leads[alert.sign] = days + lead_days, customers + 1

    def saved(self) -> tuple[list[tuple[str, str, str, int]], dict[str, tuple[int, int]]]:
        """As plain values for the control record."""
        return [(*labels, number) for labels, number in sorted(self.ended.items())], dict(self.leads)

    def load(self, ended: list[tuple[str, str, str, int]], leads: dict[str, tuple[int, int]]) -> None:
        """Go on from what was saved."""
        self.ended = Counter({(segment, sign, resolution): number for segment, sign, resolution, number in ended})
        self.leads = dict(leads)
