"""From events to messages: real worker, Prometheus, Alertmanager and a receiver, two hours in a minute.

Customers lapse together: the retention desk hears of it. The worker is stopped: on-call is paged. The input stops, and
customers would be silent because of it: on-call is paged, and the retention desk hears nothing; nor when half of the
input comes back and opens as many alerts as the surge did.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from grafana.rules.form import Form
from stream.metrics import WORKER
from stream.worker import topics
from tests.rules.shopping import GRACE_MS, MINUTE_MS, PARTITIONS, SECOND_MS, TRUSTED_MS, Group, Shop
from tests.rules.watching import Receiver, alertmanager, ask, prometheus
from tests.support.waiting import until
from tests.worker.running import Worker

pytestmark = [
    pytest.mark.usefixtures("_programs"),
    pytest.mark.slow,
]

FORM = Form(scale=1 / 120, every="1s")  # an hour in half a minute
PATIENCE_SECONDS = 60.0
SIGNAL_SECONDS = 15.0  # a second, and what a busy machine takes
COMPILE_SECONDS = 600.0  # the first start after a change of the core, on a machine that is busy
CYCLES = 8  # messages, one a second at least: by then the surge was told, the first time
BASE_SECONDS = 35.0  # the usual, before a surge: an hour of it has to lie an hour back


class World:
    """Everything that runs."""

    def __init__(self, stack: ExitStack, folder: Path, bootstrap: str) -> None:
        """Start it all but the monitoring."""
        self._stack, self._folder, self._bootstrap = stack, folder, bootstrap
        topics.create(bootstrap, PARTITIONS)
        self.shop = Shop(bootstrap)
        self.receiver = Receiver()
        stack.callback(self.receiver.close)
        self.worker = self.start_worker("one")
        self.prometheus = ""

    def start_worker(self, slot: str, port: int | None = None) -> Worker:
        """A worker that runs all partitions; on the port that Prometheus knows."""
        worker = self._stack.enter_context(Worker(self._bootstrap, slot, "default", port))
        run = "lapse_partitions_running"
        until(lambda: worker.metric(run) == PARTITIONS, "the worker did not come up", COMPILE_SECONDS)
        return worker

    def watch(self) -> None:
        """Start Alertmanager and Prometheus."""
        to = self._stack.enter_context(alertmanager(self._folder, self.receiver.url, FORM))
        targets = {"lapse-worker": [f"127.0.0.1:{self.worker.port}"], "prometheus": []}
        self.prometheus = self._stack.enter_context(prometheus(self._folder, targets, to, FORM))

    def value(self, query: str) -> float | None:
        """What Prometheus answers with one number, None without one."""
        found = ask(self.prometheus, f"/api/v1/query?query={quote(query)}")["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def rules(self) -> list[dict[str, Any]]:
        """All rules as Prometheus sees them."""
        groups = ask(self.prometheus, "/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def heard(self, receiver: str, name: str, since: float) -> None:
        """Wait until a receiver is told of an alert."""
        until(lambda: name in self.receiver.told(receiver, since), lambda: self.story(since), PATIENCE_SECONDS)

    def story(self, since: float) -> str:
        """What was said, and what was firing, for whoever looks for the fault."""
        said = [f"{one.at - since:+.1f} s {one.receiver}: {one.alerts}" for one in self.receiver.messages]
        firing = ask(self.prometheus, "/api/v1/alerts")["data"]["alerts"]
        return "\n".join([*said[-30:], *(f"{one['state']} {one['labels']} {one['value']}" for one in firing)])


@pytest.fixture
def world(tmp_path: Path, embedded_bootstrap: str) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path, embedded_bootstrap)


def test_lapses_reach_the_desk_outages_the_pager_and_never_the_other(world: World, tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    before_ms, surge_ms = now_ms - 110 * MINUTE_MS, now_ms - 75 * MINUTE_MS  # the alert clock: the usual, the surge
    last_ms = now_ms - TRUSTED_MS + 90 * SECOND_MS  # the last event before the input stops …
    frozen_ms = last_ms + TRUSTED_MS - GRACE_MS  # … and where the alert clock then has to stand still
    world.shop.history(
        [
            Group("before", 6, before_ms - 10 * MINUTE_MS),
            Group("together", 200, surge_ms - 10 * MINUTE_MS),
            Group("outage", 200, frozen_ms + SECOND_MS),
        ],
        tmp_path,
        now_ms,
    )
    _every_metric_is_there(world)
    until(lambda: world.worker.metric("lapse_lag_events") == 0, "the history is not read", PATIENCE_SECONDS)
    world.watch()
    watching = time.monotonic()

    # the usual: some lapse, nobody is told
    world.shop.clock(before_ms + GRACE_MS)
    until(lambda: world.worker.metric("lapse_alerts_opened_total") == 6, "no alerts", PATIENCE_SECONDS)
    until(lambda: time.monotonic() > watching + BASE_SECONDS, "time stands still", PATIENCE_SECONDS)
    world.heard("deadman", "Watchdog", watching)
    assert world.receiver.told("retention-desk") == set()
    assert [rule["name"] for rule in world.rules() if rule["health"] != "ok"] == []

    # two hundred lapse within minutes
    surge = time.monotonic()
    world.shop.clock(surge_ms + GRACE_MS)
    world.heard("retention-desk", "LapseSurge", surge)
    assert world.worker.metric("lapse_alerts_opened_total") == 206

    # the worker stops
    read = world.worker.metric("lapse_events_total") + PARTITIONS
    world.shop.live(last_ms)
    until(lambda: world.worker.metric("lapse_events_total") == read, "not read", PATIENCE_SECONDS)
    stopped = time.monotonic()
    world.worker.stop()
    world.heard("oncall-page", "LapseWorkersDown", stopped)

    # another takes over, and nothing comes any more
    world.worker = world.start_worker("two", world.worker.port)
    back = time.monotonic()
    until(lambda: time.time() * 1000 > last_ms + TRUSTED_MS, "time stands still", PATIENCE_SECONDS)
    suspended = "lapse_partition_suspended"
    until(lambda: world.worker.metric(suspended) == PARTITIONS, "the worker does not say it", SIGNAL_SECONDS)
    world.heard("oncall-page", "LapseInputSilent", back)
    assert time.time() * 1000 > frozen_ms + GRACE_MS, "by then a clock that went on would have passed the first of them"
    assert world.worker.metric("lapse_alerts_opened_total") == 0, "the clock went on during the outage"

    # half of it comes back, hours later: a hundred alerts at once, which look like customers leaving
    world.shop.half_back(time.time_ns() // 1_000_000 + 120 * MINUTE_MS)
    until(lambda: world.worker.metric("lapse_alerts_opened_total") > 50, "no alerts", PATIENCE_SECONDS)
    until(lambda: (world.value("max(lapse:alerts_opened:increase1h)") or 0) > 50, "not counted", PATIENCE_SECONDS)
    told = len(world.receiver.messages)
    until(lambda: len(world.receiver.messages) > told + CYCLES, "Alertmanager is silent", PATIENCE_SECONDS)
    assert world.receiver.told("retention-desk", back) == set()


def _every_metric_is_there(world: World) -> None:
    """Also those that have no value yet; and no series has other labels than the catalogue says, nor comes twice."""
    text = world.worker.get("/metrics")[1]
    missing = [metric.name for metric in WORKER if f"# TYPE {metric.name.removesuffix('_total')}" not in text]
    assert not missing, f"not on a live /metrics: {missing}"
    wanted = {metric.name: set(metric.labels) for metric in WORKER}
    seen = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = re.sub(r"_(bucket|count|sum|created)$", "", sample.name)
            assert set(sample.labels) - {"le"} == wanted.get(name, set()), sample
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in seen, series
            seen.add(series)
