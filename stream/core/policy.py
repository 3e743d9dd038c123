"""The policy: every business threshold, one frozen validated value.

Owns: what can be set, its ranges and defaults. Pure: it is given the text of a TOML file, never its path; reading
files and the shipped policies is `stream.policies`. Knows nothing of customers, rows or Kafka.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stream.core import reporting, signrules, silentrule
from stream.core.settings import Settings
from stream.core.signrules import Signals, SignRule
from stream.core.silentrule import Silent

OTHER = "other"
RESERVED = ("all", OTHER)
MOST_SEGMENTS = 32  # `other` included
LONGEST_ACTIVE_DAYS = 120  # with a quarter and the lateness it still fits the 256 days a row remembers
SHORTEST_MEMORY_DAYS = 730  # a year as a period needs the year before it
QUARTER_DAYS = 90  # the longest period that is reported, by its shortest length
CLAIMABLE = 0.4  # up to about here the claimed chance was seen to be the precision

# what a customer does of their own will; anything else can't be an activity (a campaign sent to them, a failed payment)
ACTIVITIES = frozenset({
    "order_completed", "session", "feature_used", "content_viewed", "content_shared", "cart_updated", "survey_answered",
    "review_posted", "ticket_opened", "programme_joined", "subscription_started", "subscription_renewed",
    "subscription_changed", "trial_started", "reward_redeemed", "referral_made", "campaign_opened", "campaign_clicked",
})  # fmt: skip


class PolicyError(ValueError):
    """A policy that can't be used; `errors` says all that is wrong with it, in words."""

    def __init__(self, name: str, errors: list[str]) -> None:
        """`name` is what the policy is called in the message."""
        self.name = name
        self.errors = errors
        super().__init__("\n".join([f"policy {name}: {len(errors)} to correct", *(f"  {one}" for one in errors)]))


@dataclass(frozen=True, slots=True)
class Value:
    """How the value at risk is reckoned: revenue expected over the horizon × margin."""

    horizon_days: int = 365
    margin: float = 1.0


@dataclass(frozen=True, slots=True)
class Severity:
    """From which expected loss (chance × value at risk, in minor units of the policy's currency) an alert is what."""

    medium: int = 20_00
    high: int = 50_00
    critical: int = 200_00


@dataclass(frozen=True, slots=True)
class Acceptable:
    """Whom nobody should fight for: their cost to serve passes this share of their margin (0: nobody)."""

    cost_share: float = 1.0
    alert: bool = True  # marked as acceptable; else no alert at all


@dataclass(frozen=True, slots=True)
class Consent:
    """What holds for a customer of whom nothing is known."""

    tracking: bool = True
    marketing: bool = False


@dataclass(frozen=True)
class Policy:
    """One policy.

    `segments` and `active_days` go by segment code, code 0 is `other`; `rates` turn one unit of a currency into the
    reporting `currency`, itself included at 1.
    """

    name: str
    zone: str = "UTC"
    currency: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1)})
    history_start: date | None = None
    alert_grace_ms: int = 3_600_000
    allowed_lateness_days: int = 2
    forget_after_days: int = 730
    segments: tuple[str, ...] = (OTHER,)
    qualifying: frozenset[str] = frozenset({"order_completed", "session", "feature_used", "subscription_renewed"})
    segment_qualifying: Mapping[str, frozenset[str]] = field(default_factory=dict)  # where it is another
    active_days: tuple[int, ...] = (90,)
    silent: Silent = field(default_factory=Silent)
    signs: tuple[SignRule, ...] = signrules.DEFAULTS  # by Sign
    signals: Signals = field(default_factory=Signals)
    base_rate: float = 0.1  # share of all customers who leave within a horizon, to compare a sign's chance with
    acceptable: Acceptable = field(default_factory=Acceptable)
    value: Value = field(default_factory=Value)
    severity: Severity = field(default_factory=Severity)
    figures: reporting.Reporting = field(default_factory=reporting.Reporting)
    consent_default: Consent = field(default_factory=Consent)
    holdout_share: float = 0.0

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the SHA-256 of all that is set; two files that mean the same have the same."""
        content = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "name"}
        return hashlib.sha256(json.dumps(content, default=_plain, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def segment_codes(self) -> dict[str, int]:
        """The code of each listed segment; a name that isn't in it counts as 0, `other`."""
        return {name: code for code, name in enumerate(self.segments)}

    @cached_property
    def segment_odds(self) -> tuple[float, ...]:
        """What the odds of P(none) are multiplied by, by segment code."""
        return tuple(self.silent.segment_odds.get(name, 1.0) for name in self.segments)

    def segment_code(self, name: str) -> int:
        """Give the code of a segment, 0 (`other`) for a name that isn't listed."""
        return self.segment_codes.get(name, 0)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed, and likely not meant."""
        silent = self.silent
        said: list[str] = []
        for name, days in zip(self.segments, self.active_days, strict=True):
            if name != OTHER and days == self.active_days[0]:
                continue  # not a W of its own: said once
            what = f"active_days = {days}" if name == OTHER else f"segment_active_days.{name} = {days}"
            if days < QUARTER_DAYS:
                said.append(f"{what}: shorter than a quarter, which calls lost whoever came in it, but not at its end")
            if days <= silent.horizon_days:
                horizon = f"signs.silent.horizon_days = {silent.horizon_days}"
                said.append(f"{what}: not longer than {horizon}, so customers are lost before an alert can be judged")
        if silent.theta > CLAIMABLE:
            said.append(
                f"signs.silent.theta = {silent.theta:g}: alerts above {CLAIMABLE} are right less often than they say"
            )
        return tuple(said)


def parse(text: str, name: str) -> Policy:
    """Make a policy of the text of a TOML file; what it leaves out has its default.

    Raises PolicyError, which lists everything that is wrong at once.
    """
    try:
        # decimals stay as written: a rate of 1.1 is 1.1; a float would be hashed and multiplied as something else
        table = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as problem:  # a number of 5,000 digits is a plain ValueError
        raise PolicyError(name, [f"not TOML: {problem}"]) from None
    errors: list[str] = []
    policy = _policy(Settings(table, "", errors), name)
    if errors:
        raise PolicyError(name, errors)
    return policy


def _policy(top: Settings, name: str) -> Policy:
    base = Policy(name)
    currency = _currency(top, base.currency)
    segments = _segments(top)
    signs = top.table("signs")
    silent = silentrule.read(signs.table("silent"), base.silent, segments, ACTIVITIES)
    base_rate = signs.number("base_rate", base.base_rate, 0, 1)
    of_silent = SignRule(horizon_days=silent.horizon_days, cooldown_days=1, play=silent.play)
    rules, signals = signrules.read(signs, of_silent, segments, ACTIVITIES)
    policy = Policy(
        name=name,
        zone=_zone(top, base.zone),
        currency=currency,
        rates=_rates(top.table("rates"), currency),
        history_start=top.day("history_start"),
        alert_grace_ms=60_000 * top.whole("alert_grace_minutes", base.alert_grace_ms // 60_000, 0, 24 * 60),
        allowed_lateness_days=top.whole("allowed_lateness_days", base.allowed_lateness_days, 0, 30),
        forget_after_days=top.whole("forget_after_days", base.forget_after_days, SHORTEST_MEMORY_DAYS, 36_500),
        segments=segments,
        qualifying=signrules.names_of(top, "qualifying", base.qualifying, ACTIVITIES),
        segment_qualifying=_segment_qualifying(top.table("segment_qualifying"), segments),
        active_days=_active_days(top, base.active_days[0], segments),
        silent=silent,
        signs=rules,
        signals=signals,
        base_rate=base_rate,
        acceptable=_acceptable(top.table("acceptable"), base.acceptable),
        value=_value(top.table("value"), base.value),
        severity=_severity(top.table("severity"), base.severity),
        figures=reporting.read(top.table("figures"), top.table("targets"), segments),
        consent_default=_consent(top.table("consent_default"), base.consent_default),
        holdout_share=top.number("holdout_share", base.holdout_share, 0, 0.5),
    )
    top.refuse_unknown()
    return policy


def _zone(top: Settings, default: str) -> str:
    zone = top.text("zone", default)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        top.wrong("zone", f"no time zone {zone!r} in the IANA database; such as America/New_York")
    return zone


def _currency(top: Settings, default: str) -> str:
    currency = top.text("currency", default)
    if not _is_currency(currency):
        top.wrong("currency", f"must be an ISO 4217 code such as USD, not {currency!r}")
    return currency


def _is_currency(code: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()  # noqa: PLR2004 — ISO 4217


def _rates(table: Settings, currency: str) -> dict[str, Decimal]:
    rates = {currency: Decimal(1)}
    for code in table.keys():  # noqa: SIM118 — not a mapping: asking for the keys marks nothing as read
        rate = table.exact(code, Decimal(1), Decimal(10) ** 9)
        if not _is_currency(code):
            table.wrong(code, "must be an ISO 4217 code such as EUR")
        elif code == currency and rate != 1:
            table.wrong(code, f"is the reporting currency, its rate is 1, not {rate}")
        else:
            rates[code] = rate
    return rates


def _segments(top: Settings) -> tuple[str, ...]:
    named = top.texts("segments", ())
    for name in named:
        if name in RESERVED:
            top.wrong("segments", f"{name!r} is reserved")
    if len(named) >= MOST_SEGMENTS:
        top.wrong("segments", f"lists {len(named)}; {MOST_SEGMENTS - 1} fit beside {OTHER!r}")
    return (OTHER, *named)


def _segment_qualifying(own: Settings, segments: tuple[str, ...]) -> dict[str, frozenset[str]]:
    own.refuse_others(segments, "segment")
    return {name: signrules.names_of(own, name, frozenset(), ACTIVITIES) for name in segments if own.has(name)}


def _active_days(top: Settings, default: int, segments: tuple[str, ...]) -> tuple[int, ...]:
    common = top.whole("active_days", default, 1, LONGEST_ACTIVE_DAYS)
    own = top.table("segment_active_days")
    own.refuse_others(segments, "segment")
    return tuple(own.whole(name, common, 1, LONGEST_ACTIVE_DAYS) for name in segments)


def _value(table: Settings, base: Value) -> Value:
    value = Value(
        horizon_days=table.whole("horizon_days", base.horizon_days, 1, 3650),
        margin=table.number("margin", base.margin, 0.0001, 1),
    )
    table.refuse_unknown()
    return value


def _severity(table: Settings, base: Severity) -> Severity:
    most = 10**15
    severity = Severity(
        medium=table.whole("medium", base.medium, 1, most),
        high=table.whole("high", base.high, 1, most),
        critical=table.whole("critical", base.critical, 1, most),
    )
    if not severity.medium < severity.high < severity.critical:
        found = f"{severity.medium}, {severity.high}, {severity.critical}"
        table.wrong("medium", f"medium < high < critical must hold, not {found}")
    table.refuse_unknown()
    return severity


def _acceptable(table: Settings, base: Acceptable) -> Acceptable:
    acceptable = Acceptable(
        cost_share=table.number("cost_share", base.cost_share, 0, 100),
        alert=table.flag("alert", default=base.alert),
    )
    table.refuse_unknown()
    return acceptable


def _consent(table: Settings, base: Consent) -> Consent:
    consent = Consent(
        tracking=table.flag("tracking", default=base.tracking),
        marketing=table.flag("marketing", default=base.marketing),
    )
    table.refuse_unknown()
    return consent


def _plain(value: object) -> object:
    """JSON for what `json` doesn't know, the same for values that are equal."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    assert isinstance(value, date), f"a policy holds no {type(value).__name__}"
    return value.isoformat()
