"""What the outbox tells, in one line each."""

from streams.effects import Answer, Cause, Choice, Decision, HouseholdSeen, Noted, Reason

HOUSEHOLD = "g017/3/1203"
KIND = "undeclared-opening"
MINUTE_MS = 60_000


def incident_of(subject: str = HOUSEHOLD, kind: str = KIND, number: int = 1) -> str:
    return f"{subject}/{kind}/{number}"


def decision(
    t_ms: int,
    what: Choice,
    *,
    subject: str = HOUSEHOLD,
    kind: str = KIND,
    number: int = 1,
    role: str = "",
    step: int = 0,
    attempt: int = 1,
    by: str = "",
    count: int = 1,
    word: str = "opened",
    command_id: str = "",
    caused_ms: int | None = None,
    **more: object,
) -> Decision:
    incident = incident_of(subject, kind, number)
    return Decision(
        t_ms=t_ms,
        decision=what,
        grid=subject.split("/")[0],
        subject=subject,
        kind=kind,
        incident=incident,
        reason=Reason(word),
        role=role,
        step=step,
        page=f"{incident}#{step}.{role}.{attempt}" if what == "page" else "",
        by=by,
        count=count,
        command_id=command_id,
        where="household",
        cause=Cause(device="door-1", at_ms=caused_ms, received_ms=caused_ms),
        **more,  # type: ignore[arg-type]
    )


def raised(t_ms: int, **more) -> Decision:
    return decision(t_ms, "raised", **more)


def page(t_ms: int, role: str = "worker", **more) -> Decision:
    return decision(t_ms, "page", role=role, **more)


def noted(t_ms: int, word: str, *, subject: str = HOUSEHOLD, incident: str = "", **more) -> Noted:
    grid = subject.split("/")[0]
    return Noted(t_ms=t_ms, grid=grid, subject=subject, kind=KIND, incident=incident, reason=Reason(word), **more)


def seen(t_ms: int, household: str = HOUSEHOLD, *, open: bool | None = False, since_ms: int | None = None, **more):
    fields = {
        "watched": True, "case_from_ms": 0, "case_until_ms": 10**12, "open_since_ms": since_ms,
        "declared_until_ms": None, "silent": False, "battery_low": False, "tamper": False, "incidents": [],
    } | more  # fmt: skip
    return HouseholdSeen(t_ms=t_ms, grid=household.split("/")[0], household=household, open=open, **fields)


def answer(
    t_ms: int, verdict: str = "pass", *, checkpoint: str = "g017/north", celsius: float = 36.6, **more
) -> Answer:
    fields = {"limit_celsius": 36.9, "site": "forehead", "reason": Reason("below"), "device": "gun-1"} | more
    return Answer(
        t_ms=t_ms, grid=checkpoint.split("/")[0], checkpoint=checkpoint, subject=f"{checkpoint}/{t_ms}",
        verdict=verdict, celsius=celsius, **fields,
    )  # fmt: skip
