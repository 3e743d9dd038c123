"""What a worker does with events, as the loop sees it: decode, apply, encode.

Owns: the shape of that, and the real one (core and wire). Exactly-once does not depend on what the job is; tests put
in a small one whose results can be counted by hand. Knows nothing of Kafka.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stream import metrics
from stream.core import failing, image, lifecycle
from stream.core.alerts import SEVERITIES
from stream.core.describe import describe
from stream.core.money import minor_digits
from stream.core.partition import Partition as Real
from stream.core.records import Records
from stream.core.risk import value_at_risk
from stream.core.schedule import Schedule
from stream.core.signs import NAMES, Sign
from stream.metrics import Metric
from stream.wire import encode
from stream.wire.dead import DeadLetter, Reason
from stream.wire.decode import HeadersOf, decode
from stream.worker import business
from stream.worker.settings import PUBLIC_SALT, SALT

if TYPE_CHECKING:
    from stream.core.policy import Policy

# labels after `partition`, and values; a metric without that label shows the sum over partitions
Scan = Iterable[tuple[Metric, Sequence[tuple[tuple[str, ...], float]]]]
Counted = Iterable[tuple[Metric, tuple[str, ...]]]  # labels after `partition`


class Step(Protocol):
    """What one call did."""

    next: int
    too_late: list[int]
    duplicates: int
    alerts: list[Any]
    parts: list[Any]
    erased: list[bytes]  # customers


class Partition(Protocol):
    """The state of one partition: see `core.partition.Partition`."""

    @property
    def clock_ms(self) -> int | None:
        """The alert clock."""

    @property
    def live_ms(self) -> int | None:
        """The newest event's time, None when it was of the past as it came."""

    def trusted_until_ms(self, since_ms: int, wall_ms: int) -> int:
        """When an input quiet since then is no longer trusted; later than `wall_ms` if it still is by then."""

    def apply(
        self, batch: Any, start: int = 0, stop: int | None = None, stamps_ms: Sequence[int] | None = None
    ) -> Step:
        """Apply events from `start` on; `stamps_ms` are the timestamps of the records that were decoded."""

    def follow(self, wall_ms: int) -> Step:
        """Let the alert clock follow the wall clock."""

    def changes(self, most: int | None = None) -> Records:
        """Changed rows that were not taken yet, `most` at once."""

    def control(self) -> bytes:
        """What there is beside the rows."""

    def load(self, keys: Sequence[bytes], values: Sequence[bytes | None]) -> None:
        """Set rows from changelog records."""

    def load_control(self, data: bytes) -> None:
        """Set what there is beside the rows."""


@dataclass(frozen=True, slots=True)
class Job:
    """Decode, apply, encode. `batch.record[i]` is the index of event i's record among those decoded."""

    make: Callable[[int], Partition]
    decode: Callable[
        [list[bytes | None], list[bytes | None], Sequence[int], HeadersOf | None], tuple[Any, list[DeadLetter]]
    ]
    alert: Callable[[Any], tuple[bytes, bytes]]
    part: Callable[[Any], tuple[bytes, bytes]]
    alert_labels: Callable[[Any], tuple[str, str, str, str]]  # sign, status, severity, resolution
    grace_ms: int
    scan: Callable[[Any], Scan] = lambda _: ()  # the gauges of a partition
    describe: Callable[[Any, str], dict[str, Any] | None] = lambda _partition, _customer_id: None
    warm_up: Callable[[], None] = lambda: None  # compile what compiles itself at the first call
    counted: Counted = ()  # counters of a partition, which begin at 0
    form: str = ""  # what an image must have been made with to be taken up; empty: no images
    image: Callable[[Any], Sequence[bytes | memoryview]] = lambda _: ()  # a partition's blocks, right after a commit
    take_up: Callable[[Any, Sequence[bytes | memoryview]], None] = lambda _partition, _blocks: None
    rest: Callable[[Any, bytes], bool] = lambda _partition, _key: False  # let nothing fall due of a customer
    schedule: Schedule | None = None  # to which versions of the policy are added while the worker runs


def real_job(policy: Policy) -> Job:
    """Core and wire under one policy, and the versions that follow it."""
    schedule = Schedule(policy)
    return Job(
        make=lambda number: Real(policy, number, schedule, os.environ.get(SALT, PUBLIC_SALT)),
        decode=lambda values, keys, stamps_ms, headers: decode(values, keys, stamps_ms, headers, policy),
        alert=encode.alert,
        part=encode.part,
        alert_labels=lambda alert: (alert.sign, alert.status, alert.severity, alert.resolution or ""),
        grace_ms=policy.alert_grace_ms,
        scan=_scan,
        describe=describe,
        warm_up=lambda: _warm_up(policy),
        counted=_counted(),
        form=image.form(policy),
        image=image.blocks,
        take_up=image.take_up,
        rest=lambda partition, key: failing.rest(partition.table, key),
        schedule=schedule,
    )


def _counted() -> Counted:
    """Every counter that a partition can have and a rule may look at."""
    opened = [(metrics.ALERTS_OPENED, (sign, severity)) for sign in NAMES for severity in SEVERITIES]
    dead = [(metrics.DEAD, (reason.value,)) for reason in Reason]
    return (metrics.EVENTS, ()), (metrics.DUPLICATES, ()), *dead, *opened


def _warm_up(policy: Policy) -> None:
    """Run a few events through everything that numba compiles, on a partition that is thrown away."""
    job, partition = real_job(policy), real_job(policy).make(0)
    # days close between them, which they do not before the policy's history starts
    began_ms, later_ms = 2_000_000_000_000, 2_000_864_000_000
    written = '{"id":"1","type":"%s","customer_id":"c","time":%d,"amount":1,"currency":"%s"%s}'
    # plain, of two kinds, and one that is not plain
    events = [
        ("order_completed", began_ms, ""), ("session", began_ms, ""), ("order_completed", later_ms, ',"items":[1]'),
    ]  # fmt: skip
    texts: list[bytes | None] = [
        (written % (kind, time_ms, policy.currency, more)).encode() for kind, time_ms, more in events
    ]
    batch, _ = job.decode(texts, [b"c"] * len(texts), [later_ms] * len(texts), None)
    partition.apply(batch)
    partition.follow(later_ms + 86_400_000)
    partition.trusted_until_ms(0, 1)
    job.make(0).load(*partition.changes().lists())
    job.take_up(job.make(0), job.image(partition))
    job.scan(partition)
    job.describe(partition, "c")


def _scan(partition: Real) -> Scan:
    """The gauges of a partition, of the segments that have anybody in them."""
    policy, found = partition.policy, partition.gauges()
    used = [(code, name) for code, name in enumerate(policy.segments) if found.customers[code].any()]
    customers = [
        ((name, stage.name), float(found.customers[code, stage])) for code, name in used for stage in lifecycle.Stage
    ]
    open_alerts = [
        ((name, sign.name), float(found.open_alerts[code, sign]))
        for code, name in used for sign in Sign if policy.signs[sign].enabled
    ]  # fmt: skip
    risk, unit = value_at_risk(partition.table, policy, partition.clock_ms or 0), 10 ** minor_digits(policy.currency)
    at_risk = [
        ((name, severity), float(risk[code, level]) / unit)
        for code, name in used for level, severity in enumerate(SEVERITIES)
    ]  # fmt: skip
    outcomes = [(labels, float(number)) for labels, number in partition.outcomes.ended.items()]
    return (
        (metrics.CUSTOMERS, customers),
        (metrics.OPEN_ALERTS, open_alerts),
        (metrics.VALUE_AT_RISK, at_risk),
        (metrics.OUTCOMES, outcomes),
        (metrics.POLICY_SINCE, [((), partition.policy_since_ms / 1000)]),
        *business.figures(policy, partition),
    )
