"""Who gets what: routes, as the file of `--routes` says them.

Owns: a route's rules and reading them from TOML, every mistake told at once. Pure: knows neither Kafka nor HTTP, and
reads no environment (a route names the variables that hold its secrets).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stream.core.policy import Policy
from stream.core.settings import Settings, suggestion
from stream.core.signs import NAMES as SIGNS
from stream.wire.encode import AlertEvent

SEVERITIES: Final = ("low", "medium", "high", "critical")
STATUSES: Final = ("opened", "escalated", "resolved")
MOST_ROUTES: Final = 32
SECRET_ENV: Final = "LAPSE_WEBHOOK_SECRET"  # noqa: S105 (a variable's name)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,80}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class RoutesError(ValueError):
    """A routes file that can't be used; `errors` says all that is wrong with it."""

    def __init__(self, errors: list[str]) -> None:
        """`errors` in the order in which they were found."""
        self.errors = errors
        super().__init__("\n".join(errors))


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of every day, by the clock of a zone, in which a route is left in peace; `through` and graver still go."""

    begin: time
    end: time
    zone: str
    through: str | None = None

    def until_ms(self, now_ms: int) -> int | None:
        """When the quiet hours that hold at this instant end (epoch ms); None outside them.

        Where summer time begins or ends in them they are an hour shorter or longer; a border that the clock skips is
        the instant at which it does.

        >>> night = Quiet(time(22), time(6), "Europe/Berlin")
        >>> saturday = datetime(2024, 3, 30, 23, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000
        >>> (night.until_ms(int(saturday)) - int(saturday)) / 3_600_000  # the clocks go forward at two
        6.0
        """
        zone = ZoneInfo(self.zone)
        here = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
        for day in (here - timedelta(days=1), here):
            last = day if self.begin < self.end else day + timedelta(days=1)
            begin, end = (
                round(datetime.combine(d, t, zone).timestamp() * 1000) for d, t in ((day, self.begin), (last, self.end))
            )
            if begin <= now_ms < end:
                return end
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One receiver of alerts. `digest_minutes` 0: each at once; `budget_per_hour` 0: never grouped as a storm."""

    name: str
    url: str = field(default="", repr=False)  # it may hold a secret
    url_env: str | None = None
    secret_env: str | None = None
    severity: str = "low"
    signs: frozenset[str] = frozenset()  # none named: all
    segments: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset(STATUSES)
    contact: bool = False
    quiet: Quiet | None = None
    digest_minutes: int = 0
    budget_per_hour: int = 120
    storm_minutes: int = 10
    concurrency: int = 4
    timeout_s: int = 15
    give_up_hours: int = 24

    def wants(self, life: tuple[AlertEvent, ...]) -> bool:
        """Whether this route is told of the latest event of an alert's life.

        Of an end only those hear who heard of the alert before. With `contact`, nothing is said of customers who are
        held out or don't want to be written to.
        """
        last = life[-1]
        if last.data.status not in self.statuses:
            return False
        if last.data.status == "resolved":
            return any(map(self._passes, life[:-1] or life))
        return self._passes(last)

    def _passes(self, event: AlertEvent) -> bool:
        data = event.data
        return (
            SEVERITIES.index(data.severity) >= SEVERITIES.index(self.severity)
            and (not self.signs or data.sign in self.signs)
            and (not self.segments or data.segment in self.segments)
            and not data.acceptable
            and not (self.contact and (data.holdout or not data.consent_marketing))
        )


def parse(text: str, policy: Policy) -> tuple[Route, ...]:
    """The routes of a TOML file. Raises RoutesError with everything that is wrong with it."""
    try:
        table = tomllib.loads(text)
    except ValueError as problem:
        raise RoutesError([f"not TOML: {problem}"]) from None
    errors: list[str] = []
    found = table.get("route", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        errors.append("route: write each as a table that begins with [[route]]")
        found = []
    if len(found) > MOST_ROUTES:
        errors.append(f"route: {len(found)} of them, at most {MOST_ROUTES} are served")
    routes = tuple(_route(Settings(one, f"route {i}", errors), policy) for i, one in enumerate(found, 1))
    names = [route.name for route in routes]
    errors += [f"route: two are called {name!r}" for name in dict.fromkeys(names) if name and names.count(name) > 1]
    errors += [f"{key}: no such setting{suggestion(key, ['route'])}" for key in table if key != "route"]
    if errors:
        raise RoutesError(errors)
    return routes


def _route(table: Settings, policy: Policy) -> Route:
    name = table.text("name", "")
    if not _NAME.fullmatch(name):
        table.wrong("name", f"1 to 41 small letters, digits, '.', '_' and '-', not {name!r}")
    base = Route(name=name)
    route = Route(
        name=name,
        url=_url(table),
        url_env=_variable(table, "url_env"),
        secret_env=_variable(table, "secret_env"),
        severity=_one_of(table, "severity", base.severity, SEVERITIES),
        signs=_some_of(table, "signs", SIGNS),
        segments=_some_of(table, "segments", policy.segments),
        statuses=_some_of(table, "statuses", STATUSES) or base.statuses,
        contact=table.flag("contact", default=False),
        quiet=_quiet(table.table("quiet"), policy.zone) if table.has("quiet") else None,
        digest_minutes=table.whole("digest_minutes", 0, 0, 7 * 24 * 60),
        budget_per_hour=table.whole("budget_per_hour", base.budget_per_hour, 0, 1_000_000),
        storm_minutes=table.whole("storm_minutes", base.storm_minutes, 1, 24 * 60),
        concurrency=table.whole("concurrency", base.concurrency, 1, 64),
        timeout_s=table.whole("timeout_s", base.timeout_s, 1, 300),
        give_up_hours=table.whole("give_up_hours", base.give_up_hours, 1, 24 * 30),
    )
    if bool(route.url) == bool(route.url_env):
        table.wrong("url", "say either url or url_env (the variable that holds it)")
    table.refuse_unknown()
    return route


def url_problem(url: str) -> str | None:
    """What is wrong with a webhook's address, in words that don't repeat it: it may hold a secret."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port != 0
    except ValueError:
        return "is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        return "must be an http:// or https:// URL"
    if parts.scheme == "http" and parts.hostname not in _LOCAL and "." in parts.hostname:
        return "must be https:// (plain http:// goes to this host, or to a name without a dot inside a network)"
    return None


def _url(table: Settings) -> str:
    if not table.has("url"):
        return ""
    url = str(table._take("url"))  # noqa: SLF001 (longer than the short texts that a policy holds)
    problem = url_problem(url)
    if problem:
        table.wrong("url", problem)
    return url


def _variable(table: Settings, key: str) -> str | None:
    name = table.text(key, "") if table.has(key) else ""
    if table.has(key) and not _VARIABLE.fullmatch(name):
        table.wrong(key, "must name an environment variable, such as LAPSE_WEBHOOK_SECRET, not hold its value")
    return name or None


def _one_of(table: Settings, key: str, default: str, known: tuple[str, ...]) -> str:
    found = table.text(key, default)
    if found not in known:
        table.wrong(key, f"{found!r} is not known{suggestion(found, known)}")
        return default
    return found


def _some_of(table: Settings, key: str, known: tuple[str, ...]) -> frozenset[str]:
    found = table.texts(key, ())
    for one in found:
        if one not in known:
            table.wrong(key, f"{one!r} is not known{suggestion(one, known)}")
    if table.has(key) and not found:
        table.wrong(key, "names nothing: leave it out to have all")
    return frozenset(found)


def _quiet(table: Settings, zone: str) -> Quiet:
    begin, end = _clock(table, "from", time(20)), _clock(table, "to", time(8))
    if begin == end:
        table.wrong("to", "equals from: that would be always or never")
    name = table.text("zone", zone)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.wrong("zone", f"no time zone {name!r} in the IANA database; such as Europe/Berlin")
    through = _one_of(table, "through", "critical", SEVERITIES) if table.has("through") else None
    table.refuse_unknown()
    return Quiet(begin, end, name, through)


def _clock(table: Settings, key: str, default: time) -> time:
    found = table.text(key, f"{default:%H:%M}")
    match = _CLOCK.fullmatch(found)
    if match is None:
        table.wrong(key, f"must be a time of day such as 20:00, not {found!r}")
        return default
    return time(int(match[1]), int(match[2]))
