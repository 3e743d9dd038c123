"""Recorded figures: every sum and ratio of customers that boards and alert rules show, reckoned once.

Owns: how counts of workers are put together (sums over workers for figures, the greatest over workers and then the sum
for what has a partition), and the ratios, which are those of core/rates.py in PromQL. The segment `all` is added here.
"""

from __future__ import annotations

from typing import Final

from grafana.rules.form import Group, Recording


def _both(name: str, inner: str, *labels: str) -> list[Recording]:
    """A sum by `segment` and more, and the same of all segments."""
    return [
        Recording(name, f"sum by ({', '.join(('segment', *labels))}) ({inner})"),
        Recording(name, f"sum by ({', '.join(labels)}) ({inner})", {"segment": "all"}),
    ]


def _held(metric: str, *labels: str) -> str:
    """What has a partition: the greatest of those who (for a moment) both say they have it."""
    return f"max by ({', '.join(('partition', *labels))}) ({metric})"


def _share(name: str, above: str, below: str) -> Recording:
    """A ratio of sums that differ in `role` only; no series where the base is 0."""
    return Recording(name, f"({above}) / ignoring(role) ({below} > 0)")


def _roles(family: str, sign_of: dict[str, str]) -> str:
    """Roles of a family added up: {"end": "+", "acquired": "-"}."""
    terms = [f'{sign} ignoring(role) lapse:{family}:sum{{role="{role}"}}' for role, sign in sign_of.items()]
    return " ".join(terms).removeprefix("+ ignoring(role) ")


_CUSTOMERS: Final = 'lapse:period_customers:sum{role="%s"}'
_LOST: Final = 'lapse:period_customers:sum{role="lost",period=~"last_.*"}'
_START: Final = _CUSTOMERS % "start"
_MRR_START: Final = 'lapse:mrr:sum{role="start"}'
_ORDERS: Final = 'lapse:orders:sum{role="all"}'

SUMS: Final = (
    "period_customers", "mrr", "nps_customers", "active_customers", "lifecycle_customers", "orders", "order_revenue",
    "start_customers_revenue", "costs", "departures",
)  # fmt: skip

FIGURES: Final = Group(
    "lapse-figures",
    [
        *(rule for name in SUMS for rule in _both(f"lapse:{name}:sum", f"lapse_{name}", "period", "role")),
        *_both("lapse:customers:sum", _held("lapse_customers", "segment", "stage"), "stage"),
        *_both("lapse:open_alerts:sum", _held("lapse_open_alerts", "segment", "sign"), "sign"),
        *_both("lapse:value_at_risk:sum", _held("lapse_value_at_risk", "segment", "severity"), "severity"),
        *_both("lapse:alert_outcomes:sum", "lapse_alert_outcomes", "sign", "resolution"),
        # customers (core/rates.py: crr, crr_strict, churn, churn_net, quick_ratio, stickiness)
        _share("lapse:crr:ratio", _roles("period_customers", {"end": "+", "acquired": "-"}), _START),
        _share("lapse:crr_strict:ratio", _roles("period_customers", {"start": "+", "lost": "-"}), _START),
        _share("lapse:churn:ratio", _CUSTOMERS % "lost", _START),
        _share("lapse:churn_net:ratio", _roles("period_customers", {"start": "+", "end": "-"}), _START),
        Recording(
            "lapse:churn_regretted:ratio",
            f'({_LOST} - ignoring (role) sum without (role) (lapse:departures:sum{{role=~"acceptable|involuntary"}}))'
            f" / ignoring (role) ({_START} > 0)",
        ),
        _share("lapse:lost_involuntary:ratio", 'lapse:departures:sum{role="involuntary"}', _LOST),
        _share("lapse:stickiness:ratio", 'lapse:active_customers:sum{role="dau"}',
               'lapse:active_customers:sum{role="mau"}'),
        _share("lapse:quick:ratio", _roles("lifecycle_customers", {"new": "+", "resurrected": "+"}),
               'lapse:lifecycle_customers:sum{role="dormant"}'),
        # revenue (grr, nrr, nrr_orders, grr_orders)
        _share("lapse:grr:ratio", _roles("mrr", {"start": "+", "contraction": "-", "churned": "-"}), _MRR_START),
        _share("lapse:nrr:ratio",
               _roles("mrr", {"start": "+", "expansion": "+", "contraction": "-", "churned": "-"}), _MRR_START),
        _share("lapse:nrr_orders:ratio", 'lapse:start_customers_revenue:sum{role="now"}',
               'lapse:start_customers_revenue:sum{role="before"}'),
        _share("lapse:grr_orders:ratio", 'lapse:start_customers_revenue:sum{role="kept"}',
               'lapse:start_customers_revenue:sum{role="before"}'),
        # feedback, −1 … 1 (nps is in points, 100 times that)
        _share("lapse:nps:ratio", _roles("nps_customers", {"promoter": "+", "detractor": "-"}),
               "sum without (role) (lapse:nps_customers:sum)"),
        # value and cost, of closed periods: what came in ÷ who left is revenue a customer × the periods one stays
        _share("lapse:repeat:ratio", _roles("orders", {"all": "+", "first": "-"}), _ORDERS),
        _share("lapse:clv:currency", 'lapse:order_revenue:sum{role="all",period=~"last_.*"}', _LOST),
        _share("lapse:cac:currency", 'lapse:costs:sum{role="acquisition",period=~"last_.*"}', _CUSTOMERS % "acquired"),
        Recording("lapse:cac_clv:ratio", "lapse:cac:currency / (lapse:clv:currency > 0)"),
    ],
    every="30s",
)  # fmt: skip

_ENDED: Final = '{resolution=~"churned|returned|recovered"}'
SIGNS: Final = Group(
    "lapse-signs",
    [
        Recording("lapse:alerts_opened:increase1h", "sum by (sign) (increase(lapse_alerts_opened_total[1h]))"),
        Recording(
            "lapse:alert_precision:ratio",
            'sum by (segment, sign) (lapse:alert_outcomes:sum{resolution="churned"})'
            f" / (sum by (segment, sign) (lapse:alert_outcomes:sum{_ENDED}) > 0)",
        ),
        # since four weeks ago; what was not there then counts from 0
        Recording(
            "lapse:alert_outcomes:delta28d",
            "lapse:alert_outcomes:sum - (lapse:alert_outcomes:sum offset 28d or 0 * lapse:alert_outcomes:sum)",
        ),
        Recording(
            "lapse:alert_precision28d:ratio",
            'sum by (segment, sign) (lapse:alert_outcomes:delta28d{resolution="churned"})'
            f" / (sum by (segment, sign) (lapse:alert_outcomes:delta28d{_ENDED}) > 0)",
        ),
        Recording(
            "lapse:lead_days:mean",
            'sum by (sign) (lapse_lead_days{period="last_month"})'
            ' / (sum by (sign) (lapse_lead_customers{period="last_month"}) > 0)',
        ),
    ],
    every="30s",
)

GROUPS: Final = (FIGURES, SIGNS)
