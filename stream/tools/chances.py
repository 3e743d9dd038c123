"""What became of past alerts: the chance that a policy gives each sign, and the base rate beside it.

Owns: which alerts may tell, and how few of them are held against what the policy said before. The alerts are the
core's, of the same history under the policy that was learned; so what is claimed is what would have come true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from stream.core.alerts import OPENED_STATUS, RESOLVED_STATUS, Alert
from stream.core.batch import Batch
from stream.core.calendar import DAY_MS
from stream.core.partition import Partition
from stream.core.policy import Policy
from stream.core.signs import Sign
from stream.tools.budget import BUDGET, MONTH_DAYS
from stream.tools.fit import CUT_EVERY_DAYS
from stream.tools.history import FEWEST_DAYS, History
from stream.tools.lab import ENDED

PRIOR = 20  # alerts' worth of what was said before
FEWEST = 20  # alerts that ended, below which nothing is learned
MOST_LATE = 0.01  # share of events that may come too late to be told in their order


class Chance(msgspec.Struct, frozen=True):
    """Of `ended` alerts `churned` came true; `chance` leans on what was said before."""

    ended: int
    churned: int
    chance: float


class Chances(msgspec.Struct, frozen=True):
    """By sign, and by (sign, segment), where enough alerts ended; `late` is the share of events that came too late."""

    signs: dict[str, Chance]
    segments: dict[tuple[str, str], Chance]
    few: dict[str, int]  # signs of which too few ended, and how many did
    late: float

    @property
    def in_order(self) -> bool:
        """Whether the events came in an order in which alerts can be told."""
        return self.late <= MOST_LATE


def chances(source: Iterable[Batch], policy: Policy) -> Chances:
    """Learn the chances of all signs but `silent`, whose chance is its model's, from events in the order of time."""
    total: Counter[tuple[str, str]] = Counter()
    churned: Counter[tuple[str, str]] = Counter()
    partition, known, late, events = Partition(policy, 0), _Episodes(policy), 0, 0
    for batch in source:
        start = 0
        while start < len(batch):
            step = partition.apply(batch, start)
            start = step.next
            late += len(step.too_late)
            known.take(step.alerts)
        events += len(batch)
        partition.changes()
    for sign, segment, resolution in known.matured(partition.clock_ms or 0):
        total[sign, segment] += 1
        churned[sign, segment] += resolution == "churned"
    signs: dict[str, Chance] = {}
    segments: dict[tuple[str, str], Chance] = {}
    few: dict[str, int] = {}
    for sign in [one.name for one in Sign if one is not Sign.silent and policy.signs[one].enabled]:
        names = sorted(segment for of, segment in total if of == sign)
        ended = sum(total[sign, name] for name in names)
        if ended < FEWEST:
            few[sign] = ended
            continue
        came = sum(churned[sign, name] for name in names)
        signs[sign] = _chance(ended, came, policy.signs[Sign[sign]].chance)
        if len(names) > 1:
            own = {name: (total[sign, name], churned[sign, name]) for name in names if total[sign, name] >= FEWEST}
            segments |= {(sign, name): _chance(*counts, signs[sign].chance) for name, counts in own.items()}
    return Chances(signs, segments, few, late / max(events, 1))


def _chance(ended: int, churned: int, before: float) -> Chance:
    return Chance(ended, churned, round((churned + PRIOR * before) / (ended + PRIOR), 3))


class _Episodes:
    """Alerts by their id: when they opened, and how they ended."""

    def __init__(self, policy: Policy) -> None:
        self._wait_ms = {sign.name: policy.signs[sign].horizon_days * DAY_MS for sign in Sign}
        self._opened: dict[str, Alert] = {}
        self._ended: dict[str, str] = {}

    def take(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if alert.status == OPENED_STATUS:
                self._opened[alert.alert_id] = alert
            elif alert.status == RESOLVED_STATUS:
                self._ended[alert.alert_id] = alert.resolution or ""

    def matured(self, now_ms: int) -> Iterator[tuple[str, str, str]]:
        """(sign, segment, resolution) of all that ended by themselves and opened a horizon ago or earlier.

        Of the younger ones only those who returned soon are known, which would make the rest look safe.
        """
        for name, alert in self._opened.items():
            resolution = self._ended.get(name, "")
            if resolution in ENDED and alert.event_time_ms + self._wait_ms[alert.sign] <= now_ms:
                yield alert.sign, alert.segment, resolution


def base_rate(past: History, policy: Policy) -> float | None:
    """The share of customers, looked at once a week, of whom no purchase comes within the horizon of `silent`.

    Customers are those with a purchase in the window of the policy. None where no horizon has passed.
    """
    horizon, window = policy.silent.horizon_days, max(policy.active_days)
    cuts = np.arange(past.first_day + FEWEST_DAYS, past.end_day - horizon + 1, CUT_EVERY_DAYS)
    following = np.append(past.days[1:], 0)
    following[past.starts[1:] - 1] = 2**31  # after a customer's last purchase nothing comes
    first = np.searchsorted(cuts, past.days)
    last = np.searchsorted(cuts, np.minimum(past.days + window, following))
    none = np.searchsorted(cuts, following - horizon)
    rows = int((last - first).sum())
    return round(int(np.maximum(np.minimum(last, none) - first, 0).sum()) / rows, 3) if rows else None


def toml(
    found: Chances, rate: float | None, thresholds: Mapping[Sign, Mapping[str, float]],
    budget: float = BUDGET,
) -> str:  # fmt: skip
    """The tables of a policy file that say what was learned of the signs, and from how many alerts.

    `thresholds` are keys of the signs' tables, such as spend the budget: alerts per customer and 28 days.
    """
    lines = [] if rate is None else ["", "[signs]", f"base_rate = {rate:g}"]
    for sign in Sign:
        told = thresholds.get(sign, {})
        if told:
            lines += [
                "",
                f"# spends {budget:.1%}: so many alerts per customer and {MONTH_DAYS} days",
                f"[signs.{sign.name}]",
            ]
            lines += [f"{key} = {value:g}" for key, value in told.items()]
        if sign.name in found.signs and found.in_order:
            lines += [] if told else ["", f"[signs.{sign.name}]"]
            lines += _chance_lines(found, sign.name)
    if not found.in_order:
        lines += ["", f"# {found.late:.0%} of the events are out of the order of time: no chances were learned"]
    elif found.few:
        words = ", ".join(f"{sign} ({ended})" for sign, ended in found.few.items())
        lines += ["", f"# too few alerts ended to learn a chance of: {words}"]
    return "\n".join(lines) + "\n"


def _chance_lines(found: Chances, sign: str) -> Iterator[str]:
    one = found.signs[sign]
    yield f"chance = {one.chance:g}  # of {one.ended:,} alerts {one.churned:,} came true"
    own = {name: value for (of, name), value in found.segments.items() if of == sign}
    if own:
        yield f"[signs.{sign}.segment_chance]"
        for name, value in own.items():
            yield f'"{name}" = {value.chance:g}  # {value.churned:,} of {value.ended:,}'
