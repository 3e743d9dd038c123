"""The layout of what is kept of a customer: a row that everybody has, and a second record that only some have.

Owns: the fields, which are also those of the changelog's records, byte for byte. What the numbers mean is the kernel's.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

NO_DAY = -(2**31)
NEVER_MS = 2**62
NEVER_S = 2**32 - 1
SIGNS = 13  # core.signs.Sign
SUBSCRIPTIONS = 4  # told apart, with
SUBSCRIPTION_EVENTS = 3  # the last events of each
TICKETS = 4  # told apart while open
COMPLAINTS = 4  # days remembered
SEGMENT_CHANGES = 4
DUPLICATES = 8
FORM = 2  # of this layout; earlier ones are in core.layouts
FORM_AT = 3
ANSWERS = 3  # NPS answers of a customer that are kept
MONTHS = 8  # a quarter, the one before, and what may come before the former is final
ACTIVITY_DAYS = 256
MEMBER, CUSTOMER_BEFORE = 1, 2  # bits of `member`
OPEN_ENDED = 2**16 - 1  # the `until` day of a subscription without an end

Row: TypeAlias = Any  # one record of ROW: numpy.void outside compiled code, a numba record inside
More: TypeAlias = Any  # one record of MORE, likewise

# What every customer has. Instants are epoch seconds, days are business days; in u2 columns day 0 stands for none.
# What every order touches, and every close, comes first and together, so that it lies in few cache lines.
ROW = np.dtype(
    [
        ("consent", "u1"),  # bits of core.batch
        ("event_at", "u1"),  # next place in `events`
        ("segments_n", "u1"),
        ("form", "u1"),  # which layout this row has (core.layouts): at FORM_AT for ever, in whatever order the rest is
        ("more", "u4"),  # this customer's place in `CustomerTable.more`; 0, the blank one, in the changelog
        ("active_head", "i4"),  # the latest day in `active`
        ("first_day", "i4"),  # acquired (definitions R4)
        ("purchase_day", "i4"),  # the last one
        ("due_s", "u4"),  # when something has to be looked at next, NEVER_S when nothing has to
        ("silent_s", "u4"),  # when the silence of now becomes a sign, NEVER_S when it never does
        ("purchase_s", "u4"),
        ("first_s", "u4"),
        ("seen_s", "u4"),  # 0: no customer, only ever heard of in events that were refused
        ("erased_s", "u4"),  # events up to then are ignored
        ("open", "u2"),  # bit of each Sign whose alert is open
        ("purchase_days", "u2"),
        ("word_day", "u2"),  # when the customer last said something: a ticket, a survey, a review
        ("orders", "u4"),
        ("kinds", "u4"),  # the last four kinds of what the customer did or met, the latest in the low byte
        ("segment", "u1", SEGMENT_CHANGES),
        ("member", "u1"),  # MEMBER: of a programme; CUSTOMER_BEFORE: a customer when the year began (core.years)
        ("active", "u8", ACTIVITY_DAYS // 64),  # bit day % 256: qualifying activity that day
        ("events", "u8", DUPLICATES),  # hashes of the last accepted events
        ("gap_mean", "f8"),
        ("gap_square", "f8"),
        ("gap_weight", "f8"),
        ("revenue", "i8"),  # money in minor units
        ("segment_s", "u4", SEGMENT_CHANGES),
        # purchases and spending against what is usual for this customer (core.signals)
        ("rarer", "f8"),
        ("spend", "f8"),
        ("first_purchase", "u2"),
        ("spend_day", "u2"),
        ("first_spend", "u2"),
        # the same of engagement
        ("engage_day", "u2"),
        ("first_engage", "u2"),
        ("engage_days", "u2"),
        ("engage_rarer", "f8"),
        ("engage", "f8"),
        # alerts, by Sign: of the one that is open, or was last
        ("escalated", "u2"),  # bit of each Sign whose open alert has become graver
        ("opened_s", "u4", SIGNS),
        ("episode", "u2", SIGNS),
        ("turns", "u1", SIGNS),  # the transition that was last
        # figures
        ("month_revenue", "i4", MONTHS),  # net of refunds, in minor units; the place of a month is month % MONTHS
        ("month_head", "u2"),  # the latest month in `month_revenue`, 0: none
        ("categories", "u4"),  # bit of each category of the policy in which they ever bought
        ("variant", "u1"),  # of an experiment: its place in the policy's list, plus 1; 0: none
    ]
)

# What only some have: subscriptions, tickets, scores, and the like. A row without any has the blank one.
MORE = np.dtype(
    [
        ("consent_s", "u4", 2),  # when marketing and tracking were last spoken of
        ("refunded", "i8"),
        ("cost_to_serve", "i8"),
        ("acquisition_cost", "i8"),
        ("margin", "u2"),  # of this customer, in 1/10,000, plus 1; 0: the policy's
        ("birthday", "u2"),  # month × 100 + day, 0: unknown
        ("muted", "u2"),  # bit of each Sign
        ("muted_until_s", "u4"),
        # subscriptions
        ("subscription", "u4", SUBSCRIPTIONS),  # low half of the id's hash
        ("subscription_n", "u1", SUBSCRIPTIONS),
        ("subscription_s", "u4", SUBSCRIPTIONS * SUBSCRIPTION_EVENTS),
        ("subscription_until", "u2", SUBSCRIPTIONS * SUBSCRIPTION_EVENTS),
        ("mrr", "i8", SUBSCRIPTIONS),  # as the last event said
        ("ends_s", "u4", SUBSCRIPTIONS),  # the end of the paid period of one that does not renew by itself, else 0
        ("failed_s", "u4"),  # the charge that failed and was not recovered, 0 when there is none
        ("failed_due_s", "u4"),  # when it becomes a sign, 0 when that was looked at
        ("recovered_s", "u4"),  # the last one that was
        ("activate_s", "u4"),  # when a trial or first subscription began, 0 when that is settled
        ("uses", "u1"),  # since then
        ("cancel_why", "u1"),  # core.signals
        # service
        ("ticket", "u4", TICKETS),
        ("ticket_s", "u4", TICKETS),  # opened or reopened, 0: a free place
        ("ticket_bits", "u1", TICKETS),  # priority, whether its target was looked at, and more (core.troubles)
        ("complaint_day", "u2", COMPLAINTS),
        ("contact_s", "u4"),
        ("score", "u1", 3),  # last answer + 1, by survey of core.batch
        ("score_s", "u4", 3),
        ("cooling_survey", "u1"),  # of the last answer that fell, and
        ("cooling_from", "u1"),  # the answer before it
        # pages and carts
        ("loads", "f8"),  # faded
        ("bad_loads", "f8"),
        ("page_day", "u2"),
        ("loads_n", "u4"),  # ever
        ("bad_loads_n", "u4"),
        ("left", "f8"),  # carts left and orders given back, faded
        ("left_day", "u2"),
        ("left_n", "u2"),
        # figures
        ("subscription_mrr", "u4", SUBSCRIPTIONS * SUBSCRIPTION_EVENTS),  # in minor units
        ("nps_s", "u4", ANSWERS),  # the latest answers, in order of time, 0 for none
        ("nps", "u1", ANSWERS),
        ("trial_s", "u4"),  # when a trial began that is not paid yet, 0 without one
        ("trial_uses", "u1"),  # in it, and a bit of core.signals: it is over
        ("campaign_s", "u4"),  # when the latest campaign was sent
    ]
)

assert ROW.fields is not None
assert ROW.fields["form"][:2] == (np.dtype("u1"), FORM_AT), "rows of every version say their form at the same place"
ROW_LAYOUT = zlib.crc32(repr((ROW.descr, MORE.descr)).encode())  # rows of another layout are never read by mistake


def _newborn() -> NDArray[np.void]:
    new = np.zeros(1, ROW)
    for day in ("active_head", "first_day", "purchase_day"):
        new[day] = NO_DAY
    new["due_s"] = new["silent_s"] = NEVER_S
    new["form"] = FORM
    return new


NEWBORN: Final = _newborn()  # one row of which nothing is known
