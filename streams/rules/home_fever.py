"""`home-fever`: a household's reading at or over its limit, or symptoms reported.  Doctor and worker; the doctor's."""

from streams.effects import Cause, Reason
from streams.incidents import open_incident, raise_incident
from streams.rules import fever_cluster
from streams.state import Place
from streams.work import Work

KIND = "home-fever"


def read(work: Work, place: Place, celsius: float, site: str, at_ms: int, cause: Cause) -> None:
    """A temperature taken at home."""
    limit = work.policy.limit_celsius(site)
    if celsius >= limit:
        _raise(work, place, Reason("home-reading", {"celsius": celsius, "limit": limit, "site": site}), at_ms, cause)


def symptoms(work: Work, place: Place, said: list[str], cause: Cause) -> None:
    """Symptoms reported from home."""
    if said:
        _raise(work, place, Reason("symptoms", {"symptoms": ", ".join(said)}), work.now_ms, cause)


def _raise(work: Work, place: Place, reason: Reason, at_ms: int, cause: Cause) -> None:
    first = open_incident(work, place.place, KIND) is None
    raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause, at_ms=at_ms)
    if first:
        fever_cluster.counted(work, place.place, place.place, cause)
