"""What each kind of event puts into the columns `amount`, `x`, `y` and `ref` of a batch.

Owns: the table KINDS, one line a kind, and the few ways in which fields become numbers. A column is filled for all
events of a kind at once. Knows nothing of bytes, keys or record timestamps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stream.core import batch
from stream.core.batch import MARKETING, MARKETING_KNOWN, NONE, TRACKING, TRACKING_KNOWN
from stream.core.hashing import hash_of, spans
from stream.core.kinds import Kind
from stream.core.money import Converter, Fault, minor_digits
from stream.wire import times
from stream.wire.dead import Reason
from stream.wire.explain import found

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints: TypeAlias = NDArray[np.int64]
LATEST_MS = 4_102_444_800_000  # 2100-01-01; a period that ends later has no end

PRIORITIES = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
DEVICES = {"mobile": 1, "tablet": 2, "desktop": 3}


@dataclass(slots=True)
class Refused:
    """The events of a batch that turned out to be bad: position → reason and detail, the first that was found."""

    by_position: dict[int, tuple[Reason, str]] = field(default_factory=dict)

    def add(self, position: int, reason: Reason, detail: str) -> None:
        """Refuse one event."""
        self.by_position.setdefault(position, (reason, detail))


@dataclass
class Group:
    """The events of one kind in a batch, and their positions in it."""

    events: Sequence[Any]
    positions: NDArray[np.int64]
    money: Converter
    refused: Refused

    def get(self, name: str) -> list[Any]:
        """One field of all events."""
        return list(map(attrgetter(name), self.events))

    def refuse(self, mask: NDArray[np.bool_], reason: Reason, say: Callable[[int], str]) -> None:
        """Refuse the events where `mask` holds; `say` gives the detail of the event of that index in the group."""
        for i in np.flatnonzero(mask).tolist():
            self.refused.add(int(self.positions[i]), reason, say(i))

    @cached_property
    def currencies(self) -> tuple[list[str], set[str]]:
        """The currency of each event, and which there are. One without a rate is refused and counts as the policy's."""
        codes = [code or self.money.currency for code in self.get("currency")]
        distinct = set(codes)
        for strange in [code for code in distinct if not self.money.knows(code)]:
            rates = ", ".join(self.money.known)
            detail = f"currency: expected one that the policy has a rate for ({rates}), found {found(strange)}"
            for position, code in zip(self.positions.tolist(), codes, strict=True):
                if code == strange:
                    self.refused.add(position, Reason.bad_field, detail)
            codes = [self.money.currency if code == strange else code for code in codes]
        return codes, set(codes)

    def minor(self, name: str, amounts: NDArray[np.float64]) -> Ints:
        """Amounts of a field in minor units of the reporting currency."""
        codes, distinct = self.currencies
        if len(distinct) == 1:
            minor, faults = self.money.convert(amounts, codes[0])
        else:
            minor, faults = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.uint8)
            for code in distinct:
                mine = np.array([other == code for other in codes])
                minor[mine], faults[mine] = self.money.convert(amounts[mine], code)
        if faults.any():
            self.refuse(
                faults == Fault.inexact,
                Reason.bad_field,
                lambda i: f"{name}: {codes[i]} has {minor_digits(codes[i])} decimals, found {amounts[i]}",
            )
            self.refuse(
                faults == Fault.too_large,
                Reason.amount_out_of_range,
                lambda i: f"{name}: too large in {self.money.currency}, found {amounts[i]} {codes[i]}",
            )
        return minor


Column: TypeAlias = Callable[[Group], Ints]


def _numbers(values: list[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values with 0 for None, and where those are. NumPy reads None as NaN, which no JSON number is."""
    numbers = np.fromiter(values, np.float64, len(values))
    missing = np.isnan(numbers)
    numbers[missing] = 0
    return numbers, missing


def nothing(group: Group) -> Ints:
    """Zeros: this kind has no use for the column."""
    return np.zeros(len(group.events), np.int64)


def money(name: str, absent: int = 0) -> Column:
    """An amount in minor units of the reporting currency."""

    def column(group: Group) -> Ints:
        amounts, missing = _numbers(group.get(name))
        if missing.all():
            return np.full(len(amounts), absent, np.int64)
        minor = group.minor(name, amounts)
        minor[missing] = absent
        return minor

    return column


def number(name: str, scale: float = 1) -> Column:
    """A number, rounded after scaling, or the length of a list; NONE when absent. true and false are 1 and 0."""

    def column(group: Group) -> Ints:
        given = [len(value) if isinstance(value, list) else value for value in group.get(name)]
        values, missing = _numbers(given)
        whole = np.rint(values * scale).astype(np.int64)
        whole[missing] = NONE
        return whole

    return column


def instant(name: str) -> Column:
    """Epoch milliseconds, not later than LATEST_MS; NONE when absent."""

    def column(group: Group) -> Ints:
        values = group.get(name)
        missing = [i for i, value in enumerate(values) if value is None]
        if len(missing) == len(values):
            return np.full(len(values), NONE, np.int64)
        when = instants([0 if value is None else value for value in values])
        group.refuse(when == times.UNREADABLE, Reason.bad_field, lambda i: unreadable(name, values[i]))
        when = np.minimum(np.maximum(when, 0), LATEST_MS)
        when[missing] = NONE
        return when

    return column


def code(name: str, codes: dict[str, int], default: int) -> Column:
    """The code of a name, `default` for one that isn't listed or absent."""

    def column(group: Group) -> Ints:
        return np.array([codes.get(value, default) for value in group.get(name)], np.int64)

    return column


def flag_bits(**bits: int) -> Column:
    """The sum of the bits whose flags are true."""

    def column(group: Group) -> Ints:
        total = nothing(group)
        for name, bit in bits.items():
            total += bit * np.array(group.get(name), np.int64)
        return total

    return column


def consent(group: Group) -> Ints:
    """The consent bits of `batch`."""
    marketing = {None: 0, False: MARKETING_KNOWN, True: MARKETING_KNOWN | MARKETING}
    tracking = {None: 0, False: TRACKING_KNOWN, True: TRACKING_KNOWN | TRACKING}
    pairs = zip(group.get("consent_marketing"), group.get("consent_tracking"), strict=True)
    return np.array([marketing[mine] | tracking[other] for mine, other in pairs], np.int64)


def unsubscribed(group: Group) -> Ints:
    """As `consent`, but marketing is known, and it is no."""
    return (consent(group) & ~MARKETING) | MARKETING_KNOWN


def constant(value: int) -> Column:
    """The same for every event of the kind."""
    return lambda group: np.full(len(group.events), value, np.int64)


def text_hash(name: str) -> Column:
    """The hash of a text >> 1, NONE when absent."""
    return lambda group: np.array([NONE if one is None else hash_of(one) >> 1 for one in group.get(name)], np.int64)


def page(group: Group) -> Ints:
    """How the page loaded, and on what (bits of `batch`)."""
    bits = flag_bits(ok=batch.PAGE_OK, abandoned=batch.PAGE_ABANDONED)(group)
    return bits + (code("device", DEVICES, 0)(group) << batch.DEVICE_SHIFT)


class Layout(NamedTuple):
    """Where the columns of a kind come from; `ref` names the field whose hash goes there."""

    amount: Column = nothing
    x: Column = nothing
    y: Column = nothing
    ref: str | None = None


_cart = Layout(money("amount"), number("items"))
_survey = Layout(x=number("score"), y=code("survey", {"nps": batch.NPS, "csat": batch.CSAT}, batch.NPS))
_ticket = Layout(x=code("category", {"complaint": 1}, 0), y=code("priority", PRIORITIES, 1), ref="ticket_id")
_subscription = Layout(money("mrr", NONE), instant("period_end"), number("auto_renew"), "subscription_id")
_trial = Layout(x=instant("period_end"))
_payment = Layout(money("amount"), number("attempt"), number("final"))
_reward = Layout(money("amount"), number("points"), text_hash("reason"))
_campaign = Layout(money("cost"), ref="campaign")
_alert = Layout(x=instant("until"), y=text_hash("sign"), ref="alert_id")

# a kind that isn't listed has zeros
KINDS: dict[Kind, Layout] = {
    Kind.profile_updated: Layout(money("acquisition_cost", NONE), consent, number("margin", 1e4)),
    Kind.order_completed: Layout(money("amount"), money("cost", NONE), money("discount"), "order_id"),
    Kind.order_refunded: Layout(money("amount"), ref="order_id"),
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


def joined(texts: list[str]) -> bytes | None:
    """The texts' UTF-8 joined by NUL; None when one of them holds a NUL itself."""
    data = "\x00".join(texts).encode()
    return data if data.count(0) == max(len(texts) - 1, 0) else None


def refs(group: Group, name: str) -> NDArray[np.uint64]:
    """The hashes of an id field, 0 where it is absent."""
    values = group.get(name)
    texts = [value or "" for value in values]
    data = joined(texts)
    if data is None:
        group.refuse(
            np.array(["\x00" in text for text in texts]),
            Reason.bad_field,
            lambda _: f"{name}: must not contain the character NUL",
        )
        data = joined([text.replace("\x00", "") for text in texts])
        assert data is not None
    starts, hashes = spans(data, len(texts))
    hashes[np.diff(starts) == 1] = 0
    return hashes


def instants(values: Sequence[str | int]) -> Ints:
    """Epoch milliseconds, times.UNREADABLE for each that is neither an integer nor RFC 3339."""
    try:
        data = joined(values)  # type: ignore[arg-type]  # the common case: all are text
    except TypeError:
        texts = [value if isinstance(value, str) else "" for value in values]
        whole = np.array([times.UNREADABLE if isinstance(value, str) else value for value in values], np.int64)
        return np.where(whole == times.UNREADABLE, instants(texts), whole)
    if data is None:
        return instants([str(value).replace("\x00", " ") for value in values])
    return times.parse(data, len(values))


def unreadable(name: str, value: object) -> str:
    """What to say of an instant that can't be read."""
    return f"{name}: expected RFC 3339 with a zone (2017-08-25T18:42:10Z) or epoch milliseconds, found {found(value)}"
