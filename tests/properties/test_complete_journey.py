"""A year of real shopping, counted twice: every final day, week, month and quarter, every alert, and scores."""

from __future__ import annotations

import csv
import json
import tomllib
from datetime import date
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from stream import policies
from stream.tools import backtest, importing
from tests.properties.test_recount import differences
from tests.recount import Recount, recount
from tests.recounting.days import ms

if TYPE_CHECKING:
    from pathlib import Path

SCORED = [date(2017, 4, 2), date(2017, 9, 30), date(2017, 12, 30)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recount]:
    """Where the backtest has written, and the recount of the same events."""
    out = tmp_path_factory.mktemp("journey")
    file = out / "events.jsonl"
    importing.write("complete-journey", None, file)
    lines = file.read_bytes().splitlines()
    backtest.run(lines, out, policies.load("complete-journey"), SCORED, lambda _: None)
    table = tomllib.loads(resources.files(policies).joinpath("complete-journey.toml").read_text())
    return out, recount([json.loads(line) for line in lines], table)


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_all_alerts(journey: tuple[Path, Recount]) -> None:
    out, expected = journey
    found = [
        {
            "customer_id": one["data"]["customer_id"],
            "sign": one["data"]["sign"],
            "status": one["data"]["status"],
            "resolution": one["data"].get("resolution"),
            "event_time_ms": ms(one["data"]["event_time"]),
            "episode_day": one["data"]["episode_day"],
            "n": int(one["id"].rpartition(":")[2]),
        }
        for one in read(out / "alerts.jsonl")
    ]
    assert len(found) > 1000
    assert found == expected.alerts


def test_every_final_day_week_month_and_quarter(journey: tuple[Path, Recount]) -> None:
    out, expected = journey
    kept = ("counts", "final", "provisional", "warmup", "crr", "crr_strict", "churn", "churn_net")
    found = {
        (one["period"], one["start"], one["segment"]): {name: one[name] for name in kept}
        for one in read(out / "retention.jsonl")
        if not one["provisional"]
    }
    finals = {kind: sum(key[0] == kind and key[2] == "all" for key in found) for kind in ("day", "week", "month")}
    assert finals["day"] >= 360
    assert finals["week"] >= 51
    assert finals["month"] >= 11
    counted = {key: {name: record[name] for name in kept} for key, record in expected.records.items()}
    assert not differences(found, counted)


def test_cross_sells(journey: tuple[Path, Recount]) -> None:
    out, expected = journey
    found = {
        (one["period"], one["start"], one["segment"]): one["revenue"]["cross_sells"]
        for one in read(out / "retention.jsonl")
        if not one["provisional"]
    }
    assert found == {key: record["figures"].get("cross_sells", 0) for key, record in expected.records.items()}
    assert sum(found.values()) > 10_000


def test_nothing_is_bad_input(journey: tuple[Path, Recount]) -> None:
    out, expected = journey
    assert (out / "dead.jsonl").read_bytes() == b""
    assert expected.too_late == expected.duplicates == []


@pytest.mark.parametrize("day", SCORED, ids=str)
def test_scores(journey: tuple[Path, Recount], day: date) -> None:
    """A7, for every household."""
    out, expected = journey
    with (out / f"scores-{day}.csv").open() as file:
        found = {row["customer_id"]: row for row in csv.DictReader(file)}
    scores = expected.scores(day)
    assert {name for name, row in found.items() if row["p_none"]} == set(scores)
    for name, (silent_days, p_none, p_alive) in scores.items():
        row = found[name]
        assert int(row["days_silent"]) == silent_days
        assert float(row["p_none"]) == pytest.approx(p_none, abs=1e-6)
        assert float(row["p_alive"]) == pytest.approx(p_alive, abs=1e-6)
