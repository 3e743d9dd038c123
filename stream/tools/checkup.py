"""Is the running system well? The cluster, its topics, the lag, clocks, workers and the desk, as `lapse doctor` asks.

Owns: these checks. Changes nothing; joins no group. What the machine is like is `stream.tools.doctor`.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream import names
from stream.tools.cluster import ClusterError, brokers, quiet, topic_problems
from stream.tools.people import DeskApi, DeskError
from stream.tools.reading import messages
from stream.worker.settings import Settings

PATIENCE_SECONDS: Final = 5.0
AHEAD_SECONDS: Final = 60.0  # a record's timestamp so far in our future: somebody's clock is wrong
LAG_WATCHED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: is it well, what was seen, and what to do if it isn't."""

    what: str
    well: bool
    says: str
    remedy: str = ""
    optional: bool = False


def cluster_findings(cluster: Settings) -> Iterator[Finding]:
    """Yield whether the cluster answers, its topics are as they must be, clocks agree, and the group keeps up."""
    try:
        count = brokers(cluster)
    except ClusterError as error:
        says, _, remedy = str(error).partition(": ")
        yield Finding("cluster", well=False, says=says, remedy=remedy)
        return
    yield Finding("cluster", well=True, says=f"{cluster.bootstrap}, {count} broker{'s' * (count != 1)}")
    wrong = topic_problems(cluster)
    says = "; ".join(wrong) or "as the worker needs them"
    yield Finding("topics", not wrong, says, f"lapse topics --bootstrap {cluster.bootstrap}")
    if any("is missing" in one for one in wrong):
        return
    consumer = Consumer({**quiet(cluster), "group.id": cluster.group, "enable.auto.commit": False})
    try:
        yield from _events(cluster, consumer)
    except KafkaException as error:
        yield Finding("lag", well=False, says=str(error.args[0]), remedy="ask again; if it stays, look at the brokers")
    finally:
        consumer.close()
    yield from _workers(cluster)


def _events(cluster: Settings, consumer: Consumer) -> Iterator[Finding]:
    places = [
        TopicPartition(names.EVENTS, number)
        for number in consumer.list_topics(names.EVENTS, timeout=PATIENCE_SECONDS).topics[names.EVENTS].partitions
    ]
    ends = {place.partition: consumer.get_watermark_offsets(place, timeout=PATIENCE_SECONDS)[1] for place in places}
    newest_ms = max((_stamp_ms(one) for one in messages(cluster, names.EVENTS, last=1)), default=None)
    yield _clock(newest_ms, time.time())
    before = _lag(consumer, places, ends)
    if before is None:
        says = f"group {cluster.group} has committed nothing yet"
        yield Finding("lag", well=False, says=says, remedy="start `lapse worker`", optional=True)
        return
    if before:
        time.sleep(LAG_WATCHED_SECONDS)
    after = _lag(consumer, places, ends) if before else 0
    assert after is not None, "what was committed stays committed"
    unread = f"group {cluster.group} is {before:,} records behind"
    if not before:
        yield Finding("lag", well=True, says=f"group {cluster.group} has read everything")
    elif after < before:
        yield Finding("lag", well=True, says=f"{unread}, and catching up ({before - after:,} a second)")
    else:
        remedy = "is a worker running (its /readyz)? `docs/runbook.md` says what to look at"
        yield Finding("lag", well=False, says=f"{unread}, and does not catch up", remedy=remedy)


def _stamp_ms(message: object) -> int:
    return int(message.timestamp()[1])  # type: ignore[attr-defined]  # a Message, whose stub lacks a public name


def _clock(newest_ms: int | None, now_s: float) -> Finding:
    """Whether the newest record was stored at a time that this machine calls past."""
    if newest_ms is None:
        return Finding("clocks", well=True, says="no record to compare with yet")
    ahead = newest_ms / 1000 - now_s
    if ahead > AHEAD_SECONDS:
        says = f"the newest record's timestamp is {ahead:,.0f} s in this machine's future"
        return Finding("clocks", well=False, says=says, remedy="set the clocks (NTP) of this machine and the producers")
    return Finding("clocks", well=True, says="no record comes from the future")


def _lag(consumer: Consumer, places: list[TopicPartition], ends: dict[int, int]) -> int | None:
    """Records between what the group has committed and the ends; None when it never committed."""
    committed = consumer.committed(places, timeout=PATIENCE_SECONDS)
    if all(one.offset < 0 for one in committed):
        return None
    return sum(max(0, ends[one.partition] - max(one.offset, 0)) for one in committed)


def _workers(cluster: Settings) -> Iterator[Finding]:
    """Yield whether the workers that gave an address answer there."""
    urls: dict[bytes, str] = {}
    for message in messages(cluster, names.WORKERS):
        key, value = message.key() or b"", message.value()
        if value is None:
            urls.pop(key, None)
        else:
            urls[key] = str(msgspec.json.decode(value)["url"])
    if not urls:
        yield Finding("workers", well=False, says="none has given its address", remedy="lapse worker", optional=True)
        return
    mute = [url for url in urls.values() if not _answers(f"{url}/readyz")]
    says = f"{len(urls) - len(mute)} of {len(urls)} ready" + (f"; not {', '.join(mute)}" if mute else "")
    remedy = "one that restores is ready in a moment; one that is gone for good stays named until its slot is taken"
    yield Finding("workers", not mute, says, remedy, optional=len(mute) < len(urls))


def _answers(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 — it is http
            return bool(answer.status == http.client.OK)
    except (OSError, http.client.HTTPException):
        return False


def desk_findings(desk: DeskApi) -> Iterator[Finding]:
    """Yield whether the desk answers, what it says of its figures, and whether the token opens it."""
    try:
        trust = desk.now()["trust"]
    except DeskError as error:
        says, _, remedy = str(error).rpartition(": ")
        yield Finding("desk", well=False, says=says, remedy=remedy)
        return
    yield Finding("desk", trust["state"] != "bad", f"{desk.url}: {trust['says']}", "; ".join(trust["why"]))
    if desk.token:
        try:
            desk.first_alert()
        except DeskError as error:
            yield Finding("token", well=False, says=str(error), remedy="LAPSE_TOKEN must be the one of the desk")
        else:
            yield Finding("token", well=True, says="opens customers' data")
