"""Who is told what, asked of amtool and of a running Alertmanager; and whether a person can read it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from grafana.rules.__main__ import FILES
from grafana.rules.form import SERVICE, Alert, Form
from tests.rules.watching import ALERTMANAGER_YML, PROMETHEUS_YML, alertmanager, ask
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("_programs")
ALERTS = {rule.name: rule for groups in FILES.values() for group in groups for rule in group.rules
          if isinstance(rule, Alert)}  # fmt: skip
BUSINESS = sorted(name for name, alert in ALERTS.items() if alert.team == "retention")
BREAKING = sorted(name for name, alert in ALERTS.items() if alert.breaks)
SOON_SECONDS = 10.0
TEMPLATES = ALERTMANAGER_YML.parent / "*.tmpl"


def amtool(*words: str) -> str:
    done = subprocess.run(["amtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def labels(name: str) -> dict[str, str]:
    """The labels of an alert as Alertmanager gets it."""
    alert = ALERTS[name]
    own = {"alertname": name, "service": SERVICE, "team": alert.team, "severity": alert.severity}
    return {**own, **alert.labels, "environment": "test", **({"pipeline": "broken"} if alert.breaks else {})}


def test_the_configurations_are_taken(tmp_path: Path) -> None:
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER_YML))
    rules = "\n".join(f"  - {ALERTMANAGER_YML.parents[1] / 'rules' / name}" for name in FILES)
    config = tmp_path / "prometheus.yml"
    config.write_text(PROMETHEUS_YML.read_text("utf-8").replace("  - /etc/prometheus/rules/*.yml", rules), "utf-8")
    done = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == len(FILES)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_reaches_whom_it_is_for(name: str) -> None:
    alert = ALERTS[name]
    wanted = {"page": "oncall-page", "ticket": "oncall-ticket", "notice": "retention-desk", "none": "deadman"}
    given = [f"{key}={value}" for key, value in labels(name).items()]
    assert amtool("config", "routes", "test", f"--config.file={ALERTMANAGER_YML}", *given) == wanted[alert.severity]


def test_what_nobody_knows_is_seen_in_the_morning() -> None:
    assert amtool("config", "routes", "test", f"--config.file={ALERTMANAGER_YML}", "alertname=New") == "oncall-ticket"


def test_a_broken_pipeline_holds_back_every_message_about_customers(tmp_path: Path) -> None:
    assert BUSINESS
    assert BREAKING
    with alertmanager(tmp_path, "http://127.0.0.1:9", Form()) as address:
        ask(address, "/api/v2/alerts", [{"labels": labels(name)} for name in BUSINESS])
        assert _suppressed(address) == set()
        for name in BREAKING:
            ask(address, "/api/v2/alerts", [{"labels": labels(name)}])
            until(lambda: _suppressed(address) >= set(BUSINESS), name, SOON_SECONDS)
            ask(address, "/api/v2/alerts", [{"labels": labels(name), "endsAt": "2020-01-01T00:00:00Z"}])
            until(lambda: not _suppressed(address), f"{name} is over", SOON_SECONDS)
        elsewhere = {**labels(BREAKING[0]), "environment": "another"}
        ask(address, "/api/v2/alerts", [{"labels": elsewhere}])
        assert _suppressed(address) == set(), "another environment's pipeline is broken"
        harmless = [{"labels": labels(name)} for name, alert in ALERTS.items() if not alert.breaks]
        ask(address, "/api/v2/alerts", harmless)
        assert not _suppressed(address) & set(BUSINESS)


def test_without_workers_only_that_is_said(tmp_path: Path) -> None:
    with alertmanager(tmp_path, "http://127.0.0.1:9", Form()) as address:
        ask(address, "/api/v2/alerts", [{"labels": labels(name)} for name in ALERTS])
        until(lambda: "LapsePartitionsUnowned" in _suppressed(address), lambda: _suppressed(address), SOON_SECONDS)
        left = set(ALERTS) - _suppressed(address)
    assert left >= {"Watchdog", "LapseWorkersDown", "LapseDeskDown", "LapseDeskUndelivered", "LapseMessagesFailing"}
    assert not left & {"LapsePartitionsUnowned", "LapsePublishFailing", "LapseFreshnessBudgetBurnFast", *BUSINESS}


def _suppressed(address: str) -> set[str]:
    return {
        one["labels"]["alertname"]
        for one in ask(address, "/api/v2/alerts?active=true")
        if one["status"]["state"] == "suppressed"
    }


def _data(*names: str, resolved: tuple[str, ...] = ()) -> dict[str, Any]:
    """What Alertmanager gives to a template."""
    alerts = [
        {
            "status": "resolved" if name in resolved else "firing",
            "labels": labels(name),
            "annotations": {
                "summary": ALERTS[name].summary,
                "description": ALERTS[name].description,
                "runbook_url": f"docs/runbook.md#{name.lower()}",
                "dashboard_url": f"http://127.0.0.1:3000/d/{ALERTS[name].board}",
            },
            "startsAt": "2026-11-24T11:00:00Z",
            "endsAt": "2026-11-24T11:30:00Z" if name in resolved else "0001-01-01T00:00:00Z",
        }
        for name in names
    ]
    common = {key: value for key, value in labels(names[0]).items() if all(labels(n).get(key) == value for n in names)}
    status = "resolved" if set(names) == set(resolved) else "firing"
    return {"status": status, "alerts": alerts, "commonLabels": common, "externalURL": "http://127.0.0.1:9093"}


def _render(tmp_path: Path, template: str, data: dict[str, Any]) -> str:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(data), "utf-8")
    text = f'{{{{ template "{template}" . }}}}'
    words = (f"--template.glob={TEMPLATES}", f"--template.text={text}", f"--template.data={path}")
    return amtool("template", "render", *words)


def test_a_message_can_be_read(tmp_path: Path) -> None:
    data = _data("LapseWorkersDown", "LapseDeskDown", resolved=("LapseDeskDown",))
    assert _render(tmp_path, "lapse.subject", data) == "PAGE: No worker answers (and 1 more)"
    text = _render(tmp_path, "lapse.text", data)
    firing, over = text.split("No longer so:")
    assert firing.startswith("No worker answers\n  No customer event is processed")
    assert "Since Tue 24 Nov 11:00 UTC\n  Board: http://127.0.0.1:3000/d/lapse-pipeline" in firing
    assert "What to do: docs/runbook.md#lapseworkersdown" in firing
    assert "The desk does not answer" in over
    assert "over at 11:30" in over
    assert "Customers, not the pipeline" not in text


def test_the_desks_message_says_that_the_pipeline_was_whole(tmp_path: Path) -> None:
    data = _data("LapseSurge", resolved=("LapseSurge",))
    assert _render(tmp_path, "lapse.subject", data).startswith("Over: Many more customers than usual")
    assert "Customers, not the pipeline" in _render(tmp_path, "lapse.text", data)


def test_every_field_of_mail_is_a_template_that_exists() -> None:
    config = ALERTMANAGER_YML.read_text("utf-8")
    defined = {"lapse.subject", "lapse.text"}
    for name in defined:
        assert f'define "{name}"' in (ALERTMANAGER_YML.parent / "lapse.tmpl").read_text("utf-8")
        assert f'{{{{ template "{name}" . }}}}' in config
