"""`system`: a part of Threshold itself is unwell: intake stalled, runtime not progressing, sink behind, a channel."""

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, open_incident, raise_incident
from streams.work import Work

KIND = "system"


def reported(work: Work, part: str, well: bool, detail: str, grid: str) -> None:
    """A part of ourselves says how it is; it says so again and again, and that is one incident."""
    subject = "system/" + part
    if well:
        clear_incident(work, subject, KIND, Reason("system-well", {"part": part}))
    elif open_incident(work, subject, KIND) is None:
        reason = Reason("system-unwell", {"part": part, "detail": detail})
        raise_incident(work, subject, "system", grid, KIND, reason, Cause())
