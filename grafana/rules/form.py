"""What a rule is made of, and how groups of rules are written down as Prometheus's YAML.

Owns: the labels and links that every alert carries, and the scaling of durations. Rules name metrics as they stand in
the catalogue; tests/rules/test_catalogue.py holds the written files to it. Knows nothing of what a rule is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml

SERVICE: Final = "lapse"
RUNBOOK: Final = "docs/runbook.md"  # in the repository
GRAFANA: Final = "http://127.0.0.1:3000"  # as docker-compose.yml has it
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION: Final = re.compile(r"(\d+)(ms|[smhdw])")
_IN_QUERY: Final = re.compile(r"(?<=\[)\d+(?:ms|[smhdw])(?=[\]:])|(?<=offset )\d+(?:ms|[smhdw])\b")


@dataclass(frozen=True, slots=True)
class Recording:
    """A query whose result is kept under a name, `level:metric:operation`."""

    name: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """A query that should have no result.

    `wait` is how long it must have one before anybody is told. `breaks`: while this is so, nothing that the figures say
    of customers can be trusted, so the messages of the retention desk are held back. `labels` are those that the query
    loses on its way (`absent` loses all).
    """

    name: str
    expr: str
    wait: str
    summary: str
    description: str
    severity: Literal["page", "ticket", "notice", "none"] = "ticket"
    team: Literal["oncall", "retention"] = "oncall"
    board: str = "lapse-pipeline"
    breaks: bool = False
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every `every`."""

    name: str
    rules: Sequence[Recording | Alert]
    every: str = "15s"


@dataclass(frozen=True, slots=True)
class Form:
    """How to write them: where links lead, and by what all durations are multiplied (a test has no hour to wait).

    `every` is how often groups are evaluated instead of what they say, so that a fast clock is not a busy machine.
    """

    runbook: str = RUNBOOK
    grafana: str = GRAFANA
    scale: float = 1.0
    every: str | None = None

    def text(self, groups: Sequence[Group]) -> str:
        """Return the file."""
        content = {"groups": [self._group(group) for group in groups]}
        return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)

    def _group(self, group: Group) -> dict[str, Any]:
        return {
            "name": group.name,
            "interval": self.every or self.duration(group.every),
            "rules": [self._recording(one) if isinstance(one, Recording) else self._alert(one) for one in group.rules],
        }

    def _recording(self, rule: Recording) -> dict[str, Any]:
        written: dict[str, Any] = {"record": rule.name, "expr": self._query(rule.expr)}
        return {**written, "labels": rule.labels} if rule.labels else written

    def _alert(self, rule: Alert) -> dict[str, Any]:
        labels = {"service": SERVICE, "team": rule.team, "severity": rule.severity}
        if rule.breaks:
            labels["pipeline"] = "broken"
        return {
            "alert": rule.name,
            "expr": self._query(rule.expr),
            "for": self.duration(rule.wait),
            "labels": {**labels, **rule.labels},
            "annotations": {
                "summary": rule.summary,
                "description": rule.description,
                "runbook_url": f"{self.runbook}#{rule.name.lower()}",
                "dashboard_url": f"{self.grafana}/d/{rule.board}",
            },
        }

    def _query(self, expr: str) -> str:
        lines = [line.strip() for line in expr.strip().splitlines()]
        return _IN_QUERY.sub(lambda found: self.duration(found[0]), "\n".join(lines))

    def duration(self, text: str) -> str:
        """Return a duration multiplied.

        >>> Form(scale=1 / 60).duration("5m"), Form().duration("5m"), Form(scale=1 / 60).duration("15s")
        ('5s', '5m', '250ms')
        """
        if self.scale == 1:
            return text
        found = _DURATION.fullmatch(text)
        assert found is not None, text
        milliseconds = round(int(found[1]) * _UNIT_MS[found[2]] * self.scale)
        return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


class _Dumper(yaml.SafeDumper):
    """Queries of several lines stand as they are read."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _string)
