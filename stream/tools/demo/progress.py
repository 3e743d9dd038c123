"""How far the workers are: the group's committed offsets, and the pace.

Owns: counting what was processed, from outside, as any operator would.
"""

from __future__ import annotations

from collections import deque

from confluent_kafka import Consumer, TopicPartition

from stream.tools.cluster import quiet
from stream.worker import topics
from stream.worker.settings import Settings

PATIENCE_SECONDS = 10.0
SPAN_SECONDS = 3.0


class Group:
    """The workers' consumer group, only looked at: this consumer never joins it."""

    def __init__(self, cluster: Settings, partitions: int) -> None:
        # read_uncommitted: an offset inside an open transaction is simply not there yet, and nobody waits for it
        settings = {"group.id": cluster.group, "isolation.level": "read_uncommitted", "enable.auto.commit": False}
        self._consumer = Consumer({**quiet(cluster), **settings})
        self._places = [TopicPartition(topics.EVENTS, number) for number in range(partitions)]
        self.processed = 0

    def refresh(self) -> None:
        """Ask how many records were processed."""
        committed = self._consumer.committed(self._places, timeout=PATIENCE_SECONDS)
        self.processed = sum(max(one.offset, 0) for one in committed)

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()


def extent(cluster: Settings, topic: str) -> tuple[int, int]:
    """How many partitions a topic has, and how many records are in it."""
    consumer = Consumer({**quiet(cluster), "group.id": cluster.group})
    try:
        numbers = consumer.list_topics(topic, timeout=PATIENCE_SECONDS).topics[topic].partitions
        ends = (consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=PATIENCE_SECONDS) for n in numbers)
        return len(numbers), sum(high - low for low, high in ends)
    finally:
        consumer.close()


class Rate:
    """Events per second over the last few seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now: float, count: int) -> None:
        """Note that by `now` `count` were done."""
        self._points.append((now, count))
        while now - self._points[0][0] > SPAN_SECONDS:
            self._points.popleft()

    @property
    def per_second(self) -> float:
        """The pace between the first and the last point that are remembered."""
        if not self._points:
            return 0.0
        (then, before), (now, count) = self._points[0], self._points[-1]
        return (count - before) / (now - then) if now > then else 0.0
