"""`lapse demo --workers 0`, as docker-compose.yml's profile has it: the cluster's own workers and desk do the work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stream.cli import main
from stream.tools.broker import free_port
from stream.worker import topics
from tests.support.waiting import until
from tests.worker.running import Worker

DAYS = "10"


@contextmanager
def desk(bootstrap: str) -> Iterator[None]:
    where = f"127.0.0.1:{free_port()}"
    words = ["desk", "--bootstrap", bootstrap, "--policy", "complete-journey", "--http", where]
    process = subprocess.Popen([sys.executable, "-m", "stream.cli", *words], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.slow
def test_the_clusters_own_workers_do_the_work(embedded_bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
    topics.create(embedded_bootstrap, 8)
    with Worker(embedded_bootstrap, "one", "complete-journey") as worker, desk(embedded_bootstrap):
        until(lambda: worker.metric("lapse_partitions_running") == 8, "the worker did not come up", 240)
        words = ["demo", "--workers", "0", "--exit", "--json", "--days", DAYS, "--bootstrap", embedded_bootstrap]
        assert main(words) == 0
        assert worker.metric("lapse_events_total") > 1_000, "nobody else did it"
    assert '"events":' in capsys.readouterr().out


def test_without_a_cluster_there_are_no_workers_to_leave_it_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(os.environ, "LAPSE_BOOTSTRAP", raising=False)
    assert main(["demo", "--workers", "0"]) == 2
    assert "add --bootstrap" in capsys.readouterr().err
