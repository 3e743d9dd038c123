"""The few kinds of panel that the boards are made of, each with the looks that all of its kind share.

Owns: what every panel must have: a number that stays (links to it outlive the board's next version), a title, a
description, a unit, queries with a legend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from grafana_foundation_sdk.builders import bargauge, common, timeseries
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Panel,
    ValueMapping,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.boards import look

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
BAR_HEIGHT: Final = 24  # pixels
BIG: Final = 38  # pixels; set, so that all numbers of a row have one size
MIDDLE: Final = 26
SMALL_HEIGHT: Final = 3

Styles = Mapping[str, Sequence[DynamicConfigValue]]


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel; `legend` names its series (in a table: its column)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every panel says of itself. `calm` is shown where no data is good news, and only there."""

    number: int
    title: str
    says: str
    unit: str
    width: int
    height: int
    decimals: int | None = None
    calm: str | None = None
    mappings: Sequence[ValueMapping] = ()
    thresholds: ThresholdsConfig | None = None
    least: float | None = None
    most: float | None = None


class _Builder(Protocol):
    """What all panel builders have in common."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def decimals(self, decimals: float) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def mappings(self, mappings: list[ValueMapping]) -> Self: ...
    def thresholds(self, thresholds: ThresholdsConfig) -> Self: ...
    def min(self, min_val: float) -> Self: ...
    def max(self, max_val: float) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef) -> Self: ...
    def with_target(self, target: Dataquery) -> Self: ...
    def override_by_name(self, name: str, properties: list[DynamicConfigValue]) -> Self: ...
    def build(self) -> Panel: ...


def stat(about: About, *queries: Query, spark: bool = False, named: bool = False, colour: str | None = None) -> Panel:
    """Big numbers, as of the end of the time range; `named` says the legend beside the value."""
    text = models.BigValueTextMode.VALUE_AND_NAME if named else models.BigValueTextMode.VALUE
    builder = (
        stats.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .graph_mode(models.BigValueGraphMode.AREA if spark else models.BigValueGraphMode.NONE)
        .color_mode(models.BigValueColorMode.VALUE)
        .justify_mode(models.BigValueJustifyMode.AUTO)
        .text_mode(text)
        .orientation(models.VizOrientation.AUTO)
        .text(common.VizTextDisplayOptions().title_size(14).value_size(BIG if about.height > SMALL_HEIGHT else MIDDLE))
        .wide_layout(True)
        .color_scheme(_fixed(colour) if colour else FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )
    return _built(builder, about, queries, instant=not spark)


def lines(
    about: About,
    *queries: Query,
    styles: Styles | None = None,
    stacked: bool = False,
    bars: bool = False,
    stepped: bool = False,
    limit: bool = False,
    table: Sequence[str] = (),
) -> Panel:
    """Values over time; `styles` by a series' name; `limit` draws the thresholds; `table`: sums in the legend."""
    builder = (
        timeseries.Panel()
        .draw_style(models.GraphDrawStyle.BARS if bars else models.GraphDrawStyle.LINE)
        .line_width(0 if bars else 2)
        .fill_opacity(85 if bars else 30 if stacked else 0)
        .line_interpolation(models.LineInterpolation.STEP_AFTER if stepped else models.LineInterpolation.LINEAR)
        .show_points(models.VisibilityMode.NEVER)
        .span_nulls(False)
        .bar_width_factor(0.9)
        .axis_border_show(False)
        .tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI).sort(models.SortOrder.DESCENDING))
        .legend(_legend(table))
        .color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    )
    if stacked:
        builder = builder.stacking(common.StackingConfig().mode(models.StackingMode.NORMAL).group("A"))
    if limit:
        style = common.GraphThresholdsStyleConfig().mode(models.GraphThresholdsStyleMode.DASHED)
        builder = builder.thresholds_style(style)
    for name, properties in (styles or {}).items():
        builder = builder.override_by_name(name, list(properties))
    return _built(builder, about, queries)


def bars(
    about: About, *queries: Query, styles: Styles | None = None, colour: str | None = look.FACT, above: bool = False
) -> Panel:
    """One bar for each series, as of the end of the time range; `above` has room for names of any width."""
    place = models.BarGaugeNamePlacement.TOP if above else models.BarGaugeNamePlacement.LEFT
    builder = (
        bargauge.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .orientation(models.VizOrientation.HORIZONTAL)
        .display_mode(models.BarGaugeDisplayMode.BASIC)
        .value_mode(models.BarGaugeValueMode.TEXT)
        .name_placement(place)
        .sizing(models.BarGaugeSizing.AUTO)
        .min(0)  # else the shortest bar is none
        .min_viz_width(8)
        .min_viz_height(16)
        .max_viz_height(2 * BAR_HEIGHT if above else BAR_HEIGHT)
        .show_unfilled(True)
        .text(common.VizTextDisplayOptions().value_size(14))  # with a title_size Grafana cuts the names off
        .color_scheme(_fixed(colour) if colour else FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )
    for name, properties in (styles or {}).items():
        builder = builder.override_by_name(name, list(properties))
    return _built(builder, about, queries, instant=True)


def table(about: About, key: str, *queries: Query, styles: Styles | None = None, sort: str | None = None) -> Panel:
    """One row for each value of the label `key`, one column for each query, named by its legend."""
    names = {"Time": "", key: key.capitalize()} | {_value(n, queries): one.legend for n, one in enumerate(queries)}
    builder = (
        tables.Panel()
        .show_header(True)
        .cell_height(models.TableCellHeight.SM)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .with_transformation(_change("joinByField", {"byField": key, "mode": "outer"}))
        .with_transformation(_change("filterFieldsByName", {"include": {"names": [*list(names)[1:]]}}))
        .with_transformation(_change("organize", {
            "indexByName": {name: place for place, name in enumerate(list(names)[1:])},
            "renameByName": dict(list(names.items())[1:]), "excludeByName": {},
        }))
    )  # fmt: skip
    if sort is not None:
        builder = builder.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    for name, properties in (styles or {}).items():
        builder = builder.override_by_name(name, list(properties))
    return _built(builder, about, queries, instant=True, as_table=True)


def _value(place: int, queries: Sequence[Query]) -> str:
    """What Grafana calls the value column of a query."""
    return "Value" if len(queries) == 1 else f"Value #{_ref(place)}"


def _built(
    builder: _Builder, about: About, queries: Sequence[Query], *, instant: bool = False, as_table: bool = False
) -> Panel:
    builder = builder.title(about.title).description(about.says).unit(about.unit).datasource(SOURCE)
    calm = [look.nothing(about.calm)] if about.calm is not None else []
    builder = builder.thresholds(about.thresholds or look.steps(look.FACT)).mappings([*about.mappings, *calm])
    if about.decimals is not None:
        builder = builder.decimals(about.decimals)
    if about.calm is not None:
        builder = builder.no_value(about.calm)
    if about.least is not None:
        builder = builder.min(about.least)
    if about.most is not None:
        builder = builder.max(about.most)
    for place, one in enumerate(queries):
        asked = Dataquery().expr(one.expr).legend_format(one.legend).ref_id(_ref(place)).datasource(SOURCE)
        asked = asked.format(PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES)
        builder = builder.with_target(asked.instant() if instant else asked.range())
    panel = builder.build()
    panel.id_val = about.number
    panel.grid_pos = GridPos(h=about.height, w=about.width, x=0, y=0)  # where it stands is the board's business
    return panel


def _ref(place: int) -> str:
    return "ABCDEFGHIJ"[place]


def _change(name: str, options: dict[str, Any]) -> DataTransformerConfig:
    return DataTransformerConfig(id_val=name, options=options)


def _fixed(colour: str) -> FieldColor:
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def _legend(calcs: Sequence[str]) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).calcs(list(calcs))
    if calcs:
        return legend.display_mode(models.LegendDisplayMode.TABLE).placement(models.LegendPlacement.RIGHT)
    return legend.display_mode(models.LegendDisplayMode.LIST).placement(models.LegendPlacement.BOTTOM)
