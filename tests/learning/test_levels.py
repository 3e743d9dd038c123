"""The thresholds that spend the alert budget, against every level tried one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from stream import policies
from stream.cli import main
from stream.core.policy import Policy, parse
from stream.core.signs import Sign
from stream.tools import chances, levels
from stream.tools.history import batches
from stream.tools.replay import Replay

POLICY = policies.load("simulated")
BUDGET = 0.03
DAYS = 250


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    file = tmp_path_factory.mktemp("made") / "events.jsonl"
    words = ["simulate", "--customers", "250", "--days", str(DAYS), "--seed", "6", "--out", str(file)]
    assert main(words) == 0
    return file.read_bytes().splitlines()


def opened(lines: list[bytes], policy: Policy, sign: Sign) -> int:
    replay = Replay(policy)
    replay.run(batches(lines, policy))
    return sum(alert.sign == sign.name and alert.status == "opened" for alert in replay.alerts)


def test_the_level_found_is_the_one_that_fires_most_within_the_budget(lines: list[bytes]) -> None:
    found = levels.levels_for(partial(batches, lines, POLICY), POLICY, BUDGET)
    customers = len({line.split(b'"customer_id":"')[1].split(b'"')[0] for line in lines if b'"customer_id":"' in line})
    most = BUDGET * customers * DAYS / 28
    assert found, "no sign fires: this proves nothing"
    for sign, level in found.items():
        assert opened(lines, levels.with_levels(POLICY, {sign: level}), sign) <= most * 1.01
        if level > 0:
            assert opened(lines, levels.with_levels(POLICY, {sign: level - 1}), sign) > most * 0.99


def test_a_sign_that_is_off_or_hardly_fires_is_left_out(lines: list[bytes]) -> None:
    rules = [
        replace(rule, enabled=sign is not Sign.engaging_less) for sign, rule in zip(Sign, POLICY.signs, strict=True)
    ]
    off = replace(POLICY, signs=tuple(rules))
    assert Sign.engaging_less not in levels.levels_for(partial(batches, lines, off), off, BUDGET)
    few = [line for line in lines if b'"c00001' in line]
    assert not levels.levels_for(partial(batches, few, POLICY), POLICY, BUDGET)


@pytest.mark.parametrize("sign", levels.SIGNS)
@pytest.mark.parametrize("level", [0, len(levels.LEVELS) - 1])
def test_what_is_printed_of_a_level_is_that_level(sign: Sign, level: int) -> None:
    nothing = chances.Chances({}, {}, {}, 0.0)
    text = chances.toml(nothing, None, {sign: levels.keys(sign, level)})
    assert parse(text, "pasted").signals == levels.with_levels(Policy("default"), {sign: level}).signals
