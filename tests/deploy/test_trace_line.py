"""Lines of a trace bring back the very bytes, topics and times they were written from."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.trace_line import command_line, message_line, time_text
from streams.replay import parse_line

AT_MS = 1_581_816_600_000


def read_back(line):
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return parse_line(1, line)


@pytest.mark.parametrize(
    ("payload", "written"),
    [
        (b'{"contact":false,"battery":97}', '"payload":{"contact":false,"battery":97}'),
        (b"open", '"payload":"open"'),
        (b"87", '"payload":87'),
        (b"true", '"payload":true'),
        (b'"quoted"', r'"payload":"\"quoted\""'),
        (b"null", '"payload":"null"'),
        (b'{"a":\n1}', r'"payload":"{\"a\":\n1}"'),
        (b"\x06\x51\xff", '"base64":"BlH/"'),
        (b"", '"payload":""'),
        ("开".encode(), '"payload":"开"'),
    ],
)
def test_how_a_payload_is_written(payload, written):
    line = message_line(AT_MS, "t", payload)
    assert line.decode() == f'{{"t":"2020-02-16T09:30:00+08:00","topic":"t",{written}}}\n'
    assert read_back(line).message.payload == payload


@given(st.binary(max_size=60))
@example(b"NaN")
@example(b"1e999")
@example(b"[" * 200)
@example(b'{"a":1,"a":2}')
@example(b" 1")
@example(b"-0")
@example(b'{"a":"\\ud800"}')
@example(b'{"a":"\\u0041"}')
def test_any_bytes_come_back(payload):
    assert read_back(message_line(AT_MS, "t", payload)).message.payload == payload


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(_JSON, st.sampled_from([None, 1]))
def test_any_json_comes_back_as_it_was_written(value, indent):
    payload = json.dumps(value, indent=indent).encode()
    assert read_back(message_line(AT_MS, "t", payload)).message.payload == payload


@given(st.text(max_size=30).filter(lambda text: text.isprintable()), st.integers(0, 4_000_000_000_000), st.booleans())
def test_topic_time_and_retained_come_back(topic, at_ms, retained):
    line = read_back(message_line(at_ms, topic, b"x", retained=retained))
    assert (line.message.topic, line.t_ms, line.message.retained) == (topic, at_ms, retained)


def test_a_command_keeps_its_fields():
    line = read_back(command_line(AT_MS, {"command": "declare", "household": "g017/3/1", "reason": "倒垃圾"}))
    assert line.t_ms == AT_MS
    assert line.command["reason"] == "倒垃圾"


def test_a_time_has_milliseconds_only_where_there_are_any():
    assert time_text(AT_MS) == "2020-02-16T09:30:00+08:00"
    assert time_text(AT_MS + 5) == "2020-02-16T09:30:00.005+08:00"
