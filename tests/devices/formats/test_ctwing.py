import json

from devices.events import Rejected
from devices.formats.ctwing import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("ctwing", "push", address="dev-1"))


def push(**values):
    return json.dumps({"messageType": "dataReport", "deviceId": "dev-1", "payload": values}).encode()


def test_a_name_in_any_spelling():
    for name in ("doorStatus", "door_status", "DOOR-STATUS", "magnetState", "menci"):
        assert one(take(KNOWN, "push", push(**{name: 1}))).open is True


def test_words_say_themselves_whatever_the_row_says():
    known = known_of(door("ctwing", "push", address="dev-1", open_is="0"))
    assert one(take(known, "push", push(doorStatus="open"))).open is True
    assert one(take(known, "push", push(doorStatus="CLOSED"))).open is False
    assert one(take(known, "push", push(doorStatus=1))).open is False


def test_a_count_of_openings():
    reading = one(take(KNOWN, "push", push(doorStatus=1, open_times=9)))
    assert reading.opens_counted == 9


def test_a_transparent_product_is_refused_with_the_remedy():
    answer = take(KNOWN, "push", push(APPdata="AAEC"))
    assert isinstance(answer, Rejected)
    assert "profile" in answer.detail


def test_what_it_recognises():
    found = recognise("push", push(doorStatus=1))
    assert found is not None
    assert found.address == "dev-1"
    assert recognise("push", push(**{"3342_0_5500": 1})) is not None
    assert recognise("push", push(temperature=20)) is None
