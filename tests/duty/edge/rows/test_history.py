from duty.edge.store import Opening, Store, TemperatureRow
from duty.health import DeviceHealth
from duty.incident import Incident, Line, after_decision
from streams.effects import Reason
from tests.duty.effects import answer, decision, raised, seen


def incident(t_ms: int, subject: str = "g017/3/1203", closed_ms: int | None = None) -> Incident:
    made = after_decision(None, raised(t_ms, subject=subject, number=t_ms))
    if closed_ms is not None:
        made = after_decision(made, decision(closed_ms, "closed", subject=subject, number=t_ms))
    assert made is not None
    return made


def test_incidents_are_found_by_time_place_kind_and_state(store: Store) -> None:
    rows = [
        incident(1),
        incident(2, closed_ms=9),
        incident(3, "g018/1/1"),
        incident(4, "g017/north/A-1"),
        incident(5, "g017/3/12033"),
        incident(6, "g017/n_rth/A-1"),
    ]
    store.save_incidents(rows)

    def times(**filters) -> list[int]:
        return [found.raised_ms for found in store.incidents(**filters)]

    assert times() == [6, 5, 4, 3, 2, 1]
    assert times(limit=2) == [6, 5]
    assert times(subject="g017/3/1203") == [2, 1]
    assert times(subject="g017/north") == [4]
    assert times(subject="g017/n_rth") == [6]  # no wildcard in a name is one
    assert times(grids=["g018"]) == [3]
    assert times(grids=[]) == []
    assert times(since_ms=2, until_ms=4) == [3, 2]
    assert times(closed=True) == [2]
    assert times(kind="tamper") == []
    assert {i.raised_ms for i in store.live_incidents(10)} == {1, 3, 4, 5, 6}
    assert 2 in {i.raised_ms for i in store.live_incidents(9)}
    assert store.incident(rows[1].id) == rows[1]


def test_an_incident_saved_again_takes_its_own_place(store: Store) -> None:
    store.save_incidents([incident(1)])
    store.save_incidents([incident(1, closed_ms=5)])
    assert [i.state for i in store.incidents()] == ["closed"]


def test_notes_are_kept_once(store: Store) -> None:
    line = Line(5, "noted", Reason("visited"))
    store.save_notes([("g017/3/1203", "g017", line), ("g018/1/1", "g018", line)])
    store.save_notes([("g017/3/1203", "g017", line)])
    assert store.notes("g017/3/1203") == [line]
    assert store.notes("g017/3/1203", since_ms=6) == []
    assert store.live_notes(0) == {"g017/3/1203": (line,), "g018/1/1": (line,)}
    assert store.notes_of_grids(["g018"], since_ms=0, until_ms=6) == [("g018/1/1", line)]


def test_openings(store: Store) -> None:
    rows = [
        Opening(household="h", opened_ms=10, closed_ms=20, declared=False),
        Opening(household="h", opened_ms=30, closed_ms=None, declared=True),
    ]
    store.save_openings(rows)
    assert store.openings("h", since_ms=0, until_ms=100) == rows
    assert store.openings("h", since_ms=21, until_ms=100) == rows[1:]
    assert store.openings("h", since_ms=0, until_ms=30) == rows[:1]
    assert store.open_doors() == rows[1:]


def test_households_answers_devices_temperatures_and_cursors(store: Store) -> None:
    store.save_households([seen(1)])
    store.save_households([seen(2)])
    assert [h.t_ms for h in store.households()] == [2]
    store.save_answers("g017/north", [answer(1), answer(2)])
    store.save_answers("g017/north", [answer(2), answer(3)])
    assert store.answers() == {"g017/north": (answer(2), answer(3))}
    health = DeviceHealth("d", "g017", "g017/3/1203", 5, signal=-70.0)
    store.save_devices([health])
    assert store.devices() == [health]
    row = TemperatureRow(id="x", household="h", at_ms=5, celsius=36.6, site="ear", source="device")
    store.save_temperatures([row])
    store.save_temperatures([row])
    assert store.temperatures("h", since_ms=0) == [row]
    assert store.cursor("outbox", 0) == 0
    store.save_cursor("outbox", 0, 1_795_453_047_984)
    assert store.cursor("outbox", 0) == 1_795_453_047_984


def test_what_may_no_longer_be_kept_goes_and_what_is_open_stays(store: Store) -> None:
    store.save_incidents([incident(1), incident(2, closed_ms=3)])
    store.save_openings([Opening(household="h", opened_ms=1, closed_ms=2, declared=False)])
    store.save_openings([Opening(household="h", opened_ms=3, closed_ms=None, declared=False)])
    store.save_notes([("h", "g", Line(1, "noted", Reason("visited")))])
    store.save_temperatures([TemperatureRow(id="x", household="h", at_ms=1, celsius=36.6, site="", source="")])
    assert store.forget_history(raw_before_ms=10, incidents_before_ms=10) == 4
    assert [i.raised_ms for i in store.incidents()] == [1]
    assert len(store.openings("h", since_ms=0, until_ms=99)) == 1
