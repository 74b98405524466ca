"""`system`: a part of Threshold itself is unwell: intake stalled, runtime not progressing, sink behind, a channel."""

from streams.effects import Cause, Reason
from streams.frames import SystemReport
from streams.incidents import clear_incident, open_incident, raise_incident
from streams.work import Work

KIND = "system"


def reported(work: Work, report: SystemReport) -> None:
    """A part of ourselves says how it is; it says so again and again, and that is one incident."""
    subject = "system/" + report.part
    if report.well:
        clear_incident(work, subject, KIND, Reason("system-well", {"part": report.part}))
    elif open_incident(work, subject, KIND) is None:
        trouble = {"code": report.code, **report.values} if report.code else {}
        reason = Reason("system-unwell", {**trouble, "part": report.part, "detail": report.detail})
        raise_incident(work, subject, "system", report.grid, KIND, reason, Cause())
