from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from stream.core.policy import Policy
from stream.core.policy import parse as parse_policy
from stream.desk.routes import MOST_ROUTES, Quiet, Route, RoutesError, parse
from stream.desk.settings import SettingsError, read_routes, read_secrets, read_token
from tests.desk.making import alert

POLICY = parse_policy('segments = ["gold"]\nzone = "Europe/Berlin"\n', "test")

ALL_WRONG = """
rout = 1
[[route]]
name = "Sales Team"
url = "http://crm.example.com/hook"
url_env = "crm url"
severity = "grave"
signs = ["silnt"]
segments = ["golden", "gold"]
statuses = []
digest_minutes = -1
budget_per_hours = 5
[route.quiet]
from = "8pm"
to = "08:00"
zone = "Europe/Berln"
[[route]]
name = "ops"
[[route]]
name = "ops"
url = "ftp://x"
contact = "yes"
"""


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    with pytest.raises(RoutesError) as raised:
        parse(ALL_WRONG, POLICY)
    told = "\n".join(raised.value.errors)
    for word in (
        "rout:", "'Sales Team'", "must be https://", "url_env", "did you mean", "'silnt'", "'golden'", "statuses",
        "digest_minutes", "did you mean budget_per_hour?", "route 1.quiet.from", "'8pm'",
        "'Europe/Berln'", "route 2.url", "route 3.url", "contact: must be true or false", "two are called 'ops'",
    ):  # fmt: skip
        assert word in told, f"{word}\n{told}"
    assert "crm.example.com" not in told, "an address may hold a secret"


def test_only_so_many_routes_are_served() -> None:
    one = '[[route]]\nname = "r%d"\nurl = "https://crm.example.com/x"\n'
    assert len(parse("".join(one % n for n in range(MOST_ROUTES)), POLICY)) == MOST_ROUTES
    with pytest.raises(RoutesError, match=f"at most {MOST_ROUTES} are served"):
        parse("".join(one % n for n in range(MOST_ROUTES + 1)), POLICY)


def test_a_file_that_is_right_has_its_defaults() -> None:
    text = '[[route]]\nname = "crm"\nurl = "https://crm.example.com/x"\n[route.quiet]\n'
    assert parse(text, POLICY) == (
        Route(name="crm", url="https://crm.example.com/x", quiet=Quiet(time(20), time(8), "Europe/Berlin")),
    )
    assert "crm.example.com" not in repr(parse(text, POLICY))
    assert parse("", POLICY) == ()


def test_addresses_and_secrets_come_from_the_environment_and_are_never_told() -> None:
    text = '[[route]]\nname = "crm"\nurl_env = "CRM_URL"\nsecret_env = "CRM_SECRET"\n'
    whsec = "whsec_" + "QUFB" * 8
    (route,) = read_routes(text, POLICY, {"CRM_URL": "https://crm.example.com/x"})
    assert route.url == "https://crm.example.com/x"
    assert read_secrets((route,), {"CRM_SECRET": whsec}) == {"crm": b"AAA" * 8}
    for environment, says in (({}, "is not set"), ({"CRM_URL": "http://a.b/k3y"}, "must be https")):
        with pytest.raises(SettingsError, match=says) as raised:
            read_routes(text, POLICY, environment)
        assert "k3y" not in str(raised.value)
    for secret in ("", "whsec_c2hvcnQ=", "hunter2hunter2hunter2hunter2"):
        with pytest.raises(SettingsError) as told:
            read_secrets((route,), {"CRM_SECRET": secret})
        assert "CRM_SECRET" in str(told.value)
        assert not secret or secret not in str(told.value)
    with pytest.raises(SettingsError, match="16 at least"):
        read_token({"LAPSE_TOKEN": "short"})


def test_who_hears_of_what() -> None:
    base = Route(name="crm", severity="high", signs=frozenset({"silent"}), segments=frozenset({"45-54"}))
    assert base.wants((alert(1),))
    assert not base.wants((alert(1, severity="medium"),))
    assert not base.wants((alert(1, sign="complaint"),))
    assert not base.wants((alert(1, segment="other"),))
    assert not base.wants((alert(1, acceptable=True),))


def test_of_an_end_hears_who_heard_of_the_beginning() -> None:
    route = Route(name="crm", severity="high")
    low, high = alert(1, severity="low"), alert(1, 2, "escalated", severity="high")
    end = alert(1, 3, "resolved", resolution="returned", severity="low")
    assert not route.wants((low, end)), "never told of it"
    assert route.wants((low, high))
    assert route.wants((low, high, end))
    assert not Route(name="crm", statuses=frozenset({"opened"})).wants((low, high, end))


def test_who_is_held_out_or_does_not_agree_is_never_told_to_a_channel_that_contacts() -> None:
    contact, board = Route(name="mail", contact=True), Route(name="board")
    for one in (alert(1, holdout=True), alert(1, consent_marketing=False)):
        assert not contact.wants((one,))
        assert board.wants((one,))
    assert contact.wants((alert(1),))


def at(text: str, zone: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        ("Europe/Berlin", "2024-07-01T21:00", "2024-07-02T08:00"),
        ("Europe/Berlin", "2024-07-02T07:59", "2024-07-02T08:00"),
        ("Europe/Berlin", "2024-07-02T08:00", None),
        ("Europe/Berlin", "2024-07-02T19:59", None),
        ("Europe/Berlin", "2024-03-30T23:00", "2024-03-31T08:00"),  # an hour shorter
        ("America/New_York", "2024-11-02T23:00", "2024-11-03T08:00"),  # an hour longer
        ("America/New_York", "2024-11-03T01:30", "2024-11-03T08:00"),  # the first of two half past one
    ],
)
def test_quiet_hours_go_by_the_clock_on_the_wall(zone: str, now: str, end: str | None) -> None:
    quiet = Quiet(time(20), time(8), zone)
    assert quiet.until_ms(at(now, zone)) == (None if end is None else at(end, zone))


def test_quiet_hours_within_a_day() -> None:
    siesta = Quiet(time(13), time(15), "Europe/Madrid")
    assert siesta.until_ms(at("2024-07-01T14:00", "Europe/Madrid")) == at("2024-07-01T15:00", "Europe/Madrid")
    assert siesta.until_ms(at("2024-07-01T15:00", "Europe/Madrid")) is None


def test_a_policy_is_not_needed_for_the_signs() -> None:
    assert parse('[[route]]\nname = "a"\nurl = "https://a.b"\nsigns = ["neglected"]\n', Policy("default"))
