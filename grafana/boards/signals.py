"""Signal quality, for whoever owns the signs: whether alerts are right as often as they claim, and in time."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import look
from grafana.boards.assembly import Section, board
from grafana.boards.panels import About, Query, bars, lines, stat, table
from grafana.boards.queries import grown, recorded, total
from grafana.boards.trust import trust
from stream import metrics
from stream.metrics import FIGURES

SAYS = "Is an alert right as often as it claims, and does it come in time? For whoever owns the signs."
ENDS: Final = ("churned", "returned", "recovered")  # of these precision is reckoned
MONTH: Final = "last_month"
YET: Final = "too early"
OUTCOMES: Final = "lapse:alert_outcomes:sum"


def signals() -> Dashboard:
    """The board."""
    return board("lapse-signals", SAYS, (trust(), _right(), _signs(), _acting(), _time()), (), "now-30d", "1m")


def _right() -> Section:
    precision = About(
        number=10, title="Alerts that were right", width=6, height=5, unit=look.RATIO, decimals=1, calm=YET,
        says="Of the alerts whose horizon has passed, those whose customer did nothing in it: they had left, or paused "
        "as long. All signs together.",
    )  # fmt: skip
    matured = About(
        number=11, title="Alerts judged", width=6, height=5, unit=look.COUNT, decimals=0, calm=YET,
        says="Alerts whose outcome is known: churned, returned or recovered. Few of them mean that shares say little.",
    )  # fmt: skip
    returned = About(
        number=12, title="Customers who came back", width=6, height=5, unit=look.RATIO, decimals=1, calm=YET,
        says="Of the alerts judged, those whose customer came back or recovered. Many do without being asked: held-out "
        "customers tell how many.",
    )  # fmt: skip
    lead = About(
        number=13, title="Warning before they are lost", width=6, height=5, unit=look.DAYS, decimals=1,
        says="Of the customers lost last month: from the opening of their alert to the day on which they stopped "
        "counting, the mean of all signs. Under seven leaves little time to act.", calm="too early",
        thresholds=look.steps(look.ALARM, (7, look.WATCH), (14, look.GOOD)),
    )  # fmt: skip
    judged = _outcomes(*ENDS)
    days, customers = (total(FIGURES[name], period=MONTH) for name in ("lead_days", "lead_customers"))
    return Section("Are alerts right?", (
        stat(precision, Query(f"{_outcomes('churned')} / ({judged} > 0)", "right"), spark=True, colour=look.FACT),
        stat(matured, Query(judged, "judged"), spark=True, colour=look.FACT),
        stat(returned, Query(f"{_outcomes('returned', 'recovered')} / ({judged} > 0)", "came back"), spark=True,
            colour=look.FACT),
        stat(lead, Query(f"{days} / ({customers} > 0)", "days ahead")),
    ))  # fmt: skip


def _outcomes(*resolutions: str, by: str = "") -> str:
    return f"sum{by} ({recorded(OUTCOMES, segment='all', resolution='~' + '|'.join(resolutions))})"


def _signs() -> Section:
    each = About(
        number=20, title="Sign by sign", width=14, height=10, unit=look.COUNT, calm=YET,
        says="Judged: alerts whose outcome is known. Right: the share of them that churned. Days ahead: of those "
        "lost last month, from opening to the day they stopped counting.",
    )  # fmt: skip
    ends = About(
        number=21, title="What came of alerts", width=10, height=10, unit=look.RATIO, decimals=0, least=0, most=1,
        calm=YET, says="Of all alerts that ended, by what ended them. Retracted: an event that came late showed that "
        "there had been no silence.",
    )  # fmt: skip
    by = " by (sign)"
    judged = f"({_outcomes(*ENDS, by=by)} > 0)"
    opened = f"max by (sign) ({recorded('lapse:open_alerts:sum', segment='all')}) > 0"
    known = f"sum by (resolution) ({recorded(OUTCOMES, segment='all')})"
    share = f"{known} / on () group_left () (sum ({recorded(OUTCOMES, segment='all')}) > 0)"
    percent = [look.setting("unit", look.RATIO), look.setting("decimals", 0)]
    return Section("Which signs?", (
        table(
            each, "sign", Query(judged, "Judged"), Query(f"{_outcomes('churned', by=by)} / {judged}", "Right"),
            Query(f"{_outcomes('returned', 'recovered', by=by)} / {judged}", "Came back"),
            Query(f"max by (sign) ({recorded('lapse:lead_days:mean')})", "Days ahead"), Query(opened, "Open now"),
            sort="Judged",
            styles={
                "Right": percent, "Came back": percent,
                "Days ahead": [look.setting("unit", look.DAYS), look.setting("decimals", 1)],
            },
        ),
        bars(
            ends, Query(f"sort_desc({share} > 0)", "{{resolution}}"),
            styles=look.paint(look.RESOLUTIONS),
        ),
    ))  # fmt: skip


def _acting() -> Section:
    effect = About(
        number=25, title="Effect of winning back", width=6, height=7, unit=look.POINTS, decimals=1,
        says="Of the silences that ended last month, how many more came back of the customers who may be contacted "
        "than of those held out, in percentage points. The day record has the interval; of few held out it is wide.",
        calm="nobody is held out",
    )  # fmt: skip
    back = About(
        number=26, title="Came back, last month", width=9, height=7, unit=look.RATIO, decimals=0, least=0, most=1,
        calm=YET, says="Of the silences that ended last month, by who may be contacted and who is held out. Contacted "
        "are part of the treated: whoever came back at once was not contacted yet.",
    )  # fmt: skip
    kept = About(
        number=27, title="Kept last month, by variant", width=9, height=7, unit=look.RATIO, decimals=1, least=0, most=1,
        says="Of the customers of each variant of an experiment at the start of the last closed month, those still "
        "there.",
        calm="no experiment",
    )  # fmt: skip
    known = {
        name: total(FIGURES["variant_customers"], "variant", period=MONTH, role=name) for name in ("start", "lost")
    }
    return Section("What does acting bring?", (
        stat(effect, Query(f"100 * ({_came_back('treated')} - {_came_back('held_out')})", "effect"), colour=look.FACT),
        bars(back, *(Query(_came_back(who), who.replace("_", " ")) for who in ("treated", "contacted", "held_out"))),
        bars(kept, Query(f"1 - {known['lost']} / ({known['start']} > 0)", "{{variant}}")),
    ))  # fmt: skip


def _came_back(who: str) -> str:
    ended, back = (total(FIGURES["win_back_alerts"], period=MONTH, role=role) for role in (who, f"{who}_returned"))
    return f"{back} / ({ended} > 0)"


def _time() -> Section:
    over_time = About(
        number=30, title="Right, by sign", width=12, height=9, unit=look.RATIO, least=0, calm=YET,
        says="The share of the judged alerts that churned, over all segments. A sign that falls has lost its meaning, "
        "or customers are being won back: the alert LapsePrecisionFalling watches it.",
    )  # fmt: skip
    opened = About(
        number=31, title="Alerts opened, by sign", width=12, height=9, unit=look.COUNT, decimals=0, least=0,
        says="Alerts that opened, per bar. A surge of one sign has one cause: a price, an outage, a competitor.",
        calm="none opened",
    )  # fmt: skip
    precision = recorded("lapse:alert_precision:ratio", segment="all")
    return Section("Over time", (
        lines(over_time, Query(f"max by (sign) ({precision})", "{{sign}}"), table=("lastNotNull",)),
        lines(
            opened, Query(f"{grown(metrics.ALERTS_OPENED, 'sign')} > 0", "{{sign}}"), bars=True, stacked=True,
            table=("sum",),
        ),
    ))  # fmt: skip
