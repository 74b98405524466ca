"""Incidents of a subject, moved along the table of `incident.py`: raised, cleared, answered, closed, climbed.

Everything here works on the subject's `Book` through the step's `Work` and leaves decisions behind.
"""

from msgspec.structs import replace

from devices.ids import incident_id, page_id
from streams.effects import Cause, Choice, Decision, Noted, Reason
from streams.incident import move
from streams.ladder import (
    MUTE_HOLDS_NOT,
    NEVER,
    closing_step,
    first_role,
    released_ms,
    roles_of,
    timed_steps,
    valid_until,
)
from streams.policy import FEVERS, WANT_A_PERSON, seconds_ms
from streams.state import Answered, Book, Incident
from streams.work import Work


def book_of(work: Work, subject: str, where: str, grid: str) -> Book:
    """The subject's book, a new one if it has none."""
    return work.book(subject) or Book(subject, where, grid)


def open_incident(work: Work, subject: str, kind: str) -> Incident | None:
    """The open incident of this kind, or None."""
    book = work.book(subject)
    return None if book is None else book.open.get(kind)


def raise_incident(
    work: Work,
    subject: str,
    where: str,
    grid: str,
    kind: str,
    reason: Reason,
    cause: Cause,
    *,
    at_ms: int | None = None,
    limited: bool = False,
) -> int:
    """The condition of `kind` holds (again) for `subject`: raised, repeated or started afresh.  Its number.

    `at_ms` is the event's own time where it is not now; `limited`: it climbs no further than the supervisor.
    """
    book = book_of(work, subject, where, grid)
    old = book.open.get(kind)
    now_ms, policy = work.now_ms, work.policy
    at_ms = None if at_ms == now_ms else at_ms
    _, deed = move(old.life if old else "none", "raise")  # type: ignore[arg-type]
    # A mute or a snooze holds the clock of the ladder, too; the supervisor's goes on under a mute.
    clock_ms = max(now_ms, 0 if kind in MUTE_HOLDS_NOT else book.muted_until_ms)
    match deed:
        case "begin":
            number = book.numbers.get(kind, 0) + 1
            book = replace(book, numbers=book.numbers | {kind: number})
            hold_ms = seconds_ms(policy.ladders[kind].hold_s)
            incident = Incident(
                number=number,
                life="standing",
                raised_ms=now_ms,
                first_ms=now_ms,
                count=1,
                reason=reason,
                cause=cause,
                at_ms=at_ms,
                clock_ms=clock_ms,
                supervisor_clock_ms=now_ms,
                hold_until_ms=now_ms + hold_ms if hold_ms else 0,
                limited=limited,
            )
            _decide(work, book, kind, incident, "raised", reason, at_ms)
            incident = _page_first(work, book, kind, incident)
        case "begin-afresh":
            assert old is not None
            incident = replace(
                old,
                life="standing",
                raised_ms=now_ms,
                count=old.count + 1,
                reason=reason,
                cause=cause,
                at_ms=at_ms,
                clock_ms=max(clock_ms, old.snoozed_until_ms),
                supervisor_clock_ms=max(now_ms, old.snoozed_until_ms),
                out=(),
                pending=(),
                paged={},
                answers={role: replace(a, valid=False) for role, a in old.answers.items()},
                limited=limited,
                stopped_until_ms=0,
            )
            _decide(work, book, kind, incident, "repeated", reason, at_ms)
            incident = _page_first(work, book, kind, incident)
        case _:
            assert old is not None
            incident = replace(old, count=old.count + 1, reason=reason, cause=cause, at_ms=at_ms)
            if incident.limited and not limited:
                incident = replace(incident, limited=False, clock_ms=clock_ms)
            if 0 < incident.stopped_until_ms < NEVER and (at_ms or now_ms) >= incident.stopped_until_ms:
                incident = replace(incident, stopped_until_ms=0, clock_ms=max(clock_ms, incident.snoozed_until_ms))
            _decide(work, book, kind, incident, "repeated", reason, at_ms)
    work.put_book(replace(book, open=book.open | {kind: incident}))
    return incident.number


def clear_incident(work: Work, subject: str, kind: str, reason: Reason, cause: Cause | None = None) -> None:
    """The condition of `kind` has ended.  Kinds that want no person close with it."""
    book = work.book(subject)
    incident = book.open.get(kind) if book else None
    if book is None or incident is None or incident.life == "cleared":
        return
    life, deed = move(incident.life, "clear" if kind in WANT_A_PERSON else "clear-itself")  # type: ignore[arg-type]
    _decide(work, book, kind, incident, "cleared", reason, None, cause=cause)
    if deed == "mark-cleared":
        work.put_book(replace(book, open=book.open | {kind: replace(incident, life=life)}))
    else:
        _decide(work, book, kind, incident, "closed", reason, None, cause=cause)
        work.put_book(replace(book, open=_without(book.open, kind)))


def end_incident(
    work: Work,
    subject: str,
    kind: str,
    reason: Reason,
    *,
    by: str = "",
    role: str = "",
    disposition: str = "",
    note: str = "",
    command_id: str = "",
) -> None:
    """Closed: by a person with a disposition, or by itself (a case that ended, a suspicion that ran out)."""
    book = work.book(subject)
    if book is None or kind not in book.open:
        return
    incident = book.open[kind]
    move(incident.life, "close")  # type: ignore[arg-type]
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision="closed", grid=book.grid, subject=subject, kind=kind,
            incident=incident_id(subject, kind, incident.number), reason=reason, role=role, by=by,
            disposition=disposition, note=note, command="close" if command_id else "", command_id=command_id,
            count=incident.count, where=book.where, cause=Cause(by=by),
        )
    )  # fmt: skip
    work.put_book(replace(book, open=_without(book.open, kind)))


def acknowledge(work: Work, subject: str, kind: str, role: str, by: str, command_id: str) -> None:
    """A role answers.  Before it was paged that is noted and counts for nothing; given again, it runs anew."""
    book = work.book(subject)
    assert book is not None
    incident = book.open[kind]
    move(incident.life, "acknowledge")  # type: ignore[arg-type]
    counts = role in incident.paged
    answers = incident.answers | {role: Answered(work.now_ms, by, counts)}
    incident = replace(incident, answers=answers)
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision="acknowledged", grid=book.grid, subject=subject, kind=kind,
            incident=incident_id(subject, kind, incident.number), role=role, by=by, command="acknowledge",
            command_id=command_id, where=book.where, count=incident.count,
            reason=Reason("acknowledged" if counts else "acknowledged-unpaged", {"by": by}), cause=Cause(by=by),
        )
    )  # fmt: skip
    work.put_book(replace(book, open=book.open | {kind: incident}))


def snooze(work: Work, subject: str, kind: str, until_ms: int, by: str, why: str, command_id: str) -> None:
    """Pages and steps are held until `until_ms`; then the clock goes on with the minutes it had left."""
    book = work.book(subject)
    assert book is not None
    incident = book.open[kind]
    move(incident.life, "snooze")  # type: ignore[arg-type]
    before_ms = max(incident.snoozed_until_ms, work.now_ms)
    shift = until_ms - before_ms
    incident = replace(
        incident,
        snoozed_until_ms=until_ms,
        clock_ms=incident.clock_ms + shift,
        supervisor_clock_ms=incident.supervisor_clock_ms + shift,
    )
    work.effects.append(
        Noted(
            work.now_ms, book.grid, subject, kind, incident_id(subject, kind, incident.number),
            Reason("snoozed", {"until_ms": until_ms, "why": why}), by=by, command="snooze", command_id=command_id,
            until_ms=until_ms,
        )
    )  # fmt: skip
    work.put_book(_pending_again(work, replace(book, open=book.open | {kind: incident})))


def mute(work: Work, book: Book, until_ms: int) -> None:
    """All incidents of a household are held until `until_ms`, but fevers, tamper and pages to the supervisor."""
    shift = until_ms - max(book.muted_until_ms, work.now_ms)
    held = {
        kind: incident if kind in MUTE_HOLDS_NOT else replace(incident, clock_ms=incident.clock_ms + shift)
        for kind, incident in book.open.items()
    }
    work.put_book(_pending_again(work, replace(book, muted_until_ms=until_ms, open=held)))


def climb(work: Work, subject: str, kind: str, step: int, reason: Reason) -> None:
    """A step goes out now for what happened, not for the time that passed; nothing if it is out already."""
    book = work.book(subject)
    incident = book.open.get(kind) if book else None
    if book is None or incident is None or step in incident.out:
        return
    roles = roles_of(work.policy.ladders[kind].steps[step - 1], incident)
    if not roles:
        return
    incident = replace(incident, out=(*incident.out, step))
    for role in roles:
        incident = _page(work, book, kind, incident, step, role, reason)
    work.put_book(replace(book, open=book.open | {kind: incident}))


def stop_steps(work: Work, subject: str, kind: str, until_ms: int) -> None:
    """A worker declared the opening late: the timed steps wait for an opening after `until_ms`."""
    book = work.book(subject)
    if book is not None and kind in book.open:
        incident = replace(book.open[kind], stopped_until_ms=until_ms)
        work.put_book(replace(book, open=book.open | {kind: incident}))


def case_ends(work: Work, subject: str) -> None:
    """The case is over: what closes by itself closes, the rest stays for a person; fevers do not care."""
    book = work.book(subject)
    if book is None:
        return
    for kind in sorted(book.open):
        if kind in FEVERS:
            continue
        if kind in WANT_A_PERSON:
            book = work.book(subject)
            assert book is not None
            limited = replace(book.open[kind], limited=True)
            work.put_book(replace(book, open=book.open | {kind: limited}))
        else:
            end_incident(work, subject, kind, Reason("case-ended"))


def part_of_area(work: Work, subject: str, part: bool) -> None:
    """A silent sensor's incident whose page is still held belongs to the area's; back alone, it is paged itself."""
    book = work.book(subject)
    incident = book.open.get("sensor-silent") if book else None
    if book is None or incident is None:
        return
    if part and incident.pending and not incident.paged:
        incident = replace(incident, part_of_area=True, pending=())
    elif not part and incident.part_of_area:
        incident = replace(incident, part_of_area=False, hold_until_ms=0, clock_ms=work.now_ms)
        incident = _page_first(work, book, "sensor-silent", incident)
    else:
        return
    work.put_book(replace(book, open=book.open | {"sensor-silent": incident}))


def on_wake(work: Work, book: Book) -> None:
    """What is due in this book by now: acknowledgements that expire, steps, pages that were held."""
    for kind in sorted(book.open):
        current = work.book(book.subject)
        assert current is not None
        incident = current.open.get(kind)
        if incident is None:
            continue
        incident = _expire(work, current, kind, incident)
        incident = _steps(work, current, kind, incident)
        incident = _release(work, current, kind, incident)
        work.put_book(replace(current, open=current.open | {kind: incident}))


def _expire(work: Work, book: Book, kind: str, incident: Incident) -> Incident:
    policy = work.policy
    for role in _in_row_order(work, kind, incident):
        until_ms = valid_until(incident, role, policy)
        if until_ms is None or until_ms > work.now_ms:
            continue
        move(incident.life, "expire")  # type: ignore[arg-type]
        answers = incident.answers | {role: replace(incident.answers[role], valid=False)}
        incident = replace(incident, answers=answers)
        reason = Reason("acknowledgement-expired", {"minutes": policy.acknowledgement_min})
        _decide(work, book, kind, incident, "acknowledgement-expired", reason, None, role=role)
        incident = _page(work, book, kind, incident, incident.paged[role], role, reason)
        if incident.life == "standing":
            held_ms = 0 if kind in MUTE_HOLDS_NOT else book.muted_until_ms
            incident = replace(incident, clock_ms=max(work.now_ms, incident.snoozed_until_ms, held_ms))
        else:
            incident = replace(incident, stopped_until_ms=NEVER)
    return incident


def _steps(work: Work, book: Book, kind: str, incident: Incident) -> Incident:
    ladder = work.policy.ladders[kind]
    for due in list(timed_steps(kind, incident, work.policy)):
        if due.at_ms > work.now_ms:
            continue
        incident = replace(incident, out=(*incident.out, due.step))
        if due.step == closing_step(ladder):
            reason = Reason("not-closed", {"minutes": work.policy.not_closed_min})
        else:
            after_min = ladder.steps[due.step - 1].after_min or 0
            word = "still-standing" if due.roles == ("supervisor",) else "not-acknowledged"
            reason = Reason(word, {"minutes": after_min, "first": first_role(ladder), "what": incident.reason.word})
        for role in due.roles:
            incident = _page(work, book, kind, incident, due.step, role, reason)
    return incident


def _release(work: Work, book: Book, kind: str, incident: Incident) -> Incident:
    pending = incident.pending
    if not pending:
        return incident
    incident = replace(incident, pending=())
    for step, role, until_ms in pending:
        if until_ms > work.now_ms:
            incident = replace(incident, pending=(*incident.pending, (step, role, until_ms)))
        else:
            incident = _page(work, book, kind, incident, step, role, incident.reason)
    return incident


def _page_first(work: Work, book: Book, kind: str, incident: Incident) -> Incident:
    for role in work.policy.ladders[kind].page:
        incident = _page(work, book, kind, incident, 0, role, incident.reason)
    for number, rung in enumerate(work.policy.ladders[kind].steps, start=1):
        # A step "at once" belongs to the raising.
        if rung.after_min == 0 and roles_of(rung, incident):
            incident = replace(incident, out=(*incident.out, number))
            for role in roles_of(rung, incident):
                incident = _page(work, book, kind, incident, number, role, incident.reason)
    return incident


def _page(work: Work, book: Book, kind: str, incident: Incident, step: int, role: str, reason: Reason) -> Incident:
    """Page a role now, or keep the page for when the hold, snooze, mute or quiet hours end."""
    until_ms = released_ms(book, kind, incident, role, work.now_ms, work.policy)
    if until_ms > work.now_ms:
        if any(s == step and r == role for s, r, _ in incident.pending):
            return incident
        return replace(incident, pending=(*incident.pending, (step, role, until_ms)))
    attempt = incident.attempts.get(role, 0) + 1
    name = incident_id(book.subject, kind, incident.number)
    at_ms = incident.at_ms if step == 0 and incident.raised_ms == work.now_ms else None
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision="page", grid=book.grid, subject=book.subject, kind=kind, incident=name,
            reason=reason, role=role, step=step, page=page_id(name, step, role, attempt), at_ms=at_ms,
            cause=incident.cause, count=incident.count, where=book.where,
        )
    )  # fmt: skip
    return replace(incident, attempts=incident.attempts | {role: attempt}, paged=incident.paged | {role: step})


def _pending_again(work: Work, book: Book) -> Book:
    """Held pages, each with the time until which it is held now."""
    kinds: dict[str, Incident] = {}
    for kind, incident in book.open.items():
        kinds[kind] = replace(
            incident,
            pending=tuple(
                (step, role, released_ms(book, kind, incident, role, work.now_ms, work.policy))
                for step, role, _ in incident.pending
            ),
        ) if incident.pending else incident  # fmt: skip
    return replace(book, open=kinds)


def _in_row_order(work: Work, kind: str, incident: Incident) -> list[str]:
    ladder = work.policy.ladders[kind]
    row = [*ladder.page, *(role for rung in ladder.steps for role in rung.roles)]
    return sorted(incident.answers, key=lambda role: row.index(role) if role in row else len(row))


def _decide(
    work: Work,
    book: Book,
    kind: str,
    incident: Incident,
    decision: Choice,
    reason: Reason,
    at_ms: int | None,
    *,
    role: str = "",
    cause: Cause | None = None,
) -> None:
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision=decision, grid=book.grid, subject=book.subject, kind=kind,
            incident=incident_id(book.subject, kind, incident.number), reason=reason, role=role, at_ms=at_ms,
            cause=cause or incident.cause, count=incident.count, where=book.where,
        )
    )  # fmt: skip


def _without(incidents: dict[str, Incident], kind: str) -> dict[str, Incident]:
    return {k: v for k, v in incidents.items() if k != kind}
