"""A record beside its own history, and beside what the policy wants (definitions V6, V7)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from msgspec.structs import replace

from stream.core import comparing
from stream.core.policy import parse
from stream.core.retention import Record
from stream.wire import encode, examples

POLICY = parse(
    "segments = ['young']\n[targets.crr]\nall = 0.7\nyoung = 0.5\n[targets.acceptable_churn]\nall = 0.3", "test"
)


def month(year: int, number: int, **fields: Any) -> Record:
    return replace(examples.record(), start=date(year, number, 1), **fields)


def shown(record: Record, *others: Record) -> dict[str, Any]:
    earlier = comparing.among([record, *others])
    value: dict[str, Any] = json.loads(encode.record(record, comparing.beside(record, earlier, POLICY))[1])
    return value


def test_a_record_is_held_against_its_own_history() -> None:
    """By hand: CRR 60 % after 50 % and, a year ago, nothing that is known: it was warmup."""
    counts = examples.record().counts
    july = month(2017, 7, crr=0.5, churn=0.5, counts=counts | {"lost": 500})
    year_ago = month(2016, 8, crr=None, crr_strict=None, churn=None, warmup=True)
    found = shown(month(2017, 8), july, year_ago, month(2017, 6, crr=0.1))
    before, long_before = found["before"], found["year_before"]
    assert (before["start"], before["crr"], before["lost"], before["lost_change"]) == ("2017-07-01", 0.5, 500, -110)
    assert round(before["crr_change"], 9) == 0.1
    assert round(before["churn_change"], 9) == -0.11
    assert long_before["start"] == "2016-08-01"
    assert long_before["crr_change"] is None
    assert long_before["lost_change"] == 0


def test_only_what_is_over_is_compared() -> None:
    july = month(2017, 7)
    assert shown(month(2017, 8, provisional=True, final=False), july)["before"] is None
    assert shown(month(2017, 8), replace(july, provisional=True))["before"] is None
    assert shown(month(2017, 8), replace(july, segment="young"))["before"] is None


def test_a_day_is_held_against_the_same_weekday() -> None:
    today = replace(examples.record(), period="day", start=date(2017, 8, 12))
    found = shown(
        today, *(replace(today, start=day) for day in (date(2017, 8, 5), date(2017, 8, 11), date(2016, 8, 13)))
    )
    assert found["before"]["start"] == "2017-08-05"
    assert found["year_before"]["start"] == "2016-08-13"
    assert found["wanted"] is None, "targets are a month's"


def test_a_month_is_held_against_what_is_wanted() -> None:
    """60 % where 70 % are wanted, 39 % lost where 30 % are accepted; of the young 50 % are wanted."""
    wanted = shown(month(2017, 8))["wanted"]
    assert (wanted["crr"], wanted["acceptable_churn"]) == (0.7, 0.3)
    assert (round(wanted["crr_over"], 9), round(wanted["churn_over"], 9)) == (-0.1, 0.09)
    assert round(shown(month(2017, 8, segment="young"))["wanted"]["crr_over"], 9) == 0.1
