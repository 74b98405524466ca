"""How urgent an incident is: one row a kind, used to sort a board and to decide what may be summarised."""

from typing import Literal

Urgency = Literal["highest", "high", "medium", "low"]

ORDER: dict[Urgency, int] = {"highest": 0, "high": 1, "medium": 2, "low": 3}

ROWS: dict[str, Urgency] = {
    "fever": "highest",
    "home-fever": "highest",
    "fever-cluster": "highest",
    "tamper": "high",
    "undeclared-opening": "high",
    "area-silent": "high",
    "system": "high",
    "suspect-reading": "high",
    "left-open": "medium",
    "missed-call": "medium",
    "lost-openings": "medium",
    "sensor-silent": "medium",
    "bridge-down": "medium",
    "missed-visit": "medium",
    "overdue-check": "medium",
    "low-battery": "low",
    "chattering": "low",
}


def urgency_of(kind: str) -> Urgency:
    """The urgency of `kind`; a kind no row names is high, so that nothing new is overlooked."""
    return ROWS.get(kind, "high")


def is_urgent(kind: str) -> bool:
    """Whether a page about `kind` goes through whatever limit a person's hour has."""
    return ORDER[urgency_of(kind)] <= ORDER["high"]
