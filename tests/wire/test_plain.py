from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from stream.core.hashing import hash_of
from stream.core.kinds import NAMES, Kind
from stream.core.policy import Policy
from stream.wire import examples, plain
from stream.wire.decode import converter
from tests.wire import fuzz

POLICY = Policy("test")
TIME_MS = 1_740_830_400_000  # 2025-03-01T12:00:00Z
STAMP_MS = TIME_MS + 1000
ORDER: dict[str, Any] = {
    "id": "e1",
    "type": "order_completed",
    "customer_id": "c1",
    "time": "2025-03-01T12:00:00Z",
    "amount": 12.34,
    "currency": "USD",
}


def text(**changes: Any) -> bytes:
    return json.dumps(ORDER | changes).encode()


def test_which_events_are_plain() -> None:
    """Else all would still be right, and slow."""
    texts = [json.dumps(event).encode() for event in examples.events().values()]
    stamps = np.full(len(texts), 1_750_000_000_000)
    batch, others = plain.read(texts, None, stamps, POLICY, converter(POLICY))
    looked_at_again = {"clock_advanced", "survey_answered", "alert_muted", "alert_acked"}
    looked_at_again |= {
        "order_completed",
        "cart_abandoned",
        "profile_updated",
    }  # as the examples have lists, a birthday
    assert {NAMES[i] for i in others.tolist()} == looked_at_again
    assert len(batch) == len(NAMES) - len(looked_at_again)


@pytest.mark.parametrize(
    "written",
    [
        b'{"id":"e1","type":"session","customer_id":"c1","time":"2025-03-01T12:00:00Z"}',
        b' { "time" : 1740830400000 , "type":"session", "ours":"yes", "n":1.5,\n"customer_id":"c1","id":"e1"}\r\n',
    ],
)
def test_plain(written: bytes) -> None:
    batch, others = plain.read([written], [b"c1"], np.array([STAMP_MS]), POLICY, converter(POLICY))
    assert not others.size
    assert (batch.customers, batch.time_ms[0], batch.kind[0]) == (b"c1", TIME_MS, Kind.session)
    assert batch.event_hash[0] == hash_of("\x1fe1")


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_id": "ü"},
        {"customer_id": 'a"b'},
        {"amount": -1},
        {"amount": 1e300},
        {"amount": 12.345},
        {"amount": None},
        {"currency": "XXX"},
        {"items": [1, 2]},
        {"time": "yesterday"},
        {"time": TIME_MS + 3_600_000},
        {"type": "gift"},
        {"id": "x" * 257},
        {"nested": {}},
        {"order_id": ""},
    ],
)
def test_not_plain(changes: dict[str, Any]) -> None:
    texts = [text(), text(**changes), text()]
    batch, others = plain.read(texts, [b"c1"] * 3, np.full(3, STAMP_MS), POLICY, converter(POLICY))
    assert others.tolist() == [1]
    assert batch.record.tolist() == [0, 2]


@pytest.mark.parametrize("seed", [0, 21, 22, 23])  # with too large a record, with keys, with headers
def test_random_and_mutated_inputs(seed: int) -> None:
    counts: Counter[str] = Counter()
    fuzz.one_batch(seed, counts, 4000)
    assert sum(counts.values()) == 4000
    assert counts["event"] > 400
    assert np.all([counts[reason] for reason in ("not_json", "bad_field", "missing_field", "unknown_type")])
