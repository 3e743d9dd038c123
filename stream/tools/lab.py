"""The policy lab: several policies over one history, side by side.

Owns: what is compared. Each policy's run is a backtest with files of its own; what is said here is read off its
alerts, so that a worker's would give the same. Precision is of the alerts that came to an end by themselves: churned ÷
(churned + returned + recovered). Value reached is the value at risk of those that churned: who could have been kept by
acting on them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from stream.core.policy import Policy
from stream.tools import backtest

ENDED = ("churned", "returned", "recovered")
Episode: TypeAlias = tuple[str, str, str]  # customer, sign, episode day


class SignResult(msgspec.Struct):
    """One sign under one policy."""

    opened: int = 0
    churned: int = 0
    ended: int = 0  # by themselves: churned, returned or recovered
    value_reached: float = 0.0  # units of the policy's currency
    lead_days: float | None = None  # mean days from the opening until the customer was no customer any more

    @property
    def precision(self) -> float | None:
        """Share of the ended ones that churned."""
        return self.churned / self.ended if self.ended else None


class Result(msgspec.Struct):
    """What one policy would have done."""

    policy: str
    hash: str
    signs: dict[str, SignResult]
    only_here: int = 0  # alerts that no other policy opened


class Comparison(msgspec.Struct):
    """All of them, and where the differences are listed."""

    results: list[Result]
    differences: Path


def compare(
    lines: Callable[[], Iterable[bytes]], out: Path, policies: list[Policy], progress: Callable[[str], None]
) -> Comparison:
    """Run each policy over the events (`lines` gives them anew each time) and compare them.

    Writes what a backtest writes to DIR/N-NAME, and differences.jsonl: a line for each alert that some policies open
    and others don't, with what became of it.
    """
    results, episodes = [], []
    for number, policy in enumerate(policies, 1):
        folder = out / f"{number}-{policy.name}"
        summary = backtest.run(lines(), folder, policy, [], lambda day, name=policy.name: progress(f"{name}: {day}"))  # type: ignore[misc]
        found = _episodes(folder / "alerts.jsonl")
        results.append(_result(policy, found, summary.lead_days))
        episodes.append(found)
    path = out / "differences.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for one in _differences(policies, episodes, results):
            file.write(json.dumps(one) + "\n")
    return Comparison(results, path)


def _episodes(path: Path) -> dict[Episode, dict[str, Any]]:
    """The alerts of a run by episode: as they opened, with the resolution they came to."""
    found: dict[Episode, dict[str, Any]] = {}
    with path.open("rb") as file:
        for line in file:
            alert = json.loads(line)["data"]
            episode = alert["customer_id"], alert["sign"], alert["episode_day"]
            if alert["status"] == "opened":
                found[episode] = alert
            elif alert["status"] == "resolved" and episode in found:
                found[episode]["resolution"] = alert["resolution"]
    return found


def _result(policy: Policy, found: dict[Episode, dict[str, Any]], lead_days: dict[str, float]) -> Result:
    signs: defaultdict[str, SignResult] = defaultdict(SignResult)
    for (_, sign, _), alert in found.items():
        one = signs[sign]
        one.opened += 1
        one.ended += alert.get("resolution") in ENDED
        if alert.get("resolution") == "churned":
            one.churned += 1
            one.value_reached += alert["value_at_risk"]["amount"]
    for sign, days in lead_days.items():
        signs[sign].lead_days = days
    return Result(policy.name, policy.hash, dict(sorted(signs.items())))


def _differences(
    policies: list[Policy], episodes: list[dict[Episode, dict[str, Any]]], results: list[Result]
) -> Iterator[dict[str, object]]:
    for episode in sorted(set().union(*episodes)):
        opened = [number for number, found in enumerate(episodes) if episode in found]
        if len(opened) == len(policies):
            continue
        if len(opened) == 1:
            results[opened[0]].only_here += 1
        customer, sign, day = episode
        alert = episodes[opened[0]][episode]
        yield {
            "customer_id": customer,
            "sign": sign,
            "episode_day": day,
            "opened_by": [f"{number + 1}-{policies[number].name}" for number in opened],
            "event_time": alert["event_time"],
            "resolution": alert.get("resolution"),
            "value_at_risk": alert["value_at_risk"],
            "says": alert["signs"][0]["says"],
        }
