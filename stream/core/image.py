"""A partition as a few blocks of bytes: what a local snapshot holds, much quicker to take up than its records.

Owns: which blocks, and their order. An image is what the changelog says up to a commit, neither more nor less: taken
right after one, and completed by the changelog's later records. Its control record is not in it. Knows no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core import erasures, flows, latest
from stream.core.hashing import SEPARATOR, spans
from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.core.records import as_bytes
from stream.core.row import MORE, ROW, ROW_LAYOUT
from stream.core.table import CustomerTable

Block: TypeAlias = bytes | memoryview

_DIGEST_BYTES = 16


def form(policy: Policy) -> str:
    """What an image must have been made with to be read: the row's layout, and what the policy gives a meaning."""
    words = (ROW_LAYOUT, ROW.itemsize, MORE.itemsize, policy.zone, policy.currency, policy.segments)
    return hashlib.blake2b(repr(words).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def blocks(partition: Partition) -> list[Block]:
    """The image of a partition of which every change has been taken (`Partition.changes`): copies, not views."""
    keys, rows, more = _copied(partition.table)
    beside = partition.flows.records() | partition.ledger.latest.records() | partition.erasures.records()
    return [keys, _bytes(rows), _bytes(more), msgspec.msgpack.encode(beside)]


def take_up(partition: Partition, found: Sequence[Block]) -> None:
    """Set a new partition from an image. Raises ValueError for blocks that are none."""
    keys, rows, more, packed = found
    _set(partition.table, bytes(keys), np.frombuffer(rows, np.uint8), np.frombuffer(more, MORE))
    beside = msgspec.msgpack.decode(packed, type=dict[bytes, bytes])
    for key, part in (
        (flows.KEY, partition.flows), (latest.KEY, partition.ledger.latest), (erasures.KEY, partition.erasures)
    ):  # fmt: skip
        part.load((name, value) for name, value in beside.items() if name.startswith(key))


def _copied(table: CustomerTable) -> tuple[bytes, NDArray[np.void], NDArray[np.void]]:
    """The keys (NUL-joined), the rows of customers, and what there is beside them."""
    live = np.flatnonzero(table.rows["seen_s"][: table.n])
    every = as_bytes(table.rows)
    rows = every[: table.n].copy() if live.size == table.n else every.take(live, axis=0)
    return table.keys_of(live)[:-1].tobytes(), rows.reshape(-1).view(ROW), table.more[: table.more_n].copy()


def _set(table: CustomerTable, joined: bytes, rows: NDArray[np.uint8], more: NDArray[np.void]) -> None:
    assert table.n == 0, "an image is where one begins"
    n = rows.size // ROW.itemsize
    if rows.size != n * ROW.itemsize or joined.count(SEPARATOR) != max(n - 1, 0):
        raise ValueError(f"{joined.count(SEPARATOR) + 1} keys beside {rows.size} bytes of rows")
    if not n:
        return
    found = table.rows_of(joined, *spans(joined, n))
    if table.n != n:
        raise ValueError(f"{n - table.n} of the keys are there twice")
    as_bytes(table.rows)[:n] = rows.reshape(n, ROW.itemsize)  # `found` is 0, 1, 2 … n - 1
    if int(table.rows["more"][:n].max()) >= more.size:
        raise ValueError("a row refers to what is not there")
    table.more, table.more_n = more.copy(), more.size
    table.take_dues(found)


def _bytes(records: NDArray[np.void]) -> memoryview:
    return records.view(np.uint8).data
