"""What happened to an incident, line by line, and how its pages went out."""

import msgspec

from duty.attempts import Attempt
from duty.edge.desk.cards import CardMaker
from duty.picture import Incident, Line


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a history."""

    time: str
    title: str
    text: str = ""
    tone: str = ""


_TONES = {"raised": "bad", "repeated": "bad", "page": "warn", "acknowledgement-expired": "warn", "acknowledged": "good",
          "cleared": "good", "closed": "good"}  # fmt: skip


# Details in our own words, told in the reader's language; a vendor's are passed on as they came.
_OURS = {"not at the desk": "detail_not_at_desk"}


def history_of(incident: Incident, making: CardMaker) -> list[Told]:
    """The lines, oldest first."""
    return [_told(line, making) for line in incident.lines]


def _told(line: Line, making: CardMaker) -> Told:
    reason = making.say.reason(line.reason)
    time = making.moments.clock(line.t_ms, seconds=True)
    by = making.say.person(line.by) if line.by else ""
    match line.what:
        case "noted":
            return Told(time=time, title=" ".join(part for part in (by, reason) if part))
        case "page":
            title = making.t("h_page", role=making.say.role(line.role))
        case "acknowledged":
            title = making.t("h_acknowledged", role=making.say.role(line.role), by=by)
            reason = line.note
        case "acknowledgement-expired":
            title = making.t("h_acknowledgement-expired", role=making.say.role(line.role))
        case "closed":
            if not by:
                title = making.t("h_closed_self")
            else:
                title = making.t("h_closed", by=by, disposition=making.say.disposition(line.disposition))
                reason = line.note
        case "rejected":
            title = making.t("h_rejected", command=line.command)
        case "raised" | "cleared" | "matched":
            title = making.t(f"h_{line.what}")
        case "repeated":
            title = making.t("h_repeated", n="")
        case _:
            title = line.what
    if line.at_ms is not None and abs(line.at_ms - line.t_ms) > 120_000:
        reason = f"{reason} ({making.t('since', time=making.moments.clock(line.at_ms))})"
    return Told(time=time, title=title, text=reason, tone=_TONES.get(line.what, ""))


def attempt_rows(attempts: list[Attempt], making: CardMaker) -> list[dict[str, str]]:
    """Deliveries, newest first, in words."""
    rows: list[dict[str, str]] = []
    person = "{}（{}）" if making.language == "zh" else "{} ({})"
    for each in sorted(attempts, key=lambda attempt: -attempt.started_ms):
        outcome = each.outcome or "under-way"
        rows.append(
            {
                "text": making.t(
                    "page_by",
                    channel=making.t(f"channel_{each.kind}"),
                    person=person.format(making.names(each.person), making.say.role(each.role)),
                    outcome=making.t(f"outcome_{outcome}"),
                ),
                "time": making.moments.clock(each.finished_ms or each.started_ms, seconds=True),
                "detail": making.t(_OURS[each.detail]) if each.detail in _OURS else each.detail,
                "tone": {"accepted": "good", "gave-up": "bad", "try-later": "warn"}.get(outcome, ""),
            }
        )
    return rows
