from msgspec.structs import replace

from duty.edge.book import AT_THE_DESK, READ_AGAIN_MS, Book
from duty.edge.store import Store
from duty.people import Channel
from tests.duty.rosters import SHANGHAI, ms, person, shift

NOON = ms("2020-02-16 12:00")


class Clock:
    now_ms = NOON

    def __call__(self) -> int:
        return self.now_ms


def book(store: Store, clock: Clock) -> Book:
    made = Book(store, SHANGHAI, clock)
    made.read()
    return made


def sms(name: str, order: int = 1, **more) -> Channel:
    return Channel(id=f"{name}-{order}", person=name, order=order, kind="sms", target="1", **more)


def test_whom_a_page_goes_to(sqlite_store: Store) -> None:
    store = sqlite_store
    for one in (
        person("wang"),
        person("li"),
        person("gone", disabled=True),
        person("chief", "supervisor", grids="*"),
        person("boss", "supervisor"),
        person("root", "admin", grids="*"),
    ):
        store.save_person(one)
    store.save_shift(shift("li", "08:00-20:00", order=2))
    store.save_shift(shift("wang", "08:00-20:00"))
    store.save_shift(shift("gone", "08:00-20:00", order=3))
    store.save_shift(shift("nobody", "08:00-20:00", order=4))
    for channel in (sms("wang", 2), sms("wang", 1), sms("li", 1, enabled=False)):
        store.save_channel(channel)
    made = book(store, Clock())
    found = made.whom("g017", "worker", NOON, ["wang"])
    assert found.on_duty == ("wang", "li")
    assert found.supervisors == ("boss", "chief")
    assert found.channels["wang"] == ("wang-1", "wang-2")
    assert found.channels["li"] == (AT_THE_DESK,)
    assert found.flooded == {"wang"}
    # At night nobody is on duty; in another grid only who has all of them is left.
    assert made.whom("g017", "worker", ms("2020-02-16 22:00")).on_duty == ()
    assert made.whom("g018", "worker", NOON).supervisors == ("chief",)


def test_a_supervisor_on_duty_is_called_before_the_others(sqlite_store: Store) -> None:
    for name in ("anna", "bert"):
        sqlite_store.save_person(person(name, "supervisor"))
    sqlite_store.save_shift(shift("bert", "08:00-20:00", role="supervisor"))
    assert book(sqlite_store, Clock()).whom("g017", "doctor", NOON).supervisors == ("bert", "anna")


def test_a_site_with_nobody_still_has_whoever_set_it_up(sqlite_store: Store) -> None:
    assert book(sqlite_store, Clock()).whom("g017", "worker", NOON).supervisors == ()
    sqlite_store.save_person(person("root", "admin", grids="*"))
    assert book(sqlite_store, Clock()).whom("g017", "worker", NOON).supervisors == ("root",)


def test_what_changed_is_seen_soon_and_the_store_is_not_asked_every_time(sqlite_store: Store) -> None:
    clock = Clock()
    made = book(sqlite_store, clock)
    sqlite_store.save_person(person("wang"))
    made.read()
    assert made.person("wang") is None
    clock.now_ms += READ_AGAIN_MS
    made.read()
    assert made.person("wang") is not None


def test_a_channel_takes_what_the_site_has_set_for_its_kind(sqlite_store: Store) -> None:
    site = Channel(
        id="site-sms", person="", order=1, kind="sms", secret="s", options={"provider": "aliyun", "sign": "小区"}
    )
    own = sms("wang", options={"sign": "", "template": "T"})
    sqlite_store.save_channel(site)
    sqlite_store.save_channel(own)
    made = book(sqlite_store, Clock())
    found = made.channel("wang-1", "wang")
    assert found is not None
    assert found.options == {"provider": "aliyun", "sign": "小区", "template": "T"}
    assert (found.secret, found.target) == ("s", "1")
    assert made.filled(site) == site
    assert made.filled(replace(own, secret="mine")).secret == "mine"
    assert made.channel("gone", "wang") is None
    at_the_desk = made.channel(AT_THE_DESK, "wang")
    assert at_the_desk is not None
    assert (at_the_desk.kind, at_the_desk.person) == ("desk", "wang")
