"""The life of an incident: one table.

A subject has at most one open incident of a kind.  It is *standing* while its condition holds and *cleared* once the
condition has ended; whether it is also acknowledged is kept for each role apart, because the doctor's answer does not
speak for the police.  Kinds that want a person stay open, cleared or not, until somebody closes them; the others close
by themselves.  What is not in the table does not happen: a move without a row is `IllegalMove`, and nothing changed.

      raise             raise                  clear                raise
none ───────▶ standing ───────▶ standing ──────────────▶ cleared ────────▶ standing   (a fresh start)
                  │                   (wants a person)       │
                  │ clear (closes by itself)                 │ close
                  ▼                                          ▼
                none ◀────────────────────────────────────── none
"""

from typing import Literal

Life = Literal["none", "standing", "cleared"]
Move = Literal["raise", "clear", "clear-itself", "acknowledge", "expire", "snooze", "close", "case-ends"]
Deed = Literal[
    "begin",
    "count",
    "begin-afresh",
    "mark-cleared",
    "clear-and-close",
    "note-answer",
    "ask-again",
    "hold",
    "end",
    "limit",
]

TABLE: dict[tuple[Life, Move], tuple[Life, Deed]] = {
    ("none", "raise"): ("standing", "begin"),
    ("standing", "raise"): ("standing", "count"),
    ("cleared", "raise"): ("standing", "begin-afresh"),
    ("standing", "clear"): ("cleared", "mark-cleared"),
    ("standing", "clear-itself"): ("none", "clear-and-close"),
    ("standing", "acknowledge"): ("standing", "note-answer"),
    ("cleared", "acknowledge"): ("cleared", "note-answer"),
    ("standing", "expire"): ("standing", "ask-again"),
    ("cleared", "expire"): ("cleared", "ask-again"),
    ("standing", "snooze"): ("standing", "hold"),
    ("cleared", "snooze"): ("cleared", "hold"),
    ("standing", "close"): ("none", "end"),
    ("cleared", "close"): ("none", "end"),
    ("standing", "case-ends"): ("standing", "limit"),
    ("cleared", "case-ends"): ("cleared", "limit"),
}


class IllegalMove(Exception):
    """A move the table has no row for.  Nothing was changed."""


def move(life: Life, what: Move) -> tuple[Life, Deed]:
    """Where `what` leads from `life`, and what is to be done.  Raises IllegalMove."""
    try:
        return TABLE[life, what]
    except KeyError:
        raise IllegalMove(f"an incident that is {life} has no {what!r}") from None


def may(life: Life, what: Move) -> bool:
    """Whether the table has a row for it."""
    return (life, what) in TABLE
