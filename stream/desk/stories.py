"""One alert's story, one customer's story, the policy: what a person reads who wants to know why.

Owns: these sentences. Customer data: for holders of the token only, which `api` sees to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from stream.core.calendar import calendar, day_of
from stream.core.policy import Policy
from stream.desk import words
from stream.desk.aggregates import HISTORY_SECONDS, expected_loss
from stream.desk.answers import (
    AlertStory,
    Customer,
    CustomerEvent,
    Fact,
    PolicyView,
    SettingLine,
    Step,
    VersionLine,
)
from stream.desk.listing import line
from stream.desk.model import Desk, Story
from stream.policies.explain import Setting, settings
from stream.wire.encode import AlertEvent, rfc3339


def alert_story(desk: Desk, alert_id: str) -> AlertStory | None:
    """Why an alert opened and what became of it; None when the desk doesn't know it."""
    story = desk.story(alert_id)
    if story is None:
        return None
    opened = story.life[0]
    return AlertStory(
        alert=line(desk, story.last),
        because=because(opened, desk.policy),
        evidence=list(opened.data.signs),
        policy=policy_says(opened.data.sign, settings(desk.policy_text)),
        life=life(story),
    )


def because(event: AlertEvent, policy: Policy) -> list[str]:
    """Why the alert opened, in sentences: the sign, the evidence, the chance, the value, what may be done."""
    data = event.data
    sign = words.sign(data.sign)
    loss = words.money(expected_loss(event), data.value_at_risk.currency)
    worth = words.money(data.value_at_risk.amount, data.value_at_risk.currency)
    said = [f"{sign.title}: {sign.means}." if sign.means else f"{sign.title}."]
    said += [f"{_capital(one.says)}." for one in data.signs]
    said.append(
        f"The chance that they are lost within {data.horizon_days} days is {words.percent(data.p_none)} "
        f"(of everybody {words.percent(data.base_rate)}): of a hundred such alerts about that many should come true."
    )
    said.append(
        f"At stake: {worth} in {policy.value.horizon_days} days; chance × value is {loss}, hence {data.severity}."
    )
    if data.loss != "regretted":
        said.append(words.LOSSES[data.loss])
    said.append(f"Suggested: {words.plain(data.play).lower()}. {_contact(event)}")
    if data.next_occasion:
        said.append(f"A good occasion: {data.next_occasion}.")
    return said


def _contact(event: AlertEvent) -> str:
    if event.data.holdout:
        return "But leave them alone: they belong to the share that nobody contacts, to measure what contacting does."
    if event.data.consent_marketing:
        return "They agreed to marketing."
    return "They have not agreed to marketing: no mail or message that advertises."


def policy_says(sign: str, every: Sequence[Setting]) -> list[str]:
    """The thresholds behind a sign and behind severities, each with what it means."""
    wanted = [
        one for one in every if one.name.startswith((f"signs.{sign}.", "severity.")) and ".model." not in one.name
    ]
    return [f"{one.name} = {_toml(one.value)}{f': {one.means}' if one.means else ''}" for one in wanted]


def life(story: Story) -> list[Step]:
    """What happened to an alert, oldest first."""
    steps = [step(event) for event in story.life]
    if story.acked:
        taken = Step(at=rfc3339(story.acked.at_ms), what="acked", says=f"{story.acked.by} took it on")
        steps.append(taken)  # by the wall clock, the others by the events'
    return steps


def step(event: AlertEvent) -> Step:
    """One transition in words."""
    data = event.data
    sign = words.sign(data.sign).title
    if data.status == "opened":
        reason = "; ".join(one.says for one in data.signs)
        return Step(at=event.time, what="opened", says=f"{sign}: {reason}", severity=data.severity)
    if data.status == "escalated":
        return Step(at=event.time, what="escalated", says=f"{sign}: now {data.severity}", severity=data.severity)
    name = data.resolution if isinstance(data.resolution, str) else "resolved"
    ending = words.ending(name)
    return Step(at=event.time, what=name, says=f"{ending.title}: {ending.means}" if ending.means else ending.title)


def customer(
    desk: Desk, customer_id: str, row: dict[str, Any] | None, events: list[dict[str, Any]] | None
) -> Customer | None:
    """All that is known of a customer; None when nobody knows them."""
    newest = desk.of_customer(customer_id)
    if row is None and not events and not newest:
        return None
    missing = []
    if row is None:
        missing.append("no worker has this customer's row, or the one that has it doesn't answer")
    if events is None:
        missing.append("the last events: their partition isn't known, or can't be read now")
    stories = [story for event in newest if (story := desk.story(event.data.alert_id)) is not None]
    steps = sorted((one for story in stories for one in life(story)), key=lambda one: datetime.fromisoformat(one.at))
    return Customer(
        customer_id=customer_id,
        row=None if row is None else [Fact(name=name, says=says) for name, says in row["facts"]],
        alerts=[line(desk, event) for event in newest],
        life=steps[::-1],
        events=None if events is None else [event_line(one) for one in events],
        missing=missing,
    )


def event_line(content: dict[str, Any]) -> CustomerEvent:
    """One event as it is told in a list."""
    time = content.get("time")
    when = rfc3339(int(time)) if isinstance(time, int | float) else str(time)
    return CustomerEvent(time=when, type=str(content.get("type")), says=words.event(content), event=content)


def policy_view(desk: Desk) -> PolicyView:
    """The policy in force, every threshold with what it means."""
    policy = desk.policy
    return PolicyView(
        name=policy.name,
        hash=policy.hash,
        currency=policy.currency,
        zone=policy.zone,
        segments=list(policy.segments),
        settings=[
            SettingLine(name=one.name, value=one.value, default=one.default, means=one.means)
            for one in settings(desk.policy_text)
        ],
        warnings=list(policy.warnings),
        versions=_versions(desk),
    )


def _versions(desk: Desk) -> list[VersionLine]:
    first, now = desk.schedule.first, desk.policy_since
    return [
        VersionLine(since=None, name=first.name, hash=first.hash, in_force=now is None),
        *(
            VersionLine(since=since, name=one.name, hash=one.hash, in_force=since == now)
            for since, one in sorted(desk.versions.items())
        ),
    ]


def event_now_ms(desk: Desk, wall_ms: int) -> int:
    """The time that an event of the desk's own carries: now, or, while history is read, where its clocks are.

    An event of today among those of last year would move a partition's clock over everything between.
    """
    clocks = [clock for clock, _ in desk.heads.values() if clock]
    latest = max(clocks, default=wall_ms)
    return latest if wall_ms - latest >= HISTORY_SECONDS * 1000 else wall_ms


def ack_event(alert: AlertEvent, by: str, now_ms: int) -> dict[str, Any]:
    """The customer's event that says somebody took the alert on."""
    return _of_alert("alert_acked", alert, by, now_ms)


def mute_event(alert: AlertEvent, by: str, until: date, now_ms: int, policy: Policy) -> dict[str, Any]:
    """The customer's event that ends an alert and keeps its sign quiet until a day begins."""
    until_ms = calendar(policy.zone).start_ms(day_of(until))
    return _of_alert("alert_muted", alert, by, now_ms) | {"until": rfc3339(until_ms)}


def _of_alert(kind: str, alert: AlertEvent, by: str, now_ms: int) -> dict[str, Any]:
    return {
        "id": f"{kind}:{uuid4().hex}",
        "type": kind,
        "source": "lapse/desk",
        "customer_id": alert.data.customer_id,
        "time": rfc3339(now_ms),
        "alert_id": alert.data.alert_id,
        "sign": alert.data.sign,
        "by": by,
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
