import struct

import pytest

from devices.events import Rejected
from devices.formats.sparkplug_payload import decode_payload


def value_of(metric):
    """The value of the one metric whose fields are `metric`."""
    answer = decode_payload(b"\x12" + bytes([len(metric)]) + metric)
    assert not isinstance(answer, Rejected), answer.detail
    (found,) = answer[0].metrics
    return found.value


@pytest.mark.parametrize(
    ("datatype", "number", "value"),
    [(1, 0xFF, -1), (2, 0xFFFE, -2), (3, 0xFFFFFFFF, -1), (3, 7, 7), (7, 0xFFFFFFFF, 0xFFFFFFFF), (5, 200, 200)],
)
def test_whole_numbers_by_their_datatype(datatype, number, value):
    varint, rest = b"", number
    while rest > 0x7F:
        varint, rest = varint + bytes([rest & 0x7F | 0x80]), rest >> 7
    assert value_of(b"\x20" + bytes([datatype]) + b"\x50" + varint + bytes([rest])) == value


def test_fractions_words_and_bits():
    assert value_of(b"\x65" + struct.pack("<f", 36.5)) == 36.5
    assert value_of(b"\x69" + struct.pack("<d", 36.6)) == 36.6
    assert value_of(b"\x7a\x04open") == "open"
    assert value_of(b"\x70\x01") is True
    assert value_of(b"\x70\x01\x38\x01") is None, "is_null"
    assert value_of(b"\x82\x01\x02xx") is None, "bytes are nothing of ours"


def test_its_json_form_with_and_without_a_topic():
    answer = decode_payload(b'{"payload":{"seq":3,"metrics":[{"name":"Open","value":true}]}}')
    assert not isinstance(answer, Rejected)
    payload, topic = answer
    assert (payload.seq, payload.metrics[0].value, topic) == (3, True, "")
    told = b'{"topic":{"groupId":"G","edgeNodeId":"E","type":"NDATA"},"payload":{}}'
    answer = decode_payload(told)
    assert not isinstance(answer, Rejected)
    assert answer[1] == "spBv1.0/G/NDATA/E"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x12\x05ab",
        b"\x12\x03\x0a\x01\xff",
        b"{",
        b"[]",
        b"\x12\x00" * 300,
        b'{"payload":{"metrics":[{"value":[]}]}}',
    ],
)
def test_what_is_no_payload(data):
    assert isinstance(decode_payload(data), Rejected)
