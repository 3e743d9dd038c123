"""The boards: as the code says, and each rule for them seen to catch what it is for."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.boards.all import boards, text
from grafana.boards.assembly import TITLES
from grafana.boards.lint import problems, records

ROOT = Path(__file__).parents[2]
DASHBOARDS = ROOT / "grafana/dashboards"
RECORDED = records()


def board(uid: str = "lapse-retention") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DASHBOARDS / f"{uid}.json").read_text())
    return found


def first(broken: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(panel for panel in broken["panels"] if panel["type"] == kind)


def test_the_five_boards_are_as_the_code_says() -> None:
    written = {uid: text(model) for uid, model in boards().items()}
    assert {path.stem: path.read_text() for path in DASHBOARDS.glob("*.json")} == written
    assert list(written) == list(TITLES)


@pytest.mark.parametrize("uid", TITLES)
def test_a_board_keeps_every_rule(uid: str) -> None:
    assert problems(board(uid), RECORDED) == []


def test_money_can_be_in_another_currency() -> None:
    euros = text(boards()["lapse-retention"], "EUR")
    assert '"currencyEUR"' in euros
    assert "USD" not in euros


@pytest.mark.parametrize(
    ("kind", "path", "value", "told"),
    [
        ("stat", ("title",), "", "no title"),
        ("stat", ("title",), "x" * 80, "the title is cut off"),
        ("stat", ("description",), "Words", "no description, or no sentence"),
        ("stat", ("fieldConfig", "defaults", "unit"), None, "no unit"),
        ("stat", ("fieldConfig", "defaults", "noValue"), "No data", "says nothing"),
        ("stat", ("options", "reduceOptions", "calcs"), [], "it doesn't say which value it shows"),
        ("stat", ("datasource",), {"type": "prometheus", "uid": "abc"}, "it asks a fixed source"),
        ("stat", ("gridPos", "x"), 23, "it stands out on the right"),
        ("stat", ("gridPos", "y"), 0, "lie on each other"),
        ("timeseries", ("targets", 0, "legendFormat"), "", "query A has no legend"),
        ("timeseries", ("targets", 1, "refId"), "A", "two queries have one refId"),
        ("timeseries", ("targets", 0, "expr"), "1 + 1", "no metric in 1 + 1"),
        ("timeseries", ("targets", 0, "expr"), "sum(lapse_nothing)", "lapse_nothing is not in the catalogue"),
        ("timeseries", ("targets", 0, "expr"), "lapse:nothing:ratio", "lapse:nothing:ratio is recorded nowhere"),
        ("timeseries", ("targets", 0, "expr"), 'max(lapse_lag_events{sign="x"})', "lapse_lag_events has no label sign"),
        ("timeseries", ("targets", 0, "expr"), 'sum(lapse_orders{role="x"})', "lapse_orders has no role x"),
        ("timeseries", ("targets", 0, "expr"), "sum(lapse_lag_events)", "must be taken once per partition"),
        (
            "timeseries",
            ("targets", 0, "expr"),
            "sum (max by (partition) (lapse_open_alerts))",
            "must be taken once per partition",
        ),
        ("timeseries", ("targets", 0, "expr"), 'lapse_orders{segment="$who"}', "$who is used, but no variable"),
    ],
)
def test_a_rule_catches_what_it_is_for(kind: str, path: tuple[str | int, ...], value: object, told: str) -> None:
    broken = copy.deepcopy(board())
    place: Any = first(broken, kind)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(told in one for one in problems(broken, RECORDED)), problems(broken, RECORDED)


def test_a_variable_that_nothing_uses_is_told() -> None:
    broken = board()
    broken["templating"]["list"].append({"name": "idle", "type": "custom"})
    assert problems(broken, RECORDED) == ["Retention: $idle is a variable that nothing uses"]


def test_a_board_without_its_first_row_is_told() -> None:
    broken = board()
    del broken["panels"][0]
    assert "Retention: it doesn't open with what tells whether it can be trusted" in problems(broken, RECORDED)


def test_numbers_of_panels_are_unique_and_stay() -> None:
    """A link to a panel names its number: these may be added to, not changed."""
    numbers = {uid: sorted(panel["id"] for panel in board(uid)["panels"] if panel["type"] != "row") for uid in TITLES}
    trust = [1, 2, 3, 4, 5]
    assert numbers["lapse-retention"][:10] == [*trust, 10, 11, 12, 13, 14]
    assert all(found[:5] == trust for found in numbers.values())


def test_provisioning_names_what_the_boards_and_rules_count_on() -> None:
    folder = ROOT / "grafana/provisioning"
    source = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"][0]
    provider = yaml.safe_load((folder / "dashboards/lapse.yml").read_text())["providers"][0]
    assert (source["type"], source["uid"], source["isDefault"]) == ("prometheus", "prometheus", True)
    assert provider["allowUiUpdates"] is False
