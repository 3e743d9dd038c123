"""Throughput against the peers: the same topic, already full, the same broker, one after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cluster, load
from benchmarks.contestants import ALL, LAPSE, WORKER_GROUP, Contestant, Setting, prepare
from benchmarks.measure import BenchmarkError, Committed, Rate, rate, running
from benchmarks.progress import say
from benchmarks.workers import make_topics
from stream.tools.broker import Kafka

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITIONS = 4
Rates = dict[str, list[Rate]]


def run(events: int, customers: int, rounds: int, names: Sequence[str]) -> Rates:
    """Each contestant `rounds` times, in turns, so that a slow minute of the machine hits all of them."""
    contestants = [ALL[name] for name in names]
    prepare(contestants)
    found: Rates = {contestant.name: [] for contestant in contestants}
    with Kafka() as kafka:
        cluster.create_topic(kafka.bootstrap, load.TOPIC, PARTITIONS)
        load.fill(kafka.bootstrap, load.orders(events, customers))
        for number in range(rounds):
            for contestant in contestants:
                one = once(kafka, contestant, events, number)
                found[contestant.name].append(one)
                say(
                    f"{contestant.name}, round {number + 1} of {rounds}: {one.per_wall_second:,.0f} events/s, "
                    f"{one.per_cpu_second:,.0f} per CPU-second, broker {one.broker_cpu_s / one.wall_s:.0%} of a core, "
                    f"{one.rss_bytes / 2**20:,.0f} MiB"
                )
    return found


def once(kafka: Kafka, contestant: Contestant, events: int, number: int) -> Rate:
    """One contestant from an empty state to the end of the topic (or its `most_events`)."""
    total = min(events, contestant.most_events or events)
    what = f"{contestant.name} #{number + 1}"
    group = f"peer-{list(ALL.values()).index(contestant)}-{number}"
    if contestant is LAPSE:
        group = WORKER_GROUP
        make_topics(kafka.bootstrap, PARTITIONS)
    with tempfile.TemporaryDirectory(prefix="lapse-bench-") as scratch:
        command = contestant.command(Setting(kafka.bootstrap, group, Path(scratch), PARTITIONS))
        with running(command, Path(scratch, "output.log")) as process, Committed(kafka.bootstrap, group) as committed:
            one = rate(committed, process, total, kafka.pid, what)
    if contestant is LAPSE:
        if refused := cluster.refused(kafka.bootstrap):
            raise BenchmarkError(f"{refused:,} events were refused")
        cluster.forget_group(kafka.bootstrap, group)
    cluster.delete_topics_but(kafka.bootstrap, load.TOPIC)
    return one
