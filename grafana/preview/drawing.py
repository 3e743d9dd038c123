"""Boards drawn against a Prometheus: a picture and a report of each.

Owns: what the page is told and what comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from grafana.preview.bundle import bundle
from grafana.preview.chromium import Chromium
from grafana.preview.problems import problems
from grafana.preview.serving import serving

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"
WIDTH: Final = 1600  # pixels
DRAW_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What to draw against which data: `begin` and `end` in Unix seconds."""

    prometheus: str
    begin: float
    end: float
    scrape_seconds: int
    variables: Mapping[str, str] = field(default_factory=dict)
    theme: str = "dark"


def draw(drawing: Drawing, out: Path, boards: list[Path]) -> list[str]:
    """Write NAME.png for every board and report.json into `out`; everything that is wrong, in sentences."""
    out.mkdir(parents=True, exist_ok=True)
    reports: dict[str, Any] = {}
    with serving(bundle()) as page, Chromium() as browser:
        for path in boards:
            settings = {
                "board": json.loads(path.read_text()),
                "prometheus": drawing.prometheus,
                "from": round(drawing.begin * 1000),
                "to": round(drawing.end * 1000),
                "width": WIDTH,
                "scrapeSeconds": drawing.scrape_seconds,
                "variables": dict(drawing.variables),
                "theme": drawing.theme,
            }
            browser.open(page, WIDTH, f"window.preview = {json.dumps(settings)}")
            reports[path.stem] = browser.value("window.report", DRAW_SECONDS)
            (out / f"{path.stem}.png").write_bytes(browser.picture(WIDTH))
    found = [one for name, report in reports.items() for one in problems(name, report)]
    (out / "report.json").write_text(json.dumps({"problems": found, "boards": reports}, indent=1) + "\n")
    return found
