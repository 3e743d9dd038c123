"""The catalogue of metrics is the only place that names one: docs, rules and boards may use no other name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import catalogue
from stream.metrics import CATALOGUE

ROOT = Path(__file__).parents[2]
# a name, not a file or a path of ours; the exporter's process_* metrics come from the client library, under our prefix
NAME = re.compile(r"(?<![\w./-])lapse_[a-z0-9_]+(?![\w/*-])")
SERIES = {metric.name for metric in CATALOGUE} | {
    f"{metric.name}_{part}" for metric in CATALOGUE if metric.kind == "histogram" for part in ("bucket", "count", "sum")
}
PROCESS = {
    f"lapse_process_{what}"
    for what in ("cpu_seconds_total", "resident_memory_bytes", "start_time_seconds", "open_fds", "max_fds")
}
KINDS = (("docs", "*.md"), ("grafana", "*.yml"), ("grafana", "*.json"), ("grafana", "*.tmpl"))
FOUND = (path for folder, kind in KINDS for path in (ROOT / folder).rglob(kind))
USERS = [ROOT / "README.md", *sorted(path for path in FOUND if "node_modules" not in path.parts)]


@pytest.mark.parametrize("path", USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_used_is_in_the_catalogue(path: Path) -> None:
    assert set(NAME.findall(path.read_text("utf-8"))) <= SERIES | PROCESS


def test_the_page_is_the_catalogues() -> None:
    assert catalogue.PAGE.read_text("utf-8") == catalogue.page(), "run .venv/bin/python docs/catalogue.py"


def test_a_page_that_is_out_of_date_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "metrics.md"
    page.write_text(catalogue.page() + "more\n", "utf-8")
    monkeypatch.setattr(catalogue, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["catalogue.py", "--check"])
    assert catalogue.main() == 1
    assert "out of date" in capsys.readouterr().out
    assert page.read_text("utf-8").endswith("more\n"), "a check changes nothing"


def test_counts_are_counted_and_measures_measured() -> None:
    for metric in CATALOGUE:
        assert "customer_id" not in metric.labels
        assert not re.search(r"_(ms|minutes|hours|cents|percent|kilobytes|share)(_|$)", metric.name), metric.name
        assert metric.labels[:1] == ("partition",) or "partition" not in metric.labels, "a worker drops it by its first"
