"""Which policy is in force on a business day: versions, each from a day on.

Owns: the choice, and what versions must have in common. A partition asks when a day begins in its own event time,
so that a replay uses what was in force then. Knows nothing of how versions arrive.
"""

from __future__ import annotations

from operator import attrgetter

from stream.core.policy import Policy

# what rows, days and money are counted by: it stays what it is while a worker runs
GROUND = (
    "zone", "currency", "rates", "history_start", "alert_grace_ms", "allowed_lateness_days", "forget_after_days",
    "segments", "qualifying", "segment_qualifying", "active_days", "figures.categories",
    "figures.variants",
)  # fmt: skip
NO_VERSION = -(2**31)


class Schedule:
    """A policy to begin with, and the versions that follow; shared by the partitions of a worker."""

    def __init__(self, first: Policy) -> None:
        self.first = first
        self.revision = 0  # counts what was added
        self._versions: dict[int, Policy] = {}

    def add(self, day: int, policy: Policy) -> list[str]:
        """Take a version that is in force from day `day` on, in place of an earlier one of that day.

        Returns what speaks against it, in words; it is not taken then.
        """
        wrong = differences(self.first, policy)
        if not wrong:
            self.revision += 1
            self._versions[day] = policy
        return wrong

    def remove(self, day: int) -> None:
        """Forget the version of that day."""
        if self._versions.pop(day, None) is not None:
            self.revision += 1

    def in_force(self, day: int) -> Policy:
        """The policy of a business day: the version with the latest day up to then."""
        return self._versions.get(self.since(day), self.first)

    def since(self, day: int) -> int:
        """The day from which the policy of `day` is in force; NO_VERSION of the first one."""
        return max((one for one in self._versions if one <= day), default=NO_VERSION)


def differences(first: Policy, other: Policy) -> list[str]:
    """What another policy may not change while a worker runs, and does; empty when it may follow."""
    return [
        f"{name} can't change while workers run: restart them with the new policy file"
        for name in GROUND
        if attrgetter(name)(first) != attrgetter(name)(other)
    ]
