"""`suspect-reading`: one reading at or over the site's limit; the guard measures again before anybody is called.

A pass is one person; the readings count from the first one at or over the limit, three at most, within 10 min.  Two
over: a fever.  Two below: let go.  One over and one below: a third is asked for; if none comes, the person is let go.
One over and nothing after it: the worker hears of it.  A gun that sends no pass: for 90 s its next readings are taken
for the same person, and one of 37.3 or more is let go only when the guard confirms that it was.
"""

from collections.abc import Callable

from msgspec.structs import replace

from devices.places import grid_of
from streams.effects import Answer, Cause, Reason
from streams.incidents import clear_incident, climb, end_incident, open_incident, raise_incident
from streams.policy import DAY_MS, Policy, minutes_ms, seconds_ms
from streams.rules import fever
from streams.state import Sensor, Suspicion
from streams.timetext import timestamp
from streams.work import Work

KIND = "suspect-reading"
_MOST_READINGS = 3


def read(
    work: Work, gun: Sensor, pass_id: str, celsius: float, site: str, ambient_celsius: float | None, at_ms: int,
    cause: Cause,
) -> Sensor:  # fmt: skip
    """One plausible reading at a checkpoint; the gun's record after it."""
    policy = work.policy
    limit = policy.limit_celsius(site)
    over = celsius >= limit
    unreliable = ambient_celsius is not None and not (
        policy.ambient_low_celsius <= ambient_celsius <= policy.ambient_high_celsius
    )
    person, same = _person(work, gun, pass_id, at_ms)
    running = person is not None and person.undecided

    def answer(verdict: str, reason: Reason, subject: str, readings: int) -> None:
        work.effects.append(
            Answer(
                work.now_ms, gun.grid, gun.place, gun.device, subject, verdict, celsius, limit, site, reason,  # type: ignore[arg-type]
                pass_id=pass_id, readings=readings, at_ms=at_ms, same_person=same and running,
            )
        )  # fmt: skip

    if not over and person is not None and open_incident(work, person.subject, fever.KIND) is not None:
        # One low reading does not undo a fever: that is the doctor's to say.
        answer("stop", Reason("fever-open", {"celsius": celsius}), person.subject, _count(person))
        return gun
    if unreliable and not over:
        reason = Reason("ambient", {"ambient": ambient_celsius or 0.0})
        answer("again", reason, person.subject if person else "", _count(person))
        return gun
    if not over and not running:
        answer("pass", Reason("below", {"celsius": celsius, "limit": limit}), person.subject if person else "", 0)
        return gun
    if person is None:
        person = _new(gun, pass_id, at_ms, policy)
    if over:
        return _over(work, gun, person, celsius, limit, at_ms, cause, answer)
    person = replace(person, below=person.below + 1)
    work.put_suspicion(person)
    if person.below >= 2:
        if person.high and not person.confirmed:
            answer("again", Reason("confirm", {"celsius": celsius}), person.subject, _count(person))
        else:
            _let_go(work, person, cause)
            answer("pass", Reason("two-below", {"limit": limit}), person.subject, _count(person))
    else:
        answer("again", Reason("third", {"limit": limit}), person.subject, _count(person))
    return gun


def _over(
    work: Work, gun: Sensor, person: Suspicion, celsius: float, limit: float, at_ms: int, cause: Cause,
    answer: Callable[[str, Reason, str, int], None],
) -> Sensor:  # fmt: skip
    """A reading at or over the limit."""
    policy = work.policy
    already = open_incident(work, person.subject, fever.KIND) is not None
    if celsius >= policy.fever_at_once_celsius or (person.undecided and person.over >= 1) or already:
        person = replace(
            person, over=person.over + 1, fever=True, undecided=False, due_ms=None, closes_ms=None,
            forget_ms=work.now_ms + DAY_MS,
        )  # fmt: skip
        work.put_suspicion(person)
        fever.found(work, person, celsius, limit, at_ms, cause)
        clear_incident(work, person.subject, KIND, Reason("decided-fever"), cause)
        answer("stop", Reason("fever", {"celsius": celsius, "limit": limit}), person.subject, _count(person))
        return gun
    no_pass = not person.pass_id
    person = replace(
        person, over=1, below=0, undecided=True, confirmed=False, started_ms=at_ms,
        high=no_pass and celsius >= policy.confirm_celsius,
        due_ms=work.now_ms + minutes_ms(policy.reading_window_min),
        closes_ms=work.now_ms + minutes_ms(policy.suspicion_closes_min),
        forget_ms=work.now_ms + DAY_MS,
    )  # fmt: skip
    work.put_suspicion(person)
    reason = Reason("over", {"celsius": celsius, "limit": limit, "checkpoint": gun.place})
    raise_incident(work, person.subject, "pass", gun.grid, KIND, reason, cause, at_ms=at_ms)
    answer("again", Reason("over", {"celsius": celsius, "limit": limit, "checkpoint": gun.place}), person.subject, 1)
    if no_pass:
        gun = replace(gun, suspect=person.subject, suspect_until_ms=at_ms + seconds_ms(policy.same_person_s))
    return gun


def confirmed(work: Work, person: Suspicion, by: str) -> None:
    """The guard says: the readings after the suspicious one are of the same person."""
    person = replace(person, confirmed=True)
    work.put_suspicion(person)
    gun = work.sensor(person.device)
    if gun is not None and gun.suspect == person.subject:
        until_ms = work.now_ms + seconds_ms(work.policy.same_person_s)
        work.put_sensor(replace(gun, suspect_until_ms=max(gun.suspect_until_ms, until_ms)))
    if person.undecided and person.below >= 2:
        _let_go(work, person, Cause(by=by))


def on_wake(work: Work, person: Suspicion) -> None:
    """The 10 min are over, or the 60."""
    if person.due_ms is not None and person.due_ms <= work.now_ms:
        person = replace(person, due_ms=None)
        if person.below and (not person.high or person.confirmed):
            work.put_suspicion(person)
            _let_go(work, person, Cause())
            return
        # Its window is over: what the gun measures now is somebody else.
        person = replace(person, undecided=False)
        work.put_suspicion(person)
        word = "not-confirmed" if person.below else "no-second-reading"
        reason = Reason(word, {"minutes": work.policy.reading_window_min})
        climb(work, person.subject, KIND, 1, reason)
    if person.closes_ms is not None and person.closes_ms <= work.now_ms:
        work.put_suspicion(replace(person, closes_ms=None))
        end_incident(work, person.subject, KIND, Reason("closes-itself", {"minutes": work.policy.suspicion_closes_min}))
    if person.forget_ms <= work.now_ms and person.closes_ms is None:
        work.drop("r:" + person.subject)


def wake_ms(person: Suspicion) -> int:
    """When there is something to do for this person next."""
    return min(t for t in (person.due_ms, person.closes_ms, person.forget_ms) if t is not None)


def registered(work: Work, checkpoint: str, pass_id: str, household: str) -> None:
    """The pass is a person of `household`."""
    subject = f"{checkpoint}/{pass_id}"
    person = work.suspicion(subject) or Suspicion(subject, grid_of(checkpoint), checkpoint, "", pass_id)
    forget_ms = max(person.forget_ms, work.now_ms + DAY_MS)
    person = replace(person, household=household, registered_ms=work.now_ms, forget_ms=forget_ms)
    work.put_suspicion(person)
    if household:
        fever.registered(work, person)


def _person(work: Work, gun: Sensor, pass_id: str, at_ms: int) -> tuple[Suspicion | None, bool]:
    """Whose reading this is, and whether that is only taken to be so."""
    if pass_id:
        person = work.suspicion(f"{gun.place}/{pass_id}")
        return (None if person is None else _still(work, person, at_ms)), False
    if gun.suspect and at_ms <= gun.suspect_until_ms:
        person = work.suspicion(gun.suspect)
        if person is not None and person.undecided:
            return person, True
    return None, False


def _still(work: Work, person: Suspicion, at_ms: int) -> Suspicion:
    """The person of a pass, or somebody new with the same pass: it is one person for 10 min."""
    window_ms = minutes_ms(work.policy.reading_window_min)
    if person.undecided or at_ms - person.started_ms <= window_ms:
        return person
    if open_incident(work, person.subject, fever.KIND) is not None:
        return person
    fresh = work.now_ms - person.registered_ms <= window_ms
    return replace(
        person, over=0, below=0, fever=False, started_ms=at_ms,
        household=person.household if fresh else "", due_ms=None,
    )  # fmt: skip


def _new(gun: Sensor, pass_id: str, at_ms: int, policy: Policy) -> Suspicion:
    name = pass_id or f"{gun.device}@{timestamp(at_ms, policy.zone)}"
    return Suspicion(f"{gun.place}/{name}", gun.grid, gun.place, gun.device, pass_id)


def _let_go(work: Work, person: Suspicion, cause: Cause) -> None:
    work.put_suspicion(replace(person, undecided=False, due_ms=None, closes_ms=None))
    word = "two-below-cleared" if person.below >= 2 else "let-go"
    clear_incident(work, person.subject, KIND, Reason(word), cause)


def _count(person: Suspicion | None) -> int:
    return min(person.over + person.below, _MOST_READINGS) if person is not None else 0
