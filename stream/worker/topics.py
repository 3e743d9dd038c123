"""The topics: what each must be like, and how they are made and checked.

Owns: required settings; the names are `stream.names`. The admin client is used only here, for `lapse topics`; a worker
never has one (it can abort the whole process after a broker's restart).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]

from stream.names import (
    ALERTS,
    CHANGELOG,
    DAILY,
    DEAD,
    DELIVERIES_DEAD,
    DESK,
    EVENTS,
    PARTS,
    POLICY,
    WORKERS,
)
from stream.worker.settings import Settings

__all__ = [
    "ALERTS", "CHANGELOG", "DAILY", "DEAD", "DELIVERIES_DEAD", "DESK", "EVENTS", "PARTS", "POLICY", "TOPICS", "WORKERS",
    "Topic", "create", "differences", "verify",
]  # fmt: skip

_PATIENCE_SECONDS = 30.0
_LEAST_SEGMENT_BYTES, _MOST_SEGMENT_BYTES = 16 << 20, 64 << 20
_MOST_LAG_MS = 86_400_000  # who was erased is to be gone in a day or two, also from a partition that is quiet
_MOST_DIRTY = 0.5
_LEAST_TOMBSTONES_MS = 2 * 3_600_000  # a snapshot is used for an hour, and a restore takes a while
# An open segment is never compacted: with the default of 1 GiB a changelog of 5 MB live was seen at 208 MB. One that is
# seldom written is closed, and compacted, after six hours all the same: whoever was erased must go. A tombstone stays
# longer than any local snapshot is used (worker.snapshot.OLDEST_SECONDS), which would bring back whom it takes away.
_COMPACT: Final = {
    "cleanup.policy": "compact", "segment.bytes": str(32 << 20), "min.cleanable.dirty.ratio": "0.3",
    "segment.ms": "21600000", "max.compaction.lag.ms": "21600000", "delete.retention.ms": "86400000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topic:
    """What one topic must be like; `as_events`: as many partitions as `customer.events`, else one."""

    name: str
    as_events: bool
    settings: Mapping[str, str] = field(default_factory=dict)


TOPICS: Final = (
    Topic(EVENTS, as_events=True),
    Topic(CHANGELOG, as_events=True, settings=_COMPACT),  # row p of the changelog restores partition p
    Topic(ALERTS, as_events=True),
    Topic(DEAD, as_events=False),
    Topic(PARTS, as_events=False, settings=_COMPACT),
    Topic(DAILY, as_events=False, settings=_COMPACT),
    Topic(POLICY, as_events=False, settings=_COMPACT),
    Topic(DESK, as_events=False, settings=_COMPACT),
    Topic(WORKERS, as_events=False, settings=_COMPACT),
    Topic(DELIVERIES_DEAD, as_events=False),
)


def create(
    bootstrap: str, partitions: int, replication: int | None = None, kafka: Mapping[str, str] | None = None
) -> list[str]:
    """Make the topics that are missing and return their names. Raises KafkaException when the cluster refuses."""
    admin = _admin(bootstrap, kafka)
    there = admin.list_topics(timeout=_PATIENCE_SECONDS).topics
    missing = [
        NewTopic(
            topic.name,
            num_partitions=partitions if topic.as_events else 1,
            replication_factor=replication or -1,  # -1: the cluster's own default
            config=dict(topic.settings),
        )
        for topic in TOPICS
        if topic.name not in there
    ]
    made = []
    for name, future in (admin.create_topics(missing) if missing else {}).items():
        try:
            future.result(_PATIENCE_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was quicker
                raise
        else:
            made.append(name)
    return made


def verify(bootstrap: str, kafka: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with the topics as they are, in words; empty when they are as the worker needs them."""
    admin = _admin(bootstrap, kafka)
    there = admin.list_topics(timeout=_PATIENCE_SECONDS).topics
    problems = differences({name: len(found.partitions) for name, found in there.items()})
    wanted = {topic.name: topic for topic in TOPICS if topic.settings and topic.name in there}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in wanted]
    for resource, future in (admin.describe_configs(resources) if resources else {}).items():
        have = {name: entry.value for name, entry in future.result(_PATIENCE_SECONDS).items()}
        problems += setting_problems(wanted[resource.name], have)
    return problems


def differences(counts: Mapping[str, int]) -> list[str]:
    """Missing topics and wrong numbers of partitions, given the partitions of each topic that exists."""
    problems = [f"{topic.name} is missing: `lapse topics` makes it" for topic in TOPICS if topic.name not in counts]
    events = counts.get(EVENTS)
    changelog = counts.get(CHANGELOG)
    if events is not None and changelog is not None and events != changelog:
        problems.append(f"{CHANGELOG} has {changelog} partitions, {EVENTS} has {events}: they must be equal")
    return problems


def setting_problems(topic: Topic, have: Mapping[str, str | None]) -> list[str]:
    """What is wrong with a topic's settings as they are, in words."""
    problems = []
    policy = have.get("cleanup.policy")
    if policy is not None and policy != "compact":
        problems.append(f"{topic.name}: cleanup.policy is {policy!r}, not 'compact': it forgets what counts")
    size = have.get("segment.bytes")
    small = size is not None and _LEAST_SEGMENT_BYTES <= int(size) <= _MOST_SEGMENT_BYTES
    if "segment.bytes" in topic.settings and size is not None and not small:
        problems.append(f"{topic.name}: segment.bytes is {size}, 16 to 64 MiB let it be compacted")
    kept = have.get("delete.retention.ms")
    if "delete.retention.ms" in topic.settings and kept is not None and int(kept) < _LEAST_TOMBSTONES_MS:
        problems.append(
            f"{topic.name}: delete.retention.ms is {kept}: at least {_LEAST_TOMBSTONES_MS}, for a reader of an hour ago"
        )
    for name in ("segment.ms", "max.compaction.lag.ms"):
        given = have.get(name)
        if name in topic.settings and given is not None and int(given) > _MOST_LAG_MS:
            problems.append(f"{topic.name}: {name} is {given}: at most {_MOST_LAG_MS}, so that who is erased goes soon")
    dirty = have.get("min.cleanable.dirty.ratio")
    if "min.cleanable.dirty.ratio" in topic.settings and dirty is not None and float(dirty) > _MOST_DIRTY:
        problems.append(f"{topic.name}: min.cleanable.dirty.ratio is {dirty}: at most {_MOST_DIRTY}, to be small")
    return problems


def _admin(bootstrap: str, kafka: Mapping[str, str] | None) -> AdminClient:
    return AdminClient(Settings(bootstrap, kafka=kafka or {}).client())
