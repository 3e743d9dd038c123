"""The event union: the wire contract of `customer.events`, one typed struct a kind.

Owns: which kinds there are, their stable numbers, and what each field may hold. An event checks itself when it is
built. Knows nothing of bytes, Kafka or rows; what two fields mean together with the policy (a currency without a
rate, an amount finer than its minor unit) is the wire's to say.

Every field that a business may not have is optional: an event is refused only when it would mean nothing.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, TypeAlias, cast

from msgspec import Meta, Struct

from stream.core.fields import Amount, Birthday, Count, Currency, Id, Instant, Items, Name, Quantity
from stream.core.kinds import NAMES, Kind

__all__ = ["NAMES", "STRUCTS", "AnyEvent", "Kind"]  # and the structs, by way of STRUCTS

_SCORES = {"nps": (0, 10), "csat": (1, 5)}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Event(Struct, kw_only=True, gc=False, tag_field="type", tag=_snake):
    """What every event of a customer carries.

    `id` is unique per `source`; `segment` and `variant` (of an experiment) hold from `time` on.
    """

    id: Id
    customer_id: Id
    time: Instant
    source: Name | None = None
    segment: Name | None = None
    variant: Name | None = None


class ClockAdvanced(Struct, kw_only=True, gc=False, tag_field="type", tag=_snake):
    """Moves a partition's clocks to `time` and does nothing else; of no customer, one per partition."""

    id: Name = ""
    time: Instant
    source: Name | None = None
    customer_id: ClassVar[str] = ""
    segment = variant = None


class ProfileUpdated(Event):
    """What is known of the customer; an absent field leaves it as it was. `margin` is a share, 0 to 1."""

    acquired_via: Name | None = None
    acquisition_cost: Amount | None = None
    currency: Currency | None = None
    consent_marketing: bool | None = None
    consent_tracking: bool | None = None
    account_id: Name | None = None
    referred_by: Name | None = None
    birthday: Birthday | None = None
    margin: Annotated[float, Meta(ge=0, le=1)] | None = None


class OrderCompleted(Event):
    """An order that was paid: `amount` is what was paid, `discount` was taken off before, `cost` is the seller's."""

    amount: Amount
    currency: Currency | None = None
    order_id: Id | None = None
    items: Items | None = None
    categories: list[str] | None = None
    discount: Amount | None = None
    cost: Amount | None = None
    coupon: Name | None = None


class OrderRefunded(Event):
    """Money given back, wholly or in part; it counts on the day of the refund."""

    amount: Amount
    currency: Currency | None = None
    order_id: Id | None = None
    items: Items | None = None
    reason: Name | None = None


class Session(Event):
    """A visit, told when it ends: `duration_s` seconds, `pages` pages."""

    duration_s: Quantity | None = None
    pages: Count | None = None
    channel: Name | None = None


class FeatureUsed(Event):
    """A feature of the product was used."""

    name: Name | None = None


class ContentViewed(FeatureUsed):
    """Content was read, seen or heard."""


class ContentShared(FeatureUsed):
    """Content was passed on to others."""


class CartUpdated(Event):
    """What the cart holds now."""

    amount: Amount | None = None
    currency: Currency | None = None
    items: Items | None = None


class CartAbandoned(CartUpdated):
    """A cart was left behind."""


class PagePerformance(Event):
    """How a page loaded for the customer: `load_ms` milliseconds, `abandoned` when they left before it was there."""

    load_ms: Quantity
    ok: bool = True
    device: Name | None = None
    abandoned: bool = False


class SurveySent(Event):
    """A survey was put to the customer."""

    survey: Name | None = None


class FeedbackAnswered(Event):
    """Somebody answered the customer's feedback; `ref` is the review or ticket that was answered."""

    ref: Id | None = None


class SurveyAnswered(Event):
    """A score: `nps` 0 to 10, `csat` 1 to 5."""

    survey: Literal["nps", "csat"]
    score: Annotated[int, Meta(ge=0, le=10)]
    text: str | None = None

    def __post_init__(self) -> None:
        low, high = _SCORES[self.survey]
        if not low <= self.score <= high:
            raise ValueError(f"score of {self.survey} goes from {low} to {high}, found {self.score}")


class ReviewPosted(Event):
    """A public review: 1 to 5 stars."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    text: str | None = None


class TicketOpened(Event):
    """A customer asked for help: `category` complaint, question …; `priority` low, normal, high, urgent."""

    ticket_id: Id
    category: Name | None = None
    priority: Name | None = None
    channel: Name | None = None


class TicketReplied(TicketOpened):
    """Staff answered a ticket."""


class TicketResolved(TicketOpened):
    """A ticket was closed."""


class TicketReopened(TicketOpened):
    """A closed ticket was not settled after all."""


class ProgrammeJoined(Event):
    """The customer became a member of a loyalty programme."""

    programme: Name | None = None
    tier: Name | None = None


class ProgrammeLeft(ProgrammeJoined):
    """The customer left a loyalty programme."""


class SubscriptionStarted(Event):
    """A subscription began: `mrr` is its revenue a month, paid until `period_end`."""

    subscription_id: Id
    plan: Name | None = None
    mrr: Amount | None = None
    currency: Currency | None = None
    period_end: Instant | None = None
    auto_renew: bool | None = None
    reason: Name | None = None


class SubscriptionRenewed(SubscriptionStarted):
    """A subscription goes on for another period."""


class SubscriptionChanged(SubscriptionStarted):
    """Another plan, price or period; all that is absent is as before."""


class SubscriptionCancelled(SubscriptionStarted):
    """A subscription was given up; it lives until `period_end` if that is given."""


class TrialStarted(Event):
    """A trial began; it ends at `period_end`."""

    period_end: Instant | None = None


class TrialEnded(TrialStarted):
    """A trial is over."""


class PaymentFailed(Event):
    """A charge did not go through; `final` when it will not be tried again."""

    amount: Amount | None = None
    currency: Currency | None = None
    attempt: Count | None = None
    final: bool = False


class PaymentRecovered(PaymentFailed):
    """A charge that had failed went through."""


class RewardEarned(Event):
    """Points or money of a programme; `reason` purchase, review, referral …."""

    points: Count | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    reason: Name | None = None


class RewardRedeemed(RewardEarned):
    """Points or money of a programme were spent."""


class ReferralMade(Event):
    """The customer brought another; `amount` is what that was worth."""

    referred_customer_id: Id | None = None
    amount: Amount | None = None
    currency: Currency | None = None


class CampaignSent(Event):
    """A message of a campaign went to the customer; `cost` is that of this one message."""

    campaign: Name | None = None
    channel: Name | None = None
    cost: Amount | None = None
    currency: Currency | None = None


class CampaignOpened(CampaignSent):
    """The customer opened a message of a campaign."""


class CampaignClicked(CampaignSent):
    """The customer followed a link of a campaign."""


class Unsubscribed(Event):
    """No more marketing, whatever else the event says of consent."""

    channel: Name | None = None
    consent_marketing: bool | None = None
    consent_tracking: bool | None = None


class ConsentChanged(Unsubscribed):
    """What the customer allows; an absent field leaves it as it was."""


class ExitSurvey(Event):
    """Why the customer leaves, in their words."""

    reason: Name | None = None
    text: str | None = None


class ServiceCost(Event):
    """What it cost to serve the customer."""

    amount: Amount
    currency: Currency | None = None
    category: Name | None = None


class CustomerErased(Event):
    """GDPR: forget this customer."""


class AlertMuted(Event):
    """Somebody silenced an alert, or a sign of this customer, `until` an instant, or for good."""

    alert_id: Id | None = None
    sign: Id | None = None
    until: Instant | None = None
    by: Name | None = None

    def __post_init__(self) -> None:
        if self.alert_id is None and self.sign is None:
            raise ValueError("Object missing required field `alert_id` (or `sign`)")


class AlertAcked(AlertMuted):
    """Somebody took an alert in hand."""


AnyEvent: TypeAlias = Event | ClockAdvanced


def _leaves(cls: type[Struct]) -> list[type[Struct]]:
    return [cls, *(leaf for sub in cls.__subclasses__() for leaf in _leaves(sub))]


_ALL: list[type[Struct]] = [*_leaves(Event), ClockAdvanced]
_BY_TAG = {str(cls.__struct_config__.tag): cls for cls in _ALL}
# every kind's struct, in the order of CONTRACT
STRUCTS: dict[Kind, type[AnyEvent]] = {kind: cast("type[AnyEvent]", _BY_TAG[kind.name]) for kind in Kind}
