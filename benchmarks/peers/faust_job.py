"""The small job of the benchmark on Faust: a memory table with a changelog, at least once (it has no more to give).

Arguments: bootstrap servers, group, data directory, partitions. Runs in an environment of its own.
"""

from __future__ import annotations

import sys

import faust
from small_job import update

BOOTSTRAP, GROUP, DATA, PARTITIONS = sys.argv[1:]

app = faust.App(
    GROUP,
    broker=f"kafka://{BOOTSTRAP}",
    store="memory://",
    key_serializer="raw",
    value_serializer="raw",
    datadir=DATA,
    topic_partitions=int(PARTITIONS),
    topic_replication_factor=1,
    topic_disable_leader=True,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    consumer_max_fetch_size=4 << 20,
    stream_buffer_maxsize=16_384,
    broker_commit_interval=1.0,
    producer_linger=0.1,  # more events per CPU-second than 0, 5 ms or 500 ms
)
events = app.topic("customer.events", key_type=bytes, value_type=bytes)
rows = app.Table("rows", key_type=bytes, value_type=bytes)


@app.agent(events)
async def orders(stream: faust.Stream[bytes]) -> None:
    """One event; keyed by customer already."""
    async for key, value in stream.items():
        rows[key] = update(rows.get(key), value)


if __name__ == "__main__":
    app.finalize()
    sys.argv[1:] = ["--loop", "uvloop", "worker", "--loglevel", "warn", "--without-web"]
    app.main()
