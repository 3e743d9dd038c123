"""The small job of the benchmark on Quix Streams: exactly once, RocksDB, changelog.

Arguments: bootstrap servers, group, state directory, commit interval in seconds. Runs in an environment of its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from quixstreams import Application
from quixstreams.state.rocksdb import RocksDBOptions
from small_job import update

if TYPE_CHECKING:
    from quixstreams.state import State


def step(value: bytes, state: State) -> None:
    """One event; the state is the one of the record's key."""
    state.set_bytes("row", update(state.get_bytes("row"), value))


def main() -> None:
    """Run until SIGTERM."""
    bootstrap, group, state_dir, commit_seconds = sys.argv[1:]
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(commit_seconds),
        state_dir=state_dir,
        loglevel="WARNING",
        consumer_extra_config={"fetch.queue.backoff.ms": 20, "session.timeout.ms": 6000},
        producer_extra_config={"compression.type": "lz4", "linger.ms": 5},
        rocksdb_options=RocksDBOptions(use_fsync=False),
    )
    events = app.topic("customer.events", key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(events).update(step, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
