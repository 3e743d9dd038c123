from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream.cli import main
from tests.core.test_schedule import MILD, lines


def test_two_policies_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The mild one calls the three shoppers earlier; a base of one purchase day more or less makes the difference."""
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines()) + b"\n")
    (tmp_path / "mild.toml").write_text("[signs.silent]\ntheta = 0.2\n")
    (tmp_path / "deaf.toml").write_text("[signs.silent]\ntheta = 0.2\nmin_purchase_days = 10\n")
    out = tmp_path / "out"
    names = [str(tmp_path / name) for name in ("mild.toml", "deaf.toml")]
    assert main(["backtest", str(tmp_path / "events.jsonl"), "--out", str(out), *both(names)]) == 0
    told = capsys.readouterr().out
    assert f"1 mild ({MILD.hash}): 1 alerts that no other opens" in told
    assert "2 deaf" in told
    (only,) = [json.loads(line) for line in (out / "differences.jsonl").read_bytes().splitlines()]
    assert (only["customer_id"], only["sign"], only["opened_by"]) == ("before", "silent", ["1-mild"])
    assert only["resolution"] == "churned"
    assert only["says"]
    alone = tmp_path / "alone"
    assert main(["backtest", str(tmp_path / "events.jsonl"), "--out", str(alone), "--policy", names[0]]) == 0
    assert (alone / "alerts.jsonl").read_bytes() == (out / "1-mild" / "alerts.jsonl").read_bytes()


def both(names: list[str]) -> list[str]:
    return [word for name in names for word in ("--policy", name)]


def test_what_a_lab_cannot_do(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["backtest", "-", "--out", "x", "--score-at", "2024-01-01", *both(["default", "simulated"])]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "give a file" in told
