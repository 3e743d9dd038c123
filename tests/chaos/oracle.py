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
from tests.simulation.log import Sent, Undisturbed, latest, record
from tests.support import kafka

SHOWN = 3


def differences(
    bootstrap: str, policy: str, partitions: int, committed: dict[int, int], deleted: frozenset[str] = frozenset()
) -> tuple[list[str], int]:
    """What is not as it must be, in words, and how many alerts there were. Reads until no transaction is open.

    Of topics that were `deleted` meanwhile only what was written since can be there; nothing may be repeated.
    """
    undisturbed, ends = undisturbed_run(bootstrap, policy, partitions)
    found: list[str] = []
    alerts = [(one.partition, (one.key, one.value)) for one in kafka.read_all(bootstrap, topics.ALERTS)]
    # an alert is on the partition of its customer, whose events are on the same of theirs
    wanted_alerts = {
        number: [(one.key, one.value) for one in of if one.topic == topics.ALERTS] for number, of in undisturbed.items()
    }
    found += _listed("alerts", alerts, wanted_alerts, tail=topics.ALERTS in deleted)
    # too late ones follow the others of their batch: in the order of their offsets here
    dead = sorted(map(_dead, kafka.read_all(bootstrap, topics.DEAD)))
    wanted_dead = {
        number: [one for _, one in sorted(_dead(one) for one in of if one.topic == topics.DEAD)]
        for number, of in undisturbed.items()
    }
    found += _listed("dead letters", dead, wanted_dead, tail=topics.DEAD in deleted)
    parts = [(one.key, one.value) for one in kafka.read_all(bootstrap, topics.PARTS)]
    wanted_parts = [(one.key, one.value) for of in undisturbed.values() for one in of if one.topic == topics.PARTS]
    counts, wanted_counts = Counter(filter(_counts, parts)), Counter(filter(_counts, wanted_parts))
    if topics.PARTS in deleted:
        found += _counted("day counts", counts, wanted_counts & counts)
    else:
        found += _counted("day counts", counts, wanted_counts)
        found += _equal("newest day counts and heads", dict(parts), dict(wanted_parts))
    changelog = kafka.read_all(bootstrap, topics.CHANGELOG)
    wanted_rows = latest(
        (one.partition, one.key, one.value)
        for of in undisturbed.values()
        for one in of
        if one.topic == topics.CHANGELOG
    )
    found += _equal("rows", latest((one.partition, one.key, one.value) for one in changelog), wanted_rows)
    found += _equal("offsets", committed, ends)
    controls = {
        one.partition: struct.unpack_from(">q", one.value or b"")[0] for one in changelog if one.key == CONTROL_KEY
    }
    found += _equal("control records", controls, ends)
    return found, len(alerts)


def undisturbed_run(bootstrap: str, policy: str, partitions: int) -> tuple[dict[int, list[Sent]], dict[int, int]]:
    """What one worker makes of each partition of the log, and where each ends."""
    job = real_job(policies.load(policy))
    log = kafka.read_all(bootstrap, topics.EVENTS)
    sent, ends = {}, {}
    for number in range(partitions):
        mine = [one for one in log if one.partition == number]
        worker = Undisturbed(job)
        worker.run(
            number,
            [
                record(number, one.offset, one.key, one.value, one.timestamp_ms, list(one.headers) or None)
                for one in mine
            ],
        )
        sent[number] = worker.transactions.done
        ends[number] = mine[-1].offset + 1 if mine else 0
    return sent, ends


def _dead(letter: Sent | kafka.Record) -> tuple[int, tuple[int, Any]]:
    """Source partition, source offset and content of a dead letter."""
    words = {name: bytes(one or b"") for name, one in letter.headers}  # type: ignore[arg-type]
    content = (letter.key or b"", letter.value or b"", tuple(words.items()))
    return int(words["partition"]), (int(words["offset"]), content)


def _listed(what: str, found: list[tuple[int, Any]], wanted: dict[int, list[Any]], *, tail: bool) -> list[str]:
    """Each partition's records exactly, in their order; of a topic that was made anew the tail."""
    said = []
    for number, expected in wanted.items():
        mine = [one for partition, one in found if partition == number]
        of_these = expected[len(expected) - len(mine) :] if tail and len(mine) <= len(expected) else expected
        said += _counted(f"{what} of {number}", Counter(mine), Counter(of_these))
        if not said and mine != of_these:
            said.append(f"{what} of {number}: not in the order of its events")
    return said


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
