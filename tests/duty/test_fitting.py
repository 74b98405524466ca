import pytest

from devices.fleet import Device
from duty.fitting import NEVER_CLOSES_MS, TEST_MS, Verdict, Word, judge, only_opens

BEGUN = 1_000_000


def said(*words: tuple[float, bool], device_ms: int | None = None) -> list[Word]:
    """(seconds after the beginning, open)."""
    return [Word(BEGUN + round(s * 1000), is_open, BEGUN + round(s * 1000) + 40, device_ms) for s, is_open in words]


OPEN, CLOSED = True, False


@pytest.mark.parametrize(
    ("words", "now_s", "state", "says_open"),
    [
        ([], 5, "waiting", None),
        ([], 121, "over", None),
        ([(-5, OPEN), (-1, CLOSED)], 5, "waiting", None),
        ([(5, OPEN)], 8, "opened", True),
        ([(5, OPEN), (6, OPEN)], 8, "opened", True),
        ([(5, OPEN)], 121, "over", True),
        ([(5, OPEN), (9, CLOSED)], 10, "passed", False),
        ([(5, OPEN), (9, CLOSED)], 500, "passed", False),
        ([(5, OPEN), (9, CLOSED), (12, OPEN)], 13, "opened", True),
        ([(5, OPEN), (9, CLOSED), (12, OPEN), (14, CLOSED)], 15, "passed", False),
        ([(5, OPEN), (121, CLOSED)], 122, "over", True),
        ([(121, OPEN), (122, CLOSED)], 123, "over", None),
        ([(120, OPEN)], 120, "opened", True),
        # The other way round: closed when it was opened, open when it was closed again.
        ([(5, CLOSED)], 8, "waiting", False),
        ([(5, CLOSED), (9, OPEN)], 10, "reversed", True),
        ([(5, CLOSED), (9, OPEN), (12, CLOSED)], 13, "reversed", False),
        ([(5, CLOSED)], 121, "over", False),
    ],
)
def test_how_a_test_stands(words, now_s, state, says_open):
    verdict = judge(said(*words), BEGUN, BEGUN + now_s * 1000)
    assert (verdict.state, verdict.says_open) == (state, says_open)


def test_what_it_took():
    words = said((5, OPEN), (9, CLOSED), device_ms=BEGUN + 4700)
    assert judge(words, BEGUN, BEGUN + 10_000) == Verdict(
        "passed", False, opening_ms=5000, own_clock_ms=300, to_desk_ms=40
    )
    unset = said((5, OPEN), (9, CLOSED), device_ms=0)
    assert judge(unset, BEGUN, BEGUN + 10_000).own_clock_ms is None, "a clock of 1970 tells nothing of how long it took"
    assert judge(said((5, OPEN)), BEGUN, BEGUN + 6000).own_clock_ms is None


def test_a_contact_that_knows_only_open_passes_by_its_opening_after_a_while():
    heard = said((5, OPEN))
    early, late = BEGUN + 5000 + NEVER_CLOSES_MS - 1, BEGUN + 5000 + NEVER_CLOSES_MS
    assert judge(heard, BEGUN, early, may_never_close=True).state == "opened"
    assert judge(heard, BEGUN, late, may_never_close=True).state == "passed"
    assert judge(heard, BEGUN, late).state == "opened"
    assert judge([], BEGUN, BEGUN + TEST_MS + 1, may_never_close=True).state == "over"


@pytest.mark.parametrize(
    ("fields", "only"),
    [
        ({"format": "tasmota", "address": "46FE69"}, True),
        ({"format": "tasmota", "address": "46FE69", "options": {"closed_code": "46FE6A"}}, False),
        ({"format": "tasmota", "address": "Switch2"}, False),
        ({"format": "tasmota"}, False),
        ({"format": "aqara", "address": "158d"}, False),
    ],
)
def test_which_contacts_may_know_only_open(fields, only):
    device = Device(**({"id": "d", "topic": "t", "where": "pool"} | fields))
    assert only_opens(device) is only
