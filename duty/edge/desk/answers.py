"""A checkpoint's answer, as its screen shows it."""

from datetime import tzinfo
from typing import Any

from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language
from streams.effects import Answer


def answer_row(answer: Answer, language: Language, zone: tzinfo) -> dict[str, Any]:
    """What `checkpoint.js` needs of an answer; it says verdict and site in its own words."""
    return {
        "t_ms": answer.t_ms,
        "verdict": answer.verdict,
        "celsius": answer.celsius,
        "limit": answer.limit_celsius,
        "site": answer.site,
        "subject": answer.subject,
        "pass": answer.pass_id,
        "device": answer.device,
        "readings": answer.readings,
        "same": answer.same_person,
        "reason": Say(language, zone).reason(answer.reason),
    }
