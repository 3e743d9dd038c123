"""That records go into librdkafka's queue by one call, as the client would have put them there."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition, cimpl
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from stream.core import records
from stream.worker import direct

NOWHERE = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


def test_the_handle_is_the_producers_own() -> None:
    one, other = (Producer(NOWHERE) for _ in range(2))
    assert direct.handle_of(one) is not None
    assert direct.handle_of(one) != direct.handle_of(other)


def test_what_is_not_a_producers_handle_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = Producer(NOWHERE)
    monkeypatch.setattr(direct, "_name", lambda _: b"another thing")
    assert direct.handle_of(producer) is None
    assert direct.produce(producer, "t", records.of([b"a"], [b"1"]), 0) == [0]


def test_what_a_full_queue_does_not_take_is_told() -> None:
    producer = Producer({**NOWHERE, "queue.buffering.max.messages": 2})
    given = records.of([b"a", b"b", b"c", b"d"], [b"1", b"2", b"3", b"4"])
    assert direct.produce(producer, "t", given, 0) == [2, 3]


def test_another_producer_takes_nothing() -> None:
    assert direct.produce(object(), "t", records.of([b"a"], [b"1"]), 0) == [0]


def test_they_arrive_as_they_were_given(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("direct", 2, 1)])["direct"].result(30)
    producer = Producer({"bootstrap.servers": bootstrap})
    keys, values = [b"a", b"bc", b"\x00control", b"d"], [b"1" * 700, None, b"", b"\x00\xff"]
    assert direct.produce(producer, "direct", records.of(keys, values), 1) == []
    producer.flush(30)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "direct", "session.timeout.ms": 6000})
    consumer.assign([TopicPartition("direct", 1, 0)])
    found = consumer.consume(4, 30)
    consumer.close()
    assert [(one.key(), one.value()) for one in found] == list(zip(keys, values, strict=True))


@pytest.mark.parametrize("library", ["/nowhere.so", getattr(find_spec("msgspec._core"), "origin", "")])
def test_without_the_librarys_names_records_go_one_by_one(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a client in which librdkafka is linked statically, its names hidden."""
    monkeypatch.setattr(cimpl, "__file__", library)
    spec = spec_from_file_location("hidden", direct.__file__)
    assert spec is not None
    assert spec.loader is not None
    hidden = module_from_spec(spec)
    spec.loader.exec_module(hidden)
    assert hidden.produce(Producer(NOWHERE), "t", records.of([b"a", b"b"], [b"1", b"2"]), 0) == [0, 1]


def test_a_topic_that_librdkafka_refuses_is_told_by_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_topic", lambda *_: None)
    monkeypatch.setattr(direct, "_produce", lambda *_: pytest.fail("records for no topic"))
    assert direct.produce(Producer(NOWHERE), "t", records.of([b"a", b"b"], [b"1", b"2"]), 0) == [0, 1]
