import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.events import REJECT_REASONS, Event, Reading
from devices.formats import Format, table
from gateway.duplicates import Duplicates
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import Command
from streams.frames import DeviceRow, decode_inbox, encode_inbox
from tests.gateway.worlds import FLEET, door, fleet_of, intake_of, message


def only(taken) -> Event:
    [event] = taken.events
    assert taken.rejects == []
    return event


def reason(taken) -> str:
    [record] = taken.rejects
    return record.reason


def test_a_message_becomes_an_event_with_its_place():
    event = only(intake_of().take(message(payload=b'{"contact":false,"battery":97,"linkquality":90}', at_ms=5000)))
    assert (event.device, event.grid, event.where, event.place) == ("door-1", "g017", "household", "g017/3/1203")
    assert (event.kind, event.open, event.battery_percent, event.signal) == ("door", True, 97, 90)
    assert (event.received_ms, event.report, event.has_cause) == (5000, "live", False)


def test_every_field_of_a_reading_is_carried_over():
    payload = b'{"celsius":37.6,"pass":"A-0193","ambient":12.5,"site":"wrist","seq":7,"battery":55,"at":1581816600000}'
    event = only(intake_of().take(message("threshold/g017/gun-1/temperature", payload)))
    assert (event.celsius, event.site, event.pass_id, event.ambient_celsius) == (37.6, "wrist", "A-0193", 12.5)
    assert (event.battery_percent, event.device_ms, event.has_cause) == (55, 1581816600000, True)
    event = only(intake_of().take(message("threshold/g017/dev-1/door", b'{"state":"closed","n":7}')))
    assert (event.open, event.opens_counted) == (False, 7)
    event = only(intake_of().take(message(payload=b'{"tamper":true,"battery_low":true}')))
    assert (event.tamper, event.battery_low) == (True, True)
    event = only(intake_of().take(message(payload=b'{"action":"single"}')))
    assert event.button == "single"
    event = only(intake_of().take(message("zigbee2mqtt/door-1/availability", b"offline")))
    assert event.online is False


def test_what_the_broker_kept_is_a_state():
    assert only(intake_of().take(message(retained=True))).report == "retained"


@pytest.mark.parametrize(
    ("topic", "payload", "client", "expected"),
    [
        ("zigbee2mqtt/door-9", b"{}", "", "unknown-device"),
        ("zigbee2mqtt/door-1/nonsense", b"1", "", "unknown-topic"),
        ("zigbee2mqtt/door-1", b"{", "", "malformed"),
        ("zigbee2mqtt/door-1", b'{"contact":"ajar"}', "", "malformed"),
        ("zigbee2mqtt/door-1", b"x" * 65_537, "", "too-large"),
        ("zigbee2mqtt/door-1", b'{"contact":false}', "dev-1", "forbidden-topic"),
        ("zigbee2mqtt/door-1", b'{"contact":false}', "siren-1", "forbidden-topic"),
        ("zigbee2mqtt/door-9", b"{}", "door-1", "forbidden-topic"),
        ("zigbee2mqtt/door-9", b"{}", "z2m-17", "unknown-device"),
        ("zigbee2mqtt/bridge/state", b"perhaps", "", "malformed"),
    ],
)
def test_what_cannot_come_in_has_its_reason(topic, payload, client, expected):
    taken = intake_of().take(message(topic, payload, client=client))
    assert reason(taken) == expected
    assert taken.events == []
    assert taken.rejects[0].payload == payload[:65_536]


@pytest.mark.parametrize(("size", "large"), [(65_536, False), (65_537, True)])
def test_64_kib_is_the_most(size, large):
    padding = b" " * (size - len(b'{"contact":false}'))
    taken = intake_of().take(message(payload=b'{"contact":false}' + padding))
    assert bool(taken.rejects) is large


def test_a_device_may_say_what_is_its_own():
    assert only(intake_of().take(message(client="door-1"))).device == "door-1"
    assert only(intake_of().take(message(client="z2m-17"))).device == "door-1"


@pytest.mark.parametrize(("celsius", "implausible"), [(34.9, True), (35.0, False), (42.5, False), (42.6, True)])
def test_a_temperature_no_body_has_is_refused_and_answered(celsius, implausible):
    taken = intake_of().take(message("threshold/g017/gun-1/temperature", b'{"celsius":%.1f}' % celsius))
    [event] = taken.events
    assert event.implausible is implausible
    assert [r.reason for r in taken.rejects] == (["implausible"] if implausible else [])


def test_the_same_number_twice_is_one_message():
    intake = intake_of()
    payload = b'{"state":"open","seq":7}'
    assert only(intake.take(message("threshold/g017/dev-1/door", payload, 1000))).has_cause
    again = intake.take(message("threshold/g017/dev-1/door", payload, 1500))
    assert (again.events, again.rejects, again.duplicates) == ([], [], 1)


def test_sent_again_with_the_same_packet_id_is_one_message():
    intake = intake_of()
    only(intake.take(message(packet_id=9)))
    assert intake.take(message(packet_id=9, redelivered=True, at_ms=2000)).duplicates == 1
    only(intake.take(message(packet_id=10, redelivered=True, at_ms=2000)))


def test_equal_words_without_a_number_are_two_messages():
    intake = intake_of()
    first, second = only(intake.take(message())), only(intake.take(message()))
    assert first.id != second.id


def test_what_an_earlier_run_took_is_a_duplicate_in_this_one():
    first = intake_of()
    events = [only(first.take(message(packet_id=9, at_ms=5000)))]
    after_restart = intake_of()
    after_restart.remember(events)
    assert after_restart.take(message(packet_id=9, redelivered=True, at_ms=5100)).duplicates == 1
    assert only(after_restart.take(message(packet_id=10, at_ms=100))).received_ms >= 5000


def test_time_never_goes_back():
    intake = intake_of()
    times = [only(intake.take(message(at_ms=at_ms))).received_ms for at_ms in (1000, 900, 1001, 1)]
    assert times == [1000, 1000, 1001, 1001]
    online = intake.availability("door-1", True, 5)
    assert online is not None
    assert online.received_ms == 1001


def test_a_connection_speaks_for_its_device():
    intake = intake_of()
    online, bridge = intake.availability("door-1", True, 10), intake.availability("z2m-17", False, 20)
    assert online is not None
    assert bridge is not None
    assert (online.kind, online.online, online.place) == ("availability", True, "g017/3/1203")
    assert (bridge.where, bridge.place, bridge.online) == ("bridge", "z2m-17", False)
    assert intake.availability("siren-1", True, 30) is None
    assert intake.availability("nobody", True, 30) is None


def test_the_state_of_a_bridge():
    event = only(intake_of().take(message("zigbee2mqtt/bridge/state", b'{"state":"offline"}', retained=True)))
    assert (event.kind, event.where, event.place, event.online) == ("availability", "bridge", "z2m-17", False)
    assert event.report == "retained"


def test_the_chatter_of_a_bridge_says_twice_a_minute_that_it_lives():
    intake = intake_of()
    at = [0, 10_000, 29_999, 30_000, 59_000, 60_000]
    heard = [intake.take(message("zigbee2mqtt/bridge/logging", b"x" * 70_000, at_ms=at_ms)).events for at_ms in at]
    assert [len(events) for events in heard] == [1, 0, 0, 1, 0, 1]
    assert intake.take(message("zigbee2mqtt/bridge/info", b"{}", at_ms=10**6, retained=True)).events == []


def test_a_sensor_of_the_pool_is_nowhere_until_it_is_lent():
    intake = intake_of()
    assert only(intake.take(message("zigbee2mqtt/spare-1"))).where == "pool"
    command = Command("c", 2000, "open-case", "g021", household="g021/1/101", device="spare-1", from_ms=0, until_ms=9)
    gone, lent, _state, same = intake.command(command)
    assert same is command
    assert isinstance(gone, DeviceRow)
    assert isinstance(lent, DeviceRow)
    assert (gone.grid, gone.present) == ("pool", False)
    assert (lent.grid, lent.where, lent.place, lent.present) == ("g021", "household", "g021/1/101", True)
    event = only(intake.take(message("zigbee2mqtt/spare-1", at_ms=3000)))
    assert (event.grid, event.place) == ("g021", "g021/1/101")
    assert intake.bindings == {"spare-1": "g021/1/101"}


def test_the_end_of_a_case_gives_the_sensor_back():
    intake = intake_of(bindings={"spare-1": "g021/1/101"})
    assert only(intake.take(message("zigbee2mqtt/spare-1"))).place == "g021/1/101"
    command = Command("c", 2000, "close-case", "g021", household="g021/1/101")
    same, gone, back = intake.command(command)
    assert same is command
    assert isinstance(gone, DeviceRow)
    assert isinstance(back, DeviceRow)
    assert (gone.grid, gone.present, back.grid, back.where) == ("g021", False, "pool", "pool")
    assert intake.bindings == {}
    assert intake.command(command) == [command]


def test_a_sensor_with_a_place_of_its_own_is_not_lent():
    intake = intake_of()
    command = Command("c", 2000, "open-case", "g021", household="g021/1/101", device="door-1", from_ms=0, until_ms=9)
    assert intake.command(command) == [command]
    unknown = Command("c", 2000, "open-case", "g021", household="g021/1/101", device="no such", from_ms=0, until_ms=9)
    assert intake.command(unknown) == [unknown]
    assert only(intake.take(message())).place == "g017/3/1203"


LEND = Command(
    id="c", at_ms=9, name="open-case", grid="g021", by="w", household="g021/1/101", device="spare-1", from_ms=1,
    until_ms=99,
)  # fmt: skip


@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_sensor_said_in_the_drawer_is_told_again_where_it_is_lent_to(restarted):
    """Its test opening is not the household's; that the door is closed is."""
    intake = intake_of()
    said = [
        event
        for at_ms, contact in ((1, b"true"), (2, b"false"), (3, b"true"))
        for event in intake.take(message("zigbee2mqtt/spare-1", b'{"contact":%b}' % contact, at_ms)).events
    ]
    assert [event.grid for event in said] == ["pool"] * 3
    if restarted:
        intake = intake_of()
        intake.remember(said)
    _, row, state, command = intake.command(LEND)
    assert isinstance(row, DeviceRow)
    assert isinstance(state, Event)
    assert (state.grid, state.place, state.open, state.report, state.received_ms) == (
        "g021", "g021/1/101", False, "periodic", 9,
    )  # fmt: skip
    assert command is LEND


def test_a_sensor_that_never_said_anything_has_nothing_to_tell_again():
    intake = intake_of()
    intake.take(message("zigbee2mqtt/spare-1", b'{"battery":97}'))
    assert [type(record) for record in intake.command(LEND)] == [DeviceRow, DeviceRow, Command]


def test_the_rows_of_the_fleet_show_where_a_sensor_is_lent_to():

    rows = intake_of(bindings={"spare-1": "g021/1/101"}).rows(fleet_records(FLEET, table(), 1))
    [row] = [r for r in rows if isinstance(r, DeviceRow) and r.device == "spare-1"]
    assert (row.grid, row.where, row.place) == ("g021", "household", "g021/1/101")


def test_what_a_format_learns_is_handed_over_to_be_kept():

    def decode(message, known):
        known.memory["count"] = known.memory.get("count", 0) + 1
        known.memory_changed = True
        return [Reading(device="door-1", kind="heartbeat", opens_counted=known.memory["count"])]

    learner = Format(name="zigbee2mqtt", decode=decode, profile=table()["zigbee2mqtt"].profile)
    first = Intake(fleet_of(door()), {"zigbee2mqtt": learner})
    key, kept = first.take(message()).memory or ("", b"")
    assert msgspec.msgpack.decode(kept) == {"count": 1}
    second = Intake(fleet_of(door()), {"zigbee2mqtt": learner}, memory={key: kept})
    assert only(second.take(message())).opens_counted == 2


topics = st.sampled_from(
    (
        "zigbee2mqtt/door-1",
        "zigbee2mqtt/door-1/availability",
        "threshold/g017/gun-1/temperature",
        "threshold/g017/dev-1/door",
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/bridge/info",
        "nobody",
        "",
        "/",
        "$SYS/x",
    )
) | st.text(max_size=30)
payloads = st.binary(max_size=60) | st.sampled_from(
    [b'{"contact":false}', b'{"celsius":NaN}', b'{"celsius":1e999}', b"[" * 5000, b'{"state":"open","n":3}', b"offline"]
)
messages = st.tuples(topics, payloads, st.integers(0, 10**13), st.booleans(), st.booleans(), st.integers(0, 3))


@given(st.lists(messages, max_size=20), st.sampled_from(["", "door-1", "z2m-17", "siren-1", "nobody"]))
def test_garbage_is_taken_or_has_its_reason_and_nothing_else(garbage, client):
    def run():
        intake = intake_of(duplicates=Duplicates(most=5))
        out = []
        for topic, payload, at_ms, retained, redelivered, packet_id in garbage:
            marks = {"retained": retained, "redelivered": redelivered, "packet_id": packet_id, "client": client}
            taken = intake.take(message(topic, payload, at_ms, **marks))
            assert all(r.reason in REJECT_REASONS for r in taken.rejects)
            out.append(taken)
        return out

    taken = run()
    events = [event for one in taken for event in one.events]
    assert decode_inbox(encode_inbox(list(events))) == events
    assert [e.received_ms for e in events] == sorted(e.received_ms for e in events)
    assert run() == taken  # no clock, no chance


def test_what_another_gateways_format_learnt_is_known_here():
    intake = intake_of()
    intake.learn("zigbee2mqtt/door-1", b"\x81\xa1a\x01")
    intake.learn("nobody's", b"\x80")
    assert intake.known["zigbee2mqtt/door-1"].memory == {"a": 1}
