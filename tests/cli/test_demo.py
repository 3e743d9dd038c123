"""The demo, as a newcomer and as a machine runs it: on the embedded broker, through real worker processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from stream.cli import main
from tests.support import kafka

DEMO = [sys.executable, "-m", "stream.cli", "demo"]


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEMO, *words], capture_output=True, text=True, timeout=300, check=False)


def test_exit_and_json_print_one_summary_and_nothing_else() -> None:
    done = run("--exit", "--days", "20", "--json", "--workers", "2")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert summary["days"] == 20
    assert summary["events"] == 9056
    assert set(summary) == {"days", "events", "alerts", "resolutions", "retention", "rates", "seconds"}
    january = summary["retention"]["2017-01"]
    assert january["provisional"]
    assert january["end"] == january["acquired"] == 1813
    assert summary["rates"]["events_per_second"] > 0


@pytest.mark.kafka
def test_the_same_on_a_real_cluster(kafka_bootstrap: str) -> None:
    done = run("--exit", "--days", "20", "--json", "--bootstrap", kafka_bootstrap)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["retention"]["2017-01"]["end"] == 1813
    again = run("--exit", "--days", "20", "--bootstrap", kafka_bootstrap)
    assert again.returncode == 1
    assert "events already" in again.stderr


def test_the_demo_says_what_a_backtest_says(tmp_path: Path) -> None:
    """60 days through Kafka, 8 partitions and 3 workers, against the same events in a file."""
    summary = json.loads(run("--exit", "--days", "60", "--json", "--workers", "3").stdout)
    from stream.tools.demo.shopping import read

    (tmp_path / "events.jsonl").write_bytes(b"".join(event.value + b"\n" for event in read(60)))
    assert (
        main(["backtest", str(tmp_path / "events.jsonl"), "--out", str(tmp_path), "--policy", "complete-journey"]) == 0
    )
    opened = [line for line in (tmp_path / "alerts.jsonl").read_bytes().splitlines() if b"churn.alert.opened" in line]
    assert sum(of_sign.get("opened", 0) for of_sign in summary["alerts"].values()) == len(opened)
    for line in (tmp_path / "retention.jsonl").read_bytes().splitlines():
        record = json.loads(line)
        if record["period"] == "month" and record["segment"] == "all":
            month = summary["retention"][record["start"][:7]]
            assert {name: month[name] for name in record["counts"]} == record["counts"]


@contextmanager
def begun(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that has its worker and will not end by itself."""
    command = [*DEMO, "--year-seconds", "600", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("metrics" in line for line in process.stdout)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_left_at_any_time_and_leaves_nothing_running(number: signal.Signals) -> None:
    with begun() as process:
        time.sleep(1.0)
        started = children(process.pid)
        assert len(started) >= 2, "a broker and a worker"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "nothing is left running" in out
    assert not err
    assert not [one for one in started if one.is_running()]


def test_a_worker_ends_also_when_the_demo_is_killed(embedded_bootstrap: str) -> None:
    with begun("--bootstrap", embedded_bootstrap) as process:
        started = children(process.pid)
        process.kill()
    gone, alive = psutil.wait_procs(started, timeout=60)
    assert gone
    assert not alive


def test_somebody_elses_events_are_not_mixed_with_the_demos(embedded_bootstrap: str) -> None:
    assert main(["topics", "--bootstrap", embedded_bootstrap]) == 0
    kafka.produce(embedded_bootstrap, "customer.events", [(b"1", b"{}")])
    done = run("--exit", "--days", "5", "--bootstrap", embedded_bootstrap)
    assert done.returncode == 1
    assert "holds 1 events already" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_that_ends_is_told(embedded_bootstrap: str) -> None:
    with begun("--bootstrap", embedded_bootstrap) as process:
        for child in children(process.pid):
            child.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "worker 0 ended with code -9" in err
