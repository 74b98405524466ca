"""`fever`: two readings of one person at or over the limit, or one of 38.5.  The doctor's; closed by the doctor."""

from streams.effects import Cause, Reason
from streams.incidents import open_incident, raise_incident
from streams.rules import fever_cluster
from streams.state import Suspicion
from streams.work import Work

KIND = "fever"


def found(work: Work, person: Suspicion, celsius: float, limit_celsius: float, at_ms: int, cause: Cause) -> None:
    """A person at a checkpoint has a fever."""
    word = "fever-at-once" if celsius >= work.policy.fever_at_once_celsius else "fever-twice"
    first = open_incident(work, person.subject, KIND) is None
    values = {"celsius": celsius, "limit": limit_celsius, "checkpoint": person.checkpoint}
    raise_incident(work, person.subject, "pass", person.grid, KIND, Reason(word, values), cause, at_ms=at_ms)
    if first and person.household:
        fever_cluster.counted(work, person.household, person.subject, cause)


def registered(work: Work, person: Suspicion) -> None:
    """A pass with a fever was registered to a household: it counts for that building from now."""
    if open_incident(work, person.subject, KIND) is not None:
        fever_cluster.counted(work, person.household, person.subject, Cause())
