from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.batch import MARKETING, MARKETING_KNOWN, NONE, TRACKING, TRACKING_KNOWN, Batch
from stream.core.hashing import hash_of
from stream.core.kinds import NAMES, Kind
from stream.core.policy import Policy
from stream.wire import examples
from stream.wire.dead import MAX_BYTES, DeadLetter, Reason
from stream.wire.decode import decode
from tests.wire import fuzz

POLICY = Policy(
    "test",
    rates={"USD": Decimal(1), "EUR": Decimal("1.1"), "JPY": Decimal("0.005")},
    segments=("other", "45-54"),
    active_days=(90, 90),
)
TIME_MS = 1_740_830_400_000  # 2025-03-01T12:00:00Z
STAMP_MS = TIME_MS + 1000
ORDER: dict[str, Any] = {
    "id": "e1",
    "type": "order_completed",
    "customer_id": "c1",
    "time": "2025-03-01T12:00:00Z",
    "amount": 12.34,
    "currency": "USD",
}
ABSENT = object()


def text(event: dict[str, Any] | None = None, **changes: Any) -> bytes:
    changed = {**(ORDER if event is None else event), **changes}
    return json.dumps({name: value for name, value in changed.items() if value is not ABSENT}).encode()


def read(*values: bytes | None) -> tuple[Batch, list[DeadLetter]]:
    return decode(values, None, STAMP_MS, None, POLICY)


def one(**event: Any) -> Batch:
    batch, dead = read(text(**event))
    assert not dead, dead
    return batch


def row(batch: Batch, i: int = 0) -> tuple[int, ...]:
    return tuple(int(column[i]) for column in (batch.amount, batch.x, batch.y, batch.ref))


# ---------------------------------------------------------------- bad input


BAD: list[tuple[Reason, str, bytes | None]] = [
    (Reason.not_json, "the record is empty", b""),
    (Reason.not_json, "the record is empty", None),
    (Reason.not_json, "not JSON", b"{"),
    (Reason.not_json, "not JSON", b"\xff\xfe\x00"),
    (Reason.not_json, "not JSON", text()[:-1]),
    (Reason.not_json, "trailing characters", text() + text()),
    (Reason.not_json, "not JSON", b'{"amount": NaN}'),
    (Reason.not_json, "not JSON", text().replace(b"12.34", b"Infinity")),
    (Reason.not_json, "not JSON", text().replace(b'"c1"', b'"\\ud800"')),
    (Reason.not_json, "not JSON", text().replace(b'"c1"', b'"\xed\xa0\x80"')),
    (Reason.not_json, "found []", b"[]"),
    (Reason.not_json, "found 17", b"17"),
    (Reason.not_json, "found null", b"null"),
    (Reason.not_json, "nested too deeply", b'{"a":' * 100_000),
    (Reason.unknown_type, "did you mean order_completed?", text(type="order_complete")),
    (Reason.unknown_type, "no such event as 7", text(type=7)),
    (Reason.missing_field, "type: missing", text(type=ABSENT)),
    (Reason.missing_field, "id: missing", text(id=ABSENT)),
    (Reason.missing_field, "customer_id: missing", text(customer_id=ABSENT)),
    (Reason.missing_field, "time: missing", text(time=ABSENT)),
    (Reason.missing_field, "amount: missing", text(amount=ABSENT)),
    (Reason.missing_field, "alert_id: missing, and every such event needs it (or `sign`)", text(type="alert_muted")),
    (Reason.missing_field, "ticket_id: missing", text(type="ticket_opened")),
    (Reason.bad_field, "amount: expected a number, found null", text(amount=None)),
    (Reason.bad_field, 'amount: expected a number, found "12.34"', text(amount="12.34")),
    (Reason.bad_field, "amount: USD has 2 decimals, found 12.345", text(amount=12.345)),
    (Reason.bad_field, "amount: JPY has 0 decimals, found 12.3", text(amount=12.3, currency="JPY")),
    (Reason.bad_field, '(EUR, JPY, USD), found "GBP"', text(currency="GBP")),
    (Reason.bad_field, "customer_id: expected text of length at least 1", text(customer_id="")),
    (Reason.bad_field, "customer_id: expected text of length at most 256", text(customer_id="x" * 257)),
    (Reason.bad_field, "customer_id: must not contain", text(customer_id="a\x00b")),
    (Reason.bad_field, "id: must not contain", text(id="\x00")),
    (Reason.bad_field, "source: must not contain", text(source="\x00")),
    (Reason.bad_field, "order_id: must not contain", text(order_id="a\x00b")),
    (Reason.bad_field, "found 5", text(customer_id=5)),
    (Reason.bad_field, "time: expected RFC 3339 with a zone", text(time="2025-03-01T12:00:00")),
    (Reason.bad_field, "time: expected RFC 3339 with a zone", text(time="2025-02-29T12:00:00Z")),
    (Reason.bad_field, "time: expected RFC 3339 with a zone", text(time="2025-03-01T12:00:00\x00Z")),
    (Reason.bad_field, "found 1740830400000.5", text(time=1740830400000.5)),
    (Reason.bad_field, "score of csat goes from 1 to 5, found 9", text(type="survey_answered", survey="csat", score=9)),
    (
        Reason.bad_field,
        "score: expected a whole number at most 10",
        text(type="survey_answered", survey="nps", score=11),
    ),
    (Reason.bad_field, "survey: expected nps or csat", text(type="survey_answered", survey="ces", score=1)),
    (Reason.bad_field, "rating: expected a whole number at least 1", text(type="review_posted", rating=0)),
    (Reason.bad_field, 'MM-DD, found "02-30"', text(type="profile_updated", birthday="02-30")),
    (Reason.bad_field, 'true or false, found "yes"', text(type="consent_changed", consent_tracking="yes")),
    (Reason.bad_field, "period_end: expected RFC 3339", text(type="trial_started", period_end="soon")),
    (Reason.amount_out_of_range, "amount: expected a number at least 0, found -1", text(amount=-1)),
    (Reason.amount_out_of_range, "at most 1,000,000,000,000", text(amount=1e13)),
    (Reason.amount_out_of_range, "amount: number out of range", text().replace(b"12.34", b"1e400")),
    (Reason.amount_out_of_range, "amount: number out of range", text().replace(b"12.34", b"1" + b"0" * 400)),
    (Reason.amount_out_of_range, "discount", text(discount=-0.5)),
    (Reason.time_absurd, "10 minutes after its record", text(time=STAMP_MS + 600_001)),
    (Reason.time_absurd, "10 minutes after its record", text(time="9999-12-31T23:59:59Z")),
    (Reason.time_absurd, "seconds for milliseconds?", text(time=1_740_830_400)),
    (Reason.time_absurd, "before 1990", text(time="0001-01-01T00:00:00Z")),
    (Reason.time_absurd, "time: expected a whole number at most", text(time=10**40)),
    (Reason.too_large, "at most 524,288", text(pad="x" * MAX_BYTES)),
]


@pytest.mark.parametrize(("reason", "detail", "value"), BAD, ids=[f"{why}-{i}" for i, (why, _, _) in enumerate(BAD)])
def test_a_bad_record_says_why_and_costs_itself_only(reason: Reason, detail: str, value: bytes | None) -> None:
    before, after = text(id="before", customer_id="c0"), text(id="after", customer_id="c2", amount=1)
    batch, dead = read(before, value, after)
    assert [(letter.record, letter.reason) for letter in dead] == [(1, reason)]
    assert detail in dead[0].detail
    assert batch.record.tolist() == [0, 2]
    assert batch.customers == b"c0\x00c2"
    assert batch.amount.tolist() == [1234, 100]


def test_every_bad_record_of_one_batch_is_told() -> None:
    values = [value for _, _, value in BAD for value in (value, text())]
    batch, dead = read(*values)
    assert [letter.reason for letter in dead] == [reason for reason, _, _ in BAD]
    assert [letter.record for letter in dead] == list(range(0, len(values), 2))
    assert batch.record.tolist() == list(range(1, len(values), 2))


def test_nothing_at_all() -> None:
    for values in ([], [b"x"]):
        batch, dead = read(*values)
        assert len(batch) == 0
        assert len(dead) == len(values)
        assert batch.customer_start.tolist() == [0]


def test_time_is_held_against_the_record_that_carried_it() -> None:
    values = [text(time=TIME_MS), text(time=TIME_MS + 600_000), text(time=TIME_MS + 600_001)]
    batch, dead = decode(values, None, [TIME_MS] * 3, None, POLICY)
    assert batch.time_ms.tolist() == [TIME_MS, TIME_MS + 600_000]
    assert [letter.reason for letter in dead] == [Reason.time_absurd]


def test_a_key_must_be_the_customer() -> None:
    values = [text(), text(customer_id="é"), text(), text(), text({"type": "clock_advanced", "time": TIME_MS})]
    keys = [b"c1", "é".encode(), b"c2", None, None]
    batch, dead = decode(values, keys, STAMP_MS, None, POLICY)
    assert batch.record.tolist() == [0, 1, 4]
    assert [(letter.record, letter.reason) for letter in dead] == [(2, Reason.key_mismatch), (3, Reason.key_mismatch)]
    assert dead[0].detail == 'key: expected the customer_id "c1", found "c2"'
    assert dead[1].detail.endswith("found no key")


def test_keys_that_join_alike_are_told_apart() -> None:
    batch, dead = decode([text(customer_id="a"), text(customer_id="b")], [b"a\x00b", b""], STAMP_MS, None, POLICY)
    assert len(batch) == 0
    assert {letter.reason for letter in dead} == {Reason.key_mismatch}


def test_of_a_field_given_twice_the_last_counts() -> None:
    batch, dead = read(text()[:-1] + b',"amount":5,"customer_id":"c9"}')
    assert not dead
    assert (batch.customers, batch.amount.tolist()) == (b"c9", [500])


def test_unknown_fields_are_no_matter() -> None:
    assert row(one(loyalty={"a": [1, 2]}, weight=1.5)) == row(one())


# ---------------------------------------------------------------- columns


def test_each_example_decodes_to_its_kind() -> None:
    events = examples.events()
    assert list(events) == list(NAMES)
    batch, dead = decode([text(event) for event in events.values()], None, STAMP_MS, None, POLICY)
    assert not dead
    assert batch.kind.tolist() == [Kind[name] for name in events]
    assert set(batch.time_ms.tolist()) == {1_503_686_530_000}


@pytest.mark.parametrize(
    ("event", "columns"),
    [
        ({"cost": 3.1, "discount": 0.5, "order_id": "o"}, (1234, 310, 50, 0)),
        ({}, (1234, NONE, 0, 0)),
        ({"amount": 10, "currency": "EUR"}, (1100, NONE, 0, 0)),
        ({"amount": 3, "currency": "JPY"}, (2, NONE, 0, 0)),  # 1.5 cents, half to even
        ({"amount": 1, "currency": ABSENT}, (100, NONE, 0, 0)),
        ({"type": "order_refunded", "amount": 2, "order_id": "o"}, (200, 0, 0, hash_of("o"))),
        ({"type": "profile_updated", "acquisition_cost": 1.5, "margin": 0.25}, (150, 0, 2500, 0)),
        ({"type": "profile_updated"}, (NONE, 0, NONE, 0)),
        (
            {"type": "consent_changed", "consent_marketing": True, "consent_tracking": False},
            (0, MARKETING_KNOWN | MARKETING | TRACKING_KNOWN, 0, 0),
        ),
        (
            {"type": "unsubscribed", "consent_marketing": True, "consent_tracking": True},
            (0, MARKETING_KNOWN | TRACKING_KNOWN | TRACKING, 0, 0),
        ),
        ({"type": "session", "duration_s": 90.4}, (0, 90, NONE, 0)),
        (
            {
                "type": "subscription_started",
                "subscription_id": "s",
                "mrr": 9,
                "period_end": TIME_MS,
                "auto_renew": False,
            },
            (900, TIME_MS, 0, hash_of("s")),
        ),
        ({"type": "subscription_cancelled", "subscription_id": "s"}, (NONE, NONE, NONE, hash_of("s"))),
        ({"type": "trial_started", "period_end": "2025-03-01T13:00:00+01:00"}, (0, TIME_MS, 0, 0)),
        ({"type": "trial_started", "period_end": "9999-12-31T00:00:00Z"}, (0, 4_102_444_800_000, 0, 0)),
        ({"type": "survey_answered", "survey": "csat", "score": 4}, (0, 4, 1, 0)),
        ({"type": "review_posted", "rating": 5}, (0, 5, 2, 0)),
        (
            {"type": "ticket_opened", "ticket_id": "t", "category": "complaint", "priority": "urgent"},
            (0, 1, 3, hash_of("t")),
        ),
        ({"type": "page_performance", "load_ms": 812.6, "abandoned": True}, (0, 813, 3, 0)),
        ({"type": "payment_failed", "amount": ABSENT, "attempt": 2, "final": True}, (0, 2, 1, 0)),
        ({"type": "reward_earned", "amount": ABSENT, "points": 120}, (0, 120, -1, 0)),
        ({"type": "campaign_sent", "cost": 0.02, "campaign": "spring"}, (2, 0, 0, hash_of("spring"))),
        ({"type": "cart_updated", "items": [1, 2, 3]}, (1234, 3, 0, 0)),
        ({"type": "cart_updated", "amount": ABSENT, "items": 4}, (0, 4, 0, 0)),
        ({"type": "alert_muted", "sign": "silent"}, (0, NONE, hash_of("silent") >> 1, 0)),
        (
            {"type": "alert_acked", "alert_id": "0123456789abcdef" * 2, "until": TIME_MS},
            (0, TIME_MS, NONE, 0x0123456789ABCDEF),
        ),
        ({"type": "alert_muted", "alert_id": "a"}, (0, NONE, NONE, 0)),
        ({"type": "customer_erased"}, (0, 0, 0, 0)),
    ],
)
def test_what_a_kind_puts_into_the_columns(event: dict[str, Any], columns: tuple[int, ...]) -> None:
    assert row(one(**event)) == columns


def test_identity_is_source_and_id() -> None:
    batch, _ = read(text(), text(source="shop"), text(source="shop"), text(source="shop", id="e2"))
    a, b, c, d = batch.event_hash.tolist()
    assert a == hash_of("\x1fe1")
    assert b == c == hash_of("shop\x1fe1")
    assert d == hash_of("shop\x1fe2")
    alone, _ = read(text(source="shop"))
    assert alone.event_hash.tolist() == [b]


def test_segments_by_code() -> None:
    batch, _ = read(text(), text(segment="45-54"), text(segment="nobody"), text(segment=""))
    assert batch.segment.tolist() == [NONE, 1, 0, NONE]


def test_a_heartbeat_has_no_customer() -> None:
    batch, dead = read(text({"type": "clock_advanced", "time": TIME_MS, "customer_id": "c1"}))
    assert not dead
    assert (batch.customers, batch.kind.tolist()) == (b"", [Kind.clock_advanced])


def test_times_in_text_and_numbers_may_be_mixed() -> None:
    batch, dead = read(text(), text(time=TIME_MS), text(time="2025-03-01T13:30:00.25+01:30"), text(time="now"))
    assert batch.time_ms.tolist() == [TIME_MS, TIME_MS, TIME_MS + 250]
    assert len(dead) == 1


# ---------------------------------------------------------------- any input


def contents(batch: Batch) -> list[tuple[object, ...]]:
    return fuzz.columns_at(batch, batch.record.tolist())


@given(st.lists(st.binary(max_size=80) | st.sampled_from(fuzz.ALL), max_size=12))
def test_any_bytes_are_an_event_or_a_dead_letter(values: list[bytes]) -> None:
    batch, dead = read(*values)
    fuzz.check(batch, dead, len(values), STAMP_MS)


@given(st.lists(st.sampled_from(fuzz.PLAIN + [value or b"" for _, _, value in BAD]), max_size=30), st.data())
@settings(max_examples=50)
def test_batches_may_be_cut_anywhere(values: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    whole, dead = read(*values)
    parts = [read(*values[:cut]), read(*values[cut:])]
    assert contents(whole) == [columns for part, _ in parts for columns in contents(part)]
    assert [letter.detail for letter in dead] == [letter.detail for _, letters in parts for letter in letters]
