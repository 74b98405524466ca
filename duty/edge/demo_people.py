"""People for the demonstration: a believable team for each grid, on duty around the clock, with log-ins to print.

Their passwords are no secret: they are made for `./threshold demo`, which fills an empty store of its own with them,
and for nothing else.
"""

from datetime import date, timedelta

import msgspec

from duty.edge.auth import Auth
from duty.edge.store import Store
from duty.people import CaseRow, Channel, Contact, Language, Person, StaffRole, case_id
from duty.roster import Roster, Shift

PASSWORD = "threshold-demo"
# The second factor of the demonstration's supervisor, administrator and auditor: whoever runs it may know it.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

_WORKERS = ("李秀英", "王建国", "赵敏", "陈桂兰", "刘洋", "孙丽华", "周志强", "吴雪梅", "郑浩", "何淑珍")
_NIGHT_WORKERS = ("马超", "许静", "高翔", "林芳", "罗斌", "唐慧", "韩磊", "曹倩", "邓勇", "彭燕")
_RELIEF = ("蒋云", "余波", "潘秀兰", "杜鹏")
_POLICE = ("张伟", "黄海涛", "杨帆", "徐刚")
_DOCTORS = ("朱晓红", "胡明远", "郭雅琴", "梁志成")
_GUARDS = ("田大勇", "石磊", "范小军", "姜海", "崔亮", "白玉平")
_FAMILIES = ("陈先生", "王女士", "李奶奶", "张先生", "刘女士", "杨大爷", "周女士", "吴先生")

# From, until (minutes after midnight) of the two shifts.
_DAY = (8 * 60, 20 * 60)
_NIGHT = (20 * 60, 8 * 60)
_LATE = (14 * 60, 2 * 60)  # the second person, who is called when the first does not answer


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what the demonstration prints.  `totp_secret` "" where the role needs no second factor."""

    login: str
    password: str
    role: StaffRole
    name: str
    grids: tuple[str, ...]
    totp_secret: str = ""


class DemoPeople(msgspec.Struct, frozen=True, kw_only=True):
    """The whole staff with its plan."""

    people: list[Person]
    roster: Roster
    channels: list[Channel]
    logins: list[Login]


def demo_people(grids: list[str], today: date, *, language: Language = "zh") -> DemoPeople:
    """Staff for `grids`: three workers and a guard each, officers and doctors for every two, and those above them.

    Ids are those the simulated compound uses when its people answer by themselves (`w-001`, `d-001`), so that an
    answer given there and one given on a screen carry the same name.
    """
    people: list[Person] = []
    shifts: list[Shift] = []

    def add(id: str, login: str, name: str, role: StaffRole, of: tuple[str, ...]) -> Person:
        person = Person(id=id, login=login, name=name, roles=(role,), grids=of, language=language)
        people.append(person)
        return person

    def on(person: Person, role: StaffRole, of: tuple[str, ...], hours: tuple[int, int], order: int = 1) -> None:
        shifts.append(
            Shift(
                id=f"{person.id}-{role}-{hours[0]}-{order}",
                person=person.id,
                role=role,
                grids=of,
                first=today - timedelta(days=30),
                last=today + timedelta(days=60),
                starts_min=hours[0],
                ends_min=hours[1],
                order=order,
            )
        )

    def add_two(
        id: str, login: str, names: tuple[str, str], role: StaffRole, of: tuple[str, ...], duty: tuple[str, ...]
    ) -> None:
        """One by day and one by night."""
        on(add(id, login, names[0], role, of), role, duty, _DAY)
        suffix = login.removeprefix(role)
        on(add(f"{id}-night", f"{role}-night{suffix}", names[1], role, of), role, duty, _NIGHT)

    for n, grid in enumerate(grids):
        suffix = "" if n == 0 else str(n + 1)
        by_day, by_night = _WORKERS[n % len(_WORKERS)], _NIGHT_WORKERS[n % len(_NIGHT_WORKERS)]
        add_two(f"w-{n + 1:03d}", f"worker{suffix}", (by_day, by_night), "worker", (grid,), (grid,))
        relief = add(f"w-{n + 1:03d}-relief", f"worker-relief{suffix}", _RELIEF[n % len(_RELIEF)], "worker", (grid,))
        on(relief, "worker", (grid,), _LATE, order=2)
        guard = add(f"g-{n + 1:03d}", f"guard{suffix}", _GUARDS[n % len(_GUARDS)], "guard", (grid,))
        # The gate is watched by day; the night is a gap, which the supervisor's screen shows.
        on(guard, "guard", (grid,), (6 * 60, 22 * 60))
        if n % 2 == 0:
            pair = n // 2
            of = tuple(grids[n : n + 2])
            suffix = "" if n == 0 else str(pair + 1)
            officers = _POLICE[pair % len(_POLICE)], _POLICE[(pair + 1) % len(_POLICE)]
            doctors = _DOCTORS[pair % len(_DOCTORS)], _DOCTORS[(pair + 1) % len(_DOCTORS)]
            add_two(f"p-{pair + 1:03d}", f"police{suffix}", officers, "police", of, of)
            add_two(f"d-{pair + 1:03d}", f"doctor{suffix}", doctors, "doctor", of, of)
    add_two("s-001", "supervisor", ("沈建平", "顾卫东"), "supervisor", ("*",), tuple(grids))
    add("a-001", "admin", "系统管理员", "admin", ("*",))
    add("x-001", "auditor", "冯审计", "auditor", ("*",))
    channels = [Channel(id=f"{person.id}-desk", person=person.id, order=1, kind="desk") for person in people]
    second = ("supervisor", "admin", "auditor")
    logins = [
        Login(
            login=person.login,
            password=PASSWORD,
            role=person.roles[0],
            name=person.name,
            grids=person.grids,
            totp_secret=TOTP_SECRET if person.roles[0] in second else "",
        )
        for person in people
    ]
    return DemoPeople(people=people, roster=Roster(shifts=tuple(shifts)), channels=channels, logins=logins)


def contacts_of(household: str, number: int) -> list[Contact]:
    """Somebody to call at `household`.  The number is one that is given to nobody."""
    family = _FAMILIES[number % len(_FAMILIES)]
    return [Contact(name=family, phone=f"1990000{number % 10000:04d}", note=f"{household.rpartition('/')[2]} 户主")]


def fill(
    store: Store,
    auth: Auth,
    grids: list[str],
    now_ms: int,
    today: date,
    *,
    cases: list[CaseRow] | None = None,
    language: Language = "zh",
) -> list[Login]:
    """Put the people into an empty `store`; what they log in with.  One password is hashed once for all of them."""
    made = demo_people(grids, today, language=language)
    hashed = ""
    for person, login in zip(made.people, made.logins, strict=True):
        store.save_person(msgspec.structs.replace(person, created_ms=now_ms))
        if hashed:
            store.set_password(person.id, hashed, must_change=False)
        else:
            auth.set_password(person.id, PASSWORD)
            account = store.account(person.login)
            hashed = account.password_hash if account else ""
        if login.totp_secret:
            store.set_totp(person.id, login.totp_secret)
    for channel in made.channels:
        store.save_channel(channel)
    store.replace_shifts(list(made.roster.shifts))
    for number, case in enumerate(cases or []):
        store.save_case(case)
        store.save_contacts(case.id, contacts_of(case.household, number))
    return made.logins


def case_row(household: str, from_ms: int, until_ms: int) -> CaseRow:
    """The row the store keeps of a case of the fleet."""
    return CaseRow(
        id=case_id(household, from_ms),
        household=household,
        grid=household.partition("/")[0],
        from_ms=from_ms,
        until_ms=until_ms,
    )
