"""The core as the property tests drive it: plain events in, what `tests.recount` gives for them out.

Owns: the one place in which the property tests know the core's interfaces (Partition, decode, merge). Knows nothing of
what is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from stream.core.partition import Partition, Step
from stream.core.policy import Policy, parse
from stream.core.retention import Head, Part, merge
from stream.wire.decode import decode

NOW_MS = 1_900_000_000_000  # later than all that is tested

Event = Mapping[str, Any]


def policy_of(table: Mapping[str, Any]) -> Policy:
    return parse("\n".join(_toml(table)), "test")


def _toml(table: Mapping[str, Any], path: str = "") -> Iterable[str]:
    """TOML of a table, as far as policies need it."""
    if path:
        yield f"[{path}]"
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{key} = {value if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _toml(value, f"{path}.{key}" if path else key)


@dataclass
class Outcome:
    """What a run of the core gave, in the words of the recount."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    records: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    too_late: list[int] = field(default_factory=list)
    duplicates: int = 0
    customers: int = 0  # rows that are left
    parts: dict[Any, Part] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    revisions: dict[Any, list[int]] = field(default_factory=dict)


class Driver:
    """One partition, fed in batches, which can be restarted from what it wrote."""

    def __init__(self, policy: Policy, number: int, outcome: Outcome, *, stamped: bool = False) -> None:
        self.policy, self.number, self.outcome, self.stamped = policy, number, outcome, stamped
        self.partition = Partition(policy, number)
        self.changelog: dict[bytes, bytes | None] = {}
        self.control: bytes | None = None

    def feed(self, events: Sequence[tuple[int, Event]]) -> None:
        """Apply events given with their positions in the whole input."""
        lines = [json.dumps(event).encode() for _, event in events]
        stamps = [self._stamp_ms(event) for _, event in events] if self.stamped else None
        batch, dead = decode(lines, None, stamps or NOW_MS, None, self.policy)
        assert not dead, dead
        start = 0
        while start < len(batch):
            step = self.partition.apply(batch, start, None, stamps)
            assert start <= step.next <= len(batch)
            assert step.next > start or step.alerts or step.parts, "a step without progress"
            self._keep(step, [events[record][0] for record in batch.record.tolist()])
            start = step.next

    def _keep(self, step: Step, positions: list[int]) -> None:
        out = self.outcome
        out.too_late += [positions[one] for one in step.too_late]
        out.duplicates += step.duplicates
        for alert in step.alerts:
            out.alerts.append(
                {
                    "customer_id": alert.customer_id,
                    "sign": alert.sign,
                    "status": alert.status,
                    "resolution": alert.resolution,
                    "event_time_ms": alert.event_time_ms,
                    "episode_day": alert.episode_day.isoformat(),
                    "n": alert.transition,
                }
            )
        for part in step.parts:
            if isinstance(part, Head):
                out.heads[part.partition] = part
            else:
                key = (part.period, part.start, part.partition)
                out.parts[key] = part
                out.revisions.setdefault(key, []).append(part.revision)

    @staticmethod
    def _stamp_ms(event: Event) -> int:
        """When a record came: with its event, unless the test says later."""
        return int(event["time"]) + int(event.get("after_ms", 0))

    def commit(self) -> None:
        keys, values = self.partition.changes().lists()
        self.changelog.update(zip(keys, values, strict=True))
        self.control = self.partition.control()

    def restart(self) -> None:
        """As after a crash between two transactions: a new partition out of the changelog."""
        self.commit()
        self.partition = Partition(self.policy, self.number)
        self.partition.load(list(self.changelog), list(self.changelog.values()))
        assert self.control is not None
        self.partition.load_control(self.control)


def run(
    events: Sequence[Event],
    table: Mapping[str, Any],
    *,
    cuts: Iterable[int] = (),
    restarts: Iterable[int] = (),
    partitions: int = 1,
    partition_of: Callable[[str], int] = lambda _: 0,
    stamped: bool = False,
) -> Outcome:
    """Run the core on events in order of arrival; batches end at `cuts`, `restarts` are cuts with a restart.

    `stamped`: records have timestamps, as in Kafka.
    """
    policy = policy_of(table)
    outcome = Outcome()
    drivers = [Driver(policy, number, outcome, stamped=stamped) for number in range(partitions)]
    restarting = set(restarts)
    borders = sorted({0, len(events), *cuts, *restarting})
    for begin, end in pairwise(borders):
        for driver in drivers:
            if begin in restarting:
                driver.restart()
            driver.feed(
                [
                    (position, events[position])
                    for position in range(begin, end)
                    if events[position]["type"] == "clock_advanced"
                    or partition_of(events[position]["customer_id"]) == driver.number
                ]
            )
    outcome.customers = sum(driver.partition.rows for driver in drivers)
    outcome.records = records_of(policy, outcome, partitions)
    return outcome


def records_of(policy: Policy, outcome: Outcome, partitions: int) -> dict[tuple[str, str, str], dict[str, Any]]:
    merged = merge(
        outcome.parts.values(),
        outcome.heads.values(),
        partitions,
        policy.segments,
        max(policy.active_days),
        policy.history_start,
    )
    return {
        (record.period, record.start.isoformat(), record.segment): {
            "counts": dict(record.counts),
            "figures": dict(sorted(record.figures.items())),
            "final": record.final,
            "provisional": record.provisional,
            "warmup": record.warmup,
            "crr": record.crr,
            "crr_strict": record.crr_strict,
            "churn": record.churn,
            "churn_net": record.churn_net,
        }
        for record in merged
        if not record.provisional
    }
