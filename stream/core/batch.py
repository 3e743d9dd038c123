"""Decoded events as columns: what the wire hands to the kernel.

Owns: the shape of a batch and the meaning of its kind-specific columns. Knows nothing of JSON, Kafka or rows.
A batch holds well-formed events only, in offset order; whether one is too late or a duplicate is the kernel's to say.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from stream.core.hashing import SEPARATOR, spans

NONE = -1  # an absent value in `x`, `y` or `segment`; in `amount` where a kind says so


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    r"""n events as columns of length n (`customer_start` has n + 1).

    `customers` joins the customer ids (UTF-8) by NUL; `customer_start` and `customer_hash` come from
    `hashing.spans`. `event_hash` is the hash of source + "\x1f" + id. Money is in minor units of the policy's
    currency.
    """

    record: NDArray[np.int32]  # index of the event's record among those that were decoded
    kind: NDArray[np.uint8]  # events.Kind
    time_ms: NDArray[np.int64]
    customers: bytes
    customer_start: NDArray[np.int64]
    customer_hash: NDArray[np.uint64]
    event_hash: NDArray[np.uint64]
    segment: NDArray[np.int16]  # code in the policy's list, NONE when the event carries none
    variant: NDArray[np.uint8]  # place in the policy's list, plus 1; 0 for none
    amount: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    ref: NDArray[np.uint64]  # of an order the bits of its categories, else a hash of what it is about, 0 without

    def __len__(self) -> int:
        return self.kind.size


def merged(one: Batch, other: Batch) -> Batch:
    """Two batches of the same records as one, in offset order."""
    if not len(one) or not len(other):
        return one if len(one) else other
    record = np.concatenate([one.record, other.record])
    order = np.argsort(record, kind="stable")
    names = one.customers.split(SEPARATOR) + other.customers.split(SEPARATOR)
    customers = SEPARATOR.join([names[i] for i in order.tolist()])
    start, _ = spans(customers, order.size)
    columns = {
        field.name: np.concatenate([getattr(one, field.name), getattr(other, field.name)])[order]
        for field in fields(Batch)
        if field.name not in ("customers", "customer_start")
    }
    return Batch(customers=customers, customer_start=start, **columns)


# consent bits, in `x` of profile_updated, consent_changed and unsubscribed
MARKETING_KNOWN = 1
MARKETING = 2
TRACKING_KNOWN = 4
TRACKING = 8

# the survey of an answer, in `y` of survey_answered and review_posted
NPS, CSAT, REVIEW = 0, 1, 2

# how a page loaded, bits in `y` of page_performance; above them the device: 1 mobile, 2 tablet, 3 desktop
PAGE_OK, PAGE_ABANDONED = 1, 2
DEVICE_SHIFT = 2
