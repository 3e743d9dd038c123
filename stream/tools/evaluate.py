"""How good the sign `silent` is on a history, beside what is used elsewhere.

Owns: which rows are judged, who is learned from, and the two tables.

*Rows.* Weekly cut-offs (at the end of a business day, as the core knows the customers then), from the middle of the
history on, but not before everybody could have been seen for 90 days, until the policy's horizon before its end. A
row has the outcome 1 when no purchase comes in the horizon after the cut-off. Two populations:

- `customers`: customers at the cut-off (definitions R3; for orders alone, who bought within `active_days`) with
  `min_purchase_days` purchase days or more: those of whom an alert may speak;
- `everybody` who ever purchased, also once and long ago.

On the Complete Journey the first is the population of the shared design's table as nearly as could be found: fixed
inactivity has ROC-AUC .749–.754, PR-AUC .290–.297, Brier .090–.091 in the two halves, the table .754, .302, .0915.
Cut-offs from day 90 on give .747–.753, .275–.287, .084–.086; `everybody`, .81, .52, .11.

*Learning.* BG/NBD, the calibration of the scores that are no chances (isotonic, on the same population), and the row
"learned anew" come from `--fit-on`, or without it from one half of the customers, by a hash of their ids; then only
the other half is judged. "This model" has the parameters that the policy says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.batch import Batch
from stream.core.calendar import date_of
from stream.core.lifecycle import Stage
from stream.core.policy import Policy
from stream.core.scores import Score
from stream.tools.budget import Rarer, measured, threshold_for
from stream.tools.fit import Fit, fit, fitted
from stream.tools.history import FEWEST_DAYS, History, NotEnoughHistoryError, history
from stream.tools.measures import Quality, Replicates, measure
from stream.tools.online import Alerts, Window, fixed_inactivity, of_core, silences
from stream.tools.personal import Personal, personal
from stream.tools.replay import Replay
from stream.tools.rivals import Rows, rivals, rows

CUT_EVERY_DAYS = 7
THETAS = (0.20, 0.25, 0.30, 0.35)
OURS, LEARNED, BEST_RIVAL = "this model", "this model, learned anew", "BG/NBD P(none)"
MAY_BE_ALERTED = {Stage.active.name, Stage.at_risk.name}

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Line(msgspec.Struct, frozen=True):
    """One score."""

    score: str
    quality: Quality


class Table(msgspec.Struct, frozen=True):
    """The scores of one population."""

    population: str
    rows: int
    customers: int
    base_rate: float  # share of rows with the outcome
    mean_claimed: float  # mean of the chances that this model claims
    lines: list[Line]
    over_bg_nbd: Quality  # this model minus BG/NBD P(none), paired


class Pair(msgspec.Struct, frozen=True):
    """The core's alerts at one theta, and fixed inactivity with as many."""

    theta: float
    ours: Alerts
    fixed: Alerts


class Evaluation(msgspec.Struct, frozen=True):
    """All that was found."""

    policy: str
    horizon_days: int
    min_purchase_days: int
    active_days: int
    first_cut: date
    last_cut: date
    learned_from: int  # customers
    learned: Fit
    tables: list[Table]
    customer_months: float
    long_silences: int
    online: list[Pair]
    personal: Personal
    rarer: Rarer


@dataclass(frozen=True, slots=True)
class _Claims:
    """What the core said of each row: the chance (NaN: no such customer), and whether an alert may speak of them."""

    chance: Floats
    customer: Flags


def evaluate(
    source: Sequence[Batch],
    policy: Policy,
    fit_on: Sequence[Batch] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Measure the policy's sign `silent` on the events of `source`.

    `fit_on`: other customers, to learn from; None splits those of `source`. Raises NotEnoughHistoryError.
    """
    past = history(source, policy)
    judged = np.ones(len(past.customers), bool)
    if fit_on is None:
        judged = np.array([_half(name) for name in past.customers], bool)
        learning = past.only(~judged)
    else:
        learning = history(fit_on, policy)
        overlap = len(set(past.customers) & set(learning.customers))
        if overlap:
            raise NotEnoughHistoryError(
                f"{overlap:,} customers are in both files: nobody may be judged who was learned from"
            )
    cuts = cut_offs(past, policy)
    say("learning")
    learned = fit(learning, policy)
    h = policy.silent.horizon_days
    all_rows = rows(past, cuts, h)
    all_rows = all_rows.where(judged[all_rows.customer])
    say("scoring")
    ours = _claims(source, policy, past, all_rows)
    anew = _claims(source, fitted(policy, learned.parameters, learned.segment_odds), past, all_rows)
    tables = []
    learn_rows = rows(learning, cut_offs(learning, policy), h)
    for name in ("customers", "everybody"):
        say(f"measuring {name}")
        tables.append(_table(name, policy, learning, learn_rows, all_rows, ours, anew))
    found = silences(past, policy.silent.min_purchase_days, judged)
    window = Window(int(cuts[0]), int(cuts[-1]), h, float(ours.customer.sum() * CUT_EVERY_DAYS))
    online = []
    for theta in sorted({*THETAS, policy.silent.theta}):
        say(f"alerts at theta {theta:g}")
        core = of_core(source, policy, theta, past, found, window)
        online.append(Pair(theta, core, fixed_inactivity(core.opened, found, window)))
    say("each by their own horizon")
    of_customers = all_rows.where(ours.customer)
    return Evaluation(
        policy=policy.name,
        horizon_days=h,
        min_purchase_days=policy.silent.min_purchase_days,
        active_days=max(policy.active_days),
        first_cut=date_of(int(cuts[0])),
        last_cut=date_of(int(cuts[-1])),
        learned_from=len(learning.customers),
        learned=learned,
        tables=tables,
        customer_months=round(window.customer_days / (365.25 / 12), 1),
        long_silences=int(found.long(window).sum()),
        online=online,
        personal=personal(past, policy, of_customers),
        rarer=measured(past.only(judged), policy, threshold_for(learning, policy)),
    )


def cut_offs(past: History, policy: Policy) -> NDArray[np.int64]:
    """The days at whose ends customers are scored. Raises NotEnoughHistoryError when there is none."""
    first = past.first_day + max(FEWEST_DAYS, (past.end_day - past.first_day) // 2)
    last = past.end_day - policy.silent.horizon_days
    if first > last:
        days = past.end_day - past.first_day + 1
        need = max(FEWEST_DAYS, policy.silent.horizon_days) + policy.silent.horizon_days + 1
        raise NotEnoughHistoryError(
            f"{max(days, 0)} days of history; to judge a horizon of {policy.silent.horizon_days} takes {need}"
        )
    return np.arange(first, last + 1, CUT_EVERY_DAYS, dtype=np.int64)


def _half(customer_id: str) -> bool:
    """Whether the customer is judged (else learned from) when there is one file only."""
    return bool(hashlib.sha256(f"evaluate:{customer_id}".encode()).digest()[0] & 1)


def _claims(source: Sequence[Batch], policy: Policy, past: History, at: Rows) -> _Claims:
    """Run the core, and ask it at each cut-off."""
    place = {pair: i for i, pair in enumerate(zip(at.customer.tolist(), at.cut.tolist(), strict=True))}
    codes = {name: c for c, name in enumerate(past.customers)}
    chance, customer = np.full(at.cut.size, np.nan), np.zeros(at.cut.size, bool)

    def note(day: int, found: list[Score]) -> None:
        for one in found:
            i = place.get((codes.get(one.customer_id, -1), day))
            if i is not None:
                chance[i], customer[i] = one.p_none, one.stage in MAY_BE_ALERTED

    Replay(policy).run(source, np.unique(at.cut).tolist(), note)
    return _Claims(chance, customer)


def _table(
    name: str, policy: Policy, past: History, learn: Rows, all_rows: Rows, ours: _Claims, anew: _Claims
) -> Table:
    wanted = ~np.isnan(ours.chance) & ~np.isnan(anew.chance)
    if name == "customers":
        wanted &= ours.customer
        few, active = policy.silent.min_purchase_days, max(policy.active_days)
        learn = learn.where((learn.purchase_days >= few) & (learn.silent_days < active))
    judge = all_rows.where(wanted)
    if not 0 < judge.outcome.mean() < 1 or not learn.outcome.size:
        raise NotEnoughHistoryError(
            f"{judge.outcome.size} rows of {name}, {learn.outcome.size} to learn from: nothing to measure"
        )

    def measured(score: Floats, chance: Floats) -> Replicates:
        return measure(judge.outcome, score, chance, judge.customer)

    found = {
        one.name: measured(one.score, one.chance) for one in rivals(past, learn, judge, policy.silent.horizon_days)
    }
    for label, claims in ((OURS, ours), (LEARNED, anew)):
        found[label] = measured(claims.chance[wanted], claims.chance[wanted])
    return Table(
        population=name,
        rows=judge.outcome.size,
        customers=np.unique(judge.customer).size,
        base_rate=round(float(judge.outcome.mean()), 4),
        mean_claimed=round(float(ours.chance[wanted].mean()), 4),
        lines=[Line(label, one.quality()) for label, one in found.items()],
        over_bg_nbd=found[OURS].over(found[BEST_RIVAL]),
    )
