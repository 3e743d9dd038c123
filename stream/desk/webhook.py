"""One try to hand one message to a receiver: a signed POST, and what its answer means.

Owns: the form of a delivery. The body is the CloudEvent as it is; the signature is that of Standard Webhooks
(https://www.standardwebhooks.com): HMAC-SHA256 over id, timestamp and body. Neither address nor secret is ever told.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp

from stream.desk.routes import Route

CONTENT_TYPE: Final = "application/cloudevents+json"
AGENT: Final = "lapse-desk"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. `gone`: never send to this address again; `after_s`: how long it asks to be left alone."""

    taken: bool
    says: str
    gone: bool = False
    after_s: float = 0.0


def signature(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of `webhook-signature`; the example is the specification's.

    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


async def post(
    session: aiohttp.ClientSession, route: Route, message_id: str, body: bytes, secret: bytes | None
) -> Answer:
    """Try once. Whatever goes wrong on the way is an answer, never an exception."""
    now_s = int(time.time())
    headers = {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": AGENT,
        "Idempotency-Key": message_id,
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
    }
    if secret is not None:
        headers["webhook-signature"] = signature(secret, message_id, now_s, body)
    timeout = aiohttp.ClientTimeout(total=route.timeout_s)
    try:
        # a redirect is not followed: it would carry a customer's data to somebody whom nobody named
        async with session.post(route.url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as got:
            return _understood(got.status, got.headers.get("Retry-After", ""))
    except TimeoutError:
        return Answer(taken=False, says=f"no answer within {route.timeout_s} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Answer(taken=False, says=type(error).__name__)  # its text names the address


def _understood(status: int, retry_after: str) -> Answer:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(taken=True, says=f"status {status}")
    return Answer(
        taken=False,
        says=f"status {status}",
        gone=status == HTTPStatus.GONE,
        after_s=seconds_of(retry_after, time.time()),
    )


def seconds_of(retry_after: str, now_s: float) -> float:
    """How long a `Retry-After` asks to wait; 0 where it can't be read.

    >>> seconds_of("120", 0.0), seconds_of("Thu, 01 Jan 1970 00:01:00 GMT", 30.0), seconds_of("soon", 0.0)
    (120.0, 30.0, 0.0)
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 (a date has no such form)
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now_s, UTC)).total_seconds())
