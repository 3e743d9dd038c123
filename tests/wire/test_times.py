from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wire.times import UNREADABLE, parse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=ZONES))  # noqa: DTZ001
def test_any_instant_comes_out_as_python_has_it(instant: datetime) -> None:
    expected = (instant - EPOCH) // timedelta(milliseconds=1)
    texts = [instant.isoformat(), instant.isoformat(" "), instant.astimezone(UTC).isoformat().replace("+00:00", "z")]
    assert parse("\x00".join(texts).encode(), 3).tolist() == [expected] * 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017",
        "2017-08-25",
        "2017-08-25T18:42:10",
        "2017-08-25T18:42Z",
        "20170825T184210Z",
        "2017-08-25T18:42:10ZZ",
        "2017-13-25T18:42:10Z",
        "2017-00-25T18:42:10Z",
        "2017-08-32T18:42:10Z",
        "2017-02-29T18:42:10Z",
        "2017-06-00T00:00:00Z",
        "2017-08-25T24:00:00Z",
        "2017-08-25T18:60:10Z",
        "2017-08-25T18:42:61Z",
        "0000-01-01T00:00:00Z",
        "-017-08-25T18:42:10Z",
        "2017-08-25T18:42:10.Z",
        "2017-08-25T18:42:10,5Z",
        "2017-08-25T18:42:10+0200",
        "2017-08-25T18:42:10+24:00",
        "2017-08-25T18:42:10+02:60",
        "2017-08-25T18:42:10 Z",
        "2017-08-25X18:42:10Z",
        "٢017-08-25T18:42:10Z",
        "2017-08-25T18:42:10.123456",
        "2017-08-25_18:42:10Z",
        " 2017-08-25T18:42:10Z",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    assert parse(f"1970-01-01T00:00:00Z\x00{text}\x001970-01-01T00:00:00Z".encode(), 3).tolist() == [0, UNREADABLE, 0]


def test_a_leap_second_is_the_next_second_and_a_fraction_is_cut() -> None:
    assert parse(b"1972-06-30T23:59:60Z\x001970-01-01T00:00:00.9999Z", 2).tolist() == [78_796_800_000, 999]
