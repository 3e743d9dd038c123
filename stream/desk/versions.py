"""Versions of the policy as the desk hears of them: the same topic, and the same rules, as the workers have.

Owns: what a record of `lapse.policy` makes of the desk's schedule. Which version is in force is the schedule's to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

from stream.core.calendar import day_of
from stream.desk.model import Desk
from stream.wire import policies

_log = logging.getLogger("lapse.desk")


def take_version(desk: Desk) -> Callable[[bytes, bytes | None, int], None]:
    """Take records of the topic into a desk's schedule; what is no version is told and left out."""

    def take(key: bytes, value: bytes | None, _stamp_ms: int) -> None:
        try:
            wrong = _keep(desk, key, value)
        except ValueError as problem:  # VersionError is one
            wrong = [str(problem)]
        if wrong:
            _log.error("a record of lapse.policy is left out: %s", "; ".join(wrong))
        desk.changed += 1

    return take


def _keep(desk: Desk, key: bytes, value: bytes | None) -> list[str]:
    """What speaks against a version. Raises ValueError for what is none."""
    if value is None:
        since = date.fromisoformat(key.decode())
        desk.versions.pop(since, None)
        desk.schedule.remove(day_of(since))
        return []
    version, since, policy = policies.decode(value)
    wrong = desk.schedule.add(day_of(since), policy)
    if not wrong:
        desk.versions[since] = version
    return wrong
