"""Alerts and customers on a terminal: one line each, or a whole story.

Owns: how they are laid out. What a customer sends may hold anything: what could move the cursor is shown escaped.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.desk.answers import AlertLine, AlertStory, Customer, Step
    from stream.wire.encode import AlertEvent

WIDTH = 96
_COLOURS = {"critical": "1;31", "high": "31", "medium": "33", "low": "2"}


def safe(text: str) -> str:
    r"""The text with anything that could move the cursor escaped.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def coloured(text: str, severity: str) -> str:
    """In the severity's colour, on a terminal."""
    return f"\x1b[{_COLOURS.get(severity, '0')}m{text}\x1b[0m" if sys.stdout.isatty() else text


def when(time: str) -> str:
    """An RFC 3339 instant, UTC, to the minute.

    >>> when("2017-08-25T18:42:10.007Z")
    '2017-08-25 18:42'
    """
    return time[:16].replace("T", " ")


def alert_line(event: AlertEvent) -> str:
    """One transition on a line."""
    from stream.desk import words

    data = event.data
    who = safe(data.customer_id)
    sign = words.sign(data.sign).title
    if data.status == "resolved":
        ending = words.ending(str(data.resolution)).title.lower()
        return f"{when(event.time)}  {ending:<10}  {who:<12}  {sign}"
    worth = words.money(data.value_at_risk.amount, data.value_at_risk.currency)
    says = safe("; ".join(one.says for one in data.signs))
    what = coloured(f"{data.severity:<10}", data.severity)
    rest = f"{words.percent(data.p_none)} in {data.horizon_days} days, {worth}, {safe(data.segment)}"
    return f"{when(event.time)}  {what}  {who:<12}  {sign}: {says} ({rest})  {data.alert_id}"


def alert_story(story: AlertStory) -> Iterable[str]:
    """Why it opened, what the policy says, and its life."""
    one = story.alert
    yield f"{coloured(one.severity, one.severity)}  customer {safe(one.customer_id)}, {safe(one.segment)}: {one.title}"
    yield f"alert {one.alert_id}, {_state(one)}"
    yield ""
    yield "Why it opened"
    yield from _bullets(story.because)
    yield ""
    yield "Its numbers"
    for e in story.evidence:
        unit = f" {e.unit}" if e.unit else ""
        yield safe(f"  {e.sign}: seen {e.observed:g}{unit}, expected {e.expected:g}, fires at {e.threshold:g}")
    yield ""
    yield "What the policy says"
    yield from _bullets(story.policy)
    yield ""
    yield "Its life"
    yield from life(story.life)


def customer(story: Customer) -> Iterable[str]:
    """What is known, alerts, last events."""
    yield f"customer {safe(story.customer_id)}"
    for says in story.missing:
        yield f"not shown: {says}"
    if story.row:
        yield ""
        width = max(len(fact.name) for fact in story.row)
        for fact in story.row:
            yield safe(f"  {fact.name:<{width}}  {fact.says}")
    yield ""
    open_ones = [one for one in story.alerts if one.status != "resolved"]
    yield "Open alerts" if open_ones else "No alert is open"
    for one in open_ones:
        what = coloured(f"{one.severity:<8}", one.severity)
        yield f"  {what}  {one.title}: {safe('; '.join(one.says))}  {one.alert_id}"
    if story.life:
        yield ""
        yield "Alerts so far"
        yield from life(story.life)
    if story.events:
        yield ""
        yield "Last events"
        for event in story.events:
            yield f"  {when(event.time)}  {safe(event.says)}"


def life(steps: Iterable[Step]) -> Iterable[str]:
    """Steps of alerts, a line each."""
    for step in steps:
        yield f"  {when(step.at)}  {safe(step.says)}"


def _state(one: AlertLine) -> str:
    if one.status == "resolved":
        return f"ended: {one.resolution}"
    return f"open since {when(one.opened_at)} UTC{f', {safe(one.acked.by)} has it' if one.acked else ''}"


def _bullets(says: Iterable[str]) -> Iterable[str]:
    for one in says:
        yield from textwrap.wrap(safe(one), WIDTH, initial_indent="  - ", subsequent_indent="    ")
