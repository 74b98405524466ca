"""An incident told event by event."""

import msgspec

from streams.effects import Decision, Noted
from streams.frames import Receipt
from streams.incident_story import concerns, story, subject_of
from tests.streams.edge.boxes import expected
from tests.streams.edge.scripts import MINUTE_MS, T0_MS, asked, door, fleet, household

HOME = household(1)
INCIDENT = f"{HOME}/undeclared-opening/1"
OPENED_MS = T0_MS + 10_000
SAID = {"subject": HOME, "kind": "undeclared-opening", "by": "w1", "role": "worker"}
RECORDS = [
    *fleet(3),
    door(1, T0_MS + 1000, False, 1),
    door(2, T0_MS + 1500, False, 2),
    door(1, OPENED_MS, True, 3),
    door(2, OPENED_MS + 500, True, 4),
    Receipt(OPENED_MS + 800, "g2", f"{INCIDENT}#0.worker.1", "mqtt", "accepted"),
    asked("acknowledge", 1, OPENED_MS + 6 * MINUTE_MS, 5, **SAID),
    door(1, OPENED_MS + 7 * MINUTE_MS, False, 6),
    asked("close", 1, OPENED_MS + 20 * MINUTE_MS, 7, disposition="true-alarm", note="shopping", **SAID),
]


def told(incident: str = INCIDENT) -> list[tuple[int, str, list[str]]]:
    """Seconds since the opening, what happened, what was decided."""
    moments = story(RECORDS, expected(RECORDS)[0], incident)
    found: list[tuple[int, str, list[str]]] = []
    for moment in moments:
        sort = type(moment.happened).__name__ if moment.happened is not None else "time"
        decided = [
            f"{effect.decision} {effect.role}".strip() if isinstance(effect, Decision) else type(effect).__name__
            for effect in moment.effects
        ]
        found.append(((moment.t_ms - OPENED_MS) // 1000, sort, decided))
    return found


def test_the_whole_way_from_the_door_to_the_closing():
    assert [each for each in told() if each[0] > -10] == [
        (-9, "Event", []),
        (0, "Event", ["raised", "page worker"]),
        (0, "Receipt", []),
        (300, "time", ["page police", "page doctor", "Noted"]),
        (360, "Command", ["acknowledged worker"]),
        (420, "Event", []),
        (1020, "time", ["cleared"]),
        (1200, "Command", ["closed worker"]),
    ]


def test_every_decision_carries_its_reason():
    moments = story(RECORDS, expected(RECORDS)[0], INCIDENT)
    decided = [effect for moment in moments for effect in moment.effects if isinstance(effect, Decision)]
    assert all(effect.reason.word for effect in decided if effect.decision in ("raised", "page", "cleared"))


def test_the_neighbours_incident_is_another_story():
    other = f"{household(2)}/undeclared-opening/1"
    moments = story(RECORDS, expected(RECORDS)[0], other)
    effects = [effect for moment in moments for effect in moment.effects]
    assert effects
    assert {effect.subject for effect in effects if isinstance(effect, Decision | Noted)} == {household(2)}
    assert not any(concerns(record, household(2), other) for record in RECORDS if record is RECORDS[-1])


def test_nothing_is_told_twice_and_nothing_left_out():
    effects = expected(RECORDS)[0]
    own = [e for e in effects if isinstance(e, Decision | Noted) and e.incident == INCIDENT]
    moments = story(RECORDS, effects, INCIDENT)
    found = [
        e for moment in moments for e in moment.effects if isinstance(e, Decision | Noted) and e.incident == INCIDENT
    ]
    assert sorted(map(msgspec.msgpack.encode, found)) == sorted(map(msgspec.msgpack.encode, own))


def test_it_is_told_though_the_raw_events_are_gone():
    moments = story([], expected(RECORDS)[0], INCIDENT)
    assert [moment.happened for moment in moments] == [None] * len(moments)
    assert moments[0].effects


def test_the_subject_of_an_incident():
    assert subject_of(INCIDENT) == HOME
    assert subject_of("g017/north/A-0193/fever/1") == "g017/north/A-0193"
    assert subject_of("g017/area-silent/3") == "g017"
