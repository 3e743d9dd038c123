"""The desk's HTTP: JSON answers over the read model, and the live page.

Owns: paths, the token, headers, and what a wrong question is answered with. What is answered is made by `aggregates`,
`listing` and `stories`; what streams by `feed`. Knows no Kafka: it is mounted into any aiohttp application.

Aggregates are for everybody who reaches the port; whatever is about one customer wants the token (LAPSE_TOKEN).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import date
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from stream.core.calendar import date_of, day_of
from stream.desk import aggregates, listing, openapi, static, stories
from stream.desk.answers import Ack, Mute, Taken, Wrong
from stream.desk.feed import Feed
from stream.desk.model import Desk
from stream.wire.encode import AlertEvent

MOST_BODY_BYTES: Final = 4096
EVENTS_SHOWN: Final = 30
RECENT_SHOWN: Final = 40
LONGEST_MUTE_DAYS: Final = 366
_PERIODS: Final = tuple(aggregates.SHOWN_PERIODS)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")
ReadEvents = Callable[[str, int, int], Awaitable[list[dict[str, Any]] | None]]


class Problem(Exception):  # noqa: N818 — an answer, not an error of ours
    """An answer that is not the one asked for: status and a sentence."""

    def __init__(self, status: int, says: str) -> None:
        self.status = status
        self.says = says
        super().__init__(says)


async def _unread(_customer_id: str, _partition: int, _limit: int) -> list[dict[str, Any]] | None:
    return None


class Api:
    """Answers questions about one desk. `token` empty: whatever is about one customer is switched off."""

    def __init__(
        self,
        desk: Desk,
        token: str,
        events: ReadEvents = _unread,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """`events` reads a customer's last events (so many, of that partition), the newest first."""
        self._desk = desk
        self._token = token.encode()
        self._events = events
        self._wall_s = wall_s
        self.feed = Feed(desk, self._wall_ms)

    def routes(self) -> list[web.RouteDef]:
        """Every path: the API, and the page's files."""
        handlers: dict[str, Handler] = {
            "now": self._now,
            "period": self._period,
            "segments": self._segments,
            "policy": self._policy,
            "alerts": self._alerts,
            "recent": self._recent,
            "alert": self._alert,
            "ack": self._ack,
            "mute": self._mute,
            "customer": self._customer,
            "stream": self._stream,
            "openapi": self._openapi,
        }
        made = [
            web.route(path.method, path.path, self._guarded(handlers[path.name], secret=path.secret))
            for path in openapi.PATHS
        ]
        return [*made, *static.routes()]

    # ------------------------------------------------------------------ for everybody

    async def _now(self, _: web.Request) -> web.Response:
        return answer(self.feed.now())

    async def _period(self, request: web.Request) -> web.Response:
        kind = request.query.get("kind", "month")
        segment = request.query.get("segment", "all")
        known = ("all", *self._desk.policy.segments)
        if kind not in _PERIODS:
            raise Problem(400, f"kind is {kind!r}: one of {', '.join(_PERIODS)}")
        if segment not in known:
            raise Problem(400, f"segment is {segment!r}: one of {', '.join(known)}")
        return answer(aggregates.period(self._desk, kind, segment))

    async def _segments(self, _: web.Request) -> web.Response:
        return answer(aggregates.segments(self._desk))

    async def _policy(self, _: web.Request) -> web.Response:
        return answer(stories.policy_view(self._desk))

    async def _openapi(self, _: web.Request) -> web.Response:
        return answer(openapi.document())

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Stream what happens; alerts only to holders of the token, a wrong one is refused rather than ignored."""
        secret = "Authorization" in request.headers
        if secret:
            self._must_hold_the_token(request)
        response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        with suppress(ConnectionError):  # a reader that has gone is no news
            async with aclosing(self.feed.chunks(secret=secret)) as chunks:
                async for chunk in chunks:
                    await response.write(chunk)
        return response

    # ------------------------------------------------------------------ for holders of the token

    async def _alerts(self, request: web.Request) -> web.Response:
        try:
            return answer(listing.alerts(self._desk, listing.query(dict(request.query))))
        except listing.BadQueryError as error:
            raise Problem(400, str(error)) from None

    async def _recent(self, _: web.Request) -> web.Response:
        return answer([listing.line(self._desk, event) for event in self._desk.recent(RECENT_SHOWN)])

    async def _alert(self, request: web.Request) -> web.Response:
        story = stories.alert_story(self._desk, request.match_info["alert_id"])
        if story is None:
            raise Problem(404, "no such alert: it may have ended long ago, or the id is cut off")
        return answer(story)

    async def _ack(self, request: web.Request) -> web.Response:
        body = await _body(request, Ack)
        alert = self._open(request)
        return await self._say(stories.ack_event(alert, body.by, self._event_now_ms()))

    async def _mute(self, request: web.Request) -> web.Response:
        body = await _body(request, Mute)
        alert = self._open(request)
        now_ms = self._event_now_ms()
        today = day_of(date.fromisoformat(time.strftime("%Y-%m-%d", time.gmtime(now_ms / 1000))))
        if not today < day_of(body.until) <= today + LONGEST_MUTE_DAYS:
            raise Problem(400, f"until: a day after {date_of(today)}, at most {LONGEST_MUTE_DAYS} days ahead")
        return await self._say(stories.mute_event(alert, body.by, body.until, now_ms, self._desk.policy))

    async def _customer(self, request: web.Request) -> web.Response:
        customer_id = request.match_info["customer_id"]
        row = await self._desk.locate(customer_id)
        events = await self._events(customer_id, int(row["partition"]), EVENTS_SHOWN) if row else None
        story = stories.customer(self._desk, customer_id, row, events)
        if story is None:
            raise Problem(404, "nobody knows a customer of this id")
        return answer(story)

    def _open(self, request: web.Request) -> AlertEvent:
        story = self._desk.story(request.match_info["alert_id"])
        if story is None:
            raise Problem(404, "no such alert")
        if not story.is_open:
            raise Problem(409, "this alert has ended already")
        return story.last

    async def _say(self, event: dict[str, Any]) -> web.Response:
        await self._desk.produce(event)
        return answer(Taken(id=event["id"], type=event["type"]), 202)

    # ------------------------------------------------------------------ around every answer

    def _guarded(self, handler: Handler, *, secret: bool) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if secret:
                    self._must_hold_the_token(request)
                return await handler(request)
            except Problem as problem:
                return answer(Wrong(error=problem.says), problem.status)

        return guarded

    def _must_hold_the_token(self, request: web.Request) -> None:
        if not self._token:
            raise Problem(403, "customers are not shown: this desk was started without LAPSE_TOKEN")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "customers are shown with a token only: Authorization: Bearer …")
        if not hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token):
            raise Problem(401, "this is not the token")

    def _wall_ms(self) -> int:
        return int(self._wall_s() * 1000)

    def _event_now_ms(self) -> int:
        return stories.event_now_ms(self._desk, self._wall_ms())


HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def answer(content: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    body = msgspec.json.encode(content)
    response = web.Response(body=body, status=status, headers={**HEADERS, "Content-Type": "application/json"})
    if len(body) > MOST_BODY_BYTES:
        response.enable_compression()
    return response


async def _body(request: web.Request, kind: type[T]) -> T:
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise Problem(413, f"at most {MOST_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(await request.content.read(MOST_BODY_BYTES), type=kind)
    except msgspec.DecodeError as error:
        raise Problem(400, str(error)) from None
