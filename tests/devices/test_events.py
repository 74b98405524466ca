import msgspec

from devices.events import REJECT_REASONS, Event, Reading, Rejected


def test_an_event_is_read_by_a_release_that_knows_fewer_or_more_fields() -> None:
    event = Event("00ff", "door", "g017", "household", "g017/3/1203", 1, "door", open=True, signal=-61.0)
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(event))
    assert msgspec.convert(row, Event) == event
    assert msgspec.convert([*row, "a field of a later release"], Event) == event
    assert msgspec.convert(row[:8], Event) == Event("00ff", "door", "g017", "household", "g017/3/1203", 1, "door")


def test_a_heartbeat_takes_little_room() -> None:
    event = Event("00ff00ff00ff00ff", "door-0307", "g017", "household", "g017/3/1203", 1_581_816_600_000, "heartbeat")
    assert len(msgspec.msgpack.encode(event)) < 120


def test_the_reasons_are_the_contracts() -> None:
    assert set(REJECT_REASONS) == {
        "malformed", "unknown-device", "unknown-topic", "implausible", "too-large", "forbidden-topic",
    }  # fmt: skip
    assert Rejected("malformed").detail == ""


def test_what_was_not_said_is_none() -> None:
    reading = Reading(device="d", kind="door")
    assert reading.open is reading.battery_percent is reading.tamper is reading.at_ms is None
