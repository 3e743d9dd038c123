"""Alert rules for the retention desk: what customers do that somebody should look at today.

Owns: these rules, and how many customers or alerts it takes before a ratio means anything. What is too much churn or
too little retention is the policy's (`lapse_acceptable_churn_ratio`, `lapse_target_crr_ratio`), where it says so.
Each asks first whether the pipeline could be trusted all the while: after an outage a backlog of two hours opens its
alerts in a minute, and that is no surge.
"""

from __future__ import annotations

from typing import Final

from grafana.rules.form import Alert, Group

LEAST_CUSTOMERS: Final = 50  # at the start of the period; of fewer, each is 2 % of churn or more
LEAST_LOST: Final = 20  # in the last closed month
INVOLUNTARY: Final = 0.2  # of those lost; where charges are looked after it is a few in a hundred
LEAST_OPENED: Final = 20  # alerts in an hour
SURGE: Final = 3  # times the usual
LEAST_ENDED: Final = 50  # alerts in four weeks; a precision of 30 % is then known to ± 13 %
FALLEN: Final = 0.7  # of what the sign was right in all its time
TRUSTED: Final = "and on () min_over_time(lapse:pipeline:trusted[1h]) == 1"
_ENDED: Final = 'segment="all",resolution=~"churned|returned|recovered"'
_AT_START: Final = 'lapse:period_customers:sum{role="start"%s}'


def _last(series: str) -> str:
    """A series of closed periods under the open periods' names."""
    return f'label_replace({series}, "period", "$1", "period", "last_(.+)")'


GROUPS: Final = (
    Group(
        "lapse-customers",
        [
            Alert(
                "LapseSurge",
                f"""
                lapse:alerts_opened:increase1h > {LEAST_OPENED} and lapse:alerts_opened:increase1h
                > {SURGE} * avg_over_time(lapse:alerts_opened:increase1h[7d] offset 1h)
                {TRUSTED}
                """,
                "5m",
                'Many more customers than usual: {{ printf "%.0f" $value }} alerts `{{ $labels.sign }}` in an hour',
                f"More than {SURGE} times the average hour of the last week. Customers who lapse together have a "
                "reason in common: a price, an outage of the shop, a competitor's offer.",
                severity="notice",
                team="retention",
                board="lapse-live",
            ),
            Alert(
                "LapseChurnAboveAcceptable",
                f"""
                lapse:churn:ratio
                > on (segment, period) max by (segment, period) (lapse_acceptable_churn_ratio)
                and on (segment, period) {_AT_START % ""} >= {LEAST_CUSTOMERS}
                {TRUSTED}
                """,
                "1h",
                "Segment {{ $labels.segment }} loses {{ $value | humanizePercentage }} this {{ $labels.period }}",
                "More than the policy accepts, and the {{ $labels.period }} is not over yet.",
                severity="notice",
                team="retention",
                board="lapse-segment",
            ),
            Alert(
                "LapseRetentionUnderTarget",
                f"""
                {_last('lapse:crr:ratio{period=~"last_.+"}')}
                < on (segment, period) max by (segment, period) (lapse_target_crr_ratio)
                and on (segment, period)
                {_last(_AT_START % ',period=~"last_.+"')} >= {LEAST_CUSTOMERS}
                {TRUSTED}
                """,
                "1h",
                "Segment {{ $labels.segment }} kept {{ $value | humanizePercentage }} last {{ $labels.period }}",
                "Under the policy's target. The bridge on the board shows who left and who came back.",
                severity="notice",
                team="retention",
                board="lapse-retention",
            ),
            Alert(
                "LapseLossesInvoluntary",
                f"""
                lapse:lost_involuntary:ratio{{segment!="all",period="last_month"}} > {INVOLUNTARY}
                and on (segment, period) lapse:period_customers:sum{{role="lost"}} >= {LEAST_LOST}
                {TRUSTED}
                """,
                "1h",
                "Segment {{ $labels.segment }}: {{ $value | humanizePercentage }} of losses by failed charges",
                "A charge had failed and was not recovered. They can be kept by asking for another card, which costs "
                "less than any campaign.",
                severity="notice",
                team="retention",
                board="lapse-retention",
            ),
            Alert(
                "LapsePrecisionFalling",
                f"""
                lapse:alert_precision28d:ratio{{segment="all"}}
                < {FALLEN} * lapse:alert_precision:ratio{{segment="all"}}
                and on (sign) sum by (sign) (lapse:alert_outcomes:delta28d{{{_ENDED}}}) >= {LEAST_ENDED}
                {TRUSTED}
                """,
                "6h",
                "The sign `{{ $labels.sign }}` is right less often: {{ $value | humanizePercentage }} in four weeks",
                f"Less than {FALLEN:.0%} of what it was in all its time. Customers' habits have changed: fit the model "
                "anew (`lapse fit`).",
                severity="notice",
                team="retention",
                board="lapse-signals",
            ),
        ],
        every="30s",
    ),
)
