import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow import Allowance, Bounds, Flow


def test_reading_stops_at_the_bound_and_begins_again_at_half():
    flow = Flow(Bounds(messages=10, bytes=1000))
    assert flow.took(9, 90)
    assert not flow.took(1, 10)
    assert not flow.committed(4, 40)
    assert flow.committed(1, 10)
    assert flow.reading


def test_bytes_count_as_well_as_messages():
    flow = Flow(Bounds(messages=10, bytes=1000))
    assert not flow.took(1, 1000)
    assert flow.committed(1, 1000)


def test_a_log_that_fails_stops_reading_until_a_commit_succeeds():
    flow = Flow()
    flow.took(1, 10)
    flow.failed()
    assert flow.failing
    assert not flow.reading
    assert flow.committed(1, 10)
    assert not flow.failing


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 500)), max_size=60))
def test_whatever_comes_nothing_is_left_when_all_is_written(sizes):
    flow = Flow(Bounds(messages=100, bytes=5000))
    for messages, size in sizes:
        flow.took(messages, size)
    for messages, size in sizes:
        flow.committed(messages, size)
    assert (flow.messages, flow.bytes, flow.reading) == (0, 0, True)


def test_a_device_may_send_a_burst_and_then_waits():
    allowance = Allowance(rate=20, burst=40, now_ms=0)
    assert allowance.spend(40, 0) == 0
    assert allowance.spend(1, 0) == pytest.approx(50)
    assert allowance.spend(20, 0) == pytest.approx(1050)


def test_an_allowance_grows_with_time_up_to_the_burst():
    allowance = Allowance(rate=20, burst=40, now_ms=0)
    allowance.spend(40, 0)
    assert allowance.spend(20, 1000) == 0
    assert allowance.spend(41, 1_000_000) == pytest.approx(50)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=50))
def test_a_device_that_waits_as_told_keeps_its_rate(batches):
    """Over any time it sends at most the burst, what the last batch held, and the rate."""
    allowance = Allowance(rate=20, burst=40, now_ms=0)
    now_ms = 0.0
    for batch in batches[:-1]:
        now_ms += allowance.spend(batch, int(now_ms)) + 1
    assert sum(batches[:-1]) <= 40 + 20 * now_ms / 1000 + 1
