"""The API without a browser: who may ask what, paging while alerts come and go, what is written can be read."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from typing import Any

import msgspec
import pytest

from stream.core.signs import NAMES
from stream.desk import openapi, words
from stream.desk.answers import Alerts, AlertStory, Customer, Now, Period, PolicyView, Segments
from stream.policies import load, shipped, text
from stream.policies.explain import settings
from stream.wire.decode import decode
from stream.wire.encode import AlertData
from tests.support.fakedesk import TOKEN, FakeDesk, alert, serving, tell

OPEN = [path for path in openapi.PATHS if not path.secret]
SECRET = [path for path in openapi.PATHS if path.secret]


def call(desk: FakeDesk, path: str, body: object = None, token: str | None = TOKEN) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(desk.url + path, data, headers), timeout=30) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def filled(path: openapi.Path) -> str:
    return re.sub(r"{\w+(:[^}]+)?}", "0" * 32, path.path)


@pytest.mark.parametrize("path", SECRET, ids=lambda path: path.name)
@pytest.mark.parametrize(("token", "says"), [(None, "with a token only"), ("wrong", "not the token"), ("é", "not the")])
def test_what_is_about_one_customer_wants_the_token(
    served: FakeDesk, path: openapi.Path, token: str | None, says: str
) -> None:
    status, answer = call(served, filled(path), {} if path.takes else None, token)
    assert status == 401
    assert says in answer["error"]
    assert "c-1" not in json.dumps(answer)


def test_without_a_token_of_its_own_a_desk_shows_no_customer_to_anybody() -> None:
    with serving(token="") as desk:
        for path in SECRET:
            for token in (None, "", "anything"):
                status, answer = call(desk, filled(path), {} if path.takes else None, token)
                assert status == 403
                assert "LAPSE_TOKEN" in answer["error"]


@pytest.mark.parametrize("path", [path for path in OPEN if path.name != "stream"], ids=lambda path: path.name)
def test_aggregates_are_for_everybody_and_hold_no_customer(served: FakeDesk, path: openapi.Path) -> None:
    status, answer = call(served, path.path, token=None)
    assert status == 200
    assert not re.search(r'"c-\d+"', json.dumps(answer))


def test_answers_are_of_their_types(served: FakeDesk) -> None:
    asked: list[tuple[str, Any]] = [
        ("now", Now), ("period?segment=45-54", Period), ("segments", Segments), ("policy", PolicyView),
        ("alerts", Alerts), (f"alerts/{1:032x}", AlertStory), ("customers/c-1", Customer),
    ]  # fmt: skip
    for path, kind in asked:
        status, answer = call(served, f"/api/{path}")
        assert status == 200, answer
        msgspec.convert(answer, kind)


def test_now_adds_up(served: FakeDesk) -> None:
    now = call(served, "/api/now")[1]
    assert now["open"] == {"count": 12, "value": 2188.8, "expected_loss": 744.192}
    for group in ("severity", "sign", "segment"):
        assert sum(one["count"] for one in now[group].values()) == 12
    assert now["trust"]["state"] == "good"
    assert now["opened_today"] == 12


def test_a_desk_that_hears_of_no_worker_says_so(served: FakeDesk) -> None:
    served.do(lambda: served.desk.heads.update({3: (served.desk.heads[3][0], 0)}))
    trust = call(served, "/api/now")[1]["trust"]
    assert (trust["state"], trust["partitions_reporting"]) == ("doubtful", 7)
    with serving() as late:
        late.beat("2017-08-25T18:42:10Z")
        late.desk.behind = 4321
        assert call(late, "/api/now")[1]["trust"]["why"] == ["the desk has still 4,321 records to read"]
    with serving() as mute:
        trust = call(mute, "/api/now")[1]["trust"]
    assert (trust["state"], trust["why"]) == ("bad", ["no worker has said anything yet"])


@pytest.mark.parametrize("order", ["severity", "value", "chance", "newest", "oldest"])
def test_pages_are_whole_while_alerts_come_and_go(order: str) -> None:
    """Every alert that was open all the while is shown exactly once, whatever opens and ends between two pages."""
    with serving() as desk:
        staying = [alert(n, at=f"2017-08-{1 + n % 25:02}T10:00:00Z", p_none=0.2 + n % 7 / 10) for n in range(90)]
        going = [alert(n, severity="low") for n in range(100, 140)]
        desk.do(lambda: tell(desk.desk, [*staying, *going]))
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = call(desk, f"/api/alerts?order={order}&limit=20&after={urllib.parse.quote(after)}")[1]
            seen += [one["alert_id"] for one in page["alerts"]]
            gone, come = going.pop().data.alert_id, alert(500 + len(going), severity="critical")
            desk.do(partial(desk.desk.tell_story, gone, None))
            desk.do(partial(tell, desk.desk, [come]))
            after = page["next"]
        assert {one.data.alert_id for one in staying} <= set(seen)
        assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("alerts?order=best", "order is 'best'"), ("alerts?limit=0", "limit"), ("alerts?limit=9999", "limit"),
        ("alerts?severity=grave", "grave"), ("alerts?after=nonsense", "after"), ("alerts?after=WzEsMl0=", "after"),
        ("alerts?colour=red", "colour"), ("period?kind=decade", "decade"), ("period?segment=x", "segment is 'x'"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_answered_with_a_sentence(served: FakeDesk, path: str, says: str) -> None:
    status, answer = call(served, f"/api/{path}")
    assert status == 400
    assert says in answer["error"]


def test_an_acknowledgement_is_an_event_of_the_customer_that_can_be_read(served: FakeDesk) -> None:
    assert call(served, f"/api/alerts/{3:032x}/ack", {"by": "Ada"})[0] == 202
    assert call(served, f"/api/alerts/{4:032x}/mute", {"by": "Ada", "until": "2017-09-30"})[0] == 202
    values = [json.dumps(one).encode() for one in served.produced]
    batch, dead = decode(values, None, 1_600_000_000_000, None, load("default"))
    assert not dead
    assert len(batch.time_ms) == 2
    acked, muted = served.produced
    assert (acked["type"], acked["customer_id"], acked["alert_id"], acked["by"]) == (
        "alert_acked", "c-3", f"{3:032x}", "Ada",
    )  # fmt: skip
    assert (muted["type"], muted["sign"], muted["until"]) == ("alert_muted", "silent", "2017-09-30T04:00:00Z")
    # the clocks are in 2017: an event of today would move them over eight years
    assert {acked["time"], muted["time"]} == {"2017-08-25T18:42:10Z"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{3:032x}/ack", {}, 400), (f"{3:032x}/ack", {"by": ""}, 400), (f"{3:032x}/ack", {"by": "x" * 5000}, 413),
        (f"{3:032x}/mute", {"by": "Ada", "until": "2017-08-01"}, 400),
        (f"{3:032x}/mute", {"by": "Ada", "until": "2040-01-01"}, 400), ("nobody/ack", {"by": "Ada"}, 404),
        (f"{99:032x}/ack", {"by": "Ada"}, 409),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_on_is_refused(served: FakeDesk, path: str, body: object, status: int) -> None:
    ended = [alert(99), alert(99, transition=2, status="resolved", resolution="returned")]
    served.do(lambda: tell(served.desk, ended))
    assert call(served, f"/api/alerts/{path}", body)[0] == status
    assert not served.produced


def test_a_customer_is_found_whatever_their_id_is(served: FakeDesk) -> None:
    odd = "a/b?c#d %2F<img src=x onerror=alert(1)>\u202eé\U0001f984"
    served.do(lambda: tell(served.desk, [alert(50, customer_id=odd)]))
    status, story = call(served, f"/api/customers/{urllib.parse.quote(odd, safe='')}")
    assert status == 200
    assert story["customer_id"] == story["alerts"][0]["customer_id"] == odd


def test_the_page_may_run_and_load_nothing_but_itself(served: FakeDesk) -> None:
    with urllib.request.urlopen(served.url + "/customers/any%2Fbody", timeout=30) as response:
        policy = response.headers["Content-Security-Policy"]
        page = response.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?! type=\"module\" src=)|\son\w+=|style=|https?:", page)


def test_every_sign_ending_and_loss_has_words() -> None:
    assert set(words.SIGNS) == set(NAMES)
    schema = msgspec.json.schema_components([AlertData])[1]["AlertData"]["properties"]
    assert set(words.ENDINGS) == set(schema["resolution"]["enum"])
    assert {"regretted", *words.LOSSES} == set(schema["loss"]["enum"])


@pytest.mark.parametrize("name", shipped())
def test_every_setting_of_a_policy_has_a_meaning(name: str) -> None:
    found = {one.name: one for one in settings(text(name))}
    assert [one.name for one in found.values() if not one.means] == []
    assert found["alert_grace_minutes"].value == 60


def test_the_description_names_every_path_once() -> None:
    document = openapi.document()
    told = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert told == {(re.sub(r":[^}]+}", "}", path.path), path.method) for path in openapi.PATHS}
    for path in openapi.PATHS:
        operation = document["paths"][re.sub(r":[^}]+}", "}", path.path)][path.method.lower()]
        assert ("security" in operation) == path.secret
