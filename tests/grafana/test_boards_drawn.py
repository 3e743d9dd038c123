"""The boards drawn with Grafana's UI library against a real Prometheus that watched a real run of the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grafana.boards.assembly import TITLES

DAYS, YEAR_SECONDS = 365, 40  # all four seasons: what is shown of months and quarters needs them
# no grocer's events tell of these, or none of it happened: any other panel without data is a fault
CALM = {
    "NPS, last month", "Surveys answered", "Slow pages", "Why they say they left", "Time to resolve a ticket",
    "Back on day N after the first", "Revenue kept, last month", "CAC ÷ CLV", "Trials that paid, by uses",
    "Effect of winning back", "Kept last month, by variant",
    "Taking over", "Refused, by reason", "Had already", "Deliveries to people", "Waiting to be told",
}  # fmt: skip
PNG = b"\x89PNG"
SECONDS = 420


def said_nothing(panel: dict[str, Any]) -> bool:
    return bool(len(panel["empty"]) == panel["queries"] > 0)


@pytest.mark.slow
def test_no_board_has_an_empty_panel_a_failing_query_or_an_unknown_variable(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "grafana.preview", "--demo", "--out", str(tmp_path), "--days", str(DAYS),
        "--year-seconds", str(YEAR_SECONDS),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["problems"] == []
    assert {name: len(one["panels"]) > 5 for name, one in report["boards"].items()} == dict.fromkeys(TITLES, True)
    silent = {panel["title"] for one in report["boards"].values() for panel in one["panels"] if said_nothing(panel)}
    assert silent <= CALM
    assert all((tmp_path / f"{uid}.png").read_bytes().startswith(PNG) for uid in TITLES)
