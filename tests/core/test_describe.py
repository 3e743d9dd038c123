from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from stream.core.batch import MARKETING, MARKETING_KNOWN
from stream.core.describe import _facts, _Fields
from stream.core.row import MORE, NEVER_S, NO_DAY, ROW

TODAY = 20_200
NOON_S = 20_130 * 86_400 + 43_200


def facts(row: np.void, more: np.void) -> dict[str, str]:
    return dict(_facts(_Fields(row, more, ZoneInfo("Europe/Berlin"), "EUR"), TODAY))


def test_a_row_in_words() -> None:
    row, more = np.zeros(1, ROW)[0], np.zeros(1, MORE)[0]
    row["first_day"], row["purchase_day"], row["seen_s"], row["due_s"] = 20_100, 20_128, NOON_S, NEVER_S
    row["orders"], row["purchase_days"], row["gap_weight"], row["gap_mean"] = 6, 5, 4.0, np.log(7.0)
    row["revenue"], row["consent"] = 15_250, MARKETING | MARKETING_KNOWN
    row["open"], row["opened_s"][7] = 1 << 7, NOON_S
    more["ticket_s"][:2], more["score"][0], more["failed_s"] = NOON_S, 10, NOON_S
    found = facts(row, more)
    assert found == {
        "customer since": "2025-01-12",
        "last event": "2025-02-11 13:00",
        "last order": "2025-02-09, 72 days before the day it is now",
        "orders": "6 on 5 days",
        "usual gap": "about 7 days between orders",
        "open alert": "complaint, since 2025-02-11 13:00",
        "open tickets": "2",
        "last NPS score": "9",
        "payment failed": "2025-02-11 13:00",
        "revenue": "152.50 EUR",
        "consent to marketing": "yes",
        "consent to tracking": "never said; the policy's default holds",
    }


def test_of_a_blank_row_little_is_said() -> None:
    row, more = np.zeros(1, ROW)[0], np.zeros(1, MORE)[0]
    row["first_day"] = row["purchase_day"] = NO_DAY
    assert set(facts(row, more)) == {"last event", "consent to marketing", "consent to tracking"}
