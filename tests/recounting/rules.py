"""A policy's table as the recount reads it. Knows nothing of events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.recounting.days import DAY_MS
from tests.recounting.gaps import Model
from tests.recounting.signs import Signs


class Rules:
    """What a policy's table says, with the defaults of stream/policies/default.toml."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.zone: str = policy.get("zone", "UTC")
        start = policy.get("history_start")
        self.history_start: date | None = date.fromisoformat(start) if isinstance(start, str) else start
        self.grace_ms = 60_000 * int(policy.get("alert_grace_minutes", 60))
        self.lateness_ms = DAY_MS * int(policy.get("allowed_lateness_days", 2))
        self.segments = ("other", *policy.get("segments", ()))
        usual = policy.get("qualifying", ("order_completed", "session", "feature_used", "subscription_renewed"))
        # R1: "of the segment in force at the event's time, where the policy lists some of its own"
        self.qualifying = {one: policy.get("segment_qualifying", {}).get(one, usual) for one in self.segments}
        own = policy.get("segment_active_days", {})
        self.active_days = {one: int(own.get(one, policy.get("active_days", 90))) for one in self.segments}
        silent = policy.get("signs", {}).get("silent", {})
        self.activity = silent.get("activity", ("order_completed",))
        self.horizon_days = int(silent.get("horizon_days", 28))
        self.theta = float(silent.get("theta", 0.3))
        self.overdue = float(silent.get("overdue", 0.8))
        self.min_purchase_days = int(silent.get("min_purchase_days", 4))
        self.model = Model(silent)
        self.signs = Signs(policy)
        self.holdout_share = float(policy.get("holdout_share", 0))
        self.tracking: bool = policy.get("consent_default", {}).get("tracking", True)
        self.cost_share = float(policy.get("acceptable", {}).get("cost_share", 1.0))
        self.margin = float(policy.get("value", {}).get("margin", 1.0))
        figures = policy.get("figures", {})
        self.exit_reasons = tuple(figures.get("exit_reasons", ("price", "product", "service", "competitor", "no_need")))
        self.categories = tuple(figures.get("categories", ()))
        self.variants = tuple(figures.get("variants", ()))
        self.reward_reasons = tuple(figures.get("reward_reasons", ("purchase", "review", "referral")))
