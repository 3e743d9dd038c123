"""The thresholds of `spending_less` and `engaging_less` that spend an alert budget on a history.

Owns: the levels that are tried, and the search among them. How often a sign fires at a level is not foretold but seen:
the core runs over the history. `buying_less_often` needs purchase days only and has `stream.tools.budget`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from stream.core.alerts import OPENED_STATUS
from stream.core.batch import Batch
from stream.core.calendar import DAY_MS
from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.core.signs import Sign
from stream.tools.budget import BUDGET, MONTH_DAYS

FEWEST: Final = 20  # alerts at the level found, below which there is nothing to learn from
# from the one that fires most to the one that fires least: (share of the usual, CUSUM of gaps)
LEVELS: Final = tuple((round(0.7 - 0.05 * step, 2), 1.0 + 0.5 * step) for step in range(14))
SIGNS: Final = (Sign.spending_less, Sign.engaging_less)
RUNS: Final = len(LEVELS).bit_length()  # how often the history is read, at most

Levels = dict[Sign, int]


def with_levels(policy: Policy, levels: Levels) -> Policy:
    """The policy with these places in LEVELS in force."""
    signals = policy.signals
    for sign, level in levels.items():
        share, rarer = LEVELS[level]
        if sign is Sign.spending_less:
            signals = replace(signals, spend_share=share)
        else:
            signals = replace(signals, engage_share=share, engage_rarer=rarer)
    return replace(policy, signals=signals)


def keys(sign: Sign, level: int) -> dict[str, float]:
    """The keys of a sign's table in a policy file at a level."""
    share, rarer = LEVELS[level]
    return {"share": share} if sign is Sign.spending_less else {"threshold": rarer, "share": share}


def levels_for(history: Callable[[], Iterable[Batch]], policy: Policy, budget: float = BUDGET) -> Levels:
    """For each sign the level that fires most without spending more than the budget, else the last.

    `history` gives the events anew, in the order of time. The budget is alerts per customer and 28 days. A sign that
    the policy has not, or of which too few alerts come to tell, is left out. All signs are looked for at once, by
    bisection: of a level that spends too much the one before it spends no less.
    """
    rules = tuple(
        replace(rule, enabled=rule.enabled and sign in SIGNS) for sign, rule in zip(Sign, policy.signs, strict=True)
    )
    policy = replace(policy, signs=rules)
    low = {sign: 0 for sign in SIGNS if policy.signs[sign].enabled}
    high = dict.fromkeys(low, len(LEVELS) - 1)
    opened: dict[tuple[Sign, int], int] = {}
    while any(low[sign] < high[sign] or (sign, low[sign]) not in opened for sign in low):
        now = {sign: (low[sign] + high[sign]) // 2 for sign in low}
        alerts, months = _run(history(), with_levels(policy, now))
        for sign, level in now.items():
            opened[sign, level] = alerts[sign.name]
            if alerts[sign.name] > budget * months and level < high[sign]:
                low[sign] = level + 1
            else:
                high[sign] = level
    return {sign: level for sign, level in low.items() if opened[sign, level] >= FEWEST}


def _run(source: Iterable[Batch], policy: Policy) -> tuple[Counter[str], float]:
    """How many alerts of each sign open, and over how many customer-months of 28 days."""
    partition, opened = Partition(policy, 0), Counter[str]()
    first_ms, last_ms = 2**62, 0
    for batch in source:
        start = 0
        while start < len(batch):
            step = partition.apply(batch, start)
            start = step.next
            opened.update(alert.sign for alert in step.alerts if alert.status == OPENED_STATUS)
        if len(batch):
            first_ms, last_ms = min(first_ms, int(batch.time_ms.min())), max(last_ms, int(batch.time_ms.max()))
        partition.changes()
    return opened, partition.rows * max(last_ms - first_ms, 0) / (DAY_MS * MONTH_DAYS)
