"""What each kind of event puts into the columns `amount`, `x`, `y` and `ref` of a batch.

Owns: the table KINDS, one line a kind, and the few ways in which fields become numbers. A column is filled for all
events of a kind at once. Knows nothing of bytes, keys or record timestamps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core import batch
from stream.core.batch import MARKETING, MARKETING_KNOWN, NONE, TRACKING, TRACKING_KNOWN
from stream.core.hashing import hash_of
from stream.core.kinds import Kind
from stream.core.money import Converter
from stream.wire.group import Group, Ints, Refused

LATEST_MS = 4_102_444_800_000  # 2100-01-01; a period that ends later has no end

PRIORITIES = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
_ALERT_ID = re.compile("[0-9a-f]{32}")
DEVICES = {"mobile": 1, "tablet": 2, "desktop": 3}


Column: TypeAlias = Callable[[Group], Ints]
Columns: TypeAlias = tuple[Ints, Ints, Ints, NDArray[np.uint64]]  # amount, x, y, ref


def nothing(group: Group) -> Ints:
    """Zeros: this kind has no use for the column."""
    return np.zeros(len(group), np.int64)


def money(name: str, absent: int = 0) -> Column:
    """An amount in minor units of the reporting currency."""

    def column(group: Group) -> Ints:
        amounts, missing = group.numbers(name)
        if missing.all():
            return np.full(len(amounts), absent, np.int64)
        minor = group.minor(name, amounts)
        minor[missing] = absent
        return minor

    return column


def number(name: str, scale: float = 1) -> Column:
    """A number, rounded after scaling, or the length of a list; NONE when absent. true and false are 1 and 0."""

    def column(group: Group) -> Ints:
        values, missing = group.numbers(name)
        whole = np.rint(values * scale).astype(np.int64)
        whole[missing] = NONE
        return whole

    return column


def instant(name: str) -> Column:
    """Epoch milliseconds, not later than LATEST_MS; NONE when absent."""

    def column(group: Group) -> Ints:
        when, missing = group.instants(name)
        when = np.minimum(np.maximum(when, 0), LATEST_MS)
        when[missing] = NONE
        return when

    return column


def code(name: str, codes: dict[str, int], default: int) -> Column:
    """The code of a name, `default` for one that isn't listed or absent."""
    return lambda group: group.codes(name, codes, default)


def flag_bits(**bits: int) -> Column:
    """The sum of the bits whose flags are true."""

    def column(group: Group) -> Ints:
        total = nothing(group)
        for name, bit in bits.items():
            total += bit * group.numbers(name)[0].astype(np.int64)
        return total

    return column


def consent(group: Group) -> Ints:
    """The consent bits of `batch`."""
    total = nothing(group)
    for name, known, yes in (
        ("consent_marketing", MARKETING_KNOWN, MARKETING),
        ("consent_tracking", TRACKING_KNOWN, TRACKING),
    ):
        said, missing = group.numbers(name)
        total += np.where(missing, 0, known + yes * said.astype(np.int64))
    return total


def unsubscribed(group: Group) -> Ints:
    """As `consent`, but marketing is known, and it is no."""
    return (consent(group) & ~MARKETING) | MARKETING_KNOWN


def constant(value: int) -> Column:
    """The same for every event of the kind."""
    return lambda group: np.full(len(group), value, np.int64)


def text_hash(name: str) -> Column:
    """The hash of a text >> 1, NONE when absent."""
    return lambda group: np.array([NONE if one is None else hash_of(one) >> 1 for one in group.texts(name)], np.int64)


def page(group: Group) -> Ints:
    """How the page loaded, and on what (bits of `batch`)."""
    bits = flag_bits(ok=batch.PAGE_OK, abandoned=batch.PAGE_ABANDONED)(group)
    return bits + (code("device", DEVICES, 0)(group) << batch.DEVICE_SHIFT)


def no_ref(group: Group) -> NDArray[np.uint64]:
    """Zeros."""
    return np.zeros(len(group), np.uint64)


def hashed(name: str) -> Callable[[Group], NDArray[np.uint64]]:
    """The hash of an id, 0 when absent."""
    return lambda group: group.hashes(name)


def checked(name: str) -> Callable[[Group], NDArray[np.uint64]]:
    """Zeros; but what is no id is refused."""
    return lambda group: group.hashes(name) & np.uint64(0)


class Layout(NamedTuple):
    """Where the columns of a kind come from."""

    amount: Column = nothing
    x: Column = nothing
    y: Column = nothing
    ref: Callable[[Group], NDArray[np.uint64]] = no_ref


def birthday(group: Group) -> NDArray[np.uint64]:
    """Month × 100 + day of MM-DD, 0 when absent."""
    return np.array([0 if one is None else int(one.replace("-", "")) for one in group.texts("birthday")], np.uint64)


def alert_id(group: Group) -> NDArray[np.uint64]:
    """The first half of an alert's id, which is what rows know; 0 for what is none."""
    given = (one if one is not None and _ALERT_ID.fullmatch(one) else "0" for one in group.texts("alert_id"))
    return np.array([int(one[:16], 16) for one in given], np.uint64)


_cart = Layout(money("amount"), number("items"))
_survey = Layout(x=number("score"), y=code("survey", {"nps": batch.NPS, "csat": batch.CSAT}, batch.NPS))
_ticket = Layout(x=code("category", {"complaint": 1}, 0), y=code("priority", PRIORITIES, 1), ref=hashed("ticket_id"))
_subscription = Layout(money("mrr", NONE), instant("period_end"), number("auto_renew"), hashed("subscription_id"))
_trial = Layout(x=instant("period_end"))
_payment = Layout(money("amount"), number("attempt"), number("final"))
_reward = Layout(money("amount"), number("points"), text_hash("reason"))
_campaign = Layout(money("cost"), ref=hashed("campaign"))
_alert = Layout(x=instant("until"), y=text_hash("sign"), ref=alert_id)

# a kind that isn't listed has zeros
KINDS: dict[Kind, Layout] = {
    Kind.profile_updated: Layout(money("acquisition_cost", NONE), consent, number("margin", 1e4), birthday),
    Kind.order_completed: Layout(money("amount"), money("cost", NONE), money("discount"), checked("order_id")),
    Kind.order_refunded: Layout(money("amount"), ref=hashed("order_id")),
    Kind.session: Layout(x=number("duration_s"), y=number("pages")),
    Kind.cart_updated: _cart,
    Kind.cart_abandoned: _cart,
    Kind.page_performance: Layout(x=number("load_ms"), y=page),
    Kind.survey_answered: _survey,
    Kind.review_posted: Layout(x=number("rating"), y=constant(batch.REVIEW)),
    Kind.ticket_opened: _ticket,
    Kind.ticket_replied: _ticket,
    Kind.ticket_resolved: _ticket,
    Kind.ticket_reopened: _ticket,
    Kind.subscription_started: _subscription,
    Kind.subscription_renewed: _subscription,
    Kind.subscription_changed: _subscription,
    Kind.subscription_cancelled: _subscription,
    Kind.trial_started: _trial,
    Kind.trial_ended: _trial,
    Kind.payment_failed: _payment,
    Kind.payment_recovered: _payment,
    Kind.reward_earned: _reward,
    Kind.reward_redeemed: _reward,
    Kind.referral_made: Layout(money("amount")),
    Kind.campaign_sent: _campaign,
    Kind.campaign_opened: _campaign,
    Kind.campaign_clicked: _campaign,
    Kind.unsubscribed: Layout(x=unsubscribed),
    Kind.consent_changed: Layout(x=consent),
    Kind.exit_survey: Layout(x=text_hash("reason")),
    Kind.service_cost: Layout(money("amount")),
    Kind.alert_muted: _alert,
    Kind.alert_acked: _alert,
}


def columns(kind: NDArray[np.uint8], group_of: Callable[[int, NDArray[np.int64]], Group]) -> Columns:
    """amount, x, y and ref of events of some kinds, filled one kind at a time.

    `group_of` gives the group of a kind's number and the positions of its events.
    """
    n = kind.size
    amount, x, y = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    ref = np.zeros(n, np.uint64)
    for number in np.flatnonzero(np.bincount(kind, minlength=1)).tolist():
        layout = KINDS.get(Kind(number))
        if layout is None:
            continue
        at = np.flatnonzero(kind == number)
        group = group_of(number, at)
        amount[at], x[at], y[at], ref[at] = (column(group) for column in layout)
    return amount, x, y, ref


@dataclass
class _Asked(Group):
    """One event that holds nothing, and the names of the fields it was asked for."""

    names: dict[str, None]

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        self.names[name] = None
        return np.zeros(1), np.zeros(1, bool)

    def texts(self, name: str) -> list[str | None]:
        self.names[name] = None
        return [None]

    def hashes(self, name: str) -> NDArray[np.uint64]:
        self.names[name] = None
        return np.zeros(1, np.uint64)

    def instants(self, name: str) -> tuple[Ints, NDArray[np.bool_]]:
        self.names[name] = None
        return np.zeros(1, np.int64), np.zeros(1, bool)


def fields_of(kind: Kind) -> list[str]:
    """The fields that make the columns of a kind."""
    asked = _Asked(np.zeros(1, np.int64), Converter("USD", {}), Refused(), {})
    columns(np.array([kind], np.uint8), lambda _number, _at: asked)
    return list(asked.names)
