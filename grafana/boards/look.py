"""How boards look: colours that always mean the same, units, and what a value says in words.

Owns: the meaning of a colour. Green: as it should be. Yellow, orange, red: ever graver. Blue: a fact without a
judgement. Grey: provisional, or known not to be complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from stream.metrics import Metric

GOOD: Final = "green"
WATCH: Final = "yellow"
BAD: Final = "orange"
ALARM: Final = "red"
FACT: Final = "blue"
OTHER: Final = "purple"  # a second fact beside the first
OPEN: Final = "#9099a5"  # an open period

SEVERITIES: Final = {"critical": ALARM, "high": BAD, "medium": WATCH, "low": FACT}
STAGES: Final = {"active": GOOD, "new": "#5ad1a0", "at_risk": BAD, "lapsed": ALARM, "prospect": FACT}
RESOLUTIONS: Final = {
    "returned": GOOD, "recovered": "#5ad1a0", "retracted": OPEN, "muted": FACT, "erased": "purple", "churned": ALARM,
}  # fmt: skip

COUNT: Final = "locale"  # 12,345: nothing is rounded away
RATIO: Final = "percentunit"
SECONDS: Final = "s"
DATE: Final = "time:YYYY-MM-DD"
POINTS: Final = "suffix: pp"
DAYS: Final = "suffix: days"
MONEY: Final = "currencyUSD"  # of the policy `default`; another policy's board is written with --policy

_UNITS: Final = {"money": MONEY, "ratio": RATIO, "seconds": SECONDS, "days": DAYS, "timestamp": "dateTimeAsIso"}


def unit_of(metric: Metric) -> str:
    """Grafana's unit for a metric of the catalogue."""
    return _UNITS.get(metric.unit, COUNT)


def steps(base: str, *borders: tuple[float, str]) -> ThresholdsConfig:
    """Colours from borders on, `base` below the first."""
    all_steps = [Threshold(None, base), *(Threshold(value, colour) for value, colour in borders)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(all_steps)


def words(mapping: Mapping[str, tuple[str, str]]) -> ValueMapping:
    """Values that are shown as a word in a colour."""
    said = {
        value: ValueMappingResult(text, colour, index=n) for n, (value, (text, colour)) in enumerate(mapping.items())
    }
    return ValueMap(said)


def between(least: float | None, most: float | None, text: str, colour: str) -> ValueMapping:
    """A range of values that is shown as a word in a colour."""
    return RangeMap(DashboardRangeMapOptions(least, most, ValueMappingResult(text, colour, index=0)))


def nothing(text: str) -> ValueMapping:
    """What is said, in grey, where there is no value."""
    result = ValueMappingResult(text, OPEN, index=0)
    return SpecialValueMap(DashboardSpecialValueMapOptions(SpecialValueMatch.NULL_AND_NAN, result))


def colour(name: str) -> DynamicConfigValue:
    """One colour for a series."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": name})


def paint(colours: Mapping[str, str]) -> dict[str, list[DynamicConfigValue]]:
    """Colours by the names of series."""
    return {name: [colour(one)] for name, one in colours.items()}


def dashed(*dash: int) -> DynamicConfigValue:
    """A broken line: a target, or what is not closed yet."""
    style: dict[str, Any] = {"fill": "dash", "dash": list(dash or (8, 6))}
    return DynamicConfigValue("custom.lineStyle", style)


def unstacked() -> DynamicConfigValue:
    """A line over a stack instead of on it."""
    return DynamicConfigValue("custom.stacking", {"mode": "none", "group": "A"})


def limits(base: str, *borders: tuple[float, str]) -> DynamicConfigValue:
    """Colours from borders on, for one series or column."""
    all_steps = [{"value": None, "color": base}, *({"value": value, "color": name} for value, name in borders)]
    return DynamicConfigValue("thresholds", {"mode": "absolute", "steps": all_steps})


def setting(name: str, value: object) -> DynamicConfigValue:
    """Any other setting of a series or column."""
    return DynamicConfigValue(name, value)
