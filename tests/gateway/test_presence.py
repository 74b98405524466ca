import pytest

from gateway.presence import was_cut_off


@pytest.mark.parametrize(
    ("by", "has_will", "heard_ms", "cut_off", "because"),
    [
        ("network", False, 70_000, True, "it kept its connection alive and is gone"),
        ("protocol", False, 70_000, True, "silent for longer than its keep-alive"),
        ("client", False, 70_000, False, "it said goodbye"),
        ("server", False, 70_000, False, "we ended it"),
        ("network", True, 70_000, False, "its will says it"),
        ("network", False, 3_000, False, "a battery sensor that spoke and went to sleep"),
        ("protocol", False, 59_999, False, "never heard again after its first minute"),
        ("network", False, 60_000, True, "heard again after one keep-alive"),
    ],
)
def test_who_is_offline(by, has_will, heard_ms, cut_off, because):
    assert was_cut_off(by, has_will, connected_ms=0, heard_ms=heard_ms, keep_alive_s=60) is cut_off, because
