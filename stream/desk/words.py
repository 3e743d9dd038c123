"""The words that people read: signs, severities, endings, plays, events.

Owns: one wording for the page, the messages and `lapse`. Computes nothing; a name it doesn't know is told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Word(NamedTuple):
    """A name for a line, and a sentence that says what it means."""

    title: str
    means: str


SIGNS: Final[Mapping[str, Word]] = {
    "silent": Word("Gone quiet", "nothing was bought for longer than this customer's own rhythm explains"),
    "buying_less_often": Word("Buying less often", "the gaps between purchases have grown beyond their usual"),
    "spending_less": Word("Spending less", "the last weeks' spending is far below their own lifetime rate"),
    "engaging_less": Word("Using it less", "visits and use are far below their own usual"),
    "never_activated": Word("Never got going", "a newcomer has hardly used it within the first days"),
    "cooling": Word("Cooling", "the last score is two or more below the one before"),
    "detractor": Word("Unhappy", "the last score says that they would not recommend it"),
    "complaint": Word("Complaint", "a complaint is open past its time, or complaints came in a row"),
    "payment_failed": Word("Payment failed", "a payment failed: they may leave without wanting to"),
    "cancelling": Word("Cancelling", "they cancelled, turned renewal off, or cut their plan"),
    "poor_experience": Word("Poor experience", "slow pages and errors beyond what is usual met this customer"),
    "abandoning": Word("Abandoning", "carts left, refunds and returns above their usual"),
    "neglected": Word("Neglected", "a customer of value whom nobody has contacted for long"),
}

ENDINGS: Final[Mapping[str, Word]] = {
    "returned": Word("Came back", "they did again what they had stopped doing"),
    "recovered": Word("Recovered", "what was wrong is right again"),
    "retracted": Word("Taken back", "a late event showed that there never was a reason"),
    "churned": Word("Left", "nothing came within the horizon"),
    "erased": Word("Erased", "the customer's data was erased"),
    "muted": Word("Muted", "somebody asked to hear no more of it"),
}

LOSSES: Final[Mapping[str, str]] = {
    "acceptable": "Losing them would be acceptable: the policy says so of such customers.",
    "involuntary": "They would leave without wanting to.",
}

SEVERITIES: Final = ("critical", "high", "medium", "low")  # the gravest first


def sign(name: str) -> Word:
    """What a sign is called and what it means."""
    return SIGNS.get(name, Word(plain(name), ""))


def ending(name: str) -> Word:
    """What the end of an alert is called and what it means."""
    return ENDINGS.get(name, Word(plain(name), ""))


def plain(name: str) -> str:
    """A name of the code as words.

    >>> plain("win_back")
    'Win back'
    """
    return name.replace("_", " ").strip().capitalize()


def percent(share: float) -> str:
    """A share as a person says it.

    >>> percent(0.3117), percent(0.004)
    ('31 %', '0.4 %')
    """
    points = share * 100
    return f"{points:.0f} %" if points >= 10 or points == 0 else f"{points:.1f} %"  # noqa: PLR2004 — two figures


def money(amount: float, currency: str) -> str:
    """An amount as a person says it.

    >>> money(1909.6, "USD"), money(12.5, "EUR")
    ('1,910 USD', '12.50 EUR')
    """
    return f"{amount:,.0f} {currency}" if abs(amount) >= 100 else f"{amount:,.2f} {currency}"  # noqa: PLR2004


def event(content: Mapping[str, Any]) -> str:
    """One event of a customer's on a line: what happened, with the amount, score or name it carries.

    >>> event({"type": "order_completed", "amount": 31.2, "currency": "USD", "items": 4})
    'Order completed: 31.20 USD, items 4'
    """
    said = []
    if isinstance(content.get("amount"), int | float):
        said.append(money(content["amount"], str(content.get("currency", ""))).strip())
    hidden = {"id", "type", "customer_id", "time", "source", "amount", "currency", "order_id"}
    for name, value in content.items():
        if name not in hidden and isinstance(value, str | int | float) and value not in ("", 0):
            shown = ("yes" if value else "no") if isinstance(value, bool) else value
            said.append(f"{name.replace('_', ' ')} {shown}")
    kind = plain(str(content.get("type", "event")))
    return f"{kind}: {', '.join(said)}" if said else kind
