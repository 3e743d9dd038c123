"""What every board must keep to, checked on its JSON.

Owns: the rules. They look at what Grafana will load, not at the code that made it. Each says what is wrong in a
sentence; none raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import yaml

from grafana.boards.assembly import COLUMNS, TITLES
from stream.core.measures import FAMILIES
from stream.metrics import CATALOGUE, Metric

RULES: Final = Path(__file__).parents[1] / "rules"
MOST_PANELS: Final = 20  # what a person takes in, beside the first row
TRUST_PANELS: Final = 5
MOST_QUERIES: Final = 8
TITLE_PIXELS: Final = 7.1  # a character's, about
PANEL_PIXELS: Final = 66  # a column's, at 1,600
CHROME_PIXELS: Final = 50  # the frame and the description's sign
PROMETHEUS_OWN: Final = frozenset({"ALERTS"})
EVERY_LABEL: Final = frozenset({"job", "instance", "le", "alertname", "alertstate"})
BUILT_IN: Final = re.compile(r"__\w+")

_METRICS: Final = {metric.name: metric for metric in CATALOGUE}
_ROLES: Final = {f"lapse_{family.name}": set(family.roles) for family in FAMILIES if family.roles}
_NAME: Final = re.compile(r"\b(lapse_\w+|lapse:[\w:]+|ALERTS)(\{[^}]*\})?")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")


def records(folder: Path = RULES) -> frozenset[str]:
    """The names of all recording rules."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))]
    rules = (rule for file in files for group in file["groups"] for rule in group["rules"])
    return frozenset(rule["record"] for rule in rules if "record" in rule)


def problems(board: dict[str, Any], recorded: frozenset[str]) -> list[str]:
    """Everything that is wrong with a board."""
    found = [*_of_board(board), *_places(board), *_variables(board)]
    for panel in _panels(board):
        found += [f"{panel.get('title')}: {one}" for one in (*_of_panel(panel), *_queries(panel, recorded))]
    for mark in board["annotations"]["list"]:
        found += [f"annotation {mark['name']}: {one}" for one in _expression(mark["expr"], recorded)]
    return [f"{board['title']}: {one}" for one in found]


def _panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def _of_board(board: dict[str, Any]) -> Iterator[str]:
    if TITLES.get(board["uid"]) != board["title"]:
        yield f"its uid {board['uid']} is not the one that others link to"
    if not board.get("description") or not board.get("tags"):
        yield "no description, or no tag"
    if board["panels"][0].get("title") != "Can this be trusted?":
        yield "it doesn't open with what tells whether it can be trusted"
    panels = len(_panels(board)) - TRUST_PANELS
    if panels > MOST_PANELS:
        yield f"{panels} panels are more than {MOST_PANELS}"
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) != len(ids):
        yield "two panels have one id"
    others = {link["url"] for link in board["links"] if link["includeVars"] and link["keepTime"]}
    if others != {f"/d/{uid}" for uid in TITLES if uid != board["uid"]}:
        yield "it doesn't link to every other board with time and variables"


def _places(board: dict[str, Any]) -> Iterator[str]:
    for panel in board["panels"]:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > COLUMNS:
            yield f"{panel['title']}: it stands out on the right"
    for one, other in combinations(board["panels"], 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} lie on each other"


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    aside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (aside or above)


def _variables(board: dict[str, Any]) -> Iterator[str]:
    own = {one["name"] for one in board["templating"]["list"]}
    used: set[str] = set()
    for text in _texts({"panels": board["panels"], "annotations": board["annotations"], "links": board["links"]}):
        used |= {a or b for a, b in _VARIABLE.findall(text)}
    used = {name for name in used if not BUILT_IN.fullmatch(name)}
    yield from (f"${name} is used, but no variable" for name in sorted(used - own))
    yield from (f"${name} is a variable that nothing uses" for name in sorted(own - used))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _of_panel(panel: dict[str, Any]) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if not panel.get("title"):
        yield "no title"
    elif len(panel["title"]) * TITLE_PIXELS + CHROME_PIXELS > panel["gridPos"]["w"] * PANEL_PIXELS:
        yield "the title is cut off"
    if not panel.get("description", "").endswith("."):
        yield "no description, or no sentence"
    if not defaults.get("unit"):
        yield "no unit"
    if defaults.get("noValue", "said") in {"", "No data", "-"}:
        yield "what it says where no data is good news says nothing"
    if panel["type"] in {"stat", "bargauge"} and not panel["options"]["reduceOptions"]["calcs"]:
        yield "it doesn't say which value it shows"
    if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
        yield "it asks a fixed source"


def _queries(panel: dict[str, Any], recorded: frozenset[str]) -> Iterator[str]:
    targets = panel["targets"]
    if not 1 <= len(targets) <= MOST_QUERIES:
        yield f"{len(targets)} queries"
    if len({target["refId"] for target in targets}) != len(targets):
        yield "two queries have one refId"
    for target in targets:
        if not target.get("legendFormat"):
            yield f"query {target['refId']} has no legend"
        yield from _expression(target["expr"], recorded)


def _expression(expr: str, recorded: frozenset[str]) -> Iterator[str]:
    found = _NAME.findall(expr)
    if not found:
        yield f"no metric in {expr}"
    for name, selector in found:
        if name in PROMETHEUS_OWN:
            continue
        if name.startswith("lapse:"):
            if name not in recorded:
                yield f"{name} is recorded nowhere"
            continue
        metric = _METRICS.get(name) or _METRICS.get(name.removesuffix("_bucket"))
        if metric is None:
            yield f"{name} is not in the catalogue"
        else:
            yield from _selected(metric, selector)
            yield from _added_up(metric, expr)


def _selected(metric: Metric, selector: str) -> Iterator[str]:
    for label, _, value in _MATCHER.findall(selector):
        if label not in metric.labels and label not in EVERY_LABEL:
            yield f"{metric.name} has no label {label}"
        if label == "role" and metric.name in _ROLES and value not in _ROLES[metric.name]:
            yield f"{metric.name} has no role {value}"


def _added_up(metric: Metric, expr: str) -> Iterator[str]:
    """A gauge of a partition is shown by two workers while the partition moves."""
    if metric.kind != "gauge" or "partition" not in metric.labels:
        return
    before = expr[: expr.index(metric.name)]
    kept = re.search(r"\bmax by \(([^)]*)\) \($", before)
    whole = kept is not None and set(kept[1].split(", ")) == set(metric.labels)
    if not whole and not (metric.labels == ("partition",) and re.search(r"\b(max|min) \($", before)):
        yield f"{metric.name} must be taken once per partition, with all its labels"
