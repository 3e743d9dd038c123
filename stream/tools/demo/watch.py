"""What a person sees of the replay: alerts and retention, read from the topics as any downstream service would.

Owns: reading `churn.alerts`, `retention.daily` and `retention.parts` (committed records only) and what is known from
them so far. The parts only tell what the desk has still to publish. Knows neither the replay nor the screen.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.core import retention
from stream.core.retention import ALL, Head, Part
from stream.wire.encode import DayRecord
from stream.worker import topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.core.policy import Policy
    from stream.core.retention import Record

LAST_ALERTS = 200
BATCH = 5000


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the list of alerts."""

    day: str
    status: str  # opened, or how it ended
    customer_id: str
    severity: str
    says: str


@dataclass(slots=True)
class Seen:
    """Everything that was read so far."""

    policy: Policy
    partitions: int
    last_day: date  # of the replay; periods that begin later exist only because the clock goes on to make it final
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)  # sign, status
    resolutions: Counter[tuple[str, str]] = field(default_factory=Counter)  # sign, resolution
    last: deque[Shown] = field(default_factory=lambda: deque(maxlen=LAST_ALERTS))
    total: int = 0  # alerts
    taken: int = 0  # alerts and day records
    parts: dict[str, Part] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    daily: dict[str, DayRecord] = field(default_factory=dict)

    def alert(self, event: dict[str, Any]) -> None:
        """Take one alert."""
        data = event["data"]
        self.total += 1
        self.taken += 1
        self.statuses[data["sign"], data["status"]] += 1
        how, says = data["status"], data["signs"][0]["says"]
        if how == "resolved":
            how, says = data["resolution"], f"silent since {data['episode_day']}"
            self.resolutions[data["sign"], how] += 1
        self.last.append(Shown(event["time"][:10], how, data["customer_id"], data["severity"], says))

    def part(self, part: Part | Head) -> None:
        """Take one partition's counts of a period, or how far it is; a later one takes its place."""
        if isinstance(part, Head):
            self.heads[part.key] = part
        else:
            self.parts[part.key] = part

    def record(self, key: str, record: DayRecord) -> None:
        """Take one day record, as the desk published it."""
        self.taken += 1
        self.daily[key] = record

    def months(self) -> list[DayRecord]:
        """The published records of all customers by month, the latest last; the open month is provisional."""
        monthly = [one for one in self.daily.values() if self._shown(one.period, one.start) and one.segment == ALL]
        return sorted(monthly, key=lambda record: record.start)

    def missing(self) -> list[str]:
        """The months whose record the desk has still to publish, or to publish again."""
        records = retention.merge(
            [one for one in self.parts.values() if self._shown(one.period, one.start)],
            self.heads.values(),
            self.partitions,
            (),
            warmup_days=max(self.policy.active_days),
            history_start=self.policy.history_start,
        )
        return [record.key for record in records if not self._is_out(record)]

    def _shown(self, period: str, start: date) -> bool:
        return period == "month" and start <= self.last_day

    def _is_out(self, record: Record) -> bool:
        out = self.daily.get(record.key)
        return (
            out is not None
            and msgspec.structs.asdict(out.counts) == record.counts
            and (out.provisional, out.final, out.revision) == (record.provisional, record.final, record.revision)
        )

    def open_alerts(self) -> int:
        """How many alerts are open now."""
        return sum(self.statuses[key] for key in self.statuses if key[1] == "opened") - self.resolutions.total()


class Watcher:
    """A consumer of both topics from where they end now, without a group: it takes nothing from anybody."""

    def __init__(self, kafka: Mapping[str, object], seen: Seen) -> None:
        self._seen = seen
        self._event = msgspec.json.Decoder()
        self._part = msgspec.json.Decoder(Part | Head)
        self._record = msgspec.json.Decoder(DayRecord)
        settings = {
            "group.id": "lapse-demo-watch",  # asked for by librdkafka; nothing is committed
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 20,
            "fetch.wait.max.ms": 50,
        }
        self._consumer = Consumer({**kafka, **settings})
        self._reached: dict[tuple[str, int], int] = {}
        self._all = [
            TopicPartition(topic, number)
            for topic in (topics.ALERTS, topics.PARTS, topics.DAILY)
            for number in self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ]
        for one in self._all:
            _, one.offset = self._consumer.get_watermark_offsets(one, timeout=10)
        self._consumer.assign(self._all)

    def poll(self, seconds: float) -> int:
        """Take what has come, waiting up to `seconds` for the first record; how many there were."""
        taken = 0
        for message in self._consumer.consume(BATCH, seconds):
            error = message.error()
            if error is None:
                taken += 1
                self._take(str(message.topic()), message.key() or b"", message.value())
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                place = str(message.topic()), int(message.partition() or 0)
                self._reached[place] = int(message.offset() or 0)
            elif error.fatal():
                raise KafkaException(error)
        return taken

    def ends(self) -> dict[tuple[str, int], int]:
        """Where each partition ends at this moment."""
        places = {(one.topic, one.partition): one for one in self._all}
        return {place: self._consumer.get_watermark_offsets(one, timeout=10)[1] for place, one in places.items()}

    def reached(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether everything before `ends` was read; markers of transactions take offsets too."""
        return all(self._reached.get(place, 0) >= end for place, end in ends.items())

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()

    def _take(self, topic: str, key: bytes, value: bytes | None) -> None:
        if value is None:
            return
        if topic == topics.ALERTS:
            self._seen.alert(self._event.decode(value))
        elif topic == topics.DAILY:
            self._seen.record(key.decode(), self._record.decode(value))
        else:
            self._seen.part(self._part.decode(value))


def summarise(seen: Seen, days: int, events: int, seconds: float) -> dict[str, Any]:
    """What a demo came to, for `--json`."""
    signs = sorted({sign for sign, _ in seen.statuses})
    return {
        "days": days,
        "events": events,
        "alerts": {sign: _of(sign, seen.statuses) for sign in signs},
        "resolutions": {sign: _of(sign, seen.resolutions) for sign in signs},
        "retention": {f"{record.start:%Y-%m}": _month(record) for record in seen.months()},
        "rates": {"events_per_second": round(events / seconds)},
        "seconds": round(seconds, 2),
    }


def _month(record: DayRecord) -> dict[str, Any]:
    ratios = {"crr": record.crr, "crr_strict": record.crr_strict, "churn": record.churn}
    state = {"provisional": record.provisional, "final": record.final, "warmup": record.warmup}
    return {**msgspec.structs.asdict(record.counts), **ratios, **state}


def _of(sign: str, counts: Counter[tuple[str, str]]) -> dict[str, int]:
    return {what: number for (one, what), number in sorted(counts.items()) if one == sign}
