"""A board put together: rows of panels in their places, variables, links and annotations.

Owns: where panels stand. They fill 24 columns from left to right, row by row, in the order they are given, so that
none lies on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    CustomVariable,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.boards import look
from grafana.boards.panels import SOURCE
from grafana.boards.queries import changed, recorded
from stream import metrics
from stream.metrics import Metric

COLUMNS: Final = 24
TAG: Final = "lapse"
ROW_NUMBERS: Final = 900  # rows are numbered from here on, panels below
TITLES: Final = {
    "lapse-retention": "Retention",
    "lapse-live": "Live lapse monitor",
    "lapse-segment": "Segment",
    "lapse-signals": "Signal quality",
    "lapse-pipeline": "Pipeline",
}
PERIODS: Final = ("week", "month", "quarter")


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


Variable = CustomVariable | DatasourceVariable | QueryVariable


def board(
    uid: str, says: str, sections: Sequence[Section], variables: Sequence[Variable], since: str, refresh: str
) -> Model:
    """The whole board; `since` is how far back it looks at first, such as `now-24h`."""
    builder = (
        Dashboard(TITLES[uid]).uid(uid).description(says).tags([TAG]).readonly().time(since, "now").refresh(refresh)
        .timezone("browser").version(1)
    )  # fmt: skip
    for one in (_source(), *variables):
        builder = builder.with_variable(one)
    for other in TITLES:
        if other != uid:
            builder = builder.link(link(other))
    for mark in _annotations():
        builder = builder.annotation(mark)
    model = builder.build()
    model.panels = list(_placed(sections))
    return model


def _placed(sections: Sequence[Section]) -> Iterator[Panel | RowPanel]:
    top = 0
    for place, section in enumerate(sections):
        row = Row(section.title).id(ROW_NUMBERS + place).grid_pos(GridPos(h=1, w=COLUMNS, x=0, y=top)).build()
        row.collapsed = False
        yield row
        top += 1
        left = tallest = 0
        for panel in section.panels:
            where = panel.grid_pos
            assert where is not None
            if left + where.w > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            where.x, where.y = left, top
            left, tallest = left + where.w, max(tallest, where.h)
            yield panel
        top += tallest


def segments(metric: Metric, *, several: bool) -> QueryVariable:
    """The choice of a segment, `several` with All."""
    query = f"label_values({metric.name}, segment)"
    builder = (
        QueryVariable("segment").label("Segment").datasource(SOURCE).query(query).definition(query)
        .description("A segment of the policy.").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC).multi(several).include_all(several)
    )  # fmt: skip
    return builder.all_value(".*").current(VariableOption(text="All", value="$__all")) if several else builder


def periods() -> CustomVariable:
    """The choice of a period kind."""
    return (
        CustomVariable("period").label("Period").values(",".join(PERIODS)).multi(False).include_all(False)
        .description("Which periods: the last closed one, and the open one.")
        .options([VariableOption(text=one, value=one, selected=one == "month") for one in PERIODS])
        .current(VariableOption(text="month", value="month", selected=True))
    )  # fmt: skip


def _source() -> DatasourceVariable:
    return (
        DatasourceVariable("datasource").label("Prometheus").type("prometheus").multi(False).include_all(False)
        .description("The Prometheus that scrapes lapse.").hide(VariableHide.HIDE_VARIABLE)
    )  # fmt: skip


def link(uid: str) -> DashboardLink:
    """The way to another board, with what is chosen on this one."""
    title = TITLES[uid]
    # by address, not by tag: each has its place in the row of links, and variables are carried over
    return (
        DashboardLink(title).type(DashboardLinkType.LINK).url(f"/d/{uid}").icon("dashboard").tooltip(f"Open {title}")
        .include_vars(True).keep_time(True).target_blank(False).as_dropdown(False).tags([])
    )  # fmt: skip


def _annotations() -> Iterator[AnnotationQuery]:
    surge = recorded("ALERTS", alertname="LapseSurge", alertstate="firing")
    yield _mark("Alert surge", "{{sign}}", look.ALARM, surge)
    yield _mark("Policy change", "Another policy holds", look.OTHER, changed(metrics.POLICY_SINCE))


def _mark(name: str, text: str, colour: str, expr: str) -> AnnotationQuery:
    return (
        AnnotationQuery().name(name).datasource(SOURCE).enable(True).hide(False).icon_color(colour).expr(expr)
        .title_format(name).text_format(text)
    )  # fmt: skip


UNASKED: Final = ("placement", "inControlsMenu")


def to_json(value: Any) -> Any:
    """A model of the SDK as plain values, without the `placement` that it gives every link and annotation unasked.

    It would hide the links to the other boards in a menu.
    """
    if hasattr(value, "to_json"):
        return to_json(value.to_json())
    if isinstance(value, dict):
        return {key: to_json(one) for key, one in value.items() if (key, one) != UNASKED}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    return value
