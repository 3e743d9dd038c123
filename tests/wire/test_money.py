from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.money import MOST_MINOR, Converter, Fault, exact

RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("1.0837"),
    "JPY": Decimal("0.0067"),
    "KWD": Decimal("3.25731"),
    "XXL": Decimal(10**15),
}
CONVERTER = Converter("USD", RATES)


@given(st.integers(0, 10**14))
def test_every_whole_number_of_cents_is_exact(cents: int) -> None:
    minor, faults = exact(np.array([float(f"{cents // 100}.{cents % 100:02d}")]), "USD")
    assert (minor.tolist(), faults.tolist()) == ([cents], [Fault.none])


@given(st.integers(0, 10**11), st.integers(1, 9))
def test_a_tenth_of_a_cent_is_refused(cents: int, tenth: int) -> None:
    _, faults = exact(np.array([float(f"{cents // 100}.{cents % 100:02d}{tenth}")]), "USD")
    assert faults.tolist() == [Fault.inexact]


@given(st.sampled_from(["EUR", "KWD", "JPY"]), st.integers(0, 10**12))
def test_conversion_rounds_half_to_even(currency: str, units: int) -> None:
    expected = (Decimal(units) * RATES[currency]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    minor, faults = CONVERTER.convert(np.array([float(units)]), currency)
    if expected * 100 <= MOST_MINOR:
        assert (minor.tolist(), faults.tolist()) == ([int(expected * 100)], [Fault.none])
    else:
        assert faults.tolist() == [Fault.too_large]


def test_a_conversion_beyond_all_bounds_is_refused() -> None:
    _, faults = CONVERTER.convert(np.array([1e12, 0.0]), "XXL")
    assert faults.tolist() == [Fault.too_large, Fault.none]
