import pytest

from devices.events import Rejected
from devices.formats.bridge_state import decode_bridge_state


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"offline", False),
        (b" Online\n", True),
        (b'{"state":"online"}', True),
        (b'{"state":"offline"}', False),
        (b'{"state": "offline", "since": 3}', False),
    ],
)
def test_both_ways_of_writing(payload, online):
    assert decode_bridge_state(payload) is online


@pytest.mark.parametrize(
    "payload",
    [b"", b"on", b"{}", b'{"state":1}', b'{"state":"up"}', b'{"state":"online","state":"offline"}', b"\xff", b"o" * 99],
)
def test_anything_else_is_malformed(payload):
    answer = decode_bridge_state(payload)
    assert isinstance(answer, Rejected)
    assert answer.reason == "malformed"
