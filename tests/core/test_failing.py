"""A bug in what falls due of one customer: whose it is shows, and once that row rests the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from stream.core import alerts, failing, heap
from stream.core.calendar import DAY_MS
from stream.core.failing import DueError
from stream.core.partition import Partition, Step
from stream.core.row import NEVER_MS
from stream.core.views import C
from tests.core.test_partition import POLICY, START_MS, events, regulars

SICK = "c00001"
UNTIL_MS = START_MS + 90 * DAY_MS


def end(customer: str, days: int = 90) -> Any:
    return events({"id": f"end {customer} {days}", "customer_id": customer, "time": START_MS + days * DAY_MS})


def opened(step: Step) -> list[str]:
    return [alert.customer_id for alert in step.alerts if alert.status == "opened"]


@pytest.fixture
def partition(monkeypatch: pytest.MonkeyPatch) -> Partition:
    """Three regulars who went silent; what one of them has to be told of can't be put in words."""
    of_note = alerts.of_note

    def failing_one(note: Any, row: Any, more: Any, customer: tuple[str, int], *rest: Any) -> Any:
        if customer[0] == SICK:
            raise KeyError(customer)
        return of_note(note, row, more, customer, *rest)

    monkeypatch.setattr(alerts, "of_note", failing_one)
    found = Partition(POLICY, 0)
    found.apply(regulars(3, 6))
    return found


def test_what_falls_due_with_the_wall_clock_names_the_customer(partition: Partition) -> None:
    with pytest.raises(DueError) as found:
        partition.follow(UNTIL_MS)
    assert found.value.key == SICK.encode()
    assert SICK not in str(found.value), "it is logged"


def test_an_event_of_somebody_else_is_not_to_blame(partition: Partition) -> None:
    with pytest.raises(DueError) as found:
        partition.apply(end("other"))
    assert found.value.key == SICK.encode()


def test_what_may_be_the_events_own_is_blamed_on_it(partition: Partition) -> None:
    with pytest.raises(KeyError):
        partition.apply(end(SICK))


def test_a_row_that_rests_lets_the_others_go_on_until_its_next_event(partition: Partition) -> None:
    partition.changes()
    assert failing.rest(partition.table, SICK.encode())
    assert not failing.rest(partition.table, SICK.encode()), "it rests already"
    assert not failing.rest(partition.table, b"nobody")
    keys, values = partition.changes().lists()
    assert keys == [SICK.encode()], "the changelog has to know"
    other = Partition(POLICY, 0)
    other.load(keys, values)
    assert other.table.due_ms[0] == NEVER_MS
    assert opened(partition.follow(UNTIL_MS)) == ["c00000", "c00002"]
    partition.apply(end(SICK, 91))
    assert partition.table.due_ms[partition.table.row_of(SICK)] != NEVER_MS


def test_the_same_in_what_is_compiled() -> None:
    """A bug can't be put in there; the heap is brought to where it is while a row falls due."""
    partition = Partition(POLICY, 0)
    partition.apply(regulars(3, 6))
    table, clock = partition.table, partition._clock
    store = partition._store(0, UNTIL_MS)
    due_ms, row = store.heap[0].tolist()
    heap.drop_top(store, clock)
    clock[C.ALERT], clock[C.FIRED] = due_ms, 1
    with pytest.raises(DueError) as found, failing.in_kernel(table, store.heap, clock):
        raise ZeroDivisionError
    assert found.value.key == table.key(row)
    table.due_ms[row] = due_ms + 1  # it has fallen due, what fails is an event after it
    with pytest.raises(ZeroDivisionError), failing.in_kernel(table, store.heap, clock):
        raise ZeroDivisionError
    table.due_ms[row], clock[C.FIRED] = due_ms, 0  # nothing fell due in this step
    with pytest.raises(ZeroDivisionError), failing.in_kernel(table, store.heap, clock):
        raise ZeroDivisionError
