"""Who is erased is gone from rows, index and changelog, and nothing late brings them back (definitions H1–H3)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from stream.core.batch import Batch
from stream.core.calendar import DAY_MS
from stream.core.erasures import Erasures
from stream.core.partition import Partition, Step
from stream.core.policy import Policy
from stream.wire.decode import decode

POLICY = Policy("test")
START_MS = 1_500_000_000_000


def events(*described: dict[str, Any]) -> Batch:
    lines = [
        json.dumps({"id": str(n), "type": "order_completed", "amount": 5, "customer_id": "anna", **one}).encode()
        for n, one in enumerate(described)
    ]
    batch, dead = decode(lines, None, 2**62, None, POLICY)
    assert not dead
    return batch


def orders(days: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"o{d}", "time": START_MS + d * DAY_MS} for d in range(first, first + days)]


class Changelog(dict[bytes, bytes | None]):
    def take(self, partition: Partition) -> None:
        keys, values = partition.changes().lists()
        self.update(zip(keys, values, strict=True))

    def restored(self, partition: Partition) -> Partition:
        after = Partition(partition.policy, 0)
        after.load(list(self), list(self.values()))
        after.load_control(partition.control())
        return after


def whole(partition: Partition, batch: Batch) -> list[Step]:
    steps = [partition.apply(batch)]
    while steps[-1].next < len(batch):
        steps.append(partition.apply(batch, steps[-1].next))
    return steps


def erased() -> tuple[Partition, Changelog, list[Step]]:
    """Anna bought for ten days, went silent until an alert opened, and was erased on day 60."""
    partition, changelog = Partition(POLICY, 0), Changelog()
    whole(partition, events({"id": "other", "customer_id": "bert", "time": START_MS}, *orders(10)))
    changelog.take(partition)
    steps = whole(
        partition,
        events(
            {"type": "clock_advanced", "time": START_MS + 20 * DAY_MS},
            {"id": "gone", "type": "customer_erased", "time": START_MS + 21 * DAY_MS},
        ),
    )
    changelog.take(partition)
    return partition, changelog, steps


def test_an_erased_customer_is_in_no_row_no_index_and_no_changelog() -> None:
    partition, changelog, _ = erased()
    assert partition.rows == 1
    assert partition.table.row_of("anna") is None
    assert b"anna" not in bytes(partition.table.arena)
    assert changelog[b"anna"] is None
    left = [key + (value or b"") for key, value in changelog.items() if key != b"anna"]
    assert not any(b"anna" in record for record in left)


def test_their_open_alert_ends_as_erased() -> None:
    _, _, steps = erased()
    said = [(alert.customer_id, alert.status, alert.resolution) for step in steps for alert in step.alerts]
    assert said == [("anna", "opened", None), ("anna", "resolved", "erased")]


def test_it_is_told_of_everybody_who_is_erased() -> None:
    _, _, steps = erased()
    assert [step.erased for step in steps if step.erased] == [[b"anna"]]
    partition = Partition(POLICY, 0)
    whole(partition, events({"id": "other", "customer_id": "bert", "time": START_MS}))
    gone = {"id": "gone", "type": "customer_erased", "time": START_MS + DAY_MS}
    new = [{**one, "id": f"n{one['id']}"} for one in orders(10, 2)]
    until = {"id": "t", "type": "clock_advanced", "time": START_MS + 60 * DAY_MS}
    step = whole(partition, events(gone, *new, until))[-1]
    assert "opened" in {alert.status for alert in step.alerts}
    assert step.erased == [b"anna"], "nobody had an alert of theirs open, and nobody of them was known"


def test_what_stays_of_them_can_be_read_with_the_salt_only() -> None:
    kept = {}
    for salt in ("", "a secret", "another"):
        erasures = Erasures(salt)
        erasures.note(b"anna", 7)
        assert erasures.until_s(b"anna") == 7
        (kept[salt],) = erasures.records()
    assert len(set(kept.values())) == 3, kept


def test_a_late_event_brings_nobody_back_and_a_new_one_begins_anew() -> None:
    partition, changelog, _ = erased()
    for one in (partition, changelog.restored(partition)):
        late = whole(one, events({"id": "late", "time": START_MS + 20 * DAY_MS}))
        assert sum(step.duplicates for step in late) == 1
        assert one.rows == 1
        whole(one, events({"id": "new", "time": START_MS + 22 * DAY_MS}))
        row = one.table.row_of("anna")
        assert row is not None
        assert one.table.rows["orders"][row] == 1


def test_who_is_restored_after_a_tombstone_is_gone() -> None:
    partition, changelog, _ = erased()
    after = changelog.restored(partition)
    assert after.rows == 1
    assert after.table.row_of("anna") is None


def test_who_was_not_seen_for_long_is_forgotten_and_back_is_new() -> None:
    policy = replace(POLICY, forget_after_days=730)
    partition, changelog = Partition(policy, 0), Changelog()
    whole(partition, events(*orders(3)))
    changelog.take(partition)
    whole(partition, events({"id": "b", "customer_id": "bert", "time": START_MS + 400 * DAY_MS}))
    assert partition.rows == 2
    whole(partition, events({"id": "c", "customer_id": "bert", "time": START_MS + 740 * DAY_MS}))
    assert partition.rows == 1
    changelog.take(partition)
    assert changelog[b"anna"] is None
    whole(partition, events({"id": "d", "time": START_MS + 741 * DAY_MS}))
    row = partition.table.row_of("anna")
    assert row is not None
    assert partition.table.rows["orders"][row] == 1
