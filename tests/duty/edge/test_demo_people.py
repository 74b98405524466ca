"""The people of the demonstration: a believable team, on duty around the clock."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from duty.edge import demo_people
from duty.edge.auth import Auth, LoggedIn
from duty.edge.store import Store
from duty.roster import Plan
from duty.roster_check import conflicts

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2020, 2, 16)
NOW_MS = 1_581_790_440_000
GRIDS = ["g001", "g002", "g003"]
DAY_MS = 86_400_000


def test_somebody_of_every_role_but_the_guard_is_on_duty_at_any_time() -> None:
    made = demo_people.demo_people(GRIDS, TODAY)
    gaps = Plan(made.roster, ZONE).gaps(
        GRIDS, ["worker", "police", "doctor", "supervisor", "guard"], NOW_MS, NOW_MS + 7 * DAY_MS
    )
    assert {gap.role for gap in gaps} == {"guard"}


def test_the_plan_has_nothing_that_cannot_be_meant() -> None:
    made = demo_people.demo_people(GRIDS, TODAY)
    found = conflicts(made.roster, ZONE, made.people, NOW_MS, NOW_MS + 7 * DAY_MS)
    # One officer stands in two communities by day in one pair and by night in the next: that is their rest.
    assert [each for each in found if each.word != "too-long"] == []


def test_the_first_of_each_role_has_a_plain_login() -> None:
    logins = {each.login: each.role for each in demo_people.demo_people(["g001"], TODAY).logins}
    for role in ("worker", "police", "doctor", "guard", "supervisor", "admin", "auditor"):
        assert logins[role] == role


def test_ids_are_those_the_simulated_people_use() -> None:
    ids = {person.id for person in demo_people.demo_people(GRIDS, TODAY).people}
    assert {"w-001", "w-002", "w-003", "d-001", "d-002"} <= ids


def test_a_store_is_filled_and_its_people_can_log_in(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "desk.db", master_key=bytes(32))
    auth = Auth(store)
    case = demo_people.case_row("g001/1/0101", NOW_MS - DAY_MS, NOW_MS + DAY_MS)
    logins = demo_people.fill(store, auth, ["g001"], NOW_MS, TODAY, cases=[case])
    for login in logins:
        answer = auth.log_in(login.login, login.password, "here", NOW_MS)
        assert isinstance(answer, LoggedIn), login.login
        assert answer.wants_totp is bool(login.totp_secret)
        assert not answer.wants_new_password
    opened = store.open_contacts(case.id, actor="w-001", at_ms=NOW_MS)
    assert opened is not None
    assert opened[0].phone.startswith("1990000")
    assert len(store.roster().shifts) == len(demo_people.demo_people(["g001"], TODAY).roster.shifts)
    store.close()
