import pytest

from devices.events import Rejected
from devices.formats.native import recognise, topics
from tests.devices.formats.routing import door, gun, known_of, one, take

DOOR = "threshold/g017/board-1/door"
WARM = "threshold/g017/board-1/temperature"


def test_a_row_that_names_one_topic_owns_the_status_beside_it():
    assert topics(gun("native", WARM)) == [WARM, "threshold/g017/board-1"]
    assert topics(door("native", "threshold/g017/board-1")) == ["threshold/g017/board-1"]


def test_a_board_with_two_rows_speaks_for_both_by_its_status_only():
    known = known_of(door("native", DOOR), gun("native", WARM))
    assert one(take(known, DOOR, b'{"state":"open"}')).device == "d"
    assert one(take(known, WARM, b'{"celsius":36.6}')).device == "g"
    answer = take(known, "threshold/g017/board-1/status", b"offline")
    assert isinstance(answer, list)
    assert {reading.device for reading in answer} == {"d", "g"}


def test_another_row_that_names_the_parent_has_the_status_for_itself():
    known = known_of(door("native", "threshold/g017/board-1"), gun("native", WARM))
    assert one(take(known, "threshold/g017/board-1/status", b"online")).device == "d"
    assert one(take(known, WARM, b'{"celsius":36.6}')).device == "g"


def test_a_check_in_that_repeats_its_count_is_no_duplicate():
    known = known_of(door("native", "threshold/g017/board-1"))
    assert one(take(known, DOOR, b'{"state":"closed","n":7}')).cause == ""
    assert one(take(known, "threshold/g017/board-1/heartbeat", b'{"n":7}')).cause == ""
    assert one(take(known, DOOR, b'{"state":"closed","n":7,"seq":9}')).cause == "seq 9"


@pytest.mark.parametrize("word", [b'"a/b"', b'"' + b"a" * 41 + b'"', b'"a b"', b"7"])
def test_a_pass_must_be_fit_to_name_a_subject(word):
    answer = take(known_of(gun("native", WARM)), WARM, b'{"celsius":36.6,"pass":%b}' % word)
    assert isinstance(answer, Rejected)
    assert answer.reason == "malformed"


def test_a_pass_in_chinese():
    known = known_of(gun("native", WARM))
    assert one(take(known, WARM, '{"celsius":36.6,"pass":"北-0193"}'.encode())).pass_id == "北-0193"


def test_what_it_recognises():
    found = recognise(DOOR, b'{"state":"open"}')
    assert found is not None
    assert (found.topic, found.sort) == ("threshold/g017/board-1", "door")
    found = recognise(WARM, b'{"celsius":36.6}')
    assert found is not None
    assert (found.topic, found.sort) == (WARM, "thermometer")
    assert recognise(DOOR, b'{"state":"ajar"}') is None
    assert recognise("threshold/g017/board-1/heartbeat", b"{}") is None
    assert recognise("other/g017/board-1/door", b'{"state":"open"}') is None
