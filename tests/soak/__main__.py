"""`python -m tests.soak --minutes 30`: a steady rate on a real Kafka, a kill every five minutes, and a recount.

Owns: the sender, the kills, what is looked at meanwhile, the table in the end. Two months of orders pass in that time,
so that days close and silences fire. It is always the first worker that is killed: the other lives from the beginning
to the end, and its memory and handles must not grow. What must come out is what one undisturbed worker makes of the
same log.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks import load
from stream.tools.broker import Kafka
from stream.worker import topics
from tests.chaos.processes import Workers, warm_up
from tests.soak import recount
from tests.worker.running import committed

PARTITIONS = 8
CUSTOMERS = 100_000
SPAN_DAYS = 60
POLICY, GROUP = "default", "soak-0"
LOOK_SECONDS = 5.0
DRAIN_SECONDS = 300.0
KILLED, SURVIVOR = 0, 1  # the slots of the two workers
FLAT = 1.10  # the survivor's memory in the last fifth ÷ in the second: the first is filling
STEADY = 0.98  # of the rate that was asked for
FILLED_SECONDS = 600.0  # a shorter run fills all the time, so that its memory is only shown
CHUNK = 1_000


@dataclass(frozen=True)
class Look:
    """What was seen at a moment: memory of all workers together, the rest of the one that is never killed."""

    seconds: float
    all_mib: float
    rss_mib: float
    handles: int
    threads: int
    behind: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=20_000, help="events a second (default: 20000)")
    parser.add_argument("--kill-every", type=float, default=5.0, help="minutes (default: 5)")
    args = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory(prefix="lapse-soak-") as scratch, Kafka() as kafka:
        topics.create(kafka.bootstrap, PARTITIONS, 1)
        workers = Workers(kafka.bootstrap, GROUP, POLICY, Path(scratch))
        try:
            return _soak(args, kafka, workers)
        finally:
            workers.kill()


def _soak(args: argparse.Namespace, kafka: Kafka, workers: Workers) -> int:
    seconds, sent = args.minutes * 60, [0]
    sender = threading.Thread(target=_send, args=(kafka.bootstrap, args.rate, seconds, sent), daemon=True)
    workers.do(KILLED, "start")
    workers.do(SURVIVOR, "start")
    survivor = workers.pids[SURVIVOR]
    began = time.monotonic()
    sender.start()
    looks, kills = [], 0
    while sender.is_alive():
        time.sleep(LOOK_SECONDS)
        workers.supervise()
        now = time.monotonic() - began
        looks.append(_look(kafka.bootstrap, workers, survivor, now, sent[0]))
        if len(looks) % 6 == 0:
            print(looks[-1], flush=True)
        if now > (kills + 1) * args.kill_every * 60 and now < seconds - 30:
            workers.do(KILLED, "kill")
            workers.do(KILLED, "start")
            kills += 1
    took, deadline = time.monotonic() - began, time.monotonic() + DRAIN_SECONDS
    while (last := _look(kafka.bootstrap, workers, survivor, time.monotonic() - began, sent[0])).behind > 0:
        assert time.monotonic() < deadline, f"not drained: {last}"
        time.sleep(0.5)
    said = workers.stop()
    if workers.restarts:
        said.append(f"{workers.restarts} workers ended by themselves")
    if sent[0] < STEADY * args.rate * took:
        said.append(f"{sent[0] / took:,.0f} events a second, not {args.rate:,}")
    found = recount.differences(kafka.bootstrap, POLICY, PARTITIONS)
    return _table(looks, sent[0], took, last, kills, [*said, *found.problems], found.told)


def _table(looks: list[Look], sent: int, took: float, last: Look, kills: int, problems: list[str], told: str) -> int:
    fifth = max(1, len(looks) // 5)
    first, final = looks[fifth : 2 * fifth] or looks, looks[-fifth:]
    mean = {what: (_mean(first, what), _mean(final, what)) for what in ("rss_mib", "handles", "threads")}
    arrow = {what: f"{before:.0f} → {after:.0f}" for what, (before, after) in mean.items()}
    rows = [
        ("events", f"{sent:,} in {took:.0f} s, {sent / took:,.0f} a second"),
        ("kills of the first worker", str(kills)),
        ("the other's memory, MiB, second fifth → last", arrow["rss_mib"]),
        ("its open handles", arrow["handles"]),
        ("its threads", arrow["threads"]),
        ("memory of both, MiB, at most", f"{max(one.all_mib for one in looks):.0f}"),
        ("unread, mean and in the end", f"{_mean(looks, 'behind'):,.0f}, {last.behind}"),
        ("from the last event to nothing unread", f"{last.seconds - took:.0f} s"),
        ("against the recount", told),
    ]
    problems += [
        f"{what} grew: {arrow[what]}"
        for what, (before, after) in mean.items()
        if after > FLAT * before and (what != "rss_mib" or took > FILLED_SECONDS)
    ]
    print("\n| | |\n|---|---|")
    for name, text in rows:
        print(f"| {name} | {text} |")
    for problem in problems:
        print(f"WRONG: {problem}")
    return 1 if problems else 0


def _mean(looks: list[Look], what: str) -> float:
    return float(np.mean([getattr(one, what) for one in looks]))


def _look(bootstrap: str, workers: Workers, survivor: int, seconds: float, sent: int) -> Look:
    sizes = {pid: _rss_mib(pid) for pid in workers.pids}
    process = psutil.Process(survivor)
    done = sum(committed(bootstrap, PARTITIONS, GROUP).values())
    return Look(
        round(seconds, 1), sum(sizes.values()), sizes[survivor], process.num_fds(), process.num_threads(), sent - done
    )


def _rss_mib(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.NoSuchProcess:  # it ends this moment
        return 0.0


def _send(bootstrap: str, rate: int, seconds: float, sent: list[int]) -> None:
    """Orders at a rate; their own time runs through two months. At the end a heartbeat to each partition."""
    rng, out, count = np.random.default_rng(1), load.producer(bootstrap), int(rate * seconds)
    end_ms = int(time.time() * 1000)
    step_ms = SPAN_DAYS * load.DAY_MS / count
    began = time.monotonic()
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        who = rng.integers(0, CUSTOMERS, size) % (
            1 + rng.integers(1, CUSTOMERS, size)
        )  # some come often, others seldom
        times = end_ms - ((count - start - np.arange(size)) * step_ms).astype(np.int64)
        for n, (number, stamp) in enumerate(zip(who.tolist(), load.texts(times), strict=True), start):
            key = load.customer_id(number)
            while True:
                try:
                    out.produce(load.TOPIC, load.order(n, key, stamp, 100 + n % 9_000), key)
                    break
                except BufferError:  # the local queue is full
                    out.poll(0.05)
        sent[0] = start + size
        out.poll(0)
        time.sleep(max(0.0, began + (start + size) / rate - time.monotonic()))
    for number in range(PARTITIONS):
        out.produce(load.TOPIC, b'{"id":"end","type":"clock_advanced","time":%d}' % end_ms, None, number)
    left = out.flush(120)
    assert left == 0, f"{left} events not acknowledged"
    sent[0] = count + PARTITIONS


if __name__ == "__main__":
    sys.exit(main())
