from __future__ import annotations

import hashlib
import json
from datetime import date

import msgspec

from stream.core.retention import Head, Part
from stream.wire import dead, encode, examples


def test_an_alert_has_the_shape_of_the_contract() -> None:
    key, value = encode.alert(examples.alert())
    assert key == b"1228"
    event = json.loads(value)
    assert list(event) == ["specversion", "type", "source", "id", "time", "data"]
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "type": "churn.alert.opened",
        "source": "lapse/worker",
        "id": f"{data['alert_id']}:1",
        "time": "2017-08-25T18:42:10Z",
    }
    assert data == {
        "alert_id": "35236b4f7ad254ff82bb85b6ab2c7fa9",
        "customer_id": "1228",
        "status": "opened",
        "severity": "high",
        "stage": "at_risk",
        "segment": "45-54",
        "sign": "silent",
        "signs": [
            {
                "sign": "silent",
                "says": "23 days without an order; 8 of 10 of their gaps end within 9 days",
                "observed": 23,
                "expected": 9,
                "threshold": 23,
                "unit": "days",
            }
        ],
        "p_none": 0.34,
        "base_rate": 0.1,
        "horizon_days": 28,
        "value_at_risk": {"amount": 182.4, "currency": "USD"},
        "loss": "regretted",
        "acceptable": False,
        "consent_marketing": True,
        "play": "win_back",
        "holdout": False,
        "next_occasion": "2017-09-14 birthday",
        "episode_day": "2017-08-02",
        "event_time": "2017-08-25T18:42:10Z",
        "observed_at": "2017-08-25T19:42:10Z",
        "policy": "0123456789abcdef",
    }


def test_an_alert_that_ends_says_how() -> None:
    ended = msgspec.structs.replace(examples.alert(), transition=2, status="resolved", resolution="returned")
    event = json.loads(encode.alert(ended)[1])
    assert event["type"] == "churn.alert.resolved"
    assert event["id"].endswith(":2")
    assert event["data"]["resolution"] == "returned"
    msgspec.json.decode(encode.alert(ended)[1], type=encode.AlertEvent)  # as the schema says


def test_a_day_record() -> None:
    key, value = encode.record(examples.record())
    assert key == b"month:2017-08-01:all"
    day = json.loads(value)
    assert day["crr"] == 0.6
    assert day["counts"]["start"] == 1000
    assert day["closed_at"] == "2017-09-03T03:40:00Z"
    msgspec.json.decode(value, type=encode.DayRecord)
    unknown = msgspec.structs.replace(examples.record(), crr=None)
    assert json.loads(encode.record(unknown)[1])["crr"] is None


def test_parts_and_heads_come_back() -> None:
    day = date(2017, 8, 1)
    part = Part(
        period="day", start=day, partition=3, counts={"other": [1] * 6}, provisional=False, final=True, revision=0,
        closed_at_ms=5,
    )  # fmt: skip
    head = Head(partition=3, history_start=day, closed_before=day, final_before=day)
    for one in (part, head):
        key, value = encode.part(one)
        assert key == one.key.encode()
        assert msgspec.json.decode(value, type=Part | Head) == one


def test_a_dead_letter_keeps_the_original() -> None:
    letter = dead.DeadLetter(4, dead.Reason.bad_field, "amount: expected a number, found é")
    key, value, headers = dead.to_record(letter, b"\xff", b"{broken", "customer.events", 7, 12345)
    assert (key, value) == (b"\xff", b"{broken")
    assert dict(headers) == {
        "reason": b"bad_field",
        "detail": "amount: expected a number, found é".encode(),
        "topic": b"customer.events",
        "partition": b"7",
        "offset": b"12345",
    }


def test_a_large_original_is_cut_and_told_by_its_hash() -> None:
    original = b"x" * (dead.MAX_BYTES + 1)
    _, value, headers = dead.to_record(dead.too_late(0), None, original, "customer.events", 0, 0)
    assert value == original[:-1]
    assert dict(headers)["original_size"] == str(len(original)).encode()
    assert dict(headers)["sha256"] == hashlib.sha256(original).hexdigest().encode()
    assert dict(headers)["reason"] == b"too_late"


def test_a_key_of_64_kb_is_kept_and_a_longer_one_cut_to_it() -> None:
    for size, told in ((dead.MAX_KEY_BYTES, None), (dead.MAX_KEY_BYTES + 1, b"65537")):
        key, _, headers = dead.to_record(dead.too_late(0), b"k" * size, b"{}", "customer.events", 0, 0)
        assert key == b"k" * (64 * 1024)
        assert dict(headers).get("original_key_size") == told


def test_a_dead_letter_of_a_file() -> None:
    line = json.loads(dead.line(dead.too_late(0), b"\xff{}", 17))
    assert (line["line"], line["reason"], line["value"]) == (17, "too_late", "\\xff{}")


def test_a_dead_letter_fits_whatever_it_is_of() -> None:
    letter = dead.DeadLetter(0, dead.Reason.too_large, "too large")
    key, value, headers = dead.to_record(letter, b"k" * 500_000, b"v" * 1_000_000, "customer.events", 0, 1)
    assert len(key or b"") + len(value) + sum(len(name) + len(content) for name, content in headers) < 900_000
    told = dict(headers)
    assert (told["original_key_size"], told["original_size"]) == (b"500000", b"1000000")
