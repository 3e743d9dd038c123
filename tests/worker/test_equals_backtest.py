"""Worker = backtest: the same events through Kafka give the same alerts, final records and rows.

For any number of workers and partitions, any batch borders, and when workers are killed in the middle.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from stream import policies
from stream.core import comparing, retention
from stream.core.partition import Partition
from stream.core.retention import Head, Part
from stream.tools import backtest, importing
from stream.wire import encode
from stream.wire.decode import decode
from stream.worker import topics
from stream.worker.restore import CONTROL_KEY
from tests.support.kafka import produce, read_all
from tests.worker.running import Worker, wait_done

if TYPE_CHECKING:
    from pathlib import Path

    from stream.tools.broker import Kafka

POLICY = "complete-journey"
EVENTS = 60_000  # about five months
LATE_S = 1.8 * 86_400  # how late an event may come; the policy allows two days
CLOCK_MS = 1_500_000_000_000  # later than the last of them
KEPT = ("period", "start", "segment", "counts", "crr", "crr_strict", "churn", "churn_net", "warmup")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The first months of The Complete Journey, and an event that moves the clock behind them."""
    file = tmp_path_factory.mktemp("journey") / "events.jsonl"
    importing.write(POLICY, None, file)
    found = file.read_bytes().splitlines()[:EVENTS]
    return [*found, b'{"id":"end","type":"clock_advanced","time":%d}' % CLOCK_MS]


@pytest.fixture(scope="module")
def expected(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the backtest has written what must come out."""
    out = tmp_path_factory.mktemp("backtest")
    backtest.run(lines, out, policies.load(POLICY), [], lambda _: None)
    return out


def send(bootstrap: str, lines: list[bytes], partitions: int) -> None:
    records: list[tuple[bytes | None, bytes | None]] = []
    for line in lines:
        event = json.loads(line)
        if event["type"] != "clock_advanced":
            records.append((event["customer_id"].encode(), line))
    produce(bootstrap, topics.EVENTS, records)
    if len(records) < len(lines):
        for number in range(partitions):
            produce(bootstrap, topics.EVENTS, [(None, lines[-1])], number)


def when(line: bytes) -> float:
    """The time of an event, in epoch seconds."""
    return datetime.fromisoformat(json.loads(line)["time"]).timestamp()


def same(alert: bytes) -> str:
    """An alert without the moment at which it was seen."""
    content = json.loads(alert)
    del content["data"]["observed_at"]
    return json.dumps(content, sort_keys=True)


def finals(records: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {
        (one["period"], one["start"], one["segment"]): {name: one[name] for name in KEPT}
        for one in records
        if one["final"]
    }


def alerts_in(out: Path) -> Counter[str]:
    return Counter(map(same, (out / "alerts.jsonl").read_bytes().splitlines()))


def check(bootstrap: str, partitions: int, expected: Path, wanted: Counter[str] | None = None) -> None:
    """Everything that was published is what the backtest says, and every row what the core makes of its partition.

    `wanted` alerts, where they are not the backtest's.
    """
    found = Counter(same(record.value or b"") for record in read_all(bootstrap, topics.ALERTS))
    wanted = alerts_in(expected) if wanted is None else wanted
    assert sum(wanted.values()) > 500
    assert not wanted - found, f"missing: {list((wanted - found).items())[:3]}"
    assert not found - wanted, f"repeated or invented: {list((found - wanted).items())[:3]}"
    assert final_records(bootstrap, partitions) == finals(
        [json.loads(line) for line in (expected / "retention.jsonl").read_bytes().splitlines()]
    )
    assert rows(bootstrap) == rows_of_core(bootstrap, partitions)
    assert not read_all(bootstrap, topics.DEAD)


def final_records(bootstrap: str, partitions: int) -> dict[tuple[str, str, str], dict[str, Any]]:
    policy = policies.load(POLICY)
    latest = {record.key: record.value for record in read_all(bootstrap, topics.PARTS)}
    values = [msgspec.json.decode(value or b"", type=Part | Head) for value in latest.values()]
    merged = retention.merge(
        [one for one in values if isinstance(one, Part)],
        [one for one in values if isinstance(one, Head)],
        partitions,
        policy.segments,
        max(policy.active_days),
        policy.history_start,
    )
    earlier = comparing.among(merged)
    return finals([json.loads(encode.record(one, comparing.beside(one, earlier, policy))[1]) for one in merged])


def rows(bootstrap: str) -> dict[tuple[int, bytes], bytes]:
    """The last row of each customer in the changelog."""
    records = read_all(bootstrap, topics.CHANGELOG)
    return {(one.partition, one.key or b""): one.value or b"" for one in records if one.key != CONTROL_KEY}


def rows_of_core(bootstrap: str, partitions: int) -> dict[tuple[int, bytes], bytes]:
    """The rows that the core makes of each partition's events in one go."""
    policy = policies.load(POLICY)
    events = read_all(bootstrap, topics.EVENTS)
    found: dict[tuple[int, bytes], bytes] = {}
    for number in range(partitions):
        mine = [one for one in events if one.partition == number]
        stamps = [one.timestamp_ms for one in mine]
        batch, dead = decode([one.value for one in mine], [one.key for one in mine], stamps, None, policy)
        assert not dead
        partition = Partition(policy, number)
        start = 0
        while start < len(batch):
            start = partition.apply(batch, start).next
        keys, values = partition.changes().lists()
        found |= {(number, key): value or b"" for key, value in zip(keys, values, strict=True)}
    return found


def work(bootstrap: str, lines: list[bytes], partitions: int, workers: int) -> None:
    """Have so many workers process it all, and stop."""
    topics.create(bootstrap, partitions, 1)
    with ExitStack() as started:
        running = [started.enter_context(Worker(bootstrap, f"w{number}", POLICY)) for number in range(workers)]
        send(bootstrap, lines, partitions)
        wait_done(bootstrap, partitions, len(lines) - 1 + partitions)
        assert [worker.stop()[0] for worker in running] == [0] * workers


@pytest.mark.parametrize(("partitions", "workers"), [(1, 1), (8, 3)])
def test_the_same_as_a_backtest(
    bootstrap: str, partitions: int, workers: int, lines: list[bytes], expected: Path
) -> None:
    work(bootstrap, lines, partitions, workers)
    check(bootstrap, partitions, expected)


@pytest.mark.kafka
@pytest.mark.parametrize(("partitions", "workers"), [(1, 1), (8, 3)])
def test_late_shuffled_and_repeated_events_too(
    kafka: Kafka, partitions: int, workers: int, lines: list[bytes], tmp_path: Path
) -> None:
    """Final records never depend on the order of arrival; alerts do, on that within their own partition."""
    bootstrap = kafka.bootstrap
    chance = random.Random(20_170_825)
    late = [(when(line) + chance.uniform(0, LATE_S), line) for line in lines[:-1]]
    late += [(when(line) + chance.uniform(0, LATE_S), line) for _, line in chance.sample(late, EVENTS // 50)]
    shaken = [*(line for _, line in sorted(late)), lines[-1]]
    work(bootstrap, shaken, partitions, workers)
    wanted: Counter[str] = Counter()
    for number in range(partitions):
        mine = [one.value or b"" for one in read_all(bootstrap, topics.EVENTS) if one.partition == number]
        backtest.run(mine, tmp_path / str(number), policies.load(POLICY), [], lambda _: None)
        wanted += alerts_in(tmp_path / str(number))
    backtest.run(lines, tmp_path, policies.load(POLICY), [], lambda _: None)
    check(bootstrap, partitions, tmp_path, wanted)


@pytest.mark.kafka
def test_killed_in_the_middle_it_is_still_the_same(kafka: Kafka, lines: list[bytes], expected: Path) -> None:
    bootstrap, partitions = kafka.bootstrap, 4
    topics.create(bootstrap, partitions, 1)
    with ExitStack() as running:
        first, second = (running.enter_context(Worker(bootstrap, slot, POLICY)) for slot in "ab")
        for worker in (first, second):
            worker.wait_running(1)
        for at in range(0, len(lines), 5_000):
            send(bootstrap, lines[at : at + 5_000], partitions)
            if at == 15_000:
                first.kill()
                first = running.enter_context(Worker(bootstrap, "c", POLICY))
            if at == 40_000:
                second.kill()
            time.sleep(0.5)
        wait_done(bootstrap, partitions, len(lines) - 1 + partitions)
        assert first.stop()[0] == 0
    check(bootstrap, partitions, expected)
