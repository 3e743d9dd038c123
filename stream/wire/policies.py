"""A version of the policy on `lapse.policy`: what is in force from a business day on.

Owns: the record, and what is said of one that can't be used. The key is the day, so that compaction keeps one version a
day: publishing again for a day replaces it.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stream.core.policy import Policy, PolicyError, parse
from stream.wire.stamps import Time

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", extra_json_schema={"format": "date"})]


class PolicyVersion(Struct, kw_only=True, rename={"since": "from"}):
    """A version of the policy on `lapse.policy`, key `from`: in force from that business day on, in event time.

    `toml` is the whole policy as it was written, fitted parameters included; `hash` is what alerts name it by.
    """

    since: Day
    name: str
    hash: str
    published_at: Time
    toml: str


class VersionError(ValueError):
    """A record that is no version of a policy."""


_decode = msgspec.json.Decoder(PolicyVersion).decode


def encode(text: str, name: str, since: date, published_at: str) -> tuple[bytes, bytes]:
    """Key and value of a version. Raises PolicyError when the text is no policy."""
    policy = parse(text, name)
    version = PolicyVersion(since=since.isoformat(), name=name, hash=policy.hash, published_at=published_at, toml=text)
    return version.since.encode(), msgspec.json.encode(version)


def decode(value: bytes) -> tuple[PolicyVersion, date, Policy]:
    """The version, its day, and the policy. Raises VersionError, in words."""
    try:
        version = _decode(value)
        return version, date.fromisoformat(version.since), parse(version.toml, version.name)
    except (PolicyError, ValueError) as problem:  # msgspec's errors are ValueErrors
        raise VersionError(str(problem)) from None
