"""The policy as the kernel reads it.

Owns: the translation of a policy into flat arrays and numbers by Kind and Sign. No behaviour.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import fields

import numpy as np

from stream.core import batch as columns
from stream.core.hashing import hash_of
from stream.core.kinds import Kind
from stream.core.policy import MOST_SEGMENTS, Policy
from stream.core.signs import BEHAVIOURAL, Sign
from stream.core.silence import SilenceParams
from stream.core.views import RULE, Rules

HOUR_S, DAY_S = 3_600, 86_400

# kinds that leave nothing beside the row
_PLAIN = frozenset({
    Kind.order_completed, Kind.session, Kind.feature_used, Kind.content_viewed, Kind.content_shared, Kind.cart_updated,
    Kind.clock_advanced,
})  # fmt: skip


def rules_of(policy: Policy) -> Rules:
    """The policy as the kernel reads it."""
    rule = np.zeros(1, RULE)
    for name, value in (_single(policy) | _by_sign(policy) | _by_kind(policy)).items():
        rule[name][0] = value
    return Rules(silence_of(policy), rule[0])


def horizons_of(policy: Policy) -> list[int]:
    """How many days an alert looks ahead, by Sign."""
    return [policy.silent.horizon_days, *(rule.horizon_days for rule in policy.signs[1:])]


def _by_kind(policy: Policy) -> dict[str, object]:
    neglected = policy.signs[Sign.neglected].enabled  # needs a place for everybody
    chosen: dict[str, Collection[str]] = {
        "purchase": policy.silent.activity,
        "engages": policy.signals.engage_activity,
        "contacts": policy.signals.contacts,
        "more": {kind.name for kind in Kind if neglected or kind not in _PLAIN},
    }
    return {
        "qualifies": _qualifies(policy),
        **{name: [False, *(kind.name in names for kind in Kind)] for name, names in chosen.items()},
    }


def _qualifies(policy: Policy) -> list[int]:
    """By kind, the bits of the segments in which it is an activity."""
    own = [policy.segment_qualifying.get(name, policy.qualifying) for name in policy.segments]
    return [0, *(sum((kind.name in names) << code for code, names in enumerate(own)) for kind in Kind)]


def _by_sign(policy: Policy) -> dict[str, object]:
    signs = policy.signs
    return {
        "enabled": [rule.enabled for rule in signs],
        "behavioural": [sign in BEHAVIOURAL for sign in Sign],
        "horizon_s": [days * DAY_S for days in horizons_of(policy)],
        "cooldown_days": [rule.cooldown_days for rule in signs],
        "sign_hash": [hash_of(sign.name) >> 1 for sign in Sign],
    }


def _single(policy: Policy) -> dict[str, object]:
    signals = {one.name: getattr(policy.signals, one.name) for one in fields(policy.signals)}
    return {
        **{name: value for name, value in signals.items() if name in (RULE.names or ())},
        "tracking_default": columns.TRACKING if policy.consent_default.tracking else 0,
        "usual_gap_days": math.exp(policy.silent.mu0),
        "activation_s": policy.signals.activation_days * DAY_S,
        "target_s": [hours * HOUR_S for hours in policy.signals.target_hours],
        "patience_s": policy.signals.patience_minutes * 60,
        "notice_s": policy.signals.notice_days * DAY_S,
        "neglect_s": policy.signals.neglect_days * DAY_S,
        "acceptable_share": 0.0 if policy.acceptable.alert else policy.acceptable.cost_share,
        "margin": policy.value.margin,
        "segment_odds": [*policy.segment_odds, *[1.0] * (MOST_SEGMENTS - len(policy.segments))],
    }


def silence_of(policy: Policy) -> SilenceParams:
    """The parameters of `silent`."""
    s = policy.silent
    return SilenceParams(
        s.mu0,
        s.k0,
        s.a0,
        s.b0,
        s.a,
        s.b,
        s.memory,
        float(s.horizon_days),
        s.theta,
        s.overdue,
        float(s.min_purchase_days),
        float(s.usual_spend),
        s.spend_power,
    )
