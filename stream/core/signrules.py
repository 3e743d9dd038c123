"""What a policy can say of the signs: when each fires, how long its alert waits, and what its chance is.

Owns: these settings, their ranges and defaults. What `silent` has besides is `core.silentrule`'s. A sign's chance is
learned (`lapse fit`): the share of such alerts that came true; the defaults are guesses until then. Knows nothing of
rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.core.kinds import NAMES
from stream.core.settings import Settings, suggestion
from stream.core.signs import Sign

PRIORITIES = ("low", "normal", "high", "urgent")


@dataclass(frozen=True, slots=True)
class SignRule:
    """What holds for a sign of any kind.

    After `horizon_days` the alert is judged; a new one opens at the earliest for an episode `cooldown_days` later.
    """

    enabled: bool = True
    horizon_days: int = 28
    cooldown_days: int = 28
    play: str = "win_back"
    chance: float = 0.2  # share of these alerts that come true
    segment_chance: Mapping[str, float] = field(default_factory=dict)

    def chance_in(self, segment: str) -> float:
        """The chance of this sign in a segment."""
        return self.segment_chance.get(segment, self.chance)


DEFAULTS: tuple[SignRule, ...] = (
    SignRule(cooldown_days=1),  # silent: its chance is the model's
    SignRule(cooldown_days=56, chance=0.25),  # buying_less_often
    SignRule(cooldown_days=56, chance=0.15, play="offer"),  # spending_less
    SignRule(cooldown_days=56, chance=0.25, play="re_engage"),  # engaging_less
    SignRule(cooldown_days=365, chance=0.4, play="onboard"),  # never_activated
    SignRule(horizon_days=56, chance=0.1, play="ask"),  # cooling
    SignRule(horizon_days=56, chance=0.15, play="call"),  # detractor
    SignRule(cooldown_days=14, chance=0.15, play="settle"),  # complaint
    SignRule(cooldown_days=1, chance=0.4, play="fix_payment"),  # payment_failed
    SignRule(cooldown_days=14, chance=0.5, play="save"),  # cancelling
    SignRule(chance=0.1, play="apologise"),  # poor_experience
    SignRule(chance=0.1, play="remind"),  # abandoning
    SignRule(enabled=False, horizon_days=56, cooldown_days=56, chance=0.1, play="call"),  # neglected
)


@dataclass(frozen=True, slots=True)
class Signals:
    """When the signs beside `silent` fire (definitions B, X, Y)."""

    rarer: float = 3.0
    min_gaps: int = 8
    spend_share: float = 0.4
    min_orders: int = 8
    engage_activity: frozenset[str] = frozenset({"session", "feature_used", "content_viewed"})
    engage_rarer: float = 3.0
    engage_share: float = 0.4
    engage_min_gaps: int = 8
    engage_usual_gap_days: float = 3.0
    activation_uses: int = 3
    activation_days: int = 14
    complaints: int = 3
    complaint_days: int = 30
    target_hours: tuple[int, ...] = (120, 72, 24, 8)  # by priority
    patience_minutes: int = 60
    plan_cut: float = 0.2
    unsubscribe: bool = True
    notice_days: int = 14
    idle_days: int = 14
    slow_ms: int = 3000
    bad_loads: float = 3.0
    bad_share: float = 0.5
    left: float = 2.0
    neglect_days: int = 60
    neglect_revenue: int = 0
    contacts: frozenset[str] = frozenset({"campaign_sent", "ticket_replied", "feedback_answered"})


def read(
    signs: Settings, silent: SignRule, segments: Collection[str], activities: Collection[str]
) -> tuple[tuple[SignRule, ...], Signals]:
    """Read `[signs.NAME]` of every sign; `silent` has been read already. Refuses what it doesn't know."""
    tables = {sign: signs.table(sign.name) for sign in Sign if sign is not Sign.silent}
    rules = (silent, *(_rule(table, DEFAULTS[sign], segments) for sign, table in tables.items()))
    signals = _signals(tables, Signals(), activities)
    for table in (*tables.values(), signs):
        table.refuse_unknown()
    return rules, signals


def _rule(table: Settings, base: SignRule, segments: Collection[str]) -> SignRule:
    chance = table.number("chance", base.chance, 0, 1)
    own = table.table("segment_chance")
    own.refuse_others(segments, "segment")
    return SignRule(
        enabled=table.flag("enabled", default=base.enabled),
        horizon_days=table.whole("horizon_days", base.horizon_days, 1, 120),
        cooldown_days=table.whole("cooldown_days", base.cooldown_days, 1, 3650),
        play=table.text("play", base.play),
        chance=chance,
        segment_chance={name: own.number(name, chance, 0, 1) for name in own.keys()},  # noqa: SIM118 — not a mapping
    )


def _signals(tables: Mapping[Any, Settings], base: Signals, activities: Collection[str]) -> Signals:
    buying, spending, engaging = (
        tables[sign] for sign in (Sign.buying_less_often, Sign.spending_less, Sign.engaging_less)
    )
    never, complaint, cancelling = (tables[sign] for sign in (Sign.never_activated, Sign.complaint, Sign.cancelling))
    poor, left, neglected = (tables[sign] for sign in (Sign.poor_experience, Sign.abandoning, Sign.neglected))
    targets = complaint.table("target_hours")
    hours = tuple(
        targets.whole(name, hours, 1, 24 * 365) for name, hours in zip(PRIORITIES, base.target_hours, strict=True)
    )
    targets.refuse_unknown()
    return Signals(
        rarer=buying.number("threshold", base.rarer, 0.01, 1000),
        min_gaps=buying.whole("min_gaps", base.min_gaps, 1, 1000),
        spend_share=spending.number("share", base.spend_share, 0, 1),
        min_orders=spending.whole("min_orders", base.min_orders, 2, 1000),
        engage_activity=names_of(engaging, "activity", base.engage_activity, activities),
        engage_rarer=engaging.number("threshold", base.engage_rarer, 0.01, 1000),
        engage_share=engaging.number("share", base.engage_share, 0, 1),
        engage_min_gaps=engaging.whole("min_gaps", base.engage_min_gaps, 1, 1000),
        engage_usual_gap_days=engaging.number("usual_gap_days", base.engage_usual_gap_days, 0.1, 365),
        activation_uses=never.whole("uses", base.activation_uses, 1, 100),
        activation_days=never.whole("days", base.activation_days, 1, 365),
        complaints=complaint.whole("repeated", base.complaints, 1, 4),
        complaint_days=complaint.whole("within_days", base.complaint_days, 1, 365),
        target_hours=hours,
        patience_minutes=tables[Sign.payment_failed].whole("patience_minutes", base.patience_minutes, 0, 60 * 24 * 30),
        plan_cut=cancelling.number("plan_cut", base.plan_cut, 0, 1),
        unsubscribe=cancelling.flag("unsubscribe", default=base.unsubscribe),
        notice_days=cancelling.whole("notice_days", base.notice_days, 0, 365),
        idle_days=cancelling.whole("idle_days", base.idle_days, 1, 365),
        slow_ms=poor.whole("slow_ms", base.slow_ms, 1, 600_000),
        bad_loads=poor.number("loads", base.bad_loads, 1, 1000),
        bad_share=poor.number("share", base.bad_share, 0, 1),
        left=left.number("count", base.left, 1, 1000),
        neglect_days=neglected.whole("days", base.neglect_days, 1, 3650),
        neglect_revenue=neglected.whole("min_revenue", base.neglect_revenue, 0, 10**15),
        contacts=names_of(neglected, "contacts", base.contacts, NAMES, "contact"),
    )


def names_of(
    table: Settings, key: str, default: frozenset[str], known: Collection[str], counts_as: str = "activity"
) -> frozenset[str]:
    """Read a list of event types, of those that are `known` for this."""
    found = table.texts(key, tuple(default))
    for one in found:
        if one not in known:
            table.wrong(key, f"{one!r} is not an event that counts as {counts_as}{suggestion(one, known)}")
    if table.has(key) and not found:
        table.wrong(key, "must name at least one event type")
    return frozenset(found)
