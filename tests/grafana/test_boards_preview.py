"""What the preview counts as wrong with a board."""

from __future__ import annotations

from grafana.preview.problems import problems


def test_every_kind_of_trouble_is_told() -> None:
    quiet = {"id": 1, "title": "Quiet", "queries": 1, "errors": [], "empty": [{"refId": "A", "query": "x"}]}
    report = {
        "unresolved": ["who"],
        "undrawn": ["Lines"],
        "cut": ["A long na"],
        "annotations": [{"annotation": "Surge", "query": "y", "error": "bad"}],
        "panels": [
            {**quiet, "noValue": None},
            {**quiet, "noValue": "none", "title": "Calm"},
            {**quiet, "empty": [], "noValue": None, "title": "Full"},
            {**quiet, "title": "Wrong", "noValue": None, "errors": [{"refId": "A", "query": "(", "error": "parse"}]},
        ],
    }
    assert list(problems("b", report)) == [
        "b: the variable $who has no value",
        "b: annotation Surge: bad in y",
        "b: Lines: the chart was not drawn",
        "b: there is no room for 'A long na'",
        "b: Quiet: no data for x",
        "b: Wrong: query A: parse in (",
    ]
    assert list(problems("b", {"failed": "it broke"})) == ["b: the page failed: it broke"]
