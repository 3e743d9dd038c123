"""Microseconds per event from raw JSON to columns: one kind, and a mix. `python benchmarks/decode.py [events]`."""

from __future__ import annotations

import random
import sys
import time

import msgspec

from stream.core.policy import Policy
from stream.wire.decode import decode

BATCH = 20_000
ROUNDS = 7
NOW_MS = 1_750_000_000_000


def order(i: int, rng: random.Random) -> dict[str, object]:
    """A plain order as a shop sends it, ~155 bytes."""
    return {
        "id": f"e{i:09d}",
        "type": "order_completed",
        "customer_id": f"c{rng.randrange(1_000_000):06d}",
        "time": f"2025-03-{1 + i % 28:02d}T12:{i % 60:02d}:10Z",
        "order_id": f"o{i}",
        "amount": round(rng.random() * 100, 2),
        "currency": "USD",
        "items": 3,
    }


def mixed(i: int, rng: random.Random) -> dict[str, object]:
    """One in two is an order, the others are sessions, feature uses, tickets and campaigns."""
    event = order(i, rng)
    if rng.random() < 0.5:
        return event
    for name in ("order_id", "amount", "currency", "items"):
        del event[name]
    kinds: list[dict[str, object]] = [
        {"type": "session", "duration_s": 120, "pages": 5},
        {"type": "feature_used", "name": "export"},
        {"type": "ticket_opened", "ticket_id": f"t{i}", "category": "complaint"},
        {"type": "campaign_sent", "campaign": "spring", "cost": 0.02},
    ]
    return event | rng.choice(kinds)


def measure(records: list[bytes], keys: list[bytes]) -> float:
    """CPU microseconds per event, the best of some rounds."""
    policy, best = Policy("benchmark"), float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for at in range(0, len(records), BATCH):
            batch, dead = decode(records[at : at + BATCH], keys[at : at + BATCH], NOW_MS, None, policy)
            assert not dead
            assert len(batch)
        best = min(best, time.process_time() - start)
    return best / len(records) * 1e6


def main() -> None:
    """Measure and print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for name, make in (("orders", order), ("mixed", mixed)):
        rng = random.Random(7)
        events = [make(i, rng) for i in range(n)]
        keys = [str(event["customer_id"]).encode() for event in events]
        print(f"{name:8} {measure([msgspec.json.encode(event) for event in events], keys):.2f} µs per event")


if __name__ == "__main__":
    main()
