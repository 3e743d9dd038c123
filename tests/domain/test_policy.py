"""A policy means what it says, or is refused with everything that is wrong with it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream import policies
from stream.core.events import NAMES
from stream.core.policy import ACTIVITIES, MOST_SEGMENTS, Policy, PolicyError, parse

if TYPE_CHECKING:
    from pathlib import Path


def errors(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse(text, "mine")
    return caught.value.errors


def test_default_file_spells_out_the_defaults() -> None:
    assert policies.load("default").hash == parse("", "mine").hash == Policy("mine").hash


def test_shipped_policies() -> None:
    assert policies.shipped() == ("complete-journey", "default", "simulated")
    journey = policies.load("complete-journey")
    assert (journey.name, journey.zone, journey.currency) == ("complete-journey", "America/New_York", "USD")
    assert journey.segments == ("other", "19-24", "25-34", "35-44", "45-54", "55-64", "65+")
    assert journey.active_days == (56,) * 7
    assert journey.history_start == date(2017, 1, 1)


def test_everything_is_read() -> None:
    policy = parse(
        """
        zone = "Europe/Berlin"
        currency = "EUR"
        history_start = 2024-02-29
        alert_grace_minutes = 5
        allowed_lateness_days = 3
        forget_after_days = 1000
        segments = ["retail", "wholesale"]
        qualifying = ["session"]
        active_days = 100
        holdout_share = 0.1
        segment_active_days = {wholesale = 120}
        rates = {USD = 0.92}
        value = {horizon_days = 180, margin = 0.3}
        severity = {medium = 1, high = 2, critical = 3}
        consent_default = {tracking = false, marketing = true}
        [signs.silent]
        activity = ["session", "order_completed"]
        horizon_days = 14
        theta = 0.25
        overdue = 0.9
        min_purchase_days = 5
        play = "call"
        model = {memory = 0.8, mu0 = 2, k0 = 1, a0 = 2, b0 = 3, a = 0.6, b = 2, segment_odds = {wholesale = 0.5}}
        """,
        "mine",
    )
    assert (policy.zone, policy.currency, policy.history_start) == ("Europe/Berlin", "EUR", date(2024, 2, 29))
    assert (policy.alert_grace_ms, policy.allowed_lateness_days, policy.forget_after_days) == (300_000, 3, 1000)
    assert policy.rates == {"EUR": Decimal(1), "USD": Decimal("0.92")}
    assert policy.segments == ("other", "retail", "wholesale")
    assert policy.active_days == (100, 100, 120)
    assert [policy.segment_code(name) for name in ("wholesale", "retail", "other", "nobody")] == [2, 1, 0, 0]
    assert policy.qualifying == {"session"}
    assert (policy.value.horizon_days, policy.value.margin) == (180, 0.3)
    assert (policy.severity.medium, policy.severity.high, policy.severity.critical) == (1, 2, 3)
    assert (policy.consent_default.tracking, policy.consent_default.marketing) == (False, True)
    silent = policy.silent
    assert silent.activity == {"session", "order_completed"}
    assert (silent.horizon_days, silent.play) == (14, "call")
    assert (silent.theta, silent.overdue, silent.min_purchase_days, silent.memory) == (0.25, 0.9, 5, 0.8)
    assert (silent.mu0, silent.k0, silent.a0, silent.b0, silent.a, silent.b) == (2, 1, 2, 3, 0.6, 2)
    assert policy.segment_odds == (1.0, 1.0, 0.5)
    assert policy.warnings == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("zone = ", "not TOML: Invalid value (at end of document)"),
        (f"active_days = {'9' * 5000}", "not TOML: Exceeds the limit"),
        ('zoen = "UTC"', "zoen: no such setting; did you mean zone?"),
        ("[signs.silnt]", "signs.silnt: no such setting; did you mean silent?"),
        ("[signs.silent]\ntheat = 0.3", "signs.silent.theat: no such setting; did you mean theta?"),
        ('zone = "Mars/Olympus"', "zone: no time zone 'Mars/Olympus' in the IANA database; such as America/New_York"),
        ('zone = "../../etc/passwd"', "zone: no time zone"),
        ('currency = "usd"', "currency: must be an ISO 4217 code such as USD, not 'usd'"),
        ("[rates]\neuro = 1.1", "rates.euro: must be an ISO 4217 code such as EUR"),
        ("[rates]\nEUR = 0", "rates.EUR: must be 1e-9..1000000000, not 0"),
        ("[rates]\nUSD = 2", "rates.USD: is the reporting currency, its rate is 1, not 2"),
        ("history_start = 2017-01-01T00:00:00Z", "history_start: must be a date such as 2017-01-01"),
        ("active_days = 0", "active_days: must be 1..120, not 0"),
        ("active_days = 121", "active_days: must be 1..120, not 121"),
        ("active_days = 90.0", "active_days: must be a whole number, not 90.0"),
        ("active_days = true", "active_days: must be a whole number, not true"),
        ("[segment_active_days]\ngold = 9", "segment_active_days.gold: no such segment; known: other"),
        ("[signs.silent.model.segment_odds]\ngold = 2", "signs.silent.model.segment_odds.gold: no such segment"),
        ("segment_active_days = 9", "segment_active_days: must be a table, not 9"),
        ("forget_after_days = 729", "forget_after_days: must be 730..36500, not 729"),
        ('segments = ["all"]', "segments: 'all' is reserved"),
        ('segments = ["other"]', "segments: 'other' is reserved"),
        ('segments = ["a", "a"]', "segments: entry 2 is there twice: 'a'"),
        ('segments = [""]', "segments: entry 1 must not be empty"),
        ('segments = ["a\\u0000"]', "segments: entry 1 must not have control characters"),
        (f"segments = {[str(n) for n in range(32)]}", "segments: lists 32; 31 fit beside 'other'"),
        (
            'qualifying = ["order_complete"]',
            "qualifying: 'order_complete' is not an event that counts as activity; did",
        ),
        ('qualifying = ["payment_failed"]', "qualifying: 'payment_failed' is not an event that counts as activity"),
        ("qualifying = []", "qualifying: must name at least one event type"),
        ("[signs.silent]\ntheta = 1", "signs.silent.theta: must be between 0 and 1, without the ends, not 1"),
        ("[signs.silent]\ntheta = nan", "signs.silent.theta: must be between 0 and 1, without the ends, not nan"),
        ("[signs.silent.model]\nk0 = inf", "signs.silent.model.k0: must be 0.001..1000, not inf"),
        ('[signs.silent.model]\nk0 = "1"', "signs.silent.model.k0: must be a number, not '1'"),
        ("[severity]\nhigh = 1", "severity.medium: medium < high < critical must hold, not 2000, 1, 20000"),
        ("[consent_default]\ntracking = 1", "consent_default.tracking: must be true or false, not 1"),
        ("holdout_share = 0.6", "holdout_share: must be 0..0.5, not 0.6"),
    ],
)
def test_each_error_is_told_in_words(text: str, says: str) -> None:
    (one,) = errors(text)
    assert one.startswith(says)


def test_all_errors_are_told_at_once() -> None:
    found = errors(
        'zoen = "UTC"\ncurrency = "usd"\nactive_days = 500\n[signs.silent]\ntheta = 2\n[value]\nmargin = "x"'
    )
    assert sorted(one.split(":")[0] for one in found) == [
        "active_days",
        "currency",
        "signs.silent.theta",
        "value.margin",
        "zoen",
    ]
    message = str(PolicyError("mine", found))
    assert message.startswith("policy mine: 5 to correct\n")
    assert all(one in message for one in found)


def test_most_segments_fit() -> None:
    names = [str(number) for number in range(MOST_SEGMENTS - 1)]
    assert len(parse(f"segments = {names}", "mine").segments) == MOST_SEGMENTS


def test_hash_is_of_the_meaning() -> None:
    text = 'segments = ["a"]\nqualifying = ["session", "order_completed"]\n[rates]\nEUR = 1.10\nGBP = 2'
    same = '# a word\nqualifying = ["order_completed", "session"]\nsegments = ["a"]\nrates = {GBP = 2.0, EUR = 1.1}'
    one = parse(text, "one")
    assert one.hash == parse(same, "other").hash
    assert len(one.hash) == 16
    assert int(one.hash, 16) >= 0
    others = [
        text.replace("1.10", "1.11"),
        'segments = ["b"]\n',
        "[signs.silent.model]\nmu0 = 1.09861",
        "active_days = 91",
    ]
    assert len({one.hash, *(parse(other, "one").hash for other in others)}) == 5


def test_warnings() -> None:
    assert parse("", "mine").warnings == ()
    assert [one.split(":")[0] for one in policies.load("complete-journey").warnings] == ["active_days = 56"]
    text = 'segments = ["a", "b"]\nactive_days = 100\n[segment_active_days]\nb = 20\n[signs.silent]\ntheta = 0.5'
    told = [one.split(":")[0] for one in parse(text, "mine").warnings]
    assert told == ["segment_active_days.b = 20", "segment_active_days.b = 20", "signs.silent.theta = 0.5"]


def test_activities_are_events_of_the_contract() -> None:
    assert set(NAMES) >= ACTIVITIES


def test_load_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("active_days = 30", "utf-8")
    assert policies.load(str(path)).active_days == (30,)
    assert policies.load(str(path)).name == "mine"


def test_load_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    (tmp_path / "huge.toml").write_bytes(b"#" * (policies.LARGEST_BYTES + 1))
    wrong = {
        "defalt": "no such policy is shipped; did you mean default?",
        "": "no such policy is shipped; known: complete-journey, default, simulated",
        str(tmp_path / "none.toml"): "can't be read: No such file or directory",
        str(tmp_path): "can't be read: Is a directory",
        str(tmp_path / "latin.toml"): "not UTF-8: byte 2 is 0xe9",
        str(tmp_path / "huge.toml"): "larger than 1048576 bytes",
    }
    for name, says in wrong.items():
        with pytest.raises(PolicyError) as caught:
            policies.load(name)
        assert caught.value.errors == [says]


texts = st.text("aT1. \0é", max_size=5)
values = st.recursive(
    st.booleans() | st.integers() | st.floats() | texts | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
KEYS = [*Policy.__dataclass_fields__, "signs", "alert_grace_minutes", "segment_active_days"]


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{toml(str(key))} = {toml(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(one):08X}" for one in value) + '"'
        case date():
            return value.isoformat()
        case _:
            return repr(value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=4))
@example({"signs": {"silent": {"theta": 10**400}}})
@example({"rates": {"EUR": 10**400}})
def test_any_toml_is_a_policy_or_a_list_of_errors(table: dict[str, object]) -> None:
    try:
        policy = parse("\n".join(f"{key} = {toml(value)}" for key, value in table.items()), "any")
    except PolicyError as problem:
        assert problem.errors  # noqa: PT017 — either outcome is right
    else:
        assert len(policy.segments) == len(policy.active_days) <= MOST_SEGMENTS
        assert policy.hash
