"""The sections of a day record on what is tried, as types: trials and activation, win-back, experiments, warnings.

Owns: those names; `wire.shapes` has the others and says in which units. The schema is written from these.
"""

from __future__ import annotations

from msgspec import Struct

from stream.wire.shapes import Money, MoneyRatio, Ratio


class WinBack(Struct, kw_only=True):
    """Alerts of `silent` that ended in the period: of customers who may be contacted, and of those held out (D6).

    `effect` is treated_share − held_out_share, with 95 % between `effect_low` and `effect_high`: what all that is done
    for those who fell silent brings. `contacted`, to whom a campaign was sent while the alert was open, are part of the
    treated; their share says nothing of what a campaign brings.
    """

    treated: int
    treated_returned: int
    treated_share: Ratio
    contacted: int
    contacted_returned: int
    contacted_share: Ratio
    held_out: int
    held_out_returned: int
    held_out_share: Ratio
    effect: Ratio
    effect_low: Ratio
    effect_high: Ratio


class Variant(Struct, kw_only=True):
    """Customers of a variant of an experiment, and what they brought (definitions W12, V9).

    `difference` is its crr_strict less that of the policy's first variant, with 95 % between its ends.
    """

    start: int
    lost: int
    kept: int
    acquired: int
    end: int
    crr_strict: Ratio
    difference: Ratio
    difference_low: Ratio
    difference_high: Ratio
    revenue: Money
    revenue_each: MoneyRatio


class Trials(Struct, kw_only=True):
    """Trials that were over in the period, those that were paid in it, and the one as a share of the other (D5)."""

    over: int
    paid: int
    share: Ratio


class Activation(Struct, kw_only=True):
    """Customers who began with a trial or a subscription, and who reached the uses that count as activated (D8).

    Each on its own day: who began in one period and was activated in the next counts in both, so that `share` is of a
    period's activations and may be more than 1 in a short one.
    """

    begun: int
    activated: int
    share: Ratio


class Lead(Struct, kw_only=True):
    """Customers lost in the period after an alert of a sign had told of it, and the days from its opening (L8)."""

    customers: int
    days: int
    mean_days: Ratio
