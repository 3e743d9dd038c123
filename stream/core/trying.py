"""Sections of a day record on what is tried: trials and activation, win-back, experiments, warnings in time.

Owns: which of those sections has what, under which name; `core.sections` has the others. Knows nothing of JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from stream.core import intervals, rates
from stream.core.families import ACTIVATION, LEAD_CUSTOMERS, LEAD_DAYS, TRIAL_USES, WIN_BACK
from stream.core.sections import Measures, Section


def win_back(measures: Measures) -> Section:
    """Alerts of `silent` that ended, of the treated and of the held out, and what the difference is worth (D6).

    `contacted` are part of the treated. Who came back at once was not contacted yet: their share alone says little.
    """
    m = {name.removeprefix("win_back_"): measures.get(name, 0) for name in WIN_BACK.roles.values()}
    effect, low, high = intervals.difference(
        m["treated_returned"], m["treated"], m["held_out_returned"], m["held_out"]
    )  # fmt: skip
    shares = {f"{who}_share": rates.share(m[f"{who}_returned"], m[who]) for who in ("treated", "contacted", "held_out")}
    return m | shares | {"effect": effect, "effect_low": low, "effect_high": high}


def variants(measures: Measures, names: Sequence[str]) -> dict[str, Section]:
    """Customers kept and revenue by variant of an experiment; all but the first are held against it (W12, V9)."""
    found: dict[str, Section] = {}
    for name in names:
        start, lost, acquired, end, brought = (
            measures.get(f"variant_{what}:{name}", 0) for what in ("start", "lost", "acquired", "end", "revenue")
        )
        kept, base = start - lost, found.get(names[0], {})
        more, low, high = intervals.difference(kept, start, base.get("kept") or 0, base.get("start") or 0)
        found[name] = {
            "start": start,
            "lost": lost,
            "kept": kept,
            "acquired": acquired,
            "end": end,
            "crr_strict": rates.crr_strict(start, lost),
            "difference": more,
            "difference_low": low,
            "difference_high": high,
            "revenue": brought,
            "revenue_each": rates.share(brought, start + acquired),
        }
    return found


def trials(measures: Measures) -> dict[str, Section]:
    """Trials that were over, and that were paid, by the least of the uses of their bucket (definitions D5)."""
    found: dict[str, Section] = {}
    for uses in TRIAL_USES:
        over, paid = measures.get(f"trials_over:{uses}", 0), measures.get(f"trials_paid:{uses}", 0)
        found[str(uses)] = {"over": over, "paid": paid, "share": rates.share(paid, over)}
    return found


def activation(measures: Measures) -> Section:
    """Who began, and who was activated, each on their own day (definitions D8)."""
    begun, activated = (measures.get(name, 0) for name in ACTIVATION.roles.values())
    return {"begun": begun, "activated": activated, "share": rates.share(activated, begun)}


def leads(measures: Measures) -> dict[str, Section]:
    """By sign, the lost whom an alert had told of, and how long before (definitions L8); no sign that told of none."""
    found: dict[str, Section] = {}
    for sign, name in LEAD_CUSTOMERS.roles.items():
        if customers := measures.get(name, 0):
            days = measures.get(LEAD_DAYS.roles[sign], 0)
            found[sign] = {"customers": customers, "days": days, "mean_days": rates.share(days, customers)}
    return found
