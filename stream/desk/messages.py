"""What a route is sent: an alert as it was published, or one message about many.

Owns: the CloudEvent of a group, its words and counts, and its id, which is a hash of what it is about, so that the same
group has the same id after any restart. Pure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from stream.desk.outbox import Waiting, Why
from stream.wire.encode import AlertData, MoneyJson, rfc3339

SOURCE: Final = "lapse/desk"
TOP: Final = 10
LISTED: Final = 500  # alert ids in one message
_TYPES: Final[Mapping[Why, str]] = {
    "quiet": "churn.alerts.held", "digest": "churn.alerts.digest", "storm": "churn.alerts.incident",
}  # fmt: skip


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A group that is on its way: what is sent never changes any more, however often it has to be tried."""

    members: tuple[str, ...]  # event ids
    body: msgspec.Raw
    since_ms: int
    partition: int  # of its first member: who has it sends it


class GroupData(msgspec.Struct, kw_only=True):
    """What happened, in a sentence and in counts.

    `fired` opened, `cleared` ended, `fired_and_cleared` did both in between (and are in neither of the other counts);
    `top` are the `fired` ones with the most to lose, `alert_ids` at most the first 500.
    """

    route: str
    why: Why
    says: str
    since: str
    until: str
    fired: int
    escalated: int
    cleared: int
    fired_and_cleared: int
    by_sign: dict[str, int]
    by_segment: dict[str, int]
    by_severity: dict[str, int]
    value_at_risk: MoneyJson
    top: list[AlertData]
    alert_ids: list[str]


class GroupEvent(msgspec.Struct, kw_only=True):
    """One message about many alerts (CloudEvents 1.0)."""

    type: str
    id: str
    time: str
    data: GroupData
    specversion: str = "1.0"
    source: str = SOURCE


def group_id(route: str, members: Sequence[str]) -> str:
    """The id of a message about these events to this route.

    >>> group_id("crm", ["b:1", "a:1"]) == group_id("crm", ["a:1", "b:1"])
    True
    """
    text = "\x00".join([route, *sorted(members)])
    return "group-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def seal(route: str, why: Why, members: Mapping[str, Waiting], now_ms: int) -> tuple[str, Sealed]:
    """The id of a group's message, and the message, of at least one member."""
    told = GroupEvent(
        type=_TYPES[why],
        id=group_id(route, list(members)),
        time=rfc3339(now_ms),
        data=_data(route, why, members, now_ms),
    )
    first = next(iter(members.values())).entry
    body = msgspec.Raw(msgspec.json.encode(told))
    return told.id, Sealed(members=tuple(members), body=body, since_ms=first.since_ms, partition=first.partition)


def _data(route: str, why: Why, members: Mapping[str, Waiting], now_ms: int) -> GroupData:
    lives: dict[str, list[AlertData]] = {}
    for waiting in members.values():
        lives.setdefault(waiting.alert_id, []).append(waiting.event.data)
    last = [life[-1] for life in lives.values()]
    began = {alert_id for alert_id, life in lives.items() if life[0].status == "opened"}
    both = sum(one.status == "resolved" and one.alert_id in began for one in last)
    cleared = sum(one.status == "resolved" for one in last) - both
    live = [one for one in last if one.status != "resolved"]
    fired = sum(one.alert_id in began for one in live)
    live.sort(key=lambda one: one.value_at_risk.amount, reverse=True)
    since_ms = min(waiting.entry.since_ms for waiting in members.values())
    counts = {"fired": fired, "escalated": len(live) - fired, "cleared": cleared, "fired_and_cleared": both}
    return GroupData(
        route=route,
        why=why,
        says=_says(why, counts, live),
        since=rfc3339(since_ms),
        until=rfc3339(now_ms),
        **counts,
        by_sign=_by(live, "sign"),
        by_segment=_by(live, "segment"),
        by_severity=_by(live, "severity"),
        value_at_risk=MoneyJson(
            round(sum(one.value_at_risk.amount for one in live), 2), last[0].value_at_risk.currency
        ),
        top=live[:TOP],
        alert_ids=list(lives)[:LISTED],
    )


def _by(alerts: Sequence[AlertData], field: str) -> dict[str, int]:
    found: Counter[str] = Counter(getattr(one, field) for one in alerts)
    return dict(found.most_common())


def _says(why: Why, counts: Mapping[str, int], live: Sequence[AlertData]) -> str:
    """A sentence for a chat or the subject of a mail."""
    words = {"fired": "opened", "escalated": "became graver", "cleared": "ended",
             "fired_and_cleared": "opened and ended again"}  # fmt: skip
    parts = [f"{counts[name]:,} {verb}" for name, verb in words.items() if counts[name]]
    begins: dict[Why, str] = {"quiet": "While it was quiet", "digest": "Since the last digest", "storm": "At once"}
    sentence = f"{begins[why]}: {', '.join(parts)}."
    if why == "storm" and live:
        sign, n = Counter(one.sign for one in live).most_common(1)[0]
        sentence += f" {n:,} of them {sign.replace('_', ' ')}: look at the pipeline and at what changed for everybody."
    return sentence
