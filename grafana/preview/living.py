"""Something to look at: the demo, as a user starts it, with a Prometheus that watches it.

Owns: the order of the two. It finds where the demo shows its metrics in what the demo says.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grafana.preview.bundle import PreviewError
from grafana.preview.scraping import Prometheus
from stream.metrics import EVENTS

WORKERS: Final = re.compile(r"https?://([\w.:]+)/metrics")
DESK: Final = re.compile(r"live page https?://([\w.:]+)/")
STOP_SECONDS: Final = 30.0
AFTERGLOW_SECONDS: Final = 3.0  # until the last scrape and the last rule have seen the end of the year
PROCESSED: Final = f"sum({EVENTS.name})"


@dataclass(frozen=True, slots=True)
class Lived:
    """A replay that has taken place: when, in Unix seconds."""

    begin: float
    end: float


def live(folder: Path, days: int, year_seconds: int, say: Callable[[str], None]) -> Lived:
    """Run the demo over `days` days with a Prometheus in `folder`; its data is in that folder afterwards."""
    command = [sys.executable, "-m", "stream.cli", "demo", "--days", str(days), "--year-seconds", str(year_seconds)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as demo:  # fmt: skip
        try:
            return _watched(demo, folder, say)
        finally:
            demo.terminate()
            try:
                demo.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                demo.kill()


def _watched(demo: subprocess.Popen[str], folder: Path, say: Callable[[str], None]) -> Lived:
    assert demo.stdout is not None
    said: deque[str] = deque(maxlen=30)
    jobs: dict[str, list[str]] = {}
    for line in demo.stdout:
        said.append(line)
        found = {"lapse-worker": WORKERS.findall(line), "lapse-desk": DESK.findall(line)}
        jobs = {job: places for job, places in found.items() if places}
        if jobs:
            break
    else:
        raise PreviewError("the demo ended before it had metrics:\n" + "".join(said))
    say(f"the demo shows its metrics at {', '.join(one for places in jobs.values() for one in places)}")
    with Prometheus(folder, jobs) as prometheus:
        begin = time.time()
        for line in demo.stdout:
            said.append(line)
            if "everything stays up" in line:
                time.sleep(AFTERGLOW_SECONDS)
                # the clock's last event closes two days more, in which nobody could buy
                return Lived(begin, prometheus.before_last_growth(PROCESSED, begin))
    raise PreviewError("the demo ended before its year had passed:\n" + "".join(said))
