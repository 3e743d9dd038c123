"""docs/figures.md names only what exists: fields of the day record, metrics and their roles, clauses, tests."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from stream import metrics
from stream.core.measures import COHORT_ROLES, COHORTS, FAMILIES
from stream.wire.record import DayRecord

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}
CLAUSES = set(re.findall(r"^- \*\*(\w+)\*\*", (ROOT / "docs/definitions.md").read_text(encoding="utf-8"), re.MULTILINE))


class Line(NamedTuple):
    figure: str
    formula: str
    clause: str
    record: str
    metric: str
    test: str


LINES = [
    Line(*(cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", text)[1:-1]))
    for text in PAGE.splitlines()
    if text.startswith("|") and not text.startswith(("| figure", "|---"))
]


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The sections that a field's type may hold."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    elif typing.get_origin(kind) in (types.UnionType, typing.Union, dict):
        for one in typing.get_args(kind):
            yield from structs(one)


def fields(kind: type[msgspec.Struct], path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        inner = list(structs(field.type))
        keys = ["d7."] if field.name == "cohorts" else [""]
        yield from (f"{path}{field.name}.{key}{rest}" for one in inner for key in keys for rest in fields(one))
        if not inner:
            yield path + field.name


FIELDS = set(fields(DayRecord))
ABOUT = {"period", "start", "segment", "currency", "provisional", "final", "warmup", "revision", "closed_at"}


# what alerts and stages are shown by, one line for all values of a label
SHOWN = {
    'lapse_alert_outcomes{sign="silent",resolution="churned"}',
    'lapse_open_alerts{sign="silent"}',
    'lapse_value_at_risk{severity="high"}',
    'lapse_customers{stage="active"}',
}


def series() -> set[str]:
    assert {one.partition("{")[0] for one in SHOWN} == {
        metric.name for metric in (metrics.OUTCOMES, metrics.OPEN_ALERTS, metrics.VALUE_AT_RISK, metrics.CUSTOMERS)
    }
    found = {*SHOWN, "lapse:alert_precision:ratio"}
    for family in FAMILIES:
        name = metrics.FIGURES[family.name].name
        if family.label == "reason":
            found.add(f'{name}{{reason="other"}}')
        elif family.label == "sign":
            found.add(f'{name}{{sign="silent"}}')
        elif family.label == "variant":
            found |= {f'{name}{{variant="new",role="{role}"}}' for role in family.roles}
        elif family.label == "cohort":
            found |= {f'{name}{{cohort="{one}",role="{role}"}}' for one in COHORTS for role in COHORT_ROLES}
        else:
            found |= {f'{name}{{role="{role}"}}' for role in family.roles}
    return found


@pytest.mark.parametrize("line", LINES, ids=[line.figure for line in LINES])
def test_a_line_names_only_what_exists(line: Line) -> None:
    assert line.record == "–" or line.record in FIELDS
    assert line.metric == "–" or line.metric in series()
    assert line.test in TESTS
    assert set(line.clause.split(", ")) <= CLAUSES
    assert "–" not in (line.record, line.metric) or line.record != line.metric, "published nowhere"


def test_every_field_and_every_metric_has_its_line() -> None:
    assert FIELDS - {line.record for line in LINES} == ABOUT
    listed = {line.metric for line in LINES}
    told = {one for one in series() - listed if "cohort_" not in one and "_by_uses" not in one}
    assert told == set()
