"""The results as Markdown: what was run on what, the numbers, the ratios, and how they were measured."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

import confluent_kafka
import psutil

from benchmarks.contestants import ALL, LAPSE, QUIX_COMMIT_SECONDS, STREAM_THREADS
from benchmarks.latency import WARM_UP_SECONDS
from benchmarks.measure import WARM_UP_SHARE
from benchmarks.throughput import PARTITIONS
from stream.tools.broker import KAFKA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.changelog import Disk
    from benchmarks.handover import Outage
    from benchmarks.latency import Latency
    from benchmarks.scale import Cost
    from benchmarks.state import State
    from benchmarks.throughput import Rates

HEAD = """# Results

Written by `make bench`; do not edit. All figures of a table come from one run on one machine, which also runs the
broker and, for the latency, sender and receiver.
"""


def machine() -> str:
    """The machine and the versions."""
    names = ("numba", "numpy", "msgspec")
    ours = ", ".join(f"{name} {version(name)}" for name in names)
    librdkafka = confluent_kafka.libversion()[0]
    return (
        f"- {_cpu()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}\n"
        f"- Python {platform.python_version()}, confluent-kafka {version('confluent-kafka')}, "
        f"librdkafka {librdkafka}, {ours}\n"
        f"- Apache Kafka {KAFKA_VERSION} (one node, 1 GiB heap), {_java()}\n"
        f"- load average at the start: {os.getloadavg()[0]:.1f}\n"
    )


def throughput(rates: Rates, events: int, customers: int) -> str:
    """Contestants side by side; the ratios are lapse ÷ peer, by round, the median of them."""
    rounds = max(len(found) for found in rates.values())
    lines = [
        "## Throughput\n",
        f"{events:,} orders of {customers:,} customers on {PARTITIONS} partitions, medians of {rounds}.\n",
        "| | job | events/s | per CPU-second | lapse is (wall) | lapse is (CPU) | broker CPU | RSS |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    ours = rates.get(LAPSE.name, [])
    for contestant in ALL.values():
        found = rates.get(contestant.name, [])
        if not found:
            continue
        wall = _ratio([a.per_wall_second / b.per_wall_second for a, b in zip(ours, found, strict=False)])
        cpu = _ratio([a.per_cpu_second / b.per_cpu_second for a, b in zip(ours, found, strict=False)])
        lines.append(
            f"| {contestant.name} | {contestant.job} | {_median([r.per_wall_second for r in found]):,.0f} "
            f"| {_median([r.per_cpu_second for r in found]):,.0f} | {wall} | {cpu} "
            f"| {_median([1e6 * r.broker_cpu_s / r.events for r in found]):.1f} µs/event "
            f"| {_median([r.rss_bytes / 2**20 for r in found]):,.0f} MiB |"
        )
    return "\n".join(lines) + f"\n\n{_method()}"


def _method() -> str:
    limits = ", ".join(f"{c.name}: the first {c.most_events:,} events" for c in ALL.values() if c.most_events)
    return (
        f"Each begins with an empty state on the full topic. Measured from {WARM_UP_SHARE:.0%} of the events committed "
        "until all are, so that starting, compiling and joining count for nobody; CPU is user + system of the process "
        "and its children, the broker's stands beside it. "
        "*Small job*: decode the order, bring up to date a row of 383 bytes per customer in the state store, "
        "changelog. *Whole job*: everything `lapse worker` does. Peers as an expert would set them (sources in "
        "`benchmarks/peers`): "
        f"Kafka Streams with {STREAM_THREADS} thread, commit interval 100 ms (its default with exactly once), byte "
        "keys and values, 1 GiB block cache, 64 MiB write buffers, Bloom filters, parallel collector; Quix Streams "
        f"with a commit interval of {QUIX_COMMIT_SECONDS:g} s and msgspec as decoder; Faust with uvloop, memory table "
        f"and msgspec ({limits}).\n"
    )


def latency(found: Sequence[Latency], customers: int) -> str:
    """Event → committed alert."""
    lines = [
        "## Event to committed alert\n",
        f"{customers:,} customers in the state, {PARTITIONS} partitions, one worker.\n",
        "From handing the event to the producer until a read_committed consumer holds the alert. The first",
        f"{WARM_UP_SECONDS:.0f} s, at the highest rate, are not measured: a new broker still compiles itself.\n",
        "| events/s | alerts | p50 | p90 | p99 | max | missing |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.rate:,} | {one.alerts:,} | {one.p50_ms:.0f} ms | {one.p90_ms:.0f} ms | {one.p99_ms:.0f} ms "
        f"| {one.max_ms:.0f} ms | {one.missing:,} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def state(found: State) -> str:
    """Memory and restore."""
    return (
        "## Memory and restore\n\n"
        f"| customers | RSS | a customer | restore | process start to all running | RSS after restore |\n"
        "|---:|---:|---:|---:|---:|---:|\n"
        f"| {found.customers:,} | {found.rss_bytes / 2**20:,.0f} MiB | {found.rss_per_customer_bytes:,.0f} bytes "
        f"| {found.restore_s:.2f} s | {found.start_to_running_s:.2f} s "
        f"| {found.restored_rss_bytes / 2**20:,.0f} MiB |\n\n"
        "*A customer*: the growth from a worker that has seen a thousand. *Restore*: from being given the partitions "
        "to running them, by the worker's own histogram.\n"
    )


def scale(found: Sequence[Cost], events: int) -> str:
    """Cost against the number of customers."""
    lines = [
        "## Cost of an event\n",
        f"The whole job, {events:,} events each.\n",
        "| customers | CPU an event | events/s | per CPU-second |",
        "|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.customers:,} | {one.cpu_us:.2f} µs | {one.rate.per_wall_second:,.0f} "
        f"| {one.rate.per_cpu_second:,.0f} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def handover(found: Sequence[Outage], customers: int) -> str:
    """How long nobody took care of a partition."""
    text = (
        f"{customers:,} customers on {PARTITIONS} partitions, two workers, to one of which it happens. Each partition "
        "gets an event 20 times a second whose alert a read_committed consumer waits for; the longest wait of a "
        "partition is how long it was not available.\n"
    )
    lines = [
        "## Hand-over\n",
        text,
        "| what happens | session | rounds | median of the partitions that moved | longest | longest of the others |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.what} | {one.session_s:g} s | {one.rounds} | {_median(one.moved_s):.2f} s "
        f"| {max(one.moved_s):.2f} s | {max(one.kept_s, default=0.0):.2f} s |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def changelog(found: Sequence[Disk]) -> str:
    """What a changelog takes on disk."""
    text = (
        "One partition, every row written once and then again and again, as fast as it goes, until the broker's "
        "cleaner has nothing left to do.\n"
    )
    lines = [
        "## Changelog on disk\n",
        text,
        "| customers | written again | every row once | all written | most | in the end | × once |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.customers:,} | {one.rounds} times | {one.once / 1e6:.1f} MB | {one.written / 1e6:,.1f} MB "
        f"| {one.most / 1e6:.1f} MB | {one.end / 1e6:.1f} MB | {one.end / one.once:.2f} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _ratio(values: list[float]) -> str:
    return f"{statistics.median(values):.1f}×" if values else "–"


def _cpu() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 (a pseudo file, read line by line)
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _java() -> str:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    return lines[1].partition("(")[0].strip() + " " + lines[0].split('"')[1] if len(lines) > 1 else "Java"
