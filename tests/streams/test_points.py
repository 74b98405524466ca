"""What happened and what was decided, as points: where they belong, when they were, how long things took."""

from collections.abc import Iterator
from itertools import count

import msgspec
import pytest

from devices.events import Event
from streams.case_names import NamedCase
from streams.commands import Command
from streams.effects import Answer, Cause, Decision, HouseholdSeen, Reason
from streams.frames import Receipt, SystemReport
from streams.measurements import BY_NAME, named
from streams.points import Projector
from tests.streams.edge.boxes import expected, policy
from tests.streams.edge.scripts import DAY_MS, MINUTE_MS, T0_MS, script

HOME = "g017/3/1203"
INCIDENT = f"{HOME}/undeclared-opening/1"


def secrets() -> Iterator[bytes]:
    """Sixteen bytes for each case, the same in each run."""
    return (number.to_bytes(16, "big") for number in count(1))


def project(kept: dict[str, bytes] | None = None, given: Iterator[bytes] | None = None) -> Projector:
    return Projector(policy=policy(), new_secret=(given or secrets()).__next__, kept=kept or {})


NAMES = NamedCase(HOME, T0_MS, T0_MS + 14 * DAY_MS, (1).to_bytes(16, "big"))
CASE = NAMES.household


@pytest.fixture
def projector():
    return project()


def seen(t_ms: int, *, watched: bool = True, until_ms: int = T0_MS + 14 * DAY_MS) -> HouseholdSeen:
    return HouseholdSeen(t_ms, "g017", HOME, watched, T0_MS, until_ms, None, None, None, False, False, False, [])


def event(received_ms: int, kind="door", **facets) -> Event:
    facets = {"where": "household", "place": HOME, "grid": "g017", "device": "door-1"} | facets
    return Event(id="00112233445566ff", received_ms=received_ms, kind=kind, **facets)


def page(t_ms: int, *, step: int = 0, role: str = "worker", at_ms: int | None = None) -> Decision:
    cause = Cause("door-1", at_ms, at_ms, "e1")
    return Decision(
        t_ms, "page", "g017", HOME, "undeclared-opening", INCIDENT, Reason("x"), role, step,
        f"{INCIDENT}#{step}.{role}.1", cause=cause, where="household",
    )  # fmt: skip


def rows(points, measurement: str) -> list[dict]:
    return [named(point) for point in points if point.measurement == measurement]


def test_an_opening_in_a_case_is_linked_by_a_pseudonym_alone(projector):
    projector.of_outbox([seen(T0_MS)])
    (point,) = projector.of_inbox([event(T0_MS + 5, open=True, opens_counted=7)])
    assert named(point) == {
        "at_ms": T0_MS + 5, "grid": "g017", "building": "3", "household": CASE, "device": NAMES.device("door-1"),
        "report": "live", "open": 1, "counted": 7,
    }  # fmt: skip
    assert not {"1203", "door-1"} & set(point.tags)


def test_outside_a_case_only_grid_and_building_are_known(projector):
    projector.of_outbox([seen(T0_MS, until_ms=T0_MS + DAY_MS)])
    for at_ms in (T0_MS - 1, T0_MS + DAY_MS):
        (point,) = projector.of_inbox([event(at_ms, open=True)])
        assert point.tags == ("g017", "3", "", "", "live")


def test_a_case_ended_early_links_nothing_that_comes_later(projector):
    projector.of_outbox([seen(T0_MS), seen(T0_MS + DAY_MS, watched=False)])
    before, after = projector.of_inbox([event(T0_MS + DAY_MS - 1, open=True), event(T0_MS + DAY_MS, open=True)])
    assert before.tags[2] == CASE
    assert after.tags[2] == ""


def test_a_case_that_moves_to_another_end_keeps_its_names(projector):
    projector.of_outbox([seen(T0_MS, until_ms=T0_MS + DAY_MS)])
    (before,) = projector.of_inbox([event(T0_MS + 1, open=True)])
    projector.of_outbox([seen(T0_MS + 1)])
    (after,) = projector.of_inbox([event(T0_MS + 2 * DAY_MS, open=True)])
    assert before.tags == after.tags


def test_a_forgotten_case_links_nothing_any_more(projector):
    projector.of_outbox([seen(T0_MS, until_ms=T0_MS + DAY_MS)])
    projector.of_inbox([event(T0_MS + 1, open=True)])
    (case,) = projector.cases.ended(T0_MS + DAY_MS + 1)
    projector.forget_case(case)
    (late,) = projector.of_inbox([event(T0_MS + 2, open=True)])
    assert late.tags == ("g017", "3", "", "", "live")


def test_a_device_that_moves_is_where_it_is_now(projector):
    projector.of_outbox([seen(T0_MS)])
    other = {"place": "g017/4/801", "grid": "g017"}
    here, there, back = projector.of_inbox(
        [event(T0_MS, open=True), event(T0_MS + 1, open=True, **other), event(T0_MS + 2, open=True)]
    )
    assert here.tags == back.tags
    assert there.tags == ("g017", "4", "", "", "live")


def test_one_message_with_several_facets_makes_a_point_for_each(projector):
    points = projector.of_inbox([event(T0_MS, open=False, battery_percent=97.0, signal=-60.0, tamper=False)])
    assert [point.measurement for point in points] == ["door", "device"]
    assert (
        rows(points, "device")[0] | {"battery_percent": 97.0, "signal": -60.0, "tamper": 0} == rows(points, "device")[0]
    )


def test_a_heartbeat_is_a_device_heard(projector):
    (point,) = projector.of_inbox([event(T0_MS, "heartbeat")])
    assert rows([point], "device")[0]["heard"] == 1


def test_a_reading_at_a_gate_names_the_gun_and_only_known_sites(projector):
    gate = {"where": "checkpoint", "place": "g017/north", "device": "gun-1", "celsius": 36.9}
    known, unknown = projector.of_inbox(
        [event(T0_MS, "temperature", site="ear", **gate), event(T0_MS, "temperature", site="left big toe", **gate)]
    )
    assert known.tags == ("g017", "", "north", "", "gun-1", "ear")
    assert unknown.tags == ("g017", "", "north", "", "gun-1", "")


def test_the_time_is_the_one_the_core_trusts(projector):
    """A device an hour slow is shown at the true time, with its skew; one that came late, late."""
    hour_ms = 60 * MINUTE_MS
    points = projector.of_inbox(
        [event(T0_MS + n * 1000, open=True, device_ms=T0_MS + n * 1000 - hour_ms) for n in (1, 2)]
    )
    assert [row["at_ms"] for row in rows(points, "door")] == [T0_MS + 1000, T0_MS + 2000]
    assert [row["skew_ms"] for row in rows(points, "device")] == [hour_ms], "said when learnt, not each time"
    late = projector.of_inbox([event(T0_MS + 20 * MINUTE_MS, open=True, device_ms=T0_MS + 5 * MINUTE_MS - hour_ms)])
    assert rows(late, "door")[0]["at_ms"] == T0_MS + 5 * MINUTE_MS
    assert rows(late, "door")[0]["late_ms"] == 15 * MINUTE_MS


def test_two_things_in_one_millisecond_have_two_times_and_the_same_thing_one(projector):
    first, second = event(T0_MS, open=True), msgspec.structs.replace(event(T0_MS, open=False), id="ffeeddccbbaa9988")
    one, two, again = projector.of_inbox([first, second, first])
    assert one.at_ns // 1_000_000 == two.at_ns // 1_000_000 == T0_MS
    assert one.at_ns != two.at_ns
    assert one == again


def test_a_home_reading_entered_by_a_person_is_one(projector):
    projector.of_outbox([seen(T0_MS)])
    given = Command("c1", T0_MS + 1, "home-temperature", "g017", "doctor", household=HOME, celsius=37.4, site="axilla")
    (point,) = projector.of_inbox([given])
    assert point.tags == ("g017", "3", "", CASE, "", "axilla")
    assert point.fields[0] == 37.4


def test_how_long_a_page_took_from_the_door_to_the_hand(projector):
    at_ms = T0_MS + 1000
    points = projector.of_outbox([page(at_ms + 40, at_ms=at_ms)])
    receipt = Receipt(at_ms + 100, "g017", f"{INCIDENT}#0.worker.1", "mqtt", "accepted", "", at_ms, at_ms + 30)
    points += projector.of_inbox([receipt])
    acknowledged = Decision(
        at_ms + 60_040, "acknowledged", "g017", HOME, "undeclared-opening", INCIDENT, role="worker", where="household"
    )
    points += projector.of_outbox([acknowledged, acknowledged])
    took = [(row["stage"], row["ms"], row.get("channel")) for row in rows(points, "latency")]
    assert took == [
        ("event-to-page", 40, None),
        ("page-to-receipt", 60, "mqtt"),
        ("event-to-receipt", 100, "mqtt"),
        ("gateway-to-receipt", 70, "mqtt"),
        ("page-to-acknowledge", 60_000, None),
    ]
    assert rows(points, "receipt")[0]["outcome"] == "accepted"


def test_a_later_step_is_not_the_doors_latency(projector):
    points = projector.of_outbox([page(T0_MS + 5 * MINUTE_MS, step=1, role="police", at_ms=T0_MS)])
    page_id = f"{INCIDENT}#1.police.1"
    points += projector.of_inbox(
        [Receipt(T0_MS + 5 * MINUTE_MS + 9, "g017", page_id, "mqtt", "accepted", "", T0_MS, T0_MS)]
    )
    assert [(row["stage"], row["ms"]) for row in rows(points, "latency")] == [("page-to-receipt", 9)]


def test_a_channel_that_gave_up_is_a_receipt_without_a_latency(projector):
    points = projector.of_inbox([Receipt(T0_MS, "g017", f"{INCIDENT}#0.worker.1", "sms", "gave-up", "", T0_MS, T0_MS)])
    assert [point.measurement for point in points] == ["receipt"]


def test_a_receipt_for_a_page_that_is_none_of_ours_has_no_unbounded_tags(projector):
    (point,) = projector.of_inbox([Receipt(T0_MS, "g017", "x/y#z", "web hook\n", "accepted")])
    assert point.tags == ("g017", "", "", "web_hook_", "accepted")


def test_a_rejected_command_puts_no_free_text_into_tags(projector):
    (point,) = projector.of_outbox([Decision(T0_MS, "rejected", "g017", kind="any words", role="mayor")])
    assert point.tags == ("g017", "", "", "rejected", "", "")


def test_how_long_an_incident_stood(projector):
    raised = Decision(T0_MS, "raised", "g017", HOME, "left-open", INCIDENT, count=1, where="household")
    closed = Decision(T0_MS + 90_000, "closed", "g017", HOME, "left-open", INCIDENT, count=3, where="household")
    points = projector.of_outbox([raised, closed])
    assert [(row["stage"], row["ms"]) for row in rows(points, "latency")] == [("raise-to-close", 90_000)]
    assert [row["count"] for row in rows(points, "incident")] == [1, 3]


def test_a_verdict_of_the_gate_and_a_report_about_ourselves_are_points(projector):
    answer = Answer(
        T0_MS, "g017", "g017/north", "gun-1", "g017/north/A-1", "again", 37.1, 36.9, "forehead", Reason("x")
    )
    (verdict,) = projector.of_outbox([answer])
    assert verdict.tags == ("g017", "north", "gun-1", "forehead", "again")
    (system,) = projector.of_inbox([SystemReport(T0_MS, "sink", False)])
    assert (system.tags, system.fields) == (("sink",), (0,))


@pytest.mark.parametrize("cut", [0, 1, 57, 180])
def test_reading_on_after_a_crash_gives_the_same_points(cut):
    records = script(31, 300)
    effects, _ = expected(records)

    def run(projector: Projector, inbox, outbox):
        return projector.of_outbox(outbox) + projector.of_inbox(inbox)

    whole = project()
    all_points = run(whole, records[:cut], effects[:cut]) + run(whole, records[cut:], effects[cut:])
    given = secrets()
    first = project(given=given)
    points = run(first, records[:cut], effects[:cut])
    kept = {key: value for key, value in first.take_changes().items() if value is not None}
    points += run(project(kept, given), records[cut:], effects[cut:])
    assert points == all_points


def test_what_is_remembered_stays_small():
    projector = project()
    for n in range(2_000):
        t_ms = T0_MS + n * 60 * MINUTE_MS
        projector.of_outbox([msgspec.structs.replace(page(t_ms), page=f"{INCIDENT}#0.worker.{n}", incident=f"i{n}")])
    kept = [key for key, value in projector.take_changes().items() if value is not None]
    assert len(kept) < 26 + 41 * 24, "pages of a day, incidents of forty"


def test_every_point_fits_its_row():
    records = script(32, 400)
    projector = project()
    points = projector.of_outbox(expected(records)[0]) + projector.of_inbox(records)
    assert {point.measurement for point in points} >= {
        "door",
        "temperature",
        "device",
        "incident",
        "latency",
        "verdict",
    }
    for point in points:
        row = BY_NAME[point.measurement]
        assert len(point.tags) == len(row.tags)
        assert len(point.fields) == len(row.fields)
        assert point.fields[0] is not None
        for field, value in zip(row.fields, point.fields, strict=True):
            assert value is None or (type(value) is int) == (field.type == "int"), (point, field.name)
