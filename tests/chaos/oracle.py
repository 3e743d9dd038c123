"""What must be on the topics in the end: the same log, processed by one worker to which nothing happened.

Owns: the comparison. Alerts, day counts and dead letters must be there exactly once; of rows, heads and offsets the
last counts.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

from stream import policies
from stream.worker import topics
from stream.worker.job import real_job
from stream.worker.restore import CONTROL_KEY
from tests.simulation.log import Undisturbed, latest, record
from tests.support import kafka

SHOWN = 3


def differences(bootstrap: str, policy: str, partitions: int, committed: dict[int, int]) -> tuple[list[str], int]:
    """What is not as it must be, in words, and how many alerts there were. Reads until no transaction is open."""
    undisturbed = Undisturbed(real_job(policies.load(policy)))
    log = kafka.read_all(bootstrap, topics.EVENTS)
    ends = dict.fromkeys(range(partitions), 0)
    for number in range(partitions):
        mine = [one for one in log if one.partition == number]
        undisturbed.run(
            number,
            [
                record(number, one.offset, one.key, one.value, one.timestamp_ms, list(one.headers) or None)
                for one in mine
            ],
        )
        ends[number] = mine[-1].offset + 1 if mine else 0
    found: list[str] = []
    alerts = Counter((one.key, one.value) for one in kafka.read_all(bootstrap, topics.ALERTS))
    found += _counted("alerts", alerts, Counter((one.key, one.value) for one in undisturbed.of(topics.ALERTS)))
    dead = Counter(
        (one.key, one.value, tuple((name, bytes(value or b"")) for name, value in one.headers))  # type: ignore[arg-type]
        for one in kafka.read_all(bootstrap, topics.DEAD)
    )
    wanted_dead = Counter((one.key, one.value, one.headers) for one in undisturbed.of(topics.DEAD))
    found += _counted("dead letters", dead, wanted_dead)
    parts = [(one.key, one.value) for one in kafka.read_all(bootstrap, topics.PARTS)]
    wanted_parts = [(one.key, one.value) for one in undisturbed.of(topics.PARTS)]
    found += _counted("day counts", Counter(filter(_counts, parts)), Counter(filter(_counts, wanted_parts)))
    found += _equal("newest day counts and heads", dict(parts), dict(wanted_parts))
    changelog = kafka.read_all(bootstrap, topics.CHANGELOG)
    found += _equal("rows", latest((one.partition, one.key, one.value) for one in changelog), undisturbed.rows())
    found += _equal("offsets", committed, ends)
    controls = {
        one.partition: struct.unpack_from(">q", one.value or b"")[0] for one in changelog if one.key == CONTROL_KEY
    }
    found += _equal("control records", controls, ends)
    return found, alerts.total()


def _counts(record: tuple[bytes | None, bytes | None]) -> bool:
    """Whether it is a period's counts; how far a partition is goes by the batches."""
    return b'"counts"' in (record[1] or b"")


def _counted(what: str, found: Counter[Any], wanted: Counter[Any]) -> list[str]:
    missing, extra = wanted - found, found - wanted
    said = []
    if missing:
        said.append(f"{what}: {missing.total()} of {wanted.total()} missing, such as {_some(missing)}")
    if extra:
        said.append(f"{what}: {extra.total()} repeated or invented beside {wanted.total()}, such as {_some(extra)}")
    return said


def _equal(what: str, found: dict[Any, Any], wanted: dict[Any, Any]) -> list[str]:
    wrong = [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)]
    shown = "; ".join(f"{key}: {found.get(key)!r:.150} for {wanted.get(key)!r:.150}" for key in wrong[:SHOWN])
    return [f"{what}: {len(wrong)} of {len(wanted)} differ, such as {shown}"] if wrong else []


def _some(found: Counter[Any]) -> str:
    return "; ".join(f"{one!r:.300}" for one in list(found)[:SHOWN])
