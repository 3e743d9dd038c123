"""The names of the topics, which worker and desk share and users know (docs/architecture.md).

Owns: those names. What each topic must be like is `stream.worker.topics`.
"""

from __future__ import annotations

from typing import Final

EVENTS: Final = "customer.events"
ALERTS: Final = "churn.alerts"
PARTS: Final = "retention.parts"
ERASED: Final = b"erased:"  # in PARTS the begin of a key, before the id of a customer who was erased; without a value
DAILY: Final = "retention.daily"
CHANGELOG: Final = "customers.changelog"
DEAD: Final = "customer.events.dead"
POLICY: Final = "lapse.policy"
DESK: Final = "lapse.desk"  # what the desk knows and still has to send
WORKERS: Final = "lapse.workers"  # where each worker answers
DELIVERIES_DEAD: Final = "churn.deliveries.dead"  # what no receiver took
