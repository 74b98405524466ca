import msgspec
import pytest

from devices.events import Rejected
from devices.formats.strict_json import LIMIT_BYTES, SLOW_LIMIT_BYTES, reader


class Said(msgspec.Struct):
    state: str | None = None
    level: float | None = None


read = reader(Said, "state")


def reason(payload):
    answer = read(payload)
    assert isinstance(answer, Rejected), answer
    return answer.reason, answer.detail


def test_a_typed_value():
    assert read(b'{"state":"open","level":3,"other":[{}]}') == Said("open", 3.0)


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "the payload is empty"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"state":1}', "Expected `str | null`, got `int` - at `$.state`"),
        (b'{"level":"3"}', "Expected `float | null`, got `str` - at `$.level`"),
        (b'{"level":true}', "Expected `float | null`, got `bool` - at `$.level`"),
        (b'{"level":1e999}', "Number out of range - at `$.level`"),
        (b'{"x":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"x":' + b"[" * 9000 + b"]" * 9000 + b"}", "nested too deep"),
        (b'{"state":"open","state":"open"}', "a key is there twice"),
        (b'{"a":{"state":1,"state":2},"state":"x"}', "a key is there twice"),
        (b'{"\\u0073tate":"open","state":"closed"}', "a key is there twice"),
    ],
)
def test_what_is_malformed_and_why(payload, detail):
    assert reason(payload) == ("malformed", detail)


def test_a_detail_does_not_repeat_what_a_device_wrote():
    class Choice(msgspec.Struct, tag_field="kind", tag="a"):
        pass

    answer = reader(Choice)(b'{"kind":"secret of a resident"}')
    assert isinstance(answer, Rejected)
    assert "secret" not in answer.detail


def test_the_same_key_in_two_objects_is_no_doubt():
    assert read(b'{"state":"open","inner":{"state":"closed"}}') == Said("open")


def test_the_word_as_a_value_is_no_doubt():
    assert read(b'{"state":"state"}') == Said("state")


def test_an_escaped_letter_in_a_value_is_no_doubt():
    assert read(b'{"state":"\\u003copen\\u003e"}') == Said("<open>")


def test_a_message_too_long_to_make_sure_is_refused():
    filling = b'"x":"' + b"a" * SLOW_LIMIT_BYTES + b'"'
    assert reason(b'{"state":"open",' + filling + b',"state":"open"}')[0] == "malformed"
    assert read(b'{"state":"open",' + filling + b"}") == Said("open")


def test_a_long_message_is_too_large():
    assert reason(b'{"x":"' + b"a" * LIMIT_BYTES + b'"}') == ("too-large", "65544 bytes, at most 65536 are read")
    small = reader(Said, most_bytes=10)
    assert isinstance(small(b'{"state":"open"}'), Rejected)


def test_a_detail_stays_short_however_deep_the_trouble_lies():
    class Anything(msgspec.Struct):
        x: object = None

    answer = reader(Anything)(b'{"x":' + b"[" * 400 + b"1e999" + b"]" * 400 + b"}")
    assert isinstance(answer, Rejected)
    assert 0 < len(answer.detail) <= 200
