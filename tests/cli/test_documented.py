"""Every command in README and docs is run, every file and function that they name is there."""

from __future__ import annotations

import importlib
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from docs import refresh
from stream.cli import build_parser, commands, main
from stream.cli.usage import Problems
from stream.core.kinds import Kind
from stream.tools.broker import free_port
from stream.wire import examples

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = re.compile(r"```(?:sh|console)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
NOT_WRITTEN_HERE = {"benchmarks/RESULTS.md"}  # by `make bench`


def documented() -> Iterator[str]:
    """Every line of a shell block in the documentation, and every example in a command's help."""
    for path in DOCS:
        for block in SHELL.findall(path.read_text()):
            for line in block.splitlines():
                words = line.partition("#")[0].strip()
                if words:
                    yield words
    for command in commands():
        yield from command.examples


LINES = sorted(set(documented()))
OURS = sorted({re.sub(r"^.*\| (?=lapse)|\|(?! ?cdnow).*$", "", line).strip() for line in LINES if "lapse " in line})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documentation takes for granted."""
    monkeypatch.chdir(tmp_path)
    orders = [
        f'{{"id":"o-{n}","type":"order_completed","customer_id":"{n % 5}","amount":31.20,"currency":"USD",'
        f'"time":"2017-0{1 + n // 28}-{1 + n % 28:02}T12:00:00Z"}}\n'
        for n in range(200)
    ]
    (tmp_path / "events.jsonl").write_text("".join(orders))
    (tmp_path / "repaired.jsonl").write_text("")
    (tmp_path / "mine.toml").write_text('zone = "Europe/Vienna"\n')
    (tmp_path / "routes.toml").write_text('[[route]]\nname = "crm"\nurl = "https://crm.example.com/lapse"\n')
    return tmp_path


def test_the_documentation_has_commands() -> None:
    assert {"make demo", "make test"} <= set(LINES)
    assert {shlex.split(line)[1] for line in OURS} == {command.name for command in commands()}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_ours_or_a_make_target(line: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if line.startswith("make "):
        assert line.split()[1] in targets
    else:
        assert "lapse " in line or line == "export LAPSE_BOOTSTRAP=kafka:9092"


@pytest.mark.parametrize("line", OURS)
def test_options_are_as_documented(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("LAPSE_BOOTSTRAP", "kafka:9092")
    given, unknown = build_parser().parse_known_args(shlex.split(line)[1:])
    assert not unknown
    problems = Problems()
    given.plan(given, problems)
    assert not problems.found


BACKTESTS = [line for line in OURS if line.startswith("lapse backtest events.jsonl")]


@pytest.mark.parametrize("line", [line for line in BACKTESTS if line.count("--policy") > 1])
def test_the_policy_lab_as_documented(line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)[1:]) == 0
    assert "came true" in capsys.readouterr().out
    assert (folder / "results" / "differences.jsonl").exists()


@pytest.mark.parametrize("line", [line for line in BACKTESTS if line.count("--policy") < 2])
def test_backtest_as_documented(line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)[1:]
    assert main(words) == 0
    assert "events" in capsys.readouterr().out
    wanted = {f"scores-{day}.csv" for flag, day in pairwise(words) if flag == "--score-at"}
    found = {path.name for path in (folder / "results").iterdir()}
    assert found == {"alerts.jsonl", "retention.jsonl", "dead.jsonl"} | wanted
    before = {path.name: path.read_bytes() for path in (folder / "results").iterdir()}
    assert main(words) == 0
    assert before == {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def test_backtest_reads_standard_input(folder: Path) -> None:
    words = [sys.executable, "-m", "stream.cli", "backtest", "-", "--out", "results"]
    given = (folder / "events.jsonl").read_bytes() + b"not json\n"
    done = subprocess.run(words, input=given, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert b"refused, not_json" in done.stdout
    assert len((folder / "results" / "dead.jsonl").read_bytes().splitlines()) == 1


def test_import_as_documented(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "complete-journey", "--half", "public", "--out", "public.jsonl"]) == 0
    lines = (folder / "public.jsonl").read_bytes().splitlines()
    assert capsys.readouterr().out.startswith(f"{len(lines):,} events")
    assert b"clock_advanced" in lines[-1]


def test_schemas_as_documented(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["schemas", "--check"]) == 0
    assert main(["schemas", "--dir", str(folder / "schemas")]) == 0
    assert main(["schemas", "--check", "--dir", str(folder / "schemas")]) == 0
    (folder / "schemas" / "churn.alerts.json").write_text("{}")
    capsys.readouterr()
    assert main(["schemas", "--check", "--dir", str(folder / "schemas")]) == 1
    assert "churn.alerts.json" in capsys.readouterr().out


def test_a_cluster_as_documented(
    folder: Path, bootstrap: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAPSE_BOOTSTRAP", bootstrap)
    assert main(["doctor"]) == 1, "no topics yet"
    assert "is missing" in capsys.readouterr().out
    assert main(["topics", "--check"]) == 1
    assert main(["topics", "--partitions", "24"]) == 0
    assert main(["topics", "--check"]) == 0
    assert main(["doctor"]) == 0
    port = free_port()
    words = [sys.executable, "-m", "stream.cli", "worker", "--policy", "mine.toml", "--http", f"127.0.0.1:{port}"]
    worker = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE)
    try:
        _await(f"http://127.0.0.1:{port}/readyz", worker)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"lapse_events_total" in answer.read()
    finally:
        worker.send_signal(signal.SIGTERM)
        _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0, told
    assert b"Traceback" not in told
    capsys.readouterr()
    assert main(["dead", "list", "--limit", "20"]) == 0
    assert capsys.readouterr().err == "0 refused\n"


def test_the_event_and_the_number_of_kinds_in_the_readme(folder: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"There are {len(Kind)} kinds of event" in readme
    event = re.search(r'^\{"id":"o-1".*\}$', readme, re.MULTILINE)
    assert event is not None
    (folder / "one.jsonl").write_text(event[0] + "\n")
    assert main(["backtest", "one.jsonl", "--out", "one"]) == 0
    assert not (folder / "one" / "dead.jsonl").read_bytes()
    assert {kind.name for kind in Kind} == {str(one["type"]) for one in examples.events().values()}


def test_the_readmes_figures_and_its_alert_are_the_demos() -> None:
    readme = (ROOT / "README.md").read_text()
    assert refresh.figures(readme) == readme, "run .venv/bin/python docs/refresh.py"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(path.read_text()):
        target = (path.parent / link).resolve()
        assert target.exists() or str(target.relative_to(ROOT)) in NOT_WRITTEN_HERE, link


def test_the_path_of_an_event_is_in_the_files_it_names() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"\]\(\.\./(stream/[a-z_/]+)\.py\) ((?:`[A-Za-z_.]+`(?:, )?)+)", text)
    assert len(rows) > 9
    for module, names in rows:
        source = (ROOT / f"{module}.py").read_text()
        importlib.import_module(module.replace("/", "."))
        for name in re.findall(r"`([A-Za-z_.]+)`", names):
            for part in name.split("."):
                assert re.search(rf"^ *(?:def|class) {part}\b", source, re.MULTILINE), f"{module}: {name}"
    for name in re.findall(r"`((?:core|wire|worker|tools)/[a-z_]+\.py)`", text):
        assert (ROOT / "stream" / name).exists(), name


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            with urllib.request.urlopen(url, timeout=60):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
