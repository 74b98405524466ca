"""Lines of a trace: good ones, bad ones, and a trace that lies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.events import Message
from streams.effects import Decision
from streams.frames import DeviceRow, RejectRecord
from streams.replay import BadLine, Replay, decision_json, parse_line
from tests.streams.core import HOME, POLICY, ms

T = "2020-02-16T09:30:00+08:00"


def line(**fields: object) -> bytes:
    return json.dumps({"t": T, **fields}).encode()


def test_payloads_come_as_the_device_wrote_them() -> None:
    raw = b'{"t":"2020-02-16T09:30:00+08:00","topic":"a/b","payload":{"x": 1.50,  "x":2}}'
    message = parse_line(1, raw).message
    assert message is not None and message.payload == b'{"x": 1.50,  "x":2}'
    message = parse_line(1, line(topic="a", payload="open", retain=True)).message
    assert message == Message("a", b"open", ms("09:30"), retained=True)
    message = parse_line(1, line(topic="a", base64="BlEOAP7kBwMLCx4FAg==")).message
    assert message is not None and message.payload.hex() == "06510e00fee407030b0b1e0502"
    for value, payload in ((5, b"5"), (None, b"null"), (True, b"true"), ([1], b"[1]"), ("", b"")):
        message = parse_line(1, line(topic="a", payload=value)).message
        assert message is not None and message.payload == payload


@pytest.mark.parametrize(
    ("raw", "what"),
    [(b"", "no JSON"), (b'{"t":"2020-02-16T09:30', "no JSON"), (b"[1]", "object"), (line(), "neither a topic"),
     (b'{"topic":"a","payload":1}', "t:"), (line(topic=5, payload=1), "neither a topic"), (line(topic="a"), "payload"),
     (line(topic="a", payload=1, retain="yes"), "retain"), (line(topic="a", base64="?"), "base64"),
     (b'{"t":"2020-02-16T09:30:00","topic":"a","payload":1}', "zone"), (b"\xff\xfe", "no JSON"),
     (b"[" * 100_000, "no JSON")],
)  # fmt: skip
def test_a_bad_line_says_what_is_wrong_and_where(raw: bytes, what: str) -> None:
    with pytest.raises(BadLine, match=what) as caught:
        parse_line(17, raw)
    assert caught.value.line == 17


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_a_bad_line(raw: bytes) -> None:
    try:
        parse_line(1, raw)
    except BadLine:
        pass


def replay(take: object = None) -> Replay:
    def nothing(message: Message) -> tuple[list, list[RejectRecord]]:
        return [], [RejectRecord(message.received_ms, "unknown-device", "no row", message.topic, message.payload)]

    fleet = [DeviceRow(0, "g017", "door", "household", HOME, 3600.0)]
    return Replay(POLICY, take or nothing, lambda at_ms: fleet, lambda command: [command])  # type: ignore[arg-type]


def decisions(one: Replay, *lines: bytes) -> list[dict[str, object]]:
    effects = [e for n, raw in enumerate(lines, 1) for e in one.feed(parse_line(n, raw))]
    return [decision_json(e, POLICY) for e in effects if isinstance(e, Decision)]


def test_what_a_gateway_would_refuse_is_a_decision() -> None:
    assert decisions(replay(), line(topic="a/b", payload=1)) == [
        {"t": T, "decision": "rejected", "reason": "unknown-device", "topic": "a/b", "detail": "no row"}
    ]


def test_a_command_that_is_none_is_refused_and_the_replay_goes_on() -> None:
    rows = decisions(replay(), line(command="dance"), line(command="tick"), line(command=7))
    assert [row["reason"] for row in rows] == ["malformed", "malformed"]


def test_a_time_that_goes_back_is_taken_as_now_and_said() -> None:
    one = replay()
    back = line(topic="a", payload=1).replace(b"09:30", b"09:20")
    rows = decisions(one, line(topic="a", payload=1), back)
    assert [row["t"] for row in rows] == [T, T]
    assert one.backwards == [2]


def test_finishing_lets_the_timers_fire_that_are_due_then() -> None:
    one = replay()
    open_case = line(command="open-case", household=HOME, by="w1", until="2020-02-24T00:00:00+08:00",
                     **{"from": "2020-02-10T00:00:00+08:00"})  # fmt: skip
    decisions(one, open_case)
    assert list(one.finish(ms("+1 09:29:59"))) == []
    assert [e.decision for e in one.finish(ms("+1 09:30")) if isinstance(e, Decision)] == ["raised"]
