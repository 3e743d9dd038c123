"""A real Prometheus that scrapes given addresses often, with the project's own rules.

Owns: the process and its configuration, as far as a replay differs from a production: a year passes in a minute and a
half, so it looks every second. Job names are those of grafana/prometheus, since rules and boards name them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self
from urllib.error import URLError
from urllib.parse import urlencode

import yaml

from grafana.preview.bundle import PreviewError
from stream.tools.broker import HOST, free_port

RULES: Final = Path(__file__).parents[1] / "rules"
SCRAPE_SECONDS: Final = 1
READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.1


class Prometheus:
    """One Prometheus with its data in a folder; a context manager that leaves no process behind."""

    def __init__(self, folder: Path, jobs: Mapping[str, Sequence[str]]) -> None:
        """`jobs` maps a job's name to the HOST:PORTs scraped under it; none: only what the folder holds is shown."""
        if shutil.which("prometheus") is None:
            raise PreviewError("prometheus is missing; on Debian: apt-get install prometheus")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.url = f"http://{HOST}:{free_port()}"
        (folder / "prometheus.yml").write_text(json.dumps(_configuration(jobs)))  # JSON is YAML
        for path in sorted(RULES.glob("*.yml")):
            (folder / path.name).write_text(json.dumps(_hurried(yaml.safe_load(path.read_text()))))

    def __enter__(self) -> Self:
        command = [
            "prometheus", f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address={self.url.removeprefix('http://')}",
            "--storage.tsdb.retention.time=100d", "--log.level=warn",
        ]  # fmt: skip
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + READY_SECONDS
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                said = (self._folder / "prometheus.log").read_text()[-3000:]
                raise PreviewError(f"prometheus was not ready within {READY_SECONDS:.0f} s:\n{said}")
            time.sleep(POLL_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def before_last_growth(self, expr: str, begin: float) -> float:
        """The last instant since `begin` before the value of an expression grew last; now, if it never did.

        Only instants count at which every target answered: on a busy machine one may miss a second, and what it has is
        then unknown.
        """
        asked = {"query": f"{expr} and (min(up) == 1)", "start": begin, "end": time.time(), "step": SCRAPE_SECONDS}
        url = f"{self.url}/api/v1/query_range?{urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=READY_SECONDS) as answer:  # noqa: S310 - our own, on this machine
            found = json.load(answer)["data"]["result"]
        points = [(float(at), float(value)) for one in found for at, value in one["values"]]
        grown = [at for (at, before), (_, value) in pairwise(points) if value > before]
        return grown[-1] if grown else time.time()


def _configuration(jobs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    every = f"{SCRAPE_SECONDS}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [path.name for path in sorted(RULES.glob("*.yml"))],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": list(targets)}]} for name, targets in jobs.items()
        ],
    }


def _hurried(rules: dict[str, Any]) -> dict[str, Any]:
    """The rules without intervals of their own: each second here is four days."""
    groups = [{key: value for key, value in group.items() if key != "interval"} for group in rules["groups"]]
    return {"groups": groups}


def answers(url: str) -> bool:
    """Whether a Prometheus there is ready."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=READY_SECONDS):  # noqa: S310 - our own, on this machine
            return True
    except (URLError, OSError, ValueError):
        return False
