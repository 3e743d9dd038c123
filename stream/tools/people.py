"""What people ask about alerts and customers: of the desk, or, without one, of the topics themselves.

Owns: asking. What is answered has the same types and words either way (`stream.desk.answers`), because both are made by
the desk's own functions.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from stream import names
from stream.core.policy import Policy
from stream.desk import stories
from stream.desk.answers import AlertStory, Customer, Taken
from stream.desk.listing import Query
from stream.desk.model import Desk, Story
from stream.tools.reading import messages
from stream.wire.encode import AlertEvent
from stream.worker.settings import Settings

PATIENCE_SECONDS: Final = 10.0
LAST_EVENTS: Final = 50
FARTHEST: Final = 200_000  # records of a partition, back from its end


class DeskError(RuntimeError):
    """The desk, or the topic, gave no answer or not the one asked for; the text says why."""


def alerts(
    cluster: Settings, wanted: Query, *, since_ms: int | None, follow: bool
) -> Iterator[tuple[AlertEvent, bytes]]:
    """Yield alerts as they are published (and as they stand there), from `since_ms` on. Raises DeskError."""
    for message in messages(cluster, names.ALERTS, since_ms=since_ms, follow=follow):
        value = message.value()
        if value is None:  # the alerts of an erased customer
            continue
        try:
            event = msgspec.json.decode(value, type=AlertEvent)
        except msgspec.DecodeError as error:
            where = f"{names.ALERTS}/{message.partition()}@{message.offset()}"
            raise DeskError(f"{where} is no alert that this version of lapse reads: {error}") from None
        if wanted.takes(event):
            yield event, value


# ------------------------------------------------------------------ of the topics


def story_of_topics(cluster: Settings, policy: Policy, policy_text: str, alert_id: str) -> AlertStory | None:
    """Why an alert opened and what became of it, from `churn.alerts`; None when it isn't there."""
    desk = _desk(policy, policy_text)
    for event, _ in alerts(cluster, Query(), since_ms=None, follow=False):
        if event.data.alert_id == alert_id:
            _tell(desk, event)
    return stories.alert_story(desk, alert_id)


def customer_of_topics(cluster: Settings, policy: Policy, policy_text: str, customer_id: str) -> Customer | None:
    """A customer's alerts and last events; their row is known to the workers only."""
    desk = _desk(policy, policy_text)
    for event, _ in alerts(cluster, Query(), since_ms=None, follow=False):
        if event.data.customer_id == customer_id:
            _tell(desk, event)
    key = customer_id.encode()
    mine = [
        content
        for message in messages(cluster, names.EVENTS, last=FARTHEST)
        if message.key() == key and (content := _content(message.value())) is not None
    ]
    mine.sort(key=lambda content: stories.event_line(content).time, reverse=True)
    return stories.customer(desk, customer_id, None, mine[:LAST_EVENTS])


def _desk(policy: Policy, policy_text: str) -> Desk:
    desk = Desk(policy)
    desk.first_text = policy_text
    return desk


def _tell(desk: Desk, event: AlertEvent) -> None:
    known = desk.story(event.data.alert_id)
    story = known.told(event, 0) if known else Story(life=(event,), seen_ms=(0,))
    if story is not None:
        desk.tell_story(event.data.alert_id, story)


def _content(value: bytes | None) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(value or b"null")
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


# ------------------------------------------------------------------ of the desk


@dataclass(frozen=True, slots=True)
class DeskApi:
    """A desk's address, and the token for what is about one customer."""

    url: str
    token: str = ""

    def story(self, alert_id: str) -> AlertStory:
        """Why an alert opened and what became of it. Raises DeskError."""
        return msgspec.json.decode(self._ask(f"alerts/{_quoted(alert_id)}"), type=AlertStory)

    def customer(self, customer_id: str) -> Customer:
        """A customer's story. Raises DeskError."""
        return msgspec.json.decode(self._ask(f"customers/{_quoted(customer_id)}"), type=Customer)

    def ack(self, alert_id: str, by: str) -> Taken:
        """Say that somebody took an alert on. Raises DeskError."""
        return msgspec.json.decode(self._ask(f"alerts/{_quoted(alert_id)}/ack", {"by": by}), type=Taken)

    def mute(self, alert_id: str, by: str, until: str) -> Taken:
        """End an alert, and hear no more of its sign until a day. Raises DeskError."""
        body = {"by": by, "until": until}
        return msgspec.json.decode(self._ask(f"alerts/{_quoted(alert_id)}/mute", body), type=Taken)

    def now(self) -> dict[str, Any]:
        """The aggregates, as they are answered. Raises DeskError."""
        return dict(json.loads(self._ask("now")))

    def first_alert(self) -> None:
        """Ask for something that wants the token. Raises DeskError."""
        self._ask("alerts?limit=1")

    def _ask(self, path: str, body: object = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, headers)  # noqa: S310 — checked to be http
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 — the same
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise DeskError(self._refused(error)) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", error)
            raise DeskError(f"no desk answers at {self.url} ({why}): start `lapse desk`, or say --desk URL") from None

    def _refused(self, error: urllib.error.HTTPError) -> str:
        with error:
            try:
                says = str(json.loads(error.read())["error"])
            except (ValueError, KeyError, TypeError):
                says = f"it answered {error.code}"
        hint = ": set LAPSE_TOKEN to the desk's" if error.code == http.client.UNAUTHORIZED else ""
        return f"the desk at {self.url} says: {says}{hint}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
