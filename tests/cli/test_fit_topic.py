"""`lapse fit --topic` learns from the topic what it learns from the file of the same events."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from stream.cli import main
from stream.names import EVENTS
from stream.tools.spool import spool
from stream.worker.settings import read
from tests.learning.simulated import Truth, events

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = Truth(2.0, 1.0, 3.0, 1.7, 0.5, 9.0)


def test_the_topic_teaches_what_the_file_does(
    embedded_bootstrap: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topics", "--bootstrap", embedded_bootstrap, "--partitions", "3"]) == 0
    lines = events(TRUTH, 150, 200, 5)
    producer = Producer({"bootstrap.servers": embedded_bootstrap})
    pretty = json.dumps(json.loads(lines[0]) | {"id": "pretty"}, indent=2).encode()
    producer.produce(EVENTS, pretty, "c0", 0, timestamp=1_500_000_000_000)
    producer.produce(EVENTS, b"no\njson", "c0", 0, timestamp=1_500_000_000_000)
    producer.produce(EVENTS, None, "c0", 0, timestamp=1_500_000_000_000)
    cloud = {"ce_specversion": b"1.0", "ce_id": b"cloud", "ce_source": b"shop", "ce_type": b"session",
             "ce_subject": b"c1", "ce_time": b"2020-01-01T00:00:00Z"}  # fmt: skip
    producer.produce(EVENTS, b"", "c1", 1, timestamp=1_500_000_000_001, headers=list(cloud.items()))
    for n, line in enumerate(lines):
        customer = json.loads(line).get("customer_id", "")
        partition = sum(customer.encode()) % 3
        producer.produce(EVENTS, line, customer, partition, timestamp=1_600_000_000_000 + n)
        producer.poll(0)
    assert producer.flush(30) == 0
    seen = spool(read({}, embedded_bootstrap), tmp_path, lambda _: None).read_bytes().splitlines()
    assert [json.loads(seen[at])["id"] for at in (0, 1)] == ["pretty", "cloud"]
    assert seen[2:] == lines, "partitions are merged by the records' time"
    file = tmp_path / "file.jsonl"
    file.write_bytes(b"\n".join(seen) + b"\n")
    capsys.readouterr()
    assert main(["fit", str(file)]) == 0
    learned = capsys.readouterr().out
    assert main(["fit", "--topic", "--bootstrap", embedded_bootstrap]) == 0
    assert capsys.readouterr().out == learned
    assert Counter(learned.split())["[signs.silent.model]"] == 1


def test_one_source_or_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events.jsonl"
    file.touch()
    assert main(["fit", str(file), "--topic"]) == 2
    assert main(["fit", str(file), "--bootstrap", "kafka:9092"]) == 2
    assert main(["fit"]) == 2
    said = capsys.readouterr().err
    assert "one or the other" in said
    assert "--bootstrap goes with --topic" in said
    assert "or --topic" in said
