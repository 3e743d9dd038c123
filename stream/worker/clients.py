"""The librdkafka clients of a worker, and the settings that exactly-once and a quick take-over rest on.

Owns: those settings (DESIGN §8 says where each was seen to be needed). Knows nothing of what is sent or read.
"""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from stream.logs import Seldom
from stream.worker.settings import Settings

TRANSACTION_TIMEOUT_MS = 10_000

_log = logging.getLogger("lapse.kafka")
_log.addFilter(Seldom())


def source(settings: Settings) -> Consumer:
    """The group's consumer of `customer.events`."""
    return Consumer(
        {
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 250,  # by its answer a survivor hears that partitions are to be had
            **_reading(settings),
            "partition.assignment.strategy": "cooperative-sticky",
            "isolation.level": "read_committed",
        },
        logger=_log,
    )


def reader(settings: Settings) -> Consumer:
    """Reads committed changelog records; never joins the group."""
    # it reads to a known end: an empty fetch that waits only delays the mark of that end
    return Consumer({**_reading(settings), "fetch.wait.max.ms": 10, "isolation.level": "read_committed"}, logger=_log)


def observer(settings: Settings) -> Consumer:
    """Asks for ends and offsets as they are, open transactions included; never joins the group, reads nothing."""
    return Consumer({**_reading(settings), "isolation.level": "read_uncommitted"}, logger=_log)


def _reading(settings: Settings) -> dict[str, Any]:
    return {
        "fetch.queue.backoff.ms": 20,  # 1000 by default: catch-up at 137 k instead of 410 k events/s
        # how long a broker holds an empty fetch: a partition that begins meanwhile has to wait for it
        "fetch.wait.max.ms": 100,
        "queued.min.messages": 10_000,  # of each partition: a batch; each costs 500 B while it waits
        **settings.client(),
        "group.id": settings.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,  # how the end of a partition is seen, whatever markers lie before it
        "allow.auto.create.topics": False,
        "error_cb": _tell,
    }


def producer(settings: Settings, transactional_id: str) -> Producer:
    """A transactional producer."""
    return Producer(
        {
            "compression.type": "lz4",
            "linger.ms": 20,  # a commit flushes without it; 2 was seen to cost 5 % more CPU
            "batch.num.messages": 50_000,
            # a partition's part has hundreds of figures of 32 segments, 1.7 MB with the longest names that a policy may
            # have; librdkafka measures before it compresses, a broker after
            "message.max.bytes": 4 << 20,
            # the next transaction's first request is refused while markers of the last one are still being written
            # … and again: a retry waits twice as long each time, up to a second by default
            "retry.backoff.ms": 10,
            "retry.backoff.max.ms": 10,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1 << 20,
            "delivery.report.only.error": True,  # a failed record fails the commit; nobody waits for the others
            **settings.client(),
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "partitioner": "murmur2_random",  # where Java producers put the same key
            "error_cb": _tell,
        },
        logger=_log,
    )


def wake(consumer: Consumer, topic: str, partition: int) -> None:
    """Have a broker's thread look at what was just assigned or resumed: it may sleep for a second before it does."""
    try:
        consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=0.5)
    except KafkaException as error:
        _log.debug("no answer yet: %s", error)


def _tell(error: KafkaError) -> None:
    _log.log(logging.ERROR if error.fatal() else logging.INFO, "%s", error.str())
