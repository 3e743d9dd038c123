"""When each alert rule fires and when it must not: series in promtool's notation, a moment, and what fires then.

Owns: these tables. A series has a value every `step`, from time 0 on: `1x9` is ten times 1, `0+60x9` goes up by 60,
`_x9` is nothing; see promtool's documentation of unit tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCRAPE, MINUTE, QUARTER, LONG = "15s", "1m", "15m", "6h"  # of the series and of the rules' evaluation


@dataclass(frozen=True)
class Case:
    """`fires` are the labels by which what fires differs from others of its name; empty: nothing of this name fires."""

    alert: str
    says: str
    series: dict[str, str]
    at: str
    fires: tuple[dict[str, str], ...] = ()
    step: str = MINUTE


ONCE: Final[tuple[dict[str, str], ...]] = ({},)
UP: Final = 'up{job="lapse-worker",instance="w%d"}'
LAG: Final = 'lapse_lag_events{partition="%d",instance="w%d"}'
CLOCK: Final = 'lapse_alert_clock_timestamp_seconds{partition="%d",instance="w0"}'
EVENTS: Final = 'lapse_events_total{partition="%d",instance="w0"}'
SUSPENDED: Final = 'lapse_partition_suspended{partition="%d",instance="w0"}'
DEAD: Final = 'lapse_dead_letters_total{partition="0",reason="%s"}'
PLACED: Final = 'lapse_placed_keys_total{reason="%s",instance="w0"}'
SPLIT: Final = "lapse_split_customers_total"
COUNT, SOON = "lapse_delay_seconds_count", 'lapse_delay_seconds_bucket{le="0.15"}'

# two partitions on one worker, all well, now
WELL: Final = {
    UP % 0: "1x450", "lapse_partitions_expected": "2x450", "lapse_alert_grace_seconds": "3600x450",
    LAG % (0, 0): "0x450", LAG % (1, 0): "0x450", SUSPENDED % 0: "0x450", SUSPENDED % 1: "0x450",
    CLOCK % 0: "-3600+60x450", CLOCK % 1: "-3600+60x450", EVENTS % 0: "0+600x450", EVENTS % 1: "0+600x450",
}  # fmt: skip
SLOWLY: Final = {
    **WELL, CLOCK % 0: "-3600+900x450", CLOCK % 1: "-3600+900x450",
}  # fmt: skip


def _late(share: float, minutes: int, a_minute: int = 100, step: int = 1) -> dict[str, str]:
    """Transactions, of which a share is late."""
    count = a_minute * step
    return {COUNT: f"0+{count}x{minutes // step}", SOON: f"0+{count * (1 - share):g}x{minutes // step}"}


ALIVE: Final = (
    Case("Watchdog", "always", {}, "1m", ONCE),
    Case("LapseWorkersDown", "the last one is gone", {UP % 0: "1x3 0x9", UP % 1: "1x3 0x9"}, "8m", ONCE),
    Case("LapseWorkersDown", "nobody was ever there", {}, "3m", ONCE),
    Case("LapseWorkersDown", "one is left", {UP % 0: "1x12", UP % 1: "1x3 0x9"}, "8m"),
    Case("LapseWorkersDown", "a restart within the minute", {UP % 0: "1x5 0 1x9"}, "6m"),
    Case("LapseWorkerDown", "one of two", {UP % 0: "1x12", UP % 1: "1x2 0x9"}, "10m", ({"instance": "w1"},)),
    Case("LapseWorkerDown", "for a moment", {UP % 0: "1x12", UP % 1: "1x2 0x3 1x9"}, "7m"),
    Case("LapseDeskDown", "it was there", {'up{job="lapse-desk"}': "1x3 0x9"}, "8m", ONCE),
    Case("LapseDeskDown", "it is there", {'up{job="lapse-desk"}': "1x12"}, "8m"),
    Case(
        "LapseRulesFailing", "they do", {'prometheus_rule_evaluation_failures_total{rule_group="g"}': "0x3 1+1x20"},
        "15m", ({"rule_group": "g"},),
    ),
    Case("LapseRulesFailing", "once, long ago", {'prometheus_rule_evaluation_failures_total{rule_group="g"}': "0 1x30"},
         "20m"),
    Case(
        "LapseMessagesFailing", "they do", {'alertmanager_notifications_failed_total{integration="email"}': "0+1x20"},
        "15m", ({"integration": "email"},),
    ),
    Case("LapseMessagesFailing", "none did", {'alertmanager_notifications_failed_total{integration="email"}': "7x20"},
         "15m"),
)  # fmt: skip

PARTITIONS: Final = (
    Case("LapsePartitionsUnowned", "one of two", {**WELL, LAG % (1, 0): "0x3 _x20"}, "15m", ONCE),
    Case("LapsePartitionsUnowned", "all are run", WELL, "15m"),
    Case("LapsePartitionsUnowned", "given to another within two minutes",
         {**WELL, LAG % (1, 0): "0x3 stale", LAG % (1, 1): "_x6 0x20"}, "7m"),
    Case("LapsePartitionDoublyOwned", "two say they run it", {**WELL, LAG % (1, 1): "_x3 0x20"}, "10m",
         ({"partition": "1"},)),
    Case("LapsePartitionDoublyOwned", "for one scrape", {**WELL, LAG % (1, 1): "_x3 0 stale"}, "10m"),
    Case("LapseWatermarkStalled", "events, and the clock stands", {**WELL, CLOCK % 1: "-3600+60x10 -3000x40"}, "40m",
         ({"partition": "1"},)),
    Case("LapseWatermarkStalled", "there is more to read, and nothing moves",
         {**WELL, CLOCK % 1: "-3600+60x10 -3000x40", EVENTS % 1: "600x50", LAG % (1, 0): "7x50"}, "40m",
         ({"partition": "1"},)),
    Case("LapseWatermarkStalled", "the clock goes with the events", WELL, "40m"),
    Case("LapseWatermarkStalled", "no event, so no clock",
         {**WELL, CLOCK % 1: "-3600+60x10 -3000x40", EVENTS % 1: "0+600x10 6000x40"}, "40m"),
    Case("LapseRestoreSlow", "one took longer",
         {"lapse_restore_seconds_count": "8x9 9x30", 'lapse_restore_seconds_bucket{le="15.0"}': "8x40"}, "20m", ONCE),
    Case("LapseRestoreSlow", "one more, and quick",
         {"lapse_restore_seconds_count": "8x9 9x30", 'lapse_restore_seconds_bucket{le="15.0"}': "8x9 9x30"}, "20m"),
    Case("LapseDayNotClosed", "a partition's day is still open in the next day's night",
         {**SLOWLY, 'lapse_period_start_timestamp_seconds{period="day",instance="w0"}': "0x150"}, "30h", ONCE,
         step=QUARTER),
    Case("LapseDayNotClosed", "one partition is a day behind the other",
         {**SLOWLY, CLOCK % 1: "-3600x150"}, "30h", ONCE, step=QUARTER),
    Case("LapseDayNotClosed", "a day is closed when the next begins",
         {**SLOWLY, 'lapse_period_start_timestamp_seconds{period="day",instance="w0"}': "0x100 86400x100"}, "30h",
         step=QUARTER),
)  # fmt: skip

FLOW: Final = (
    Case("LapseInputSilent", "every partition", {**WELL, SUSPENDED % 0: "0x5 1x20", SUSPENDED % 1: "0x5 1x20"}, "15m",
         ONCE),
    Case("LapseInputSilent", "half a minute after the worker says so",
         {**WELL, SUSPENDED % 0: "0x4 1x20", SUSPENDED % 1: "0x4 1x20"}, "1m45s", ONCE, step=SCRAPE),
    Case("LapseInputSilent", "one of two", {**WELL, SUSPENDED % 0: "0x5 1x20"}, "15m"),
    Case("LapseInputSilent", "no worker is another alert", {"lapse_partitions_expected": "2x3 _x20"}, "15m"),
    Case("LapsePartitionSuspended", "one of two", {**WELL, SUSPENDED % 0: "0x5 1x20"}, "15m", ({"partition": "0"},)),
    Case("LapsePartitionSuspended", "all are another alert",
         {**WELL, SUSPENDED % 0: "0x5 1x20", SUSPENDED % 1: "0x5 1x20"}, "15m"),
    Case("LapsePublishFailing", "two of five",
         {'lapse_transactions_aborted_total{reason="broken"}': "0+2x20", "lapse_transactions_total": "0+3x20"}, "10m",
         ONCE),
    Case("LapsePublishFailing", "none is committed though there is input",
         {**WELL, LAG % (0, 0): "9x20", "lapse_transactions_total": "0+60x5 300x20"}, "12m", ONCE),
    Case("LapsePublishFailing", "no input, none committed",
         {**WELL, "lapse_transactions_total": "0+60x5 300x20"}, "12m"),
    Case("LapsePublishFailing", "one in a hundred",
         {'lapse_transactions_aborted_total{reason="broken"}': "0+1x20", "lapse_transactions_total": "0+99x20"}, "10m"),
    Case("LapseFreshnessBudgetBurnFast", "a fifth is late, for an hour", _late(0.2, 90), "75m", ONCE),
    Case("LapseFreshnessBudgetBurnFast", "a tenth is late, for six hours", _late(0.1, 420), "400m", ONCE),
    Case("LapseFreshnessBudgetBurnFast", "half was late, and is over",
         {COUNT: "0+100x120", SOON: "0+50x60 3050+100x59"}, "100m"),
    Case("LapseFreshnessBudgetBurnFast", "as promised", _late(0.009, 420), "400m"),
    Case("LapseFreshnessBudgetBurnFast", "all are late, of a few", _late(1, 90, a_minute=0), "75m"),
    Case("LapseFreshnessBudgetBurnSlow", "two in a hundred, for days", _late(0.02, 6000, step=15), "80h", ONCE,
         step=QUARTER),
    Case("LapseFreshnessBudgetBurnSlow", "as promised", _late(0.009, 6000, step=15), "80h", step=QUARTER),
    Case("LapseDeadLetters", "five in a hundred", {**WELL, DEAD % "not_json": "0+60x60"}, "30m", ONCE),
    Case("LapseDeadLetters", "a few", {**WELL, DEAD % "not_json": "0+1x60"}, "30m"),
    Case("LapseDeadLetters", "what is too late is another alert", {**WELL, DEAD % "too_late": "0+60x60"}, "30m"),
    Case("LapseDeadLettersFlood", "half of it", {**WELL, DEAD % "bad_field": "0+600x60"}, "30m", ONCE),
    Case("LapseDeadLettersFlood", "five in a hundred", {**WELL, DEAD % "bad_field": "0+60x60"}, "30m"),
    Case("LapseInternalError", "one", {DEAD % "internal_error": "0x10 1x40"}, "20m", ({"partition": "0"},)),
    Case("LapseInternalError", "none", {DEAD % "internal_error": "0x50", DEAD % "not_json": "0+9x50"}, "20m"),
    Case("LapseLateEvents", "five in a hundred", {**WELL, DEAD % "too_late": "0+60x60"}, "50m", ONCE),
    Case("LapseLateEvents", "a few", {**WELL, DEAD % "too_late": "0+1x60"}, "50m"),
    Case("LapseCustomersSplit", "one in twenty", {PLACED % "murmur2": "0+95x90", PLACED % "crc32": "0+5x90"}, "80m",
         ONCE),
    Case("LapseCustomersSplit", "all alike", {PLACED % "crc32": "0+95x90", PLACED % "murmur2": "0x90"}, "80m"),
    Case("LapseCustomersSplit", "somebody is seen twice", {SPLIT: "0x10 1x50", PLACED % "murmur2": "0+9x60"}, "20m",
         ONCE),
    Case("LapseCustomersSplit", "too few to say", {PLACED % "murmur2": "0x10 9x60", PLACED % "crc32": "0x10 3x60"},
         "40m"),
)  # fmt: skip

DESK: Final = (
    Case("LapseDeskUndelivered", "something waits", {"lapse_desk_oldest_waiting_seconds": "0x3 660+60x20"}, "15m",
         ONCE),
    Case("LapseDeskUndelivered", "given up",
         {'lapse_desk_deliveries_total{reason="given_up"}': "0x3 1x20"}, "8m", ONCE),
    Case("LapseDeskUndelivered", "sent, some after a retry",
         {"lapse_desk_oldest_waiting_seconds": "30x20", 'lapse_desk_deliveries_total{reason="sent"}': "0+9x20",
          'lapse_desk_deliveries_total{reason="retry"}': "0+1x20"}, "15m"),
    Case("LapseDeskBehind", "thousands", {"lapse_desk_lag_events": "5000x30"}, "20m", ONCE),
    Case("LapseDeskBehind", "for a moment", {"lapse_desk_lag_events": "5000x5 0x30"}, "20m"),
)  # fmt: skip

OPENED: Final = 'lapse_alerts_opened_total{partition="0",sign="silent",severity="high"}'
CUSTOMERS: Final = 'lapse_period_customers{segment="gold",period="%s",role="%s",instance="w%d"}'
# 100 customers on two workers, 30 of whom are lost
LOSING: Final = {
    CUSTOMERS % (period, role, worker): f"{count}x900"
    for period in ("month", "last_month")
    for role, count in (("start", 50), ("end", 40), ("acquired", 5), ("lost", 15))
    for worker in (0, 1)
}
FEW: Final = {series: f"{int(values.removesuffix('x900')) // 5}x900" for series, values in LOSING.items()}
OUTCOMES: Final = 'lapse_alert_outcomes{instance="w0",segment="gold",sign="silent",resolution="%s"}'
ACCEPTABLE: Final = 'lapse_acceptable_churn_ratio{segment="gold",period="month",instance="w0"}'
TARGET: Final = 'lapse_target_crr_ratio{segment="gold",period="month",instance="w0"}'
BY_CHARGES: Final = 'lapse_departures{segment="gold",period="last_month",role="involuntary",instance="w0"}'
GOLD: Final = ({"segment": "gold", "period": "month"},)
# an alert a minute for ten hours, then ten a minute
SURGING: Final = "0+15x40 750+150x90"
REPLAYED: Final = {CLOCK % 0: "-90000000+86400x900", CLOCK % 1: "-90000000+86400x900"}
# eighty days: of three alerts in six hours one churned; in the last four weeks one of eleven
PRECISE: Final = {OUTCOMES % "churned": "0+1x320", OUTCOMES % "returned": "0+2x320"}
WORSE: Final = {OUTCOMES % "churned": "0+1x200 200+0.2x120", OUTCOMES % "returned": "0+2x320"}
RARELY: Final = {**WELL, CLOCK % 0: "-3600+21600x400", CLOCK % 1: "-3600+21600x400"}

RETENTION: Final = (
    Case("LapseSurge", "ten times the usual", {**SLOWLY, OPENED: SURGING}, "12h", ({"sign": "silent"},), step=QUARTER),
    Case("LapseSurge", "as ever", {**SLOWLY, OPENED: "0+15x90"}, "12h", step=QUARTER),
    Case("LapseSurge", "ten times nothing much", {**SLOWLY, OPENED: "0x40 0+4x20"}, "12h", step=QUARTER),
    Case("LapseSurge", "a backlog after an outage", {**SLOWLY, OPENED: SURGING, LAG % (1, 0): "0x43 _x2 0x90"}, "12h",
         step=QUARTER),
    Case("LapseSurge", "a replay of last year", {**SLOWLY, **REPLAYED, OPENED: SURGING}, "12h", step=QUARTER),
    Case("LapseSurge", "its input stopped",
         {**SLOWLY, OPENED: SURGING, SUSPENDED % 0: "0x46 1x9", SUSPENDED % 1: "0x46 1x9"}, "12h", step=QUARTER),
    Case("LapseChurnAboveAcceptable", "30 % of 100, 20 % accepted", {**WELL, **LOSING, ACCEPTABLE: "0.2x900"}, "80m",
         GOLD),
    Case("LapseChurnAboveAcceptable", "40 % accepted", {**WELL, **LOSING, ACCEPTABLE: "0.4x900"}, "80m"),
    Case("LapseChurnAboveAcceptable", "no word of it in the policy", {**WELL, **LOSING}, "80m"),
    Case("LapseChurnAboveAcceptable", "20 customers", {**WELL, **FEW, ACCEPTABLE: "0.2x900"}, "80m"),
    Case("LapseChurnAboveAcceptable", "partitions are missing",
         {**WELL, **LOSING, ACCEPTABLE: "0.2x900", LAG % (1, 0): "0x9 _x900"}, "80m"),
    Case("LapseRetentionUnderTarget", "(80 − 10) ÷ 100, 90 % wanted", {**WELL, **LOSING, TARGET: "0.9x900"}, "80m",
         GOLD),
    Case("LapseRetentionUnderTarget", "60 % wanted", {**WELL, **LOSING, TARGET: "0.6x900"}, "80m"),
    Case("LapseRetentionUnderTarget", "20 customers", {**WELL, **FEW, TARGET: "0.9x900"}, "80m"),
    Case("LapseLossesInvoluntary", "8 of 30", {**WELL, **LOSING, BY_CHARGES: "8x900"}, "80m",
         ({"segment": "gold", "period": "last_month"},)),
    Case("LapseLossesInvoluntary", "2 of 30", {**WELL, **LOSING, BY_CHARGES: "2x900"}, "80m"),
    Case("LapseLossesInvoluntary", "5 of 6", {**WELL, **FEW, BY_CHARGES: "5x900"}, "80m"),
    Case("LapsePrecisionFalling", "a third, then a tenth", {**RARELY, **WORSE}, "1890h", ({"sign": "silent"},),
         step=LONG),
    Case("LapsePrecisionFalling", "a third all the time", {**RARELY, **PRECISE}, "1890h", step=LONG),
    Case("LapsePrecisionFalling", "a few ended",
         {**RARELY, OUTCOMES % "churned": "0+0.1x200 20+0.02x120", OUTCOMES % "returned": "0+0.2x320"}, "1890h",
         step=LONG),
)  # fmt: skip

CASES: Final = (*ALIVE, *PARTITIONS, *FLOW, *DESK, *RETENTION)
