"""The chances that are learned are what became of the alerts, counted again from a backtest's files."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stream import policies
from stream.cli import main
from stream.core.policy import parse
from stream.core.signs import Sign
from stream.tools import backtest, chances, lab
from stream.tools.history import History, batches

if TYPE_CHECKING:
    from pathlib import Path

POLICY = policies.load("simulated")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    file = tmp_path_factory.mktemp("made") / "events.jsonl"
    assert main(["simulate", "--customers", "400", "--days", "300", "--seed", "4", "--out", str(file)]) == 0
    return file.read_bytes().splitlines()


@pytest.fixture(scope="module")
def found(lines: list[bytes]) -> chances.Chances:
    return chances.chances(batches(lines, POLICY), POLICY)


def test_it_is_what_became_of_the_alerts(lines: list[bytes], found: chances.Chances, tmp_path: Path) -> None:
    backtest.run(lines, tmp_path, POLICY, [], lambda _: None)
    alerts = [json.loads(line)["data"] for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    last = max(datetime.fromisoformat(json.loads(line)["time"]).timestamp() for line in lines)
    ended = {one["alert_id"]: one["resolution"] for one in alerts if one["status"] == "resolved"}
    total: Counter[str] = Counter()
    churned: Counter[str] = Counter()
    for one in alerts:
        wait = POLICY.signs[Sign[one["sign"]]].horizon_days * 86_400
        age = last - POLICY.alert_grace_ms / 1000 - datetime.fromisoformat(one["event_time"]).timestamp()
        if one["status"] == "opened" and age >= wait and ended.get(one["alert_id"]) in lab.ENDED:
            total[one["sign"]] += 1
            churned[one["sign"]] += ended[one["alert_id"]] == "churned"
    learned = {sign: (one.ended, one.churned) for sign, one in found.signs.items()}
    wanted = {sign: (n, churned[sign]) for sign, n in total.items() if n >= chances.FEWEST and sign != "silent"}
    assert len(wanted) >= 3
    assert learned == wanted
    for sign, one in found.signs.items():
        before = POLICY.signs[Sign[sign]].chance
        assert one.chance == round((one.churned + 20 * before) / (one.ended + 20), 3)


def test_few_alerts_change_nothing_and_are_told(found: chances.Chances) -> None:
    assert found.few
    assert not set(found.few) & set(found.signs)
    assert "silent" not in found.few
    assert all(number < chances.FEWEST for number in found.few.values())


def test_out_of_order_no_chance_is_learned(lines: list[bytes]) -> None:
    mixed = chances.chances(batches(lines[::-1], POLICY), POLICY)
    assert not mixed.in_order
    text = chances.toml(mixed, 0.2, {Sign.buying_less_often: {"threshold": 3.5}})
    assert "no chances were learned" in text
    assert "chance =" not in text


def test_what_is_printed_is_a_policy(found: chances.Chances) -> None:
    text = chances.toml(found, 0.123, {Sign.buying_less_often: {"threshold": 3.5}})
    policy = parse(f"segments = {json.dumps(POLICY.segments[1:])}\n{text}", "learned")
    assert policy.base_rate == 0.123
    assert policy.signals.rarer == 3.5
    for sign, one in found.signs.items():
        assert policy.signs[Sign[sign]].chance == one.chance


def test_the_base_rate_is_that_of_a_slow_count() -> None:
    rng = np.random.default_rng(5)
    own = [np.unique(rng.integers(0, 400, rng.integers(1, 30))) for _ in range(40)]
    starts = np.concatenate([[0], np.cumsum([one.size for one in own])])
    past = History(
        [str(c) for c in range(40)],
        np.concatenate(own),
        np.zeros(starts[-1]),
        np.zeros(starts[-1], int),
        starts,
        0,
        399,
    )
    policy = parse("active_days = 56\n", "plain")
    looked = none = 0
    for cut in range(90, 399 - 28 + 1, 7):
        for days in own:
            if any(cut - 56 < day <= cut for day in days):
                looked += 1
                none += not any(cut < day <= cut + 28 for day in days)
    assert chances.base_rate(past, policy) == round(none / looked, 3)
