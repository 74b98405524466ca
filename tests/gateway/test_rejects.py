import pytest

from devices.events import REJECT_REASONS, Event
from gateway.rejects import NEWS_MS, Counts, dated_back, decode_reject, encode_reject, once_more, reject
from tests.gateway.worlds import door, fleet_of, intake_of, message


def test_a_reject_keeps_the_bytes_and_comes_back_whole():
    kept = reject(message(payload=b"\xff\0{", retained=True, client="door-1"), "malformed", "not JSON", "door-1")
    assert decode_reject(encode_reject(kept)) == kept
    again = once_more(kept, now_ms=9000)
    assert (again.topic, again.payload, again.retained, again.client) == (kept.topic, b"\xff\0{", True, "door-1")
    assert again.received_ms == 9000


def test_of_a_payload_too_large_the_beginning_is_kept():
    assert len(reject(message(payload=b"x" * 1_000_000), "too-large", "").payload) == 65_536


def event(**fields) -> Event:
    given = {"id": "0" * 16, "device": "d", "grid": "g", "where": "household", "place": "g/1/1", "kind": "door"}
    return Event(**(given | {"received_ms": NEWS_MS + 5000} | fields))


@pytest.mark.parametrize(
    ("at_ms", "fields", "report"),
    [
        (4000, {}, "retained"),
        (5000, {}, "live"),
        (4000, {"device_ms": 3990}, "live"),
        (4000, {"report": "periodic"}, "periodic"),
    ],
)
def test_an_old_message_without_its_own_time_is_no_news(at_ms, fields, report):
    assert dated_back(event(**fields), reject(message(at_ms=at_ms), "malformed", "")).report == report


def test_what_was_unknown_comes_in_once_the_fleet_knows_it():
    taken = intake_of().take(message("zigbee2mqtt/door-9", at_ms=1000))
    [kept] = taken.rejects
    mended = intake_of(fleet_of(door("door-9")))
    assert [e.device for e in mended.take_again(kept, 2000).events] == ["door-9"]
    assert [r.reason for r in intake_of().take_again(kept, 2000).rejects] == ["unknown-device"]


def test_every_reason_is_counted_from_the_beginning():
    counts = Counts()
    assert set(counts.by_reason) == set(REJECT_REASONS)
    counts.add([reject(message(), "malformed", ""), reject(message(), "malformed", "")])
    assert counts.by_reason["malformed"] == 2
