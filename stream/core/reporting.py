"""What the policy says of the figures: which reasons are told apart, and what is aimed at.

Owns: the tables `figures` and `targets` of a policy. Knows nothing of how anything is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stream.core.families import OTHER
from stream.core.measures import FAMILIES
from stream.core.settings import Settings, suggestion

MOST_REASONS = 32
MOST_CATEGORIES = 32  # bits of a row
MOST_VARIANTS = 8


@dataclass(frozen=True, slots=True)
class Reporting:
    """Closed lists (any other reason counts as `other`), what is shown as metrics, and targets.

    `categories` are of goods, `variants` of experiments: the others are held against the first. Both have places in
    rows, so new names go behind. Targets go by segment, or `all`.
    """

    exit_reasons: tuple[str, ...] = ("price", "product", "service", "competitor", "no_need")
    reward_reasons: tuple[str, ...] = ("purchase", "review", "referral")
    categories: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    metrics: tuple[str, ...] = tuple(family.name for family in FAMILIES)
    target_crr: Mapping[str, float] = field(default_factory=dict)
    acceptable_churn: Mapping[str, float] = field(default_factory=dict)

    def wanted(self, segment: str) -> tuple[float | None, float | None]:
        """The CRR and the churn that are wanted of a segment: its own, else what holds for all."""
        crr, churn = self.target_crr, self.acceptable_churn
        return crr.get(segment, crr.get("all")), churn.get(segment, churn.get("all"))


def read(figures: Settings, targets: Settings, segments: Sequence[str]) -> Reporting:
    """The two tables of a policy with these segments."""
    base = Reporting()
    reporting = Reporting(
        exit_reasons=_reasons(figures, "exit_reasons", base.exit_reasons),
        reward_reasons=_reasons(figures, "reward_reasons", base.reward_reasons),
        categories=_listed(figures, "categories", MOST_CATEGORIES),
        variants=_listed(figures, "variants", MOST_VARIANTS),
        metrics=_families(figures, base.metrics),
        target_crr=_shares(targets.table("crr"), segments),
        acceptable_churn=_shares(targets.table("acceptable_churn"), segments),
    )
    figures.refuse_unknown()
    targets.refuse_unknown()
    return reporting


def _reasons(table: Settings, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = _listed(table, key, MOST_REASONS, default)
    if OTHER in found:
        table.wrong(key, f"{OTHER!r} is reserved")
    return found


def _listed(table: Settings, key: str, most: int, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    found = table.texts(key, default)
    if len(found) > most:
        table.wrong(key, f"lists {len(found)}; {most} fit")
    return tuple(found)


def _families(table: Settings, known: tuple[str, ...]) -> tuple[str, ...]:
    found = table.texts("metrics", known)
    for name in found:
        if name not in known:
            table.wrong("metrics", f"no such family{suggestion(name, known)}")
    return tuple(found)


def _shares(table: Settings, segments: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in table.keys():  # noqa: SIM118 — not a mapping: asking for the keys marks nothing as read
        found[name] = table.number(name, 0.5, 0, 1)
        if name not in (*segments, "all"):
            table.wrong(name, f"no such segment{suggestion(name, segments)}")
    table.refuse_unknown()
    return found
