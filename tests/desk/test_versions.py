"""The desk goes by the version of the policy that the workers go by."""

from __future__ import annotations

from datetime import date

import pytest

from stream.core.calendar import calendar, day_of
from stream.core.policy import Policy
from stream.desk.aggregates import targets
from stream.desk.model import Desk
from stream.desk.stories import policy_view
from stream.desk.versions import take_version
from stream.wire.policies import encode

MARCH = date(2026, 3, 1)
LATER = date(2026, 4, 1)


def put(desk: Desk, text: str, name: str, since: date) -> None:
    take_version(desk)(*encode(text, name, since, "2026-02-20T09:00:00Z"), 0)


def go_to(desk: Desk, day: date) -> None:
    """One partition's clock is in the middle of a day, another is far behind."""
    noon = calendar("UTC").start_ms(day_of(day)) + 12 * 3_600_000
    desk.heads = {0: (noon, 0), 1: (noon - 90 * 86_400_000, 0)}


@pytest.fixture
def desk() -> Desk:
    desk = Desk(Policy("first"))
    put(desk, "[signs.spending_less]\nshare = 0.25\n[targets.crr]\nall = 0.9\n", "spring", MARCH)
    put(desk, "[signs.spending_less]\nshare = 0.15\n", "summer", LATER)
    return desk


def share(desk: Desk) -> object:
    return next(one.value for one in policy_view(desk).settings if one.name == "signs.spending_less.share")


def test_each_day_has_its_version(desk: Desk) -> None:
    assert (policy_view(desk).name, share(desk)) == ("first", 0.4), "no worker has said anything yet"
    for day, name, value in (
        (date(2026, 2, 28), "first", 0.4), (MARCH, "spring", 0.25), (date(2026, 3, 31), "spring", 0.25),
        (LATER, "summer", 0.15),
    ):  # fmt: skip
        go_to(desk, day)
        view = policy_view(desk)
        assert (view.name, share(desk)) == (name, value)
        assert [one.name for one in view.versions if one.in_force] == [name]
        assert [one.since for one in view.versions] == [None, MARCH, LATER]
        assert targets(desk.policy, "all").crr == (0.9 if name == "spring" else None)


def test_what_is_taken_back_or_no_version_is_left_out(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    go_to(desk, LATER)
    take_version(desk)(b"2026-04-01", None, 0)
    assert policy_view(desk).name == "spring"
    take_version(desk)(b"2026-03-15", b"no version", 0)
    take_version(desk)(b"never", None, 0)
    put(desk, 'zone = "Europe/Vienna"', "moved", date(2026, 3, 20))
    assert [one.name for one in policy_view(desk).versions] == ["first", "spring"]
    assert len(caplog.records) == 3
    assert "zone can't change" in caplog.text
