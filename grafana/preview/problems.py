"""What the page found wrong, in sentences.

Owns: what counts as wrong. A panel may stay empty only if it says so itself, with a `noValue` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def problems(board: str, report: dict[str, Any]) -> Iterator[str]:
    """Everything wrong with a board, as the page reported it: errors, panels without data, unknown variables."""
    if "failed" in report:
        yield f"{board}: the page failed: {report['failed']}"
        return
    for name in report["unresolved"]:
        yield f"{board}: the variable ${name} has no value"
    for one in report["annotations"]:
        yield f"{board}: annotation {one['annotation']}: {one['error']} in {one['query']}"
    yield from (f"{board}: {title}: the chart was not drawn" for title in report["undrawn"])
    yield from (f"{board}: there is no room for {text!r}" for text in report["cut"])
    for panel in report["panels"]:
        yield from _of_panel(f"{board}: {panel['title'] or 'panel ' + str(panel['id'])}", panel)


def _of_panel(where: str, panel: dict[str, Any]) -> Iterator[str]:
    for one in panel["errors"]:
        yield f"{where}: query {one['refId']}: {one['error']} in {one['query']}"
    if panel["errors"] or not panel["queries"]:
        return
    if len(panel["empty"]) == panel["queries"] and panel["noValue"] is None:
        queries = "; ".join(one["query"] for one in panel["empty"])
        yield f"{where}: no data for {queries}"
