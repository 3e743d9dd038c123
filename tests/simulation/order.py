"""The other kind of seed: the same events on one partition and on several, in order and as late as is allowed.

Owns: what must be equal then. In order the alerts are the same, wherever their customers are (definitions T5); final
counts are the same in whatever order the events came within lateness (R7). No worker comes to grief here: that is
`world`'s.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from stream.core.policy import Policy
from stream.core.retention import Head, Part, Record, merge
from stream.worker import topics
from stream.worker.job import Job, real_job
from tests.simulation.log import Undisturbed, record
from tests.simulation.story import DAY_MS, LATER_MS, Calm, Event, calm, partition_of

_part = msgspec.json.Decoder(Part | Head)
_BY_BATCHES = {"revision": 0, "closed_at_ms": 0}  # of a record: how often it was closed anew, and when


def check(draw: random.Random) -> tuple[list[str], Counter[str]]:
    """What was not as it must be, and what was seen."""
    told = calm(draw)
    job, count = real_job(told.policy), draw.choice([2, 3])
    bound_ms = told.policy.alert_grace_ms + told.policy.allowed_lateness_days * DAY_MS
    delayed = sorted(told.events, key=lambda event: (event["time"] + draw.randint(0, bound_ms), event["id"]))
    one = _read(draw, job, told, told.events, 1)
    several = _read(draw, job, told, told.events, count)
    shards = draw.choice([1, count])
    late = _read(draw, job, told, delayed, shards)
    alerts, records = _alerts(one), _records(one, told.policy, 1)
    finals = _finals(records)
    problems = [
        f"{what} differ: {found}, not {wanted}"
        for what, found, wanted in (
            (f"alerts on {count} partitions", _alerts(several), alerts),
            (f"records of {count} partitions", _records(several, told.policy, count), records),
            (f"final counts on {shards} partitions, delayed", _finals(_records(late, told.policy, shards)), finals),
            ("dead letters", [one.value for run in (one, several, late) for one in run.of(topics.DEAD)], []),
        )
        if found != wanted
    ]
    return problems, Counter(calm=1, alerts=alerts.total(), final_records=len(finals))


def _read(draw: random.Random, job: Job, told: Calm, events: Sequence[Event], partitions: int) -> Undisturbed:
    """Have one worker read the events, in this order, from so many partitions, in batches of some size."""
    logs: list[list[Any]] = [[] for _ in range(partitions)]
    for at, event in enumerate(events):
        number = partition_of(event["customer_id"], partitions)
        value, key = json.dumps(event).encode(), event["customer_id"].encode()
        logs[number].append(record(number, len(logs[number]), key, value, LATER_MS + at))
    worker = Undisturbed(job)
    for number, log in enumerate(logs):
        beat = b'{"type":"clock_advanced","time":%d}' % told.end_ms
        log.append(record(number, len(log), None, beat, LATER_MS + len(events)))
        worker.run(number, log, draw.choice([5, 20, 1000]))
    return worker


def alert(value: bytes | None) -> str:
    """What an alert says, but for the moment at which it was seen."""
    content = json.loads(value or b"")
    content["data"].pop("observed_at")
    return json.dumps(content, sort_keys=True)


def _alerts(run: Undisturbed) -> Counter[str]:
    return Counter(alert(one.value) for one in run.of(topics.ALERTS))


def _records(run: Undisturbed, policy: Policy, partitions: int) -> dict[str, Record]:
    """The closed records, as the desk adds them up."""
    newest = {one.key: _part.decode(one.value) for one in run.of(topics.PARTS) if one.value is not None}
    heads = [one for one in newest.values() if isinstance(one, Head)]
    parts = [one for one in newest.values() if isinstance(one, Part)]
    days = max(policy.active_days)
    merged = merge(parts, heads, partitions, policy.segments, days, policy.history_start)
    return {one.key: msgspec.structs.replace(one, **_BY_BATCHES) for one in merged if not one.provisional}


def _finals(records: dict[str, Record]) -> dict[str, dict[str, int]]:
    """The counts of final records; some figures go by which event was the first to come."""
    return {key: one.counts for key, one in records.items() if one.final}
