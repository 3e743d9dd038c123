"""Money: decimal amounts of any currency into whole minor units of the reporting currency.

Owns: minor units by ISO 4217, the check that an amount is exact in them, conversion at the policy's fixed rates.
Everything behind it is int64. Knows nothing of events or bytes.
"""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MOST_MINOR = 10**15  # below 2**53: any sum of two is exact as a float, and 9,000 of them fit an int64

_DIGITS = 2
_WITHOUT = (
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
)
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_OTHER_DIGITS = dict.fromkeys(_WITHOUT, 0) | dict.fromkeys(_THREE, 3)


class Fault(IntEnum):
    """What is wrong with an amount."""

    none = 0
    inexact = 1  # finer than the currency's minor unit
    too_large = 2  # more than MOST_MINOR, here or after conversion


def minor_digits(currency: str) -> int:
    """Decimals of a currency's minor unit.

    >>> minor_digits("USD"), minor_digits("JPY"), minor_digits("KWD")
    (2, 0, 3)
    """
    return _OTHER_DIGITS.get(currency, _DIGITS)


def exact(amounts: NDArray[np.float64], currency: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Amounts ≥ 0 in units → minor units of the same currency, and a Fault each (0 where there is none).

    A decimal of up to 15 digits and the float it was read as name each other, so the division gives the same float
    back exactly when the amount had no more decimals than the currency.

    >>> [column.tolist() for column in exact(np.array([8.2, 12.345, 2e15]), "USD")]
    [[820, 1234, 0], [0, 1, 2]]
    """
    scale = 10.0 ** minor_digits(currency)
    minor = np.rint(amounts * scale)
    faults = (minor / scale != amounts).astype(np.uint8)
    large = minor > MOST_MINOR
    if large.any():
        faults[large] = Fault.too_large
        minor[large] = 0
    return minor.astype(np.int64), faults


def from_minor(minor: int, currency: str) -> float:
    """Minor units as the decimal number that is written on the wire.

    >>> from_minor(18240, "USD"), from_minor(500, "JPY")
    (182.4, 500.0)
    """
    return float(minor / 10 ** minor_digits(currency))


class Converter:
    """Turns amounts of any currency that has a rate into minor units of the reporting currency."""

    def __init__(self, currency: str, rates: Mapping[str, Decimal | float]) -> None:
        """`rates`: what one unit of a currency is in units of the reporting `currency`."""
        self.currency = currency
        unit = 10 ** minor_digits(currency)
        self._ratio = {
            code: Fraction(Decimal(str(rate))) * unit / 10 ** minor_digits(code) for code, rate in rates.items()
        }
        self._ratio[currency] = Fraction(1)

    def knows(self, currency: str) -> bool:
        """Whether there is a rate for this currency."""
        return currency in self._ratio

    @property
    def known(self) -> list[str]:
        """The currencies that have a rate, sorted."""
        return sorted(self._ratio)

    def convert(self, amounts: NDArray[np.float64], currency: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Amounts ≥ 0 of a known currency → minor units of the reporting currency (half to even), and a Fault each.

        >>> dollars = Converter("USD", {"EUR": Decimal("1.25"), "JPY": 0.005})
        >>> dollars.convert(np.array([8.20, 0.02, 0.06]), "EUR")[0].tolist()
        [1025, 2, 8]
        >>> dollars.convert(np.array([3.0, 5.0]), "JPY")[0].tolist()
        [2, 2]
        """
        minor, faults = exact(amounts, currency)
        ratio = self._ratio[currency]
        if ratio == 1:
            return minor, faults
        converted = _times(minor, ratio)
        large = converted > MOST_MINOR
        faults[large] = Fault.too_large
        converted[large] = 0
        return converted, faults


def _times(minor: NDArray[np.int64], ratio: Fraction) -> NDArray[np.int64]:
    top, bottom = ratio.numerator, ratio.denominator
    if (minor.size and int(minor.max()) * top >= 2**62) or bottom >= 2**62:
        # beyond int64: one by one; what is past the limit is refused by the caller, so it may be cut here
        return np.array([min(round(value * ratio), 2 * MOST_MINOR) for value in minor.tolist()], np.int64)
    whole, rest = np.divmod(minor * top, bottom)
    twice = 2 * rest
    return np.asarray(whole + ((twice > bottom) | ((twice == bottom) & (whole % 2 == 1))), np.int64)
