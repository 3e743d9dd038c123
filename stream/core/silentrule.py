"""What a policy can say of the sign `silent`: when it fires, and the population parameters of its model.

Owns: these settings, their ranges and defaults (definitions A1–A7, DESIGN §5). The model itself is `core.silence`'s,
which `lapse fit` learns the parameters of. Knows nothing of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from stream.core.settings import Settings
from stream.core.signrules import names_of


@dataclass(frozen=True, slots=True)
class Silent:
    """The sign `silent`; `segment_odds` are factors of the odds of P(none), by segment, 1 where none is said."""

    activity: frozenset[str] = frozenset({"order_completed"})
    horizon_days: int = 28
    theta: float = 0.30
    overdue: float = 0.8
    min_purchase_days: int = 4
    memory: float = 0.9
    mu0: float = 1.0986
    k0: float = 0.6
    a0: float = 3.0
    b0: float = 1.7
    a: float = 0.005
    b: float = 1.0
    usual_spend: int = 0
    spend_power: float = 0.0
    segment_odds: Mapping[str, float] = field(default_factory=dict)
    play: str = "win_back"


def read(table: Settings, base: Silent, segments: Collection[str], activities: Collection[str]) -> Silent:
    """Read `[signs.silent]`. Refuses what it doesn't know."""
    model = table.table("model")
    odds = model.table("segment_odds")
    odds.refuse_others(segments, "segment")
    silent = Silent(
        activity=names_of(table, "activity", base.activity, activities),
        horizon_days=table.whole("horizon_days", base.horizon_days, 1, 120),
        theta=table.number("theta", base.theta, 0, 1, open_ends=True),
        overdue=table.number("overdue", base.overdue, 0, 1, open_ends=True),
        min_purchase_days=table.whole("min_purchase_days", base.min_purchase_days, 2, 100),
        play=table.text("play", base.play),
        memory=model.number("memory", base.memory, 0.5, 1),
        mu0=model.number("mu0", base.mu0, -1, 7),
        k0=model.number("k0", base.k0, 0.001, 1000),
        a0=model.number("a0", base.a0, 0.001, 1000),
        b0=model.number("b0", base.b0, 0.001, 1000),
        a=model.number("a", base.a, 0, 1000),
        b=model.number("b", base.b, 0.001, 1000),
        usual_spend=model.whole("usual_spend", base.usual_spend, 0, 10**15),
        spend_power=model.number("spend_power", base.spend_power, 0, 5),
        segment_odds={name: odds.number(name, 1, 0.001, 1000) for name in odds.keys()},  # noqa: SIM118 — not a mapping
    )
    for one in (model, table):
        one.refuse_unknown()
    return silent
