"""The brokers and the helpers themselves: what other tests take for granted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from tests.support.kafka import create_topic, produce, read_all

if TYPE_CHECKING:
    from stream.tools.broker import Kafka


def test_what_is_written_is_read_back_in_order(bootstrap: str) -> None:
    create_topic(bootstrap, "t", partitions=3)
    sent = [(b"key %d" % (n % 7), b"value %d" % n) for n in range(1_000)]
    assert produce(bootstrap, "t", sent) == 1_000
    records = read_all(bootstrap, "t")
    assert {(r.key, r.value) for r in records} == set(sent)
    for key in {key for key, _ in sent}:
        assert [r.value for r in records if r.key == key] == [value for k, value in sent if k == key]


def test_an_empty_topic_reads_as_nothing(bootstrap: str) -> None:
    create_topic(bootstrap, "t")
    assert read_all(bootstrap, "t") == []


@pytest.mark.kafka
def test_aborted_records_are_not_read_and_open_transactions_are_waited_for(kafka_bootstrap: str) -> None:
    create_topic(kafka_bootstrap, "t", partitions=2)
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "transactional.id": "x"})
    producer.init_transactions()
    for _ in range(3):
        producer.begin_transaction()
        producer.produce("t", b"aborted", partition=0)
        producer.flush()
        producer.abort_transaction()
    assert read_all(kafka_bootstrap, "t") == []
    producer.begin_transaction()
    producer.produce("t", b"committed", partition=1)
    producer.flush()
    commit = threading.Timer(1.0, producer.commit_transaction)
    commit.start()
    assert [r.value for r in read_all(kafka_bootstrap, "t")] == [b"committed"]
    commit.join()
    assert [r.value for r in read_all(kafka_bootstrap, "t", committed=False)] == [b"aborted"] * 3 + [b"committed"]


@pytest.mark.kafka
def test_a_kafka_that_ended_starts_again_with_its_records(kafka: Kafka) -> None:
    create_topic(kafka.bootstrap, "t")
    produce(kafka.bootstrap, "t", [(b"k", b"v")])
    address = kafka.bootstrap
    for end in kafka.stop, kafka.kill:
        end()
        kafka.start()
        assert kafka.bootstrap == address
        assert [r.value for r in read_all(kafka.bootstrap, "t")] == [b"v"]
