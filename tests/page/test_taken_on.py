"""Somebody takes an alert on or mutes it, at the page and in a terminal: through desk, Kafka and worker, and back."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stream import names
from stream.cli import main
from tests.desk.making import Desk
from tests.support.browser import Tab
from tests.support.kafka import produce, read_all
from tests.support.waiting import until
from tests.worker.running import Worker

TOKEN = "a-token-of-the-tests"  # noqa: S105
PAGE, TERMINAL = "c-page", "c-terminal"  # who is muted where
IS_LIVE = "document.querySelector('#link').dataset.state === 'live'"


def leaving(customer: str, at: datetime) -> list[tuple[bytes, bytes]]:
    """A customer who cancels: an alert at once."""
    told = [("subscription_started", {"plan": "plus", "mrr": 20, "currency": "EUR"}), ("subscription_cancelled", {})]
    return [
        (
            customer.encode(),
            json.dumps(
                {
                    "id": f"{customer}:{n}", "type": kind, "customer_id": customer, "subscription_id": f"s-{customer}",
                    "time": (at + timedelta(seconds=n)).isoformat(), **more,
                }
            ).encode(),
        )
        for n, (kind, more) in enumerate(told)
    ]  # fmt: skip


def life_of(desk: Desk, alert_id: str) -> dict[str, Any]:
    """An alert's story, as the desk tells it."""
    asked = urllib.request.Request(desk.url(f"/api/alerts/{alert_id}"), headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        story: dict[str, Any] = json.loads(answer.read())
    return story


def opened(bootstrap: str) -> dict[str, str]:
    """The alert of each customer, once both are there."""
    found: dict[str, str] = {}

    def both() -> bool:
        for one in read_all(bootstrap, names.ALERTS):
            data = json.loads(one.value or b"")["data"]
            found[data["customer_id"]] = data["alert_id"]
        return len(found) == 2

    until(both, "both customers have an alert")
    return found


def outcome(bootstrap: str, alert_id: str) -> list[tuple[str, str | None]]:
    """What was published of an alert: status and resolution."""
    told = [json.loads(one.value or b"")["data"] for one in read_all(bootstrap, names.ALERTS)]
    return [(one["status"], one.get("resolution")) for one in told if one["alert_id"] == alert_id]


@pytest.mark.slow
def test_an_alert_is_taken_on_and_muted_at_the_page_and_in_a_terminal(
    embedded_bootstrap: str,
    tmp_path: Path,
    tab: Tab,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bootstrap = embedded_bootstrap
    monkeypatch.setenv("LAPSE_TOKEN", TOKEN)
    assert main(["topics", "--bootstrap", bootstrap, "--partitions", "2"]) == 0
    now = datetime.now(UTC)
    with Worker(bootstrap, "w", "default") as worker, Desk(bootstrap, tmp_path) as desk:
        worker.wait_running(2)
        desk.wait_ready()
        produce(bootstrap, names.EVENTS, leaving(PAGE, now) + leaving(TERMINAL, now))
        alerts = opened(bootstrap)

        until(lambda: desk.metric('lapse_desk_open_alerts{severity="low"}') == 2, "the desk knows them")
        tab.open(f"{desk.url('/')}#token={TOKEN}")
        tab.wait(f"{IS_LIVE} && document.querySelectorAll('.alerts .alert').length === 2")
        mine = f"[...document.querySelectorAll('.alert')].find((e) => e.textContent.includes('{PAGE}'))"
        tab.js(f"{mine}.querySelector('.why-button').click()")
        tab.wait("document.querySelector('.act')")
        tab.js("document.querySelector('input[name=by]').value = 'Ada'; document.querySelector('.act .main').click()")
        tab.wait("document.querySelector('.said').textContent === 'Noted: it is yours.'")
        tab.wait(f"{mine}.querySelector('.acked')?.textContent.includes('Ada')")
        tab.js("document.querySelector('.act .plain').click()")
        tab.wait(f"{mine}.querySelector('.badge')?.textContent === 'muted'")

        at, who = ["--desk", desk.url("")], ["--by", "Ben"]
        assert main(["alerts", "ack", alerts[TERMINAL], *at, *who]) == 0
        assert "alert_acked by Ben" in capsys.readouterr().out
        until(lambda: life_of(desk, alerts[TERMINAL])["alert"]["acked"] is not None, "Ben has it")
        day = (now + timedelta(days=30)).date().isoformat()
        assert main(["alerts", "mute", alerts[TERMINAL], *at, *who, "--until", day]) == 0
        tab.wait("document.querySelector('.big').textContent === '0'")
        for one in alerts.values():
            until(lambda one=one: len(outcome(bootstrap, one)) == 2, "the worker has ended it")  # type: ignore[misc]
            assert outcome(bootstrap, one) == [("opened", None), ("resolved", "muted")]
        capsys.readouterr()
        assert main(["alerts", "mute", alerts[TERMINAL], *at, *who, "--until", day]) == 1
        assert "this alert has ended already" in capsys.readouterr().err

        # muted is muted: the same sign doesn't open again
        later = now + timedelta(minutes=1)
        produce(bootstrap, names.EVENTS, [(k, v.replace(b":1", b":9")) for k, v in leaving(PAGE, later)][1:])
        produce(bootstrap, names.EVENTS, leaving("c-other", later))
        until(lambda: len({one.key for one in read_all(bootstrap, names.ALERTS)}) == 3, "another's alert is there")
        assert len(outcome(bootstrap, alerts[PAGE])) == 2
        assert not tab.wrong
        assert desk.stop() == 0
