from duty.attempts import Attempt
from duty.edge.links import ANSWER_MS, Links
from duty.edge.store import Store
from duty.people import CaseRow, case_id
from duty.picture import Picture
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.effects import HOUSEHOLD, seen

DAY_MS = 24 * 3_600_000
CASE = case_id(HOUSEHOLD, 0)


def links(store: Store, picture: Picture | None = None, address: str = "https://desk.example/") -> Links:
    return Links(store, picture or Picture(), master_key=MASTER_KEY, address=address)


def given(store: Store, made: Links) -> str:
    store.save_case(CaseRow(id=CASE, household=HOUSEHOLD, grid="g017", from_ms=0, until_ms=14 * DAY_MS))
    return made.give_resident(HOUSEHOLD, CASE, until_ms=14 * DAY_MS, now_ms=DAY_MS)


def test_a_residents_link_ends_with_its_time(sqlite_store: Store) -> None:
    made = links(sqlite_store)
    token = given(sqlite_store, made)
    link = made.resident(token, 2 * DAY_MS)
    assert link is not None
    assert (link.household, link.grid, link.case) == (HOUSEHOLD, "g017", CASE)
    assert made.resident(token, 14 * DAY_MS) is None
    assert made.resident(token[:-1], 2 * DAY_MS) is None
    assert HOUSEHOLD not in token


def test_a_residents_link_ends_when_it_is_withdrawn(sqlite_store: Store) -> None:
    made = links(sqlite_store)
    token = given(sqlite_store, made)
    sqlite_store.withdraw_links(HOUSEHOLD, 2 * DAY_MS)
    assert made.resident(token, 2 * DAY_MS) is None


def test_a_residents_link_ends_with_the_release(sqlite_store: Store) -> None:
    made = links(sqlite_store)
    token = given(sqlite_store, made)
    sqlite_store.release_case(HOUSEHOLD, 3 * DAY_MS)
    assert made.resident(token, 3 * DAY_MS - 1) is not None
    assert made.resident(token, 3 * DAY_MS) is None


def test_a_residents_link_ends_as_soon_as_the_core_no_longer_watches(sqlite_store: Store) -> None:
    picture = Picture()
    made = links(sqlite_store, picture)
    token = given(sqlite_store, made)
    picture.apply(seen(2 * DAY_MS))
    assert made.resident(token, 2 * DAY_MS) is not None
    picture.apply(seen(3 * DAY_MS, watched=False, case_from_ms=None, case_until_ms=None))
    assert made.resident(token, 3 * DAY_MS) is None


def test_a_household_not_watched_before_its_case_began_does_not_end_the_link(sqlite_store: Store) -> None:
    picture = Picture()
    made = links(sqlite_store, picture)
    picture.apply(seen(DAY_MS - 1, watched=False))
    assert made.resident(given(sqlite_store, made), 2 * DAY_MS) is not None


def test_the_link_of_a_message_answers_for_a_day(sqlite_store: Store) -> None:
    made = links(sqlite_store)
    attempt = Attempt(
        id="00112233445566778899aabb",
        page="p",
        incident="i",
        grid="g017",
        role="worker",
        person="wang",
        channel="c",
        kind="sms",
        started_ms=DAY_MS,
    )
    sqlite_store.save_attempts([attempt])
    address = made.answer_address(attempt.id)
    assert address.startswith("https://desk.example/a/")
    token = address.rpartition("/")[2]
    told = made.answer(token, DAY_MS + 1)
    assert told is not None
    assert (told.page, told.incident, told.person, told.role) == ("p", "i", "wang", "worker")
    assert made.answer(token, DAY_MS + ANSWER_MS) is None
    assert made.resident(token, DAY_MS) is None  # one sort is not the other
    assert links(sqlite_store, address="").answer_address(attempt.id) == ""


def test_a_link_to_an_attempt_nobody_knows(sqlite_store: Store) -> None:
    made = links(sqlite_store)
    assert made.answer(made.answer_path("00112233445566778899aabb").rpartition("/")[2], 0) is None
    assert made.answer("", 0) is None
