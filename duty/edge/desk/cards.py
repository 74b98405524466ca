"""An incident as one viewer's card: what, where, since when, what was tried and by whom, and what they may do now."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Literal
from urllib.parse import quote

import msgspec

from duty.access import FEVERS, Allowed, closing_action, may
from duty.edge.desk.moments import Moments
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language, text
from duty.people import Person
from duty.picture import Incident, RoleView
from duty.urgency import ORDER, urgency_of
from streams.effects import HouseholdSeen

Level = Literal["urgent", "soon", "upkeep"]
Group = Literal["fever", "door", "upkeep"]
_LEVELS: tuple[Level, ...] = ("urgent", "urgent", "soon", "upkeep")  # by the rank of `duty.urgency`
_DOOR = frozenset({"undeclared-opening", "left-open", "lost-openings", "tamper"})

# What may be tapped to close an incident: (disposition, the text that becomes the note where none was written).
PRESETS: dict[Group, tuple[tuple[str, str], ...]] = {
    "door": (
        ("true-alarm", "preset_true-alarm"),
        ("declared-late", "preset_declared-late"),
        ("false-alarm", "preset_false-alarm"),
        ("device-fault", "preset_device-fault"),
        ("transferred", "preset_transferred"),
        ("test", "preset_test"),
    ),
    "fever": (
        ("true-alarm", "preset_fever_true-alarm"),
        ("false-alarm", "preset_fever_false-alarm"),
        ("transferred", "preset_transferred"),
        ("test", "preset_test"),
    ),
    "upkeep": (
        ("device-fault", "preset_device-fault"),
        ("true-alarm", "preset_settled"),
        ("false-alarm", "preset_nothing"),
        ("transferred", "preset_transferred"),
        ("test", "preset_test"),
    ),
}
# Whose snoozing the core refuses.
NEVER_PUT_OFF = FEVERS


class Tag(msgspec.Struct, frozen=True):
    text: str
    tone: str = ""


class Answered(msgspec.Struct, frozen=True):
    """How a role of the team stands to it, in words.  `state`: yes, no (paged, no answer), late (expired)."""

    state: str
    text: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `card.html` shows."""

    id: str
    element: str
    rank: str
    level: Level
    group: Group
    grid: str
    address: str
    title: str
    count: int
    place: str
    place_address: str
    grid_name: str
    case: str
    tags: list[Tag]
    what: str
    before: str
    notes: list[str]
    team: list[Answered]
    since_ms: int
    since_iso: str
    age: str
    basis: str
    mine: bool  # my role was paged and has not answered
    todo: bool  # nobody's answer is valid
    taken: bool
    can_answer: bool
    can_close: bool
    can_put_off: bool
    closed: str = ""
    due_ms: int = 0  # when a snooze ends


def group_of(kind: str) -> Group:
    """Which presets an incident of `kind` is closed with."""
    if kind in FEVERS or kind == "suspect-reading":
        return "fever"
    return "door" if kind in _DOOR else "upkeep"


def answering_role(incident: Incident, person: Person) -> str:
    """The role in whose name `person` answers: one that was paged and is owed an answer, else one that was paged."""
    mine = [view for view in incident.roles if view.role in person.roles and view.first_paged_ms is not None]
    owed = [view for view in mine if view.acknowledged_ms is None]
    return (owed or mine)[0].role if mine else ""


def basis_of(incident: Incident) -> str:
    """Names the incident as it stood when a form was drawn: two taps on one form are one command."""
    return f"{len(incident.lines) + incident.lines_left_out}"


def command_id(person: str, name: str, incident: str, basis: str) -> str:
    """The id of a command given by a form: the same for every tap, retry and tab that shows the same state."""
    return blake2b(f"{person}\0{name}\0{incident}\0{basis}".encode(), digest_size=16).hexdigest()


def incident_address(incident: Incident) -> str:
    """The page of one incident."""
    return f"/g/{quote(incident.grid, safe='')}/incident?id={quote(incident.id, safe='')}"


class CardMaker:
    """Makes cards for one kind of viewer: language, roles, whether grids must be named."""

    def __init__(self, moments: Moments, say: Say, names: Callable[[str], str], *, many_grids: bool) -> None:
        self.moments = moments
        self.say = say
        self.names = names
        self.many_grids = many_grids
        self.language: Language = moments.language

    def t(self, key: str, **values: object) -> str:
        return text(f"board.{key}", self.language, **values)

    def title(self, incident: Incident) -> str:
        return self.say.kind(incident.kind)

    def make(self, incident: Incident, person: Person, household: HouseholdSeen | None) -> Card:
        """`incident` as `person` sees it.  `household` is how its household stands, where it is about one."""
        closed = incident.state == "closed"
        role = answering_role(incident, person)
        view = incident.role(role) if role else None
        owed = not closed and view is not None and view.acknowledged_ms is None
        answered = any(each.acknowledged_ms is not None for each in incident.roles)
        put_off = (incident.snoozed_until_ms or 0) > self.moments.now_ms
        urgency = ORDER[urgency_of(incident.kind)]
        since = incident.raised_ms
        return Card(
            id=incident.id,
            element="i" + blake2b(incident.id.encode(), digest_size=6).hexdigest(),
            rank=f"{int(closed)}{int(put_off)}{int(not owed)}{int(answered)}{urgency}{since:015d}",
            level=_LEVELS[urgency],
            group=group_of(incident.kind),
            grid=incident.grid,
            address=incident_address(incident),
            title=self.title(incident),
            count=incident.count,
            place=name_of(incident.subject, incident.where, self.language),
            place_address=address_of(incident.subject, incident.where, incident.grid),
            grid_name=text("common.grid", self.language, grid=short_grid(incident.grid)) if self.many_grids else "",
            case=self._case(household),
            tags=self._tags(incident, household),
            what=self._what(incident),
            before=self._before(incident),
            notes=self._notes(incident),
            team=[self._answer(each) for each in incident.roles],
            since_ms=since,
            since_iso=self.moments.iso(since),
            age=self.moments.long(self.moments.now_ms - since),
            basis=basis_of(incident),
            mine=owed,
            todo=not closed and not answered and not put_off,
            taken=answered or closed or put_off,
            can_answer=owed and isinstance(may(person, "acknowledge", incident.grid), Allowed),
            can_close=not closed and isinstance(may(person, closing_action(incident.kind), incident.grid), Allowed),
            can_put_off=not closed
            and incident.kind not in NEVER_PUT_OFF
            and isinstance(may(person, "snooze", incident.grid), Allowed),
            closed=self.closing(incident) if closed else "",
            due_ms=incident.snoozed_until_ms or 0 if put_off else 0,
        )

    def closing(self, incident: Incident) -> str:
        """How it ended, in one line."""
        time = self.moments.clock(incident.closed_ms)
        if not incident.closed_by:
            return f"{time} {self.t('h_closed_self')}"
        said = self.t(
            "h_closed", by=self.names(incident.closed_by), disposition=self.say.disposition(incident.disposition)
        )
        return f"{time} {said}" + (f" · {incident.note}" if incident.note else "")

    def _case(self, household: HouseholdSeen | None) -> str:
        if household is None or household.case_from_ms is None or household.case_until_ms is None:
            return ""
        if not household.watched:
            return self.t("case_over")
        day, days = case_days(self.moments, household.case_from_ms, household.case_until_ms)
        return self.t("case_day", day=day, days=days)

    def _tags(self, incident: Incident, household: HouseholdSeen | None) -> list[Tag]:
        tags: list[Tag] = []
        clock = self.moments.clock
        if incident.cleared:
            tags.append(Tag(self.t("cleared", time=clock(incident.cleared_ms)), "good"))
        elif incident.kind in _DOOR and household is not None and household.open:
            tags.append(Tag(self.t("still_open"), "bad"))
        if (incident.snoozed_until_ms or 0) > self.moments.now_ms:
            tags.append(Tag(self.t("snoozed", time=clock(incident.snoozed_until_ms))))
        if household is not None and (household.muted_until_ms or 0) > self.moments.now_ms:
            tags.append(Tag(self.t("muted", time=clock(household.muted_until_ms))))
        late_ms = incident.raised_ms - incident.at_ms if incident.at_ms is not None else 0
        if late_ms > 120_000:
            tags.append(Tag(self.t("late", late=self.moments.long(late_ms))))
        return tags

    def _what(self, incident: Incident) -> str:
        happened = [line for line in incident.lines if line.what in ("raised", "repeated")]
        newest = happened[-1] if happened else None
        reason = self.say.reason(newest.reason if newest else incident.reason)
        at_ms = (newest.at_ms or newest.t_ms) if newest else (incident.at_ms or incident.raised_ms)
        return f"{self.moments.clock(at_ms)} {reason}"

    def _before(self, incident: Incident) -> str:
        earlier = [line for line in incident.lines if line.what in ("raised", "repeated")][:-1]
        if not earlier:
            return ""
        return self.t("before", times=", ".join(self.moments.clock(line.at_ms or line.t_ms) for line in earlier[-3:]))

    def _notes(self, incident: Incident) -> list[str]:
        """The two newest things a person or the core added beside it."""
        noted = [line for line in incident.lines if line.what == "noted"]
        return [self.note(line.reason, line.by, line.t_ms) for line in noted[-2:]]

    def note(self, reason: object, by: str, t_ms: int) -> str:
        """A note in one line."""
        sentence = self.say.reason(reason)  # type: ignore[arg-type]
        who = f"{self.say.person(by)} " if by else ""
        return f"{self.moments.clock(t_ms)} {who}{sentence}"

    def _answer(self, view: RoleView) -> Answered:
        role = self.say.role(view.role)
        if view.acknowledged_ms is not None:
            who = self.names(view.acknowledged_by)
            return Answered(
                "yes", "✓ " + self.t("role_yes", role=role, by=who, time=self.moments.clock(view.acknowledged_ms))
            )
        if view.expired_ms is not None and view.expired_ms >= (view.last_paged_ms or 0):
            return Answered("late", self.t("role_expired", role=role))
        key = "role_paged" if view.first_paged_ms == view.last_paged_ms else "role_repaged"
        return Answered("no", self.t(key, role=role, time=self.moments.clock(view.last_paged_ms)))


def case_days(moments: Moments, from_ms: int, until_ms: int) -> tuple[int, int]:
    """Which day of how many a case is in: the day it began is the first."""
    start = moments.local(from_ms).toordinal()
    days = max(1, moments.local(until_ms).toordinal() - start)
    return min(days, max(1, moments.local(moments.now_ms).toordinal() - start + 1)), days
