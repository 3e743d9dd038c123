"""`lapse alerts`, `lapse customer` and `lapse doctor`: on topics, and through a desk."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from stream.cli import main, words
from stream.wire.encode import AlertEvent
from tests.support import kafka
from tests.support.fakedesk import TOKEN, FakeDesk, alert, serving, tell

ODD = "c-\x1b[2J\u202e7"


@pytest.fixture
def cluster(embedded_bootstrap: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Topics with three alerts: one that has ended, one that is critical, and one of a customer with an odd id."""
    for name in ("LAPSE_DESK", "LAPSE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAPSE_BOOTSTRAP", embedded_bootstrap)
    assert main(["topics", "--partitions", "2"]) == 0
    ended = {"status": "resolved", "resolution": "returned"}
    alerts = [
        alert(1), alert(2, severity="critical", segment="65+"), alert(3, customer_id=ODD),
        alert(1, at="2017-08-27T09:00:00Z", transition=2, **ended),
    ]  # fmt: skip
    records = [(one.data.customer_id.encode(), msgspec.json.encode(one)) for one in alerts]
    kafka.produce(embedded_bootstrap, "churn.alerts", records)
    events = [
        {"id": "o-1", "type": "order_completed", "customer_id": "c-1", "time": "2017-08-02T18:42:10Z", "amount": 31.2,
         "currency": "USD", "items": 4},
        {"id": "o-2", "type": "order_completed", "customer_id": "c-2", "time": "2017-08-02T18:42:10Z", "amount": 5,
         "currency": "USD"},
    ]  # fmt: skip
    kafka.produce(
        embedded_bootstrap,
        "customer.events",
        [(str(one["customer_id"]).encode(), json.dumps(one).encode()) for one in events],
    )
    capsys.readouterr()
    return embedded_bootstrap


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDesk]:
    """A desk with alert 1 open, named by LAPSE_DESK, its token in LAPSE_TOKEN."""
    with serving() as served:
        served.do(lambda: tell(served.desk, [alert(1)]))
        served.beat("2017-08-25T18:42:10Z")
        monkeypatch.setenv("LAPSE_DESK", served.url)
        monkeypatch.setenv("LAPSE_TOKEN", TOKEN)
        monkeypatch.delenv("LAPSE_BOOTSTRAP", raising=False)
        yield served


def test_on_topics(cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster
    tail = ["alerts", "tail", "--since", "start", "--exit"]
    assert main(tail) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert "34 % in 28 days, 182 USD, 45-54" in "".join(lines)
    assert any(line.startswith("2017-08-27 09:00  came back   c-1") for line in lines)
    assert main([*tail, "--severity", "critical,high", "--segment", "65+", "--sign", "silent", "--json"]) == 0
    (one,) = capsys.readouterr().out.splitlines()
    assert msgspec.json.decode(one, type=AlertEvent).data.customer_id == "c-2"
    assert main(["alerts", "tail", "--since", "2100-01-01", "--exit"]) == 0
    assert not capsys.readouterr().out

    assert main(["alerts", "explain", f"{1:032x}"]) == 0
    told = capsys.readouterr().out
    for says in ("23 days without an order", "34 %", "62.02 USD", "theta = 0.3", "ended: returned", "Came back"):
        assert says in told
    assert main(["alerts", "explain", "nobody"]) == 1
    assert "no alert nobody" in capsys.readouterr().err

    assert main(["customer", "c-1"]) == 0
    told = capsys.readouterr().out
    assert "Order completed: 31.20 USD, items 4" in told
    assert "5.00 USD" not in told
    assert "not shown: no worker has" in told
    assert main(["customer", ODD]) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()
    assert main(["customer", "stranger"]) == 1


def test_through_the_desk(desk: FakeDesk, capsys: pytest.CaptureFixture[str]) -> None:
    alert_id = f"{1:032x}"
    assert main(["alerts", "explain", alert_id]) == 0
    assert "open since 2017-08-25 18:42 UTC" in capsys.readouterr().out
    assert main(["alerts", "explain", alert_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["alert"]["customer_id"] == "c-1"
    assert main(["customer", "c-1"]) == 0
    assert "31 on 27 days" in capsys.readouterr().out
    assert main(["alerts", "ack", alert_id, "--by", "Ada"]) == 0
    assert main(["alerts", "mute", alert_id, "--by", "Ada", "--until", "2017-09-30"]) == 0
    assert [one["type"] for one in desk.produced] == ["alert_acked", "alert_muted"]
    capsys.readouterr()
    assert main(["alerts", "mute", alert_id, "--by", "Ada", "--until", "2010-01-01"]) == 1
    assert "until: a day after" in capsys.readouterr().err
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "opens customers' data" in told
    assert "History is being read" in told


@pytest.mark.usefixtures("desk")
def test_what_is_wrong_with_a_desk_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LAPSE_TOKEN", "not the right one")
    assert main(["alerts", "explain", f"{1:032x}"]) == 1
    assert "this is not the token: set LAPSE_TOKEN" in capsys.readouterr().err
    assert main(["doctor"]) == 1
    assert "must be the one of the desk" in capsys.readouterr().out
    monkeypatch.setenv("LAPSE_TOKEN", TOKEN)
    with serving() as unheard:
        assert main(["doctor", "--desk", unheard.url]) == 1
    assert "no worker has said anything yet" in capsys.readouterr().out
    assert main(["customer", "c-1", "--desk", "http://127.0.0.1:1"]) == 1
    assert "no desk answers at http://127.0.0.1:1" in capsys.readouterr().err


def test_the_doctor_looks_at_the_cluster(cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "no record comes from the future" in told
    assert "has committed nothing yet" in told
    assert "none has given its address" in told
    kafka.produce(cluster, "lapse.workers", [(b"slot", b'{"url":"http://127.0.0.1:1"}')])
    assert main(["doctor"]) == 1
    assert "0 of 1 ready; not http://127.0.0.1:1" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["a\x1b[31mb", "\r\n", "\u202e", "é\U0001f984"])
def test_nothing_that_a_customer_sends_moves_the_cursor(text: str) -> None:
    assert words.safe(text).isprintable()


def test_an_alert_of_another_version_is_said(cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    kafka.produce(cluster, "churn.alerts", [(b"c-9", b'{"type":"churn.alert.opened"}')])
    assert main(["alerts", "tail", "--since", "start", "--exit"]) == 1
    assert "is no alert that this version of lapse reads" in capsys.readouterr().err
