from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stream.cli import main
from stream.core.kinds import NAMES
from stream.policies import load
from stream.tools import simulate
from stream.tools.simulate.life import Written
from stream.tools.simulate.scenarios import SCENARIOS
from stream.tools.simulate.spill import Spill
from stream.wire.decode import decode

SIGNS = {
    "silent", "buying_less_often", "spending_less", "engaging_less", "never_activated", "cooling", "detractor",
    "complaint", "payment_failed", "cancelling", "poor_experience", "abandoning", "neglected",
}  # fmt: skip
CUSTOMERS, DAYS, SEED = 60, 300, 14


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "events.jsonl"
    simulate.write(CUSTOMERS, DAYS, SEED, out)
    return out


@pytest.fixture(scope="module")
def events(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def truth(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in simulate.truth_of(made).read_bytes().splitlines()]


def test_every_kind_of_event_comes_in_order_of_time_and_none_is_refused(
    made: Path, events: list[dict[str, Any]]
) -> None:
    assert {event["type"] for event in events} == set(NAMES)
    times = [event["time"] for event in events]
    assert times == sorted(times)
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    batch, dead = decode(made.read_bytes().splitlines(), None, 2_000_000_000_000, None, load("simulated"))
    assert dead == []
    assert len(batch) == len(events)


def test_the_same_seed_gives_the_same_bytes_and_another_others(made: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.jsonl", tmp_path / "other.jsonl"
    simulate.write(CUSTOMERS, DAYS, SEED, again)
    simulate.write(CUSTOMERS, DAYS, SEED + 1, other)
    assert again.read_bytes() == made.read_bytes()
    assert simulate.truth_of(again).read_bytes() == simulate.truth_of(made).read_bytes()
    assert other.read_bytes() != made.read_bytes()
    left = {"again.jsonl", "other.jsonl", "again.jsonl.truth.jsonl", "other.jsonl.truth.jsonl"}
    assert {path.name for path in tmp_path.iterdir()} == left, "nothing in between is left"


def test_every_sign_has_who_must_raise_it_who_must_not_and_whose_ends(truth: list[dict[str, Any]]) -> None:
    assert {one.sign for one in SCENARIOS if one.resolution in {"returned", "recovered"}} == SIGNS
    for must, fires in (("fire", True), ("not_fire", False)):
        assert {one.sign for one in SCENARIOS if one.fires is fires} == SIGNS
        assert {one["sign"] for one in truth if one.get("must") == must} == SIGNS
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    assert max(one.needs_days for one in SCENARIOS) <= DAYS
    for one in truth:
        if one["truth"] == "scenario":
            assert "2024-01-01" <= one["since"] <= one["until"] <= str(date(2024, 10, 26))


def test_who_left_does_nothing_more(events: list[dict[str, Any]], truth: list[dict[str, Any]]) -> None:
    theirs = {"order_completed", "session", "feature_used", "content_viewed", "cart_updated", "page_performance"}
    last: defaultdict[str, str] = defaultdict(str)
    for event in events:
        if event["type"] in theirs:
            last[event["customer_id"]] = event["time"][:10]
    gone = [one for one in truth if one.get("left")]
    assert len(gone) > CUSTOMERS / 10
    for one in gone:
        assert last[one["customer_id"]] <= one["left"], one
    assert all(one["reason"] for one in gone)


def test_events_that_went_to_disk_come_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.tools.simulate.spill.HELD", 2)
    spill = Spill(tmp_path)
    spill.add(1, [Written(90_000, b"late"), Written(5, b"one"), Written(5, b"two")])
    spill.add(0, [Written(5, b"zero")])
    assert list(spill.lines()) == [(0, [b"zero\n", b"one\n", b"two\n"]), (1, [b"late\n"])]
    assert list(tmp_path.iterdir()) == []


def test_alerts_are_held_against_the_truth(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--simulated", str(made), "--policy", "simulated", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["customers"] == CUSTOMERS
    assert len(found["scenarios"]) == len(SCENARIOS)
    assert [one for one in found["scenarios"] if not one["right"]] == []
    silent = next(one for one in found["signs"] if one["sign"] == "silent")
    assert silent["opened"] > 0
    assert 0 <= silent["right"]["value"] <= 1


# one alert for each thing that can be said, each checked by hand against the scenario's script
SAYS = {
    "silent-fires-stops": "38 days without an order; 8 of 10 of their gaps end within 10 days",
    "buying_less_often-fires-stretches":
        "28 days between the last two purchases, where 8.9 days are usual, and not for the first time",
    "spending_less-fires-shrinks": "spends 134.47 USD in four weeks, where 338.12 USD is usual",
    "engaging_less-fires-fades":
        "12 days between the last two visits, where 1.6 days are usual, and not for the first time",
    "never_activated-fires-one-use": "2 uses in the first 14 days; 3 are a beginning",
    "cooling-fires-nine-seven": "7 of 10 (NPS), after 9 the time before",
    "detractor-fires-four": "4 of 10 (NPS)",
    "detractor-fires-two-stars": "2 of 5 (a review)",
    "detractor-fires-csat-two": "2 of 5 (CSAT)",
    "complaint-fires-open": "a ticket (normal priority) has been open for 72 hours; 72 hours was the target",
    "complaint-fires-repeated": "3 complaints within 30 days",
    "payment_failed-fires-dunning": "a charge failed today and has not gone through",
    "cancelling-fires-cancels": "cancelled a subscription",
    "cancelling-fires-auto-renew": "switched off the renewal of a subscription",
    "cancelling-fires-plan-cut": "moved to a smaller plan",
    "cancelling-fires-unsubscribes": "unsubscribed from messages",
    "poor_experience-fires-slow": "52% of their pages lately were slow, failed or given up on; 10% over all",
    "abandoning-fires-carts": "left or gave back about 2.7 carts in four weeks, where 0.4 is usual",
    "neglected-fires-for-months": "nobody was in touch for 60 days",
}  # fmt: skip


def test_each_sign_says_why_in_words(tmp_path: Path) -> None:
    events, out = tmp_path / "events.jsonl", tmp_path / "out"
    simulate.write(1, DAYS, SEED, events)
    assert main(["backtest", str(events), "--out", str(out), "--policy", "simulated"]) == 0
    said: dict[str, str] = {}
    for line in (out / "alerts.jsonl").read_text().splitlines():
        alert = json.loads(line)["data"]
        case = alert["customer_id"].removeprefix("s-")
        if alert["status"] == "opened" and case.partition("-")[0] == alert["sign"]:
            said.setdefault(case, alert["signs"][0]["says"])
    assert {case: said.get(case) for case in SAYS} == SAYS


def test_a_wrong_verdict_says_what_happened(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, truth_file = tmp_path / "e.jsonl", tmp_path / "e.jsonl.truth.jsonl"
    events.write_bytes(made.read_bytes())
    lines = [json.loads(line) for line in simulate.truth_of(made).read_bytes().splitlines()]
    for one in lines:
        if one.get("customer_id") == "s-silent-quiet-newcomer":
            one |= {"must": "fire"}
    truth_file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert main(["evaluate", "--simulated", str(events), "--policy", "simulated"]) == 1
    told = capsys.readouterr().out
    assert "s-silent-quiet-newcomer: came three times" in told
    assert "happened: nothing" in told
    truth_file.write_text("{}\n")
    assert main(["evaluate", "--simulated", str(events)]) == 1
    assert "is no truth of `lapse simulate`" in capsys.readouterr().err
