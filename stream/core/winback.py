"""What contacting those who fell silent brings: who came back, of those who may be contacted and of those held out.

Owns: which ends of alerts count as win-back, on which day, and in which group (definitions D6). An end is counted once,
when it happens. Knows nothing of campaigns but when the latest was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.core.alerts import held_out
from stream.core.calendar import Calendar
from stream.core.flows import Flows
from stream.core.life import CHURNED, RETURNED
from stream.core.policy import Policy
from stream.core.retention import segment_at
from stream.core.signs import Sign
from stream.core.views import Note

TREATED, CONTACTED, HELD_OUT = "win_back_treated", "win_back_contacted", "win_back_held_out"
CAME_BACK: Final = "_returned"  # behind each of these


def count(
    notes: NDArray[np.void], flows: Flows, policy: Policy, days: Calendar, customer_id: Callable[[int], str]
) -> None:
    """Count those of the kernel's notes that are ends of a silence, as far as it ended by itself or was judged."""
    ends = (notes["sign"] == Sign.silent) & ((notes["what"] == RETURNED) | (notes["what"] == CHURNED))
    for at in np.flatnonzero(ends).tolist():
        note = notes[at]
        returned = int(note["what"]) == RETURNED
        # what was judged may have been due on a day that is final by now: it counts on the day of the alert clock
        ended_ms = int(note["time_s"]) * 1000 if returned else int(note["seen_ms"]) - policy.alert_grace_ms
        day = days.day(ended_ms)
        segment = segment_at(note["was"], days.start_ms(day) // 1000 - 1)
        for group in _groups(note, held=held_out(customer_id(int(note["row"])), policy.holdout_share)):
            flows.add(day, segment, group)
            if returned:
                flows.add(day, segment, group + CAME_BACK)


def _groups(note: Note, *, held: bool) -> tuple[str, ...]:
    if held:
        return (HELD_OUT,)
    contacted = note["beside"]["campaign_s"] >= note["was"]["opened_s"][Sign.silent]
    return (TREATED, CONTACTED) if contacted else (TREATED,)
