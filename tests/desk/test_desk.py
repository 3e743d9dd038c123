"""The desk as a process, between a broker and a receiver."""

from __future__ import annotations

import base64
import json
import random
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from stream import names
from stream.cli import main
from stream.desk.webhook import signature
from tests.desk.making import Desk, Receiver, alert, record
from tests.support.kafka import produce, read_all
from tests.support.waiting import until

SECRET = bytes(range(24))
WHSEC = "whsec_" + base64.b64encode(SECRET).decode()


def route(receiver: Receiver, more: str = "") -> str:
    return f'[[route]]\nname = "crm"\nurl = "{receiver.url}"\nbudget_per_hour = 0\n{more}\n'


def test_alerts_reach_a_receiver_signed_and_in_order_and_none_of_an_aborted_transaction(
    bootstrap: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert main(["topics", "--bootstrap", bootstrap, "--partitions", "4"]) == 0
    with Receiver() as receiver, Desk(bootstrap, tmp_path, route(receiver), LAPSE_WEBHOOK_SECRET=WHSEC) as desk:
        if "kafka" in request.node.callspec.id:  # the embedded broker shows aborted records to everybody
            producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "worker"})
            producer.init_transactions(30)
            producer.begin_transaction()
            for number in range(100, 200):
                key, value = record(alert(number))
                producer.produce(names.ALERTS, value, key)
            producer.flush(30)
            producer.abort_transaction(30)
        told = [alert(number, n, status) for number in range(30) for n, status in ((1, "opened"), (2, "escalated"))]
        produce(bootstrap, names.ALERTS, map(record, told))
        produce(bootstrap, names.ALERTS, [record(alert(7, 3, "resolved", resolution="returned"))])
        wanted = sorted([event.id for event in told] + [alert(7, 3).id])
        until(lambda: len(receiver.got) >= len(wanted), "all delivered")
        until(lambda: desk.metric('lapse_desk_waiting{reason="ready"}') == 0, "nothing is left to send")
        assert sorted(receiver.keys()) == wanted
        keys = receiver.keys()
        for number in range(30):
            mine = [int(key[-1]) for key in keys if key.startswith(f"{number:032x}")]
            assert mine == sorted(mine), "transitions of one alert come in order"
        got = receiver.got[0]
        assert got.headers["webhook-id"] == got.key == got.event["id"]
        stamp = int(got.headers["webhook-timestamp"])
        assert got.headers["webhook-signature"] == signature(SECRET, got.key, stamp, got.body)
        assert abs(stamp - time.time()) < 60
        assert desk.metric('lapse_desk_open_alerts{severity="high"}') == 29
        assert desk.stop() == 0


@pytest.mark.kafka
def test_kill_9_in_the_middle_loses_no_delivery_and_repeats_only_with_the_same_key(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    """Killed twice while alerts come in and the receiver is slow and fails now and then."""
    assert main(["topics", "--bootstrap", kafka_bootstrap, "--partitions", "4"]) == 0
    chance = random.Random(5)

    def moody(_n: int, _got: object) -> tuple[int, dict[str, str]]:
        time.sleep(0.02)
        return (503, {}) if chance.random() < 0.05 else (204, {})

    rounds = [[alert(number) for number in range(first, first + 150)] for first in (0, 150)]
    with Receiver(moody) as receiver:
        for i, told in enumerate(rounds):
            with Desk(kafka_bootstrap, tmp_path, route(receiver)) as desk:
                desk.wait_ready()
                produce(kafka_bootstrap, names.ALERTS, map(record, told))
                until(lambda: len(set(receiver.keys())) > 150 * i + 40, "well under way")  # noqa: B023 (used at once)
                desk.kill()
                assert len(set(receiver.keys())) < 150 * (i + 1), "killed too late to prove anything"
        wanted = {event.id: json.dumps(json.loads(record(event)[1])) for told in rounds for event in told}
        with Desk(kafka_bootstrap, tmp_path, route(receiver)) as desk:
            until(lambda: set(receiver.keys()) >= set(wanted), f"all of {len(wanted)} delivered")
            until(lambda: not desk.waiting(), "nothing is left to send, nor to be repeated after a refusal")
            assert desk.stop() == 0
    assert set(receiver.keys()) == set(wanted)
    assert all(json.dumps(got.event) == wanted[got.key] for got in receiver.got), "a repeat says the same"
    assert len(receiver.got) < 1.5 * len(wanted), "repeats are few"
    with Receiver() as later, Desk(kafka_bootstrap, tmp_path, route(later)) as desk:
        desk.wait_ready()
        assert desk.metric('lapse_desk_open_alerts{severity="high"}') == 300, "open alerts are known after a restart"
        assert not later.got, "what was delivered is not delivered again"
        left = [one for one in read_all(kafka_bootstrap, names.DESK) if (one.key or b"").startswith(b"send:")]
        assert {one.key for one in left if one.value is None} == {one.key for one in left}


def test_a_receiver_that_is_gone_and_one_that_is_slow_hold_up_nobody(embedded_bootstrap: str, tmp_path: Path) -> None:
    assert main(["topics", "--bootstrap", embedded_bootstrap]) == 0

    def waits(n: int, _got: object) -> tuple[int, dict[str, str]]:
        return (429, {"Retry-After": "1"}) if n == 1 else (204, {})

    with Receiver() as well, Receiver(waits) as busy, Receiver(lambda _n, _got: (410, {})) as gone:
        routes = "".join(
            f'[[route]]\nname = "{name}"\nurl = "{one.url}"\nseverity = "{severity}"\n'
            for name, one, severity in (("well", well, "low"), ("busy", busy, "low"), ("gone", gone, "critical"))
        )
        with Desk(embedded_bootstrap, tmp_path, routes) as desk:
            events = [alert(1), alert(2, severity="critical"), alert(3, holdout=True)]
            produce(embedded_bootstrap, names.ALERTS, map(record, events))
            until(lambda: len(well.got) == 3 and len(busy.got) == 4 and len(gone.got) == 1, "each as it deserves")
            again = [got.at for got in busy.got if got.key == busy.got[0].key]
            assert again[1] - again[0] >= 1.0, "Retry-After is honoured"
            until(lambda: desk.metric('lapse_desk_deliveries_total{reason="refused"}') == 1, "refused is counted")
            dead = read_all(embedded_bootstrap, names.DELIVERIES_DEAD)
            assert [(one.key, json.loads(one.value or b"")["id"]) for one in dead] == [
                (f"gone:{alert(2).id}".encode(), alert(2).id)
            ]


@pytest.mark.kafka
def test_a_second_desk_takes_over_and_both_know_everything(kafka_bootstrap: str, tmp_path: Path) -> None:
    assert main(["topics", "--bootstrap", kafka_bootstrap, "--partitions", "4"]) == 0
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with (
        Receiver() as receiver,
        Desk(kafka_bootstrap, folders[0], route(receiver)) as one,
        Desk(kafka_bootstrap, folders[1], route(receiver)) as two,
    ):
        one.wait_ready()
        two.wait_ready()
        produce(kafka_bootstrap, names.ALERTS, [record(alert(number)) for number in range(40)])
        until(lambda: len(set(receiver.keys())) == 40, "all delivered by one or the other")
        for desk in (one, two):
            until(lambda: desk.metric('lapse_desk_open_alerts{severity="high"}') == 40, "both know all")  # noqa: B023
        one.kill()
        produce(kafka_bootstrap, names.ALERTS, [record(alert(number)) for number in range(40, 80)])
        until(lambda: len(set(receiver.keys())) == 80, "the other one goes on with all partitions")
        assert two.metric('lapse_desk_open_alerts{severity="high"}') == 80
        assert two.stop() == 0
