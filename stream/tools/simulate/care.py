"""What every customer has beside buying or using: a profile, surveys, tickets, campaigns, friends, and the end.

Owns: these events, and the truth of the signs that come of feedback and of care. A customer speaks only around the days
on which they were there.
"""

from __future__ import annotations

from stream.tools.simulate.life import DAY_S, Life, cents
from stream.tools.simulate.person import SHOPPER, SUBSCRIBER, Person, Trouble

SURVEY_EVERY_DAYS = 60
CAMPAIGN_EVERY_DAYS = 14
ANSWERS = 0.35  # share of surveys
TARGET_HOURS = 24  # a reply in time
CHANNELS = ("email", "sms", "app")


def profile(who: Person, life: Life) -> None:
    """Who they are, as told on their first day."""
    rng = life.rng
    life.tell(
        who.came * DAY_S + 1,
        "profile_updated",
        segment=who.segment,
        acquired_via=rng.choice(("search", "social", "partner", "friend")),
        acquisition_cost=cents(rng.lognormvariate(2.5, 0.6)),
        currency="USD",
        consent_marketing=who.marketing,
        consent_tracking=who.tracking,
        birthday=f"{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        margin=0.8 if who.kind == SUBSCRIBER else 0.35,
        **({"account_id": f"a{who.number // 3}"} if who.kind == SUBSCRIBER else {}),
    )


def feedback(who: Person, life: Life, there: list[int]) -> None:
    """Surveys every two months, and now and then a review; moods follow what is wrong."""
    rng = life.rng
    usual = min(10, max(7, round(rng.gauss(8.6, 0.9))))
    survey = "nps" if rng.random() < 0.7 else "csat"
    last: int | None = None
    sent = who.came + rng.randint(20, SURVEY_EVERY_DAYS)
    while sent < life.days and there and sent <= there[-1] + 20:
        now = life.moment(sent, 9, 11)
        life.tell(now, "survey_sent", survey=survey)
        if rng.random() < (ANSWERS if who.trouble(sent) is None else 2 * ANSWERS) and who.here(sent):
            score = _score(who, sent, usual, life)
            shown = score if survey == "nps" else max(1, (score + 1) // 2)
            at = now + int(rng.uniform(600, 40_000))
            life.tell(at, "survey_answered", survey=survey, score=shown)
            _mood(life, survey, shown, last, sent)
            last = shown
        sent += SURVEY_EVERY_DAYS
    for day in there:
        if rng.random() < 0.006:
            rating = max(1, min(5, (_score(who, day, usual, life) + 1) // 2))
            at = life.moment(day) + 3 * DAY_S
            ref = len(life.written)
            life.tell(at, "review_posted", rating=rating)
            life.tell(at + 1, "reward_earned", points=20, reason="review")
            if rating <= 2:
                life.show("detractor", day + 3, day + 17)
                life.tell(at + DAY_S, "feedback_answered", ref=f"{who.customer_id}-{ref}")


def _score(who: Person, day: int, usual: int, life: Life) -> int:
    found = who.trouble(day)
    fall = {"service": 4, "quality": 3, "experience": 2}.get("" if found is None else found.reason, 0)
    return max(0, min(10, usual - fall + life.rng.choice((0, 0, 0, 0, 1, -1))))


def _mood(life: Life, survey: str, score: int, last: int | None, day: int) -> None:
    """What such an answer says (DESIGN §5): unhappy, or not that, and less happy than last time."""
    if score <= (6 if survey == "nps" else 2):
        life.show("detractor", day, day + 14)
    elif last is not None and last - score >= 2:
        life.show("cooling", day, day + 14)


def tickets(who: Person, life: Life, there: list[int]) -> None:
    """Questions now and then, answered in time; complaints that nobody answers when service fails them."""
    rng = life.rng
    for day in there:
        if rng.random() < 0.008:
            opened = life.moment(day, 8, 17)
            ticket(life, opened, rng.choice(("question", "question", "complaint")), reply_h=rng.uniform(0.3, 5),
                   solved_h=rng.uniform(5, 20))  # fmt: skip
    for one in who.troubles:
        if one.reason == "service" and there and there[0] <= one.since:
            _let_down(life, one)


def _let_down(life: Life, trouble: Trouble) -> None:
    rng = life.rng
    for number in range(rng.choice((1, 2, 2))):
        opened = life.moment(trouble.since + 5 * number, 8, 17)
        ticket(life, opened, "complaint", reply_h=rng.uniform(60, 140), solved_h=rng.uniform(200, 500),
               again=number == 1)  # fmt: skip
    life.show("complaint", trouble.since, trouble.since + 30)


def ticket(
    life: Life, opened: int, category: str, *, reply_h: float, solved_h: float | None, again: bool = False
) -> None:
    """One ticket from its opening on; hours are counted from there. None: it stays open."""
    about = {"ticket_id": f"{life.customer_id}-t{len(life.written)}", "category": category}
    life.tell(opened, "ticket_opened", priority="high" if category == "complaint" else "normal",
              channel=life.rng.choice(("chat", "mail", "phone")), **about)  # fmt: skip
    life.tell(opened + reply_h * 3600, "ticket_replied", **about)
    if solved_h is not None:
        life.tell(opened + solved_h * 3600, "ticket_resolved", **about)
        life.tell(opened + solved_h * 3600, "service_cost", amount=cents(life.rng.uniform(4, 12)), currency="USD",
                  category="call")  # fmt: skip
    if again and solved_h is not None:
        life.tell(opened + (solved_h + 30) * 3600, "ticket_reopened", **about)
        life.tell(opened + (solved_h + 80) * 3600, "ticket_resolved", **about)


def campaigns(who: Person, life: Life, there: list[int]) -> None:
    """A message every fortnight to those who may be written to, also after they left."""
    rng = life.rng
    if not (who.marketing and who.contacted):
        return
    stop = who.left + rng.randint(-5, 20) if who.left is not None and rng.random() < 0.25 else life.days
    visits = set(there)
    for day in range(who.came + rng.randint(1, CAMPAIGN_EVERY_DAYS), min(stop, life.days), CAMPAIGN_EVERY_DAYS):
        about = {"campaign": f"news-{day // CAMPAIGN_EVERY_DAYS}", "channel": CHANNELS[who.number % 3]}
        now = life.moment(day, 6, 9)
        life.tell(now, "campaign_sent", cost=0.02, currency="USD", **about)
        if rng.random() < (0.45 if day in visits or day + 1 in visits else 0.12):
            life.tell(now + 3000, "campaign_opened", **about)
            if rng.random() < 0.3:
                life.tell(now + 3100, "campaign_clicked", **about)
    if stop < life.days:
        life.tell(life.moment(stop, 9, 21), "unsubscribed", channel=CHANNELS[who.number % 3])
        life.show("cancelling", stop, stop + 14)


def changes_of_mind(who: Person, life: Life, there: list[int]) -> None:
    """Consent given or taken back, an alert that somebody took in hand or muted."""
    rng = life.rng
    if there and rng.random() < 0.05:
        day = rng.choice(there)
        life.tell(life.moment(day, 20, 22), "consent_changed", consent_marketing=not who.marketing)
    if there and rng.random() < 0.01:
        life.tell(life.moment(there[-1] + 25, 9, 17), "alert_acked", sign="silent", by="ana")
    if rng.random() < 0.004:
        day = rng.choice(there) if there else who.came
        life.tell(life.moment(day, 9, 17), "alert_muted", sign="cooling", until=life.midnight(day + 60), by="ben")


def parting(who: Person, life: Life) -> None:
    """What those say who leave; a few ask to be forgotten."""
    rng = life.rng
    if who.left is None:
        return
    after = min(who.left, life.days - 1)
    if who.reason != "without a word" and rng.random() < 0.4:
        life.tell(life.moment(after, 21, 23), "exit_survey", reason=who.reason)
    if rng.random() < 0.02:
        life.tell(life.moment(after + rng.randint(150, 200)), "customer_erased")


def friend(who: Person, life: Life, brought_by: str | None, day: int) -> None:
    """A newcomer whom somebody brought: the friend's event, told with the newcomer's own."""
    if brought_by is None:
        return
    now = life.moment(day, 12, 20)
    life.tell_of(brought_by, now, "referral_made", {"referred_customer_id": who.customer_id, "amount": 10.0,
                                                    "currency": "USD"})  # fmt: skip
    life.tell_of(brought_by, now + 1, "reward_earned", {"points": 100, "reason": "referral"})
    life.tell(now + 2, "profile_updated", referred_by=brought_by)


def everything(who: Person, life: Life, there: list[int]) -> None:
    """All of it, in one go."""
    profile(who, life)
    feedback(who, life, there)
    tickets(who, life, there)
    campaigns(who, life, there)
    changes_of_mind(who, life, there)
    parting(who, life)
    if who.kind == SHOPPER and not (who.marketing and who.contacted):
        life.show("neglected", who.came + 60, life.days)
