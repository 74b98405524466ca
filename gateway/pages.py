"""What a page says on MQTT: topic and JSON, from the decision in `outbox`."""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

import msgspec

from streams.effects import Decision
from streams.frames import OutboxRecord, Receipt
from streams.words import sentence

TOPIC = "threshold/pages/{grid}/{role}"
# Older than this a page calls nobody any more: whoever was away so long looks at the desk.
LATEST_MS = 24 * 3_600_000
_MOST_RAISED = 20_000


class Page(msgspec.Struct, frozen=True):
    """One page, ready to be sent.  `decision` is what it tells of."""

    id: str
    topic: str
    payload: bytes
    decision: Decision


class Raised:
    """When incidents were raised, for the pages of their later steps.  Bounded: closed ones and the oldest go."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}

    def see(self, decision: Decision) -> None:
        """A decision that begins or ends an incident."""
        if decision.decision in ("raised", "repeated"):
            self._at_ms.pop(decision.incident, None)
            self._at_ms[decision.incident] = decision.t_ms
            if len(self._at_ms) > _MOST_RAISED:
                del self._at_ms[next(iter(self._at_ms))]
        elif decision.decision == "closed":
            self._at_ms.pop(decision.incident, None)

    def at_ms(self, page: Decision) -> int:
        """When the incident of this page was raised; the page's own time where that is not known any more."""
        return self._at_ms.get(page.incident, page.t_ms)


def page_of(decision: Decision, raised_ms: int, zone: tzinfo) -> Page:
    """The page that a `page` decision asks for."""
    cause = decision.cause
    said = {
        "page": decision.page,
        "incident": decision.incident,
        "kind": decision.kind,
        "subject": decision.subject,
        "grid": decision.grid,
        "role": decision.role,
        "step": decision.step,
        "reason": {language: sentence(decision.reason, language, zone) for language in ("zh", "en")},
        "raised_at": _iso(raised_ms, zone),
        "event": {
            "device": cause.device,
            "at": _iso(cause.at_ms, zone),
            "received_at": _iso(cause.received_ms, zone),
        },
    }
    topic = TOPIC.format(grid=decision.grid, role=decision.role)
    return Page(decision.page, topic, msgspec.json.encode(said), decision)


def _iso(at_ms: int | None, zone: tzinfo) -> str | None:
    if at_ms is None:
        return None
    return (datetime.fromtimestamp(at_ms // 1000, zone) + timedelta(milliseconds=at_ms % 1000)).isoformat(
        timespec="milliseconds"
    )


def pages_in(records: Iterable[OutboxRecord], raised: Raised, zone: tzinfo) -> list[Page]:
    """The pages of a frame of `outbox`, in order."""
    pages: list[Page] = []
    for record in records:
        if not isinstance(record, Decision):
            continue
        if record.decision == "page":
            pages.append(page_of(record, raised.at_ms(record), zone))
        else:
            raised.see(record)
    return pages


def receipt(page: Page, hearer: str, outcome: str, at_ms: int) -> Receipt:
    """What became of a page at one hearer: `accepted` or `gave-up`."""
    decision = page.decision
    return Receipt(
        at_ms=at_ms,
        grid=decision.grid,
        page=page.id,
        channel="mqtt",
        outcome=outcome,
        detail=hearer,
        caused_at_ms=decision.cause.at_ms,
        caused_received_ms=decision.cause.received_ms,
    )
