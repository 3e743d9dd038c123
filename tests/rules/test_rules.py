"""Alert and recording rules, run by promtool over invented series: what must fire does, what must not doesn't."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.rules import oncall, pipeline, retention
from grafana.rules.__main__ import FILES, HERE, files
from grafana.rules.form import Alert, Form, Recording
from stream.core import rates
from stream.metrics import DELAY_SECONDS, OBJECTIVE_SECONDS, RESTORE_SECONDS
from tests.rules.cases import CASES, RETENTION, Case

pytestmark = pytest.mark.usefixtures("_programs")
ROOT = Path(__file__).parents[2]
GROUPS = [group for groups in FILES.values() for group in groups]
ALERTS = [rule for group in GROUPS for rule in group.rules if isinstance(rule, Alert)]
RECORDED = {rule.name for group in GROUPS for rule in group.rules if isinstance(rule, Recording)}
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)


def test_the_files_are_as_written_and_promtool_takes_them() -> None:
    for name, text in files(Form()).items():
        assert (HERE / name).read_text("utf-8") == text, "run .venv/bin/python -m grafana.rules"
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *(HERE / name for name in FILES))
    assert done.returncode == 0, done.stdout + done.stderr


def _written(cases: list[Case], step: str, names: tuple[str, ...]) -> str:
    tests = [
        {
            "name": f"{case.alert}: {case.says}",
            "interval": step,
            "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
            "promql_expr_test": [
                {
                    "expr": f"count by ({', '.join(_shown(case))}) "
                    f'(ALERTS{{alertname="{case.alert}",alertstate="firing"}})',
                    "eval_time": case.at,
                    "exp_samples": [{"labels": _series(one), "value": 1} for one in case.fires],
                }
            ],
        }
        for case in cases
    ]
    suite = {
        "rule_files": [str(HERE / name) for name in names],
        "evaluation_interval": step,
        # what is recorded comes first: with long steps the last one's value is too old to be seen
        "group_eval_order": [group.name for name in names for group in FILES[name]],
        "tests": tests,
    }
    return yaml.safe_dump(suite, allow_unicode=True)


def _shown(case: Case) -> list[str]:
    """The labels by which what fires is told apart, also where nothing may fire."""
    names = {name for other in CASES if other.alert == case.alert for one in other.fires for name in one}
    return sorted(names)


def _series(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


ONCALL_FILES = ("pipeline.yml", "oncall.yml")  # the figures' rules take most of the time


@pytest.mark.parametrize(
    ("team", "step"), sorted({("retention" if case in RETENTION else "oncall", case.step) for case in CASES})
)
def test_alerts_fire_when_they_must_and_only_then(tmp_path: Path, team: str, step: str) -> None:
    cases = [case for case in CASES if case.step == step and (case in RETENTION) is (team == "retention")]
    names = ONCALL_FILES if team == "oncall" else tuple(FILES)
    path = tmp_path / "cases.yml"
    path.write_text(_written(cases, step, names), "utf-8")
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_was_seen_to_fire_and_not_to(alert: Alert) -> None:
    kinds = {bool(case.fires) for case in CASES if case.alert == alert.name}
    assert kinds == ({True} if alert.name == "Watchdog" else {True, False})


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_and_where(alert: Alert) -> None:
    assert f"\n## {alert.name}\n" in RUNBOOK, "no heading in docs/runbook.md"
    assert len(alert.summary) < 100
    assert alert.description.endswith(".")
    assert alert.board in {"lapse-retention", "lapse-live", "lapse-segment", "lapse-pipeline", "lapse-signals"}
    assert (alert.team == "retention") == (alert.severity == "notice")
    assert not (alert.breaks and alert.team == "retention"), "only the pipeline's own alerts say that it is broken"


def test_the_runbook_has_no_other_headings() -> None:
    headings = [line.removeprefix("## ") for line in RUNBOOK.splitlines() if line.startswith("## ")]
    assert sorted(headings) == sorted(alert.name for alert in ALERTS)


def test_the_runbooks_queries_are_queries_of_what_is_there(tmp_path: Path) -> None:
    queries = [line for block in re.findall(r"```promql\n(.*?)```", RUNBOOK, re.DOTALL) for line in block.splitlines()]
    assert len(queries) > len(ALERTS)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]}), "utf-8")
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"lapse:[a-z0-9_]+:[a-z0-9_]+", RUNBOOK)) <= RECORDED


def test_rules_use_only_what_is_recorded() -> None:
    for group in GROUPS:
        for rule in group.rules:
            assert set(re.findall(r"lapse:[a-z0-9_]+:[a-z0-9_]+", rule.expr)) <= RECORDED, rule.name


def test_every_business_alert_asks_whether_the_pipeline_could_be_trusted() -> None:
    for alert in ALERTS:
        assert (retention.TRUSTED in alert.expr) == (alert.team == "retention"), alert.name


def test_edges_are_those_of_the_histograms() -> None:
    assert f'{{le="{OBJECTIVE_SECONDS}"}}' == pipeline.OBJECTIVE
    assert OBJECTIVE_SECONDS in DELAY_SECONDS.buckets
    assert 15.0 in RESTORE_SECONDS.buckets
    assert set(pipeline.BURN_WINDOWS) >= {"5m", "30m", "1h", "2h", "6h", "1d", "3d"}
    assert oncall.BUDGET == 0.01


def _figures(values: Mapping[str, float], family: str = "period_customers") -> list[dict[str, Any]]:
    """The counts of a segment, half of each on either of two workers."""
    return [
        {
            "series": f'lapse_{family}{{segment="a",period="month",role="{role}",instance="{one}"}}',
            "values": f"{half}x9",
        }
        for role, value in values.items()
        for one, half in (("w0", value / 4), ("w1", value * 3 / 4))
    ]


def _ratio(name: str, value: float | None) -> dict[str, Any]:
    labels = ("all", "a")
    samples = [{"labels": f'{{period="month", segment="{one}"}}', "value": value} for one in labels]
    expr = f"round(sum by (segment, period) (1e9 * {name}))"
    return {"expr": expr, "eval_time": "5m", "exp_samples": samples if value is not None else []}


def test_recorded_ratios_are_those_of_the_core(tmp_path: Path) -> None:
    """The articles' worked examples (core/rates.py), counted on two workers."""
    first = {"start": 1000, "end": 800, "acquired": 200, "lost": 400, "reactivated": 0}
    second = {"start": 70, "end": 90, "acquired": 30, "lost": 10, "reactivated": 0}
    nothing = {"start": 0, "end": 10, "acquired": 10, "lost": 0}
    mrr = {"start": 10_000, "expansion": 2_000, "contraction": 500, "churned": 1_000}
    nps = {"promoter": 60, "passive": 20, "detractor": 20}
    tests = [
        (
            _figures(one),
            [
                _ratio("lapse:crr:ratio", _rounded(rates.crr(one["start"], one["end"], one["acquired"]))),
                _ratio("lapse:crr_strict:ratio", _rounded(rates.crr_strict(one["start"], one["lost"]))),
                _ratio("lapse:churn:ratio", _rounded(rates.churn(one["start"], one["lost"]))),
                _ratio("lapse:churn_net:ratio", _rounded(rates.churn_net(one["start"], one["end"]))),
            ],
        )
        for one in (first, second, nothing)
    ]
    revenue = [
        _ratio("lapse:grr:ratio", _rounded(rates.grr(10_000, 500, 1_000))),
        _ratio("lapse:nrr:ratio", _rounded(rates.nrr(10_000, 2_000, 500, 1_000))),
    ]
    points = rates.nps(60, 20, 20)
    assert points is not None
    tests += [
        (_figures(mrr, "mrr"), revenue),
        (_figures(nps, "nps_customers"), [_ratio("lapse:nps:ratio", _rounded(points / 100))]),
    ]
    orders = {"now": 110, "before": 100, "kept": 80}
    kept = [
        _ratio("lapse:grr_orders:ratio", _rounded(rates.share(80, 100))),
        _ratio("lapse:nrr_orders:ratio", _rounded(rates.nrr_orders(110, 100))),
    ]
    tests += [(_figures(orders, "start_customers_revenue"), kept), _signs()]
    path = tmp_path / "ratios.yml"
    written = [{"interval": "1m", "input_series": series, "promql_expr_test": wanted} for series, wanted in tests]
    path.write_text(yaml.safe_dump({"rule_files": [str(HERE / "figures.yml")], "tests": written}), "utf-8")
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def _signs() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of 50 alerts that were judged 30 came true; of 4 lost customers one told of 50 days before."""
    ended = {"churned": 30, "returned": 12, "recovered": 8, "muted": 50}
    series = [
        *(f'lapse_alert_outcomes{{segment="a",sign="silent",resolution="{how}"}} {n}' for how, n in ended.items()),
        'lapse_lead_days{segment="a",period="last_month",sign="silent"} 50',
        'lapse_lead_customers{segment="a",period="last_month",sign="silent"} 4',
    ]
    precision = [{"labels": f'{{segment="{one}", sign="silent"}}', "value": 60} for one in ("all", "a")]
    return (
        [{"series": one.rpartition(" ")[0], "values": f"{one.rpartition(' ')[2]}x9"} for one in series],
        [
            {"expr": "round(100 * sum by (segment, sign) (lapse:alert_precision:ratio))", "eval_time": "5m",
             "exp_samples": precision},
            {"expr": "sum by (sign) (lapse:lead_days:mean)", "eval_time": "5m",
             "exp_samples": [{"labels": '{sign="silent"}', "value": 12.5}]},
        ],
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(1e9 * value)
