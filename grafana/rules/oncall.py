"""Alert rules for on-call: what makes the pipeline untrustworthy, and what will.

Owns: these rules. `page` wakes somebody, `ticket` can wait for the morning. What breaks the pipeline also holds back
every message about customers (`breaks`; the inhibition is in grafana/alertmanager/alertmanager.yml).
"""

from __future__ import annotations

from typing import Final

from grafana.rules.form import Alert, Group

BUDGET: Final = 0.01  # the promise is 0.15 s at p99: one transaction in a hundred may be later
LEAST_TRANSACTIONS: Final = 50  # in an hour; of fewer, one that is late says nothing


def _burn(pairs: tuple[tuple[float, str, str], ...]) -> str:
    """Both the long and the short window burn the budget so many times too fast (SRE workbook, ch. 5)."""
    either = " or ".join(
        f"(lapse:late_commits:ratio{long} > {times * BUDGET:.3g} and lapse:late_commits:ratio{short} > "
        f"{times * BUDGET:.3g})"
        for times, long, short in pairs
    )
    return f"({either})\nand on () sum(increase(lapse_delay_seconds_count[1h])) > {LEAST_TRANSACTIONS}"


ALIVE: Final = Group(
    "lapse-alive",
    [
        Alert(
            "Watchdog",
            "vector(1)",
            "0s",
            "The alarm works",
            "Always firing. Whoever receives this must raise an alarm when it stops coming: then Prometheus, "
            "Alertmanager or the way to you is down, and silence means nothing.",
            severity="none",
        ),
        Alert(
            "LapseWorkersDown",
            'absent(up{job="lapse-worker"} == 1)',
            "1m",
            "No worker answers",
            "No customer event is processed: no alert opens and no day closes until a worker runs again. Nothing is "
            "lost meanwhile, events wait in Kafka.",
            severity="page",
            breaks=True,
            labels={"job": "lapse-worker"},
        ),
        Alert(
            "LapseWorkerDown",
            'up{job="lapse-worker"} == 0',
            "5m",
            "Worker {{ $labels.instance }} does not answer",
            "Its partitions went to the other workers, which have less room now.",
        ),
        Alert(
            "LapseDeskDown",
            'absent(up{job="lapse-desk"} == 1)',
            "2m",
            "The desk does not answer",
            "Alerts still open and are on churn.alerts, but nobody is told of them, the live page is away and days are "
            "not merged.",
            severity="page",
            labels={"job": "lapse-desk"},
        ),
        Alert(
            "LapseRulesFailing",
            "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) > 0",
            "5m",
            "Rules of {{ $labels.rule_group }} can't be evaluated",
            "What these rules watch is not watched. Prometheus's log and its page /rules say why.",
        ),
        Alert(
            "LapseMessagesFailing",
            "sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > 0",
            "5m",
            "Messages by {{ $labels.integration }} can't be delivered",
            'Alertmanager could not hand over {{ printf "%.0f" $value }} messages in 5 minutes; its log says to whom.',
        ),
    ],
)

PARTITIONS: Final = Group(
    "lapse-partitions",
    [
        Alert(
            "LapsePartitionsUnowned",
            "lapse:partitions_expected:count - lapse:partitions_reporting:count > 0",
            "3m",
            "Partitions that nobody processes: {{ $value }}",
            "Their customers' events wait, their clocks stand still, and every sum lacks them. A take-over takes "
            "seconds, a restore less than a minute.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapsePartitionDoublyOwned",
            "count by (partition) (lapse_lag_events) > 1",
            "2m",
            "Partition {{ $labels.partition }} is processed by {{ $value }} workers",
            "One of them is a zombie. Its transactions are fenced off, so nothing is published twice, but its gauges "
            "are wrong, and it may be about to do harm that nobody has thought of.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapseWatermarkStalled",
            """
            max by (partition) (max_over_time(lapse_alert_clock_timestamp_seconds[10m]))
            - min by (partition) (min_over_time(lapse_alert_clock_timestamp_seconds[10m])) == 0
            and on (partition) (
            sum by (partition) (increase(lapse_events_total[10m])) > 0
            or max by (partition) (lapse_lag_events) > 0
            )
            """,
            "5m",
            "The clock of partition {{ $labels.partition }} stands still while events come",
            "Silences are not judged there and its days don't close, though there is input: the worker is stuck, or "
            "every event is older than what was seen before.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapseRestoreSlow",
            "sum(increase(lapse_restore_seconds_count[30m]))"
            ' - sum(increase(lapse_restore_seconds_bucket{le="15.0"}[30m])) > 0.5',
            "0s",
            "A partition took more than 15 s to restore",
            "So long nobody processed it. The next take-over will take as long: the changelog grows faster than it is "
            "compacted, or the disk or network behind it is slow.",
        ),
        Alert(
            "LapseDayNotClosed",
            # a worker shows the latest beginning among its partitions, so one that is behind shows by its clock
            """
            max(lapse_alert_clock_timestamp_seconds)
            - min(max by (partition) (lapse_alert_clock_timestamp_seconds)) > 93600
            or max(lapse_alert_clock_timestamp_seconds)
            - min(lapse_period_start_timestamp_seconds{period="day"}) > 93600
            """,
            "30m",
            "A business day has not been closed",
            "The newest clock is {{ $value | humanizeDuration }} ahead of the oldest, or past the beginning of a day "
            "that is still open; a day has 25 hours at most. Figures of that day are missing a partition.",
            breaks=True,
        ),
    ],
)

FLOW: Final = Group(
    "lapse-flow",
    [
        Alert(
            "LapseInputSilent",
            # not what is recorded: that would be up to 15 s older, and this has to be told within a minute
            "sum(max by (partition) (lapse_partition_suspended)) "
            ">= (count(count by (partition) (lapse_lag_events)) > 0)",
            "15s",
            "No customer events come any more",
            "All {{ $value }} partitions have been without an event for longer than they ever are at this hour. Their "
            "clocks stand still: no customer is taken for silent because of it.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapsePartitionSuspended",
            "max by (partition) (lapse_partition_suspended) == 1 "
            "unless on () (lapse:partitions_suspended:count >= lapse:partitions_reporting:count)",
            "5m",
            "Partition {{ $labels.partition }} gets no events",
            "The others do. Its clock stands still and its customers are not judged: somebody writes with another "
            "partitioner, or a source that fed it has stopped.",
            breaks=True,
        ),
        Alert(
            "LapsePublishFailing",
            """
            sum(rate(lapse_transactions_aborted_total{reason!="lost"}[5m]))
            / (sum(rate(lapse_transactions_total[5m])) + sum(rate(lapse_transactions_aborted_total[5m]))) > 0.2
            or
            sum(increase(lapse_transactions_total[2m])) == 0 and on () sum(max by (partition) (lapse_lag_events)) > 0
            """,
            "2m",
            "Transactions can't be committed",
            "Events are read, but what follows from them is not published: more than a fifth of the transactions "
            "fail, or there is input and none was committed for minutes. Nothing is lost, it is done again.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapseFreshnessBudgetBurnFast",
            _burn(((14.4, "1h", "5m"), (6, "6h", "30m"))),
            "0s",
            "Alerts and figures come too late: {{ $value | humanizePercentage }} of the transactions",
            "They take more than 0.15 s from an event to its commit. At this rate the month's budget (1 %) is gone in "
            "days.",
            severity="page",
        ),
        Alert(
            "LapseFreshnessBudgetBurnSlow",
            _burn(((3, "1d", "2h"), (1, "3d", "6h"))),
            "15m",
            "More than the promised share of transactions is late: {{ $value | humanizePercentage }}",
            "They take more than 0.15 s from an event to its commit. 1 % may; at this rate the promise of the month "
            "will be broken.",
        ),
        Alert(
            "LapseDeadLetters",
            "lapse:dead_letters:ratio > 0.01"
            ' and on () sum(increase(lapse_dead_letters_total{reason!="too_late"}[15m])) > 10',
            "5m",
            "{{ $value | humanizePercentage }} of the input is refused",
            "It is on customer.events.dead, each with its reason (`lapse dead list`); nothing else is disturbed.",
        ),
        Alert(
            "LapseDeadLettersFlood",
            "lapse:dead_letters:ratio > 0.2"
            ' and on () sum(increase(lapse_dead_letters_total{reason!="too_late"}[15m])) > 50',
            "2m",
            "{{ $value | humanizePercentage }} of the input is refused",
            "So much that customers look silent who are not. Likely a source has changed its format.",
            severity="page",
            breaks=True,
        ),
        Alert(
            "LapseInternalError",
            'sum by (partition) (increase(lapse_dead_letters_total{reason="internal_error"}[1h])) > 0',
            "0s",
            "An event of partition {{ $labels.partition }} can't be processed: a bug",
            "The event is set aside; more than 3 an hour on a partition stop the worker. Its log has the traceback.",
        ),
        Alert(
            "LapseLateEvents",
            "lapse:late_events:ratio > 0.01"
            ' and on () sum(increase(lapse_dead_letters_total{reason="too_late"}[15m])) > 10',
            "15m",
            "{{ $value | humanizePercentage }} of the events come after their day was final",
            "They are refused (reason too_late) and missing in the figures. A source delivers days late, or a replay "
            "goes into a topic that is past it.",
        ),
        Alert(
            "LapseCustomersSplit",
            "sum(increase(lapse_split_customers_total[1h])) > 0 or (lapse:misplaced_keys:ratio > 0.01"
            " and on () sum(increase(lapse_placed_keys_total[1h])) > 20)",
            "5m",
            "Producers place customers differently",
            "A customer whose events come by two of them is on two partitions, and is two customers: seen on the one, "
            "missed on the other. Silences of theirs may be false.",
        ),
    ],
)

DESK: Final = Group(
    "lapse-desk",
    [
        Alert(
            "LapseDeskUndelivered",
            "max(lapse_desk_oldest_waiting_seconds) > 600"
            ' or sum(increase(lapse_desk_deliveries_total{reason=~"given_up|refused"}[15m])) > 0',
            "2m",
            "Alerts are not delivered",
            "A receiver does not take what the desk has for it: something waits for more than 10 minutes, or was given "
            "up. Customers leave whom nobody was told of.",
            severity="page",
        ),
        Alert(
            "LapseDeskBehind",
            "max(lapse_desk_lag_events) > 1000",
            "10m",
            "The desk is {{ $value }} records behind",
            "Page, messages and merged days are older than they look.",
        ),
    ],
)
GROUPS: Final = (ALIVE, PARTITIONS, FLOW, DESK)
