"""Who is erased is gone from the desk too: closed alerts, its log, and what still waits to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stream import names
from stream.cli import main
from stream.core.policy import Policy
from stream.desk.engine import Engine, Published
from stream.desk.kafka import KeyValue
from stream.desk.model import Desk as Model
from stream.desk.routes import Route
from stream.desk.state import State
from stream.wire.encode import AlertEvent
from tests.desk.making import Desk, Receiver, alert, record
from tests.support.kafka import produce, read_all
from tests.support.waiting import until
from tests.support.web import status

TOKEN = "a-token-of-the-test-desk"  # noqa: S105 (made for this test)


class Log:
    """`lapse.desk` in memory: what is written is read at once."""

    def __init__(self) -> None:
        self.state = State(Model(Policy("default")), [Route(name="a")], lambda _: None)
        self.records: dict[bytes, bytes | None] = {}
        self.elsewhere: list[tuple[str, int | None]] = []
        it: Any = self
        self.engine = Engine(self.state, it, it)

    async def write(self, topic: str, records: Sequence[KeyValue], partition: int | None = 0) -> int:
        if topic != names.DESK:
            self.elsewhere.append((topic, partition))
            return 0
        for key, value in records:
            self.records[key] = value
            self.state.take(key, value, 0)
        return 0

    async def reached(self, _topic: str, _offset: int) -> None: ...

    def take(self, *told: AlertEvent) -> None:
        asyncio.run(self.engine.take_alerts([Published(record(one)[1], 0) for one in told]))

    def forget(self, *customers: str) -> None:
        asyncio.run(self.engine.forget(customers))

    def left(self) -> set[bytes]:
        return {key for key, value in self.records.items() if value is not None}


def closed(number: int) -> tuple[AlertEvent, AlertEvent]:
    return alert(number), alert(number, 2, "resolved", resolution="returned")


def test_closed_alerts_are_forgotten_and_what_waited_to_be_sent_of_them() -> None:
    log = Log()
    log.take(*closed(2))
    others = log.left()
    log.take(*closed(1))
    assert log.left() > others
    log.forget("1")
    assert log.left() == others
    assert not log.state.desk.of_customer("1")
    assert len(log.state.desk.of_customer("2")) == 1


def test_an_open_one_waits_for_its_end_which_is_sent() -> None:
    log = Log()
    log.take(alert(1))
    open_one = log.left()
    log.forget("1")
    assert log.left() == open_one
    end = alert(1, 2, "resolved", resolution="erased")
    log.take(end)
    assert log.left() == {f"send:a:{end.id}".encode()}


def test_that_they_were_erased_is_sent_nevertheless() -> None:
    log = Log()
    ends = [alert(number, 2, "resolved", resolution="erased", customer_id="1") for number in (1, 7)]
    log.take(alert(1), alert(7, customer_id="1"))
    for end in ends:
        log.take(end)
    log.forget("1")
    assert log.left() == {f"send:a:{one.id}".encode() for one in ends}


def test_what_is_said_of_them_afterwards_is_a_new_customers() -> None:
    log = Log()
    log.take(*closed(1))
    log.forget("1")
    log.take(alert(9, customer_id="1"))
    assert [one.data.alert_id for one in log.state.desk.of_customer("1")] == [alert(9).data.alert_id]


def test_an_acknowledgement_goes_where_the_customers_row_is() -> None:
    """However the sources place customers: on another partition it would be another customer's."""
    log = Log()
    event = {"type": "alert_acked", "customer_id": "1", "alert_id": alert(1).data.alert_id, "by": "me"}

    async def there(_customer: str) -> dict[str, Any]:
        return {"partition": 3}

    asyncio.run(log.engine.produce(event))
    log.state.desk.locate = there
    asyncio.run(log.engine.produce(event))
    assert log.elsewhere == [(names.EVENTS, None), (names.EVENTS, 3)]


def test_the_api_and_the_log_know_nobody_who_was_erased(embedded_bootstrap: str, tmp_path: Path) -> None:
    assert main(["topics", "--bootstrap", embedded_bootstrap, "--partitions", "2"]) == 0
    routes = '[[route]]\nname = "crm"\nurl = "{}"\nbudget_per_hour = 0\n'
    with (
        Receiver() as receiver,
        Desk(embedded_bootstrap, tmp_path, routes.format(receiver.url), LAPSE_TOKEN=TOKEN) as desk,
    ):
        desk.wait_ready()
        produce(embedded_bootstrap, names.ALERTS, [record(one) for number in (1, 2) for one in closed(number)])
        until(lambda: status(desk.url("/api/customers/1"), TOKEN) == 200, "the alert is known")
        until(lambda: len(receiver.got) == 4 and not desk.waiting(), "all is sent")
        produce(embedded_bootstrap, names.PARTS, [(names.ERASED + b"1", None)])
        until(lambda: status(desk.url("/api/customers/1"), TOKEN) == 404, "they are forgotten")
        assert status(desk.url("/api/customers/2"), TOKEN) == 200
        assert status(desk.url(f"/api/alerts/{alert(1).data.alert_id}"), TOKEN) == 404
        assert desk.stop() == 0
    last = {one.key: one.value for one in read_all(embedded_bootstrap, names.DESK)}
    left = {key for key, value in last.items() if value is not None}
    assert left == {f"alert:{alert(2).data.alert_id}".encode()}
