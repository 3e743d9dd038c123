"""Hypothesis profiles: `default` for every run of the suite, `thorough` for a night (HYPOTHESIS_PROFILE=thorough)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

# explaining a failure takes longer than finding it
quick = settings(
    max_examples=80,
    deadline=None,
    derandomize=os.environ.get("CI") == "true",  # there a red run must tell of the change; elsewhere, search on
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("default", quick)
settings.register_profile("thorough", quick, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
