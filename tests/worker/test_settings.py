"""Settings from the environment, the slot, and the topics' own check."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream import logs
from stream.cli import build_parser
from stream.core.policy import Policy
from stream.desk import settings as desk
from stream.tools import doctor
from stream.worker import main as worker
from stream.worker import topics
from stream.worker.exporter import Exporter
from stream.worker.job import real_job
from stream.worker.settings import Settings, SettingsError, read
from stream.worker.slot import claim
from stream.worker.snapshot import OLDEST_SECONDS
from tests.support.web import status

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000


def test_from_the_environment() -> None:
    environment = {
        "LAPSE_BOOTSTRAP": "one:9092,[::1]:9093",
        "LAPSE_GROUP": "churn",
        "LAPSE_SLOT": "pod-3",
        "LAPSE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "LAPSE_KAFKA_SASL_USERNAME": "ops",
        "PATH": "/bin",
    }
    found = read(environment, http="10.1.2.3:80")
    kafka = {"sasl.username": "ops", "security.protocol": "SASL_SSL"}
    assert found == Settings("one:9092,[::1]:9093", "churn", "pod-3", ("10.1.2.3", 80), kafka)
    assert found.client() == {**kafka, "bootstrap.servers": "one:9092,[::1]:9093"}


def test_what_is_said_goes_before_the_environment() -> None:
    assert read({"LAPSE_BOOTSTRAP": "one:9092"}, bootstrap="two:9092").bootstrap == "two:9092"


def test_all_mistakes_at_once() -> None:
    environment = {
        "LAPSE_GROUP": "no spaces",
        "LAPSE_SLOT": "",
        "LAPSE_KAFKA_ENABLE_AUTO_COMMIT": "true",
        "LAPSE_KAFKA_ISOLATION_LEVEL": "read_uncommitted",
        "LAPSE_KAFKA_TRANSACTION_TIMEOUT_MS": "60000",
        "LAPSE_TOKEN": "guessed",
    }
    with pytest.raises(SettingsError) as raised:
        read(environment, http="here")
    assert len(raised.value.errors) == 8
    for name in ("LAPSE_BOOTSTRAP", *environment, "--http"):
        assert any(name in error for error in raised.value.errors), name


def test_nobody_else_is_served_unless_that_is_asked_for() -> None:
    """HTTP is for this host, worker and desk alike, until --http says more; a customer's row needs the token."""
    settings = read({"LAPSE_BOOTSTRAP": "one:9092"})
    exporter = Exporter(settings.http, lambda: 0.0, settings.token)
    exporter.start()
    try:
        assert exporter.url.startswith("http://127.0.0.1:")
        assert status(f"{exporter.url}/customers/anna", "any") == 403, "without a token of its own it shows nobody"
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.2", int(exporter.url.rpartition(":")[2])))  # another address of this host
    finally:
        exporter.stop()
    assert build_parser().parse_args(["desk"]).http == desk.DEFAULT_HTTP
    assert desk.DEFAULT_HTTP.startswith("127.0.0.1:")


def test_the_changelog_is_compacted_soon_and_tombstones_outlive_snapshots() -> None:
    """Why: docs/operations.md, What the topics are like."""
    compacted = [topic for topic in topics.TOPICS if topic.settings]
    assert {topic.name for topic in compacted} == {
        topics.CHANGELOG, topics.DESK, topics.PARTS, topics.DAILY, topics.POLICY, topics.WORKERS,
    }  # fmt: skip
    for topic in compacted:
        have = {**topic.settings}
        assert have["cleanup.policy"] == "compact"
        assert int(have["max.compaction.lag.ms"]) <= DAY_MS
        assert int(have["delete.retention.ms"]) >= 2 * OLDEST_SECONDS * 1000
        assert not topics.setting_problems(topic, have)
        assert not topics.setting_problems(topic, {}), "a broker that doesn't tell"
        wrong = {
            "cleanup.policy": "delete", "segment.bytes": str(1 << 30), "delete.retention.ms": "60000",
            # Kafka's own defaults, and a ratio that compacts seldom
            "segment.ms": str(7 * DAY_MS), "max.compaction.lag.ms": str(2**63 - 1), "min.cleanable.dirty.ratio": "0.9",
        }  # fmt: skip
        problems = topics.setting_problems(topic, wrong)
        assert len(problems) == len(wrong)
        assert all(any(name in problem for problem in problems) for name in wrong)


def test_the_salt_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for salt in ("one secret", "another"):
        monkeypatch.setenv("LAPSE_ERASURE_SALT", salt)
        partition: Any = real_job(Policy("test")).make(0)
        erasures = partition.erasures
        erasures.note(b"anna", 7)
        found |= set(erasures.records())
    assert len(found) == 2


@pytest.mark.parametrize(("given", "public"), [(None, True), ("", True), ("lapse", True), ("a secret", False)])
def test_a_salt_that_everybody_knows_is_told(
    given: str | None,
    public: bool,  # noqa: FBT001 (a row of the table above)
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("LAPSE_ERASURE_SALT", raising=False)
    if given is not None:
        monkeypatch.setenv("LAPSE_ERASURE_SALT", given)
    monkeypatch.setattr(worker, "run_job", lambda *_: 0)
    monkeypatch.setattr(worker, "real_job", lambda _: None)
    monkeypatch.setattr(logs, "to_stderr", lambda: None)
    worker.run(Settings("a:1"), Policy("test"))
    assert ("LAPSE_ERASURE_SALT is not set to a secret" in caplog.text) == public
    found = next(one for one in doctor.examine(None, "default", None) if one.what == "LAPSE_ERASURE_SALT")
    assert found.well != public
    assert found.optional, "a trial at home needs none"


@pytest.mark.parametrize(
    ("error", "trace"),
    [
        (KafkaException(KafkaError(KafkaError._TIMED_OUT, "it is away")), False),
        (ConnectionError("it is away"), False),
        (ConnectionRefusedError(111, "it is away"), False),
        (KafkaException(KafkaError(KafkaError._STATE, "it is away")), True),
    ],
)
def test_what_the_cluster_did_is_told_in_a_line_and_our_mistakes_with_their_place(
    *, error: Exception, trace: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_: object) -> None:
        raise error

    job: Any = SimpleNamespace(warm_up=lambda: None)
    monkeypatch.setattr(worker, "_look", lambda _: [])
    monkeypatch.setattr(worker, "tune", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(worker, "Loop", refuses)
    assert worker.run_job(Settings("127.0.0.1:1", http=("127.0.0.1", 0)), job) == worker.FAILED
    told = [one for one in caplog.records if one.getMessage().startswith("stopped")]
    assert ["it is away" in one.getMessage() for one in told] == [True]
    assert bool(told[0].exc_info) == trace


def test_a_slot_is_held_until_it_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, second, other_group = claim("g", None), claim("g", None), claim("h", None)
    names = {first.transactional_id, second.transactional_id, other_group.transactional_id}
    assert len(names) == 3
    first.release()
    again = claim("g", None)
    assert again.transactional_id == first.transactional_id
    assert claim("g", "pod-3").transactional_id == "g.pod-3"
    for slot in (second, other_group, again):
        slot.release()


def test_topics_that_are_missing_or_do_not_fit() -> None:
    good = {topic.name: 8 if topic.as_events else 1 for topic in topics.TOPICS}
    assert topics.differences(good) == []
    assert len(topics.differences({})) == len(topics.TOPICS)
    assert topics.differences({**good, topics.CHANGELOG: 4}) == [
        "customers.changelog has 4 partitions, customer.events has 8: they must be equal"
    ]


def test_topics_are_made_once_and_then_as_they_must_be(bootstrap: str) -> None:
    assert sorted(topics.create(bootstrap, 3, 1)) == sorted(topic.name for topic in topics.TOPICS)
    assert topics.create(bootstrap, 5, 1) == []
    assert topics.verify(bootstrap) == []
