import msgspec
import pytest

from devices.events import Event
from streams.commands import Command
from streams.effects import Answer, Cause, Decision, HouseholdSeen, Noted, Reason
from streams.frames import (
    VERSION,
    BridgeRow,
    DeviceRow,
    FrameError,
    Receipt,
    SystemReport,
    decode_beside_events,
    decode_inbox,
    decode_outbox,
    encode_inbox,
    encode_outbox,
)

INBOX = [
    Event("00ff00ff00ff00ff", "door", "g017", "household", "g017/3/1203", 1, "door", open=True),
    Command("c1", 2, "acknowledge", "g017", "w1", "worker"),
    DeviceRow(3, "g017", "door", "household", "g017/3/1203", 3600.0),
    BridgeRow(4, "g017", "z2m"),
    SystemReport(5, "sink", False, "behind"),
    Receipt(6, "g017", "page", "mqtt", "accepted"),
]
OUTBOX = [
    Decision(
        1, "page", "g017", "g017/3/1203", "fever", reason=Reason("over", {"celsius": 37.0}), cause=Cause("gun", 1, 2)
    ),
    Answer(2, "g017", "g017/north", "gun", "", "pass", 36.5, 36.9, "forehead", Reason("below")),
    HouseholdSeen(3, "g017", "g017/3/1203", True, 1, 2, None, None, None, False, False, False, ["fever"]),
    Noted(4, "g017", "g017/3/1203", "", "", Reason("declared")),
]


def test_what_is_written_is_read() -> None:
    assert decode_inbox(encode_inbox(INBOX)) == INBOX
    assert decode_outbox(encode_outbox(OUTBOX)) == OUTBOX


def test_what_is_no_event_is_read_without_them() -> None:
    assert decode_beside_events(encode_inbox([*INBOX, INBOX[0]])) == INBOX[1:]
    assert decode_beside_events(encode_inbox([INBOX[0]])) == []
    with pytest.raises(FrameError, match="upgrade"):
        decode_beside_events(msgspec.msgpack.encode([VERSION + 1, []]))
    for cut in range(40):
        with pytest.raises(FrameError):
            decode_beside_events(encode_inbox(INBOX)[:cut])


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_half_a_frame_is_none(cut: int) -> None:
    with pytest.raises(FrameError):
        decode_inbox(encode_inbox(INBOX)[:cut])


def test_a_newer_frame_is_said_to_be_one() -> None:
    newer = msgspec.msgpack.encode([VERSION + 1, [{"another": "shape"}]])
    for decode in (decode_inbox, decode_outbox):
        with pytest.raises(FrameError, match="upgrade this process"):
            decode(newer)
    with pytest.raises(FrameError, match="upgrade"):
        decode_inbox(msgspec.msgpack.encode([VERSION + 1, []]))


def test_fields_added_at_the_end_are_passed_over() -> None:
    row = msgspec.msgpack.decode(encode_inbox([INBOX[4]]))
    row[1][0].append("a field of a later release")
    assert decode_inbox(msgspec.msgpack.encode(row)) == [INBOX[4]]
