"""How the command line treats people: mistakes told at once and in words, exit codes, an instant --help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from stream.cli import commands, main
from tests.support.waiting import until

NAMES = [command.name for command in commands()]
ALL_WRONG = {
    "backtest": (
        ["backtest", "nix.jsonl", "--policy", "nope", "--score-at", "2017-13-01", "--polcy", "x"],
        ["--polcy", "nix.jsonl", "--out", "nope", "2017-13-01"],
    ),
    "fit": (["fit", "nix.jsonl", "--policy", "nope", "--out", "/nix/x.toml"], ["nix.jsonl", "nope", "/nix"]),
    "evaluate": (["evaluate", "--fit-on", "nix.jsonl", "--jsno"], ["EVENTS.jsonl", "nix.jsonl", "--json?"]),
    "import": (["import", "journey", "--half", "best"], ["journey", "best", "--out"]),
    "simulate": (
        ["simulate", "--customers", "0", "--days", "7", "--seed", "x", "--out", "/nix/x"],
        ["--customers", "--days", "'x'", "/nix"],
    ),
    "worker": (
        ["worker", "--bootstrap", "kafka", "--http", "here", "--policy", "nope"],
        ["'kafka'", "'here'", "nope", "LAPSE_KAFKA_ACKS", "LAPSE_GROUP"],
    ),
    "desk": (
        ["desk", "--bootstrap", "kafka", "--http", "here", "--policy", "nope", "--routes", "none.toml"],
        ["'kafka'", "'here'", "nope", "none.toml", "LAPSE_TOKEN"],
    ),
    "topics": (["topics", "--partitions", "0", "--replication", "many"], ["LAPSE_BOOTSTRAP", "--partitions", "many"]),
    "alerts": (
        ["alerts", "tail", "x1", "--severity", "grave", "--sign", "silnt", "--since", "later", "--jsno"],
        ["'x1'", "'grave'", "did you mean silent?", "'later'", "LAPSE_BOOTSTRAP", "--json?"],
    ),
    "customer": (["customer", "--desk", "desk:9474"], ["ID is missing", "'desk:9474'"]),
    "dead": (["dead", "lst", "--limit", "-"], ["'lst'", "LAPSE_BOOTSTRAP", "--limit"]),
    "demo": (
        ["demo", "--days", "0", "--workers", "99", "--json", "--bootstrap", "x"],
        ["--days", "--workers", "--exit", "'x'"],
    ),
    "policy": (
        ["policy", "publish", "nope", "--from", "tomorrow", "--bootstrap", "kafka"],
        ["nope", "'tomorrow'", "'kafka'"],
    ),
    "schemas": (["schemas", "--dir", "/dev/null", "extra"], ["/dev/null", "'extra'"]),
    "doctor": (["doctor", "--bootstrap", "x", "now"], ["'x'", "'now'"]),
}


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LAPSE_")]:
        monkeypatch.delenv(name)


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", *words], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_is_told_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, expected = ALL_WRONG[name]
    if name == "worker":
        monkeypatch.setenv("LAPSE_KAFKA_ACKS", "0")
        monkeypatch.setenv("LAPSE_GROUP", "no spaces")
    monkeypatch.setenv("LAPSE_TOKEN", "guessed")
    assert main(words) == 2
    told = capsys.readouterr()
    assert not told.out
    assert "Traceback" not in told.err
    assert all(one in told.err for one in expected), told.err
    assert told.err.endswith(f"help: lapse {name} --help\n")


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["bakctest"], "did you mean backtest?"), (["--versoin"], "--version"), (["nonsense"], "choose from")],
)
def test_a_slip_is_met_with_the_nearest_word(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert hint in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help_has_examples_that_are_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"lapse {name}" in capsys.readouterr().out.split("examples:")[1]


def test_help_is_instant_because_nothing_heavy_is_imported() -> None:
    heavy = ("numba", "numpy", "confluent_kafka", "rich", "msgspec", "faust", "prometheus_client")
    script = f"import sys, stream.cli as c; c.build_parser(); print([m for m in {heavy} if m in sys.modules])"
    began = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.strip() == "[]"
    assert time.perf_counter() - began < 5, "even on a busy machine"


def test_a_file_that_cannot_be_read_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n")
    (tmp_path / "out").write_text("a file where the directory should be")
    done = run(["backtest", str(tmp_path / "events.jsonl"), "--out", str(tmp_path / "out")])
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_kafka_there_is_one_line_and_code_1() -> None:
    done = run(["topics", "--bootstrap", "127.0.0.1:1", "--check"])
    assert done.returncode == 1
    assert done.stderr.startswith("lapse: Kafka at 127.0.0.1:1 gave no answer")
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "stream.cli", "--version"],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert b"Traceback" not in done.stderr


def test_ctrl_c_is_no_traceback(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "stream.cli", "backtest", "-", "--out", str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # then everything is imported, and it waits for events
        until((tmp_path / "alerts.jsonl").exists, "it did not begin", 120)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)  # before its input is closed, which would be an end of another kind
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in told
